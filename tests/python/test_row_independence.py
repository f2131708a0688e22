"""Shared runs answer calls only where each row is proved to be computed without the others."""

from __future__ import annotations

import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import runtime_models
import tftrt
from conftest import TensorFlow

CALLERS = 4


@pytest.fixture(scope="module")
def mixing(tensorflow: TensorFlow, tmp_path_factory: pytest.TempPathFactory) -> Path:
    directory = tmp_path_factory.mktemp("rows") / "mixing"
    tensorflow.call(runtime_models.mixing, str(directory))
    return directory


def together(model: Callable[[Any], dict[str, np.ndarray]], inputs: list[Any]) -> list[dict[str, np.ndarray]]:
    """The results of calls that are made at the same time."""
    results: list[Any] = [None] * len(inputs)
    start = threading.Barrier(len(inputs))

    def call(index: int) -> None:
        start.wait()
        results[index] = model(inputs[index])

    threads = [threading.Thread(target=call, args=(index,)) for index in range(len(inputs))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return results


def rows_of(time: int) -> list[np.ndarray]:
    generator = np.random.default_rng(time)
    return [generator.standard_normal((1, 4)).astype(np.float32) for _ in range(CALLERS)]


@pytest.mark.parametrize("signature", ["gram", "center", "softmax", "flip"])
def test_nobody_gets_what_depends_on_other_callers(
    signature: str, mixing: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    with (
        tftrt.Model(mixing, signature, device="cpu") as plain,
        tftrt.Model(mixing, signature, device="cpu", max_batch=CALLERS, max_wait_us=100_000) as model,
    ):
        for time in range(5):
            inputs = rows_of(time)
            for x, found in zip(inputs, together(model, inputs)):
                expected = plain(x)
                for name, value in expected.items():
                    np.testing.assert_array_equal(found[name], value)
    errors = capfd.readouterr().err
    assert errors.count("run one by one") == 1, errors
    assert 'output "y"' in errors


@pytest.mark.parametrize(("signature", "reason"), [("counting", "have effects"), ("noise", "are random")])
def test_state_and_randomness_are_never_shared(
    signature: str, reason: str, mixing: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    with tftrt.Model(mixing, signature, device="cpu", max_batch=CALLERS, max_wait_us=100_000) as model:
        found = together(model, [np.zeros((1, 4), np.float32)] * CALLERS)
        if signature == "counting":
            # Calls run at the same time, so that one may read what another has added.
            assert model(np.zeros((1, 4), np.float32))["y"][0, 0] == CALLERS + 1
        else:
            assert len({result["y"][0, 0] for result in found}) == CALLERS
    assert reason in capfd.readouterr().err


def test_calls_that_fail_have_their_effects_once(mixing: Path) -> None:
    with tftrt.Model(mixing, "strict", device="cpu", max_batch=CALLERS, max_wait_us=100_000) as model:
        failed = []

        def call(x: float) -> dict[str, np.ndarray]:
            try:
                return model(np.full((1, 4), x, np.float32))
            except tftrt.InvalidArgumentError as error:
                failed.append(str(error))
                return {"y": np.full((1, 4), x + 1)}

        for time in range(1, 6):
            found = together(call, [0.0, 1.0, 9.0, 2.0])
            assert [result["y"][0, 0] for result in found] == [1, 2, 10, 3]
            assert len(failed) == time
        assert model.with_signature("counting")(np.zeros((1, 4), np.float32))["y"][0, 0] == 5 * 4 + 1


def test_rows_that_are_proved_are_shared(mixing: Path, capfd: pytest.CaptureFixture[str]) -> None:
    with (
        tftrt.Model(mixing, "rows", device="cpu") as plain,
        tftrt.Model(mixing, "rows", device="cpu", max_batch=CALLERS, max_wait_us=100_000) as model,
    ):
        for time in range(6):
            inputs = rows_of(time)
            for x, found in zip(inputs, together(model, inputs)):
                expected = plain(x)
                np.testing.assert_allclose(found["y"], expected["y"], rtol=1e-5, atol=1e-6)
                assert list(found["words"][0]) == list(expected["words"][0])
                assert found["index"] == expected["index"]
    assert "run one by one" not in capfd.readouterr().err


def test_runs_are_shared_only_after_three_that_agree(gated: Callable[..., tftrt.Model], gate: Any) -> None:
    """The number of runs tells: four callers make five to prove, and then one."""
    gate.open()
    model = gated(max_batch=CALLERS, max_wait_us=200_000)
    runs = []
    for time in range(5):
        before = gate.calls()
        together(model, [np.array([10 * time + row], np.float32) for row in range(CALLERS)])
        runs.append(gate.calls() - before)
    assert runs == [5, 5, 5, 1, 1]
    # Rows that are equal prove nothing: another model has to see others.
    other = gated(max_batch=CALLERS, max_wait_us=200_000)
    for _ in range(4):
        before = gate.calls()
        together(other, [np.array([1], np.float32)] * CALLERS)
        assert gate.calls() - before == CALLERS + 1


def test_strings_share_runs_too(exported: Callable[[str], Path]) -> None:
    words = [[b"a"], [b"b", b"c"], [b"elsewhere"]]
    with (
        tftrt.Model(exported("string_lookup"), device="cpu") as plain,
        tftrt.Model(exported("string_lookup"), device="cpu", max_batch=4, max_wait_us=100_000) as model,
    ):
        for _ in range(5):
            inputs = [np.array(row, object) for row in words]
            for x, found in zip(inputs, together(model, inputs)):
                expected = plain(x)
                assert list(found["loud"]) == list(expected["loud"])
                np.testing.assert_allclose(found["vectors"], expected["vectors"], rtol=1e-5)
