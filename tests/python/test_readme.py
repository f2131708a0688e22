"""What the README, docs/runtime.md, docs/engines.md and docs/packages.md show works, in another directory."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from conftest import HERE, STRICT

README = (HERE.parents[1] / "README.md").read_text()
RUNTIME = (HERE.parents[1] / "docs" / "runtime.md").read_text()
ENGINES = (HERE.parents[1] / "docs" / "engines.md").read_text()


def blocks(section: str, language: str, text: str = README) -> list[str]:
    """The code blocks of a section, in order; of the whole text, if the section is empty."""
    if section:
        (text,) = re.findall(rf"^## {re.escape(section)}\n(.*?)(?=^## |\Z)", text, re.MULTILINE | re.DOTALL)
    return re.findall(rf"^```{language}\n(.*?)^```", text, re.MULTILINE | re.DOTALL)


def run(command: list[str], folder: Path, *, expected: int = 0) -> str:
    # The commands are those of the Python that runs the tests.
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
    environment = {**os.environ, "PATH": path, "CUDA_VISIBLE_DEVICES": "-1"}
    process = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True)
    assert process.returncode == expected, process.stdout + process.stderr
    assert process.stderr == ""
    return process.stdout


def test_first_call(folder: Path) -> None:
    (code,) = blocks("First call", "python")
    assert len([line for line in code.splitlines() if line]) == 6
    printed = run([sys.executable, "-c", code], folder)
    assert printed.startswith("[[") and printed.count("[") == 1 + 8  # a row for each image


@pytest.fixture(scope="module")
def printed(folder: Path) -> str:
    """What the README's Python prints; it leaves the model that its command line goes on with."""
    (code,) = blocks("Python", "python")
    return run([sys.executable, "-c", STRICT + code], folder)


def test_python(printed: str) -> None:
    assert "precision FP16" in printed
    assert "[<image: float32[?, 64, 64, 3]>] [<probabilities: float32[?, 10]>]" in printed


def test_runtime(folder: Path) -> None:
    """Goes on where the README's Python ends."""
    code = [*blocks("Python", "python"), *blocks("", "python", RUNTIME)]
    assert len(code) > 2
    run([sys.executable, "-c", "\n".join(code).replace("demo/model_fp16", "demo/runtime")], folder)


@pytest.mark.usefixtures("printed")
def test_command_line(folder: Path) -> None:
    (commands,) = blocks("Command line", "sh")
    for line in commands.splitlines():
        # The doctor's answer is the machine's.
        run(["sh", "-c", line], folder, expected=1 if line == "tftrt doctor" else 0)


def test_engines(folder: Path) -> None:
    for block in blocks("", "sh", ENGINES):
        for line in block.splitlines():
            if line.startswith("tftrt build "):
                assert run(["sh", "-c", line.split(" --")[0] + " --help"], folder).startswith("usage: tftrt build")
            else:
                run(["sh", "-c", line], folder)
    (code,) = blocks("", "python", ENGINES)
    assert "'engines': [{'name': 'TRTEngineOp_" in run([sys.executable, "-c", f"import tftrt\n{code}"], folder)


def test_cpp(folder: Path) -> None:
    (code,), (project,), (commands,) = (blocks("C++", language) for language in ("cpp", "cmake", "sh"))
    (folder / "app.cc").write_text(code)
    (folder / "CMakeLists.txt").write_text(project)
    printed = run(["sh", "-ec", commands], folder).splitlines()
    assert printed[-2] == "image: float32[?, 64, 64, 3]"
    assert 0 < float(printed[-1]) < 1


def test_packages(folder: Path) -> None:
    """Each way to link ends with the program."""
    text = (HERE.parents[1] / "docs" / "packages.md").read_text()
    work = folder / "packages"
    work.mkdir()
    (work / "demo").symlink_to(folder / "demo")
    (code,), (project, *from_source) = blocks("Linking", "cpp", text), blocks("Linking", "cmake", text)
    (work / "app.cc").write_text(code)
    (work / "CMakeLists.txt").write_text(project)
    by_cmake, by_flags = blocks("Linking", "sh", text)
    bundle, by_bundle = blocks("Bundles", "sh", text)
    run(["sh", "-ec", bundle], work)
    for commands in (by_cmake, by_flags, by_bundle):
        assert run(["sh", "-ec", commands], work).splitlines()[-1] == "image: float32[?, 64, 64, 3]"
    # tests/package builds tftrt in both ways, which takes minutes; here is what the page shows, up to that.
    (work / "tftrt").symlink_to(HERE.parents[1])
    assert len(from_source) == 2
    for number, lines in enumerate(from_source):
        lines = lines.replace("/path/to/tftrt", str(HERE.parents[1]))
        (work / "CMakeLists.txt").write_text(project.replace("find_package(tftrt 0.1 CONFIG REQUIRED)\n", lines))
        run(["cmake", "-S", ".", "-B", f"build/source_{number}", f"-DPython_EXECUTABLE={sys.executable}"], work)
