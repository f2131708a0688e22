"""The inputs and outputs of signatures: shapes that a SignatureDef lacks, and outputs that no call can return."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from tensorflow.core.framework import types_pb2
from tensorflow.core.protobuf import struct_pb2

from .graphs import index_of, node_of, value_type

_PLACEHOLDERS = frozenset({"Placeholder", "PlaceholderV2", "PlaceholderWithDefault"})

# Graphs of this version or an earlier one write a scalar where the shape of a placeholder is not known.
_LAST_VERSION_WITHOUT_SCALARS = 21

# Those that tftrt::DType has.
_TYPES = frozenset(
    {
        types_pb2.DT_HALF,
        types_pb2.DT_BFLOAT16,
        types_pb2.DT_FLOAT,
        types_pb2.DT_DOUBLE,
        types_pb2.DT_INT8,
        types_pb2.DT_INT16,
        types_pb2.DT_INT32,
        types_pb2.DT_INT64,
        types_pb2.DT_UINT8,
        types_pb2.DT_UINT16,
        types_pb2.DT_UINT32,
        types_pb2.DT_UINT64,
        types_pb2.DT_BOOL,
        types_pb2.DT_COMPLEX64,
        types_pb2.DT_COMPLEX128,
        types_pb2.DT_STRING,
    }
)


def complete_tensors(meta: Any, names: Iterable[str]) -> None:
    """Give each tensor of the signatures ``names`` the shape and the type of its placeholder, where it has none."""
    nodes: dict[str, Any] = {}
    for name in names:
        signature = meta.signature_def[name]
        for info in [*signature.inputs.values(), *signature.outputs.values()]:
            if info.WhichOneof("encoding") != "name" or (info.HasField("tensor_shape") and info.dtype):
                continue
            nodes = nodes or {node.name: node for node in meta.graph_def.node}
            node = nodes.get(node_of(info.name))
            if not info.dtype and node is not None and node.op in _PLACEHOLDERS:
                info.dtype = node.attr["dtype"].type
            if info.HasField("tensor_shape"):
                continue
            shape = _known_shape(node, index_of(info.name), meta.graph_def.versions.producer)
            if shape is None:
                info.tensor_shape.unknown_rank = True
            else:
                info.tensor_shape.CopyFrom(shape)
                info.tensor_shape.SetInParent()


def unavailable_outputs(definition: Any) -> dict[str, str]:
    """Outputs of a SignatureDef that no call can return: the reason by name."""
    found = {}
    for name, info in sorted(definition.outputs.items()):
        kind = info.WhichOneof("encoding")
        if kind == "coo_sparse":
            found[name] = "it is sparse"
        elif kind == "composite_tensor":
            found[name] = _describe_type(info.composite_tensor.type_spec)
        elif value_type(info.dtype) not in _TYPES:
            dtype = types_pb2.DataType.Name(info.dtype).removeprefix("DT_").lower()
            found[name] = f"it has TensorFlow's dtype {dtype}, which has no equal outside TensorFlow"
    return found


def _describe_type(spec: Any) -> str:
    if spec.type_spec_class == struct_pb2.TypeSpecProto.SPARSE_TENSOR_SPEC:
        return "it is sparse"
    if spec.type_spec_class == struct_pb2.TypeSpecProto.RAGGED_TENSOR_SPEC:
        return "it is ragged"
    return f"it is composite ({spec.type_spec_class_name})"


def _known_shape(node: Any, output: int, version: int) -> Any:
    """The shape that a node's output has by its attributes, or None."""
    if node is None:
        return None
    if node.op in _PLACEHOLDERS:
        if "shape" not in node.attr:
            return None
        shape = node.attr["shape"].shape
        legacy = node.op == "Placeholder" and version <= _LAST_VERSION_WITHOUT_SCALARS
        return None if legacy and not shape.dim else shape
    if "_output_shapes" not in node.attr or output >= len(node.attr["_output_shapes"].list.shape):
        return None
    return node.attr["_output_shapes"].list.shape[output]
