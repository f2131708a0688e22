"""Keras 3 and Keras 2 models, saved in every way."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from cases import Inputs, save, weights
from lazy import keras, tf
from registry import ROWS, WIDTH, array, ids, model, spec


def _calls(name: str, *shape: int) -> list[Inputs]:
    return [{name: weights(count, *shape, seed=seed)} for seed, count in enumerate(ROWS)]


INPUTS = _calls("inputs", WIDTH)


def _net() -> Any:
    keras.utils.set_random_seed(3)
    given = keras.Input((WIDTH,), name="inputs")
    y = keras.layers.Dense(6, activation="relu")(given)
    y = keras.layers.LayerNormalization()(keras.layers.BatchNormalization()(y))
    return keras.Model(given, [keras.layers.Dense(3, activation="softmax")(y), keras.layers.Rescaling(2.0)(y)])


@model(calls=INPUTS)
def keras_3_saved_model(directory: str) -> None:
    """A functional model that tf.saved_model.save writes."""
    tf.saved_model.save(_net(), directory)


@model(calls=INPUTS)
def keras_3_export(directory: str) -> None:
    _net().export(directory, verbose=False)


@model(calls=INPUTS)
def keras_3_in_memory(directory: str) -> Any:
    net = _net()
    net.export(directory, verbose=False)
    return net


@model(calls=INPUTS)
def keras_3_file(directory: str) -> Any:
    return _to_file(directory, ".keras")


@model(calls=INPUTS)
def keras_3_h5_file(directory: str) -> Any:
    return _to_file(directory, ".h5")


def _to_file(directory: str, suffix: str) -> str:
    """What the reference is exported from is the file, too."""
    import logging

    path = str(Path(directory).with_name(f"model{suffix}"))
    net = _net()
    absl = logging.getLogger("absl")
    level = absl.level
    absl.setLevel(logging.ERROR)
    try:
        net.save(path)
        keras.models.load_model(path, compile=False).export(directory, verbose=False)
    finally:
        absl.setLevel(level)
    return path


@model(calls=_calls("x", WIDTH))
def keras_3_sequential(directory: str) -> None:
    """With a signature of its own, and layers that were called in training."""
    keras.utils.set_random_seed(3)
    net = keras.Sequential([keras.Input((WIDTH,)), keras.layers.Dense(6), keras.layers.BatchNormalization()])
    net.add(keras.layers.Dropout(0.5))
    net(weights(4, WIDTH), training=True)
    function = tf.function(lambda x: {"y": tf.nn.relu(net(x)) + 1.0, "n": tf.shape(x, out_type=tf.int64)})
    tf.saved_model.save(net, directory, signatures=function.get_concrete_function(spec(None, WIDTH)))


@model(calls=_calls("x", 5, WIDTH))
def keras_3_subclassed(directory: str) -> None:
    """A recurrent layer, masking and a bidirectional one."""
    keras.utils.set_random_seed(3)

    class Tagger(keras.Model):
        def __init__(self) -> None:
            super().__init__()
            self.mask, self.dense = keras.layers.Masking(), keras.layers.Dense(3)
            self.lstm = keras.layers.Bidirectional(keras.layers.LSTM(4, return_sequences=True))
            self.gru = keras.layers.GRU(4)

        def call(self, x: Any) -> Any:
            return self.dense(self.gru(self.lstm(self.mask(x))))

    net = Tagger()
    net(np.zeros((2, 5, WIDTH), np.float32))
    function = tf.function(lambda x: {"y": net(x)}, input_signature=[spec(None, 5, WIDTH)])
    tf.saved_model.save(net, directory, signatures=function)


@model(calls=_calls("x", WIDTH))
def keras_3_layers_in_a_module(directory: str) -> None:
    """In a loop and a branch, beside TensorFlow's variables."""
    keras.utils.set_random_seed(3)
    m = tf.Module()
    m.dense, m.scale = keras.layers.Dense(WIDTH), tf.Variable(1.5)
    m.table = keras.layers.Embedding(6, WIDTH)
    m.dense.build((None, WIDTH))
    m.table.build(None)

    def f(x: Any) -> dict[str, Any]:
        body = lambda i, v: (i + 1, tf.tanh(m.dense(v)) + m.table(ids(v, 6)))  # noqa: E731
        y = tf.while_loop(lambda i, v: i < 2, body, (0, x))[1]
        y = tf.cond(y[0, 0] > 0.0, lambda: m.dense(y), lambda: m.table(ids(y, 6)))
        return {"y": tf.nn.relu(m.dense(y)) * m.scale, "z": y}

    save(m, directory, tf.function(f, input_signature=[spec(None, WIDTH)]))


