"""TensorRT discovery, seen from TensorFlow: its own checks find what tftrt opened, without LD_LIBRARY_PATH.

Everything runs in child processes, because what a process opens stays open.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

FAKE_SOURCE = """
extern "C" int getInferLibVersion() { return FAKE_VERSION; }
extern "C" bool initLibNvInferPlugins(void*, const char*) { return true; }
"""

# get_loaded_tensorrt_version ends the process where TensorRT is missing.
PROBE = """
import json
import tftrt
from tftrt import _native

problem = _native.open_tensorrt()
from tensorflow.compiler.tf2tensorrt import _pywrap_py_utils as tensorflow_trt

enabled = tensorflow_trt.is_tensorrt_enabled()
version = tensorflow_trt.get_loaded_tensorrt_version() if enabled else None
print(json.dumps({"problem": problem, "enabled": enabled, "version": version}))
"""


def probe(tensorrt_dir: Path | str) -> dict[str, Any]:
    environment = {k: v for k, v in os.environ.items() if k != "LD_LIBRARY_PATH"}
    environment |= {"TF_CPP_MIN_LOG_LEVEL": "3", "TFTRT_TENSORRT_DIR": str(tensorrt_dir)}
    result = subprocess.run([sys.executable, "-c", PROBE], env=environment, capture_output=True, text=True, timeout=300)
    assert result.returncode == 0, result.stderr
    return json.loads(result.stdout.splitlines()[-1])


def build_fake(directory: Path, version: int) -> Path:
    compiler = os.environ.get("CXX") or shutil.which("g++")
    if compiler is None:
        pytest.skip("no C++ compiler to build the stand-in for TensorRT with")
    directory.mkdir()
    source = directory / "fake.cc"
    source.write_text(FAKE_SOURCE)
    for name in ("libnvinfer.so.8", "libnvinfer_plugin.so.8"):
        command = [compiler, "-shared", "-fPIC", f"-DFAKE_VERSION={version}", f"-Wl,-soname,{name}"]
        subprocess.run([*command, str(source), "-o", str(directory / name)], check=True)
    return directory


@pytest.mark.parametrize(("number", "version"), [(8600, [8, 6, 0]), (8601, [8, 6, 1])])
def test_tensorflow_finds_what_tftrt_opened(tmp_path: Path, number: int, version: list[int]) -> None:
    found = probe(build_fake(tmp_path / "tensorrt", number))
    assert found == {"problem": "", "enabled": True, "version": version}


def test_another_version_is_refused_and_tensorflow_does_not_see_it(tmp_path: Path) -> None:
    found = probe(build_fake(tmp_path / "tensorrt", 8502))
    assert "TensorRT 8.5.2" in found["problem"]
    assert "needs 8.6" in found["problem"]
    assert not found["enabled"]


def test_without_tensorrt_nothing_aborts(tmp_path: Path) -> None:
    found = probe(tmp_path)
    assert f"there is no libnvinfer.so.8 in {tmp_path}" in found["problem"]
    assert found["enabled"] in (True, False)


def test_inspection_reports_and_changes_nothing(tmp_path: Path) -> None:
    code = """
import os
before = dict(os.environ)
from tftrt import _native
report = _native.inspect_environment()
assert dict(os.environ) == before
assert report.tensorflow.found and report.tensorflow.version.startswith("2.17"), report.tensorflow.detail
assert [r.name for r in report.tensorrt] == ["libnvinfer.so.8", "libnvinfer_plugin.so.8"]
assert report.cuda[0].name == "libcuda.so.1"
assert "libtensorflow_cc" not in open("/proc/self/maps").read(), "inspection opened TensorFlow"
"""
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60)
    assert (result.returncode, result.stdout, result.stderr) == (0, "", "")


@pytest.mark.slow
def test_real_tensorrt() -> None:
    directory = os.environ.get("TFTRT_TEST_TENSORRT_DIR")
    if not directory:
        pytest.skip("TFTRT_TEST_TENSORRT_DIR is not set to a folder with TensorRT 8.6's libnvinfer.so.8")
    found = probe(directory)
    assert found["problem"] == ""
    assert found["enabled"]
    assert found["version"][:2] == [8, 6]
