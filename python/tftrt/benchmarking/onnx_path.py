"""ONNX Runtime, on an ONNX file of the same network."""

from __future__ import annotations

import os

from ..errors import InvalidArgumentError, UnsupportedError
from .measure import MakeCall
from .paths import Arrays

__all__ = ["onnx_paths"]


def onnx_paths(file: str | os.PathLike[str], device: str, inputs: Arrays) -> dict[str, MakeCall]:
    """``onnxruntime``: ``InferenceSession.run``, on the GPU if its package can use one and the model is there.

    Raises:
        UnsupportedError: ONNX Runtime is not installed.
        InvalidArgumentError: The file's inputs are not the model's.
    """
    try:
        import onnxruntime
    except ImportError:
        raise UnsupportedError("ONNX Runtime is not installed: pip install onnxruntime-gpu") from None
    wanted = ["CPUExecutionProvider"]
    if device != "cpu":
        wanted.insert(0, "CUDAExecutionProvider")
    providers = [name for name in wanted if name in onnxruntime.get_available_providers()]
    session = onnxruntime.InferenceSession(os.fspath(file), providers=providers)
    names = [entry.name for entry in session.get_inputs()]
    if len(names) != len(inputs) or (len(names) > 1 and set(names) != set(inputs)):
        raise InvalidArgumentError(f"{file} has the inputs {names}; expected those of the model, {list(inputs)}")
    feeds = dict(zip(names, inputs.values())) if len(names) == 1 else inputs
    return {"onnxruntime": lambda: lambda: session.run(None, feeds)}
