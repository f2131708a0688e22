"""Checks and prints, custom ops, and signatures of unusual form."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from cases import save, weights
from lazy import tf, v1
from registry import WIDTH, around, around_v1, column, ids, model, network, rows, spec

BAD = [{"x": value} for value in (weights(2, WIDTH), np.full((3, WIDTH), 99.0, np.float32), weights(1, WIDTH, seed=1))]


@around(calls=BAD)
def asserted_range(m: Any) -> Any:
    def step(x: Any) -> Any:
        tf.debugging.assert_less(x, 50.0, message="too large")
        return x * 0.5

    return step


@around(calls=BAD)
def checked_numerics(m: Any) -> Any:
    def step(x: Any) -> Any:
        y = tf.debugging.check_numerics(tf.math.log(60.0 - x), "no logarithm")
        tf.debugging.assert_all_finite(y, "not finite")
        return y

    return step


@around(calls=BAD)
def checks_in_loops_and_branches(m: Any) -> Any:
    def step(x: Any) -> Any:
        def body(i: Any, v: Any) -> Any:
            tf.debugging.Assert(tf.reduce_max(v) < 50.0, [i])
            return i + 1, v * 0.9

        y = tf.while_loop(lambda i, v: i < 2, body, (0, x))[1]
        return tf.cond(y[0, 0] > 0.0, lambda: tf.debugging.check_numerics(tf.sqrt(y + 9.0), "root"), lambda: y)

    return step


@around(calls=BAD)
def ensured_shapes(m: Any) -> Any:
    return lambda x: (
        tf.ensure_shape(x, [None, WIDTH]) + tf.ensure_shape(tf.unique(tf.minimum(x[:, 0], 9.0))[0][:1], [1])
    )


@around()
def prints(m: Any) -> Any:
    def step(x: Any) -> Any:
        tf.print("sum", tf.reduce_sum(x), output_stream="file:///dev/null")
        return x * 2.0

    return step


@around_v1(calls=BAD)
def checks_v1() -> Any:
    def step(x: Any) -> Any:
        with tf.control_dependencies([v1.Assert(tf.reduce_max(x) < 50.0, [x])]):
            y = v1.check_numerics(x * 0.5, "bad")
        return v1.Print(y, [tf.shape(y)], first_n=0)

    return step


@model(library=True)
def custom_op(directory: str, ops: Any) -> None:
    """From a library that conversion and the runtime are given."""
    m = tf.Module()
    m.kernel, m.bias = tf.Variable(weights(WIDTH, WIDTH, seed=11) / 3), tf.Variable(weights(WIDTH, seed=12))

    def step(x: Any) -> Any:
        square = lambda v: tf.ensure_shape(ops.tftrt_test_square(x=v), [None, WIDTH])  # noqa: E731
        return tf.cond(x[0, 0] > 0.0, lambda: square(x) * 0.5, lambda: square(x) - 1.0)

    save(m, directory, tf.function(network(step, m.kernel, m.bias), input_signature=[spec(None, WIDTH)]))


@model()
def nested_outputs(directory: str) -> None:
    """Dicts and tuples in one another, the same tensor twice, the input itself, and a constant."""
    m = tf.Module()
    m.w, m.table = tf.Variable(weights(WIDTH, WIDTH, seed=3) / 3), tf.Variable(weights(6, WIDTH, seed=5))

    def f(x: Any) -> dict[str, Any]:
        y = tf.nn.relu((x + tf.gather(m.table, ids(x, 6))) @ m.w)
        more = {"a": (y, [y * 2.0, tf.shape(y, out_type=tf.int64)]), "b": {"c": x, "d": tf.constant([b"name"])}}
        return {f"output_{n}": v for n, v in enumerate(tf.nest.flatten(more))} | {"again": y, "x": x}

    save(m, directory, tf.function(f, input_signature=[spec(None, WIDTH)]))


MANY = [
    {"x": weights(n, WIDTH, seed=n), "scale": np.float32(n), "on": np.bool_(n > 2), "ids": np.arange(n, dtype=np.int64)}
    for n in (2, 3, 2)
]


@model(calls=MANY)
def many_inputs(directory: str) -> None:
    """Scalars beside rows."""
    m = tf.Module()
    m.w, m.table = tf.Variable(weights(WIDTH, WIDTH, seed=3) / 3), tf.Variable(weights(6, WIDTH, seed=5))

    def f(x: Any, scale: Any, on: Any, ids: Any) -> dict[str, Any]:
        rows = tf.cond(on, lambda: tf.gather(m.table, ids) * scale, lambda: x)
        y = tf.nn.relu((rows + x) @ m.w)
        return {"y": tf.cond(on, lambda: y * scale, lambda: y), "scale": scale * 2.0, "not": ~on, "ids": ids + 1}

    given = [
        spec(None, WIDTH),
        spec(name="scale"),
        spec(dtype="bool", name="on"),
        spec(None, dtype="int64", name="ids"),
    ]
    save(m, directory, tf.function(f, input_signature=given))


@model(calls=[{"x": weights(2, WIDTH)}, {"x": weights(WIDTH, seed=1)}, {"x": weights(2, 3, WIDTH, seed=2)}])
def unknown_rank(directory: str) -> None:
    m = tf.Module()
    m.w = tf.Variable(weights(WIDTH, WIDTH, seed=3) / 3)

    def f(x: Any) -> dict[str, Any]:
        y = tf.nn.relu(tf.reshape(x, [-1, WIDTH]) @ m.w) * 2.0
        return {
            "y": tf.reshape(y, tf.shape(x)),
            "rank": tf.rank(x),
            "size": tf.size(x, out_type=tf.int64),
            "sum": x + x,
        }

    save(m, directory, tf.function(f, input_signature=[tf.TensorSpec(None, name="x")]))


@model(calls=[{"x": weights(2, WIDTH)}, {"x": weights(3, WIDTH, seed=1)}])
def unknown_rank_in_a_loop(directory: str) -> None:
    m = tf.Module()
    m.w = tf.Variable(weights(WIDTH, WIDTH, seed=3) / 3)

    def f(x: Any) -> dict[str, Any]:
        body = lambda i, v: (i + 1, tf.nn.relu(v) * 2.0 + 0.5)  # noqa: E731
        before = tf.while_loop(lambda i, v: i < 2, body, (0, x))[1]
        y = tf.nn.relu(tf.matmul(tf.ensure_shape(before, [None, WIDTH]), m.w) + 1.0)
        return {"y": tf.cond(tf.size(x) > 20, lambda: y * 2.0, lambda: tf.reshape(y, tf.shape(x))), "x": before}

    save(m, directory, tf.function(f, input_signature=[tf.TensorSpec(None, name="x")]))


@around(calls=rows(0, 2, 0))
def batch_without_rows(m: Any) -> Any:
    m.table = tf.Variable(weights(6, WIDTH, seed=5))
    return lambda x: (
        tf.nn.softmax(x + tf.gather(m.table, ids(x, 6))),
        {"any": tf.reduce_any(x > 0.0), "n": tf.size(x)},
    )


@around()
def shapes_of_64_bits(m: Any) -> Any:
    def step(x: Any) -> Any:
        n = tf.shape(x, out_type=tf.int64)
        y = tf.reshape(tf.transpose(tf.reshape(x, [n[1], n[0]])), [-1, WIDTH])
        return y + tf.cast(n[0], tf.float32), {"n": n, "size": tf.size(y, out_type=tf.int64), "twice": n * 2}

    return step


@around()
def rows_selected_by_a_vector(m: Any) -> Any:
    """Select of TensorFlow 1, whose condition chooses rows."""
    return lambda x: tf.compat.v1.where(ids(x, 2) > 0, tf.nn.relu(x) * 2.0, x - 1.0)


@around_v1()
def rows_selected_in_a_loop() -> Any:
    w = v1.get_variable("w", initializer=weights(WIDTH, WIDTH, seed=3) / 3)

    def step(x: Any) -> Any:
        body = lambda i, v: (i + 1, v1.where(ids(v, 2) > 0, tf.nn.relu(v @ w), v))  # noqa: E731
        return v1.while_loop(lambda i, v: i < 3, body, (0, x))[1]

    return step


@around()
def types_at_borders(m: Any) -> Any:
    """Tensors that engines cannot pass, between ops that they take."""

    def step(x: Any) -> Any:
        total, more = tf.zeros_like(x), {}
        for name in ("float16", "bfloat16", "float64", "int8", "int64", "uint8"):
            part = tf.transpose(tf.cast(tf.abs(x) * 3.0, name))
            part = tf.transpose(tf.concat([part[:4], part[4:]], 0))
            total, more[name] = total + tf.cast(part, tf.float32), part
        return total, more

    return step


@model(tf1=True, calls=rows())
def signature_without_shapes(directory: str) -> None:
    """Placeholders without a shape, and one with a default, exported without default attributes."""
    with tf.Graph().as_default(), v1.Session() as session:
        x = v1.placeholder(tf.float32, name="x")
        w = v1.get_variable("w", initializer=weights(WIDTH, WIDTH, seed=3) / 3)
        scale = v1.placeholder_with_default(2.0, [], name="scale")
        y = tf.nn.relu(tf.matmul(tf.reshape(x * scale, [-1, WIDTH]), w) + 1.0) * scale
        session.run(v1.global_variables_initializer())
        builder = v1.saved_model.Builder(directory)
        infos = [{key: v1.saved_model.build_tensor_info(t)} for key, t in (("x", x), ("y", y))]
        signature = v1.saved_model.build_signature_def(*infos, "tensorflow/serving/predict")
        for info in [*signature.inputs.values(), *signature.outputs.values()]:
            info.ClearField("tensor_shape")
        builder.add_meta_graph_and_variables(
            session, ["serve"], {"serving_default": signature}, strip_default_attrs=True
        )
        builder.save()


@model(tf1=True, calls=rows())
def main_op_and_init_op(directory: str) -> None:
    """A table that the main op fills, and a local variable that only the init op sets."""
    with tf.Graph().as_default(), v1.Session() as session:
        x = v1.placeholder(tf.float32, [None, WIDTH], name="x")
        table = tf.lookup.StaticHashTable(
            tf.lookup.KeyValueTensorInitializer(tf.constant([0, 1]), tf.constant([2.0, 3.0])), -1.0
        )
        local = v1.get_variable("local", initializer=0.5, collections=[v1.GraphKeys.LOCAL_VARIABLES], use_resource=True)
        kernel, bias = (
            v1.get_variable(n, initializer=weights(*s)) for n, s in (("k", (WIDTH, WIDTH)), ("b", (WIDTH,)))
        )
        step = lambda x: x * column(table.lookup(ids(x, 3))) + local  # noqa: E731
        outputs = network(step, kernel, bias)(x)
        session.run([v1.global_variables_initializer(), v1.local_variables_initializer(), v1.tables_initializer()])
        init = tf.group(v1.tables_initializer(), v1.local_variables_initializer())
        builder = v1.saved_model.Builder(directory)
        infos = [{k: v1.saved_model.build_tensor_info(v) for k, v in part.items()} for part in ({"x": x}, outputs)]
        signature = v1.saved_model.build_signature_def(*infos, "tensorflow/serving/predict")
        builder.add_meta_graph_and_variables(session, ["serve"], {"serving_default": signature}, main_op=init)
        builder.save()


@model()
def moved_and_read_only(directory: str) -> None:
    """A folder that nobody may write, with a link in it."""
    m = tf.Module()
    m.kernel, m.bias = tf.Variable(weights(WIDTH, WIDTH, seed=11) / 3), tf.Variable(weights(WIDTH, seed=12))
    real = Path(directory).with_name("real")
    save(m, str(real), tf.function(network(lambda x: x * 2.0, m.kernel, m.bias), input_signature=[spec(None, WIDTH)]))
    for path in (real / "variables", real):
        path.chmod(0o555)
    Path(directory).symlink_to(real)
