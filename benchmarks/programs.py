"""Runs what a benchmark needs in a process of its own."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import tftrt


def build_program(source: Path, build: Path, name: str) -> Path:
    """Build a CMake project against the installed tftrt; the program's path."""
    configure = ["cmake", "-S", str(source), "-B", str(build), f"-DCMAKE_PREFIX_PATH={tftrt.cmake_prefix_path}"]
    for command in (configure, ["cmake", "--build", str(build)]):
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    return build / name


def run_python(code: str, *arguments: str) -> str:
    """What ``code`` prints; it can import the modules beside this one."""
    command = [sys.executable, "-c", code, *arguments]
    process = subprocess.run(command, capture_output=True, text=True, cwd=Path(__file__).parent, check=False)
    if process.returncode != 0:
        raise RuntimeError(f"exit status {process.returncode}\n{process.stderr}")
    return process.stdout
