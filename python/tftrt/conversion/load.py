"""Reading a SavedModel's graph and its variables' values, without its Python objects."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import tensorflow as tf
from google.protobuf import text_format
from google.protobuf.message import DecodeError
from tensorflow.core.protobuf import meta_graph_pb2, saved_model_pb2
from tensorflow.python.framework import op_def_registry

from ..errors import InvalidArgumentError, ModelError, UnsupportedError
from .captured import restore_captured
from .causes import cause_of
from .effects import name_effects
from .graphs import (
    add_default_attributes,
    bodies,
    clear_colocation,
    clear_devices,
    is_handle,
    node_of,
    prune,
    tensor_names,
)
from .interface import complete_tensors

_INIT_SIGNATURE = "__saved_model_init_op"
_ASSET_COLLECTION = "saved_model_assets"
_INIT_COLLECTIONS = ("saved_model_main_op", "legacy_init_op")


@dataclass
class LoadedModel:
    """A MetaGraph, reduced to what its chosen signatures need.

    Attributes:
        directory: The SavedModel.
        meta: The source's MetaGraphDef, with the pruned graph: no devices, every resource with a shared name.
        signatures: Names of the signatures to convert, in their order in the model.
        init: Name of the node that initialises tables, or "".
        assets: ``(tensor name, path)`` of each asset.
    """

    directory: Path
    meta: Any
    signatures: list[str]
    init: str
    assets: list[tuple[str, str]] = field(default_factory=list)

    @property
    def graph(self) -> Any:
        """The GraphDef."""
        return self.meta.graph_def


def load_model(directory: Path, tags: Sequence[str], signatures: Sequence[str] | None) -> LoadedModel:
    """Read a SavedModel and check that it can be converted.

    Raises:
        InvalidArgumentError: The tag set or a signature does not exist; the message lists those that do.
        ModelError: The file is corrupt.
        UnsupportedError: The model was converted before, or uses an op that is not registered.
    """
    meta = _meta_graph(directory, tags)
    names = _choose(meta, signatures, directory)
    complete_tensors(meta, names)
    init = _init_node(meta)
    assets = _assets(meta, directory)
    roots = {node_of(tensor) for tensor, _ in assets}
    for name in names:
        signature = meta.signature_def[name]
        for info in [*signature.inputs.values(), *signature.outputs.values()]:
            roots.update(node_of(tensor) for tensor in tensor_names(info))
    if init:
        roots.add(init)
    try:
        restore_captured(meta, directory, roots)
        for name in (meta.saver_def.restore_op_name, meta.saver_def.filename_tensor_name):
            if name:
                roots.add(node_of(name))
        pruned = prune(meta.graph_def, roots)
    except KeyError as error:
        raise ModelError(
            f"{directory}: expected a complete graph, found a reference to {error}, which is missing."
        ) from error
    meta.graph_def.CopyFrom(pruned)
    _refuse(meta.graph_def, directory)
    clear_devices(meta.graph_def)
    clear_colocation(meta.graph_def)
    add_default_attributes(meta.graph_def)
    _name_resources(meta.graph_def)
    name_effects(meta.graph_def)
    return LoadedModel(directory, meta, names, init, assets)


def import_graph(graph_def: Any, what: str) -> Any:
    """Import a GraphDef into a new tf.Graph.

    Raises:
        ModelError: TensorFlow finds the graph invalid.
    """
    graph = tf.Graph()
    try:
        with graph.as_default():
            tf.graph_util.import_graph_def(graph_def, name="")
    except (ValueError, TypeError, KeyError, tf.errors.OpError) as error:
        raise ModelError(f"{what}: expected a valid graph, found: {cause_of(error)}") from error
    return graph


@contextmanager
def cpu_session(graph: Any) -> Iterator[Any]:
    """A session that sees no GPU and optimises nothing."""
    config = tf.compat.v1.ConfigProto(device_count={"GPU": 0}, allow_soft_placement=True)
    config.graph_options.rewrite_options.disable_meta_optimizer = True
    session = tf.compat.v1.Session(graph=graph, config=config)
    try:
        yield session
    finally:
        session.close()


def restore(model: LoadedModel, session: Any) -> None:
    """Restore the variables of ``model`` from its checkpoint, if it has one.

    Raises:
        ModelError: The checkpoint is missing or corrupt.
    """
    saver = model.meta.saver_def
    prefix = model.directory / "variables" / "variables"
    if not saver.restore_op_name or not prefix.with_suffix(".index").exists():
        return
    _run(
        session,
        saver.restore_op_name,
        {saver.filename_tensor_name: str(prefix)},
        model,
        "restore its variables",
    )


def initialise(model: LoadedModel, session: Any) -> None:
    """Run the model's init op: tables are filled, from assets too.

    Raises:
        ModelError: An asset is missing, or the init op fails.
    """
    if model.init:
        _run(session, model.init, dict(model.assets), model, "run its init op")


def _run(session: Any, operation: str, feeds: dict[str, str], model: LoadedModel, action: str) -> None:
    try:
        session.run(session.graph.get_operation_by_name(node_of(operation)), feeds)
    except tf.errors.OpError as error:
        raise ModelError(f"{model.directory}: cannot {action}: {cause_of(error)}") from error


def _meta_graph(directory: Path, tags: Sequence[str]) -> Any:
    model = saved_model_pb2.SavedModel()
    path = directory / "saved_model.pb"
    try:
        if path.is_file():
            model.ParseFromString(path.read_bytes())
        else:
            path = directory / "saved_model.pbtxt"
            text_format.Parse(path.read_text(encoding="utf-8"), model)
    except (DecodeError, text_format.ParseError, UnicodeDecodeError) as error:
        raise ModelError(
            f"{path}: expected a SavedModel, found a corrupt file ({error}). Export the model again."
        ) from error
    except OSError as error:
        raise ModelError(f"{path}: expected a readable file, found: {error}") from error
    found = []
    for meta in model.meta_graphs:
        if set(meta.meta_info_def.tags) == set(tags):
            return meta
        found.append("{" + ", ".join(map(repr, meta.meta_info_def.tags)) + "}")
    if not found:
        raise ModelError(f"{path}: expected at least one MetaGraph, found none. Export the model again.")
    wanted = "{" + ", ".join(map(repr, tags)) + "}"
    raise InvalidArgumentError(f"tags: expected one of the model's tag sets {', '.join(found)}, found {wanted}.")


def _choose(meta: Any, signatures: Sequence[str] | None, directory: Path) -> list[str]:
    callable_ones = [
        name
        for name in sorted(meta.signature_def)
        if not name.startswith("__saved_model_") and meta.signature_def[name].outputs
    ]
    if not callable_ones:
        raise ModelError(
            f"{directory}: expected a signature with outputs, found none. Export the model with signatures=..."
        )
    for name in signatures or ():
        if name not in callable_ones:
            raise InvalidArgumentError(
                f"signatures: expected names from {', '.join(map(repr, callable_ones))}, found {name!r}."
            )
    return [name for name in callable_ones if signatures is None or name in signatures]


def _init_node(meta: Any) -> str:
    if _INIT_SIGNATURE in meta.signature_def:
        for info in meta.signature_def[_INIT_SIGNATURE].outputs.values():
            return node_of(info.name)
    for collection in _INIT_COLLECTIONS:
        for name in meta.collection_def[collection].node_list.value if collection in meta.collection_def else ():
            return node_of(name)
    return ""


def _assets(meta: Any, directory: Path) -> list[tuple[str, str]]:
    """``(tensor name, path)`` of each asset; TensorFlow 1 lists them in a collection alone."""
    files = {asset.tensor_info.name: asset.filename for asset in meta.asset_file_def}
    known = {node.name for node in meta.graph_def.node}
    if _ASSET_COLLECTION in meta.collection_def:
        for packed in meta.collection_def[_ASSET_COLLECTION].any_list.value:
            asset = meta_graph_pb2.AssetFileDef()
            if packed.Unpack(asset) and node_of(asset.tensor_info.name) in known:
                files.setdefault(asset.tensor_info.name, asset.filename)
    return [(tensor, str(directory / "assets" / file)) for tensor, file in files.items()]


def _refuse(graph: Any, directory: Path) -> None:
    library = {function.signature.name for function in graph.library.function}
    unknown: set[str] = set()
    for nodes in bodies(graph):
        for node in nodes:
            if node.op == "TRTEngineOp":
                raise UnsupportedError(
                    f"{directory}: expected a model without TRTEngineOp nodes, found one that was converted "
                    "before. Convert the original model."
                )
            if node.op not in library and op_def_registry.get(node.op) is None:
                unknown.add(node.op)
    if unknown:
        names = ", ".join(sorted(unknown))
        raise UnsupportedError(
            f"{directory}: expected ops that TensorFlow {tf.__version__} knows, found {names}. "
            "Pass the libraries that define them as op_libraries=[...]."
        )


def _name_resources(graph: Any) -> None:
    """Give each resource of the main graph its default name, so that renamed nodes still find it."""
    for node in graph.node:
        if is_handle(node) and not node.attr["shared_name"].s:
            node.attr["shared_name"].s = node.name.encode()
