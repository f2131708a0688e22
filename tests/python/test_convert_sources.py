"""Conversion: every kind of source."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import models
from native_runner import SessionModel, read_graph, without_engines
from tftrt.converter import convert
from tftrt.errors import InvalidArgumentError, ModelError, UnsupportedError

X = np.random.default_rng(0).standard_normal((2, 4)).astype(np.float32)


def _run(directory: Path, inputs: dict[str, Any], signature: str = "serving_default") -> dict[str, np.ndarray]:
    native = without_engines(directory, directory.with_name(directory.name + "_native"))
    with SessionModel(native) as model:
        return model.run(inputs, signature)


def _graph_file(path: Path) -> Path:
    import tensorflow as tf

    with tf.Graph().as_default() as graph:
        x = tf.compat.v1.placeholder(tf.float32, [None, 4], name="x")
        tf.nn.relu(x * 2.0 + 1.0, name="y")
    path.write_bytes(graph.as_graph_def().SerializeToString())
    return path


@pytest.fixture
def module() -> Any:
    import tensorflow as tf

    class Module(tf.Module):
        def __init__(self) -> None:
            super().__init__()
            self.weights = tf.Variable(np.eye(4, dtype=np.float32) * 2)

        @tf.function(input_signature=[tf.TensorSpec([None, 4], tf.float32, name="x")])
        def __call__(self, x: Any) -> Any:
            return {"y": tf.nn.relu(tf.matmul(x, self.weights) + 1.0)}

        @tf.function(input_signature=[tf.TensorSpec([None, 4], tf.float32, name="x")])
        def negated(self, x: Any) -> Any:
            return {"y": tf.nn.relu(tf.matmul(-x, self.weights) + 1.0)}

        @tf.function
        def free(self, x: Any) -> Any:
            return tf.nn.relu(tf.matmul(x, self.weights) - 1.0)

    return Module()


@pytest.fixture(scope="module")
def keras_model() -> Any:
    import keras

    layers = keras.layers
    return keras.Sequential(
        [
            layers.Input((8, 8, 3), name="image"),
            layers.Conv2D(4, 3, activation="relu"),
            layers.BatchNormalization(),
            layers.GlobalAveragePooling2D(),
            layers.Dense(3, activation="softmax"),
        ]
    )


@pytest.mark.parametrize("suffix", [".keras", ".h5", None])
@pytest.mark.filterwarnings("ignore:You are saving your model as an HDF5 file")
def test_keras(keras_model: Any, tmp_path: Path, suffix: str | None) -> None:
    source: Any = keras_model
    if suffix:
        source = tmp_path / f"model{suffix}"
        keras_model.save(source)
    report = convert(source, tmp_path / "out", signatures=["serving_default"])
    assert report.source["kind"] == ("keras" if suffix else "memory")
    assert report.heavy_ops.converted == report.heavy_ops.total == 2
    image = np.random.default_rng(0).standard_normal((2, 8, 8, 3)).astype(np.float32)
    (key,) = read_graph(tmp_path / "out").signature_def["serving_default"].inputs
    (found,) = _run(tmp_path / "out", {key: image}).values()
    np.testing.assert_allclose(found, keras_model(image).numpy(), rtol=1e-5)


def test_keras_file_that_is_none(tmp_path: Path) -> None:
    (tmp_path / "model.keras").write_bytes(b"PK nothing")
    with pytest.raises(ModelError, match="that the installed Keras can load"):
        convert(tmp_path / "model.keras", tmp_path / "out")


def test_module(module: Any, tmp_path: Path) -> None:
    report = convert(module, tmp_path / "out")
    assert report.signatures == ["negated", "serving_default"]
    assert report.source["kind"] == "memory" and report.source["path"].endswith("Module")
    np.testing.assert_array_equal(_run(tmp_path / "out", {"x": X}, "negated")["y"], np.maximum(-2 * X + 1, 0))


def test_concrete_function(module: Any, tmp_path: Path) -> None:
    import tensorflow as tf

    convert(module.free.get_concrete_function(tf.TensorSpec([None, 4], tf.float32, name="x")), tmp_path / "out")
    np.testing.assert_array_equal(_run(tmp_path / "out", {"x": X})["output_0"], np.maximum(2 * X - 1, 0))


def test_objects_that_cannot_be_converted(module: Any, tmp_path: Path) -> None:
    import keras
    import tensorflow as tf

    for source, message in [
        (module.free, "get_concrete_function"),
        (tf.Module(), "input_signature"),
        (42, "found int"),
        (keras.Sequential([keras.layers.Dense(3)]), "built Keras model"),
    ]:
        with pytest.raises(InvalidArgumentError, match=message):
            convert(source, tmp_path / "out")
    table = tf.lookup.StaticHashTable(tf.lookup.KeyValueTensorInitializer(["a"], [1]), 0)
    function = tf.function(lambda x: table.lookup(x)).get_concrete_function(tf.TensorSpec([None], tf.string))
    with pytest.raises(UnsupportedError, match="cannot export"):
        convert(function, tmp_path / "out")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("inputs", "outputs", "keys"), [(["x:0"], ["y"], ("x", "y")), ({"a": "x:0"}, {"b": "y:0"}, ("a", "b"))]
)
def test_graph_def(tmp_path: Path, inputs: Any, outputs: Any, keys: tuple[str, str]) -> None:
    source = _graph_file(tmp_path / "model.pb")
    report = convert(source, tmp_path / "out", inputs=inputs, outputs=outputs)
    assert report.source["kind"] == "graph_def"
    assert len(report.engines) == 1
    np.testing.assert_array_equal(_run(tmp_path / "out", {keys[0]: X})[keys[1]], np.maximum(2 * X + 1, 0))


@pytest.mark.parametrize(
    ("inputs", "outputs", "message"),
    [
        (None, None, r"expected inputs=\[...\] and outputs=\[...\]"),
        (["x:0"], None, "no outputs"),
        (
            ["x:0"],
            ["z:0"],
            "outputs: .* found 'z:0'. Its placeholders are: x:0. Its tensors without consumers are: y:0",
        ),
        (["x:3"], ["y:0"], "inputs: .* found 'x:3'"),
    ],
)
def test_graph_def_names(tmp_path: Path, inputs: Any, outputs: Any, message: str) -> None:
    source = _graph_file(tmp_path / "model.pb")
    with pytest.raises(InvalidArgumentError, match=message):
        convert(source, tmp_path / "out", inputs=inputs, outputs=outputs)


def test_graph_def_as_text(tmp_path: Path) -> None:
    from google.protobuf import text_format
    from tensorflow.core.framework import graph_pb2

    graph = graph_pb2.GraphDef.FromString(_graph_file(tmp_path / "model.pb").read_bytes())
    (tmp_path / "model.pbtxt").write_text(text_format.MessageToString(graph))
    report = convert(tmp_path / "model.pbtxt", tmp_path / "out", inputs=["x"], outputs=["y"])
    assert report.source["kind"] == "graph_def"
    np.testing.assert_array_equal(_run(tmp_path / "out", {"x": X})["y"], np.maximum(2 * X + 1, 0))


def test_graph_def_in_memory(tmp_path: Path) -> None:
    import tensorflow as tf

    _graph_file(tmp_path / "model.pb")
    graph_def = tf.compat.v1.GraphDef.FromString((tmp_path / "model.pb").read_bytes())
    with tf.Graph().as_default() as graph:
        tf.graph_util.import_graph_def(graph_def, name="")
    for number, source in enumerate((graph_def, graph)):
        report = convert(source, tmp_path / f"out{number}", inputs=["x"], outputs={"b": "y"})
        assert report.source["kind"] == "memory" and report.source["path"] in ("GraphDef", "Graph")
        np.testing.assert_array_equal(_run(tmp_path / f"out{number}", {"x": X})["b"], np.maximum(2 * X + 1, 0))


@pytest.mark.parametrize("kind", [".pb", ".pbtxt", "memory"])
def test_graph_def_without_names(kind: str, tmp_path: Path) -> None:
    """The error names placeholders, and tensors that no node takes."""
    import tensorflow as tf

    v1 = tf.compat.v1
    with tf.Graph().as_default() as graph:
        x = v1.placeholder(tf.float32, [None, 4], name="image")
        scale = v1.placeholder_with_default(2.0, [], name="scale")
        y = tf.nn.relu(x * scale, name="relu")
        tf.nn.top_k(y, 2, name="best")
        tf.nn.softmax(y, name="probabilities")
        tf.no_op("nothing")
    source: Any = graph.as_graph_def()
    if kind != "memory":
        tf.io.write_graph(source, str(tmp_path), f"model{kind}", as_text=kind == ".pbtxt")
        source = tmp_path / f"model{kind}"
    inputs, outputs = "image:0, scale:0", "best:0, best:1, probabilities:0"
    with pytest.raises(InvalidArgumentError) as raised:
        convert(source, tmp_path / "out")
    assert f"Its placeholders are: {inputs}. Its tensors without consumers are: {outputs}." in str(raised.value)
    assert "inputs=['image:0'], outputs=['best:0']" in str(raised.value)
    with pytest.raises(InvalidArgumentError, match="found no outputs") as raised:
        convert(source, tmp_path / "out", inputs=["image", "scale"])
    assert outputs in str(raised.value) and inputs not in str(raised.value)
    with pytest.raises(InvalidArgumentError, match=r"all placeholders that the outputs need, found others: image:0\."):
        convert(source, tmp_path / "out", inputs=["scale"], outputs=["probabilities"])
    convert(source, tmp_path / "out", inputs=["relu"], outputs=["probabilities"])
    convert(source, tmp_path / "out", inputs=["image"], outputs=["probabilities"], overwrite=True)


def test_graph_def_with_variables(tmp_path: Path) -> None:
    import tensorflow as tf

    v1 = tf.compat.v1
    with tf.Graph().as_default() as graph:
        x = v1.placeholder(tf.float32, [None, 4], name="x")
        kernel = v1.get_variable("kernel", [4, 4])
        tf.matmul(x, kernel, name="y")
    with pytest.raises(ModelError, match="found variables without values: kernel"):
        convert(graph, tmp_path / "out", inputs=["x"], outputs=["y"])
    convert(graph, tmp_path / "out", inputs=["x"], outputs={"z": "x"})


def _save_keras_2_weights(path: str) -> None:
    import tf_keras

    tf_keras.Sequential([tf_keras.layers.Dense(3, input_shape=(4,))]).save_weights(path)


@pytest.mark.parametrize("keras", [2, 3])
def test_weights_without_a_model(keras: int, keras_model: Any, tmp_path: Path) -> None:
    source = tmp_path / "model.weights.h5"
    if keras == 3:
        keras_model.save_weights(source)
    else:
        _save_keras_2_weights(str(source))
    with pytest.raises(
        ModelError, match=r"found its weights alone, .* call model.load_weights\('.*model.weights.h5'\)"
    ):
        convert(source, tmp_path / "out")
    (tmp_path / "model.index").write_bytes(b"")
    with pytest.raises(InvalidArgumentError, match="found a checkpoint, which has weights and no model"):
        convert(tmp_path / "model.index", tmp_path / "out")


@pytest.mark.parametrize("suffix", [".pb", ".pbtxt"])
def test_graph_def_that_is_none(tmp_path: Path, suffix: str) -> None:
    for content in (b"\xff" * 100, b"no graph"):
        source = tmp_path / f"model{suffix}"
        source.write_bytes(content)
        with pytest.raises(ModelError, match="expected a serialised GraphDef"):
            convert(source, tmp_path / "out", inputs=["x"], outputs=["y"])


def test_other_tags(tmp_path: Path) -> None:
    source = models.tf1_variables(tmp_path / "source", tags=("serve", "gpu"))
    convert(source, tmp_path / "out", tags=["gpu", "serve"])
    assert set(read_graph(tmp_path / "out").meta_info_def.tags) == {"serve", "gpu"}


def test_assets_are_copied(tmp_path: Path) -> None:
    source = Path(models.vocabulary_file(tmp_path / "source", tmp_path / "words.txt"))
    (source / "assets.extra").mkdir()
    (source / "assets.extra/tf_serving_warmup_requests").write_bytes(b"warm")
    (tmp_path / "words.txt").unlink()
    convert(source, tmp_path / "out")
    assert (tmp_path / "out/assets/words.txt").read_text() == "red\ngreen\nblue\n"
    assert (tmp_path / "out/assets.extra/tf_serving_warmup_requests").read_bytes() == b"warm"
    assert _run(tmp_path / "out", {"words": np.array([b"blue"])})["ids"] == [12.0]


def test_mutable_table_keeps_its_content(tmp_path: Path) -> None:
    import tensorflow as tf

    class Scores(tf.Module):
        def __init__(self) -> None:
            super().__init__()
            self.table = tf.lookup.experimental.MutableHashTable(tf.string, tf.float32, -1.0)
            self.table.insert(["a", "b"], [3.0, 4.0])

        @tf.function(input_signature=[tf.TensorSpec([None], tf.string, name="keys")])
        def __call__(self, keys: Any) -> Any:
            return {"scores": self.table.lookup(keys)}

    scores = Scores()
    tf.saved_model.save(scores, str(tmp_path / "source"), signatures=scores.__call__)
    convert(tmp_path / "source", tmp_path / "out")
    found = _run(tmp_path / "out", {"keys": np.array([b"b", b"z", b"a"])})["scores"]
    np.testing.assert_array_equal(found, [4.0, -1.0, 3.0])


def test_source_fingerprint(tmp_path: Path) -> None:
    first = convert(models.cnn(tmp_path / "a"), tmp_path / "a_out").source["fingerprint"]
    again = convert(tmp_path / "a", tmp_path / "a_again").source["fingerprint"]
    other = convert(models.cnn(tmp_path / "b", seed=9), tmp_path / "b_out").source["fingerprint"]
    assert first == again != other
    assert first.startswith("sha256:") and len(first) == len("sha256:") + len(hashlib.sha256().hexdigest())
