"""Engines that run without TensorFlow's session: bound calls, CUDA graphs, GPU memory, streams, instances."""

from __future__ import annotations

import gc
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import tftrt

from . import counts, memory, parity, samples
from .counts import Counts
from .cuda import Cuda, OnlyCudaArrayInterface
from .factory import Arrays
from .workshop import Workshop

SHAPES = [{"image": (batch, 16, 16, 3)} for batch in (1, 4)]
SMALL = parity.BOUNDS["FP32"]["small"]
MEBIBYTE = 1 << 20


@pytest.fixture(params=["Range", "Optimal", "implicit"])
def path(request: pytest.FixtureRequest, workshop: Workshop) -> Path:
    """A range of batches in one profile, a profile for each, and an engine for each."""
    mode = {"dynamic_shapes": False} if request.param == "implicit" else {"profile_strategy": request.param}
    return workshop.built("cnn", {"precision": "FP32", **mode}, shapes=SHAPES)


@pytest.fixture
def ranged(workshop: Workshop) -> Path:
    return workshop.built("cnn", {"precision": "FP32", "profile_strategy": "Range"}, shapes=SHAPES)


def _logits(arrays: Any) -> np.ndarray:
    return np.array(arrays["logits"])


@pytest.mark.parametrize("cuda_graphs", ["auto", "on", "off"])
def test_bound_and_called_results_are_the_same(path: Path, workshop: Workshop, cuda_graphs: str) -> None:
    with tftrt.Model(path, on_miss="error", cuda_graphs=cuda_graphs) as model:
        assert model.info.instances == 1
        before = counts.counts(model)
        runners = {batch: model.bind(image=(batch, 16, 16, 3)) for batch in (1, 4)}
        for seed in range(6):
            for batch, runner in runners.items():
                inputs = samples.image(batch, seed=seed)
                runner.inputs["image"][...] = inputs["image"]
                bound, called = _logits(runner.run()), _logits(model(inputs))
                np.testing.assert_array_equal(bound, called)
                assert parity.error({"logits": bound}, workshop.expected("cnn", inputs)[0]) <= SMALL
        assert counts.counts(model) - before == Counts(calls=24, engine_runs=24)


def test_one_profile_serves_shapes_that_alternate(ranged: Path) -> None:
    """Each change of shape makes the captured graph invalid; the runner captures it again."""
    with (
        tftrt.Model(ranged, on_miss="error") as model,
        tftrt.Model(ranged, on_miss="error", cuda_graphs="off") as plain,
    ):
        runners = [model.bind(image=(batch, 16, 16, 3)) for batch in (1, 2, 3, 4)]
        for round_ in range(8):
            for batch, runner in enumerate(runners, 1):
                inputs = samples.image(batch, seed=round_)
                runner.inputs["image"][...] = inputs["image"]
                for _ in range(1 + round_ % 3):
                    np.testing.assert_array_equal(_logits(runner.run()), _logits(plain(inputs)))


def test_only_the_memory_of_its_own_is_written(path: Path) -> None:
    """TensorFlow's pool is filled with a pattern between replays."""
    with tftrt.Model(path, on_miss="error", cuda_graphs="on") as model:
        runner = model.bind(image=(4, 16, 16, 3))
        runner.inputs["image"][...] = samples.image(4)["image"]
        expected = _logits(runner.run())
        pattern = np.full((4, 16, 16, 3), 1.25, np.float32)
        for _ in range(20):
            held = [model.bind(image=(4, 16, 16, 3), on_gpu=["image"]).inputs["image"] for _ in range(40)]
            for array in held:
                array.fill(pattern)
            np.testing.assert_array_equal(_logits(runner.run()), expected)
            for array in held:
                np.testing.assert_array_equal(array.numpy(), pattern)
            del held


@pytest.mark.parametrize("on_gpu", [["image"], ["logits"], ["image", "logits"]])
def test_inputs_and_outputs_on_the_gpu(path: Path, on_gpu: list[str]) -> None:
    with tftrt.Model(path, on_miss="error") as model:
        runner = model.bind(image=(4, 16, 16, 3), on_gpu=on_gpu)
        for seed in range(4):
            inputs = samples.image(4, seed=seed)
            if "image" in on_gpu:
                runner.inputs["image"].fill(inputs["image"])
            else:
                runner.inputs["image"][...] = inputs["image"]
            (logits,) = runner.run().values()
            assert isinstance(logits, tftrt.GpuArray) == ("logits" in on_gpu)
            found = logits.numpy() if "logits" in on_gpu else logits
            np.testing.assert_array_equal(found, _logits(model(inputs)))


