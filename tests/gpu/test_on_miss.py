"""Shapes that no engine takes: refused, run natively or built, and never at the cost of an engine that is there."""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import tftrt
from tftrt._native import inspect_environment

from . import counts, parity, samples
from .factory import Arrays
from .workshop import Workshop

Counts = counts.Counts

SHAPES = [{"image": (batch, 16, 16, 3)} for batch in (1, 4)]
TAKEN = (1, 4)
UNKNOWN = (5, 9, 17)

# Explicit batch: one engine with profiles. Implicit batch: an engine for each shape, in slots that TF-TRT would reuse;
# its model has room for one more.
MODES: dict[str, dict[str, Any]] = {
    "explicit": {"precision": "FP32", "profile_strategy": "Range"},
    "implicit": {"dynamic_shapes": False, "maximum_cached_engines": 3},
}

Run = Callable[..., list[Arrays]]

# What libtensorflow_cc writes in its own log, where it was stripped; test_tensorflow_writes_nothing tests the others.
OF_TENSORFLOW = re.compile(r"[IWEF]\d{4} \d\d:\d\d:\d+\.\d+ |WARNING: All log messages before absl::InitializeLog\(\)")


@pytest.fixture(params=MODES)
def path(request: pytest.FixtureRequest, workshop: Workshop) -> Path:
    return workshop.built("cnn", MODES[request.param], shapes=SHAPES)


@pytest.fixture
def implicit(workshop: Workshop) -> Path:
    return workshop.built("cnn", MODES["implicit"], shapes=SHAPES)


def test_error_names_shape_and_profiles(path: Path) -> None:
    with tftrt.Model(path, on_miss="error") as model:
        before = counts.counts(model)

        with pytest.raises(tftrt.InvalidArgumentError) as refusal:
            model(samples.image(9))

        assert "[9, 16, 16, 3]" in str(refusal.value)
        assert "[4, 16, 16, 3]" in str(refusal.value)
        assert counts.counts(model) - before == Counts(calls=1, errors=1)


def test_native_warns_once_and_builds_nothing(
    path: Path, workshop: Workshop, load_fresh: Callable[..., dict[str, Any]], check_parity: Callable[..., float]
) -> None:
    inputs = [samples.image(batch, seed=batch) for batch in UNKNOWN]

    answer = load_fresh(path, inputs, calls=4, on_miss="native")

    assert answer["counts"] == vars(Counts(calls=12, native_runs=12))
    lines = [line for line in answer["stderr"].splitlines() if line.strip() and not OF_TENSORFLOW.match(line)]
    assert len(lines) == 1, answer["stderr"]
    assert "[5, 16, 16, 3]" in lines[0]
    # TensorFlow's own kernels on the GPU use TF32 too.
    check_parity(answer["outputs"], workshop.expected("cnn", *inputs), parity.BOUNDS["FP32"]["small"])


def test_tensorflow_writes_nothing(implicit: Path, load_fresh: Callable[..., dict[str, Any]]) -> None:
    """Native runs have convolutions timed, of which libtensorflow_cc writes in a log that it has to itself."""
    elffile = pytest.importorskip("elftools.elf.elffile")
    from tftrt.bundling.symbols import find_log_level

    with Path(inspect_environment().tensorflow.path).open("rb") as library:
        if not find_log_level(elffile.ELFFile(library)):
            pytest.skip("this TensorFlow was stripped of the symbol by which its log's level is found")

    answer = load_fresh(implicit, [samples.image(batch) for batch in UNKNOWN], on_miss="native")

    assert len(answer["stderr"].splitlines()) == 1, answer["stderr"]


