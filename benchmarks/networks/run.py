"""Measures one network in one precision: every way to run it, side by side on the same inputs, in one record.

The network is made, converted and built as the GPU tests do it, with one build for all batches. On a machine without a
GPU the same runs without engines, and the record says what could not be measured. Each part can be left to another
run; every record stands alone: hardware, versions, build, figures, and what failed and why.
"""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))
sys.path.insert(0, str(Path(__file__).parents[2] / "tests"))

from networks import CHECKS, NETWORKS


def main() -> int:
    """Measure and record; the exit status is 1 if a step failed."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("network", choices=NETWORKS, help="a builder of tests/gpu/models.py")
    parser.add_argument("--precision", choices=("FP32", "FP16", "INT8"), required=True)
    parser.add_argument("--batch", nargs="+", type=_count, default=[1, 8, 32], metavar="N", help="default: 1 8 32")
    parser.add_argument("--duration", type=float, default=3.0, help="seconds of each measurement (default: 3)")
    parser.add_argument(
        "--profile-strategy",
        default="Optimal",
        metavar="NAME",
        help="of the conversion (default: Optimal, a profile for each batch; transformers need Range, for TensorRT 8.6 "
        "fails with more than one)",
    )
    parser.add_argument("--no-latency", action="store_true", help="leave out what is measured for every batch")
    parser.add_argument(
        "--no-source", action="store_true", help="of those leave out the network as it was, the same in each precision"
    )
    parser.add_argument("--tail", type=_count, metavar="N", help="N interleaved calls for the tail (record: 20000)")
    parser.add_argument("--callers", nargs="+", type=_count, default=[], metavar="N", help="record: 1 2 4 8 16")
    parser.add_argument(
        "--instances", type=_count, default=8, metavar="N", help="of the model, with several callers (default: 8)"
    )
    parser.add_argument(
        "--checks",
        type=_count,
        metavar="N",
        help=f"N interleaved calls with and without a check of the inputs; for {', '.join(CHECKS)} (record: 2000)",
    )
    parser.add_argument("--no-program", action="store_true", help="leave out the C++ program")
    parser.add_argument("--leak", type=_count, metavar="N", help="N calls that must not grow memory (record: 200000)")
    parser.add_argument("--timing-cache", type=Path, metavar="DIR", help="TensorRT's timing cache, read and written")
    parser.add_argument("--optimization-level", type=int, metavar="N", help="default: TensorRT's own")
    parser.add_argument(
        "--work", type=Path, metavar="DIR", help="keeps models and engines for the next run (default: the GPU tests')"
    )
    parser.add_argument("--output", type=Path, help="default: benchmarks/results/network_NETWORK_PRECISION.json")
    parser.add_argument("--commit", default="", help="what is measured, where there is no git")
    args = parser.parse_args()
    if args.checks and args.network not in CHECKS:
        parser.error(f"--checks: expected one of the networks {', '.join(CHECKS)}, found {args.network}")
    if args.work is not None:
        os.environ["TFTRT_GPU_CACHE"] = str(args.work.absolute())

    # Not above: the tests' workshop reads that variable, and TensorFlow's process, which imports this file too, is to
    # import TensorFlow first.
    import machine
    from callers import measure_callers
    from checks import measure_checks
    from latency import measure_batches, measure_tail
    from leak import measure_leak
    from making import make
    from program import measure_program
    from record import Record

    output = args.output or machine.RESULTS / f"network_{args.network}_{args.precision.lower()}.json"
    settings = {
        name: getattr(args, name) for name in ("batch", "duration", "tail", "checks", "callers", "instances", "leak")
    }
    conversion = {"precision": args.precision, "profile_strategy": args.profile_strategy}
    content = {"network": args.network, **conversion, "unit": "microseconds", "settings": settings}
    record = Record(output, {"machine": machine.describe_with_gpu(args.commit), **content})
    made = make(record, args.network, conversion, args.batch, args.timing_cache, args.optimization_level)
    if made is not None:
        # TensorFlow's Python comes into this process with the latencies: after what must not be disturbed.
        if args.tail:
            measure_tail(record, made, args.tail)
        if args.checks:
            measure_checks(record, made, args.network, args.checks)
        if args.callers:
            measure_callers(record, made, args.callers, args.instances, args.duration)
        if not args.no_program:
            measure_program(record, made, args.duration)
        if not args.no_latency:
            measure_batches(record, made, args.batch, args.duration, source=not args.no_source)
        if args.leak:
            measure_leak(record, made, args.leak)
    record.say(f"written to {output}")
    return 1 if record.failed else 0


def _count(text: str) -> int:
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError(f"{text} is not a number from 1 on")
    return number


if __name__ == "__main__":
    sys.exit(main())
