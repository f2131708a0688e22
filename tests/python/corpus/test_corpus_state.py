"""Models that change variables: effects run whatever is asked of their outputs, and in their order."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from cases import check, save, save_v1, weights

X = [{"x": weights(1, 4, seed=seed)} for seed in range(3)]


def cell(directory: str) -> None:
    import tensorflow as tf

    m = tf.Module()
    m.h, m.k = tf.Variable(tf.zeros([1, 4])), tf.Variable(weights(4, 4))

    @tf.function(input_signature=[tf.TensorSpec([1, 4], name="x")])
    def step(x: Any) -> Any:
        h = tf.tanh(x @ m.k + m.h)
        state = m.h.assign(h)
        return {"y": h * 2.0, "state": state + 0.0}

    save(m, directory, step)


def constant_outputs(directory: str) -> None:
    import tensorflow as tf

    m = tf.Module()
    m.n = tf.Variable(0)

    @tf.function(input_signature=[tf.TensorSpec([1, 4], name="x")])
    def step(x: Any) -> Any:
        n = m.n.assign_add(1)
        return {"n": n * 2, "rate": tf.constant(16000.0), "name": tf.constant("x"), "y": tf.nn.relu(x) * 2.0 + 1.0}

    save(m, directory, step)


def only_effects(directory: str) -> None:
    import tensorflow as tf

    m = tf.Module()
    m.n = tf.Variable(0)

    @tf.function(input_signature=[tf.TensorSpec([1, 4], name="x")])
    def step(x: Any) -> Any:
        before = m.n.read_value()
        m.n.assign_add(1)
        m.n.assign(m.n * 2)
        return {"before": before + 0, "rate": tf.constant(1.0), "x": x}

    save(m, directory, step)


def scatter(directory: str) -> None:
    import tensorflow as tf

    m = tf.Module()
    m.rows, m.at = tf.Variable(tf.zeros([3, 4])), tf.Variable(0)

    @tf.function(input_signature=[tf.TensorSpec([1, 4], name="x")])
    def step(x: Any) -> Any:
        row = m.at % 3
        m.rows.scatter_nd_update([[row]], x)
        m.rows.scatter_add(tf.IndexedSlices(x, tf.reshape((row + 1) % 3, [1])))
        m.at.assign_add(1)
        return {"sum": tf.reduce_sum(m.rows, 0) * 2.0, "x": tf.nn.relu(x) * 2.0 + 1.0}

    save(m, directory, step)


def insertion(directory: str) -> None:
    import tensorflow as tf

    m = tf.Module()
    m.t = tf.lookup.experimental.MutableHashTable(tf.int64, tf.float32, 0.0)

    @tf.function(input_signature=[tf.TensorSpec([1, 4], name="x")])
    def step(x: Any) -> Any:
        size = m.t.size()
        m.t.insert(tf.reshape(size, [1]), tf.reduce_sum(x, 1))
        return {"size": m.t.size(), "last": m.t.lookup(tf.reshape(size, [1])), "y": tf.nn.relu(x) * 2.0 + 1.0}

    save(m, directory, step)


def in_loop(directory: str) -> None:
    import tensorflow as tf

    m = tf.Module()
    m.n, m.k = tf.Variable(0.0), tf.Variable(weights(4, 4))

    @tf.function(input_signature=[tf.TensorSpec([1, 4], name="x")])
    def step(x: Any) -> Any:
        def body(i: Any, v: Any) -> Any:
            m.n.assign_add(1.0)
            return i + 1, tf.nn.relu(v @ m.k) + m.n

        y = tf.while_loop(lambda i, v: i < 3, body, (0, x))[1]
        return {"y": y, "z": x * 2.0, "c": tf.constant(3)}

    save(m, directory, step)


def in_branch(directory: str) -> None:
    import tensorflow as tf

    m = tf.Module()
    m.n, m.k = tf.Variable(0.0), tf.Variable(weights(4, 4))

    @tf.function(input_signature=[tf.TensorSpec([1, 4], name="x")])
    def step(x: Any) -> Any:
        y = tf.cond(tf.reduce_sum(x) > 0, lambda: m.n.assign_add(1.0) + 0.0, lambda: m.n.assign(-m.n - 3.0) + 0.0)
        deep = tf.nn.relu(tf.nn.relu(x @ m.k) @ m.k) + y
        return {"y": deep, "z": x * 2.0, "n": m.n + 0.0}

    save(m, directory, step)


def random_numbers(directory: str) -> None:
    import tensorflow as tf

    m = tf.Module()
    tf.random.set_seed(7)

    @tf.function(input_signature=[tf.TensorSpec([1, 4], name="x")])
    def step(x: Any) -> Any:
        return {"y": x + tf.random.normal([1, 4], seed=3), "z": x * 2.0}

    save(m, directory, step)


def called_functions(directory: str) -> None:
    """Effects in functions that call each other, one of them twice."""
    import tensorflow as tf

    m = tf.Module()
    m.a, m.b = tf.Variable(1.0), tf.Variable(tf.zeros([4]))

    @tf.function
    def inner(v: Any) -> Any:
        m.a.assign(m.a * 2.0)
        return tf.nn.relu(v) * m.a

    @tf.function
    def outer(v: Any) -> Any:
        m.b.assign_add(v[0])
        return inner(inner(v) + m.b)

    @tf.function(input_signature=[tf.TensorSpec([1, 4], name="x")])
    def step(x: Any) -> Any:
        return {"y": outer(x), "z": tf.nn.relu(x) + 1.0, "c": tf.constant([1, 2])}

    save(m, directory, step)


@pytest.mark.parametrize(
    "build",
    [cell, constant_outputs, only_effects, scatter, insertion, in_loop, in_branch, random_numbers, called_functions],
)
def test_every_output_alone_runs_the_effects(tensorflow: Any, tmp_path: Path, build: Any) -> None:
    check(tensorflow, tmp_path, build, X, minimum_segment_size=1)


def counters_v1(directory: str) -> None:
    """Effects that only some outputs depend on, with resource variables and reference variables."""
    import tensorflow as tf

    v1 = tf.compat.v1
    with tf.Graph().as_default(), v1.Session() as session:
        x = v1.placeholder(tf.float32, [None, 4], name="x")
        outputs = {}
        for kind in (True, False):
            n, m, u = (v1.get_variable(f"{name}{kind}", initializer=tf.zeros([4]), use_resource=kind) for name in "nmu")
            with tf.control_dependencies([v1.assign_add(n, x[0])]):
                outputs[f"n{kind}"] = tf.nn.relu(n.read_value() * 2.0) + 1.0
            outputs[f"m{kind}"] = v1.scatter_add(m, [0], [1.0]) + 0.0
            with tf.control_dependencies([v1.assign(u, x[0] * 2.0)]):
                outputs[f"u{kind}"] = tf.constant(3.0)
        save_v1(directory, {"x": x}, outputs, session)


def branch_v1(directory: str) -> None:
    """Effects in a branch and a loop of TensorFlow 1, beside outputs without."""
    import tensorflow as tf

    tf.compat.v1.disable_control_flow_v2()
    try:
        functional_v1(directory)
    finally:
        tf.compat.v1.enable_control_flow_v2()


def functional_v1(directory: str) -> None:
    """The same as functions, which have no control outputs."""
    import tensorflow as tf

    v1 = tf.compat.v1
    with tf.Graph().as_default(), v1.Session() as session:
        x = v1.placeholder(tf.float32, [None, 4], name="x")
        k = v1.get_variable("k", initializer=weights(4, 4), use_resource=True)
        n = v1.get_variable("n", initializer=0.0, use_resource=True)
        m = v1.get_variable("m", initializer=0.0, use_resource=True)
        u = v1.get_variable("u", initializer=0.0, use_resource=True)
        y = v1.cond(tf.reduce_sum(x) > 0.0, lambda: v1.assign_add(n, 1.0) + 0.0, lambda: tf.constant(5.0))

        def body(i: Any, v: Any) -> Any:
            with tf.control_dependencies([v1.assign_add(m, 1.0)]):
                return i + 1, tf.nn.relu(v @ k)

        z = v1.while_loop(lambda i, v: i < 3, body, (0, x))[1]
        outputs = {"y": tf.nn.relu(x @ k) + y, "z": z, "plain": tf.nn.relu(x @ k) * 2.0}
        with tf.control_dependencies([v1.cond(x[0, 0] > 0.0, lambda: v1.assign_add(u, 1.0) + 0.0, lambda: 0.0)]):
            outputs["u"] = u.read_value() + 0.0
        save_v1(directory, {"x": x}, outputs, session)


def loop_in_branch_v1(directory: str) -> None:
    """An effect in a loop in a branch that may not be taken, and in a branch in a branch."""
    import tensorflow as tf

    v1 = tf.compat.v1
    v1.disable_control_flow_v2()
    try:
        with tf.Graph().as_default(), v1.Session() as session:
            x = v1.placeholder(tf.float32, [None, 4], name="x")
            n, m = (v1.get_variable(name, initializer=0.0, use_resource=True) for name in "nm")

            def body(i: Any, v: Any) -> Any:
                with tf.control_dependencies([v1.assign_add(n, 1.0)]):
                    return i + 1, tf.nn.relu(v) + 1.0

            def loop() -> Any:
                return v1.while_loop(lambda i, v: i < 3, body, (0, x))[1]

            def branch() -> Any:
                return v1.cond(x[0, 1] > 0.0, lambda: v1.assign_add(m, 1.0) + x, lambda: x * 2.0)

            y = v1.cond(x[0, 0] > 0.0, loop, lambda: x * 2.0)
            z = v1.cond(x[0, 2] > 0.0, branch, lambda: x * 3.0)
            save_v1(directory, {"x": x}, {"y": y, "z": z, "c": tf.nn.relu(x) * 2.0}, session)
    finally:
        v1.enable_control_flow_v2()


def partial_effects_v1(directory: str) -> None:
    """Nodes of one segment but for effects that only some outputs depend on."""
    import tensorflow as tf

    v1 = tf.compat.v1
    with tf.Graph().as_default(), v1.Session() as session:
        x = v1.placeholder(tf.float32, [None, 4], name="x")
        a, b = (v1.get_variable(name, initializer=tf.zeros([4]), use_resource=True) for name in "ab")
        start = tf.nn.relu(x * 2.0) + 1.0
        with tf.control_dependencies([v1.assign_add(a, start[0])]):
            middle = tf.nn.relu(start * a.read_value()) + 0.5
        with tf.control_dependencies([v1.assign_add(b, middle[0])]):
            end = tf.nn.relu(middle * 0.5 + start) + 1.0
        outputs = {"start": start * 1.0, "middle": middle * 1.0, "end": end, "both": tf.nn.relu(start + 1.0) * 3.0}
        outputs["more"] = tf.nn.relu(middle - 1.0) * 2.0
        save_v1(directory, {"x": x}, outputs, session)


@pytest.mark.parametrize("build", [counters_v1, branch_v1, functional_v1, loop_in_branch_v1, partial_effects_v1])
def test_tensorflow_1_runs_the_effects_of_each_output(tensorflow: Any, tmp_path: Path, build: Any) -> None:
    # Which constants TensorFlow folds into each other depends on the outputs asked for: sums must be exact.
    calls = [{"x": np.round(4 * call["x"])} for call in X]
    check(tensorflow, tmp_path, build, calls, tf1=True, minimum_segment_size=1)


def frames(directory: str) -> None:
    import tensorflow as tf

    m = tf.Module()
    m.k = [tf.Variable(weights(8, 8, seed=n)) for n in range(2)]
    m.last = [tf.Variable(tf.zeros([8])) for _ in range(6)]

    @tf.function(input_signature=[tf.TensorSpec([1, 8], name="x")])
    def step(x: Any) -> Any:
        y = tf.nn.relu(x @ m.k[0])[0] + tf.nn.relu(x @ m.k[1])[0] + tf.add_n([tf.nn.relu(v) for v in m.last])
        for n, v in enumerate(m.last):
            v.assign(x[0] * float(n + 1))
        return {"y": y * 1.0}

    save(m, directory, step)


def edges(directory: str) -> dict[str, list[str]]:
    """The control inputs of each write of a converted model, by the variable."""
    from native_runner import read_graph

    graph = read_graph(directory).graph_def
    nodes = {node.name: node for node in graph.node}
    found: dict[str, list[str]] = {}
    for node in graph.node:
        if node.op == "AssignVariableOp" and not node.name.startswith("save"):
            waits = [tensor[1:] for tensor in node.input if tensor.startswith("^")]
            found[node.input[0]] = [nodes[name].input[0] for name in waits if nodes[name].op == "ReadVariableOp"]
    return found


def test_each_write_waits_directly_for_the_reads_before_it(tensorflow: Any, tmp_path: Path) -> None:
    check(tensorflow, tmp_path, frames, [{"x": np.ones((1, 8), np.float32)}] * 3, executors=["single"])
    found = tensorflow.call(edges, str(tmp_path / "converted"))
    assert len(found) == 6
    assert all(variable in waits for variable, waits in found.items()), found