@pytest.mark.parametrize("on_miss", ["native", "error"])
def test_unknown_shapes_never_cost_an_engine(
    on_miss: str, path: Path, workshop: Workshop, check_parity: Callable[..., float]
) -> None:
    """TF-TRT would evict the engine, or leave an empty one that smaller batches match."""
    known = [samples.image(batch, seed=batch) for batch in TAKEN]
    with tftrt.Model(path, on_miss=on_miss) as model:
        for batch in UNKNOWN:
            for _ in range(3):
                try:
                    model(samples.image(batch))
                except tftrt.InvalidArgumentError:
                    assert on_miss == "error"
        before = counts.counts(model)

        results = [model(arrays) for arrays in known]

        assert counts.counts(model) - before == Counts(calls=2, engine_runs=2)
        assert counts.counts(model).builds == 0
    check_parity(results, workshop.expected("cnn", *known), parity.BOUNDS["FP32"]["small"])


def test_build_fills_the_free_slot_and_no_more(
    implicit: Path, workshop: Workshop, check_parity: Callable[..., float], record: Callable[..., None]
) -> None:
    inputs = [samples.image(batch, seed=batch) for batch in (9, 1, 4, 9)]
    with tftrt.Model(implicit, on_miss="build") as model:
        before = counts.counts(model)
        start = time.perf_counter()
        results = [model(inputs[0])]
        record(build_inside_a_request_seconds=time.perf_counter() - start)
        assert counts.built_one(counts.counts(model) - before, calls=1)

        before = counts.counts(model)
        results += [model(arrays) for arrays in inputs[1:]]
        assert counts.counts(model) - before == Counts(calls=3, engine_runs=3)

        before = counts.counts(model)
        model(samples.image(17))
        assert counts.counts(model) - before == Counts(calls=1, native_runs=1), "all slots are taken: no eviction"

        before = counts.counts(model)
        results += [model(arrays) for arrays in inputs]
        assert counts.counts(model) - before == Counts(calls=4, engine_runs=4)
    check_parity(results, workshop.expected("cnn", *inputs, *inputs), parity.BOUNDS["FP32"]["small"])


def test_build_adds_no_profile_to_an_engine(workshop: Workshop) -> None:
    """Explicit batch: TF-TRT builds for the first shape only, and an engine that is there is never replaced."""
    path = workshop.built("cnn", MODES["explicit"], shapes=SHAPES)
    with tftrt.Model(path, on_miss="build") as model:
        before = counts.counts(model)

        model(samples.image(9))
        model(samples.image(4))

        assert counts.counts(model) - before == Counts(calls=2, engine_runs=1, native_runs=1)


def test_model_without_engines_refuses(workshop: Workshop) -> None:
    with pytest.raises(tftrt.Error, match="build"), tftrt.Model(workshop.converted("cnn"), on_miss="error") as model:
        model(samples.image(1))


def test_model_without_engines_runs_natively(workshop: Workshop, check_parity: Callable[..., float]) -> None:
    inputs = [samples.image(batch, seed=batch) for batch in (1, 9)]
    with tftrt.Model(workshop.converted("cnn"), on_miss="native") as model:
        before = counts.counts(model)
        results = [model(arrays) for arrays in inputs]

        assert counts.counts(model) - before in (Counts(calls=2, native_runs=2), Counts(calls=2))
        assert model.info.engines_ready == 0
    check_parity(results, workshop.expected("cnn", *inputs), parity.BOUNDS["FP32"]["small"])


def test_model_without_engines_builds_for_the_first_shape(
    workshop: Workshop, check_parity: Callable[..., float]
) -> None:
    inputs = [samples.image(batch, seed=batch) for batch in (2, 2, 3)]
    with tftrt.Model(workshop.converted("cnn"), on_miss="build") as model:
        before = counts.counts(model)
        results = [model(arrays) for arrays in inputs]

        assert counts.built_one(counts.counts(model) - before, calls=3, native_runs=1)
        assert counts.profiles(model) == [(((2, 16, 16, 3),),) * 3]
    check_parity(results, workshop.expected("cnn", *inputs), parity.BOUNDS["FP32"]["small"])
