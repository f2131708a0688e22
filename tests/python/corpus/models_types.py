"""Inputs and outputs of every type."""

from __future__ import annotations

from typing import Any

import ml_dtypes
import numpy as np
from cases import Inputs, save, weights
from lazy import tf
from registry import ROWS, WIDTH, array, ids, model, spec


def _numbers(dtype: Any) -> list[Inputs]:
    """Numbers from 0 to 9, or from -9 where the type has a sign."""
    low = 0 if np.dtype(dtype).kind in "ub" else -9
    random = [np.random.default_rng(seed).integers(low, 10, (count, WIDTH)) for seed, count in enumerate(ROWS)]
    return [{"x": (numbers > 4 if dtype is np.bool_ else numbers).astype(dtype)} for numbers in random]


def _of_type(directory: str, dtype: str, before: Any, after: Any) -> None:
    """Ops of the type, a product of floats, ops of the type."""
    m = tf.Module()
    m.w, m.table = tf.Variable(weights(WIDTH, WIDTH, seed=3) / 3), tf.Variable(weights(6, WIDTH, seed=5))

    def f(x: Any) -> dict[str, Any]:
        found, value = before(x)
        y = tf.nn.relu(value @ m.w + tf.gather(m.table, ids(value, 6)))
        return {"before": found, "y": y, "after": after(y, x)}

    save(m, directory, tf.function(f, input_signature=[spec(None, WIDTH, dtype=dtype)]))


def _arithmetic(directory: str, dtype: str) -> None:
    def before(x: Any) -> Any:
        found = tf.concat([x * x, x + x], 1)[:, ::2]
        return found, tf.cast(found, tf.float32) / 8.0

    def after(y: Any, x: Any) -> Any:
        return tf.where(y > 1.0, tf.cast(y, dtype) + x, tf.reverse(x, [1])) * tf.cast(2, dtype)

    _of_type(directory, dtype, before, after)


@model(calls=_numbers(np.float16))
def half_input(directory: str) -> None:
    _arithmetic(directory, "float16")


@model(calls=_numbers(ml_dtypes.bfloat16))
def bfloat16_input(directory: str) -> None:
    _arithmetic(directory, "bfloat16")


@model(calls=_numbers(np.float64))
def double_input(directory: str) -> None:
    _arithmetic(directory, "float64")


@model(calls=_numbers(np.int8))
def int8_input(directory: str) -> None:
    _arithmetic(directory, "int8")


@model(calls=_numbers(np.int16))
def int16_input(directory: str) -> None:
    _arithmetic(directory, "int16")


@model(calls=_numbers(np.int32))
def int32_input(directory: str) -> None:
    _arithmetic(directory, "int32")


@model(calls=_numbers(np.int64))
def int64_input(directory: str) -> None:
    _arithmetic(directory, "int64")


@model(calls=_numbers(np.uint8))
def uint8_input(directory: str) -> None:
    _arithmetic(directory, "uint8")


@model(calls=_numbers(np.uint16))
def uint16_input(directory: str) -> None:
    _arithmetic(directory, "uint16")


@model(calls=_numbers(np.uint32))
def uint32_input(directory: str) -> None:
    _arithmetic(directory, "uint32")


@model(calls=_numbers(np.uint64))
def uint64_input(directory: str) -> None:
    _arithmetic(directory, "uint64")


@model(calls=_numbers(np.bool_))
def bool_input(directory: str) -> None:
    def before(x: Any) -> Any:
        found = tf.math.logical_xor(x, tf.reverse(x, [1])) | x[:, :1]
        return found, tf.cast(found, tf.float32)

    _of_type(directory, "bool", before, lambda y, x: tf.reduce_any((y > 1.0) & x, 1, keepdims=True))


@model(calls=[{"x": call["x"] * (1 + 2j)} for call in _numbers(np.complex64)])
def complex_input(directory: str) -> None:
    def before(x: Any) -> Any:
        found = x * tf.math.conj(x) + tf.exp(x * 0.1)
        return found, tf.math.real(found) / 40.0 + tf.math.imag(x)

    _of_type(directory, "complex64", before, lambda y, x: tf.complex(y, -y) * x)


@model(calls=[{"x": call["x"] * (1 + 2j)} for call in _numbers(np.complex128)])
def complex128_input(directory: str) -> None:
    def before(x: Any) -> Any:
        found = x * x - tf.math.conj(x)
        return found, tf.cast(tf.math.real(found), tf.float32) / 40.0

    _of_type(directory, "complex128", before, lambda y, x: tf.cast(tf.complex(y, -y), tf.complex128) * x)


@model(calls=[{"x": array(*([b"cat", b"", b"\xff\0", b"a gnu"] * 6)[: 8 * n]).reshape(n, 8)} for n in ROWS])
def string_input(directory: str) -> None:
    """Bytes of any kind, as a matrix."""

    def before(x: Any) -> Any:
        found = tf.strings.join([x, tf.reverse(x, [1])], "/")
        return found, tf.cast(tf.strings.length(found), tf.float32) / 4.0

    def after(y: Any, x: Any) -> Any:
        return tf.where(y > 1.0, x, tf.strings.as_string(tf.cast(y * 10.0, tf.int32)))

    _of_type(directory, "string", before, after)
