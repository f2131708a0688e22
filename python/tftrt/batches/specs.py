"""Inputs of signatures, in words."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from .._native import SignatureSpec, TensorSpec

__all__ = ["describe", "describe_inputs", "fits", "input_names", "only_input", "takes"]


def describe(spec: TensorSpec) -> str:
    """``"image: float32[?, 224, 224, 3]"``."""
    dtype = "string" if spec.dtype.hasobject else spec.dtype.name
    shape = "..." if spec.shape is None else ", ".join("?" if size < 0 else str(size) for size in spec.shape)
    return f"{spec.name}: {dtype}[{shape}]"


def describe_inputs(signatures: Sequence[SignatureSpec]) -> str:
    """The inputs of one signature, or of several with the signatures' names."""
    texts = ["; ".join(map(describe, signature.inputs)) or "none" for signature in signatures]
    if len(texts) == 1:
        return texts[0]
    return ", ".join(f'"{signature.name}" ({text})' for signature, text in zip(signatures, texts))


def fits(spec: TensorSpec, shape: Sequence[int]) -> bool:
    """Whether the input may have this shape."""
    return spec.shape is None or (
        len(shape) == len(spec.shape) and all(wanted in (-1, size) for wanted, size in zip(spec.shape, shape))
    )


def takes(signature: SignatureSpec, names: Iterable[str]) -> bool:
    """Whether a call may give exactly these inputs: those without a default value are among them."""
    given = set(names)
    needed = {spec.name for spec in signature.inputs if spec.default is None}
    return needed <= given <= set(input_names(signature))


def only_input(signature: SignatureSpec) -> str | None:
    """Name of the one input, or of the one without a default value; None if there is no such input."""
    needed = [spec.name for spec in signature.inputs if spec.default is None or len(signature.inputs) == 1]
    return needed[0] if len(needed) == 1 else None


def input_names(signature: SignatureSpec) -> list[str]:
    """Names of the inputs, sorted."""
    return [spec.name for spec in signature.inputs]
