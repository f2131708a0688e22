"""Reads and writes of a model's state keep the order of the file, converted or not, whatever runs them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import exports
import runtime_models
import tftrt
from conftest import TensorFlow

CALLS = 5000


@pytest.fixture(scope="module")
def model_of(tensorflow: TensorFlow, tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Path]:
    """The path of a builder's model, as it is or converted."""
    root = tmp_path_factory.mktemp("state")

    def make(name: str, kind: str = "original") -> Path:
        source, converted = root / name, root / f"{name}_trt"
        if not source.exists():
            tensorflow.call(getattr(runtime_models, name), str(source))
            tensorflow.call(exports.convert, str(source), str(converted))
        return source if kind == "original" else converted

    return make


@pytest.mark.parametrize("executor", ["auto", "parallel", "single"])
@pytest.mark.parametrize("kind", ["original", "converted"])
def test_every_step_sees_the_step_before(kind: str, executor: str, model_of: Callable[..., Path]) -> None:
    with tftrt.Model(model_of("streaming", kind), device="cpu", executor=executor) as model:
        runner = model.bind(x=(1, 64))
        previous = 0
        for step in range(1, CALLS + 1):
            runner.inputs["x"][...] = step
            assert runner.run()["y"][0] == 3 * step + 78 * previous, step
            previous = step


def _equal(original: tftrt.Model, converted: tftrt.Model, **inputs: Any) -> None:
    np.testing.assert_array_equal(converted.run(inputs)["y"], original.run(inputs)["y"])


@pytest.mark.parametrize("executor", ["auto", "parallel"])
def test_loops_keep_the_order_too(executor: str, model_of: Callable[..., Path]) -> None:
    with (
        tftrt.Model(model_of("stateful_loop"), device="cpu", executor="single") as original,
        tftrt.Model(model_of("stateful_loop", "converted"), device="cpu", executor=executor) as converted,
    ):
        for steps in (0, 1, 4, 7, 3):
            _equal(original, converted, x=np.ones((1, 8), np.float32), steps=np.int32(steps))


@pytest.mark.parametrize("signature", ["cond", "case", "loop"])
def test_functions_that_are_called_in_branches_are_loaded(signature: str, model_of: Callable[..., Path]) -> None:
    with (
        tftrt.Model(model_of("branches"), signature, device="cpu") as original,
        tftrt.Model(model_of("branches", "converted"), signature, device="cpu") as converted,
    ):
        assert converted.info.engines > 0
        for n in (0, 1, 2):
            for value in (-1.0, 1.0):
                _equal(original, converted, x=np.full((2, 8), value, np.float32), n=np.int32(n))
