"""Loops, branches and calls, as functions and as frames of TensorFlow 1."""

from __future__ import annotations

from typing import Any

from cases import weights
from lazy import tf, v1
from registry import around, around_v1, column, ids, rows, words


def _matrix(seed: int) -> Any:
    return tf.Variable(weights(8, 8, seed=seed) / 3)


def _embedding(rows: int = 6) -> Any:
    return tf.Variable(weights(rows, 8, seed=5))


@around()
def while_with_a_product(m: Any) -> Any:
    m.w = _matrix(1)
    body = lambda i, v: (i + 1, tf.nn.relu(v @ m.w) + 0.5)  # noqa: E731
    return lambda x: tf.while_loop(lambda i, v: i < 3, body, (0, x))[1]


@around()
def while_with_an_embedding(m: Any) -> Any:
    """As each autoregressive decoder has it."""
    m.table = _embedding()

    def step(x: Any) -> Any:
        body = lambda i, v: (i + 1, v * 0.5 + tf.gather(m.table, ids(v, 6)))  # noqa: E731
        return tf.while_loop(lambda i, v: i < 4, body, (0, x), maximum_iterations=3)[1]

    return step


@around()
def while_that_grows(m: Any) -> Any:
    """Decoding: each turn appends a word to a sequence of unknown length."""
    m.table = _embedding()

    def step(x: Any) -> Any:
        def body(i: Any, found: Any) -> Any:
            last = tf.gather(m.table, found[:, -1])
            return i + 1, tf.concat([found, ids(last + x, 6)[:, None]], 1)

        shapes = (tf.TensorShape([]), tf.TensorShape([None, None]))
        _, found = tf.while_loop(lambda i, _: i < 4, body, (0, ids(x, 6)[:, None]), shape_invariants=shapes)
        return tf.reduce_mean(tf.gather(m.table, found), 1), {"words": found}

    return step


@around()
def while_whose_condition_reads(m: Any) -> Any:
    m.table = _embedding()
    body = lambda i, v: (i + 1, v + 0.5)  # noqa: E731
    more = lambda i, v: (tf.reduce_sum(tf.gather(m.table, ids(v, 6))) < 9.0) & (i < 5)  # noqa: E731
    return lambda x: tf.while_loop(more, body, (0, x))[1]


@around()
def nested_loops(m: Any) -> Any:
    m.w, m.table = _matrix(1), _embedding()

    def step(x: Any) -> Any:
        inner = lambda v: tf.while_loop(  # noqa: E731
            lambda j, u: j < 2, lambda j, u: (j + 1, tf.tanh(u @ m.w) + tf.gather(m.table, ids(u, 6))), (0, v)
        )[1]
        return tf.while_loop(lambda i, v: i < 2, lambda i, v: (i + 1, inner(v) * 0.5 + v), (0, x))[1]

    return step


@around()
def branch_with_products(m: Any) -> Any:
    m.a, m.b = _matrix(1), _matrix(2)
    return lambda x: tf.cond(
        tf.reduce_sum(x) > 0.0, lambda: tf.nn.relu(x @ m.a) * 2.0, lambda: tf.sigmoid(x @ m.b) - 1.0
    )


@around()
def branch_with_an_embedding(m: Any) -> Any:
    m.table = _embedding()
    return lambda x: tf.cond(x[0, 0] > 0.0, lambda: x + tf.gather(m.table, ids(x, 6)), lambda: x * 2.0)


@around()
def function_called_in_a_branch(m: Any) -> Any:
    m.w = _matrix(1)
    layer = tf.function(lambda v: tf.nn.relu(v @ m.w) * 2.0 + 0.1)
    return lambda x: tf.cond(tf.reduce_sum(x) > 0.0, lambda: layer(layer(x)), lambda: layer(-x))


@around()
def function_called_in_a_case(m: Any) -> Any:
    """All branches call one function."""
    m.w = [_matrix(n) for n in range(3)]
    layer = tf.function(lambda v, w: tf.nn.relu(v @ w) * 2.0 + 0.1)
    return lambda x: tf.switch_case(ids(x, 3)[0], [lambda w=w: layer(layer(x, w), w) for w in m.w])


