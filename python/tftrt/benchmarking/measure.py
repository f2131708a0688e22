"""Timing of calls: several things in turn, so that what disturbs the machine disturbs all of them."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

__all__ = ["Call", "MakeCall", "Times", "measure"]

Call = Callable[[], object]
MakeCall = Callable[[], Call]
"""Makes the call of one caller, on the caller's own thread."""

_ROUNDS = 5
_PERCENTILES = (50.0, 90.0, 95.0, 99.0, 99.9)


@dataclass(frozen=True)
class Times:
    """What calls took.

    Attributes:
        microseconds: Of each call, of all callers.
        seconds: How long they were made for.
    """

    microseconds: NDArray[np.float64]
    seconds: float

    def summary(self, batch: int) -> dict[str, float]:
        """Mean and percentiles in microseconds, calls, and items a second with ``batch`` items in each call."""
        values = np.percentile(self.microseconds, _PERCENTILES)
        return {
            "calls": len(self.microseconds),
            "mean": float(self.microseconds.mean()),
            **{name: float(value) for name, value in zip(("median", "p90", "p95", "p99", "p99.9"), values)},
            "items_per_second": len(self.microseconds) * batch / self.seconds,
        }


def measure(paths: Mapping[str, MakeCall], *, callers: int, warmup: float, duration: float) -> dict[str, Times]:
    """Call each path for ``duration`` seconds, from ``callers`` threads at a time.

    Args:
        paths: What to measure, by name.
        callers: Threads that call, each as soon as its last call has returned.
        warmup: Seconds that each is called before.
        duration: Seconds for each, in all; they take turns.
    """
    crews = {name: _Crew(make, callers) for name, make in paths.items()}
    try:
        for crew in crews.values():
            crew.work(warmup)
        parts: dict[str, list[Times]] = {name: [] for name in crews}
        for _ in range(_ROUNDS):
            for name, crew in crews.items():
                parts[name].append(crew.work(duration / _ROUNDS))
    finally:
        for crew in crews.values():
            crew.dismiss()
    return {
        name: Times(np.concatenate([part.microseconds for part in times]), sum(part.seconds for part in times))
        for name, times in parts.items()
    }


class _Crew:
    """The callers of one path, each on a thread of its own; one alone works on the thread that asks."""

    def __init__(self, make: MakeCall, callers: int) -> None:
        self._make = make
        self._results: list[NDArray[np.float64]] = []
        self._failures: list[BaseException] = []
        self._seconds = 0.0
        self._alone = make() if callers == 1 else None
        self._begin, self._end = threading.Barrier(callers + 1), threading.Barrier(callers + 1)
        self._threads = [threading.Thread(target=self._run, daemon=True) for _ in range(callers if callers > 1 else 0)]
        for thread in self._threads:
            thread.start()
        if self._threads:
            self._end.wait()
            self._raise_failure()

    def work(self, seconds: float) -> Times:
        self._results, self._seconds = [], seconds
        start = time.perf_counter()
        if self._alone is not None:
            self._results.append(_call_for(self._alone, seconds))
        else:
            self._begin.wait()
            self._end.wait()
            self._raise_failure()
        return Times(np.concatenate(self._results), time.perf_counter() - start)

    def dismiss(self) -> None:
        self._seconds = -1.0
        if self._threads and not self._failures:
            self._begin.wait()
        for thread in self._threads:
            thread.join()
        self._alone = None

    def _raise_failure(self) -> None:
        if self._failures:
            self._begin.abort()
            raise self._failures[0]

    def _run(self) -> None:
        call: Call | None = None
        try:
            call = self._make()
        except BaseException as error:
            self._failures.append(error)
        self._end.wait()
        while True:
            try:
                self._begin.wait()
            except threading.BrokenBarrierError:
                return
            if self._seconds < 0 or call is None:
                return
            try:
                self._results.append(_call_for(call, self._seconds))
            except BaseException as error:
                self._failures.append(error)
            self._end.wait()


def _call_for(call: Call, seconds: float) -> NDArray[np.float64]:
    clock = time.perf_counter_ns
    times = []
    end = clock() + int(seconds * 1e9)
    while True:
        begin = clock()
        call()
        after = clock()
        times.append(after - begin)
        if after >= end:
            return np.array(times, np.float64) / 1e3
