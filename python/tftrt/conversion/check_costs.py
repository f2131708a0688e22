"""The engines that checks cost: asserts, numeric checks and prints between layers split a segment."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from ..errors import InternalError
from . import passes
from .check_nodes import CHECKS
from .effects import Effects, note_effects
from .graphs import bodies, node_of, prune

__all__ = ["explain_checks"]


def explain_checks(
    name: str,
    graph: Any,
    tensors: Iterable[str],
    outputs: list[str],
    engines: int,
    segment: Callable[[Any, Effects], Any],
) -> list[str]:
    """A sentence on a signature's checks, if it would have fewer engines without them.

    Args:
        name: The signature.
        graph: Its graph before segmentation, with the checks.
        tensors: Its inputs and outputs.
        outputs: The nodes of its outputs.
        engines: The number of its engines with the checks.
        segment: Segments a graph with other effects, and returns it.
    """
    found = sorted({node.op for nodes in bodies(graph) for node in nodes if node.op in CHECKS})
    if not found:
        return []
    fetches = list(tensors)
    try:
        stripped = prune(passes.strip_checks(graph, fetches), map(node_of, fetches))
        effects = note_effects(stripped, outputs)
        without = sum(node.op == "TRTEngineOp" for node in segment(stripped, effects).node)
    except InternalError:  # Of the graph without checks, which nobody asked for.
        return []
    if without >= engines:
        return []
    return [
        f"checks ({', '.join(found)}) split the segments of {name!r}: {_counted(engines)} with them, "
        f"{_counted(without)} without (strip_asserts)"
    ]


def _counted(engines: int) -> str:
    return f"{engines} engine" + ("" if engines == 1 else "s")
