"""``tftrt.compat``: scripts for TF-TRT's TrtGraphConverterV2, with another import line.

What converts runs in the tests' TensorFlow process: functions whose names start with ``run_``.
"""

from __future__ import annotations

import gc
import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from unittest import mock

import numpy as np
import pytest

import tftrt
from conftest import HERE, TensorFlow
from tftrt import compat as trt
from tftrt.manifest import MANIFEST_PATH

DOCUMENT = (HERE.parents[1] / "docs" / "compat.md").read_text()


def images(batch: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).standard_normal((batch, 8, 8, 3)).astype(np.float32)


def manifest(directory: Path) -> dict[str, Any]:
    return json.loads((directory / MANIFEST_PATH).read_text())


class FakeBuild:
    """Stands for ``tftrt.build``: notes what it is called with, and writes the model again."""

    def __init__(self) -> None:
        self.calls: list[dict[str, Any]] = []
        self.error: Exception | None = None

    def __call__(self, path: Path, *, output: Path, **options: Any) -> None:
        for name in ("data", "calibration"):
            if options.get(name) is not None:
                options[name] = list(options[name])
        self.calls.append(options)
        if self.error:
            raise self.error
        shutil.copytree(path, output)
        (output / "assets").mkdir(exist_ok=True)
        (output / "assets" / "trt-serialized-engine.made_up").write_bytes(b"plan")

    def tables(self, path: Path) -> dict[str, str]:
        return {engine["name"]: f"table of {engine['name']}" for engine in manifest(path)["engines"]}

    def __enter__(self) -> FakeBuild:
        self._patches = [
            mock.patch.object(tftrt, "build", self, create=True),
            mock.patch.object(tftrt, "calibration_table", self.tables, create=True),
        ]
        for patch in self._patches:
            patch.start()
        return self

    def __exit__(self, *_: object) -> None:
        for patch in self._patches:
            patch.stop()


def engine_attributes(directory: Path, name: str) -> list[Any]:
    """An attribute of every engine in a SavedModel."""
    from native_runner import read_graph

    return [node.attr[name] for node in read_graph(directory).graph_def.node if node.op == "TRTEngineOp"]


# Scripts


def run_documented_script(source: str, destination: str) -> tuple[dict[str, Any], list[str]]:
    import tensorflow as tf

    params = trt.DEFAULT_TRT_CONVERSION_PARAMS._replace(precision_mode=trt.TrtPrecisionMode.FP16)
    converter = trt.TrtGraphConverterV2(input_saved_model_dir=source, conversion_params=params)
    function = converter.convert()
    lines: list[str] = []
    converter.summary(print_fn=lines.append)
    converter.save(output_saved_model_dir=destination)
    by_position = function(tf.constant(images(2)))
    by_name = function(image=tf.constant(images(2)))
    np.testing.assert_array_equal(by_position["probabilities"], by_name["probabilities"])
    assert [spec.name for spec in function.structured_input_signature[1].values()] == ["image"]
    return {key: value.numpy() for key, value in by_name.items()}, lines


def test_documented_script(tensorflow: TensorFlow, exported: Callable[[str], Path], tmp_path: Path) -> None:
    source, destination = exported("cnn"), tmp_path / "some" / "folder" / "cnn_trt"
    found, lines = tensorflow.call(run_documented_script, str(source), str(destination))
    (expected,) = tensorflow.expected(source, [{"image": images(2)}])
    np.testing.assert_array_equal(found["probabilities"], expected["probabilities"])
    with tftrt.Model(destination) as model:
        np.testing.assert_array_equal(model(images(2))["probabilities"], expected["probabilities"])
    conversion = manifest(destination)["conversion"]
    assert (conversion["precision"], conversion["dynamic_shapes"]) == ("FP16", False)
    assert conversion["max_workspace_size_bytes"] == trt.DEFAULT_TRT_MAX_WORKSPACE_SIZE_BYTES
    text = "\n".join(lines)
    head = "TRTEngineOP Name Precision # Nodes # Inputs # Outputs Input DTypes Output Dtypes Input Shapes Output Shapes"
    assert lines[0].split() == head.split()
    assert "\t- Conv2D: 2x" in lines
    assert re.search(r"TRTEngineOp_\w+ +FP16 +8 +1 +1 +\['float32'\] +\['float32'\] +\[\[-1, 8, 8, 3\]\]", text)
    assert "[*] Total number of TensorRT engines: 1\n[*] % of OPs Converted: 100.00% [8/8]" in text


def run_document(blocks: list[str], folder: str) -> None:
    os.chdir(folder)
    for block in blocks:
        exec(compile(block, "docs/compat.md", "exec"), {})


