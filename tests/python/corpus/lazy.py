"""TensorFlow and Keras under their usual names, imported when a model is built: only there, in a process of its own."""

from __future__ import annotations

import importlib
from typing import Any


class _Package:
    """Hands every attribute on from a package that it imports first."""

    def __init__(self, name: str) -> None:
        self._name = name

    def __getattr__(self, attribute: str) -> Any:
        return getattr(importlib.import_module(self._name), attribute)


tf = _Package("tensorflow")
v1 = _Package("tensorflow.compat.v1")
keras = _Package("keras")
