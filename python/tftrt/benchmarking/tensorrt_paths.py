"""TensorRT alone, through its own Python module: the floor for everything that runs the same plan."""

from __future__ import annotations

import ctypes
import importlib
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from ..errors import UnsupportedError
from ..manifest import MANIFEST_PATH
from ..model import Model
from .cudart import DEVICE_TO_HOST, HOST_TO_DEVICE, Cuda
from .measure import Call, MakeCall
from .paths import Arrays
from .plan_file import read_plan

__all__ = ["find_tensorrt", "tensorrt_paths"]


def find_tensorrt() -> Any:
    """TensorRT's Python module; None if there is none."""
    for name in ("tensorrt_bindings", "tensorrt"):
        try:
            return importlib.import_module(name)
        except ImportError:
            continue
    return None


def tensorrt_paths(model: Model, inputs: Arrays) -> dict[str, MakeCall]:
    """``raw`` and its like, each with an execution context and a stream for each caller.

    Raises:
        UnsupportedError: The signature is more than one engine, or there is no TensorRT module.
    """
    trt = find_tensorrt()
    if trt is None:
        raise UnsupportedError("TensorRT's Python module is not installed")
    if model.info.instances == 0:
        raise UnsupportedError("the signature is not one engine, or the engine is not built")
    engine = _Engine(trt, _plan_of(model), int(model.info.device.rpartition(":")[2]))
    return {
        "raw": lambda: _Context(engine, inputs).plain,
        "raw-graph": lambda: _Context(engine, inputs).graph(copies=True),
        "raw-gpu": lambda: _Context(engine, inputs).plain_on_gpu,
        "raw-gpu-graph": lambda: _Context(engine, inputs).graph(copies=False),
    }


def _plan_of(model: Model) -> bytes:
    """Of the engine that ran last: the model's only one, or that of its signature."""
    ran = {engine["name"] for engine in model.stats()["engines"] if engine["engine_runs"] > 0}
    for engine in (model.manifest or {}).get("engines", ()):
        if engine.get("plan") and engine["name"] in ran:
            return read_plan(Path(model.info.path) / engine["plan"]["asset"])
    raise UnsupportedError(f"the manifest ({MANIFEST_PATH}) names no plan of an engine that these inputs ran on")


class _Engine:
    """A plan, deserialised once for all callers."""

    def __init__(self, trt: Any, plan: bytes, gpu: int) -> None:
        self.trt = trt
        self.gpu = gpu
        self.cuda = Cuda()
        self.cuda.use(gpu)
        logger = trt.Logger(trt.Logger.ERROR)
        trt.init_libnvinfer_plugins(logger, "")
        self._runtime = trt.Runtime(logger)
        self.engine = self._runtime.deserialize_cuda_engine(plan)
        if self.engine is None:
            raise UnsupportedError("TensorRT's Python module cannot read the plan; is it another version?")
        self.lock = threading.Lock()

    def profile_for(self, inputs: dict[str, Any]) -> int:
        """The first profile that takes these shapes."""
        if self.engine.num_optimization_profiles == 1:
            return 0
        for profile in range(self.engine.num_optimization_profiles):
            if all(self._takes(profile, name, array.shape) for name, array in inputs.items()):
                return profile
        raise UnsupportedError("no profile of the plan takes these shapes")

    def _takes(self, profile: int, name: str, shape: tuple[int, ...]) -> bool:
        low, _, high = self.engine.get_tensor_profile_shape(name, profile)
        return all(a <= b <= c for a, b, c in zip(low, shape, high))


class _Context:
    """An execution context with a stream and buffers of its own."""

    def __init__(self, engine: _Engine, inputs: Arrays) -> None:
        self._engine, self._cuda = engine, engine.cuda
        self._cuda.use(engine.gpu)
        self._stream = self._cuda.stream()
        trt, plan = engine.trt, engine.engine
        names = [plan.get_tensor_name(index) for index in range(plan.num_io_tensors)]
        is_input = {name: plan.get_tensor_mode(name) == trt.TensorIOMode.INPUT for name in names}
        arrays = _match(plan, trt, [name for name in names if is_input[name]], list(inputs.values()))
        with engine.lock:
            self._context = plan.create_execution_context()
        profile = engine.profile_for(arrays)
        if self._context.active_optimization_profile != profile and not self._context.set_optimization_profile_async(
            profile, self._stream.value
        ):
            raise UnsupportedError("the plan's profile is used by another execution context")
        for name, array in arrays.items():
            self._context.set_input_shape(name, array.shape)
        self._to_device: list[tuple[Any, Any, int]] = []
        self._to_host: list[tuple[Any, Any, int]] = []
        for name in names:
            shape = tuple(self._context.get_tensor_shape(name))
            dtype = np.dtype(trt.nptype(plan.get_tensor_dtype(name)))
            size = int(np.prod(shape)) * dtype.itemsize
            host, device = self._cuda.pinned(size), self._cuda.device(size)
            self._context.set_tensor_address(name, device.value)
            if is_input[name]:
                ctypes.memmove(host, np.ascontiguousarray(arrays[name]).ctypes.data, size)
                self._to_device.append((device, host, size))
            else:
                self._to_host.append((host, device, size))
        # Once before it is captured, as TensorRT wants it.
        self.plain()

    def __del__(self) -> None:
        if hasattr(self, "_to_host"):
            pinned = [entry[1] for entry in self._to_device] + [entry[0] for entry in self._to_host]
            device = [entry[0] for entry in self._to_device] + [entry[1] for entry in self._to_host]
            self._cuda.free(self._stream, pinned, device)

    def plain(self) -> None:
        self._queue()
        self._cuda.wait(self._stream)

    def plain_on_gpu(self) -> None:
        self._enqueue()
        self._cuda.wait(self._stream)

    def graph(self, *, copies: bool) -> Call:
        graph = self._cuda.capture(self._stream, self._queue if copies else self._enqueue)
        launch: Callable[[], None] = self._cuda.launcher(graph, self._stream)

        def call(keep: _Context = self) -> None:  # what the graph touches
            launch()

        return call

    def _queue(self) -> None:
        for device, host, size in self._to_device:
            self._cuda.copy(device, host, size, HOST_TO_DEVICE, self._stream)
        self._enqueue()
        for host, device, size in self._to_host:
            self._cuda.copy(host, device, size, DEVICE_TO_HOST, self._stream)

    def _enqueue(self) -> None:
        if not self._context.execute_async_v3(self._stream.value):
            raise UnsupportedError("TensorRT cannot run the plan")


def _match(plan: Any, trt: Any, names: list[str], arrays: list[Any]) -> dict[str, Any]:
    """The arrays by TensorRT's names, told apart by dtype and number of dimensions, else by their order."""
    left = list(arrays)
    matched = {}
    for name in names:
        dtype = np.dtype(trt.nptype(plan.get_tensor_dtype(name)))
        shape = tuple(plan.get_tensor_shape(name))
        fitting = [array for array in left if array.dtype == dtype and array.ndim == len(shape)]
        if not fitting:
            raise UnsupportedError(f"no input fits the plan's {name}: {dtype}{list(shape)}")
        matched[name] = fitting[0]
        left = [array for array in left if array is not fitting[0]]
    return matched
