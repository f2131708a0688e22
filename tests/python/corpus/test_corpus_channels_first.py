"""Models with channels first, from the start or by ``data_format="NCHW"``, compute the same on a CPU."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from cases import weights

import tftrt

Op = Callable[[Any, str], Any]
"""Applies an op to images of 8 channels in a data format."""


def window(data_format: str, size: int = 2, stride: int = 2) -> dict[str, Any]:
    last = data_format == "NHWC"
    sizes = {"ksize": [1, size, size, 1], "strides": [1, stride, stride, 1]}
    if not last:
        sizes = {"ksize": [1, 1, size, size], "strides": [1, 1, stride, stride]}
    return {**sizes, "padding": "SAME", "data_format": data_format}


def sensitive() -> dict[str, Op]:
    """Ops with a data format."""
    import tensorflow as tf

    raw, v = tf.raw_ops, lambda *shape: tf.constant(weights(*shape))
    norm = {"scale": np.abs(weights(8)) + 0.5, "offset": weights(8)}
    inference = {**norm, "mean": weights(8), "variance": np.abs(weights(8)) + 0.1, "is_training": False}
    training: dict[str, Any] = {**norm, "mean": [], "variance": []}

    def pool(x: Any, f: str) -> Any:
        return raw.MaxPool(input=x, **window(f))

    def padding(f: str) -> list[list[int]]:
        return [[0, 0], [1, 2], [0, 1], [0, 0]] if f == "NHWC" else [[0, 0], [0, 0], [1, 2], [0, 1]]

    def deep(x: Any, f: str) -> Any:
        return tf.expand_dims(x, 1 if f == "NHWC" else 2)

    def flat(x: Any, f: str) -> Any:
        return x[:, 0] if f == "NHWC" else x[:, :, 0]

    def window3(f: str) -> dict[str, Any]:
        size = [1, 1, 2, 2, 1] if f == "NHWC" else [1, 1, 1, 2, 2]
        return {"ksize": size, "strides": [1] * 5, "padding": "SAME", "data_format": f3(f)}

    def f3(f: str) -> str:
        return "NDHWC" if f == "NHWC" else "NCDHW"

    ones = [1, 1, 1, 1]
    return {
        "depth_to_space": lambda x, f: tf.nn.depth_to_space(x, 2, f),
        "space_to_depth": lambda x, f: tf.nn.space_to_depth(x, 2, f),
        "depth_to_space_half": lambda x, f: tf.cast(tf.nn.depth_to_space(tf.cast(x, tf.float16), 2, f), tf.float32),
        "max_pool": pool,
        "max_pool_v2": lambda x, f: raw.MaxPoolV2(input=x, **window(f)),
        "max_pool_v2_dynamic": lambda x, f: raw.MaxPoolV2(
            input=x, **{**window(f), "ksize": tf.stack(window(f)["ksize"]) * tf.minimum(tf.size(x), 1)}
        ),
        "max_pool_grad": lambda x, f: raw.MaxPoolGrad(
            orig_input=x, orig_output=pool(x, f), grad=pool(x, f), **window(f)
        ),
        "max_pool_grad_v2": lambda x, f: raw.MaxPoolGradV2(
            orig_input=x, orig_output=pool(x, f), grad=pool(x, f), **window(f)
        ),
        "max_pool_grad_grad": lambda x, f: raw.MaxPoolGradGrad(
            orig_input=x, orig_output=pool(x, f), grad=x, **window(f)
        ),
        "avg_pool": lambda x, f: raw.AvgPool(value=x, **window(f)),
        "avg_pool_grad": lambda x, f: raw.AvgPoolGrad(orig_input_shape=tf.shape(x), grad=pool(x, f), **window(f)),
        "int_pool": lambda x, f: tf.cast(pool(tf.cast(x, tf.int32), f), tf.float32),
        "batch_norm": lambda x, f: raw.FusedBatchNorm(x=x, **inference, data_format=f)[0],
        "batch_norm_v2": lambda x, f: raw.FusedBatchNormV2(x=x, **inference, data_format=f)[0],
        "batch_norm_v3": lambda x, f: tf.nn.relu(raw.FusedBatchNormV3(x=x, **inference, data_format=f)[0] + x),
        "batch_norm_training": lambda x, f: raw.FusedBatchNormV3(x=x, **training, data_format=f)[0],
        "batch_norm_statistics": lambda x, f: (lambda y: tf.nn.bias_add(y[0], y[1] - y[2], f))(
            raw.FusedBatchNormV3(x=x, **training, data_format=f)
        ),
        "bias_add": lambda x, f: tf.nn.bias_add(x, raw.BiasAddGrad(out_backprop=x, data_format=f), f),
        "conv2d_input": lambda x, f: tf.nn.conv2d_transpose(x, v(3, 3, 8, 8), tf.shape(x), 1, data_format=f),
        "conv2d_filter": lambda x, f: tf.nn.conv2d(
            x,
            raw.Conv2DBackpropFilter(
                input=x, filter_sizes=[3, 3, 8, 8], out_backprop=x, strides=ones, padding="SAME", data_format=f
            ),
            1,
            "SAME",
            f,
        ),
        "conv2d_dilated": lambda x, f: tf.nn.conv2d(x, v(3, 3, 8, 8), 1, "SAME", f, 2),
        "conv2d_explicit": lambda x, f: tf.nn.conv2d(x, v(3, 3, 8, 8), 1, padding(f), f),
        "conv2d_grouped": lambda x, f: tf.nn.conv2d(x, v(3, 3, 4, 8), 1, "SAME", f),
        "conv2d_half": lambda x, f: tf.cast(
            tf.nn.conv2d(tf.cast(x, tf.float16), tf.cast(v(3, 3, 8, 8), tf.float16), 1, "SAME", f), tf.float32
        ),
        "depthwise": lambda x, f: tf.nn.depthwise_conv2d(x, v(3, 3, 8, 1), ones, "SAME", f),
        "depthwise_input": lambda x, f: raw.DepthwiseConv2dNativeBackpropInput(
            input_sizes=tf.shape(x),
            filter=v(3, 3, 8, 1),
            out_backprop=x,
            strides=ones,
            padding="SAME",
            data_format=f,
        ),
        "conv3d": lambda x, f: flat(tf.nn.conv3d(deep(x, f), v(1, 3, 3, 8, 8), [1] * 5, "SAME", f3(f)), f),
        "max_pool3d": lambda x, f: flat(raw.MaxPool3D(input=deep(x, f), **window3(f)), f),
        "avg_pool3d": lambda x, f: flat(raw.AvgPool3D(input=deep(x, f), **window3(f)), f),
        "conv3d_input": lambda x, f: flat(
            tf.nn.conv3d_transpose(deep(x, f), v(1, 3, 3, 8, 8), tf.shape(deep(x, f)), [1] * 5, "SAME", f3(f)), f
        ),
        "cond": lambda x, f: tf.cond(
            tf.reduce_sum(x) > 0, lambda: tf.nn.conv2d(x, v(3, 3, 8, 8), 1, "SAME", f), lambda: x
        ),
        "cond_depth": lambda x, f: tf.cond(
            tf.reduce_sum(x) > 0, lambda: tf.nn.space_to_depth(tf.nn.depth_to_space(x, 2, f), 2, f), lambda: x
        ),
        "loop": lambda x, f: tf.while_loop(
            lambda i, y: i < 2, lambda i, y: (i + 1, tf.nn.conv2d(y, v(3, 3, 8, 8), 1, "SAME", f)), (0, x)
        )[1],
        "map": lambda x, f: tf.map_fn(lambda y: tf.nn.conv2d(y[None], v(3, 3, 8, 8), 1, "SAME", f)[0], x),
    }


def agnostic() -> dict[str, Op]:
    """Ops without a data format, on images with channels last."""
    import tensorflow as tf

    raw, v = tf.raw_ops, lambda *shape: tf.constant(weights(*shape))
    pads = [[0, 0], [1, 1], [2, 0], [0, 0]]

    def three(x: Any) -> Any:
        """3, which the optimiser does not know."""
        return tf.minimum(3, tf.size(x))

    return {
        "mean": lambda x, f: x * tf.reduce_mean(x, [1, 2], keepdims=True),
        "mean_dynamic": lambda x, f: x * tf.reduce_mean(x, tf.range(1, three(x)), keepdims=True),
        "max": lambda x, f: x + tf.reduce_max(x, [-1], keepdims=True) + tf.reduce_max(x),
        "sum64": lambda x, f: x + tf.reduce_sum(x, tf.constant([1, 2], tf.int64))[:, None, None, :],
        "all": lambda x, f: x * tf.cast(tf.reduce_all(x >= 0, [1, 2, 3], keepdims=True), tf.float32),
        "concat": lambda x, f: tf.concat([x, x * 2.0], 3),
        "concat_dynamic": lambda x, f: tf.ensure_shape(tf.concat([x, x], three(x)), [None, None, None, 16]),
        "concat_v1": lambda x, f: raw.Concat(concat_dim=3, values=[x, x]),
        "split": lambda x, f: tf.concat(tf.split(x, 2, 3)[::-1] + tf.split(x, [3, 5], 3), 3),
        "pad": lambda x, f: tf.pad(x, pads),
        "pad_value": lambda x, f: tf.pad(x, pads, constant_values=1.0),
        "mirror_pad": lambda x, f: tf.pad(x, pads, "REFLECT"),
        "slice": lambda x, f: tf.slice(x, [0, 1, 1, 0], [-1, 2, -1, 8]) + x[:, ::2, 1:, ::-1][:, :1, :1],
        "strided_new": lambda x, f: x[:, None][:, 0] + x[:, 0][:, None],
        "reverse": lambda x, f: tf.reverse(x, [1, 3]) + tf.reverse(x, [three(x)]),
        "tile": lambda x, f: tf.tile(x, [1, 2, 1, 1]),
        "select": lambda x, f: raw.Select(condition=x > 0, x=x, y=x * 2.0),
        "select_rows": lambda x, f: raw.Select(condition=tf.reduce_sum(x, [1, 2, 3]) > 0, x=x, y=x * 2.0),
        "squeeze": lambda x, f: x + tf.squeeze(tf.reduce_mean(x, [1, 2], keepdims=True), [1, 2])[:, None, None, :],
        "shape": lambda x, f: tf.reshape(x, tf.shape(x)) + tf.cast(tf.shape(x)[1], tf.float32),
        "shape_n": lambda x, f: x * tf.cast(tf.shape_n([x, x + 1.0])[1][3], tf.float32),
        "fill": lambda x, f: x + tf.fill(tf.shape(x), 2.0) + tf.zeros_like(x),
        "add_n": lambda x, f: tf.add_n([x, x * 2.0, x * 3.0]),
        "binary": lambda x, f: x * v(8) + tf.reduce_max(x, 0) - tf.reduce_max(x, [0, 1]) * 2.0,
        "binary_vectors": lambda x, f: x + (v(8) + tf.reduce_max(x, [0, 1, 2])),
        "prelu": lambda x, f: tf.nn.relu(x) - v(1, 1, 8) * tf.nn.relu(-x),
        "unary": lambda x, f: tf.nn.relu6(tf.tanh(tf.nn.elu(tf.nn.softplus(x)))),
        "clip": lambda x, f: raw.ClipByValue(t=x, clip_value_min=-tf.ones_like(x), clip_value_max=tf.ones_like(x)),
        "cast": lambda x, f: tf.cast(tf.cast(x, tf.int32) * 3 + 1, tf.float32),
        "half": lambda x, f: tf.cast(tf.nn.relu(tf.cast(x, tf.float16)), tf.float32),
        "int_depth": lambda x, f: tf.cast(tf.nn.depth_to_space(tf.cast(x, tf.int32), 2), tf.float32),
        "softmax": lambda x, f: tf.nn.softmax(x) + tf.nn.softmax(x, 1),
        "resize": lambda x, f: tf.image.resize(x, [8, 8]),
        "fake_quant": lambda x, f: tf.quantization.fake_quant_with_min_max_vars_per_channel(x, [-3.0] * 8, [3.0] * 8),
        "case": lambda x, f: tf.switch_case(
            tf.cast(tf.reduce_sum(x) > 0, tf.int32),
            [lambda: tf.nn.depth_to_space(x, 2), lambda: tf.nn.max_pool2d(x, 2, 1, "SAME")[..., :2]],
        ),
        "argmax": lambda x, f: x + tf.cast(tf.argmax(x, 3), tf.float32)[..., None],
        "gather": lambda x, f: tf.gather(x, [1, 0, 3, 2], axis=3),
        "transpose": lambda x, f: tf.transpose(tf.nn.relu(tf.transpose(x, [0, 3, 1, 2])), [0, 2, 3, 1]),
    }


def confusing() -> dict[str, Op]:
    """Ops that TensorFlow's layout pass rewrites wrongly, among others."""
    import tensorflow as tf

    some = sensitive()
    return {
        "max_pool": some["max_pool"],
        "conv2d_explicit": some["conv2d_explicit"],
        "depth_to_space": some["depth_to_space"],
        "batch_norm_statistics": some["batch_norm_statistics"],
        "select_v2": lambda x, f: tf.where(x > 0, x, 0.0),
    }


