"""pyproject.toml's filters: a warning that tftrt or a test causes fails the test; those of other packages do not."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from conftest import HERE

TESTS = """
import threading
import warnings

import pytest

from tftrt.building.plan_cache import PlanCache


def from_a_module_called(name):
    exec("import warnings; warnings.warn('old', DeprecationWarning)", {"__name__": name})


def test_tftrt_warns(tmp_path):
    (tmp_path / "file").touch()
    PlanCache(tmp_path / "file").store("key", tmp_path / "file", "sum")


@pytest.mark.parametrize("name", ["tftrt", "tftrt.conversion", "exports"])
def test_module_warns(name):
    from_a_module_called(name)


def test_itself_warns():
    warnings.warn("old", DeprecationWarning)


def test_what_nobody_catches():
    thread = threading.Thread(target=lambda: 1 / 0)
    thread.start()
    thread.join()


@pytest.mark.parametrize("name", ["matplotlib._mathtext", "tensorflow", "tftrtish", "google._upb"])
def test_others_warn(name):
    from_a_module_called(name)
"""


def test_warnings_are_errors_where_they_can_be_mended(tmp_path: Path) -> None:
    tests = tmp_path / "test_probe.py"
    tests.write_text(TESTS)
    words = [
        "-c",
        HERE.parents[1] / "pyproject.toml",
        "--rootdir",
        tmp_path,
        "-p",
        "no:cacheprovider",
        "-n0",
        "-rA",
        tests,
    ]
    result = subprocess.run([sys.executable, "-m", "pytest", *map(str, words)], capture_output=True, text=True)
    lines = [line for line in result.stdout.splitlines() if line.startswith(("PASSED", "FAILED"))]
    outcomes = {line.split("::")[1].split(" - ")[0]: line.split()[0] for line in lines}
    passed = {f"test_others_warn[{name}]" for name in ("matplotlib._mathtext", "tensorflow", "tftrtish", "google._upb")}
    assert {test for test, outcome in outcomes.items() if outcome == "PASSED"} == passed, result.stdout
    assert len(outcomes) == 10, result.stdout
