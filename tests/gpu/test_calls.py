"""Calls of engines with deadlines, for asyncio, with outputs on the GPU or in the caller's arrays; memory reports."""

from __future__ import annotations

import asyncio
import gc
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import tftrt

from . import counts, parity, samples
from .counts import Counts
from .workshop import Workshop

PATIENCE = 60.0
SMALL = parity.BOUNDS["FP32"]["small"]


@pytest.fixture
def path(workshop: Workshop) -> Path:
    shapes = [{"image": (batch, 16, 16, 3)} for batch in (1, 4)]
    return workshop.built("cnn", {"precision": "FP32", "profile_strategy": "Range"}, shapes=shapes)


def _logits(arrays: Any) -> np.ndarray:
    return np.array(arrays["logits"])


@pytest.mark.parametrize("instances", [1, 2])
def test_calls_in_time_and_late_ones(path: Path, instances: int) -> None:
    """What is given up leaves its staging to later calls, of which there are more than staged runs."""
    with tftrt.Model(path, on_miss="error", instances=instances) as model:
        inputs = samples.image(4)
        expected = _logits(model(inputs))
        before = counts.counts(model)
        late = 0
        for number in range(400):
            with pytest.raises(tftrt.DeadlineExceededError):
                model.run(inputs, timeout=1e-9)
            try:
                results = model.run(inputs, timeout=(PATIENCE, 20e-6)[number % 2])
            except tftrt.DeadlineExceededError:
                late += 1
            else:
                np.testing.assert_array_equal(_logits(results), expected)
        assert late <= 200
        difference = counts.counts(model) - before
        assert difference.calls == 800
        assert difference.engine_runs <= 400
        np.testing.assert_array_equal(_logits(model(inputs)), expected)
        # Eight runs of each instance at most, with an input of 12 KiB.
        assert model.memory()["host_pinned"] < instances * 8 * 20_000


def test_asyncio(path: Path) -> None:
    with tftrt.Model(path, on_miss="error", instances=4) as model:
        inputs = [samples.image(1 + seed % 4, seed=seed) for seed in range(64)]
        expected = [_logits(model(one)) for one in inputs]
        before = counts.counts(model)

        async def main() -> list[dict[str, Any]]:
            return await asyncio.gather(*(model.run_async(one, timeout=PATIENCE) for one in inputs))

        for results, wanted in zip(asyncio.run(main()), expected):
            assert parity.error(results, {"logits": wanted}) <= SMALL
        assert counts.counts(model) - before == Counts(calls=64, engine_runs=64)


def test_outputs_of_plain_calls_on_the_gpu(path: Path) -> None:
    with tftrt.Model(path, on_miss="error") as model:
        kept = []
        for seed in range(6):
            inputs = samples.image(2, seed=seed)
            (logits,) = model.run(inputs, on_gpu=["logits"]).values()
            assert isinstance(logits, tftrt.GpuArray)
            kept.append((logits, _logits(model(inputs))))
            # Back in without a copy on the host.
            image = model.bind(image=(2, 16, 16, 3), on_gpu=["image"]).inputs["image"]
            image.fill(inputs["image"])
            (again,) = model.run(image=image, on_gpu=["logits"], timeout=PATIENCE).values()
            np.testing.assert_array_equal(again.numpy(), kept[-1][1])
        for logits, expected in kept:
            np.testing.assert_array_equal(logits.numpy(), expected)


def test_runs_write_to_the_callers_memory(path: Path) -> None:
    with tftrt.Model(path, on_miss="error") as model:
        pinned = model.bind(image=(2, 16, 16, 3)).run()["logits"]
        on_gpu = model.bind(image=(2, 16, 16, 3), on_gpu=["logits"]).run()["logits"]
        pageable = np.zeros_like(pinned)
        for target in (pinned, pageable, on_gpu):
            runner = model.bind(image=(2, 16, 16, 3), into={"logits": target})
            for seed in range(4):
                inputs = samples.image(2, seed=seed)
                runner.inputs["image"][...] = inputs["image"]
                runner.run()
                found = target.numpy() if isinstance(target, tftrt.GpuArray) else target
                np.testing.assert_array_equal(found, _logits(model(inputs)))
        runner = model.bind(image=(2, 16, 16, 3), into={"logits": np.zeros((3, 10), np.float32)})
        with pytest.raises(tftrt.InvalidArgumentError, match=r"is float32\[2, 10\], but the memory"):
            runner.run()


@pytest.mark.parametrize("outputs", [["next"], ["next", "y"]])
@pytest.mark.parametrize("on_gpu", [False, True])
def test_an_output_is_bound_into_an_input(workshop: Workshop, outputs: list[str], on_gpu: bool) -> None:
    """As a cell's state: each run reads what the one before wrote."""
    path = workshop.built("recurrent", {"precision": "FP32"}, shapes={"state": (3, 16)})
    state = np.random.default_rng(5).standard_normal((3, 16)).astype(np.float32)
    with tftrt.Model(path, on_miss="error") as model:
        memory = model.bind(state=(3, 16), on_gpu=["state"] if on_gpu else []).inputs["state"]
        if on_gpu:
            memory.fill(state)
        else:
            memory[...] = state
        runner = model.bind(state=memory, outputs=outputs, into={"next": memory})
        for _ in range(5):
            expected = workshop.expected("recurrent", {"state": state})[0]
            found = {
                name: np.array(value.numpy() if name == "next" and on_gpu else value)
                for name, value in runner.run().items()
            }
            assert parity.error(found, {name: expected[name] for name in outputs}) <= SMALL
            state = found["next"]


def test_an_extreme_alone(workshop: Workshop) -> None:
    """Where nothing else reads relu(x), TensorFlow's optimiser takes argmax(x) for argmax(relu(x))."""
    path = workshop.built("recurrent", {"precision": "FP32"}, shapes={"state": (3, 16)})
    state = np.random.default_rng(6).standard_normal((3, 16)).astype(np.float32)
    with tftrt.Model(path, "extremes", on_miss="error") as model:
        found = model.run(state=state, outputs=["best"])
        np.testing.assert_array_equal(found["best"], np.zeros(3, np.int64))


def test_what_a_model_takes_is_reported(path: Path) -> None:
    with tftrt.Model(path, on_miss="error") as model:
        loaded = model.memory()
        for part in ("host_model", "host_pinned", "gpu_model", "gpu_buffers", "cuda_graphs", "plans"):
            assert loaded[part] > 0, part
        runners = [model.bind(image=(4, 16, 16, 3), on_gpu=on_gpu) for on_gpu in ([], ["image", "logits"])]
        for runner in runners:
            for _ in range(3):
                runner.run()
        bound = model.memory()
        image = 4 * 16 * 16 * 3 * 4
        assert bound["host_pinned"] - loaded["host_pinned"] >= image
        assert bound["gpu_buffers"] - loaded["gpu_buffers"] >= image
        assert bound["cuda_graphs"] - loaded["cuda_graphs"] == 2
        del runners, runner
        gc.collect()
        assert {**model.memory(), "gpu_graphs": 0} == {**loaded, "gpu_graphs": 0}
