"""Small models for tests: each builder writes a SavedModel into a directory and returns that directory.

All weights come from seeded numpy generators, so that two builds of a model compute the same values.
TensorFlow is imported inside the builders: importing this module is cheap.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

__all__ = [
    "branching",
    "cast_integers",
    "channels_first",
    "cnn",
    "compiled_by_xla",
    "counter",
    "defaulted_input",
    "encoder",
    "fed_intermediate",
    "lstm",
    "no_inputs",
    "passthrough",
    "scalar",
    "shared_weights",
    "string_lookup",
    "tf1_loop",
    "tf1_variables",
    "vocabulary_file",
]


def _weights(seed: int, *shape: int) -> Any:
    return (np.random.default_rng(seed).standard_normal(shape) / np.sqrt(max(1, np.prod(shape[:-1])))).astype(
        np.float32
    )


def _save(module: Any, directory: str | Path, signatures: dict[str, Any]) -> str:
    import tensorflow as tf

    tf.saved_model.save(module, str(directory), signatures=signatures)
    return str(directory)


def cnn(directory: str | Path, *, seed: int = 0, image: int = 8, channels: int = 8) -> str:
    """Two convolutions, a mean and a dense layer.

    ``image`` float32 [-1, image, image, 3] -> ``probabilities`` [-1, 4].
    """
    import tensorflow as tf

    class Cnn(tf.Module):
        def __init__(self) -> None:
            super().__init__()
            self.first = tf.Variable(_weights(seed, 3, 3, 3, channels), name="first")
            self.second = tf.Variable(_weights(seed + 1, 3, 3, channels, channels), name="second")
            self.dense = tf.Variable(_weights(seed + 2, channels, 4), name="dense")
            self.bias = tf.Variable(_weights(seed + 3, 4), name="bias")

        @tf.function(input_signature=[tf.TensorSpec([None, image, image, 3], tf.float32, name="image")])
        def __call__(self, image: Any) -> Any:
            x = tf.nn.relu(tf.nn.conv2d(image, self.first, 1, "SAME"))
            x = tf.nn.relu(tf.nn.conv2d(x, self.second, 2, "VALID"))
            x = tf.reduce_mean(x, [1, 2])
            return {"probabilities": tf.nn.softmax(tf.matmul(x, self.dense) + self.bias)}

    model = Cnn()
    return _save(model, directory, {"serving_default": model.__call__})


def encoder(directory: str | Path, *, layers: int = 2, width: int = 16, heads: int = 2, words: int = 50) -> str:
    """A BERT-like encoder.

    ``ids`` and ``mask`` int32 [-1, -1] -> ``hidden`` float32 [-1, -1, width], ``pooled``.
    """
    import tensorflow as tf

    depth = width // heads

    class Encoder(tf.Module):
        def __init__(self) -> None:
            super().__init__()
            self.words = tf.Variable(_weights(1, words, width), name="words")
            self.positions = tf.Variable(_weights(2, 64, width), name="positions")
            self.layers = []
            for layer in range(layers):
                shapes = [(width, 3 * width), (width, width), (width, 4 * width), (4 * width, width)]
                self.layers.append(
                    [tf.Variable(_weights(10 * layer + i, *s), name=f"l{layer}_{i}") for i, s in enumerate(shapes)]
                )

        @staticmethod
        def normalise(x: Any) -> Any:
            mean, variance = tf.nn.moments(x, [-1], keepdims=True)
            return (x - mean) * tf.math.rsqrt(variance + 1e-6)

        @tf.function(
            input_signature=[
                tf.TensorSpec([None, None], tf.int32, name="ids"),
                tf.TensorSpec([None, None], tf.int32, name="mask"),
            ]
        )
        def __call__(self, ids: Any, mask: Any) -> Any:
            batch, length = tf.unstack(tf.shape(ids))
            x = tf.gather(self.words, ids) + self.positions[None, :length]
            bias = (1.0 - tf.cast(mask, tf.float32))[:, None, None, :] * -1e9
            for project, merge, widen, narrow in self.layers:
                y = tf.reshape(tf.matmul(tf.reshape(x, [-1, width]), project), [batch, length, 3, heads, depth])
                query, key, value = tf.unstack(tf.transpose(y, [2, 0, 3, 1, 4]))
                scores = tf.nn.softmax(tf.matmul(query, key, transpose_b=True) * depth**-0.5 + bias)
                y = tf.reshape(tf.transpose(tf.matmul(scores, value), [0, 2, 1, 3]), [-1, width])
                x = self.normalise(x + tf.reshape(tf.matmul(y, merge), [batch, length, width]))
                y = tf.nn.gelu(tf.einsum("blw,wv->blv", x, widen))
                x = self.normalise(x + tf.einsum("blv,vw->blw", y, narrow))
            return {"hidden": x, "pooled": tf.tanh(x[:, 0])}

    model = Encoder()
    return _save(model, directory, {"serving_default": model.__call__})


def lstm(directory: str | Path, *, units: int = 8, width: int = 4) -> str:
    """An LSTM as a functional While.

    ``sequence`` float32 [-1, -1, width] -> ``state`` float32 [-1, units].
    """
    import tensorflow as tf

    class Lstm(tf.Module):
        def __init__(self) -> None:
            super().__init__()
            self.kernel = tf.Variable(_weights(1, width + units, 4 * units), name="kernel")
            self.out = tf.Variable(_weights(2, units, units), name="out")

        @tf.function(input_signature=[tf.TensorSpec([None, None, width], tf.float32, name="sequence")])
        def __call__(self, sequence: Any) -> Any:
            steps = tf.transpose(sequence, [1, 0, 2])
            h = tf.zeros([tf.shape(sequence)[0], units])
            c = tf.zeros_like(h)
            for step in tf.range(tf.shape(steps)[0]):
                gates = tf.matmul(tf.concat([steps[step], h], 1), self.kernel)
                i, j, f, o = tf.split(gates, 4, axis=1)
                c = tf.sigmoid(f) * c + tf.sigmoid(i) * tf.tanh(j)
                h = tf.sigmoid(o) * tf.tanh(c)
            return {"state": tf.nn.relu(tf.matmul(h, self.out) * 2.0 + 1.0)}

    model = Lstm()
    return _save(model, directory, {"serving_default": model.__call__})


def string_lookup(directory: str | Path, *, width: int = 8) -> str:
    """A string table and an embedding.

    ``words`` string [-1] -> ``vectors`` float32 [-1, width], ``loud`` string [-1].
    """
    import tensorflow as tf

    class Lookup(tf.Module):
        def __init__(self) -> None:
            super().__init__()
            keys = tf.constant(["a", "b", "c"])
            initializer = tf.lookup.KeyValueTensorInitializer(keys, tf.constant([0, 1, 2], tf.int64))
            self.table = tf.lookup.StaticHashTable(initializer, 3)
            self.embedding = tf.Variable(_weights(1, 4, width), name="embedding")
            self.dense = tf.Variable(_weights(2, width, width), name="dense")

        @tf.function(input_signature=[tf.TensorSpec([None], tf.string, name="words")])
        def __call__(self, words: Any) -> Any:
            x = tf.gather(self.embedding, self.table.lookup(words))
            return {
                "vectors": tf.nn.relu(tf.matmul(x, self.dense) * 2.0 + 1.0),
                "loud": tf.strings.join([words, "!"]),
            }

    model = Lookup()
    return _save(model, directory, {"serving_default": model.__call__})


def vocabulary_file(directory: str | Path, vocabulary: str | Path) -> str:
    """A table filled from an asset, written to ``vocabulary`` first.

    ``words`` string [-1] -> ``ids`` float32 [-1].
    """
    import tensorflow as tf

    Path(vocabulary).write_text("red\ngreen\nblue\n", encoding="utf-8")

    class Vocabulary(tf.Module):
        def __init__(self) -> None:
            super().__init__()
            initializer = tf.lookup.TextFileInitializer(
                str(vocabulary),
                tf.string,
                tf.lookup.TextFileIndex.WHOLE_LINE,
                tf.int64,
                tf.lookup.TextFileIndex.LINE_NUMBER,
            )
            self.table = tf.lookup.StaticHashTable(initializer, -1)

        @tf.function(input_signature=[tf.TensorSpec([None], tf.string, name="words")])
        def __call__(self, words: Any) -> Any:
            x = tf.cast(self.table.lookup(words), tf.float32)
            return {"ids": tf.nn.relu(x * 3.0 + 7.0) - 1.0}

    model = Vocabulary()
    return _save(model, directory, {"serving_default": model.__call__})


def shared_weights(directory: str | Path, *, channels: int = 8) -> str:
    """Signatures ``classify``, ``again`` (the same), ``features`` (part of it) and ``lengths`` (strings)."""
    import tensorflow as tf

    image = tf.TensorSpec([None, 8, 8, 3], tf.float32, name="image")

    class Shared(tf.Module):
        def __init__(self) -> None:
            super().__init__()
            self.conv = tf.Variable(_weights(0, 3, 3, 3, channels), name="conv")
            self.dense = tf.Variable(_weights(1, channels, 4), name="dense")

        @tf.function(input_signature=[image])
        def features(self, image: Any) -> Any:
            x = tf.nn.relu(tf.nn.conv2d(image, self.conv, 1, "SAME") * 2.0)
            return {"features": tf.reduce_mean(x, [1, 2])}

        @tf.function(input_signature=[image])
        def classify(self, image: Any) -> Any:
            return {"scores": tf.nn.softmax(tf.matmul(self.features(image)["features"], self.dense))}

        @tf.function(input_signature=[tf.TensorSpec([None], tf.string, name="text")])
        def lengths(self, text: Any) -> Any:
            return {"lengths": tf.strings.length(text)}

    model = Shared()
    signatures = {
        "classify": model.classify,
        "again": model.classify,
        "features": model.features,
        "lengths": model.lengths,
    }
    return _save(model, directory, signatures)


def counter(directory: str | Path) -> str:
    """State that calls change.

    ``add``: ``x`` [-1, 4] -> ``y``, ``count`` int64; ``read``: no inputs -> ``count``.
    """
    import tensorflow as tf

    class Counter(tf.Module):
        def __init__(self) -> None:
            super().__init__()
            self.count = tf.Variable(5, dtype=tf.int64, name="count", trainable=False)
            self.dense = tf.Variable(_weights(1, 4, 4), name="dense")

        @tf.function(input_signature=[tf.TensorSpec([None, 4], tf.float32, name="x")])
        def add(self, x: Any) -> Any:
            self.count.assign_add(1)
            y = tf.nn.relu(tf.matmul(x, self.dense) * 2.0 + 1.0)
            return {"y": y, "count": self.count.read_value()}

        @tf.function(input_signature=[])
        def read(self) -> Any:
            return {"count": self.count.read_value()}

    model = Counter()
    return _save(model, directory, {"add": model.add, "read": model.read})


def no_inputs(directory: str | Path) -> str:
    """A signature with no inputs. -> ``table`` float32 [3, 3]."""
    import tensorflow as tf

    class NoInputs(tf.Module):
        def __init__(self) -> None:
            super().__init__()
            self.table = tf.Variable(_weights(1, 3, 3), name="table")

        @tf.function(input_signature=[])
        def __call__(self) -> Any:
            return {"table": tf.nn.relu(self.table * 2.0 + 1.0)}

    model = NoInputs()
    return _save(model, directory, {"serving_default": model.__call__})


def scalar(directory: str | Path) -> str:
    """Scalars in and out. ``x`` float32 [] -> ``y`` float32 []."""
    import tensorflow as tf

    class Scalar(tf.Module):
        @tf.function(input_signature=[tf.TensorSpec([], tf.float32, name="x")])
        def __call__(self, x: Any) -> Any:
            return {"y": tf.sqrt(tf.nn.relu(x * 2.0) + 1.0)}

    model = Scalar()
    return _save(model, directory, {"serving_default": model.__call__})


def compiled_by_xla(directory: str | Path) -> str:
    """``x`` float32 [-1, 2] -> ``y``, the same without what is negative."""
    import tensorflow as tf

    class Compiled(tf.Module):
        @tf.function(jit_compile=True, input_signature=[tf.TensorSpec([None, 2], tf.float32, name="x")])
        def relu(self, x: Any) -> dict[str, Any]:
            return {"y": tf.nn.relu(x)}

    module = Compiled()
    return _save(module, directory, {"serving_default": module.relu})


def passthrough(directory: str | Path) -> str:
    """An output that is an input. ``x`` float32 [-1, 4] -> ``same`` (x itself), ``y``."""
    import tensorflow as tf

    class Passthrough(tf.Module):
        @tf.function(input_signature=[tf.TensorSpec([None, 4], tf.float32, name="x")])
        def __call__(self, x: Any) -> Any:
            return {"same": x, "y": tf.nn.relu(x * 2.0 + 1.0)}

    model = Passthrough()
    return _save(model, directory, {"serving_default": model.__call__})


def branching(directory: str | Path) -> str:
    """Functional While and If. ``x`` float32 [-1, 4], ``steps`` int32 [], ``up`` bool [] -> ``y`` [-1, 4]."""
    import tensorflow as tf

    class Branching(tf.Module):
        def __init__(self) -> None:
            super().__init__()
            self.dense = tf.Variable(_weights(1, 4, 4), name="dense")

        @tf.function(
            input_signature=[
                tf.TensorSpec([None, 4], tf.float32, name="x"),
                tf.TensorSpec([], tf.int32, name="steps"),
                tf.TensorSpec([], tf.bool, name="up"),
            ]
        )
        def __call__(self, x: Any, steps: Any, up: Any) -> Any:
            for _ in tf.range(steps):
                x = tf.tanh(tf.matmul(x, self.dense) * 2.0 + 1.0)
            if up:  # noqa: SIM108 (AutoGraph makes a tf.cond of it)
                y = tf.nn.relu(tf.matmul(x, self.dense) + 3.0)
            else:
                y = tf.nn.relu(x - 3.0) * 0.5
            return {"y": y}

    model = Branching()
    return _save(model, directory, {"serving_default": model.__call__})


def channels_first(directory: str | Path, *, channels: int = 8) -> str:
    """Channels-first convolutions. ``image`` float32 [-1, 3, 8, 8] -> ``y`` float32 [-1, channels, 8, 8].

    TensorFlow runs it on a GPU, and on a CPU only where oneDNN takes it.
    """
    import tensorflow as tf

    class ChannelsFirst(tf.Module):
        def __init__(self) -> None:
            super().__init__()
            self.kernel = tf.Variable(_weights(0, 3, 3, 3, channels), name="kernel")

        @tf.function(input_signature=[tf.TensorSpec([None, 3, 8, 8], tf.float32, name="image")])
        def __call__(self, image: Any) -> Any:
            x = tf.nn.conv2d(image, self.kernel, 1, "SAME", data_format="NCHW")
            return {"y": tf.nn.relu(x * 2.0 + 1.0)}

    model = ChannelsFirst()
    return _save(model, directory, {"serving_default": model.__call__})


def cast_integers(directory: str | Path) -> str:
    """Integers that float16 cannot hold. ``n`` int32 [-1, 4] -> ``y`` float32 [-1, 4], about 2 n + 1."""
    import tensorflow as tf

    class Casting(tf.Module):
        @tf.function(input_signature=[tf.TensorSpec([None, 4], tf.int32, name="n")])
        def __call__(self, n: Any) -> Any:
            return {"y": tf.nn.relu(tf.cast(n, tf.float32) * 2.0 + 1.0)}

    model = Casting()
    return _save(model, directory, {"serving_default": model.__call__})


def _save_graph(
    directory: str | Path,
    session: Any,
    inputs: dict[str, Any],
    outputs: dict[str, Any],
    name: str = "serving_default",
    tags: tuple[str, ...] = ("serve",),
) -> str:
    import tensorflow as tf

    v1 = tf.compat.v1
    builder = v1.saved_model.Builder(str(directory))
    info = v1.saved_model.build_tensor_info
    signature = v1.saved_model.build_signature_def(
        {k: info(v) for k, v in inputs.items()},
        {k: info(v) for k, v in outputs.items()},
        v1.saved_model.signature_constants.PREDICT_METHOD_NAME,
    )
    builder.add_meta_graph_and_variables(
        session, list(tags), signature_def_map={name: signature}, main_op=v1.tables_initializer()
    )
    builder.save()
    return str(directory)


def tf1_loop(directory: str | Path) -> str:
    """A TF1 while loop (Enter, Merge, Switch, ...).

    ``x`` float32 [-1, 4], ``steps`` int32 [] -> ``y`` [-1, 4].
    """
    import tensorflow as tf

    v1 = tf.compat.v1
    with tf.Graph().as_default(), v1.Session(config=v1.ConfigProto(device_count={"GPU": 0})) as session:
        enabled = v1.control_flow_v2_enabled()
        v1.disable_control_flow_v2()
        try:
            x = v1.placeholder(tf.float32, [None, 4], name="x")
            steps = v1.placeholder(tf.int32, [], name="steps")
            kernel = v1.get_variable("kernel", initializer=_weights(1, 4, 4), use_resource=False)
            loop = v1.while_loop(
                lambda i, _: i < steps,
                lambda i, y: (i + 1, tf.tanh(tf.matmul(y, kernel) * 2.0 + 1.0)),
                [0, x],
                shape_invariants=[tf.TensorShape([]), tf.TensorShape([None, 4])],
            )
            y = tf.nn.relu(tf.matmul(loop[1], kernel) * 0.5, name="y")
        finally:
            if enabled:
                v1.enable_control_flow_v2()
        session.run(v1.global_variables_initializer())
        return _save_graph(directory, session, {"x": x, "steps": steps}, {"y": y})


def tf1_variables(directory: str | Path, tags: tuple[str, ...] = ("serve",)) -> str:
    """TF1 reference variables, one of them assigned in the call.

    ``x`` [-1, 4] -> ``y`` [-1, 4], ``calls`` int32 [].
    """
    import tensorflow as tf

    v1 = tf.compat.v1
    with tf.Graph().as_default(), v1.Session(config=v1.ConfigProto(device_count={"GPU": 0})) as session:
        x = v1.placeholder(tf.float32, [None, 4], name="x")
        kernel = v1.get_variable("kernel", initializer=_weights(1, 4, 4), use_resource=False)
        calls = v1.get_variable("calls", initializer=np.int32(0), use_resource=False, trainable=False)
        y = tf.nn.relu(tf.matmul(x, kernel) * 2.0 + 1.0, name="y")
        count = v1.assign_add(calls, 1, name="count")
        session.run(v1.global_variables_initializer())
        return _save_graph(directory, session, {"x": x}, {"y": y, "calls": count}, tags=tags)


def fed_intermediate(directory: str | Path) -> str:
    """A TF1 signature whose input is a computed tensor. ``decoded`` float32 [-1, 4] -> ``y`` [-1, 4]."""
    import tensorflow as tf

    v1 = tf.compat.v1
    with tf.Graph().as_default(), v1.Session(config=v1.ConfigProto(device_count={"GPU": 0})) as session:
        raw = v1.placeholder(tf.string, [None], name="raw")
        decoded = tf.reshape(v1.decode_raw(raw, tf.float32), [-1, 4], name="decoded")
        y = tf.nn.relu(decoded * 2.0 + 1.0, name="y")
        return _save_graph(directory, session, {"decoded": decoded}, {"y": y})


def defaulted_input(directory: str | Path) -> str:
    """A TF1 input with a default.

    ``x`` float32 [-1, 4], ``scale`` float32 [] (2 if left out) -> ``y`` [-1, 4].
    """
    import tensorflow as tf

    v1 = tf.compat.v1
    with tf.Graph().as_default(), v1.Session(config=v1.ConfigProto(device_count={"GPU": 0})) as session:
        x = v1.placeholder(tf.float32, [None, 4], name="x")
        scale = v1.placeholder_with_default(np.float32(2.0), [], name="scale")
        y = tf.nn.relu(x * scale + 1.0, name="y")
        return _save_graph(directory, session, {"x": x, "scale": scale}, {"y": y})
