"""Messages about models that are sound: they name the cause, and hold no traceback of TensorFlow."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import models
import tftrt
from tftrt.conversion.causes import cause_of

SESSION = """Graph execution error:

Detected at node 'ReadVariableOp' defined at (most recent call last):
  File "tftrt", line 8, in <module>

      main()
  File ".../cli/__init__.py", line 45, in main

Could not find variable dense/kernel.
\t [[{{node ReadVariableOp}}]]

Original stack trace for 'ReadVariableOp':
  File "tftrt", line 8, in <module>
"""
USER_CODE = """in user code:

    File "model.py", line 5, in call  *
        return self.layer(x)

    TypeError: x is no tensor
"""
CALLBACK = """ValueError: no
Traceback (most recent call last):

  File "f.py", line 2, in f
    raise ValueError("no")
    ^^^^^^^^^^^^^^^^^^^^^^

ValueError: no


\t [[{{node PyFunc}}]]"""


@pytest.mark.parametrize(
    ("message", "cause"),
    [
        (SESSION, "Could not find variable dense/kernel."),
        (USER_CODE, "TypeError: x is no tensor"),
        (CALLBACK, "ValueError: no"),
        ("{{function_node __f_1}} {{node a/b}} bad [[{{node c}}]]", "node a/b bad [[node c]]"),
        ("Node: 'x'\nfirst\n  second", "first second"),
        (ValueError("plain"), "plain"),
        ('Traceback (most recent call last):\n  File "f.py", line 2, in f\n    g()', "g()"),
        ("x differs at\n[[0]]\n\t [[a/Assert]]", "x differs at [[0]]"),
        ("", ""),
    ],
)
def test_the_cause_stays(message: Any, cause: str) -> None:
    assert cause_of(message) == cause


def test_conversion_errors_have_no_frames(tmp_path: Path) -> None:
    import tensorflow as tf

    models.cnn(tmp_path / "source")
    shutil.rmtree(tmp_path / "source/variables")

    class Wrong(tf.Module):
        @tf.function(input_signature=[tf.TensorSpec([2], tf.float32)])
        def call(self, x: Any) -> Any:
            raise TypeError("x is unfit")

    for source, cause in ((tmp_path / "source", "Could not find variable"), (Wrong(), "TypeError: x is unfit")):
        with pytest.raises(tftrt.errors.Error) as raised:
            tftrt.convert(source, tmp_path / "out")
        message = str(raised.value)
        assert cause in message
        assert 'File "' not in message and "Traceback" not in message and "{{node" not in message, message


CODE = """
import resource, sys
import tftrt

for model in sys.argv[1:3]:
    for call in (lambda m: m, lambda m: m([[1.0] * 8])):
        try:
            call(tftrt.Model(model, device="cpu"))
        except tftrt.UnsupportedError as error:
            print(error)
        except tftrt.InvalidArgumentError:
            pass
"""


def _python_function(directory: str) -> None:
    import tensorflow as tf

    m = tf.Module()
    m.k = tf.Variable(tf.ones([8, 8]))

    @tf.function(input_signature=[tf.TensorSpec([None, 8], name="x")])
    def f(x: Any) -> Any:
        return {"y": tf.ensure_shape(tf.py_function(lambda a: a + 1, [x], tf.float32), [None, 8]) @ m.k}

    m.f = f
    tf.saved_model.save(m, f"{directory}/source", signatures=f)
    tftrt.convert(f"{directory}/source", f"{directory}/out")


def _recurrent(directory: str) -> None:
    import tensorflow as tf

    m = tf.Module()

    @tf.function(input_signature=[tf.TensorSpec([3, 1, 4], name="x")])
    def f(x: Any) -> Any:
        state = tf.zeros([1, 1, 4])
        rnn = tf.raw_ops.CudnnRNN(input=x, input_h=state, input_c=state, params=tf.zeros([160]), is_training=False)
        return {"y": rnn[0] * 2.0}

    m.f = f
    tf.saved_model.save(m, f"{directory}/source", signatures=f)
    tftrt.convert(f"{directory}/source", f"{directory}/out")


def test_an_op_without_a_kernel_is_no_damage(tensorflow: Any, python: Callable[..., Any], tmp_path: Path) -> None:
    """In a process of its own, which has not seen TensorFlow's Python."""
    for name, build in (("function", _python_function), ("recurrent", _recurrent)):
        (tmp_path / name).mkdir()
        tensorflow.call(build, str(tmp_path / name))
        paths = [tmp_path / name / kind for kind in ("source", "out")]
        messages = python(CODE, *paths).stdout.splitlines()
        assert messages and not any("damaged" in message or "Registered" in message for message in messages)
        expected = "EagerPyFunc has no kernel that runs here: it calls a Python function"
        if name == "recurrent":
            expected = "CudnnRNN has no kernel that runs here: it needs a GPU"
        assert any(expected in message for message in messages), messages


LIMITED = """
import resource, sys
import tftrt

resource.setrlimit(resource.RLIMIT_AS, (1000 << 20, 1000 << 20))
for call in (lambda: tftrt.Model(sys.argv[1]), lambda: tftrt.convert(*sys.argv[1:])):
    try:
        call()
    except tftrt.ResourceExhaustedError as error:
        print(error)
"""


def test_too_little_address_space(python: Callable[..., Any], exported: Callable[[str], Path], tmp_path: Path) -> None:
    loading, converting = python(LIMITED, exported("cnn"), tmp_path / "out").stdout.splitlines()
    for message in (loading, converting):
        assert "his process may use 1000 MiB of address space" in message
        assert "einstall" not in message and 'File "' not in message


def test_no_tensorflow_to_convert_with(
    in_conversions: Callable[[str], None], exported: Callable[[str], Path], tmp_path: Path
) -> None:
    in_conversions("import sys\nsys.modules['tensorflow'] = None")
    with pytest.raises(tftrt.IncompatibleError, match=r"expected TensorFlow 2\.17, .*Install it with: pip install"):
        tftrt.convert(exported("cnn"), tmp_path / "out")
    assert list(tmp_path.iterdir()) == []
