"""The part of a converted model that this machine has all kernels for."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tensorflow.core.protobuf import saved_model_pb2

from .graphs import node_of, tensor_names
from .kernel_needs import nodes_without_kernel

__all__ = ["loadable_part"]


@contextmanager
def loadable_part(result: Path) -> Iterator[tuple[Path, Any, dict[str, str]]]:
    """Leave out the outputs that need ops without a CPU kernel, for the time of a ``with`` block.

    Args:
        result: A converted SavedModel.

    Yields:
        The folder to load, its MetaGraphDef, and for each signature that lost outputs an op that these need. A
        signature that lost all of them is not in the MetaGraphDef.
    """
    model = saved_model_pb2.SavedModel()
    model.ParseFromString((result / "saved_model.pb").read_bytes())
    graph = model.meta_graphs[0]
    dropped = _drop_outputs(graph)
    if not dropped:
        yield result, graph, dropped
        return
    with tempfile.TemporaryDirectory(prefix="tftrt-check-") as folder:
        for entry in result.iterdir():
            # The manifest in assets.extra is about the whole model.
            if entry.name not in ("saved_model.pb", "assets.extra"):
                (Path(folder) / entry.name).symlink_to(entry.absolute())
        (Path(folder) / "saved_model.pb").write_bytes(model.SerializeToString())
        yield Path(folder), graph, dropped


def _drop_outputs(graph: Any) -> dict[str, str]:
    lacking = nodes_without_kernel(graph.graph_def)
    dropped: dict[str, str] = {}
    for name, definition in list(graph.signature_def.items()):
        for output, info in list(definition.outputs.items()):
            needed = [lacking[node] for node in map(node_of, tensor_names(info)) if node in lacking]
            if needed:
                dropped[name] = needed[0]
                del definition.outputs[output]
        if not definition.outputs:
            del graph.signature_def[name]
    return dropped
