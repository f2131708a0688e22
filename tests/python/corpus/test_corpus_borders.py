"""Tensors that an engine cannot take or make, inputs of unknown rank, and nodes at which TF-TRT's pass throws."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from cases import check as check_each
from cases import ops, reasons, save, save_v1, weights

import tftrt

check = partial(check_each, alone=False)

X = [{"x": weights(2, 8)}, {"x": weights(1, 8, seed=1)}]


def int64_shapes(directory: str) -> None:
    """Shapes as outputs, as the start of more, and in the middle of a segment."""
    import tensorflow as tf

    m = tf.Module()
    m.k = tf.Variable(weights(8, 8))

    @tf.function(input_signature=[tf.TensorSpec([None, 8], name="x")])
    def f(x: Any) -> Any:
        y = tf.nn.relu(x @ m.k)
        n = tf.shape(y, out_type=tf.int64)
        z = tf.nn.relu(tf.reshape(y * 2.0, [n[1], n[0]]) + 1.0)
        return {"y": y, "n": n, "z": z, "more": n * 2 + 1, "size": tf.size(z, out_type=tf.int64)}

    save(m, directory, f)


def sparse(directory: str) -> None:
    import tensorflow as tf

    m = tf.Module()
    m.k = tf.Variable(weights(8, 8))

    @tf.function(input_signature=[tf.TensorSpec([None, 8], name="x")])
    def f(x: Any) -> Any:
        y = tf.nn.relu(x @ m.k)
        s = tf.sparse.from_dense(y)
        r = tf.RaggedTensor.from_tensor(y, padding=0.0)
        return {"d": tf.sparse.to_dense(s) * 2.0, "n": s.dense_shape, "r": tf.nn.relu(r.to_tensor() - 0.5)}

    save(m, directory, f)


TYPES = ["float16", "bfloat16", "float64", "int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64"]


def types(directory: str, constant: bool) -> None:
    """The same chain in every type, from a float and back, and as an output."""
    import tensorflow as tf

    m = tf.Module()

    @tf.function(input_signature=[tf.TensorSpec([None, 8], name="x")])
    def f(x: Any) -> Any:
        found = {}
        for name in TYPES:
            v = tf.cast(tf.abs(x) * 3.0, name)
            two = tf.constant(np.full([8], 2), name) if constant else v
            v = tf.reshape(v * two + v, [-1, 4, 2])
            v = tf.concat([v, tf.transpose(v, [0, 1, 2])], 2)
            found[name] = v
            found[f"{name}_back"] = tf.nn.relu(tf.cast(v, tf.float32)) + 1.0
            found[f"{name}_less"] = tf.where(tf.reduce_max(v, 2) > tf.reduce_min(v, 2), 1.0, 0.0) + x[0, 0]
        c = tf.complex(x, x * 2.0)
        return {**found, "complex": c * c, "imag": tf.math.imag(c) * 2.0 + 1.0, "bool": x > 0.5}

    save(m, directory, f)


def types_plain(directory: str) -> None:
    types(directory, False)


def types_constant(directory: str) -> None:
    types(directory, True)


@pytest.mark.parametrize("build", [int64_shapes, sparse])
@pytest.mark.parametrize("size", [1, 3])
def test_no_int64_crosses_an_engines_border(tensorflow: Any, tmp_path: Path, build: Any, size: int) -> None:
    report = check(tensorflow, tmp_path, build, X, minimum_segment_size=size)
    assert report["engines"]
    dtypes = {t["dtype"] for engine in report["engines"] for t in engine["inputs"] + engine["outputs"]}
    assert "int64" not in dtypes


def test_the_report_names_the_node_at_the_border(tensorflow: Any, tmp_path: Path) -> None:
    report = check(tensorflow, tmp_path, int64_shapes, X[:1], executors=["auto"])
    assert "makes int64 outside its segment" in reasons(report, "Shape")


@pytest.mark.parametrize("build", [types_plain, types_constant])
@pytest.mark.parametrize("dynamic", [True, False], ids=["dynamic", "implicit"])
def test_every_type_converts(tensorflow: Any, tmp_path: Path, build: Any, dynamic: bool) -> None:
    options = {"minimum_segment_size": 1, "dynamic_shapes": dynamic, "maximum_engines": 0}
    check(tensorflow, tmp_path, build, X[:1], executors=["auto"], **options)


def unknown_rank(directory: str) -> None:
    """Beside an input of known rank, with an engine."""
    import tensorflow as tf

    m = tf.Module()
    m.k = tf.Variable(weights(12, 8))

    @tf.function(input_signature=[tf.TensorSpec(None, tf.uint8, name="image"), tf.TensorSpec([None], name="s")])
    def f(image: Any, s: Any) -> Any:
        flat = tf.reshape(tf.cast(image, tf.float32), [-1, 12])
        return {
            "y": tf.nn.relu(tf.matmul(flat, m.k)) * s[0] + 1.0,
            "shape": tf.shape(image),
            "rank": tf.rank(image),
            "size": tf.size(image, out_type=tf.int64),
        }

    save(m, directory, f)


def unknown_rank_in_loop(directory: str) -> None:
    import tensorflow as tf

    m = tf.Module()

    @tf.function(input_signature=[tf.TensorSpec(None, name="x")])
    def f(x: Any) -> Any:
        y = tf.while_loop(lambda i, v: i < 3, lambda i, v: (i + 1, tf.nn.relu(v) * 2.0 + 1.0), (0, x))[1]
        return {"y": y, "z": tf.cond(tf.size(x) > 4, lambda: y * 2.0, lambda: x)}

    save(m, directory, f)


def unknown_rank_v1(directory: str) -> None:
    """A placeholder without a shape, exported without default attributes."""
    import tensorflow as tf

    v1 = tf.compat.v1
    with tf.Graph().as_default(), v1.Session() as session:
        x = v1.placeholder(tf.float32, name="x")
        k = v1.get_variable("k", initializer=weights(8, 8))
        y = tf.nn.relu(tf.matmul(tf.reshape(x, [-1, 8]), k)) + 1.0
        session.run(v1.global_variables_initializer())
        builder = v1.saved_model.Builder(directory)
        infos = [{key: v1.saved_model.build_tensor_info(t)} for key, t in (("x", x), ("y", y))]
        signature = v1.saved_model.build_signature_def(*infos, "tensorflow/serving/predict")
        definitions = {"serving_default": signature}
        builder.add_meta_graph_and_variables(session, ["serve"], definitions, strip_default_attrs=True)
        builder.save()


def test_inputs_of_unknown_rank(tensorflow: Any, tmp_path: Path) -> None:
    image = np.arange(48, dtype=np.uint8)
    calls = [{"image": image.reshape(shape), "s": np.array([2], np.float32)} for shape in ((2, 2, 12), (4, 12), (48,))]
    report = check(tensorflow, tmp_path, unknown_rank, calls)
    assert "MatMul" in ops(report)


@pytest.mark.parametrize("build", [unknown_rank_in_loop, unknown_rank_v1])
def test_more_inputs_of_unknown_rank(tensorflow: Any, tmp_path: Path, build: Any) -> None:
    check(tensorflow, tmp_path, build, [*X, {"x": weights(2, 4, 8)}], tf1=build is unknown_rank_v1)


def rows(directory: str) -> None:
    """Select by rows, of known and unknown number, and by elements."""
    import tensorflow as tf

    m = tf.Module()
    m.k = tf.Variable(weights(8, 8))
    where = tf.compat.v1.where

    @tf.function(input_signature=[tf.TensorSpec([None, 8], name="x"), tf.TensorSpec([None], tf.bool, name="keep")])
    def f(x: Any, keep: Any) -> Any:
        y = tf.nn.relu(x @ m.k)
        deep = tf.reshape(tf.nn.relu(y) + 1.0, [-1, 2, 4])
        return {
            "y": where(keep, y, x),
            "deep": where(keep, deep * 2.0, deep),
            "known": where(tf.constant([True, False]), y[:1] + tf.zeros([2, 8]), tf.ones([2, 8])),
            "element": where(y > 0.5, y, y * 2.0),
        }

    save(m, directory, f)


def rows_in_loop(directory: str) -> None:
    """As dynamic_rnn of TensorFlow 1 writes it."""
    import tensorflow as tf

    v1 = tf.compat.v1
    v1.disable_control_flow_v2()
    try:
        with tf.Graph().as_default(), v1.Session() as session:
            x = v1.placeholder(tf.float32, [None, 8], name="x")
            keep = v1.placeholder(tf.bool, [None], name="keep")
            k = v1.get_variable("k", initializer=weights(8, 8))
            body = lambda i, v: (i + 1, v1.where(keep, tf.nn.relu(v @ k), v))  # noqa: E731
            y = v1.while_loop(lambda i, v: i < 3, body, (0, x))[1]
            save_v1(directory, {"x": x, "keep": keep}, {"y": y}, session)
    finally:
        v1.enable_control_flow_v2()


ROWS = [{"x": weights(2, 8), "keep": np.array([True, False])}]


def test_select_by_rows_goes_into_engines(tensorflow: Any, tmp_path: Path) -> None:
    report = check(tensorflow, tmp_path, rows, ROWS)
    assert "SelectV2" in ops(report)
    assert report["notes"] == []


def test_select_by_rows_in_a_loop(tensorflow: Any, tmp_path: Path) -> None:
    check(tensorflow, tmp_path, rows_in_loop, ROWS, tf1=True)


def rows_of_unknown_rank(directory: str) -> None:
    import tensorflow as tf

    m = tf.Module()
    m.k = tf.Variable(weights(8, 8))

    @tf.function(input_signature=[tf.TensorSpec([None, 8], name="x"), tf.TensorSpec(None, tf.bool, name="keep")])
    def f(x: Any, keep: Any) -> Any:
        y = tf.nn.relu(x @ m.k)
        return {"y": tf.raw_ops.Select(condition=keep, x=y, y=x), "z": tf.nn.relu(y + 1.0) * 2.0}

    save(m, directory, f)


def test_a_condition_of_unknown_rank(tensorflow: Any, tmp_path: Path) -> None:
    scalar = {"x": weights(2, 8), "keep": np.array(True)}
    report = check(tensorflow, tmp_path, rows_of_unknown_rank, [*ROWS, scalar])
    assert "MatMul" in ops(report)


def references(directory: str) -> None:
    """A reference variable that is written, with readers that TF-TRT would take."""
    import tensorflow as tf

    v1 = tf.compat.v1
    with tf.Graph().as_default(), v1.Session() as session:
        x = v1.placeholder(tf.float32, [None, 8], name="x")
        v = v1.get_variable("v", initializer=np.eye(8, dtype=np.float32), use_resource=False)
        k = v1.get_variable("k", initializer=weights(8, 8), use_resource=False)
        with tf.control_dependencies([v1.assign(v, v * 2.0)]):
            w = v.read_value()
        y = tf.nn.relu(tf.matmul(x, w) @ k) + 1.0
        with tf.control_dependencies([y]):
            z = v1.assign_add(v, tf.ones([8, 8])) * 2.0
        save_v1(directory, {"x": x}, {"y": y, "z": tf.nn.relu(z)}, session)


@pytest.mark.parametrize("size", [1, 3])
def test_readers_of_reference_variables_stay_outside(tensorflow: Any, tmp_path: Path, size: int) -> None:
    report = check(tensorflow, tmp_path, references, X, tf1=True, minimum_segment_size=size)
    assert "MatMul" in ops(report)


def colocated(directory: str) -> None:
    """With a node that the signature does not need, and with the variables."""
    import tensorflow as tf

    v1 = tf.compat.v1
    with tf.Graph().as_default(), v1.Session() as session:
        x = v1.placeholder(tf.float32, [None, 8], name="x")
        loss = tf.reduce_mean(x, name="train_only")
        k = v1.get_variable("k", initializer=weights(8, 8), use_resource=False)
        n = v1.get_variable("n", initializer=0.0, use_resource=False)
        with v1.colocate_with(loss, ignore_existing=True):
            h = tf.matmul(x, k)
        with v1.colocate_with(n):
            c = v1.assign_add(n, 1.0) + 1.0
        save_v1(directory, {"x": x}, {"y": tf.nn.relu(h) + 1.0, "c": c}, session)


def test_colocation_with_a_node_that_is_not_needed(tensorflow: Any, tmp_path: Path) -> None:
    check(tensorflow, tmp_path, colocated, X, tf1=True, minimum_segment_size=1)


def test_the_node_at_which_the_pass_throws_is_found(
    tensorflow: Any, tmp_path: Path, in_conversions: Callable[[str], None]
) -> None:
    """Where nothing but the pass itself knows about Select."""
    in_conversions("from tftrt.conversion import signature; signature.broadcast_selects = lambda graph: None")
    tensorflow.call(rows, str(tmp_path / "model"))
    report = tftrt.convert(tmp_path / "model", tmp_path / "out").to_dict()
    (note,) = report["notes"]
    assert "was run again" in note and "(Select)" in note
    assert "TF-TRT's pass fails at it" in reasons(report, "Select")
    assert {"MatMul", "Relu"} <= set(ops(report))
