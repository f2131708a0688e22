"""``tftrt convert``."""

from __future__ import annotations

import argparse
import contextlib
import sys
from collections.abc import Callable, Iterator
from typing import Any

from .._arguments import PROFILE_STRATEGIES
from .build import add_cache_options, add_shape_options, read_shapes, shown_warnings
from .common import (
    SUCCESS,
    Subparsers,
    UsageError,
    add_command,
    add_json_option,
    add_tags_option,
    console,
    given,
    optional,
    print_json,
)
from .common import names as split_names
from .signals import clean_end

_EXAMPLES = """\
examples:
  tftrt convert resnet50 resnet50_trt --precision FP16
  tftrt convert classifier.keras classifier_trt
  tftrt convert frozen.pb frozen_trt --inputs x:0 --outputs probabilities:0
  tftrt convert --dir resnet50 --output_dir resnet50_trt tensorrt --precision_mode FP16     saved_model_cli's words
  tftrt convert resnet50 resnet50_trt --precision FP16 --build --shapes image:1x224x224x3   on the GPU that will serve

Without --build it needs no GPU and no TensorRT: engines are built later, where the model will run.
"""

_OPTIONS = (
    "precision",
    "signatures",
    "tags",
    "inputs",
    "outputs",
    "minimum_segment_size",
    "max_workspace_size_bytes",
    "maximum_cached_engines",
    "maximum_engines",
    "dynamic_shapes",
    "profile_strategy",
    "use_calibration",
    "op_denylist",
    "data_format",
    "op_libraries",
    "strip_asserts",
    "overwrite",
)

_BUILD_OPTIONS = ("data", "keep", "calibration", "calibration_table", "timing_cache", "plan_cache", "device")

_SUBCOMMAND = "tensorrt"


def add_parser(subparsers: Subparsers) -> None:
    """Add the command."""
    parser = add_command(subparsers, "convert", run, "convert a model with TF-TRT", _EXAMPLES)
    parser.add_argument("paths", nargs="*", metavar="SOURCE DESTINATION", help="model to read, SavedModel to write")
    parser.add_argument("--dir", metavar="SOURCE", help="the source, as saved_model_cli calls it")
    parser.add_argument("--output-dir", metavar="DESTINATION", help="the destination, as saved_model_cli calls it")
    parser.add_argument(
        "--convert-tf1-model",
        nargs="?",
        const=True,
        type=_boolean,
        metavar="BOOL",
        help="saved_model_cli's; changes nothing: models of TensorFlow 1 and 2 are converted alike",
    )
    _add_model_options(parser)
    _add_engine_options(parser)
    _add_build_options(parser)
    checks = parser.add_mutually_exclusive_group()
    checks.add_argument(
        "--verify",
        **optional(action="append"),
        metavar="SOURCE",
        help="compare with the source on these batches of inputs, repeatable: a .npy or .npz file, or module:function "
        "(default: on made-up inputs)",
    )
    checks.add_argument(
        "--no-verify",
        dest="verify",
        **optional(action="store_false"),
        help="load the result, and compare nothing",
    )
    parser.add_argument("--overwrite", **optional(action="store_true"), help="replace an existing destination")
    add_json_option(parser, "the report")


