"""Calls with a deadline, calls that are cancelled, calls for asyncio, and what a model says of its memory."""

from __future__ import annotations

import asyncio
import gc
import os
import subprocess
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import tftrt
from conftest import Gate, vector

PATIENCE = 30.0


@pytest.fixture
def cnn(exported: Callable[[str], Path]) -> Iterator[tftrt.Model]:
    with tftrt.Model(exported("cnn"), device="cpu") as model:
        yield model


def threads_of(max_batch: int = 1) -> int:
    """How many calls of a model with one instance wait for their end, in threads of the model's, at a time."""
    return 1 if max_batch > 1 else max(len(os.sched_getaffinity(0)), 2)


def eventually(condition: Callable[[], bool]) -> bool:
    """Whether it holds before long: calls are counted in the threads that make them."""
    end = time.monotonic() + PATIENCE
    while not condition() and time.monotonic() < end:
        time.sleep(0.01)
    return condition()


def images(batch: int, seed: int) -> np.ndarray:
    return np.random.default_rng(seed).standard_normal((batch, 8, 8, 3)).astype(np.float32)


def test_a_call_in_time_returns_what_it_does_without_a_timeout(cnn: tftrt.Model) -> None:
    image = images(2, 0)
    expected = cnn(image)
    assert {name: array.tolist() for name, array in cnn.run(image=image, timeout=PATIENCE).items()} == {
        name: array.tolist() for name, array in expected.items()
    }
    name = cnn.outputs[-1].name
    assert list(cnn.run(image=image, outputs=[name], timeout=PATIENCE)) == [name]
    assert cnn.stats()["calls"] == 3


def test_a_call_that_is_late_is_given_up_and_ends_by_itself(gated: Callable[..., tftrt.Model], gate: Gate) -> None:
    model = gated()
    begin = time.perf_counter()
    with pytest.raises(tftrt.DeadlineExceededError, match="not over at its deadline") as raised:
        model.run(x=vector(1), timeout=0.3)
    assert isinstance(raised.value, TimeoutError)
    assert 0.3 <= time.perf_counter() - begin < PATIENCE / 2
    gate.wait_for_calls(1)
    gate.open()
    assert list(model(vector(7))["y"]) == [7]
    model.close()
    assert eventually(lambda: model.stats()["errors"] == 1)


@pytest.mark.parametrize("timeout", [0, -1.0, float("nan"), float("inf")])
def test_timeouts_are_checked(cnn: tftrt.Model, timeout: float) -> None:
    with pytest.raises(tftrt.InvalidArgumentError, match=r"timeout is .*; expected seconds, more than 0"):
        cnn.run(image=images(1, 0), timeout=timeout)


@pytest.mark.parametrize("timeout", ["1", True, [1.0]])
def test_timeouts_are_numbers(cnn: tftrt.Model, timeout: Any) -> None:
    with pytest.raises(tftrt.InvalidArgumentError, match=r"timeout is .*; expected seconds"):
        cnn.run(image=images(1, 0), timeout=timeout)


@pytest.mark.parametrize("options", [{}, {"max_batch": 4}], ids=["session", "batches"])
def test_what_waits_beyond_its_deadline_never_runs(
    gated: Callable[..., tftrt.Model], gate: Gate, options: dict[str, Any]
) -> None:
    model = gated(**options)
    threads = threads_of(**options)
    with ThreadPoolExecutor(threads + 1) as pool:
        running = [pool.submit(model.run, x=vector(number), timeout=PATIENCE) for number in range(threads)]
        gate.wait_for_calls(1 if options else threads)
        with pytest.raises(tftrt.DeadlineExceededError):
            model.run(x=vector(9), timeout=0.2)
        gate.open()
        assert [list(call.result(PATIENCE)["y"]) for call in running] == [[number] for number in range(threads)]
    model.close()
    assert gate.calls() == (1 if options else threads)


def test_asyncio_awaits_calls_that_run_at_the_same_time(gated: Callable[..., tftrt.Model], gate: Gate) -> None:
    model = gated()

    async def main() -> list[list[float]]:
        calls = [model.run_async(x=vector(number)) for number in range(10)]
        await asyncio.to_thread(gate.wait_for_calls, 2)
        assert not any(call.done() for call in calls)
        gate.open()
        return [list((await call)["y"]) for call in calls]

    assert asyncio.run(main()) == [[number] for number in range(10)]
    assert model.stats()["calls"] == 10


