"""The C API through ctypes, with names, numbers and layouts written down here once more."""

from __future__ import annotations

import ctypes
import threading
from collections.abc import Callable, Iterator, Sequence
from ctypes import POINTER, byref, c_char_p, c_double, c_int32, c_int64, c_size_t, c_uint64, c_void_p
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import tftrt
from conftest import PATIENCE

DTYPES = ["float16", "bfloat16", "float32", "float64", "int8", "int16", "int32", "int64", "uint8", "uint16"]
DTYPES += ["uint32", "uint64", "bool", "complex64", "complex128", "string"]
INVALID_ARGUMENT, MODEL_ERROR, DEADLINE_EXCEEDED, CANCELLED = 1, 2, 6, 7

Texts = POINTER(c_char_p)
Done = ctypes.CFUNCTYPE(None, c_void_p, c_void_p, POINTER(c_void_p), c_size_t)
Deleter = ctypes.CFUNCTYPE(None, c_void_p)


class Versioned(ctypes.Structure):
    def __init__(self, **fields: Any) -> None:
        super().__init__(struct_size=ctypes.sizeof(self), **fields)


class TensorView(Versioned):
    _fields_ = [
        ("struct_size", c_size_t),
        ("dtype", c_int32),
        ("gpu", c_int32),
        ("dims", POINTER(c_int64)),
        ("rank", c_size_t),
        ("num_elements", c_int64),
        ("data", c_void_p),
        ("num_bytes", c_size_t),
    ]


class TensorSpec(Versioned):
    _fields_ = [
        ("struct_size", c_size_t),
        ("name", c_char_p),
        ("dims", POINTER(c_int64)),
        ("rank", c_int32),
        ("dtype", c_int32),
    ]


class ModelOptions(Versioned):
    _fields_ = [
        ("struct_size", c_size_t),
        ("signature", c_char_p),
        ("tags", Texts),
        ("num_tags", c_size_t),
        ("device", c_char_p),
        ("executor", c_char_p),
        ("intra_op_threads", c_int32),
        ("inter_op_threads", c_int32),
        ("on_miss", c_char_p),
        ("on_mismatch", c_char_p),
        ("instances", c_int32),
        ("max_batch", c_int32),
        ("max_wait_us", c_int64),
        ("max_queued_batches", c_int32),
        ("max_queued_calls", c_int32),
        ("cuda_graphs", c_char_p),
        ("warm_engines", c_int32),
        ("warmup", c_int32),
        ("op_libraries", Texts),
        ("num_op_libraries", c_size_t),
    ]


class CallOptions(Versioned):
    _fields_ = [
        ("struct_size", c_size_t),
        ("outputs", Texts),
        ("num_outputs", c_size_t),
        ("on_gpu", Texts),
        ("num_on_gpu", c_size_t),
        ("timeout_us", c_int64),
        ("cancellation", c_void_p),
    ]


class ModelInfo(Versioned):
    _fields_ = [
        ("struct_size", c_size_t),
        ("path", c_char_p),
        ("tags", Texts),
        ("num_tags", c_size_t),
        ("signatures", Texts),
        ("num_signatures", c_size_t),
        ("signature", c_char_p),
        ("num_inputs", c_size_t),
        ("num_outputs", c_size_t),
        ("device", c_char_p),
        ("executor", c_char_p),
        ("executor_reason", c_char_p),
        ("tensorrt_problem", c_char_p),
        ("engine_problem", c_char_p),
        ("engines", c_int32),
        ("engines_ready", c_int32),
        ("instances", c_int64),
        ("load_phases", Texts),
        ("load_seconds", POINTER(c_double)),
        ("num_load_phases", c_size_t),
        ("manifest", c_char_p),
    ]


class StatsInfo(Versioned):
    _fields_ = [("struct_size", c_size_t), ("calls", c_uint64), ("errors", c_uint64), ("num_engines", c_size_t)]


