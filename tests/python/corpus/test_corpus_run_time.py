"""Ops that depend on variables and captured constants alone have TensorFlow's bits, with oneDNN on and off."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from cases import check, ops, reasons, save, weights

import tftrt

Values = Callable[..., Any]
"""Makes a variable or a captured constant of a shape: the same for the same shape."""


def positive(*shape: int) -> np.ndarray:
    return np.abs(weights(*shape)) + np.float32(0.5)


def contractions(v: Values) -> dict[str, Callable[[], Any]]:
    import tensorflow as tf

    raw, image, kernel, volume = tf.raw_ops, v(2, 17, 19, 8), v(3, 3, 8, 12), v(2, 7, 8, 9, 4)
    a, b, a3, b3, out = v(37, 65), v(65, 41), v(3, 37, 65), v(3, 65, 41), v(2, 17, 19, 12)
    ones, sizes = [1, 1, 1, 1], [3, 3, 8, 12]
    return {
        "matmul": lambda: a @ b,
        "matmul_transposed": lambda: tf.matmul(a, tf.transpose(b), transpose_b=True),
        "matmul_bias": lambda: tf.nn.relu(tf.nn.bias_add(a @ b, v(41))),
        "matmul_gelu": lambda: tf.nn.gelu(tf.nn.bias_add(a @ b, v(41))),
        "matmul_half": lambda: tf.cast(tf.cast(a, tf.float16) @ tf.cast(b, tf.float16), tf.float32),
        "matmul_bfloat16": lambda: tf.cast(tf.cast(a, tf.bfloat16) @ tf.cast(b, tf.bfloat16), tf.float32),
        "matmul_double": lambda: tf.cast(a, tf.float64) @ tf.cast(b, tf.float64),
        "batch_matmul": lambda: raw.BatchMatMul(x=a3, y=b3),
        "batch_matmul_v2": lambda: raw.BatchMatMulV2(x=a3, y=b3) * 0.125 + 1.0,
        "batch_matmul_v3": lambda: raw.BatchMatMulV3(x=a3, y=b3, Tout=tf.float32),
        "einsum": lambda: tf.einsum("bij,bjk->bik", a3, b3),
        "conv2d": lambda: tf.nn.conv2d(image, kernel, 1, "SAME"),
        "conv2d_bias": lambda: tf.nn.relu(tf.nn.bias_add(tf.nn.conv2d(image, kernel, 1, "VALID"), v(12))),
        "conv2d_pad": lambda: tf.nn.conv2d(tf.pad(image, [[0, 0], [1, 1], [1, 1], [0, 0]]), kernel, 2, "VALID"),
        "conv2d_input": lambda: tf.nn.conv2d_transpose(out, kernel, [2, 17, 19, 8], 1),
        "conv2d_filter": lambda: raw.Conv2DBackpropFilter(
            input=image, filter_sizes=sizes, out_backprop=out, strides=ones, padding="SAME"
        ),
        "depthwise": lambda: tf.nn.depthwise_conv2d(image, v(3, 3, 8, 2), ones, "SAME"),
        "conv3d": lambda: tf.nn.conv3d(volume, v(3, 3, 3, 4, 6), [1] * 5, "SAME"),
        "conv3d_input": lambda: tf.nn.conv3d_transpose(v(2, 7, 8, 9, 6), v(3, 3, 3, 4, 6), [2, 7, 8, 9, 4], [1] * 5),
        "after_others": lambda: tf.nn.softmax((a * 1.5) @ b) - tf.reduce_mean(b),
    }


def others(v: Values) -> dict[str, Callable[[], Any]]:
    import tensorflow as tf

    raw, image, volume, a = tf.raw_ops, v(2, 17, 19, 8), v(2, 7, 8, 9, 4), v(37, 65)
    norm = {"scale": positive(8), "offset": v(8), "mean": v(8), "variance": positive(8)}
    empty: dict[str, Any] = {"mean": [], "variance": []}
    window: dict[str, Any] = {"ksize": [1, 3, 3, 1], "strides": [1, 2, 2, 1], "padding": "SAME"}
    pooled = v(2, 9, 10, 8)

    def one_read() -> Any:
        return a * 1.5

    def layer_norm(x: Any, scale: Any, offset: Any) -> Any:
        mean, variance = tf.nn.moments(x, [-1], keepdims=True)
        return tf.nn.batch_normalization(x, mean, variance, offset, scale, 1e-5)

    def shifted_norm(x: Any) -> Any:
        x -= tf.reduce_mean(x, -1, keepdims=True)
        factor = tf.math.rsqrt(tf.reduce_mean(tf.square(x), -1, keepdims=True) + 1e-5) * v(65)
        return x * factor + v(65)

    def keras_norm(x: Any) -> Any:
        x = tf.reshape(x, [1, 65, 1, 37])
        y = raw.FusedBatchNormV3(x=x, scale=tf.fill([37], 1.0), offset=tf.fill([37], 0.0), **empty)[0]
        return tf.reshape(y, [37, 65]) * v(65) + v(65)

    return {
        "softmax": lambda: tf.nn.softmax(a),
        "log_softmax": lambda: tf.nn.log_softmax(a),
        "lrn": lambda: tf.nn.lrn(image),
        "max_pool": lambda: tf.nn.max_pool2d(image, 3, 2, "SAME"),
        "avg_pool": lambda: tf.nn.avg_pool2d(image, 3, 2, "SAME"),
        "max_pool3d": lambda: tf.nn.max_pool3d(volume, 3, 2, "SAME"),
        "avg_pool3d": lambda: tf.nn.avg_pool3d(volume, 3, 2, "SAME"),
        "avg_pool_grad": lambda: raw.AvgPoolGrad(orig_input_shape=[2, 17, 19, 8], grad=pooled, **window),
        "max_pool_grad": lambda: raw.MaxPoolGrad(
            orig_input=image, orig_output=tf.nn.max_pool2d(image, 3, 2, "SAME"), grad=pooled, **window
        ),
        "batch_norm": lambda: raw.FusedBatchNorm(x=image, **norm, is_training=False)[0],
        "batch_norm_v2": lambda: raw.FusedBatchNormV2(x=image, **norm, is_training=False)[0],
        "batch_norm_v3": lambda: tf.nn.relu(raw.FusedBatchNormV3(x=image, **norm, is_training=False)[0]),
        "batch_norm_training": lambda: raw.FusedBatchNormV3(x=image, scale=positive(8), offset=v(8), **empty)[0],
        "swish": lambda: (lambda x: x * tf.sigmoid(x))(one_read()),
        "mish": lambda: (lambda x: x * tf.tanh(tf.math.softplus(x)))(one_read()),
        "leaky_relu": lambda: (lambda x: tf.maximum(x, x * 0.3))(one_read()),
        "layer_norm": lambda: layer_norm(one_read(), v(65), v(65)),
        "layer_norm_literal": lambda: layer_norm(one_read(), tf.constant(weights(65)), tf.constant(weights(65))),
        "shifted_norm": lambda: shifted_norm(one_read()),
        "keras_norm": lambda: keras_norm(one_read()),
        "dequantize": lambda: raw.Dequantize(
            input=raw.QuantizeV2(input=a, min_range=-3.0, max_range=3.0, T=tf.qint8, mode="SCALED")[0],
            min_range=-3.0,
            max_range=3.0,
            mode="SCALED",
        ),
        "transpose": lambda: tf.transpose(a),
        "concat": lambda: tf.concat([a, a * 2.0], 1),
        "tanh": lambda: tf.tanh(a),
        "log1p": lambda: tf.math.log(tf.abs(a) + 1.0),
        "normalised": lambda: tf.math.l2_normalize(a, 1),
        "sum": lambda: tf.add_n([a, a * 1.1, a * 0.3, a * 0.7]),
    }


def alone(directory: str, *, captured: bool) -> None:
    import tensorflow as tf

    m = tf.Module()
    m.k = tf.Variable(weights(8, 8))
    made: dict[tuple[int, ...], Any] = {}

    def value(*shape: int) -> Any:
        if shape not in made:
            made[shape] = tf.constant(weights(*shape)) if captured else tf.Variable(weights(*shape))
        return made[shape]

    functions = {**contractions(value), **others(value)}
    for function in functions.values():
        function()  # Makes the variables, outside the signature.
    m.made = list(made.values())

    @tf.function(input_signature=[tf.TensorSpec([], name="one"), tf.TensorSpec([None, 8], name="x")], autograph=False)
    def f(one: Any, x: Any) -> Any:
        found = {name: (lambda y: y * tf.cast(one, y.dtype))(function()) for name, function in functions.items()}
        return {**found, "x": tf.nn.relu(x @ m.k) @ m.k + 1.0}

    save(m, directory, f)


def convert(captured: bool, root: str) -> dict[str, Any]:
    alone(f"{root}/source", captured=captured)
    return tftrt.convert(f"{root}/source", f"{root}/converted").to_dict()


INPUTS = {"one": np.float32(1), "x": weights(4, 8)}

TENSORFLOW = """
import sys
import numpy as np
import tensorflow as tf
inputs, results, source = sys.argv[1:]
function = tf.saved_model.load(source).signatures["serving_default"]
with np.load(inputs) as arrays:
    found = function(**{name: tf.constant(arrays[name]) for name in arrays})
