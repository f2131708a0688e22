"""Every mistake gives an error that says what was expected, what was found and what to do, and leaves all as it was."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import tftrt
from tftrt import _native

Export = Callable[[str], Path]
Python = Callable[..., Any]

GOOD = np.random.default_rng(1).standard_normal((2, 8, 8, 3)).astype(np.float32)
IMAGE = "image: float32[?, 8, 8, 3]"


def check_message(error: pytest.ExceptionInfo[Exception], *parts: str) -> None:
    for part in parts:
        assert part in str(error.value)
    # pybind11's own errors, which tell users nothing.
    for part in ("incompatible function arguments", "Unable to cast"):
        assert part not in str(error.value)


@pytest.fixture(scope="module")
def loaded(exported: Export) -> Iterator[tftrt.Model]:
    """The CNN, for :func:`model`."""
    with tftrt.Model(exported("cnn")) as model:
        yield model


@pytest.fixture
def model(loaded: tftrt.Model) -> Iterator[tftrt.Model]:
    """``image`` float32 [-1, 8, 8, 3] -> ``probabilities`` [-1, 4]; works after the test as it did before."""
    before = loaded(GOOD)["probabilities"]
    yield loaded
    assert np.array_equal(loaded(GOOD)["probabilities"], before)


@pytest.fixture
def copied(exported: Export, tmp_path: Path) -> Callable[[str], Path]:
    """A model's own copy of a builder's SavedModel."""

    def copy(name: str) -> Path:
        return Path(shutil.copytree(exported(name), tmp_path / name))

    return copy


# Paths


def test_no_such_folder(tmp_path: Path) -> None:
    with pytest.raises(tftrt.ModelError) as error:
        tftrt.Model(tmp_path / "nothing")
    check_message(error, f'there is no "{tmp_path}/nothing"', "expected the folder of a SavedModel")


def test_a_file_instead_of_a_folder(exported: Export, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("text")
    with pytest.raises(tftrt.ModelError) as error:
        tftrt.Model(tmp_path / "file")
    check_message(error, f'"{tmp_path}/file" is a file', "expected the folder of a SavedModel")
    folder = exported("cnn")
    with pytest.raises(tftrt.ModelError) as error:
        tftrt.Model(folder / "saved_model.pb")
    check_message(error, "is a file", f'pass "{folder}"')


def test_a_folder_without_saved_model_pb(tmp_path: Path) -> None:
    with pytest.raises(tftrt.ModelError) as error:
        tftrt.Model(tmp_path)
    check_message(error, f'"{tmp_path}" holds no saved_model.pb', "Export one with tf.saved_model.save")


def test_an_empty_saved_model_pb(tmp_path: Path) -> None:
    (tmp_path / "saved_model.pb").touch()
    for tags in (["serve"], ["other"]):
        with pytest.raises(tftrt.ModelError) as error:
            tftrt.Model(tmp_path, tags=tags)
        check_message(error, str(tmp_path), "saved_model.pb", "copy or export it again")


def test_a_saved_model_pb_of_another_kind(tmp_path: Path) -> None:
    (tmp_path / "saved_model.pb").write_bytes(b"\xff" * 100)
    with pytest.raises(tftrt.ModelError) as error:
        tftrt.Model(tmp_path)
    check_message(error, f"{tmp_path}/saved_model.pb (100 bytes)", "not a readable SavedModel", "export it again")


def test_a_truncated_saved_model_pb(copied: Callable[[str], Path]) -> None:
    file = copied("cnn") / "saved_model.pb"
    file.write_bytes(file.read_bytes()[:-1])
    with pytest.raises(tftrt.ModelError) as error:
        tftrt.Model(file.parent)
    check_message(error, f"{file} ({file.stat().st_size} bytes)", "truncated or damaged")


@pytest.mark.parametrize("missing", [".", "variables.index", "variables.data-00000-of-00001"])
def test_missing_variables(missing: str, copied: Callable[[str], Path]) -> None:
    folder = copied("cnn")
    path = folder / "variables" / missing
    shutil.rmtree(path) if path.is_dir() else path.unlink()
    with pytest.raises(tftrt.ModelError) as error:
        tftrt.Model(folder)
    check_message(error, str(folder), "variables/variables.")


def test_a_missing_asset(copied: Callable[[str], Path]) -> None:
    folder = copied("vocabulary")
    (folder / "assets" / "vocabulary.txt").unlink()
    with pytest.raises(tftrt.ModelError) as error:
        tftrt.Model(folder)
    check_message(error, f"{folder}/assets/vocabulary.txt")


def test_variables_of_another_model(copied: Callable[[str], Path]) -> None:
    folder, other = copied("cnn"), copied("lstm")
    shutil.rmtree(folder / "variables")
    shutil.copytree(other / "variables", folder / "variables")
    with pytest.raises(tftrt.ModelError) as error:
        tftrt.Model(folder)
    check_message(error, str(folder))


def test_a_path_that_no_file_can_have(exported: Export) -> None:
    with pytest.raises((tftrt.Error, ValueError), match="null"):
        tftrt.Model(f"{exported('cnn')}\0/more")


def test_a_path_that_is_not_text(exported: Export, tmp_path: Path) -> None:
    """Linux allows any bytes."""
    folder = tmp_path / os.fsdecode(b"caf\xe9")
    shutil.copytree(exported("cnn"), folder)
    with tftrt.Model(folder) as model:
        assert model(GOOD)["probabilities"].shape == (2, 4)


@pytest.mark.parametrize("path", [5, None, ["folder"]])
def test_a_path_that_is_none(path: Any) -> None:
    with pytest.raises(TypeError, match=r"expected str, bytes or os\.PathLike object"):
        tftrt.Model(path)


# Signatures and tag sets


def test_an_unknown_signature(exported: Export, model: tftrt.Model) -> None:
    folder = exported("shared_weights")
    known = 'its signatures are "again", "classify", "features", "lengths"'
    # This model has no serving_default.
    for name in ("serving_default", "nothing"):
        with pytest.raises(tftrt.InvalidArgumentError) as error:
            tftrt.Model(folder, name)
        check_message(error, f'"{folder}" has no signature "{name}"', known)
    with pytest.raises(tftrt.InvalidArgumentError) as error:
        model.with_signature("nothing")
    check_message(error, 'has no signature "nothing"', 'its signatures are "serving_default"')


def test_an_unknown_tag_set(exported: Export) -> None:
    folder = exported("parted")
    for load in (tftrt.Model, tftrt.inspect):
        with pytest.raises(tftrt.InvalidArgumentError) as error:
            load(folder, tags=["gpu"])
        check_message(error, f'"{folder}" has no graph with the tag set {{"gpu"}}')
        check_message(error, 'it has {"serve"}, {"serve", "gpu"}')


def test_a_sparse_signature(exported: Export) -> None:
    with pytest.raises(tftrt.UnsupportedError) as error:
        tftrt.Model(exported("sparse"), "sparse")
    check_message(error, 'signature "sparse" cannot be called', 'input "tensor" is sparse', "dense tensors")


# Options

OPTIONS: list[tuple[dict[str, Any], list[str]]] = [
    ({"nothing": 1}, ['unknown option "nothing"', "device, executor, instances", "warmup"]),
    ({"signature": 5}, ["signature is 5", "expected str"]),
    ({"device": "tpu"}, ['device is "tpu"', 'expected "auto", "cpu" or "gpu:N"']),
    ({"device": "gpu:"}, ['device is "gpu:"', 'expected "auto", "cpu" or "gpu:N"']),
    ({"device": "gpu:-1"}, ['device is "gpu:-1"', 'expected "auto", "cpu" or "gpu:N"']),
    ({"device": "gpu:0x"}, ['device is "gpu:0x"', 'expected "auto", "cpu" or "gpu:N"']),
    ({"device": None}, ["device is None", "expected str"]),
    ({"executor": "fast"}, ['executor is "fast"', 'expected "auto", "parallel" or "single"']),
    ({"executor": True}, ["executor is True", "expected str"]),
    ({"warmup": -1}, ["warmup is -1", "expected 0 or more"]),
    ({"warmup": "3"}, ["warmup is '3'", "expected int"]),
    ({"warmup": 1.5}, ["warmup is 1.5", "expected int"]),
    ({"intra_op_threads": -1}, ["intra_op_threads is -1", "expected 0"]),
    ({"inter_op_threads": -1}, ["inter_op_threads is -1", "expected 0"]),
    ({"inter_op_threads": 2**40}, [f"inter_op_threads is {2**40}", "expected"]),
    ({"tags": 5}, ["tags is 5", "expected"]),
    ({"tags": [5]}, ["tags is [5]", "expected"]),
    ({"op_libraries": 5}, ["op_libraries is 5", "expected"]),
    ({"op_libraries": [5]}, ["op_libraries is [5]", "expected"]),
]


@pytest.mark.parametrize(("options", "parts"), OPTIONS, ids=lambda value: str(value) if type(value) is dict else "")
def test_wrong_options(options: dict[str, Any], parts: list[str], exported: Export, model: tftrt.Model) -> None:
    with pytest.raises(tftrt.InvalidArgumentError) as error:
        tftrt.Model(exported("cnn"), **options)
    check_message(error, *parts)


@pytest.mark.parametrize("option", ["intra_op_threads", "inter_op_threads"])
@pytest.mark.parametrize("threads", [4097, 2_000_000_000])
def test_more_threads_than_a_process_can_have(option: str, threads: int, exported: Export, python: Python) -> None:
    """In a process of its own, which TensorFlow may end."""
    code = """
