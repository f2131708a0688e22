"""TensorFlow's Python package in a process of its own, without a GPU: makes, converts and is the reference.

The tests' own process uses tftrt alone, as a service would.
"""

from __future__ import annotations

import multiprocessing
import os
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from typing import Any

import numpy as np

from . import models

Arrays = dict[str, np.ndarray]


class TensorFlow:
    """The process; started when first called."""

    def __init__(self) -> None:
        context = multiprocessing.get_context("spawn")
        self._pool = ProcessPoolExecutor(1, mp_context=context, initializer=_start)

    def make(self, name: str, directory: str) -> None:
        """Run a builder of models.py."""
        self.call(_make, name, directory)

    def convert(self, source: str, destination: str, options: dict[str, Any]) -> None:
        """Call :func:`tftrt.convert`."""
        self.call(_convert, source, destination, options)

    def expected(self, directory: str, signature: str, inputs: list[Arrays]) -> list[Arrays]:
        """What TensorFlow itself returns on the CPU, in full FP32."""
        return self.call(_expected, directory, signature, inputs)  # type: ignore[no-any-return]

    def close(self) -> None:
        """End the process."""
        self._pool.shutdown()

    def call(self, function: Callable[..., Any], *arguments: Any) -> Any:
        """Call a function of a module there; its result."""
        return self._pool.submit(function, *arguments).result()


def _start() -> None:
    os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
    os.environ["CUDA_VISIBLE_DEVICES"] = "-1"


def _make(name: str, directory: str) -> None:
    getattr(models, name)(directory)


def _convert(source: str, destination: str, options: dict[str, Any]) -> None:
    import tftrt

    tftrt.convert(source, destination, overwrite=True, **options)


_loaded: dict[str, Any] = {}


def _expected(directory: str, signature: str, inputs: list[Arrays]) -> list[Arrays]:
    import tensorflow as tf

    if directory not in _loaded:
        _loaded[directory] = tf.saved_model.load(directory)
    function = _loaded[directory].signatures[signature]
    results = [function(**{key: tf.constant(value) for key, value in arrays.items()}) for arrays in inputs]
    return [{key: value.numpy() for key, value in result.items()} for result in results]
