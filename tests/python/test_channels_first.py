"""Channels-first convolutions, as a conversion for GPUs makes them, run on a CPU, whose kernels want channels last."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import exports
import tftrt
from conftest import TensorFlow

Export = Callable[[str], Path]

IMAGES = [np.random.default_rng(batch).standard_normal((batch, 8, 8, 3)).astype(np.float32) for batch in (1, 3, 0)]


@pytest.fixture(scope="module")
def converted(tensorflow: TensorFlow, exported: Export, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The CNN, converted with channels first inside its engine."""
    path = tmp_path_factory.mktemp("channels_first") / "cnn"
    tensorflow.call(exports.convert_channels_first, str(exported("cnn")), str(path))
    return path


CODE = """
import json, sys
import numpy as np
import tftrt

path, executor, images, results = sys.argv[1:]
with tftrt.Model(path, device="cpu", executor=executor) as model, np.load(images) as arrays:
    np.savez(results, **{name: model(array)[model.outputs[0].name] for name, array in arrays.items()})
    print(json.dumps([model.info.executor, model.info.engines]))
"""


def call(
    python: Callable[..., Any], path: Path, executor: str, onednn: str, images: list[np.ndarray], folder: Path
) -> tuple[list[np.ndarray], int]:
    """Results in a process with oneDNN on or off, and the number of engines."""
    np.savez(folder / "images.npz", *images)
    arguments = (path, executor, folder / "images.npz", folder / "results.npz")
    used, engines = json.loads(python(CODE, *arguments, TF_ENABLE_ONEDNN_OPTS=onednn).stdout)
    assert used == executor
    with np.load(folder / "results.npz") as arrays:
        return [arrays[f"arr_{index}"] for index in range(len(images))], engines


@pytest.mark.parametrize("onednn", ["0", "1"])
@pytest.mark.parametrize("executor", ["single", "parallel"])
def test_a_model_converted_with_channels_first(
    executor: str,
    onednn: str,
    converted: Path,
    exported: Export,
    tensorflow: TensorFlow,
    tmp_path: Path,
    python: Callable[..., Any],
) -> None:
    # TensorFlow's oneDNN kernels refuse empty batches, in the original too.
    images = IMAGES[:2] if onednn == "1" else IMAGES
    found, engines = call(python, converted, executor, onednn, images, tmp_path)
    assert engines >= 1
    wanted = tensorflow.expected(exported("cnn"), [{"image": image} for image in images])
    for result, outputs in zip(found, wanted):
        assert result.shape == outputs["probabilities"].shape
        np.testing.assert_allclose(result, outputs["probabilities"], rtol=1e-4, atol=1e-6)


def test_the_conversion_has_channels_first(converted: Path, tensorflow: TensorFlow) -> None:
    """Otherwise the test above would say nothing."""
    assert set(tensorflow.call(exports.data_formats, str(converted))) == {"NCHW"}


def convolution(image: np.ndarray) -> np.ndarray:
    """What models.channels_first computes."""
    kernel = np.random.default_rng(0).standard_normal((3, 3, 3, 8)) / np.sqrt(27)
    padded = np.pad(image.astype(np.float64), [(0, 0), (0, 0), (1, 1), (1, 1)])
    windows = np.lib.stride_tricks.sliding_window_view(padded, (3, 3), axis=(2, 3))  # type: ignore[call-overload]
    return np.maximum(np.einsum("bchwyx,yxcn->bnhw", windows, kernel) * 2 + 1, 0)


@pytest.mark.parametrize("onednn", ["0", "1"])
@pytest.mark.parametrize("executor", ["single", "parallel"])
def test_a_model_written_with_channels_first(
    executor: str, onednn: str, exported: Export, tmp_path: Path, python: Callable[..., Any]
) -> None:
    images = [image.transpose(0, 3, 1, 2) for image in IMAGES[:2]]
    found, _ = call(python, exported("channels_first"), executor, onednn, images, tmp_path)
    for result, image in zip(found, images):
        np.testing.assert_allclose(result, convolution(image), rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("executor", ["single", "parallel"])
def test_beside_a_model_with_channels_last(executor: str, converted: Path, exported: Export) -> None:
    """What one model needs of TensorFlow is not left behind for another."""
    with tftrt.Model(exported("cnn"), device="cpu") as original:
        wanted = [original(image)["probabilities"] for image in IMAGES]
    with tftrt.Model(converted, device="cpu", executor=executor) as model:
        for image, probabilities in zip(IMAGES, wanted):
            np.testing.assert_allclose(model(image)["probabilities"], probabilities, rtol=1e-4, atol=1e-6)
