"""Each folder knows only those below it: the includes of the C++ code and the imports of the Python package.

The order is that of the tables in docs/architecture.md.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable, Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
CPP = ROOT / "cpp" / "src"
PACKAGE = ROOT / "python" / "tftrt"
ARCHITECTURE = (ROOT / "docs" / "architecture.md").read_text()
TENSORFLOW = re.compile(r"(tensorflow|tsl|xla|absl|google/protobuf|unsupported|Eigen|openssl)/")
STANDALONE = ("shims",)


def rows(heading: str) -> list[list[str]]:
    """The cells of the table under a heading of docs/architecture.md, without its first two lines."""
    (section,) = re.findall(rf"^## {heading}\n(.*?)(?=^## |\Z)", ARCHITECTURE, re.MULTILINE | re.DOTALL)
    lines = [line for line in section.splitlines() if line.startswith("|")][2:]
    return [[cell.strip().strip("`") for cell in line.strip("|").split("|")] for line in lines]


FOLDERS = {row[0].removeprefix("cpp/src/"): row[2] for row in rows("Folders of the C\\+\\+ code")}
MODULES = [[name.strip("` ") for name in row[0].split(",")] for row in rows("Modules of the Python package")]


def includes(path: Path) -> list[str]:
    return re.findall(r'^#include ["<]([^">]+)[">]', path.read_text(), re.MULTILINE)


def wrong_includes(folder: str, included: Iterable[str]) -> Iterator[str]:
    """What a file of a folder of cpp/src may not include."""
    order = list(FOLDERS)
    for name in included:
        target = name.split("/")[0]
        if target in order and order.index(target) < order.index(folder):
            yield f"{name}, of a folder above cpp/src/{folder}"
        elif FOLDERS[folder] == "no" and TENSORFLOW.match(name):
            yield f"{name}, a header of TensorFlow's"


def imports(path: Path, module: str) -> Iterator[str]:
    """The modules of the package, by their first name, that a file of ``module`` imports, in functions too."""
    names = {entry.stem for entry in PACKAGE.iterdir() if entry.is_dir() or entry.suffix in (".py", ".pyi")}
    # How many dots lead to the package itself.
    depth = len(path.relative_to(PACKAGE).parts)
    for node in ast.walk(ast.parse(path.read_text())):
        found: list[str] = []
        if isinstance(node, ast.Import):
            found = [alias.name for alias in node.names if alias.name.split(".")[0] == "tftrt"]
        elif isinstance(node, ast.ImportFrom):
            if node.level == depth:
                base = "tftrt" + (f".{node.module}" if node.module else "")
            elif node.level == 0 and (node.module or "").split(".")[0] == "tftrt":
                base = node.module or ""
            else:
                continue
            found = [f"{base}.{alias.name}" for alias in node.names] if base == "tftrt" else [base]
        for name in found:
            _, _, rest = name.partition(".")
            first = rest.split(".")[0]
            target = first if first in names else "__init__"
            if target != module:
                yield target


def wrong_imports(module: str, imported: Iterable[str]) -> Iterator[str]:
    """What a file of a module may not import. Those of one row know each other only downwards, from left to right."""
    order = [name for row in MODULES for name in row]
    for target in imported:
        if order.index(target) < order.index(module):
            yield f"{target}, which is above {module}"


@pytest.mark.parametrize("folder", sorted(entry.name for entry in CPP.iterdir() if entry.name not in STANDALONE))
def test_folder_includes_only_what_is_below(folder: str) -> None:
    assert folder in FOLDERS, "docs/architecture.md does not say on which floor it is"
    files = [path for path in sorted((CPP / folder).rglob("*")) if path.suffix in (".cc", ".h")]
    assert files
    wrong = [f"{path.name} includes {what}" for path in files for what in wrong_includes(folder, includes(path))]
    assert not wrong, f"{wrong}; the order is that of docs/architecture.md"


@pytest.mark.parametrize(
    "folder", ["cpp/include/tftrt", "cpp/src/shims", "cpp/tools", "python/bindings", "examples/cpp"]
)
def test_what_is_outside_includes_public_headers_alone(folder: str) -> None:
    for path in (ROOT / folder).rglob("*"):
        if path.suffix not in (".cc", ".h"):
            continue
        for name in includes(path):
            assert name.split("/")[0] not in FOLDERS, f"{path} includes {name}"
            assert not TENSORFLOW.match(name), f"{path} includes {name}"


def test_table_has_each_folder_once() -> None:
    names = [row[0] for row in rows("Folders of the C\\+\\+ code")]
    assert sorted(names) == sorted(f"cpp/src/{entry.name}" for entry in CPP.iterdir() if entry.name not in STANDALONE)


def test_table_has_each_module_once() -> None:
    found = [
        entry.stem
        for entry in PACKAGE.iterdir()
        if (entry.is_dir() and (entry / "__init__.py").exists()) or entry.suffix in (".py", ".pyi")
    ]
    assert sorted(name for row in MODULES for name in row) == sorted(found)


@pytest.mark.parametrize("module", [name for row in MODULES for name in row])
def test_module_imports_only_what_is_below(module: str) -> None:
    folder = PACKAGE / module
    files = sorted(folder.rglob("*.py")) if folder.is_dir() else [*PACKAGE.glob(f"{module}.py*")]
    assert files
    wrong = [f"{path.name}: {what}" for path in files for what in wrong_imports(module, imports(path, module))]
    assert not wrong, f"{wrong}; the order is that of docs/architecture.md"


def test_include_against_the_order_is_found() -> None:
    assert list(wrong_includes("environment", ["api/backend.h"])) == [
        "api/backend.h, of a folder above cpp/src/environment"
    ]
    assert list(wrong_includes("api", ["tensorflow/core/framework/tensor.h"])) == [
        "tensorflow/core/framework/tensor.h, a header of TensorFlow's"
    ]
    assert not list(
        wrong_includes("load", ["gpu/cuda.h", "load/loaded_model.h", "tftrt/error.h", "absl/status/status.h"])
    )


def test_import_against_the_order_is_found() -> None:
    # In a function, relative, of a module and of a public name.
    assert "conversion" in imports(PACKAGE / "converter.py", "converter")
    assert "errors" in imports(PACKAGE / "building" / "failure.py", "building")
    assert "__init__" in imports(PACKAGE / "cli" / "convert.py", "cli")
    assert "conversion" not in imports(PACKAGE / "conversion" / "pipeline.py", "conversion")
    assert list(wrong_imports("conversion", ["building"])) == ["building, which is above conversion"]
    assert not list(wrong_imports("building", ["conversion", "errors", "_native"]))
