"""Networks: convolutions of every kind, recurrent cells, attention."""

from __future__ import annotations

from typing import Any

import numpy as np
from cases import Inputs, save, weights
from lazy import tf, v1
from registry import ROWS, WIDTH, around, around_v1, ids, model, spec

IMAGES: list[Inputs] = [{"x": weights(n, 8, 8, 3, seed=seed)} for seed, n in enumerate(ROWS)]


def _variable(*shape: int, seed: int = 0) -> Any:
    return tf.Variable(weights(*shape, seed=seed) / 3)


def _images(directory: str, m: Any, net: Any, *shape: int | None) -> None:
    given = [spec(*(shape or (None, 8, 8, 3)))]
    save(m, directory, tf.function(lambda x: net(x), input_signature=given))


@model(calls=IMAGES, product="Conv2D")
def convolutions(directory: str) -> None:
    """With strides, dilation, groups and paddings of their own."""
    m = tf.Module()
    m.a, m.b, m.c = _variable(3, 3, 3, 8), _variable(3, 3, 8, 8, seed=1), _variable(3, 3, 4, 8, seed=2)

    def net(x: Any) -> Any:
        y = tf.nn.relu(tf.nn.bias_add(tf.nn.conv2d(x, m.a, 1, [[0, 0], [1, 1], [2, 0], [0, 0]]), [0.1] * 8))
        y = tf.nn.max_pool2d(y, 3, 2, "SAME") + tf.nn.avg_pool2d(y, 2, 2, "VALID")
        deep = tf.nn.conv2d(y, m.b, 1, "SAME", dilations=2)
        return {"y": deep, "strided": tf.nn.relu6(tf.nn.conv2d(y, m.b, 2, "VALID")), "sum": tf.reduce_mean(y, [1, 2])}

    _images(directory, m, net)


@model(calls=IMAGES, product="Conv2D")
def factor_before_a_convolution(directory: str) -> None:
    """The commonest of all pictures' inputs."""
    m = tf.Module()
    m.a, m.b, m.scale = _variable(3, 3, 3, 8), _variable(3, 3, 8, 8, seed=1), tf.Variable(0.3)

    def net(x: Any) -> Any:
        y = tf.nn.relu(tf.nn.conv2d(x / 255.0 * 2.0 - 1.0, m.a, 1, "SAME"))
        return {"y": tf.nn.conv2d(y * m.scale, m.b, 1, "SAME") * 0.7 + 0.1, "z": tf.nn.conv2d(x * 0.1, m.a, 2, "SAME")}

    _images(directory, m, net)


@model(calls=IMAGES, product="Conv2D")
def batch_normalisation(directory: str) -> None:
    m = tf.Module()
    m.a, m.b = _variable(3, 3, 3, 8), _variable(1, 1, 8, 8, seed=1)
    m.scale, m.offset, m.mean, m.variance = (tf.Variable(np.abs(weights(8, seed=n)) + 0.1) for n in range(4))

    def net(x: Any) -> Any:
        y = tf.nn.conv2d(x, m.a, 1, "SAME")
        y, _, _ = tf.compat.v1.nn.fused_batch_norm(y, m.scale, m.offset, m.mean, m.variance, is_training=False)
        trained, mean, variance = tf.compat.v1.nn.fused_batch_norm(tf.nn.relu(y), m.scale, m.offset)
        y = tf.nn.conv2d(trained, m.b, 1, "SAME") * m.scale + m.offset
        return {"y": tf.nn.relu(y), "mean": mean, "variance": variance}

    _images(directory, m, net)


@model(calls=IMAGES, product="DepthwiseConv2dNative")
def separable_convolutions(directory: str) -> None:
    m = tf.Module()
    m.depth, m.point, m.more = _variable(3, 3, 3, 2), _variable(1, 1, 6, 8, seed=1), _variable(3, 3, 8, 1, seed=2)

    def net(x: Any) -> Any:
        y = tf.nn.relu6(tf.nn.separable_conv2d(x, m.depth, m.point, [1, 1, 1, 1], "SAME"))
        return {"y": tf.nn.depthwise_conv2d(y, m.more, [1, 2, 2, 1], "SAME") + 1.0, "hidden": y}

    _images(directory, m, net)


