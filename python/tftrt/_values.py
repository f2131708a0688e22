"""Python's own numbers, strings and lists as arrays, for the bindings."""

from __future__ import annotations

import reprlib
from collections.abc import Iterable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tftrt.errors import InvalidArgumentError


def to_array(value: Any, dtype: np.dtype[Any], spec: str) -> NDArray[Any]:
    """Return ``value``, which is no array, as one of ``dtype``, if that does not make another value of it.

    Args:
        value: A number, a string, or nested lists of them; or an object with ``__array__``, whose dtype is kept.
        dtype: The input's; object for strings.
        spec: The input's name, dtype and shape, as in "image: float32[?, 8]".

    Raises:
        InvalidArgumentError: It does not fit.
    """
    if hasattr(value, "__array__"):
        return np.asarray(value)
    try:
        if dtype.kind == "O":
            return np.asarray(value, object)
        array = np.asarray(value)
    except ValueError as error:
        raise _refuse(value, spec, f"no array can be made of it: {error}") from None
    if array.dtype.kind not in "biufc":
        raise _refuse(value, spec, "no numbers")
    if array.size and not _keeps_values(array, dtype):
        raise _refuse(value, spec, f"{dtype} cannot hold it")
    return array.astype(dtype)


def _keeps_values(array: NDArray[Any], dtype: np.dtype[Any]) -> bool:
    """Whether a cast changes nothing but precision."""
    if array.dtype.kind == "c":
        return dtype.kind == "c"
    with np.errstate(all="ignore"):
        cast = array.astype(dtype)
        if dtype.kind in "fcV":  # V: bfloat16
            return bool(np.all(np.isfinite(cast) | ~np.isfinite(array)))
        return bool(np.all(cast == array)) and (dtype.kind != "u" or bool(np.all(array >= 0)))


def _refuse(value: Any, spec: str, problem: str) -> InvalidArgumentError:
    name = spec.partition(":")[0]
    kind = type(value).__name__
    if isinstance(value, Iterable) and not isinstance(value, (str, bytes)):
        kind += f" of {', '.join(sorted({type(element).__name__ for element in value}))}"
    return InvalidArgumentError(f'input "{name}" is {reprlib.repr(value)}, a {kind}: {problem}; expected {spec}')
