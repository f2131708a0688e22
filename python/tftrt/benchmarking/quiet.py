"""Keeping TensorFlow's C++ log off the terminal, unless it was asked for."""

from __future__ import annotations

import contextlib
import os
import sys
import tempfile
from collections.abc import Iterator

_asked = "TF_CPP_MIN_LOG_LEVEL" in os.environ or "TFTRT_LOG_LEVEL" in os.environ


def prepare_log_level() -> None:
    """Set TensorFlow's log level, which it reads once, before it is imported for the first time."""
    if "tensorflow" not in sys.modules:
        level = os.environ.get("TFTRT_LOG_LEVEL", "3")
        os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", level)


@contextlib.contextmanager
def quiet_stderr(*, heeds_level: bool = True) -> Iterator[None]:
    """Hold back the output of C++ code to the process's standard error; shown after all if the body raises.

    TensorFlow reads its log level once: where the user's program imported it first, only this keeps it quiet.

    Args:
        heeds_level: Whether the body heeds TensorFlow's log level; XLA says what it has to at any.
    """
    level = os.environ.get("TF_CPP_MIN_LOG_LEVEL")
    if heeds_level:
        as_asked = _asked or level == "3" or "TFTRT_LOG_LEVEL" in os.environ
    else:
        as_asked = os.environ.get("TFTRT_LOG_LEVEL", level) == "0"
    if as_asked:
        yield
        return
    sys.stderr.flush()
    with tempfile.TemporaryFile() as held:
        saved = os.dup(2)
        try:
            os.dup2(held.fileno(), 2)
            try:
                yield
            except Exception:
                os.dup2(saved, 2)
                held.seek(0)
                os.write(2, held.read())
                raise
            finally:
                sys.stderr.flush()
                os.dup2(saved, 2)
        finally:
            os.close(saved)
