"""tftrt bundle-runtime, on libraries made here: what is followed, what is left out, what is refused.

A bundle of TensorFlow itself is made, and run from, in tests/package.
"""

from __future__ import annotations

import ctypes
import json
import subprocess
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import pytest
from elftools.elf.elffile import ELFFile

import tftrt
from tftrt import IncompatibleError, InvalidArgumentError
from tftrt._native import inspect_environment
from tftrt.bundling import bundle_runtime
from tftrt.bundling.dependencies import follow, newest_versions
from tftrt.bundling.elf import SharedObject, read_shared_object
from tftrt.bundling.selection import _nvidia, select
from tftrt.bundling.slimming import copy_slim
from tftrt.cli import main

PAGE = 4096

# In one segment, as in TensorFlow's libraries: constants, device code, constants.
WITH_DEVICE_CODE = f"""
#define IN(name) __attribute__((section(name), used)) const char
IN(".nv_fatbin") device_code[{40 * PAGE + 77}] = {{[0 ... {40 * PAGE + 76}] = 7}};
IN("__nv_relfatbin") more[{9 * PAGE}] = {{[0 ... {9 * PAGE - 1}] = 8}};
const char constants[3 * {PAGE}] = {{[0 ... 3 * {PAGE} - 1] = 5}};
static int counter = 41;
static int zeros[5000];
int device_code_at(int index) {{ return device_code[index]; }}
int more_at(int index) {{ return more[index]; }}
int constant_at(int index) {{ return constants[index]; }}
int count(void) {{ return ++counter + zeros[4999]; }}
"""

Build = Callable[..., Path]


@pytest.fixture
def build(tmp_path: Path) -> Build:
    def build_library(path: str, source: str = "int one(void) { return 1; }", *flags: str) -> Path:
        target = tmp_path / path
        target.parent.mkdir(parents=True, exist_ok=True)
        code = tmp_path / "library.c"
        code.write_text(source)
        command = ["gcc", "-g", "-shared", "-fPIC", str(code), "-o", str(target), *flags]
        subprocess.run(command, check=True, capture_output=True, text=True)
        return target

    return build_library


def sections(path: Path) -> dict[str, str]:
    with path.open("rb") as file:
        return {section.name: section.header.sh_type for section in ELFFile(file).iter_sections()}


# Slimming


def check_runs(library: Path, *, device_code: bool) -> None:
    loaded = ctypes.CDLL(str(library))
    middle = 20 * PAGE
    assert loaded.device_code_at(middle) == (7 if device_code else 0)
    assert loaded.more_at(4 * PAGE) == (8 if device_code else 0)
    # The pages at the ends hold other sections too, and stay.
    assert loaded.device_code_at(40 * PAGE + 76) == 7
    assert {loaded.constant_at(index) for index in range(3 * PAGE)} == {5}
    assert loaded.count() == 42
    assert loaded.count() == 43


@pytest.mark.parametrize("device_code", [True, False])
def test_slim_copies_load_and_run(build: Build, tmp_path: Path, device_code: bool) -> None:
    source = build("whole.so", WITH_DEVICE_CODE)
    target = tmp_path / "slim.so"
    copy_slim(source, target, device_code=device_code)
    check_runs(target, device_code=device_code)
    assert target.stat().st_mode == source.stat().st_mode


def test_libraries_for_large_pages_are_cut_by_small_ones(build: Build, tmp_path: Path) -> None:
    source = build("whole.so", WITH_DEVICE_CODE, "-Wl,-z,max-page-size=0x200000")
    target = tmp_path / "slim.so"
    copy_slim(source, target, device_code=False)
    assert target.stat().st_size < source.stat().st_size - 45 * PAGE
    check_runs(target, device_code=False)
    # What glibc asked for up to 2.34.
    with target.open("rb") as file:
        loads = [segment.header for segment in ELFFile(file).iter_segments("PT_LOAD")]
    assert all((load.p_vaddr - load.p_offset) % load.p_align == 0 for load in loads)


def test_a_slim_copy_of_a_slim_copy_is_the_same(build: Build, tmp_path: Path) -> None:
    copy_slim(build("whole.so", WITH_DEVICE_CODE), tmp_path / "slim.so", device_code=False)
    copy_slim(tmp_path / "slim.so", tmp_path / "again.so", device_code=True)
    check_runs(tmp_path / "again.so", device_code=False)


