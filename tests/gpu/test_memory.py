"""Loading and closing a model again and again keeps no memory. To be run with an otherwise idle GPU."""

from __future__ import annotations

import json
from collections.abc import Callable

from . import processes
from .workshop import Workshop

TIMES = 20
# The first loads fill pools that the process keeps: TensorFlow's GPU memory, cuBLAS's handles, malloc's arenas.
SETTLED = 5
# The engine has 7 MB of weights on the GPU, and its plan is as large on the host: what stays each time is 100 MB in the
# end. What is allowed is for fragments.
GPU_BOUND = 32 << 20
HOST_BOUND = 64 << 20


def test_twenty_reloads_keep_no_memory(workshop: Workshop, record: Callable[..., None]) -> None:
    path = workshop.built("wide", {"precision": "FP16"}, shapes=(2, 32, 32, 16))

    result = json.loads(processes.run("-m", "gpu.reload_worker", str(path), str(TIMES), timeout=240).stdout)

    gpu, host = result["gpu"], result["host"]
    growth = {"gpu": gpu[-1] - gpu[SETTLED - 1], "host": host[-1] - host[SETTLED - 1]}
    record(times=TIMES, growth_bytes=growth, gpu_bytes=gpu, host_bytes=host)
    assert result["engine_runs"] == TIMES
    assert growth["gpu"] <= GPU_BOUND
    assert growth["host"] <= HOST_BOUND
