"""Checks of inputs run beside the engine: they raise, and cost neither the direct path nor the CUDA graph."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import tftrt

from . import counts, parity, samples
from .counts import Counts
from .cuda import Cuda
from .factory import Arrays
from .workshop import Workshop

SMALL = parity.BOUNDS["FP32"]["small"]
SHAPES = [{"ids": (batch, 12), "scale": (batch, 16)} for batch in (1, 4)]


@pytest.fixture
def path(workshop: Workshop) -> Path:
    return workshop.built("checked", {"precision": "FP32", "profile_strategy": "Range"}, shapes=SHAPES)


def _inputs(batch: int) -> Arrays:
    random = np.random.default_rng(batch)
    ids = random.integers(0, samples.WORDS, (batch, 12)).astype(np.int32)
    return {"ids": ids, "scale": random.standard_normal((batch, 16)).astype(np.float32)}


def _wrong(batch: int) -> list[Arrays]:
    unknown, infinite = _inputs(batch), _inputs(batch)
    unknown["ids"][0, 3] = samples.WORDS
    infinite["scale"][0, 5] = np.inf
    return [unknown, infinite]


def test_calls_raise_and_stay_direct(path: Path, workshop: Workshop) -> None:
    with tftrt.Model(path, on_miss="error") as model:
        assert model.info.instances == 1, "the engine is not run without TensorFlow's session"
        before = counts.counts(model)
        for batch in (1, 4, 1, 2):
            for wrong in _wrong(batch):
                with pytest.raises(tftrt.InvalidArgumentError, match=r"no such word|scale"):
                    model(wrong)
            for _ in range(3):
                found = model(_inputs(batch))
            assert parity.error(found, workshop.expected("checked", _inputs(batch))[0]) <= SMALL
        assert model.memory()["cuda_graphs"] > 0
        assert counts.counts(model) - before == Counts(calls=20, errors=8, engine_runs=20)


@pytest.mark.parametrize("on_gpu", [False, True])
def test_bound_calls_raise_and_stay_direct(path: Path, workshop: Workshop, on_gpu: bool) -> None:
    with tftrt.Model(path, on_miss="error") as model:
        names = ["ids", "scale", "y"] if on_gpu else []
        runner = model.bind({name: value.shape for name, value in _inputs(4).items()}, on_gpu=names)

        def run(arrays: Arrays) -> Arrays:
            for name, array in arrays.items():
                if on_gpu:
                    runner.inputs[name].fill(array)
                else:
                    runner.inputs[name][...] = array
            return {name: np.array(value.numpy() if on_gpu else value) for name, value in runner.run().items()}

        expected = workshop.expected("checked", _inputs(4))[0]
        for _ in range(3):
            for wrong in _wrong(4):
                with pytest.raises(tftrt.InvalidArgumentError, match=r"no such word|scale"):
                    run(wrong)
            assert parity.error(run(_inputs(4)), expected) <= SMALL
        assert model.memory()["cuda_graphs"] > 0


def test_a_run_in_the_callers_stream_raises(path: Path, workshop: Workshop, cuda: Cuda) -> None:
    with tftrt.Model(path, on_miss="error") as model:
        runner = model.bind({name: value.shape for name, value in _inputs(1).items()}, on_gpu=["ids", "scale", "y"])
        stream = cuda.stream()

        def run(arrays: Arrays) -> int:
            for name, array in arrays.items():
                cuda.copy(runner.inputs[name].__cuda_array_interface__["data"][0], array, stream)
            return int(runner.run(stream)["y"].__cuda_array_interface__["data"][0])

        expected = workshop.expected("checked", _inputs(1))[0]
        for _ in range(3):
            for wrong in _wrong(1):
                with pytest.raises(tftrt.InvalidArgumentError, match=r"no such word|scale"):
                    run(wrong)
            found = cuda.read(run(_inputs(1)), expected["y"], stream)
            assert parity.error({"y": found}, expected) <= SMALL
