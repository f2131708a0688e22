"""The same network in each precision, converted and built for one run of a benchmark."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from .. import _native
from ..building import build
from ..converter import convert
from .paths import Arrays

__all__ = ["convert_precisions"]

_CALIBRATION_BATCHES = 4


def convert_precisions(
    model: str | os.PathLike[str], directory: Path, batches: Sequence[Arrays], options: Mapping[str, Any]
) -> list[str]:
    """Convert ``model`` to FP32, FP16 and INT8 in ``directory``, with engines where there is a GPU.

    INT8 is calibrated with the inputs that are measured: it is as fast as any, and its results mean nothing.

    Args:
        model: What was not converted yet.
        directory: Where the results go; it exists.
        batches: Inputs, one batch of each size.
        options: ``signature`` and ``tags``, where they are not the defaults.

    Returns:
        The folders.
    """
    tags: dict[str, Any] = {"tags": options["tags"]} if "tags" in options else {}
    signatures: dict[str, Any] = {"signatures": [options["signature"]]} if "signature" in options else {}
    shapes = [{name: array.shape for name, array in batch.items()} for batch in batches]
    converted = []
    for precision in ("FP32", "FP16", "INT8"):
        folder = str(directory / f"{Path(model).name}_{precision.lower()}")
        convert(model, folder, precision=precision, profile_strategy="Optimal", **signatures, **tags)
        if _native.inspect_environment().gpus:
            calibration: dict[str, Any] = {}
            if precision == "INT8":
                calibration["calibration"] = [batches[0]] * _CALIBRATION_BATCHES
            build(folder, shapes=shapes, **calibration, **signatures)
        converted.append(folder)
    return converted