def test_device_code_takes_no_room(build: Build, tmp_path: Path) -> None:
    source = build("whole.so", WITH_DEVICE_CODE)
    sizes = {}
    for device_code in (True, False):
        copy_slim(source, tmp_path / "slim.so", device_code=device_code)
        sizes[device_code] = (tmp_path / "slim.so").stat().st_size
    # Of 49 pages and a bit all but those at the ends; the tables at the end begin a page.
    assert sizes[True] - sizes[False] >= 45 * PAGE


def test_only_what_is_loaded_is_kept(build: Build, tmp_path: Path) -> None:
    source = build("whole.so", WITH_DEVICE_CODE)
    target = tmp_path / "slim.so"
    copy_slim(source, target, device_code=False)
    before, after = sections(source), sections(target)
    assert {".symtab", ".strtab", ".debug_info"} <= set(before)
    assert {".symtab", ".strtab", ".debug_info", ".comment"}.isdisjoint(after)
    assert {".dynsym", ".text", ".data", ".bss", ".eh_frame"} <= set(after)
    assert after[".nv_fatbin"] == after["__nv_relfatbin"] == "SHT_NOBITS"
    assert read_shared_object(target).needed == read_shared_object(source).needed
    # Others' tools read it, too.
    listing = subprocess.run(["readelf", "-aW", str(target)], check=True, capture_output=True, text=True)
    assert listing.stderr == ""
    assert "count" in listing.stdout


def test_the_log_level_can_still_be_found(build: Build, tmp_path: Path) -> None:
    name = "_ZN4absl12lts_2023080212_GLOBAL__N_113min_log_levelE"
    copy_slim(
        build("whole.so", f"static int {name}; int *other(void) {{ return &{name}; }}"),
        tmp_path / "slim.so",
        device_code=False,
    )
    copy_slim(tmp_path / "slim.so", tmp_path / "again.so", device_code=True)
    with (tmp_path / "whole.so").open("rb") as whole, (tmp_path / "again.so").open("rb") as again:
        (expected,) = ELFFile(whole).get_section_by_name(".symtab").get_symbol_by_name(name)
        table = ELFFile(again).get_section_by_name(".symtab")
        _, found = table.iter_symbols()
        assert found.name == name
        assert found.entry.st_value == expected.entry.st_value
        assert found.entry.st_size == 4
        assert ELFFile(again).get_section(found.entry.st_shndx).name == ".bss"
        assert table.header.sh_info == 2
    listing = subprocess.run(["readelf", "-aW", str(tmp_path / "again.so")], check=True, capture_output=True, text=True)
    assert listing.stderr == ""
    assert name in listing.stdout


def test_what_is_no_library_is_refused(tmp_path: Path) -> None:
    (tmp_path / "text.so").write_text("not a library")
    with pytest.raises(InvalidArgumentError, match=r"text\.so: expected a shared library, found: Magic number"):
        copy_slim(tmp_path / "text.so", tmp_path / "slim.so", device_code=False)
    with pytest.raises(InvalidArgumentError, match=r"text\.so: expected a shared library, found: Magic number"):
        read_shared_object(tmp_path / "text.so")


# Dependencies


def test_dependencies_are_followed(build: Build, tmp_path: Path) -> None:
    inner = build("deep/libinner.so", "int inner(void) { return 1; }", "-Wl,-soname,libinner.so")
    middle = build(
        "libmiddle.so",
        "int inner(void); int middle(void) { return inner(); }",
        str(inner),
        "-Wl,-soname,libmiddle.so,-rpath,$ORIGIN/deep",
    )
    outer = build(
        "outer/libouter.so",
        "int middle(void); int outer(void) { return middle(); }",
        str(middle),
        "-Wl,-rpath,/nowhere",
    )
    libraries = follow([outer], [tmp_path], "Do something.")
    assert [library.path for library in libraries] == [outer, middle, inner]
    with pytest.raises(IncompatibleError) as error:
        follow([outer], [tmp_path / "deep"], "Do something.")
    assert (
        str(error.value) == f"{outer} needs libmiddle.so, which is in none of /nowhere, {tmp_path}/deep. Do something."
    )


def test_zlib_is_the_machines(build: Build, tmp_path: Path) -> None:
    zlib = build("libz.so.1", "int zlib(void) { return 1; }", "-Wl,-soname,libz.so.1")
    library = build("libcudnn.so", "int i;", "-Wl,--no-as-needed", str(zlib))
    assert read_shared_object(library).needed[0] == "libz.so.1"
    assert [found.path for found in follow([library], [tmp_path], "Do something.")] == [library]


def test_newest_versions(build: Build) -> None:
    library = build("libone.so", '#include <stdio.h>\nvoid one(void) { puts(""); }')
    versions = newest_versions([read_shared_object(library)])
    assert set(versions) == {"GLIBC"}
    assert tuple(map(int, versions["GLIBC"].split("."))) >= (2, 2)


