"""The version is written once, and the stub of ``_native`` says what the module has."""

from __future__ import annotations

import ast
import importlib.metadata
import re
import subprocess
from pathlib import Path

import pytest

import tftrt
from conftest import HERE
from tftrt import _native

HEADER = HERE.parents[1] / "cpp" / "include" / "tftrt" / "version.h"
STUB = Path(tftrt.__file__).with_name("_native.pyi")


def test_versions_agree() -> None:
    (written,) = re.findall(r'#define TFTRT_VERSION "([^"]+)"', HEADER.read_text())
    assert re.fullmatch(r"\d+\.\d+\.\d+\S*", written)
    assert tftrt.__version__ == written
    assert _native.__version__ == written
    assert importlib.metadata.version("tftrt") == written


def test_the_version_is_written_once() -> None:
    """Other files read it from there."""
    root = HERE.parents[1]
    files = subprocess.run(["git", "ls-files"], cwd=root, capture_output=True, text=True, check=True).stdout.split()
    assignment = re.compile(rf"version\w*[\"']?\s*[=(: ]\s*[\"']?{re.escape(tftrt.__version__)}\b", re.IGNORECASE)
    sources = [root / name for name in files if name.endswith((".py", ".toml", ".txt", ".cmake", ".in", ".cc", ".h"))]
    found = [path for path in sources if path.is_file() and assignment.search(path.read_text())]
    assert found == [HEADER]


def is_public(name: str) -> bool:
    return not name.startswith("_") or name == "__version__"


def names_of(statements: list[ast.stmt]) -> set[str]:
    """What the statements of a stub define."""
    names: set[str] = set()
    for statement in statements:
        if isinstance(statement, (ast.ClassDef, ast.FunctionDef)):
            names.add(statement.name)
        elif isinstance(statement, ast.AnnAssign) and isinstance(statement.target, ast.Name):
            names.add(statement.target.id)
    return {name for name in names if is_public(name)}


TREE = ast.parse(STUB.read_text())
CLASSES = {statement.name: statement for statement in TREE.body if isinstance(statement, ast.ClassDef)}


def test_the_stub_names_what_the_module_has() -> None:
    assert names_of(TREE.body) == {name for name in vars(_native) if is_public(name)}


@pytest.mark.parametrize("name", CLASSES)
def test_the_stub_names_what_a_class_has(name: str) -> None:
    members = vars(getattr(_native, name))
    assert names_of(CLASSES[name].body) == {member for member in members if is_public(member)}


@pytest.mark.parametrize("name", CLASSES)
def test_the_stub_knows_properties_from_methods(name: str) -> None:
    owner = getattr(_native, name)
    for statement in CLASSES[name].body:
        if not isinstance(statement, ast.FunctionDef) or not is_public(statement.name):
            continue
        decorators = {decorator.id for decorator in statement.decorator_list if isinstance(decorator, ast.Name)}
        member = vars(owner)[statement.name]
        assert isinstance(member, property) == ("property" in decorators), statement.name
        assert isinstance(member, staticmethod) == ("staticmethod" in decorators), statement.name


def arguments_of(function: ast.FunctionDef) -> list[str]:
    return [argument.arg for argument in function.args.args]


def arguments_documented(function: object) -> list[str]:
    """Pybind11 writes the signature into the first line of the docstring."""
    first, *_ = (function.__doc__ or "").splitlines()
    inside = first[first.index("(") + 1 : first.rindex(") ->")]
    return re.findall(r"(?:^|, )(\w+):", re.sub(r"\[[^]]*\]", "", inside))


@pytest.mark.parametrize(
    "function", [statement for statement in TREE.body if isinstance(statement, ast.FunctionDef)], ids=lambda f: f.name
)
def test_the_stub_has_the_arguments_of_functions(function: ast.FunctionDef) -> None:
    assert arguments_of(function) == arguments_documented(getattr(_native, function.name))


@pytest.mark.parametrize("name", ["ModelOptions", "RuntimeOptions"])
def test_the_stub_has_the_constructor_of_options(name: str) -> None:
    """Options are made with their defaults and set one by one."""
    (constructor,) = (
        statement
        for statement in CLASSES[name].body
        if isinstance(statement, ast.FunctionDef) and statement.name == "__init__"
    )
    assert arguments_of(constructor) == arguments_documented(getattr(_native, name).__init__) == ["self"]
    assert constructor.args.kwarg is None


def test_every_error_of_the_runtime_is_a_class_of_python() -> None:
    header = (HEADER.parent / "error.h").read_text()
    classes = re.findall(r"class TFTRT_EXPORT (\w+) : public", header)
    assert "ModelError" in classes
    for name in classes:
        assert issubclass(getattr(tftrt, name), tftrt.Error)