def confusing_last() -> dict[str, Op]:
    """The same, with ops whose arguments depend on the data format."""
    import tensorflow as tf

    raw = tf.raw_ops
    return {
        **confusing(),
        "select_v2_channels": lambda x, f: tf.where(tf.constant([True, False] * 4), x, x * 2.0),
        "quantize_axis": lambda x, f: raw.QuantizeAndDequantizeV3(
            input=x, input_min=[-3.0] * 8, input_max=[3.0] * 8, num_bits=8, axis=3, range_given=True
        ),
    }


NETWORKS = {
    "sensitive": (sensitive, sensitive),
    "agnostic": (agnostic, None),
    "confusing": (confusing_last, confusing),
}


def network(directory: str, functions: dict[str, Op], data_format: str, sides: int | None) -> None:
    """A convolution, one of the ops, and another convolution; for each op."""
    import tensorflow as tf

    m = tf.Module()
    m.k = tf.Variable(weights(3, 3, 3, 8))
    channels = 3 if data_format == "NHWC" else 1
    shape: list[int | None] = [None, sides, sides]
    shape.insert(channels, 3)

    @tf.function(input_signature=[tf.TensorSpec(shape, name="x")], autograph=False)
    def f(x: Any) -> Any:
        found = {}
        for name, function in functions.items():
            y = function(tf.nn.relu(tf.nn.conv2d(x, m.k, 1, "SAME", data_format)), data_format)
            after = tf.nn.conv2d(y, tf.constant(weights(3, 3, y.shape[channels] or 8, 4)), 1, "SAME", data_format)
            found |= {f"{name}/op": y, f"{name}/after": after + 1.0}
        return found

    tf.saved_model.save(m, directory, signatures=f)


