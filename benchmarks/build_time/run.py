"""CPU time that building the wheel takes, against the wheel of another commit: several builds of each, in turn.

Each build begins with nothing: a fresh checkout and build folder, no compiler cache. TensorFlow and the tools of the
build are those of the Python that runs this: cmake, ninja, pybind11 and scikit-build-core must be there. Bar: at most
half of the CPU time, and no compiler with 2 GB of memory.
"""

from __future__ import annotations

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[1]))

import machine

ROOT = Path(__file__).parents[2]


def main() -> None:
    """Measure and write the result."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("against", help="the commit to compare with")
    parser.add_argument("--runs", type=int, default=3, help="builds of each commit (default: 3)")
    parser.add_argument("--output", type=Path, help="default: benchmarks/results/build_time.json")
    args = parser.parse_args()
    commits = {"now": "HEAD", "before": args.against}
    builds: dict[str, list[dict[str, float]]] = {name: [] for name in commits}
    for _ in range(args.runs):
        for name, commit in commits.items():
            builds[name].append(_build(commit))
            print(name, builds[name][-1], flush=True)
    rows = {name: _summarise(commits[name], runs) for name, runs in builds.items()}
    ratio = rows["now"]["cpu_seconds"] / rows["before"]["cpu_seconds"]
    print(f"CPU time: {ratio:.2f} of that before")
    machine.write("build_time", {**rows, "cpu_ratio": round(ratio, 3)}, args.output)


def _build(commit: str) -> dict[str, float]:
    with tempfile.TemporaryDirectory() as folder:
        tree = Path(folder) / "tree"
        subprocess.run(["git", "clone", "-q", ROOT, tree], check=True)
        subprocess.run(["git", "-C", tree, "checkout", "-q", commit], check=True)
        pip = [sys.executable, "-m", "pip", "wheel", "-q", "--no-build-isolation", "--no-deps", "-w", folder, tree]
        begin = time.perf_counter()
        process = subprocess.Popen(pip, env={**os.environ, "CCACHE_DISABLE": "1"})
        # The usage is that of the process and of all that it waited for.
        _, status, usage = os.wait4(process.pid, 0)
        if status != 0:
            sys.exit(f"building {commit} failed")
        return {
            "wall_seconds": round(time.perf_counter() - begin, 1),
            "cpu_seconds": round(usage.ru_utime + usage.ru_stime, 1),
            "largest_process_mb": round(usage.ru_maxrss / 1024),
        }


def _summarise(commit: str, runs: list[dict[str, float]]) -> dict[str, Any]:
    name = subprocess.run(["git", "rev-parse", "--short", commit], cwd=ROOT, capture_output=True, text=True, check=True)
    return {
        "commit": name.stdout.strip(),
        **{key: statistics.median(run[key] for run in runs) for key in runs[0]},
        "runs": runs,
    }


if __name__ == "__main__":
    main()
