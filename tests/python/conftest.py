"""Fixtures: TensorFlow in a process of its own, and models that it exports once for the whole session."""

from __future__ import annotations

import ctypes
import multiprocessing
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import exports
import tftrt

# oneDNN computes the same in another order if weights are constants, or an op is in a loop's body. It is what
# test_onednn.py is about; without it results are equal bit for bit.
os.environ["TF_ENABLE_ONEDNN_OPTS"] = "0"

# What a script starts in the background ignores it, and so would all that tests interrupt.
signal.signal(signal.SIGINT, signal.default_int_handler)

HERE = Path(__file__).parent
PATIENCE = 60.0  # seconds that a test waits for what should take none


class TensorFlow:
    """TensorFlow's Python package, which no test of the runtime imports into its own process."""

    def __init__(self) -> None:
        context = multiprocessing.get_context("spawn")
        self._pool = ProcessPoolExecutor(1, mp_context=context, initializer=exports.start)

    def call(self, function: Callable[..., Any], *arguments: Any) -> Any:
        """Call a function of exports.py there."""
        return self._pool.submit(function, *arguments).result()

    def expected(
        self, model: Path, inputs: list[dict[str, Any]], signature: str = "serving_default"
    ) -> list[dict[str, np.ndarray]]:
        """What TensorFlow's own signature call returns for each of ``inputs``."""
        return self.call(exports.expected, str(model), signature, inputs)  # type: ignore[no-any-return]

    def close(self) -> None:
        self._pool.shutdown()


class Gate:
    """Holds the calls of custom_ops' ``gate`` until it is opened; closed again when a test ends."""

    def __init__(self, library: Path) -> None:
        functions = ctypes.CDLL(str(library))
        self._set = functions.TftrtTestSetGate
        self._set.argtypes = [ctypes.c_bool]
        self._wait = functions.TftrtTestWaitForCalls
        self._wait.argtypes = [ctypes.c_int, ctypes.c_double]
        self._wait.restype = ctypes.c_bool
        self._calls = functions.TftrtTestCalls
        self._earlier = self._calls()

    def open(self) -> None:
        self._set(True)

    def close(self) -> None:
        self._set(False)

    def wait_for_calls(self, count: int, patience: float = PATIENCE) -> None:
        """Return when that many calls wait at the gate."""
        assert self._wait(count, patience), f"{count} calls should wait at the gate"

    def calls(self) -> int:
        """How many have come to the gate."""
        return self._calls() - self._earlier


def vector(*values: float) -> np.ndarray:
    """For the model that ``gated`` makes."""
    return np.array(values, np.float32)


@pytest.fixture(scope="session")
def tensorflow() -> Iterator[TensorFlow]:
    process = TensorFlow()
    yield process
    process.close()


@pytest.fixture(scope="session")
def exported(tensorflow: TensorFlow, tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    """The SavedModel of a builder of exports.py or models.py, by its name. Shared: not to be changed."""
    root = tmp_path_factory.mktemp("exported")

    def export(name: str) -> Path:
        if name.startswith("mtcnn") and sys.version_info < (3, 10):
            pytest.skip("mtcnn 1.0.0 needs Python 3.10")
        directory = root / name
        if not directory.exists():
            tensorflow.call(exports.build, name, str(directory))
        return directory

    return export


@pytest.fixture(scope="session")
def converted_of(tensorflow: TensorFlow, exported: Callable[[str], Path]) -> Callable[[str], Path]:
    """The same, converted with the defaults (FP32)."""

    def convert(name: str) -> Path:
        source = exported(name)
        directory = source.with_name(f"{name}_trt")
        if not directory.exists():
            tensorflow.call(exports.convert, str(source), str(directory))
        return directory

    return convert


@pytest.fixture(scope="session")
def op_library(tensorflow: TensorFlow, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """custom_ops.cc, compiled."""
    library = tmp_path_factory.mktemp("custom_ops") / "libcustom_ops.so"
    compile_flags, link_flags = tensorflow.call(exports.compile_flags)
    command = [
        "g++",
        "-O1",
        "-shared",
        "-fPIC",
        *compile_flags,
        str(HERE / "custom_ops.cc"),
        "-o",
        str(library),
        *link_flags,
    ]
    subprocess.run(command, check=True)
    return library


@pytest.fixture(scope="session")
def custom_ops(tensorflow: TensorFlow, op_library: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The SavedModel of exports.custom_ops, which needs op_library."""
    directory = tmp_path_factory.mktemp("exported_custom_ops") / "model"
    tensorflow.call(exports.build, "custom_ops", str(directory), str(op_library))
    return directory


@pytest.fixture
def gate(op_library: Path) -> Iterator[Gate]:
    # TensorFlow comes first: the library needs it.
    tftrt._native.open_tensorflow()
    gate = Gate(op_library)
    yield gate
    gate.open()  # lets go what a failed test left waiting
    gate.close()


@pytest.fixture
def gated(custom_ops: Path, op_library: Path, gate: Gate) -> Iterator[Callable[..., tftrt.Model]]:
    """Makes models whose runs wait at the gate."""
    models: list[tftrt.Model] = []

    def load(**options: Any) -> tftrt.Model:
        models.append(tftrt.Model(custom_ops, "gate", op_libraries=[op_library], device="cpu", **options))
        return models[-1]

    yield load
    gate.open()
    for model in models:
        model.close()


@pytest.fixture
def python() -> Callable[..., subprocess.CompletedProcess[str]]:
    """Runs code in a fresh Python; fails the test if that fails, unless told ``check=False``."""

    def run(
        code: str, *arguments: object, check: bool = True, timeout: float = 2 * PATIENCE, **environment: str
    ) -> subprocess.CompletedProcess[str]:
        result = subprocess.run(
            [sys.executable, "-c", code, *map(str, arguments)],
            capture_output=True,
            text=True,
            timeout=timeout,
            env={**os.environ, "PYTHONPATH": str(HERE), **environment},
        )
        if check and result.returncode != 0:
            pytest.fail(f"exit code {result.returncode}\n{result.stdout}\n{result.stderr}", pytrace=False)
        return result

    return run
