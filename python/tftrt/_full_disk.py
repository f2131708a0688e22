"""The error for a disk that is full."""

from __future__ import annotations

import errno
import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from .errors import ResourceExhaustedError

__all__ = ["room_for"]

_FULL = (errno.ENOSPC, errno.EDQUOT)
_FULL_TEXTS = tuple(os.strerror(code) for code in _FULL)


@contextmanager
def room_for(path: Path, size: int | Callable[[], int]) -> Iterator[None]:
    """Raise :class:`ResourceExhaustedError` for the error that a full disk makes the body raise.

    Args:
        path: The file or folder that is written.
        size: Its bytes, or a function that counts them when they are needed.

    Raises:
        ResourceExhaustedError: The disk is full.
    """
    try:
        yield
    except ResourceExhaustedError:
        raise
    except Exception as error:
        full = _full_disk(error)
        if full is None:
            raise
        written = (full.filename2 or full.filename) if isinstance(full, OSError) else None
        place = Path(os.fsdecode(written)) if isinstance(written, (str, bytes)) else path
        wanted = size if isinstance(size, int) else size()
        raise ResourceExhaustedError(
            f"{place}: expected room for {wanted:,} bytes, found {_free(place)}. "
            "Free some space on that disk, or write elsewhere (temporary files go where TMPDIR says)."
        ) from error


def _full_disk(error: BaseException | None) -> BaseException | None:
    """The error among ``error`` and its causes that says that a disk is full."""
    seen: set[int] = set()
    while error is not None and id(error) not in seen:
        seen.add(id(error))
        if isinstance(error, OSError) and error.errno in _FULL:
            return error
        # TensorFlow and HDF5 put the system's words into errors of their own.
        if any(text in str(error) for text in _FULL_TEXTS):
            return error
        error = error.__cause__ or error.__context__
    return None


def _free(path: Path) -> str:
    for folder in (path, *path.absolute().parents):
        try:
            return f"{shutil.disk_usage(folder).free:,} bytes free"
        except OSError:
            continue
    return "a full disk"
