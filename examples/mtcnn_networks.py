"""Exports the trained networks of the mtcnn package and converts them: face_detection.py's first run.

The only part of the example that needs TensorFlow's Python package.
"""

from __future__ import annotations

import os
import tempfile
from pathlib import Path
from typing import Any

import tftrt

NETWORKS = ("pnet", "rnet", "onet")


def converted(directory: Path) -> dict[str, Path]:
    """Where ``directory`` holds each converted network, in the order in which the cascade uses them."""
    return {name: directory / f"{name}_trt" for name in NETWORKS}


def prepare(directory: Path) -> None:
    """Export and convert the networks that ``directory`` does not hold yet."""
    # mtcnn imports TensorFlow, which reads this once, before tftrt.convert could set it.
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    directory.mkdir(parents=True, exist_ok=True)
    for name, destination in converted(directory).items():
        if not (directory / name).exists():
            export(name, directory / name)
        if not destination.exists():
            tftrt.convert(directory / name, destination, precision="FP32")


def export(name: str, destination: Path) -> None:
    """Write one network as a SavedModel.

    Its graph takes the image itself, and scales or cuts it with the ops that mtcnn calls from Python:

    - pnet: ``image`` uint8 [height, width, 3], ``size`` int32 [2] to scale it to -> ``offsets`` [rows, columns, 4],
      ``scores`` [rows, columns];
    - rnet and onet: ``image``, ``corners`` float32 [boxes, 4] of what to cut out, y1, x1, y2, x2 from 0 to 1 ->
      ``offsets`` [boxes, 4], ``scores`` [boxes], and onet's ``landmarks`` [boxes, 10].
    """
    import keras
    import tensorflow as tf
    from mtcnn.stages import StageONet, StagePNet, StageRNet

    network = {"pnet": StagePNet, "rnet": StageRNet, "onet": StageONet}[name]().model
    side = {"rnet": 24, "onet": 48}.get(name)

    def normalized(image: Any) -> Any:
        return (tf.cast(image, tf.float32)[tf.newaxis] - 127.5) / 128.0

    def propose(image: Any, size: Any) -> dict[str, Any]:
        offsets, scores = network(tf.image.resize(normalized(image), size, method="area"))
        return {"offsets": offsets[0], "scores": scores[0, ..., 1]}

    def refine(image: Any, corners: Any) -> dict[str, Any]:
        batch = tf.zeros_like(corners[:, 0], tf.int32)
        patches = tf.image.crop_and_resize(normalized(image), corners, batch, [side, side])
        offsets, *landmarks, scores = network(patches)
        return {"offsets": offsets, "scores": scores[:, 1], **({"landmarks": landmarks[0]} if landmarks else {})}

    image = tf.TensorSpec([None, None, 3], tf.uint8, name="image")
    size = tf.TensorSpec([2], tf.int32, name="size")
    corners = tf.TensorSpec([None, 4], tf.float32, name="corners")
    archive = keras.export.ExportArchive()
    archive.track(network)
    if name == "pnet":
        archive.add_endpoint("serving_default", propose, input_signature=[image, size])
    else:
        archive.add_endpoint("serving_default", refine, input_signature=[image, corners])
    # What is interrupted must not look like a network that is already there.
    with tempfile.TemporaryDirectory(prefix=f".{name}_", dir=destination.parent) as folder:
        archive.write_out(str(Path(folder) / name), verbose=False)
        (Path(folder) / name).rename(destination)
