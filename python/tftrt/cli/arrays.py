"""Arrays for a model's inputs, read from files; and arrays written to a file."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from .._files import replacing
from .common import CommandError, describe_spec

if TYPE_CHECKING:
    from .._native import TensorSpec

__all__ = ["IMAGE_RANGES", "read_arrays", "write_npz"]

IMAGE_RANGES = {"unit": (1 / 255, 0.0), "signed": (2 / 255, -1.0), "raw": (1.0, 0.0)}
"""What the values 0 to 255 of an image become in a float input: factor and summand."""


def read_arrays(path: Path, name: str | None, specs: Sequence[TensorSpec], image_range: str) -> dict[str, NDArray[Any]]:
    """Read a file into arrays by input name.

    Args:
        path: A ``.npy`` or ``.npz`` file, or an image.
        name: The input that it is for. None: the only input, or for a ``.npz`` file the names in it.
        specs: The signature's inputs.
        image_range: A key of ``IMAGE_RANGES``, for images and float inputs.
    """
    if path.suffix == ".npz":
        return _read_npz(path, name, specs)
    spec = _find_spec(name, specs, path)
    if path.suffix == ".npy":
        return {spec.name: _load(path)}
    return {spec.name: _read_image(path, spec, image_range)}


def _find_spec(name: str | None, specs: Sequence[TensorSpec], path: Path) -> TensorSpec:
    known = ", ".join(spec.name for spec in specs) or "none"
    if name is None:
        if len(specs) != 1:
            raise CommandError(f"which input is {path} for? Write --input NAME={path}; the inputs are {known}")
        return specs[0]
    for spec in specs:
        if spec.name == name:
            return spec
    raise CommandError(f"the model has no input {name!r}; its inputs are {known}")


def _load(path: Path) -> Any:
    try:
        return np.load(path, allow_pickle=False)
    except (ValueError, EOFError) as error:
        raise CommandError(f"{path} is not a numpy file of numbers or strings: {error}") from None


def _read_npz(path: Path, name: str | None, specs: Sequence[TensorSpec]) -> dict[str, NDArray[Any]]:
    with _load(path) as archive:
        if name is None and len(specs) == 1 and len(archive.files) == 1:
            name = specs[0].name
        if name is None:
            return {key: archive[_find_spec(key, specs, path).name] for key in archive.files}
        _find_spec(name, specs, path)
        if len(archive.files) == 1:
            return {name: archive[archive.files[0]]}
        if name in archive.files:
            return {name: archive[name]}
        raise CommandError(f"{path} holds {', '.join(archive.files)}, and none of them is {name!r}")


def _read_image(path: Path, spec: TensorSpec, image_range: str) -> NDArray[Any]:
    try:
        from PIL import Image, UnidentifiedImageError
    except ImportError:
        raise CommandError(f"reading {path} needs Pillow: pip install pillow") from None
    height, width, channels = _image_dimensions(path, spec)
    try:
        with Image.open(path) as image:
            pixels = image.convert({1: "L", 3: "RGB", 4: "RGBA"}[channels])
    except UnidentifiedImageError:
        raise CommandError(f"{path} is no .npy or .npz file, and no image that Pillow knows") from None
    size = (pixels.width if width < 0 else width, pixels.height if height < 0 else height)
    if size != pixels.size:
        pixels = pixels.resize(size, Image.Resampling.BILINEAR)
    array = np.asarray(pixels).reshape(size[1], size[0], channels)
    if spec.dtype != np.uint8:
        factor, summand = IMAGE_RANGES[image_range]
        array = (array.astype(np.float32) * factor + summand).astype(spec.dtype)
    return array if spec.shape is not None and len(spec.shape) == 3 else array[np.newaxis]


def _image_dimensions(path: Path, spec: TensorSpec) -> tuple[int, int, int]:
    """Height, width (-1 if the model takes any) and channels."""
    shape = (-1, -1, -1, 3) if spec.shape is None else spec.shape
    channels = 3 if len(shape) in (3, 4) and shape[-1] < 0 else shape[-1] if len(shape) in (3, 4) else 0
    # ml_dtypes' bfloat16 has kind "V".
    is_pixels = spec.dtype == np.uint8 or spec.dtype.kind == "f" or spec.dtype.name == "bfloat16"
    if channels not in (1, 3, 4) or not is_pixels:
        raise CommandError(
            f"{path} cannot become the input {spec.name!r}, {describe_spec(spec)}: an image needs uint8 or "
            "floats, and a shape [N, height, width, channels] with 1, 3 or 4 channels"
        )
    return shape[-3], shape[-2], channels


def write_npz(path: Path, arrays: Mapping[str, NDArray[Any]]) -> None:
    """Write ``arrays`` to ``path``, in one step: a failure leaves no half-written file."""
    with replacing(path, 0o666 & ~_umask()) as file:
        np.savez(file, **{name: _plain(array) for name, array in arrays.items()})


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask


def _plain(array: NDArray[Any]) -> NDArray[Any]:
    """What numpy reads back without pickle and without ml_dtypes."""
    if array.dtype.hasobject:
        return array.astype(np.bytes_)
    return array.astype(np.float32) if array.dtype.name == "bfloat16" else array
