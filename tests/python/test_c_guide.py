"""What docs/c.md shows compiles without a warning, and works."""

from __future__ import annotations

from pathlib import Path

import pytest

from conftest import HERE
from test_readme import blocks, run

GUIDE = (HERE.parents[1] / "docs" / "c.md").read_text()


def build_and_run(folder: Path, code: str) -> list[str]:
    (commands,) = blocks("A program", "sh", GUIDE)
    (folder / "app.c").write_text(code)
    return run(["sh", "-ec", commands], folder).splitlines()


def test_program(folder: Path) -> None:
    (program,) = blocks("A program", "c", GUIDE)
    (line,) = build_and_run(folder, program)
    assert line.startswith("10 classes, the first with 0.")


@pytest.mark.parametrize(
    ("section", "lines"),
    [
        ("Bound calls", ["run 0: 0.", "run 1: 0.", "run 2: 0."]),
        ("Deadlines and cancelling", ["DEADLINE_EXCEEDED"]),
    ],
)
def test_goes_on_where_the_program_ends(folder: Path, section: str, lines: list[str]) -> None:
    (program,) = blocks("A program", "c", GUIDE)
    (code,) = blocks(section, "c", GUIDE)
    end = "  tftrt_tensor_free(probabilities);\n"
    assert program.count(end) == 1
    printed = build_and_run(folder, program.replace(end, end + code))
    assert len(printed) == 1 + len(lines)
    for line, expected in zip(printed[1:], lines):
        assert line.startswith(expected)
