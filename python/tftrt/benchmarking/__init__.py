"""Measuring models against each other and against the ways to run them without tftrt: :func:`bench`."""

from __future__ import annotations

import contextlib
import os
import tempfile
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, Union

import numpy as np

from .._arguments import split_tags
from .._native import TensorSpec
from .._samples import random_array, resolve_shape
from ..conversion.causes import cause_of
from ..errors import Error, InvalidArgumentError
from ..model import Model
from ..verification import find_signature
from .measure import MakeCall, measure
from .onnx_path import onnx_paths
from .paths import PATHS, Arrays, model_paths, split_paths
from .report import BenchReport, Measurement, describe_machine
from .sweep import convert_precisions
from .tensorflow_paths import tensorflow_paths
from .tensorrt_paths import tensorrt_paths

__all__ = ["PATHS", "BenchReport", "Measurement", "bench"]

_Path = Union[str, "os.PathLike[str]"]
_SPLIT_SECONDS = 1.0


def bench(
    model: _Path,
    against: Sequence[_Path] = (),
    *,
    batch: Sequence[int] = (1,),
    callers: Sequence[int] = (1,),
    duration: float = 5.0,
    warmup: float = 0.5,
    paths: Sequence[str] | None = None,
    shapes: dict[str, tuple[int, ...]] | None = None,
    unknown: int = 1,
    inputs: Sequence[Arrays] | None = None,
    onnx: _Path | None = None,
    precision_sweep: bool = False,
    seed: int = 0,
    progress: Callable[[str], None] | None = None,
    **options: Any,
) -> BenchReport:
    """Measure calls of a model: their latency, their throughput, and what they cost over the ways without tftrt.

    Paths of one model are measured in turn, in slices, so that what disturbs the machine disturbs all of them. A path
    that cannot be measured is in the report with the reason.

    Args:
        model: A SavedModel, converted or not.
        against: Others to measure on the same inputs, such as the one before conversion.
        batch: Sizes of the first dimension, where it is not fixed.
        callers: Numbers of threads that call at the same time, each as soon as its last call has returned. One gives
            the latency of synchronous calls, more give throughput.
        duration: Seconds of each measurement.
        warmup: Seconds of calls before it.
        paths: Names of :data:`PATHS` (default: all that can be measured).
        shapes: Shapes of inputs by name, instead of those that ``batch`` and ``unknown`` make.
        unknown: What the other dimensions that are not fixed become.
        inputs: Arrays by input name, one set for each of ``batch``, instead of made-up ones.
        onnx: An ONNX file of the same network, for ONNX Runtime.
        precision_sweep: Convert ``model``, which was not converted yet, to FP32, FP16 and INT8, build engines where
            there is a GPU (INT8 calibrated with the made-up inputs), and measure these too.
        seed: Of the made-up inputs.
        progress: Called with a line of what is being done.
        **options: Of :class:`tftrt.Model`, for all models; ``device`` is TensorFlow's as well.

    Returns:
        Figures with hardware and versions.

    Raises:
        InvalidArgumentError: An argument is out of range, or the models' signatures differ.
        Error: The model cannot be loaded.

    Source: python/tftrt/benchmarking/__init__.py
    """
    _check(batch, callers, duration, warmup, paths)
    say = progress or (lambda line: None)
    wanted = list(PATHS) if paths is None else list(paths)
    if inputs is None:
        specs = find_signature(os.fspath(model), options.get("signature"), options.get("tags", ("serve",))).inputs
        inputs = [_make_up(specs, size, shapes or {}, unknown, seed) for size in batch]
    elif len(inputs) != len(batch):
        raise InvalidArgumentError(f"inputs has {len(inputs)} sets of arrays; expected {len(batch)}, one a batch")
    batches = dict(zip(batch, inputs))
    settings = {
        "batch": list(batch),
        "callers": list(callers),
        "duration": duration,
        "warmup": warmup,
        "paths": wanted,
        "seed": seed,
        "options": options,
    }
    report = BenchReport({}, settings)
    with contextlib.ExitStack() as stack:
        models = [os.fspath(path) for path in (model, *against)]
        if precision_sweep:
            say("converting and building FP32, FP16 and INT8")
            folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="tftrt-bench-")))
            models += convert_precisions(model, folder, list(batches.values()), options)
        for path in models:
            for size, arrays in batches.items():
                with Model(path, **options) as loaded:
                    report.machine = report.machine or describe_machine(loaded.info.device)
                    say(f"{path}, batch {size}")
                    available, problems = _find_paths(loaded, path, arrays, wanted, onnx, options)
                    report.measurements += _measure_all(path, size, available, problems, callers, warmup, duration)
                    if {"bound", "bound-gpu"} <= set(available):
                        report.splits.append({"model": path, "batch": size, **_split(loaded, arrays)})
    return report