@around()
def function_called_in_a_loop(m: Any) -> Any:
    m.w, m.b = _matrix(1), tf.Variable(weights(8, seed=2))

    @tf.function
    def layer(a: Any, b: Any, scale: Any) -> Any:
        return tf.nn.relu(a @ m.w + m.b) * scale + tf.nn.relu(b - tf.constant([[1.0, 2.0] * 4])) * 0.5

    def step(x: Any) -> Any:
        def body(i: Any, v: Any, w: Any) -> Any:
            s = tf.cast(i, tf.float32) * 0.25
            return i + 1, tf.cond(v[0, 0] > 0.3, lambda: layer(w, v, s), lambda: layer(v, w, s + 1.0)), v

        return tf.while_loop(lambda i, v, w: i < 4, body, (0, x, x * 2.0))[1]

    return step


@around()
def sum_in_a_lowered_branch(m: Any) -> Any:
    """TensorFlow moves the constant into the sum that the function returns."""
    m.w, m.b = _matrix(1), tf.Variable(weights(8, seed=2))
    layer = tf.function(lambda a, b: tf.nn.relu(a @ m.w + m.b) + tf.nn.relu(b) * 0.5)

    def step(x: Any) -> Any:
        def body(i: Any, v: Any, w: Any) -> Any:
            return i + 1, tf.cond(v[0, 0] > 0.3, lambda: layer(w, v) - 1.0, lambda: layer(v, w)), v

        return tf.while_loop(lambda i, v, w: i < 4, body, (0, x, x * 2.0))[1]

    return step


@around()
def case_with_a_default(m: Any) -> Any:
    m.table = _embedding()
    branches = {0: lambda v: v * 2.0, 1: lambda v: v + tf.gather(m.table, ids(v, 6))}

    def step(x: Any) -> Any:
        cases = [(n, lambda f=f: f(x)) for n, f in branches.items()]
        return tf.switch_case(ids(x, 4)[0] - 1, dict(cases), default=lambda: -x)

    return step


@around()
def branches_in_branches(m: Any) -> Any:
    m.w, m.table = _matrix(1), _embedding()

    def step(x: Any) -> Any:
        deep = lambda v: tf.cond(v[0, 1] > 0.0, lambda: v @ m.w, lambda: tf.gather(m.table, ids(v, 6)))  # noqa: E731
        return tf.cond(x[0, 0] > 0.0, lambda: deep(x), lambda: tf.case([(x[0, 2] > 0.0, lambda: deep(-x))], lambda: x))

    return step


@around()
def autograph_loop(m: Any) -> Any:
    """With break, continue and return in a branch."""
    m.w = _matrix(1)

    @tf.function
    def net(x: Any) -> Any:
        total = tf.zeros_like(x)
        for i in tf.range(5):
            if i == 1:
                continue
            if tf.reduce_sum(total) > 40.0 or i > 3:
                break
            total += tf.nn.relu(x @ m.w)
        return total * 0.5

    return net


@around()
def autograph_over_rows(m: Any) -> Any:
    """A TensorArray that a Python loop fills."""
    m.table = _embedding()

    @tf.function
    def net(x: Any) -> Any:
        found = tf.TensorArray(tf.float32, size=0, dynamic_size=True, element_shape=[8])
        for i in tf.range(tf.shape(x)[0]):
            row = x[i]
            if tf.reduce_sum(row) > 0.0:
                found = found.write(i, row + tf.gather(m.table, i))
            else:
                found = found.write(i, row * 2.0)
        return found.stack()

    return net


@around()
def map_over_rows(m: Any) -> Any:
    m.w = _matrix(1)
    return lambda x: tf.map_fn(lambda row: tf.linalg.matvec(m.w, row, transpose_a=True) + 1.0, x)


@around()
def map_over_ids(m: Any) -> Any:
    m.table = _embedding()
    read = lambda number: tf.gather(m.table, number)  # noqa: E731
    return lambda x: x + tf.map_fn(read, ids(x, 6), fn_output_signature=tf.TensorSpec([8], tf.float32))