import sys
import tftrt

path, option, threads = sys.argv[1:]
try:
    tftrt.Model(path, executor="parallel", **{option: int(threads)})
except tftrt.InvalidArgumentError as error:
    assert f"{option} is {threads}; expected 0 to 4096" in str(error), error
else:
    raise AssertionError("it should be refused")
"""
    python(code, exported("cnn"), option, threads)


def test_a_gpu_that_is_not_there(exported: Export) -> None:
    with pytest.raises(tftrt.IncompatibleError) as error:
        tftrt.Model(exported("cnn"), device="gpu:99")
    check_message(error, 'device is "gpu:99", but TensorFlow finds', "tftrt doctor", 'device = "cpu"')


def test_warmup_that_the_model_does_not_take(exported: Export) -> None:
    with pytest.raises(tftrt.InvalidArgumentError) as error:
        tftrt.Model(exported("checked"), warmup=1)
    check_message(error, "warm-up call failed on made-up input", "must be above 0", "warmup = 0")


CONFIGURE: list[tuple[dict[str, Any], list[str]]] = [
    ({"nothing": 1}, ['unknown option "nothing"', "gpu_memory_growth, gpu_memory_limit_mb", "tensorrt_dir"]),
    ({"log_level": 4}, ["log_level is 4", "expected 0 to 3"]),
    ({"log_level": -1}, ["log_level is -1", "expected 0 to 3"]),
    ({"log_level": "3"}, ["log_level is '3'", "expected int"]),
    ({"intra_op_threads": -1}, ["intra_op_threads is -1", "expected 0 to 4096"]),
    ({"inter_op_threads": 4097}, ["inter_op_threads is 4097", "expected 0 to 4096"]),
    ({"gpu_memory_limit_mb": 0}, ["gpu_memory_limit_mb is 0", "expected 1 to"]),
    ({"tensorflow_dir": 5}, ["tensorflow_dir is 5", "expected str"]),
]


@pytest.mark.parametrize(("options", "parts"), CONFIGURE, ids=lambda value: str(value) if type(value) is dict else "")
def test_wrong_options_of_the_process(options: dict[str, Any], parts: list[str], model: tftrt.Model) -> None:
    with pytest.raises(tftrt.InvalidArgumentError) as error:
        tftrt.configure(**options)
    check_message(error, *parts)


# Names

NAMES: list[tuple[str, Callable[[tftrt.Model], object], list[str]]] = [
    ("nothing", lambda model: model({}), ['input "image" of signature "serving_default" is missing', IMAGE]),
    ("no argument", lambda model: model(), ['input "image" of signature "serving_default" is missing', IMAGE]),
    ("run without", lambda model: model.run(), ['input "image" of signature "serving_default" is missing', IMAGE]),
    ("unknown", lambda model: model({"imag": GOOD}), ['has no input "imag"', "its inputs are " + IMAGE]),
    ("unknown keyword", lambda model: model(imag=GOOD), ['has no input "imag"', "its inputs are " + IMAGE]),
    ("one too many", lambda model: model({"image": GOOD, "x": GOOD}), ['has no input "x"', IMAGE]),
    ("empty name", lambda model: model({"": GOOD}), ['has no input ""', IMAGE]),
    ("a number as a name", lambda model: model({5: GOOD}), ["5", IMAGE]),
    ("a number as another name", lambda model: model({5: GOOD, "image": GOOD}), ["5", IMAGE]),
    ("array and keyword", lambda model: model(GOOD, image=GOOD), ["both were given"]),
    ("two arrays", lambda model: model(GOOD, GOOD), ["2 positional arguments were given", "expected one"]),
    ("run with an array", lambda model: model.run(GOOD), ["expected a dict"]),  # type: ignore[arg-type]
    ("run with an empty array", lambda model: model.run(GOOD[:0]), ["expected a dict"]),  # type: ignore[arg-type]
    ("run with pairs", lambda model: model.run([("image", GOOD)]), ["expected a dict"]),  # type: ignore[arg-type]
    (
        "unknown output",
        lambda model: model.run({"image": GOOD}, outputs=["p"]),
        ['has no output "p"', "its outputs are probabilities: float32[?, 4]"],
    ),
    (
        "one unknown output",
        lambda model: model.run({"image": GOOD}, outputs=["probabilities", "p"]),
        ['has no output "p"', "its outputs are probabilities: float32[?, 4]"],
    ),
    (
        "outputs as a string",
        lambda model: model.run({"image": GOOD}, outputs="probabilities"),
        ["outputs is the string 'probabilities'", "expected a list of names"],
    ),
    (
        "a number as an output",
        lambda model: model.run({"image": GOOD}, outputs=[5]),  # type: ignore[list-item]
        ["outputs", "5", "expected"],
    ),
]


@pytest.mark.parametrize(("call", "parts"), [case[1:] for case in NAMES], ids=[case[0] for case in NAMES])
def test_wrong_names(call: Callable[[tftrt.Model], object], parts: list[str], model: tftrt.Model) -> None:
    with pytest.raises(tftrt.InvalidArgumentError) as error:
        call(model)
    check_message(error, *parts)


def test_one_array_for_several_inputs(exported: Export) -> None:
    with tftrt.Model(exported("branching")) as model:
        x = np.zeros((1, 4), np.float32)
        with pytest.raises(tftrt.InvalidArgumentError) as error:
            model(x)
        check_message(error, '"serving_default" has 3 inputs', "pass them by name")
        with pytest.raises(tftrt.InvalidArgumentError) as error:
            model(x=x, steps=1)
        check_message(error, 'input "up"', "is missing", "steps: int32[]; up: bool[]; x: float32[?, 4]")
        assert model(x=x, steps=1, up=True)["y"].shape == (1, 4)


# Arrays

NOT_CAST = "tftrt does not cast"
ARRAYS: dict[str, tuple[Any, list[str]]] = {
    "float64": (GOOD.astype(np.float64), ["has dtype float64", NOT_CAST]),
    "float16": (GOOD.astype(np.float16), ["has dtype float16", NOT_CAST]),
    "int32": (GOOD.astype(np.int32), ["has dtype int32", NOT_CAST]),
    "bool": (GOOD > 0, ["has dtype bool", NOT_CAST]),
    "complex64": (GOOD.astype(np.complex64), ["has dtype complex64", NOT_CAST]),
    "bytes": (np.full((1, 8, 8, 3), b"a"), ["has dtype string", NOT_CAST]),
    "big-endian float64": (GOOD.astype(">f8"), ["has dtype float64", NOT_CAST]),
    "long double": (GOOD.astype(np.longdouble), ["dtype float128"]),
    "dates": (np.zeros((1, 8, 8, 3), "M8[s]"), ["dtype datetime64[s]"]),
    "records": (np.zeros((1, 8, 8, 3), [("a", "f4")]), ["dtype [('a', '<f4')]"]),
    "objects": (np.full((1, 8, 8, 3), object(), object), ["dtype object"]),
    "numbers as objects": (GOOD.astype(object), ["dtype object"]),
    "a rank too low": (GOOD[0], ["has shape [8, 8, 3]", "another number of dimensions"]),
    "a rank too high": (GOOD[None], ["has shape [1, 2, 8, 8, 3]", "another number of dimensions"]),
    "a scalar": (np.float32(1), ["has shape []", "another number of dimensions"]),
    "another height": (GOOD[:, :7], ["has shape [2, 7, 8, 3]"]),
    "other channels": (GOOD[..., :1], ["has shape [2, 8, 8, 1]"]),
    "no height": (GOOD[:, :0], ["has shape [2, 0, 8, 3]"]),
    "a list": ([1.0, 2.0], ["has shape [2]", "another number of dimensions"]),
    "a number": (1.5, ["has shape []", "another number of dimensions"]),
    "nothing": (None, ["None"]),
    "a ragged list": ([[1.0], [1.0, 2.0]], ["list"]),
    "a list of objects": ([object()], ["object"]),
    "a list of nothing": ([None], ["None"]),
    "a string": ("hello", ["str"]),
    "a list of strings": (["a"], ["str"]),
    "a set": ({1.0}, ["set"]),
}


@pytest.mark.parametrize("kind", ARRAYS)
def test_wrong_arrays(kind: str, model: tftrt.Model) -> None:
    value, parts = ARRAYS[kind]
    calls: list[Callable[[], object]] = [
        lambda: model(value),
        lambda: model({"image": value}),
        lambda: model.run({"image": value}, outputs=["probabilities"]),
    ]
    for call in calls:
        with pytest.raises(tftrt.InvalidArgumentError) as error:
            call()
        check_message(error, 'input "image"', f"expected {IMAGE}", *parts)


def misaligned(array: np.ndarray) -> np.ndarray:
    return np.frombuffer(b"x" + array.tobytes(), np.uint8)[1:].view(array.dtype).reshape(array.shape)


LAYOUTS: dict[str, Callable[[np.ndarray], np.ndarray]] = {
    "not contiguous": lambda array: np.repeat(array, 2, axis=2)[:, :, ::2],
    "column-major": np.asfortranarray,
    "big-endian": lambda array: array.astype(">f4"),
    "misaligned": misaligned,
}


@pytest.mark.parametrize("layout", LAYOUTS)
def test_arrays_of_any_layout_are_right(layout: str, model: tftrt.Model) -> None:
    """These are no mistakes: they are copied."""
    array = LAYOUTS[layout](GOOD)
    wanted = model(GOOD)["probabilities"]
    assert np.array_equal(model(array)["probabilities"], wanted)
    array.flags.writeable = False
    assert np.array_equal(model(array)["probabilities"], wanted)


STRINGS: dict[str, tuple[Any, list[str]]] = {
    "integers": (np.array([1, 2]), ["has dtype int64"]),
    "integers as objects": (np.array([1, 2], object), ["int"]),
    "a list of integers": ([1, 2], ["int"]),
    "nothing in a list": (["a", None], ["None"]),
    "half of a character": (["\udc80"], ["str"]),
    "a rank too high": ([["a"]], ["has shape [1, 1]", "another number of dimensions"]),
}


@pytest.mark.parametrize("kind", STRINGS)
def test_wrong_strings(kind: str, exported: Export) -> None:
    value, parts = STRINGS[kind]
    with tftrt.Model(exported("string_lookup")) as model:
        with pytest.raises(tftrt.InvalidArgumentError) as error:
            model(value)
        check_message(error, 'input "words"', "expected words: string[?]", *parts)
        assert model(["a"])["loud"].tolist() == [b"a!"]


NUMBERS: list[tuple[str, Any]] = [
    ("steps", 3.7),
    ("steps", 2**40),
    ("steps", -(2**31) - 1),
    ("steps", "3"),
    ("steps", None),
    ("steps", 1j),
    ("up", 2),
    ("up", "yes"),
    ("up", None),
]


@pytest.mark.parametrize(("name", "value"), NUMBERS)
def test_numbers_that_do_not_fit(name: str, value: Any, exported: Export) -> None:
    """Python's numbers take the input's dtype, but never another value."""
    x = np.ones((1, 4), np.float32)
    with tftrt.Model(exported("branching")) as model:
        inputs = {"x": x, "steps": 3, "up": True}
        wanted = model(inputs)["y"]
        with pytest.raises(tftrt.InvalidArgumentError) as error:
            model({**inputs, name: value})
        check_message(error, f'input "{name}"', f"expected {name}: ", repr(value))
        assert np.array_equal(model(inputs)["y"], wanted)


def test_nothing_is_no_number(exported: Export) -> None:
    """Numpy makes a NaN of it."""
    with tftrt.Model(exported("scalar")) as model:
        with pytest.raises(tftrt.InvalidArgumentError) as error:
            model(None)
        check_message(error, 'input "x"', "expected x: float32[]", "None")


class Elsewhere:
    """A tensor of another library, on a device that is neither the host nor CUDA's."""

    def __dlpack__(self, stream: object = None) -> object:
        raise AssertionError("it should not be asked for")

    def __dlpack_device__(self) -> tuple[int, int]:
        return 10, 0


