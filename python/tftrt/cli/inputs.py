"""What the commands that call models share: options for the inputs, and the arrays that they stand for."""

from __future__ import annotations

import argparse
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .common import CommandError, UsageError, describe_spec

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from .._native import TensorSpec

    Arrays = dict[str, NDArray[Any]]

__all__ = ["Sizes", "add_input_options", "complete_inputs", "parse_shapes", "read_inputs"]

Sizes = tuple[dict[str, tuple[int, ...]], int]
"""Shapes by input name, and what unknown dimensions of the others become."""


def add_input_options(parser: argparse.ArgumentParser) -> None:
    """Add ``--input``, ``--random``, ``--seed``, ``--shape`` and ``--image-range``."""
    group = parser.add_argument_group("inputs")
    group.add_argument(
        "--input",
        dest="inputs",
        action="append",
        default=[],
        metavar="[NAME=]FILE",
        help=".npy, .npz or image file, repeatable; the name can be left out where there is one input",
    )
    group.add_argument("--random", action="store_true", help="make up the inputs that are not given")
    group.add_argument("--seed", type=int, default=0, help="seed of made-up inputs (default: 0)")
    group.add_argument(
        "--shape",
        dest="shapes",
        action="append",
        default=[],
        metavar="NAME:1x224x224x3|N",
        help="shape of a made-up input, or what unknown dimensions become (default: 1); repeatable",
    )
    group.add_argument(
        "--image-range",
        choices=("unit", "signed", "raw"),
        default="unit",
        help="what an image becomes in a float input: 0 to 1 (unit, the default), -1 to 1, or 0 to 255 (raw)",
    )


def parse_shapes(texts: Sequence[str]) -> Sizes:
    """Read the values of ``--shape``."""
    shapes: dict[str, tuple[int, ...]] = {}
    unknown = 1
    for text in texts:
        name, colon, dimensions = text.rpartition(":")
        try:
            sizes = tuple(int(size) for size in dimensions.split("x")) if dimensions else ()
        except ValueError:
            sizes = (-1,)
        if any(size < 0 for size in sizes) or (not colon and len(sizes) != 1):
            raise UsageError(f"--shape {text}: expected NAME:1x224x224x3, or a number for all unknown dimensions")
        if colon:
            shapes[name] = sizes
        else:
            unknown = sizes[0]
    return shapes, unknown


def read_inputs(specs: Sequence[TensorSpec], args: argparse.Namespace) -> Arrays:
    """Read the files of ``--input``.

    Args:
        specs: The signature's inputs.
        args: The options of :func:`add_input_options`.
    """
    from .arrays import read_arrays

    inputs: Arrays = {}
    for text in args.inputs:
        name, equals, file = text.partition("=")
        path = Path(file if equals else text)
        if not path.is_file():
            raise CommandError(f"--input {text}: there is no file {path}")
        inputs.update(read_arrays(path, name if equals else None, specs, args.image_range))
    for spec in specs:
        # write_npz writes bfloat16 as float32, which holds the same values.
        if spec.name in inputs and spec.dtype.name == "bfloat16" and inputs[spec.name].dtype.name == "float32":
            inputs[spec.name] = inputs[spec.name].astype(spec.dtype)
    return inputs


def complete_inputs(
    specs: Sequence[TensorSpec],
    given: Mapping[str, NDArray[Any]],
    sizes: Sizes,
    generator: np.random.Generator,
    *,
    make_up: bool,
) -> Arrays:
    """Return ``given`` and made-up values of the inputs that it lacks.

    Args:
        specs: The signature's inputs.
        given: Arrays by input name.
        sizes: What :func:`parse_shapes` returned.
        generator: Makes the values.
        make_up: Whether values may be made up; if not, it is an error that an input is missing. One that has a default
            value and no shape in ``sizes`` gets that value.
    """
    from .._samples import random_array, resolve_shape

    shapes, unknown = sizes
    for name in shapes.keys() - {spec.name for spec in specs}:
        raise CommandError(f"--shape: the model has no input {name!r}")
    inputs = dict(given)
    for spec in specs:
        if spec.name in inputs:
            continue
        if spec.default is not None and spec.name not in shapes:
            inputs[spec.name] = spec.default
            continue
        if not make_up:
            raise CommandError(
                f"the input {spec.name!r}, {describe_spec(spec)}, is missing: "
                f"add --input {spec.name}=FILE, or --random to make it up"
            )
        inputs[spec.name] = random_array(spec, resolve_shape(spec, shapes, unknown), generator)
    return inputs
