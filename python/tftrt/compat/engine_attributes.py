"""Changing attributes of the engines in a converted SavedModel that is not published yet."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from ..manifest import MANIFEST_PATH, write_manifest


def edit_engines(directory: Path, edit: Callable[[Any], None]) -> None:
    """Call ``edit`` with every TRTEngineOp node of the model, and write the model and its manifest again."""
    from tensorflow.core.protobuf import saved_model_pb2

    path = directory / "saved_model.pb"
    model = saved_model_pb2.SavedModel()
    model.ParseFromString(path.read_bytes())
    for meta in model.meta_graphs:
        for_each_engine(meta.graph_def, edit)
    path.write_bytes(model.SerializeToString(deterministic=True))
    manifest = json.loads((directory / MANIFEST_PATH).read_text(encoding="utf-8"))
    for written_anew in ("format_version", "manifest_sha256", "files"):
        del manifest[written_anew]
    write_manifest(directory, manifest)


def for_each_engine(graph: Any, edit: Callable[[Any], None]) -> None:
    """Call ``edit`` with every TRTEngineOp node of a GraphDef and of its functions."""
    for nodes in (graph.node, *(function.node_def for function in graph.library.function)):
        for node in nodes:
            if node.op == "TRTEngineOp":
                edit(node)


def set_calibration(node: Any, tables: dict[str, str]) -> None:
    """Give an engine its calibration table, if it has one; engines go by the last part of the node's name."""
    table = tables.get(node.name.rpartition("/")[2])
    if table is not None:
        node.attr["calibration_data"].s = table.encode()


def forbid_building(node: Any) -> None:
    """Let stock TensorFlow run the native segment where an engine is missing."""
    node.attr["_allow_build_at_runtime"].b = False
