"""What it costs a call to look its shape up and to be counted. Bar: 100 ns, from one thread.

The figures are of the steps alone, in a loop: nanoseconds between two calls of one thread, with 1 and with 2 threads
that use the same engine.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

import machine
import numpy as np
from programs import build_program

ROUNDS = 9


def main() -> None:
    """Measure and write the result."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--output", type=Path, help="default: benchmarks/results/counting.json")
    args = parser.parse_args()
    times: dict[str, list[float]] = {"1": [], "2": []}
    with tempfile.TemporaryDirectory() as folder:
        program = build_program(Path(__file__).parent, Path(folder) / "build", "counting")
        for _ in range(ROUNDS):
            for threads, seconds in times.items():
                output = subprocess.run([program, threads], check=True, capture_output=True, text=True).stdout
                seconds.append(float(output))
    rows = {
        threads: {
            name: round(float(function(values)), 1)
            for name, function in (("min", np.min), ("median", np.median), ("max", np.max))
        }
        for threads, values in times.items()
    }
    for threads, row in rows.items():
        print(f"{threads} thread(s): {row['median']} ns a call (from {row['min']} to {row['max']})")
    machine.write("counting", {"unit": "ns per call", "threads": rows}, args.output)


if __name__ == "__main__":
    main()
