"""Whether many calls make the process grow, on the host or on the GPU."""

from __future__ import annotations

import gc
from collections.abc import Callable

from gpu.memory import GpuMemory, resident
from making import Made
from record import NotMeasurableError, Record

__all__ = ["measure_leak"]

_PARTS = 10
_PLAIN = 10  # a tenth of the calls are made besides, as plain calls


def measure_leak(record: Record, made: Made, calls: int) -> None:
    """Make ``calls`` bound calls and a tenth as many plain ones with batch 1; memory after every tenth of them."""
    inputs = made.inputs[1]
    with record.step("leak"), made.load() as model:
        runner = model.bind({name: array.shape for name, array in inputs.items()})
        for name, array in inputs.items():
            runner.inputs[name][...] = array
        gpu = GpuMemory() if made.on_gpu else None

        def make_calls(count: int) -> None:
            for _ in range(count):
                runner.run()
            for _ in range(count // _PLAIN):
                model(inputs)

        make_calls(max(calls // 50, _PLAIN))
        host_bytes, gpu_bytes = [_steady(resident)], [_steady(gpu.used)] if gpu else []
        for part in range(_PARTS):
            make_calls(calls // _PARTS)
            host_bytes.append(_steady(resident))
            if gpu:
                gpu_bytes.append(_steady(gpu.used))
            record.say(f"  {(part + 1) * calls // _PARTS} calls")
        record.content["leak"] = {
            "bound_calls": calls // _PARTS * _PARTS,
            "plain_calls": calls // _PARTS // _PLAIN * _PARTS,
            "host_bytes": host_bytes,
            "gpu_bytes": gpu_bytes,
            "host_growth": host_bytes[-1] - host_bytes[0],
            "gpu_growth": gpu_bytes[-1] - gpu_bytes[0] if gpu_bytes else None,
        }
        record.say(f"  bytes grown: host {host_bytes[-1] - host_bytes[0]}, GPU {record.content['leak']['gpu_growth']}")
        if gpu is None:
            raise NotMeasurableError("GPU memory: the model runs on the CPU")


def _steady(read: Callable[[], int]) -> int:
    gc.collect()
    return read()
