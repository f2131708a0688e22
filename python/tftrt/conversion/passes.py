"""The passes of TensorFlow's graph optimiser (Grappler) that a conversion runs.

Grappler runs only the passes named here. After each, the invariants of :mod:`tftrt.conversion.invariants` are checked.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Any

import tensorflow as tf
from tensorflow.core.protobuf import config_pb2, device_properties_pb2, meta_graph_pb2, rewriter_config_pb2
from tensorflow.python.grappler import cluster as grappler_cluster
from tensorflow.python.grappler import tf_optimizer

from ..errors import InternalError, ModelError
from .causes import cause_of
from .effects import Effects, lowered_effects
from .graphs import bodies, clear_devices
from .invariants import find_broken, require
from .load import import_graph

_INLINING = "inlining"
_HIDES_BODY = ("api_implements", "_noinline", "_XlaMustCompile")


def inline_functions(graph: Any, fetches: Iterable[str], effects: Effects) -> tuple[Any, Effects]:
    """Replace function calls in the main graph by the functions' bodies, and lower marked While and If ops.

    Functions marked for XLA, as not to be inlined or as having other implementations are inlined too: TF-TRT
    sees the main graph alone.
    """
    for function in graph.library.function:
        for attr in _HIDES_BODY:
            function.attr.pop(attr, None)
    for nodes in bodies(graph):
        for node in nodes:
            for attr in _HIDES_BODY:
                node.attr.pop(attr, None)
    fetches = list(fetches)
    result = optimize(_INLINING, ["function"], graph, fetches, effects, check=False)
    effects = lowered_effects(result, effects)
    require(find_broken(result, [*fetches, *effects.names], effects), _INLINING)
    return result, effects


def strip_checks(graph: Any, fetches: Iterable[str]) -> Any:
    """Remove asserts, numeric checks and prints, in functions too."""
    return optimize("stripping", ["debug_stripper"], graph, fetches, Effects())


def fold_constants(graph: Any, fetches: Iterable[str], effects: Effects) -> Any:
    """Fold the graph's own constants as TensorFlow does at run time; meant for a graph with its variables.

    The Identities that inlining leaves between functions go first: TensorFlow's rewrites do not look through them.
    """
    return optimize("folding", ["dependency", "pruning", "constfold", "dependency"], graph, fetches, effects)


def tidy(graph: Any, fetches: Iterable[str], effects: Effects) -> Any:
    """Remove nodes that compute nothing, and those that compute the same as another."""
    passes = ["pruning", "dependency", "common_subgraph_elimination"]
    return optimize("tidying", passes, graph, fetches, effects)


def to_channels_first(graph: Any, fetches: Iterable[str], effects: Effects) -> tuple[Any, list[str]]:
    """Rewrite convolutions and their surroundings to NCHW, as Grappler does for a GPU.

    Returns:
        The graph, and sentences on the nodes that stay as they were.
    """
    left = [node for node in graph.node if _has_axis(node)]
    for node in graph.node:
        node.device = _GPU[-1].name
    for node in left:
        node.device = _CPU[0].name
    notes = []
    try:
        result = optimize("layout", ["layout"], graph, fetches, effects, devices=_GPU)
        import_graph(result, "the graph with channels first")
    except (InternalError, ModelError) as error:
        result = graph
        reason = " ".join(str(error.__cause__ or error).split())
        notes.append(f"data_format stays as it was: TensorFlow's layout pass cannot rewrite this graph: {reason[:200]}")
    else:
        types = Counter(node.op for node in left)
        notes += [
            f"{count} {op} nodes keep the data format: TensorFlow's layout pass rewrites such nodes wrongly"
            for op, count in sorted(types.items())
        ]
    clear_devices(result)
    return result, notes


def _has_axis(node: Any) -> bool:
    """Whether the layout pass would take a node for one that treats all elements of equal images alike."""
    return node.op == "SelectV2" or (
        node.op.startswith("QuantizeAndDequantize") and "axis" in node.attr and node.attr["axis"].i >= 0
    )


def optimize(
    step: str,
    optimizers: Sequence[str],
    graph: Any,
    fetches: Iterable[str],
    effects: Effects,
    *,
    devices: Iterable[Any] | None = None,
    custom: Any = None,
    check: bool = True,
) -> Any:
    """Run Grappler's passes ``optimizers`` and check the invariants.

    Args:
        step: Their purpose, for messages.
        optimizers: Grappler's names of the passes, in their order.
        graph: The GraphDef; it is not changed.
        fetches: Tensors or nodes that stay.
        effects: The effects of the signature; their NoOps stay.
        devices: The devices that Grappler knows; a CPU by default.
        custom: Another pass to run last, as a CustomGraphOptimizer.
        check: Whether the invariants are checked here. If not, the caller checks them.

    Raises:
        InternalError: A pass failed, or broke an invariant.
    """
    rewriter = rewriter_config_pb2.RewriterConfig(optimizers=optimizers)
    if custom is not None:
        rewriter.custom_optimizers.append(custom)
    rewriter.experimental_disable_folding_quantization_emulation = True
    rewriter.min_graph_nodes = -1
    rewriter.meta_optimizer_timeout_ms = -1
    rewriter.meta_optimizer_iterations = rewriter_config_pb2.RewriterConfig.ONE
    rewriter.fail_on_optimizer_errors = True
    config = config_pb2.ConfigProto()
    config.graph_options.rewrite_options.CopyFrom(rewriter)
    meta = meta_graph_pb2.MetaGraphDef(graph_def=graph)
    kept = [*fetches, *effects.names]
    meta.collection_def["train_op"].node_list.value.extend(kept)
    cluster = grappler_cluster.Cluster(devices=list(devices or _CPU))
    try:
        result = tf_optimizer.OptimizeGraph(config, meta, verbose=False, graph_id=b"tf_graph", cluster=cluster)
    except (tf.errors.OpError, ValueError, RuntimeError, MemoryError) as error:
        raise InternalError(
            f"{step}: expected TensorFlow's graph optimiser to accept the model, found: {cause_of(error)} "
            "Set TFTRT_LOG_LEVEL=0 to see TensorFlow's log, and report it with the model if you can."
        ) from error
    finally:
        cluster.Shutdown()
    if step != _INLINING:
        effects.repair(result)
    if check:
        require(find_broken(result, kept, effects), step)
    return result


def _device(kind: str) -> Any:
    device = device_properties_pb2.NamedDevice(name=f"/job:localhost/replica:0/task:0/device:{kind}:0")
    device.properties.type = kind
    device.properties.num_cores = 1
    device.properties.frequency = 1000
    if kind == "GPU":
        # Grappler prefers channels last for GPUs with tensor cores.
        device.properties.environment["architecture"] = "6.0"
    return device


# Devices that Grappler is told of, whatever the machine has: the result must not depend on the machine.
_CPU = (_device("CPU"),)
_GPU = (_device("CPU"), _device("GPU"))
