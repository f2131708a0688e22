"""The models of the GPU tests: each builder writes a SavedModel into a directory.

Weights come from seeded generators. TensorFlow is imported inside the builders, which run in a process of their own
(factory.py).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from . import samples

__all__ = [
    "bert",
    "bert_base",
    "bert_base_checked",
    "bert_by_shape",
    "checked",
    "cnn",
    "cnn_checked",
    "digits",
    "efficientnetb0",
    "lookup",
    "mobilenetv2",
    "pair",
    "qdq",
    "recurrent",
    "resnet50",
    "split",
    "two_signatures",
    "wide",
]

IMAGE = (16, 16, 3)
HIDDEN = -10000.0  # as in BERT; FP16 has no -1e9


@dataclass(frozen=True)
class Encoder:
    """Sizes of a BERT-like encoder; with no ``length`` it takes sentences of any."""

    width: int
    layers: int
    heads: int
    positions: int
    words: int
    length: int | None = None


BERT = Encoder(width=256, layers=4, heads=4, positions=512, words=samples.WORDS)
BERT_BASE = Encoder(
    width=768, layers=12, heads=12, positions=samples.LENGTH, words=samples.VOCABULARY, length=samples.LENGTH
)


def _weights(seed: int, *shape: int) -> Any:
    return (np.random.default_rng(seed).standard_normal(shape) / np.sqrt(np.prod(shape[:-1]) / 2)).astype(np.float32)


def _save(module: Any, directory: str, signatures: dict[str, Any]) -> None:
    import tensorflow as tf

    tf.saved_model.save(module, directory, signatures=signatures)


def _convolutions(x: Any, weights: list[Any]) -> Any:
    import tensorflow as tf

    for number, weight in enumerate(weights):
        x = tf.nn.relu(tf.nn.conv2d(x, weight, 1 + number % 2, "SAME") + 0.01 * (number + 1))
    return tf.reduce_mean(x, [1, 2])


def _small_weights() -> tuple[list[Any], Any]:
    import tensorflow as tf

    kernels = [_weights(1, 3, 3, 3, 16), _weights(2, 3, 3, 16, 16), _weights(3, 3, 3, 16, 32)]
    return [tf.Variable(kernel) for kernel in kernels], tf.Variable(_weights(4, 32, 10))


def cnn(directory: str) -> None:
    """Three convolutions and a dense layer, one engine: ``image`` [-1, 16, 16, 3] -> ``logits`` [-1, 10]."""
    import tensorflow as tf

    module = tf.Module()
    module.kernels, module.dense = _small_weights()

    @tf.function(input_signature=[tf.TensorSpec([None, *IMAGE], tf.float32, name="image")])
    def call(image: Any) -> Any:
        return {"logits": tf.matmul(_convolutions(image, module.kernels), module.dense)}

    _save(module, directory, {"serving_default": call})


def cnn_checked(directory: str) -> None:
    """The same behind a check that all of ``image`` are numbers."""
    import tensorflow as tf

    module = tf.Module()
    module.kernels, module.dense = _small_weights()

    @tf.function(input_signature=[tf.TensorSpec([None, *IMAGE], tf.float32, name="image")])
    def call(image: Any) -> Any:
        image = tf.debugging.check_numerics(image, "image")
        return {"logits": tf.matmul(_convolutions(image, module.kernels), module.dense)}

    _save(module, directory, {"serving_default": call})


def two_signatures(directory: str) -> None:
    """``serving_default``: ``image`` -> ``logits``; ``embed``: ``image`` -> ``features`` [-1, 32]."""
    import tensorflow as tf

    module = tf.Module()
    module.kernels, module.dense = _small_weights()
    spec = tf.TensorSpec([None, *IMAGE], tf.float32, name="image")

    @tf.function(input_signature=[spec])
    def classify(image: Any) -> Any:
        return {"logits": tf.matmul(_convolutions(image, module.kernels), module.dense)}

    @tf.function(input_signature=[spec])
    def embed(image: Any) -> Any:
        return {"features": tf.tanh(_convolutions(image, module.kernels))}

    _save(module, directory, {"serving_default": classify, "embed": embed})


def split(directory: str) -> None:
    """Two engines with an op between that TF-TRT leaves out: ``image`` -> ``logits`` [-1, 10], ``size`` int32 [1]."""
    import tensorflow as tf

    module = tf.Module()
    module.kernels, module.dense = _small_weights()

    @tf.function(input_signature=[tf.TensorSpec([None, *IMAGE], tf.float32, name="image")])
    def call(image: Any) -> Any:
        x = tf.cumsum(_convolutions(image, module.kernels), axis=1)
        return {
            "logits": tf.tanh(tf.matmul(tf.nn.relu(x - 1.0), module.dense) * 0.01),
            "size": tf.shape(image)[:1],
        }

    _save(module, directory, {"serving_default": call})


def pair(directory: str) -> None:
    """Two inputs that are free in both dimensions: ``a``, ``b`` [-1, -1] -> ``y``."""
    import tensorflow as tf

    @tf.function(
        input_signature=[
            tf.TensorSpec([None, None], tf.float32, name="a"),
            tf.TensorSpec([None, None], tf.float32, name="b"),
        ]
    )
    def call(a: Any, b: Any) -> Any:
        return {"y": tf.tanh(a * 1.5 + b) * tf.nn.relu(b - 0.5) + a}

    _save(tf.Module(), directory, {"serving_default": call})


def lookup(directory: str) -> None:
    """Integers go into the engine: ``ids`` int32 [-1, 12] -> ``y`` [-1, 16], through a gather and a cast."""
    import tensorflow as tf

    module = tf.Module()
    module.table = tf.Variable(_weights(1, samples.WORDS, 32) * np.float32(10))
    module.dense = tf.Variable(_weights(2, 32, 16))

    @tf.function(input_signature=[tf.TensorSpec([None, 12], tf.int32, name="ids")])
    def call(ids: Any) -> Any:
        x = tf.gather(module.table, ids) * (1.0 + tf.cast(ids, tf.float32)[:, :, None] * 1e-3)
        return {"y": tf.tanh(tf.matmul(tf.reduce_mean(tf.nn.relu(x), 1), module.dense))}

    _save(module, directory, {"serving_default": call})


def checked(directory: str) -> None:
    """The same behind checks of the inputs: ``ids`` are words, and ``scale`` float32 [-1, 16] is a number."""
    import tensorflow as tf

    module = tf.Module()
    module.table = tf.Variable(_weights(1, samples.WORDS, 32) * np.float32(10))
    module.dense = tf.Variable(_weights(2, 32, 16))
    specs = [tf.TensorSpec([None, 12], tf.int32, name="ids"), tf.TensorSpec([None, 16], tf.float32, name="scale")]

    @tf.function(input_signature=specs)
    def call(ids: Any, scale: Any) -> Any:
        tf.debugging.assert_less(ids, samples.WORDS, "no such word")
        scale = tf.debugging.check_numerics(scale, "scale")
        x = tf.reduce_mean(tf.nn.relu(tf.gather(module.table, ids)), 1)
        return {"y": tf.tanh(tf.matmul(x, module.dense) * scale)}

    _save(module, directory, {"serving_default": call})


def counting(directory: str) -> None:
    """Counts its calls, each with a sum above zero: ``x`` [-1, 16] -> ``y`` [-1, 16], ``calls`` float32."""
    import tensorflow as tf

    module = tf.Module()
    module.dense = tf.Variable(_weights(1, 16, 16))
    module.calls = tf.Variable(0.0)

    @tf.function(input_signature=[tf.TensorSpec([None, 16], tf.float32, name="x")])
    def call(x: Any) -> Any:
        tf.debugging.assert_positive(tf.reduce_sum(x), "nothing to count")
        calls = module.calls.assign_add(1.0)
        x = tf.cumsum(tf.nn.relu(tf.matmul(x, module.dense)) + 0.5, 1)
        return {"y": tf.tanh(tf.matmul(x, module.dense) * 0.01), "calls": calls + 0.0}

    _save(module, directory, {"serving_default": call})


def lengths(directory: str) -> None:
    """A number for each row goes into an engine: ``x`` [-1, 16], ``length`` int32 [-1] -> ``y`` [-1, 16]."""
    import tensorflow as tf

    module = tf.Module()
    module.dense = tf.Variable(_weights(1, 16, 16))
    specs = [tf.TensorSpec([None, 16], tf.float32, name="x"), tf.TensorSpec([None], tf.int32, name="length")]

    @tf.function(input_signature=specs)
    def call(x: Any, length: Any) -> Any:
        scale = tf.cast(length * 2 + 1, tf.float32)[:, None]
        return {"y": tf.tanh(tf.matmul(x, module.dense) * scale * 0.01)}

    _save(module, directory, {"serving_default": call})


def backwards(directory: str) -> None:
    """Between two engines what TensorRT cannot build: ``x`` [-1, 16] -> ``y`` [-1, 16]."""
    import tensorflow as tf

    module = tf.Module()
    module.dense = tf.Variable(_weights(1, 16, 16))

    @tf.function(input_signature=[tf.TensorSpec([None, 16], tf.float32, name="x")])
    def call(x: Any) -> Any:
        x = tf.nn.selu(tf.matmul(x, module.dense)[:, ::-1])
        return {"y": tf.tanh(tf.matmul(x, module.dense) * 0.01)}

    _save(module, directory, {"serving_default": call})


def recurrent(directory: str) -> None:
    """A cell, one engine: ``state`` [-1, 16] -> ``next`` [-1, 16], the next call's state, and ``y`` [-1, 16].

    ``extremes`` is a signature with ``none`` [-1, 16], zeros, and ``best`` int64 [-1], the index of their maximum.
    """
    import tensorflow as tf

    module = tf.Module()
    module.kernels = [tf.Variable(_weights(number, 16, 16)) for number in (1, 2)]
    spec = [tf.TensorSpec([None, 16], tf.float32, name="state")]

    @tf.function(input_signature=spec)
    def call(state: Any) -> Any:
        new = tf.tanh(tf.matmul(state, module.kernels[0])) + state * 0.5
        return {"next": new, "y": tf.nn.relu(tf.matmul(state, module.kernels[1]) + 0.5)}

    @tf.function(input_signature=spec)
    def extremes(state: Any) -> Any:
        none = tf.nn.relu(tf.matmul(state, module.kernels[1]) - 100.0)
        return {"none": none, "best": tf.argmax(none, 1)}

    _save(module, directory, {"serving_default": call, "extremes": extremes})


def wide(directory: str) -> None:
    """Convolutions of many sizes, which take TensorRT time: ``image`` [-1, 32, 32, 16] -> ``y`` [-1, 384]."""
    import tensorflow as tf

    channels = [16, 48, 64, 96, 128, 160, 192, 224, 256, 320, 384]
    module = tf.Module()
    module.kernels = [tf.Variable(_weights(i, 3, 3, *pair)) for i, pair in enumerate(zip(channels, channels[1:]))]

    @tf.function(input_signature=[tf.TensorSpec([None, 32, 32, 16], tf.float32, name="image")])
    def call(image: Any) -> Any:
        x = image
        for number, kernel in enumerate(module.kernels):
            x = tf.nn.relu(tf.nn.conv2d(x, kernel, 2 if number == 5 else 1, "SAME"))
        return {"y": tf.reduce_mean(x, [1, 2])}

    _save(module, directory, {"serving_default": call})


def digits(directory: str) -> None:
    """A CNN trained here on scikit-learn's digits: ``image`` [-1, 8, 8, 1] -> ``logits`` [-1, 10]."""
    import keras
    from keras import layers

    keras.utils.set_random_seed(1)
    model = keras.Sequential(
        [
            keras.Input((8, 8, 1)),
            layers.Conv2D(16, 3, padding="same", activation="relu"),
            layers.Conv2D(32, 3, padding="same", activation="relu", strides=2),
            layers.Conv2D(64, 3, padding="same", activation="relu"),
            layers.GlobalAveragePooling2D(),
            layers.Dense(10),
        ]
    )
    model.compile("adam", keras.losses.SparseCategoricalCrossentropy(from_logits=True))
    images, labels, _, _ = samples.digits()
    model.optimizer.learning_rate = 3e-3
    model.fit(images, labels, batch_size=32, epochs=25, verbose=0)
    _save_keras(model, directory, (8, 8, 1))


