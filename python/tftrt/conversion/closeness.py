"""How close the outputs of a converted model are to those of its source."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from .._comparison import Comparer
from .report import Check

__all__ = ["Arrays", "note_closeness"]

Arrays = dict[str, NDArray[Any]]

# Of the largest value: what other kernels may differ by. And the share of integers that may flip with them.
_CLOSE = 1e-3
_FEW = 0.01


def note_closeness(check: Check, found: Arrays, expected: Arrays) -> str:
    """Note in ``check`` how close ``found`` is to ``expected``, in addition to the calls before.

    Returns:
        The fault; empty if there is none.
    """
    identical = check.identical or not check.compared
    for name, right in expected.items():
        if name not in found:
            return f"which lacks the output {name!r}"
        if _same_bits(found[name], right):
            continue
        identical = False
        comparer = Comparer(name, right.dtype, _CLOSE * _largest(right), 0.0)
        comparer.add(1, found[name], right)
        result = comparer.result
        allowed = 0 if right.dtype.kind in "fcV" else _FEW * result.elements
        if result.problem or result.differing > allowed:
            far = "" if result.max_abs_error is None else f", by up to {result.max_abs_error:.3g}"
            values = f"{result.differing} of {result.elements} values differ{far}"
            return f"output {name!r}: {result.problem or values}"
        if result.max_abs_error is not None:
            check.max_abs_error = max(check.max_abs_error or 0.0, result.max_abs_error)
    check.compared = True
    check.identical = identical
    return ""


def _same_bits(one: NDArray[Any], other: NDArray[Any]) -> bool:
    if one.dtype != other.dtype or one.shape != other.shape:
        return False
    return bool((one == other).all()) if one.dtype.hasobject else one.tobytes() == other.tobytes()


def _largest(values: NDArray[Any]) -> float:
    """The largest finite magnitude of floats; 0 for everything else."""
    if values.dtype.kind not in "fcV":
        return 0.0
    magnitudes = np.abs(values.astype(np.complex128 if values.dtype.kind == "c" else np.float64))
    return float(magnitudes[np.isfinite(magnitudes)].max(initial=0.0))
