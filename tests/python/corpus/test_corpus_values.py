"""Variables and constants of every kind: partitioned, captured, empty, large, and of every type."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from cases import check, ops, save, save_v1, weights

X = [{"x": weights(size, 8)} for size in (2, 3, 2)]
Build = Callable[[str], None]


def partitioned(directory: str, shards: int, axis: int, resource: bool) -> None:
    """As TensorFlow 1 stores large embeddings: the checkpoint has the whole, and each shard restores a slice."""
    import tensorflow as tf

    v1 = tf.compat.v1
    with tf.Graph().as_default(), v1.Session() as session:
        x = v1.placeholder(tf.float32, [None, 8], name="x")
        v1.set_random_seed(1)
        split = v1.fixed_size_partitioner
        k = v1.get_variable("k", [8, 8], partitioner=split(shards, axis), use_resource=resource)
        rows = v1.get_variable("rows", [11, 8], partitioner=split(shards), use_resource=resource)
        ids = tf.cast(tf.abs(x[:, 0]) * 3, tf.int32)
        y = tf.nn.relu(x @ k)
        outputs = {
            "y": y @ tf.convert_to_tensor(k) + 1.0,
            "divided": v1.nn.embedding_lookup(rows, ids, partition_strategy="div"),
            "interleaved": v1.nn.embedding_lookup(rows, ids, partition_strategy="mod") * 2.0,
        }
        outputs["after"] = tf.nn.relu(outputs["divided"]) @ k + y
        save_v1(directory, {"x": x}, outputs, session)


@pytest.mark.parametrize("resource", [False, True], ids=["reference", "resource"])
@pytest.mark.parametrize(("shards", "axis"), [(3, 0), (2, 1)])
def test_partitioned_variables(tensorflow: Any, tmp_path: Path, shards: int, axis: int, resource: bool) -> None:
    report = check(tensorflow, tmp_path, partial(partitioned, shards=shards, axis=axis, resource=resource), X, tf1=True)
    assert "MatMul" in ops(report)


def updated(directory: str, resource: bool) -> None:
    """A partitioned variable that the signature writes to."""
    import tensorflow as tf

    v1 = tf.compat.v1
    with tf.Graph().as_default(), v1.Session() as session:
        x = v1.placeholder(tf.float32, [None, 8], name="x")
        v1.set_random_seed(1)
        k = v1.get_variable("k", [8, 8], partitioner=v1.fixed_size_partitioner(2), use_resource=resource)
        with tf.control_dependencies([v1.assign_add(part, tf.ones_like(part)) for part in k]):
            whole = tf.concat([part.read_value() for part in k], 0)
        save_v1(directory, {"x": x}, {"y": tf.nn.relu(x @ whole) @ whole + 1.0}, session)


@pytest.mark.parametrize("resource", [False, True], ids=["reference", "resource"])
def test_partitioned_variables_that_change(tensorflow: Any, tmp_path: Path, resource: bool) -> None:
    check(tensorflow, tmp_path, partial(updated, resource=resource), X, tf1=True)


def sharded(directory: str) -> None:
    """As parameter servers of TensorFlow 2 hold an embedding."""
    import tensorflow as tf
    from tensorflow.python.distribute import sharded_variable

    m = tf.Module()
    m.k = tf.Variable(weights(8, 8))
    m.rows = sharded_variable.ShardedVariable([tf.Variable(weights(rows, 8)) for rows in (4, 4, 3)])

    @tf.function(input_signature=[tf.TensorSpec([None, 8], name="x")])
    def f(x: Any) -> Any:
        y = tf.nn.relu(x @ m.k)
        return {
            "y": y @ m.k + 1.0,
            "found": tf.nn.embedding_lookup(m.rows, tf.cast(tf.abs(x[:, 0]) * 3, tf.int64)),
            "all": tf.nn.relu(y @ tf.transpose(tf.convert_to_tensor(m.rows))),
        }

    save(m, directory, f)


def quantised(directory: str) -> None:
    """Constants of quantised types beyond 64 KB."""
    import tensorflow as tf

    m = tf.Module()
    m.k = tf.Variable(weights(8, 8))
    stored = (np.arange(70_000) % 120).reshape(-1, 70)
    kinds = {tf.quint8: tf.uint8, tf.qint8: tf.int8, tf.quint16: tf.uint16, tf.qint16: tf.int16, tf.qint32: tf.int32}

    @tf.function(input_signature=[tf.TensorSpec([None, 8], name="x")], autograph=False)
    def f(x: Any) -> Any:
        outputs = {"y": tf.nn.relu(x @ m.k) @ m.k + 1.0}
        for kind, plain in kinds.items():
            value = tf.bitcast(tf.constant(stored, plain), kind)
            twice = tf.raw_ops.ConcatV2(values=[value, tf.constant(stored, kind)], axis=0)
            outputs[kind.name] = tf.bitcast(twice, plain)[-990:-980]
            if kind != tf.qint32:
                outputs[f"{kind.name}_float"] = tf.raw_ops.Dequantize(input=value, min_range=-1.0, max_range=1.0)[:3]
        return outputs

    save(m, directory, f)


@pytest.mark.parametrize("build", [sharded, quantised])
def test_sharded_variables_and_quantised_constants(tensorflow: Any, tmp_path: Path, build: Build) -> None:
    report = check(tensorflow, tmp_path, build, X, alone=False)
    assert "MatMul" in ops(report)


def captured(directory: str) -> None:
    """Eager tensors of several types, above the size up to which TensorFlow writes them into the function."""
    import tensorflow as tf

    m = tf.Module()
    m.k = tf.Variable(weights(8, 8))
    table, order = tf.constant(weights(64, 8)), tf.constant(np.arange(200) % 8, tf.int64)
    words, flags = tf.constant([f"word {i}" for i in range(200)]), tf.constant(np.arange(200) % 3 == 0)
    half = tf.constant(weights(20, 8), tf.float16)

    @tf.function(input_signature=[tf.TensorSpec([None, 8], name="x")])
    def f(x: Any) -> Any:
        y = tf.nn.relu(x @ m.k)
        return {
            "y": tf.matmul(y, table, transpose_b=True) @ table + 1.0,
            "gathered": tf.gather(y, order, axis=1),
            "words": tf.gather(words, tf.cast(tf.abs(x[:, 0]) * 10, tf.int32)),
            "flags": tf.where(flags[:8], y, y * 2.0) @ m.k,
            "half": tf.cast(half[0], tf.float32) * y,
        }

    save(m, directory, f)


def shared_functions(directory: str) -> None:
    """Branches and loops that call one function."""
    import tensorflow as tf

    m = tf.Module()
    m.k = tf.Variable(weights(8, 8))

    @tf.function
    def dense(x: Any) -> Any:
        return tf.nn.relu(x @ m.k)

    @tf.function
    def twice(x: Any) -> Any:
        return dense(x) * 2.0 + dense(x * 0.5)

    step = [tf.TensorSpec([None, 8], name="x"), tf.TensorSpec([8, 8])]
    shared = tf.function(lambda x, k: tf.nn.relu(x @ k), input_signature=step).get_concrete_function()

    state = [tf.TensorSpec([], tf.int32), *step]
    smaller = tf.function(lambda i, x, k: i < 2, input_signature=state).get_concrete_function()
    once_more = tf.function(lambda i, x, k: (i + 1, tf.nn.relu(x @ k), k), input_signature=state)
    body = once_more.get_concrete_function()

    @tf.function(input_signature=[step[0], tf.TensorSpec([], tf.int32, name="i")])
    def f(x: Any, i: Any) -> Any:
        y = tf.nn.relu(x @ m.k) + 1.0
        loop = tf.while_loop(lambda j, v: j < i + 2, lambda j, v: (j + 1, dense(v) * 0.1), (0, y))[1]
        common: dict[str, Any] = {"input": [y, m.k], "Tout": [tf.float32], "output_shapes": [[None, 8]]}
        case = tf.raw_ops.Case(branch_index=i, branches=[shared, shared, shared], **common)[0]
        branch = tf.raw_ops.If(cond=i > 0, then_branch=shared, else_branch=shared, **common)[0]
        loops = [
            tf.raw_ops.While(input=[0, start, kernel], cond=smaller, body=body)[1]
            for start, kernel in ((y, m.k), (x, tf.transpose(m.k)), (loop, m.k * 0.5))
        ]
        return {
            **{f"same_{number}": tf.ensure_shape(value, [None, 8]) @ m.k for number, value in enumerate(loops)},
            "case": tf.switch_case(i, [lambda: dense(y), lambda: dense(y), lambda: twice(y)]) @ m.k,
            "cond": tf.cond(i > 0, lambda: dense(y), lambda: dense(y)),
            "loop": loop @ m.k,
            "after": tf.switch_case(i, [lambda: dense(loop), lambda: twice(loop), lambda: dense(loop)]),
            "one_case": tf.ensure_shape(case, [None, 8]) @ m.k,
            "one_branch": tf.ensure_shape(branch, [None, 8]) @ m.k + 1.0,
        }

    save(m, directory, f)


@pytest.mark.parametrize("build", [captured, shared_functions])
def test_captures_and_shared_functions(tensorflow: Any, tmp_path: Path, build: Build) -> None:
    calls = [{**call, "i": np.int32(i)} for i, call in enumerate(X)] if build is shared_functions else X
    report = check(tensorflow, tmp_path, build, calls)
    assert "MatMul" in ops(report)


def narrow(directory: str, dtype: str) -> None:
    """Weights of a type that is not float32, in and outside engines."""

    import tensorflow as tf

    kind = tf.as_dtype(dtype)
    m = tf.Module()
    m.k, m.b = tf.Variable(tf.cast(weights(8, 8), kind)), tf.Variable(tf.cast(weights(8), kind))
    m.w = tf.Variable(weights(8, 8))

    @tf.function(input_signature=[tf.TensorSpec([None, 8], name="x")])
    def f(x: Any) -> Any:
        y = tf.nn.relu(x @ m.w)
        z = tf.nn.bias_add(tf.cast(y, kind) @ m.k, m.b)
        return {
            "y": z,
            "z": tf.cast(tf.nn.relu(z), tf.float32) @ m.w + 1.0,
            "gathered": tf.gather(m.k, [1, 2]),
            "cast": tf.nn.relu(x @ tf.cast(m.k, tf.float32)) @ m.w,
            "convolved": tf.nn.conv2d(tf.reshape(z, [-1, 1, 1, 8]), tf.reshape(m.k, [1, 1, 8, 8]), 1, "SAME"),
        }

    save(m, directory, f)


@pytest.mark.parametrize("precision", ["FP32", "FP16", "INT8"])
@pytest.mark.parametrize("dtype", ["bfloat16", "float64", "float16"])
def test_weights_of_other_types(tensorflow: Any, tmp_path: Path, dtype: str, precision: str) -> None:
    options = {"precision": precision, "minimum_segment_size": 1}
    report = check(tensorflow, tmp_path, partial(narrow, dtype=dtype), X[:2], executors=("auto", "single"), **options)
    assert "MatMul" in ops(report)


def empty(directory: str) -> None:
    """Variables without elements, one of which is written."""
    import tensorflow as tf

    m = tf.Module()
    m.k, m.none, m.rows = tf.Variable(weights(8, 8)), tf.Variable(tf.zeros([0])), tf.Variable(tf.zeros([0, 8]))
    m.left, m.right = tf.Variable(tf.zeros([4, 0])), tf.Variable(tf.zeros([0, 4]))
    m.ids, m.words = tf.Variable(tf.zeros([0], tf.int64)), tf.Variable(tf.zeros([0], tf.string))
    m.state = tf.Variable(tf.zeros([0, 3]))

    @tf.function(input_signature=[tf.TensorSpec([None, 8], name="x")])
    def f(x: Any) -> Any:
        y = tf.nn.relu(x @ m.k)
        m.state.assign(m.state + 1.0)
        return {
            "y": y @ m.k,
            "none": tf.concat([m.none, y[0]], 0),
            "rows": tf.concat([m.rows, y], 0) @ m.k,
            "product": m.left @ m.right,
            "sum": tf.reduce_sum(m.right),
            "ids": m.ids,
            "words": m.words,
            "state": m.state.read_value(),
        }

    save(m, directory, f)


def empty_references(directory: str) -> None:
    import tensorflow as tf

    v1 = tf.compat.v1
    with tf.Graph().as_default(), v1.Session() as session:
        x = v1.placeholder(tf.float32, [None, 8], name="x")
        k = v1.get_variable("k", initializer=weights(8, 8), use_resource=False)
        rows, none = (v1.get_variable(str(len(s)), s, use_resource=False) for s in ([0, 4], [0]))
        outputs = {"y": tf.nn.relu(x @ k) @ k, "rows": rows * 2.0, "none": tf.concat([none, x[0]], 0)}
        save_v1(directory, {"x": x}, outputs, session)


@pytest.mark.parametrize("build", [empty, empty_references])
def test_variables_without_elements(tensorflow: Any, tmp_path: Path, build: Build) -> None:
    check(tensorflow, tmp_path, build, X, tf1=build is empty_references)


TYPES = (
    *("bool", "string", "uint8", "uint16", "uint32", "uint64", "int8", "int16", "int32", "int64"),
    *("float16", "bfloat16", "float32", "float64", "complex64", "complex128"),
    *("float8_e5m2", "float8_e4m3fn", "int4", "uint4"),
)


def values(dtype: Any, size: int) -> Any:
    generator = np.random.default_rng(0)
    if dtype.name == "string":
        return np.array([f"value {i}" for i in range(size)], object)
    numbers = generator.integers(0, 2 if dtype.name == "bool" else 7, size)
    return (numbers + 1j * numbers[::-1] if dtype.is_complex else numbers).astype(dtype.as_numpy_dtype)


def large(directory: str) -> None:
    """Constants beyond 64 KB of every type, in functions, captured and from variables."""
    import tensorflow as tf
    from tensorflow.python.framework import dtypes

    m = tf.Module()
    m.k = tf.Variable(weights(8, 8))
    kinds = [getattr(dtypes, name) for name in TYPES]
    arrays = {kind.name: values(kind, 70_000).reshape(-1, 7) for kind in kinds}
    held = {kind.name: tf.constant(arrays[kind.name], kind) for kind in kinds}
    m.variables_ = {name: tf.Variable(tensor) for name, tensor in held.items()}

    def readable(tensor: Any) -> Any:
        """In a type that arrays have."""
        small = {"float8_e5m2": tf.float32, "float8_e4m3fn": tf.float32, "int4": tf.int8, "uint4": tf.uint8}
        return tf.cast(tensor, small.get(tensor.dtype.name, tensor.dtype))

    @tf.function(input_signature=[tf.TensorSpec([None, 8], name="x")], autograph=False)
    def f(x: Any) -> Any:
        y = tf.nn.relu(x @ m.k)
        rows = tf.cast(tf.abs(x[:, 0]) * 1000, tf.int32)
        outputs = {"y": y @ m.k + 1.0}
        for kind in kinds:
            sources = {"literal": tf.constant(arrays[kind.name], kind), "captured": held[kind.name]}
            for source, tensor in {**sources, "variable": tf.identity(m.variables_[kind.name])}.items():
                whole = readable(tensor)
                branches = (lambda whole=whole: tf.gather(whole, rows), lambda whole=whole: whole[:5])
                in_branch = source == "literal"
                outputs[f"{kind.name}_{source}"] = tf.cond(x[0, 0] > 0, *branches) if in_branch else branches[0]()
        return outputs

    save(m, directory, f)


def test_large_constants_of_every_type(tensorflow: Any, tmp_path: Path) -> None:
    report = check(tensorflow, tmp_path, large, X[:2], alone=False)
    assert "MatMul" in ops(report)


def handed_on_twice(directory: str) -> None:
    """Loops whose body returns a constant in its own place and as another variable's value."""
    import tensorflow as tf

    m = tf.Module()
    m.k, m.q = tf.Variable(weights(8, 8)), tf.Variable(weights(8, 8, seed=1))

    @tf.function(input_signature=[tf.TensorSpec([None, 8], name="x")])
    def f(x: Any) -> Any:
        y = tf.nn.relu(x @ m.k)
        kernel, other = tf.identity(m.k), tf.identity(m.q)

        def body(i: Any, now: Any, value: Any) -> Any:
            return i + 1, tf.identity(kernel), tf.nn.relu(value @ now) + tf.nn.relu(value @ kernel)

        loop = tf.while_loop(lambda i, now, value: i < 3, body, (0, other, y))
        return {"now": loop[1], "y": loop[2] @ m.k + 1.0}

    save(m, directory, f)


def test_constants_that_loops_hand_on_twice(tensorflow: Any, tmp_path: Path) -> None:
    check(tensorflow, tmp_path, handed_on_twice, X)
