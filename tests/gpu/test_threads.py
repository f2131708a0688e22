"""Eight threads share one model: right results, and counts that are exact."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

import tftrt

from . import counts, parity, samples
from .counts import Counts
from .factory import Arrays
from .workshop import Workshop

THREADS, CALLS = 8, 100
SHAPES = [{"image": (batch, 16, 16, 3)} for batch in (1, 4)]


@pytest.fixture(params=["explicit", "implicit"])
def path(request: pytest.FixtureRequest, workshop: Workshop) -> Path:
    mode = {"profile_strategy": "Range"} if request.param == "explicit" else {"dynamic_shapes": False}
    return workshop.built("cnn", {"precision": "FP32", **mode}, shapes=SHAPES)


def _together(work: Callable[[int], Any]) -> list[Any]:
    """What ``work`` returns in each of THREADS threads that begin at once."""
    barrier = threading.Barrier(THREADS)

    def begin(number: int) -> Any:
        barrier.wait()
        return work(number)

    with ThreadPoolExecutor(THREADS) as pool:
        return list(pool.map(begin, range(THREADS)))


def test_results_are_right_and_counts_exact(
    path: Path, workshop: Workshop, check_parity: Callable[..., float], record: Callable[..., None]
) -> None:
    inputs = [samples.image(1 + number % 4, seed=number) for number in range(THREADS)]
    with tftrt.Model(path, on_miss="error") as model:
        alone = [model(arrays) for arrays in inputs]
        before, shapes_before = counts.counts(model), counts.runs_by_shape(model)

        def work(number: int) -> float:
            return max(parity.error(model(inputs[number]), alone[number]) for _ in range(CALLS))

        worst = max(_together(work))

        assert counts.counts(model) - before == Counts(calls=THREADS * CALLS, engine_runs=THREADS * CALLS)
        runs = counts.runs_by_shape(model)
        delta = {shape: runs[shape] - shapes_before.get(shape, 0) for shape in runs}
        assert {shape: n for shape, n in delta.items() if n} == {
            ((batch, 16, 16, 3),): 2 * CALLS for batch in range(1, 5)
        }
    record(difference_from_one_thread=worst)
    assert worst <= parity.SAME_ENGINE
    check_parity(alone, workshop.expected("cnn", *inputs), parity.BOUNDS["FP32"]["small"])


@pytest.mark.parametrize("on_miss", ["error", "native"])
def test_misses_among_hits_are_counted_exactly(on_miss: str, path: Path) -> None:
    """Every second thread asks for shapes that no engine takes."""
    with tftrt.Model(path, on_miss=on_miss) as model:
        hit, miss = samples.image(4), [samples.image(5 + number) for number in range(THREADS)]
        before = counts.counts(model)

        def work(number: int) -> int:
            refused = 0
            for _ in range(CALLS):
                try:
                    model(miss[number] if number % 2 else hit)
                except tftrt.InvalidArgumentError:
                    refused += 1
            return refused

        refused = sum(_together(work))

        half = THREADS * CALLS // 2
        expected = Counts(calls=2 * half, errors=half, engine_runs=half)
        if on_miss == "native":
            expected = Counts(calls=2 * half, engine_runs=half, native_runs=half)
        assert counts.counts(model) - before == expected
        assert refused == expected.errors


def test_eight_threads_build_one_engine(workshop: Workshop, check_parity: Callable[..., float]) -> None:
    """All ask at once for the first shape of a model without engines: one builds, the others wait."""
    inputs = [samples.image(2, seed=number) for number in range(THREADS)]
    results: list[Arrays] = []
    with tftrt.Model(workshop.converted("cnn"), on_miss="build") as model:
        before = counts.counts(model)

        results += _together(lambda number: model(inputs[number]))

        assert counts.built_one(counts.counts(model) - before, calls=THREADS)
        before = counts.counts(model)
        model(inputs[0])
        assert counts.counts(model) - before == Counts(calls=1, engine_runs=1)
    check_parity(results, workshop.expected("cnn", *inputs), parity.BOUNDS["FP32"]["small"])


def test_closing_waits_for_calls_under_way(path: Path) -> None:
    model = tftrt.Model(path, on_miss="error")
    inputs = samples.image(4)

    def work(number: int) -> int:
        done = 0
        for _ in range(CALLS):
            try:
                model(inputs)
                done += 1
            except tftrt.InvalidArgumentError:
                break
            if number == 0 and done == CALLS // 4:
                model.close()
        return done

    done = _together(work)

    assert done[0] == CALLS // 4
    assert model.closed
