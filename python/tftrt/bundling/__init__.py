"""Collecting what C++ programs need at run time in one folder, without Python: :func:`bundle_runtime`.

``selection`` chooses the files, ``dependencies`` follows what libraries need, ``slimming`` copies them smaller.
"""

from __future__ import annotations

import os
from pathlib import Path

from .report import BundledFile, BundleReport

__all__ = ["BundleReport", "BundledFile", "bundle_runtime"]


def bundle_runtime(
    destination: str | os.PathLike[str],
    *,
    cuda: bool = False,
    tensorrt: bool = False,
    headers: bool = False,
    overwrite: bool = False,
) -> BundleReport:
    """Copy tftrt's and TensorFlow's libraries into a folder that can be moved and copied anywhere.

    What only debuggers read is left out, and without ``cuda`` also the device code in TensorFlow's libraries.

    Args:
        destination: The folder. It is written beside its place and renamed.
        cuda: Take CUDA's libraries along, as pip installed them. The driver is the machine's.
        tensorrt: Take TensorRT's libraries along; needs ``cuda``.
        headers: Take headers, the CMake package and the pkg-config file along.
        overwrite: Replace an older bundle, unless it holds other files besides.

    Raises:
        InvalidArgumentError: The destination must not be written, or ``tensorrt`` is asked for without ``cuda``.
        IncompatibleError: A library is missing or cannot be used; the message says which and what to install.

    Source: python/tftrt/bundling/pipeline.py
    """
    from .pipeline import make_bundle

    return make_bundle(Path(destination), cuda=cuda, tensorrt=tensorrt, headers=headers, overwrite=overwrite)
