"""Reading what a shared library needs, with pyelftools."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from elftools.common.exceptions import ELFError
from elftools.elf.dynamic import DynamicSection
from elftools.elf.elffile import ELFFile
from elftools.elf.gnuversions import GNUVerNeedSection

from ..errors import InvalidArgumentError

__all__ = ["SharedObject", "read_shared_object"]


@dataclass(frozen=True)
class SharedObject:
    """What the dynamic loader reads of a library.

    Attributes:
        path: The file.
        needed: Names of the libraries that it needs.
        run_path: Where it looks for them, with ``$ORIGIN`` replaced.
        versions: Names of the interfaces' versions that it uses, such as ``"GLIBC_2.34"``.
    """

    path: Path
    needed: list[str]
    run_path: list[Path]
    versions: list[str]


def read_shared_object(path: Path) -> SharedObject:
    """Read a library's dynamic section.

    Raises:
        InvalidArgumentError: It is no shared library.
    """
    try:
        with path.open("rb") as file:
            elf = ELFFile(file)
            dynamic = elf.get_section_by_name(".dynamic")
            if not isinstance(dynamic, DynamicSection):
                raise ELFError("no dynamic section")
            texts: dict[str, list[str]] = {"DT_NEEDED": [], "DT_RPATH": [], "DT_RUNPATH": []}
            for tag in dynamic.iter_tags():
                if tag.entry.d_tag in texts:
                    texts[tag.entry.d_tag].append(getattr(tag, tag.entry.d_tag[3:].lower()))
            section = elf.get_section_by_name(".gnu.version_r")
            versions = (
                [entry.name for _, entries in section.iter_versions() for entry in entries]
                if isinstance(section, GNUVerNeedSection)
                else []
            )
    except ELFError as error:
        raise InvalidArgumentError(f"{path}: expected a shared library, found: {error}. Install it again.") from error
    origin = str(path.parent)
    folders = [
        Path(folder.replace("${ORIGIN}", origin).replace("$ORIGIN", origin))
        for text in (*texts["DT_RPATH"], *texts["DT_RUNPATH"])
        for folder in text.split(":")
        if folder
    ]
    return SharedObject(path, texts["DT_NEEDED"], folders, versions)
