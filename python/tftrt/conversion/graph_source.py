"""A frozen GraphDef file with named inputs and outputs, as a SavedModel."""

from __future__ import annotations

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


def write_saved_model(path: Path, directory: Path, options: Options) -> None:
    """Write a SavedModel with one signature, ``serving_default``, around the GraphDef in ``path``.

    Raises:
        InvalidArgumentError: ``inputs`` or ``outputs`` are missing, or name tensors that the graph does not
            have.
        ModelError: The file is not a GraphDef, or TensorFlow cannot read the graph.
    """
    if not isinstance(options.inputs, dict) or not isinstance(options.outputs, dict):
        raise InvalidArgumentError(
            f"{path}: expected inputs=[...] and outputs=[...] with a GraphDef file, found "
            f"{'no outputs' if options.inputs is not None else 'none'}. Name the tensors, for example "
            "inputs=['x:0'], outputs=['probabilities:0']."
        )
    graph_def = graph_pb2.GraphDef()
    try:
        if path.suffix.lower() == ".pbtxt":
            text_format.Parse(path.read_text(encoding="utf-8"), graph_def)
        else:
            graph_def.ParseFromString(path.read_bytes())
    except (DecodeError, text_format.ParseError, UnicodeDecodeError) as error:
        raise ModelError(f"{path}: expected a serialised GraphDef, found a file that is not one ({error}).") from error
    if not graph_def.node:
        raise ModelError(f"{path}: expected a GraphDef, found one without nodes, or another kind of file.")
    graph = import_graph(graph_def, str(path))
    model = saved_model_pb2.SavedModel(saved_model_schema_version=1)
    meta = model.meta_graphs.add()
    meta.meta_info_def.tags.extend(options.tags)
    meta.graph_def.CopyFrom(graph_def)
    signature = meta.signature_def["serving_default"]
    signature.method_name = "tensorflow/serving/predict"
    for argument, names, infos in (
        ("inputs", options.inputs, signature.inputs),
        ("outputs", options.outputs, signature.outputs),
    ):
        for key, name in names.items():
            _describe(infos[key], _tensor(graph, name, argument))
    directory.mkdir(parents=True)
    (directory / "saved_model.pb").write_bytes(model.SerializeToString())


def _tensor(graph: Any, name: str, argument: str) -> Any:
    operations = {operation.name: operation for operation in graph.get_operations()}
    operation = operations.get(node_of(name))
    if operation is None or index_of(name) >= len(operation.outputs):
        likely = [
            o.name for o in operations.values() if o.type == "Placeholder" or not any(t.consumers() for t in o.outputs)
        ]
        raise InvalidArgumentError(
            f"{argument}: expected names of tensors in the graph, found {name!r}. "
            f"Its placeholders and last nodes are: {', '.join(likely[:20])}."
        )
    return operation.outputs[index_of(name)]


def _describe(info: Any, tensor: Any) -> None:
    info.name = tensor.name
    info.dtype = tensor.dtype.base_dtype.as_datatype_enum
    info.tensor_shape.CopyFrom(tensor.shape.as_proto())
