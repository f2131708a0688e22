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
from tensorflow.core.protobuf import config_pb2, rewriter_config_pb2

from .graphs import CALLS, canonical, is_float, node_of, op_def, references_in
from .onednn import keep_at_run_time, run_time_nodes

_KEEP = frozenset(
    {"Placeholder", "PlaceholderV2", "PlaceholderWithDefault", "NoOp"}
    | {"Switch", "Merge", "Enter", "Exit", "NextIteration", "LoopCond", "Assert", "Print", "PrintV2"}
    | {"ReadFile", "MatchingFiles"}  # their files are those of the machine that runs the model
    | CALLS
)
_NO_VALUE = frozenset({types_pb2.DT_RESOURCE, types_pb2.DT_VARIANT, types_pb2.DT_INVALID})
_SMALL = 1 << 20  # bytes that a folded value may have, however little it is made from


def fold_constants(
    graph: Any, fetches: Iterable[str], keep: frozenset[str] = frozenset(), variables: frozenset[str] = frozenset()
) -> None:
    """Compute what depends on constants alone, in place, with the kernels that would compute it at run time.

    ``fetches`` keep their nodes, and so do ops of the types ``keep``. Values are only stored while they are small
    beside the constants that the graph has already; larger ones stay computed. So do nodes that oneDNN computes
    otherwise.

    Args:
        graph: The GraphDef.
        fetches: Tensors or nodes.
        keep: Op types.
        variables: The constants that stand for variables of the source.
    """
    fetched = {node_of(tensor) for tensor in fetches}
    _drop_idle_controls(graph)
    foldable = _foldable(graph, fetched, _KEEP | keep, set())
    at_run_time = run_time_nodes(graph, foldable, variables)
    if at_run_time:
        # And all that depends on them.
        depending = foldable
        foldable = _foldable(graph, fetched, _KEEP | keep, at_run_time)
        at_run_time = depending - foldable
    reads = _read_constants(graph)
    wanted = sorted(
        {
            tensor
            for node in graph.node
            if node.name not in foldable
            for tensor in node.input
            if node_of(tensor) in foldable and tensor[0] != "^" and node_of(tensor) not in reads
        }
    )
    values = _compute(graph, foldable, wanted, reads, variables)
    budget = max(_SMALL, sum(node.ByteSize() for node in graph.node if node.op == "Const"))
    names = _replace(graph, wanted, values, budget)
    for node in graph.node:
        if node.name not in foldable:
            waits = [tensor for tensor in node.input if tensor[0] != "^" or node_of(tensor) not in foldable]
            node.input[:] = [names.get(tensor, tensor) for tensor in waits]
    keep_at_run_time(graph, at_run_time, reads, variables.union(names.values()))
    _skip_reads(graph, reads, fetched)


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


def _read_constants(graph: Any) -> dict[str, str]:
    """The constant that each Identity, such as a frozen variable's read, hands on."""
    nodes = {node.name: node for node in graph.node}
    reads: dict[str, str] = {}
    for node in graph.node:
        origin = node
        while origin is not None and origin.op == "Identity" and len(origin.input) == 1:
            origin = nodes.get(origin.input[0].removesuffix(":0"))
        if origin is not None and origin is not node and origin.op == "Const" and not origin.input:
            reads[node.name] = origin.name
    return reads


def _skip_reads(graph: Any, reads: dict[str, str], fetched: set[str]) -> None:
    """Let the users of ``reads`` take the constants."""
    for node in graph.node:
        if node.name not in fetched or node.op != "Identity":
            node.input[:] = [reads.get(tensor.removesuffix(":0"), tensor) for tensor in node.input]


def _foldable(graph: Any, fetched: set[str], keep: frozenset[str], named: set[str]) -> set[str]:
    """Nodes, apart from constants, that depend on constants alone and do nothing but compute.

    Neither nodes of the types ``keep`` nor those of the names ``named`` are among them.
    """
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
                and name not in named
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


def _compute(
    graph: Any, foldable: set[str], wanted: list[str], reads: dict[str, str], variables: frozenset[str]
) -> list[Any]:
    """The values of ``wanted``, computed as a tf.function does that reads ``variables``.

    Each read is a tensor of its own: TensorFlow rewrites sums of products of one tensor.
    """
    if not wanted:
        return []
    nodes = {node.name: node for node in graph.node}
    needed = _needed(nodes, foldable, wanted)
    part = type(graph)(versions=graph.versions)
    feeds = {}
    for name in sorted(needed):
        constant = nodes[reads.get(name, name)]
        if constant.name in variables and is_float(constant):
            placeholder = part.node.add(name=name, op="Placeholder")
            placeholder.attr["dtype"].type = constant.attr["dtype"].type
            placeholder.attr["shape"].shape.CopyFrom(constant.attr["value"].tensor.tensor_shape)
            feeds[f"{name}:0"] = tf.make_ndarray(constant.attr["value"].tensor)
        else:
            part.node.append(nodes[name])
    with tf.Graph().as_default() as own:
        made = tf.graph_util.import_graph_def(part, name="", return_elements=list(map(canonical, wanted)))
        # What is fetched itself, TensorFlow rewrites less.
        made = [tf.identity(tensor) for tensor in made]
        with tf.compat.v1.Session(graph=own, config=_config()) as session:
            found = session.run(made, feeds)
            # A scalar string comes as bytes.
            return [np.asarray(value, object) if isinstance(value, bytes) else value for value in found]


def _needed(nodes: dict[str, Any], foldable: set[str], wanted: list[str]) -> set[str]:
    """The nodes that ``wanted`` are computed from."""
    needed: set[str] = set()
    todo = [node_of(tensor) for tensor in wanted]
    while todo:
        name = todo.pop()
        if name not in needed:
            needed.add(name)
            todo.extend(node_of(tensor) for tensor in nodes[name].input if name in foldable)
    return needed


def _config() -> Any:
    """A session's options with which Grappler treats a graph as it treats that of a tf.function."""
    config = config_pb2.ConfigProto(device_count={"GPU": 0})
    rewriter = config.graph_options.rewrite_options
    rewriter.min_graph_nodes = -1
    rewriter.arithmetic_optimization = rewriter_config_pb2.RewriterConfig.AGGRESSIVE
    rewriter.remapping = rewriter_config_pb2.RewriterConfig.AGGRESSIVE
    rewriter.memory_optimization = rewriter_config_pb2.RewriterConfig.NO_MEM_OPT
    return config


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
