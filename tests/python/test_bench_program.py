"""The C++ program tftrt_bench."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

import tftrt

PROGRAM = Path(tftrt.cmake_prefix_path).parents[1] / "bin" / "tftrt_bench"


def run(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([PROGRAM, *arguments], capture_output=True, text=True, timeout=120)


def test_measures_each_path_batch_and_number_of_callers(exported: Callable[[str], Path], tmp_path: Path) -> None:
    file = tmp_path / "results.json"
    arguments = ["--batch_size=1,4", "--input_size=8", "--callers=1,2", "--duration=0.2", "--warmup=0", "--device=cpu"]
    result = run("--model_path", str(exported("cnn")), *arguments, "--json", str(file))
    assert result.returncode == 0, result.stderr
    rows = json.loads(file.read_text())["results"]
    assert {(row["path"], row["batch"], row["callers"]) for row in rows} == {
        (path, batch, callers) for path in ("run", "bound") for batch in (1, 4) for callers in (1, 2)
    }
    for row in rows:
        assert 0 < row["median"] <= row["p90"] <= row["p99"] <= row["p99.9"]
        assert row["items_per_second"] == pytest.approx(row["calls"] / 0.2 * row["batch"], rel=1e-3)
    assert len(result.stdout.splitlines()) == 2 + len(rows)


def test_inputs_with_a_default_have_it(exported: Callable[[str], Path]) -> None:
    arguments = ["--duration=0.1", "--warmup=0", "--device=cpu", "--batch_size=2"]
    result = run("--model_path", str(exported("defaulted_input")), *arguments)
    assert result.returncode == 0, result.stderr
    assert len(result.stdout.splitlines()) == 4


@pytest.mark.parametrize(
    ("arguments", "status", "message"),
    [
        ([], 2, "--model_path is missing"),
        (["--model_path"], 2, "needs a value"),
        (["--model_path=x", "--paths=fast"], 2, "expected run, bound"),
        (["--model_path=x", "--callers=0"], 2, "a number from 1 on"),
        (["--speed", "9"], 2, "unknown flag --speed"),
        (["x"], 2, "expected a flag"),
        (["--model_path=/no/such/model"], 1, "/no/such/model"),
    ],
)
def test_wrong_usage(arguments: list[str], status: int, message: str) -> None:
    result = run(*arguments)
    assert result.returncode == status
    assert message in result.stderr


def test_shapes_of_unknown_inputs(exported: Callable[[str], Path]) -> None:
    words = ["--device=cpu", "--input_size=8", "--duration=0.1", "--warmup=0", "--shapes=typo:8x8x8x3"]
    result = run("--model_path", str(exported("cnn")), *words)
    message = '--shapes names "typo", which signature serving_default does not have; expected image'
    assert (result.returncode, result.stdout, message in result.stderr) == (2, "", True)


@pytest.mark.parametrize("path", ["run", "bound"])
def test_inputs_of_every_dtype(exported: Callable[[str], Path], path: str) -> None:
    words = ["--device=cpu", "--duration=0.1", "--warmup=0", f"--paths={path}"]
    result = run("--model_path", str(exported("all_dtypes")), *words)
    assert result.returncode == 0, result.stderr
    assert result.stdout.splitlines()[2].startswith(path)


def test_help_names_every_flag() -> None:
    result = run("--help")
    assert result.returncode == 0
    for flag in ("model_path", "signature_key", "batch_size", "input_size", "instances", "cuda_graphs", "json"):
        assert f"--{flag}" in result.stdout
