"""The invariants of a graph, which must hold after every pass over it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from ..errors import InternalError
from .effects import Effects, lost_effects
from .graphs import node_of, op_def, references_in


@dataclass(frozen=True)
class Broken:
    """A broken invariant.

    Attributes:
        node: The node at which it is broken.
        expected: The invariant, and how it is broken.
        function: The function that the node is in, or "".
    """

    node: str
    expected: str
    function: str = ""


def find_broken(graph: Any, fetches: Iterable[str], effects: Effects) -> list[Broken]:
    """Every broken invariant of ``graph``.

    Each function that is called is in the library, each input of each node exists, and each fetched tensor does.
    Nothing that a signature does is lost. No engine takes a constant as input.
    """
    library = {function.signature.name for function in graph.library.function}
    broken = list(_nodes(graph.node, set(), library, ""))
    for function in graph.library.function:
        arguments = {argument.name for argument in function.signature.input_arg}
        broken += _nodes(function.node_def, arguments, library, function.signature.name)
        known = arguments | {node.name for node in function.node_def}
        for tensor in (*function.ret.values(), *function.control_ret.values()):
            if node_of(tensor) not in known:
                broken.append(Broken(tensor, "expected the result of a node, found none", function.signature.name))
    nodes = {node.name: node for node in graph.node}
    for tensor in fetches:
        if node_of(tensor) not in nodes:
            broken.append(Broken(node_of(tensor), "expected an output of the signature, found none"))
    for name, effect in lost_effects(graph, effects):
        broken.append(Broken(name, f"expected it to wait for the effect {effect!r}, found that it does not"))
    for node in graph.node:
        for tensor in node.input if node.op == "TRTEngineOp" else ():
            if not tensor.startswith("^") and node_of(tensor) in nodes and nodes[node_of(tensor)].op == "Const":
                broken.append(
                    Broken(node.name, f"expected the constant {tensor!r} in the engine, found it as an input")
                )
    return broken


def require(broken: list[Broken], step: str) -> None:
    """Raise for broken invariants.

    Raises:
        InternalError: There are any; it names the pass ``step``, the node and the invariant.
    """
    if broken:
        first = broken[0]
        place = f" of the function {first.function!r}" if first.function else ""
        raise InternalError(
            f"{step}: node {first.node!r}{place}: {first.expected} ({len(broken)} such places). "
            "Report it with the model if you can."
        )


def _nodes(nodes: Any, arguments: set[str], library: set[str], function: str) -> Iterable[Broken]:
    known = arguments | {node.name for node in nodes}
    for node in nodes:
        for tensor in node.input:
            if node_of(tensor) not in known:
                yield Broken(node.name, f"expected the input {tensor!r}, found no such node", function)
        if node.op not in library and op_def(node) is None:
            yield Broken(node.name, f"expected an op or function, found {node.op!r}", function)
        for reference in references_in(node.attr):
            if reference.name and reference.name not in library and not _is_op(reference.name):
                yield Broken(node.name, f"expected the function {reference.name!r}, found none", function)


def _is_op(name: str) -> bool:
    from tensorflow.python.framework import op_def_registry

    return op_def_registry.get(name) is not None