class OnGpu:
    """An array on a GPU, which this machine cannot read."""

    def __init__(self) -> None:
        self.__cuda_array_interface__ = {"shape": (1, 8, 8, 3), "typestr": "<f4", "data": (4096, False), "version": 3}


def test_a_tensor_on_another_device(model: tftrt.Model) -> None:
    with pytest.raises(tftrt.UnsupportedError) as error:
        model(Elsewhere())
    check_message(error, "device type 10", "expected the host or a CUDA device", "copy it there first")


@pytest.mark.skipif(bool(tftrt._native.inspect_environment().gpus), reason="the address is not one of its memory")
def test_an_array_on_a_gpu_where_there_is_none(model: tftrt.Model) -> None:
    with pytest.raises(tftrt.IncompatibleError) as error:
        model(OnGpu())
    check_message(error, "CUDA's runtime library is not there", "tftrt doctor")


def test_errors_of_ops_are_passed_on(exported: Export) -> None:
    with tftrt.Model(exported("checked")) as model:
        with pytest.raises(tftrt.InvalidArgumentError) as error:
            model(np.array([9], np.int32))
        check_message(error, 'running signature "serving_default"', "not in [0, 4)")
        assert model(np.array([3], np.int32))["fine"] == [4]


FAILURES = {
    3: tftrt.InvalidArgumentError,  # INVALID_ARGUMENT
    5: tftrt.ModelError,  # NOT_FOUND
    8: tftrt.InternalError,  # RESOURCE_EXHAUSTED
    11: tftrt.InvalidArgumentError,  # OUT_OF_RANGE
    12: tftrt.UnsupportedError,  # UNIMPLEMENTED
    13: tftrt.InternalError,  # INTERNAL
    15: tftrt.ModelError,  # DATA_LOSS
}


