"""Numbers below the smallest normal one are zero, as TensorFlow's executor has them, whatever runs the model."""

from __future__ import annotations

import asyncio
import ctypes
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import exports
import runtime_models
import tftrt
from conftest import TensorFlow

INPUTS = {
    "single": np.full((2, 4), -95, np.float32),
    "double": np.full((2, 4), 1e-15),
    "dense": np.full((2, 4), 1e-10, np.float32),
    "loop": np.ones((2, 4), np.float32),
    "folded": np.ones((2, 4), np.float32),
    "passed": np.full((2, 4), 1e-40, np.float32),
}
FE_UPWARD = 0x800  # of fenv.h, on x86


@pytest.fixture(scope="module")
def models(tensorflow: TensorFlow, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    root = tmp_path_factory.mktemp("denormals")
    paths = {"original": root / "model", "converted": root / "model_trt"}
    tensorflow.call(runtime_models.denormals, str(paths["original"]))
    tensorflow.call(exports.convert, str(paths["original"]), str(paths["converted"]))
    return paths


@pytest.fixture(scope="module")
def wanted(tensorflow: TensorFlow, models: dict[str, Path]) -> dict[str, np.ndarray]:
    return {name: tensorflow.expected(models["original"], [{"x": x}], name)[0]["y"] for name, x in INPUTS.items()}


async def _asynchronous(model: tftrt.Model, x: np.ndarray) -> np.ndarray:
    result: np.ndarray = (await model.run_async({"x": x}))["y"]
    return result


def _every_way(model: tftrt.Model, x: np.ndarray) -> Iterator[tuple[str, np.ndarray]]:
    yield "call", model(x)["y"]
    yield "bound", model.bind(x=x).run()["y"]
    yield "timeout", model.run({"x": x}, timeout=60)["y"]
    yield "asynchronous", asyncio.run(_asynchronous(model, x))


@pytest.mark.parametrize("options", [{}, {"executor": "parallel"}, {"executor": "single"}, {"max_batch": 8}], ids=str)
@pytest.mark.parametrize("kind", ["original", "converted"])
def test_every_way_to_call_gives_tensorflows_values(
    kind: str, options: dict[str, Any], models: dict[str, Path], wanted: dict[str, np.ndarray]
) -> None:
    for name, x in INPUTS.items():
        try:
            model = tftrt.Model(models[kind], name, device="cpu", **options)
        except tftrt.errors.UnsupportedError:
            assert kind == "converted" and options == {"executor": "single"}  # its loop was lowered
            continue
        with model:
            for how, found in _every_way(model, x):
                np.testing.assert_array_equal(found, wanted[name], err_msg=f"{name} {how}")


def test_the_callers_thread_computes_as_before(models: dict[str, Path]) -> None:
    libm = ctypes.CDLL("libm.so.6")
    rounding = libm.fegetround()
    small = np.full(4, 1e-30, np.float32)
    with tftrt.Model(models["original"], "single", device="cpu", executor="single") as model:
        runner = model.bind(x=INPUTS["single"])
        try:
            if libm.fesetround(FE_UPWARD) != 0:
                pytest.skip("no rounding upwards on this processor")
            model(INPUTS["single"])
            runner.run()
            with pytest.raises(tftrt.errors.Error):
                model(np.ones((2, 5), np.float32))
            assert libm.fegetround() == FE_UPWARD
        finally:
            libm.fesetround(rounding)
        assert (small * np.float32(1e-10) > 0).all()
