"""Shapes to build for: read from trtexec's syntax and from Python, and compared to a signature's inputs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from operator import index
from typing import Any, Union

from .._native import SignatureSpec, TensorSpec
from ..batches.specs import describe, describe_inputs, fits, only_input, takes
from ..errors import InvalidArgumentError

__all__ = ["Shape", "ShapeSet", "Shapes", "check_range", "fit", "matching", "parse_shapes", "read_set", "read_sets"]

Shape = tuple[int, ...]
Shapes = dict[str, Shape]
ShapeSet = Union[Shapes, Shape]
"""A shape for each input by name; or one shape, for a signature of one input."""


def parse_shapes(text: str) -> Shapes:
    """Read trtexec's ``"input:1x224x224x3"``, with commas between inputs.

    Args:
        text: ``NAME:SIZExSIZE``; nothing after the colon is a scalar's shape.

    Raises:
        InvalidArgumentError: It is none, or names an input twice.
    """
    shapes: Shapes = {}
    for part in text.split(","):
        name, colon, sizes = part.rpartition(":")
        try:
            shape = tuple(int(size) for size in sizes.split("x")) if sizes else ()
        except ValueError:
            colon = ""
        if not colon or not name:
            raise InvalidArgumentError(
                f"{text!r} is no shape: expected NAME:1x224x224x3, and for several inputs NAME:1x8,OTHER:1x8"
            )
        if name in shapes:
            raise InvalidArgumentError(f"{text!r} has the input {name!r} twice; expected each input once")
        shapes[name] = shape
    return shapes


def read_sets(argument: str, value: Any) -> list[ShapeSet]:
    """Read one set of shapes, or a sequence of sets.

    Args:
        argument: The argument's name, for messages.
        value: ``{"input": (1, 8)}``, ``(1, 8)``, or a sequence of either.

    Raises:
        InvalidArgumentError: It is neither.
    """
    if isinstance(value, Mapping) or (value != [] and _is_shape(value)):
        return [read_set(argument, value)]
    if isinstance(value, (str, bytes)) or not isinstance(value, Sequence) or not value:
        raise _refuse(argument, value)
    return [read_set(argument, element) for element in value]


def read_set(argument: str, value: Any) -> ShapeSet:
    """Read one set of shapes; see :func:`read_sets`."""
    if not isinstance(value, Mapping):
        return _read_shape(argument, value)
    for name in value:
        if not isinstance(name, str):
            raise _refuse(argument, value)
    return {name: _read_shape(argument, shape, f"{name}: ") for name, shape in value.items()}


def _is_shape(value: Any) -> bool:
    return isinstance(value, (tuple, list)) and not any(isinstance(size, (Mapping, tuple, list, str)) for size in value)


def _read_shape(argument: str, value: Any, name: str = "") -> Shape:
    if isinstance(value, (str, bytes)) or not isinstance(value, Sequence):
        raise _refuse(argument, value)
    shape = []
    for size in value:
        try:
            shape.append(index(size))
        except TypeError:
            raise _refuse(argument, value) from None
    if any(size < 1 for size in shape):
        raise InvalidArgumentError(
            f"{argument}: {name}expected sizes of at least 1, found {_text(tuple(shape))}. An engine needs to know "
            "every size; for a range of sizes give min_shapes and max_shapes."
        )
    return tuple(shape)


def _refuse(argument: str, value: Any) -> InvalidArgumentError:
    example = "{'image': (1, 224, 224, 3)}"
    return InvalidArgumentError(
        f"{argument}: expected shapes by input name, such as {example}, or (for an only input) a shape, "
        f"found {value!r}."
    )


def matching(argument: str, shapes: ShapeSet, signatures: Sequence[SignatureSpec]) -> list[SignatureSpec]:
    """The signatures that take exactly these inputs.

    Raises:
        InvalidArgumentError: There is none.
    """
    if isinstance(shapes, dict):
        found = [signature for signature in signatures if takes(signature, shapes)]
        given = ", ".join(map(repr, shapes)) or "none"
    else:
        found = [signature for signature in signatures if only_input(signature) is not None]
        given = f"{_text(shapes)} without a name"
    if found:
        return found
    raise InvalidArgumentError(
        f"{argument}: expected a shape for each input of a signature, found {given}; "
        f"the inputs are {describe_inputs(signatures)}."
    )


def fit(argument: str, shapes: ShapeSet, signature: SignatureSpec) -> Shapes:
    """``shapes`` by name, after a comparison with the signature, which takes these inputs.

    Inputs that are left out have the shapes of their default values.

    Raises:
        InvalidArgumentError: The number of dimensions, or the size of one that is fixed, differs.
    """
    given = shapes if isinstance(shapes, dict) else {str(only_input(signature)): shapes}
    defaults = {spec.name: spec.default.shape for spec in signature.inputs if spec.default is not None}
    named = {**defaults, **given}
    for spec in signature.inputs:
        _check(argument, spec, named[spec.name])
    return named


def _check(argument: str, spec: TensorSpec, shape: Shape) -> None:
    if spec.shape is None or fits(spec, shape):
        return
    other = len(shape) != len(spec.shape)
    problem = f": {len(spec.shape)} dimensions, not {len(shape)}" if other else ""
    raise InvalidArgumentError(
        f"{argument}: expected a shape that fits {describe(spec)}{problem}, found {_text(shape)}."
    )


def check_range(least: Shapes, best: Shapes, most: Shapes) -> None:
    """Refuse shapes of one signature's inputs that are not in order.

    Raises:
        InvalidArgumentError: A size is less than the min or more than the max.
    """
    for name in least:
        if len({len(least[name]), len(best[name]), len(most[name])}) != 1:
            problem = "the same number of dimensions"
        elif not all(low <= mid <= high for low, mid, high in zip(least[name], best[name], most[name])):
            problem = "min <= opt <= max in every dimension"
        else:
            continue
        found = ", ".join(_text(shapes[name]) for shapes in (least, best, most))
        raise InvalidArgumentError(
            f"min_shapes, opt_shapes, max_shapes: expected {problem}, found {found} for the input {name!r}."
        )


def _text(shape: Shape) -> str:
    return "[" + ", ".join(map(str, shape)) + "]"