class Memory(Versioned):
    _fields_ = [
        ("struct_size", c_size_t),
        ("host_model", c_uint64),
        ("host_pinned", c_uint64),
        ("gpu_model", c_uint64),
        ("gpu_workspaces", c_uint64),
        ("gpu_buffers", c_uint64),
        ("cuda_graphs", c_uint64),
        ("gpu_graphs", c_uint64),
        ("plans", c_uint64),
    ]


class NamedTensor(ctypes.Structure):
    _fields_ = [("name", c_char_p), ("tensor", c_void_p)]


class Shape(ctypes.Structure):
    _fields_ = [("dims", POINTER(c_int64)), ("rank", c_size_t)]


class NamedShape(ctypes.Structure):
    _fields_ = [("name", c_char_p), ("shape", Shape)]


class CError(Exception):
    def __init__(self, code: int, message: str) -> None:
        super().__init__(message)
        self.code = code


class Library:
    """The library of the installed package, whose functions raise what they return."""

    def __init__(self) -> None:
        self._library = ctypes.CDLL(str(Path(tftrt.cmake_prefix_path).parents[1] / "lib" / "libtftrt.so"))
        self._library.tftrt_status_message.restype = c_char_p
        self._library.tftrt_version.restype = c_char_p
        self._library.tftrt_dtype_name.restype = c_char_p
        self._library.tftrt_dtype_size.restype = c_size_t
        for name in ("status_message", "status_code", "status_free"):
            getattr(self._library, f"tftrt_{name}").argtypes = [c_void_p]

    def raw(self, name: str) -> Any:
        return getattr(self._library, f"tftrt_{name}")

    def error_of(self, status: int) -> CError:
        error = CError(self.raw("status_code")(status), self.raw("status_message")(status).decode())
        self.raw("status_free")(status)
        return error

    def __call__(self, name: str, *arguments: Any) -> None:
        function = self.raw(name)
        function.restype = c_void_p
        status = function(*arguments)
        if status:
            raise self.error_of(status)

    def make(self, name: str, *arguments: Any) -> c_void_p:
        """What the function returns through its last argument."""
        handle = c_void_p()
        self(name, *arguments, byref(handle))
        assert handle
        return handle

    def free(self, kind: str, *handles: c_void_p) -> None:
        for handle in handles:
            self.raw(f"{kind}_free")(handle)


def texts(*values: str) -> Any:
    return (c_char_p * len(values))(*(value.encode() for value in values))


def dims(shape: Sequence[int]) -> Any:
    return (c_int64 * len(shape))(*shape)


def named(tensors: dict[str, c_void_p]) -> Any:
    return (NamedTensor * len(tensors))(*(NamedTensor(name.encode(), tensor) for name, tensor in tensors.items()))


@pytest.fixture(scope="module")
def c() -> Library:
    return Library()


def load(c: Library, path: Path, **fields: Any) -> c_void_p:
    options = ModelOptions()
    c.raw("model_options_init")(byref(options), c_size_t(ctypes.sizeof(options)))
    assert options.signature == b"serving_default"
    options.device = b"cpu"
    for name, value in fields.items():
        setattr(options, name, value)
    return c.make("model_load", str(path).encode(), byref(options))


@pytest.fixture(scope="module")
def cnn(c: Library, exported: Callable[[str], Path]) -> Iterator[c_void_p]:
    model = load(c, exported("cnn"))
    yield model
    c.free("model", model)


def array(c: Library, tensor: c_void_p) -> np.ndarray:
    """A view of a tensor's memory."""
    view = TensorView()
    c("tensor_get_view", tensor, byref(view))
    return seen(view)


def seen(view: TensorView) -> np.ndarray:
    memory = (ctypes.c_char * view.num_bytes).from_address(view.data)
    return np.frombuffer(memory, DTYPES[view.dtype]).reshape(view.dims[: view.rank])


def lend(c: Library, values: np.ndarray, deleter: Any = None) -> c_void_p:
    return c.make(
        "tensor_borrow",
        c_void_p(values.ctypes.data),
        c_size_t(values.nbytes),
        DTYPES.index(values.dtype.name),
        dims(values.shape),
        c_size_t(values.ndim),
        deleter,
        None,
    )


