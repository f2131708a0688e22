"""What goes in and out of a call: every dtype, every kind of array, and who owns the memory."""

from __future__ import annotations

import gc
import threading
import weakref
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import ml_dtypes
import numpy as np
import pytest

import tftrt
from conftest import Gate
from exports import DTYPES

NUMBERS = [dtype for dtype in DTYPES if dtype != "string"]
EXECUTORS = ["single", "parallel"]


def numpy_dtype(name: str) -> np.dtype[Any]:
    special = {"bfloat16": ml_dtypes.bfloat16, "string": object}
    return np.dtype(special.get(name, name))


def values(name: str, count: int = 24) -> np.ndarray:
    """Elements that a cast to a smaller type, or an exchange of bytes, would change."""
    dtype = numpy_dtype(name)
    if name == "string":
        return np.array([b"%d" % index * (index + 1) for index in range(count)], dtype)
    if name == "bool":
        return (np.arange(count) % 3 == 0).astype(dtype)
    if dtype.kind in "iu":
        info = np.iinfo(dtype)
        return np.linspace(float(info.min) / 2, float(info.max) / 2, count).astype(dtype) + dtype.type(1)
    numbers = np.random.default_rng(7).standard_normal((2, count)) * 3
    return (numbers[0] + 1j * numbers[1] if dtype.kind == "c" else numbers[0]).astype(dtype)


def aligned(source: np.ndarray) -> np.ndarray:
    array = tftrt.empty(source.shape, source.dtype)
    array[...] = source
    return array


def misaligned(source: np.ndarray, offset: int = 1) -> np.ndarray:
    """The same elements at an address that is ``offset`` above a multiple of 64."""
    memory = tftrt.empty(source.nbytes + 64, np.uint8)
    array = memory[offset : offset + source.nbytes].view(source.dtype).reshape(source.shape)
    array[...] = source
    assert array.ctypes.data % 64 == offset
    return array


def pointer(array: np.ndarray) -> int:
    return array.ctypes.data  # type: ignore[no-any-return]


class OnlyDLPack:
    """What another library's tensor looks like."""

    def __init__(self, array: np.ndarray) -> None:
        self.array = array

    def __dlpack__(self, stream: object = None) -> object:
        return self.array.__dlpack__()

    def __dlpack_device__(self) -> tuple[int, int]:
        return self.array.__dlpack_device__()


class OnlyArray:
    """An object that numpy can take."""

    def __init__(self, array: np.ndarray) -> None:
        self.array = array

    def __array__(self, dtype: object = None, copy: object = None) -> np.ndarray:
        return self.array


Reverse = Callable[[str, Any], np.ndarray]


@pytest.fixture(scope="module")
def reverse(exported: Callable[[str], Path]) -> Iterator[Reverse]:
    """Reverses one array by a model that takes one of each dtype."""
    with tftrt.Model(exported("all_dtypes")) as model:
        others = {name: np.zeros(0, numpy_dtype(name)) for name in DTYPES}

        def call(name: str, value: Any) -> np.ndarray:
            outputs = model({**others, name: value})
            return outputs[f"{name}_out"]

        yield call


@pytest.fixture(scope="module")
def add_one(exported: Callable[[str], Path]) -> Iterator[tftrt.Model]:
    """``x`` float32 of any rank -> ``y``, x + 1."""
    with tftrt.Model(exported("any_rank")) as model:
        yield model


# Dtypes


def test_specs_name_every_dtype(exported: Callable[[str], Path]) -> None:
    with tftrt.Model(exported("all_dtypes")) as model:
        assert {spec.name: spec.dtype for spec in model.inputs} == {name: numpy_dtype(name) for name in DTYPES}
        assert {spec.dtype for spec in model.outputs} == {numpy_dtype(name) for name in DTYPES}


@pytest.mark.parametrize("name", DTYPES)
def test_every_dtype_goes_in_and_out(name: str, reverse: Reverse) -> None:
    given = values(name)
    result = reverse(name, given)
    assert result.dtype == numpy_dtype(name)
    assert result.tolist() == given[::-1].tolist()


@pytest.mark.parametrize("name", DTYPES)
def test_every_dtype_without_elements(name: str, reverse: Reverse) -> None:
    result = reverse(name, np.zeros(0, numpy_dtype(name)))
    assert (result.dtype, result.shape) == (numpy_dtype(name), (0,))


