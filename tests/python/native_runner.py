"""Runs converted models in plain TensorFlow: every engine becomes a call of its native segment.

TensorFlow has no CPU kernel for TRTEngineOp. The rewritten model computes what the native segments compute,
and goes through TensorFlow's own loaders.
"""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np


def read_graph(directory: str | Path) -> Any:
    """The MetaGraphDef of a SavedModel with one MetaGraph."""
    from tensorflow.core.protobuf import saved_model_pb2

    model = saved_model_pb2.SavedModel()
    model.ParseFromString((Path(directory) / "saved_model.pb").read_bytes())
    (meta,) = model.meta_graphs
    return meta


def without_engines(directory: str | Path, destination: str | Path) -> str:
    """Copy a converted SavedModel, with engines replaced by calls of their native segments."""
    from tensorflow.core.protobuf import saved_model_pb2

    shutil.copytree(directory, destination)
    path = Path(destination) / "saved_model.pb"
    model = saved_model_pb2.SavedModel()
    model.ParseFromString(path.read_bytes())
    graph = model.meta_graphs[0].graph_def
    for nodes in [graph.node, *(function.node_def for function in graph.library.function)]:
        for node in nodes:
            if node.op == "TRTEngineOp":
                old = {key: type(value).FromString(value.SerializeToString()) for key, value in node.attr.items()}
                node.op = "PartitionedCall"
                node.attr.clear()
                for new, key in (("f", "segment_func"), ("Tin", "InT"), ("Tout", "OutT")):
                    node.attr[new].CopyFrom(old[key])
    # TensorFlow inlines calls into loops without tying the function's constants to the loop's frame.
    for function in graph.library.function:
        if function.signature.name.endswith("_native_segment"):
            function.attr["_noinline"].b = True
    path.write_bytes(model.SerializeToString())
    return str(destination)


class SessionModel:
    """A SavedModel in a TF1 session, as the C++ runtime loads it; usable as a context manager."""

    def __init__(self, directory: str | Path, tags: tuple[str, ...] = ("serve",)) -> None:
        import tensorflow as tf

        self._graph = tf.Graph()
        config = tf.compat.v1.ConfigProto(device_count={"GPU": 0})
        self._session = tf.compat.v1.Session(graph=self._graph, config=config)
        with self._graph.as_default():
            # The public function warns that it is deprecated.
            from tensorflow.python.saved_model.loader_impl import SavedModelLoader

            self._meta = SavedModelLoader(str(directory)).load(self._session, list(tags))

    def __enter__(self) -> SessionModel:
        return self

    def __exit__(self, *_: object) -> None:
        self._session.close()

    def run(self, inputs: Mapping[str, Any] | None = None, signature: str = "serving_default") -> dict[str, np.ndarray]:
        """Call a signature."""
        definition = self._meta.signature_def[signature]
        feeds = {definition.inputs[key].name: value for key, value in (inputs or {}).items()}
        fetches = {key: info.name for key, info in definition.outputs.items()}
        return dict(self._session.run(fetches, feeds))
