"""The command line, ``tftrt``.

Each subcommand is a module with ``add_parser(subparsers)`` and ``run(args) -> exit code``. Importing them
is cheap: rich and TensorFlow are imported when a command runs.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence

from . import bench, build, bundle_runtime, convert, cpp_package, demo, doctor, inspect, run, verify
from .common import HelpFormatter, ShowVersion, add_debug_option, hyphenate_options, run_guarded

__all__ = ["main"]

_EXAMPLES = """\
examples:
  tftrt demo                                        see it work, without a download
  tftrt convert resnet50 resnet50_trt --precision FP16
  tftrt build resnet50_trt --shapes image:1x224x224x3
  tftrt inspect resnet50_trt
  tftrt run resnet50_trt --input image=cat.jpg --output result.npz
  tftrt verify resnet50_trt --against resnet50
  tftrt bench resnet50_trt --against resnet50
  tftrt doctor                                      is everything here that a GPU needs?
  tftrt bundle-runtime runtime                      what a C++ program needs, without Python

exit status: 0 success, 1 failure, 2 wrong usage
"""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line.

    Args:
        arguments: What follows the program's name; ``sys.argv`` by default.

    Returns:
        The exit code: 0 for success, 1 for failure, 2 for wrong usage, 130 if interrupted.
    """
    parser = _parser()
    words = hyphenate_options(sys.argv[1:] if arguments is None else arguments)
    return run_guarded(lambda: _dispatch(parser, words), debug="--debug" in words)


def _dispatch(parser: argparse.ArgumentParser, words: Sequence[str]) -> int:
    try:
        args = parser.parse_args(words)
        if hasattr(args, "run") == hasattr(args, "cpp_options"):
            parser.error("expected a command, or options for builds of C++ programs alone")
    except SystemExit as exit_:  # argparse has printed the help or what is wrong
        return exit_.code if isinstance(exit_.code, int) else 0
    code: int = args.run(args) if hasattr(args, "run") else cpp_package.run(args)
    return code


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="tftrt",
        description="Converts TensorFlow models with TF-TRT, and runs them through a C++ session.",
        epilog=_EXAMPLES,
        formatter_class=HelpFormatter,
        allow_abbrev=False,
    )
    parser.add_argument("--version", action=ShowVersion, help="show the version and exit")
    add_debug_option(parser)
    cpp_package.add_options(parser)
    subparsers = parser.add_subparsers(title="commands", metavar="COMMAND")
    for command in (convert, build, inspect, run, verify, bench, doctor, demo, bundle_runtime):
        command.add_parser(subparsers)
    return parser
