"""Building the engines of a converted model, on the GPU that will run it.

Importing this package imports neither TensorFlow nor anything of the GPU; the work is done in a process of its own.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from os import PathLike
from typing import Any, Union

from .options import read_options
from .report import BuildReport, BuiltEngine

__all__ = ["BuildReport", "BuiltEngine", "build", "calibration_table"]

_Path = Union[str, "PathLike[str]"]
_Shape = Sequence[int]
_ShapeSet = Union[Mapping[str, _Shape], _Shape]
_Data = Union[_Path, Sequence[_Path], Iterable[Any], Callable[[], Iterable[Any]]]


def build(
    path: _Path,
    *,
    shapes: _ShapeSet | Sequence[_ShapeSet] | None = None,
    min_shapes: _ShapeSet | None = None,
    opt_shapes: _ShapeSet | None = None,
    max_shapes: _ShapeSet | None = None,
    data: _Data | None = None,
    calibration: _Data | None = None,
    calibration_table: _Path | None = None,
    output: _Path | None = None,
    overwrite: bool = False,
    signatures: Sequence[str] | None = None,
    profile_strategy: str | None = None,
    max_workspace_size_bytes: int | None = None,
    optimization_level: int | None = None,
    keep: bool = False,
    timing_cache: _Path | bool | None = None,
    plan_cache: _Path | bool | None = None,
    device: str = "gpu:0",
    progress: Callable[[str, float], None] | None = None,
) -> BuildReport:
    """Build the TensorRT engines of a converted model and store them in it.

    Takes minutes. If it fails or is interrupted, the model stays as it was. The shapes of ``shapes`` and ``data``
    become profiles by the strategy: ``"Range"`` makes one profile from the smallest to the largest; ``"Optimal"``
    one for each. With neither these nor ``min_shapes`` and ``max_shapes``, the model's own shapes are taken if they
    are fixed, else those of the build before (``keep``) or of the calibration batches.

    Args:
        path: A model that :func:`tftrt.convert` wrote.
        shapes: Shapes to build for: ``{"image": (1, 224, 224, 3)}``, or a list of such sets. For an only input, the
            shape alone.
        min_shapes: With ``max_shapes``: one profile more, for all shapes between the two.
        opt_shapes: The shapes that this profile is fastest at (default: ``max_shapes``).
        max_shapes: See ``min_shapes``.
        data: Sample inputs whose shapes are to be built for: paths of ``.npy`` and ``.npz`` files (one batch each),
            ``"module:function"``, a function, or an iterable. A batch is a dict of arrays by input name, or an array,
            or a tuple of arrays in the order of the inputs' names.
        calibration: INT8: batches of real inputs, as for ``data``, all of one shape.
        calibration_table: INT8, instead of calibration: a file that ``tftrt build --export-calibration`` wrote.
        output: The SavedModel directory to write. None: the model itself is replaced, once all has succeeded.
        overwrite: Whether an existing ``output`` is replaced.
        signatures: Names of the signatures to build for; by default all that have engines. Shapes and data are for
            each of them that has exactly these inputs.
        profile_strategy: ``"Range"``, ``"Optimal"``, ``"Range+Optimal"`` or ``"ImplicitBatchModeCompatible"``
            (default: the conversion's).
        max_workspace_size_bytes: Bytes of GPU memory that a layer may use as scratch space (default: the conversion's).
        optimization_level: How long TensorRT looks for fast kernels, from 0 (takes the first that works) to 5; default:
            TensorRT's own choice, 3. Lower levels build faster; their engines may be slower.
        keep: Whether the shapes of the build that is in the model are built for as well.
        timing_cache: Directory for TensorRT's measurements, which make the next build faster. None:
            ``TFTRT_TIMING_CACHE``, else ``~/.cache/tftrt/timing``. False: no cache.
        plan_cache: Directory of engines that were built before, up to 8 GiB. One is taken from there, instead of being
            built, if its segment, shapes and options are the same, and GPU model, driver and versions. None:
            ``TFTRT_PLAN_CACHE``, else ``~/.cache/tftrt/plan``. False: no cache.
        device: The GPU, ``"gpu:N"``.
        progress: Called with a phase and the fraction done, from 0 to 1; at least each second while engines are built.

    Returns:
        What was built. ``print(report)`` shows it.

    Raises:
        InvalidArgumentError: An argument is wrong, or shapes do not fit the model.
        ModelError: The model does not exist, or does not match its manifest.
        UnsupportedError: tftrt did not convert it.
        IncompatibleError: There is no GPU or no TensorRT.
        InternalError: TensorRT could not build an engine.

    Source: python/tftrt/building/pipeline.py
    """
    options = read_options(
        shapes=shapes,
        min_shapes=min_shapes,
        opt_shapes=opt_shapes,
        max_shapes=max_shapes,
        data=data,
        calibration=calibration,
        calibration_table=calibration_table,
        output=output,
        overwrite=overwrite,
        signatures=signatures,
        profile_strategy=profile_strategy,
        max_workspace_size_bytes=max_workspace_size_bytes,
        optimization_level=optimization_level,
        keep=keep,
        timing_cache=timing_cache,
        plan_cache=plan_cache,
        device=device,
    )
    from .pipeline import run

    return run(path, options, progress)


def calibration_table(path: _Path) -> dict[str, str]:
    """Read the INT8 calibration tables of a model with engines.

    Args:
        path: A converted model.

    Returns:
        The tables by engine; empty if nothing was calibrated.

    Raises:
        ModelError: The model does not exist, or does not match its manifest.
        UnsupportedError: tftrt did not convert it.

    Source: python/tftrt/building/model.py
    """
    from .model import read_manifest

    manifest, _ = read_manifest(path)
    return dict(manifest.get("calibration_tables", {}))
