"""``tftrt run``."""

from __future__ import annotations

import argparse
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .common import (
    SUCCESS,
    Subparsers,
    UsageError,
    add_command,
    add_json_option,
    add_tags_option,
    console,
    count_of,
    dtype_name,
    given,
    print_json,
)
from .inputs import Sizes, add_input_options, complete_inputs, parse_shapes, read_inputs

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from ..model import Model

    Arrays = dict[str, NDArray[Any]]

_EXAMPLES = """\
examples:
  tftrt run resnet50_trt --input image=cat.jpg --output result.npz
  tftrt run encoder_trt --input ids=ids.npy --input mask=mask.npy
  tftrt run encoder_trt --input all_inputs.npz
  tftrt run resnet50_trt --random --shape image:8x224x224x3 --iterations 1000

Images are resized to the input's height and width (bilinear), and become uint8, or floats in --image-range.
Strings are written to the .npz file as numpy bytes, bfloat16 as float32.
"""


def add_parser(subparsers: Subparsers) -> None:
    """Add the command."""
    parser = add_command(subparsers, "run", run, "run a model once, or measure it", _EXAMPLES)
    parser.add_argument("model", help="SavedModel directory, converted or not")
    add_input_options(parser)
    parser.add_argument("--output", type=Path, metavar="FILE.npz", help="write the outputs there")
    parser.add_argument("--iterations", type=int, default=0, metavar="N", help="then time N more calls")
    parser.add_argument(
        "--signature",
        default=argparse.SUPPRESS,
        metavar="NAME",
        help="signature to call (default: serving_default)",
    )
    add_tags_option(parser)
    parser.add_argument(
        "--device", default=argparse.SUPPRESS, metavar="auto|cpu|gpu:N", help="where to run (default: auto)"
    )
    parser.add_argument(
        "--executor",
        default=argparse.SUPPRESS,
        choices=("auto", "single", "parallel"),
        help="TensorFlow's executor (default: auto)",
    )
    add_json_option(parser, "outputs' shapes and latency")


def run(args: argparse.Namespace) -> int:
    """Load the model, run it, and show, write and measure as asked."""
    sizes = parse_shapes(args.shapes)
    if args.output is not None and args.output.suffix != ".npz":
        raise UsageError(f"--output {args.output}: expected a file that ends in .npz")
    if args.iterations < 0:
        raise UsageError(f"--iterations {args.iterations}: expected 0 or more")

    import tftrt

    with tftrt.Model(args.model, **given(args, "signature", "tags", "device", "executor")) as model:
        inputs = _gather_inputs(model, args, sizes)
        begin = time.perf_counter()
        outputs = model(inputs)
        first_call = time.perf_counter() - begin
        latency = {
            "first_call": first_call,
            **(_measure(model, inputs, args.iterations) if args.iterations else {}),
        }
        result = _to_dict(model, outputs, latency)
    if args.output is not None:
        from .arrays import write_npz

        write_npz(args.output, outputs)
    if args.json:
        print_json(result)
    else:
        _print(result, outputs)
    return SUCCESS


def _gather_inputs(model: Model, args: argparse.Namespace, sizes: Sizes) -> Arrays:
    import numpy as np

    files = read_inputs(model.inputs, args)
    inputs = complete_inputs(model.inputs, files, sizes, np.random.default_rng(args.seed), make_up=args.random)
    return {name: _align(array) for name, array in inputs.items()}


def _align(array: NDArray[Any]) -> NDArray[Any]:
    """A copy of numbers, in native byte order, that the runtime need not copy again on every call."""
    import tftrt

    if array.dtype.kind not in "biufc":
        return array
    aligned = tftrt.empty(array.shape, array.dtype.newbyteorder("="))
    aligned[...] = array
    return aligned


def _measure(model: Model, inputs: Arrays, iterations: int) -> dict[str, float]:
    import numpy as np

    seconds = np.empty(iterations)
    for index in range(iterations):
        begin = time.perf_counter()
        model(inputs)
        seconds[index] = time.perf_counter() - begin
    return {
        "calls": iterations,
        "mean": float(seconds.mean()),
        "min": float(seconds.min()),
        "median": float(np.percentile(seconds, 50)),
        "p90": float(np.percentile(seconds, 90)),
        "p99": float(np.percentile(seconds, 99)),
        "max": float(seconds.max()),
    }


def _to_dict(model: Model, outputs: Arrays, latency: dict[str, float]) -> dict[str, Any]:
    info = model.info
    return {
        "model": info.path,
        "signature": model.signature,
        "device": info.device,
        "executor": info.executor,
        "engines": info.engines,
        "load_seconds": sum(info.load_seconds.values()),
        "outputs": {
            name: {"dtype": dtype_name(array.dtype), "shape": list(array.shape)} for name, array in outputs.items()
        },
        "latency_seconds": latency,
    }


def _print(result: dict[str, Any], outputs: Arrays) -> None:
    from rich.text import Text

    out = console()
    out.print(Text(f"{result['model']} ({result['signature']})", style="bold"))
    out.print(
        f"on {result['device']}, {result['executor']} executor, {count_of(result['engines'], 'engine')}, "
        f"loaded in {result['load_seconds']:.2f} s\n",
        markup=False,
    )
    for name, array in outputs.items():
        shape = ", ".join(map(str, array.shape))
        out.print(Text.assemble((name, "bold"), f": {dtype_name(array.dtype)}[{shape}] {_summary(array)}"))
    latency = result["latency_seconds"]
    out.print(f"\nfirst call {_milliseconds(latency['first_call'])}")
    if "calls" in latency:
        figures = ", ".join(f"{key} {_milliseconds(latency[key])}" for key in ("median", "p90", "p99", "min", "max"))
        out.print(f"{latency['calls']} calls: {figures}; {1 / latency['mean']:.0f} calls/s")


def _milliseconds(seconds: float) -> str:
    return f"{seconds * 1e3:.3f} ms"


def _summary(array: NDArray[Any]) -> str:
    import numpy as np

    if array.size <= 8:
        return np.array2string(array, separator=", ", max_line_width=1000).replace("\n", "")
    if array.dtype.kind in "iuf":
        return f"from {array.min():.6g} to {array.max():.6g}, mean {array.mean():.6g}"
    return ""
