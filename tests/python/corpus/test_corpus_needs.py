"""Models that do not run everywhere: the report says so."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from cases import save


def python_function(directory: str) -> None:
    import tensorflow as tf

    m = tf.Module()
    m.k = tf.Variable(tf.ones([8, 8]))

    @tf.function(input_signature=[tf.TensorSpec([None, 8], name="x")])
    def f(x: Any) -> Any:
        y = tf.ensure_shape(tf.numpy_function(lambda a: a + 1, [x], tf.float32), [None, 8])
        return {
            "y": y @ m.k,
            "z": tf.cond(x[0, 0] > 0, lambda: tf.py_function(lambda a: a, [x], tf.float32), lambda: x),
        }

    save(m, directory, f)


def recurrent(directory: str) -> None:
    """As Keras exports a recurrent layer on a GPU."""
    import tensorflow as tf

    m = tf.Module()

    @tf.function(input_signature=[tf.TensorSpec([3, 1, 4], name="x")])
    def f(x: Any) -> Any:
        state = tf.zeros([1, 1, 4])
        rnn = tf.raw_ops.CudnnRNN(input=x, input_h=state, input_c=state, params=tf.zeros([160]), is_training=False)
        return {"y": rnn[0] * 2.0}

    save(m, directory, f)


def convert(build: Any, root: str) -> list[str]:
    import tftrt

    build(f"{root}/source")
    report = tftrt.convert(f"{root}/source", f"{root}/out")
    assert all(note[:20] in str(report) for note in report.notes)
    return report.notes


def test_python_functions_are_reported(tensorflow: Any, tmp_path: Path) -> None:
    notes = tensorflow.call(convert, python_function, str(tmp_path))
    assert len(notes) == 2 and all("calls a Python function" in note for note in notes)


def test_ops_without_a_cpu_kernel_are_reported(tensorflow: Any, tmp_path: Path) -> None:
    (note,) = tensorflow.call(convert, recurrent, str(tmp_path))
    assert "CudnnRNN" in note and "needs a GPU" in note