@pytest.mark.parametrize(
    ("name", "code"),
    [("int64", "q"), ("int64", "l"), ("uint64", "Q"), ("uint64", "L"), ("int32", "i"), ("uint16", "H")],
)
def test_types_of_c_with_the_same_size(name: str, code: str, reverse: Reverse) -> None:
    """numpy has long and long long, equal and not the same."""
    given = np.arange(5).astype(code)
    assert reverse(name, given).tolist() == [4, 3, 2, 1, 0]


# Arrays of any layout

LAYOUTS: dict[str, Callable[[np.ndarray], np.ndarray]] = {
    "aligned": aligned,
    "misaligned by one element": lambda array: misaligned(array, array.itemsize),
    "misaligned by one byte": misaligned,
    "every second": lambda array: np.repeat(array, 2)[::2],
    "backwards": lambda array: array[::-1].copy()[::-1],
    "column": lambda array: np.stack([array, array], axis=1)[:, 1],
    "broadcast": lambda array: np.broadcast_to(array[:1], array.shape),
    "big-endian": lambda array: array.astype(array.dtype.newbyteorder(">")),
    "big-endian column": lambda array: np.stack([array, array], 1).astype(array.dtype.newbyteorder(">"))[:, 0],
    "field": lambda array: np.rec.fromarrays([np.zeros(len(array), np.int8), array], names="a,b")["b"],
}


def read_only(array: np.ndarray) -> np.ndarray:
    array.flags.writeable = False
    return array


@pytest.mark.parametrize("writeable", [True, False], ids=["writeable", "read-only"])
@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("name", ["float16", "float32", "int64", "complex128"])
def test_arrays_of_any_layout(name: str, layout: str, writeable: bool, reverse: Reverse) -> None:
    array = LAYOUTS[layout](values(name))
    given = array if writeable else read_only(array.view())
    before = given.tolist()
    assert reverse(name, given).tolist() == before[::-1]
    assert given.tolist() == before


def test_bfloat16_of_any_layout(reverse: Reverse) -> None:
    given = values("bfloat16")
    for array in (aligned(given), misaligned(given), np.repeat(given, 2)[::2], read_only(given.copy())):
        assert reverse("bfloat16", array).tolist() == given[::-1].tolist()


@pytest.mark.parametrize("order", ["C", "F"])
@pytest.mark.parametrize("shape", [(), (1,), (3, 0), (0, 5), (1, 1, 1), (2, 3, 4), (2, 1, 2, 1, 2)])
def test_shapes(shape: tuple[int, ...], order: str, add_one: tftrt.Model) -> None:
    given = np.array(np.arange(np.prod(shape), dtype=np.float32).reshape(shape), order=order)  # type: ignore[call-overload]
    result = add_one(given)["y"]
    assert result.shape == shape
    assert np.array_equal(result, given + 1)


def test_axes_in_another_order(add_one: tftrt.Model) -> None:
    given = np.arange(24, dtype=np.float32).reshape(2, 3, 4).transpose(2, 0, 1)
    assert np.array_equal(add_one(given)["y"], given + 1)


@pytest.mark.parametrize("given", [2, 2.5, True, np.float32(2.5), [1.0, 2.5], [[1, 2], [3, 4]], (3.5,), []])
def test_numbers_and_lists(given: Any, add_one: tftrt.Model) -> None:
    result = add_one(given)["y"]
    assert result.dtype == np.float32
    assert np.array_equal(result, np.asarray(given, np.float32) + 1)


@pytest.mark.parametrize("name", NUMBERS)
def test_lists_take_the_dtype_of_the_input(name: str, reverse: Reverse) -> None:
    given = [True, False] if name == "bool" else [1, 2, 3]
    result = reverse(name, given)
    assert result.dtype == numpy_dtype(name)
    assert result.tolist() == given[::-1]


# Strings

STRINGS: list[Any] = [
    np.array([b"one", b"", b"three\0with\xffbytes", b"x" * 1000], object),
    np.array(["one", "", "drei ü", "\N{SNOWMAN}" * 100], object),
    np.array(["mixed", b"bytes and str"], object),
    np.array([b"fixed", b"size", b""], "S"),
    np.array(["fixed", "größe", ""], "U"),
    np.array(["big", "endian ü"], ">U8"),
    np.array([b"every", b"x", b"second", b"x"], object)[::2],
    np.array([b"S", b"x", b"strided", b"x"], "S")[::2],
    read_only(np.array([b"read", b"only"], object)),
    ["a", "list"],
    [b"a", "mixed", b"list"],
    ("a tuple",),
    [np.str_("numpy's"), np.bytes_(b"own")],
]