def make(root: str, which: str, sides: int | None, images: list[np.ndarray]) -> tuple[list[Any], dict[str, Any]]:
    """The outputs of a network with channels last, and the report on the conversion that is compared with it."""
    import tensorflow as tf

    last, first = NETWORKS[which]
    network(f"{root}/last", last(), "NHWC", sides)
    function = tf.saved_model.load(f"{root}/last").signatures["serving_default"]
    wanted = [{key: value.numpy() for key, value in function(x=tf.constant(x)).items()} for x in images]
    report = tftrt.convert(f"{root}/last", f"{root}/converted", data_format="NCHW", minimum_segment_size=1)
    if first is not None:
        network(f"{root}/first", first(), "NCHW", sides)
        tftrt.convert(f"{root}/first", f"{root}/first_converted", minimum_segment_size=1)
    return wanted, report.to_dict()


@pytest.mark.parametrize("sides", [4, None], ids=["static", "unknown"])
@pytest.mark.parametrize("which", NETWORKS)
def test_every_op_computes_the_same(tensorflow: Any, tmp_path: Path, which: str, sides: int | None) -> None:
    images = [weights(batch, 4, 4, 3) for batch in (2, 3)]
    wanted, report = tensorflow.call(make, str(tmp_path), which, sides, images)
    assert "Conv2D" in {op for engine in report["engines"] for op in engine["ops"]}
    kept = [note for note in report["notes"] if "keep the data format" in note]
    assert len(kept) == (2 if which == "confusing" else 0)
    for folder in ("converted", "first", "first_converted"):
        if not (tmp_path / folder).exists():
            continue
        turned = folder.startswith("first")
        for executor in ("auto", "parallel", "single"):
            try:
                model = tftrt.Model(tmp_path / folder, device="cpu", executor=executor)
            except tftrt.errors.UnsupportedError as error:
                assert executor == "single", error  # It has no control flow of TensorFlow 1.
                continue
            with model:
                for image, outputs in zip(images, wanted):
                    given = np.ascontiguousarray(image.transpose(0, 3, 1, 2)) if turned else image
                    for name, value in model.run({"x": given}).items():
                        result = value.transpose(0, 2, 3, 1) if turned else value
                        assert result.shape == outputs[name].shape, f"{folder}, {executor}, {name}"
                        bound = 1e-5 * np.abs(outputs[name]).max()
                        where = f"{folder}, {executor}, {name}"
                        np.testing.assert_allclose(result, outputs[name], rtol=0, atol=bound, err_msg=where)


def confused(root: str) -> None:
    network(f"{root}/source", {"select_v2": confusing()["select_v2"]}, "NHWC", 4)


def test_a_graph_that_cannot_be_rewritten_stays(
    tensorflow: Any, tmp_path: Path, in_conversions: Callable[[str], None]
) -> None:
    """The layout pass throws at it, and conversion does not know."""
    in_conversions("from tftrt.conversion import passes; passes._has_axis = lambda node: False")
    tensorflow.call(confused, str(tmp_path))
    report = tftrt.convert(tmp_path / "source", tmp_path / "converted", data_format="NCHW").to_dict()
    (note,) = report["notes"]
    assert note.startswith("data_format stays as it was: TensorFlow's layout pass cannot rewrite this graph: ")
    image = weights(2, 4, 4, 3)
    with tftrt.Model(tmp_path / "source") as source, tftrt.Model(tmp_path / "converted") as converted:
        for name, value in source.run({"x": image}).items():
            np.testing.assert_array_equal(converted.run({"x": image})[name], value)