np.savez(results, **{name: value.numpy() for name, value in found.items()})
"""

TFTRT = """
import sys
import numpy as np
import tftrt
inputs, results, *paths = sys.argv[1:]
with np.load(inputs) as arrays:
    given = dict(arrays)
found = {}
for number, path in enumerate(paths):
    for executor in ("single", "parallel"):
        with tftrt.Model(path, device="cpu", executor=executor) as model:
            found |= {f"{path}, {executor}, {name}": value for name, value in model.run(given).items()}
np.savez(results, **found)
"""


@pytest.mark.parametrize("captured", [False, True], ids=["variables", "captured"])
def test_same_bits_with_and_without_onednn(
    tensorflow: Any, tmp_path: Path, python: Callable[..., Any], captured: bool
) -> None:
    report = tensorflow.call(convert, captured, str(tmp_path))
    assert "MatMul" in ops(report)
    for op in ("BatchMatMul", "Conv2D", "Einsum", "FusedBatchNormV3", "Softmax"):
        assert "depends on constants alone" in reasons(report, op)
    np.savez(tmp_path / "inputs.npz", **INPUTS)
    differ: set[str] = set()
    bits: list[dict[str, bytes]] = []
    for onednn in ("0", "1"):
        files = [tmp_path / f"{name}_{onednn}.npz" for name in ("wanted", "found")]
        python(TENSORFLOW, tmp_path / "inputs.npz", files[0], tmp_path / "source", TF_ENABLE_ONEDNN_OPTS=onednn)
        paths = [tmp_path / "source", tmp_path / "converted"]
        python(TFTRT, tmp_path / "inputs.npz", files[1], *paths, TF_ENABLE_ONEDNN_OPTS=onednn)
        with np.load(files[0]) as wanted, np.load(files[1]) as found:
            bits.append({name: value.tobytes() for name, value in wanted.items()})
            for key, value in found.items():
                path, executor, name = key.split(", ")
                # A session gives the captured tensor another name, and TensorFlow sorts the operands of sums by name.
                known = captured and (Path(path).name, name) == ("source", "sum")
                if value.tobytes() != wanted[name].tobytes() and not known:
                    differ.add(f"{name} of {Path(path).name}, {executor}, oneDNN {onednn}")
    assert not differ
    if bits[0]["softmax"] == bits[1]["softmax"]:
        pytest.skip("TensorFlow does not use oneDNN on this machine")


def prepared_weights(directory: str) -> None:
    """As weight normalisation and standardisation leave them: engines need them as constants."""
    import tensorflow as tf

    m = tf.Module()
    m.k, m.g, m.q = (tf.Variable(weights(*shape)) for shape in ((3, 3, 3, 8), (8,), (8, 8)))

    @tf.function(input_signature=[tf.TensorSpec([None, 8, 8, 3], name="x")])
    def f(x: Any) -> Any:
        mean, variance = tf.nn.moments(m.k, [0, 1, 2], keepdims=True)
        h = tf.nn.relu(tf.nn.conv2d(x, (m.k - mean) * tf.math.rsqrt(variance + 1e-5) * m.g, 1, "SAME"))
        return {"y": tf.reduce_mean(h, [1, 2]) @ tf.math.l2_normalize(tf.transpose(m.q), 1) + 1.0}

    save(m, directory, f)


def quantised_weights(directory: str) -> None:
    import tensorflow as tf

    m = tf.Module()
    stored = np.arange(64).reshape(8, 8)

    @tf.function(input_signature=[tf.TensorSpec([None, 8], name="x")])
    def f(x: Any) -> Any:
        y = x
        for mode in ("SCALED", "MIN_FIRST"):
            kernel = tf.bitcast(tf.constant(stored.astype(np.uint8)), tf.quint8)
            weight = tf.raw_ops.Dequantize(input=kernel, min_range=-1.0, max_range=1.0, mode=mode)
            y = tf.nn.relu(y @ weight) + 1.0
        return {"y": y}

    save(m, directory, f)


def test_quantised_weights_are_constants(tensorflow: Any, tmp_path: Path) -> None:
    report = check(tensorflow, tmp_path, quantised_weights, [{"x": weights(2, 8)}])
    assert report["heavy_ops"]["converted"] == 2
    assert "Dequantize" not in {entry["op"] for entry in report["outside"]}


def test_prepared_weights_are_constants(tensorflow: Any, tmp_path: Path) -> None:
    report = check(tensorflow, tmp_path, prepared_weights, [{"x": weights(2, 8, 8, 3)}])
    assert {"Conv2D", "MatMul"} <= set(ops(report))
    assert "Rsqrt" not in {entry["op"] for entry in report["outside"]}
