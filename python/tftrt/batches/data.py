"""Sample inputs and calibration batches: from files, from Python and from ``module:function``."""

from __future__ import annotations

import importlib
import os
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .._native import SignatureSpec, TensorSpec
from .._values import to_array
from ..errors import InvalidArgumentError
from .specs import describe, describe_inputs, fits, input_names, takes

__all__ = ["Arrays", "Source", "open_sources", "read_batches"]

Arrays = dict[str, NDArray[Any]]

_SUFFIXES = (".npy", ".npz")


@dataclass(frozen=True)
class Source:
    """Where batches come from.

    Attributes:
        label: The argument and, for files and functions, their names.
        batches: Makes the batches, each a dict, an array or a tuple of arrays.
    """

    label: str
    batches: Callable[[], Iterable[Any]]


def open_sources(argument: str, value: Any) -> list[Source]:
    """Find out what ``value`` is, without reading any batch.

    Args:
        argument: The argument's name, for messages.
        value: The path of a ``.npy`` or ``.npz`` file (one batch), ``"module:function"`` (called without arguments,
            returns batches), a sequence of these, or an iterable of batches or a function that returns one.

    Raises:
        InvalidArgumentError: It is none of these, a file does not exist, or a function cannot be imported.
    """
    if isinstance(value, (str, os.PathLike)):
        return [_open_named(argument, value)]
    if isinstance(value, Mapping) or hasattr(value, "__array__"):
        raise InvalidArgumentError(
            f"{argument}: expected batches, found one {type(value).__name__}. Put it into a list: {argument}=[...]"
        )
    if isinstance(value, Sequence) and not value:
        raise _no_batches(argument)
    if isinstance(value, Sequence) and all(isinstance(element, (str, os.PathLike)) for element in value):
        return [_open_named(argument, element) for element in value]
    if callable(value):
        return [Source(argument, value)]
    if isinstance(value, Iterable) and not isinstance(value, (bytes, bytearray)):
        return [Source(argument, lambda: value)]
    raise InvalidArgumentError(
        f"{argument}: expected the path of a .npy or .npz file, 'module:function', or an iterable of batches, "
        f"found {value!r}."
    )


def _open_named(argument: str, value: str | os.PathLike[Any]) -> Source:
    path = Path(os.fsdecode(value))
    label = f"{argument} {path}"
    if path.suffix in _SUFFIXES:
        if not path.is_file():
            raise InvalidArgumentError(f"{argument}: expected a file, found none at {path}.")
        return Source(label, lambda: [_read_file(label, path)])
    module, colon, function = str(path).partition(":")
    if not colon or not module or not function:
        raise InvalidArgumentError(
            f"{argument}: expected a file that ends in .npy or .npz, or 'module:function', found {str(path)!r}."
        )
    found = _import(argument, module, function)
    return Source(label, lambda: _call(label, found))


def _read_file(label: str, path: Path) -> Any:
    try:
        with path.open("rb") as file:  # numpy leaves it open where it is damaged
            loaded = np.load(file, allow_pickle=False)
            return loaded if isinstance(loaded, np.ndarray) else {name: loaded[name] for name in loaded.files}
    except (ValueError, EOFError, OSError) as error:
        raise InvalidArgumentError(f"{label}: expected a numpy file of numbers or strings, found: {error}") from None
    except Exception as error:  # zipfile's own, of a damaged file
        raise InvalidArgumentError(f"{label}: expected an undamaged file, found: {error}") from error


def _import(argument: str, module: str, function: str) -> Callable[[], Iterable[Any]]:
    try:
        found = getattr(importlib.import_module(module), function)
    except Exception as error:
        raise InvalidArgumentError(
            f"{argument}: expected a function {function!r} in a module {module!r} that can be imported, "
            f"found: {type(error).__name__}: {error}"
        ) from error
    if not callable(found):
        raise InvalidArgumentError(f"{argument}: expected {module}:{function} to be a function, found {found!r}.")
    return found  # type: ignore[no-any-return]


def _call(label: str, function: Callable[[], Iterable[Any]]) -> Iterator[Any]:
    try:
        yield from function()
    except Exception as error:
        raise InvalidArgumentError(
            f"{label}: expected it to return batches when called without arguments, found: "
            f"{type(error).__name__}: {error}"
        ) from error


