"""The few functions of CUDA's runtime library that measuring TensorRT alone needs."""

from __future__ import annotations

import ctypes
from collections.abc import Callable
from typing import Any

from ..errors import InternalError

__all__ = ["DEVICE_TO_HOST", "HOST_TO_DEVICE", "Cuda"]

HOST_TO_DEVICE, DEVICE_TO_HOST = 1, 2
_NON_BLOCKING = 1
_CAPTURE_THREAD_LOCAL = 1


class Cuda:
    """CUDA's runtime library; each function raises InternalError if CUDA reports an error."""

    def __init__(self) -> None:
        """Open the library that TensorFlow has opened."""
        self._library = ctypes.CDLL("libcudart.so.12")

    def _call(self, name: str, *arguments: Any) -> None:
        status = getattr(self._library, name)(*arguments)
        if status != 0:
            raise InternalError(f"{name} failed: CUDA error {status}")

    def _make(self, name: str, *arguments: Any) -> ctypes.c_void_p:
        result = ctypes.c_void_p()
        self._call(name, ctypes.byref(result), *arguments)
        return result

    def use(self, gpu: int) -> None:
        """Have this thread's calls go to a GPU."""
        self._call("cudaSetDevice", gpu)

    def stream(self) -> ctypes.c_void_p:
        """Make a stream that does not wait for the default one."""
        return self._make("cudaStreamCreateWithFlags", _NON_BLOCKING)

    def pinned(self, size: int) -> ctypes.c_void_p:
        """Allocate host memory."""
        return self._make("cudaHostAlloc", ctypes.c_size_t(size), 0)

    def device(self, size: int) -> ctypes.c_void_p:
        """Allocate GPU memory."""
        return self._make("cudaMalloc", ctypes.c_size_t(size))

    def free(self, stream: ctypes.c_void_p, pinned: list[ctypes.c_void_p], device: list[ctypes.c_void_p]) -> None:
        """Free what the functions above made."""
        self._call("cudaStreamDestroy", stream)
        for pointer in pinned:
            self._call("cudaFreeHost", pointer)
        for pointer in device:
            self._call("cudaFree", pointer)

    def copy(self, to: ctypes.c_void_p, source: ctypes.c_void_p, size: int, kind: int, stream: ctypes.c_void_p) -> None:
        """Queue a copy."""
        self._call("cudaMemcpyAsync", to, source, ctypes.c_size_t(size), kind, stream)

    def wait(self, stream: ctypes.c_void_p) -> None:
        """Wait for all that is queued."""
        self._call("cudaStreamSynchronize", stream)

    def capture(self, stream: ctypes.c_void_p, queue: Callable[[], None]) -> ctypes.c_void_p:
        """Make a graph of what ``queue`` queues."""
        self._call("cudaStreamBeginCapture", stream, _CAPTURE_THREAD_LOCAL)
        queue()
        graph = ctypes.c_void_p()
        self._call("cudaStreamEndCapture", stream, ctypes.byref(graph))
        executable = self._make("cudaGraphInstantiateWithFlags", graph, ctypes.c_ulonglong(0))
        self._call("cudaGraphDestroy", graph)
        return executable

    def launcher(self, graph: ctypes.c_void_p, stream: ctypes.c_void_p) -> Callable[[], None]:
        """A call that launches the graph and waits for it, with as little Python as can be."""
        launch, wait = self._library.cudaGraphLaunch, self._library.cudaStreamSynchronize

        def call() -> None:
            if launch(graph, stream) or wait(stream):
                raise InternalError("a CUDA graph failed")

        return call