# Choosing


class Machine:
    """A machine whose CUDA and TensorRT are the test's, as pip would install them."""

    def __init__(self, build: Build, tmp_path: Path) -> None:
        self.build = build
        self.site_packages = tmp_path / "site-packages"
        tensorflow = Path(inspect_environment().tensorflow.path)
        (self.site_packages / "tensorflow").mkdir(parents=True)
        for name in (tensorflow.name, "libtensorflow_framework.so.2"):
            (self.site_packages / "tensorflow" / name).symlink_to(tensorflow.parent / name)
        self.tensorflow = self._found(self.site_packages / "tensorflow" / tensorflow.name)
        jit = self.cuda_library("nvjitlink", "libnvJitLink.so.12")
        solver = self.cuda_library("cusolver", "libcusolver.so.11", "$ORIGIN/../../nvjitlink/lib", needs=jit)
        cudnn = self.cuda_library("cudnn", "libcudnn.so.8")
        self.cuda_library("cudnn", "libcudnn_ops_infer.so.8")
        license_file = self.site_packages / "nvidia_cudnn_cu12-8.9.7.29.dist-info" / "License.txt"
        license_file.parent.mkdir()
        license_file.write_text("cuDNN's")
        self.cuda = [self._found(Path("/usr/lib/libcuda.so.1")), self._found(solver), self._found(cudnn)]
        self.cudnn = cudnn
        self.install_tensorrt("site-packages/tensorrt_libs")

    def install_tensorrt(self, folder: str) -> None:
        soname = "-Wl,--no-as-needed,-soname"
        infer = self.build(f"{folder}/libnvinfer.so.8", "int i;", f"{soname},libnvinfer.so.8", str(self.cudnn))
        plugin = self.build(
            f"{folder}/libnvinfer_plugin.so.8", "int i;", f"{soname},libnvinfer_plugin.so.8", str(infer)
        )
        self.build(f"{folder}/libnvinfer_builder_resource.so.8.6.0", "int i;", f"{soname},x", str(infer))
        self.tensorrt = [self._found(infer), self._found(plugin)]

    def cuda_library(self, package: str, name: str, run_path: str = "/nowhere", needs: Path | None = None) -> Path:
        flags = [f"-Wl,-soname,{name},--no-as-needed,-rpath,{run_path}", *([str(needs)] if needs else [])]
        return self.build(f"site-packages/nvidia/{package}/lib/{name}", "int i;", *flags)

    @staticmethod
    def _found(path: Path, detail: str = "") -> SimpleNamespace:
        return SimpleNamespace(name=path.name, path=str(path), version="1", detail=detail)

    def fail(self, name: str, detail: str) -> None:
        for library in (*self.cuda, *self.tensorrt):
            if library.name == name:
                library.detail = detail