def qdq(directory: str) -> None:
    """``cnn`` as quantisation-aware training leaves it: ranges on activations and weights, in the graph."""
    import tensorflow as tf

    module = tf.Module()
    module.kernels, module.dense = _small_weights()

    def quantize(x: Any, limit: float) -> Any:
        # Symmetric and with given ranges: the only kind that TF-TRT takes.
        return tf.quantization.quantize_and_dequantize_v2(
            x, -limit, limit, signed_input=True, num_bits=8, range_given=True
        )

    @tf.function(input_signature=[tf.TensorSpec([None, *IMAGE], tf.float32, name="image")])
    def call(image: Any) -> Any:
        x = image
        for number, kernel in enumerate(module.kernels):
            x = tf.nn.conv2d(quantize(x, 5.0), quantize(kernel, 1.0), 1 + number % 2, "SAME")
            x = tf.nn.relu(x + 0.01 * (number + 1))
        return {"logits": tf.matmul(tf.reduce_mean(quantize(x, 5.0), [1, 2]), module.dense)}

    _save(module, directory, {"serving_default": call})


def _save_keras(model: Any, directory: str, shape: tuple[int, ...]) -> None:
    import tensorflow as tf

    module = tf.Module()
    module.weights = [weight.value for weight in model.weights]

    @tf.function(input_signature=[tf.TensorSpec([None, *shape], tf.float32, name="image")])
    def call(image: Any) -> Any:
        return {"logits": model(image, training=False)}

    tf.saved_model.save(
        module,
        directory,
        signatures={"serving_default": call},
        options=tf.saved_model.SaveOptions(experimental_custom_gradients=False),
    )


