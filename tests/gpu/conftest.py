"""Fixtures of the GPU tests, and their skip where there is no GPU or no TensorRT."""

from __future__ import annotations

import os
import shutil
import signal
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import tftrt

from . import parity, recording
from .cuda import Cuda
from .factory import Arrays, TensorFlow
from .processes import Worker
from .workshop import Workshop

HERE = Path(__file__).parent

# What this process logs is asserted in tests: TensorFlow's own warnings stay out.
os.environ.pop("TF_CPP_MIN_LOG_LEVEL", None)

# What a script starts in the background ignores it, and so would all that tests interrupt.
signal.signal(signal.SIGINT, signal.default_int_handler)


def _missing() -> str:
    """Why these tests cannot run here; empty if they can."""
    report = tftrt._native.inspect_environment()
    if not report.gpus:
        return "needs an NVIDIA GPU; none was found"
    problems = [f"{library.name}: {library.detail}" for library in report.tensorrt if not library.found]
    return f"needs TensorRT 8.6; {'; '.join(problems)}" if problems else ""


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_auto_num_workers() -> int:
    """The GPU is one test's at a time."""
    return 0


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    ours = [item for item in items if HERE in item.path.parents]
    reason = _missing() if ours else ""
    for item in ours:
        item.add_marker(pytest.mark.gpu)
        if reason:
            item.add_marker(pytest.mark.skip(reason=reason))


def pytest_runtest_logstart(nodeid: str) -> None:
    recording.append("start", test=nodeid)


def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    """Record each phase as it ends: a process that crashes later leaves what came before."""
    reason = getattr(report, "wasxfail", "")
    if report.skipped and isinstance(report.longrepr, tuple):
        reason = report.longrepr[2]
    elif report.failed:
        reason = report.longreprtext[-4000:]
    recording.append(
        "phase",
        test=report.nodeid,
        phase=report.when,
        outcome=report.outcome,
        seconds=round(report.duration, 3),
        reason=reason,
    )


@pytest.fixture(scope="session")
def tensorflow() -> Iterator[TensorFlow]:
    process = TensorFlow()
    yield process
    process.close()


@pytest.fixture(scope="session")
def workshop(tensorflow: TensorFlow) -> Workshop:
    return Workshop(tensorflow)


@pytest.fixture
def record(request: pytest.FixtureRequest) -> Callable[..., None]:
    """Record figures of this test: ``record(name=value)``."""

    def write(**figures: Any) -> None:
        recording.append("figures", test=request.node.nodeid, **figures)

    return write


@pytest.fixture
def check_parity(record: Callable[..., None]) -> Callable[..., float]:
    """Compare results with what TensorFlow returns; the worst error, which is recorded."""

    def check(actual: list[Arrays], expected: list[Arrays], bound: float, **labels: Any) -> float:
        worst = max(parity.error(found, wanted) for found, wanted in zip(actual, expected))
        record(parity_error=float(f"{worst:.3g}"), bound=bound, **labels)
        assert len(actual) == len(expected)
        assert worst <= bound, f"error {worst:.3g} of the outputs' range; at most {bound} is allowed"
        return worst

    return check


@pytest.fixture
def cuda() -> Cuda:
    return Cuda()


@pytest.fixture
def copy_of(tmp_path: Path) -> Callable[[Path], Path]:
    """A copy of a model that a test may change."""
    made: list[Path] = []

    def copy(model: Path) -> Path:
        made.append(Path(shutil.copytree(model, tmp_path / f"copy_{len(made)}")))
        return made[-1]

    return copy


@pytest.fixture
def load_fresh(tmp_path: Path) -> Callable[..., dict[str, Any]]:
    """Load a model in a fresh process and call it there; see worker.py."""

    def load(model: Path, inputs: list[Arrays], **options: Any) -> dict[str, Any]:
        return Worker(tmp_path).load(model, inputs, **options)

    return load


@pytest.fixture
def one_of_each() -> Callable[..., list[Arrays]]:
    """Inputs of several batch sizes, each with values of its own."""

    def make(sample: Callable[..., Arrays], *batches: int) -> list[Arrays]:
        return [sample(batch, seed=number) for number, batch in enumerate(batches)]

    return make


def pytest_make_parametrize_id(val: object) -> str | None:
    """Shapes as 1x2x3."""
    if isinstance(val, tuple) and all(isinstance(dim, (int, np.integer)) for dim in val):
        return "x".join(map(str, val))
    return None