@pytest.mark.parametrize("code", range(1, 17))
def test_every_status_of_tensorflow_is_an_error_of_tftrt(code: int, custom_ops: Path, op_library: Path) -> None:
    with tftrt.Model(custom_ops, "fail", op_libraries=[op_library]) as model:
        with pytest.raises(FAILURES.get(code, tftrt.Error)) as error:
            model(code)
        check_message(error, 'running signature "fail"', "failed as asked")
        assert model(0)["y"] == 0


@pytest.mark.parametrize(
    ("shape", "dtype", "parts"),
    [
        (-1, np.float32, ["negative dimension -1"]),
        ((2, -3), np.float32, ["negative dimension -3"]),
        ((2,), object, ["dtype object", "expected a number type"]),
        ((2,), "S4", ["|S4", "expected a number type"]),
        ((2,), ">f4", [">f4", "native byte order"]),
        ((2**62, 4), np.float32, ["more bytes than"]),
        ((2**45,), np.float32, ["no memory", "[35184372088832]"]),
    ],
)
def test_wrong_empty_arrays(shape: Any, dtype: Any, parts: list[str]) -> None:
    with pytest.raises(tftrt.InvalidArgumentError) as error:
        tftrt.empty(shape, dtype)
    check_message(error, *parts)


# Ops


