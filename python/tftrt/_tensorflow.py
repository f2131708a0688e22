"""What ties tftrt to TensorFlow's Python package without importing it.

The C++ runtime is told where the package is, and registers its kernels as soon as the program itself imports
TensorFlow, so that ``tf.saved_model.load`` takes converted models on a CPU.
"""

from __future__ import annotations

import contextlib
import importlib.abc
import importlib.util
import sys
from collections.abc import Sequence
from importlib.machinery import ModuleSpec
from types import ModuleType

from tftrt import _native
from tftrt.errors import Error

_PACKAGE = "tensorflow"


def find_package() -> str:
    """Return the folder of the tensorflow package that an import would take; empty if there is none."""
    module = sys.modules.get(_PACKAGE)
    spec = getattr(module, "__spec__", None) or importlib.util.find_spec(_PACKAGE)
    locations = spec.submodule_search_locations if spec else None
    return next(iter(locations), "") if locations else ""


def _register_kernels() -> None:
    """Register them with the TensorFlow that the program has imported, if that is one that tftrt can use.

    A program may import both packages and use only one. If tftrt cannot use this TensorFlow, its first call that needs
    it raises the error.
    """
    with contextlib.suppress(Error):
        _native.open_tensorflow()


class _Loader(importlib.abc.Loader):
    """Runs the package's own loader and registers the kernels after it."""

    def __init__(self, loader: importlib.abc.Loader) -> None:
        self._loader = loader

    def create_module(self, spec: ModuleSpec) -> ModuleType | None:
        return self._loader.create_module(spec)

    def exec_module(self, module: ModuleType) -> None:
        self._loader.exec_module(module)
        _register_kernels()


class _Finder(importlib.abc.MetaPathFinder):
    """Wraps the loader of the tensorflow package, once."""

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        if fullname != _PACKAGE:
            return None
        sys.meta_path.remove(self)
        spec = importlib.util.find_spec(fullname)
        if spec is not None and spec.loader is not None:
            spec.loader = _Loader(spec.loader)
        return spec


def attach() -> None:
    """Tell the runtime where TensorFlow is, and register its kernels when the program imports TensorFlow."""
    _native.set_tensorflow_hint(find_package())
    if _PACKAGE in sys.modules:
        _register_kernels()
    else:
        sys.meta_path.insert(0, _Finder())
