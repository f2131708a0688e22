"""Running the process that builds: its request, its events, its end."""

from __future__ import annotations

import json
import os
import select
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

from ..errors import InternalError

__all__ = ["LOG_NAME", "WORKER", "run_worker"]

WORKER = (sys.executable, "-m", "tftrt.building.worker")
"""The command; the request's file and the number of the events' pipe are added."""

LOG_NAME = "log.txt"

_TICK = 0.5
_PATIENCE = 5.0
_WARNINGS = 1


def run_worker(
    request: dict[str, Any],
    folder: Path,
    on_event: Callable[[dict[str, Any]], None],
    on_tick: Callable[[], None],
    command: Sequence[str] = WORKER,
) -> int:
    """Start the worker and wait for its end. It is stopped if anything is raised here.

    Args:
        request: What it shall do.
        folder: A private folder, for the request and the log, ``LOG_NAME``.
        on_event: Called with each event.
        on_tick: Called twice a second.
        command: The worker.

    Returns:
        Its exit code; negative if a signal ended it.

    Raises:
        InternalError: It cannot be started, or sends what is no event.
    """
    file = folder / "request.json"
    file.write_text(json.dumps({**request, "parent": os.getpid()}), encoding="utf-8")
    reader, writer = os.pipe()
    try:
        with (folder / LOG_NAME).open("wb") as log:
            process = _start([*command, str(file), str(writer)], writer, log)
    except BaseException:
        os.close(reader)
        raise
    finally:
        os.close(writer)
    try:
        with os.fdopen(reader, "rb", buffering=0) as pipe:
            for line in _lines(pipe.fileno(), on_tick):
                on_event(_parse(line))
        return process.wait()
    finally:
        _stop(process)


def _start(command: Sequence[str], pipe: int, log: Any) -> subprocess.Popen[bytes]:
    try:
        return subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, pass_fds=[pipe], env=_environment()
        )
    except OSError as error:
        raise InternalError(f"the process that builds engines cannot be started: {error}") from error


def _environment() -> dict[str, str]:
    """The log must have warnings: they say why an engine could not be built."""
    level = os.environ.get("TFTRT_LOG_LEVEL", "")
    return {**os.environ, "TFTRT_LOG_LEVEL": level if level == "0" else str(_WARNINGS)}


def _lines(pipe: int, on_tick: Callable[[], None]) -> Iterator[bytes]:
    rest = b""
    while True:
        ready, _, _ = select.select([pipe], [], [], _TICK)
        on_tick()
        if not ready:
            continue
        block = os.read(pipe, 1 << 16)
        if not block:
            return
        *lines, rest = (rest + block).split(b"\n")
        yield from lines


def _parse(line: bytes) -> dict[str, Any]:
    try:
        event = json.loads(line)
    except ValueError:
        event = None
    if not isinstance(event, dict) or "event" not in event:
        raise InternalError(f"the process that builds engines sent {line[:200]!r}, which is no event")
    return event


def _stop(process: subprocess.Popen[bytes]) -> None:
    """End the process if it still runs; also if the user interrupts once more."""
    if process.poll() is not None:
        return
    try:
        process.terminate()
        process.wait(_PATIENCE)
    except subprocess.TimeoutExpired:
        pass
    finally:
        process.kill()
        process.wait()
