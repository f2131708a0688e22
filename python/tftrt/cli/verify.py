"""``tftrt verify``."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from .common import (
    FAILURE,
    SUCCESS,
    CommandError,
    Subparsers,
    UsageError,
    add_command,
    add_json_option,
    add_tags_option,
    given,
    optional,
    print_json,
)
from .inputs import Sizes, add_input_options, complete_inputs, parse_shapes, read_inputs

if TYPE_CHECKING:
    from collections.abc import Sequence

    from .._native import TensorSpec
    from .inputs import Arrays

_EXAMPLES = """\
examples:
  tftrt verify resnet50_trt --against resnet50
  tftrt verify resnet50_trt --against resnet50 --input image=cat.jpg --atol 0.01 --rtol 0.01
  tftrt verify encoder_trt --against encoder --batches 10 --shape ids:8x128 --shape mask:8x128 --on-miss error
  tftrt verify encoder_trt --against encoder --random --save-inputs inputs.npz --json

Without --input, all inputs are made up. Real inputs tell more: a model's values for noise may be all alike.
An output passes if |a - b| <= atol + rtol * |b| for every float, b being that of --against; all else must be equal.
The exit status is 1 if an output differs.
"""


def add_parser(subparsers: Subparsers) -> None:
    """Add the command."""
    parser = add_command(subparsers, "verify", run, "compare what two models compute", _EXAMPLES)
    parser.add_argument("model", help="SavedModel directory, converted or not")
    parser.add_argument(
        "--against", required=True, metavar="MODEL", help="SavedModel that is right, such as the one before conversion"
    )
    add_input_options(parser)
    parser.add_argument("--batches", type=int, default=1, metavar="N", help="how many batches to make up (default: 1)")
    parser.add_argument(
        "--save-inputs",
        type=Path,
        metavar="FILE.npz",
        help="write the inputs there, for --input; FILE.1.npz, FILE.2.npz, ... if there are several batches",
    )
    for option, what in (("--atol", "absolute"), ("--rtol", "relative")):
        parser.add_argument(
            option, **optional(type=float), metavar="X", help=f"{what} tolerance of floats (default: 1e-3)"
        )
    parser.add_argument(
        "--signature", **optional(), metavar="NAME", help="signature to call (default: serving_default)"
    )
    add_tags_option(parser)
    parser.add_argument("--device", **optional(), metavar="auto|cpu|gpu:N", help="where to run (default: auto)")
    parser.add_argument(
        "--on-miss",
        **optional(choices=("native", "error", "build")),
        help="what happens where inputs' shapes have no engine (default: native)",
    )
    add_json_option(parser, "the result")


def run(args: argparse.Namespace) -> int:
    """Compare the models, and print the result."""
    sizes = parse_shapes(args.shapes)
    if args.batches < 1:
        raise UsageError(f"--batches {args.batches}: expected 1 or more")
    if args.save_inputs is not None and args.save_inputs.suffix != ".npz":
        raise UsageError(f"--save-inputs {args.save_inputs}: expected a file that ends in .npz")

    from ..verification import find_signature, verify

    specs = find_signature(args.model, getattr(args, "signature", None), getattr(args, "tags", ("serve",))).inputs
    batches = _gather_batches(specs, args, sizes)
    if args.save_inputs is not None:
        _save(args.save_inputs, batches)
    options = given(args, "signature", "tags", "atol", "rtol", "device", "on_miss")
    result = verify(args.model, args.against, data=batches, **options)
    if args.json:
        print_json(result.to_dict())
    else:
        print(result)
    return SUCCESS if result.passed else FAILURE


def _gather_batches(specs: Sequence[TensorSpec], args: argparse.Namespace, sizes: Sizes) -> list[Arrays]:
    import numpy as np

    files = read_inputs(specs, args)
    if args.batches > 1 and len(files) == len(specs):
        raise CommandError(
            f"--batches {args.batches}: no input is left to be made up, and all batches would be the same"
        )
    make_up = args.random or not args.inputs
    generator = np.random.default_rng(args.seed)
    return [complete_inputs(specs, files, sizes, generator, make_up=make_up) for _ in range(args.batches)]


def _save(path: Path, batches: Sequence[Arrays]) -> None:
    from .arrays import write_npz

    for number, arrays in enumerate(batches, 1):
        write_npz(path if len(batches) == 1 else path.with_suffix(f".{number}.npz"), arrays)
