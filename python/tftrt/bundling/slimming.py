"""Copying a shared library without what running it does not need.

Two things go. Sections that are not loaded (symbols and notes for debuggers), as ``strip --strip-all`` would have it,
but for the symbol that cpp/src/environment/private_log.cc looks up. And, if asked for, device code: it lies in the
middle of a segment that is mapped as a whole, and addresses must not move, so the segment is split around it. The whole
pages of device code become a segment with a size in memory and none in the file, which the loader fills with zeros, as
it does with ``.bss``.
"""

from __future__ import annotations

import io
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

from elftools.common.exceptions import ELFError
from elftools.elf.elffile import ELFFile

from ..errors import InvalidArgumentError
from .symbols import SYMBOL, find_log_level

__all__ = ["copy_slim"]

_PAGE = 4096
_LOADED = 2  # SHF_ALLOC
_WRITABLE = 2  # PF_W
_DEVICE_CODE = frozenset({".nv_fatbin", "__nv_relfatbin"})


@dataclass(frozen=True)
class _Range:
    """Bytes of the file, up to ``end``."""

    begin: int
    end: int

    @property
    def size(self) -> int:
        return self.end - self.begin


def copy_slim(source: Path, target: Path, *, device_code: bool) -> None:
    """Copy a 64-bit library to a new file that loads at the same addresses.

    Args:
        source: The library.
        target: The copy; its permissions are the source's.
        device_code: Keep CUDA's.

    Raises:
        InvalidArgumentError: The library's layout is not as TensorFlow's is.
    """
    try:
        with source.open("rb") as file, target.open("wb") as out:
            _Slimmer(ELFFile(file), source, device_code=device_code).write(file, out)
    except ELFError as error:
        raise InvalidArgumentError(f"{source}: expected a shared library, found: {error}. Install it again.") from error
    shutil.copymode(source, target)


