"""Ops that wait for other ops: queues, staging areas and barriers. TensorFlow's session runs such models."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

import runtime_models
import tftrt
from conftest import TensorFlow

KINDS = ["queue", "stage", "map_stage", "barrier"]
Python = Callable[..., "subprocess.CompletedProcess[str]"]

# In a process of its own: a fault shows as a call that never ends.
CALL = """
import sys
import numpy as np
import tftrt

path, *executors = sys.argv[1:]
x = np.arange(4, dtype=np.float32)
for executor in executors:
    with tftrt.Model(path, device="cpu", executor=executor) as model:
        print(model.info.executor, model.info.executor_reason)
        y = model.run({"x": x}, outputs=["y", "z"])["y"]
        assert np.array_equal(np.sort(y), 2 * x), y
"""

STARVED = """
import sys
import threading
import time
import numpy as np
import tftrt

x = np.ones(4, np.float32)
for limited in (True, False):
    model = tftrt.Model(sys.argv[1], device="cpu")
    errors = []

    def call():
        try:
            model.run({"x": x}, timeout=0.2 if limited else None)
        except tftrt.errors.Error as error:
            errors.append(type(error).__name__)

    thread = threading.Thread(target=call)
    thread.start()
    time.sleep(0.4)
    begin = time.monotonic()
    model.close()
    assert time.monotonic() - begin < 9
    thread.join()
    print(*errors)
"""


@pytest.fixture(scope="module")
def path_of(tensorflow: TensorFlow, tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    root = tmp_path_factory.mktemp("blocking")

    def make(kind: str) -> Path:
        directory = root / kind
        if not directory.exists():
            tensorflow.call(runtime_models.blocking, str(directory), kind)
        return directory

    return make


@pytest.mark.parametrize("kind", KINDS)
def test_models_with_ops_that_wait_run_in_parallel(kind: str, path_of: Callable[[str], Path], python: Python) -> None:
    lines = python(CALL, path_of(kind), "auto", "parallel", timeout=30).stdout.splitlines()
    assert lines[0].startswith("parallel the graph has ")
    assert "may wait for another op" in lines[0]


@pytest.mark.parametrize("kind", KINDS)
def test_one_thread_is_refused_for_them(kind: str, path_of: Callable[[str], Path]) -> None:
    with pytest.raises(tftrt.errors.UnsupportedError, match=r'may wait for another op.*use "auto" or "parallel"'):
        tftrt.Model(path_of(kind), device="cpu", executor="single")


def test_close_ends_a_call_that_waits_for_ever(path_of: Callable[[str], Path], python: Python) -> None:
    result = python(STARVED, path_of("starved"), timeout=60)
    assert result.stdout.splitlines() == ["DeadlineExceededError", "CancelledError"]


def test_close_lets_a_short_call_end(path_of: Callable[[str], Path]) -> None:
    x = np.ones(4, np.float32)
    for _ in range(3):
        with tftrt.Model(path_of("queue"), device="cpu") as model:
            np.testing.assert_array_equal(model.run({"x": x}, outputs=["y", "z"])["y"], 2 * x)
