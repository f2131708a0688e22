"""Keras 3 objects as tf.saved_model.save writes them: functions read other handles than the restore op assigns."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from cases import check, save, save_v1, weights

import tftrt

ROWS = [{"x": weights(2, 8)}, {"x": weights(3, 8, seed=1)}]
# The name that Keras gives the input of a model with one.
UNNAMED = [{"inputs": row["x"]} for row in ROWS]


def functional(directory: str) -> None:
    import keras
    import tensorflow as tf

    given = keras.Input((8,))
    hidden = keras.layers.Dense(4, activation="relu")(given)
    tf.saved_model.save(keras.Model(given, keras.layers.Dense(3)(hidden)), directory)


def sequential_with_a_signature(directory: str) -> None:
    import keras
    import tensorflow as tf

    model = keras.Sequential([keras.Input((8,)), keras.layers.Dense(4), keras.layers.BatchNormalization()])
    function = tf.function(lambda x: {"y": tf.nn.relu(model(x)) + 1.0})
    concrete = function.get_concrete_function(tf.TensorSpec([None, 8], name="x"))
    tf.saved_model.save(model, directory, signatures=concrete)


def layers_in_a_module(directory: str) -> None:
    """Beside tables, an asset and a variable of TensorFlow's own kind, which signatures share."""
    import keras
    import tensorflow as tf

    m = tf.Module()
    vocabulary = Path(directory).with_name("words.txt")
    vocabulary.write_text("cat\ndog\n")
    lookup = tf.lookup
    lines = lookup.TextFileInitializer(
        str(vocabulary), tf.string, lookup.TextFileIndex.WHOLE_LINE, tf.int64, lookup.TextFileIndex.LINE_NUMBER
    )
    m.words = lookup.StaticVocabularyTable(lines, 1)
    m.seen = tf.lookup.experimental.MutableHashTable(tf.string, tf.int64, 0)
    m.seen.insert(tf.constant(["cat"]), tf.constant([2], tf.int64))
    m.table, m.dense, m.scale = keras.layers.Embedding(3, 8), keras.layers.Dense(4), tf.Variable(3.0)
    m.table.build(None)
    m.dense.build((None, 8))

    @tf.function(input_signature=[tf.TensorSpec([None], tf.string, name="s")])
    def words(s: Any) -> Any:
        rows = m.table(tf.ensure_shape(m.words.lookup(s), [None]))
        return {"y": m.dense(rows) * m.scale, "n": m.seen.lookup(s)}

    @tf.function(input_signature=[tf.TensorSpec([None, 8], name="x")])
    def rows(x: Any) -> Any:
        m.scale.assign_add(1.0)
        return {"y": m.dense(x) * m.scale}

    save(m, directory, {"words": words, "rows": rows})


def layers_in_loops_and_branches(directory: str) -> None:
    import keras
    import tensorflow as tf

    m = tf.Module()
    m.dense = keras.layers.Dense(8)
    m.dense.build((None, 8))

    @tf.function(input_signature=[tf.TensorSpec([None, 8], name="x")])
    def f(x: Any) -> Any:
        looped = tf.while_loop(lambda i, v: i < 3, lambda i, v: (i + 1, tf.nn.relu(m.dense(v))), (0, x))[1]
        return {"y": tf.cond(tf.reduce_sum(x) > 0.0, lambda: m.dense(looped), lambda: looped * 2.0)}

    save(m, directory, f)


def both_handles(directory: str) -> None:
    """The module tracks a variable that a layer has as TensorFlow's variable, too."""
    import keras
    import tensorflow as tf

    m = tf.Module()
    m.dense = keras.layers.Dense(8)
    m.dense.build((None, 8))
    m.kernel = m.dense.kernel.value

    @tf.function(input_signature=[tf.TensorSpec([None, 8], name="x")])
    def f(x: Any) -> Any:
        return {"y": tf.nn.relu(m.dense(x)) @ m.kernel + 1.0}

    save(m, directory, f)


def subclassed(directory: str) -> None:
    import keras
    import tensorflow as tf

    class Tagger(keras.Model):
        def __init__(self) -> None:
            super().__init__()
            self.cell, self.out = keras.layers.LSTM(4), keras.layers.Dense(2)

        def call(self, x: Any) -> Any:
            return self.out(self.cell(x))

    model = Tagger()
    model(np.zeros((2, 5, 8), np.float32))
    function = tf.function(lambda x: {"y": model(x)}, input_signature=[tf.TensorSpec([None, 5, 8], name="x")])
    tf.saved_model.save(model, directory, signatures=function)