@pytest.mark.parametrize("given", STRINGS, ids=lambda given: f"{type(given).__name__} {given[0]!r}")
def test_strings(given: Any, reverse: Reverse) -> None:
    result = reverse("string", given)
    encoded = [text if isinstance(text, bytes) else str(text).encode() for text in given]
    assert result.dtype == object
    assert result.tolist() == encoded[::-1]
    assert all(type(text) is bytes for text in result)


def test_strings_of_any_shape(reverse: Reverse, exported: Callable[[str], Path]) -> None:
    with tftrt.Model(exported("texts")) as model:
        for shape in ((), (1,), (2, 3), (2, 0), (2, 1, 2)):
            given = np.full(shape, b"ab", object)
            result = model(given)["loud"]
            assert result.shape == shape
            assert result.tolist() == np.full(shape, b"ab!", object).tolist()
        grid = np.array([["a", "b"], ["c", "d"]])
        assert model(grid.T)["loud"].tolist() == [[b"a!", b"c!"], [b"b!", b"d!"]]
        assert model("alone")["loud"][()] == b"alone!"


# Other libraries' arrays


@pytest.mark.parametrize("name", [name for name in NUMBERS if name != "bfloat16"])
def test_dlpack_in(name: str, reverse: Reverse) -> None:
    given = values(name)
    assert reverse(name, OnlyDLPack(given)).tolist() == given[::-1].tolist()


@pytest.mark.parametrize("layout", ["aligned", "misaligned by one element", "every second", "backwards", "column"])
def test_dlpack_in_of_any_layout(layout: str, reverse: Reverse) -> None:
    given = LAYOUTS[layout](values("float32"))
    assert reverse("float32", OnlyDLPack(given)).tolist() == given[::-1].tolist()


def test_dlpack_in_of_any_shape(add_one: tftrt.Model) -> None:
    arrays = [np.arange(24, dtype=np.float32).reshape(2, 3, 4).transpose(2, 0, 1)]
    arrays += [np.zeros((), np.float32), np.zeros((3, 0), np.float32), np.ones((1, 5, 1), np.float32)]
    for given in arrays:
        result = add_one(OnlyDLPack(given))["y"]
        assert result.shape == given.shape
        assert np.array_equal(result, given + 1)


def test_dlpack_in_is_given_back(add_one: tftrt.Model) -> None:
    class Owned(np.ndarray[Any, Any]):
        pass

    given = np.ones(4, np.float32).view(Owned)
    gone = weakref.ref(given)
    add_one(OnlyDLPack(given))
    del given
    gc.collect()
    assert gone() is None


@pytest.mark.parametrize("name", [name for name in NUMBERS if name != "bfloat16"])
def test_dlpack_out(name: str, reverse: Reverse) -> None:
    result = reverse(name, values(name))
    shared = np.from_dlpack(result)
    assert result.__dlpack_device__() == (1, 0)
    assert pointer(shared) == pointer(result)
    del result
    assert shared.tolist() == values(name)[::-1].tolist()


def test_objects_with_an_array(add_one: tftrt.Model) -> None:
    given = np.arange(3, dtype=np.float32)
    assert np.array_equal(add_one(OnlyArray(given))["y"], given + 1)


def test_arrays_of_subclasses(add_one: tftrt.Model, tmp_path: Path) -> None:
    given = np.arange(6, dtype=np.float32).reshape(2, 3)
    np.save(tmp_path / "array.npy", given)
    mapped = np.load(tmp_path / "array.npy", mmap_mode="r")
    assert isinstance(mapped, np.memmap)
    assert np.array_equal(add_one(mapped)["y"], given + 1)


# Inputs: borrowed or copied


@pytest.fixture(scope="module", params=EXECUTORS)
def address(request: pytest.FixtureRequest, custom_ops: Path, op_library: Path) -> Iterator[tftrt.Model]:
    """Tells where TensorFlow found its input, and where it put its output."""
    with tftrt.Model(custom_ops, "address", executor=request.param, op_libraries=[op_library]) as model:
        yield model


def test_aligned_inputs_are_borrowed(address: tftrt.Model) -> None:
    x = aligned(values("float32"))
    assert address(x)["of_x"] == pointer(x)
    assert address({"x": x})["of_x"] == pointer(x)
    assert address.run({"x": x}, outputs=["of_x"])["of_x"] == pointer(x)


def test_aligned_inputs_of_dlpack_are_borrowed(address: tftrt.Model) -> None:
    x = aligned(values("float32"))
    assert address(OnlyDLPack(x))["of_x"] == pointer(x)


def test_aligned_read_only_inputs_are_borrowed(address: tftrt.Model) -> None:
    x = aligned(values("float32"))
    x.flags.writeable = False
    assert address(x)["of_x"] == pointer(x)