def test_asyncio_calls_share_batches(gated: Callable[..., tftrt.Model], gate: Gate) -> None:
    model = gated(max_batch=8, max_wait_us=100_000)

    async def prove() -> None:
        gate.open()
        for _ in range(3):
            await asyncio.gather(*(model.run_async(x=vector(number)) for number in range(8)))
        gate.close()

    async def main() -> list[list[float]]:
        calls = [model.run_async(x=vector(number)) for number in range(9)]
        await asyncio.to_thread(gate.wait_for_calls, 1)
        await asyncio.sleep(0.2)
        gate.open()
        return [list((await call)["y"]) for call in calls]

    asyncio.run(prove())
    earlier = gate.calls()
    assert asyncio.run(main()) == [[number] for number in range(9)]
    # The first alone or with some, the rest together.
    assert gate.calls() - earlier <= 3


def test_results_are_those_of_plain_calls(cnn: tftrt.Model) -> None:
    async def main() -> list[dict[str, Any]]:
        return await asyncio.gather(*(cnn.run_async({"image": images(3, seed)}) for seed in range(20)))

    for seed, results in enumerate(asyncio.run(main())):
        for name, expected in cnn(images(3, seed)).items():
            np.testing.assert_array_equal(results[name], expected)


def test_a_cancelled_call_never_runs(gated: Callable[..., tftrt.Model], gate: Gate) -> None:
    model = gated()
    threads = threads_of()

    async def main() -> None:
        running = [model.run_async(x=vector(number)) for number in range(threads)]
        await asyncio.to_thread(gate.wait_for_calls, threads)
        waiting = model.run_async(x=vector(9))
        running[0].cancel()
        waiting.cancel()
        await asyncio.sleep(0)  # in which asyncio says so
        gate.open()
        for call in (running[0], waiting):
            with pytest.raises(asyncio.CancelledError):
                await call
        assert [list((await call)["y"]) for call in running[1:]] == [[number] for number in range(1, threads)]

    asyncio.run(main())
    model.close()
    assert gate.calls() == threads
    assert eventually(lambda: model.stats()["errors"] == 2)


def test_asyncio_deadlines_and_wait_for(gated: Callable[..., tftrt.Model], gate: Gate) -> None:
    model = gated()

    async def main() -> None:
        begin = time.perf_counter()
        with pytest.raises(tftrt.DeadlineExceededError, match=r"within 0\.2 seconds"):
            await model.run_async(x=vector(1), timeout=0.2)
        with pytest.raises(asyncio.TimeoutError):
            await asyncio.wait_for(model.run_async(x=vector(2)), 0.2)
        assert time.perf_counter() - begin < PATIENCE / 2
        gate.open()
        assert list((await model.run_async(x=vector(3), timeout=PATIENCE))["y"]) == [3]

    asyncio.run(main())


def test_errors_come_out_of_the_future_or_at_once(cnn: tftrt.Model, exported: Callable[[str], Path]) -> None:
    async def main() -> None:
        with pytest.raises(tftrt.InvalidArgumentError, match="expected image: float32"):
            cnn.run_async(image=np.zeros((1, 8, 8, 3)))
        with pytest.raises(tftrt.InvalidArgumentError, match="no output"):
            cnn.run_async(image=images(1, 0), outputs=["nothing"])
        with pytest.raises(tftrt.UnsupportedError, match="GPU"):
            await cnn.run_async(image=images(1, 0), on_gpu=[cnn.outputs[0].name])
        cnn.close()
        with pytest.raises(tftrt.InvalidArgumentError, match="is closed"):
            cnn.run_async(image=images(1, 0))

    asyncio.run(main())
    with pytest.raises(RuntimeError, match="no running event loop"):
        cnn.run_async(image=images(1, 0))


def test_too_many_waiting_calls_are_turned_away(gated: Callable[..., tftrt.Model], gate: Gate) -> None:
    model = gated(max_queued_calls=2)
    threads = threads_of()

    async def main() -> None:
        calls = [model.run_async(x=vector(number)) for number in range(threads)]
        await asyncio.to_thread(gate.wait_for_calls, threads)
        calls += [model.run_async(x=vector(number)) for number in range(threads, threads + 2)]
        with pytest.raises(tftrt.ResourceExhaustedError, match="2 calls waiting already"):
            model.run_async(x=vector(9))
        gate.open()
        assert [list((await call)["y"]) for call in calls] == [[number] for number in range(threads + 2)]

    asyncio.run(main())
    with pytest.raises(tftrt.InvalidArgumentError, match="max_queued_calls is -1"):
        gated(max_queued_calls=-1)


