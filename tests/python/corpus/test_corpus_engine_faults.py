"""Nodes that TensorRT gets wrong or cannot build: they stay outside engines, each by itself, and the report says so."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pytest
from cases import check, ops, reasons, save, weights

PICTURES = [{"x": np.random.default_rng(rows).standard_normal((rows, 6, 4, 8)).astype(np.float32)} for rows in (2, 1)]


def _around(directory: str, case: str) -> None:
    """A model with the op of a case between two products."""
    import tensorflow as tf

    op, shape = CASES[case].op, CASES[case].shape
    m = tf.Module()
    m.w = tf.Variable(weights(8, 8))

    @tf.function(input_signature=[tf.TensorSpec(shape, name="x")])
    def f(x: Any) -> Any:
        y = op(tf, tf.nn.relu(x @ m.w))
        return {"y": tf.nn.relu(y @ m.w) + 1.0}

    save(m, directory, f)


def _nearest(height: int, width: int, **attrs: bool) -> Any:
    return lambda tf, x: tf.raw_ops.ResizeNearestNeighbor(images=x, size=[height, width], **attrs)


def _twice(tf: Any, x: Any) -> Any:
    """As Keras does it."""
    return tf.raw_ops.ResizeNearestNeighbor(images=x, size=tf.shape(x)[1:3] * [2, 3], half_pixel_centers=True)


def _another_size(tf: Any, x: Any) -> Any:
    size = tf.shape(tf.concat([x, x[:, :1]], 1))[1:3] * 2
    return tf.raw_ops.ResizeNearestNeighbor(images=x, size=size, half_pixel_centers=True)


def _grouped(tf: Any, x: Any) -> Any:
    return tf.nn.conv2d(x, tf.constant(weights(3, 3, 4, 8)), 1, "SAME")


def _plain(tf: Any, x: Any) -> Any:
    return tf.nn.conv2d(x, tf.constant(weights(3, 3, 8, 8)), 1, "SAME")


class Case(NamedTuple):
    """``reason`` is a part of it; empty where the op is right in an engine."""

    type: str
    op: Callable[[Any, Any], Any]
    reason: str
    shape: tuple[int | None, ...] = (None, 6, 4, 8)


SLICE, CONV, RESIZE = "StridedSlice", "Conv2D", "ResizeNearestNeighbor"
FREE = (None, None, None, 8)
CASES = {
    "selu": Case("Selu", lambda tf, x: tf.nn.selu(x), "other constants"),
    "ellipsis": Case("Einsum", lambda tf, x: tf.einsum("...c,cd->...d", x, tf.constant(weights(8, 8))), "ellipsis"),
    "einsum": Case("Einsum", lambda tf, x: tf.einsum("bhwc,bhwd->bhcd", x, x), ""),
    "backwards": Case(SLICE, lambda tf, x: x[:, ::-1], "backwards"),
    "backwards from an end": Case(SLICE, lambda tf, x: x[:, :, :0:-1], "backwards"),
    "backwards to an end": Case(SLICE, lambda tf, x: x[:, 3::-1], "backwards"),
    "backwards between": Case(SLICE, lambda tf, x: x[:, 4:1:-1], ""),
    "backwards, some length": Case(SLICE, lambda tf, x: x[:, 4:1:-1], "backwards", FREE),
    "forwards": Case(SLICE, lambda tf, x: x[:, ::2], ""),
    "up to an index": Case(SLICE, lambda tf, x: x[:, :2, 1:-1], ""),
    "up to an index, some length": Case(SLICE, lambda tf, x: x[:, :, :2], "unknown length", FREE),
    "from the end, some length": Case(SLICE, lambda tf, x: x[:, :-1], "unknown length", FREE),
    "from the end, some rows": Case(SLICE, lambda tf, x: x[:-1], "unknown length"),
    "behind an ellipsis": Case(SLICE, lambda tf, x: x[..., :-1, :], "unknown length", FREE),
    "behind a new axis": Case(SLICE, lambda tf, x: x[:, tf.newaxis, :, 1:-1][:, 0], "", (None, None, 4, 8)),
    "the first of some length": Case(SLICE, lambda tf, x: x[:, :1, 1:], "", FREE),
    "groups": Case(CONV, _grouped, "groups"),
    "no groups": Case(CONV, _plain, ""),
    "aligned": Case(RESIZE, _nearest(12, 8, align_corners=True), "corners"),
    "half pixels": Case(RESIZE, _nearest(9, 8, half_pixel_centers=True), "not a multiple"),
    "half pixels, smaller": Case(RESIZE, _nearest(3, 2, half_pixel_centers=True), "not a multiple"),
    "half pixels, multiple": Case(RESIZE, _nearest(12, 12, half_pixel_centers=True), ""),
    "half pixels, some size": Case(RESIZE, _nearest(12, 8, half_pixel_centers=True), "not a multiple", FREE),
    "half pixels, some multiple": Case(RESIZE, _twice, "", FREE),
    "half pixels, of another": Case(RESIZE, _another_size, "not a multiple", FREE),
    "legacy": Case(RESIZE, _nearest(9, 7), ""),
}


@pytest.mark.parametrize("name", CASES)
def test_faulty_nodes_stay_outside(tensorflow: Any, tmp_path: Path, name: str) -> None:
    case = CASES[name]
    report = check(tensorflow, tmp_path, partial(_around, case=name), PICTURES, minimum_segment_size=1)
    assert report["engines"]
    found = reasons(report, case.type)
    if case.reason:
        assert case.reason in found
    else:
        assert case.type in ops(report)
        assert not any(words in found for words in ("TF-TRT ", "TensorRT "))