def test_an_op_that_nobody_registered(custom_ops: Path, python: Python) -> None:
    code = """
import sys
import tftrt

try:
    tftrt.Model(sys.argv[1], "address")
except tftrt.UnsupportedError as error:
    for name in ("Address", "Fail", "Gate", "Hold", "Keep"):
        assert f"TftrtTest{name}" in str(error), error
    assert "op_libraries" in str(error), error
else:
    raise AssertionError("it should be refused")
assert "TftrtTestAddress" in tftrt.inspect(sys.argv[1]).ops
"""
    python(code, custom_ops)


def test_op_libraries_that_cannot_be_loaded(custom_ops: Path, tmp_path: Path, model: tftrt.Model) -> None:
    text = tmp_path / "text.so"
    text.write_text("no library")
    for library, reason in ((tmp_path / "nothing.so", "No such file"), (text, "")):
        with pytest.raises(tftrt.InvalidArgumentError) as error:
            tftrt.Model(custom_ops, "address", op_libraries=[library])
        check_message(error, f'cannot load the op library "{library}"', reason, "built against TensorFlow")


def test_one_op_library_that_is_not_in_a_list(custom_ops: Path, op_library: Path) -> None:
    """Either it is taken, as one tag is, or the error says what to do."""
    try:
        loaded = tftrt.Model(custom_ops, "address", op_libraries=str(op_library))
    except tftrt.InvalidArgumentError as error:
        assert str(op_library) in str(error)
        assert "list" in str(error)
    else:
        assert loaded([1.0])["y"].tolist() == [2]


