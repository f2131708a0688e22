"""Models that change their own variables: counters, memories, accumulators, and steps of training."""

from __future__ import annotations

from typing import Any

from cases import save, weights
from lazy import tf, v1
from registry import WIDTH, around, around_v1, ids, model, network, spec


@around(state=True)
def counter(m: Any) -> Any:
    m.n = tf.Variable(0, dtype=tf.int64)

    def step(x: Any) -> Any:
        n = m.n.assign_add(tf.shape(x, out_type=tf.int64)[0])
        return x + tf.cast(n, tf.float32), {"n": n * 2, "rate": tf.constant(16000.0)}

    return step


@around(state=True)
def streaming_cell(m: Any) -> Any:
    """It keeps its hidden state."""
    m.h, m.w = tf.Variable(tf.zeros([1, WIDTH])), tf.Variable(weights(WIDTH, WIDTH, seed=3) / 3)

    def step(x: Any) -> Any:
        y = tf.tanh(x @ m.w + m.h)
        state = m.h.assign(tf.reduce_mean(y, 0, keepdims=True))
        return y * 2.0, {"state": state + 0.0}

    return step


@around(state=True)
def writes_between_reads(m: Any) -> Any:
    m.v = tf.Variable(tf.ones([WIDTH]))

    def step(x: Any) -> Any:
        before = m.v.read_value()
        m.v.assign(x[0])
        middle = m.v + 0.0
        m.v.assign_sub(before * 0.5)
        return x + m.v, {"before": before * 1.0, "middle": middle}

    return step


