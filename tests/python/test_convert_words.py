"""``tftrt convert`` in saved_model_cli's words, and conversion with engines built at once."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

import tftrt
from tftrt.cli import main
from tftrt.manifest import MANIFEST_PATH, write_manifest


@pytest.fixture
def conversions(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, str, dict[str, Any]]]:
    """The calls of ``tftrt.convert``, which does nothing."""
    calls: list[tuple[str, str, dict[str, Any]]] = []

    def convert(source: str, destination: str, *, progress: object, **options: Any) -> Any:
        calls.append((source, destination, options))
        return SimpleNamespace(to_dict=dict)

    monkeypatch.setattr(tftrt, "convert", convert)
    return calls


@pytest.mark.parametrize(
    "words",
    [
        "--dir a --output_dir b --tag_set serve,gpu --precision_mode FP16 --minimum_segment_size 5 "
        "--max_workspace_size_bytes 9 tensorrt",
        "--dir=a --output_dir=b tensorrt --tag_set=serve,gpu --precision_mode=FP16 --minimum_segment_size=5 "
        "--max_workspace_size_bytes=9",
        "--dir a tensorrt --output_dir b --tag_set serve,gpu --convert_tf1_model=True --precision_mode FP16 "
        "--minimum_segment_size 5 --max_workspace_size_bytes 9",
        "--convert_tf1_model --dir a --output_dir b --tag_set serve,gpu --precision_mode FP16 "
        "--minimum_segment_size 5 --max_workspace_size_bytes 9 --convert_tf1_model tensorrt",
    ],
)
def test_saved_model_cli(words: str, conversions: list[Any]) -> None:
    assert main(["convert", *words.split(), "--json"]) == 0
    options = {
        "tags": ("serve", "gpu"),
        "precision": "FP16",
        "minimum_segment_size": 5,
        "max_workspace_size_bytes": 9,
    }
    assert conversions == [("a", "b", options)]


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ("--build", True),
        ("--build --shapes x:1x8", {"shapes": [{"x": (1, 8)}]}),
        (
            "--build --shapes x:1x8,y:2 --shapes x:4x8,y:2",
            {"shapes": [{"x": (1, 8), "y": (2,)}, {"x": (4, 8), "y": (2,)}]},
        ),
        (
            "--build --min_shapes x:1 --opt-shapes x:2 --maxShapes x:3",
            {"min_shapes": {"x": (1,)}, "opt_shapes": {"x": (2,)}, "max_shapes": {"x": (3,)}},
        ),
        (
            "--build --data a.npz --data b.npz --calibration c:d --device gpu:1",
            {"data": ["a.npz", "b.npz"], "calibration": ["c:d"], "device": "gpu:1"},
        ),
        (
            "--build --no-timing-cache --calibration-table t.json",
            {"timing_cache": False, "calibration_table": "t.json"},
        ),
    ],
)
def test_build_options(words: str, expected: Any, conversions: list[Any]) -> None:
    assert main(["convert", "a", "b", *words.split(), "--json"]) == 0
    assert conversions == [("a", "b", {"build": expected})]


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ("a b --shapes x:1", "--shapes is about building engines: expected --build"),
        ("a b --min-shapes x:1", "--min-shapes is about"),
        ("a b --build --shapes x:one", "is no shape: expected NAME:1x224x224x3"),
        ("--convert_tf1_model a b", "expected true or false"),
    ],
)
def test_wrong_usage(words: str, message: str, conversions: list[Any], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["convert", *words.split()]) == 2
    assert message in " ".join(capsys.readouterr().err.split())
    assert not conversions


# convert(..., build=...)


class Builder:
    """Stands for ``tftrt.build`` on a machine with a GPU."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.calls: list[tuple[Path, dict[str, Any]]] = []
        self.error: Exception | None = None
        self.gpus = ["GPU"]
        environment = SimpleNamespace(gpus=self.gpus)
        monkeypatch.setattr(tftrt._native, "inspect_environment", lambda: environment)

        def build(path: Path, *, shapes: Any = None, progress: Any = None) -> None:
            self.calls.append((path, {"shapes": shapes}))
            if progress:
                progress("building", 0.5)
            if self.error:
                raise self.error
            manifest = json.loads((path / MANIFEST_PATH).read_text())
            for engine in manifest["engines"]:
                engine["plan"] = {"bytes": 7}
            write_manifest(
                path, {k: v for k, v in manifest.items() if k not in ("format_version", "manifest_sha256", "files")}
            )

        monkeypatch.setattr(tftrt.converter, "build_engines", build)


@pytest.fixture
def builder(monkeypatch: pytest.MonkeyPatch) -> Builder:
    return Builder(monkeypatch)


def test_convert_and_build(builder: Builder, exported: Callable[[str], Path], tmp_path: Path) -> None:
    seen: list[float] = []
    target = tmp_path / "out"
    report = tftrt.convert(
        exported("cnn"), target, build={"shapes": (1, 8, 8, 3)}, progress=lambda _, done: seen.append(done)
    )
    ((path, options),) = builder.calls
    assert (path.parent, options) == (tmp_path, {"shapes": (1, 8, 8, 3)})
    assert [entry.name for entry in tmp_path.iterdir()] == ["out"]
    assert report.destination == str(target)
    assert [engine.plan for engine in report.engines] == [{"bytes": 7}]
    assert {"build", "total"} <= report.seconds.keys()
    assert seen == sorted(seen) and 0.5 < seen[-1] <= 1.0
    with tftrt.Model(target) as model:
        assert model.info.path == str(target)


def test_failed_build_leaves_the_old_state(builder: Builder, exported: Callable[[str], Path], tmp_path: Path) -> None:
    builder.error = tftrt.InternalError("out of memory")
    with pytest.raises(tftrt.InternalError, match="out of memory"):
        tftrt.convert(exported("cnn"), tmp_path / "out", build=True)
    assert not list(tmp_path.iterdir())
    tftrt.convert(exported("cnn"), tmp_path / "out")
    before = (tmp_path / "out" / MANIFEST_PATH).read_bytes()
    with pytest.raises(tftrt.InternalError, match="out of memory"):
        tftrt.convert(exported("cnn"), tmp_path / "out", build=True, overwrite=True, precision="FP16")
    assert [entry.name for entry in tmp_path.iterdir()] == ["out"]
    assert (tmp_path / "out" / MANIFEST_PATH).read_bytes() == before


@pytest.mark.parametrize(
    ("build", "message"),
    [
        ({"output": "x"}, "expected no 'output'"),
        ({"sizes": 1}, "'sizes'"),
        ("yes", "found 'yes'"),
    ],
)
def test_wrong_build(build: Any, message: str, builder: Builder, tmp_path: Path) -> None:
    with pytest.raises(tftrt.InvalidArgumentError, match=message):
        tftrt.convert(tmp_path, tmp_path / "out", build=build)


def test_build_without_a_gpu_is_refused_before_the_work(builder: Builder, tmp_path: Path) -> None:
    builder.gpus.clear()
    with pytest.raises(tftrt.IncompatibleError, match="tftrt build"):
        tftrt.convert(tmp_path, tmp_path / "out", build=True)
    assert not builder.calls
