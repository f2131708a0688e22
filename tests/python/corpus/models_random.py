"""Random numbers: without a state, with a seed, with a generator's state, and without a seed."""

from __future__ import annotations

from typing import Any

from cases import weights
from lazy import tf, v1
from registry import WIDTH, around, around_v1, ids


@around()
def stateless_random(m: Any) -> Any:
    m.w = tf.Variable(weights(WIDTH, seed=3))

    def step(x: Any) -> Any:
        seed = [ids(x, 9)[0], 7]
        y = x + tf.random.stateless_normal(tf.shape(x), seed) * m.w
        picked = tf.random.stateless_categorical(x, 2, seed)
        return y + tf.random.stateless_uniform([WIDTH], [1, 2]), {"picked": picked}

    return step


@around(state=True)
def random_with_a_seed(m: Any) -> Any:
    """Each call goes on in the sequence."""

    def step(x: Any) -> Any:
        y = x + tf.random.normal(tf.shape(x), seed=3)
        return tf.nn.dropout(y, 0.3, seed=5), {"uniform": tf.random.uniform([2], maxval=9, dtype=tf.int32, seed=4)}

    return step


@around(state=True)
def random_generator(m: Any) -> Any:
    """Its state is a variable."""
    m.generator = tf.random.Generator.from_seed(7)

    def step(x: Any) -> Any:
        y = x + m.generator.normal(tf.shape(x))
        return y, {"bits": m.generator.uniform_full_int([2], tf.int64)}

    return step


@around(random=("y", "before_noise", "after_noise", "hidden"))
def random_without_a_seed(m: Any) -> Any:
    """The shapes alone can be compared, and what does not depend on the numbers."""
    return lambda x: (x + tf.random.normal(tf.shape(x)), {"noise": tf.random.uniform([3]), "same": x[:, 0] * 2.0})


@around(state=True)
def random_in_a_loop(m: Any) -> Any:
    def step(x: Any) -> Any:
        def body(i: Any, v: Any) -> Any:
            with tf.control_dependencies([v]):  # else the numbers of several turns are drawn at the same time
                return i + 1, v + tf.random.normal([WIDTH], seed=2)

        y = tf.while_loop(lambda i, v: i < 3, body, (0, x))[1]
        return tf.cond(y[0, 0] > 0.0, lambda: y + tf.random.uniform([], seed=8), lambda: y)

    return step


@around_v1(state=True)
def random_v1() -> Any:
    v1.set_random_seed(5)

    def step(x: Any) -> Any:
        order = v1.random_shuffle(tf.range(WIDTH), seed=3)
        return tf.gather(x, order, axis=1) + v1.truncated_normal([WIDTH], seed=1), {
            "drawn": v1.multinomial(x, 2, seed=2)
        }

    return step
