"""Conversion: wrong arguments and broken models end in a clear error, and nothing is left behind."""

from __future__ import annotations

import os
import shutil
from pathlib import Path
from typing import Any

import pytest

import models
import tftrt
from tftrt.conversion import ConversionReport
from tftrt.converter import convert
from tftrt.errors import InvalidArgumentError, ModelError, UnsupportedError


@pytest.fixture(scope="module")
def cnn(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return Path(models.cnn(tmp_path_factory.mktemp("cnn") / "model"))


def _files(directory: Path) -> dict[str, bytes]:
    return {str(path.relative_to(directory)): path.read_bytes() for path in directory.rglob("*") if path.is_file()}


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"precision": "FP8"}, r"precision: expected one of 'FP32', 'FP16', 'INT8', found 'FP8'"),
        ({"minimum_segment_size": 0}, "minimum_segment_size: expected a whole number of at least 1"),
        ({"minimum_segment_size": True}, "minimum_segment_size"),
        ({"maximum_cached_engines": 0}, "maximum_cached_engines"),
        ({"maximum_engines": -1}, "maximum_engines"),
        ({"max_workspace_size_bytes": 1.5}, "max_workspace_size_bytes"),
        ({"dynamic_shapes": 1}, "dynamic_shapes: expected True or False"),
        ({"profile_strategy": "Best"}, "profile_strategy: expected one of 'Range'"),
        ({"data_format": "CHW"}, "data_format"),
        ({"signatures": "serving_default"}, "signatures: expected a sequence"),
        ({"signatures": []}, "signatures: expected at least one"),
        ({"signatures": ["predict"]}, "expected names from 'serving_default', found 'predict'"),
        ({"tags": ["serve", "gpu"]}, r"expected one of the model's tag sets \{'serve'\}"),
        ({"op_denylist": ["Conv22D"]}, "op_denylist: .* found 'Conv22D'"),
        ({"op_denylist": "Conv2D"}, "op_denylist: expected a sequence"),
        ({"op_libraries": ["/nowhere/ops.so"]}, "op_libraries: .*/nowhere/ops.so"),
        ({"inputs": ["x:0"]}, "inputs, outputs: expected only with a frozen GraphDef"),
    ],
)
def test_wrong_arguments(cnn: Path, tmp_path: Path, options: dict[str, Any], message: str) -> None:
    with pytest.raises(InvalidArgumentError, match=message):
        convert(cnn, tmp_path / "out", **options)
    assert list(tmp_path.iterdir()) == []


def test_missing_source(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="found nothing"):
        convert(tmp_path / "nowhere", tmp_path / "out")


def test_directory_that_is_no_model(tmp_path: Path) -> None:
    (tmp_path / "notes").mkdir()
    (tmp_path / "notes/readme.txt").write_text("hello")
    with pytest.raises(ModelError, match=r"expected a SavedModel .*, found readme.txt"):
        convert(tmp_path / "notes", tmp_path / "out")


def test_file_of_another_kind(cnn: Path, tmp_path: Path) -> None:
    (tmp_path / "model.onnx").write_bytes(b"onnx")
    with pytest.raises(InvalidArgumentError, match="onnx"):
        convert(tmp_path / "model.onnx", tmp_path / "out")
    with pytest.raises(InvalidArgumentError, match="expected a SavedModel's directory"):
        convert(cnn / "saved_model.pb", tmp_path / "out")


