"""Writing beside the destination and renaming at the end."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from .._full_disk import room_for
from ..errors import InvalidArgumentError

_LEAST_BYTES = 4096  # of a directory


def check_destination(destination: Path, source: Path | None, *, overwrite: bool) -> None:
    """Refuse a destination that cannot or must not be written, before any work is done.

    Raises:
        InvalidArgumentError: It exists (without ``overwrite``), is no SavedModel, overlaps the source, or
            its parent does not exist or is read-only.
    """
    parent = destination.absolute().parent
    if not parent.is_dir():
        raise InvalidArgumentError(
            f"destination: expected an existing directory {parent}, found none. Create it first."
        )
    if not os.access(parent, os.W_OK | os.X_OK):
        raise InvalidArgumentError(
            f"destination: expected to be allowed to write into {parent}, found it read-only. Choose another directory."
        )
    if source is not None and source.exists():
        real, other = destination.resolve(), source.resolve()
        if real == other or other in real.parents or real in other.parents:
            raise InvalidArgumentError(
                f"destination: expected a directory apart from the source {source}, found {destination}. "
                "The source is never changed: write to another directory."
            )
    if not os.path.lexists(destination):
        return
    if not overwrite:
        raise InvalidArgumentError(
            f"destination: expected a path that does not exist, found {destination}. "
            "Pass overwrite=True (--overwrite) to replace it, or choose another path."
        )
    if destination.is_symlink() or not destination.is_dir():
        raise InvalidArgumentError(f"destination: expected a directory to replace, found another file, {destination}.")
    if any(destination.iterdir()) and not list(destination.glob("saved_model.pb*")):
        raise InvalidArgumentError(
            f"destination: expected a SavedModel or an empty directory to replace, found a directory with "
            f"other files, "
            f"{destination}. Remove it yourself, or choose another path."
        )


@contextmanager
def staging(destination: Path) -> Iterator[Path]:
    """A new directory beside ``destination``: it takes its place if the body succeeds, or is removed.

    Raises:
        InvalidArgumentError: It cannot be made.
        ResourceExhaustedError: The disk is full.
    """
    target = destination.absolute()
    directory = _make(target)
    try:
        # mkdtemp makes it private; the result gets the permissions of any new directory.
        umask = os.umask(0)
        os.umask(umask)
        directory.chmod(0o777 & ~umask)
        yield directory
        _replace(directory, target)
    finally:
        shutil.rmtree(directory, ignore_errors=True)


def _make(target: Path) -> Path:
    try:
        with room_for(target, _LEAST_BYTES):
            return Path(tempfile.mkdtemp(prefix=f".{target.name}.tftrt-", dir=target.parent))
    except OSError as error:
        raise InvalidArgumentError(
            f"destination: expected to be able to make a directory in {target.parent}, found: {error.strerror}. "
            "Choose another directory."
        ) from error


def _replace(directory: Path, target: Path) -> None:
    if not os.path.lexists(target):
        directory.rename(target)
        return
    old = Path(tempfile.mkdtemp(prefix=f".{target.name}.tftrt-old-", dir=target.parent))
    try:
        target.rename(old / "model")
        directory.rename(target)
    finally:
        # Whatever stopped it between the two renames: the old model comes back.
        if not os.path.lexists(target):
            (old / "model").rename(target)
        shutil.rmtree(old, ignore_errors=True)
