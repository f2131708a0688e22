"""The record of one run: a JSON file that is written anew after every step, so that a kill loses nothing."""

from __future__ import annotations

import contextlib
import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

__all__ = ["NotMeasurableError", "Record"]

_DIGITS = 6


class NotMeasurableError(Exception):
    """This machine cannot do it: a fact to record, and no failure."""


class Record:
    """What was measured so far.

    Args:
        path: Where it is written.
        content: What it begins with.

    Attributes:
        content: Becomes the file; ``seconds``, ``problems`` and ``not_measurable`` are by step.
    """

    def __init__(self, path: Path, content: dict[str, Any]) -> None:
        """Write the begin; see the class."""
        self._path = path
        self._begin = time.monotonic()
        self.content = {**content, "seconds": {}, "problems": {}, "not_measurable": {}}
        self.write()

    @property
    def failed(self) -> bool:
        """Whether a step failed."""
        return bool(self.content["problems"])

    @contextlib.contextmanager
    def step(self, name: str) -> Iterator[None]:
        """Do a step; what goes wrong in it is recorded, and the rest goes on."""
        self.say(name)
        begin = time.monotonic()
        try:
            yield
        except NotMeasurableError as reason:
            self.content["not_measurable"][name] = str(reason)
            self.say(f"{name}: not measurable: {reason}")
        except Exception as error:
            self.content["problems"][name] = f"{type(error).__name__}: {error}"
            self.say(f"{name}: FAILED: {type(error).__name__}: {error}")
        finally:
            self.content["seconds"][name] = round(time.monotonic() - begin, 1)
            self.write()

    def add(self, section: str, entries: list[dict[str, Any]]) -> None:
        """Add to a section that is a list."""
        self.content.setdefault(section, []).extend(entries)

    def say(self, line: str) -> None:
        """Show progress."""
        print(f"[{time.monotonic() - self._begin:6.1f} s] {line}", flush=True)

    def write(self) -> None:
        """Write the file, in one step."""
        unfinished = self._path.with_name(self._path.name + ".unfinished")
        unfinished.write_text(json.dumps(_rounded(self.content), indent=2) + "\n")
        unfinished.replace(self._path)


def _rounded(value: Any) -> Any:
    if isinstance(value, float):
        return float(f"{value:.{_DIGITS}g}")
    if isinstance(value, dict):
        return {key: _rounded(element) for key, element in value.items()}
    return [_rounded(element) for element in value] if isinstance(value, (list, tuple)) else value
