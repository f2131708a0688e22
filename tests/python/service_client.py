"""A client of examples/cpp/service, which knows its protocol by its description only."""

from __future__ import annotations

import socket
import struct
from typing import NamedTuple

import numpy as np

OK, INVALID, BUSY, UNAVAILABLE, FAILED, LATE = range(6)


class Answer(NamedTuple):
    """What the service says: ``rest`` is encoded tensors or a text."""

    id: int
    status: int
    version: int
    rest: bytes

    @property
    def text(self) -> str:
        return self.rest.decode()


class Client:
    """One connection; not thread-safe."""

    def __init__(self, address: str) -> None:
        if address.startswith("unix:"):
            self.socket = socket.socket(socket.AF_UNIX)
            self.socket.connect(address.removeprefix("unix:"))
        else:
            host, _, port = address.rpartition(":")
            self.socket = socket.create_connection((host, int(port)))
            self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._stream = self.socket.makefile("rb")

    def close(self) -> None:
        self._stream.close()
        self.socket.close()

    def __enter__(self) -> Client:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()

    def send(self, number: int, *arrays: np.ndarray, kind: int = 1) -> None:
        message = struct.pack("<QB", number, kind) + b"".join(map(encode, arrays))
        self.socket.sendall(struct.pack("<I", len(message)) + message)

    def receive(self) -> Answer | None:
        """The next answer; None if the service has closed the connection."""
        prefix = self._stream.read(4)
        if len(prefix) < 4:
            return None
        message = self._stream.read(*struct.unpack("<I", prefix))
        return Answer(*struct.unpack_from("<QBq", message), message[17:])

    def call(self, number: int, *arrays: np.ndarray, kind: int = 1) -> Answer:
        self.send(number, *arrays, kind=kind)
        answer = self.receive()
        assert answer is not None
        assert answer.id == number
        return answer


def encode(array: np.ndarray) -> bytes:
    return struct.pack(f"<B{array.ndim}q", array.ndim, *array.shape) + array.tobytes()


def decode(data: bytes, dtype: type = np.float32) -> np.ndarray:
    """The only tensor in ``data``."""
    rank = data[0]
    shape = struct.unpack_from(f"<{rank}q", data, 1)
    return np.frombuffer(data, dtype, offset=1 + 8 * rank).reshape(shape)
