"""The one symbol for debuggers that a bundled library keeps."""

from __future__ import annotations

from typing import Any

import numpy as np
from elftools.elf.elffile import ELFFile

__all__ = ["SYMBOL", "find_log_level"]

SYMBOL = np.dtype(
    [("name", "<u4"), ("info", "u1"), ("other", "u1"), ("section", "<u2"), ("value", "<u8"), ("size", "<u8")]
)
"""An entry of ``.symtab`` in a 64-bit library."""

_LOG_LEVEL = b"12_GLOBAL__N_113min_log_levelE"


def find_log_level(elf: ELFFile) -> list[tuple[bytes, Any]]:
    """Names and entries of what cpp/src/environment/private_log.cc sets; empty if there is none.

    TensorFlow has a million symbols, so they are looked through as bytes.
    """
    table = elf.get_section_by_name(".symtab")
    if table is None:
        return []
    names = elf.get_section(table.header.sh_link).data()
    offsets = []
    found = names.find(_LOG_LEVEL)
    while found != -1:
        begin = names.rfind(b"\0", 0, found) + 1
        if names.startswith(b"_ZN4absl", begin):
            offsets.append(begin)
        found = names.find(_LOG_LEVEL, found + 1)
    symbols = np.frombuffer(table.data(), SYMBOL)[: table.header.sh_info]
    return [
        (names[offset : names.index(b"\0", offset)], symbol)
        for offset in offsets
        for symbol in symbols[symbols["name"] == offset]
    ]
