"""Building: sample inputs and calibration batches."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import ml_dtypes
import numpy as np
import pytest

from tftrt.batches.data import open_sources, read_batches
from tftrt.batches.spool import Spool, load_batch
from tftrt.errors import InvalidArgumentError


def spec(name: str, shape: tuple[int, ...] | None, dtype: Any = np.float32, default: Any = None) -> Any:
    return SimpleNamespace(name=name, shape=shape, dtype=np.dtype(dtype), default=default)


def signature(name: str, *inputs: Any) -> Any:
    return SimpleNamespace(name=name, inputs=list(inputs), unsupported="")


IMAGE = signature("serving_default", spec("image", (-1, 2)))
PAIR = signature("pair", spec("ids", (-1, -1), np.int32), spec("mask", (-1, -1), np.int32))
WORDS = signature("words", spec("words", (-1,), object))


def read(value: Any, *signatures: Any, argument: str = "data") -> list[tuple[str, dict[str, Any]]]:
    batches = read_batches(argument, open_sources(argument, value), signatures or (IMAGE,))
    return [(name, arrays) for _, name, arrays in batches]


def floats(*shape: int) -> Any:
    return np.arange(np.prod(shape), dtype=np.float32).reshape(shape)


def function_of_batches() -> Any:
    return [floats(1, 2), floats(3, 2)]


def failing_function() -> Any:
    yield floats(1, 2)
    raise KeyError("no more")


def no_batches_function() -> Any:
    return 3


def test_files(tmp_path: Path) -> None:
    np.save(tmp_path / "one.npy", floats(3, 2))
    np.savez(tmp_path / "named.npz", image=floats(1, 2))
    first, second = read([tmp_path / "one.npy", str(tmp_path / "named.npz")])
    assert first[1]["image"].shape == (3, 2)
    assert second[1]["image"].shape == (1, 2)
    ((_, arrays),) = read(tmp_path / "one.npy")
    np.testing.assert_array_equal(arrays["image"], floats(3, 2))


@pytest.mark.parametrize("name", ["broken.npy", "broken.npz"])
def test_damaged_files(tmp_path: Path, name: str) -> None:
    for content in (b"", b"PK\x03\x04 nothing", b"text"):
        (tmp_path / name).write_bytes(content)
        with pytest.raises(InvalidArgumentError, match=f"data .*{name}: expected"):
            read(tmp_path / name)


def test_pickles_are_refused(tmp_path: Path) -> None:
    np.save(tmp_path / "objects.npy", np.array([{}], object), allow_pickle=True)
    with pytest.raises(InvalidArgumentError, match="numbers or strings"):
        read(tmp_path / "objects.npy")


def test_inputs_that_are_left_out_have_their_defaults() -> None:
    scale = np.full((1,), 3, np.float32)
    defaulted = signature("defaulted", spec("x", (-1, 2)), spec("scale", (1,), default=scale))
    ((_, arrays),) = read([{"x": floats(3, 2)}], defaulted)
    assert arrays["scale"].tolist() == [3]
    with pytest.raises(InvalidArgumentError, match="expected an array for each input"):
        read([{"scale": scale}], defaulted)


def test_functions() -> None:
    shapes = [arrays["image"].shape for _, arrays in read("test_sample_batches:function_of_batches")]
    assert shapes == [(1, 2), (3, 2)]
    assert len(read(function_of_batches)) == 2
    assert len(read(iter(function_of_batches()))) == 2
    with pytest.raises(InvalidArgumentError, match=r"data test_sample_batches:failing_function: .*KeyError: 'no more'"):
        read("test_sample_batches:failing_function")
    with pytest.raises(InvalidArgumentError, match="not iterable"):
        read("test_sample_batches:no_batches_function")
    with pytest.raises(InvalidArgumentError, match="data: expected an iterable of batches, found 3"):
        read(no_batches_function)
    with pytest.raises(KeyError):  # the caller's own code
        read(failing_function)


def test_kinds_of_batches() -> None:
    ids = np.ones((1, 3), np.int32)
    for batch in ({"ids": ids, "mask": ids}, (ids, ids), [ids, ids]):
        ((name, arrays),) = read([batch], IMAGE, PAIR)
        assert name == "pair"
        assert set(arrays) == {"ids", "mask"}
    for batch in (floats(1, 2), (floats(1, 2),), [[1.0, 2.0]], {"image": [[1, 2]]}):
        ((name, arrays),) = read([batch], IMAGE, PAIR)
        assert name == "serving_default"
        assert arrays["image"].dtype == np.float32
        assert arrays["image"].shape == (1, 2)
    twin = signature("twin", *IMAGE.inputs)
    assert [name for name, _ in read([floats(1, 2)], IMAGE, twin)] == ["serving_default", "twin"]


@pytest.mark.parametrize(
    ("batch", "message"),
    [
        ({"picture": floats(1, 2)}, r"data, batch 2: .*found 'picture'; the inputs are image: float32\[\?, 2\]"),
        ((floats(1, 2), floats(1, 2)), "found 2 arrays"),
        (floats(1, 2).astype(np.float64), 'batch 2: input "image" has dtype float64; expected image: float32'),
        (floats(1, 3), r"has shape \[1, 3\]; expected image: float32\[\?, 2\]$"),
        (floats(2), r"has shape \[2\]; .*: another number of dimensions"),
        (floats(0, 2), r"has shape \[0, 2\]; expected sizes of at least 1"),
        ("text", 'batch 2: input "image" is'),
    ],
)
def test_sample_batches_that_do_not_fit(batch: Any, message: str) -> None:
    with pytest.raises(InvalidArgumentError, match=message):
        read([floats(1, 2), batch])


def test_no_batches() -> None:
    for value in ([], iter([]), lambda: []):
        with pytest.raises(InvalidArgumentError, match="calibration: expected at least one batch, found none"):
            read(value, argument="calibration")


def test_other_byte_order_and_text_and_bfloat16(tmp_path: Path) -> None:
    ((_, arrays),) = read([floats(1, 2).astype(">f4")])
    assert arrays["image"].dtype == np.float32
    for words in (np.array(["é", "b"]), np.array(["é".encode(), b"b"])):
        ((_, arrays),) = read([words], WORDS)
        assert arrays["words"].tolist() == ["é".encode(), b"b"]
    half = signature("half", spec("x", (-1,), ml_dtypes.bfloat16))
    np.save(tmp_path / "half.npy", np.ones(2, ml_dtypes.bfloat16))
    ((_, arrays),) = read(tmp_path / "half.npy", half)
    assert arrays["x"].dtype == ml_dtypes.bfloat16


def test_spooled_batches_come_back(tmp_path: Path) -> None:
    specs = [
        spec("file", (-1,), object),  # numpy's own arguments have such names
        spec("args", (), np.int64),
        spec("half/x:0", (-1,), ml_dtypes.bfloat16),
    ]
    arrays = {
        "file": np.array([b"a\0", b""], object),
        "args": np.array(3),
        "half/x:0": np.array([1.5], ml_dtypes.bfloat16),
    }
    spool = Spool(tmp_path)
    first, second = spool.write(arrays), spool.write({"args": np.array(4)})
    loaded = load_batch(first, specs)
    assert list(loaded) == list(arrays)
    for name, array in arrays.items():
        assert loaded[name].dtype == array.dtype
        assert loaded[name].tolist() == array.tolist()
    assert load_batch(second, specs) == {"args": 4}
