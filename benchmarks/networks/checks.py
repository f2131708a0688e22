"""What a check of an input costs: the same network with and without it, interleaved."""

from __future__ import annotations

from latency import measure_interleaved
from making import Made, make_checked
from networks import CHECKS
from record import Record

from tftrt.benchmarking.paths import model_paths

__all__ = ["measure_checks"]

_WAYS = ("call", "bound")


def measure_checks(record: Record, made: Made, network: str, calls: int) -> None:
    """Time ``calls`` calls of each, plain and bound, with batch 1."""
    with record.step("checks"):
        checked = make_checked(made, network)
        with made.load() as without, checked.load() as with_checks:
            paths = {}
            for name, model in (("without", without), ("with", with_checks)):
                ways = model_paths(model, made.inputs[1])
                paths.update({f"{way}, {name}": ways[way]() for way in _WAYS})
            measured = measure_interleaved(paths, calls)
        medians = {name: summary["median"] for name, summary in measured["paths"].items()}
        ratios = {way: round(medians[f"{way}, with"] / medians[f"{way}, without"], 4) for way in _WAYS}
        record.content["checks"] = {
            "check": CHECKS[network],
            **measured,
            "ratios": ratios,
            "instances": {"without": without.info.instances, "with": with_checks.info.instances},
        }
        record.say(f"  with a check: {ratios} of the time without")
