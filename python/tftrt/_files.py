"""Files that are written in one step."""

from __future__ import annotations

import contextlib
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import IO

__all__ = ["replacing"]


@contextlib.contextmanager
def replacing(path: Path, mode: int = 0o644) -> Iterator[IO[bytes]]:
    """A new file beside ``path``, which takes its place when all is written. A failure leaves what was there.

    Args:
        path: In an existing directory.
        mode: The file's permissions.
    """
    with tempfile.NamedTemporaryFile(dir=path.absolute().parent, prefix=".tftrt-", delete=False) as file:
        temporary = Path(file.name)
        try:
            yield file
            file.close()
            temporary.chmod(mode)
            temporary.replace(path)
        except BaseException:
            with contextlib.suppress(OSError):
                temporary.unlink()
            raise
