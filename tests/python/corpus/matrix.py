"""What every model of the corpus goes through: source and result, called in every way, against TensorFlow."""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from cases import EXECUTORS, Inputs, Outcome, outcomes, outcomes_v1
from registry import Entry, entries

import tftrt

# TensorFlow has no single-threaded executor for such graphs.
_NOT_SINGLE = re.compile('executor "single" cannot run this model: ')

PRECISIONS = ("FP32", "FP16", "INT8")


@dataclass(frozen=True)
class Difference:
    """A difference to TensorFlow that is known.

    Attributes:
        bound: The largest difference of an element.
        cause: The line of TensorFlow that causes it.
    """

    bound: float
    cause: str


DIFFERENCES = {
    "sum_of_three": Difference(
        1e-5,
        "grappler/optimizers/arithmetic_optimizer.cc, AddOpsRewriteStage: sums of three tensors become AddN, and "
        "common_subgraph_elimination.cc, CanonicalizeNode, sorts its operands by the names of their nodes",
    ),
    "moving_statistics": Difference(
        1e-5,
        "grappler/optimizers/arithmetic_optimizer.cc, HoistCommonFactorOutOfAggregation: a * x + a * y becomes "
        "a * (x + y) where the shapes of variables are known, and in a tf.function they are not",
    ),
}
"""By the model's name; five at most."""


@dataclass(frozen=True)
class Failure:
    """A way in which a model fails."""

    kind: str
    where: str
    message: str

    def __str__(self) -> str:
        return f"{self.kind}: {self.where}: {self.message}"


def build(name: str, root: str, library: str | None) -> dict[str, dict[str, list[Outcome]]]:
    """Write a model in the process that has TensorFlow.

    Returns:
        For each signature, for each output asked for alone, and for "" (all), what TensorFlow returns for each call.
    """
    import tensorflow as tf

    entry = entries()[name]
    tf.random.set_seed(1)
    _sources[root] = entry.build(f"{root}/source", *([tf.load_op_library(library)] if library else []))
    found = outcomes_v1 if entry.tf1 else outcomes
    return {signature: found(f"{root}/source", entry.calls, signature) for signature in entry.signatures}


_sources: dict[str, Any] = {}


def convert(
    name: str,
    root: str,
    library: str | None,
    precisions: Sequence[str] = PRECISIONS,
    minimum_segment_sizes: Sequence[int] = (1, 3, 3),
) -> list[dict[str, Any]]:
    """Convert it with each precision; the reports. With a minimum of 1, every node that can be is in an engine."""
    entry = entries()[name]
    source = _sources.pop(root)
    if source is None:
        source = f"{root}/source"
    libraries = [library] if library else []
    reports = []
    for precision, size in zip(precisions, minimum_segment_sizes):
        options = {"minimum_segment_size": size, "maximum_engines": 0, **entry.options}
        report = tftrt.convert(
            source, f"{root}/{precision}", precision=precision, op_libraries=libraries, overwrite=True, **options
        )
        reports.append(report.to_dict())
    return reports


def examine(tensorflow: Any, entry: Entry, root: Path, library: Path | None, *, thorough: bool) -> Iterator[Failure]:
    """Every failure of a model.

    The converted models are called from another folder, when the source and the files that it was made from are gone.

    Args:
        tensorflow: Calls functions in the process that has TensorFlow.
        entry: The model.
        root: An empty folder.
        library: The custom ops, where the model needs them.
        thorough: Whether each output is asked for alone with every executor, and FP16 and INT8 are called with every
            executor. Otherwise the outputs take turns with the executors.
    """
    made, moved = root / "made", root / "moved"
    made.mkdir()
    arguments = (entry.name, str(made), str(library) if library else None)
    wanted = tensorflow.call(build, *arguments)
    for signature in entry.signatures:
        caller = _Caller(entry, made / "source", signature, "the source", library)
        yield from caller.compare(wanted[signature], EXECUTORS, thorough=thorough)
    try:
        reports = tensorflow.call(convert, *arguments)
    except Exception as error:
        yield Failure("does not convert", "conversion", f"{type(error).__name__}: {error}")
        return
    products = {op for engine in reports[0]["engines"] for op in engine["ops"]}
    if entry.product not in products:
        yield Failure("no engine", "conversion", f"{entry.product} is in no engine, {sorted(products)} are")
    made.rename(moved)
    for path in moved.iterdir():
        if path.name not in PRECISIONS:
            _delete(path)
    for precision in PRECISIONS:
        for signature in entry.signatures:
            caller = _Caller(entry, moved / precision, signature, f"converted, {precision}", library)
            executors = EXECUTORS if thorough or precision == "FP32" else ("auto",)
            yield from caller.compare(wanted[signature], executors, thorough=thorough)