@around(state=True)
def scattered_updates(m: Any) -> Any:
    m.rows = tf.Variable(weights(6, WIDTH, seed=3))

    def step(x: Any) -> Any:
        at = ids(x, 6)
        m.rows.scatter_nd_update(at[:1, None], x[:1])
        m.rows.scatter_add(tf.IndexedSlices(x[-1:], (at[-1:] + 1) % 6))
        m.rows.scatter_max(tf.IndexedSlices(x[:1] * 0.5, at[:1] // 2))
        return x + tf.gather(m.rows, at), {"sum": tf.reduce_sum(m.rows, 0)}

    return step


@around(state=True)
def assigned_slices(m: Any) -> Any:
    """A cache of keys and values that each call writes one place of."""
    m.cache, m.at = tf.Variable(tf.zeros([5, WIDTH])), tf.Variable(0)

    def step(x: Any) -> Any:
        m.cache[m.at % 5].assign(x[0])
        m.at.assign_add(1)
        scores = tf.nn.softmax(tf.matmul(x, m.cache, transpose_b=True))
        return scores @ m.cache + x, {"at": m.at + 0}

    return step


@around(state=True)
def writes_in_a_loop(m: Any) -> Any:
    m.n, m.rows = tf.Variable(0.0), tf.Variable(weights(6, WIDTH, seed=3))

    def step(x: Any) -> Any:
        def body(i: Any, v: Any) -> Any:
            m.n.assign_add(1.0)
            m.rows.scatter_add(tf.IndexedSlices(v[:1], ids(v, 6)[:1]))
            return i + 1, tf.tanh(v + tf.gather(m.rows, ids(v, 6)) + m.n)

        return tf.while_loop(lambda i, v: i < 3, body, (0, x))[1], {"same": tf.constant(3)}

    return step


@around(state=True)
def writes_in_branches(m: Any) -> Any:
    m.n, m.other = tf.Variable(1.0), tf.Variable(tf.zeros([WIDTH]))

    def step(x: Any) -> Any:
        def remember() -> Any:
            m.other.assign(x[0])
            return m.n.assign_add(2.0) + 0.0

        y = tf.cond(x[0, 0] > 0.0, remember, lambda: m.n.assign(-m.n - 3.0) + 0.0)
        return x * y + m.other, {"n": m.n + 0.0}

    return step


@around(state=True)
def writes_in_called_functions(m: Any) -> Any:
    m.a, m.b = tf.Variable(1.0), tf.Variable(tf.zeros([WIDTH]))

    @tf.function
    def inner(v: Any) -> Any:
        m.a.assign(m.a * 1.5)
        return tf.nn.relu(v) * m.a

    @tf.function
    def outer(v: Any) -> Any:
        m.b.assign_add(v[0])
        return inner(inner(v) + m.b)

    return lambda x: (outer(x), {"constant": tf.constant([1, 2])})


@around(state=True)
def moving_statistics(m: Any) -> Any:
    """Batch normalisation as in training."""
    m.mean, m.variance = tf.Variable(tf.zeros([WIDTH])), tf.Variable(tf.ones([WIDTH]))
    m.gamma = tf.Variable(weights(WIDTH, seed=2))

    def step(x: Any) -> Any:
        mean, variance = tf.nn.moments(x, 0)
        m.mean.assign_sub((m.mean - mean) * 0.1)
        m.variance.assign_sub((m.variance - variance) * 0.1)
        return tf.nn.batch_normalization(x, m.mean, m.variance, None, m.gamma, 1e-3), {"mean": m.mean + 0.0}

    return step


@model(state=True)
def training_step(directory: str) -> None:
    """Gradients, and slots of an optimiser, in one signature; another one predicts."""
    m = tf.Module()
    m.w, m.bias = tf.Variable(weights(WIDTH, WIDTH, seed=3) / 3), tf.Variable(tf.zeros([WIDTH]))
    m.momentum = tf.Variable(tf.zeros([WIDTH, WIDTH]))
    m.frozen = tf.Variable(weights(WIDTH, WIDTH, seed=4) / 3)

    def step(x: Any) -> Any:
        with tf.GradientTape() as tape:
            y = tf.tanh(tf.nn.relu(x @ m.frozen) @ m.w + m.bias)
            loss = tf.reduce_mean(tf.square(y - 1.0))
        dw, db = tape.gradient(loss, [m.w, m.bias])
        m.momentum.assign(m.momentum * 0.9 + dw)
        m.w.assign_sub(m.momentum * 0.1)
        m.bias.assign_sub(db * 0.1)
        return {"loss": loss, "y": y, "norm": tf.linalg.global_norm([dw, db])}

    save(m, directory, tf.function(step, input_signature=[spec(None, WIDTH)]))


@model(state=True)
def optimizer_of_raw_ops(directory: str) -> None:
    """TensorFlow's fused steps, as optimisers of TensorFlow 1 and Keras 2 write them."""
    m = tf.Module()
    m.kernel, m.bias = tf.Variable(weights(WIDTH, WIDTH, seed=11) / 3), tf.Variable(weights(WIDTH, seed=12))
    m.w, m.m, m.v = (tf.Variable(weights(WIDTH, seed=n) ** 2) for n in range(3))
    m.power = [tf.Variable(0.9), tf.Variable(0.999)]

    def step(x: Any) -> Any:
        names = {"var": m.w, "m": m.m, "v": m.v}
        tf.raw_ops.ResourceApplyAdam(
            **{name: v.handle for name, v in names.items()},
            **dict(beta1_power=m.power[0], beta2_power=m.power[1], lr=0.1, beta1=0.9, beta2=0.999, epsilon=1e-7),
            grad=x[0],
        )
        m.power[0].assign(m.power[0] * 0.9)
        tf.raw_ops.ResourceApplyGradientDescent(var=m.m.handle, alpha=0.5, delta=x[-1])
        return x + m.w

    save(m, directory, tf.function(network(step, m.kernel, m.bias), input_signature=[spec(None, WIDTH)]))


@model(state=True, signatures=("serving_default", "reset"))
def state_shared_by_signatures(directory: str) -> None:
    m = tf.Module()
    m.kernel, m.bias = tf.Variable(weights(WIDTH, WIDTH, seed=11) / 3), tf.Variable(weights(WIDTH, seed=12))
    m.n = tf.Variable(2.0)

    def reset(x: Any) -> Any:
        old = m.n.read_value()
        m.n.assign(x[0, 0])
        return {"old": old + 0.0, "y": tf.nn.relu(x @ m.kernel + m.bias) * 2.0}

    given = [spec(None, WIDTH)]
    default = tf.function(network(lambda x: x * m.n.assign_add(1.0), m.kernel, m.bias), input_signature=given)
    save(m, directory, {"serving_default": default, "reset": tf.function(reset, input_signature=given)})


@around_v1(state=True)
def assigned_references() -> Any:
    """Reference variables that the model writes, between two products."""
    v = v1.get_variable("v", initializer=weights(WIDTH, WIDTH, seed=3) / 3, use_resource=False)
    n = v1.get_variable("n", initializer=0.0, use_resource=False)

    def step(x: Any) -> Any:
        with tf.control_dependencies([x]), tf.control_dependencies([v1.assign_add(n, 1.0)]):
            y = x @ v.read_value() + n.read_value()
        with tf.control_dependencies([y]), tf.control_dependencies([v1.scatter_add(v, [1], x[:1])]):
            return tf.identity(y)

    return step


@around_v1(state=True)
def assigned_resources_v1() -> Any:
    v = v1.get_variable("v", initializer=weights(WIDTH, WIDTH, seed=3) / 3, use_resource=True)

    def step(x: Any) -> Any:
        with tf.control_dependencies([x]):
            y = x @ v.read_value()
        with tf.control_dependencies([y]), tf.control_dependencies([v1.assign(v, v * 0.5)]):
            return y + v.read_value()[0]

    return step


@around_v1(state=True)
def writes_in_frames() -> Any:
    """In a branch and a loop of TensorFlow 1."""
    n, total = (v1.get_variable(name, initializer=0.0, use_resource=True) for name in ("n", "total"))

    def step(x: Any) -> Any:
        def body(i: Any, v: Any) -> Any:
            with tf.control_dependencies([v]), tf.control_dependencies([v1.assign_add(total, 1.0)]):
                return i + 1, tf.tanh(v) + 0.5

        y = v1.while_loop(lambda i, v: i < 3, body, (0, x))[1]
        z = v1.cond(x[0, 0] > 0.0, lambda: v1.assign_add(n, 1.0) + 0.0, lambda: tf.constant(5.0))
        with tf.control_dependencies([y]):
            return y * z + total.read_value()

    return step


@around_v1(state=True)
def queue_between_calls() -> Any:
    """The batch of this call goes in, what comes out goes on."""
    queue = tf.queue.FIFOQueue(10, [tf.float32], shared_name="queue")

    def step(x: Any) -> Any:
        with tf.control_dependencies([queue.enqueue(x)]):
            size = queue.size()
        with tf.control_dependencies([size]):
            got = queue.dequeue()
        got.set_shape([None, WIDTH])
        return got * 2.0, {"size": size}

    return step


@around_v1(state=True)
def staged_batch() -> Any:
    area = tf.raw_ops

    def step(x: Any) -> Any:
        name = f"area{x.name.count('Relu')}"
        with tf.control_dependencies([area.Stage(values=[x, x * 2.0], shared_name=name)]):
            one, two = area.Unstage(dtypes=[tf.float32] * 2, shared_name=name)
        return tf.ensure_shape(one + two, [None, WIDTH])

    return step
