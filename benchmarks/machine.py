"""What a recorded figure was measured on, and how results are written."""

from __future__ import annotations

import contextlib
import datetime
import importlib.metadata
import json
import os
import platform
import subprocess
from pathlib import Path
from typing import Any

import tftrt

RESULTS = Path(__file__).parent / "results"


def describe() -> dict[str, Any]:
    """Hardware and versions."""
    commit = subprocess.run(
        ["git", "describe", "--always", "--dirty"], cwd=RESULTS, capture_output=True, text=True, check=False
    ).stdout.strip()
    return {
        "date": datetime.date.today().isoformat(),
        "cpu": _cpu(),
        "cores": os.cpu_count(),
        "python": platform.python_version(),
        "versions": {name: importlib.metadata.version(name) for name in ("tftrt", "tensorflow", "numpy")},
        "commit": commit or "unknown",
    }


def describe_with_gpu(commit: str = "") -> dict[str, Any]:
    """The same of the GPU and its libraries too; ``commit`` says what is measured, where there is no git."""
    described = describe()
    if commit:
        described["commit"] = commit
    report = tftrt._native.inspect_environment()
    described["gpus"] = report.gpus
    for library in (*report.tensorrt, *report.cuda):
        described["versions"][library.name] = library.version
    query = "name,driver_version,memory.total"
    with contextlib.suppress(FileNotFoundError):
        command = ["nvidia-smi", f"--query-gpu={query}", "--format=csv,noheader"]
        answer = subprocess.run(command, capture_output=True, text=True, check=False).stdout.strip()
        described["nvidia-smi"] = dict(zip(query.split(","), answer.splitlines()[0].split(", "))) if answer else {}
    return described


def write(name: str, results: dict[str, Any], path: Path | None) -> None:
    """Write results as JSON: to ``path``, or to results/``name``.json beside this file."""
    path = path or RESULTS / f"{name}.json"
    path.write_text(json.dumps({"machine": describe(), **results}, indent=2) + "\n")
    print(f"written to {path}")


def _cpu() -> str:
    lines = Path("/proc/cpuinfo").read_text().splitlines()
    fields = dict(line.split(":", 1) for line in lines if ":" in line)
    fields = {key.strip(): value.strip() for key, value in fields.items()}
    wide = "AVX-512" if "avx512f" in fields.get("flags", "") else "AVX2" if "avx2" in fields.get("flags", "") else "SSE"
    return f"{fields.get('model name', 'unknown')} ({wide})"