def _check(
    batch: Sequence[int], callers: Sequence[int], duration: float, warmup: float, paths: Sequence[str] | None
) -> None:
    for name, values in (("batch", batch), ("callers", callers)):
        if not values or any(value < 1 for value in values):
            raise InvalidArgumentError(f"{name} is {list(values)}; expected numbers from 1 on")
    if not duration > 0 or warmup < 0:
        raise InvalidArgumentError(f"duration is {duration} and warmup {warmup}; expected seconds, more than 0 and 0")
    for path in paths or ():
        if path not in PATHS:
            raise InvalidArgumentError(f"there is no path {path!r}; expected some of {', '.join(PATHS)}")


def _make_up(
    specs: Sequence[TensorSpec], batch: int, shapes: dict[str, tuple[int, ...]], unknown: int, seed: int
) -> Arrays:
    for name in shapes.keys() - {spec.name for spec in specs}:
        raise InvalidArgumentError(f"shapes: the model has no input {name!r}")
    generator = np.random.default_rng(seed)
    inputs = {}
    for spec in specs:
        if spec.default is not None and spec.name not in shapes:
            inputs[spec.name] = spec.default
            continue
        shape = resolve_shape(spec, shapes, unknown)
        if spec.name not in shapes and spec.shape and spec.shape[0] < 0:
            shape = (batch, *shape[1:])
        inputs[spec.name] = random_array(spec, shape, generator)
    return inputs


def _find_paths(
    model: Model, path: str, inputs: Arrays, wanted: Sequence[str], onnx: _Path | None, options: dict[str, Any]
) -> tuple[dict[str, MakeCall], dict[str, str]]:
    """What can be called, and why the rest cannot."""
    found: dict[str, MakeCall] = {}
    problems: dict[str, str] = {}
    model(inputs)

    def add(names: Sequence[str], make: Callable[[], dict[str, MakeCall]]) -> None:
        names = [name for name in names if name in wanted]
        if not names:
            return
        try:
            made = make()
        except Exception as error:  # of another package
            problems.update(dict.fromkeys(names, f"{type(error).__name__}: {cause_of(error)}"))
            return
        found.update({name: made[name] for name in names if name in made})

    add(("call", "bound", "bound-gpu"), lambda: model_paths(model, inputs))
    tags = tuple(split_tags(options.get("tags", ("serve",))))
    xla = model.info.engines == 0
    add(
        ("tensorflow", "xla"),
        lambda: tensorflow_paths(path, model.signature, tags, model.info.device, inputs, xla=xla and "xla" in wanted),
    )
    if model.info.engines > 0 and model.info.device != "cpu":
        add(("raw", "raw-graph", "raw-gpu", "raw-gpu-graph"), lambda: tensorrt_paths(model, inputs))
    if onnx is not None:
        add(("onnxruntime",), lambda: onnx_paths(onnx, model.info.device, inputs))
    for name in wanted:
        if name not in found and name not in problems:
            problems[name] = _why_not(name, model)
    return found, problems


def _why_not(path: str, model: Model) -> str:
    if path == "onnxruntime":
        return "no ONNX file was given"
    if path == "xla":
        return "XLA does not compile engines"
    return "the model runs on the CPU" if model.info.device == "cpu" else "the model has no engines"


def _measure_all(
    model: str,
    batch: int,
    available: dict[str, MakeCall],
    problems: dict[str, str],
    callers: Sequence[int],
    warmup: float,
    duration: float,
) -> Iterator[Measurement]:
    for name, problem in problems.items():
        yield Measurement(model, name, batch, callers[0], problem=problem)
    usable = dict(available)
    for name, make in available.items():
        try:
            make()()
        except Exception as error:  # of another package
            del usable[name]
            yield Measurement(model, name, batch, callers[0], problem=f"{type(error).__name__}: {cause_of(error)}")
    for number in callers:
        for name, times in measure(usable, callers=number, warmup=warmup, duration=duration).items():
            figures: dict[str, Any] = times.summary(batch)
            figures["p999"] = figures.pop("p99.9")
            calls = int(figures.pop("calls"))
            yield Measurement(model, name, batch, number, calls, **figures)


def _split(model: Model, inputs: Arrays) -> dict[str, float]:
    """Microseconds of each part of a bound call."""
    try:
        times = measure(split_paths(model, inputs), callers=1, warmup=0.1, duration=_SPLIT_SECONDS)
    except Error:
        return {}
    median = {name: float(np.median(part.microseconds)) for name, part in times.items()}
    return {
        "host_to_device": median["inputs"] - median["compute"],
        "compute": median["compute"],
        "device_to_host": median["all"] - median["inputs"],
    }