def test_a_model_that_nobody_holds_any_more_answers_what_was_asked(exported: Callable[[str], Path]) -> None:
    image = images(1, 3)
    with tftrt.Model(exported("cnn"), device="cpu") as model:
        expected = model(image)

    async def main() -> dict[str, Any]:
        call = tftrt.Model(exported("cnn"), device="cpu").run_async(image=image)
        gc.collect()
        return await call

    for name, array in asyncio.run(main()).items():
        np.testing.assert_array_equal(array, expected[name])


def test_a_batch_that_was_given_up_outlives_its_caller_not_its_model(
    gated: Callable[..., tftrt.Model], gate: Gate
) -> None:
    model = gated(max_batch=4)
    with pytest.raises(tftrt.DeadlineExceededError):
        model.run(x=vector(1), timeout=0.2)
    gate.wait_for_calls(1)
    with ThreadPoolExecutor(2) as pool:
        closing = pool.submit(model.close)
        time.sleep(0.2)
        assert not closing.done()
        # While the batch's thread is about to want the GIL, to let go of the array.
        stats = pool.submit(model.stats)
        gate.open()
        closing.result(PATIENCE)
        assert stats.result(PATIENCE)["calls"] == 1


def test_calls_that_are_given_up_make_room(gated: Callable[..., tftrt.Model], gate: Gate) -> None:
    model = gated(max_queued_calls=2)
    threads = threads_of()

    async def main() -> None:
        running = [model.run_async(x=vector(number)) for number in range(threads)]
        await asyncio.to_thread(gate.wait_for_calls, threads)
        waiting = [model.run_async(x=vector(8)) for _ in range(2)]
        for call in waiting:
            call.cancel()
        await asyncio.sleep(0)
        last = model.run_async(x=vector(9))
        gate.open()
        assert list((await last)["y"]) == [9]
        await asyncio.gather(*running)

    asyncio.run(main())
    assert gate.calls() == threads + 1


def test_a_process_ends_while_calls_run(
    custom_ops: Path, op_library: Path, python: Callable[..., subprocess.CompletedProcess[str]]
) -> None:
    script = f"""
import asyncio, ctypes, threading
import numpy as np
import tftrt
model = tftrt.Model({str(custom_ops)!r}, "gate", op_libraries=[{str(op_library)!r}], device="cpu")
library = ctypes.CDLL({str(op_library)!r})
x = np.ones(1, np.float32)
try:
    model.run(x=x, timeout=0.05)
except tftrt.DeadlineExceededError:
    pass
async def main():
    model.run_async(x=x)
    await asyncio.sleep(0.05)
asyncio.run(main())
threading.Timer(0.2, library.TftrtTestSetGate, [True]).start()
print("done")
"""
    for _ in range(3):
        result = python(script)
        assert result.stdout == "done\n"
        assert result.stderr == ""


def test_outputs_on_a_gpu_need_a_model_there(cnn: tftrt.Model) -> None:
    name = cnn.outputs[0].name
    with pytest.raises(tftrt.UnsupportedError, match="GPU"):
        cnn.run(image=images(1, 0), on_gpu=[name])
    with pytest.raises(tftrt.InvalidArgumentError, match='on_gpu names "image"'):
        cnn.run(image=images(1, 0), on_gpu=["image"])


def test_memory_is_reported_and_all_of_it_on_the_host(cnn: tftrt.Model) -> None:
    memory = cnn.memory()
    assert set(memory) == {
        "cuda_graphs",
        "gpu_buffers",
        "gpu_graphs",
        "gpu_model",
        "gpu_workspaces",
        "host_model",
        "host_pinned",
        "plans",
    }
    assert not any(value for name, value in memory.items() if name != "host_model")
    cnn.close()
    with pytest.raises(tftrt.InvalidArgumentError, match="is closed"):
        cnn.memory()


def test_memory_of_the_host_holds_the_weights(exported: Callable[[str], Path], python: Callable[..., Any]) -> None:
    """In a process that has no freed memory yet, which would take the weights without growing."""
    code = """
import sys
import tftrt

with tftrt.Model(sys.argv[1], device="cpu") as model:
    print(model.memory()["host_model"])
"""
    # ResNet50's 25 million weights.
    assert int(python(code, exported("resnet50")).stdout) > 100_000_000
