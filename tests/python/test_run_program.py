"""The C++ program tftrt_run."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

import tftrt

PROGRAM = Path(tftrt.cmake_prefix_path).parents[1] / "bin" / "tftrt_run"
Export = Callable[[str], Path]


def run(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run([PROGRAM, *map(str, arguments)], capture_output=True, text=True, timeout=120)


def test_files_in_and_out(exported: Export, tmp_path: Path) -> None:
    image = np.random.default_rng(1).random((2, 8, 8, 3), np.float32)
    image.tofile(tmp_path / "image.raw")
    words = ["--device=cpu", "--shapes=image:2x8x8x3", f"--input=image={tmp_path / 'image.raw'}", "--iterations=20"]
    result = run("--model_path", exported("cnn"), *words, "--output", tmp_path / "out")
    assert result.returncode == 0, result.stderr
    assert result.stderr == ""
    with tftrt.Model(exported("cnn"), device="cpu") as model:
        expected = model(image)
    lines = result.stdout.splitlines()
    assert lines[0].startswith(f"{exported('cnn')} on cpu, signature serving_default, engines 0 of 0, loaded in ")
    assert lines[1] == f"input  image: float32[2, 8, 8, 3], {tmp_path / 'image.raw'}"
    assert lines[-1].startswith("20 calls in ")
    for name, array in expected.items():
        found = np.fromfile(tmp_path / "out" / f"{name}.raw", array.dtype).reshape(array.shape)
        np.testing.assert_allclose(found, array, rtol=1e-6)
        (line,) = (line for line in lines if line.startswith(f"output {name}: "))
        least, _, most, _, mean = line.split(": ")[2].split(";")[0].replace(",", "").split()
        np.testing.assert_allclose(
            [float(least), float(most), float(mean)], [array.min(), array.max(), array.mean()], 1e-4
        )


def test_random_inputs(exported: Export) -> None:
    result = run("--model_path", exported("cnn"), "--batch_size", "3", "--input_size", "8", "--device", "cpu")
    assert result.returncode == 0, result.stderr
    assert "image: float32[3, 8, 8, 3], random" in result.stdout
    assert "\n1 calls in " in result.stdout


@pytest.mark.parametrize(
    ("arguments", "status", "message"),
    [
        ([], 2, "--model_path is missing"),
        (["--model_path=x", "--iterations=0"], 2, "a number from 1 on"),
        (["--model_path=x", "--input=image"], 2, "expected NAME=FILE"),
        (["--speed=9"], 2, "unknown flag --speed"),
        (["--model_path=/no/such/model"], 1, "/no/such/model"),
    ],
)
def test_wrong_usage(arguments: list[str], status: int, message: str) -> None:
    result = run(*arguments)
    assert result.returncode == status
    assert message in result.stderr


def test_wrong_files(exported: Export, tmp_path: Path) -> None:
    words = ["--model_path", exported("cnn"), "--input_size=8", "--device=cpu"]
    result = run(*words, "--input=image=/no/such/file")
    assert (result.returncode, "cannot read /no/such/file: No such file" in result.stderr) == (2, True)
    (tmp_path / "short").write_bytes(b"x")
    result = run(*words, f"--input=image={tmp_path / 'short'}")
    assert "has 1 bytes; expected 768 for float32[1, 8, 8, 3]" in result.stderr
    result = run(*words, f"--input=picture={tmp_path / 'short'}")
    assert "--input names what signature serving_default does not have; expected image" in result.stderr


def test_help_names_every_flag() -> None:
    result = run("--help")
    assert result.returncode == 0
    for flag in ("model_path", "signature_key", "batch_size", "input_size", "iterations", "input", "output"):
        assert f"--{flag} " in result.stdout
