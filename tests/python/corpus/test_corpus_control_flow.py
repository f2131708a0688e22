"""Loops, branches and calls, with constants, weights and functions where they hide from a converter."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from cases import check, save, weights

X = [{"x": np.abs(weights(1, 4))}, {"x": -np.abs(weights(2, 4, seed=1))}]


def _spec() -> Any:
    import tensorflow as tf

    return [tf.TensorSpec([None, 4], name="x")]


def call_in_branch(directory: str) -> None:
    """The called function holds constants."""
    import tensorflow as tf

    m = tf.Module()
    m.w = tf.Variable(weights(4, 4))
    layer = tf.function(lambda v: tf.nn.relu(v @ m.w) * 2.0 + 0.1)

    @tf.function(input_signature=_spec())
    def f(x: Any) -> Any:
        y = tf.cond(tf.reduce_sum(x) > 0.0, lambda: layer(layer(x)), lambda: -x)
        return {"y": y, "z": tf.nn.relu(x) * 2.0 + 1.0}

    save(m, directory, f)


def call_in_case(directory: str) -> None:
    import tensorflow as tf

    m = tf.Module()
    m.w = [tf.Variable(weights(4, 4, seed=n)) for n in range(3)]
    layer = tf.function(lambda v, w: tf.nn.relu(v @ w) * 2.0 + 0.1)

    @tf.function(input_signature=_spec())
    def f(x: Any) -> Any:
        index = tf.cast(tf.reduce_sum(x) > 0.0, tf.int32) + tf.shape(x)[0] - 1
        return {"y": tf.switch_case(index, [lambda w=w: layer(layer(x, w), w) for w in m.w])}

    save(m, directory, f)


def call_in_loop(directory: str) -> None:
    """A branch in a loop, whose function takes several arguments in another order."""
    import tensorflow as tf

    m = tf.Module()
    m.w, m.b = tf.Variable(weights(4, 4)), tf.Variable(weights(4, seed=2))

    @tf.function
    def layer(a: Any, b: Any, scale: Any) -> Any:
        c = tf.constant([[1.0, 2.0, 3.0, 4.0]])
        return tf.nn.relu(a @ m.w + m.b) * scale + tf.nn.relu(b - c) * tf.constant(0.5)

    @tf.function(input_signature=_spec())
    def f(x: Any) -> Any:
        def body(i: Any, v: Any, w: Any) -> Any:
            s = tf.cast(i, tf.float32)
            new = tf.cond(tf.reduce_sum(v) > 1.0, lambda: layer(w, v, s), lambda: layer(v, w, s + 1.0) - 1.0)
            return i + 1, new, v

        _, y, z = tf.while_loop(lambda i, v, w: i < 4, body, (0, x, x * 2.0))
        return {"y": y, "z": z}

    save(m, directory, f)


def autograph(directory: str) -> None:
    import tensorflow as tf

    m = tf.Module()
    m.w = tf.Variable(weights(4, 4))

    @tf.function(input_signature=_spec())
    def f(x: Any) -> Any:
        total = tf.zeros_like(x)
        for i in tf.range(4):
            if tf.reduce_sum(x) > 0.0 and i < 3:
                total += tf.nn.relu(x @ m.w)
                if i == 2:
                    break
            else:
                total -= tf.sigmoid(total @ m.w) * 0.5
        return {"y": total * 2.0, "n": tf.shape(total)}

    save(m, directory, f)


def nested_branches(directory: str) -> None:
    import tensorflow as tf

    m = tf.Module()
    m.w = [tf.Variable(weights(4, 4, seed=n)) for n in range(2)]

    def net(v: Any) -> Any:
        return tf.nn.relu(tf.nn.relu(v @ m.w[0]) @ m.w[1])

    @tf.function(input_signature=_spec())
    def f(x: Any) -> Any:
        inner = lambda v: tf.cond(v[0, 0] > 0.2, lambda: net(v), lambda: net(-v))  # noqa: E731
        return {"y": tf.cond(tf.reduce_sum(x) > 0.0, lambda: inner(x), lambda: inner(x + 1.0)), "z": net(x)}

    save(m, directory, f)


@pytest.mark.parametrize("size", [1, 3])
@pytest.mark.parametrize("build", [call_in_branch, call_in_case, call_in_loop, autograph, nested_branches])
def test_control_flow(tensorflow: Any, tmp_path: Path, build: Any, size: int) -> None:
    check(tensorflow, tmp_path, build, X, alone=False, minimum_segment_size=size)


def waits_on_arguments(directory: str) -> list[str]:
    """The control inputs of segments' nodes that name arguments."""
    from native_runner import read_graph

    found = []
    for function in read_graph(directory).graph_def.library.function:
        arguments = {f"^{argument.name}" for argument in function.signature.input_arg}
        found += [tensor for node in function.node_def for tensor in node.input if tensor in arguments]
    return found


def test_nothing_in_a_segment_waits_for_its_arguments(tensorflow: Any, tmp_path: Path) -> None:
    report = check(tensorflow, tmp_path, call_in_branch, X, executors=["auto"], alone=False, minimum_segment_size=1)
    assert report["engines"]
    assert tensorflow.call(waits_on_arguments, str(tmp_path / "converted")) == []


def converted_bytes(source: str, destination: str) -> bytes:
    import tftrt

    tftrt.convert(source, destination, overwrite=True, minimum_segment_size=1)
    return (Path(destination) / "saved_model.pb").read_bytes()


@pytest.mark.parametrize("build", [call_in_branch, call_in_loop, nested_branches])
def test_a_conversion_gives_the_same_bytes_again(tensorflow: Any, tmp_path: Path, build: Any) -> None:
    tensorflow.call(build, str(tmp_path / "source"))
    found = {tensorflow.call(converted_bytes, str(tmp_path / "source"), str(tmp_path / "out")) for _ in range(3)}
    assert len(found) == 1
