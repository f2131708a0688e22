"""Where the C++ library of this package is, and the flags of programs that use it."""

from __future__ import annotations

import shlex
from pathlib import Path

from tftrt import _native

__all__ = ["cmake_dir", "compiler_flags", "linker_flags", "pkgconfig_dir", "root"]


def root() -> Path:
    """The folder that holds ``lib``, ``include`` and ``share``."""
    return Path(_native.__file__).parent


def cmake_dir() -> Path:
    """The folder of ``tftrtConfig.cmake``."""
    return root() / "share" / "cmake" / "tftrt"


def pkgconfig_dir() -> Path:
    """The folder of ``tftrt.pc``."""
    return root() / "lib" / "pkgconfig"


def compiler_flags() -> str:
    """The compiler's, quoted for a shell."""
    return shlex.join([f"-I{root() / 'include'}"])


def linker_flags() -> str:
    """The linker's, quoted for a shell; with them a program finds the library when it starts."""
    folder = root() / "lib"
    return shlex.join([f"-L{folder}", f"-Wl,-rpath,{folder}", "-ltftrt"])
