"""Constants that a signature's function captures: eager tensors in the program that saved the model.

To TensorFlow's Python they are arguments of the function. Its optimiser does not know their values, so that it neither
folds nor rewrites ops with them.
"""

from __future__ import annotations

from typing import Any

from .graphs import CALLS, is_float, node_of


def hold_captured(graph: Any) -> dict[str, Any]:
    """Make placeholders of the captured constants of floating-point types, in place.

    Others, such as shapes and permutations, stay: to know them changes no value.

    Returns:
        The constants by name, for `release_captured`.
    """
    arguments = {node_of(tensor) for node in graph.node if node.op in CALLS for tensor in node.input}
    held = {}
    for node in graph.node:
        if node.op != "Const" or node.name not in arguments or not is_float(node):
            continue
        constant = held[node.name] = type(node)()
        constant.CopyFrom(node)
        node.op = "Placeholder"
        node.attr["shape"].shape.CopyFrom(constant.attr["value"].tensor.tensor_shape)
        del node.attr["value"]
    return held


def release_captured(graph: Any, held: dict[str, Any]) -> None:
    """Put the constants back, in place."""
    for node in graph.node:
        if node.name in held:
            node.CopyFrom(held[node.name])
