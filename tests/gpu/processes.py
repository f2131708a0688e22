"""Processes that tests start, watch, interrupt and end."""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from .factory import Arrays

PATIENCE = 120.0  # seconds for a process that loads and calls a small model
TESTS = Path(__file__).parents[1]


def environment(**changes: str) -> dict[str, str]:
    """The environment of a fresh process that can import this package."""
    path = os.pathsep.join(filter(None, [str(TESTS), os.environ.get("PYTHONPATH", "")]))
    # What is written to the terminal is tested as it is where nobody chose a level.
    inherited = {name: value for name, value in os.environ.items() if name != "TF_CPP_MIN_LOG_LEVEL"}
    return {**inherited, "PYTHONPATH": path, **changes}


def run(
    *command: str, timeout: float = PATIENCE, check: bool = True, **changes: str
) -> subprocess.CompletedProcess[str]:
    """Run ``python COMMAND``; fails the test if that fails, unless told ``check=False``."""
    result = subprocess.run(
        [sys.executable, *command], capture_output=True, text=True, timeout=timeout, env=environment(**changes)
    )
    if check and result.returncode != 0:
        pytest.fail(f"exit code {result.returncode}\n{result.stdout}\n{result.stderr}", pytrace=False)
    return result


class Worker:
    """Runs worker.py, so that a crash there is a failure here."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def load(
        self, model: Path, inputs: list[Arrays], *, calls: int = 1, timeout: float = PATIENCE, **options: Any
    ) -> dict[str, Any]:
        """Load ``model`` with ``options``, call it with each of ``inputs`` ``calls`` times; what worker.py found.

        Its answer has ``outputs`` as a list of arrays by name, and ``stderr``.
        """
        number = len(list(self._folder.glob("worker_*.npz")))
        arrays, results = self._folder / f"worker_{number}.npz", self._folder / f"results_{number}.npz"
        save_arrays(arrays, inputs)
        request = {"model": str(model), "inputs": str(arrays), "results": str(results), "calls": calls}
        request["options"] = options
        process = run("-m", "gpu.worker", json.dumps(request), timeout=timeout, check=False)
        if process.returncode != 0:
            pytest.fail(
                f"the process that loads {model} died with {process.returncode}\n{process.stdout}\n{process.stderr}",
                pytrace=False,
            )
        answer: dict[str, Any] = json.loads(process.stdout.splitlines()[-1])
        answer["stderr"] = process.stderr
        answer["outputs"] = load_arrays(results) if results.exists() else []
        return answer


def save_arrays(path: Path, rows: list[Arrays]) -> None:
    """Write lists of arrays by name into one .npz file."""
    np.savez(path, **{f"{number}/{name}": array for number, row in enumerate(rows) for name, array in row.items()})


def load_arrays(path: Path) -> list[Arrays]:
    """What ``save_arrays`` wrote."""
    rows: dict[int, Arrays] = {}
    with np.load(path) as file:
        for key in file.files:
            number, name = key.split("/", 1)
            rows.setdefault(int(number), {})[name] = file[key]
    return [rows[number] for number in sorted(rows)]


def descendants(pid: int) -> set[int]:
    """All processes that ``pid`` started, and that those started."""
    parents: dict[int, int] = {}
    for stat in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError):
            fields = stat.read_text().rpartition(")")[2].split()
            parents[int(stat.parent.name)] = int(fields[1])
    found: set[int] = set()
    grown = {pid}
    while grown:
        grown = {child for child, parent in parents.items() if parent in grown} - found
        found |= grown
    return found


def is_running(pid: int) -> bool:
    """Whether the process is there and no zombie."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def wait_until(condition: Callable[[], bool], seconds: float) -> bool:
    """Poll; whether it became true in time."""
    end = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > end:
            return False
        time.sleep(0.05)
    return True
