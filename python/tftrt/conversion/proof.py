"""The proof of a result before it is put in place: it loads, and its values are those of the source."""

from __future__ import annotations

import re
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from .._native import TensorSpec
from .._samples import random_array, resolve_shape
from ..batches.spool import load_batch
from ..errors import DeadlineExceededError, Error, InternalError, InvalidArgumentError
from ..model import Model, inspect
from .closeness import Arrays, note_closeness
from .graphs import bodies, node_of, op_def, prune, tensor_names
from .loadable import loadable_part
from .options import Options
from .report import Check, ConversionReport
from .request import Batches
from .session_load import load_in_session

__all__ = ["prove"]

# Of the time of a conversion that the calls may take, and the least seconds that they get.
_SHARE = 0.25
_LEAST = 0.5
# The result gets more time than the source took, on a machine that others use too.
_SLOWER = 10.0
_MORE = 5.0
# Sizes of what is not fixed, until the source takes one.
_SIZES = (2, 32, 1)
_RANK = 2
_WRITES_FILES = re.compile(r"(Distributed)?Save|MergeV2Checkpoints|WriteFile|.*Summary")


def prove(
    source: Path,
    result: Path,
    report: ConversionReport,
    options: Options,
    taken: float,
    *,
    compares: bool,
    batches: Batches | None,
) -> bool:
    """Load each signature of ``result`` on the CPU, call it as the source is called, and fill in ``report.checks``.

    Args:
        source: The SavedModel that was converted.
        result: The converted one.
        report: Has the signatures.
        options: The options of the conversion.
        taken: Seconds that the conversion has taken.
        compares: Whether the signatures are called.
        batches: Inputs to call them with; None: they are made up, and calls get a quarter of ``taken``, at least 0.5 s.

    Returns:
        Whether a call still runs, which cannot be stopped.

    Raises:
        InternalError: The result cannot be loaded, or computes other values.
    """
    with loadable_part(result) as (directory, graph, dropped):
        unsupported = {spec.name: spec.unsupported for spec in inspect(directory, options.tags).signatures}
        for name in report.signatures:
            check = Check(name, loaded=name in graph.signature_def and not unsupported.get(name))
            if name in dropped:
                check.reason = f"this machine has no kernel for the op {dropped[name]}"
            elif unsupported.get(name):
                check.reason = f"calls through tftrt are not possible: {unsupported[name]}"
            report.checks.append(check)
        others = [check.signature for check in report.checks if unsupported.get(check.signature)]
        if others:
            load_in_session(directory, options.tags, others)
        loaded = [check for check in report.checks if check.loaded]
        if not loaded:
            return False
        proof = _Proof(source, directory, loaded, options, stateful=bool(report.variables))
        proof.load()
        if compares:
            return proof.compare(graph, batches, max(_LEAST, _SHARE * taken))
        for check in loaded:
            check.reason = check.reason or "verify=False"
        return False


