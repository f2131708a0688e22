"""Reads the records of run.py and prints the README's tables, draws its plot, or says which bars are met."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from bars import bars
from plot import draw
from results import read_networks
from tables import tables

RESULTS = Path(__file__).parents[1] / "results"


def main() -> int:
    """Report; the exit status is 1 if there are no records, or ``--check`` finds a bar that is not met."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--results", type=Path, default=RESULTS, metavar="DIR", help="default: benchmarks/results")
    parser.add_argument("--plot", type=Path, metavar="FILE.png", help="draw latency and throughput")
    parser.add_argument("--check", action="store_true", help="print the bars instead of the tables")
    args = parser.parse_args()
    networks = read_networks(args.results)
    if not networks:
        print(f"there is no network_*.json in {args.results}; run.py writes them", file=sys.stderr)
        return 1
    if args.plot is not None:
        draw(networks, args.plot)
    if not args.check:
        print("\n\n".join(tables(networks)))
        return 0
    found = bars(networks, args.results)
    problems = [problem for network in networks for problem in network.problems]
    print("\n".join([*map(str, found), *(f"problem    {problem}" for problem in problems)]))
    return 0 if all(bar.met for bar in found) else 1


if __name__ == "__main__":
    sys.exit(main())
