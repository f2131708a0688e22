"""The state that a converted model keeps: variables and tables that stay in the checkpoint."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import tensorflow as tf
from tensorflow.core.protobuf import saver_pb2

from ..errors import ModelError
from .causes import cause_of
from .graphs import prune
from .state import is_saved_table


def initialised(session: Any, nodes: list[Any]) -> list[Any]:
    """Those of the variables and tables ``nodes`` that have a value: init ops give the others theirs."""
    checks: dict[str, Any] = {}
    with session.graph.as_default():
        for node in nodes:
            handle = session.graph.get_tensor_by_name(f"{node.name}:0")
            if node.op == "VarHandleOp":
                checks[node.name] = tf.raw_ops.VarIsInitializedOp(resource=handle)
            elif not is_saved_table(node):
                checks[node.name] = tf.raw_ops.IsVariableInitialized(ref=handle)
    found = session.run(checks) if checks else {}
    return [node for node in nodes if found.get(node.name, True)]


def save(session: Any, nodes: list[Any], directory: Path) -> None:
    """Write the values of ``nodes`` to ``directory/variables``.

    Raises:
        ModelError: A value cannot be read.
    """
    names: list[str] = []
    tensors: list[Any] = []
    with session.graph.as_default():
        for node in nodes:
            handle = session.graph.get_tensor_by_name(f"{node.name}:0")
            if is_saved_table(node):
                tensors += _export(node, handle)
            elif node.op == "VarHandleOp":
                tensors.append(tf.raw_ops.ReadVariableOp(resource=handle, dtype=_type(node, "dtype")))
            else:
                tensors.append(tf.identity(handle))
            names += _entries(node)
        (directory / "variables").mkdir()
        operation = tf.raw_ops.SaveV2(
            prefix=str(directory / "variables" / "variables"),
            tensor_names=names,
            shape_and_slices=[""] * len(names),
            tensors=tensors,
        )
    try:
        session.run(operation)
    except tf.errors.OpError as error:
        raise ModelError(f"expected to read the model's variables, found: {cause_of(error)}") from error


def add_saver(graph: Any, nodes: list[Any]) -> Any:
    """Add the ops to ``graph`` that save and restore ``nodes``; the SaverDef that names them."""
    built = tf.Graph()
    with built.as_default():
        part = prune(graph, [node.name for node in nodes])
        handles = tf.import_graph_def(part, name="", return_elements=[f"{n.name}:0" for n in nodes])
        with tf.name_scope(_unused_scope(graph)):
            prefix = tf.compat.v1.placeholder_with_default("model", [], name="filename")
            restores, names, tensors = [], [], []
            for node, handle in zip(nodes, handles):
                entries = _entries(node)
                types = [_type(node, "key_dtype"), _type(node, "value_dtype")] if is_saved_table(node) else None
                values = tf.raw_ops.RestoreV2(
                    prefix=prefix,
                    tensor_names=entries,
                    shape_and_slices=[""] * len(entries),
                    dtypes=types or [_type(node, "dtype")],
                )
                if types:
                    restores.append(_import(node, handle, values))
                    tensors += _export(node, handle)
                elif node.op == "VarHandleOp":
                    restores.append(tf.raw_ops.AssignVariableOp(resource=handle, value=values[0]))
                    tensors.append(tf.raw_ops.ReadVariableOp(resource=handle, dtype=_type(node, "dtype")))
                else:
                    restores.append(tf.raw_ops.Assign(ref=handle, value=values[0], validate_shape=False).op)
                    tensors.append(tf.identity(handle))
                names += entries
            saved = tf.raw_ops.SaveV2(
                prefix=prefix, tensor_names=names, shape_and_slices=[""] * len(names), tensors=tensors
            )
            with tf.control_dependencies([saved]):
                done = tf.identity(prefix, name="control_dependency")
            restore = tf.group(*restores, name="restore_all")
    known = {node.name for node in part.node}
    graph.node.extend(node for node in built.as_graph_def().node if node.name not in known)
    return saver_pb2.SaverDef(
        filename_tensor_name=prefix.name,
        save_tensor_name=done.name,
        restore_op_name=restore.name,
        max_to_keep=5,
        version=saver_pb2.SaverDef.V2,
    )


def _export(node: Any, handle: Any) -> list[Any]:
    """The keys and values of a table; those of TensorFlow 1 are references."""
    ops = tf.raw_ops
    export = ops.LookupTableExportV2 if node.op.endswith("V2") else ops.LookupTableExport
    return list(export(table_handle=handle, Tkeys=_type(node, "key_dtype"), Tvalues=_type(node, "value_dtype")))


def _import(node: Any, handle: Any, values: list[Any]) -> Any:
    ops = tf.raw_ops
    fill = ops.LookupTableImportV2 if node.op.endswith("V2") else ops.LookupTableImport
    return fill(table_handle=handle, keys=values[0], values=values[1])


def _type(node: Any, attr: str) -> Any:
    return tf.as_dtype(node.attr[attr].type)


def _entries(node: Any) -> list[str]:
    name = node.attr["shared_name"].s.decode()
    return [f"{name}-keys", f"{name}-values"] if is_saved_table(node) else [name]


def _unused_scope(graph: Any) -> str:
    scope, number = "save", 0
    while any(node.name == scope or node.name.startswith(f"{scope}/") for node in graph.node):
        number += 1
        scope = f"save_{number}"
    return scope
