"""The checks of a graph, and the nodes that nothing else needs."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from .graphs import node_of, op_def, references_in

__all__ = ["CHECKS", "nodes_of_checks"]

CHECKS = frozenset({"Assert", "CheckNumerics", "CheckNumericsV2", "Print", "PrintV2"})


def nodes_of_checks(graph: Any, fetches: Iterable[str]) -> set[str]:
    """The nodes that only checks need: neither the tensors ``fetches`` nor other effects take their values.

    On a GPU, the runtime computes checks of inputs on the host, beside the engines.
    """
    nodes = {node.name: node for node in graph.node}
    library = {function.signature.name: function for function in graph.library.function}
    roots = [node_of(tensor) for tensor in fetches]
    roots += [node.name for node in graph.node if _acts(node, library, set())]
    needed: set[str] = set()
    while roots:
        name = roots.pop()
        if name in nodes and name not in needed:
            needed.add(name)
            roots.extend(node_of(tensor) for tensor in nodes[name].input if not tensor.startswith("^"))
    return nodes.keys() - needed


def _acts(node: Any, library: dict[str, Any], seen: set[str]) -> bool:
    """Whether a node has state or an effect other than a check, itself or in a function that it calls."""
    called = {
        name for name in (node.op, *(reference.name for reference in references_in(node.attr))) if name in library
    }
    if called:
        new = called - seen
        seen |= new
        return any(_acts(inner, library, seen) for name in new for inner in library[name].node_def)
    definition = op_def(node)
    return definition is None or (bool(definition.is_stateful) and node.op not in CHECKS)
