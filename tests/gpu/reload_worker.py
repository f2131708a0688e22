"""``python -m gpu.reload_worker MODEL TIMES``: load, call and close a model again and again; memory after each."""

from __future__ import annotations

import gc
import json
import sys

import tftrt

from . import samples
from .counts import counts
from .memory import GpuMemory, resident


def main() -> None:
    """Print one JSON line: bytes in use after each time, and the engine runs of all."""
    path, times = sys.argv[1], int(sys.argv[2])
    inputs = samples.feature_map(2)
    gpu = GpuMemory()
    on_gpu, on_host, runs = [], [], 0
    for _ in range(times):
        model = tftrt.Model(path, on_miss="error")
        before = counts(model)
        model(inputs)
        runs += (counts(model) - before).engine_runs
        model.close()
        del model
        gc.collect()
        on_gpu.append(gpu.used())
        on_host.append(resident())
    print(json.dumps({"gpu": on_gpu, "host": on_host, "engine_runs": runs}))


if __name__ == "__main__":
    main()
