"""What a converter's input function yields, as arrays by input name."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

import numpy as np

from .._native import TensorSpec
from ..errors import InvalidArgumentError


def read_samples(
    function: Callable[[], Iterable[Any]], specs: Mapping[str, TensorSpec], what: str
) -> Iterator[dict[str, Any]]:
    """Call an input function; one dict for each of what it yields.

    Args:
        function: Yields an array, a list or tuple of arrays (in the order of the inputs' names, as TF-TRT has
            it), or a dict.
        specs: The signature's inputs.
        what: The argument's name, for errors.

    Raises:
        InvalidArgumentError: It yields nothing, or not one value for each input.
    """
    count = 0
    for value in function():
        count += 1
        named = _by_name(value, specs, what)
        yield {name: _array(item, specs[name]) for name, item in named.items()}
    if not count:
        raise InvalidArgumentError(f"{what}: expected a function that yields inputs, found one that yields nothing.")


def _by_name(value: Any, specs: Mapping[str, TensorSpec], what: str) -> dict[str, Any]:
    names = sorted(specs)
    if isinstance(value, Mapping):
        if sorted(value) != names:
            raise InvalidArgumentError(
                f"{what}: expected dicts with the inputs {', '.join(names)}, found {', '.join(map(str, value))}."
            )
        return dict(value)
    values = list(value) if isinstance(value, (list, tuple)) else [value]
    if len(values) != len(names):
        raise InvalidArgumentError(
            f"{what}: expected {len(names)} values in the order of the inputs {', '.join(names)}, "
            f"found {len(values)}. A dict names them."
        )
    return dict(zip(names, values))


def _array(value: Any, spec: TensorSpec) -> Any:
    """A tensor or array as it is; Python's numbers and lists in the input's dtype, as TensorFlow takes them."""
    if hasattr(value, "numpy"):
        return value.numpy()
    if isinstance(value, (np.ndarray, np.generic)):
        return np.asarray(value)
    return np.asarray(value, spec.dtype)