@around()
def scan_and_fold(m: Any) -> Any:
    m.w = _matrix(1)

    def step(x: Any) -> Any:
        cell = lambda state, row: tf.tanh(tf.linalg.matvec(m.w, state) + row)  # noqa: E731
        states = tf.scan(cell, x, initializer=tf.zeros([8]))
        return states + tf.foldl(cell, x, initializer=tf.ones([8])) + tf.foldr(lambda a, b: a + b, x)

    return step


@around()
def vectorised_map(m: Any) -> Any:
    m.table = _embedding()
    return lambda x: tf.vectorized_map(lambda p: p[0] * 2.0 + tf.gather(m.table, p[1]), (x, ids(x, 6)))


@around()
def tensor_list(m: Any) -> Any:
    m.table = _embedding()

    def step(x: Any) -> Any:
        ops = tf.raw_ops
        reserved = ops.TensorListFromTensor(tensor=x, element_shape=[8])
        swapped = ops.TensorListSetItem(input_handle=reserved, index=0, item=tf.gather(m.table, ids(x, 6)[0]))
        pushed = ops.TensorListPushBack(input_handle=swapped, tensor=x[0])
        popped, last = ops.TensorListPopBack(input_handle=pushed, element_shape=[8], element_dtype=tf.float32)
        rows = ops.TensorListStack(input_handle=popped, element_shape=[8], element_dtype=tf.float32)
        return rows + last, {"length": ops.TensorListLength(input_handle=pushed)}

    return step


@around()
def nested_calls(m: Any) -> Any:
    """Functions that call each other, with Python values and other shapes, and one of no arguments."""
    m.w = _matrix(1)
    scale = tf.function(lambda: tf.reduce_sum(m.w) * 0.1)

    @tf.function
    def inner(x: Any, times: int) -> Any:
        return inner(x, times - 1) @ m.w * 0.5 if times else tf.nn.relu(x) + scale()

    return tf.function(lambda x: inner(x, 2) + inner(x[:1], 1))


@around()
def tuple_of_values(m: Any) -> Any:
    """A branch and a loop that hand several values of several types on."""
    m.table = _embedding()

    def step(x: Any) -> Any:
        some = lambda scale: (x * scale, ids(x, 6), {"w": words(x), "n": tf.size(x, out_type=tf.int64)})  # noqa: E731
        value, numbers, named = tf.cond(x[0, 0] > 0.0, lambda: some(2.0), lambda: some(0.5))
        body = lambda i, v, k, done: (i + 1, v + tf.gather(m.table, k), (k + i) % 6, done | (i > 1))  # noqa: E731
        _, value, numbers, done = tf.while_loop(lambda i, v, k, d: ~d, body, (0, value, numbers, x[0, 0] > 99.0))
        return value, {"words": named["w"], "count": named["n"], "done": done, "ids": numbers}

    return step


@around()
def custom_gradient(m: Any) -> Any:
    m.w = _matrix(1)

    @tf.custom_gradient
    def clipped(v: Any) -> Any:
        return tf.clip_by_value(v, -1.0, 1.0), lambda up: up

    return lambda x: clipped(x @ m.w) * tf.stop_gradient(x) + tf.recompute_grad(lambda v: tf.tanh(v))(x)


@around()
def compiled_function(m: Any) -> Any:
    m.w = _matrix(1)
    return tf.function(lambda x: tf.nn.relu(x @ m.w) + 1.0, jit_compile=True)


@around()
def loop_over_words(m: Any) -> Any:
    """Strings in a loop, and a branch that compares them."""
    m.w = _matrix(1)

    def step(x: Any) -> Any:
        body = lambda i, s: (i + 1, tf.strings.join([s, tf.strings.as_string(i)], "-"))  # noqa: E731
        _, text = tf.while_loop(lambda i, s: i < 2, body, (0, words(x)))
        y = tf.cond(tf.equal(text[0], "dog-0-1"), lambda: x @ m.w, lambda: x + column(tf.strings.length(text)))
        return y, {"text": text}

    return step