class _Proof:
    """Loads and calls both models."""

    def __init__(
        self, source: Path, result: Path, checks: Sequence[Check], options: Options, *, stateful: bool
    ) -> None:
        self._paths = source, result
        self._checks = checks
        self._options = options
        self._stateful = stateful
        self._pair: tuple[Model, Model] | None = None
        self._busy = False

    def load(self) -> None:
        """Load all signatures of the result.

        Raises:
            InternalError: One cannot be loaded.
        """
        try:
            with self._open(self._paths[1], self._checks[0].signature) as model:
                for check in self._checks[1:]:
                    model.with_signature(check.signature)
        except Error as error:
            raise InternalError(
                f"the converted model cannot be loaded, so nothing was written: {error} "
                "Please report it with the model."
            ) from error

    def compare(self, graph: Any, batches: Batches | None, seconds: float) -> bool:
        """Call the signatures of both.

        Args:
            graph: The MetaGraphDef of the result.
            batches: Inputs, or None.
            seconds: How long the calls may take where inputs are made up.

        Returns:
            Whether a call still runs.

        Raises:
            InternalError: The result fails where the source does not, or computes other values.
        """
        end = time.monotonic() + seconds
        for check in self._checks:
            writes = "" if check.reason else _writes_files(graph, check.signature)
            if self._busy or (batches is None and time.monotonic() > end):
                check.reason = check.reason or "the time for it was over"
            elif writes and batches is None:
                check.reason = check.reason or f"a call may write files, by the op {writes}"
            elif not check.reason:
                given = [file for name, file in batches or () if name == check.signature]
                if batches is None:
                    self._compare_made_up(check, end)
                elif given:
                    self._compare_given(check, given)
                else:
                    check.reason = "no batch was given for it"
            if self._stateful:
                self._close()
        if not self._busy:
            self._close()
        return self._busy

    def _compare_made_up(self, check: Check, end: float) -> None:
        for size in _SIZES:
            try:
                source, _ = self._models(check.signature)
                inputs = _made_up(source.inputs, size)
                start = time.monotonic()
                expected = source.run(inputs, timeout=max(end - start, 0.1))
            except DeadlineExceededError:
                check.reason = "a call of the source was not over in time"
                self._busy = True
                return
            except Error as error:
                check.reason = f"the source fails on made-up inputs: {error}"
                # What it changed before it failed is unknown.
                self._close()
                continue
            check.reason = ""
            self._compare_one(check, inputs, expected, _SLOWER * (time.monotonic() - start) + _MORE)
            return

    def _compare_given(self, check: Check, files: Sequence[str]) -> None:
        source, _ = self._models(check.signature)
        for number, file in enumerate(files, 1):
            inputs = load_batch(Path(file), source.inputs)
            try:
                expected = source.run(inputs)
            except Error as error:
                raise InvalidArgumentError(
                    f"verify: expected batches that the source takes, found that batch {number} of "
                    f"{check.signature!r} makes it fail: {error}"
                ) from error
            self._compare_one(check, inputs, expected, None)

    def _compare_one(self, check: Check, inputs: Arrays, expected: Arrays, timeout: float | None) -> None:
        _, converted = self._models(check.signature)
        try:
            found = converted.run(inputs, timeout=timeout)
        except Error as error:
            raise InternalError(
                f"the converted model fails where its source does not, so nothing was written: signature "
                f"{check.signature!r}: {error} Please report it with the model; verify=False keeps the result."
            ) from error
        problem = note_closeness(check, found, expected)
        if problem and self._repeats(check.signature, inputs, expected):
            raise InternalError(
                f"the converted model computes other values than its source, so nothing was written: signature "
                f"{check.signature!r}, {problem}. Please report it with the model; verify=False keeps the result."
            )
        if problem:
            check.compared, check.max_abs_error = False, None
            check.reason = "the source gives other values from call to call"

    def _repeats(self, signature: str, inputs: Arrays, expected: Arrays) -> bool:
        """Whether the source, loaded anew, gives the same again."""
        with self._open(self._paths[0], signature) as model:
            return not note_closeness(Check(signature, loaded=True), model.run(inputs), expected)

    def _models(self, signature: str) -> tuple[Model, Model]:
        """The source and the result."""
        if self._pair is None:
            source, converted = (self._open(path, signature) for path in self._paths)
            self._pair = source, converted
        source, converted = self._pair
        return source.with_signature(signature), converted.with_signature(signature)

    def _open(self, path: Path, signature: str) -> Model:
        libraries = list(self._options.op_libraries)
        return Model(path, signature, tags=list(self._options.tags), device="cpu", op_libraries=libraries)

    def _close(self) -> None:
        for model in self._pair or ():
            model.close()
        self._pair = None


def _made_up(specs: Sequence[TensorSpec], size: int) -> Arrays:
    generator = np.random.default_rng(0)
    ranks = {spec.name: (size,) * _RANK for spec in specs if spec.shape is None}
    inputs = {}
    for spec in specs:
        default = spec.default
        inputs[spec.name] = (
            random_array(spec, resolve_shape(spec, ranks, size), generator) if default is None else default
        )
    return inputs


def _writes_files(graph: Any, signature: str) -> str:
    """An op of a signature that may change files, if there is one."""
    outputs = graph.signature_def[signature].outputs.values()
    needed = prune(graph.graph_def, [node_of(tensor) for info in outputs for tensor in tensor_names(info)])
    for nodes in bodies(needed):
        for node in nodes:
            definition = op_def(node)
            if definition is not None and definition.is_stateful and _WRITES_FILES.match(node.op):
                return str(node.op)
    return ""
