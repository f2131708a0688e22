"""Comparing what two models compute: :func:`verify`."""

from __future__ import annotations

import math
import os
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Union

import numpy as np
from numpy.typing import NDArray

from tftrt._comparison import Comparer, OutputComparison, dtype_name
from tftrt._native import ModelOptions, SignatureSpec
from tftrt._samples import random_array, resolve_shape
from tftrt.batches.data import open_sources, read_batches
from tftrt.batches.specs import describe_inputs
from tftrt.errors import Error, InvalidArgumentError
from tftrt.model import Model, inspect

__all__ = ["ModelRun", "OutputComparison", "Verification", "find_signature", "verify"]

_Path = Union[str, "os.PathLike[str]"]
_Data = Union[_Path, Sequence[_Path], Iterable[Any], Callable[[], Iterable[Any]]]
_Arrays = dict[str, NDArray[Any]]


@dataclass
class ModelRun:
    """How one of the models ran.

    Attributes:
        path: The model.
        device: Where it ran.
        engines: How many engines it has, in all its signatures.
        inlined: How many of them were part of the graph as TensorFlow's own ops, whose runs are not counted.
        engine_runs: How often TensorRT ran one of the others.
        native_runs: How often TensorFlow's own ops ran in place of one of the others.
        problem: Why engines were not used although the model was on a GPU; empty if they were.
    """

    path: str
    device: str
    engines: int
    inlined: int
    engine_runs: int
    native_runs: int
    problem: str

    def __str__(self) -> str:
        """One line."""
        text = f"{self.path} on {self.device}: {_counted(self.engines, 'engine')}"
        if self.engines > self.inlined:
            runs = f"{_counted(self.engine_runs, 'engine run')}, {_counted(self.native_runs, 'native run')}"
            text += f", {runs}"
        if self.inlined:
            text += f", {self.inlined} of them as TensorFlow's own ops"
        return f"{text} ({self.problem})" if self.problem else text


@dataclass
class Verification:
    """The result of :func:`verify`.

    Attributes:
        model: How the model that was verified ran.
        against: How the model that it was compared with ran.
        signature: The signature of both that was called.
        batches: How many batches of inputs both were given.
        atol: The absolute tolerance.
        rtol: The relative tolerance.
        outputs: Each output of either, sorted by name.
    """

    model: ModelRun
    against: ModelRun
    signature: str
    batches: int
    atol: float
    rtol: float
    outputs: list[OutputComparison]

    @property
    def passed(self) -> bool:
        """Whether all outputs are the same, within the tolerances."""
        return all(output.passed for output in self.outputs)

    def to_dict(self) -> dict[str, Any]:
        """The result as dicts, lists, strings and numbers, ready for JSON."""
        return {
            "passed": self.passed,
            **asdict(self),
            "outputs": [output.to_dict() for output in self.outputs],
        }

    def __str__(self) -> str:
        """The result as plain text."""
        lines = [
            str(self.model),
            f"against {self.against}",
            f"{self.signature}, {_counted(self.batches, 'batch', 'batches')}, atol {self.atol:g}, rtol {self.rtol:g}",
            "",
            *_aligned([_TITLES, *map(_row, self.outputs)]),
            "",
        ]
        failed = sum(not output.passed for output in self.outputs)
        total = _counted(len(self.outputs), "output")
        lines.append(f"FAILED: {failed} of {total} differ" if failed else f"passed: {total} the same")
        return "\n".join(lines)


_TITLES = ("output", "dtype", "elements", "differing", "max abs", "max rel", "cosine", "top-1", "")


