"""``tftrt bundle-runtime``."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from .common import SUCCESS, Subparsers, add_command, add_json_option, console, print_json

if TYPE_CHECKING:
    from ..bundling import BundleReport

_EXAMPLES = """\
examples:
  tftrt bundle-runtime runtime                      what a C++ program needs on a CPU
  tftrt bundle-runtime runtime --headers            and to be compiled: -DCMAKE_PREFIX_PATH=runtime
  tftrt bundle-runtime runtime --gpu                with CUDA's and TensorRT's libraries

The folder can be moved and needs no Python.
"""


def add_parser(subparsers: Subparsers) -> None:
    """Add the command."""
    parser = add_command(
        subparsers, "bundle-runtime", run, "collect the libraries that C++ programs need in one folder", _EXAMPLES
    )
    parser.add_argument("destination", metavar="DIR", help="folder to write")
    parser.add_argument("--cuda", action="store_true", help="take CUDA's libraries along, as pip installed them")
    parser.add_argument("--tensorrt", action="store_true", help="take TensorRT's libraries along; needs --cuda")
    parser.add_argument("--gpu", action="store_true", help="both --cuda and --tensorrt")
    parser.add_argument("--headers", action="store_true", help="take headers, CMake package and pkg-config file along")
    parser.add_argument("--overwrite", action="store_true", help="replace an older bundle")
    add_json_option(parser, "what was written")


def run(args: argparse.Namespace) -> int:
    """Write the bundle and print its sizes."""
    from ..bundling import bundle_runtime

    report = bundle_runtime(
        args.destination,
        cuda=args.cuda or args.gpu,
        tensorrt=args.tensorrt or args.gpu,
        headers=args.headers,
        overwrite=args.overwrite,
    )
    if args.json:
        print_json(report.to_dict())
    else:
        _print(report)
    return SUCCESS


def _print(report: BundleReport) -> None:
    from rich.table import Table
    from rich.text import Text

    out = console()
    table = Table(box=None, pad_edge=False, header_style="bold", padding=(0, 2, 0, 0))
    table.add_column("file", overflow="fold")
    table.add_column("MB before", justify="right")
    table.add_column("MB after", justify="right")
    for file in report.files:
        table.add_row(Text(file.path), _megabytes(file.bytes_before), _megabytes(file.bytes_after))
    table.add_row("total", _megabytes(report.bytes_before), _megabytes(report.bytes_after), style="bold")
    out.print(table)
    needs = ", ".join(f"{interface} {version}" for interface, version in report.system.items())
    out.print(f"\n{report.destination} needs of the machine: {needs}", markup=False, soft_wrap=True)


def _megabytes(size: int) -> str:
    return f"{size / 1e6:.1f}"