@model(calls=IMAGES, product="Conv2D")
def transposed_convolutions(directory: str) -> None:
    """An encoder and a decoder, with pixel shuffle."""
    m = tf.Module()
    m.a, m.b, m.c = _variable(3, 3, 3, 8), _variable(3, 3, 4, 8, seed=1), _variable(3, 3, 4, 12, seed=2)

    def net(x: Any) -> Any:
        y = tf.nn.relu(tf.nn.conv2d(x, m.a, 2, "SAME"))
        up = tf.nn.conv2d_transpose(y, m.b, tf.stack([tf.shape(x)[0], 8, 8, 4]), 2, "SAME")
        fine = tf.nn.depth_to_space(tf.nn.conv2d(up, m.c, 1, "SAME"), 2)
        return {"y": tf.nn.sigmoid(fine), "space": tf.nn.space_to_depth(up, 2)}

    _images(directory, m, net)


VOLUMES: list[Inputs] = [{"x": weights(n, 4, 6, 6, 2, seed=seed)} for seed, n in enumerate(ROWS)]


@model(calls=VOLUMES, product="Conv3D")
def convolutions_of_volumes(directory: str) -> None:
    m = tf.Module()
    m.a, m.b = _variable(3, 3, 3, 2, 4), _variable(2, 2, 2, 3, 4, seed=1)

    def net(x: Any) -> Any:
        y = tf.nn.relu(tf.nn.conv3d(x / 255.0, m.a, [1, 1, 1, 1, 1], "SAME"))
        y = tf.nn.max_pool3d(y, 2, 2, "SAME") + tf.nn.avg_pool3d(y, 2, 2, "SAME")
        return {"y": tf.nn.conv3d_transpose(y, m.b, tf.stack([tf.shape(x)[0], 4, 6, 6, 3]), 2, "SAME")}

    _images(directory, m, net, None, 4, 6, 6, 2)


SEQUENCES: list[Inputs] = [{"x": weights(n, length, WIDTH, seed=length)} for n, length in zip(ROWS, (5, 7, 5))]


@model(calls=SEQUENCES, product="Conv2D")
def convolutions_of_sequences(directory: str) -> None:
    """Causal, with dilation."""
    m = tf.Module()
    m.a, m.b = _variable(3, WIDTH, WIDTH), _variable(3, WIDTH, 4, seed=1)

    def net(x: Any) -> Any:
        y = tf.nn.relu(tf.nn.conv1d(tf.pad(x, [[0, 0], [2, 0], [0, 0]]), m.a, 1, "VALID"))
        return {"y": tf.nn.conv1d(y, m.b, 1, "SAME", dilations=2), "max": tf.reduce_max(y, 1)}

    _images(directory, m, net, None, None, WIDTH)


@model(calls=SEQUENCES, product="BatchMatMulV2")
def transformer_block(directory: str) -> None:
    m = tf.Module()
    m.qkv, m.out, m.gamma = _variable(WIDTH, 24), _variable(WIDTH, WIDTH, seed=1), _variable(WIDTH, seed=2)
    m.up, m.down, m.place = _variable(WIDTH, 16, seed=3), _variable(16, WIDTH, seed=4), _variable(9, WIDTH, seed=5)

    def normal(x: Any) -> Any:
        mean, variance = tf.nn.moments(x, -1, keepdims=True)
        return (x - mean) * tf.math.rsqrt(variance + 1e-5) * m.gamma

    def net(x: Any) -> Any:
        length = tf.shape(x)[1]
        x += tf.gather(m.place, tf.range(length))
        parts = tf.split(tf.einsum("bld,de->ble", normal(x), m.qkv), 3, -1)
        q, k, v = (tf.transpose(tf.reshape(p, [-1, length, 2, 4]), [0, 2, 1, 3]) for p in parts)
        mask = tf.linalg.band_part(tf.ones([length, length]), -1, 0)
        weight = tf.nn.softmax(tf.matmul(q, k, transpose_b=True) * 0.5 + (1.0 - mask) * -1e9)
        mixed = tf.reshape(tf.transpose(tf.matmul(weight, v), [0, 2, 1, 3]), [-1, length, WIDTH])
        x += tf.tensordot(mixed, m.out, 1)
        y = x + tf.tensordot(tf.nn.gelu(tf.tensordot(normal(x), m.up, 1)), m.down, 1)
        return {"y": y, "weight": weight, "length": tf.shape(y, out_type=tf.int64)[1]}

    _images(directory, m, net, None, None, WIDTH)


PROMPTS: list[Inputs] = [{"ids": np.arange(2 * n).reshape(n, 2).astype(np.int32) % 6} for n in ROWS]


