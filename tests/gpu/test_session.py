"""Signatures of more than one engine: TensorFlow's session fed and fetched on the GPU, engines as CUDA graphs."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import tftrt

from . import counts, memory, parity, samples
from .counts import Counts
from .cuda import Cuda, OnlyCudaArrayInterface
from .workshop import Workshop

SMALL = parity.BOUNDS["FP32"]["small"]
MEBIBYTE = 1 << 20


@pytest.fixture(params=["Range", "Optimal"])
def path(request: pytest.FixtureRequest, workshop: Workshop) -> Path:
    shapes = [{"image": (batch, 16, 16, 3)} for batch in (1, 4)]
    # Not an engine for the shape alone.
    conversion = {"precision": "FP32", "profile_strategy": request.param, "minimum_segment_size": 6}
    return workshop.built("split", conversion, shapes=shapes)


def _arrays(results: Any) -> dict[str, np.ndarray]:
    return {
        name: value.numpy() if isinstance(value, tftrt.GpuArray) else np.array(value) for name, value in results.items()
    }


def _check(found: Any, expected: Any) -> None:
    found = _arrays(found)
    assert parity.error({"logits": found["logits"]}, {"logits": expected["logits"]}) <= SMALL
    np.testing.assert_array_equal(found["size"], expected["size"])


@pytest.mark.parametrize("cuda_graphs", ["auto", "on", "off"])
def test_called_and_bound_results(path: Path, workshop: Workshop, cuda_graphs: str) -> None:
    with (
        tftrt.Model(path, on_miss="error", cuda_graphs=cuda_graphs) as model,
        tftrt.Model(path, on_miss="error", cuda_graphs="off") as plain,
    ):
        assert model.info.engines_ready == 2
        assert model.info.instances == 0
        assert (model.memory()["cuda_graphs"] > 0) == (cuda_graphs != "off")
        before = counts.counts(model)
        runners = {batch: model.bind(image=(batch, 16, 16, 3)) for batch in (1, 4)}
        for seed in range(5):
            for batch, runner in runners.items():
                inputs = samples.image(batch, seed=seed)
                runner.inputs["image"][...] = inputs["image"]
                (expected,) = workshop.expected("split", inputs)
                bound, called, without = _arrays(runner.run()), _arrays(model(inputs)), _arrays(plain(inputs))
                _check(bound, expected)
                for other in (called, without):
                    np.testing.assert_array_equal(other["logits"], bound["logits"])
        assert counts.counts(model) - before == Counts(calls=20, engine_runs=40)


def test_memory_on_either_side(path: Path, workshop: Workshop) -> None:
    names = ["image", "logits", "size"]
    with tftrt.Model(path, on_miss="error") as model:
        for number in range(8):
            on_gpu = [name for bit, name in enumerate(names) if number >> bit & 1]
            runner = model.bind(image=(4, 16, 16, 3), on_gpu=on_gpu)
            for seed in range(3):
                inputs = samples.image(4, seed=seed)
                if "image" in on_gpu:
                    runner.inputs["image"].fill(inputs["image"])
                else:
                    runner.inputs["image"][...] = inputs["image"]
                results = runner.run()
                assert {name: isinstance(results[name], tftrt.GpuArray) for name in results} == {
                    name: name in on_gpu for name in ("logits", "size")
                }
                _check(results, workshop.expected("split", inputs)[0])


def test_gpu_memory_of_others_and_outputs_of_plain_calls(path: Path, workshop: Workshop) -> None:
    with tftrt.Model(path, on_miss="error") as model:
        inputs = samples.image(4)
        (expected,) = workshop.expected("split", inputs)
        theirs = model.bind(image=(4, 16, 16, 3), on_gpu=["image"]).inputs["image"]
        theirs.fill(inputs["image"])
        kept = [
            model.run(image=array, on_gpu=["logits"])
            for array in (theirs, OnlyCudaArrayInterface(theirs), inputs["image"])
            for _ in range(3)
        ]
        model(samples.image(4, seed=9))
        for results in kept:
            assert isinstance(results["logits"], tftrt.GpuArray)
            _check(results, expected)
        target = np.zeros((4, 10), np.float32)
        model.bind(image=theirs, into={"logits": target}).run()
        np.testing.assert_array_equal(target, kept[0]["logits"].numpy())


def test_runs_are_ordered_by_the_callers_stream(path: Path, workshop: Workshop, cuda: Cuda) -> None:
    with tftrt.Model(path, on_miss="error") as model:
        inputs = [samples.image(4, seed=seed) for seed in range(20)]
        expected = [_arrays(model(one))["logits"] for one in inputs]
        runner = model.bind(image=(4, 16, 16, 3), on_gpu=["image", "logits"])
        stream = cuda.stream()
        pointer = runner.inputs["image"].__cuda_array_interface__["data"][0]
        for one, logits in zip(inputs, expected):
            cuda.copy(pointer, one["image"], stream)
            outputs = runner.run(stream)
            result = outputs["logits"].__cuda_array_interface__["data"][0]
            np.testing.assert_array_equal(cuda.read(result, logits, stream), logits)


def test_many_threads(path: Path, workshop: Workshop) -> None:
    with tftrt.Model(path, on_miss="error") as model:
        inputs = [samples.image((1, 4)[seed % 2], seed=seed) for seed in range(8)]
        expected = workshop.expected("split", *inputs)
        before = counts.counts(model)

        def work(number: int) -> None:
            runner = model.bind(image=inputs[number]["image"].shape)
            runner.inputs["image"][...] = inputs[number]["image"]
            for _ in range(30):
                _check(runner.run(), expected[number])
                _check(model(inputs[number]), expected[number])

        with ThreadPoolExecutor(8) as threads:
            list(threads.map(work, range(8)))
        assert counts.counts(model) - before == Counts(calls=480, engine_runs=960)


def test_calls_leak_nothing(path: Path, record: Callable[..., None]) -> None:
    gpu = memory.GpuMemory()
    with tftrt.Model(path, on_miss="error") as model:
        inputs = samples.image(4)
        runner = model.bind(image=(4, 16, 16, 3))

        def calls(count: int) -> tuple[int, int]:
            for _ in range(count):
                model(inputs)
                runner.run()
                model.run(inputs, on_gpu=["logits"])
            return gpu.used(), memory.resident()

        used, resident = calls(1_000)
        used_after, resident_after = calls(5_000)
        record(calls=15_000, gpu_growth=used_after - used, host_growth=resident_after - resident)
        assert used_after - used <= MEBIBYTE
        assert resident_after - resident <= MEBIBYTE
