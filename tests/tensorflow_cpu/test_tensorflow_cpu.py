"""tftrt on tensorflow-cpu, which has neither TF-TRT nor a GPU's devices: models run, and the rest says why it cannot.

It is no part of tests/python because it needs an environment of its own, with tensorflow-cpu, and a folder in which
``tftrt demo --keep`` ran with the ordinary TensorFlow: TFTRT_TEST_DEMO. .ci/steps/tensorflow_cpu makes both.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from importlib.metadata import distributions
from pathlib import Path

import numpy as np
import pytest

import tftrt

ROOT = Path(__file__).resolve().parents[2]
DEMO = Path(os.environ["TFTRT_TEST_DEMO"])
IMAGE = np.random.default_rng(0).random((2, 64, 64, 3), dtype=np.float32)


@pytest.fixture(scope="module")
def expected() -> np.ndarray:
    """TensorFlow's answer, from a process of its own."""
    code = (
        "import sys, numpy as np, tensorflow as tf\n"
        "image = tf.constant(np.load(sys.argv[2]))\n"
        "signature = tf.saved_model.load(sys.argv[1]).signatures['serving_default']\n"
        "np.save(sys.argv[3], signature(image=image)['probabilities'].numpy())\n"
    )
    return answer(code, DEMO / "model")


def answer(code: str, model: Path) -> np.ndarray:
    folder = Path(os.environ["TFTRT_TEST_WORK"])
    np.save(folder / "image.npy", IMAGE)
    python(code, model, folder / "image.npy", folder / "answer.npy")
    return np.load(folder / "answer.npy")


def python(code: str, *arguments: object) -> str:
    process = subprocess.run(
        [sys.executable, "-c", code, *map(str, arguments)], capture_output=True, text=True, timeout=120
    )
    assert process.returncode == 0, process.stderr
    return process.stdout


def command(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, "-m", "tftrt", *arguments], capture_output=True, text=True, timeout=120)


def test_this_is_tensorflow_cpu() -> None:
    installed = {distribution.metadata["Name"] for distribution in distributions()}
    assert "tensorflow-cpu" in installed
    assert "tensorflow" not in installed


@pytest.mark.parametrize("name", ["model", "model_trt"])
@pytest.mark.parametrize("device", ["auto", "cpu"])
def test_models_run(name: str, device: str, expected: np.ndarray) -> None:
    model = tftrt.Model(DEMO / name, device=device)
    assert model.info.device == "cpu"
    assert model.info.engines == (1 if name == "model_trt" else 0)
    np.testing.assert_array_equal(model(IMAGE)["probabilities"], expected)
    runner = model.bind(image=IMAGE)
    np.testing.assert_array_equal(runner.run()["probabilities"], expected)


def test_converted_model_runs_in_tensorflow_itself(expected: np.ndarray) -> None:
    code = (
        "import sys, numpy as np, tftrt, tensorflow as tf\n"
        "image = tf.constant(np.load(sys.argv[2]))\n"
        "signature = tf.saved_model.load(sys.argv[1]).signatures['serving_default']\n"
        "np.save(sys.argv[3], signature(image=image)['probabilities'].numpy())\n"
    )
    np.testing.assert_array_equal(answer(code, DEMO / "model_trt"), expected)


@pytest.mark.parametrize("order", ["import tftrt, tensorflow", "import tensorflow, tftrt"])
def test_both_packages_are_imported(order: str) -> None:
    code = f"{order}\nimport sys\nprint(tftrt.Model(sys.argv[1]).info.device, tensorflow.__version__)"
    assert python(code, DEMO / "model_trt").startswith("cpu 2.17.")


def test_doctor_tells_cpu_from_gpu() -> None:
    process = command("doctor", "--json")
    assert process.returncode == 1
    diagnosis = json.loads(process.stdout)
    assert diagnosis["cpu_ready"]
    assert not diagnosis["gpu_ready"]
    (cuda,) = (part for part in diagnosis["components"] if part["name"] == "TensorFlow's CUDA support")
    assert "built for the CPU only" in cuda["problem"]
    assert "uninstall -y tensorflow-cpu" in cuda["remedy"]


def test_gpu_is_refused() -> None:
    with pytest.raises(tftrt.IncompatibleError, match="TensorFlow finds no GPU"):
        tftrt.Model(DEMO / "model_trt", device="gpu:0")


def test_conversion_says_what_to_install(tmp_path: Path) -> None:
    process = command("convert", str(DEMO / "model"), str(tmp_path / "converted"))
    assert process.returncode == 1
    assert "TF-TRT" in process.stderr
    assert "pip uninstall -y tensorflow-cpu && pip install 'tensorflow>=2.17,<2.18'" in process.stderr
    assert "Traceback" not in process.stderr
    assert not list(tmp_path.iterdir())


def test_building_needs_a_gpu() -> None:
    process = command("build", str(DEMO / "model_trt"), "--shapes", "image:1x64x64x3")
    assert process.returncode == 1
    assert "GPU" in process.stderr
    assert "Traceback" not in process.stderr


def test_cpp_program_of_the_readme(tmp_path: Path) -> None:
    text = (ROOT / "README.md").read_text()
    (section,) = re.findall(r"^## C\+\+\n(.*?)(?=^## )", text, re.MULTILINE | re.DOTALL)
    for language, name in (("cpp", "app.cc"), ("cmake", "CMakeLists.txt")):
        (block,) = re.findall(rf"^```{language}\n(.*?)^```", section, re.MULTILINE | re.DOTALL)
        (tmp_path / name).write_text(block)
    (tmp_path / "demo").symlink_to(DEMO)
    for line in (
        ["cmake", "-S", ".", "-B", "build", f"-DCMAKE_PREFIX_PATH={tftrt.cmake_prefix_path}"],
        ["cmake", "--build", "build"],
        ["build/app"],
    ):
        process = subprocess.run(line, cwd=tmp_path, capture_output=True, text=True)
        assert process.returncode == 0, process.stdout + process.stderr
    assert process.stdout.startswith("image: float32[?, 64, 64, 3]\n")