@model(calls=PROMPTS)
def autoregressive_decoder(directory: str) -> None:
    """An embedding, a product and a cache of keys in a loop that may end early."""
    m = tf.Module()
    m.table, m.q, m.k = _variable(6, WIDTH), _variable(WIDTH, WIDTH, seed=1), _variable(WIDTH, WIDTH, seed=2)

    def net(ids: Any) -> Any:
        rows, start = tf.shape(ids)[0], tf.nn.relu(tf.gather(m.table, ids[:, -1]) @ m.q)

        def body(i: Any, last: Any, keys: Any, found: Any) -> Any:
            x = tf.gather(m.table, last)
            keys = keys.write(i, x @ m.k)
            scores = tf.einsum("bd,tbd->bt", x @ m.q, keys.stack()[: i + 1])
            mixed = tf.einsum("bt,tbd->bd", tf.nn.softmax(scores), keys.stack()[: i + 1])
            best = tf.argmax(tf.matmul(mixed + x, m.table, transpose_b=True), 1, tf.int32)
            return i + 1, best, keys, found.write(i, best)

        keys = tf.TensorArray(tf.float32, 4, element_shape=[None, WIDTH], clear_after_read=False)
        found = tf.TensorArray(tf.int32, 4, element_shape=[None])
        keys = keys.unstack(tf.zeros([4, rows, WIDTH]))
        more = lambda i, last, *_: (i < 4) & tf.reduce_any(last != 5)  # noqa: E731
        n, last, _, found = tf.while_loop(
            more, body, (0, ids[:, -1], keys, found.unstack(tf.zeros([4, rows], tf.int32)))
        )
        return {
            "found": tf.transpose(found.stack()),
            "n": n,
            "start": start,
            "y": tf.nn.relu(tf.gather(m.table, last) @ m.k),
        }

    save(m, directory, tf.function(lambda ids: net(ids), input_signature=[spec(None, 2, dtype="int32", name="ids")]))


@model(calls=[{**call, "length": np.arange(len(call["x"]), dtype=np.int32) + 2} for call in SEQUENCES], tf1=True)
def dynamic_rnn(directory: str) -> None:
    """With lengths, as TensorFlow 1 has it; a bidirectional one behind it."""
    v1.disable_control_flow_v2()
    try:
        with tf.Graph().as_default(), v1.Session() as session:
            from cases import save_v1

            x, length = v1.placeholder(tf.float32, [None, None, WIDTH], "x"), v1.placeholder(tf.int32, [None], "length")
            y, state = _dynamic(x, length, "one")
            back, _ = _dynamic(tf.reverse_sequence(y, length, 1), length, "two")
            w = v1.get_variable("w", initializer=weights(WIDTH, 4))
            outputs = {"y": back, "state": state, "z": tf.nn.relu(tf.matmul(state, w)) + 1.0}
            save_v1(directory, {"x": x, "length": length}, outputs, session)
    finally:
        v1.enable_control_flow_v2()


def _dynamic(x: Any, length: Any, name: str) -> Any:
    """A cell that is run over a sequence, with rows that stop at their length, as tf.nn.dynamic_rnn writes it."""
    kernel = v1.get_variable(f"{name}_kernel", initializer=weights(2 * WIDTH, WIDTH, seed=len(name)) / 3)
    steps, rows = tf.shape(x)[1], tf.shape(x)[0]
    given = tf.TensorArray(tf.float32, steps).unstack(tf.transpose(x, [1, 0, 2]))

    def body(i: Any, state: Any, found: Any) -> Any:
        new = tf.tanh(tf.matmul(tf.concat([tf.reshape(given.read(i), [-1, WIDTH]), state], 1), kernel))
        on = i < length
        return i + 1, v1.where(on, new, state), found.write(i, v1.where(on, new, tf.zeros_like(new)))

    start = (0, tf.zeros([rows, WIDTH]), tf.TensorArray(tf.float32, steps, element_shape=[None, WIDTH]))
    _, state, found = v1.while_loop(lambda i, *_: i < steps, body, start)
    return tf.transpose(found.stack(), [1, 0, 2]), state


@around()
def cells_in_a_loop(m: Any) -> Any:
    """LSTM and GRU of the fused ops."""
    m.kernel, m.bias, m.peep = _variable(2 * WIDTH, 4 * WIDTH), _variable(4 * WIDTH), _variable(WIDTH)
    m.gates, m.cell = _variable(2 * WIDTH, 2 * WIDTH, seed=1), _variable(2 * WIDTH, WIDTH, seed=2)

    def step(x: Any) -> Any:
        def body(i: Any, h: Any, c: Any) -> Any:
            cell = tf.raw_ops.LSTMBlockCell(
                x=x, cs_prev=c, h_prev=h, w=m.kernel, wci=m.peep, wcf=m.peep, wco=m.peep, b=m.bias, forget_bias=1.0
            )
            gru = tf.raw_ops.GRUBlockCell(x=x, h_prev=cell.h, w_ru=m.gates, w_c=m.cell, b_ru=m.bias[:16], b_c=m.peep)
            return i + 1, gru.h, cell.cs

        return tf.while_loop(lambda i, h, c: i < 3, body, (0, x * 0.0, x * 0.0))[1]

    return step


