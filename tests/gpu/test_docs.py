"""What docs/engines.md and docs/compat.md show, on a GPU: tests/python stops where engines are built."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import tftrt

from . import counts, processes, samples
from .counts import Counts
from .workshop import Workshop, read_manifest

DOCS = Path(__file__).parents[2] / "docs"
TEXT = (DOCS / "engines.md").read_text(encoding="utf-8")
COMPAT = (DOCS / "compat.md").read_text(encoding="utf-8")

MY_DATA = """
import numpy as np

def batches():
    for seed in range(4):
        yield {"image": np.random.default_rng(seed).random((8, 64, 64, 3), np.float32)}
"""


def _blocks(language: str, text: str = TEXT) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```", text, re.MULTILINE | re.DOTALL)


def test_commands_of_the_documentation(tmp_path: Path, record: Callable[..., None]) -> None:
    (tmp_path / "my_data.py").write_text(MY_DATA)
    script = [f'tftrt() {{ {sys.executable} -m tftrt "$@"; }}', "tftrt demo --keep demo", *_blocks("sh")]
    # Its caches belong to the test.
    environment = processes.environment(HOME=str(tmp_path))
    command = ["bash", "-exc", "\n".join(script)]
    result = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=1000)
    record(output=result.stdout[-4000:])
    assert result.returncode == 0, result.stderr

    assert read_manifest(tmp_path / "demo" / "built")["build"]["gpu"]["name"]
    assert tftrt.calibration_table(tmp_path / "demo" / "int8")
    (code,) = _blocks("python")
    printed = processes.run("-c", f"import os, tftrt\nos.chdir({str(tmp_path)!r})\n{code}").stdout
    assert "'engine_runs': " in printed


def test_scripts_of_the_page_on_compat(workshop: Workshop, tmp_path: Path) -> None:
    shutil.copytree(workshop.source("cnn"), tmp_path / "cnn")
    # The page's model is smaller.
    text = COMPAT.replace("8, 8, 3", "16, 16, 3").replace("x8x8x3", "x16x16x3")
    scripts = [block for block in _blocks("python", text) if "# needs a GPU" in block]
    (command,) = (block for block in _blocks("sh", text) if "# needs a GPU" in block)
    assert len(scripts) == 2
    for script in scripts:
        processes.run("-c", f"import os\nos.chdir({str(tmp_path)!r})\n{script}", timeout=1000)
    shell = f'tftrt() {{ {sys.executable} -m tftrt "$@"; }}\n{command}'
    subprocess.run(["bash", "-exc", shell], cwd=tmp_path, env=processes.environment(), check=True, timeout=1000)
    for name in ("cnn_fp16_built", "cnn_int8", "cnn_built"):
        with tftrt.Model(tmp_path / name, on_miss="error") as model:
            before = counts.counts(model)
            model(samples.image(8))
            assert counts.counts(model) - before == Counts(calls=1, engine_runs=1), name