def _delete(path: Path) -> None:
    if path.is_symlink() or path.is_file():
        path.unlink()
    else:
        for folder in (path, *path.glob("**/")):
            folder.chmod(0o755)
        shutil.rmtree(path)


class _Caller:
    """Calls one signature of one model."""

    def __init__(self, entry: Entry, path: Path, signature: str, what: str, library: Path | None) -> None:
        self._entry = entry
        self._path = path
        self._signature = signature
        self._what = what if len(entry.signatures) == 1 else f"{what}, {signature}"
        self._options: dict[str, Any] = {"op_libraries": [library]} if library else {}

    def compare(
        self, wanted: dict[str, list[Outcome]], executors: Sequence[str], *, thorough: bool
    ) -> Iterator[Failure]:
        """The failures with each executor, for all outputs and for each alone."""
        for turn, executor in enumerate(executors):
            for number, output in enumerate(wanted):
                if thorough or not output or number % len(executors) == turn:
                    yield from self._compare(executor, output, wanted[output])

    def _compare(self, executor: str, output: str, wanted: list[Outcome]) -> Iterator[Failure]:
        where = f"{self._what}, {executor}, {output or 'all outputs'}"
        try:
            model = tftrt.Model(self._path, self._signature, executor=executor, device="cpu", **self._options)
        except Exception as error:
            if not _NOT_SINGLE.search(str(error)):
                yield Failure("does not load", where, f"{type(error).__name__}: {error}")
            return
        with model:
            for number, (call, outcome) in enumerate(zip(self._entry.calls, wanted)):
                found = run(model, call, [output] if output else None)
                message = _difference(self._entry, found, outcome)
                if message:
                    kind = "wrong state" if self._entry.state else "wrong values"
                    if isinstance(found, str) and not isinstance(outcome, str):
                        kind = "fails when called"
                    yield Failure(kind, f"{where}, call {number}", message)
                    return


def run(model: tftrt.Model, call: Inputs, outputs: list[str] | None = None) -> Outcome:
    """The outputs of a call, or the type and message of its error."""
    try:
        return model.run(call, outputs=outputs)
    except tftrt.errors.Error as error:
        return f"{type(error).__name__}: {error}"


def _difference(entry: Entry, found: Outcome, wanted: Outcome) -> str:
    """How an outcome differs, or nothing."""
    if isinstance(wanted, str) or isinstance(found, str):
        same = isinstance(found, str) and isinstance(wanted, str) and found.partition(":")[0] == wanted
        return "" if same else f"{found} instead of {wanted if isinstance(wanted, str) else 'values'}"
    if found.keys() != wanted.keys():
        return f"outputs {sorted(found)} instead of {sorted(wanted)}"
    for name, value in wanted.items():
        if found[name].dtype != value.dtype or found[name].shape != value.shape:
            return f"{name} is {found[name].dtype} {found[name].shape} instead of {value.dtype} {value.shape}"
        if name not in entry.random and not _same(found[name], value, DIFFERENCES.get(entry.name)):
            return f"{name} differs, {_farthest(found[name], value)}"
    return ""


def _farthest(found: np.ndarray, wanted: np.ndarray) -> str:
    """The element that differs most."""
    if not wanted.size:
        return "without elements"
    if np.issubdtype(wanted.dtype, np.inexact):
        with np.errstate(all="ignore"):
            at = np.nanargmax(np.where(found == wanted, 0.0, np.nan_to_num(np.abs(found - wanted), nan=np.inf)))
    else:
        at = np.argmax(found != wanted)
    return f"most in {found.flat[at]!r} instead of {wanted.flat[at]!r}"


def _same(found: np.ndarray, wanted: np.ndarray, known: Difference | None) -> bool:
    if wanted.dtype == object:
        return bool((found == wanted).all())
    if known:
        return bool(np.all(np.abs(found - wanted) <= known.bound))
    return found.tobytes() == wanted.tobytes()