@model(calls=SEQUENCES)
def unrolled_rnn(directory: str) -> None:
    """A cell that is called for each step of a sequence of fixed length, in a function of its own."""
    m = tf.Module()
    m.w, m.u, m.table = _variable(WIDTH, WIDTH), _variable(WIDTH, WIDTH, seed=1), _variable(6, WIDTH, seed=2)

    @tf.function
    def cell(x: Any, state: Any) -> Any:
        return tf.tanh(x @ m.w + state @ m.u + tf.gather(m.table, ids(x, 6)))

    def net(x: Any) -> Any:
        state = tf.zeros_like(x[:, 0])
        for n in range(5):
            state = cell(x[:, n], state)
        return {"y": state, "z": tf.nn.relu(state @ m.w) + 1.0}

    _images(directory, m, net, None, None, WIDTH)


@around()
def mixture_of_experts(m: Any) -> Any:
    """Rows go to the weights that a gate chooses, and come back."""
    m.gate, m.experts = _variable(WIDTH, 3), _variable(3, WIDTH, WIDTH, seed=1)

    def step(x: Any) -> Any:
        score, expert = tf.math.top_k(tf.nn.softmax(x @ m.gate), 1)
        order = tf.argsort(expert[:, 0], stable=True)
        chosen = tf.gather(m.experts, tf.gather(expert[:, 0], order))
        y = tf.einsum("bi,bij->bj", tf.gather(x, order), chosen)
        return tf.gather(y, tf.argsort(order)) * score, {"expert": expert}

    return step


@model(calls=IMAGES, product="Conv2D")
def channels_first_layout(directory: str) -> None:
    """Transposes around a network that wants channels in front."""
    m = tf.Module()
    m.a, m.b = _variable(3, 3, 3, 8), _variable(3, 3, 8, 4, seed=1)

    def net(x: Any) -> Any:
        y = tf.transpose(tf.nn.relu(tf.nn.conv2d(x, m.a, 1, "SAME")), [0, 3, 1, 2])
        y = tf.nn.bias_add(y, tf.range(8.0), "NC..") + tf.reduce_mean(y, [2, 3], keepdims=True)
        return {"y": tf.nn.conv2d(tf.transpose(y, [0, 2, 3, 1]), m.b, 2, "SAME"), "first": y}

    _images(directory, m, net)


@around()
def tiny_numbers(m: Any) -> Any:
    """Numbers below the smallest normal one are zero, in products and elsewhere."""
    m.w = _variable(WIDTH, WIDTH)

    def step(x: Any) -> Any:
        tiny = tf.exp(-80.0 - tf.abs(x) * 8.0)
        return x + tf.where(tiny > 0.0, 1.0, -1.0) + (tiny @ m.w) * 1e35, {"tiny": tiny * 1e38}

    return step


@around()
def not_numbers(m: Any) -> Any:
    """Infinities and NaN go through."""
    m.w = _variable(WIDTH, WIDTH)

    def step(x: Any) -> Any:
        y = tf.where(x > 1.0, np.inf, tf.math.log(x))
        return tf.where(tf.math.is_finite(y), y, x) @ m.w, {"inf": tf.maximum(y, -5.0), "nan": tf.math.is_nan(y)}

    return step


@around_v1()
def layers_of_tensorflow_1() -> Any:
    """Scopes, a training phase that is a placeholder with a default, and names that repeat."""
    training = v1.placeholder_with_default(False, [], name="training")
    with v1.variable_scope("net", reuse=v1.AUTO_REUSE):
        w = v1.get_variable("dense/kernel", initializer=weights(WIDTH, WIDTH) / 3)
        mean = v1.get_variable("bn/moving_mean", initializer=weights(WIDTH, seed=1), trainable=False)

    def step(x: Any) -> Any:
        with v1.name_scope("net"):
            y = tf.nn.relu(x @ w)
            centre = v1.cond(training, lambda: tf.reduce_mean(y, 0), lambda: tf.identity(mean))
            return v1.cond(training, lambda: tf.nn.dropout(y, 0.5), lambda: y) - centre

    return step
