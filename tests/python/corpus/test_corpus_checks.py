"""Asserts, numeric checks and prints act after conversion as before it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from cases import check, ops, reasons, save, save_v1, weights

import tftrt

GOOD, BIG, NEGATIVE = (np.full((2, 4), value, np.float32) for value in (2.0, 99.0, -1.0))
VALUES = [{"x": value} for value in (GOOD, BIG, NEGATIVE)]


def _spec() -> Any:
    import tensorflow as tf

    return [tf.TensorSpec([None, 4], name="x")]


def asserts(directory: str) -> None:
    import tensorflow as tf

    m = tf.Module()

    @tf.function(input_signature=_spec())
    def f(x: Any) -> Any:
        tf.debugging.assert_less(x, 10.0, message="too big")
        return {"y": tf.sqrt(x) * 2.0 + 1.0, "c": tf.constant(7), "z": tf.nn.relu(x) + 1.0}

    save(m, directory, f)


def numerics(directory: str) -> None:
    import tensorflow as tf

    m = tf.Module()

    @tf.function(input_signature=_spec())
    def f(x: Any) -> Any:
        y = tf.debugging.check_numerics(tf.sqrt(x), "bad sqrt") * 2.0 + 1.0
        tf.debugging.assert_all_finite(tf.math.log(x), "bad log")
        return {"y": y, "c": tf.constant(7), "z": tf.nn.relu(x) + 1.0}

    save(m, directory, f)


def in_functions(directory: str) -> None:
    """In a loop, in its condition, in a branch, and in a function that a branch calls."""
    import tensorflow as tf

    m = tf.Module()
    m.k = tf.Variable(tf.eye(4))
    layer = tf.function(lambda v: tf.nn.relu(tf.debugging.check_numerics(tf.sqrt(v), "layer") @ m.k) + 0.1)

    @tf.function(input_signature=_spec())
    def f(x: Any) -> Any:
        def more(i: Any, v: Any) -> Any:
            tf.debugging.Assert(tf.reduce_max(v) < 50.0, [v])
            return i < 2

        def body(i: Any, v: Any) -> Any:
            tf.debugging.assert_greater(v, -0.5)
            return i + 1, tf.nn.relu(v @ m.k) * 2.0

        y = tf.while_loop(more, body, (0, x))[1]
        z = tf.cond(x[0, 0] > -5.0, lambda: layer(layer(x)), lambda: x)
        return {"y": y, "z": z, "c": tf.constant(1.0)}

    save(m, directory, f)


def asserts_v1(directory: str) -> None:
    import tensorflow as tf

    v1 = tf.compat.v1
    with tf.Graph().as_default(), v1.Session() as session:
        x = v1.placeholder(tf.float32, [None, 4], name="x")
        k = v1.get_variable("k", initializer=weights(4, 4))
        with tf.control_dependencies([v1.Assert(tf.reduce_max(x) < 10.0, [x])]):
            y = tf.nn.relu(x @ k) + 1.0
        z = v1.check_numerics(tf.sqrt(x), "bad") * 2.0
        save_v1(directory, {"x": x}, {"y": y, "z": z, "w": tf.nn.relu(x) * 2.0}, session)


@pytest.mark.parametrize("build", [asserts, numerics, in_functions, asserts_v1])
@pytest.mark.parametrize("size", [1, 3])
def test_a_check_still_fails(tensorflow: Any, tmp_path: Path, build: Any, size: int) -> None:
    check(tensorflow, tmp_path, build, VALUES, tf1=build is asserts_v1, minimum_segment_size=size)


def prints(directory: str) -> None:
    import tensorflow as tf

    m = tf.Module()

    @tf.function(input_signature=_spec())
    def f(x: Any) -> Any:
        tf.print("seen", tf.reduce_sum(x))

        def body(i: Any, v: Any) -> Any:
            tf.print("step", i)
            return i + 1, v * 2.0

        return {"y": tf.while_loop(lambda i, v: i < 2, body, (0, tf.sqrt(x) * 2.0 + 1.0))[1], "c": tf.constant(1)}

    save(m, directory, f)


@pytest.mark.parametrize("output", ["y", "c"])
def test_a_print_still_prints(tensorflow: Any, tmp_path: Path, python: Callable[..., Any], output: str) -> None:
    check(tensorflow, tmp_path, prints, VALUES[:1], executors=["auto"], alone=False, minimum_segment_size=1)
    code = """import sys, numpy as np, tftrt