@pytest.mark.parametrize("offset", [1, 4, 16, 32, 63])
def test_misaligned_inputs_are_copied(offset: int, address: tftrt.Model) -> None:
    """TensorFlow aborts the process over them."""
    x = misaligned(values("float32"), offset)
    result = address(x)
    assert result["of_x"] not in range(pointer(x) - 64, pointer(x) + x.nbytes)
    assert np.array_equal(result["y"], x + 1)


def test_misaligned_inputs_of_dlpack_are_copied(address: tftrt.Model) -> None:
    x = misaligned(values("float32"), 4)
    result = address(OnlyDLPack(x))
    assert result["of_x"] % 64 == 0
    assert np.array_equal(result["y"], x + 1)


def test_calls_do_not_write_to_borrowed_inputs(add_one: tftrt.Model) -> None:
    """Without a borrowed buffer TensorFlow would compute x + 1 in place."""
    x = aligned(values("float32"))
    before = x.copy()
    result = add_one(x)["y"]
    assert np.array_equal(x, before)
    assert not np.shares_memory(result, x)


def test_borrowed_inputs_are_given_back(address: tftrt.Model) -> None:
    class Owned(np.ndarray[Any, Any]):
        pass

    x = aligned(values("float32")).view(Owned)
    gone = weakref.ref(x)
    assert address(x)["of_x"] == pointer(x)
    del x
    gc.collect()
    assert gone() is None


def test_stateful_ops_get_copies(custom_ops: Path, op_library: Path) -> None:
    """An op with state may keep its input, as far as tftrt knows."""
    x = aligned(values("float32"))
    with tftrt.Model(custom_ops, "keep", op_libraries=[op_library]) as model:
        assert model(x)["of_x"] != pointer(x)


@pytest.mark.parametrize("how", ["plain", "reshaped", "in_branch", "in_loop"])
@pytest.mark.parametrize("executor", EXECUTORS)
def test_variables_keep_copies(how: str, executor: str, exported: Callable[[str], Path]) -> None:
    more = {"in_branch": {"flag": True}, "in_loop": {"count": 2}}.get(how, {})
    with tftrt.Model(exported("keeps_variable"), how, executor=executor) as model:
        x = aligned(np.arange(4, dtype=np.float32))
        model({"x": x, **more})
        x[:] = -1
        assert model.with_signature("read")()["kept"].tolist() == [0, 1, 2, 3]


@pytest.mark.parametrize("place", ["queue", "table", "stage", "list", "reference"])
def test_other_places_keep_copies(place: str, exported: Callable[[str], Path]) -> None:
    with tftrt.Model(exported("keeps_elsewhere"), f"put_{place}") as model:
        x = aligned(np.arange(4, dtype=np.float32))
        model(x)
        x[:] = -1
        assert model.with_signature(f"get_{place}")()["kept"].tolist() == [0, 1, 2, 3]


def test_iterators_keep_copies(exported: Callable[[str], Path]) -> None:
    with tftrt.Model(exported("keeps_iterator"), "start") as model:
        x = aligned(np.arange(12, dtype=np.float32).reshape(3, 4))
        model(x)
        x[:] = -1
        following = model.with_signature("next")
        assert [following()["row"].tolist() for _ in range(3)] == np.arange(12.0).reshape(3, 4).tolist()


def test_a_thread_of_tensorflow_may_give_an_input_back(custom_ops: Path, op_library: Path, gate: Gate) -> None:
    """The last share of a borrowed array goes in a thread that Python has never seen."""
    released = threading.Event()

    class Owned(np.ndarray[Any, Any]):
        pass

    with tftrt.Model(custom_ops, "hold", op_libraries=[op_library]) as model:
        x = aligned(values("float32")).view(Owned)
        weakref.finalize(x, released.set)
        result = model(x)["y"]
        gate.wait_for_calls(1)
        del x
        gc.collect()
        assert not released.is_set()
        gate.open()
        assert released.wait(60)
        assert np.array_equal(result, values("float32"))


# Outputs: handed over or copied


def test_fresh_outputs_are_handed_over(custom_ops: Path, op_library: Path) -> None:
    with tftrt.Model(custom_ops, "address", executor="single", op_libraries=[op_library]) as model:
        result = model(values("float32"))
        assert result["of_y"] == pointer(result["y"])
        assert pointer(result["y"]) % 64 == 0


SHARED = [
    "constant",
    "fresh",
    "fresh_again",
    "identity",
    "reshaped",
    "row",
    "row_of_variable",
    "variable",
]


