"""A frozen GraphDef with named inputs and outputs, as a SavedModel."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

from google.protobuf import text_format
from google.protobuf.message import DecodeError
from tensorflow.core.framework import graph_pb2
from tensorflow.core.protobuf import saved_model_pb2

from ..errors import InvalidArgumentError, ModelError
from .graphs import index_of, node_of
from .load import import_graph
from .options import Options

_PLACEHOLDERS = ("Placeholder", "PlaceholderV2", "PlaceholderWithDefault")
_VARIABLES = ("VarHandleOp", "Variable", "VariableV2")
_MOST_NAMES = 20


def read_graph(path: Path) -> Any:
    """Read a GraphDef from a ``.pb`` or ``.pbtxt`` file.

    Raises:
        ModelError: The file is not a GraphDef.
    """
    graph_def = graph_pb2.GraphDef()
    try:
        if path.suffix.lower() == ".pbtxt":
            text_format.Parse(path.read_text(encoding="utf-8"), graph_def)
        else:
            graph_def.ParseFromString(path.read_bytes())
    except (DecodeError, text_format.ParseError, UnicodeDecodeError) as error:
        raise ModelError(f"{path}: expected a serialised GraphDef, found a file that is not one ({error}).") from error
    return graph_def


def write_saved_model(graph_def: Any, what: str, directory: Path, options: Options) -> None:
    """Write a SavedModel with one signature, ``serving_default``, around a GraphDef.

    Args:
        graph_def: The GraphDef.
        what: The caller's name of it, for messages.
        directory: The folder to make.
        options: ``inputs`` and ``outputs`` name the signature's tensors.

    Raises:
        InvalidArgumentError: ``inputs`` or ``outputs`` are missing, or name tensors that the graph does not
            have; the outputs need another placeholder.
        ModelError: TensorFlow cannot read the graph, or the outputs need variables, which have no values.
    """
    if not graph_def.node:
        raise ModelError(f"{what}: expected a GraphDef, found one without nodes, or another kind of file.")
    graph = import_graph(graph_def, what)
    inputs, outputs = _required_names(graph, what, options)
    model = saved_model_pb2.SavedModel(saved_model_schema_version=1)
    meta = model.meta_graphs.add()
    meta.meta_info_def.tags.extend(options.tags)
    meta.graph_def.CopyFrom(graph_def)
    signature = meta.signature_def["serving_default"]
    signature.method_name = "tensorflow/serving/predict"
    for argument, names, infos in (
        ("inputs", inputs, signature.inputs),
        ("outputs", outputs, signature.outputs),
    ):
        for key, name in names.items():
            _describe(infos[key], _tensor(graph, name, argument))
    _require_complete(graph_def, what, inputs.values(), outputs.values())
    directory.mkdir(parents=True)
    (directory / "saved_model.pb").write_bytes(model.SerializeToString())


def _required_names(graph: Any, what: str, options: Options) -> tuple[dict[str, str], dict[str, str]]:
    if isinstance(options.inputs, dict) and isinstance(options.outputs, dict):
        return options.inputs, options.outputs
    found = {"inputs": _placeholders(graph), "outputs": _last_tensors(graph)}
    given = {"inputs": options.inputs, "outputs": options.outputs}
    missing = [argument for argument in found if given[argument] is None]
    kinds = {"inputs": "placeholders", "outputs": "tensors without consumers"}
    candidates = " ".join(f"Its {kinds[argument]} are: {_listed(found[argument])}." for argument in missing)
    example = ", ".join(f"{argument}={found[argument][:1]!r}" for argument in missing)
    raise InvalidArgumentError(
        f"{what}: expected inputs=[...] and outputs=[...] with a GraphDef, found no {' and no '.join(missing)}. "
        f"{candidates} For example: {example}."
    )


def _placeholders(graph: Any) -> list[str]:
    return [operation.outputs[0].name for operation in graph.get_operations() if operation.type in _PLACEHOLDERS]


def _last_tensors(graph: Any) -> list[str]:
    """Tensors of nodes that no other node takes a tensor of."""
    return [
        tensor.name
        for operation in graph.get_operations()
        if operation.type not in (*_PLACEHOLDERS, "Const")
        and not any(tensor.consumers() for tensor in operation.outputs)
        for tensor in operation.outputs
    ]


def _listed(names: list[str]) -> str:
    more = f" and {len(names) - _MOST_NAMES} more" if len(names) > _MOST_NAMES else ""
    return ", ".join(names[:_MOST_NAMES]) + more or "none"


def _require_complete(graph_def: Any, what: str, inputs: Iterable[str], outputs: Iterable[str]) -> None:
    """Refuse outputs that need variables, or placeholders that are not among the inputs."""
    needed = _needed(graph_def, {node_of(name) for name in inputs}, [node_of(name) for name in outputs])
    variables = [node.name for node in needed if node.op in _VARIABLES]
    if variables:
        raise ModelError(
            f"{what}: expected a frozen graph, in which weights are constants, found variables without values: "
            f"{_listed(variables)}. Freeze it with tf.compat.v1.graph_util.convert_variables_to_constants, or convert "
            "the SavedModel that holds their values."
        )
    missing = [f"{node.name}:0" for node in needed if node.op in ("Placeholder", "PlaceholderV2")]
    if missing:
        raise InvalidArgumentError(
            f"inputs: expected all placeholders that the outputs need, found others: {_listed(missing)}. "
            "Add them to inputs."
        )


def _needed(graph_def: Any, inputs: set[str], outputs: list[str]) -> list[Any]:
    """The nodes that compute ``outputs`` from ``inputs``, without these."""
    nodes = {node.name: node for node in graph_def.node}
    found: dict[str, Any] = {}
    while outputs:
        name = outputs.pop()
        if name not in found and name not in inputs:
            found[name] = nodes[name]
            outputs.extend(node_of(tensor) for tensor in nodes[name].input)
    return [node for node in graph_def.node if node.name in found]


def _tensor(graph: Any, name: str, argument: str) -> Any:
    operations = {operation.name: operation for operation in graph.get_operations()}
    operation = operations.get(node_of(name))
    if operation is None or index_of(name) >= len(operation.outputs):
        raise InvalidArgumentError(
            f"{argument}: expected names of tensors in the graph, found {name!r}. "
            f"Its placeholders are: {_listed(_placeholders(graph))}. "
            f"Its tensors without consumers are: {_listed(_last_tensors(graph))}."
        )
    return operation.outputs[index_of(name)]


def _describe(info: Any, tensor: Any) -> None:
    info.name = tensor.name
    info.dtype = tensor.dtype.base_dtype.as_datatype_enum
    info.tensor_shape.CopyFrom(tensor.shape.as_proto())
