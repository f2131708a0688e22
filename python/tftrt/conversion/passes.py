"""TensorFlow's graph optimiser (Grappler): inlining, layout and the TF-TRT pass."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import tensorflow as tf
from tensorflow.core.protobuf import config_pb2, device_properties_pb2, meta_graph_pb2, rewriter_config_pb2
from tensorflow.python.compiler.tensorrt import trt_convert
from tensorflow.python.grappler import cluster as grappler_cluster
from tensorflow.python.grappler import tf_optimizer

from ..errors import InternalError
from .graphs import bodies, clear_devices
from .options import Options

_HIDES_BODY = ("api_implements", "_noinline", "_XlaMustCompile")


def inline_functions(graph: Any, fetches: Iterable[str]) -> Any:
    """Replace function calls in the main graph by the functions' bodies, and lower marked While and If ops.

    Functions marked for XLA, as not to be inlined or as having other implementations are inlined too: TF-TRT
    sees only what is in the main graph.
    """
    for function in graph.library.function:
        for attr in _HIDES_BODY:
            function.attr.pop(attr, None)
    for nodes in bodies(graph):
        for node in nodes:
            for attr in _HIDES_BODY:
                node.attr.pop(attr, None)
    rewriter = rewriter_config_pb2.RewriterConfig(optimizers=["function"])
    return _optimize(graph, fetches, rewriter, _CPU)


def fold_constants(graph: Any, fetches: Iterable[str]) -> Any:
    """Fold the graph's own constants as TensorFlow does at run time; meant for a graph with its variables."""
    rewriter = rewriter_config_pb2.RewriterConfig(optimizers=["constfold", "dependency"])
    rewriter.experimental_disable_folding_quantization_emulation = True
    return _optimize(graph, fetches, rewriter, _CPU)


def to_channels_first(graph: Any, fetches: Iterable[str]) -> Any:
    """Rewrite convolutions and what surrounds them to NCHW, as Grappler does for a GPU."""
    for node in graph.node:
        node.device = _GPU[-1].name
    rewriter = rewriter_config_pb2.RewriterConfig(optimizers=["layout"])
    result = _optimize(graph, fetches, rewriter, _GPU)
    clear_devices(result)
    return result


def tensorrt(graph: Any, fetches: Iterable[str], options: Options) -> tuple[Any, dict[str, dict[str, int]]]:
    """Run TF-TRT's pass.

    The pass always runs as FP32 where FP16 was asked for, which makes the same segments: its FP16 mode also
    routes every cast to float in the whole graph through half. The caller sets the engines' precision.

    Returns:
        The graph, and for each op type the reasons why nodes stayed outside, with their number.

    Raises:
        InternalError: The pass failed.
    """
    parameters = trt_convert.TrtConversionParams(
        max_workspace_size_bytes=options.max_workspace_size_bytes,
        precision_mode="INT8" if options.precision == "INT8" else "FP32",
        minimum_segment_size=options.minimum_segment_size,
        maximum_cached_engines=options.maximum_cached_engines,
        use_calibration=options.use_calibration and options.precision == "INT8",
        allow_build_at_runtime=True,
    )
    rewriter = trt_convert._get_tensorrt_rewriter_config(
        parameters,
        is_dynamic_op=True,
        is_v2=True,
        use_implicit_batch=not options.dynamic_shapes,
        profile_strategy=options.profile_strategy,
    )
    # Folding has been done, exactly; this would treat weights as constants to merge with others.
    rewriter.optimizers[:] = [name for name in rewriter.optimizers if name not in ("layout", "constfold")]
    (fold,) = (entry for entry in rewriter.custom_optimizers if entry.name == "constfold")
    rewriter.custom_optimizers.remove(fold)
    rewriter.experimental_disable_folding_quantization_emulation = True
    with TemporaryDirectory(prefix="tftrt-report-") as directory:
        report = Path(directory) / "report.csv"
        environment = {
            "TF_TRT_SHOW_DETAILED_REPORT": str(report),
            "TF_TRT_OP_DENYLIST": ",".join(options.op_denylist),
            "TF_TRT_MAX_ALLOWED_ENGINES": str(options.maximum_engines),
            "TF_TRT_OP_FAKELIST": "",
        }
        with _environment(environment):
            result = _optimize(graph, fetches, rewriter, _CPU)
        reasons = _read_reasons(report)
    clear_devices(result)
    return result, reasons


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


def _optimize(graph: Any, fetches: Iterable[str], rewriter: Any, devices: Iterable[Any]) -> Any:
    rewriter.min_graph_nodes = -1
    rewriter.meta_optimizer_timeout_ms = -1
    rewriter.meta_optimizer_iterations = rewriter_config_pb2.RewriterConfig.ONE
    rewriter.fail_on_optimizer_errors = True
    config = config_pb2.ConfigProto()
    config.graph_options.rewrite_options.CopyFrom(rewriter)
    meta = meta_graph_pb2.MetaGraphDef(graph_def=graph)
    meta.collection_def["train_op"].node_list.value.extend(fetches)
    cluster = grappler_cluster.Cluster(devices=list(devices))
    try:
        return tf_optimizer.OptimizeGraph(config, meta, verbose=False, graph_id=b"tf_graph", cluster=cluster)
    except (tf.errors.OpError, ValueError, RuntimeError) as error:
        raise InternalError(
            f"expected TensorFlow's graph optimiser to accept the model, found: {error} "
            "Set TFTRT_LOG_LEVEL=0 to see TensorFlow's log, and report it with the model if you can."
        ) from error
    finally:
        cluster.Shutdown()


@contextmanager
def _environment(values: dict[str, str]) -> Iterator[None]:
    """TF-TRT takes these settings from the environment only."""
    saved = {name: os.environ.get(name) for name in values}
    os.environ.update(values)
    try:
        yield
    finally:
        for name, value in saved.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value


def _read_reasons(report: Path) -> dict[str, dict[str, int]]:
    """Read TF-TRT's report: a heading, then ``op|reason|count``; a reason may hold bars and line breaks."""
    reasons: dict[str, dict[str, int]] = {}
    if not report.exists():
        return reasons
    entry = ""
    for line in report.read_text(encoding="utf-8", errors="replace").splitlines()[1:]:
        entry = f"{entry} {line}".strip()
        op, _, rest = entry.partition("|")
        reason, _, count = rest.rpartition("|")
        if reason and count.isdigit():
            reasons.setdefault(op, {})[reason] = int(count)
            entry = ""
    return reasons