# Another TensorFlow

LOAD = """
import sys
import tftrt

path, *expected = sys.argv[1:]
for load in (tftrt.Model, tftrt.inspect, tftrt.Model):
    try:
        load(path)
    except tftrt.IncompatibleError as error:
        for part in expected:
            assert part in str(error), f"{part!r} is not in {error}"
    else:
        raise AssertionError("it should be refused")
"""
LIBRARIES = ("libtensorflow_cc.so.2", "libtensorflow_framework.so.2")
FAKE = 'const char* TF_Version() { return "2.18.0"; }'


@pytest.fixture
def other_tensorflow(tmp_path: Path) -> Path:
    """A folder with the libraries of TensorFlow 2.18.0, as far as tftrt asks about them."""
    folder = tmp_path / "site-packages" / "tensorflow"
    folder.mkdir(parents=True)
    source = tmp_path / "tensorflow.c"
    source.write_text(FAKE)
    for name in LIBRARIES:
        command = ["gcc", "-shared", "-fPIC", f"-Wl,-soname,{name}", str(source), "-o", str(folder / name)]
        subprocess.run(command, check=True)
    return folder


def both_versions(folder: Path) -> list[str]:
    installed = _native.inspect_environment().tensorflow.version
    minor = ".".join(installed.split(".")[:2])
    return [
        f"built with TensorFlow {minor}.",
        f"{folder} holds TensorFlow 2.18.0",
        f"pip install 'tensorflow=={minor}.*'",
    ]


