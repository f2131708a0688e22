"""Models of Keras 2, which TensorFlow 2.17 calls tf_keras, in memory and in files."""

from __future__ import annotations

import importlib.util
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

needs_keras_2 = pytest.mark.skipif(importlib.util.find_spec("tf_keras") is None, reason="needs tf_keras")

CODE = """
import os, sys
legacy, suffix, directory = sys.argv[1:]
os.environ["TF_USE_LEGACY_KERAS"] = legacy
import numpy as np, tensorflow as tf, tf_keras, tftrt
inputs = tf_keras.Input((8,))
model = tf_keras.Model(inputs, tf.nn.relu(tf_keras.layers.Dense(3)(inputs)) * 2.0)
source = model
if suffix != "memory":
    source = os.path.join(directory, "model" + suffix)
    model.save(source)
print("quiet")
report = tftrt.convert(source, os.path.join(directory, "out"))
x = np.ones((2, 8), np.float32)
(found,) = tftrt.Model(os.path.join(directory, "out"), device="cpu")(x).values()
np.testing.assert_array_equal(found, model(x).numpy())
"""


@needs_keras_2
@pytest.mark.parametrize("suffix", ["memory", ".h5", ".keras"])
@pytest.mark.parametrize("legacy", ["0", "1"])
def test_keras_2(python: Callable[..., Any], tmp_path: Path, legacy: str, suffix: str) -> None:
    assert python(CODE, legacy, suffix, tmp_path).stdout == "quiet\n"


def export_as_keras_2(directory: str) -> None:
    """Convert a model whose ``export`` has no argument ``verbose``, and prints."""
    import keras

    import tftrt

    class Model(keras.Sequential):
        def export(self, filepath: str) -> None:
            print("a summary")
            super().export(filepath, verbose=False)

    tftrt.convert(Model([keras.Input((8,)), keras.layers.Dense(3)]), directory)


def test_an_export_without_verbose(tensorflow: Any, tmp_path: Path) -> None:
    tensorflow.call(export_as_keras_2, str(tmp_path / "out"))
    assert (tmp_path / "out" / "saved_model.pb").is_file()


def read_properties(directory: str) -> None:
    """Convert a module with a property that must not be read."""
    import tensorflow as tf

    import tftrt

    class Module(tf.Module):
        @property
        def costly(self) -> None:
            raise RuntimeError("read")

        @tf.function(input_signature=[tf.TensorSpec([None, 4])])
        def __call__(self, x: Any) -> Any:
            return {"y": tf.nn.relu(x) * 2.0}

    tftrt.convert(Module(), directory)


def test_properties_are_left_alone(tensorflow: Any, tmp_path: Path) -> None:
    tensorflow.call(read_properties, str(tmp_path / "out"))
