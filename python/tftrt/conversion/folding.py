"""Exact constant folding.

Grappler's own folding also merges constants into each other and into weights, which rounds differently. Before
variables are frozen that is what TensorFlow does at run time; afterwards it would treat weights so, and the
converted model would no longer compute what its source computes.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from typing import Any

import numpy as np
import tensorflow as tf
from tensorflow.core.framework import types_pb2
from tensorflow.core.protobuf import config_pb2

from .graphs import CALLS, node_of, op_def, references_in

_KEEP = frozenset(
    {"Placeholder", "PlaceholderV2", "PlaceholderWithDefault", "StopGradient", "PreventGradient", "NoOp"}
    | {"Switch", "Merge", "Enter", "Exit", "NextIteration", "LoopCond", "Assert", "Print", "PrintV2"}
    | {"ReadFile", "MatchingFiles"}  # their files are those of the machine that runs the model
    | CALLS
)
_NO_VALUE = frozenset({types_pb2.DT_RESOURCE, types_pb2.DT_VARIANT, types_pb2.DT_INVALID})
_SMALL = 1 << 20  # bytes that a folded value may have, however little it is made from


def fold_constants(graph: Any, fetches: Iterable[str], keep: frozenset[str] = frozenset()) -> None:
    """Compute what depends on constants alone, in place, with the kernels that would compute it at run time.

    ``fetches`` keep their nodes, and so do ops of the types ``keep``. Values are only stored while they are small
    beside the constants that the graph has already; larger ones stay computed.
    """
    fetched = {node_of(tensor) for tensor in fetches}
    _drop_idle_controls(graph)
    _skip_identities(graph, fetched)
    foldable = _foldable(graph, fetched, _KEEP | keep)
    wanted = sorted(
        {
            tensor
            for node in graph.node
            if node.name not in foldable
            for tensor in node.input
            if node_of(tensor) in foldable and not tensor.startswith("^")
        }
    )
    values = _compute(graph, foldable, wanted)
    budget = max(_SMALL, sum(node.ByteSize() for node in graph.node if node.op == "Const"))
    names = _replace(graph, wanted, values, budget)
    for node in graph.node:
        if node.name not in foldable:
            waits = [tensor for tensor in node.input if tensor[0] != "^" or node_of(tensor) not in foldable]
            node.input[:] = [names.get(tensor, tensor) for tensor in waits]


def _drop_idle_controls(graph: Any) -> None:
    """Remove control inputs that wait for nothing, as inlined functions leave them."""
    idle: set[str] = set()
    found = True
    while found:
        found = False
        for node in graph.node:
            waits = [tensor for tensor in node.input if tensor.removeprefix("^") not in idle or tensor[0] != "^"]
            if len(waits) < len(node.input):
                node.input[:] = waits
            if node.op in ("Const", "NoOp") and not waits and node.name not in idle:
                idle.add(node.name)
                found = True


def _skip_identities(graph: Any, fetched: set[str]) -> None:
    """Let the users of a constant's Identity, such as a frozen variable's read, take the constant."""
    nodes = {node.name: node for node in graph.node}

    def origin(tensor: str) -> str:
        node = nodes.get(tensor)
        while node is not None and node.op == "Identity" and len(node.input) == 1:
            tensor = node.input[0].removesuffix(":0")
            node = nodes.get(tensor)
        return tensor if node is not None and node.op == "Const" and not node.input else ""

    for node in graph.node:
        if node.name in fetched and node.op == "Identity":
            continue
        node.input[:] = [origin(tensor.removesuffix(":0")) or tensor for tensor in node.input]


def _foldable(graph: Any, fetched: set[str], keep: frozenset[str]) -> set[str]:
    """Nodes, apart from constants, that depend on constants alone and do nothing but compute."""
    nodes = {node.name: node for node in graph.node}
    missing = {node.name: len({node_of(tensor) for tensor in node.input}) for node in graph.node}
    users: dict[str, set[str]] = {}
    for node in graph.node:
        for tensor in node.input:
            users.setdefault(node_of(tensor), set()).add(node.name)
    ready = [node.name for node in graph.node if node.op == "Const" and not node.input]
    foldable: set[str] = set()
    while ready:
        for name in users.get(ready.pop(), ()):
            missing[name] -= 1
            if (
                missing[name] == 0
                and name not in fetched
                and nodes[name].op not in keep
                and _only_computes(nodes[name])
            ):
                foldable.add(name)
                ready.append(name)
    return foldable


def _only_computes(node: Any) -> bool:
    definition = op_def(node)
    if definition is None or definition.is_stateful:
        return False
    if any(tensor.startswith("^") for tensor in node.input) or next(references_in(node.attr), None) is not None:
        return False
    types = [argument.type or node.attr[argument.type_attr].type for argument in definition.output_arg]
    return bool(types) and not any(
        argument.is_ref or argument.type_list_attr or dtype in _NO_VALUE
        for argument, dtype in zip(definition.output_arg, types)
    )


def _compute(graph: Any, foldable: set[str], wanted: list[str]) -> list[Any]:
    if not wanted:
        return []
    part = type(graph)(versions=graph.versions)
    part.node.extend(node for node in graph.node if node.name in foldable or (node.op == "Const" and not node.input))
    config = config_pb2.ConfigProto(device_count={"GPU": 0})
    config.graph_options.rewrite_options.disable_meta_optimizer = True
    with tf.Graph().as_default() as own:
        tf.graph_util.import_graph_def(part, name="")
        with tf.compat.v1.Session(graph=own, config=config) as session:
            tensors = [tensor if ":" in tensor else f"{tensor}:0" for tensor in wanted]
            # A scalar string comes as bytes.
            return [np.asarray(value, object) if isinstance(value, bytes) else value for value in session.run(tensors)]


def _replace(graph: Any, wanted: list[str], values: list[Any], budget: int) -> dict[str, str]:
    """Add constants for ``wanted``; returns their names."""
    taken = Counter(node.name for node in graph.node)
    names: dict[str, str] = {}
    for tensor, value in sorted(zip(wanted, values), key=lambda pair: pair[1].nbytes):
        budget -= value.nbytes
        if value.nbytes > _SMALL and budget < 0:
            break
        name = f"{tensor.replace(':', '_')}/folded"
        while name in taken:
            name += "_"
        taken[name] += 1
        node = graph.node.add(name=name, op="Const")
        node.attr["value"].tensor.CopyFrom(tf.make_tensor_proto(value))
        node.attr["dtype"].type = node.attr["value"].tensor.dtype
        names[tensor] = name
    return names