def _application(directory: str, name: str, pictures: Any) -> None:
    """An untrained network whose every layer keeps its signal: batch norms have the statistics of some pictures."""
    import keras

    keras.utils.set_random_seed(1)
    model = getattr(keras.applications, name)(weights=None, classifier_activation=None)
    generator = np.random.default_rng(2)
    for layer in model.layers:
        if isinstance(layer, keras.layers.BatchNormalization):
            layer.momentum = 0.0
            layer.gamma.assign(generator.uniform(0.5, 1.5, layer.gamma.shape))
            layer.beta.assign(generator.normal(0, 0.1, layer.beta.shape))
    model(pictures, training=True)
    _save_keras(model, directory, (224, 224, 3))


def resnet50(directory: str) -> None:
    """``image`` [-1, 224, 224, 3] -> ``logits`` [-1, 1000]."""
    _application(directory, "ResNet50", samples.picture(16, seed=99)["image"])


def mobilenetv2(directory: str) -> None:
    """``image`` [-1, 224, 224, 3] -> ``logits`` [-1, 1000]."""
    _application(directory, "MobileNetV2", samples.picture(16, seed=99)["image"])


def efficientnetb0(directory: str) -> None:
    """``image`` [-1, 224, 224, 3], of 0 to 255 -> ``logits`` [-1, 1000]."""
    _application(directory, "EfficientNetB0", samples.pixels(16, seed=99)["image"])