@pytest.mark.parametrize(
    "build", [sequential_with_a_signature, layers_in_loops_and_branches, both_handles], ids=lambda b: b.__name__
)
def test_layers(build: Any, tensorflow: Any, tmp_path: Path) -> None:
    assert check(tensorflow, tmp_path, build, ROWS, minimum_segment_size=1)["engines"]


def test_functional_model(tensorflow: Any, tmp_path: Path) -> None:
    assert check(tensorflow, tmp_path, functional, UNNAMED)["engines"]


def test_subclassed_model(tensorflow: Any, tmp_path: Path) -> None:
    check(tensorflow, tmp_path, subclassed, [{"x": weights(2, 5, 8)}])


def test_layers_beside_tables_and_state(tensorflow: Any, tmp_path: Path) -> None:
    words = [{"s": np.array([b"cat", b"dog", b"emu"], object)}]
    check(tensorflow, tmp_path, layers_in_a_module, words, signature="words", minimum_segment_size=1)
    check(tensorflow, tmp_path, layers_in_a_module, ROWS * 2, signature="rows", minimum_segment_size=1)


def test_source_is_not_needed_any_more(tensorflow: Any, tmp_path: Path) -> None:
    check(tensorflow, tmp_path, functional, UNNAMED)
    x = ROWS[0]["x"]
    (wanted,) = tftrt.Model(tmp_path / "source")(x).values()
    shutil.move(tmp_path / "converted", tmp_path / "moved")
    shutil.rmtree(tmp_path / "source")
    (found,) = tftrt.Model(tmp_path / "moved")(x).values()
    assert np.array_equal(found, wanted)


def without_a_value(directory: str) -> None:
    """TensorFlow 1 does not save local variables."""
    import tensorflow as tf

    v1 = tf.compat.v1
    with tf.Graph().as_default(), v1.Session() as session:
        x = v1.placeholder(tf.float32, [None, 8], "x")
        kernel = v1.get_variable("kernel", initializer=weights(8, 8))
        local = v1.get_variable(
            "offset", initializer=1.0, collections=[v1.GraphKeys.LOCAL_VARIABLES], use_resource=True
        )
        y = tf.matmul(x, kernel) + local
        save_v1(directory, {"x": x}, {"y": y}, session)


def test_variable_without_a_value_is_an_error_at_load(tensorflow: Any, tmp_path: Path) -> None:
    tensorflow.call(without_a_value, str(tmp_path / "model"))
    with pytest.raises(
        tftrt.ModelError, match=r'reads the variable "offset", which neither its checkpoint nor an init'
    ):
        tftrt.Model(tmp_path / "model")


def damaged(directory: str) -> None:
    functional(directory)
    data = Path(directory) / "variables" / "variables.data-00000-of-00001"
    data.write_bytes(data.read_bytes()[:-2000])


def test_checkpoint_that_is_damaged_is_an_error_at_load(tensorflow: Any, tmp_path: Path) -> None:
    tensorflow.call(damaged, str(tmp_path / "model"))
    with pytest.raises(tftrt.ModelError):
        tftrt.Model(tmp_path / "model")


def convert_in_memory(directory: str, rows: np.ndarray) -> np.ndarray:
    """A module that holds a Keras model, and its function as an attribute of its own."""
    import keras
    import tensorflow as tf

    m = tf.Module()
    m.net = keras.Sequential([keras.Input((8,)), keras.layers.Dense(4, activation="relu"), keras.layers.Dense(2)])
    m.f = tf.function(lambda x: {"y": m.net(x)}, input_signature=[tf.TensorSpec([None, 8], name="x")])
    tftrt.convert(m, directory)
    return m.f(tf.constant(rows))["y"].numpy()  # type: ignore[no-any-return]


def test_module_in_memory(tensorflow: Any, tmp_path: Path) -> None:
    rows = ROWS[0]["x"]
    wanted = tensorflow.call(convert_in_memory, str(tmp_path / "converted"), rows)
    assert np.array_equal(tftrt.Model(tmp_path / "converted", "f")(rows)["y"], wanted)
