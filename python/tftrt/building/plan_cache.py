"""Plans on disk: an engine that was built before is taken from there instead of being built again.

One file for each engine, named by the sum of all that its plans depend on (``PlanKeys`` of the builder) and the sum of
its content, so that a file that was changed is never used. The ones that were used last are kept, up to a limit.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import warnings
from pathlib import Path

from .._files import replacing
from ..manifest import file_sha256

__all__ = ["PlanCache"]

_SUFFIX = ".plans"
_LARGEST = 8 << 30


class PlanCache:
    """The files in one directory.

    Args:
        directory: Where they are; made when one is stored.
        largest: How many bytes are kept.
    """

    def __init__(self, directory: Path, largest: int = _LARGEST) -> None:
        """Do nothing yet; see the class."""
        self.directory = directory
        self._largest = largest

    def find(self, key: str) -> Path | None:
        """The file for a key, with the content that was stored; None if there is none."""
        for path in self.directory.glob(f"{key}-*{_SUFFIX}"):
            with contextlib.suppress(OSError):
                if path.name == _name(key, file_sha256(path)):
                    os.utime(path)
                    return path
                path.unlink()
        return None

    def store(self, key: str, file: Path, sha256: str) -> None:
        """Keep a copy of ``file``, whose sum this is; a warning says if that is not possible."""
        try:
            self.directory.mkdir(parents=True, exist_ok=True)
            with replacing(self.directory / _name(key, sha256)) as copy, file.open("rb") as original:
                shutil.copyfileobj(original, copy)
            self._drop_oldest()
        except OSError as error:
            warnings.warn(
                f"the plan cache {self.directory} cannot be written ({error.strerror}); the next build builds anew",
                RuntimeWarning,
                stacklevel=2,
            )

    def _drop_oldest(self) -> None:
        found = []
        for path in self.directory.glob(f"*{_SUFFIX}"):
            with contextlib.suppress(OSError):  # another build may drop it as well
                found.append((path.stat().st_mtime_ns, path.stat().st_size, path))
        total = sum(size for _, size, _ in found)
        for _, size, path in sorted(found):
            if total <= self._largest:
                break
            total -= size
            with contextlib.suppress(OSError):
                path.unlink()


def _name(key: str, sha256: str) -> str:
    return f"{key}-{sha256}{_SUFFIX}"
