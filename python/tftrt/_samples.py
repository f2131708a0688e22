"""Made-up values for a model's inputs."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from .errors import InvalidArgumentError

if TYPE_CHECKING:
    from ._native import TensorSpec

__all__ = ["random_array", "resolve_shape"]


def random_array(spec: TensorSpec, shape: tuple[int, ...], generator: np.random.Generator) -> NDArray[Any]:
    """Made-up values: floats in [0, 1), bytes in [0, 256), other integers 0 or 1, which index any table."""
    dtype = spec.dtype
    if dtype.hasobject:
        return generator.choice(np.array([b"a", b"b"], dtype=object), size=shape)
    if dtype == np.uint8:
        return generator.integers(0, 256, size=shape, dtype=np.uint8)
    if dtype.kind in "iub":
        return generator.integers(0, 2, size=shape).astype(dtype)
    return generator.random(size=shape).astype(dtype)


def resolve_shape(spec: TensorSpec, shapes: Mapping[str, tuple[int, ...]], unknown: int) -> tuple[int, ...]:
    """The shape of a made-up input.

    Args:
        spec: The input.
        shapes: Shapes that were given, by input name.
        unknown: What unknown dimensions become without one.

    Raises:
        InvalidArgumentError: The input takes any number of dimensions, and no shape was given.
    """
    if spec.name in shapes:
        return shapes[spec.name]
    if spec.shape is None:
        raise InvalidArgumentError(
            f"the input {spec.name!r} takes any number of dimensions; give its shape: --shape {spec.name}:1x2x3, or "
            f'shapes={{"{spec.name}": (1, 2, 3)}}'
        )
    return tuple(unknown if size < 0 else size for size in spec.shape)
