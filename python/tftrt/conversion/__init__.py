"""Conversion of TensorFlow models with TF-TRT, on any machine: no GPU and no TensorRT needed.

Importing this package does not import TensorFlow; calling :func:`convert` does.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from os import PathLike
from typing import Any

from .options import DEFAULT_WORKSPACE_BYTES, Options
from .quiet import prepare_log_level
from .report import ConversionReport, Engine, OutsideOp, Share, Sizes

__all__ = ["ConversionReport", "Engine", "OutsideOp", "Share", "Sizes", "convert"]


def convert(
    source: Any,
    destination: str | PathLike[str],
    *,
    precision: str = "FP32",
    signatures: Sequence[str] | None = None,
    tags: Sequence[str] = ("serve",),
    inputs: Sequence[str] | Mapping[str, str] | None = None,
    outputs: Sequence[str] | Mapping[str, str] | None = None,
    minimum_segment_size: int = 3,
    max_workspace_size_bytes: int = DEFAULT_WORKSPACE_BYTES,
    maximum_cached_engines: int = 1,
    maximum_engines: int = 20,
    dynamic_shapes: bool = True,
    profile_strategy: str = "Range",
    use_calibration: bool = True,
    op_denylist: Sequence[str] = (),
    data_format: str = "keep",
    op_libraries: Sequence[str | PathLike[str]] = (),
    overwrite: bool = False,
    progress: Callable[[str, float], None] | None = None,
) -> ConversionReport:
    """Convert ``source`` with TF-TRT and write the result to the directory ``destination``.

    The parts of the model that TensorRT can run become ``TRTEngineOp`` nodes, each with the TensorFlow
    function that it replaces; engines are built later, on the GPU that will run them. The result is the same
    on every machine.

    Args:
        source: A SavedModel directory, a Keras ``.keras`` or ``.h5`` file, a frozen GraphDef ``.pb`` file
            (with ``inputs`` and ``outputs``), or in memory a ``tf.Module``, ``keras.Model`` or
            ``ConcreteFunction``.
        destination: The SavedModel directory to write. Its parent must exist.
        precision: ``"FP32"``, ``"FP16"`` or ``"INT8"``: what engines may compute in. Native segments, and
            everything outside the engines, always compute what the original model computes.
        signatures: Names of the signatures to convert and keep; all callable ones by default.
        tags: The tag set of the SavedModel's MetaGraph.
        inputs: For a GraphDef, its input tensors: names like ``"x:0"``, or ``{"signature name": "x:0"}``.
        outputs: For a GraphDef, its output tensors, as for ``inputs``.
        minimum_segment_size: The fewest nodes that make an engine, at least 1.
        max_workspace_size_bytes: Bytes of GPU memory that an engine's layers may use as scratch space.
        maximum_cached_engines: Engines kept for one segment, for different input shapes, at least 1.
        maximum_engines: The most engines in one signature; the largest segments win. 0 means no limit.
        dynamic_shapes: Engines with shape profiles (explicit batch). False: TF-TRT's implicit batch mode.
        profile_strategy: ``"Range"``, ``"Optimal"``, ``"Range+Optimal"`` or
            ``"ImplicitBatchModeCompatible"``; used with ``dynamic_shapes``.
        use_calibration: For INT8, whether engines are calibrated with data (else the model has its own
            ranges).
        op_denylist: Op types that never go into an engine.
        data_format: ``"keep"``, or ``"NCHW"`` to rewrite convolutions to channels first. On a CPU
            such a model runs through tftrt, which turns it back, but not in TensorFlow itself.
        op_libraries: Shared libraries with custom ops, loaded first.
        overwrite: Whether an existing ``destination`` is replaced (after the conversion succeeded).
        progress: Called with a phase and the fraction done, from 0 to 1.

    Returns:
        What was converted, what was not and why. ``print(report)`` shows it as a table.

    Raises:
        InvalidArgumentError: An argument is wrong.
        ModelError: ``source`` does not exist, or is not a valid model.
        IncompatibleError: The installed TensorFlow has no TF-TRT.
        UnsupportedError: The model cannot be converted, for example because the result would pass protobuf's
            2 GB limit.
        InternalError: TensorFlow failed in the conversion.
    """
    options = Options(
        precision=precision,
        signatures=signatures,
        tags=tags,
        inputs=inputs,
        outputs=outputs,
        minimum_segment_size=minimum_segment_size,
        max_workspace_size_bytes=max_workspace_size_bytes,
        maximum_cached_engines=maximum_cached_engines,
        maximum_engines=maximum_engines,
        dynamic_shapes=dynamic_shapes,
        profile_strategy=profile_strategy,
        use_calibration=use_calibration,
        op_denylist=op_denylist,
        data_format=data_format,
        op_libraries=op_libraries,
    )
    prepare_log_level()
    from .pipeline import run

    return run(source, destination, options, overwrite=overwrite, progress=progress)
