"""Loads and calls damaged models, one for each line that it is given, until it is told to stop or dies of one.

A line is a JSON list of the model's folder, its signature and its inputs; the answer is a JSON object with ``error``
and ``message``, or with ``outputs``: dtype and shape of each by its name.
"""

from __future__ import annotations

import json
import sys
from typing import Any

import numpy as np

import tftrt


def load_and_call(folder: str, signature: str, inputs: dict[str, Any]) -> dict[str, Any]:
    try:
        with tftrt.Model(folder, signature, device="cpu") as model:
            specs = [(spec.name, spec.dtype) for spec in model.outputs]
            outputs = model(inputs)
    except tftrt.Error as error:
        return {"error": type(error).__name__, "message": str(error)}
    found = [(name, array.dtype) for name, array in outputs.items()]
    if found != specs:
        return {"error": "AssertionError", "message": f"outputs are {found}, the specs say {specs}"}
    return {"outputs": {name: [str(array.dtype), list(array.shape)] for name, array in outputs.items()}}


def main() -> None:
    for line in sys.stdin:
        folder, signature, inputs = json.loads(line)
        try:
            answer = load_and_call(folder, signature, {key: np.array(*value) for key, value in inputs.items()})
        except Exception as error:
            answer = {"error": type(error).__name__, "message": str(error)}
        print(json.dumps(answer), flush=True)


if __name__ == "__main__":
    main()