def test_document(tensorflow: TensorFlow, exported: Callable[[str], Path], tmp_path: Path) -> None:
    blocks = re.findall(r"^```python\n(.*?)^```", DOCUMENT, re.MULTILINE | re.DOTALL)
    assert blocks
    shutil.copytree(exported("cnn"), tmp_path / "cnn")
    shutil.copytree(exported("tf1_loop"), tmp_path / "loop")
    here = [block for block in blocks if "# needs a GPU" not in block]
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
    for line in re.findall(r"^```sh\n(.*?)^```", DOCUMENT, re.MULTILINE | re.DOTALL):
        if "# needs a GPU" not in line:
            subprocess.run(["sh", "-ec", line], cwd=tmp_path, check=True, env={**os.environ, "PATH": path})
    tensorflow.call(run_document, here, str(tmp_path))


def test_importing_it_does_not_import_tensorflow(python: Callable[..., Any]) -> None:
    python("import sys; from tftrt import compat; assert 'tensorflow' not in sys.modules")


# Arguments


def run_conversions(source: str, cases: list[tuple[dict[str, Any], dict[str, str]]], folder: str) -> None:
    for number, (arguments, environment) in enumerate(cases):
        with mock.patch.dict(os.environ, environment):
            converter = trt.Converter(source, **arguments)
            converter.convert()
        converter.save(Path(folder, str(number)))


def test_arguments(tensorflow: TensorFlow, exported: Callable[[str], Path], tmp_path: Path) -> None:
    cases: list[tuple[dict[str, Any], dict[str, str], dict[str, Any]]] = [
        ({"use_dynamic_shape": True}, {}, {"dynamic_shapes": True, "profile_strategy": "Range"}),
        (
            {"use_dynamic_shape": True, "dynamic_shape_profile_strategy": "range+optimal", "precision_mode": "fp16"},
            {},
            {"profile_strategy": "Range+Optimal", "precision": "FP16"},
        ),
        ({"max_workspace_size_bytes": 1 << 20, "maximum_cached_engines": 7}, {}, {"maximum_cached_engines": 7}),
        (
            {"conversion_params": trt.ConversionParams(minimum_segment_size=-1, max_workspace_size_bytes=5)},
            {},
            {"max_workspace_size_bytes": 5},
        ),
        (
            {},
            {"TF_TRT_OP_DENYLIST": "Softmax,Mean", "TF_TRT_MAX_ALLOWED_ENGINES": "-1"},
            {"op_denylist": ["Softmax", "Mean"], "maximum_engines": 0},
        ),
        ({"precision_mode": "INT8", "use_calibration": False}, {}, {"precision": "INT8", "use_calibration": False}),
    ]
    arguments = [(given, environment) for given, environment, _ in cases]
    tensorflow.call(run_conversions, str(exported("cnn")), arguments, str(tmp_path))
    for number, (given, _, expected) in enumerate(cases):
        found = manifest(tmp_path / str(number))
        assert expected.items() <= found["conversion"].items()
        assert bool(found["engines"]) == ("conversion_params" not in given)


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        ({}, "input_saved_model_dir"),
        ({"input_saved_model_dir": "x", "precision_mode": "FP8"}, "precision_mode"),
        ({"input_saved_model_dir": "x", "minimum_segment_size": 0}, "minimum_segment_size"),
        ({"input_saved_model_dir": "x", "dynamic_shape_profile_strategy": "best"}, "dynamic_shape_profile_strategy"),
    ],
)
def test_wrong_arguments(arguments: dict[str, Any], expected: str) -> None:
    with pytest.raises(ValueError, match=f"{expected}: expected"):
        trt.TrtGraphConverterV2(**arguments)