def verify(
    model: _Path,
    against: _Path,
    *,
    data: _Data | None = None,
    batches: int = 1,
    shapes: Mapping[str, Sequence[int]] | None = None,
    unknown: int = 1,
    seed: int = 0,
    signature: str | None = None,
    tags: str | Sequence[str] = ("serve",),
    atol: float = 1e-3,
    rtol: float = 1e-3,
    device: str | None = None,
    on_miss: str | None = None,
) -> Verification:
    """Give two models the same inputs and compare their outputs.

    An output passes if every float satisfies ``|a - b| <= atol + rtol * |b|``, where b is that of ``against``, NaN and
    infinities are at the same places, and everything else is equal. The models are loaded one after the other, so
    that GPU memory is needed for one only; inputs and outputs are kept in host memory meanwhile.

    Args:
        model: SavedModel to verify, converted or not.
        against: SavedModel that is taken to be right; the one that ``model`` was converted from, for example.
        data: Inputs: paths of ``.npy`` and ``.npz`` files (one batch each), ``"module:function"``, a function, or an
            iterable. A batch is a dict of arrays by input name, or an array, or a tuple of arrays in the order of the
            inputs' names. None: made-up values, which the next four arguments are about.
        batches: How many batches to make up.
        shapes: Shapes of made-up inputs by name; by default ``model``'s, with ``unknown`` for what is not fixed.
        unknown: What dimensions that are not fixed become.
        seed: Another seed makes other values.
        signature: The signature to call, by default "serving_default".
        tags: The tag set of both.
        atol: Absolute tolerance. The defaults suit FP32 and TF32; engines in FP16 or INT8 need more.
        rtol: Relative tolerance.
        device: Where to run both, as for :class:`tftrt.Model`.
        on_miss: As for :class:`tftrt.Model`: ``"error"`` makes sure that engines run.

    Returns:
        What differs, and by how much. ``print(result)`` shows it; ``result.passed`` is the verdict.

    Raises:
        InvalidArgumentError: An argument is wrong, or the models do not take the same inputs.
        ModelError: A model does not exist or cannot be read.
        Error: What loading or running a model raises.

    Source: python/tftrt/verification.py
    """
    _check_number("atol", atol)
    _check_number("rtol", rtol)
    first, second = os.fspath(model), os.fspath(against)
    found, expected = find_signature(first, signature, tags), find_signature(second, signature, tags)
    _check_fit(first, found, second, expected)
    if data is None:
        inputs = list(_made_up(found, batches, shapes, unknown, seed))
    elif shapes is None and batches == 1:
        inputs = [arrays for _, _, arrays in read_batches("data", open_sources("data", data), [found])]
    else:
        raise InvalidArgumentError("data: expected neither shapes nor batches with it: these are of made-up inputs.")

    options = {key: value for key, value in (("device", device), ("on_miss", on_miss)) if value is not None}
    outputs: list[_Arrays] = []
    model_run = _run(first, found.name, tags, options, inputs, lambda _, arrays: outputs.append(arrays))
    known = {spec.name for spec in expected.outputs}
    comparers = {spec.name: Comparer(spec.name, spec.dtype, atol, rtol) for spec in found.outputs if spec.name in known}

    def compare(index: int, arrays: _Arrays) -> None:
        for output, comparer in comparers.items():
            comparer.add(index + 1, outputs[index][output], arrays[output])

    against_run = _run(second, found.name, tags, options, inputs, compare)
    compared = [comparer.result for comparer in comparers.values()]
    lacking = [*_lacking(found, expected, second), *_lacking(expected, found, first)]
    results = sorted([*compared, *lacking], key=lambda output: output.name)
    return Verification(model_run, against_run, found.name, len(inputs), atol, rtol, results)


def _check_number(argument: str, value: float) -> None:
    if not isinstance(value, (int, float, np.number)) or not math.isfinite(value) or value < 0:
        raise InvalidArgumentError(f"{argument}: expected a finite number of at least 0, found {value!r}.")


def _check_count(argument: str, value: int, least: int) -> None:
    if not isinstance(value, (int, np.integer)) or value < least:
        raise InvalidArgumentError(f"{argument}: expected an integer of at least {least}, found {value!r}.")


def find_signature(path: str, name: str | None, tags: str | Sequence[str]) -> SignatureSpec:
    """Read a signature without loading the model.

    Args:
        path: Folder of the SavedModel.
        name: The signature's name; None: that which :class:`tftrt.Model` calls by default.
        tags: The tag set.

    Raises:
        InvalidArgumentError: The model has no such signature.
    """
    wanted = ModelOptions().signature if name is None else name
    signatures = inspect(path, tags).signatures
    for signature in signatures:
        if signature.name == wanted:
            return signature
    known = ", ".join(f'"{signature.name}"' for signature in signatures)
    raise InvalidArgumentError(
        f'the model "{path}" has no signature "{wanted}"; '
        + (f"its signatures are {known}" if known else "it has none")
    )