def _add_model_options(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group("the model")
    group.add_argument(
        "--signature",
        dest="signatures",
        **optional(action="append"),
        metavar="NAME",
        help="signature to convert and keep, repeatable (default: all)",
    )
    add_tags_option(parser)
    for option in ("inputs", "outputs"):
        group.add_argument(
            f"--{option}",
            **optional(type=split_names),
            metavar="TENSOR,...",
            help=f"{option} of a frozen GraphDef",
        )
    group.add_argument(
        "--op-library",
        dest="op_libraries",
        **optional(action="append"),
        metavar="FILE",
        help="shared library with custom ops, repeatable",
    )


def _add_engine_options(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group("the engines")
    group.add_argument(
        "--precision",
        "--precision-mode",
        dest="precision",
        **optional(type=str.upper),
        choices=("FP32", "FP16", "INT8"),
        help="what engines may compute in (default: FP32)",
    )
    for option, text in (
        ("--minimum-segment-size", "fewest nodes that make an engine (default: 3)"),
        ("--max-workspace-size-bytes", "GPU memory that an engine may use as scratch space (default: 1 GiB)"),
        ("--maximum-cached-engines", "engines kept for one segment, for different shapes (default: 1)"),
        ("--maximum-engines", "most engines in one signature; 0 means no limit (default: 20)"),
    ):
        group.add_argument(option, **optional(type=int), metavar="N", help=text)
    group.add_argument(
        "--no-dynamic-shapes",
        dest="dynamic_shapes",
        **optional(action="store_false"),
        help="TF-TRT's implicit batch mode instead of engines with shape profiles",
    )
    group.add_argument(
        "--profile-strategy",
        **optional(),
        choices=PROFILE_STRATEGIES,
        help="how shapes become profiles (default: Range)",
    )
    group.add_argument(
        "--no-use-calibration",
        dest="use_calibration",
        **optional(action="store_false"),
        help="INT8: use the model's own ranges instead of calibrating with data",
    )
    group.add_argument(
        "--op-denylist",
        **optional(type=split_names),
        metavar="OP,...",
        help="op types that stay outside the engines",
    )
    group.add_argument(
        "--data-format",
        **optional(),
        choices=("keep", "NCHW"),
        help="layout of convolutions (default: keep)",
    )
    group.add_argument(
        "--strip-asserts",
        **optional(action="store_true"),
        help="remove asserts, numeric checks and prints from the model",
    )


def _add_build_options(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group("building engines, as tftrt build does")
    group.add_argument("--build", action="store_true", help="build engines too; if that fails, nothing is written")
    group.add_argument(
        "--calibration", **optional(action="append"), metavar="SOURCE", help="INT8: batches of real inputs, repeatable"
    )
    group.add_argument("--calibration-table", **optional(), metavar="FILE", help="INT8: tables exported before")
    add_cache_options(group)
    group.add_argument("--device", **optional(), metavar="gpu:N", help="the GPU to build on (default: gpu:0)")
    add_shape_options(parser)


def _boolean(text: str) -> bool:
    """A flag's value as saved_model_cli takes it, or its subcommand, which may follow the bare flag."""
    if text.lower() in ("true", "1", "false", "0", _SUBCOMMAND):
        return text.lower() not in ("false", "0")
    raise argparse.ArgumentTypeError(f"expected true or false, found {text}; the source and the destination come first")


def run(args: argparse.Namespace) -> int:
    """Convert, and print the report."""
    source, destination = _paths(args)

    import tftrt

    with clean_end(), _progress() as progress, shown_warnings():
        report = tftrt.convert(
            source, destination, progress=progress, **given(args, *_OPTIONS), **_verify(args), **_build(args)
        )
    if args.json:
        print_json(report.to_dict())
    else:
        print(report)
    return SUCCESS


def _verify(args: argparse.Namespace) -> dict[str, Any]:
    """The argument ``verify`` of :func:`tftrt.convert`, if it is given."""
    found = given(args, "verify")
    if found.get("verify"):
        _find_modules_here()
    return found


def _find_modules_here() -> None:
    """Where the tftrt command was started is where the modules of its user with data are."""
    if "" not in sys.path:
        sys.path.insert(0, "")


def _build(args: argparse.Namespace) -> dict[str, Any]:
    """The argument ``build`` of :func:`tftrt.convert`, if engines are asked for."""
    arguments = {**read_shapes(args), **given(args, *_BUILD_OPTIONS)}
    if args.build:
        _find_modules_here()
        return {"build": arguments or True}
    if arguments:
        option = next(iter(arguments)).replace("_", "-")
        raise UsageError(f"--{option} is about building engines: expected --build with it; see tftrt convert --help")
    return {}


def _paths(args: argparse.Namespace) -> tuple[str, str]:
    paths = list(args.paths)
    # `saved_model_cli convert --dir ... --output_dir ... tensorrt`
    if args.dir is not None and paths == [_SUBCOMMAND]:
        paths = []
    paths = [
        *([] if args.dir is None else [args.dir]),
        *paths,
        *([] if args.output_dir is None else [args.output_dir]),
    ]
    if len(paths) != 2:
        raise UsageError(f"expected a source and a destination, found {len(paths)} paths; see tftrt convert --help")
    return paths[0], paths[1]


@contextlib.contextmanager
def _progress() -> Iterator[Callable[[str, float], None] | None]:
    if not sys.stderr.isatty():
        yield None
        return
    from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

    columns = (TextColumn("{task.description}"), BarColumn(), TimeElapsedColumn())
    with Progress(*columns, console=console(stderr=True), transient=True) as bar:
        task = bar.add_task("starting TensorFlow", total=1.0)
        yield lambda phase, fraction: bar.update(task, description=phase, completed=fraction)
