"""The plan in a model's asset, as TF-TRT writes it: one TFRecord that holds a TRTEngineInstance."""

from __future__ import annotations

import struct
from pathlib import Path

from ..errors import ModelError

__all__ = ["read_plan"]

_LENGTH_AND_SUM = 12
_LENGTH_DELIMITED = 2
_PLAN_FIELD = 2


def read_plan(file: Path) -> bytes:
    """TensorRT's serialised engine.

    Raises:
        ModelError: There is none in the file.
    """
    data = file.read_bytes()
    if len(data) > _LENGTH_AND_SUM:
        (length,) = struct.unpack_from("<Q", data)
        record = memoryview(data)[_LENGTH_AND_SUM : _LENGTH_AND_SUM + length]
        position = 0
        while position < len(record):
            tag, position = _varint(record, position)
            size, position = _varint(record, position)
            if tag & 7 != _LENGTH_DELIMITED:
                break
            if tag >> 3 == _PLAN_FIELD:
                return bytes(record[position : position + size])
            position += size
    raise ModelError(f"there is no plan in {file}; build the engines again: tftrt build MODEL")


def _varint(record: memoryview, position: int) -> tuple[int, int]:
    value = shift = 0
    while position < len(record):
        byte = record[position]
        position += 1
        value |= (byte & 0x7F) << shift
        shift += 7
        if byte < 0x80:
            return value, position
    return 0, position
