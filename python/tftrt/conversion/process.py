"""Conversion in a process of its own, seen from the process that asks for it.

TensorFlow keeps memory that a conversion needed once, TF-TRT takes settings from the environment, and a crash of either
ends its process. So each caller has one such process. It serves conversions one after another, and ends after a time
without any.
"""

from __future__ import annotations

import atexit
import contextlib
import json
import os
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from multiprocessing import spawn
from multiprocessing.connection import Connection, Pipe
from pathlib import Path
from typing import Any

from .. import errors
from ..errors import Error, InternalError, ResourceExhaustedError
from .causes import cause_of
from .export import export, is_object
from .loaded_ops import loaded_op_libraries
from .options import Options
from .output import check_destination, staging
from .report import ConversionReport
from .request import Batches, Request
from .source import check_path

__all__ = ["Progress", "run"]

Progress = Callable[[str, float], None]
GiveBatches = Callable[[Path, Path, Sequence[str]], Batches]
"""Takes the SavedModel that is converted, a folder for files, and the names of signatures; writes batches of inputs."""

# What TensorFlow, CUDA and Python read once, when they start.
_READ_AT_START = ("TF_", "TFTRT_", "XLA_", "CUDA_", "NVIDIA_", "OMP_", "MKL_", "KERAS_", "PYTHON", "LD_", "MALLOC_")
_LOG_LEVELS = ("TFTRT_LOG_LEVEL", "TF_CPP_MIN_LOG_LEVEL")
_MEMORY_HINT = (
    "The machine's memory may not be enough: see the kernel's log (dmesg). A conversion takes several times the memory "
    "of the weights."
)
_CODE = (
    "import json, sys; arguments = json.loads(sys.argv[1]); sys.path[:] = arguments['path']; "
    "from tftrt.conversion.worker import main; main(arguments)"
)
_IDLE_SECONDS = 30.0
_PATIENCE = 5.0
_SHOWN_BYTES = 2000

# Nested calls, from a progress callback, are possible; calls of other threads wait.
_one_at_a_time = threading.RLock()
_idle: _Worker | None = None


def run(
    source: Any,
    destination: str | os.PathLike[str],
    options: Options,
    *,
    overwrite: bool,
    progress: Progress | None,
    verify: bool | GiveBatches,
) -> ConversionReport:
    """Convert ``source`` into ``destination``; see :func:`tftrt.convert`."""
    start = time.monotonic()
    target = Path(destination)
    on_disk = not is_object(source)
    check_destination(target, Path(source) if on_disk else None, overwrite=overwrite)
    if on_disk:
        check_path(Path(source), options)
    report = progress or (lambda phase, done: None)
    with contextlib.ExitStack() as stack:
        stack.enter_context(_one_at_a_time)
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="tftrt-convert-")))
        directory = stack.enter_context(staging(target))
        worker = stack.enter_context(_worker([str(folder), str(directory)]))
        report("export", 0.0)
        request = Request(
            exported=export(source, folder, options),
            directory=str(directory),
            destination=str(target),
            folder=str(folder),
            options=options,
            op_libraries=loaded_op_libraries(),
            environment=dict(os.environ),
            working_directory=_working_directory(),
            compares=verify is not False,
            waits_for_batches=callable(verify),
            seconds=time.monotonic() - start,
        )
        return worker.convert(request, report, verify if callable(verify) else None)


@contextlib.contextmanager
def _worker(owned: Sequence[str]) -> Iterator[_Worker]:
    """A process for one conversion: the idle one if it fits, or a new one. It is kept if it ends without work."""
    global _idle
    worker, _idle = _idle, None
    if worker is not None and not worker.take(owned):
        worker.stop()
        worker = None
    if worker is None:
        worker = _Worker(owned)
    try:
        yield worker
    finally:
        if worker.busy or _idle is not None:
            worker.stop()
        else:
            _idle = worker


@atexit.register
def _end() -> None:
    global _idle
    worker, _idle = _idle, None
    if worker is not None:
        worker.stop()


def _forget() -> None:
    """In a process that was forked: another thread may have held the lock, and the idle process serves the parent."""
    global _idle, _one_at_a_time
    worker, _idle = _idle, None
    _one_at_a_time = threading.RLock()
    if worker is not None:
        worker.abandon()


os.register_at_fork(after_in_child=_forget)


