"""Building: wrong arguments end in a clear error, before anything else is looked at, and nothing is left behind."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from tftrt import _native
from tftrt.building import build, calibration_table
from tftrt.building.requests import (
    Request,
    default_requests,
    fixed_requests,
    merge,
    range_requests,
    read_requests,
)
from tftrt.building.shapes import parse_shapes, read_sets
from tftrt.errors import IncompatibleError, InvalidArgumentError, ModelError, UnsupportedError
from tftrt.manifest import MANIFEST_PATH, write_manifest


def forge(source: Path, destination: Path, manifest: dict[str, Any] | None = None, **conversion: Any) -> Path:
    """A copy of a converted model whose manifest says something else."""
    shutil.copytree(source, destination)
    content = json.loads((source / MANIFEST_PATH).read_text())
    content["conversion"].update(conversion)
    content.update(manifest or {})
    for key in ("format_version", "manifest_sha256", "files"):
        del content[key]
    write_manifest(destination, content)
    return destination


def spec(name: str, shape: tuple[int, ...] | None, dtype: str = "float32", default: Any = None) -> Any:
    return SimpleNamespace(name=name, shape=shape, dtype=np.dtype(dtype), default=default)


def signature(name: str, *inputs: Any) -> Any:
    return SimpleNamespace(name=name, inputs=list(inputs), unsupported="")


DEFAULTED = signature("defaulted", spec("x", (-1, 4)), spec("bias", (-1, 4), default=np.zeros((1, 4), np.float32)))
IMAGE = signature("serving_default", spec("image", (-1, 8, 8, 3)))
PAIR = signature("pair", spec("ids", (-1, -1), "int32"), spec("mask", (-1, -1), "int32"))


@pytest.fixture
def cnn(converted_of: Callable[[str], Path]) -> Path:
    return converted_of("cnn")


@pytest.fixture
def no_gpu(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_native, "inspect_environment", lambda: SimpleNamespace(gpus=[]))


SHAPE = {"image": (1, 8, 8, 3)}


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"shapes": "image:1x8x8x3"}, "shapes: expected shapes by input name"),
        ({"shapes": []}, "shapes: expected shapes by input name"),
        ({"shapes": {"image": (1.5, 8, 8, 3)}}, "shapes: expected shapes"),
        ({"shapes": {"image": (-1, 8, 8, 3)}}, "image: expected sizes of at least 1, found .-1, 8, 8, 3.*min_shapes"),
        ({"shapes": {"image": (0, 8, 8, 3)}}, "sizes of at least 1"),
        ({"shapes": {"picture": (1, 8, 8, 3)}}, r"found 'picture'; the inputs are image: float32\[\?, 8, 8, 3\]"),
        ({"shapes": {}}, "found none; the inputs are image"),
        ({"shapes": {**SHAPE, "more": (1,)}}, "found 'image', 'more'"),
        ({"shapes": (1, 8, 8)}, r"fits image: float32\[\?, 8, 8, 3\]: 4 dimensions, not 3, found \[1, 8, 8\]"),
        ({"shapes": [(1, 8, 8, 3), (1, 9, 8, 3)]}, r"fits image: float32\[\?, 8, 8, 3\], found \[1, 9, 8, 3\]"),
        ({"min_shapes": SHAPE}, "max_shapes: expected it with the other"),
        ({"max_shapes": SHAPE}, "min_shapes: expected it with the other"),
        ({"opt_shapes": SHAPE}, "min_shapes: expected it with the other"),
        ({"min_shapes": (4, 8, 8, 3), "max_shapes": (2, 8, 8, 3)}, "min <= opt <= max in every dimension"),
        (
            {"min_shapes": (1, 8, 8, 3), "opt_shapes": (5, 8, 8, 3), "max_shapes": (4, 8, 8, 3)},
            r"found \[1, 8, 8, 3\], \[5, 8, 8, 3\], \[4, 8, 8, 3\]",
        ),
        ({"data": "samples.npz"}, "data: expected a file, found none at samples.npz"),
        ({"data": "samples"}, "ends in .npy or .npz, or 'module:function', found 'samples'"),
        ({"data": "no_such_module:batches"}, "data: expected a function 'batches' in a module 'no_such_module'"),
        ({"data": "json:no_such"}, "has no attribute 'no_such'"),
        ({"data": "json:__name__"}, "to be a function"),
        ({"data": np.zeros((1, 8, 8, 3))}, r"data: expected batches, found one ndarray. Put it into a list: data=\["),
        ({"data": {"image": np.zeros((1, 8, 8, 3))}}, "expected batches, found one dict"),
        ({"data": 3}, "data: expected the path"),
        ({"data": []}, "data: expected at least one batch"),
        ({"calibration": []}, "calibration: expected at least one batch"),
        ({"calibration": [1], "calibration_table": "t.json"}, "expected one of them, found both"),
        ({"calibration_table": "/nowhere/t.json"}, "calibration_table: expected a file that can be read"),
        ({"calibration": [np.zeros((1, 8, 8, 3))]}, "calibration: expected only for INT8 .*which is FP32"),
        ({"overwrite": True}, "overwrite: expected only with output"),
        ({"overwrite": 1}, "overwrite: expected True or False"),
        ({"keep": None}, "keep: expected True or False"),
        ({"shapes": (1, 8, 8, 3), "output": "/nowhere/out"}, "output: expected an existing directory /nowhere"),
        ({"signatures": "serving_default"}, "signatures: expected a sequence"),
        ({"signatures": []}, "signatures: expected at least one"),
        ({"signatures": ["predict"]}, "signatures with engines, 'serving_default', found 'predict'"),
        ({"profile_strategy": "Best"}, "profile_strategy: expected one of 'Range'"),
        ({"max_workspace_size_bytes": 0}, "max_workspace_size_bytes: expected a whole number"),
        ({"optimization_level": 6}, "optimization_level: expected a whole number from 0 to 5, found 6"),
        ({"optimization_level": True}, "optimization_level: expected a whole number from 0 to 5, found True"),
        ({"timing_cache": True}, "timing_cache: expected a directory or False"),
        ({"timing_cache": ""}, "timing_cache: expected a directory or False"),
        ({"plan_cache": True}, "plan_cache: expected a directory or False"),
        ({"device": "cpu"}, "device: expected 'gpu:N', found 'cpu'"),
        ({}, r"found none. For example: tftrt build \S+ --shapes image:1x8x8x3$"),
        ({"keep": True}, "For example: tftrt build"),
    ],
)
def test_wrong_arguments(cnn: Path, no_gpu: None, options: dict[str, Any], message: str) -> None:
    with pytest.raises(InvalidArgumentError, match=message):
        build(cnn, **options)


def test_what_can_be_built_needs_a_gpu(cnn: Path, no_gpu: None) -> None:
    def untouched() -> Any:
        raise AssertionError("data is read before the GPU is looked for")

    for options in (
        {"shapes": (1, 8, 8, 3)},
        {"shapes": [{"image": [1, 8, 8, 3]}, (np.int64(4), 8, 8, 3)]},
        {"min_shapes": (1, 8, 8, 3), "max_shapes": (4, 8, 8, 3)},
        {"data": untouched},
    ):
        with pytest.raises(IncompatibleError, match=r"expected a GPU to build engines on, found none.*tftrt doctor"):
            build(cnn, **options)


def test_another_gpu_and_no_tensorrt(cnn: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    library = SimpleNamespace(name="libnvinfer.so.8", found=False, version="")
    found = SimpleNamespace(gpus=["GPU (compute capability 9.0)"], tensorrt=[library])
    monkeypatch.setattr(_native, "inspect_environment", lambda: found)
    with pytest.raises(IncompatibleError, match="one of the GPUs 0 to 0, found gpu:1"):
        build(cnn, shapes=(1, 8, 8, 3), device="gpu:1")
    with pytest.raises(IncompatibleError, match=r"found no libnvinfer.so.8.*tftrt doctor"):
        build(cnn, shapes=(1, 8, 8, 3))


def test_models_that_cannot_be_built_for(
    cnn: Path, exported: Callable[[str], Path], tmp_path: Path, no_gpu: None
) -> None:
    with pytest.raises(ModelError):
        build(tmp_path / "nothing")
    with pytest.raises(UnsupportedError, match=r"was not converted by tftrt. Convert it first: tftrt convert \S+cnn "):
        build(exported("cnn"))
    with pytest.raises(UnsupportedError):
        calibration_table(exported("cnn"))
    with pytest.raises(InvalidArgumentError, match="has no engines, so nothing is to be built"):
        build(forge(cnn, tmp_path / "no_engines", {"engines": []}))
    implicit = forge(cnn, tmp_path / "implicit", dynamic_shapes=False)
    with pytest.raises(InvalidArgumentError, match="min_shapes, max_shapes: expected fixed shapes only"):
        build(implicit, min_shapes=(1, 8, 8, 3), max_shapes=(2, 8, 8, 3))


def test_several_signatures(converted_of: Callable[[str], Path], no_gpu: None) -> None:
    model = converted_of("shared_weights")
    with pytest.raises(IncompatibleError):
        build(model, shapes=(1, 8, 8, 3))
    with pytest.raises(InvalidArgumentError, match=r'the inputs are "again" \(image: .*"classify" \(image: '):
        build(model, shapes={"picture": (1, 8, 8, 3)})
    with pytest.raises(InvalidArgumentError, match="found 'lengths'"):
        build(model, signatures=["lengths"], shapes={"text": (1,)})


def test_calibration_of_int8(cnn: Path, tmp_path: Path, no_gpu: None) -> None:
    model = forge(cnn, tmp_path / "int8", precision="INT8")
    (engine,) = (entry["name"] for entry in json.loads((cnn / MANIFEST_PATH).read_text())["engines"])
    with pytest.raises(InvalidArgumentError, match=f"calibration: expected data or a calibration_table.*{engine}"):
        build(model, shapes=(1, 8, 8, 3))
    table = tmp_path / "table.json"
    for text, message in (
        ("{", "expected JSON"),
        ("{}", "as tftrt build --export-calibration writes it"),
        ('{"TRTEngineOp_other": "x"}', f"found none for {engine}"),
    ):
        table.write_text(text)
        with pytest.raises(InvalidArgumentError, match=f"calibration_table: .*{message}"):
            build(model, shapes=(1, 8, 8, 3), calibration_table=table)
    table.write_text(json.dumps({engine: "TRT-8600-EntropyCalibration2"}))
    stored = forge(cnn, tmp_path / "stored", {"calibration_tables": {engine: "table"}}, precision="INT8")
    assert calibration_table(stored) == {engine: "table"}
    assert calibration_table(cnn) == {}
    own = forge(cnn, tmp_path / "own", precision="INT8", use_calibration=False)
    for path, options in (
        (model, {"shapes": (1, 8, 8, 3), "calibration_table": table}),
        (model, {"calibration": [np.zeros((1, 8, 8, 3), np.float32)]}),
        (stored, {"shapes": (1, 8, 8, 3)}),
        (own, {"shapes": (1, 8, 8, 3)}),
    ):
        with pytest.raises(IncompatibleError, match="expected a GPU"):
            build(path, **options)
    with pytest.raises(InvalidArgumentError, match="which is INT8 with ranges of its own"):
        build(own, shapes=(1, 8, 8, 3), calibration_table=table)


def test_output(cnn: Path, tmp_path: Path, no_gpu: None) -> None:
    (tmp_path / "there").mkdir()
    for output, message in (
        (tmp_path / "there", "output: expected a path that does not exist.*overwrite=True"),
        (cnn / "inside", "output: expected a directory apart from"),
    ):
        with pytest.raises(InvalidArgumentError, match=message):
            build(cnn, shapes=(1, 8, 8, 3), output=output)
    for options in ({"output": cnn}, {"output": tmp_path / "there", "overwrite": True}, {"output": tmp_path / "new"}):
        with pytest.raises(IncompatibleError):
            build(cnn, shapes=(1, 8, 8, 3), **options)


# Shapes


def test_trtexec_syntax() -> None:
    assert parse_shapes("image:1x224x224x3") == {"image": (1, 224, 224, 3)}
    assert parse_shapes("a:1x8,scope/b:0:2,c:") == {"a": (1, 8), "scope/b:0": (2,), "c": ()}
    for text in ("", "1x8", "a:1xb", "a:1x8,", ":1x8", "a=1x8", "a:1x8,a:1x8"):
        with pytest.raises(InvalidArgumentError, match="expected"):
            parse_shapes(text)


def test_sets_of_shapes() -> None:
    assert read_sets("shapes", (1, 8)) == [(1, 8)]
    assert read_sets("shapes", [1, 8]) == [(1, 8)]
    assert read_sets("shapes", ()) == [()]
    assert read_sets("shapes", [(1, 8), [2, 8], {"a": [3]}]) == [(1, 8), (2, 8), {"a": (3,)}]


def test_shapes_are_for_the_signatures_with_these_inputs() -> None:
    requests = fixed_requests([(2, 8, 8, 3), {"mask": (1, 4), "ids": (1, 4)}], [IMAGE, PAIR])
    assert [request.signature for request in requests] == ["serving_default", "pair"]
    (request,) = range_requests({"min": (1, 8, 8, 3), "opt": (2, 8, 8, 3), "max": (2, 8, 8, 3)}, [IMAGE, PAIR])
    assert request.to_dict() == {
        "signature": "serving_default",
        "role": "range",
        "min": {"image": [1, 8, 8, 3]},
        "opt": {"image": [2, 8, 8, 3]},
        "max": {"image": [2, 8, 8, 3]},
    }
    assert [entry.to_dict() for entry in read_requests(r.to_dict() for r in [*requests, request])] == [
        r.to_dict() for r in [*requests, request]
    ]
    assert fixed_requests([(3, 4)], [signature("any", spec("x", None))])[0].shapes == {"fixed": {"x": (3, 4)}}


def test_inputs_that_are_left_out_have_the_shapes_of_their_defaults() -> None:
    for shapes in ({"x": (2, 4)}, (2, 4)):
        (request,) = fixed_requests([shapes], [DEFAULTED])
        assert request.shapes == {"fixed": {"x": (2, 4), "bias": (1, 4)}}
    (request,) = fixed_requests([{"x": (2, 4), "bias": (2, 4)}], [DEFAULTED])
    assert request.shapes["fixed"]["bias"] == (2, 4)
    with pytest.raises(InvalidArgumentError, match="expected a shape for each input"):
        fixed_requests([{"bias": (2, 4)}], [DEFAULTED])


def test_each_shape_once_and_with_data() -> None:
    made_up = Request("a", {"fixed": {"x": (1,)}})
    sampled = Request("a", {"fixed": {"x": (1,)}}, Path("batch.npz"))
    assert merge([made_up, sampled, made_up]) == [sampled]
    assert len(merge([made_up, Request("b", made_up.shapes), Request("a", {"fixed": {"x": (2,)}})])) == 3


def test_shapes_without_being_asked() -> None:
    fixed = signature("fixed", spec("x", (1, 8)))
    (request,) = default_requests([], [fixed], [], {}, "model")
    assert request.shapes == {"fixed": {"x": (1, 8)}}
    kept = [Request("pair", {"fixed": {"ids": (1, 4), "mask": (1, 4)}})]
    assert default_requests([], [PAIR], kept, {}, "model") == []
    (request,) = default_requests([], [IMAGE], kept, {"serving_default": {"image": (8, 8, 8, 3)}}, "model")
    assert request.shapes == {"fixed": {"image": (8, 8, 8, 3)}}
    with pytest.raises(InvalidArgumentError, match=r"--shapes ids:1x1,mask:1x1 Or leave the signature out"):
        default_requests([request], [IMAGE, PAIR], [], {}, "model")
