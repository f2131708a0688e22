"""Timing of single calls."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import numpy as np


def seconds_per_call(call: Callable[[], Any], calls: int) -> list[float]:
    """The time of each of ``calls`` calls."""
    times = []
    for _ in range(calls):
        begin = time.perf_counter()
        call()
        times.append(time.perf_counter() - begin)
    return times


def summarise(seconds: list[float], unit: float, digits: int) -> dict[str, float]:
    """Median and percentiles in ``unit`` seconds (1e-6: microseconds)."""
    values = np.array(seconds) / unit
    result = {"median": np.median(values), **{f"p{p}": np.percentile(values, p) for p in (10, 90, 99)}}
    return {name: round(float(value), digits) for name, value in result.items()}


def interleave(calls: dict[str, Callable[[], Any]], *, rounds: int, calls_each: int) -> dict[str, list[float]]:
    """Time several things in turn, so that what disturbs the machine disturbs all of them."""
    times: dict[str, list[float]] = {name: [] for name in calls}
    for call in calls.values():
        seconds_per_call(call, calls_each)
    for _ in range(rounds):
        for name, call in calls.items():
            times[name] += seconds_per_call(call, calls_each)
    return times