class _Worker:
    """The process, and the connection to it.

    Args:
        owned: Folders that it removes if this process dies.
    """

    def __init__(self, owned: Sequence[str]) -> None:
        """Start it; see the class."""
        self.busy = False
        self._fits = _fingerprint()
        self._connection, theirs = Pipe()
        self._log = tempfile.TemporaryFile()  # noqa: SIM115
        arguments = {
            "pipe": theirs.fileno(),
            "parent": os.getpid(),
            "path": sys.path,
            "owned": list(owned),
            "idle": _IDLE_SECONDS,
        }
        try:
            self._process = self._start(json.dumps(arguments), theirs)
        except OSError as error:
            self._connection.close()
            raise InternalError(f"the process that converts cannot be started: {error}") from error
        finally:
            theirs.close()

    def _start(self, arguments: str, pipe: Connection) -> subprocess.Popen[bytes]:
        # What TensorFlow logs goes to the terminal where it was asked for, and is kept for the case of a crash if not.
        log = None if any(name in os.environ for name in _LOG_LEVELS) else self._log
        command = [os.fsdecode(spawn.get_executable()), "-c", _CODE, arguments]
        return subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=self._log,
            stderr=log,
            pass_fds=[pipe.fileno()],
            env=_environment(),
        )

    def take(self, owned: Sequence[str]) -> bool:
        """Hand over the folders of the next conversion; False if the process cannot do it."""
        if self._fits != _fingerprint():
            return False
        try:
            self._connection.send(("own", list(owned)))
            return bool(self._connection.recv() == ("owned",))
        except (OSError, EOFError):
            return False

    def convert(self, request: Request, progress: Progress, give: GiveBatches | None) -> ConversionReport:
        """Have it convert.

        Raises:
            Error: The conversion failed, or the process died.
        """
        self.busy = True
        doing = "starting"
        while True:
            try:
                if doing == "starting":
                    self._connection.send(("convert", request))
                    doing = "importing TensorFlow"
                kind, *content = self._connection.recv()
            except (OSError, EOFError):
                raise self._death(doing) from None
            if kind == "progress":
                doing = content[0]
                progress(*content)
            elif kind == "batches":
                assert give is not None
                self._connection.send(give(Path(content[0]), Path(request.folder), content[1]))
            else:
                self.busy = bool(content.pop())
                if kind == "done":
                    return content[0]  # type: ignore[no-any-return]
                raise self._error(*content)

    def stop(self) -> None:
        """End the process."""
        self._connection.close()
        if self.busy:
            self._process.kill()
        try:
            self._process.wait(_PATIENCE)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._log.close()

    def abandon(self) -> None:
        """Release a process that belongs to the parent of this one."""
        self._connection.close()
        self._process.returncode = 0  # There is nothing to wait for.

    def _error(self, name: str, message: str, traceback: str) -> Error:
        kind: Callable[[str], Error] = getattr(errors, name, InternalError)
        error = kind(message)
        if traceback:
            error.__cause__ = _RemoteTracebackError(traceback)
        return error

    def _death(self, doing: str) -> Error:
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(_PATIENCE)
        code = self._process.returncode
        how = f"ended with exit code {code}" if code is None or code >= 0 else f"was ended by signal {-code}"
        said = self._last_words()
        text = f"the process that converts {how} while doing this: {doing}."
        if said:
            text += f" It wrote last: {said}"
        if code == -9:
            return ResourceExhaustedError(f"{text} {_MEMORY_HINT}")
        return InternalError(f"{text} Nothing was written. Please report it with the model.")

    def _last_words(self) -> str:
        file = self._log.fileno()
        # Both processes have one position in the file, which must stay.
        text = os.pread(file, _SHOWN_BYTES, max(0, os.fstat(file).st_size - _SHOWN_BYTES))
        return " ".join(cause_of(text.decode(errors="replace")).split())


class _RemoteTracebackError(Exception):
    """The traceback of an error in the other process, as the cause of the one that is raised here."""

    def __str__(self) -> str:
        return f'\n"""\n{self.args[0]}"""'


def _fingerprint() -> tuple[Any, ...]:
    """The settings that a process reads when it starts."""
    read = {name: value for name, value in os.environ.items() if name.startswith(_READ_AT_START)}
    return spawn.get_executable(), list(sys.path), read


def _working_directory() -> str | None:
    try:
        return str(Path.cwd())
    except OSError:  # it was removed
        return None


def _environment() -> dict[str, str]:
    level = next((os.environ[name] for name in _LOG_LEVELS if name in os.environ), "3")
    return {
        **os.environ,
        "TF_CPP_MIN_LOG_LEVEL": level,
        # It never gives memory back.
        "TF_ENABLE_ONEDNN_OPTS": "0",
        # The result is the same on every machine, and a GPU belongs to the programs that run models.
        "CUDA_VISIBLE_DEVICES": "-1",
    }
