"""Signals that end a command."""

from __future__ import annotations

import contextlib
import signal
import threading
from collections.abc import Iterator
from types import FrameType

__all__ = ["clean_end"]

_SHELL = 128  # what shells add to the signal's number
_SIGNALS = (signal.SIGTERM, signal.SIGHUP)


@contextlib.contextmanager
def clean_end() -> Iterator[None]:
    """Let SIGTERM and SIGHUP end the body like an exception, so that it removes its temporary files.

    A signal that is ignored, as SIGHUP under nohup, stays ignored.
    """
    before = {}
    if threading.current_thread() is threading.main_thread():
        before = {
            number: signal.signal(number, _end) for number in _SIGNALS if signal.getsignal(number) == signal.SIG_DFL
        }
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _end(number: int, frame: FrameType | None) -> None:
    raise SystemExit(_SHELL + number)
