"""The command line: arguments, output, exit codes and errors."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

import tftrt
from tftrt.cli import main
from tftrt.cli.arrays import read_arrays
from tftrt.cli.common import hyphenate_options

IMAGE_SIZE = 8


def command(*words: str, **options: Any) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, "-m", "tftrt", *words], capture_output=True, text=True, **options)


@pytest.fixture(scope="module")
def model(exported: Callable[[str], Path]) -> Path:
    return exported("cnn")


@pytest.fixture(scope="module")
def converted(model: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    destination = tmp_path_factory.mktemp("cli") / "cnn_trt"
    result = command("convert", str(model), str(destination))
    assert (result.returncode, result.stderr) == (0, "")
    assert "engine" in result.stdout
    return destination


def check_error(capsys: pytest.CaptureFixture[str], *parts: str) -> None:
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err.startswith("error: ")
    assert captured.err.count("\n") == 1
    for part in parts:
        assert part in captured.err


# Arguments


def test_importing_the_command_line_is_cheap() -> None:
    code = "import sys, tftrt.cli; print([m for m in ('tensorflow', 'rich', 'PIL') if m in sys.modules])"
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert result.stdout.strip() == "[]"


def test_version(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--version"]) == 0
    assert capsys.readouterr().out == f"tftrt {tftrt.__version__}\n"


@pytest.mark.parametrize("name", ["convert", "build", "inspect", "run", "verify", "doctor", "demo"])
def test_help_has_examples(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([name, "--help"]) == 0
    assert f"tftrt {name}" in capsys.readouterr().out.split("examples:")[1]


@pytest.mark.parametrize(
    "words",
    [
        [],
        ["no_such_command"],
        ["convert"],
        ["convert", "one"],
        ["convert", "a", "b", "--precision", "FP12"],
        ["inspect"],
        ["run", "model", "--output", "result.txt"],
        ["run", "model", "--shape", "image:1xtwo"],
        ["run", "model", "--shape", "1x2"],
        ["run", "model", "--iterations", "-1"],
    ],
)
def test_wrong_usage_is_2(words: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(words) == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    assert "error: " in captured.err


def test_underscores_in_options_are_hyphens() -> None:
    words = ["convert", "--output_dir=a_b", "--tag_set", "my_tag", "--", "--x_y"]
    assert hyphenate_options(words) == ["convert", "--output-dir=a_b", "--tag-set", "my_tag", "--", "--x_y"]


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (["a", "b"], {}),
        (["a", "b", "--precision", "fp16"], {"precision": "FP16"}),
        (["--dir", "a", "--output_dir", "b", "tensorrt", "--precision_mode", "INT8"], {"precision": "INT8"}),
        (["--dir", "a", "b"], {}),
        (["a", "--output-dir", "b", "--tag_set", "serve,gpu"], {"tags": ("serve", "gpu")}),
        (["a", "b", "--minimum_segment_size", "7"], {"minimum_segment_size": 7}),
        (["a", "b", "--max-workspace-size-bytes=99"], {"max_workspace_size_bytes": 99}),
        (["a", "b", "--no-dynamic-shapes"], {"dynamic_shapes": False}),
        (["a", "b", "--op-denylist", "Conv2D,MatMul"], {"op_denylist": ("Conv2D", "MatMul")}),
        (["a", "b", "--signature", "x", "--signature", "y"], {"signatures": ["x", "y"]}),
        (
            ["a", "b", "--inputs", "x:0", "--outputs", "y:0,z:0"],
            {"inputs": ("x:0",), "outputs": ("y:0", "z:0")},
        ),
        (["a", "b", "--overwrite"], {"overwrite": True}),
    ],
)
def test_convert_passes_on_only_what_was_given(
    words: list[str],
    expected: dict[str, Any],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    calls = []

    def convert(source: str, destination: str, *, progress: object, **options: Any) -> Any:
        calls.append((source, destination, options))
        return SimpleNamespace(to_dict=lambda: {"engines": []})

    monkeypatch.setattr(tftrt, "convert", convert)
    assert main(["convert", *words, "--json"]) == 0
    assert calls == [("a", "b", expected)]
    assert json.loads(capsys.readouterr().out) == {"engines": []}


# Errors


def test_error_is_one_line_and_debug_shows_the_traceback(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["inspect", "/no/such/model"]) == 1
    check_error(capsys, "/no/such/model")
    assert main(["--debug", "inspect", "/no/such/model"]) == 1
    assert "Traceback" in capsys.readouterr().err
    assert main(["inspect", "/no/such/model", "--debug"]) == 1
    assert "Traceback" in capsys.readouterr().err


@pytest.mark.parametrize(("raised", "code"), [(KeyboardInterrupt(), 130), (OSError("disk\nfull"), 1)])
def test_what_a_command_raises(
    raised: BaseException, code: int, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def fail(*_: object, **__: object) -> None:
        raise raised

    monkeypatch.setattr(tftrt, "inspect", fail)
    assert main(["inspect", "model"]) == code
    captured = capsys.readouterr()
    assert captured.err == ("" if code == 130 else "error: disk full\n")


def test_unexpected_error_asks_for_a_report(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(tftrt, "inspect", lambda *_, **__: 1 // 0)
    assert main(["inspect", "model"]) == 1
    check_error(capsys, "ZeroDivisionError", "--debug")


@pytest.mark.parametrize("format_options", [[], ["--json"]])
def test_closed_pipe_is_quiet(model: Path, format_options: list[str]) -> None:
    read, write = os.pipe()
    os.close(read)
    command_line = [sys.executable, "-m", "tftrt", "inspect", str(model), *format_options]
    process = subprocess.run(command_line, stdout=write, stderr=subprocess.PIPE, text=True)
    os.close(write)
    assert (process.returncode, process.stderr) == (1, "")


# convert and inspect


def test_convert_refuses_an_existing_destination(model: Path, converted: Path) -> None:
    result = command("convert", str(model), str(converted))
    assert result.returncode == 1
    assert result.stderr.startswith("error: ")
    assert result.stderr.count("\n") == 1
    assert "overwrite" in result.stderr


def test_inspect(model: Path, converted: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["inspect", str(model)]) == 0
    text = capsys.readouterr().out
    assert f"image: float32[?, {IMAGE_SIZE}, {IMAGE_SIZE}, 3]" in text
    assert "not converted" in text

    assert main(["inspect", str(converted), "--tag_set", "serve"]) == 0
    text = capsys.readouterr().out
    assert "converted to FP32 by tftrt" in text
    assert "TRTEngineOp" in text


def test_inspect_json(model: Path, converted: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["inspect", str(model), "--json"]) == 0
    original = json.loads(capsys.readouterr().out)
    assert original["manifest"] is None
    assert original["engines"] == 0
    assert original["ops"]["Conv2D"] == 2
    signature = next(s for s in original["signatures"] if s["name"] == "serving_default")
    shape = [-1, IMAGE_SIZE, IMAGE_SIZE, 3]
    assert signature["inputs"] == [{"name": "image", "dtype": "float32", "shape": shape, "default": None}]

    assert main(["inspect", str(converted), "--json"]) == 0
    result = json.loads(capsys.readouterr().out)
    assert result["engines"] == len(result["manifest"]["engines"]) > 0
    names = [s["name"] for s in result["signatures"]]
    assert "serving_default" in names


# run


def test_run_from_every_kind_of_file(model: Path, tmp_path: Path) -> None:
    image = np.random.default_rng(0).random((2, IMAGE_SIZE, IMAGE_SIZE, 3), dtype=np.float32)
    np.save(tmp_path / "image.npy", image)
    np.save(tmp_path / "big_endian.npy", image.astype(">f4"))
    np.savez(tmp_path / "one.npz", anything=image)
    np.savez(tmp_path / "named.npz", image=image)
    files = sorted(tmp_path.iterdir())
    output = tmp_path / "out.npz"
    with tftrt.Model(model) as loaded:
        expected = loaded(image)["probabilities"]
    for file in files:
        for spec in (str(file), f"image={file}"):
            assert main(["run", str(model), "--input", spec, "--output", str(output)]) == 0
            with np.load(output) as results:
                assert results.files == ["probabilities"]
                np.testing.assert_array_equal(results["probabilities"], expected)
    assert sorted(tmp_path.iterdir()) == sorted([*files, output])


def test_run_random_is_repeatable_and_measures(converted: Path, capsys: pytest.CaptureFixture[str]) -> None:
    words = ["run", str(converted), "--random", "--seed", "3", "--shape", "5", "--iterations", "4", "--json"]
    assert main(words) == 0
    result = json.loads(capsys.readouterr().out)
    assert result["outputs"] == {"probabilities": {"dtype": "float32", "shape": [5, 4]}}
    assert result["latency_seconds"]["calls"] == 4
    assert result["latency_seconds"]["min"] <= result["latency_seconds"]["median"] <= result["latency_seconds"]["max"]
    shape = f"image:3x{IMAGE_SIZE}x{IMAGE_SIZE}x3"
    assert main(["run", str(converted), "--random", "--shape", shape, "--device", "cpu"]) == 0
    assert "probabilities: float32[3, 4]" in capsys.readouterr().out


def test_run_image(model: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    image = pytest.importorskip("PIL.Image")
    image.new("RGB", (20, 10), (255, 0, 51)).save(tmp_path / "red.png")
    assert main(["run", str(model), "--input", str(tmp_path / "red.png"), "--image-range", "signed"]) == 0
    assert "probabilities: float32[1, 4]" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("dtype", "image_range", "expected"),
    [
        (np.uint8, "unit", [255, 0, 51]),
        (np.float32, "unit", [1.0, 0.0, 0.2]),
        (np.float32, "signed", [1.0, -1.0, -0.6]),
        (np.float16, "raw", [255, 0, 51]),
    ],
)
def test_image_becomes_the_inputs_shape_and_dtype(
    tmp_path: Path, dtype: type, image_range: str, expected: list[float]
) -> None:
    image = pytest.importorskip("PIL.Image")
    image.new("RGB", (20, 10), (255, 0, 51)).save(tmp_path / "red.png")
    for shape, result_shape in (
        ((-1, 4, 6, 3), (1, 4, 6, 3)),
        ((-1, -1, 3), (10, 20, 3)),
        (None, (1, 10, 20, 3)),
    ):
        spec: Any = SimpleNamespace(name="x", dtype=np.dtype(dtype), shape=shape)
        array = read_arrays(tmp_path / "red.png", None, [spec], image_range)["x"]
        assert (array.dtype, array.shape) == (dtype, result_shape)
        np.testing.assert_allclose(array.reshape(-1, 3)[0], expected, atol=1e-6)


def test_run_errors(model: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "text.npy").write_text("no array")
    (tmp_path / "text.png").write_text("no image")
    np.save(tmp_path / "wrong.npy", np.zeros((1, 2), np.float32))
    np.savez(tmp_path / "other.npz", a=np.zeros(1), b=np.zeros(1))
    run = ["run", str(model)]
    for words, parts in (
        ([], ["'image'", "float32[?, 8, 8, 3]", "--random"]),
        (["--input", "missing.npy"], ["missing.npy"]),
        (["--input", f"other={tmp_path / 'wrong.npy'}"], ["'other'", "image"]),
        (["--input", str(tmp_path / "wrong.npy")], ["image"]),
        (["--input", str(tmp_path / "text.npy")], ["text.npy"]),
        (["--input", str(tmp_path / "text.png")], ["text.png"]),
        (["--input", str(tmp_path / "other.npz")], ["'a'"]),
        (["--random", "--shape", "nothing:3"], ["'nothing'"]),
        (["--random", "--signature", "none"], ["none"]),
        (["--random", "--device", "tpu"], ["tpu"]),
        (["--random", "--output", "/no/such/folder/out.npz"], ["/no/such/folder"]),
    ):
        assert main([*run, *words]) == 1, words
        check_error(capsys, *parts)


# demo


def test_demo(tmp_path: Path) -> None:
    result = command("demo", "--keep", str(tmp_path / "demo"), timeout=300)
    assert (result.returncode, result.stderr) == (0, "")
    assert "the results agree" in result.stdout
    assert (tmp_path / "demo" / "model_trt" / "assets.extra" / "tftrt.json").is_file()
    assert command("demo", "--keep", str(tmp_path / "demo")).returncode == 1


# For builds of C++ programs


def test_folders_and_flags_of_the_cpp_library() -> None:
    (cmake_dir,), (pkgconfig_dir,) = (
        command(option).stdout.splitlines() for option in ("--cmake-dir", "--pkgconfig-dir")
    )
    assert Path(cmake_dir) == Path(tftrt.cmake_prefix_path) / "tftrt"
    assert (Path(cmake_dir) / "tftrtConfig.cmake").is_file()
    assert (Path(pkgconfig_dir) / "tftrt.pc").is_file()
    root = Path(cmake_dir).parents[2]
    include, libraries = f"-I{root}/include", f"-L{root}/lib -Wl,-rpath,{root}/lib -ltftrt"
    assert command("--cflags").stdout == include + "\n"
    assert command("--cflags", "--libs").stdout == f"{include} {libraries}\n"
    assert (root / "include" / "tftrt" / "tftrt.h").is_file()
    assert (root / "lib" / "libtftrt.so").is_file()


@pytest.mark.parametrize("words", [[], ["--cflags", "doctor"]])
def test_a_command_or_flags(words: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(words) == 2
    assert "expected a command, or options for builds of C++ programs alone" in capsys.readouterr().err
