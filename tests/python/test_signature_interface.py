"""Signatures as TensorFlow reads them: default values, shapes of placeholders, outputs that no call can return."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import models
import tftrt
from conftest import TensorFlow
from tftrt.cli import main

WEIGHTS = np.arange(16, dtype=np.float32).reshape(4, 4) / 8
X = np.array([[1, 2, 3, 4]], np.float32)


# Models, made in the process that has TensorFlow


def build(directory: str) -> list[str]:
    """Signatures with default values, and with outputs of every kind; returns the notes of the conversion."""
    import tensorflow as tf

    m = tf.Module()
    m.w = tf.Variable(WEIGHTS)
    m.counter = tf.Variable(0.0)
    matrix = tf.TensorSpec([None, 4], tf.float32, name="x")

    bias_default, scale_default = tf.constant([[1.0, 2, 3, 4]]), tf.constant(2.0)
    suffix_default, x_default = tf.constant(b"!"), tf.ones([1, 4])

    def scaled(x: Any, bias: Any = bias_default, scale: Any = scale_default) -> Any:
        return {"y": tf.nn.relu(x @ m.w) * scale + bias, "scale": tf.identity(scale)}

    def rows(x: Any, bias: Any = bias_default, scale: Any = scale_default) -> Any:
        return {"y": tf.nn.relu(x @ m.w) * scale + bias}

    def words(x: Any, suffix: Any = suffix_default) -> Any:
        return {"text": tf.strings.join([tf.strings.as_string(x), suffix])}

    def alone(x: Any = x_default) -> Any:
        return {"y": tf.nn.relu(x @ m.w) + 1.0}

    def mixed(x: Any) -> Any:
        y = tf.nn.relu(x @ m.w) + 1.0
        count = m.counter.assign_add(1.0)
        return {
            "y": y,
            "count": count,
            "ragged": tf.RaggedTensor.from_row_lengths(tf.reshape(y, [-1]), [4 * tf.shape(x)[0]]),
            "sparse": tf.sparse.from_dense(y),
            "variant": tf.raw_ops.TensorListFromTensor(tensor=y, element_shape=tf.constant([4])),
        }

    three = [matrix, tf.TensorSpec([None, 4], tf.float32, name="bias"), tf.TensorSpec([], tf.float32, name="scale")]
    signatures = {
        "scaled": tf.function(scaled, input_signature=three),
        "rows": tf.function(rows, input_signature=three),
        "words": tf.function(
            words, input_signature=[tf.TensorSpec([None], tf.int32, name="x"), tf.TensorSpec([], tf.string, "suffix")]
        ),
        "alone": tf.function(alone, input_signature=[matrix]),
        "mixed": tf.function(mixed, input_signature=[matrix]),
    }
    for name, function in signatures.items():
        setattr(m, name, function)
    tf.saved_model.save(m, f"{directory}/source", signatures=signatures)
    return tftrt.convert(f"{directory}/source", f"{directory}/converted").notes


def without_shapes(directory: str) -> None:
    """A TensorFlow 1 model in which no TensorInfo has a shape, nor one of its inputs a type."""
    import tensorflow as tf
    from tensorflow.core.protobuf import saved_model_pb2

    v1 = tf.compat.v1
    with tf.Graph().as_default(), v1.Session() as session:
        x = v1.placeholder(tf.float32, [None, 4], name="x")
        any_shape = v1.placeholder(tf.float32, name="any")
        decoded = tf.reshape(v1.decode_raw(v1.placeholder(tf.string, [None]), tf.float32), [-1, 4], name="decoded")
        y = tf.nn.relu(x @ tf.constant(WEIGHTS)) + any_shape + decoded
        v1.saved_model.simple_save(
            session, f"{directory}/source", {"x": x, "any": any_shape, "decoded": decoded}, {"y": y}
        )
    path = Path(directory, "source", "saved_model.pb")
    model = saved_model_pb2.SavedModel.FromString(path.read_bytes())
    signature = model.meta_graphs[0].signature_def["serving_default"]
    for info in [*signature.inputs.values(), *signature.outputs.values()]:
        info.ClearField("tensor_shape")
    signature.inputs["x"].ClearField("dtype")
    path.write_bytes(model.SerializeToString())
    tftrt.convert(f"{directory}/source", f"{directory}/converted")


def with_resource(directory: str) -> list[str]:
    """A TensorFlow 1 model with the handle of a variable and that of a table among its outputs."""
    import tensorflow as tf

    v1 = tf.compat.v1
    with tf.Graph().as_default(), v1.Session() as session:
        x = v1.placeholder(tf.float32, [None, 4], name="x")
        kernel = v1.get_variable("kernel", initializer=WEIGHTS, use_resource=True)
        table = tf.lookup.StaticHashTable(tf.lookup.KeyValueTensorInitializer([1, 2], [10.0, 20.0]), -1.0)
        y = tf.nn.relu(x @ kernel) + table.lookup(tf.cast(x, tf.int32))
        session.run([v1.global_variables_initializer(), v1.tables_initializer()])
        v1.saved_model.simple_save(
            session,
            f"{directory}/source",
            {"x": x},
            {"y": y, "handle": kernel.handle, "table": table.resource_handle},
            legacy_init_op=v1.tables_initializer(),
        )
    return tftrt.convert(f"{directory}/source", f"{directory}/converted").notes


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("signatures")


@pytest.fixture(scope="module")
def notes(tensorflow: TensorFlow, root: Path) -> list[str]:
    return tensorflow.call(build, str(root))


@pytest.fixture(scope="module", params=["source", "converted"])
def model(request: pytest.FixtureRequest, root: Path, notes: list[str]) -> Iterator[tftrt.Model]:
    with tftrt.Model(root / request.param, "scaled", device="cpu") as model:
        yield model


def scaled(x: np.ndarray, bias: Any = ((1, 2, 3, 4),), scale: float = 2) -> np.ndarray:
    return np.maximum(x @ WEIGHTS, 0) * np.float32(scale) + np.asarray(bias, np.float32)


# Default values


def test_calls_may_leave_inputs_out(model: tftrt.Model) -> None:
    defaults = {spec.name: spec.default for spec in model.inputs}
    assert defaults["x"] is None and defaults["scale"] == 2 and defaults["bias"].tolist() == [[1, 2, 3, 4]]
    for result in (model(X), model({"x": X}), model(x=X), model.run({"x": X}), model.run(x=X, timeout=60)):
        np.testing.assert_array_equal(result["y"], scaled(X))
    np.testing.assert_array_equal(model(x=X, scale=3.0)["y"], scaled(X, scale=3))
    np.testing.assert_array_equal(model.run({"x": X}, outputs=["y"])["y"], scaled(X))
    np.testing.assert_array_equal(asyncio.run(_in_a_loop(model))["y"], scaled(X))
    with pytest.raises(
        tftrt.InvalidArgumentError, match=r'input "x" .* is missing; .*scale: float32\[\] \(may be left'
    ):
        model(scale=3.0)


async def _in_a_loop(model: tftrt.Model) -> dict[str, np.ndarray]:
    return await model.run_async(x=X)


def test_other_signatures_have_defaults_too(model: tftrt.Model) -> None:
    words = model.with_signature("words")
    assert words(np.array([1, 2], np.int32))["text"].tolist() == [b"1!", b"2!"]
    assert words(x=np.array([1], np.int32), suffix="?")["text"].tolist() == [b"1?"]
    alone = model.with_signature("alone")
    expected = np.maximum(np.ones((1, 4), np.float32) @ WEIGHTS, 0) + 1
    for result in (alone(), alone({}), alone.run()):
        np.testing.assert_array_equal(result["y"], expected)
    np.testing.assert_array_equal(alone(X)["y"], np.maximum(X @ WEIGHTS, 0) + 1)


def test_bound_calls_have_copies_of_the_defaults(model: tftrt.Model) -> None:
    for runner in (model.bind(x=X), model.bind(x=(1, 4))):
        runner.inputs["x"][...] = X
        np.testing.assert_array_equal(runner.run()["y"], scaled(X))
        runner.inputs["scale"][...] = 5
        np.testing.assert_array_equal(runner.run()["y"], scaled(X, scale=5))
    assert model.bind(x=X, scale=()).inputs["scale"] == 0
    result = model(X)
    result["scale"][...] = 9
    model.inputs[1].default[...] = 9
    assert model(X)["scale"] == 2


def test_warm_up_uses_defaults(root: Path, notes: list[str]) -> None:
    with tftrt.Model(root / "source", "words", device="cpu", warmup=1) as model:
        assert model.stats()["calls"] == 0


def together(calls: list[Any]) -> list[dict[str, np.ndarray]]:
    """The results of calls that are made at the same time."""
    results: list[Any] = [None] * len(calls)

    def make(index: int) -> None:
        results[index] = calls[index]()

    threads = [threading.Thread(target=make, args=(index,)) for index in range(len(calls))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return results


def test_calls_that_leave_inputs_out_share_runs(
    root: Path, notes: list[str], capfd: pytest.CaptureFixture[str]
) -> None:
    """``bias`` has one row, as each of the calls, or is given; ``scale`` has no rows."""
    generator = np.random.default_rng(0)
    with tftrt.Model(root / "source", "rows", device="cpu", max_batch=4, max_wait_us=100_000) as model:
        for _ in range(5):
            rows = [generator.standard_normal((1, 4)).astype(np.float32) for _ in range(4)]
            found = together([lambda x=x: model(x=x) for x in rows])
            for x, result in zip(rows, found):
                np.testing.assert_allclose(result["y"], scaled(x), rtol=1e-5)
            pairs = [generator.standard_normal((2, 4)).astype(np.float32) for _ in range(2)]
            found = together([lambda x=x: model(x=x) for x in pairs])
            for x, result in zip(pairs, found):
                np.testing.assert_allclose(result["y"], scaled(x), rtol=1e-5)
            calls = [lambda x=x, s=s: model(x=x, scale=np.float32(s)) for s, x in enumerate(rows)]
            for scale, (x, result) in enumerate(zip(rows, together(calls))):
                np.testing.assert_allclose(result["y"], scaled(x, scale=scale), rtol=1e-5)
    assert "run one by one" not in capfd.readouterr().err


def with_default(directory: str) -> None:
    """A TensorFlow 1 model, as :func:`models.defaulted_input`, and one whose default is computed."""
    import tensorflow as tf

    models.defaulted_input(f"{directory}/source")
    tftrt.convert(f"{directory}/source", f"{directory}/converted")
    v1 = tf.compat.v1
    with tf.Graph().as_default(), v1.Session() as session:
        x = v1.placeholder(tf.float32, [None, 4], name="x")
        scale = v1.placeholder_with_default(tf.reduce_max(x), [], name="scale")
        v1.saved_model.simple_save(session, f"{directory}/computed", {"x": x, "scale": scale}, {"y": x * scale})


def test_placeholders_with_a_default(tensorflow: TensorFlow, tmp_path: Path) -> None:
    tensorflow.call(with_default, str(tmp_path))
    for kind in ("source", "converted"):
        with tftrt.Model(tmp_path / kind, device="cpu") as model:
            np.testing.assert_array_equal(model(X)["y"], X * 2 + 1)
            np.testing.assert_array_equal(model(x=X, scale=np.float32(3))["y"], X * 3 + 1)
    with tftrt.Model(tmp_path / "computed", device="cpu") as model:
        assert [spec.default for spec in model.inputs] == [None, None]


# Shapes


def test_a_shape_that_is_left_out_is_the_placeholders(tensorflow: TensorFlow, tmp_path: Path) -> None:
    tensorflow.call(without_shapes, str(tmp_path))
    for kind in ("source", "converted"):
        (signature,) = tftrt.inspect(tmp_path / kind).signatures
        shapes = {spec.name: spec.shape for spec in signature.inputs}
        assert shapes == {"any": None, "decoded": (-1, 4), "x": (-1, 4)}
        with tftrt.Model(tmp_path / kind, device="cpu") as model:
            assert [spec.dtype for spec in model.inputs] == [np.float32] * 3
            result = model({"x": X, "any": np.float32(1), "decoded": X})["y"]
            np.testing.assert_array_equal(result, np.maximum(X @ WEIGHTS, 0) + 1 + X)
            with pytest.raises(tftrt.InvalidArgumentError, match=r"expected x: float32\[\?, 4\]"):
                model({"x": X[0], "any": np.float32(1), "decoded": X})


# Outputs that no call can return


def test_dense_outputs_of_a_mixed_signature(model: tftrt.Model) -> None:
    mixed = model.with_signature("mixed")
    assert [spec.name for spec in mixed.outputs] == ["count", "y"]
    before = mixed(X)["count"]
    result = mixed(X)
    assert sorted(result) == ["count", "y"] and result["count"] == before + 1
    np.testing.assert_array_equal(result["y"], np.maximum(X @ WEIGHTS, 0) + 1)
    for name, reason in (("ragged", "it is ragged"), ("sparse", "it is sparse"), ("variant", "dtype variant")):
        with pytest.raises(tftrt.UnsupportedError, match=f'no call can return the output "{name}".*{reason}'):
            mixed.run({"x": X}, outputs=["y", name])
        with pytest.raises(tftrt.UnsupportedError, match="Its other outputs are count"):
            mixed.bind(x=X, outputs=[name])
    assert mixed(X)["count"] == before + 2


def test_the_report_and_inspect_name_them(root: Path, notes: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert [note for note in notes if "do not return" in note] == [
        "calls of 'mixed' do not return the output 'ragged': it is ragged",
        "calls of 'mixed' do not return the output 'sparse': it is sparse",
        "calls of 'mixed' do not return the output 'variant': it has TensorFlow's dtype variant, which has no equal "
        "outside TensorFlow",
    ]
    for kind in ("source", "converted"):
        signatures = {signature.name: signature for signature in tftrt.inspect(root / kind).signatures}
        assert list(signatures["mixed"].unavailable) == ["ragged", "sparse", "variant"]
        assert signatures["mixed"].unsupported == "" and signatures["scaled"].unavailable == {}
        assert main(["inspect", str(root / kind)]) == 0
        shown = capsys.readouterr().out
        assert "no call returns ragged: it is ragged" in shown
        assert "scale: float32[] = 2.0 if left out" in shown and "suffix: string[] = ! if left out" in shown
        assert main(["inspect", str(root / kind), "--json"]) == 0
        assert '"default": "!"' in capsys.readouterr().out


def test_handles_of_resources(tensorflow: TensorFlow, tmp_path: Path) -> None:
    notes = tensorflow.call(with_resource, str(tmp_path))
    assert ["'handle'" in note or "'table'" in note for note in notes if "do not return" in note] == [True, True]
    x = np.array([[1, 2, 3, 1]], np.float32)
    expected = np.maximum(x @ WEIGHTS, 0) + np.array([[10, 20, -1, 10]])
    for kind in ("source", "converted"):
        with tftrt.Model(tmp_path / kind, device="cpu") as model:
            np.testing.assert_array_equal(model(x)["y"], expected)
            with pytest.raises(tftrt.UnsupportedError, match="dtype resource"):
                model.run({"x": x}, outputs=["handle"])


def only_ragged(directory: str) -> None:
    """A signature that has no dense output, beside one that has."""
    import tensorflow as tf

    m = tf.Module()
    m.w = tf.Variable(WEIGHTS)
    matrix = [tf.TensorSpec([None, 4], tf.float32, name="x")]
    m.ragged = tf.function(lambda x: {"r": tf.RaggedTensor.from_tensor(x @ m.w)}, input_signature=matrix)
    m.dense = tf.function(lambda x: {"y": tf.nn.relu(x @ m.w) + 1.0}, input_signature=matrix)
    tf.saved_model.save(m, directory, signatures={"ragged": m.ragged, "dense": m.dense})


def convert(source: str, destination: str) -> list[dict[str, Any]]:
    return tftrt.convert(source, destination).to_dict()["checks"]


@pytest.mark.parametrize(("name", "reason"), [("only_ragged", '"r": it is ragged'), ("sparse", '"tensor" is sparse')])
def test_signatures_that_cannot_be_called_convert(
    name: str, reason: str, tensorflow: TensorFlow, exported: Callable[[str], Path], tmp_path: Path
) -> None:
    source = exported("sparse") if name == "sparse" else tmp_path / "source"
    if name == "only_ragged":
        tensorflow.call(only_ragged, str(source))
    dense, other = tensorflow.call(convert, str(source), str(tmp_path / "out"))
    assert dense["loaded"] and not other["loaded"]
    assert other["reason"].startswith("calls through tftrt are not possible") and reason in other["reason"]
    with tftrt.Model(tmp_path / "out", "dense", device="cpu") as model:
        assert sorted(model.signatures) == sorted(["dense", other["signature"]])
        with pytest.raises(tftrt.UnsupportedError, match=reason):
            model.with_signature(other["signature"])


def test_the_command_line_leaves_them_out(root: Path, notes: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["run", str(root / "converted"), "--random", "--signature", "scaled", "--device", "cpu", "--json"]) == 0
    shown = capsys.readouterr().out
    assert '"y"' in shown
    assert main(["verify", str(root / "converted"), "--against", str(root / "source"), "--signature", "scaled"]) == 0
