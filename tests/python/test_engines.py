"""Models with engines where no GPU is: options, statistics, and what a manifest with a build means there."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import tftrt
from tftrt.cli import inspect as inspect_command
from tftrt.cli import main
from tftrt.manifest import MANIFEST_PATH, write_manifest

IMAGE = np.random.default_rng(0).random((2, 8, 8, 3), dtype=np.float32)
PLAN = b"not a plan that any GPU could read"


def pretend_build(source: Path, destination: Path, **changes: Any) -> Path:
    """A copy of a converted model that says it has an engine, for a GPU that nobody has."""
    shutil.copytree(source, destination)
    content = json.loads((source / MANIFEST_PATH).read_text())
    engine = content["engines"][0]
    asset = destination / "assets" / f"trt-serialized-engine.{engine['name']}"
    asset.parent.mkdir(exist_ok=True)
    asset.write_bytes(PLAN)
    engine["plan"] = {"asset": f"assets/{asset.name}", "bytes": len(PLAN)}
    content["build"] = {
        "format_version": 1,
        "gpu": {"name": "GPU of nobody", "compute_capability": "99.0", "driver": "1"},
        "tensorrt": "8.6.0",
        "profile_strategy": "Range",
        "requests": [{"signature": "serving_default", "role": "fixed", "shapes": {"image": [2, 8, 8, 3]}}],
        **changes,
    }
    for key in ("format_version", "manifest_sha256", "files"):
        del content[key]
    write_manifest(destination, content)
    return destination


@pytest.fixture
def built(converted_of: Callable[[str], Path], tmp_path: Path) -> Path:
    return pretend_build(converted_of("cnn"), tmp_path / "built")


def plan_of(model: Path) -> Path:
    (plan,) = (model / "assets").glob("trt-serialized-engine.*")
    return plan


@pytest.mark.parametrize("on_mismatch", ["error", "native", "rebuild"])
def test_engines_for_another_gpu_are_no_matter_on_a_cpu(
    built: Path, converted_of: Callable[[str], Path], on_mismatch: str
) -> None:
    with tftrt.Model(converted_of("cnn"), device="cpu") as model:
        expected = model(IMAGE)
    with tftrt.Model(built, device="cpu", on_mismatch=on_mismatch) as model:
        found = model(IMAGE)
        assert (model.info.engines, model.info.engines_ready, model.info.engine_problem) == (1, 0, "")
    assert all(np.array_equal(found[name], expected[name]) for name in expected)


def test_a_damaged_plan_is_no_matter_on_a_cpu(built: Path) -> None:
    plan_of(built).write_bytes(PLAN[:7])
    with tftrt.Model(built, device="cpu") as model:
        model(IMAGE)
    plan_of(built).unlink()
    with tftrt.Model(built, device="cpu") as model:
        model(IMAGE)


def test_a_damaged_graph_of_a_built_model_is(built: Path) -> None:
    file = built / "saved_model.pb"
    file.write_bytes(file.read_bytes()[:-1])
    with pytest.raises(tftrt.ModelError, match=r"saved_model.pb has \d+ bytes"):
        tftrt.Model(built, device="cpu")


def test_a_newer_build_is_no_matter_on_a_cpu(converted_of: Callable[[str], Path], tmp_path: Path) -> None:
    model = pretend_build(converted_of("cnn"), tmp_path / "newer", format_version=99)
    tftrt.Model(model, device="cpu").close()


@pytest.mark.parametrize(
    "changes", [{"format_version": 0}, {"format_version": "1"}, {"requests": [{"shapes": {"image": [-2]}}]}]
)
def test_a_build_that_makes_no_sense_is_an_error(
    converted_of: Callable[[str], Path], tmp_path: Path, changes: dict[str, Any]
) -> None:
    model = pretend_build(converted_of("cnn"), tmp_path / "odd", **changes)
    with pytest.raises(tftrt.ModelError, match="is damaged"):
        tftrt.Model(model, device="cpu")


@pytest.mark.parametrize(
    ("option", "values"),
    [("on_miss", '"native", "error" or "build"'), ("on_mismatch", '"error", "native" or "rebuild"')],
)
def test_unknown_words_are_refused(converted_of: Callable[[str], Path], option: str, values: str) -> None:
    with pytest.raises(tftrt.InvalidArgumentError, match=f'{option} is "maybe"; expected {values}'):
        tftrt.Model(converted_of("cnn"), **{option: "maybe"})
    with pytest.raises(tftrt.InvalidArgumentError, match="option warm_engines"):
        tftrt.Model(converted_of("cnn"), warm_engines="never")


def test_statistics_count_calls_and_errors(converted_of: Callable[[str], Path]) -> None:
    with tftrt.Model(converted_of("cnn"), device="cpu", warmup=3) as model:
        assert (model.stats()["calls"], model.stats()["errors"]) == (0, 0), "warming is not counted"
        for _ in range(5):
            model(IMAGE)
        model.run(image=IMAGE, outputs=[model.outputs[0].name])
        with pytest.raises(tftrt.InvalidArgumentError):
            model(IMAGE[0])
        stats = model.stats()
        assert (stats["calls"], stats["errors"]) == (7, 1)
        assert [engine["inlined"] for engine in stats["engines"]] == [True]
        assert stats["engines"][0]["engine_runs"] == stats["engines"][0]["native_runs"] == 0
        assert list(stats["load_seconds"])[-2:] == ["callables", "warm-up"]
        json.dumps(stats)
    assert model.stats()["calls"] == 7, "also after it was closed"
    assert model.stats()["engines"] == []


def test_inspect_tells_what_was_built(
    built: Path, converted_of: Callable[[str], Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["inspect", str(built)]) == 0
    shown = capsys.readouterr().out
    assert "engines built for GPU of nobody (compute capability 99.0) with TensorRT 8.6.0" in shown
    assert main(["inspect", str(converted_of("cnn"))]) == 0
    shown = capsys.readouterr().out
    assert "no engines built: tftrt build makes them" in shown
    assert "nothing" in shown


@pytest.mark.parametrize(
    ("plan", "shown"),
    [
        ({"profiles": [{"min": [[1, 8]], "opt": [[4, 8]], "max": [[4, 8]]}], "shapes": []}, "1..4x8"),
        ({"profiles": [], "shapes": [[[8, 3], [8]], [[1, 3], [1]]]}, "8x3, 8; 1x3, 1"),
        ({"profiles": [{"min": [[]], "opt": [[]], "max": [[]]}], "shapes": []}, "scalar"),
        ({"bytes": 7}, "?"),
        (None, "nothing"),
    ],
)
def test_inspect_shows_shapes(plan: Any, shown: str) -> None:
    assert inspect_command._plan({"plan": plan}) == shown


def test_building_needs_a_gpu(converted_of: Callable[[str], Path]) -> None:
    if tftrt._native.inspect_environment().gpus:
        pytest.skip("there is a GPU")
    with pytest.raises(tftrt.IncompatibleError, match="no GPU"):
        tftrt._native.EngineBuilder.open(str(converted_of("cnn")), tftrt._native.BuilderOptions())
    with pytest.raises(tftrt.IncompatibleError, match="there is no GPU 0"):
        tftrt._native.inspect_gpu(0)


def test_builders_check_their_options(exported: Callable[[str], Path], converted_of: Callable[[str], Path]) -> None:
    options = tftrt._native.BuilderOptions()
    with pytest.raises(tftrt.UnsupportedError, match="was not converted by tftrt"):
        tftrt._native.EngineBuilder.open(str(exported("cnn")), options)
    options.optimization_level = 6
    with pytest.raises(tftrt.InvalidArgumentError, match="optimization_level is 6; expected 0 to 5"):
        tftrt._native.EngineBuilder.open(str(converted_of("cnn")), options)
