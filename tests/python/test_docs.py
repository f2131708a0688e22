"""What docs/ shows works, in another directory; some pages have tests of their own."""

from __future__ import annotations

import re
import sys
from collections import Counter
from pathlib import Path

import pytest

import tftrt
from conftest import HERE
from test_readme import blocks, run

DOCS = HERE.parents[1] / "docs"
ROOT = HERE.parents[1]


@pytest.mark.slow
@pytest.mark.parametrize("page", ["command-line.md", "deployment.md"])
def test_commands(folder: Path, page: str) -> None:
    commands = [line for block in blocks("", "sh", (DOCS / page).read_text()) for line in block.splitlines()]
    assert len(commands) > 5
    for line in commands:
        if "# needs a GPU" in line:
            run(["sh", "-c", line.split(" --")[0] + " --help"], folder)
            continue
        # The doctor's answer is the machine's.
        run(["sh", "-c", line], folder, expected=1 if line.startswith("tftrt doctor") else 0)


def test_python(folder: Path) -> None:
    code = "\n".join(blocks("", "python", (DOCS / "python.md").read_text()))
    assert "expected image: float32[?, 64, 64, 3]" in run([sys.executable, "-c", code], folder)


def test_cpp(folder: Path) -> None:
    programs = blocks("", "cpp", (DOCS / "cpp.md").read_text())
    assert len(programs) == 3
    lines = ["cmake_minimum_required(VERSION 3.24)", "project(docs LANGUAGES CXX)", "find_package(tftrt REQUIRED)"]
    for number, program in enumerate(programs):
        (folder / f"program_{number}.cc").write_text(program)
        lines += [
            f"add_executable(program_{number} program_{number}.cc)",
            f"target_compile_options(program_{number} PRIVATE -Wall -Wextra -Werror)",
            f"target_link_libraries(program_{number} PRIVATE tftrt::tftrt)",
        ]
    (folder / "CMakeLists.txt").write_text("\n".join(lines))
    run(["cmake", "-S", ".", "-B", "build", f"-DCMAKE_PREFIX_PATH={tftrt.cmake_prefix_path}"], folder)
    run(["cmake", "--build", "build", "-j2"], folder)
    loads, bound, asynchronous = (run([f"build/program_{number}"], folder).splitlines() for number in range(3))
    assert loads == ["cpu, 1 engines", "image: float32[?, 64, 64, 3]", "[1, 10]", "1"]
    assert 0 < float(bound[0]) <= 1
    assert asynchronous == ["[1, 10]"] * 8


# Who runs the code blocks of each page, and how many it has.
BLOCKS = {
    "README.md": ("test_readme.py; .ci/run, the set-up's", {"sh": 3, "python": 2, "cpp": 1, "cmake": 1}),
    "architecture.md": ("test_the_architecture_has_every_folder", {"text": 1}),
    "benchmarks.md": ("test_networks_benchmark.py", {"sh": 1}),
    "c.md": ("test_c_guide.py", {"c": 3, "sh": 1}),
    "command-line.md": ("test_commands", {"sh": 1}),
    "compat.md": ("test_compat_v2.py, tests/gpu/test_docs.py", {"diff": 1, "python": 4, "sh": 2}),
    "cpp.md": ("test_cpp", {"cpp": 3}),
    "deployment.md": ("test_commands", {"sh": 1}),
    "engines.md": ("test_readme.py, tests/gpu/test_docs.py", {"sh": 3, "python": 1}),
    "packages.md": ("test_readme.py", {"cpp": 1, "cmake": 3, "sh": 4}),
    "python.md": ("test_python", {"python": 5}),
    "runtime.md": ("test_readme.py", {"python": 2}),
    "style.md": ("test_style.py", {"text": 1}),
    "versions.md": ("test_model_repository.py", {"text": 1, "python": 1, "cpp": 1}),
}


def test_every_block_is_run_by_a_test() -> None:
    for page in [ROOT / "README.md", *DOCS.glob("*.md")]:
        found = Counter(re.findall(r"^```([^\n]*)\n.*?^```$", page.read_text(), re.MULTILINE | re.DOTALL))
        tests, counted = BLOCKS.get(page.name, ("none", {}))
        assert found == counted, f"{page.name}: have a test run the new block, and count it here; so far: {tests}"


def test_links_lead_somewhere() -> None:
    pages = [ROOT / "README.md", *DOCS.glob("*.md")]
    for page in pages:
        text = re.sub(r"^```.*?^```", "", page.read_text(), flags=re.MULTILINE | re.DOTALL)
        for link in re.findall(r"\]\(([^)#]+)\)", text):
            assert link.startswith("https://") or (page.parent / link).exists(), f"{page.name}: {link}"


def test_the_architecture_has_every_folder() -> None:
    text = (DOCS / "architecture.md").read_text()
    for folder in (ROOT / "cpp" / "src").iterdir():
        assert f"cpp/src/{folder.name}" in text
