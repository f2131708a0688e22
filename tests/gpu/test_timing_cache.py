"""The timing cache on disk: a second build takes at most a third of the first. To be run with an idle GPU."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

import tftrt

from . import counts, parity, samples
from .counts import Counts
from .workshop import Workshop, build, read_manifest

CONVERSION = {"precision": "FP16"}
SHAPE = (16, 32, 32, 16)
RATIO = 1 / 3


def test_second_build_takes_a_third(
    workshop: Workshop, tmp_path: Path, record: Callable[..., None], check_parity: Callable[..., float]
) -> None:
    converted = workshop.converted("wide", **CONVERSION)
    cache = tmp_path / "timing"
    for name in ("first", "second"):
        options = {"output": tmp_path / name, "timing_cache": cache, "optimization_level": None}
        build("wide", converted, conversion=CONVERSION, shapes=SHAPE, **options)
    first, second = (read_manifest(tmp_path / name)["build"] for name in ("first", "second"))
    record(cold=first["seconds"], warm=second["seconds"], cache_bytes=second["timing_cache"]["bytes"])

    assert not first["timing_cache"]["hit"]
    assert second["timing_cache"]["hit"]
    assert second["seconds"]["build"] <= RATIO * first["seconds"]["build"]
    inputs = samples.feature_map(16)
    with tftrt.Model(tmp_path / "second", on_miss="error") as model:
        before = counts.counts(model)
        result = model(inputs)
        assert counts.counts(model) - before == Counts(calls=1, engine_runs=1)
    check_parity([result], workshop.expected("wide", inputs), parity.BOUNDS["FP16"]["small"] * 2)


def test_damaged_cache_costs_time_and_nothing_else(workshop: Workshop, tmp_path: Path) -> None:
    converted = workshop.converted("pair")
    cache = tmp_path / "timing"
    build("pair", converted, shapes={"a": (2, 8), "b": (2, 8)}, output=tmp_path / "first", timing_cache=cache)
    files = [path for path in cache.rglob("*") if path.is_file()]
    assert files
    for file in files:
        file.write_bytes(b"not a timing cache")
    with pytest.warns(RuntimeWarning, match="timing cache"):
        build("pair", converted, shapes={"a": (2, 8), "b": (2, 8)}, output=tmp_path / "second", timing_cache=cache)

    with tftrt.Model(tmp_path / "second", on_miss="error") as model:
        model(samples.pair(2, 8))
    shutil.rmtree(cache)