@model(calls=_calls("x", WIDTH), state=True)
def keras_3_with_a_counter(directory: str) -> None:
    keras.utils.set_random_seed(3)
    m = tf.Module()
    m.dense, m.count = keras.layers.Dense(WIDTH), keras.Variable(0.0)
    m.dense.build((None, WIDTH))

    def f(x: Any) -> dict[str, Any]:
        m.count.assign_add(1.0)
        y = tf.nn.relu(m.dense(x)) * m.count
        return {"y": tf.nn.relu(m.dense(y)), "count": m.count * 1.0}

    save(m, directory, tf.function(f, input_signature=[spec(None, WIDTH)]))


@model(calls=_calls("inputs", 4, WIDTH), product="BatchMatMulV2")
def keras_3_attention(directory: str) -> None:
    keras.utils.set_random_seed(3)
    given = keras.Input((4, WIDTH), name="inputs")
    y = keras.layers.MultiHeadAttention(2, 4)(given, given, use_causal_mask=True)
    y = keras.layers.LayerNormalization()(y + given)
    net = keras.Model(given, keras.layers.GlobalAveragePooling1D()(keras.layers.Dense(WIDTH, "gelu")(y)))
    tf.saved_model.save(net, directory)


@model(calls=_calls("inputs", 8, 8, 3), product="Conv2D")
def keras_3_convolutions(directory: str) -> None:
    """A small U-Net behind rescaling."""
    keras.utils.set_random_seed(3)
    layers = keras.layers
    given = keras.Input((8, 8, 3), name="inputs")
    first = layers.Conv2D(4, 3, padding="same", activation="relu")(layers.Rescaling(1 / 255.0)(given))
    y = layers.SeparableConv2D(8, 3, padding="same", activation="relu")(layers.MaxPooling2D()(first))
    y = layers.Conv2DTranspose(4, 3, strides=2, padding="same")(layers.BatchNormalization()(y))
    y = layers.concatenate([layers.UpSampling2D(interpolation="bilinear")(layers.AveragePooling2D(2)(y)), first])
    net = keras.Model(given, layers.Conv2D(1, 1, activation="sigmoid")(layers.GroupNormalization(4)(y)))
    net.export(directory, verbose=False)


@model(calls=[{"word": array(*[[b"cat"], [b"yak"], [b""]][:n]).reshape(n, 1), "x": weights(n, 1)} for n in ROWS])
def keras_3_preprocessing(directory: str) -> None:
    """Look-ups, buckets, normalisation and one-hot layers in front of a network."""
    keras.utils.set_random_seed(3)
    layers = keras.layers
    word, x = keras.Input((1,), dtype="string", name="word"), keras.Input((1,), name="x")
    lookup = layers.StringLookup(vocabulary=["cat", "dog"], output_mode="one_hot")
    vectors = layers.Embedding(9, 4)(layers.Hashing(9)(word))
    buckets = layers.Discretization([-0.5, 0.5], output_mode="one_hot")
    parts = [lookup(word), layers.Flatten()(vectors), buckets(x), layers.Normalization(mean=0.5, variance=2.0)(x)]
    net = keras.Model([word, x], layers.Dense(3)(layers.Concatenate()(parts)))
    function = tf.function(lambda word, x: {"y": tf.nn.relu(net([word, x])), "word": tf.strings.upper(word)})
    given = [spec(None, 1, dtype="string", name="word"), spec(None, 1)]
    tf.saved_model.save(net, directory, signatures=function.get_concrete_function(*given))


def _net_2() -> Any:
    import tf_keras

    tf_keras.utils.set_random_seed(3)
    given = tf_keras.Input((WIDTH,), name="inputs")
    y = tf_keras.layers.BatchNormalization()(tf_keras.layers.Dense(6, activation="relu")(given))
    return tf_keras.Model(given, [tf_keras.layers.Dense(3)(y), tf.nn.relu(y) * 2.0])


@model(calls=INPUTS, keras_2=True)
def keras_2_saved_model(directory: str) -> None:
    """As model.save writes it, with all functions of its layers."""
    _net_2().save(directory, save_format="tf")


@model(calls=INPUTS, keras_2=True)
def keras_2_file(directory: str) -> Any:
    return _to_file_2(directory, ".keras")


@model(calls=INPUTS, keras_2=True)
def keras_2_h5_file(directory: str) -> Any:
    return _to_file_2(directory, ".h5")


@model(calls=INPUTS, keras_2=True)
def keras_2_in_memory(directory: str) -> Any:
    net = _net_2()
    net.export(directory)
    return net


def _to_file_2(directory: str, suffix: str) -> str:
    import warnings

    path = str(Path(directory).with_name(f"model{suffix}"))
    net = _net_2()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        net.save(path)
    net.export(directory)
    return path


@model(calls=_calls("inputs", 5, WIDTH), keras_2=True)
def keras_2_recurrent(directory: str) -> None:
    """Its cells are functions that a GPU would have kernels for."""
    import tf_keras

    tf_keras.utils.set_random_seed(3)
    layers = tf_keras.layers
    given = tf_keras.Input((5, WIDTH), name="inputs")
    tf.saved_model.save(tf_keras.Model(given, layers.Dense(3)(layers.LSTM(4)(given))), directory)
