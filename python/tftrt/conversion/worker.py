"""The process that converts: it serves the requests of the process that started it, one after another.

:mod:`tftrt.conversion.process` starts it. The messages:

- ``("own", folders)``: these are removed if the parent dies; the answer is ``("owned",)``.
- ``("convert", request)``: the answers are any number of ``("progress", phase, done)``, at most one ``("batches",
  directory, signatures)``, which wants batches of inputs back, and ``("done", report, spent)`` or
  ``("error", type, message, traceback, spent)``. A process that is ``spent`` must serve no more requests.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import sys
import tempfile
import threading
import time
import traceback
from collections.abc import Iterable
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

from ..errors import Error, InternalError, ResourceExhaustedError
from .report import ConversionReport
from .request import Request

__all__ = ["main"]

_LOOK = 0.2
_TRIES = 20
_OWN_VARIABLES = ("TF_CPP_MIN_LOG_LEVEL", "TF_ENABLE_ONEDNN_OPTS", "CUDA_VISIBLE_DEVICES")


def main(arguments: dict[str, Any]) -> None:
    """Serve until the parent hangs up, dies, or asks for nothing any more. It never returns."""
    # A terminal and service managers signal the whole group. The parent decides, and this process cleans up after it.
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    watch = _Watch(arguments["parent"], arguments["owned"])
    threading.Thread(target=watch.run, daemon=True).start()
    with contextlib.suppress(EOFError, OSError):
        _serve(Connection(arguments["pipe"]), watch, arguments["idle"])
    watch.remove_owned()
    # The clean-up of TensorFlow takes time, and can only fail.
    os._exit(0)


def _serve(pipe: Connection, watch: _Watch, idle: float) -> None:
    # While the parent exports the model. The request says why it cannot be imported.
    with contextlib.suppress(ImportError):
        import tensorflow  # noqa: F401

    while pipe.poll(idle):
        kind, content = pipe.recv()
        if kind == "own":
            watch.owned = content
            pipe.send(("owned",))
            continue
        pipe.send(_answer(pipe, content))
        watch.owned = []


def _answer(pipe: Connection, request: Request) -> tuple[Any, ...]:
    try:
        report, spent = _convert(pipe, request)
        return "done", report, spent
    except Error as error:
        # The reason why TensorFlow cannot be imported may hold for this process alone.
        return "error", type(error).__name__, str(error), "", "tensorflow" not in sys.modules
    except MemoryError:
        text = "the memory of this machine is not enough for the conversion. Nothing was written."
        return "error", ResourceExhaustedError.__name__, text, "", True
    except Exception as error:
        text = (
            f"the conversion failed, which is a fault of tftrt: {type(error).__name__}: {error}. "
            "Nothing was written. Please report it with the model."
        )
        return "error", InternalError.__name__, text, traceback.format_exc(), True


def _convert(pipe: Connection, request: Request) -> tuple[ConversionReport, bool]:
    from .requirements import check_tensorflow

    check_tensorflow()
    from .pipeline import convert

    _adopt(request)
    report = ConversionReport(
        destination=request.destination, source={}, precision=request.options.precision, signatures=[]
    )

    def ask(directory: Path, signatures: list[str]) -> Any:
        pipe.send(("batches", str(directory), signatures))
        return pipe.recv()

    spent = convert(
        request.exported,
        Path(request.directory),
        request.options,
        report,
        progress=lambda phase, done: pipe.send(("progress", phase, done)),
        compares=request.compares,
        ask=ask if request.waits_for_batches else None,
        before=request.seconds,
    )
    return report, spent


def _adopt(request: Request) -> None:
    """Be where the caller is: its folder, its environment, the ops that it has loaded."""
    import tensorflow as tf

    tempfile.tempdir = request.folder
    if request.working_directory is not None:
        with contextlib.suppress(OSError):
            os.chdir(request.working_directory)
    kept = {name: value for name, value in os.environ.items() if name in _OWN_VARIABLES}
    os.environ.clear()
    os.environ.update({**request.environment, **kept})
    for library in request.op_libraries:
        with contextlib.suppress(tf.errors.OpError):
            tf.load_op_library(library)


class _Watch:
    """Ends the process when the parent has died, and removes the folders that the parent cannot remove any more.

    Args:
        parent: The parent's process ID.
        owned: The folders.
    """

    def __init__(self, parent: int, owned: Iterable[str]) -> None:
        """Start with these folders; see the class."""
        self.owned = list(owned)
        self._parent = parent

    def run(self) -> None:
        """Look until the parent has died."""
        while os.getppid() == self._parent:
            time.sleep(_LOOK)
        self.remove_owned()
        os._exit(1)

    def remove_owned(self) -> None:
        """Remove the folders, until a conversion writes nothing into them any more."""
        for _ in range(_TRIES):
            for folder in self.owned:
                shutil.rmtree(folder, ignore_errors=True)
            if not any(Path(folder).exists() for folder in self.owned):
                return
            time.sleep(_LOOK)