@pytest.mark.parametrize("executor", EXECUTORS)
@pytest.mark.parametrize("name", SHARED)
def test_outputs_are_the_callers(name: str, executor: str, exported: Callable[[str], Path]) -> None:
    """Writing to any output changes no input, no other output and no later call."""
    with tftrt.Model(exported("shared_buffers"), executor=executor) as model:
        x = aligned(np.arange(8, dtype=np.float32).reshape(2, 4))
        for wanted in (None, [name]):
            before = model.run({"x": x}, outputs=wanted)
            kept = {key: value.copy() for key, value in before.items()}
            assert before[name].flags.writeable
            before[name][...] = -99
            assert np.array_equal(x, np.arange(8).reshape(2, 4))
            for key, value in before.items():
                assert key == name or np.array_equal(value, kept[key]), key
            after = model.run({"x": x}, outputs=wanted)
            for key, value in after.items():
                assert np.array_equal(value, kept[key]), key
        assert model.with_signature("read")()["variable"].tolist() == np.arange(8.0).reshape(2, 4).tolist()


def test_outputs_share_no_memory(exported: Callable[[str], Path]) -> None:
    with tftrt.Model(exported("shared_buffers")) as model:
        x = aligned(np.arange(8, dtype=np.float32).reshape(2, 4))
        first, second = model(x), model(x)
        arrays = [x, *first.values(), *second.values()]
        for index, array in enumerate(arrays):
            for other in arrays[index + 1 :]:
                assert not np.shares_memory(array, other)


@pytest.mark.parametrize("make", [aligned, misaligned], ids=["aligned", "misaligned"])
def test_an_input_that_is_an_output_is_copied(
    make: Callable[[np.ndarray], np.ndarray], exported: Callable[[str], Path]
) -> None:
    with tftrt.Model(exported("passthrough")) as model:
        x = make(np.ones((2, 4), np.float32))
        same = model(x)["same"]
        assert not np.shares_memory(same, x)
        same[:] = 5
        assert np.array_equal(x, np.ones((2, 4)))
        x[:] = 7
        assert np.array_equal(same, np.full((2, 4), 5))


def test_fed_and_fetched_tensors_are_copied(exported: Callable[[str], Path]) -> None:
    """A signature of TensorFlow 1 whose output is its input itself."""
    with tftrt.Model(exported("fed_and_fetched")) as model:
        x = aligned(np.ones(4, np.float32))
        result = model(x)
        result["same"][:] = 5
        result["again"][:] = 6
        assert np.array_equal(x, np.ones(4))
        assert np.array_equal(result["same"], np.full(4, 5))


def test_outputs_outlive_the_model(exported: Callable[[str], Path]) -> None:
    model = tftrt.Model(exported("shared_buffers"))
    results = model(np.ones((2, 4), np.float32))
    kept = {key: value.copy() for key, value in results.items()}
    model.close()
    for key, value in results.items():
        assert np.array_equal(value, kept[key])
        value[...] = 3
    del model
    gc.collect()
    assert all(np.all(value == 3) for value in results.values())


def test_outputs_outlive_a_model_that_is_not_closed(exported: Callable[[str], Path]) -> None:
    result = tftrt.Model(exported("any_rank"))(np.zeros(1000, np.float32))["y"]
    gc.collect()
    tftrt.Model(exported("any_rank"))(np.zeros(1000, np.float32))
    assert np.array_equal(result, np.ones(1000))


# tftrt.empty


@pytest.mark.parametrize("name", NUMBERS)
def test_empty(name: str) -> None:
    array = tftrt.empty((3, 5), numpy_dtype(name))
    assert (array.shape, array.dtype) == ((3, 5), numpy_dtype(name))
    assert pointer(array) % 64 == 0
    assert array.flags.c_contiguous
    assert array.flags.writeable


def test_empty_shapes() -> None:
    assert tftrt.empty(3).shape == (3,)
    assert tftrt.empty(np.int64(3)).shape == (3,)
    assert tftrt.empty(()).shape == ()
    assert tftrt.empty([2, 0, 3]).shape == (2, 0, 3)
    assert tftrt.empty((np.int32(2), 3)).dtype == np.float32


def test_inputs_that_an_op_writes_to_are_copied(exported: Callable[[str], Path]) -> None:
    x = tftrt.empty(4)
    x[...] = 1
    x.flags.writeable = False
    with tftrt.Model(exported("inplace"), device="cpu") as model:
        assert model(x)["y"].tolist() == [6, 1, 1, 1]
    assert x.tolist() == [1, 1, 1, 1]
