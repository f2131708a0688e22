"""What docs/engines.md shows, on a GPU: tests/python/test_readme.py stops where engines are built."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import tftrt

from . import processes
from .workshop import read_manifest

TEXT = (Path(__file__).parents[2] / "docs" / "engines.md").read_text(encoding="utf-8")

MY_DATA = """
import numpy as np

def batches():
    for seed in range(4):
        yield {"image": np.random.default_rng(seed).random((8, 64, 64, 3), np.float32)}
"""


def _blocks(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```", TEXT, re.MULTILINE | re.DOTALL)


def test_commands_of_the_documentation(tmp_path: Path, record: Callable[..., None]) -> None:
    (tmp_path / "my_data.py").write_text(MY_DATA)
    script = [f'tftrt() {{ {sys.executable} -m tftrt "$@"; }}', "tftrt demo --keep demo", *_blocks("sh")]
    # Its caches belong to the test.
    environment = processes.environment(HOME=str(tmp_path))
    command = ["bash", "-exc", "\n".join(script)]
    result = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=380)
    record(output=result.stdout[-4000:])
    assert result.returncode == 0, result.stderr

    assert read_manifest(tmp_path / "demo" / "built")["build"]["gpu"]["name"]
    assert tftrt.calibration_table(tmp_path / "demo" / "int8")
    (code,) = _blocks("python")
    printed = processes.run("-c", f"import os, tftrt\nos.chdir({str(tmp_path)!r})\n{code}").stdout
    assert "'engine_runs': " in printed