def test_another_tensorflow(other_tensorflow: Path, exported: Export, python: Python) -> None:
    """Its libraries tell their version."""
    python(LOAD, exported("cnn"), *both_versions(other_tensorflow), TFTRT_TENSORFLOW_DIR=str(other_tensorflow))


def write_header(folder: Path) -> None:
    header = folder / "include" / "tensorflow" / "core" / "public" / "version.h"
    header.parent.mkdir(parents=True)
    header.write_text("#define TF_MAJOR_VERSION 2\n#define TF_MINOR_VERSION 18\n#define TF_PATCH_VERSION 0\n")


def write_metadata(folder: Path) -> None:
    (folder.parent / "tensorflow-2.18.0.dist-info").mkdir()


@pytest.mark.parametrize("write", [write_header, write_metadata])
def test_another_tensorflow_is_not_even_opened(
    write: Callable[[Path], None], tmp_path: Path, exported: Export, python: Python
) -> None:
    """The files beside its libraries tell their version; another would stay in the process."""
    folder = tmp_path / "site-packages" / "tensorflow"
    folder.mkdir(parents=True)
    for name in LIBRARIES:
        (folder / name).write_text("not a library")
    write(folder)
    python(LOAD, exported("cnn"), *both_versions(folder), TFTRT_TENSORFLOW_DIR=str(folder))