@pytest.mark.parametrize("damage", ["truncated", "garbage", "empty"])
def test_corrupt_graph(cnn: Path, tmp_path: Path, damage: str) -> None:
    source = Path(shutil.copytree(cnn, tmp_path / "source"))
    path = source / "saved_model.pb"
    data = path.read_bytes()
    path.write_bytes({"truncated": data[: len(data) // 2], "garbage": b"\xff" * 1000, "empty": b""}[damage])
    with pytest.raises(ModelError, match=r"saved_model\.pb"):
        convert(source, tmp_path / "out")
    assert [path.name for path in tmp_path.iterdir()] == ["source"]


def test_corrupt_variables(cnn: Path, tmp_path: Path) -> None:
    source = Path(shutil.copytree(cnn, tmp_path / "source"))
    path = source / "variables/variables.data-00000-of-00001"
    path.write_bytes(path.read_bytes()[:100])
    with pytest.raises(ModelError, match="restore its variables"):
        convert(source, tmp_path / "out")


def test_missing_variables(cnn: Path, tmp_path: Path) -> None:
    source = Path(shutil.copytree(cnn, tmp_path / "source"))
    shutil.rmtree(source / "variables")
    with pytest.raises(ModelError, match="expected a value for every variable"):
        convert(source, tmp_path / "out")


def test_unknown_op(cnn: Path, tmp_path: Path) -> None:
    source = Path(shutil.copytree(cnn, tmp_path / "source"))
    path = source / "saved_model.pb"
    path.write_bytes(path.read_bytes().replace(b"\x04Relu", b"\x04Rely"))
    with pytest.raises(UnsupportedError, match=r"found Rely\. Pass the libraries"):
        convert(source, tmp_path / "out")


def test_converted_before(cnn: Path, tmp_path: Path) -> None:
    convert(cnn, tmp_path / "once")
    with pytest.raises(UnsupportedError, match="converted before"):
        convert(tmp_path / "once", tmp_path / "twice")


def test_python_objects_are_not_needed(cnn: Path, tmp_path: Path) -> None:
    from tensorflow.core.protobuf import saved_model_pb2

    source = Path(shutil.copytree(cnn, tmp_path / "source"))
    model = saved_model_pb2.SavedModel()
    model.ParseFromString((source / "saved_model.pb").read_bytes())
    for node in model.meta_graphs[0].object_graph_def.nodes:
        node.user_object.identifier = "_some_class_that_nobody_has"
    (source / "saved_model.pb").write_bytes(model.SerializeToString())
    assert len(convert(source, tmp_path / "out").engines) == 1


def test_existing_destination(cnn: Path, tmp_path: Path) -> None:
    destination = tmp_path / "out"
    convert(cnn, destination)
    before = _files(destination)
    with pytest.raises(InvalidArgumentError, match="overwrite=True"):
        convert(cnn, destination)
    with pytest.raises(InvalidArgumentError, match="found 'predict'"):
        convert(cnn, destination, signatures=["predict"], overwrite=True)
    assert _files(destination) == before
    convert(cnn, destination, precision="FP16", overwrite=True)
    assert _files(destination) != before
    assert [path.name for path in tmp_path.iterdir()] == ["out"]


def test_overwrite_spares_what_is_no_model(cnn: Path, tmp_path: Path) -> None:
    home = tmp_path / "home"
    home.mkdir()
    (home / "thesis.tex").write_text("years of work")
    with pytest.raises(InvalidArgumentError, match="other files"):
        convert(cnn, home, overwrite=True)
    (tmp_path / "file").write_text("")
    with pytest.raises(InvalidArgumentError, match="expected a directory to replace"):
        convert(cnn, tmp_path / "file", overwrite=True)
    (tmp_path / "empty").mkdir()
    convert(cnn, tmp_path / "empty", overwrite=True)
    assert (home / "thesis.tex").exists()


def test_source_and_destination_overlap(cnn: Path, tmp_path: Path) -> None:
    source = Path(shutil.copytree(cnn, tmp_path / "source"))
    before = _files(source)
    for destination in (source, source / "converted", tmp_path / "source/../source"):
        with pytest.raises(InvalidArgumentError, match="apart from the source"):
            convert(source, destination, overwrite=True)
    assert _files(source) == before


def test_destination_without_parent(cnn: Path, tmp_path: Path) -> None:
    with pytest.raises(InvalidArgumentError, match="expected an existing directory"):
        convert(cnn, tmp_path / "a/b")


def test_destination_where_nothing_can_be_made(cnn: Path) -> None:
    with pytest.raises(InvalidArgumentError, match="expected to be able to make a directory in /proc, found: "):
        convert(cnn, "/proc/out")


def test_read_only_destination(cnn: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    # Root may write everywhere, so that a read-only directory cannot be made for every user of these tests.
    monkeypatch.setattr(os, "access", lambda path, mode: False)
    with pytest.raises(InvalidArgumentError, match="read-only"):
        convert(cnn, tmp_path / "out")


@pytest.mark.parametrize(("phase", "error"), [("restore", KeyboardInterrupt), ("check", RuntimeError)])
def test_interrupted(cnn: Path, tmp_path: Path, phase: str, error: type[BaseException]) -> None:
    def stop(step: str, done: float) -> None:
        if step.startswith(phase):
            raise error

    source = _files(cnn)
    convert(cnn, tmp_path / "old")
    before = _files(tmp_path / "old")
    for destination in ("new", "old"):
        with pytest.raises(error):
            convert(cnn, tmp_path / destination, overwrite=True, progress=stop)
    assert [path.name for path in tmp_path.iterdir()] == ["old"]
    assert _files(tmp_path / "old") == before
    assert _files(cnn) == source


def test_graph_past_protobufs_limit(cnn: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from tftrt.conversion import merge, pipeline
    from tftrt.conversion.export import Exported

    given: list[Any] = []
    monkeypatch.setattr(tftrt.converter, "run", lambda source, target, options, **_: given.append(options))
    convert(cnn, tmp_path / "out")
    monkeypatch.setattr(merge, "PROTOBUF_LIMIT", 4000)
    seen: list[str] = []
    report = ConversionReport(str(tmp_path), {}, "FP32", [])
    with pytest.raises(UnsupportedError, match=r"at most 4,000 bytes .*, found [0-9,]+ bytes in signature"):
        pipeline.convert(
            Exported(cnn, str(cnn)), tmp_path, given[0], report, progress=lambda step, done: seen.append(step)
        )
    assert seen[-1] == "load"  # Before any weight is read.
    assert list(tmp_path.iterdir()) == []
