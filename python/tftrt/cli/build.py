"""``tftrt build``."""

from __future__ import annotations

import argparse
import contextlib
import re
import sys
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from .._arguments import PROFILE_STRATEGIES
from .common import (
    SUCCESS,
    CommandError,
    Subparsers,
    UsageError,
    add_command,
    add_json_option,
    console,
    given,
    optional,
    print_json,
)
from .signals import clean_end

_EXAMPLES = """\
examples:
  tftrt build resnet50_trt --shapes image:1x224x224x3 --shapes image:8x224x224x3
  tftrt build encoder_trt --min-shapes ids:1x16,mask:1x16 --max-shapes ids:8x384,mask:8x384
  tftrt build encoder_trt --data samples.npz --keep
  tftrt build resnet50_int8 --calibration my_data:batches --export-calibration table.json
  tftrt build resnet50_trt --shapes image:1x224x224x3 --output resnet50_h100

It needs the GPU that will run the model: an engine is good for one GPU model and one TensorRT version.
"""

_OPTIONS = (
    "data",
    "calibration",
    "calibration_table",
    "output",
    "overwrite",
    "signatures",
    "profile_strategy",
    "max_workspace_size_bytes",
    "optimization_level",
    "keep",
    "timing_cache",
    "plan_cache",
    "device",
)
_SHAPE_OPTIONS = ("min_shapes", "opt_shapes", "max_shapes")

# What changes within a phase: how much of it is done, and the time.
_WITHIN_PHASE = re.compile(r"(, (batch )?\d+ of \d+)?(, \d+ s)?$")


def add_parser(subparsers: Subparsers) -> None:
    """Add the command."""
    parser = add_command(subparsers, "build", run, "build a converted model's engines on this GPU", _EXAMPLES)
    parser.add_argument("model", help="SavedModel directory that tftrt convert wrote")
    add_shape_options(parser)
    _add_calibration_options(parser)
    _add_engine_options(parser)
    parser.add_argument("--output", **optional(), metavar="DIR", help="write there instead of replacing the model")
    parser.add_argument("--overwrite", **optional(action="store_true"), help="replace an existing --output")
    add_json_option(parser, "the report")


def add_shape_options(parser: argparse.ArgumentParser) -> None:
    """Add the options that say which shapes to build for."""
    group = parser.add_argument_group("shapes")
    group.add_argument(
        "--shapes",
        **optional(action="append"),
        metavar="NAME:1x8,...",
        help="shapes of all inputs to build for, repeatable",
    )
    for bound, text in (
        ("min", "with --max-shapes: one profile more, for all shapes between"),
        ("opt", "the shapes that this profile is fastest at (default: --max-shapes)"),
        ("max", "see --min-shapes"),
    ):
        # The second is trtexec's.
        group.add_argument(f"--{bound}-shapes", f"--{bound}Shapes", **optional(), metavar="NAME:1x8,...", help=text)
    group.add_argument(
        "--data",
        **optional(action="append"),
        metavar="SOURCE",
        help=".npy or .npz file, or module:function, with sample inputs of the shapes to build for; repeatable",
    )
    group.add_argument("--keep", **optional(action="store_true"), help="also the shapes of the build before")


