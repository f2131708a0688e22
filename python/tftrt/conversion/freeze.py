"""Variables become constants."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import tensorflow as tf
from tensorflow.python.framework import convert_to_constants

from ..errors import ModelError


class _Values(convert_to_constants._ConverterData):  # type: ignore[misc]
    """Hands TensorFlow's freezing values that were read beforehand, from any session."""

    def __init__(self, graph: Any, values: dict[str, Any]) -> None:
        super().__init__(graph)
        nodes = {node.name: node for node in graph.node}
        for name, value in values.items():
            dtype = nodes[name].attr["dtype"].type
            self._tensor_data[name] = convert_to_constants._TensorData(numpy=value, dtype=dtype, index=None)


def freeze(graph: Any, values: dict[str, Any]) -> Any:
    """Replace the variables named in ``values`` by constants, in the graph and the functions it calls."""
    if not values:
        return graph
    frozen, _ = convert_to_constants._replace_variables_by_constants(_Values(graph, values))
    return frozen


def add_reads(graph: Any, nodes: Iterable[Any]) -> dict[str, Any]:
    """Add to a tf.Graph a tensor with the value of each variable in ``nodes``; by the variables' names."""
    reads = {}
    with graph.as_default():
        for node in nodes:
            handle = graph.get_tensor_by_name(f"{node.name}:0")
            if node.op == "VarHandleOp":
                dtype = tf.as_dtype(node.attr["dtype"].type)
                reads[node.name] = tf.raw_ops.ReadVariableOp(resource=handle, dtype=dtype)
            else:
                reads[node.name] = handle
    return reads


def read_values(session: Any, reads: dict[str, Any], names: Iterable[str]) -> dict[str, Any]:
    """The values of the variables ``names``.

    Raises:
        ModelError: A variable has no value: the checkpoint does not hold it.
    """
    wanted = {name: reads[name] for name in names}
    try:
        return dict(session.run(wanted)) if wanted else {}
    except tf.errors.OpError as error:
        raise ModelError(
            f"expected a value for every variable that the signatures read, found: {error.message} "
            "Export the model with its variables initialised."
        ) from error