def test_experimental_features_are_not_dropped_silently(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TF_TRT_EXPERIMENTAL_FEATURES", "disable_graph_freezing")
    with pytest.warns(UserWarning, match="no effect"):
        trt.TrtGraphConverterV2("x")


def test_constants() -> None:
    assert trt.supported_profile_strategies() == [
        trt.PROFILE_STRATEGY_RANGE,
        trt.PROFILE_STRATEGY_OPTIMAL,
        trt.PROFILE_STRATEGY_RANGE_OPTIMAL,
        trt.PROFILE_STRATEGY_IMPLICIT_BATCH_MODE_COMPATIBLE,
    ]
    assert trt.TrtPrecisionMode.supported_precision_modes() == ["FP32", "FP16", "INT8", "fp32", "fp16", "int8"]
    assert tuple(trt.DEFAULT_TRT_CONVERSION_PARAMS) == (sys.maxsize - 512, "FP32", 3, 1, True, True)
    assert trt.Converter is trt.TrtGraphConverterV2 and trt.ConversionParams is trt.TrtConversionParams


# Order


def run_wrong_order(source: str, folder: str) -> None:
    def input_fn() -> Iterator[Any]:
        yield images(1)

    converter = trt.TrtGraphConverterV2(source)
    for call in (lambda: converter.build(input_fn), lambda: converter.save(folder), converter.summary):
        with pytest.raises(RuntimeError, match=r"Call convert\(\) first"):
            call()
    with pytest.raises(ValueError, match="not needed"):
        converter.convert(calibration_input_fn=input_fn)
    converter.convert()
    with pytest.raises(RuntimeError, match="second call"):
        converter.convert()
    with pytest.raises(RuntimeError, match="Pass input_fn"):
        converter.build(None)
    with pytest.raises(ValueError, match="at least 160"):
        converter.summary(line_length=80)
    with FakeBuild():
        converter.build(input_fn)
        with pytest.raises(NotImplementedError, match="second call"):
            converter.build(input_fn)
    int8 = trt.TrtGraphConverterV2(source, precision_mode="INT8", use_dynamic_shape=True)
    with pytest.raises(ValueError, match="calibration_input_fn: expected a function"):
        int8.convert()
    int8.convert(input_fn)
    with pytest.raises(RuntimeError, match="tftrt build MODEL --calibration"):
        int8.save(folder)


def test_wrong_order(tensorflow: TensorFlow, exported: Callable[[str], Path], tmp_path: Path) -> None:
    tensorflow.call(run_wrong_order, str(exported("cnn")), str(tmp_path / "out"))


# Building


def run_builds(source: str, with_three_inputs: str) -> None:
    import tensorflow as tf

    def sizes(data: list[dict[str, Any]]) -> list[tuple[int, ...]]:
        return [sample["image"].shape for sample in data]

    def input_fn() -> Iterator[Any]:
        yield images(1)
        yield [tf.constant(images(2))]
        yield {"image": images(3).tolist()}

    with FakeBuild() as fake:
        converter = trt.TrtGraphConverterV2(source, use_dynamic_shape=True)
        with tf.device("/GPU:1"):
            converter.convert()
        fake.error = tftrt.IncompatibleError("no GPU")
        with pytest.raises(tftrt.IncompatibleError):
            converter.build(input_fn)
        fake.error = None
        for wrong, message in (
            (lambda: [{"picture": images(1)}], "image"),
            (lambda: [(images(1), images(1))], "1 values"),
            (lambda: [], "yields nothing"),
        ):
            with pytest.raises(ValueError, match=message):
                converter.build(wrong)
        fake.calls.clear()
        converter.build(input_fn)
        (call,) = fake.calls
        assert sizes(call["data"]) == [(1, 8, 8, 3), (2, 8, 8, 3), (3, 8, 8, 3)]
        assert {sample["image"].dtype for sample in call["data"]} == {np.dtype("float32")}
        assert (call["calibration"], call["device"]) == (None, "gpu:1")

        fake.calls.clear()
        converter = trt.TrtGraphConverterV2(with_three_inputs, minimum_segment_size=1)
        converter.convert()
        converter.build(lambda: [(2, True, images(1)[0, 0, :, :1].reshape(2, 4))])
        (sample,) = fake.calls[0]["data"]
        assert {name: (array.dtype.name, array.shape) for name, array in sample.items()} == {
            "steps": ("int32", ()),
            "up": ("bool", ()),
            "x": ("float32", (2, 4)),
        }


def test_build_passes_on_what_input_fn_yields(tensorflow: TensorFlow, exported: Callable[[str], Path]) -> None:
    tensorflow.call(run_builds, str(exported("cnn")), str(exported("branching")))


def run_int8(source: str, folder: str) -> None:
    def calibration() -> Iterator[Any]:
        yield from (images(4, seed) for seed in range(3))

    def batches(data: list[dict[str, Any]]) -> list[int]:
        return [len(sample["image"]) for sample in data]

    for dynamic in (True, False):
        with FakeBuild() as fake:
            converter = trt.TrtGraphConverterV2(source, precision_mode="INT8", use_dynamic_shape=dynamic)
            converter.convert(calibration)
            assert not fake.calls
            converter.build(lambda: [images(1), images(2)])
            (call,) = fake.calls
            assert batches(call["calibration"]) == [4, 4, 4]
            # In implicit batch mode TF-TRT's calibration leaves an engine too.
            assert batches(call["data"]) == ([1, 2] if dynamic else [4, 1, 2])
            converter.save(Path(folder, f"built_{dynamic}"))
            converter.save(Path(folder, f"calibrated_{dynamic}"), save_gpu_specific_engines=False)
    with FakeBuild() as fake:
        converter = trt.TrtGraphConverterV2(source, precision_mode="INT8")
        converter.convert(calibration)
        converter.save(Path(folder, "unbuilt"))
        (call,) = fake.calls
        assert (batches(call["data"]), batches(call["calibration"])) == ([4], [4, 4, 4])


def test_int8(tensorflow: TensorFlow, exported: Callable[[str], Path], tmp_path: Path) -> None:
    tensorflow.call(run_int8, str(exported("cnn")), str(tmp_path))
    plan = Path("assets", "trt-serialized-engine.made_up")
    assert {path.name for path in tmp_path.iterdir() if (path / plan).exists()} == {
        "built_True",
        "built_False",
        "unbuilt",
    }
    for dynamic in (True, False):
        directory = tmp_path / f"calibrated_{dynamic}"
        (name,) = (engine["name"] for engine in manifest(directory)["engines"])
        (table,) = tensorflow.call(run_tables, str(directory))
        assert table == f"table of {name}"
        with tftrt.Model(directory) as model:
            assert model(images(1))["probabilities"].shape == (1, 4)


def run_tables(directory: str) -> list[str]:
    return [attribute.s.decode() for attribute in engine_attributes(Path(directory), "calibration_data")]


@pytest.mark.skipif(not hasattr(tftrt, "build"), reason="tftrt.build is not there")
@pytest.mark.skipif(bool(tftrt._native.inspect_environment().gpus), reason="there is a GPU")
def test_build_without_a_gpu(tensorflow: TensorFlow, exported: Callable[[str], Path]) -> None:
    with pytest.raises(tftrt.IncompatibleError, match="GPU"):
        tensorflow.call(run_build, str(exported("cnn")))


def run_build(source: str) -> None:
    converter = trt.TrtGraphConverterV2(source)
    converter.convert()
    converter.build(lambda: [images(1)])


# Saving


def run_saves(source: str, folder: str) -> list[bool]:
    converter = trt.TrtGraphConverterV2(source, allow_build_at_runtime=False)
    converter.convert()
    target = Path(folder, "out")
    converter.save(target)
    converter.save(target)
    for wrong in (source, folder):
        with pytest.raises(tftrt.InvalidArgumentError, match="destination"):
            converter.save(wrong)
    return [attribute.b for attribute in engine_attributes(target, "_allow_build_at_runtime")]


def test_save(tensorflow: TensorFlow, exported: Callable[[str], Path], tmp_path: Path) -> None:
    source = exported("cnn")
    assert tensorflow.call(run_saves, str(source), str(tmp_path)) == [False]
    assert [path.name for path in tmp_path.iterdir()] == ["out"]
    with tftrt.Model(tmp_path / "out") as model:
        (expected,) = tensorflow.expected(source, [{"image": images(2)}])
        np.testing.assert_array_equal(model(images(2))["probabilities"], expected["probabilities"])


# The returned function


def run_functions(directories: dict[str, str]) -> dict[str, Any]:
    import tensorflow as tf

    def function(name: str, signature: str | None = None) -> Any:
        converter = trt.Converter(directories[name], input_saved_model_signature_key=signature, minimum_segment_size=1)
        return converter.convert()

    branching, lookup, counter = function("branching"), function("string_lookup"), function("counter", "add")
    gc.collect()
    x = tf.constant(images(1)[0, 0, :, :1].reshape(2, 4))
    by_position = branching(tf.constant(2), tf.constant(True), x)
    np.testing.assert_array_equal(by_position["y"], branching(steps=tf.constant(2), up=tf.constant(True), x=x)["y"])
    first, second = (counter(x=x)["count"].numpy() for _ in range(2))
    assert second > first
    return {key: value.numpy() for key, value in lookup(words=tf.constant(["a", "b"])).items()}


def test_function_outlives_its_converter(tensorflow: TensorFlow, exported: Callable[[str], Path]) -> None:
    directories = {name: str(exported(name)) for name in ("branching", "string_lookup", "counter")}
    found = tensorflow.call(run_functions, directories)
    words = np.array(["a", "b"], object)
    (expected,) = tensorflow.expected(Path(directories["string_lookup"]), [{"words": words}])
    assert found.keys() == expected.keys()
    for key, value in expected.items():
        np.testing.assert_array_equal(found[key], value)
