"""Models for the tests of examples/cpp/service. Imported where TensorFlow's Python package is."""

from __future__ import annotations

from typing import Any


def slow(directory: str, steps: int) -> None:
    """``x`` float32 [-1, 4] -> ``y``, the same, after so many steps and ``x[0, 0]`` more (a thousand: 0.2 s)."""
    import tensorflow as tf

    def call(x: Any) -> dict[str, Any]:
        count = steps + tf.cast(x[0, 0], tf.int64)
        _, zeros = tf.while_loop(
            lambda i, _: i < count,
            lambda i, m: (i + 1, tf.tanh(tf.matmul(m, m))),
            (tf.constant(0, tf.int64), tf.zeros([256, 256])),
        )
        return {"y": x + zeros[0, 0]}

    _save(directory, call)


def loud(directory: str) -> None:
    """``x`` float32 [-1, 4] -> ``y``, one more. Says "called with", and the shape, on stderr."""
    import tensorflow as tf

    def call(x: Any) -> dict[str, Any]:
        tf.print("called with", tf.shape(x))
        return {"y": x + 1.0}

    _save(directory, call)


def _save(directory: str, call: Any) -> None:
    import tensorflow as tf

    module = tf.Module()
    module.call = tf.function(call, input_signature=[tf.TensorSpec([None, 4], tf.float32, name="x")])
    tf.saved_model.save(module, directory, signatures={"serving_default": module.call})
