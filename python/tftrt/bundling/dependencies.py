"""Following what libraries need."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from pathlib import Path

from ..errors import IncompatibleError
from .elf import SharedObject, read_shared_object

__all__ = ["follow", "in_real_folder", "newest_versions"]

# Every Linux machine that runs C++ programs has these, and they must be its own: the C library belongs to the loader,
# and a process can have only one C++ library, the newest that is asked for. zlib, which cuDNN needs, is not in pip's
# packages, so it is the machine's, too.
_SYSTEM = frozenset(
    {
        "ld-linux-x86-64.so.2",
        "libc.so.6",
        "libdl.so.2",
        "libgcc_s.so.1",
        "libm.so.6",
        "libpthread.so.0",
        "librt.so.1",
        "libstdc++.so.6",
        "libz.so.1",
    }
)


def follow(roots: Iterable[Path], folders: Sequence[Path], remedy: str) -> list[SharedObject]:
    """The libraries ``roots`` and all that they need and the system does not have, each once.

    Args:
        roots: Libraries.
        folders: Where to look for what a library's own run path does not lead to.
        remedy: What to do where one is missing; a sentence.

    Raises:
        IncompatibleError: One is missing.
    """
    found: dict[str, SharedObject] = {}
    waiting = list(roots)
    while waiting:
        path = waiting.pop(0)
        if path.name in found:
            continue
        library = read_shared_object(path)
        found[path.name] = library
        waiting += [_find(name, library, folders, remedy) for name in library.needed if name not in _SYSTEM]
    return list(found.values())


def _find(name: str, library: SharedObject, folders: Sequence[Path], remedy: str) -> Path:
    looked = list(dict.fromkeys([*library.run_path, *folders]))
    for folder in looked:
        if (folder / name).is_file():
            return in_real_folder(folder / name)
    raise IncompatibleError(
        f"{library.path} needs {name}, which is in none of {', '.join(map(str, looked)) or 'no folder'}. {remedy}"
    )


def in_real_folder(path: Path) -> Path:
    """The same file, without links and ``..`` on the way to it."""
    return path.parent.resolve() / path.name


def newest_versions(libraries: Iterable[SharedObject]) -> dict[str, str]:
    """The newest version of each of the system's interfaces that the libraries use, such as ``{"GLIBC": "2.34"}``."""
    newest: dict[str, tuple[int, ...]] = {}
    for library in libraries:
        for name in library.versions:
            match = re.fullmatch(r"(GLIBC|GLIBCXX|CXXABI)_(\d+(?:\.\d+)*)", name)
            if match:
                version = tuple(map(int, match[2].split(".")))
                newest[match[1]] = max(newest.get(match[1], ()), version)
    return {interface: ".".join(map(str, version)) for interface, version in sorted(newest.items())}