def read_batches(
    argument: str, sources: Sequence[Source], signatures: Sequence[SignatureSpec]
) -> Iterator[tuple[str, str, Arrays]]:
    """Read all batches, each checked against the signatures that it is for.

    Args:
        argument: The argument's name, for messages.
        sources: Where they come from.
        signatures: A batch is for each of them that takes exactly its inputs.

    Yields:
        What the batch is called in messages, the signature's name, and arrays by input name.

    Raises:
        InvalidArgumentError: There is no batch, one fits no signature, or a dtype or shape does not fit.
    """
    count = 0
    for source in sources:
        batches = source.batches()
        if not isinstance(batches, Iterable):
            raise InvalidArgumentError(f"{source.label}: expected an iterable of batches, found {batches!r}.")
        for number, batch in enumerate(batches, 1):
            count += 1
            where = f"{source.label}, batch {number}"
            for signature, values in _match(where, batch, signatures):
                yield (
                    where,
                    signature.name,
                    {spec.name: _check(where, spec, values.get(spec.name, spec.default)) for spec in signature.inputs},
                )
    if sources and not count:
        raise _no_batches(argument)


def _no_batches(argument: str) -> InvalidArgumentError:
    return InvalidArgumentError(f"{argument}: expected at least one batch, found none.")


def _match(
    where: str, batch: Any, signatures: Sequence[SignatureSpec]
) -> Iterator[tuple[SignatureSpec, Mapping[str, Any]]]:
    """The signatures that the batch is for, and its values by input name."""
    if isinstance(batch, Mapping):
        found = [signature for signature in signatures if takes(signature, batch)]
        given = ", ".join(map(repr, batch)) or "no input"
    else:
        values = batch if _is_row(batch) else [batch]
        found = [signature for signature in signatures if len(signature.inputs) == len(values)]
        given = f"{len(values)} arrays" if len(values) != 1 else "one array without a name"
    if not found:
        raise InvalidArgumentError(
            f"{where}: expected an array for each input of a signature, found {given}; "
            f"the inputs are {describe_inputs(signatures)}."
        )
    for signature in found:
        yield signature, batch if isinstance(batch, Mapping) else dict(zip(input_names(signature), values))


def _is_row(batch: Any) -> bool:
    """Whether it has one array for each input, and is not itself an array made of numbers."""
    return isinstance(batch, (tuple, list)) and (
        isinstance(batch, tuple) or any(hasattr(element, "__array__") and np.ndim(element) > 0 for element in batch)
    )


def _check(where: str, spec: TensorSpec, value: Any) -> NDArray[Any]:
    try:
        array = _convert(spec, to_array(value, spec.dtype, describe(spec)))
    except InvalidArgumentError as error:
        raise InvalidArgumentError(f"{where}: {error}") from None
    if array.dtype != spec.dtype:
        raise InvalidArgumentError(
            f'{where}: input "{spec.name}" has dtype {array.dtype}; expected {describe(spec)}. '
            "Convert it first: tftrt does not cast"
        )
    if spec.shape is not None and not fits(spec, array.shape):
        other = ": another number of dimensions" if array.ndim != len(spec.shape) else ""
        raise InvalidArgumentError(
            f'{where}: input "{spec.name}" has shape {list(array.shape)}; expected {describe(spec)}{other}'
        )
    if 0 in array.shape:
        raise InvalidArgumentError(
            f'{where}: input "{spec.name}" has shape {list(array.shape)}; expected sizes of at least 1'
        )
    return array


def _convert(spec: TensorSpec, array: NDArray[Any]) -> NDArray[Any]:
    """What a file could not say in numpy's own types."""
    if spec.dtype.hasobject and array.dtype.kind == "U":
        return np.char.encode(array, "utf-8").astype(object)
    if spec.dtype.hasobject and array.dtype.kind == "S":
        return array.astype(object)
    if spec.dtype.name == "bfloat16" and array.dtype == np.dtype("V2"):
        return array.view(spec.dtype)
    return array.astype(array.dtype.newbyteorder("="), copy=False)
