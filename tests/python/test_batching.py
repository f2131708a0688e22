"""Calls that share runs: who shares, what each gets, who is turned away."""

from __future__ import annotations

import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import tftrt
from conftest import Gate, vector

PATIENCE = 30.0


def submit(threads: ThreadPoolExecutor, model: tftrt.Model, x: np.ndarray) -> Future[Any]:
    """Begin a call; it is queued when this returns, or nearly so."""
    call = threads.submit(model, x)
    time.sleep(0.1)
    return call


def test_calls_made_while_one_runs_share_the_next_run(gated: Callable[..., tftrt.Model], gate: Gate) -> None:
    model = gated(max_batch=4, max_queued_batches=1)
    with ThreadPoolExecutor(8) as threads:
        first = submit(threads, model, vector(1))
        gate.wait_for_calls(1)
        # One batch may wait. It takes four items: the fifth is turned away.
        waiting = [submit(threads, model, x) for x in (vector(2), vector(3, 4), vector(5))]
        refused = submit(threads, model, vector(6))
        with pytest.raises(tftrt.ResourceExhaustedError, match="1 batches of requests waiting already"):
            refused.result(PATIENCE)
        assert not any(call.done() for call in (first, *waiting))
        gate.open()
        results = [list(call.result(PATIENCE)["y"]) for call in (first, *waiting)]
        assert results == [[1], [2], [3, 4], [5]]
        assert list(model(vector(7))["y"]) == [7]


def test_as_many_batches_run_at_once_as_there_are_instances(gated: Callable[..., tftrt.Model], gate: Gate) -> None:
    model = gated(max_batch=4, instances=2)
    with ThreadPoolExecutor(8) as threads:
        calls = [submit(threads, model, vector(number)) for number in range(6)]
        gate.wait_for_calls(2)
        with pytest.raises(AssertionError):
            gate.wait_for_calls(3, 0.3)
        gate.open()
        assert [list(call.result(PATIENCE)["y"]) for call in calls] == [[number] for number in range(6)]


def test_close_waits_for_queued_calls(gated: Callable[..., tftrt.Model], gate: Gate) -> None:
    model = gated(max_batch=4)
    with ThreadPoolExecutor(8) as threads:
        calls = [submit(threads, model, vector(number)) for number in range(3)]
        closing = threads.submit(model.close)
        time.sleep(0.1)
        assert not closing.done()
        gate.open()
        assert [list(call.result(PATIENCE)["y"]) for call in calls] == [[0], [1], [2]]
        closing.result(PATIENCE)


def test_each_gets_its_own_rows(exported: Callable[[str], Path]) -> None:
    """Of several inputs and outputs, in several shapes, from several threads."""
    with (
        tftrt.Model(exported("encoder"), device="cpu") as plain,
        tftrt.Model(exported("encoder"), device="cpu", max_batch=8, max_wait_us=2000) as model,
    ):

        def work(seed: int) -> None:
            generator = np.random.default_rng(seed)
            for _ in range(20):
                shape = int(generator.integers(1, 5)), (5, 7)[seed % 2]
                inputs = {spec.name: generator.integers(0, 2, shape).astype(spec.dtype) for spec in model.inputs}
                expected, found = plain(inputs), model(inputs)
                for name, values in expected.items():
                    assert found[name].shape == values.shape
                    np.testing.assert_allclose(found[name], values, rtol=1e-5, atol=1e-6)

        with ThreadPoolExecutor(6) as threads:
            list(threads.map(work, range(6)))


def test_one_that_fails_fails_alone(exported: Callable[[str], Path]) -> None:
    model = tftrt.Model(exported("checked"), device="cpu", max_batch=8, max_wait_us=20_000)
    with ThreadPoolExecutor(8) as threads:
        calls = {value: threads.submit(model, np.array([value], np.int32)) for value in (1, 9, 2, 7, 3)}
        for value, call in calls.items():
            if value < 4:
                assert call.result(PATIENCE)["fine"] == [value + 1]
            else:
                with pytest.raises(tftrt.InvalidArgumentError, match=r"not in \[0, 4\)"):
                    call.result(PATIENCE)


def test_a_batch_waits_as_long_as_was_asked(exported: Callable[[str], Path]) -> None:
    image = np.zeros((1, 8, 8, 3), np.float32)
    with tftrt.Model(exported("cnn"), device="cpu", max_batch=4, max_wait_us=1_000_000) as model:
        begin = time.perf_counter()
        model(image)
        assert time.perf_counter() - begin >= 1
        # A full one does not wait.
        begin = time.perf_counter()
        model(np.zeros((4, 8, 8, 3), np.float32))
        assert time.perf_counter() - begin < 1


@pytest.mark.parametrize("rows", [0, 5])
def test_what_is_no_part_of_a_batch_runs_alone(exported: Callable[[str], Path], rows: int) -> None:
    image = np.ones((rows, 8, 8, 3), np.float32)
    with tftrt.Model(exported("cnn"), device="cpu", max_batch=4) as model:
        (result,) = model(image).values()
        assert result.shape[0] == rows


@pytest.mark.parametrize("name", ["scalar", "no_inputs"])
def test_what_has_no_rows_is_refused(exported: Callable[[str], Path], name: str) -> None:
    with pytest.raises(tftrt.InvalidArgumentError, match="max_batch is set, but"):
        tftrt.Model(exported(name), device="cpu", max_batch=4)


@pytest.mark.parametrize("options", [{"max_batch": -1}, {"max_wait_us": -1}, {"max_queued_batches": 0}])
def test_options_are_checked(exported: Callable[[str], Path], options: dict[str, int]) -> None:
    with pytest.raises(tftrt.InvalidArgumentError, match="max_queued_batches"):
        tftrt.Model(exported("cnn"), device="cpu", **options)
