"""``tftrt.compat``: scripts in TensorFlow 1's style, for TF-TRT's TrtGraphConverter.

What converts runs in the tests' TensorFlow process: functions whose names start with ``run_``.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from unittest import mock

import numpy as np
import pytest

import tftrt
from conftest import TensorFlow
from test_compat_v2 import FakeBuild, engine_attributes, manifest
from tftrt import compat as trt

FEEDS = {"scope/x:0": np.random.default_rng(0).standard_normal((3, 4)).astype(np.float32)}


def frozen_graph() -> Any:
    """``scope/x`` [-1, 4], ``flag`` (2 if left out) -> ``hidden``, ``logits``, ``top``, ``halves``, ``classes``."""
    import tensorflow as tf

    v1 = tf.compat.v1
    random = np.random.default_rng(1)
    first, second = (random.standard_normal(shape).astype(np.float32) for shape in ((4, 8), (8, 4)))
    with tf.Graph().as_default() as graph:
        x = v1.placeholder(tf.float32, [None, 4], name="scope/x")
        flag = v1.placeholder_with_default(np.float32(2), [], name="flag")
        v1.placeholder(tf.float32, [1], name="unneeded")
        hidden = tf.nn.relu(tf.matmul(x, first) * flag + 1.0, name="hidden")
        logits = tf.nn.softmax(tf.matmul(hidden, second) + 0.5, name="logits")
        tf.nn.top_k(logits, 2, name="top")
        left, right = tf.split(logits, 2, axis=1, name="halves")
        tf.add(left, right, name="classes")
    return graph.as_graph_def()


def run_graph(graph_def: Any, fetches: list[str], feeds: dict[str, Any]) -> list[np.ndarray]:
    import tensorflow as tf

    with tf.Graph().as_default() as graph, tf.compat.v1.Session(graph=graph) as session:
        tf.graph_util.import_graph_def(graph_def, name="")
        return session.run(fetches, feeds)


# GraphDefs


def run_frozen(folder: str) -> None:
    frozen = frozen_graph()
    for denylist, fetches in (
        (["logits", "classes"], ["logits:0", "classes:0"]),
        (["logits:0", SimpleNamespace(name="scope/x:0")], ["logits:0"]),
        (["halves", "hidden", "top"], ["halves:0", "halves:1", "hidden:0", "top:0", "top:1"]),
    ):
        converter = trt.TrtGraphConverter(
            input_graph_def=frozen,
            nodes_denylist=denylist,
            minimum_segment_size=2,
            max_batch_size=None,
            is_dynamic_op=True,
        )
        converted = converter.convert()
        assert any(node.op == "TRTEngineOp" for node in converted.node)
        for found, expected in zip(run_graph(converted, fetches, FEEDS), run_graph(frozen, fetches, FEEDS)):
            np.testing.assert_allclose(found, expected, rtol=1e-6)
    converter.save(Path(folder, "some", "model"))
    file = Path(folder, "frozen.pb")
    file.write_bytes(frozen.SerializeToString())
    converted = trt.create_inference_graph(
        file, ["logits"], max_batch_size=None, is_dynamic_op=True, minimum_segment_size=2
    )
    assert {"scope/x", "flag", "logits"} <= {node.name for node in converted.node}
    for denylist, message in ((None, "Its last nodes are: .*classes"), (["no"], "found 'no'")):
        with pytest.raises(ValueError, match=message):
            trt.TrtGraphConverter(input_graph_def=frozen, nodes_denylist=denylist).convert()


def test_frozen_graph(tensorflow: TensorFlow, tmp_path: Path) -> None:
    tensorflow.call(run_frozen, str(tmp_path))
    with tftrt.Model(tmp_path / "some" / "model") as model:
        outputs = model({"scope/x": FEEDS["scope/x:0"], "flag": np.float32(2)})
    assert {name: array.shape for name, array in outputs.items()} == {
        "halves": (3, 2),
        "halves:1": (3, 2),
        "hidden": (3, 8),
        "top": (3, 2),
        "top:1": (3, 2),
    }
    assert manifest(tmp_path / "some" / "model")["conversion"]["dynamic_shapes"] is False


# SavedModels


def run_saved_models(directories: dict[str, str], folder: str) -> None:
    import tensorflow as tf

    x = FEEDS["scope/x:0"]
    inputs: dict[str, dict[str, Any]] = {
        "tf1_loop": {"x:0": x, "steps:0": 2},
        "fed_intermediate": {"decoded:0": x},
        "defaulted_input": {"x:0": x},
    }
    for name, feeds in inputs.items():
        converter = trt.TrtGraphConverter(directories[name], minimum_segment_size=1, nodes_denylist=["y"])
        converted = converter.convert()
        assert any(node.op == "TRTEngineOp" for node in converted.node)
        with tf.Graph().as_default() as graph, tf.compat.v1.Session(graph=graph) as session:
            tf.compat.v1.saved_model.load(session, ["serve"], directories[name])
            expected = session.run("y:0", feeds)
        np.testing.assert_allclose(run_graph(converted, ["y:0"], feeds)[0], expected, rtol=1e-6)
        converter.save(Path(folder, name))
    with pytest.raises(ValueError, match="a directory that does not exist"):
        converter.save(Path(folder, name))
    converter = trt.TrtGraphConverter(directories["tf1_loop"], nodes_denylist=["kernel"])
    with pytest.raises(NotImplementedError, match="found kernel"):
        converter.convert()


def test_saved_models(tensorflow: TensorFlow, exported: Callable[[str], Path], tmp_path: Path) -> None:
    directories = {name: str(exported(name)) for name in ("tf1_loop", "fed_intermediate", "defaulted_input")}
    tensorflow.call(run_saved_models, directories, str(tmp_path))
    for name in directories:
        assert tftrt.inspect(tmp_path / name).ops["TRTEngineOp"] > 0


def test_without_eager_execution(python: Callable[..., Any], exported: Callable[[str], Path], tmp_path: Path) -> None:
    code = """
