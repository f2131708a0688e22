"""The mark in a converted model's graph, which stands in for a manifest that was not copied."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest

import exports
import runtime_models
import tftrt
from conftest import TensorFlow

X = np.random.default_rng(0).random((2, 8, 8, 4), dtype=np.float32)


@pytest.fixture(scope="module")
def root(tensorflow: TensorFlow, tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("mark")
    tensorflow.call(runtime_models.scaled, str(root / "model"))
    tensorflow.call(exports.convert, str(root / "model"), str(root / "converted"))
    for name in ("model", "converted"):
        shutil.copytree(root / name, root / f"marked_{name}")
        shutil.rmtree(root / f"marked_{name}" / "assets.extra", ignore_errors=True)
        tensorflow.call(runtime_models.mark_as_converted, str(root / f"marked_{name}"))
    return root


def test_the_mark_keeps_the_bits(root: Path, tensorflow: TensorFlow, capfd: pytest.CaptureFixture[str]) -> None:
    wanted = tensorflow.expected(root / "model", [{"x": X}])[0]["y"]
    for name in ("converted", "marked_converted"):
        with tftrt.Model(root / name, device="cpu") as model:
            np.testing.assert_array_equal(model(X)["y"], wanted, err_msg=name)
        warned = "assets.extra/tftrt.json is missing" in capfd.readouterr().err
        assert warned == (name == "marked_converted")


def test_tensorflow_ignores_the_mark(root: Path, tensorflow: TensorFlow) -> None:
    (wanted,), (found,) = (tensorflow.expected(root / name, [{"x": X}]) for name in ("model", "marked_model"))
    np.testing.assert_array_equal(found["y"], wanted["y"])


@pytest.mark.parametrize("executor", ["auto", "parallel"])
def test_a_factor_before_a_convolution_keeps_the_bits(executor: str, tensorflow: TensorFlow, tmp_path: Path) -> None:
    tensorflow.call(runtime_models.normalized, str(tmp_path / "model"))
    tensorflow.call(exports.convert, str(tmp_path / "model"), str(tmp_path / "converted"))
    x = np.random.default_rng(1).integers(0, 256, (2, 8, 8, 3)).astype(np.float32)
    wanted = tensorflow.expected(tmp_path / "model", [{"x": x}])[0]
    with tftrt.Model(tmp_path / "converted", device="cpu", executor=executor) as model:
        assert model.info.engines > 0
        for name, value in model(x).items():
            np.testing.assert_array_equal(value, wanted[name], err_msg=name)