def bert(directory: str) -> None:
    """A BERT-like encoder: ``ids``, ``mask`` int32 [-1, -1] -> ``hidden`` [-1, -1, 256], ``pooled`` [-1, 256].

    Heads by einsum, as in Keras and TensorFlow's model garden.
    """
    _encoder(directory, BERT, _attend, _expand)


def bert_base(directory: str) -> None:
    """The same in BERT-base's sizes: ``ids``, ``mask`` int32 [-1, 128] -> ``hidden`` [-1, 128, 768], ``pooled``.

    12 layers, 12 heads, 3072 wide inside, 30522 words; like ``bert`` without biases, gains and segments. Positions are
    a constant, and the mask is looked up in a table: so all of it goes into one engine.
    """
    _encoder(directory, BERT_BASE, _attend, _expand)


def bert_base_checked(directory: str) -> None:
    """The same behind a check that all ``ids`` are words."""
    _encoder(directory, BERT_BASE, _attend, _expand, checks=True)


def _attend(sizes: Encoder, x: Any, bias: Any, project: Any, merge: Any) -> Any:
    import tensorflow as tf

    def split(weight: Any) -> Any:
        return tf.einsum("abc,cde->abde", x, tf.reshape(weight, [sizes.width, sizes.heads, -1]))

    query, key, value = (split(weight) for weight in tf.split(project, 3, axis=1))
    scores = tf.einsum("aecd,abcd->acbe", key, query) * (sizes.width // sizes.heads) ** -0.5
    y = tf.einsum("acbe,aecd->abcd", tf.nn.softmax(scores + bias), value)
    return tf.einsum("abcd,cde->abe", y, tf.reshape(merge, [sizes.heads, -1, sizes.width]))


def _expand(sizes: Encoder, x: Any, widen: Any, narrow: Any) -> Any:
    import tensorflow as tf

    return tf.einsum("abd,de->abe", _gelu(tf.einsum("abc,cd->abd", x, widen)), narrow)


def bert_by_shape(directory: str) -> None:
    """``bert``, with heads by reshaping to ``tf.shape``, as in Hugging Face's: engines get shapes as inputs."""
    import tensorflow as tf

    def attend(sizes: Encoder, x: Any, bias: Any, project: Any, merge: Any) -> Any:
        batch, length = tf.unstack(tf.shape(x)[:2])
        y = tf.matmul(tf.reshape(x, [-1, sizes.width]), project)
        y = tf.reshape(y, [batch, length, 3, sizes.heads, sizes.width // sizes.heads])
        query, key, value = tf.unstack(tf.transpose(y, [2, 0, 3, 1, 4]))
        scores = tf.matmul(query, key, transpose_b=True) * (sizes.width // sizes.heads) ** -0.5
        y = tf.transpose(tf.matmul(tf.nn.softmax(scores + bias), value), [0, 2, 1, 3])
        return tf.reshape(tf.matmul(tf.reshape(y, [-1, sizes.width]), merge), [batch, length, sizes.width])

    def expand(sizes: Encoder, x: Any, widen: Any, narrow: Any) -> Any:
        y = _gelu(tf.matmul(tf.reshape(x, [-1, sizes.width]), widen))
        return tf.reshape(tf.matmul(y, narrow), tf.shape(x))

    _encoder(directory, BERT, attend, expand)


def _gelu(x: Any) -> Any:
    import tensorflow as tf

    return 0.5 * x * (1.0 + tf.tanh(0.7978845608 * (x + 0.044715 * x * x * x)))


def _normalise(x: Any) -> Any:
    import tensorflow as tf

    mean = tf.reduce_mean(x, -1, keepdims=True)
    return (x - mean) * tf.math.rsqrt(tf.reduce_mean(tf.square(x - mean), -1, keepdims=True) + 1e-5)


def _encoder(
    directory: str, sizes: Encoder, attend: Callable[..., Any], expand: Callable[..., Any], *, checks: bool = False
) -> None:
    import tensorflow as tf

    width = sizes.width
    shapes = [(width, 3 * width), (width, width), (width, 4 * width), (4 * width, width)]
    module = tf.Module()
    # The same deviations for any number of rows.
    words, positions = 20 * np.sqrt(sizes.words / 1000), 5 * np.sqrt(sizes.positions / 512)
    module.words = tf.Variable(_weights(1, sizes.words, width) * np.float32(words))
    module.positions = tf.Variable(_weights(2, sizes.positions, width) * np.float32(positions))
    module.layers = [
        [tf.Variable(_weights(10 * layer + i, *shape)) for i, shape in enumerate(shapes)]
        for layer in range(1, sizes.layers + 1)
    ]
    spec = [None, sizes.length]

    @tf.function(input_signature=[tf.TensorSpec(spec, tf.int32, name=name) for name in ("ids", "mask")])
    def call(ids: Any, mask: Any) -> Any:
        if checks:
            tf.debugging.assert_less(ids, sizes.words, "no such word")
        positions = module.positions
        if sizes.length is None:
            positions = tf.gather(positions, tf.cumsum(tf.ones_like(ids), axis=1, exclusive=True))
        x = _normalise(tf.gather(module.words, ids) + positions)
        if sizes.length is None:
            bias = (1.0 - tf.cast(mask, tf.float32))[:, None, None, :] * HIDDEN
        else:
            # TF-TRT converts no cast from integers and no slice that adds dimensions. The table is as long as the
            # vocabulary, so that benchmarks' random integers are in it.
            table = np.zeros(sizes.words, np.float32)
            table[0] = HIDDEN
            bias = tf.reshape(tf.gather(table, mask), [-1, 1, 1, sizes.length])
        for project, merge, widen, narrow in module.layers:
            x = _normalise(x + attend(sizes, x, bias, project, merge))
            x = _normalise(x + expand(sizes, x, widen, narrow))
        return {"hidden": x, "pooled": tf.tanh(x[:, 0])}

    _save(module, directory, {"serving_default": call})
