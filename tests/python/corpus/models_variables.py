"""Variables of every kind, read in every way."""

from __future__ import annotations

from typing import Any

import numpy as np
from cases import save, weights
from lazy import tf, v1
from registry import WIDTH, around, around_v1, column, ids, model, network, spec


def _table(dtype: str = "float32") -> Any:
    return tf.Variable(weights(8, WIDTH, seed=5).astype(np.float32), dtype=dtype)


@around()
def gather_of_a_variable(m: Any) -> Any:
    m.table = _table()

    def step(x: Any) -> Any:
        rows = tf.gather(m.table, tf.cast(ids(x, 8), tf.int64))
        return x + rows + m.table.sparse_read(ids(x, 3)), {"ids": ids(x, 8)}

    return step


@around()
def gather_by_batches(m: Any) -> Any:
    m.table = _table()

    def step(x: Any) -> Any:
        index = tf.tile(ids(x, WIDTH)[:1, None], [8, WIDTH])
        read = lambda: tf.raw_ops.ResourceGather(  # noqa: E731
            resource=m.table.handle, indices=index, batch_dims=1, dtype=tf.float32
        )
        return x + tf.cond(x[0, 0] > 0.0, lambda: read()[:1], lambda: read()[1:2] * 2.0)

    return step


@around()
def gather_nd_of_a_variable(m: Any) -> Any:
    m.table = _table()

    def step(x: Any) -> Any:
        index = tf.stack([ids(x, 8), ids(x, WIDTH)], 1)
        return x + column(tf.gather_nd(m.table, index)) + column(m.table.gather_nd(index[:, ::-1]))

    return step


@around()
def shape_of_a_variable(m: Any) -> Any:
    """In a branch, and as int64."""
    m.table = _table()

    def step(x: Any) -> Any:
        shape = lambda dtype: tf.raw_ops.VariableShape(input=m.table.handle, out_type=dtype)  # noqa: E731
        n = tf.cond(x[0, 0] > 0.0, lambda: shape(tf.int32), lambda: shape(tf.int32) * 2)
        return x + tf.cast(n[0], tf.float32), {"shape": shape(tf.int64)}

    return step


@around()
def initialised_variable(m: Any) -> Any:
    m.table = _table()

    def step(x: Any) -> Any:
        known = tf.raw_ops.VarIsInitializedOp(resource=m.table.handle)
        return tf.cond(known, lambda: x + m.table[0], lambda: x), {"known": known}

    return step


@around()
def slices_of_a_variable(m: Any) -> Any:
    m.table = _table()

    def step(x: Any) -> Any:
        row = ids(x, 7)[0]
        return x @ m.table[:, ::-1] + m.table[row : row + 1, ...] + m.table[-1, tf.newaxis] * m.table[1, 2]

    return step


@around()
def read_in_loops_and_branches(m: Any) -> Any:
    m.a, m.b = _table(), tf.Variable(weights(WIDTH, seed=2))

    def step(x: Any) -> Any:
        body = lambda i, v: (i + 1, tf.cond(v[0, 0] > 0.0, lambda: v @ m.a, lambda: v + m.b.read_value()))  # noqa: E731
        return tf.while_loop(lambda i, v: tf.cast(i, tf.float32) < m.b[0] + 4.0, body, (0, x))[1]

    return step


@around()
def variable_given_to_a_function(m: Any) -> Any:
    m.a, m.b = _table(), tf.Variable(weights(8, WIDTH, seed=6))

    @tf.function
    def read(v: Any, numbers: Any) -> Any:
        return tf.gather(v, numbers) + v[0]

    return lambda x: x + read(m.a, ids(x, 8)) - read(m.b, ids(x, 8))


@around()
def variable_that_a_branch_chooses(m: Any) -> Any:
    m.a, m.b = _table(), tf.Variable(weights(8, WIDTH, seed=6))

    def step(x: Any) -> Any:
        handle = tf.cond(x[0, 0] > 0.0, lambda: m.a.handle, lambda: m.b.handle)
        return x + tf.raw_ops.ResourceGather(resource=handle, indices=ids(x, 8), dtype=tf.float32)

    return step