tftrt.Model(sys.argv[1], device="cpu").run({"x": np.ones((1, 4), np.float32)}, outputs=[sys.argv[2]])"""
    found = python(code, tmp_path / "converted", output)
    assert (found.stdout + found.stderr).split() == ["seen", "4", "step", "0", "step", "1"]


@pytest.mark.parametrize("build", [asserts, numerics, in_functions])
def test_strip_asserts_removes_them(tensorflow: Any, tmp_path: Path, build: Any) -> None:
    report = check(
        tensorflow, tmp_path, build, VALUES[:1], executors=["auto"], strip_asserts=True, minimum_segment_size=1
    )
    assert report["notes"] == ["asserts, numeric checks and prints were removed (strip_asserts)"]
    outside = {entry["op"] for entry in report["outside"]}
    assert not outside & {"Assert", "CheckNumerics", "CheckNumericsV2"}
    with tftrt.Model(tmp_path / "converted", device="cpu") as model:
        for value in (BIG, NEGATIVE):
            model.run({"x": value})


def test_a_check_splits_a_segment_and_no_more(tensorflow: Any, tmp_path: Path) -> None:
    report = check(tensorflow, tmp_path, numerics, VALUES[:1], executors=["auto"], minimum_segment_size=1)
    assert {"Sqrt", "Relu", "Mul"} <= set(ops(report))


def checked_inputs(directory: str) -> None:
    import tensorflow as tf

    m = tf.Module()
    m.k = tf.Variable(weights(4, 4))
    m.calls = tf.Variable(0.0)

    @tf.function(input_signature=_spec())
    def f(x: Any) -> Any:
        with tf.control_dependencies([tf.debugging.assert_less(x * 2.0, 20.0)]):
            x = tf.identity(x)
        tf.debugging.Assert(tf.reduce_all(tf.abs(x) < 50.0), ["far", x])
        if tf.reduce_max(x) > 9.0:
            tf.print("large", tf.reduce_max(tf.exp(x)))
        m.calls.assign_add(tf.reduce_sum(tf.tanh(x)))
        return {"y": tf.nn.relu(tf.debugging.check_numerics(x, "x") @ m.k) + 1.0, "calls": m.calls.read_value()}

    save(m, directory, f)


@pytest.mark.parametrize("size", [1, 3])
def test_ops_that_only_checks_need_are_in_no_engine(tensorflow: Any, tmp_path: Path, size: int) -> None:
    report = check(tensorflow, tmp_path, checked_inputs, VALUES, minimum_segment_size=size)
    assert set(ops(report)) - {"Sum", "Tanh"} == {"AddV2", "MatMul", "Relu"}, "Sum and Tanh are for the variable"
    for op in ("All", "Less"):
        assert reasons(report, op) == "only checks need it"


def between_layers(directory: str) -> None:
    import tensorflow as tf

    m = tf.Module()
    m.k = [tf.Variable(weights(4, 4)) for _ in range(2)]

    @tf.function(input_signature=_spec())
    def f(x: Any) -> Any:
        hidden = tf.debugging.check_numerics(tf.nn.relu(x @ m.k[0]) + 1.0, "hidden")
        return {"y": tf.nn.relu(hidden @ m.k[1]) * 2.0}

    save(m, directory, f)


def test_the_report_names_the_engines_that_a_check_costs(tensorflow: Any, tmp_path: Path) -> None:
    report = check(tensorflow, tmp_path, between_layers, VALUES[:1], executors=["auto"])
    assert report["notes"] == [
        "checks (CheckNumerics) split the segments of 'serving_default': 2 engines with them, "
        "1 engine without (strip_asserts)"
    ]
    report = check(tensorflow, tmp_path, asserts, VALUES[:1], executors=["auto"], minimum_segment_size=50)
    assert report["notes"] == []
