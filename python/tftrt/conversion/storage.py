"""Files of a conversion: those of the source, and copies in the result."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from pathlib import Path

from .._full_disk import room_for
from ..errors import ModelError


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
