"""What was bundled, and its sizes."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

__all__ = ["BundleReport", "BundledFile"]


@dataclass(frozen=True)
class BundledFile:
    """A file of the bundle.

    Attributes:
        path: Relative to the bundle's folder.
        source: Where it was copied from; empty if it was made for the bundle.
        bytes_before: Its size there.
        bytes_after: Its size in the bundle.
    """

    path: str
    source: str
    bytes_before: int
    bytes_after: int


@dataclass(frozen=True)
class BundleReport:
    """What :func:`~tftrt.bundling.bundle_runtime` wrote.

    Attributes:
        destination: The folder.
        tftrt: Version.
        tensorflow: Version; empty if its folder does not tell.
        files: All files, in the order of their paths.
        system: What the machine has to have: the newest version that the libraries use of each of the C and C++
            libraries' interfaces, such as ``{"GLIBC": "2.34", "GLIBCXX": "3.4.30"}``.
    """

    destination: str
    tftrt: str
    tensorflow: str
    files: list[BundledFile]
    system: dict[str, str]

    @property
    def bytes_before(self) -> int:
        """The files' sizes where they were copied from."""
        return sum(file.bytes_before for file in self.files)

    @property
    def bytes_after(self) -> int:
        """The files' sizes in the bundle."""
        return sum(file.bytes_after for file in self.files)

    def to_dict(self) -> dict[str, Any]:
        """For JSON."""
        return {**asdict(self), "bytes_before": self.bytes_before, "bytes_after": self.bytes_after}
