"""What a build leaves for the next one: measurements and engines, on disk. To be run with an idle GPU."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import tftrt

from . import counts, parity, samples
from .counts import Counts
from .workshop import SECOND_BUILD, Workshop, build, read_manifest

CONVERSION = {"precision": "FP16"}
SHAPE = (16, 32, 32, 16)
PAIR = {"a": (2, 8), "b": (2, 8)}


def test_second_build_takes_a_third(
    workshop: Workshop, tmp_path: Path, record: Callable[..., None], check_parity: Callable[..., float]
) -> None:
    converted = workshop.converted("wide", **CONVERSION)
    plans = tmp_path / "plans"
    built: dict[str, dict[str, Any]] = {}
    for name, plan_cache in (("first", plans), ("measurements reused", False), ("engines reused", plans)):
        options: dict[str, Any] = {"timing_cache": tmp_path / "timing", "plan_cache": plan_cache}
        options.update(output=tmp_path / name, optimization_level=None)
        build("wide", converted, conversion=CONVERSION, shapes=SHAPE, **options)
        built[name] = read_manifest(tmp_path / name)["build"]
    record(
        seconds={name: build["seconds"] for name, build in built.items()},
        cache_bytes=built["measurements reused"]["timing_cache"]["bytes"],
    )

    assert [build["timing_cache"]["hit"] for build in built.values()] == [False, True, True]
    assert [build["reused_plans"] for build in built.values()] == [0, 0, 1]
    first, measured, reused = (build["seconds"]["total"] for build in built.values())
    assert measured < first
    assert reused <= SECOND_BUILD * first
    inputs = samples.feature_map(16)
    for name in ("measurements reused", "engines reused"):
        with tftrt.Model(tmp_path / name, on_miss="error") as model:
            before = counts.counts(model)
            result = model(inputs)
            assert counts.counts(model) - before == Counts(calls=1, engine_runs=1)
        check_parity([result], workshop.expected("wide", inputs), parity.BOUNDS["FP16"]["small"] * 2, build=name)


def test_reused_engines_are_those_that_were_built(workshop: Workshop, tmp_path: Path) -> None:
    """Each engine for itself, profiles included; another shape is built."""
    plans = tmp_path / "plans"

    def profiles(name: str, **options: Any) -> tuple[int, Any]:
        options.update(output=tmp_path / name, plan_cache=plans)
        build("pair", workshop.converted("pair"), **options)
        with tftrt.Model(tmp_path / name, on_miss="error") as model:
            before = counts.counts(model)
            model(samples.pair(2, 8))
            assert counts.counts(model) - before == Counts(calls=1, engine_runs=1)
            return read_manifest(tmp_path / name)["build"]["reused_plans"], counts.profiles(model)

    _, first = profiles("first", shapes=[PAIR, {"a": (4, 16), "b": (4, 16)}])
    reused, again = profiles("again", shapes=[PAIR, {"a": (4, 16), "b": (4, 16)}])
    assert reused == 1
    assert again == first

    reused, others = profiles("others", shapes=[PAIR, {"a": (3, 16), "b": (3, 16)}])
    assert reused == 0
    assert others != first


def test_implicit_batch_engines_are_reused(workshop: Workshop, tmp_path: Path) -> None:
    conversion = {"dynamic_shapes": False}
    options = {"shapes": [(1, 16, 16, 3), (8, 16, 16, 3)], "plan_cache": tmp_path / "plans"}
    for name, expected in (("first", 0), ("again", 1)):
        build("cnn", workshop.converted("cnn", **conversion), conversion=conversion, output=tmp_path / name, **options)
        assert read_manifest(tmp_path / name)["build"]["reused_plans"] == expected
        with tftrt.Model(tmp_path / name, on_miss="error") as model:
            before = counts.counts(model)
            model(samples.image(1))
            model(samples.image(8))
            assert counts.counts(model) - before == Counts(calls=2, engine_runs=2)


@pytest.mark.parametrize("content", [b"", b"no plans"], ids=["empty", "other"])
def test_damaged_plans_are_built_anew(content: bytes, workshop: Workshop, tmp_path: Path) -> None:
    options = {"shapes": PAIR, "plan_cache": tmp_path / "plans"}
    build("pair", workshop.converted("pair"), output=tmp_path / "first", **options)
    (file,) = (tmp_path / "plans").iterdir()
    file.write_bytes(content)

    build("pair", workshop.converted("pair"), output=tmp_path / "second", **options)

    assert read_manifest(tmp_path / "second")["build"]["reused_plans"] == 0
    with tftrt.Model(tmp_path / "second", on_miss="error") as model:
        model(samples.pair(2, 8))


def test_damaged_timing_cache_costs_time_and_nothing_else(workshop: Workshop, tmp_path: Path) -> None:
    converted = workshop.converted("pair")
    cache = tmp_path / "timing"
    build("pair", converted, shapes=PAIR, output=tmp_path / "first", timing_cache=cache)
    files = [path for path in cache.rglob("*") if path.is_file()]
    assert files
    for file in files:
        file.write_bytes(b"not a timing cache")
    with pytest.warns(RuntimeWarning, match="timing cache"):
        build("pair", converted, shapes=PAIR, output=tmp_path / "second", timing_cache=cache)

    with tftrt.Model(tmp_path / "second", on_miss="error") as model:
        model(samples.pair(2, 8))
