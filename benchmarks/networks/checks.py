"""What a check of an input costs: the same network with and without it, interleaved."""

from __future__ import annotations

import numpy as np
from making import Made, make_checked
from networks import CHECKS
from record import Record
from timing import interleave

from tftrt.benchmarking.measure import Times
from tftrt.benchmarking.paths import model_paths

__all__ = ["measure_checks"]

_BLOCK = 100


def measure_checks(record: Record, made: Made, network: str, calls: int) -> None:
    """Time ``calls`` calls of each, plain and bound, with batch 1."""
    with record.step("checks"):
        checked = make_checked(made, network)
        with made.load() as without, checked.load() as with_checks:
            paths = {}
            for name, model in (("without", without), ("with", with_checks)):
                ways = model_paths(model, made.inputs[1])
                paths.update({f"{way}, {name}": ways[way]() for way in ("call", "bound")})
            block = min(_BLOCK, calls)
            times = interleave(paths, rounds=-(-calls // block), calls_each=block)
        summaries = {
            name: Times(np.array(seconds) * 1e6, sum(seconds)).summary(batch=1) for name, seconds in times.items()
        }
        ratios = {
            way: round(summaries[f"{way}, with"]["median"] / summaries[f"{way}, without"]["median"], 4)
            for way in ("call", "bound")
        }
        record.content["checks"] = {
            "check": CHECKS[network],
            "calls": calls,
            "interleaved_in_blocks_of": block,
            "paths": summaries,
            "ratios": ratios,
            "instances": {"without": without.info.instances, "with": with_checks.info.instances},
        }
        record.say(f"  with a check: {ratios} of the time without")
