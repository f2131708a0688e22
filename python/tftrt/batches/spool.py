"""Batches in files, from the process that reads them to the one that builds."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .._native import TensorSpec
from .data import Arrays

__all__ = ["Spool", "load_batch"]


class Spool:
    """Writes batches into a private folder.

    Args:
        folder: An existing folder that nobody else writes to.
    """

    def __init__(self, folder: Path) -> None:
        """Start with no batch; see the class."""
        self._folder = folder
        self._count = 0

    def write(self, arrays: Arrays) -> Path:
        """Write a batch; returns its file."""
        path = self._folder / f"batch-{self._count}.npz"
        self._count += 1
        # By position: numpy takes a name such as "file" for its own argument.
        np.savez(path, np.array(list(arrays)), *arrays.values())
        return path


def load_batch(path: Path, specs: Sequence[TensorSpec]) -> Arrays:
    """Read a batch that :class:`Spool` wrote.

    Args:
        path: The file. It is trusted: strings are pickled.
        specs: The signature's inputs.
    """
    dtypes = {spec.name: spec.dtype for spec in specs}
    with np.load(path, allow_pickle=True) as archive:
        names = [str(name) for name in archive["arr_0"]]
        return {name: _restore(archive[f"arr_{i}"], dtypes[name]) for i, name in enumerate(names, 1)}


def _restore(array: NDArray[Any], dtype: np.dtype[Any]) -> NDArray[Any]:
    """An array of a dtype that numpy's files cannot name, bfloat16, comes back as bytes."""
    return array.view(dtype) if array.dtype.kind == "V" else array
