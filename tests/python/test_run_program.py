"""The C++ program tftrt_run."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

import tftrt
from exports import DTYPES

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


def test_inputs_with_a_default_have_it(exported: Export, tmp_path: Path) -> None:
    x = np.ones((2, 4), np.float32)
    x.tofile(tmp_path / "x.raw")
    words = ["--device=cpu", "--batch_size=2", f"--input=x={tmp_path / 'x.raw'}", "--output", tmp_path / "out"]
    result = run("--model_path", exported("defaulted_input"), *words)
    assert result.returncode == 0, result.stderr
    assert "input  scale: float32[], default" in result.stdout
    np.testing.assert_array_equal(np.fromfile(tmp_path / "out/y.raw", np.float32), np.full(8, 3))
    np.full((), 5, np.float32).tofile(tmp_path / "scale.raw")
    result = run("--model_path", exported("defaulted_input"), *words, f"--input=scale={tmp_path / 'scale.raw'}")
    np.testing.assert_array_equal(np.fromfile(tmp_path / "out/y.raw", np.float32), np.full(8, 6))


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
        (["--model_path=x", "--warmup_iterations=-1"], 2, "a number from 0 on"),
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
    message = '--input names "picture", which signature serving_default does not have; expected image'
    assert (result.returncode, message in result.stderr) == (2, True)


def test_shapes_of_unknown_inputs(exported: Export) -> None:
    result = run("--model_path", exported("cnn"), "--device=cpu", "--input_size=8", "--shapes=typo:8x8x8x3")
    message = '--shapes names "typo", which signature serving_default does not have; expected image'
    assert (result.returncode, result.stdout.count("calls in"), message in result.stderr) == (2, 0, True)


def test_later_shapes_replace_earlier_ones(exported: Export) -> None:
    shapes = ["--shapes", "image:1x8x8x3", "--shapes=image:2x8x8x3,image:3x8x8x3"]
    result = run("--model_path", exported("cnn"), "--device=cpu", *shapes)
    assert result.returncode == 0, result.stderr
    assert "image: float32[3, 8, 8, 3], random" in result.stdout


def test_random_inputs_of_every_dtype(exported: Export) -> None:
    result = run("--model_path", exported("all_dtypes"), "--device=cpu", "--batch_size=1000")
    assert result.returncode == 0, result.stderr
    for dtype in DTYPES:
        (line,) = (line for line in result.stdout.splitlines() if line.startswith(f"output {dtype}_out: "))
        line, found = line.removeprefix(f"output {dtype}_out: {dtype}[1000]: "), line
        if dtype == "string":
            assert re.fullmatch(r'("[ab]" ){5}\.\.\.', line), found
            continue
        match = re.fullmatch(r"(magnitudes )?(\S+) to (\S+), mean (\S+); (\S+ ){5}\.\.\.", line)
        assert match, found
        assert (match[1] is not None) == dtype.startswith("complex")
        least, most, mean = map(float, match.groups()[1:4])
        if dtype == "bool":
            assert (least, most) == (0, 1)
            assert mean == pytest.approx(0.5, abs=0.1)
        elif "int" in dtype:
            assert (least, most) == (0, 9)
            assert mean == pytest.approx(4.5, abs=0.5)
        else:
            assert 0 <= least < 0.01
            assert 0.99 < most <= 1
            assert mean == pytest.approx(0.5, abs=0.05)


def test_few_elements_are_all_shown(exported: Export) -> None:
    result = run("--model_path", exported("all_dtypes"), "--device=cpu", "--batch_size=2")
    assert result.returncode == 0, result.stderr
    lines = [line for line in result.stdout.splitlines() if line.startswith("output ")]
    assert len(lines) == len(DTYPES)
    assert not any("..." in line for line in lines)


def test_half_and_complex_numbers_are_numpys(exported: Export, tmp_path: Path) -> None:
    numbers = np.array([-2.5, 0.1, 65504, 6e-8, np.inf, 3])
    bits = (numbers.astype(np.float32).view(np.uint32) >> 16).astype(np.uint16)  # bfloat16, rounded to zero
    arrays = {"float16": numbers.astype(np.float16), "complex64": (numbers[:2] + 3j).astype(np.complex64)}
    words = []
    for name, array in {**arrays, "bfloat16": bits}.items():
        array.tofile(tmp_path / name)
        words += [f"--input={name}={tmp_path / name}", f"--shapes={name}:{array.size}"]
    result = run("--model_path", exported("all_dtypes"), "--device=cpu", *words)
    assert result.returncode == 0, result.stderr
    arrays["bfloat16"] = (bits.astype(np.uint32) << 16).view(np.float32)
    for name in ("float16", "bfloat16"):
        shown = " ".join(f"{element:.6g}" for element in arrays[name].astype(float)[:0:-1])
        assert f"output {name}_out: {name}[6]: -2.5 to inf, mean inf; {shown} ...\n" in result.stdout
    least, most = sorted(np.abs(arrays["complex64"]))
    expected = f"magnitudes {least:.6g} to {most:.6g}, mean {(least + most) / 2:.6g}; 0.1+3j -2.5+3j\n"
    assert f"output complex64_out: complex64[2]: {expected}" in result.stdout


@pytest.mark.parametrize("warmups", [0, 3])
def test_calls_are_as_many_as_asked_for(exported: Export, warmups: int) -> None:
    calls = [f"--warmup_iterations={warmups}", "--iterations=2"]
    result = run("--model_path", exported("counter"), "--signature_key=add", "--device=cpu", *calls)
    assert result.returncode == 0, result.stderr
    assert f"output count: int64[]: {warmups + 7} to" in result.stdout
    assert "\n2 calls in " in result.stdout


def test_output_names_that_are_paths_are_refused(exported: Export, tmp_path: Path) -> None:
    folder = tmp_path / "in" / "out"
    result = run("--model_path", exported("output_is_path"), "--device=cpu", "--output", folder)
    assert (result.returncode, result.stdout.count("output ")) == (2, 0)
    assert 'the output "../y" has a / in its name' in result.stderr
    assert list(tmp_path.iterdir()) == []
    result = run("--model_path", exported("output_is_path"), "--device=cpu")
    assert (result.returncode, "output ../y: float32[4]: " in result.stdout) == (0, True)


def test_outputs_that_cannot_be_written_are_refused_before_the_calls(exported: Export, tmp_path: Path) -> None:
    result = run("--model_path", exported("all_dtypes"), "--device=cpu", "--output", tmp_path / "out")
    assert (result.returncode, "output " in result.stdout) == (1, False)
    assert "--output: string_out: string[?]: strings are not elements of a fixed size" in result.stderr
    (tmp_path / "file").touch()
    result = run("--model_path", exported("cnn"), "--device=cpu", "--input_size=8", "--output", tmp_path / "file" / "x")
    assert (result.returncode, "output " in result.stdout) == (2, False)
    assert f"cannot make the folder --output {tmp_path / 'file' / 'x'}: Not a directory" in result.stderr


def test_help_names_every_flag() -> None:
    result = run("--help")
    assert result.returncode == 0
    for flag in ("model_path", "signature_key", "batch_size", "input_size", "iterations", "input", "output"):
        assert f"--{flag} " in result.stdout