def _add_calibration_options(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group("INT8")
    group.add_argument(
        "--calibration",
        **optional(action="append"),
        metavar="SOURCE",
        help="as --data: batches of real inputs, all of one shape; repeatable",
    )
    group.add_argument(
        "--calibration-table", **optional(), metavar="FILE.json", help="an exported table instead of calibration"
    )
    group.add_argument("--export-calibration", type=Path, metavar="FILE.json", help="write the table there")


def _add_engine_options(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group("the engines")
    group.add_argument(
        "--signature",
        dest="signatures",
        **optional(action="append"),
        metavar="NAME",
        help="signature to build for, repeatable (default: all with engines)",
    )
    group.add_argument(
        "--profile-strategy",
        **optional(),
        choices=PROFILE_STRATEGIES,
        help="how shapes become profiles (default: the conversion's)",
    )
    group.add_argument(
        "--max-workspace-size-bytes",
        **optional(type=int),
        metavar="N",
        help="GPU memory that a layer may use as scratch space (default: the conversion's)",
    )
    group.add_argument(
        "--optimization-level",
        **optional(type=int),
        metavar="0..5",
        help="how long TensorRT looks for fast kernels (default: its own choice, 3)",
    )
    add_cache_options(group)
    group.add_argument("--device", **optional(), metavar="gpu:N", help="the GPU (default: gpu:0)")


def add_cache_options(group: argparse._ArgumentGroup) -> None:
    """Add the options that say where a build keeps what the next one can use."""
    for kind, text in (("timing", "TensorRT's measurements"), ("plan", "engines, to be reused,")):
        caches = group.add_mutually_exclusive_group()
        caches.add_argument(
            f"--{kind}-cache",
            **optional(),
            metavar="DIR",
            help=f"where {text} are kept (default: TFTRT_{kind.upper()}_CACHE, else ~/.cache/tftrt/{kind})",
        )
        caches.add_argument(
            f"--no-{kind}-cache", dest=f"{kind}_cache", **optional(action="store_const", const=False), help="keep none"
        )


def run(args: argparse.Namespace) -> int:
    """Build, and print the report."""
    shapes = read_shapes(args)
    if args.export_calibration is not None:
        _check_export(args)

    from ..building import build, calibration_table
    from ..building.calibration import write_table

    # Where the tftrt command was started is where its user's modules are.
    if "" not in sys.path:
        sys.path.insert(0, "")
    with clean_end(), _progress() as progress, shown_warnings():
        report = build(args.model, progress=progress, **shapes, **given(args, *_OPTIONS))
    if args.export_calibration is not None:
        write_table(args.export_calibration, calibration_table(report.path))
    if args.json:
        print_json(report.to_dict())
    else:
        print(report)
    return SUCCESS


def read_shapes(args: argparse.Namespace) -> dict[str, Any]:
    """The shapes of those options that were given, as arguments of :func:`tftrt.build`."""
    from ..building.shapes import parse_shapes
    from ..errors import InvalidArgumentError

    texts = given(args, "shapes", *_SHAPE_OPTIONS)
    result: dict[str, Any] = {}
    for option, value in texts.items():
        try:
            result[option] = [parse_shapes(text) for text in value] if option == "shapes" else parse_shapes(value)
        except InvalidArgumentError as error:
            raise UsageError(f"--{option.replace('_', '-')}: {error}") from None
    return result


def _check_export(args: argparse.Namespace) -> None:
    """Find out what would fail after the work is done."""
    from ..building.model import open_model

    path = args.export_calibration
    if not path.absolute().parent.is_dir():
        raise UsageError(f"--export-calibration {path}: there is no directory {path.absolute().parent}")
    if not open_model(args.model).needs_calibration:
        raise CommandError(f"--export-calibration: {args.model} is not INT8 with calibration, and has no table")


@contextlib.contextmanager
def _progress() -> Iterator[Callable[[str, float], None]]:
    """A bar on a terminal, else a line for each phase."""
    if not sys.stderr.isatty():
        yield _Lines()
        return
    from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

    columns = (TextColumn("{task.description}", markup=False), BarColumn(), TimeElapsedColumn())
    with Progress(*columns, console=console(stderr=True), transient=True) as bar:
        task = bar.add_task("starting", total=1.0)
        yield lambda phase, fraction: bar.update(task, description=phase, completed=fraction)


class _Lines:
    """Writes each phase to standard error once."""

    def __init__(self) -> None:
        self._last = ""

    def __call__(self, phase: str, fraction: float) -> None:
        line = _WITHIN_PHASE.sub("", phase)
        if line != self._last:
            print(line, file=sys.stderr, flush=True)
        self._last = line


@contextlib.contextmanager
def shown_warnings() -> Iterator[None]:
    """Warnings as lines for users, without the source that Python shows."""
    with warnings.catch_warnings():
        warnings.simplefilter("always", RuntimeWarning)
        warnings.showwarning = lambda message, *_, **__: print(f"warning: {message}", file=sys.stderr)
        yield