@around()
def embeddings_of_columns(m: Any) -> Any:
    """embedding_lookup_sparse over several shards, with weights, as recommenders have it."""
    m.shards = [tf.Variable(weights(4, WIDTH, seed=n)) for n in range(2)]

    def step(x: Any) -> Any:
        sparse = tf.sparse.from_dense(tf.cast(tf.abs(x) * 3.0, tf.int64) % 7)
        sums = tf.nn.safe_embedding_lookup_sparse(m.shards[0], sparse.with_values(sparse.values % 4), combiner="mean")
        lookup = tf.nn.embedding_lookup(m.shards[1], ids(x, 4), max_norm=1.0)
        return x + sums + lookup

    return step


@around()
def variables_of_half_types(m: Any) -> Any:
    m.half, m.bfloat = _table("float16"), _table("bfloat16")

    def step(x: Any) -> Any:
        y = tf.cast(tf.cast(x, tf.float16) @ m.half, tf.float32)
        return y + tf.cast(tf.gather(m.bfloat, ids(x, 8)), tf.float32)

    return step


@around()
def variables_of_many_types(m: Any) -> Any:
    m.double, m.count, m.flag = _table("float64"), tf.Variable([3, 5], dtype=tf.int64), tf.Variable([True, False])
    m.text, m.small = tf.Variable(["a", "bcd"]), tf.Variable([250, 7], dtype=tf.uint8)
    m.complex, m.scalar = tf.Variable([1 + 2j, 3 - 1j]), tf.Variable(0.5)

    def step(x: Any) -> Any:
        y = tf.cast(tf.cast(x, tf.float64) @ m.double, tf.float32)
        y = tf.where(m.flag[0], y, x) * m.scalar + tf.cast(m.count[1], tf.float32) + tf.cast(m.small[0], tf.float32)
        return y, {"text": tf.strings.join([m.text, "!"]), "complex": m.complex * 2.0}

    return step


@around()
def variable_of_no_elements(m: Any) -> Any:
    m.none, m.any = tf.Variable(np.zeros([0, WIDTH], np.float32)), tf.Variable([[1.0] * 8], shape=[None, WIDTH])
    return lambda x: tf.concat([x + m.any, m.none], 0) + tf.reduce_sum(m.none)


@around()
def large_constants(m: Any) -> Any:
    """Beyond 64 KB, of types that engines do not take."""
    m.table = tf.Variable(np.arange(70000) % 251, dtype=tf.uint8)
    text, flags = np.array([b"word%d" % n for n in range(9000)], object), np.arange(70000) % 3 == 0

    def step(x: Any) -> Any:
        at = ids(x, 9000)
        word = tf.gather(tf.constant(text), at)
        y = tf.where(tf.gather(tf.constant(flags), at * 7)[:, None], x, -x) + column(tf.gather(m.table, at))
        return y, {"word": word, "byte": tf.gather(tf.constant(np.arange(70000) % 256, tf.uint8), at)}

    return step


@around()
def captured_constants(m: Any) -> Any:
    """Tensors made before the function, which it captures."""
    m.matrix, scale, names = tf.constant(weights(8, 8, seed=4)), tf.constant(0.5), tf.constant(["x", "y"])
    body = lambda i, v: (i + 1, tf.nn.relu(v @ m.matrix) * scale)  # noqa: E731
    return lambda x: (tf.while_loop(lambda i, v: i < 2, body, (0, x))[1], {"names": names})