def test_gpu_memory_of_others_is_read_where_it_lies(ranged: Path) -> None:
    """Through DLPack, through CUDA's array interface, at an address that TensorRT does not take, and in plain calls."""
    with tftrt.Model(ranged, on_miss="error") as model:
        inputs = samples.image(2)
        expected = _logits(model(inputs))
        theirs = model.bind(image=(2, 16, 16, 3), on_gpu=["image"]).inputs["image"]
        theirs.fill(inputs["image"])
        for array in (theirs, OnlyCudaArrayInterface(theirs)):
            runner = model.bind(image=array)
            for _ in range(3):
                np.testing.assert_array_equal(_logits(runner.run()), expected)
            for _ in range(3):
                np.testing.assert_array_equal(_logits(model(image=array)), expected)
        theirs.fill(samples.image(2, seed=5)["image"])
        np.testing.assert_array_equal(_logits(runner.run()), _logits(model(samples.image(2, seed=5))))


def test_integers_on_the_gpu(workshop: Workshop) -> None:
    """TensorFlow itself refuses to be fed with int32 there."""
    path = workshop.built("lookup", {"precision": "FP32"}, shapes={"ids": (3, 12)})
    with tftrt.Model(path, on_miss="error") as model:
        inputs = samples.ids(3)
        name = model.inputs[0].name
        runner = model.bind({name: (3, 12)}, on_gpu=[name])
        runner.inputs[name].fill(inputs[name])
        found = {name: np.array(value) for name, value in runner.run().items()}
        assert parity.error(found, model(inputs)) <= parity.SAME_ENGINE


def test_runs_are_ordered_by_the_callers_stream(path: Path, cuda: Cuda) -> None:
    with tftrt.Model(path, on_miss="error") as model:
        expected = {seed: _logits(model(samples.image(4, seed=seed))) for seed in range(30)}
        runner = model.bind(image=(4, 16, 16, 3), on_gpu=["image", "logits"])
        stream = cuda.stream()
        pointer = runner.inputs["image"].__cuda_array_interface__["data"][0]
        for seed, logits in expected.items():
            # Neither waits for the one before.
            cuda.copy(pointer, samples.image(4, seed=seed)["image"], stream)
            outputs = runner.run(stream)
            result = outputs["logits"].__cuda_array_interface__["data"][0]
            np.testing.assert_array_equal(cuda.read(result, logits, stream), logits)


@pytest.mark.parametrize("cuda_graphs", ["auto", "off"])
def test_instances_run_at_the_same_time(path: Path, workshop: Workshop, cuda_graphs: str) -> None:
    with tftrt.Model(path, on_miss="error", instances=4, cuda_graphs=cuda_graphs) as model:
        assert model.info.instances == 4
        inputs = [samples.image((1, 4)[seed % 2], seed=seed) for seed in range(8)]
        expected = workshop.expected("cnn", *inputs)
        worst: list[float] = []
        before = counts.counts(model)

        def work(number: int) -> None:
            runner = model.bind(image=inputs[number]["image"].shape)
            runner.inputs["image"][...] = inputs[number]["image"]
            for _ in range(50):
                worst.append(parity.error({"logits": _logits(runner.run())}, expected[number]))
                worst.append(parity.error(model(inputs[number]), expected[number]))

        with ThreadPoolExecutor(8) as threads:
            list(threads.map(work, range(8)))
        assert len(worst) == 800
        assert max(worst) <= SMALL
        assert counts.counts(model) - before == Counts(calls=800, engine_runs=800)


def test_a_runner_outlives_its_closed_model(path: Path) -> None:
    model = tftrt.Model(path, on_miss="error")
    runner = model.bind(image=(1, 16, 16, 3), on_gpu=["logits"])
    logits = runner.run()["logits"]
    values = logits.numpy()
    model.close()
    with pytest.raises(tftrt.InvalidArgumentError, match="closed"):
        runner.run()
    np.testing.assert_array_equal(logits.numpy(), values)
    del runner, model
    gc.collect()
    np.testing.assert_array_equal(logits.numpy(), values)


@pytest.fixture
def steady() -> Iterator[Callable[[], tuple[int, int]]]:
    gpu = memory.GpuMemory()
    yield lambda: (gpu.used(), memory.resident())


def test_calls_leak_nothing(ranged: Path, steady: Callable[[], tuple[int, int]], record: Callable[..., None]) -> None:
    with tftrt.Model(ranged, on_miss="error") as model:
        runners = [
            model.bind(image=(batch, 16, 16, 3), on_gpu=on_gpu) for batch in (1, 4) for on_gpu in ([], ["image"])
        ]
        inputs: Arrays = samples.image(2)

        def calls(count: int) -> None:
            for _ in range(count // 100):
                for _ in range(24):
                    model(inputs)
                for runner in runners:
                    for _ in range(19):
                        runner.run()

        calls(5_000)
        gpu, host = steady()
        calls(50_000)
        gpu_after, host_after = steady()
        record(calls=50_000, gpu_growth=gpu_after - gpu, host_growth=host_after - host)
        # Of CUDA's own pools, which grow in steps: a leak of 64 bytes a call would be three times as much.
        assert gpu_after - gpu <= MEBIBYTE
        assert host_after - host <= MEBIBYTE
