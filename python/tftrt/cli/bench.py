"""``tftrt bench``."""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import TYPE_CHECKING

from ..benchmarking.paths import PATHS
from .common import (
    SUCCESS,
    Subparsers,
    UsageError,
    add_command,
    add_tags_option,
    console,
    given,
    names,
    optional,
)
from .inputs import parse_shapes

if TYPE_CHECKING:
    from ..benchmarking import BenchReport, Measurement

_PATHS = "\n".join(f"  {name:14} {what}" for name, what in PATHS.items())

_EXAMPLES = f"""\
paths:
{_PATHS}

examples:
  tftrt bench resnet50_trt --against resnet50 --batch 1 8 32
  tftrt bench resnet50_trt --callers 1 8 --instances 8 --paths call,bound,raw-graph
  tftrt bench resnet50 --precision-sweep --json results.json --plot results.png

With one caller it measures the latency of synchronous calls, with more their throughput. All paths of a model take
turns, in slices. Without --paths, what cannot be measured is left out; --json says why.
"""


def add_parser(subparsers: Subparsers) -> None:
    """Add the command."""
    parser = add_command(subparsers, "bench", run, "measure a model, and compare the ways to run it", _EXAMPLES)
    parser.add_argument("model", help="SavedModel directory, converted or not")
    parser.add_argument(
        "--against", nargs="+", default=[], metavar="MODEL", help="others to measure on the same inputs"
    )
    parser.add_argument(
        "--batch", nargs="+", type=int, default=[1], metavar="N", help="sizes of the first dimension (default: 1)"
    )
    parser.add_argument(
        "--callers", nargs="+", type=int, default=[1], metavar="N", help="threads that call at a time (default: 1)"
    )
    parser.add_argument(
        "--duration", **optional(type=float), metavar="SECONDS", help="of each measurement (default: 5)"
    )
    parser.add_argument("--warmup", **optional(type=float), metavar="SECONDS", help="before each (default: 0.5)")
    parser.add_argument("--paths", type=names, metavar="PATH,...", help="what to measure (default: all that can be)")
    parser.add_argument(
        "--shape",
        dest="shapes",
        action="append",
        default=[],
        metavar="NAME:1x224x224x3|N",
        help="shape of an input, or what dimensions become that are neither fixed nor the batch (default: 1)",
    )
    parser.add_argument("--onnx", type=Path, metavar="FILE.onnx", help="the same network for ONNX Runtime")
    parser.add_argument(
        "--precision-sweep",
        action="store_true",
        help="convert MODEL to FP32, FP16 and INT8, build engines where there is a GPU, and measure these too",
    )
    parser.add_argument("--json", type=Path, metavar="FILE", help="write everything that was measured")
    parser.add_argument("--plot", type=Path, metavar="FILE.png", help="draw it; needs tftrt[bench]")
    parser.add_argument(
        "--signature", **optional(), metavar="NAME", help="signature to call (default: serving_default)"
    )
    add_tags_option(parser)
    parser.add_argument("--device", **optional(), metavar="auto|cpu|gpu:N", help="where to run (default: auto)")
    parser.add_argument(
        "--instances", **optional(type=int), metavar="N", help="requests that run at a time on the GPU (default: 1)"
    )
    parser.add_argument(
        "--cuda-graphs", **optional(choices=("auto", "on", "off")), help="launch engines as CUDA graphs (default: auto)"
    )


def run(args: argparse.Namespace) -> int:
    """Measure, print, write."""
    shapes, unknown = parse_shapes(args.shapes)
    if args.plot is not None and args.plot.suffix not in (".png", ".svg", ".pdf"):
        raise UsageError(f"--plot {args.plot}: expected a file that ends in .png, .svg or .pdf")
    for file in (args.json, args.plot):
        if file is not None and not file.absolute().parent.is_dir():
            raise UsageError(f"{file}: there is no folder {file.absolute().parent}")

    from ..benchmarking import bench

    if args.plot is not None:
        from ..benchmarking.plot import require_matplotlib

        require_matplotlib()
    err = console(stderr=True)
    report = bench(
        args.model,
        args.against,
        batch=args.batch,
        callers=args.callers,
        paths=args.paths,
        shapes=shapes,
        unknown=unknown,
        onnx=args.onnx,
        precision_sweep=args.precision_sweep,
        progress=(lambda line: err.print(line, style="dim", markup=False)) if err.is_terminal else None,
        **given(args, "duration", "warmup", "signature", "tags", "device", "instances", "cuda_graphs"),
    )
    if args.json is not None:
        args.json.write_text(json.dumps(report.to_dict(), indent=2) + "\n", encoding="utf-8")
    if args.plot is not None:
        from ..benchmarking.plot import draw

        draw(report, args.plot)
    _print(report, asked_for=args.paths or ())
    return SUCCESS


def _print(report: BenchReport, asked_for: tuple[str, ...]) -> None:
    from rich.table import Table

    out = console()
    machine = report.machine
    out.print(f"on {machine.get('gpu') or machine['cpu']}, {machine['device']}; microseconds", markup=False)
    groups: dict[tuple[str, str], list[Measurement]] = {}
    for entry in report.measurements:
        if entry.problem and entry.path not in asked_for:
            continue
        groups.setdefault((entry.mode, entry.model), []).append(entry)
    for (mode, model), entries in groups.items():
        table = Table("path", box=None, pad_edge=False)
        for column in ("batch", "median", "mean", "p90", "p95", "p99", "p99.9", "items/s"):
            table.add_column(column, justify="right")
        for entry in entries:
            if entry.problem:
                table.add_row(entry.path, str(entry.batch), entry.problem)
                continue
            figures = (entry.median, entry.mean, entry.p90, entry.p95, entry.p99, entry.p999)
            table.add_row(
                entry.path,
                str(entry.batch),
                *(f"{figure:,.1f}" for figure in figures),
                f"{entry.items_per_second:,.0f}",
            )
        out.print(f"\n{model}: {mode}", style="bold", markup=False, soft_wrap=True)
        out.print(table)
    for split in report.splits:
        if "compute" in split:
            out.print(
                f"\n{split['model']}, batch {split['batch']}: host to device {split['host_to_device']:.1f}, compute "
                f"{split['compute']:.1f}, device to host {split['device_to_host']:.1f}",
                markup=False,
            )
