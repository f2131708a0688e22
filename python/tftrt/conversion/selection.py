"""Select by rows, which TF-TRT's pass throws at, as SelectV2 with a condition that broadcasts."""

from __future__ import annotations

from typing import Any

import tensorflow as tf
from tensorflow.core.framework import types_pb2

from .graphs import node_of

_LARGE = 64  # elements of a constant that shapes cannot depend on


def broadcast_selects(graph: Any) -> None:
    """Let each Select with a vector as condition and values of a higher rank be a SelectV2, in place.

    TF-TRT takes SelectV2. At a Select by rows of unknown number, its pass throws. The values are the same.
    """
    selects = [node for node in graph.node if node.op == "Select"]
    if not selects:
        return
    ranks = _ranks(graph, {tensor for node in selects for tensor in node.input[:2]})
    framed = any(node.op == "Enter" for node in graph.node)
    taken = {node.name for node in graph.node}
    for node in selects:
        condition, values = node.input[0], node.input[1]
        if ranks.get(condition) != 1 or (ranks.get(values) or 0) < 2:
            continue
        name = f"{node.name}/rows"
        while name in taken or f"{name}/shape" in taken:
            name += "_"
        taken |= {name, f"{name}/shape"}
        shape = graph.node.add(name=f"{name}/shape", op="Const")
        shape.attr["dtype"].type = types_pb2.DT_INT32
        shape.attr["value"].tensor.CopyFrom(tf.make_tensor_proto([-1] + [1] * (ranks[values] - 1), tf.int32))
        if framed:
            shape.input.append(f"^{node_of(condition)}")
        rows = graph.node.add(name=name, op="Reshape", input=[condition, shape.name])
        rows.attr["T"].type = types_pb2.DT_BOOL
        rows.attr["Tshape"].type = types_pb2.DT_INT32
        node.op = "SelectV2"
        node.input[0] = name


def _ranks(graph: Any, tensors: set[str]) -> dict[str, int]:
    """The ranks of those of ``tensors`` for which TensorFlow can infer them."""
    nodes = {node.name: node for node in graph.node}
    needed: set[str] = set()
    todo = [node_of(tensor) for tensor in tensors]
    while todo:
        name = todo.pop()
        if name not in needed:
            needed.add(name)
            todo.extend(node_of(tensor) for tensor in nodes[name].input)
    part = type(graph)(versions=graph.versions)
    part.library.CopyFrom(graph.library)
    for node in graph.node:
        if node.name in needed:
            part.node.append(_without_value(node))
    try:
        with tf.Graph().as_default() as inferred:
            tf.graph_util.import_graph_def(part, name="")
            full = {tensor: tensor if ":" in tensor else f"{tensor}:0" for tensor in tensors}
            shapes = {tensor: inferred.get_tensor_by_name(name).shape for tensor, name in full.items()}
    except (ValueError, KeyError, tf.errors.OpError):
        return {}
    return {tensor: shape.rank for tensor, shape in shapes.items() if shape.rank is not None}


def _without_value(node: Any) -> Any:
    """A node, or for a large constant a placeholder of its shape."""
    shape = node.attr["value"].tensor.tensor_shape if node.op == "Const" else None
    if shape is None or tf.TensorShape(shape).num_elements() <= _LARGE:
        return node
    placeholder = type(node)(name=node.name, op="Placeholder", input=node.input)
    placeholder.attr["dtype"].type = node.attr["dtype"].type
    placeholder.attr["shape"].shape.CopyFrom(shape)
    del placeholder.input[:]
    return placeholder
