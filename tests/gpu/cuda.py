"""CUDA as other libraries use it beside tftrt: streams, copies, arrays on the GPU."""

from __future__ import annotations

import ctypes
from typing import Any

import numpy as np

__all__ = ["Cuda", "OnlyCudaArrayInterface"]


class Cuda:
    """Streams, from CUDA's runtime library."""

    def __init__(self) -> None:
        self._library = ctypes.CDLL("libcudart.so.12")

    def stream(self) -> int:
        stream = ctypes.c_void_p()
        self._call("cudaStreamCreateWithFlags", ctypes.byref(stream), 1)
        assert stream.value is not None
        return stream.value

    def copy(self, to: int, source: np.ndarray, stream: int) -> None:
        """From pageable host memory: it has been read when this returns."""
        arguments = ctypes.c_void_p(to), ctypes.c_void_p(source.ctypes.data), ctypes.c_size_t(source.nbytes)
        self._call("cudaMemcpyAsync", *arguments, 1, ctypes.c_void_p(stream))

    def read(self, source: int, like: np.ndarray, stream: int) -> np.ndarray:
        result = np.empty_like(like)
        arguments = ctypes.c_void_p(result.ctypes.data), ctypes.c_void_p(source), ctypes.c_size_t(result.nbytes)
        self._call("cudaMemcpyAsync", *arguments, 2, ctypes.c_void_p(stream))
        self._call("cudaStreamSynchronize", ctypes.c_void_p(stream))
        return result

    def _call(self, name: str, *arguments: Any) -> None:
        status = getattr(self._library, name)(*arguments)
        assert status == 0, f"{name}: {status}"


class OnlyCudaArrayInterface:
    """What Numba's arrays show."""

    def __init__(self, array: Any) -> None:
        self.array = array
        self.__cuda_array_interface__ = array.__cuda_array_interface__
