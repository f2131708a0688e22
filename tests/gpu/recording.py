"""Figures and outcomes, appended as JSON lines to the file that ``TFTRT_GPU_RECORD`` names.

A line is written at once and whole, so that a crash loses none and several processes can share a file.
"""

from __future__ import annotations

import json
import os
from typing import Any


def append(kind: str, **content: Any) -> None:
    """Write one line; nothing without ``TFTRT_GPU_RECORD``."""
    path = os.environ.get("TFTRT_GPU_RECORD")
    if not path:
        return
    line = json.dumps({"kind": kind, **content}, default=_plain) + "\n"
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
    try:
        os.write(descriptor, line.encode())
    finally:
        os.close(descriptor)


def _plain(value: Any) -> Any:
    """Numpy's numbers and arrays, and paths."""
    return value.tolist() if hasattr(value, "tolist") else str(value)