def _v1_matrix(name: str, resource: bool) -> Any:
    return v1.get_variable(name, initializer=weights(8, 8, seed=3) / 3, use_resource=resource)


@around_v1()
def loop_of_frames() -> Any:
    w, table = _v1_matrix("w", True), _v1_matrix("table", True)
    body = lambda i, v: (i + 1, tf.nn.relu(v @ w) + tf.gather(table, ids(v, 8)))  # noqa: E731
    return lambda x: v1.while_loop(lambda i, v: i < 3, body, (0, x))[1]


@around_v1()
def loop_of_frames_with_references() -> Any:
    w, table = _v1_matrix("w", False), _v1_matrix("table", False)
    body = lambda i, v: (i + 1, tf.nn.relu(v @ w) + tf.gather(table, ids(v, 8)))  # noqa: E731
    return lambda x: v1.while_loop(lambda i, v: i < 3, body, (0, x))[1]


@around_v1()
def nested_frames() -> Any:
    """A branch in a loop in a loop."""
    w = _v1_matrix("w", True)

    def step(x: Any) -> Any:
        choose = lambda v: v1.cond(v[0, 0] > 0.5, lambda: tf.tanh(v @ w), lambda: v + 1.0)  # noqa: E731
        inner = lambda v: v1.while_loop(lambda j, u: j < 2, lambda j, u: (j + 1, choose(u)), (0, v))[1]  # noqa: E731
        return v1.while_loop(lambda i, v: i < 2, lambda i, v: (i + 1, inner(v)), (0, x))[1]

    return step


@around_v1()
def switch_and_merge() -> Any:
    w, table = _v1_matrix("w", True), _v1_matrix("table", True)

    def step(x: Any) -> Any:
        y = v1.cond(x[0, 0] > 0.0, lambda: tf.nn.relu(x @ w), lambda: tf.gather(table, ids(x, 8)) * 2.0)
        return v1.case([(y[0, 0] > 1.0, lambda: y * 2.0), (y[0, 1] > 0.0, lambda: y @ w)], default=lambda: y - 1.0)

    return step


@around_v1(functional=True)
def functional_loop_v1() -> Any:
    w, table = _v1_matrix("w", True), _v1_matrix("table", True)

    def step(x: Any) -> Any:
        body = lambda i, v: (i + 1, tf.nn.relu(v @ w) + tf.gather(table, ids(v, 8)))  # noqa: E731
        y = v1.while_loop(lambda i, v: i < 3, body, (0, x))[1]
        return v1.cond(y[0, 0] > 2.0, lambda: y @ w, lambda: tf.gather(table, ids(y, 8)))

    return step


@around_v1()
def array_in_frames() -> Any:
    """A TensorArray of TensorFlow 1, which a loop fills and another reads."""
    w = _v1_matrix("w", True)

    def step(x: Any) -> Any:
        size = tf.shape(x)[0]
        array = tf.TensorArray(tf.float32, size, clear_after_read=False, element_shape=[8])
        array = array.unstack(x)
        done = tf.TensorArray(tf.float32, size, element_shape=[8])
        body = lambda i, d: (i + 1, d.write(i, tf.linalg.matvec(w, array.read(i)) + 1.0))  # noqa: E731
        _, done = v1.while_loop(lambda i, d: i < size, body, (0, done))
        return tf.ensure_shape(done.stack(), [None, 8])

    return step


@around(calls=rows(1, 4, 1))
def loop_without_turns(m: Any) -> Any:
    """A loop that may not run at all, and values that no one changes in it."""
    m.table = _embedding()

    def step(x: Any) -> Any:
        count = tf.shape(x)[0] - 1
        body = lambda i, v, n: (i + 1, v + tf.gather(m.table, ids(v, 6)), n)  # noqa: E731
        return tf.while_loop(lambda i, v, n: i < count, body, (0, x, "name"), parallel_iterations=1)[1]

    return step
