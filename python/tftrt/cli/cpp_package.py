"""The options of ``python -m tftrt`` that builds of C++ programs use, such as ``--cflags --libs``."""

from __future__ import annotations

import argparse

from .common import SUCCESS

_OPTIONS = {
    "cmake-dir": "print the folder of the CMake package, for -Dtftrt_DIR=",
    "pkgconfig-dir": "print the folder of tftrt.pc, for PKG_CONFIG_PATH",
    "cflags": "print the compiler's flags",
    "libs": "print the linker's flags",
}


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add the options, which take the place of a command."""
    group = parser.add_argument_group("for builds of C++ programs")
    for option, summary in _OPTIONS.items():
        group.add_argument(
            f"--{option}",
            dest="cpp_options",
            action="append_const",
            const=option,
            default=argparse.SUPPRESS,
            help=summary,
        )


def run(args: argparse.Namespace) -> int:
    """Print what was asked for, on one line."""
    from .. import _cpp_package

    values = {
        "cmake-dir": _cpp_package.cmake_dir,
        "pkgconfig-dir": _cpp_package.pkgconfig_dir,
        "cflags": _cpp_package.compiler_flags,
        "libs": _cpp_package.linker_flags,
    }
    print(*(values[option]() for option in args.cpp_options))
    return SUCCESS
