"""Damaging and forging what the runtime checks: manifests and plans, with sums that are right again."""

from __future__ import annotations

import struct
from collections.abc import Callable
from pathlib import Path
from typing import Any

from tftrt.manifest import file_sha256, write_manifest

from .workshop import read_manifest


def forge_manifest(model: Path, change: Callable[[dict[str, Any]], None]) -> None:
    """Change the manifest in place and seal it anew, as somebody would who means it."""
    content = read_manifest(model)
    change(content)
    for engine in content["engines"]:
        if engine.get("plan"):
            asset = model / engine["plan"]["asset"]
            engine["plan"].update(bytes=asset.stat().st_size, sha256=file_sha256(asset))
    added = ("format_version", "manifest_sha256", "files")
    write_manifest(model, {key: value for key, value in content.items() if key not in added})


def plan_file(model: Path) -> Path:
    """The asset with the first engine's plans."""
    return next(model / engine["plan"]["asset"] for engine in read_manifest(model)["engines"] if engine.get("plan"))


def forge_plans(model: Path, change: Callable[[bytes], bytes]) -> None:
    """Change the TensorRT plan in each record of the first engine, with every length and sum around it right."""
    path = plan_file(model)
    path.write_bytes(b"".join(_record(_replace_plan(record, change)) for record in _records(path.read_bytes())))
    forge_manifest(model, lambda manifest: None)


# TFRecord: length, its sum, the data, its sum.


def _records(data: bytes) -> list[bytes]:
    records = []
    while data:
        (length,) = struct.unpack_from("<Q", data)
        records.append(data[12 : 12 + length])
        data = data[12 + length + 4 :]
    return records


def _record(data: bytes) -> bytes:
    length = struct.pack("<Q", len(data))
    return length + _masked_sum(length) + data + _masked_sum(data)


def _masked_sum(data: bytes) -> bytes:
    crc = 0xFFFFFFFF
    for byte in data:
        crc = _CRC32C[(crc ^ byte) & 0xFF] ^ (crc >> 8)
    crc ^= 0xFFFFFFFF
    return struct.pack("<I", (((crc >> 15) | (crc << 17)) + 0xA282EAD8) & 0xFFFFFFFF)


def _crc32c_table() -> list[int]:
    table = []
    for byte in range(256):
        crc = byte
        for _ in range(8):
            crc = (crc >> 1) ^ (0x82F63B78 if crc & 1 else 0)
        table.append(crc)
    return table


_CRC32C = _crc32c_table()

# TRTEngineInstance, a protocol buffer with fields of bytes only: 1 the input shapes, 2 the plan.
_PLAN_TAG = 2 << 3 | 2


def _replace_plan(message: bytes, change: Callable[[bytes], bytes]) -> bytes:
    result, at = b"", 0
    while at < len(message):
        tag = message[at]
        length, begin = _read_varint(message, at + 1)
        content = message[begin : begin + length]
        if tag == _PLAN_TAG:
            content = change(content)
        result += bytes([tag]) + _varint(len(content)) + content
        at = begin + length
    return result


def _read_varint(data: bytes, at: int) -> tuple[int, int]:
    value = shift = 0
    while True:
        value |= (data[at] & 0x7F) << shift
        shift += 7
        at += 1
        if not data[at - 1] & 0x80:
            return value, at


def _varint(value: int) -> bytes:
    result = b""
    while value > 0x7F:
        result += bytes([value & 0x7F | 0x80])
        value >>= 7
    return result + bytes([value])
