"""The diagnosis of an environment, with made-up findings."""

from __future__ import annotations

import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from tftrt import _native
from tftrt.cli import main
from tftrt.doctor import diagnose
from tftrt.errors import IncompatibleError

CUDA = ("libcuda.so.1", "libcudart.so.12", "libcublas.so.12", "libcudnn.so.8")


def library(name: str, problem: str = "", version: str = "1.0") -> Any:
    found = not problem
    path = f"/site-packages/tensorflow/{name}" if found else ""
    return SimpleNamespace(name=name, found=found, path=path, version=version if found else "", detail=problem)


class Environment:
    """What the fake runtime reports; all is well until a test says otherwise."""

    def __init__(self) -> None:
        self.tensorflow = library("libtensorflow_cc.so.2", version="2.17.1")
        self.cuda = [library(name) for name in CUDA]
        self.tensorrt = [library("libnvinfer.so.8"), library("libnvinfer_plugin.so.8")]
        self.gpus = ["NVIDIA H100 (compute capability 9.0)"]
        self.tensorrt_problem = ""
        self.tensorflow_error: Exception | None = None

    def open_tensorflow(self) -> None:
        if self.tensorflow_error is not None:
            raise self.tensorflow_error


@pytest.fixture
def environment(monkeypatch: pytest.MonkeyPatch) -> Environment:
    fake = Environment()
    monkeypatch.setattr(_native, "inspect_environment", lambda: fake)
    monkeypatch.setattr(_native, "open_tensorflow", fake.open_tensorflow)
    monkeypatch.setattr(_native, "open_tensorrt", lambda: fake.tensorrt_problem)
    return fake


def problems() -> dict[str, str]:
    return {component.name: component.remedy for component in diagnose().components if not component.ok}


def test_all_is_well(environment: Environment, capsys: pytest.CaptureFixture[str]) -> None:
    diagnosis = diagnose()
    assert diagnosis.cpu_ready
    assert diagnosis.gpu_ready
    assert diagnosis.remedies == []
    assert main(["doctor"]) == 0
    text = capsys.readouterr().out
    assert "running on the GPU: works" in text
    assert "NVIDIA H100" in text


def test_without_a_gpu_only_the_cpu_works(environment: Environment, capsys: pytest.CaptureFixture[str]) -> None:
    environment.cuda = [library(name, f"{name}: cannot open shared object file") for name in CUDA]
    environment.tensorrt = [library("libnvinfer.so.8", "none"), library("libnvinfer_plugin.so.8", "none")]
    environment.gpus = []
    diagnosis = diagnose()
    assert diagnosis.cpu_ready
    assert not diagnosis.gpu_ready
    driver, cuda, tensorrt = diagnosis.remedies
    assert "NVIDIA's driver" in driver
    assert cuda.endswith("-m pip install 'tensorflow[and-cuda]>=2.17,<2.18'")
    assert "install --target '/site-packages' " in tensorrt
    assert tensorrt.endswith("tensorrt==8.6.0")

    assert main(["doctor"]) == 1
    text = capsys.readouterr().out
    assert "running on the CPU: works" in text
    assert "running on the GPU: cannot work" in text
    assert all(f"  {remedy}\n" in text for remedy in diagnosis.remedies), "commands must be copyable, on one line each"


def test_json(environment: Environment, capsys: pytest.CaptureFixture[str]) -> None:
    environment.gpus = []
    assert main(["doctor", "--json"]) == 1
    result = json.loads(capsys.readouterr().out)
    assert (result["cpu_ready"], result["gpu_ready"], result["gpus"]) == (True, False, [])
    assert [c["name"] for c in result["components"] if not c["ok"]] == ["GPU"]
    assert result == diagnose().to_dict()


def test_plugin_that_lacks_cuda_is_not_mended_by_tensorrt(environment: Environment) -> None:
    environment.cuda[3] = library("libcudnn.so.8", "libcudnn.so.8: cannot open shared object file")
    environment.tensorrt[1] = library(
        "libnvinfer_plugin.so.8", "/x/libnvinfer_plugin.so.8 cannot be opened: libcudnn.so.8: cannot open"
    )
    found = problems()
    assert "and-cuda" in found["libcudnn.so.8"]
    assert found["libnvinfer_plugin.so.8"] == ""


def test_tensorrt_that_cannot_be_opened_for_tensorflow(environment: Environment) -> None:
    environment.tensorrt_problem = "the shim is missing"
    assert set(problems()) == {"libnvinfer.so.8", "libnvinfer_plugin.so.8"}


@pytest.mark.parametrize("seen", ["in the files", "when opened"])
def test_another_tensorflow_stops_the_cpu_too(environment: Environment, seen: str) -> None:
    if seen == "in the files":
        environment.tensorflow.detail = "holds TensorFlow 2.18.0"
    else:
        environment.tensorflow_error = IncompatibleError("holds TensorFlow 2.18.0")
    diagnosis = diagnose()
    assert not diagnosis.cpu_ready
    assert not diagnosis.gpu_ready
    assert diagnosis.remedies[0].endswith("-m pip install 'tensorflow>=2.17,<2.18'")


def test_tensorflow_for_the_cpu_only(environment: Environment, tmp_path: Path) -> None:
    info = tmp_path / "python" / "platform" / "build_info.py"
    info.parent.mkdir(parents=True)
    environment.tensorflow.path = str(tmp_path / "libtensorflow_cc.so.2")
    info.write_text("build_info = OrderedDict([('is_cuda_build', True), ('is_tensorrt_build', True)])")
    assert diagnose().gpu_ready
    info.write_text("build_info = OrderedDict([('is_cuda_build', False)])")
    diagnosis = diagnose()
    assert diagnosis.cpu_ready
    assert not diagnosis.gpu_ready
    assert "uninstall -y tensorflow-cpu" in diagnosis.remedies[0]


def test_real_environment() -> None:
    diagnosis = diagnose()
    assert diagnosis.cpu_ready, [c for c in diagnosis.components if c.needed_for == "cpu" and not c.ok]
    assert json.loads(json.dumps(diagnosis.to_dict())) == diagnosis.to_dict()
    assert diagnosis.gpu_ready == all(component.ok for component in diagnosis.components)