def images(batch: int = 2) -> np.ndarray:
    return np.random.default_rng(batch).standard_normal((batch, 8, 8, 3)).astype(np.float32)


def test_version_and_dtypes(c: Library) -> None:
    assert c.raw("version")().decode() == tftrt.__version__
    assert [c.raw("dtype_name")(number).decode() for number in range(16)] == DTYPES
    assert c.raw("dtype_size")(14) == 16


def test_run_as_python_does(c: Library, cnn: c_void_p, exported: Callable[[str], Path]) -> None:
    expected = tftrt.Model(exported("cnn"), device="cpu")(images())
    info, spec = ModelInfo(), TensorSpec()
    c("model_get_info", cnn, byref(info))
    assert (info.device, info.manifest, info.num_inputs, info.num_outputs) == (b"cpu", b"", 1, len(expected))
    assert b"read" in info.load_phases[: info.num_load_phases]
    c("model_get_input", cnn, c_size_t(0), byref(spec))
    assert (spec.name, DTYPES[spec.dtype], spec.dims[: spec.rank]) == (b"image", "float32", [-1, 8, 8, 3])

    tensor = lend(c, values := images())
    outputs = (c_void_p * len(expected))()
    c("model_run", cnn, named({"image": tensor}), c_size_t(1), None, outputs, c_size_t(len(outputs)))
    for index, output in enumerate(map(c_void_p, outputs)):
        c("model_get_output", cnn, c_size_t(index), byref(spec))
        np.testing.assert_array_equal(array(c, output), expected[spec.name.decode()])
        c.free("tensor", output)
    c.free("tensor", tensor)
    assert values.any()


def test_every_dtype(c: Library, exported: Callable[[str], Path]) -> None:
    model = load(c, exported("all_dtypes"))
    info, spec = ModelInfo(), TensorSpec()
    c("model_get_info", model, byref(info))
    tensors, expected = {}, {}
    for index in range(info.num_inputs):
        c("model_get_input", model, c_size_t(index), byref(spec))
        name, size = spec.name.decode(), c.raw("dtype_size")(spec.dtype)
        assert DTYPES[spec.dtype] == name
        if name == "string":
            tensors[name] = c.make("tensor_strings", texts("a", "b"), None, c_size_t(2), dims([2]), c_size_t(1))
        else:
            one, other = bytes(size), b"\1".ljust(size, b"\0")
            expected[name] = other + one
            tensors[name] = c.make("tensor_copy", one + other, c_size_t(2 * size), spec.dtype, dims([2]), c_size_t(1))
    assert len(tensors) == len(DTYPES)
    outputs = (c_void_p * info.num_outputs)()
    c("model_run", model, named(tensors), c_size_t(len(tensors)), None, outputs, c_size_t(len(outputs)))
    view, text, length = TensorView(), c_char_p(), c_size_t()
    for output in map(c_void_p, outputs):
        c("tensor_get_view", output, byref(view))
        if DTYPES[view.dtype] == "string":
            c("tensor_get_string", output, c_size_t(0), byref(text), byref(length))
            assert (text.value, length.value) == (b"b", 1)
        else:
            assert ctypes.string_at(view.data, view.num_bytes) == expected[DTYPES[view.dtype]]
    c.free("tensor", *map(c_void_p, outputs), *tensors.values())
    c.free("model", model)


def test_bind_shares_memory_with_numpy(c: Library, cnn: c_void_p, exported: Callable[[str], Path]) -> None:
    python = tftrt.Model(exported("cnn"), device="cpu")
    shapes = (NamedShape * 1)(NamedShape(b"image", Shape(dims([2, 8, 8, 3]), 4)))
    runner = c.make("model_bind_shapes", cnn, shapes, c_size_t(1), None)
    tensor = c.make("runner_get_input", runner, b"image")
    image, view, spec = array(c, tensor), TensorView(), TensorSpec()
    assert image.shape == (2, 8, 8, 3) and not image.any()
    c("runner_get_output_spec", runner, c_size_t(0), byref(spec))
    for factor in (1, 2):
        image[...] = factor * images()
        c("runner_run", runner)
        c("runner_get_output_view", runner, c_size_t(0), byref(view))
        np.testing.assert_array_equal(seen(view), python(factor * images())[spec.name.decode()])
    c.free("tensor", tensor)
    c.free("runner", runner)


