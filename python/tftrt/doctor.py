"""Finding out whether models can run here, and what to install where they cannot: :func:`diagnose`."""

from __future__ import annotations

import platform
import sys
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

from tftrt import _native
from tftrt.errors import Error

__all__ = ["Component", "Diagnosis", "diagnose"]

_OLDEST_PYTHON = (3, 9)
_NEWEST_PYTHON = (3, 12)

_TENSORFLOW_REQUIREMENT = "tensorflow>=2.17,<2.18"
_NEED_DRIVER = (
    "install NVIDIA's driver, 525.60 or newer (https://www.nvidia.com/drivers); "
    "in a container, start it with --gpus all"
)


@dataclass(frozen=True)
class Component:
    """One thing that models need.

    Attributes:
        group: ``"Python"``, ``"TensorFlow"``, ``"CUDA"``, ``"TensorRT"`` or ``"GPU"``.
        name: What it is, such as ``"libcudnn.so.8"``.
        needed_for: ``"cpu"`` if nothing runs without it, ``"gpu"`` if only the GPU path needs it.
        ok: Whether it is there and can be used.
        version: Empty if unknown.
        path: Where it was found; empty if it was not.
        problem: What is wrong; empty if it is ok.
        remedy: The command, or else the sentence, that mends it; empty if it is ok.
    """

    group: str
    name: str
    needed_for: str
    ok: bool
    version: str = ""
    path: str = ""
    problem: str = ""
    remedy: str = ""


@dataclass(frozen=True)
class Diagnosis:
    """What :func:`diagnose` found.

    Attributes:
        components: Everything that was looked for.
        gpus: Name and compute capability of each GPU.
    """

    components: list[Component]
    gpus: list[str]

    @property
    def cpu_ready(self) -> bool:
        """Whether models run on the CPU."""
        return all(component.ok for component in self.components if component.needed_for == "cpu")

    @property
    def gpu_ready(self) -> bool:
        """Whether models run on a GPU, with TensorRT's engines."""
        return all(component.ok for component in self.components)

    @property
    def remedies(self) -> list[str]:
        """What to do, in this order, each once."""
        return list(dict.fromkeys(component.remedy for component in self.components if component.remedy))

    def to_dict(self) -> dict[str, Any]:
        """The diagnosis as dicts, lists, strings and booleans, ready for JSON."""
        return {
            "cpu_ready": self.cpu_ready,
            "gpu_ready": self.gpu_ready,
            "gpus": self.gpus,
            "components": [asdict(component) for component in self.components],
            "remedies": self.remedies,
        }


def diagnose() -> Diagnosis:
    """Look for everything that models need, with the same search that loading a model uses.

    Opens TensorFlow's and TensorRT's libraries in this process; TensorFlow's Python package is not imported.

    Source: python/tftrt/doctor.py
    """
    report = _native.inspect_environment()
    cuda = [_cuda_component(library) for library in report.cuda]
    components = [
        _python_component(),
        Component("Python", "tftrt", "cpu", ok=True, version=version("tftrt"), path=str(Path(__file__).parent)),
        *_tensorflow_components(report.tensorflow),
        *cuda,
        *_tensorrt_components(report, cuda_ok=all(component.ok for component in cuda[1:])),
        _gpu_component(report.gpus),
    ]
    return Diagnosis(components, list(report.gpus))


def _pip(arguments: str) -> str:
    return f"{sys.executable} -m pip {arguments}"


def _python_component() -> Component:
    ok = _OLDEST_PYTHON <= sys.version_info[:2] <= _NEWEST_PYTHON
    return Component(
        "Python",
        "Python",
        "cpu",
        ok=ok,
        version=platform.python_version(),
        path=sys.executable,
        problem="" if ok else "TensorFlow 2.17 exists for Python 3.9 to 3.12",
        remedy="" if ok else "make a virtual environment with Python 3.9 to 3.12 and install tftrt there",
    )


def _tensorflow_components(library: _native.LibraryReport) -> Iterable[Component]:
    problem = library.detail
    if not problem:
        try:
            _native.open_tensorflow()
        except Error as error:
            problem = str(error)
    yield Component(
        "TensorFlow",
        library.name,
        "cpu",
        ok=not problem,
        version=library.version,
        path=library.path,
        problem=problem,
        remedy=_pip(f"install '{_TENSORFLOW_REQUIREMENT}'") if problem else "",
    )
    if library.found and not _is_cuda_build(Path(library.path).parent):
        yield Component(
            "TensorFlow",
            "TensorFlow's CUDA support",
            "gpu",
            ok=False,
            path=library.path,
            problem="this TensorFlow was built for the CPU only",
            remedy=_pip("uninstall -y tensorflow-cpu") + " && " + _pip(f"install '{_TENSORFLOW_REQUIREMENT}'"),
        )


def _is_cuda_build(directory: Path) -> bool:
    """Read TensorFlow's note of how it was built; where there is none, without Python, say yes."""
    info = directory / "python" / "platform" / "build_info.py"
    return not info.is_file() or "('is_cuda_build', True)" in info.read_text(encoding="utf-8")


def _cuda_component(library: _native.LibraryReport) -> Component:
    is_driver = library.name.startswith("libcuda.so")
    remedy = _NEED_DRIVER if is_driver else _pip(f"install 'tensorflow[and-cuda]{_TENSORFLOW_REQUIREMENT[10:]}'")
    return Component(
        "CUDA",
        library.name,
        "gpu",
        ok=not library.detail,
        version=library.version,
        path=library.path,
        problem=library.detail,
        remedy=remedy if library.detail else "",
    )


def _tensorrt_components(report: _native.EnvironmentReport, *, cuda_ok: bool) -> Iterable[Component]:
    found = all(library.found for library in report.tensorrt)
    # What only opening it for TensorFlow can show.
    problem_of_all = _native.open_tensorrt() if found else ""
    for library in report.tensorrt:
        problem = library.detail or problem_of_all
        # libnvinfer_plugin does not open without cuBLAS and cuDNN, and TensorRT itself may be well.
        mended_by_cuda = not cuda_ok and "cannot be opened: libcu" in problem
        yield Component(
            "TensorRT",
            library.name,
            "gpu",
            ok=not problem,
            version=library.version,
            path=library.path,
            problem=problem,
            remedy=_tensorrt_remedy(report.tensorflow) if problem and not mended_by_cuda else "",
        )


def _tensorrt_remedy(tensorflow: _native.LibraryReport) -> str:
    """The command that puts TensorRT beside TensorFlow, where tftrt looks.

    PyPI has 8.6 for Python 3.10 alone, but its libraries, all that tftrt needs, do not depend on Python.
    """
    site_packages = Path(tensorflow.path).parent.parent if tensorflow.path else "SITE_PACKAGES"
    return _pip(
        f"install --target '{site_packages}' --upgrade --no-deps --only-binary=:all: --python-version 3.10 "
        "--implementation cp --platform manylinux_2_17_x86_64 tensorrt==8.6.0"
    )


def _gpu_component(gpus: list[str]) -> Component:
    return Component(
        "GPU",
        "GPU",
        "gpu",
        ok=bool(gpus),
        version="; ".join(gpus),
        problem="" if gpus else "no GPU can be seen",
        remedy="" if gpus else _NEED_DRIVER,
    )