import sys
import tensorflow as tf
from tftrt import compat as trt
tf.compat.v1.disable_v2_behavior()
source, destination = sys.argv[1:]
with tf.compat.v1.Session():
    trt.create_inference_graph(None, None, input_saved_model_dir=source, output_saved_model_dir=destination)
try:
    trt.TrtGraphConverterV2(source).convert()
except RuntimeError as error:
    assert "Use TrtGraphConverter" in str(error)
else:
    raise AssertionError
"""
    python(code, exported("tf1_loop"), tmp_path / "out", CUDA_VISIBLE_DEVICES="-1")
    assert (tmp_path / "out" / "saved_model.pb").is_file()


# Engines


def run_calibration(folder: str) -> None:
    import tensorflow as tf

    def new() -> Any:
        converter = trt.TrtGraphConverter(
            input_graph_def=frozen_graph(), nodes_denylist=["logits"], precision_mode="INT8", minimum_segment_size=2
        )
        return converter, converter.convert()

    def dataset() -> dict[str, Any]:
        values = tf.data.Dataset.from_tensor_slices(np.arange(12, dtype=np.float32).reshape(3, 1, 4))
        return {"scope/x": tf.compat.v1.data.make_one_shot_iterator(values).get_next(), "flag": tf.constant(2.0)}

    converter, _ = new()
    feed = {**FEEDS, "flag:0": 2.0}
    with pytest.raises(RuntimeError, match=r"Call calibrate\(\)"):
        converter.save(Path(folder, "uncalibrated"))
    for arguments, message in (
        ({}, "found none"),
        ({"feed_dict_fn": lambda: feed, "input_map_fn": dataset}, "found both"),
        ({"feed_dict_fn": lambda: {"y:0": 1}}, "found 'y:0'"),
        ({"input_map_fn": lambda: {"scope/x": 1}}, "dict of tensors"),
        ({"feed_dict_fn": lambda: feed, "fetch_names": ["no:0"]}, "fetch_names"),
    ):
        with pytest.raises(ValueError, match=message):
            converter.calibrate(**{"fetch_names": ["logits:0"], "num_runs": 1, **arguments})
    for given in ({"feed_dict_fn": lambda: feed}, {"input_map_fn": dataset}):
        with FakeBuild() as fake:
            converter, converted = new()
            assert converter.calibrate(["logits:0"], num_runs=3, **given) is converted
            (call,) = fake.calls
            assert (len(call["data"]), len(call["calibration"])) == (1, 3)
            assert sorted(call["data"][0]) == ["flag", "scope/x"]
            (engine, *_) = (node for node in converted.node if node.op == "TRTEngineOp")
            assert engine.attr["calibration_data"].s.decode() == f"table of {engine.name}"
            with pytest.raises(RuntimeError, match="found one that is calibrated"):
                converter.calibrate(["logits:0"], 1, **given)
    # The data set goes on from run to run.
    assert call["calibration"][2]["scope/x"].tolist() == [[8, 9, 10, 11]]
    converter.save(Path(folder, "calibrated"))


def test_calibration(tensorflow: TensorFlow, tmp_path: Path) -> None:
    tensorflow.call(run_calibration, str(tmp_path))
    assert (tmp_path / "calibrated" / "assets" / "trt-serialized-engine.made_up").is_file()
    assert not (tmp_path / "uncalibrated").exists()


def run_static(cnn: str, unknown: str, folder: str) -> list[dict[str, Any]]:
    gpus = ["GPU"]
    with (
        FakeBuild() as fake,
        mock.patch.object(tftrt._native, "inspect_environment", lambda: SimpleNamespace(gpus=gpus)),
    ):
        trt.create_inference_graph(None, None, 16, input_saved_model_dir=cnn, output_saved_model_dir=f"{folder}/static")
        trt.create_inference_graph(
            None, None, None, is_dynamic_op=True, input_saved_model_dir=cnn, output_saved_model_dir=f"{folder}/dynamic"
        )
        with pytest.warns(UserWarning, match="no engine was built"):
            trt.create_inference_graph(
                None,
                None,
                minimum_segment_size=1,
                input_saved_model_dir=unknown,
                output_saved_model_dir=f"{folder}/unknown",
            )
        gpus.clear()
        trt.create_inference_graph(None, None, input_saved_model_dir=cnn, output_saved_model_dir=f"{folder}/no_gpu")
    assert all(attribute.s == b"" for attribute in engine_attributes(Path(folder, "static"), "calibration_data"))
    return fake.calls


def test_static_engines_are_built_when_saved(
    tensorflow: TensorFlow, exported: Callable[[str], Path], tmp_path: Path
) -> None:
    calls = tensorflow.call(run_static, str(exported("cnn")), str(exported("lstm")), str(tmp_path))
    assert calls == [{"shapes": {"image": (16, 8, 8, 3)}}]
    assert sorted(path.name for path in tmp_path.iterdir()) == ["dynamic", "no_gpu", "static", "unknown"]


# Errors


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        ({}, "found none"),
        ({"input_saved_model_dir": "x", "input_graph_def": "x.pb"}, "found both"),
        ({"input_saved_model_dir": "x", "max_batch_size": None}, "max_batch_size"),
        ({"input_saved_model_dir": "x", "precision_mode": "FP8"}, "precision_mode"),
    ],
)
def test_wrong_arguments(arguments: dict[str, Any], expected: str) -> None:
    with pytest.raises(ValueError, match=expected):
        trt.TrtGraphConverter(**arguments)


def test_wrong_order(tmp_path: Path) -> None:
    converter = trt.TrtGraphConverter("x")
    for call in (lambda: converter.save(tmp_path / "out"), lambda: converter.calibrate(["y:0"], 1, lambda: FEEDS)):
        with pytest.raises(RuntimeError, match=r"Call convert\(\) first"):
            call()


def test_missing_files(tensorflow: TensorFlow, tmp_path: Path) -> None:
    (tmp_path / "text.pb").write_text("no graph")
    for given in ("none.pb", "text.pb"):
        with pytest.raises(tftrt.ModelError, match=given):
            tensorflow.call(run_convert, str(tmp_path / given))


def run_convert(path: str) -> None:
    trt.TrtGraphConverter(input_graph_def=path, nodes_denylist=["y"]).convert()