def test_another_tensorflow_by_configure(other_tensorflow: Path, exported: Export, python: Python) -> None:
    code = LOAD.replace("for load", "import os\ntftrt.configure(tensorflow_dir=os.environ['OTHER'])\nfor load")
    python(code, exported("cnn"), *both_versions(other_tensorflow), OTHER=str(other_tensorflow))


def test_a_folder_without_tensorflow(tmp_path: Path, exported: Export, python: Python) -> None:
    expected = [f"there is no libtensorflow_cc.so.2 in {tmp_path}", "TFTRT_TENSORFLOW_DIR", "unset it"]
    python(LOAD, exported("cnn"), *expected, TFTRT_TENSORFLOW_DIR=str(tmp_path))


def test_a_tensorflow_that_cannot_be_opened(tmp_path: Path, exported: Export, python: Python) -> None:
    for name in LIBRARIES:
        (tmp_path / name).write_text("not a library")
    expected = [f"cannot open TensorFlow's {tmp_path}/libtensorflow", "Reinstall it: pip install"]
    python(LOAD, exported("cnn"), *expected, TFTRT_TENSORFLOW_DIR=str(tmp_path))


def test_another_tensorflow_beside_the_one_in_use(other_tensorflow: Path, exported: Export, model: tftrt.Model) -> None:
    used = Path(_native.inspect_environment().tensorflow.path).parent
    with pytest.raises(tftrt.InvalidArgumentError) as error:
        tftrt.configure(tensorflow_dir=str(other_tensorflow))
    check_message(error, "tensorflow_dir is already", str(used), str(other_tensorflow))
    with tftrt.Model(exported("scalar")) as another:
        assert another(0.0)["y"] == 1