def _check_fit(first: str, found: SignatureSpec, second: str, expected: SignatureSpec) -> None:
    others = {spec.name: spec for spec in expected.inputs}
    fits = len(others) == len(found.inputs) and all(
        spec.name in others
        and spec.dtype == others[spec.name].dtype
        and _fit_together(spec.shape, others[spec.name].shape)
        for spec in found.inputs
    )
    if not fits:
        raise InvalidArgumentError(
            f'signature "{found.name}": expected two models that take the same inputs, found "{first}" with '
            f'{describe_inputs([found])} and "{second}" with {describe_inputs([expected])}.'
        )


def _fit_together(one: tuple[int, ...] | None, other: tuple[int, ...] | None) -> bool:
    if one is None or other is None:
        return True
    return len(one) == len(other) and all(a == b or a < 0 or b < 0 for a, b in zip(one, other))


def _made_up(
    signature: SignatureSpec, batches: int, shapes: Mapping[str, Sequence[int]] | None, unknown: int, seed: int
) -> Iterator[_Arrays]:
    _check_count("batches", batches, 1)
    _check_count("unknown", unknown, 1)
    _check_count("seed", seed, 0)
    wanted = {name: tuple(shape) for name, shape in (shapes or {}).items()}
    for name in wanted.keys() - {spec.name for spec in signature.inputs}:
        raise InvalidArgumentError(
            f"shapes: the model has no input {name!r}; its inputs are {describe_inputs([signature])}."
        )
    generator = np.random.default_rng(seed)
    for _ in range(batches):
        yield {
            spec.name: random_array(spec, resolve_shape(spec, wanted, unknown), generator)
            if spec.default is None or spec.name in wanted
            else spec.default
            for spec in signature.inputs
        }


def _run(
    path: str,
    signature: str,
    tags: str | Sequence[str],
    options: Mapping[str, str],
    inputs: Sequence[_Arrays],
    take: Callable[[int, _Arrays], None],
) -> ModelRun:
    """Load a model, call ``take`` with the outputs of each batch and its index, and free the model."""
    with Model(path, signature, tags=tags, **options) as model:
        for index, arrays in enumerate(inputs):
            try:
                outputs = model(arrays)
            except Error as error:
                raise type(error)(f'"{path}", batch {index + 1}: {error}') from error
            take(index, outputs)
        info = model.info
        engines = model.stats()["engines"]
        return ModelRun(
            path=path,
            device=info.device,
            engines=len(engines),
            inlined=sum(engine["inlined"] for engine in engines),
            engine_runs=sum(engine["engine_runs"] for engine in engines),
            native_runs=sum(engine["native_runs"] for engine in engines),
            problem=info.engine_problem or info.tensorrt_problem,
        )


def _lacking(signature: SignatureSpec, other: SignatureSpec, path: str) -> list[OutputComparison]:
    """The outputs of ``signature`` that ``other``, of the model ``path``, has not."""
    known = {spec.name for spec in other.outputs}
    lacking = [spec for spec in signature.outputs if spec.name not in known]
    return [
        OutputComparison(spec.name, dtype_name(spec.dtype), problem=f'"{path}" has no such output') for spec in lacking
    ]


def _row(output: OutputComparison) -> tuple[str, ...]:
    notes = [output.problem] if output.problem else [] if output.passed else ["differs"]
    if output.non_finite:
        notes.append(f"{output.non_finite} not finite")
    return (
        output.name,
        output.dtype,
        str(output.elements),
        str(output.differing),
        _figure(output.max_abs_error, ".3g"),
        _figure(output.max_rel_error, ".3g"),
        _figure(output.cosine_similarity, ".7f"),
        _figure(output.top1_agreement, ".2%"),
        ", ".join(notes),
    )


def _figure(value: float | None, spec: str) -> str:
    return "-" if value is None else format(value, spec)


def _aligned(rows: Sequence[Sequence[str]]) -> list[str]:
    """Two columns of text, then numbers, then text."""
    widths = [max(map(len, column)) for column in zip(*rows)]
    lines = []
    for row in rows:
        cells = [
            cell.rjust(width) if 2 <= index < len(row) - 1 else cell.ljust(width)
            for index, (cell, width) in enumerate(zip(row, widths))
        ]
        lines.append("  ".join(cells).rstrip())
    return lines


def _counted(count: int, noun: str, plural: str = "") -> str:
    return f"{count} {noun if count == 1 else plural or noun + 's'}"
