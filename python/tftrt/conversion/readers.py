"""Ops that read a variable through its handle, rewritten to take its value."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from tensorflow.core.framework import types_pb2

AddConstant = Callable[[str, Any], str]
"""Adds a constant beside a node: takes the end of its name and a TensorProto, returns the tensor's name."""

FORWARDS = frozenset(
    {"Identity", "RefIdentity", "Enter", "RefEnter", "Exit", "RefExit", "NextIteration", "RefNextIteration"}
    | {"Switch", "RefSwitch", "Merge", "RefMerge"}
)
"""Ops that hand a handle or reference on as it is."""

_REFERENCE = "Ref"


def rewrite_reader(node: Any, dtype: int, add_constant: AddConstant, place: str) -> str | None:
    """Make ``node`` read the value that its first input now is, in place.

    Args:
        node: A node of one of the types `READERS`; its first input is the variable's value.
        dtype: The type of the value.
        add_constant: See `AddConstant`.
        place: In a TF1 loop or branch, a node that runs where this one runs: a node without inputs would lie outside.

    Returns:
        The name of the output argument, where it changed; the bodies of functions name tensors by it.
    """
    output = READERS[node.op](node, dtype, add_constant)
    if node.op in ("Const", "NoOp"):
        waits = [f"^{place}"] if place else []
        node.input[:] = waits + [tensor for tensor in node.input[1:] if tensor not in waits]
    return output


def forward_value(node: Any, dtype: int) -> None:
    """Make a node of the types `FORWARDS` hand on a value rather than a handle or a reference."""
    node.op = node.op.removeprefix(_REFERENCE)
    node.attr["T"].type = dtype


def _read(node: Any, dtype: int, _: AddConstant) -> str:
    _become(node, "Identity")
    node.attr["T"].type = dtype
    return "output"


def _gather(node: Any, dtype: int, add_constant: AddConstant) -> None:
    batch = node.attr["batch_dims"].i if "batch_dims" in node.attr else 0
    indices = node.attr["Tindices"].type
    _become(node, "GatherV2")
    node.attr["Tparams"].type = dtype
    node.attr["Tindices"].type = indices
    node.attr["Taxis"].type = types_pb2.DT_INT32
    node.attr["batch_dims"].i = batch
    node.input.insert(2, add_constant("axis", _scalar(types_pb2.DT_INT32, batch)))


def _gather_nd(node: Any, dtype: int, _: AddConstant) -> None:
    indices = node.attr["Tindices"].type
    _become(node, "GatherNd")
    node.attr["Tparams"].type = dtype
    node.attr["Tindices"].type = indices


def _shape(node: Any, dtype: int, _: AddConstant) -> None:
    out_type = node.attr["out_type"].type if "out_type" in node.attr else types_pb2.DT_INT32
    _become(node, "Shape")
    node.attr["T"].type = dtype
    node.attr["out_type"].type = out_type


def _is_initialised(node: Any, _: int, __: AddConstant) -> str:
    _become(node, "Const")
    node.attr["dtype"].type = types_pb2.DT_BOOL
    node.attr["value"].tensor.CopyFrom(_scalar(types_pb2.DT_BOOL, True))
    return "output"


def _nothing(node: Any, _: int, __: AddConstant) -> None:
    _become(node, "NoOp")


READERS: dict[str, Callable[[Any, int, AddConstant], str | None]] = {
    "ReadVariableOp": _read,
    "ResourceGather": _gather,
    "ResourceGatherNd": _gather_nd,
    "VariableShape": _shape,
    "VarIsInitializedOp": _is_initialised,
    "IsVariableInitialized": _is_initialised,
    "DisableCopyOnRead": _nothing,
}
"""The op types that read a variable through its handle, with their rewriting."""

WITH_CONSTANTS = frozenset(READERS) - {"ReadVariableOp", "ResourceGatherNd", "VariableShape"}
"""Those of them that become a constant, or need one."""


def _become(node: Any, op: str) -> None:
    node.op = op
    for key in list(node.attr):
        if not key.startswith("_"):
            del node.attr[key]


def _scalar(dtype: int, value: Any) -> Any:
    import tensorflow as tf

    return tf.make_tensor_proto(value, tf.as_dtype(dtype), [])
