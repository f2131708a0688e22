"""TensorRT's timing cache on disk: builds on the same kind of GPU reuse what was measured before.

One file for each GPU model, driver and TensorRT version. Nothing about it makes a build fail: what cannot be read or
written is a warning.
"""

from __future__ import annotations

import hashlib
import json
import re
import warnings
from dataclasses import asdict, dataclass
from pathlib import Path

from .._files import replacing

__all__ = ["TimingCache", "TimingKey"]

_MAGIC = b"tftrt timing cache 1\n"
_LONGEST_HEADER = 4096


@dataclass(frozen=True)
class TimingKey:
    """What timings depend on.

    Attributes:
        gpu: Name and compute capability.
        driver: Version of the driver.
        tensorrt: Version of TensorRT.
    """

    gpu: str
    driver: str
    tensorrt: str

    @property
    def file_name(self) -> str:
        """A name for people, made unique by a sum."""
        parts = (self.gpu, "driver", self.driver, "tensorrt", self.tensorrt)
        text = re.sub(r"[^A-Za-z0-9.]+", "-", "-".join(parts)).strip("-.")
        total = hashlib.sha256(json.dumps(asdict(self), sort_keys=True).encode()).hexdigest()
        return f"{text}-{total[:8]}.cache"


class TimingCache:
    """The file for one key.

    Args:
        directory: Where timing caches are; made when one is stored.
        key: What the timings depend on.
    """

    def __init__(self, directory: Path, key: TimingKey) -> None:
        """Do nothing yet; see the class."""
        self._key = key
        self.path = directory / key.file_name

    def load(self) -> bytes:
        """TensorRT's bytes; empty, with a warning where that is a surprise, if there are none to be used."""
        try:
            content = self.path.read_bytes()
        except FileNotFoundError:
            return b""
        except OSError as error:
            self._warn(f"cannot be read ({error.strerror}) and is not used")
            return b""
        body = self._body(content)
        if body is None:
            self._warn("is damaged and is not used; the build writes it anew")
            return b""
        return body

    def store(self, body: bytes) -> None:
        """Replace the file, in one step; a warning says if that is not possible."""
        header = {**asdict(self._key), "bytes": len(body), "sha256": hashlib.sha256(body).hexdigest()}
        content = _MAGIC + json.dumps(header).encode() + b"\n" + body
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            with replacing(self.path) as file:
                file.write(content)
        except OSError as error:
            self._warn(f"cannot be written ({error.strerror}); the next build measures again")

    def _body(self, content: bytes) -> bytes | None:
        if not content.startswith(_MAGIC):
            return None
        end = content.find(b"\n", len(_MAGIC), len(_MAGIC) + _LONGEST_HEADER)
        body = content[end + 1 :]
        expected = {**asdict(self._key), "bytes": len(body), "sha256": hashlib.sha256(body).hexdigest()}
        try:
            header = json.loads(content[len(_MAGIC) : end])
        except ValueError:
            return None
        return body if header == expected else None

    def _warn(self, problem: str) -> None:
        warnings.warn(f"the timing cache {self.path} {problem}", RuntimeWarning, stacklevel=3)
