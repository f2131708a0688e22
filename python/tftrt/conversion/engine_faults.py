"""Nodes that an engine computes otherwise than TensorFlow, or that keep it from being built.

Each was seen so with TF-TRT of TensorFlow 2.17 and TensorRT 8.6.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cached_property
from typing import Any

import tensorflow as tf
from tensorflow.core.framework import graph_pb2

from .graphs import node_of

__all__ = ["faults_in_engines"]

_LARGE = 1024  # bytes of a constant whose values decide about no shape


def faults_in_engines(graph: Any) -> dict[str, str]:
    """Nodes of a graph that must not be in an engine, each with the reason."""
    looked_into = _Graph(graph)
    found = {}
    for node in graph.node:
        rule = _RULES.get(node.op)
        reason = rule(node, looked_into) if rule is not None else ""
        if reason:
            found[node.name] = reason
    return found


class _Graph:
    """Constants and static shapes of a GraphDef."""

    def __init__(self, graph: Any) -> None:
        self._graph = graph
        self._nodes = {node.name: node for node in graph.node}

    def producer(self, tensor: str) -> Any:
        """The node that makes a tensor; identities are looked through. None if it is not in the graph."""
        node = self._nodes.get(node_of(tensor))
        while node is not None and node.op == "Identity" and node.input:
            node = self._nodes.get(node_of(node.input[0]))
        return node

    def constant(self, tensor: str) -> list[Any] | None:
        """The values of a tensor of one dimension; None if it is not a constant."""
        node = self.producer(tensor)
        if node is None or node.op != "Const":
            return None
        return tf.make_ndarray(node.attr["value"].tensor).ravel().tolist()  # type: ignore[no-any-return]

    def shape(self, tensor: str) -> list[int | None] | None:
        """The static shape of a tensor; None if its rank is not known."""
        return self._shapes.get(tensor if ":" in tensor else f"{tensor}:0")

    @cached_property
    def _shapes(self) -> dict[str, list[int | None] | None]:
        light = graph_pb2.GraphDef(versions=self._graph.versions)
        light.node.extend(map(_without_values, self._graph.node))
        light.library.gradient.extend(self._graph.library.gradient)
        for function in self._graph.library.function:
            body = light.library.function.add()
            body.CopyFrom(type(function)(signature=function.signature, ret=function.ret, attr=function.attr))
            body.control_ret.update(function.control_ret)
            body.node_def.extend(map(_without_values, function.node_def))
        shapes = {}
        with tf.Graph().as_default() as made:
            tf.graph_util.import_graph_def(light, name="")
        for operation in made.get_operations():
            for output in operation.outputs:
                shapes[output.name] = None if output.shape.rank is None else output.shape.as_list()
        return shapes


def _without_values(node: Any) -> Any:
    if node.op != "Const" or node.attr["value"].tensor.ByteSize() <= _LARGE:
        return node
    light = type(node)(name=node.name, op="Placeholder", input=node.input)
    light.attr["dtype"].CopyFrom(node.attr["dtype"])
    light.attr["shape"].shape.CopyFrom(node.attr["value"].tensor.tensor_shape)
    return light


def _selu(node: Any, graph: _Graph) -> str:
    return "TF-TRT computes it with other constants"


def _non_max_suppression(node: Any, graph: _Graph) -> str:
    return "TensorRT has no plugin for it"


def _einsum(node: Any, graph: _Graph) -> str:
    return "TF-TRT takes an ellipsis for other dimensions" if b"..." in node.attr["equation"].s else ""


def _strided_slice(node: Any, graph: _Graph) -> str:
    shape = graph.shape(node.input[0])
    bounds = [graph.constant(tensor) for tensor in node.input[1:4]]
    if shape is None or None in bounds:
        return ""  # TF-TRT leaves it outside
    entries = list(zip(*bounds))
    new, ellipsis, shrunk, open_begin, open_end = (
        [bool(node.attr[f"{mask}_mask"].i >> i & 1) for i in range(len(entries))]
        for mask in ("new_axis", "ellipsis", "shrink_axis", "begin", "end")
    )
    axis = 0
    for i, (_, end, stride) in enumerate(entries):
        if ellipsis[i]:
            axis = len(shape) - sum(not other for other in new[i + 1 :])
        if ellipsis[i] or new[i]:
            continue
        length = shape[axis]
        axis += 1
        if shrunk[i]:
            continue
        if stride < 0 and (open_begin[i] or open_end[i] or length is None):
            return "TensorRT cannot build a slice backwards from or to an end"
        # TF-TRT neither counts from such an end nor stops there. Every axis that an engine takes has an index 0.
        if stride > 0 and length is None and not open_end[i] and end != 1:
            return "TF-TRT ends it elsewhere on an axis of unknown length"
    return ""


def _grouped_convolution(node: Any, graph: _Graph) -> str:
    axis = 1 if node.attr["data_format"].s == b"NCHW" else 3
    image, kernel = graph.shape(node.input[0]), graph.shape(node.input[1])
    if image is None or kernel is None or image[axis] in (None, kernel[2]) or kernel[2] is None:
        return ""
    return "TF-TRT cannot build a convolution with groups"


def _resized(node: Any, graph: _Graph) -> str:
    if node.attr["align_corners"].b:
        return "TF-TRT picks other pixels where corners are aligned"
    if node.attr["half_pixel_centers"].b and not _to_multiples(node, graph):
        return "TF-TRT picks other pixels where the new size is not a multiple"
    return ""


def _to_multiples(node: Any, graph: _Graph) -> bool:
    """Whether a picture is resized to a multiple of its size, for sure."""
    size, image = graph.constant(node.input[1]), graph.shape(node.input[0])
    if size is not None:
        old = image[1:3] if image is not None else [None, None]
        return all(a is not None and a > 0 and b % a == 0 for a, b in zip(old, size))
    product = graph.producer(node.input[1])
    if product is None or product.op != "Mul":
        return False
    factors = [tensor for tensor in product.input if graph.constant(tensor) is None]
    return len(factors) == 1 and _is_size_of(factors[0], node.input[0], graph)


def _is_size_of(tensor: str, image: str, graph: _Graph) -> bool:
    """Whether ``tensor`` is the height and the width of ``image``."""
    part = graph.producer(tensor)
    if part is None or part.op != "StridedSlice":
        return False
    shape = graph.producer(part.input[0])
    bounds = [graph.constant(bound) for bound in part.input[1:4]]
    masks = any(part.attr[f"{mask}_mask"].i for mask in ("begin", "end", "ellipsis", "new_axis", "shrink_axis"))
    same = shape is not None and shape.op == "Shape" and shape.input[0] == image
    return same and not masks and bounds == [[1], [3], [1]]


_RULES: dict[str, Callable[[Any, _Graph], str]] = {
    "CombinedNonMaxSuppression": _non_max_suppression,
    "Conv2D": _grouped_convolution,
    "Einsum": _einsum,
    "ResizeNearestNeighbor": _resized,
    "Selu": _selu,
    "StridedSlice": _strided_slice,
}