def test_errors(c: Library, cnn: c_void_p, tmp_path: Path) -> None:
    with pytest.raises(CError, match="model is NULL") as error:
        c("model_run", None, None, c_size_t(0), None, None, c_size_t(0))
    assert error.value.code == INVALID_ARGUMENT
    with pytest.raises(CError, match=str(tmp_path)) as error:
        load(c, tmp_path)
    assert error.value.code == MODEL_ERROR
    with pytest.raises(CError, match="struct_size is 3"):
        c("model_get_info", cnn, byref(c_size_t(3)))
    values = images()[:, :4].copy()
    tensor = lend(c, values)
    outputs = (c_void_p * 1)()
    with pytest.raises(CError, match=r"\[2, 4, 8, 3\]"):
        c("model_run", cnn, named({"image": tensor}), c_size_t(1), None, outputs, c_size_t(1))
    c.free("tensor", tensor)


def test_memory_is_given_back(c: Library) -> None:
    calls: list[int | None] = []
    deleter, values = Deleter(calls.append), images()
    tensor = lend(c, values, deleter)
    assert not calls
    c.free("tensor", tensor)
    assert calls == [None]


def run_async(c: Library, model: c_void_p, tensor: c_void_p, options: CallOptions) -> tuple[int, list[c_void_p]]:
    """The code of the status, and the outputs."""
    results: list[tuple[int, list[c_void_p]]] = []
    over = threading.Event()

    @Done
    def done(_context: Any, status: int | None, outputs: Any, count: int) -> None:
        results.append((c.error_of(status).code if status else 0, [c_void_p(outputs[i]) for i in range(count)]))
        over.set()

    c("model_run_async", model, named({"image": tensor}), c_size_t(1), byref(options), done, None)
    assert over.wait(PATIENCE)
    ((code, outputs),) = results
    return code, outputs


def test_calls_in_another_thread(c: Library, cnn: c_void_p) -> None:
    options = CallOptions()
    c.raw("call_options_init")(byref(options), c_size_t(ctypes.sizeof(options)))
    assert options.timeout_us == -1
    values = images()
    tensor = lend(c, values)
    code, outputs = run_async(c, cnn, tensor, options)
    assert code == 0 and array(c, outputs[0]).shape[0] == 2
    c.free("tensor", *outputs)

    options.timeout_us = 0
    assert run_async(c, cnn, tensor, options) == (DEADLINE_EXCEEDED, [])
    options.timeout_us = -1
    cancellation = c.make("cancellation_new")
    options.cancellation = cancellation.value
    c("cancellation_cancel", cancellation)
    assert run_async(c, cnn, tensor, options) == (CANCELLED, [])
    c.free("cancellation", cancellation)
    c.free("tensor", tensor)


def test_stats_and_memory(c: Library, exported: Callable[[str], Path]) -> None:
    model = load(c, exported("cnn"))
    values = images()
    tensor, info = lend(c, values), ModelInfo()
    c("model_get_info", model, byref(info))
    outputs = (c_void_p * info.num_outputs)()
    c("model_run", model, named({"image": tensor}), c_size_t(1), None, outputs, c_size_t(len(outputs)))
    c.free("tensor", *map(c_void_p, outputs))
    with pytest.raises(CError):
        c("model_run", model, None, c_size_t(0), None, outputs, c_size_t(len(outputs)))
    stats, read, memory = c.make("model_get_stats", model), StatsInfo(), Memory(plans=7)
    c("stats_get_info", stats, byref(read))
    assert (read.calls, read.errors, read.num_engines) == (2, 1, 0)
    c("model_get_memory", model, byref(memory))
    assert memory.plans == 0
    c("model_close", model)
    closed = c_int32()
    c("model_is_closed", model, byref(closed))
    assert closed.value == 1
    c.free("stats", stats)
    c.free("model", model)
    c.free("tensor", tensor)
