"""The process that builds: ``python -m tftrt.building.worker REQUEST.json FD``.

A process of its own, because TensorRT ends the one it runs in on some errors, and cannot be interrupted. It writes
events to the pipe FD, one JSON object a line, and what TensorFlow and TensorRT log to its standard error.
"""

from __future__ import annotations

import contextlib
import ctypes
import json
import os
import signal
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from .. import _native
from .._samples import random_array
from .._stats import profile_to_dict
from ..batches.data import Arrays
from ..batches.spool import load_batch
from ..errors import Error, ModelError
from .plan_cache import PlanCache

__all__ = ["NOT_REACHED", "can_be_saved", "main", "work"]

Send = Callable[[dict[str, Any]], None]

NOT_REACHED = "no input that was given makes it run"
"""The builder's word for an engine that there was nothing to build for."""

_PR_SET_PDEATHSIG = 1


def work(request: dict[str, Any], send: Send, native: Any) -> None:
    """Build as asked.

    Args:
        request: What ``pipeline.py`` wrote.
        send: Takes events.
        native: The module with EngineBuilder, BuilderOptions and ShapeRole: ``tftrt._native``.
    """
    seconds: dict[str, float] = {}
    start = time.perf_counter()

    def finish(phase: str) -> None:
        nonlocal start
        now = time.perf_counter()
        seconds[phase] = round(now - start, 3)
        start = now

    send({"event": "phase", "phase": "open"})
    builder: _native.EngineBuilder = native.EngineBuilder.open(os.fsencode(request["model"]), _options(request, native))
    inputs = {signature.name: signature.inputs for signature in builder.signatures}
    finish("open")
    for number, call in enumerate(request["collect"], 1):
        send({"event": "phase", "phase": "collect", "number": number, "of": len(request["collect"])})
        role = getattr(native.ShapeRole, call["role"])
        builder.collect(call["signature"], _inputs_of(call, inputs[call["signature"]]), role)
    finish("collect")
    for number, call in enumerate(request["calibrate"], 1):
        send({"event": "phase", "phase": "calibrate", "number": number, "of": len(request["calibrate"])})
        builder.calibrate(call["signature"], load_batch(Path(call["file"]), inputs[call["signature"]]))
    finish("calibrate")
    send({"event": "phase", "phase": "build"})
    # They take a sum of all weights. Those of engines that are calibrated now depend on what comes of it.
    keys = {} if request["plan_cache"] is None or request["calibrate"] else builder.plan_keys
    if keys:
        _use_plans(builder, keys, PlanCache(Path(request["plan_cache"])))
    try:
        built = builder.build(
            lambda name, number, of: send({"event": "engine", "name": name, "number": number, "of": of})
        )
    finally:
        Path(request["timing_cache_out"]).write_bytes(builder.timing_cache)
    finish("build")
    if request["plan_cache"] is not None and request["calibrate"]:
        keys = builder.plan_keys
    engines = [_engine_to_dict(engine) for engine in built]
    send({"event": "built", "engines": engines})
    if can_be_saved(engines):
        send({"event": "phase", "phase": "save"})
        builder.save(os.fsencode(request["save_to"]))
        finish("save")
    send(
        {
            "event": "result",
            "gpu": {
                "name": builder.gpu.name,
                "compute_capability": builder.gpu.compute_capability,
                "driver": builder.gpu.driver,
            },
            "tensorrt": builder.tensorrt_version,
            "calibration_tables": builder.calibration_tables,
            "plan_keys": keys,
            "seconds": seconds,
        }
    )


def _use_plans(builder: _native.EngineBuilder, keys: dict[str, str], cache: PlanCache) -> None:
    for engine, key in keys.items():
        file = cache.find(key)
        if file is not None:
            with contextlib.suppress(ModelError):  # it is built instead
                builder.use_plans(engine, os.fsencode(file))


def can_be_saved(engines: Sequence[dict[str, Any]]) -> bool:
    """Whether all engines that inputs reached were built, and there is one."""
    return any(engine["built"] for engine in engines) and all(
        engine["built"] or engine["problem"] == NOT_REACHED for engine in engines
    )


def _engine_to_dict(engine: _native.BuiltEngine) -> dict[str, Any]:
    return {
        "name": engine.name,
        "built": engine.built,
        "reused": engine.reused,
        "problem": engine.problem,
        "seconds": engine.seconds,
        "profiles": [profile_to_dict(profile) for profile in engine.profiles],
        "shapes": engine.static_shapes,
    }


def _options(request: dict[str, Any], native: Any) -> _native.BuilderOptions:
    options: _native.BuilderOptions = native.BuilderOptions()
    for name, value in request["options"].items():
        setattr(options, name, value)
    if request["timing_cache_in"] is not None:
        options.timing_cache = Path(request["timing_cache_in"]).read_bytes()
    return options


def _inputs_of(call: dict[str, Any], specs: Sequence[_native.TensorSpec]) -> Arrays:
    if call["file"] is not None:
        return load_batch(Path(call["file"]), specs)
    generator = np.random.default_rng(0)
    inputs = {}
    for spec in specs:
        shape = tuple(call["shapes"][spec.name])
        if spec.default is not None and spec.default.shape == shape:
            inputs[spec.name] = spec.default
        else:
            inputs[spec.name] = random_array(spec, shape, generator)
    return inputs


def main() -> None:
    """Run the program; it returns where an event says how it went."""
    request = json.loads(Path(sys.argv[1]).read_text(encoding="utf-8"))
    pipe = int(sys.argv[2])
    # What TensorFlow starts, such as ptxas, must not keep the pipe open.
    os.set_inheritable(pipe, False)
    _die_with_parent(request["parent"])
    # An interrupt reaches the whole foreground group; the parent decides.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    with os.fdopen(pipe, "w", encoding="utf-8", buffering=1) as events:

        def send(event: dict[str, Any]) -> None:
            events.write(json.dumps(event) + "\n")

        try:
            work(request, send, _native)
        except Error as error:
            send({"event": "error", "type": type(error).__name__, "message": str(error)})
        except MemoryError:
            send({"event": "error", "type": "InternalError", "message": "the machine's memory is not enough"})


def _die_with_parent(parent: int) -> None:
    ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:
        os._exit(1)


if __name__ == "__main__":
    main()
    # All is written. The libraries' own clean-up takes time, and can only fail.
    os._exit(0)
