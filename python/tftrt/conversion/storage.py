"""Files of a conversion: those of the source, copies in the result, and disks that are full."""

from __future__ import annotations

import errno
import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from ..errors import ModelError, ResourceExhaustedError

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


def files_below(folder: Path) -> list[Path]:
    """All files below a folder, sorted; links to files and folders are followed."""
    found: list[Path] = []
    seen: set[str] = set()
    for parent, folders, names in os.walk(folder, followlinks=True):
        real = os.path.realpath(parent)
        if real in seen:  # A link to a folder above.
            folders.clear()
            continue
        seen.add(real)
        found.extend(path for name in names if (path := Path(parent) / name).is_file())
    return sorted(found)


def copy_files(source: Path, target: Path, ignored: Callable[[str], bool] = lambda name: False) -> None:
    """Copy the files below a folder: links become files, and the copies have the permissions of new files.

    Args:
        source: A folder, or a link to one.
        target: The folder to make.
        ignored: Whether files and folders of this name are left out.

    Raises:
        ModelError: A link leads nowhere.
        ResourceExhaustedError: The disk is full.
    """
    with room_for(target, lambda: sum(file.stat().st_size for file in files_below(source))):
        _copy(source, target, ignored, ())


def _copy(source: Path, target: Path, ignored: Callable[[str], bool], above: tuple[str, ...]) -> None:
    real = os.path.realpath(source)
    if real in above:
        raise ModelError(f"{source}: expected a folder, found a link to a folder that it is in. Remove the link.")
    target.mkdir(parents=True, exist_ok=True)
    for entry in sorted(source.iterdir()):
        if ignored(entry.name):
            continue
        if entry.is_dir():
            _copy(entry, target / entry.name, ignored, (*above, real))
        elif entry.is_file():
            shutil.copyfile(entry, target / entry.name)
        elif entry.is_symlink():
            raise ModelError(
                f"{entry}: expected a file, found a link to {entry.readlink()}, which does not exist. "
                "Copy the whole model, with the files that its links lead to."
            )