@pytest.fixture
def machine(build: Build, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Machine:
    machine = Machine(build, tmp_path)
    monkeypatch.setattr("tftrt._native.inspect_environment", lambda: machine)
    return machine


def chosen(**options: bool) -> set[str]:
    items, _ = select(**{"cuda": False, "tensorrt": False, "headers": False, **options})
    assert all(item.source.is_file() for item in items)
    return {item.target for item in items if not item.target.startswith("licenses/t")}


CPU = {
    "lib/libtensorflow_cc.so.2",
    "lib/libtensorflow_framework.so.2",
    "lib/libtftrt.so",
    "lib/libtftrt_runtime.so",
    "lib/tensorrt_shims/libnvinfer.so.8.6.1",
    "lib/tensorrt_shims/libnvinfer_plugin.so.8.6.1",
}
CUDA = {
    "nvidia/cudnn/lib/libcudnn.so.8",
    "nvidia/cudnn/lib/libcudnn_ops_infer.so.8",
    "nvidia/cusolver/lib/libcusolver.so.11",
    "nvidia/nvjitlink/lib/libnvJitLink.so.12",
    "licenses/nvidia_cudnn/License.txt",
}
TENSORRT = {
    "lib/libtftrt_tensorrt.so",
    "tensorrt_libs/libnvinfer.so.8",
    "tensorrt_libs/libnvinfer_plugin.so.8",
    "tensorrt_libs/libnvinfer_builder_resource.so.8.6.0",
}


@pytest.mark.usefixtures("machine")
def test_what_is_asked_for_is_chosen_and_nothing_else() -> None:
    assert chosen() == CPU
    assert chosen(cuda=True) == CPU | CUDA
    assert chosen(cuda=True, tensorrt=True) == CPU | CUDA | TENSORRT
    added = chosen(headers=True) - CPU
    assert {"include/tftrt/tftrt.h", "lib/pkgconfig/tftrt.pc", "share/cmake/tftrt/tftrtConfig.cmake"} <= added
    assert {name.split("/")[0] for name in added} == {"include", "lib", "share"}


def test_the_tensorflow_that_is_used_is_chosen(machine: Machine) -> None:
    items, _ = select(cuda=False, tensorrt=False, headers=False)
    folders = {item.source.parent for item in items if item.source.name.startswith("libtensorflow_")}
    assert folders == {machine.site_packages / "tensorflow"}


def test_folders_may_be_reached_by_links_and_dots(machine: Machine, tmp_path: Path) -> None:
    # As glibc reports a library that another one's run path led to.
    cusolver = machine.cuda[1]
    cusolver.path = f"{machine.site_packages}/nvidia/cudnn/lib/../../cusolver/lib/{cusolver.name}"
    # As in a virtual environment whose lib64 is a link to lib.
    (tmp_path / "lib64").symlink_to(machine.site_packages)
    for library in (machine.tensorflow, *machine.cuda, *machine.tensorrt):
        library.path = library.path.replace(str(machine.site_packages), str(tmp_path / "lib64"))
    assert chosen(cuda=True, tensorrt=True) == CPU | CUDA | TENSORRT


def test_tensorrt_of_another_layout_is_taken(machine: Machine) -> None:
    machine.install_tensorrt("TensorRT-8.6.1.6/lib")
    assert chosen(cuda=True, tensorrt=True) == CPU | CUDA | TENSORRT
    items, _ = select(cuda=True, tensorrt=True, headers=False)
    sources = {str(item.source.parent) for item in items if item.target.startswith("tensorrt_libs/")}
    assert len(sources) == 1
    assert sources.pop().endswith("TensorRT-8.6.1.6/lib")


def test_missing_libraries_are_named_with_what_to_do(machine: Machine) -> None:
    install = "pip install 'tensorflow[and-cuda]>=2.17,<2.18'"
    machine.fail("libnvinfer.so.8", "it is away")
    with pytest.raises(
        IncompatibleError, match=r"libnvinfer\.so\.8 cannot be bundled: it is away\. tftrt doctor prints"
    ):
        chosen(cuda=True, tensorrt=True)
    machine.fail("libcudnn.so.8", "it is away")
    with pytest.raises(IncompatibleError, match=r"libcudnn\.so\.8 cannot be bundled: it is away\.") as error:
        chosen(cuda=True)
    assert install in str(error.value)
    machine.fail("libcudnn.so.8", "")
    (machine.site_packages / "nvidia" / "nvjitlink" / "lib" / "libnvJitLink.so.12").unlink()
    with pytest.raises(IncompatibleError, match=r"libcusolver\.so\.11 needs libnvJitLink\.so\.12") as error:
        chosen(cuda=True)
    assert install in str(error.value)
    assert chosen() == CPU


def test_cuda_of_another_layout_is_refused(machine: Machine) -> None:
    library = machine.build("usr/local/cuda/lib64/libcusolver.so.11")
    machine.cuda[1].path = str(library)
    with pytest.raises(IncompatibleError, match=r"CUDA: expected pip's libraries, .*cuda/lib64/libcusolver\.so\.11"):
        chosen(cuda=True)


def test_cuda_in_a_folder_of_the_root_is_refused(tmp_path: Path) -> None:
    library = SharedObject(Path("/lib64/libcudnn.so.8"), [], [], [])
    with pytest.raises(IncompatibleError, match=r"CUDA: expected pip's libraries, .*found /lib64/libcudnn\.so\.8"):
        list(_nvidia([library], tmp_path))


# The command


def make_older(folder: Path) -> Path:
    (folder / "lib").mkdir(parents=True)
    (folder / "lib" / "libtftrt.so").write_text("older")
    (folder / "tftrt-bundle.json").write_text('{"files": [{"path": "lib/libtftrt.so"}]}')
    return folder


def check_refused(destination: Path, message: str, **options: bool) -> None:
    before = sorted(path.name for path in destination.parent.iterdir())
    with pytest.raises(InvalidArgumentError, match=message):
        bundle_runtime(destination, **options)
    assert sorted(path.name for path in destination.parent.iterdir()) == before


def test_destinations_are_checked(tmp_path: Path) -> None:
    other = tmp_path / "other"
    other.mkdir()
    (other / "file").write_text("mine")
    check_refused(other, "expected an empty directory or an older bundle", overwrite=True)
    for record in ("not JSON", "{}", '{"files": 1}'):
        (other / "tftrt-bundle.json").write_text(record)
        check_refused(other, r"found .*other with other files, such as file\.", overwrite=True)
    older = make_older(tmp_path / "older")
    check_refused(older, r"found an older bundle.*Pass overwrite=True")
    (older / "lib" / "mine.so").symlink_to("anywhere")
    check_refused(older, r"found .*older with other files, such as lib/mine\.so\.", overwrite=True)
    file = tmp_path / "file"
    file.write_text("mine")
    check_refused(file, "found another file")
    check_refused(tmp_path / "new", "expected cuda as well", tensorrt=True)
    with pytest.raises(InvalidArgumentError, match="Create the directory first"):
        bundle_runtime(tmp_path / "no" / "folder")


@pytest.mark.usefixtures("machine")
def test_a_failure_leaves_the_older_bundle(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    older = make_older(tmp_path / "bundle")

    def fail(*_: object, **__: object) -> None:
        raise OSError("no space left")

    monkeypatch.setattr("tftrt.bundling.pipeline.copy_slim", fail)
    before = sorted(path.name for path in tmp_path.iterdir())
    with pytest.raises(OSError, match="no space left"):
        bundle_runtime(older, overwrite=True)
    assert sorted(path.name for path in tmp_path.iterdir()) == before
    assert (older / "lib" / "libtftrt.so").read_text() == "older"


@pytest.mark.usefixtures("machine")
def test_what_is_put_there_meanwhile_stays(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    bundle = make_older(tmp_path / "bundle")

    def write(source: Path, target: Path, *, device_code: bool) -> None:
        target.write_text("slim")
        (bundle / "mine").write_text("mine")

    monkeypatch.setattr("tftrt.bundling.pipeline.copy_slim", write)
    with pytest.raises(InvalidArgumentError, match=r"with other files, such as mine\."):
        bundle_runtime(bundle, overwrite=True)
    assert (bundle / "mine").read_text() == "mine"
    assert sorted(path.name for path in tmp_path.iterdir() if path.name.startswith(".")) == []


@pytest.mark.usefixtures("machine")
def test_sizes_are_reported(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def halve(source: Path, target: Path, *, device_code: bool) -> None:
        assert not device_code
        target.write_bytes(b"x" * (source.stat().st_size // 2_000_000))

    monkeypatch.setattr("tftrt.bundling.pipeline.copy_slim", halve)
    (tmp_path / "bundle").mkdir()
    assert main(["bundle-runtime", str(tmp_path / "bundle"), "--json"]) == 0
    printed = json.loads(capsys.readouterr().out)
    sizes = {file["path"]: file for file in printed["files"]}
    assert set(sizes) >= {*CPU, "lib/tftrt_cpu_only.txt"}
    for path, file in sizes.items():
        assert file["bytes_after"] == (tmp_path / "bundle" / path).stat().st_size
        assert file["bytes_before"] == (Path(file["source"]).stat().st_size if file["source"] else 0)
    assert printed["bytes_after"] == sum(file["bytes_after"] for file in printed["files"])
    assert sizes["lib/libtensorflow_cc.so.2"]["bytes_before"] > 5e8
    assert printed["tftrt"] == tftrt.__version__
    assert set(printed["system"]) == {"CXXABI", "GLIBC", "GLIBCXX"}
    record = json.loads((tmp_path / "bundle" / "tftrt-bundle.json").read_text())
    assert record == {"format_version": 1, **{key: value for key, value in printed.items() if key != "destination"}}

    assert main(["bundle-runtime", str(tmp_path / "bundle"), "--overwrite"]) == 0
    assert "lib/libtensorflow_cc.so.2" in capsys.readouterr().out


@pytest.mark.usefixtures("machine")
@pytest.mark.parametrize("cuda", [False, True])
def test_a_bundle_for_cpus_says_so(cuda: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """cpp/src/api/device_choice.cc looks for it."""
    kept: list[bool] = []

    def note(source: Path, target: Path, *, device_code: bool) -> None:
        kept.append(device_code)
        target.write_text(source.name)

    monkeypatch.setattr("tftrt.bundling.pipeline.copy_slim", note)
    bundle_runtime(tmp_path / "bundle", cuda=cuda)
    assert set(kept) == {cuda}
    assert (tmp_path / "bundle" / "lib" / "tftrt_cpu_only.txt").exists() == (not cuda)
    # It is the bundle's own file.
    bundle_runtime(tmp_path / "bundle", cuda=cuda, overwrite=True)
