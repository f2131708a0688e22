"""The ways to a result that are compared, from TensorFlow's Python to TensorRT alone."""

from __future__ import annotations

from typing import Any

from numpy.typing import NDArray

from ..model import Model
from .measure import Call, MakeCall

__all__ = ["PATHS", "Arrays", "model_paths", "split_paths"]

Arrays = dict[str, NDArray[Any]]

PATHS = {
    "call": "tftrt, model(x): numpy in and out",
    "bound": "tftrt, Runner: pinned host memory in and out",
    "bound-gpu": "tftrt, Runner: GPU memory in and out",
    "tensorflow": "TensorFlow's Python, numpy in and out; for a converted model that is TF-TRT's",
    "xla": "the same with jit_compile, for a model without engines",
    "raw": "TensorRT's Python module on the model's own plan, pinned host memory in and out",
    "raw-graph": "the same as a CUDA graph",
    "raw-gpu": "the same as raw, GPU memory in and out",
    "raw-gpu-graph": "the same as a CUDA graph",
    "onnxruntime": "ONNX Runtime, on --onnx",
}
"""What can be measured, by name."""


def model_paths(model: Model, inputs: Arrays) -> dict[str, MakeCall]:
    """The paths through tftrt."""
    paths: dict[str, MakeCall] = {"call": lambda: lambda: model(inputs), "bound": lambda: _bound(model, inputs, [])}
    if model.info.device != "cpu":
        names = [spec.name for spec in (*model.inputs, *model.outputs)]
        paths["bound-gpu"] = lambda: _bound(model, inputs, names)
    return paths


def split_paths(model: Model, inputs: Arrays) -> dict[str, MakeCall]:
    """Bound calls that differ in one copy: none, inputs, inputs and outputs."""
    given, returned = [spec.name for spec in model.inputs], [spec.name for spec in model.outputs]
    return {
        "compute": lambda: _bound(model, inputs, [*given, *returned]),
        "inputs": lambda: _bound(model, inputs, returned),
        "all": lambda: _bound(model, inputs, []),
    }


def _bound(model: Model, inputs: Arrays, on_gpu: list[str]) -> Call:
    runner = model.bind({name: array.shape for name, array in inputs.items()}, on_gpu=on_gpu)
    for name, array in inputs.items():
        if name in on_gpu:
            runner.inputs[name].fill(array)
        else:
            runner.inputs[name][...] = array
    return runner.run
