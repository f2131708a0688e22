"""Progress of a build: from the worker's events to a phase and a fraction."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

__all__ = ["BuildProgress"]

# Of the whole work that lies before a phase. TensorRT takes most of it.
_READ = 0.0
_OPEN = 0.02
_COLLECT = 0.06
_CALIBRATE = 0.1
_BUILD = 0.1
_BUILD_AFTER_CALIBRATION = 0.3
_SAVE = 0.95
_WRITE = 0.97


class BuildProgress:
    """Turns events into calls of ``report``, with the seconds that a phase has taken.

    Args:
        report: Called with a phase and the fraction done.
        calibrates: Whether there is calibration data.
    """

    def __init__(self, report: Callable[[str, float], None], *, calibrates: bool) -> None:
        """Start; see the class."""
        self._report = report
        self._build = _BUILD_AFTER_CALIBRATION if calibrates else _BUILD
        self._start = 0.0
        self._shown = 0
        self._done = 0.0
        self._engine = ""
        self.doing = ""
        """What is under way."""

    def reading(self) -> None:
        """Data is read."""
        self._begin("reading data", _READ)

    def writing(self) -> None:
        """The model is written."""
        self._begin("writing the model", _WRITE)

    def finish(self) -> None:
        """All is done."""
        self._report("done", 1.0)

    def handle(self, event: dict[str, Any]) -> None:
        """Take an event of the worker."""
        if event["event"] == "engine":
            self._end_engine()
            share = (event["number"] - 1) / event["of"]
            self._engine = f"engine {event['number']} of {event['of']}, {event['name']}"
            self._begin(f"building {self._engine}", self._build + (_SAVE - self._build) * share)
        elif event["event"] == "built":
            self._end_engine()
        elif event["event"] == "phase":
            self._begin(*self._phase(event))

    def tick(self) -> None:
        """Show the time; called often."""
        seconds = int(time.monotonic() - self._start)
        if self.doing and seconds > self._shown:
            self._shown = seconds
            self._report(f"{self.doing}, {seconds} s", self._done)

    def _begin(self, phase: str, done: float) -> None:
        self.doing = phase
        self._done = done
        self._start = time.monotonic()
        self._shown = 0
        self._report(phase, done)

    def _end_engine(self) -> None:
        if self._engine:
            self._report(f"{self._engine}, took {time.monotonic() - self._start:.1f} s", self._done)
        self._engine = ""

    def _phase(self, event: dict[str, Any]) -> tuple[str, float]:
        phase = event["phase"]
        share = (event["number"] - 1) / event["of"] if "number" in event else 0.0
        if phase == "open":
            return "loading the model", _OPEN
        if phase == "collect":
            text = f"collecting shapes, {event['number']} of {event['of']}"
            return text, _COLLECT + (_CALIBRATE - _COLLECT) * share
        if phase == "calibrate":
            text = f"calibrating, batch {event['number']} of {event['of']}"
            return text, _CALIBRATE + (self._build - _CALIBRATE) * share
        return ("building engines", self._build) if phase == "build" else ("saving engines", _SAVE)