@model()
def weight_shared_by_signatures(directory: str) -> None:
    """Beside a weight that two layers share."""
    m = tf.Module()
    m.w, m.b, m.table = _table(), tf.Variable(weights(WIDTH, seed=1)), tf.Variable(weights(8, WIDTH, seed=2))

    def layer(x: Any) -> Any:
        return x + tf.gather(m.table, ids(x, 8))

    def twice(x: Any) -> Any:
        return {"y": tf.nn.relu(tf.nn.relu(layer(x) @ m.w + m.b) @ m.w + m.b), "n": tf.shape(x, out_type=tf.int64)}

    given = [spec(None, WIDTH)]
    both = {
        "serving_default": tf.function(network(layer, m.w, m.b), input_signature=given),
        "twice": tf.function(twice, input_signature=given),
    }
    save(m, directory, both)


def _of_v1(name: str, seed: int, **options: Any) -> Any:
    return v1.get_variable(name, initializer=weights(8, WIDTH, seed=seed), **options)


@around_v1()
def reference_variables() -> Any:
    table = _of_v1("table", 5, use_resource=False)

    def step(x: Any) -> Any:
        y = x @ table + tf.gather(table, ids(x, 8)) + tf.gather_nd(table, ids(x, 8)[:, None])
        return y, {"known": v1.is_variable_initialized(table), "shape": tf.shape(table, out_type=tf.int64)}

    return step


@around_v1()
def resource_variables_v1() -> Any:
    table = _of_v1("table", 5, use_resource=True)

    def step(x: Any) -> Any:
        y = x @ table + tf.gather(table, ids(x, 8)) + tf.gather_nd(table, ids(x, 8)[:, None])
        return y, {"known": v1.is_variable_initialized(table), "shape": tf.raw_ops.VariableShape(input=table.handle)}

    return step


def _partitioned(resource: bool) -> Any:
    with v1.variable_scope("parts", partitioner=v1.fixed_size_partitioner(3), use_resource=resource):
        kernel = v1.get_variable("kernel", [8, WIDTH], initializer=v1.random_normal_initializer(seed=1))
        table = v1.get_variable("table", [9, WIDTH], initializer=v1.random_normal_initializer(seed=2))
    return lambda x: (
        x @ kernel
        + tf.nn.embedding_lookup(table, ids(x, 9))
        + v1.nn.embedding_lookup(table, ids(x, 8), partition_strategy="div")
    )


@around_v1()
def partitioned_variables() -> Any:
    return _partitioned(True)


@around_v1()
def partitioned_reference_variables() -> Any:
    return _partitioned(False)


@around_v1()
def embedding_in_a_branch_v1() -> Any:
    table = _of_v1("table", 5, use_resource=True)
    read = lambda numbers: tf.gather(table, numbers)  # noqa: E731
    return lambda x: x + v1.cond(x[0, 0] > 0.0, lambda: read(ids(x, 8)), lambda: read(ids(x, 3)) * 2.0)


@around_v1()
def initialised_in_a_branch_v1() -> Any:
    """Both sides read, with one op and through one Switch."""
    table, other = _of_v1("table", 5, use_resource=True), _of_v1("other", 6, use_resource=True)

    def step(x: Any) -> Any:
        known = v1.cond(x[0, 0] > 0.0, lambda: v1.is_variable_initialized(table), lambda: tf.constant(False))
        size = v1.cond(x[0, 1] > 0.0, lambda: tf.raw_ops.VariableShape(input=table.handle), lambda: tf.shape(x))
        rows = v1.cond(x[0, 2] > 0.0, lambda: tf.gather(table, [1]), lambda: tf.gather(table, [2]) * 2.0)
        rows *= v1.cond(x[0, 3] > 0.0, lambda: tf.gather_nd(other, [[1]]), lambda: tf.gather_nd(other, [[2]]))
        return x * rows, {"known": known, "size": size}

    return step


@around_v1()
def colocated_nodes() -> Any:
    """With a variable, and with a node that no signature needs."""
    table = _of_v1("table", 5, use_resource=False)

    def step(x: Any) -> Any:
        loss = tf.reduce_mean(x)
        with v1.colocate_with(loss, ignore_existing=True):
            y = x @ table
        with v1.colocate_with(table):
            return y + 1.0

    return step
