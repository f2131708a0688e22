"""Nodes that TensorFlow computes otherwise with oneDNN: conversion, which runs without it, must not compute them.

Where oneDNN is switched on, TensorFlow replaces ops by twins (mkl_layout_pass.cc) and some groups of ops by fused ones
(remapper.cc). Their results differ in the last bits.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from functools import cache
from typing import Any

from tensorflow.python.framework import kernels

from .graphs import canonical, is_float, node_of

_RUN_TIME = "_tftrt_run_time"
_TWIN_LABELS = frozenset({"MklNameChangeOp", "QuantizedMklOp"})
_SAME_BITS = frozenset({"Transpose", "ConjugateTranspose"})
_SCALED_ONLY = frozenset({"Dequantize", "QuantizeV2"})
_MOVES = frozenset({"ConcatV2", "ExpandDims", "Fill", "Pad", "Reshape", "Split", "SplitV", "Squeeze", "Transpose"})
_ADDS = frozenset({"Add", "AddV2"})


def run_time_nodes(graph: Any, candidates: set[str], variables: frozenset[str]) -> set[str]:
    """Those of ``candidates`` that must be computed where the model runs.

    Args:
        graph: The GraphDef.
        candidates: The nodes that depend on constants alone.
        variables: The constants that are variables in the source: TensorFlow fuses less around them.

    Returns:
        The nodes that oneDNN computes, and those next to them that it fuses or may fuse with them.
    """
    part = _Part(graph, candidates, variables)
    found = {name for name in candidates if _has_twin(part.nodes[name]) and not part.is_filter(part.nodes[name])}
    todo = list(found)
    while todo:
        for tensor in part.nodes[todo.pop()].input:
            name = node_of(tensor)
            if name in candidates and name not in found and part.nodes[name].op in _MOVES:
                found.add(name)
                todo.append(name)
    return found | set(part.fused())


def keep_at_run_time(graph: Any, names: set[str], reads: dict[str, str], variables: frozenset[str]) -> None:
    """Have the nodes ``names``, which depend on constants alone, computed at run time, in place.

    They take the constants ``variables`` as tensors of unknown values, one for each read, as they take variables in
    the source.

    Args:
        graph: The GraphDef.
        names: The nodes.
        reads: The constants that Identity nodes hand on.
        variables: The constants that stand for variables of the source.
    """
    if not names:
        return
    nodes = {node.name: node for node in graph.node}
    opaque: dict[str, str] = {}
    for name in sorted(names):
        node = nodes[name]
        node.attr[_RUN_TIME].b = True
        for position, tensor in enumerate(node.input):
            read = node_of(tensor)
            constant = nodes[reads.get(read, read)]
            if constant.name in variables and tensor[0] != "^" and is_float(constant):
                if read not in opaque:
                    opaque[read] = _add_opaque(graph, f"{read}/run_time", constant, nodes)
                node.input[position] = opaque[read]


def _add_opaque(graph: Any, name: str, constant: Any, taken: dict[str, Any]) -> str:
    while name in taken:
        name += "_"
    node = taken[name] = graph.node.add(name=name, op="PlaceholderWithDefault", input=[constant.name])
    node.attr["dtype"].type = constant.attr["dtype"].type
    node.attr["shape"].shape.CopyFrom(constant.attr["value"].tensor.tensor_shape)
    node.attr[_RUN_TIME].b = True
    return name


def is_marked(node: Any) -> bool:
    """Whether ``node`` is one for `keep_at_run_time`. In a graph with such nodes the runtime folds nothing."""
    return _RUN_TIME in node.attr


def _has_twin(node: Any) -> bool:
    if node.op in _SAME_BITS or (node.op in _SCALED_ONLY and node.attr["mode"].s != b"SCALED"):
        return False
    types = _twins(node.op)
    return types is not None and (not types or node.attr["T"].type in types)


@cache
def _twins(op: str) -> frozenset[int] | None:
    """The types for which an op has a twin: empty for all types, None for none."""
    types: set[int] = set()
    found = False
    for name in (f"_MklNative{op.lstrip('_')}", f"_Mkl{op.lstrip('_')}"):
        for kernel in kernels.get_registered_kernels_for_op(name).kernel:
            if kernel.label in _TWIN_LABELS:
                found = True
                for constraint in kernel.constraint:
                    if constraint.name == "T":
                        types.update(constraint.allowed_values.list.type)
    return frozenset(types) if found else None


class _Part:
    """The nodes that depend on constants alone."""

    def __init__(self, graph: Any, candidates: set[str], variables: frozenset[str]) -> None:
        self.nodes = {node.name: node for node in graph.node}
        self._candidates = candidates
        self._variables = variables
        self._users: dict[str, list[Any]] = defaultdict(list)
        for node in graph.node:
            for tensor in dict.fromkeys(canonical(tensor) for tensor in node.input if tensor[0] != "^"):
                self._users[tensor].append(node)

    def is_filter(self, node: Any) -> bool:
        """Whether TensorFlow leaves ``node`` alone as one that makes the weights of a layer."""
        return bool(node.op == "Dequantize") and self._is_literal(node.input[0])

    def fused(self) -> Iterator[str]:
        """The nodes of swish, mish and normalisation, written with ops that have no twins."""
        for name in sorted(self._candidates):
            node = self.nodes[name]
            if node.op == "Sigmoid":
                if self._multiplied(node, node.input[0]):
                    yield name
            elif node.op == "Tanh":
                before = self._made_by(node.input[0])
                if before.op == "Softplus" and self._multiplied(node, before.input[0]):
                    yield from (name, before.name)
            elif node.op == "Rsqrt":
                yield from self._normalisation(node)

    def _multiplied(self, node: Any, tensor: str) -> bool:
        """Whether the output of ``node`` is multiplied by ``tensor``."""
        wanted = canonical(tensor)
        return any(user.op == "Mul" and wanted in map(canonical, user.input) for user in self._using(node))

    def _normalisation(self, rsqrt: Any) -> list[str]:
        """The nodes before ``rsqrt``, if they are those of a normalisation that TensorFlow fuses."""
        add = self._made_by(rsqrt.input[0])
        means = [mean for mean in map(self._made_by, add.input) if mean.op == "Mean"] if add.op in _ADDS else []
        if not means:
            return []
        square = self._made_by(means[0].input[0])
        nodes = [rsqrt, add, means[0], square]
        scales = [user for user in self._using(rsqrt) if user.op == "Mul"]
        if square.op == "Square" and any(map(self._is_shifted, scales)):
            nodes.append(self._made_by(square.input[0]))
            nodes += map(self._made_by, nodes[-1].input)
        elif square.op == "SquaredDifference" and any(self._is_literal_scale(scale, rsqrt) for scale in scales):
            nodes += map(self._made_by, square.input)
        else:
            return []
        return [node.name for node in nodes if node.name in self._candidates and node.op != "Const"]

    def _is_shifted(self, scale: Any) -> bool:
        """Whether a product with ``scale`` is added to something."""
        products = [user for user in self._using(scale) if user.op == "Mul"]
        return any(user.op in _ADDS for product in products for user in self._using(product))

    def _is_literal_scale(self, scale: Any, rsqrt: Any) -> bool:
        """Whether factor and offset are constants in the source."""
        factors = [tensor for tensor in scale.input if node_of(tensor) != rsqrt.name]
        products = [user for user in self._using(scale) if user.op == "Mul"]
        subtractions = [user for product in products for user in self._using(product) if user.op == "Sub"]
        return all(map(self._is_literal, factors)) and any(self._is_literal(sub.input[0]) for sub in subtractions)

    def _is_literal(self, tensor: str) -> bool:
        node = self._made_by(tensor)
        return node.op == "Const" and node.name not in self._variables

    def _made_by(self, tensor: str) -> Any:
        return self.nodes[node_of(tensor)]

    def _using(self, node: Any) -> list[Any]:
        return self._users[f"{node.name}:0"]
