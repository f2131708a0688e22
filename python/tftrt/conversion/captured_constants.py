"""Constants that a signature's function captures: eager tensors in the program that saved the model.

To TensorFlow's Python they are arguments of the function. Its optimiser does not know their values, so that it neither
folds nor rewrites ops with them.
"""

from __future__ import annotations

from typing import Any

from .graphs import CALLS, is_float, node_of

_PLACEHOLDERS = frozenset({"Placeholder", "PlaceholderV2", "PlaceholderWithDefault"})


def hold_captured(graph: Any) -> dict[str, Any]:
    """Make placeholders of the captured constants of floating-point types, in place.

    They get the names of TensorFlow's arguments: it sorts the operands of sums and products by name. Constants of other
    types, such as shapes and permutations, stay: to know them changes no value.

    Returns:
        The constants by name, for `release_captured`.
    """
    nodes = {node.name: node for node in graph.node}
    names: dict[str, str] = {}
    held: dict[str, Any] = {}
    for call in [node for node in graph.node if node.op in CALLS]:
        for number, name in enumerate(_captures(call, nodes)):
            node = nodes[name]
            if node.op == "Const" and name not in names and is_float(node):
                names[name] = _unused("unknown" if number == 0 else f"unknown_{number - 1}", nodes)
                constant = type(node)()
                constant.CopyFrom(node)
                constant.name = node.name = names[name]
                nodes[constant.name] = node
                held[constant.name] = constant
                node.op = "Placeholder"
                node.attr["shape"].shape.CopyFrom(constant.attr["value"].tensor.tensor_shape)
                del node.attr["value"]
    for node in graph.node:
        node.input[:] = [_renamed(tensor, names) for tensor in node.input]
    return held


def skip_identities(graph: Any, held: dict[str, Any]) -> None:
    """Let nodes take the placeholders themselves, where inlining has put Identity nodes between, in place."""
    nodes = {node.name: node for node in graph.node}

    def origin(name: str) -> str:
        node = nodes[name]
        while node.op == "Identity":
            node = nodes[node_of(node.input[0])]
        return str(node.name)

    behind = {node.name: name for node in graph.node if node.op == "Identity" and (name := origin(node.name)) in held}
    for node in graph.node:
        node.input[:] = [tensor if tensor[0] == "^" else behind.get(node_of(tensor), tensor) for tensor in node.input]


def release_captured(graph: Any, held: dict[str, Any]) -> None:
    """Put the constants back, in place."""
    for node in graph.node:
        if node.name in held:
            node.CopyFrom(held[node.name])


def _captures(call: Any, nodes: dict[str, Any]) -> list[str]:
    """The nodes whose tensors a call takes behind its inputs proper, which are placeholders."""
    taken = [node_of(tensor) for tensor in call.input if not tensor.startswith("^")]
    first = next((index for index, name in enumerate(taken) if nodes[name].op not in _PLACEHOLDERS), len(taken))
    return taken[first:]


def _renamed(tensor: str, names: dict[str, str]) -> str:
    name = node_of(tensor)
    start = len(tensor) - len(tensor.removeprefix("^"))
    return f"{tensor[:start]}{names.get(name, name)}{tensor[start + len(name) :]}"


def _unused(name: str, taken: dict[str, Any]) -> str:
    while name in taken:
        name += "_"
    return name
