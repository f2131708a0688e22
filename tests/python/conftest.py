"""Fixtures: TensorFlow in a process of its own, and models that it exports once for all of pytest-xdist's workers."""

from __future__ import annotations

import ctypes
import fcntl
import multiprocessing
import os
import pickle
import shutil
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
from tftrt.conversion import process

# oneDNN computes the same in another order if weights are constants, or an op is in a loop's body. It is what
# test_onednn.py is about; without it results are equal bit for bit.
os.environ["TF_ENABLE_ONEDNN_OPTS"] = "0"

# What a script starts in the background ignores it, and so would all that tests interrupt.
signal.signal(signal.SIGINT, signal.default_int_handler)

HERE = Path(__file__).parent
PATIENCE = 60.0  # seconds that a test waits for what should take none
# For ``python -c``: warnings that the program causes, or tftrt, are errors; those of other packages are theirs.
STRICT = 'import warnings; warnings.filterwarnings("error", module=r"(__main__|tftrt)(\\.|$)")\n'
MEMORY_OF_A_WORKER = 4 << 30  # with its TensorFlow process and what tests start
LONG_FILES = ("test_example_programs.py", "test_parity.py", "test_processes.py", "test_readme.py")

Shared = Callable[[str, Callable[[Path], Any]], Path]


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_auto_num_workers(config: pytest.Config) -> int:
    """One for each core, as far as memory goes; none for one file, which starts sooner so."""
    files = {Path(argument.split("::")[0]) for argument in config.args}
    if len(files) == 1 and files.pop().is_file():
        return 0
    memory = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    return max(1, min(len(os.sched_getaffinity(0)), memory // MEMORY_OF_A_WORKER))


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Files that take longest come first where files run side by side, so that no process waits for one of them."""
    if "PYTEST_XDIST_WORKER" in os.environ:
        items.sort(key=lambda item: item.path.name not in LONG_FILES)


class TensorFlow:
    """TensorFlow's Python package, which no test of the runtime imports into its own process."""

    def __init__(self) -> None:
        context = multiprocessing.get_context("spawn")
        self._pool = ProcessPoolExecutor(1, mp_context=context, initializer=exports.start)
        self._expected: dict[bytes, list[dict[str, np.ndarray]]] = {}

    def call(self, function: Callable[..., Any], *arguments: Any) -> Any:
        """Call a function of exports.py there."""
        return self._pool.submit(function, *arguments).result()

    def expected(
        self, model: Path, inputs: list[dict[str, Any]], signature: str = "serving_default"
    ) -> list[dict[str, np.ndarray]]:
        """What TensorFlow's own signature call returns for each of ``inputs``."""
        arguments = (str(model), signature, inputs)
        key = pickle.dumps(arguments)
        if key not in self._expected:
            self._expected[key] = self.call(exports.expected, *arguments)
        return self._expected[key]

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
def shared(tmp_path_factory: pytest.TempPathFactory) -> Shared:
    """Makes a file or folder by its name, once for all workers. Not to be changed."""
    root = tmp_path_factory.getbasetemp()
    if "PYTEST_XDIST_WORKER" in os.environ:
        root = root.parent
    root /= "shared"
    root.mkdir(exist_ok=True)

    def share(name: str, make: Callable[[Path], Any]) -> Path:
        path, unfinished = root / name, root / f"{name}_unfinished"
        if not path.exists():
            with (root / f"{name}.lock").open("w") as lock:
                fcntl.flock(lock, fcntl.LOCK_EX)
                if not path.exists():
                    shutil.rmtree(unfinished, ignore_errors=True)
                    make(unfinished)
                    unfinished.rename(path)
        return path

    return share


@pytest.fixture(scope="session")
def exported(tensorflow: TensorFlow, shared: Shared) -> Callable[[str], Path]:
    """The SavedModel of a builder of exports.py or models.py, by its name. Shared: not to be changed."""

    def export(name: str) -> Path:
        if name.startswith("mtcnn") and sys.version_info < (3, 10):
            pytest.skip("mtcnn 1.0.0 needs Python 3.10")
        return shared(name, lambda path: tensorflow.call(exports.build, name, str(path)))

    return export


@pytest.fixture(scope="session")
def converted_of(tensorflow: TensorFlow, shared: Shared, exported: Callable[[str], Path]) -> Callable[[str], Path]:
    """The same, converted with the defaults (FP32)."""

    def convert(name: str) -> Path:
        source = exported(name)
        return shared(f"{name}_trt", lambda path: tensorflow.call(exports.convert, str(source), str(path)))

    return convert


@pytest.fixture(scope="session")
def op_library(tensorflow: TensorFlow, shared: Shared) -> Path:
    """custom_ops.cc, compiled."""

    return shared("libcustom_ops.so", lambda path: tensorflow.call(exports.compile_ops, str(path)))


@pytest.fixture(scope="session")
def custom_ops(tensorflow: TensorFlow, shared: Shared, op_library: Path) -> Path:
    """The SavedModel of exports.custom_ops, which needs op_library."""
    return shared("custom_ops", lambda path: tensorflow.call(exports.build, "custom_ops", str(path), str(op_library)))


@pytest.fixture(scope="session")
def demo(shared: Shared) -> Path:
    """What ``tftrt demo --keep`` leaves. Shared: copied to where it is changed."""

    def make(path: Path) -> None:
        command = [sys.executable, "-m", "tftrt", "demo", "--keep", str(path)]
        environment = {**os.environ, "CUDA_VISIBLE_DEVICES": "-1"}
        subprocess.run(command, check=True, capture_output=True, env=environment)

    return shared("demo", make)


@pytest.fixture(scope="module")
def folder(demo: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where documented commands run: has what ``tftrt demo --keep demo`` leaves."""
    folder = tmp_path_factory.mktemp("folder")
    shutil.copytree(demo, folder / "demo")
    return folder


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


@pytest.fixture
def in_conversions(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """Takes code that the processes of later conversions run before they serve; it puts faults into them."""
    folder = tmp_path_factory.mktemp("faults")
    process._end()

    def run(code: str) -> None:
        (folder / "put_fault.py").write_text(code)
        process._end()

    monkeypatch.setattr(process, "_CODE", process._CODE.replace("main(arguments)", "import put_fault; main(arguments)"))
    monkeypatch.syspath_prepend(str(folder))
    yield run
    process._end()
