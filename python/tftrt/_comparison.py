"""How far the values of two outputs are apart."""

from __future__ import annotations

import sys
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["Comparer", "OutputComparison", "dtype_name"]


@dataclass
class OutputComparison:
    """One output of both models, over all batches.

    Attributes:
        name: Its name.
        dtype: Its dtype, ``"string"`` for strings.
        elements: How many were compared.
        differing: How many of them differ: floats by more than the tolerances, all else at all.
        non_finite: Elements that are NaN or infinite in either model; the errors and the cosine leave them out.
        max_abs_error: Largest ``|a - b|``; None where no floats were compared, as for those that follow.
        max_rel_error: Largest ``|a - b| / |b|`` where b is not 0.
        cosine_similarity: Of the flattened values, the lowest of any batch; None also where all values are 0.
        top1_agreement: For outputs of two or more dimensions, the share of rows (last dimension) whose largest value is
            at the same place. It is reported only: it does not decide whether the output passes.
        problem: Why the output could not be compared; empty if it could.
    """

    name: str
    dtype: str
    elements: int = 0
    differing: int = 0
    non_finite: int = 0
    max_abs_error: float | None = None
    max_rel_error: float | None = None
    cosine_similarity: float | None = None
    top1_agreement: float | None = None
    problem: str = ""

    @property
    def passed(self) -> bool:
        """Whether both models give the same, within the tolerances."""
        return not self.problem and not self.differing

    def to_dict(self) -> dict[str, Any]:
        """The comparison as strings and numbers, ready for JSON."""
        return {"passed": self.passed, **asdict(self)}


class Comparer:
    """Compares one output, batch by batch."""

    def __init__(self, name: str, dtype: np.dtype[Any], atol: float, rtol: float) -> None:
        """Begin with no batch.

        Args:
            name: The output's name.
            dtype: Its dtype in the model that is compared.
            atol: Absolute tolerance of floats.
            rtol: Relative tolerance of floats.
        """
        self.result = OutputComparison(name, dtype_name(dtype))
        self._atol = atol
        self._rtol = rtol
        self._rows = 0
        self._agreeing_rows = 0

    def add(self, batch: int, a: NDArray[Any], b: NDArray[Any]) -> None:
        """Compare ``a`` with ``b``, which is taken to be right; ``batch`` counts from 1."""
        result = self.result
        if result.problem:
            return
        if a.dtype != b.dtype:
            result.problem = f"dtype {dtype_name(a.dtype)} against {dtype_name(b.dtype)}"
        elif a.shape != b.shape:
            result.problem = f"batch {batch}: shape {list(a.shape)} against {list(b.shape)}"
        else:
            result.elements += a.size
            if a.dtype.kind in "fcV":  # V: bfloat16
                self._add_floats(a, b)
            else:
                result.differing += int(np.count_nonzero(a != b))

    def _add_floats(self, a: NDArray[Any], b: NDArray[Any]) -> None:
        wide = np.complex128 if a.dtype.kind == "c" else np.float64
        x, y = a.astype(wide), b.astype(wide)
        if wide is np.float64 and x.ndim >= 2 and x.shape[-1] >= 2:
            self._add_rows(x, y)
        x, y = x.ravel(), y.ravel()
        result = self.result
        with np.errstate(all="ignore"):
            finite = np.isfinite(x) & np.isfinite(y)
            same = (x == y) | (np.isnan(x) & np.isnan(y))
            close = np.abs(x - y) <= self._atol + self._rtol * np.abs(y)
        result.differing += int(np.count_nonzero(~np.where(finite, close, same)))
        result.non_finite += int(np.count_nonzero(~finite))
        self._add_errors(x[finite], y[finite])

    def _add_errors(self, x: NDArray[Any], y: NDArray[Any]) -> None:
        result = self.result
        with np.errstate(all="ignore"):
            error = np.abs(x - y)
            relative = error[y != 0] / np.abs(y[y != 0])
        result.max_abs_error = _largest(result.max_abs_error, error)
        result.max_rel_error = _largest(result.max_rel_error, relative)
        cosine = _cosine(x, y)
        if cosine is not None:
            before = result.cosine_similarity
            result.cosine_similarity = cosine if before is None else min(before, cosine)

    def _add_rows(self, x: NDArray[Any], y: NDArray[Any]) -> None:
        agreeing = x.argmax(-1) == y.argmax(-1)
        self._rows += agreeing.size
        self._agreeing_rows += int(np.count_nonzero(agreeing))
        if self._rows:
            self.result.top1_agreement = self._agreeing_rows / self._rows


def _largest(before: float | None, values: NDArray[Any]) -> float | None:
    if not values.size:
        return before
    # JSON has no infinity, which a difference or a quotient of float64 can be.
    largest = min(float(values.max()), sys.float_info.max)
    return largest if before is None else max(before, largest)


def _cosine(x: NDArray[Any], y: NDArray[Any]) -> float | None:
    """None if there is no direction: all values are 0."""
    x, y = _scaled(x), _scaled(y)
    if not x.any() or not y.any():
        return None
    cosine = np.dot(x, y) / np.sqrt(np.dot(x, x) * np.dot(y, y))
    return float(np.clip(cosine, -1, 1))


def _scaled(x: NDArray[Any]) -> NDArray[Any]:
    """Real numbers of the same direction whose squares do not overflow."""
    real = x.view(np.float64)
    largest = np.abs(real).max(initial=0)
    return real / largest if largest else real


def dtype_name(dtype: np.dtype[Any]) -> str:
    """The name of a numpy dtype, with ``"string"`` for objects."""
    return "string" if dtype.hasobject else dtype.name
