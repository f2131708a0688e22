"""Which files a bundle holds, and where.

The layout is pip's, so that libraries find each other by the run paths that they have: TensorFlow's look into
``../nvidia/*/lib``, CUDA's into each other's folders, and tftrt finds TensorFlow beside itself and TensorRT in
``../tensorrt_libs``.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path

from .. import _cpp_package, _native
from ..errors import IncompatibleError
from .dependencies import follow, in_real_folder
from .elf import SharedObject

__all__ = ["Item", "select"]

_CUDA = "Install CUDA's libraries beside TensorFlow: pip install 'tensorflow[and-cuda]>=2.17,<2.18'."
_TENSORRT = "tftrt doctor prints the command that installs TensorRT."
_TENSORFLOW = "Install TensorFlow again: pip install --force-reinstall --no-deps 'tensorflow>=2.17,<2.18'."


@dataclass(frozen=True)
class Item:
    """A file to bundle.

    Attributes:
        source: The file.
        target: Its path in the bundle.
        library: What was read of it, if it is a library.
        slim: Leave out what running it does not need.
    """

    source: Path
    target: str
    library: SharedObject | None = None
    slim: bool = False


def select(*, cuda: bool, tensorrt: bool, headers: bool) -> tuple[list[Item], str]:
    """Choose the files; returns them, each once, and TensorFlow's version, which is empty if unknown.

    Raises:
        IncompatibleError: A library is missing or cannot be used.
    """
    report = _native.inspect_environment()
    if report.tensorflow.detail:
        raise IncompatibleError(report.tensorflow.detail)
    tensorflow = Path(report.tensorflow.path).parent
    site_packages = tensorflow.parent.resolve()
    items = [*_core(tensorflow, tensorrt=tensorrt), *_licenses(tensorflow)]
    if cuda:
        items += _cuda(report, site_packages)
    if tensorrt:
        items += _tensorrt(report, site_packages)
    if headers:
        items += _headers()
    return list({item.target: item for item in items}.values()), report.tensorflow.version


def _core(tensorflow: Path, *, tensorrt: bool) -> Iterator[Item]:
    lib = _cpp_package.root() / "lib"
    # TensorFlow's first: libtftrt_runtime.so's run path may lead to another one than the one that is used.
    roots = [tensorflow / "libtensorflow_cc.so.2", tensorflow / "libtensorflow_framework.so.2"]
    roots += [lib / "libtftrt.so", lib / "libtftrt_runtime.so"]
    if tensorrt:
        roots.append(lib / "libtftrt_tensorrt.so")
    for library in follow(roots, [tensorflow, lib], _TENSORFLOW):
        yield Item(library.path, f"lib/{library.path.name}", library, slim=True)
    for shim in (lib / "tensorrt_shims").iterdir():
        yield Item(shim, f"lib/tensorrt_shims/{shim.name}")


def _cuda(report: _native.EnvironmentReport, site_packages: Path) -> Iterator[Item]:
    libraries = report.cuda[1:]  # without the driver, which is the machine's
    for library in libraries:
        if library.detail:
            raise IncompatibleError(f"{library.name} cannot be bundled: {library.detail}. {_CUDA}")
    roots = [Path(library.path) for library in libraries]
    # cuDNN opens its parts, and TensorRT CUDA's compiler, when they are used.
    roots += sorted((site_packages / "nvidia" / "cudnn" / "lib").glob("libcudnn_*.so.*"))
    roots += sorted((site_packages / "nvidia" / "cuda_nvrtc" / "lib").glob("libnvrtc*.so.*"))
    # A library that another one led to is reported as .../cusolver/lib/../../cusparse/lib/libcusparse.so.12.
    roots = [in_real_folder(root) for root in roots]
    yield from _nvidia(follow(roots, _nvidia_folders(site_packages), _CUDA), site_packages)


def _nvidia_folders(site_packages: Path) -> list[Path]:
    return sorted((site_packages / "nvidia").glob("*/lib"))


def _nvidia(libraries: Iterable[SharedObject], site_packages: Path) -> Iterator[Item]:
    packages = set()
    for library in libraries:
        path = library.path
        package = path.parent.parent
        if package.parent != (site_packages / "nvidia").resolve() or path.parent.name != "lib":
            raise IncompatibleError(
                f"CUDA: expected pip's libraries, {site_packages}/nvidia/*/lib, which find each other wherever they "
                f"are moved to together; found {path}. {_CUDA}"
            )
        packages.add(package.name)
        yield Item(path, f"nvidia/{package.name}/lib/{path.name}", library)
    for name in sorted(packages):
        yield from _license_files(sorted(site_packages.glob(f"nvidia_{name}_cu*.dist-info")), f"nvidia_{name}")


def _tensorrt(report: _native.EnvironmentReport, site_packages: Path) -> Iterator[Item]:
    for found in report.tensorrt:
        if found.detail:
            raise IncompatibleError(f"{found.name} cannot be bundled: {found.detail}. {_TENSORRT}")
    roots = [in_real_folder(Path(found.path)) for found in report.tensorrt]
    roots += sorted(roots[0].parent.glob("libnvinfer_builder_resource.so.*"))
    cuda = []
    # Debian's and the tarball's have no run path.
    for library in follow(roots, [*_nvidia_folders(site_packages), roots[0].parent], _TENSORRT):
        if library.path.name.startswith("libnvinfer"):
            yield Item(library.path, f"tensorrt_libs/{library.path.name}", library)
        else:
            cuda.append(library)
    yield from _nvidia(cuda, site_packages)
    yield from _license_files(sorted(site_packages.glob("tensorrt*.dist-info")), "tensorrt")


def _headers() -> Iterator[Item]:
    root = _cpp_package.root()
    for folder in (root / "include", _cpp_package.cmake_dir(), _cpp_package.pkgconfig_dir()):
        for file in sorted(folder.rglob("*")):
            if file.is_file():
                yield Item(file, str(file.relative_to(root)))


def _licenses(tensorflow: Path) -> Iterator[Item]:
    try:
        for file in distribution("tftrt").files or []:
            if file.name.startswith("LICENSE"):
                yield Item(Path(str(file.locate())), "licenses/tftrt/LICENSE")
    except PackageNotFoundError:  # a folder on PYTHONPATH
        pass
    for name in ("THIRD_PARTY_NOTICES.txt", "include/LICENSE"):
        if (tensorflow / name).is_file():
            yield Item(tensorflow / name, f"licenses/tensorflow/{Path(name).name}")
    yield from _license_files(sorted(tensorflow.parent.glob("tensorflow*-2.17*.dist-info")), "tensorflow")


def _license_files(distributions: Iterable[Path], name: str) -> Iterator[Item]:
    for folder in distributions:
        for file in sorted(folder.rglob("*")):
            if file.is_file() and file.name.upper().startswith(("LICENSE", "NOTICE")):
                yield Item(file, f"licenses/{name}/{file.name}")
