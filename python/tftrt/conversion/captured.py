"""Restoring the variables that a graph's functions capture, where its restore op assigns others.

``tf.saved_model.save`` gives each Keras 3 variable two handles: functions capture one, and the restore op assigns the
other. The object graph in the SavedModel names the key in the checkpoint of each captured variable. The runtime does
the same when it loads a model (cpp/src/runtime/captured_variables.cc).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import tensorflow as tf
from tensorflow.core.protobuf import trackable_object_graph_pb2

from ..errors import ModelError
from .causes import cause_of
from .graphs import index_of, node_of, prune

_CALLS = ("StatefulPartitionedCall", "PartitionedCall")
_OBJECT_GRAPH = "_CHECKPOINTABLE_OBJECT_GRAPH"
_SCOPE = "tftrt/restore_captured"


def restore_captured(meta: Any, directory: Path, roots: Iterable[str]) -> None:
    """Have the restore op of ``meta`` assign the variables that its functions capture, in place.

    Args:
        meta: The MetaGraphDef.
        directory: The SavedModel, for its checkpoint.
        roots: The nodes that signatures and initialisers name. A handle that they do not need is not restored.

    Raises:
        ModelError: The checkpoint cannot be read.
    """
    graph = meta.graph_def
    nodes = {node.name: node for node in graph.node}
    functions = {function.signature.name: function for function in graph.library.function}
    restore = nodes.get(node_of(meta.saver_def.restore_op_name))
    if restore is None or restore.op not in _CALLS:
        return
    assigned = {node_of(name) for name in restore.input}
    captured = {handle: number for handle, number in _captured(meta, nodes) if handle not in assigned}
    if not captured:
        return
    needed = {node.name for node in prune(graph, roots).node}
    keys = _checkpoint_keys(directory / "variables" / "variables")
    arguments = _assigned_arguments(functions[restore.attr["f"].func.name])
    inputs = [position for position, name in enumerate(restore.input) if not name.startswith("^")]
    remaining: dict[str, str] = {}
    taken: set[int] = set()
    for handle in sorted(captured):
        key = keys.get(captured[handle], "")
        if not key or handle not in needed:
            continue
        argument = arguments.get(key)
        position = inputs[argument] if argument is not None else -1
        if position >= 0 and position not in taken and node_of(restore.input[position]) not in needed:
            restore.input[position] = handle
            taken.add(position)
        else:
            remaining[handle] = key
    if remaining:
        _add_restores(meta, nodes, remaining)


def _captured(meta: Any, nodes: dict[str, Any]) -> Iterator[tuple[str, int]]:
    """Each captured handle with its number in the object graph, by its position among the inputs of a call."""
    functions = meta.object_graph_def.concrete_functions
    for node in nodes.values():
        if node.op not in _CALLS or node.attr["f"].func.name not in functions:
            continue
        bound = functions[node.attr["f"].func.name].bound_inputs
        inputs = [node_of(name) for name in node.input if not name.startswith("^")]
        # The inputs of the call itself come first.
        if bound and len(inputs) >= len(bound):
            for name, number in zip(inputs[-len(bound) :], bound):
                if name in nodes and nodes[name].op == "VarHandleOp":
                    yield name, number


def _checkpoint_keys(prefix: Path) -> dict[int, str]:
    """The key of each variable, by its number in the object graph."""
    objects = trackable_object_graph_pb2.TrackableObjectGraph()
    try:
        objects.ParseFromString(tf.train.load_checkpoint(str(prefix)).get_tensor(_OBJECT_GRAPH))
    except (tf.errors.OpError, ValueError, RuntimeError) as error:
        raise ModelError(f"{prefix}: expected a checkpoint with an object graph, found: {cause_of(error)}") from error
    return {
        number: attribute.checkpoint_key
        for number, node in enumerate(objects.nodes)
        for attribute in node.attributes
        if attribute.name == "VARIABLE_VALUE"
    }


def _assigned_arguments(function: Any) -> dict[str, int]:
    """The argument of a restoring function that each key is assigned to."""
    nodes = {node.name: node for node in function.node_def}
    positions = {argument.name: number for number, argument in enumerate(function.signature.input_arg)}
    arguments = {}
    for node in function.node_def:
        if node.op != "AssignVariableOp" or node.input[0] not in positions:
            continue
        tensor = node.input[1]
        while node_of(tensor) in nodes and nodes[node_of(tensor)].op == "Identity":
            tensor = nodes[node_of(tensor)].input[0]
        source = nodes.get(node_of(tensor))
        if source is not None and source.op == "RestoreV2":
            names = tf.make_ndarray(nodes[node_of(source.input[1])].attr["value"].tensor)
            arguments[names[index_of(tensor)].decode()] = positions[node.input[0]]
    return arguments


def _add_restores(meta: Any, nodes: dict[str, Any], keys: dict[str, str]) -> None:
    """Restore these handles too, after the restore op."""
    types = [nodes[handle].attr["dtype"].type for handle in keys]
    with tf.Graph().as_default() as added:
        prefix = tf.raw_ops.Placeholder(dtype=tf.string, shape=[], name="prefix")
        handles = [tf.raw_ops.Placeholder(dtype=tf.resource, shape=[], name=f"handle_{n}") for n in range(len(keys))]
        with tf.name_scope(_SCOPE):
            values = tf.raw_ops.RestoreV2(
                prefix=prefix, tensor_names=list(keys.values()), shape_and_slices=[""] * len(keys), dtypes=types
            )
            assigns = [tf.raw_ops.AssignVariableOp(resource=h, value=v) for h, v in zip(handles, values)]
        done = tf.group(*assigns, name=_SCOPE)
    names = {"prefix": meta.saver_def.filename_tensor_name}
    names.update({f"handle_{number}": handle for number, handle in enumerate(keys)})
    for node in added.as_graph_def().node:
        if node.name in names:
            continue
        node.input[:] = [names.get(name, name) for name in node.input]
        if node.name == done.name:
            node.input.append(f"^{node_of(meta.saver_def.restore_op_name)}")
        meta.graph_def.node.append(node)
    meta.saver_def.restore_op_name = done.name
