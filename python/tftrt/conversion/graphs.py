"""Small operations on GraphDefs and FunctionDefs."""

from __future__ import annotations

from collections import deque
from collections.abc import Container, Iterable, Iterator
from typing import Any

from tensorflow.core.framework import graph_pb2, types_pb2
from tensorflow.python.framework import dtypes, op_def_registry

CALLS = frozenset({"PartitionedCall", "StatefulPartitionedCall"})
WHILES = frozenset({"While", "StatelessWhile"})
BRANCHES = frozenset({"If", "StatelessIf", "Case", "StatelessCase"})

_COLOCATION = "_class"
_REFERENCE = 100  # what TensorFlow adds to a type's number for references

HEAVY_OPS = frozenset(
    {
        "BatchMatMul",
        "BatchMatMulV2",
        "BatchMatMulV3",
        "Conv1D",
        "Conv2D",
        "Conv2DBackpropInput",
        "Conv3D",
        "Conv3DBackpropInputV2",
        "DepthwiseConv2dNative",
        "Einsum",
        "FusedBatchMatMulV2",
        "MatMul",
    }
)
"""The ops that take most of a model's time."""


def node_of(tensor: str) -> str:
    """The node of an input such as ``x``, ``x:1``, ``x:output:0`` or ``^x``."""
    return tensor.removeprefix("^").partition(":")[0]


def index_of(tensor: str) -> int:
    """The output index of ``x``, ``x:1`` or ``x:output:1``."""
    last = tensor.rpartition(":")[2]
    return int(last) if ":" in tensor and last.isdigit() else 0


def canonical(tensor: str) -> str:
    """The name of a tensor of the main graph with its output index: ``x:0`` for ``x``."""
    return f"{node_of(tensor)}:{index_of(tensor)}"


def value_type(dtype: int) -> int:
    """The type of the value of a tensor, which may be a reference."""
    return dtype - _REFERENCE if dtype > _REFERENCE else dtype


def tensor_names(info: Any) -> list[str]:
    """The tensor names of a TensorInfo: one, or several for a sparse or composite tensor."""
    kind = info.WhichOneof("encoding")
    if kind == "coo_sparse":
        sparse = info.coo_sparse
        return [sparse.values_tensor_name, sparse.indices_tensor_name, sparse.dense_shape_tensor_name]
    if kind == "composite_tensor":
        return [name for part in info.composite_tensor.components for name in tensor_names(part)]
    return [info.name]


def rename_tensors(info: Any, names: dict[str, str]) -> None:
    """Replace the tensor names in a TensorInfo."""
    kind = info.WhichOneof("encoding")
    if kind == "coo_sparse":
        sparse = info.coo_sparse
        for field in ("values_tensor_name", "indices_tensor_name", "dense_shape_tensor_name"):
            name = getattr(sparse, field)
            setattr(sparse, field, names.get(name, name))
    elif kind == "composite_tensor":
        for part in info.composite_tensor.components:
            rename_tensors(part, names)
    else:
        info.name = names.get(info.name, info.name)


def unused_name(name: str, taken: Container[str]) -> str:
    """``name``, with a number behind it if it is among ``taken``."""
    candidate, number = name, 0
    while candidate in taken:
        number += 1
        candidate = f"{name}_{number}"
    return candidate


def function_references(nodes: Iterable[Any]) -> Iterator[Any]:
    """Every NameAttrList in the attributes of ``nodes``, to read or to rename."""
    for node in nodes:
        yield from references_in(node.attr)


def references_in(attrs: Any) -> Iterator[Any]:
    """Every NameAttrList in a map of attributes, nested ones too."""
    for value in attrs.values():
        kind = value.WhichOneof("value")
        if kind == "func":
            yield value.func
            yield from references_in(value.func.attr)
        elif kind == "list":
            for func in value.list.func:
                yield func
                yield from references_in(func.attr)


def reachable_functions(nodes: Iterable[Any], library: dict[str, Any]) -> list[str]:
    """Names of the functions in ``library`` that ``nodes`` call, directly or not, in order of discovery."""
    found: dict[str, None] = {}
    todo = deque([nodes])
    while todo:
        batch = list(todo.popleft())
        names = [reference.name for reference in function_references(batch)] + [node.op for node in batch]
        for name in names:
            if name in library and name not in found:
                found[name] = None
                todo.append(library[name].node_def)
    return list(found)


def prune(graph: Any, roots: Iterable[str]) -> Any:
    """The part of ``graph`` that the nodes ``roots`` need, with the functions it calls.

    Raises:
        KeyError: A root or an input does not exist.
    """
    nodes = {node.name: node for node in graph.node}
    keep: set[str] = set()
    todo = list(roots)
    while todo:
        name = todo.pop()
        if name not in keep:
            keep.add(name)
            todo.extend(node_of(tensor) for tensor in nodes[name].input)
    result = graph_pb2.GraphDef(versions=graph.versions)
    result.node.extend(node for node in graph.node if node.name in keep)
    library = {function.signature.name: function for function in graph.library.function}
    result.library.function.extend(library[name] for name in reachable_functions(result.node, library))
    return result


def bodies(graph: Any) -> Iterator[Any]:
    """The lists of nodes of a graph: its own, then each function's."""
    yield graph.node
    for function in graph.library.function:
        yield function.node_def


def clear_devices(graph: Any) -> None:
    """Remove every device assignment: conversion runs on the CPU, and the runtime places nodes itself."""
    for nodes in bodies(graph):
        for node in nodes:
            node.device = ""


def clear_colocation(graph: Any) -> None:
    """Remove every wish to lie on the device of another node, which a signature may not have."""
    for nodes in bodies(graph):
        for node in nodes:
            node.attr.pop(_COLOCATION, None)


def op_def(node: Any) -> Any:
    """The OpDef of a node, or None for an op that is not registered (a function, an unknown custom op)."""
    return op_def_registry.get(node.op)


def is_handle(node: Any) -> bool:
    """Whether a node makes a resource (a variable, a table) that has a shared name.

    A dense hash table takes two keys as inputs. Ops of staging areas have a shared name, and make no resource.
    """
    definition = op_def(node)
    return (
        definition is not None
        and definition.is_stateful
        and any(attr.name == "shared_name" for attr in definition.attr)
        and [_is_resource(argument) for argument in definition.output_arg] == [True]
    )


def _is_resource(argument: Any) -> bool:
    return bool(argument.is_ref or argument.type == types_pb2.DT_RESOURCE)


def is_float(constant: Any) -> bool:
    """Whether a Const or Placeholder node is of a floating-point type."""
    return bool(dtypes.as_dtype(constant.attr["dtype"].type).is_floating)


def add_default_attributes(graph: Any) -> None:
    """Give every node the attributes that have a default and were left out, in place.

    SavedModels leave them out, and Grappler cannot do without some, such as the shape of a Placeholder.
    """
    for nodes in bodies(graph):
        for node in nodes:
            definition = op_def(node)
            for attr in definition.attr if definition is not None else ():
                if attr.HasField("default_value") and attr.name not in node.attr:
                    node.attr[attr.name].CopyFrom(attr.default_value)


def tensor_bytes(nodes: Iterable[Any]) -> int:
    """Serialised bytes of the constants among ``nodes``."""
    return sum(node.attr["value"].tensor.ByteSize() for node in nodes if node.op == "Const")