class _Slimmer:
    def __init__(self, elf: ELFFile, source: Path, *, device_code: bool) -> None:
        if elf.elfclass != 64 or not elf.little_endian:
            raise InvalidArgumentError(f"{source}: expected a 64-bit little-endian library. Install one for x86-64.")
        self._elf = elf
        self._segments = [segment.header for segment in elf.iter_segments()]
        sections = list(elf.iter_sections())
        self._sections = [
            (index, section.name, section.header)
            for index, section in enumerate(sections)
            if index == 0 or section.header.sh_flags & _LOADED
        ]
        self._symbols = find_log_level(elf)
        self._end = max(
            segment.p_offset + segment.p_filesz for segment in self._segments if segment.p_type == "PT_LOAD"
        )
        self._cuts = [] if device_code else self._find_cuts()

    def _find_cuts(self) -> list[_Range]:
        cuts = []
        for _, name, section in self._sections:
            if name not in _DEVICE_CODE or section.sh_type == "SHT_NOBITS":
                continue
            # Whole pages: the addresses of a segment and its offsets in the file agree only modulo the page.
            skew = -section.sh_addr % _PAGE
            begin = section.sh_offset + skew
            end = begin + (section.sh_size - skew) // _PAGE * _PAGE
            if end > begin and any(self._holds(segment, begin, end) for segment in self._segments):
                cuts.append(_Range(begin, end))
        return sorted(cuts, key=lambda cut: cut.begin)

    @staticmethod
    def _holds(segment: Any, begin: int, end: int) -> bool:
        return (
            segment.p_type == "PT_LOAD"
            and not segment.p_flags & _WRITABLE
            and segment.p_offset < begin
            and end < segment.p_offset + segment.p_filesz
        )

    def _moved(self, offset: int) -> int:
        """Where what was at ``offset`` is now."""
        return offset - sum(cut.size for cut in self._cuts if cut.end <= offset)

    def write(self, file: BinaryIO, out: BinaryIO) -> None:
        """Write the library: header and loaded bytes in their order, then the tables."""
        position = 0
        for cut in [*self._cuts, _Range(self._end, self._end)]:
            _copy(file, out, position, cut.begin)
            position = cut.end
        header = self._elf.header.copy()
        header.update(self._write_segments(out))
        header.update(self._write_sections(out))
        out.seek(0)
        out.write(self._elf.structs.Elf_Ehdr.build(header))

    def _write_segments(self, out: BinaryIO) -> dict[str, int]:
        if not self._cuts and self._elf.header.e_phoff < self._end:
            return {}
        # The loader keeps the table where it is mapped, or else copies it. Behind the last segment's bytes on the same
        # page it would seem mapped, while the page's rest is zeroed for .bss.
        _pad(out, _PAGE)
        offset = out.tell()
        segments = [part for segment in self._segments for part in self._split(segment)]
        for segment in segments:
            out.write(self._elf.structs.Elf_Phdr.build(segment))
        return {"e_phoff": offset, "e_phnum": len(segments)}

    def _split(self, segment: Any) -> list[Any]:
        if segment.p_type == "PT_PHDR":  # its place is no longer in a segment
            return []
        parts = []
        rest = segment.copy()
        for cut in self._cuts:
            if self._holds(segment, cut.begin, cut.end):
                before = cut.begin - rest.p_offset
                parts += [_part(rest, 0, before, before), _part(rest, before, 0, cut.size)]
                skipped = before + cut.size
                rest = _part(rest, skipped, rest.p_filesz - skipped, rest.p_memsz - skipped)
        parts.append(rest)
        for part in parts:
            part.p_offset = self._moved(part.p_offset)
            if self._cuts and part.p_type == "PT_LOAD":
                part.p_align = _PAGE  # by whole pages, and no more, have the offsets moved
        return parts

    def _write_sections(self, out: BinaryIO) -> dict[str, int]:
        names = io.BytesIO(b"\0")
        names.seek(1)
        new_index = {index: place for place, (index, _, _) in enumerate(self._sections)}
        headers = []
        for index, name, old in self._sections:
            section = old.copy()
            section.sh_offset = self._moved(old.sh_offset)
            if any(old.sh_offset <= cut.begin and cut.end <= old.sh_offset + old.sh_size for cut in self._cuts):
                section.sh_type = "SHT_NOBITS"
            section.sh_link = new_index.get(old.sh_link, 0)
            if old.sh_type in ("SHT_REL", "SHT_RELA"):
                section.sh_info = new_index.get(old.sh_info, 0)
            if index:
                section.sh_name = names.tell()
                names.write(name.encode() + b"\0")
            headers.append(section)
        headers += self._write_symbols(out, names, headers[0], new_index)

        table = headers[0].copy()
        table.update({"sh_type": "SHT_STRTAB", "sh_name": names.tell(), "sh_addralign": 1})
        names.write(b".shstrtab\0")
        table.update({"sh_offset": out.tell(), "sh_size": names.tell()})
        out.write(names.getvalue())
        headers.append(table)
        _pad(out, 8)
        offset = out.tell()
        for section in headers:
            out.write(self._elf.structs.Elf_Shdr.build(section))
        return {"e_shoff": offset, "e_shnum": len(headers), "e_shstrndx": len(headers) - 1}

    def _write_symbols(self, out: BinaryIO, names: BinaryIO, empty: Any, new_index: dict[int, int]) -> list[Any]:
        if not self._symbols:
            return []
        texts = b"\0"
        _pad(out, 8)
        begin = out.tell()
        out.write(bytes(SYMBOL.itemsize))  # the first one stands for none
        for name, symbol in self._symbols:
            entry = symbol.copy()
            entry["name"], entry["section"] = len(texts), new_index.get(int(symbol["section"]), 0)
            texts += name + b"\0"
            out.write(entry.tobytes())
        size = out.tell() - begin
        out.write(texts)

        symbols, strings = empty.copy(), empty.copy()
        symbols.update({"sh_type": "SHT_SYMTAB", "sh_name": names.tell(), "sh_offset": begin, "sh_size": size})
        symbols.update({"sh_entsize": SYMBOL.itemsize, "sh_addralign": 8, "sh_link": len(self._sections) + 1})
        symbols["sh_info"] = 1 + len(self._symbols)  # all are local
        names.write(b".symtab\0")
        strings.update({"sh_type": "SHT_STRTAB", "sh_name": names.tell(), "sh_offset": begin + size})
        strings.update({"sh_size": len(texts), "sh_addralign": 1})
        names.write(b".strtab\0")
        return [symbols, strings]


def _part(segment: Any, skipped: int, file_size: int, memory_size: int) -> Any:
    part = segment.copy()
    part.update({"p_filesz": file_size, "p_memsz": memory_size})
    for name in ("p_offset", "p_vaddr", "p_paddr"):
        part[name] = segment[name] + skipped
    return part


def _copy(file: BinaryIO, out: BinaryIO, begin: int, end: int) -> None:
    file.seek(begin)
    while begin < end:
        block = file.read(min(end - begin, 1 << 24))
        if not block:
            raise ELFError("it ends in the middle")
        out.write(block)
        begin += len(block)


def _pad(out: BinaryIO, size: int) -> None:
    out.write(bytes(-out.tell() % size))
