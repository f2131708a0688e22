"""The public :func:`convert`: conversion of a model with TF-TRT, and the building of its engines where asked for.

Importing this module does not import TensorFlow; calling :func:`convert` does.
"""

from __future__ import annotations

import inspect
import json
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from os import PathLike
from pathlib import Path
from typing import Any, Union

from . import _native
from .batches.data import open_sources, read_batches
from .batches.spool import Spool
from .building import build as build_engines
from .conversion import ConversionReport
from .conversion.options import DEFAULT_WORKSPACE_BYTES, Options
from .conversion.output import check_destination, staging
from .conversion.process import GiveBatches, run
from .errors import IncompatibleError, InvalidArgumentError
from .manifest import MANIFEST_PATH
from .model import inspect as inspect_model

__all__ = ["convert"]

Batches = Union[str, "PathLike[str]", Sequence[Union[str, "PathLike[str]"]], Iterable[Any], Callable[[], Iterable[Any]]]

# Of the time that converting and building take together: TensorRT takes most of it.
_CONVERSION_SHARE = 0.2


def convert(
    source: Any,
    destination: str | PathLike[str],
    *,
    precision: str = "FP32",
    signatures: Sequence[str] | None = None,
    tags: str | Sequence[str] = ("serve",),
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
    strip_asserts: bool = False,
    overwrite: bool = False,
    verify: bool | Batches = True,
    build: bool | Mapping[str, Any] = False,
    progress: Callable[[str, float], None] | None = None,
) -> ConversionReport:
    """Convert ``source`` with TF-TRT and write the result to the directory ``destination``.

    The parts of the model that TensorRT can run become ``TRTEngineOp`` nodes, each with the TensorFlow
    function that it replaces. A build makes their engines later, on the GPU that will run them. The result is the same
    on every machine.

    Args:
        source: A SavedModel directory, a Keras ``.keras`` or ``.h5`` file, a frozen GraphDef ``.pb`` or
            ``.pbtxt`` file (with ``inputs`` and ``outputs``), or in memory a ``tf.Module``, ``keras.Model``,
            ``ConcreteFunction`` or ``tf.compat.v1.GraphDef`` (likewise).
        destination: The SavedModel directory to write. Its parent must exist.
        precision: ``"FP32"``, ``"FP16"`` or ``"INT8"``: the precision that engines may compute in. Native segments, and
            everything outside the engines, always compute in the precision of the original model.
        signatures: Names of the signatures to convert and keep; all callable ones by default.
        tags: The tag set of the SavedModel's MetaGraph, as a sequence or as in ``"serve,gpu"``.
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
        strip_asserts: Whether asserts, numeric checks and prints are removed. They keep nodes around them out of
            engines, and each output waits for them.
        overwrite: Whether an existing ``destination`` is replaced (after the conversion succeeded).
        verify: Whether each signature is called once, in the source and in the result, and its outputs are compared
            before the result is put in place. True makes inputs up; a signature whose source fails on them is named
            in ``report.checks``. Or the inputs, as for ``data`` of :func:`tftrt.verify`. The result is loaded in any
            case.
        build: Whether engines are built too, on this machine's GPU: True, or the arguments of ``tftrt.build``.
            If building fails, nothing is written.
        progress: Called with a phase and the fraction done, from 0 to 1.

    Returns:
        A report on the converted ops, and on the others with reasons. ``print(report)`` shows it as a table.

    Raises:
        InvalidArgumentError: An argument is wrong.
        ModelError: ``source`` does not exist, or is not a valid model.
        IncompatibleError: The installed TensorFlow has no TF-TRT, or there is no GPU to build on.
        UnsupportedError: The model cannot be converted, for example because the result would pass protobuf's
            2 GB limit.
        InternalError: TensorFlow failed in the conversion, or TensorRT in the building; or the result did not compute
            the values of ``source``. Nothing was written then.
        ResourceExhaustedError: The memory or the disk is not enough.

    A process of its own converts. It serves further conversions, and ends after 30 s without one. One conversion runs
    at a time; calls of other threads wait.

    Source: python/tftrt/converter.py, python/tftrt/conversion/process.py
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
        strip_asserts=strip_asserts,
    )
    checks = verify if isinstance(verify, bool) else _reader(verify, options)
    if build is not False:
        return _convert_and_build(source, Path(destination), options, build, overwrite, progress, checks)
    return run(source, destination, options, overwrite=overwrite, progress=progress, verify=checks)


def _reader(verify: Any, options: Options) -> GiveBatches:
    """Check the argument; the result reads the batches once the signatures are known."""
    sources = open_sources("verify", verify)

    def give(model: Path, folder: Path, signatures: Sequence[str]) -> list[tuple[str, str]]:
        found = [spec for spec in inspect_model(model, options.tags).signatures if spec.name in signatures]
        spool = Spool(folder)
        return [(name, str(spool.write(arrays))) for _, name, arrays in read_batches("verify", sources, found)]

    return give


def _convert_and_build(
    source: Any,
    target: Path,
    options: Options,
    build: bool | Mapping[str, Any],
    overwrite: bool,
    progress: Callable[[str, float], None] | None,
    verify: bool | GiveBatches,
) -> ConversionReport:
    arguments = _build_arguments(build)
    on_disk = isinstance(source, (str, PathLike))
    check_destination(target, Path(source) if on_disk else None, overwrite=overwrite)
    with staging(target) as directory:
        share = _part(progress, 0.0, _CONVERSION_SHARE)
        report = run(source, directory, options, overwrite=True, progress=share, verify=verify)
        start = time.perf_counter()
        build_engines(directory, progress=_part(progress, _CONVERSION_SHARE, 1.0), **arguments)
        manifest = json.loads((directory / MANIFEST_PATH).read_text(encoding="utf-8"))
    report.destination = str(target)
    plans = {engine["name"]: engine["plan"] for engine in manifest["engines"]}
    for engine in report.engines:
        engine.plan = plans[engine.name]
    report.seconds["build"] = round(time.perf_counter() - start, 3)
    report.seconds["total"] = round(report.seconds["total"] + report.seconds["build"], 3)
    return report


def _build_arguments(build: bool | Mapping[str, Any]) -> dict[str, Any]:
    """Find wrong arguments before the conversion's work is done."""
    if build is not True and not isinstance(build, Mapping):
        raise InvalidArgumentError(
            f"build: expected True, False or a dict of tftrt.build's arguments, found {build!r}."
        )
    arguments = {} if build is True else dict(build)
    for name in ("output", "overwrite", "progress"):
        if name in arguments:
            raise InvalidArgumentError(f"build: expected no {name!r}, which is the conversion's. Leave it out.")
    try:
        inspect.signature(build_engines).bind("", **arguments)
    except TypeError as error:
        raise InvalidArgumentError(f"build: expected arguments of tftrt.build, found: {error}.") from error
    if not _native.inspect_environment().gpus:
        raise IncompatibleError(
            "build: expected a GPU, found none that can be seen (tftrt doctor says why). Convert without build here, "
            "and run tftrt build where the GPU is."
        )
    return arguments


def _part(
    progress: Callable[[str, float], None] | None, start: float, end: float
) -> Callable[[str, float], None] | None:
    """Progress of a part of the work as progress of all of it."""
    if progress is None:
        return None
    return lambda phase, done: progress(phase, start + (end - start) * done)
