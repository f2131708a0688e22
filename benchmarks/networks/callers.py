"""Throughput of several callers at the same time, with batch 1."""

from __future__ import annotations

import contextlib
from collections.abc import Mapping

from making import Made
from record import Record

import tftrt
from tftrt.benchmarking.measure import MakeCall, Times, measure
from tftrt.benchmarking.paths import model_paths

__all__ = ["measure_callers"]

_WARMUP = 0.5
Way = tuple[str, int]
"""A path, and the number of instances of the model; 0: as many contexts and streams as callers."""


def measure_callers(record: Record, made: Made, callers: list[int], instances: int, duration: float) -> None:
    """Measure each number of callers; all ways to call take turns."""
    with contextlib.ExitStack() as stack:
        ways: dict[Way, MakeCall] = {}
        with record.step("callers: loading"):
            _find_ways(ways, made, instances, stack)
        for number in callers if ways else ():
            with record.step(f"callers: {number}"):
                times, problems = _measure(ways, number, duration)
                for (path, count), result in times.items():
                    entry = {"path": path, "instances": count, "callers": number, **result.summary(batch=1)}
                    record.add("callers", [entry])
                    record.say(f"  {path:10} instances {count}: {entry['items_per_second']:10.1f} items/s")
                if problems:
                    raise RuntimeError("; ".join(problems))


def _find_ways(ways: dict[Way, MakeCall], made: Made, instances: int, stack: contextlib.ExitStack) -> None:
    """Add the ways to call to ``ways``, as far as there are any."""
    for count in sorted({1, instances}) if made.on_gpu else (1,):
        model: tftrt.Model = stack.enter_context(made.load(**({"instances": count} if count > 1 else {})))
        paths = model_paths(model, made.inputs[1])
        ways.update({("bound", count): paths["bound"], ("call", count): paths["call"]})
    ways["raw-graph", 0] = made.raw_graph(model)


def _measure(ways: Mapping[Way, MakeCall], callers: int, duration: float) -> tuple[dict[Way, Times], list[str]]:
    """What each way takes; where one fails, the others without it, one by one."""
    named = {f"{path}, {count} instances": (path, count) for path, count in ways}
    makers = {name: ways[way] for name, way in named.items()}
    problems: list[str] = []
    try:
        times = measure(makers, callers=callers, warmup=_WARMUP, duration=duration)
    except Exception as error:  # of CUDA or TensorRT
        problems.append(f"together: {type(error).__name__}: {error}")
        times = {}
        for name, make in makers.items():
            try:
                times.update(measure({name: make}, callers=callers, warmup=_WARMUP, duration=duration))
            except Exception as problem:
                problems.append(f"{name}: {type(problem).__name__}: {problem}")
    return {named[name]: result for name, result in times.items()}, problems
