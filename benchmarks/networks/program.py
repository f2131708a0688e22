"""The C++ program tftrt_bench on the same model, and Python's calls before and after it: what Python costs.

Processes differ by more than that, by where their memory lies. So the two take turns, and of each the median counts.
"""

from __future__ import annotations

import json
import os
import stat
import subprocess
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
from making import Made
from record import Record

import tftrt
from tftrt._tensorflow import find_package
from tftrt.benchmarking.measure import measure
from tftrt.benchmarking.paths import model_paths

__all__ = ["measure_program"]

PROGRAM = Path(tftrt.cmake_prefix_path).parents[1] / "bin" / "tftrt_bench"
_WARMUP = 0.5
_TURNS = 3
_PATHS = {"bound": "bound", "call": "run"}
"""Python's names, and the program's."""


def measure_program(record: Record, made: Made, duration: float) -> None:
    """Measure bound and plain calls with batch 1 from both languages."""
    with record.step("C++ and Python"):
        python = [_measure_python(made, duration / 2)]
        programs = []
        for _ in range(_TURNS):
            programs.append(_measure_cpp(made, duration))
            python.append(_measure_python(made, duration / 2))
        medians = {path: [turn[path] for turn in python] for path in _PATHS}
        program = {name: _middle([turn[name] for turn in programs]) for name in _PATHS.values()}
        record.content["program"] = {
            "cpp": {"instances": programs[0]["instances"], **program},
            "cpp_medians": {name: [turn[name]["median"] for turn in programs] for name in _PATHS.values()},
            "python_median_before_and_after": medians,
            "python_minus_cpp": {
                path: float(np.median(medians[path])) - program[name]["median"] for path, name in _PATHS.items()
            },
        }
        record.say(f"  Python minus C++, us: {record.content['program']['python_minus_cpp']}")


def _middle(turns: list[dict[str, Any]]) -> dict[str, Any]:
    return sorted(turns, key=lambda turn: float(turn["median"]))[len(turns) // 2]


def _measure_python(made: Made, duration: float) -> dict[str, float]:
    inputs = made.inputs[1]
    with made.load() as model:
        paths = {path: make for path, make in model_paths(model, inputs).items() if path in _PATHS}
        times = measure(paths, callers=1, warmup=_WARMUP, duration=duration)
        return {path: times[path].summary(batch=1)["median"] for path in _PATHS}


def _measure_cpp(made: Made, duration: float) -> dict[str, Any]:
    if not os.access(PROGRAM, os.X_OK):  # some installers drop it
        PROGRAM.chmod(PROGRAM.stat().st_mode | stat.S_IXUSR | stat.S_IXGRP | stat.S_IXOTH)
    shapes = [f"{name}:{'x'.join(map(str, array.shape))}" for name, array in made.inputs[1].items()]
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "results.json"
        command = [str(PROGRAM), "--model_path", str(made.model), "--shapes", ",".join(shapes)]
        command += ["--duration", str(duration), "--warmup", str(_WARMUP), "--device", made.options["device"]]
        process = subprocess.run(
            [*command, "--json", str(file)],
            capture_output=True,
            text=True,
            env={"TFTRT_TENSORFLOW_DIR": find_package(), **os.environ},
            check=False,
        )
        if process.returncode != 0:
            raise RuntimeError(f"tftrt_bench: exit status {process.returncode}: {process.stderr.strip()[-2000:]}")
        result = json.loads(file.read_text())
        return {"instances": result["instances"], **{row["path"]: row for row in result["results"]}}
