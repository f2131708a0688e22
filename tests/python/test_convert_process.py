"""Conversion in a process of its own: what it shares with its caller, and what is left when one of them ends."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

import tftrt
from conftest import HERE, PATIENCE
from tftrt import InternalError, InvalidArgumentError, ResourceExhaustedError
from tftrt.conversion import process

Run = Callable[..., "subprocess.CompletedProcess[str]"]


@pytest.fixture
def no_process() -> Iterator[None]:
    """No process from a test before, and none that stays for the next."""
    process._end()
    yield
    process._end()


def serving() -> int:
    """The process that waits for work."""
    assert process._idle is not None
    return int(process._idle._process.pid)


def wait_until(condition: Callable[[], bool]) -> None:
    end = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.02)


def ended(pid: int) -> bool:
    """Whether a process is no more; one that nobody has waited for counts."""
    try:
        return "Z" in Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except FileNotFoundError:
        return True


def test_one_process_serves_all_conversions_and_tensorflow_stays_out_of_the_caller(
    python: Run, exported: Callable[[str], Path], tmp_path: Path
) -> None:
    code = """
import os, sys, threading, warnings, tftrt
from tftrt.conversion import process
warnings.simplefilter("error")
source, target = sys.argv[1:]
tftrt.convert(source, target + "/0")
first = process._idle._process.pid
os.environ["A_VARIABLE"] = "1"  # read by nobody
os.chdir(target)
threads = [threading.Thread(target=tftrt.convert, args=(source, str(number))) for number in (1, 2)]
for thread in threads: thread.start()
for thread in threads: thread.join()
assert process._idle._process.pid == first
assert sorted(os.listdir(target)) == ["0", "1", "2"]
assert "tensorflow" not in sys.modules and not any("tensorflow_framework" in line for line in open("/proc/self/maps"))
pid = os.fork()
if not pid:
    tftrt.convert(source, "3")
    os._exit(process._idle._process.pid == first)
assert os.waitpid(pid, 0)[1] == 0 and os.path.exists("3/saved_model.pb")
tftrt.convert(source, "4")
assert process._idle._process.pid == first
print(first)
"""
    pid = int(python(code, exported("cnn"), tmp_path).stdout)
    wait_until(lambda: ended(pid))


def test_the_process_ends_without_work_and_another_takes_over(
    no_process: None, exported: Callable[[str], Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(process, "_IDLE_SECONDS", 0.2)
    tftrt.convert(exported("cnn"), tmp_path / "1")
    first = serving()
    wait_until(lambda: ended(first))
    monkeypatch.setattr(process, "_IDLE_SECONDS", 30.0)
    tftrt.convert(exported("cnn"), tmp_path / "2")
    assert serving() != first


def test_what_is_read_at_the_start_starts_another_process(
    no_process: None, exported: Callable[[str], Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tftrt.convert(exported("cnn"), tmp_path / "1")
    first = serving()
    monkeypatch.setenv("TF_DETERMINISTIC_OPS", "1")
    tftrt.convert(exported("cnn"), tmp_path / "2")
    assert serving() != first


@pytest.mark.parametrize(
    ("number", "error"), [(signal.SIGKILL, ResourceExhaustedError), (signal.SIGSEGV, InternalError)]
)
def test_a_process_that_dies_is_an_error_and_leaves_nothing(
    number: signal.Signals,
    error: type[Exception],
    exported: Callable[[str], Path],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def die(phase: str, done: float) -> None:
        if phase.startswith("restore"):
            (pid,) = children_of(os.getpid())
            os.kill(pid, number)

    (tmp_path / "tmp").mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "tmp"))
    with pytest.raises(error, match=f"the process that converts was ended by signal {number.value} while doing this: "):
        tftrt.convert(exported("cnn"), tmp_path / "out", progress=die)
    assert list(tmp_path.rglob("*")) == [tmp_path / "tmp"]
    assert tftrt.convert(exported("cnn"), tmp_path / "out").engines


def children_of(parent: int) -> list[int]:
    """The processes that convert."""
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                stat = (entry / "stat").read_text().rpartition(")")[2].split()
                command = (entry / "cmdline").read_bytes()
            except OSError:
                continue
            if int(stat[1]) == parent and b"tftrt.conversion.worker" in command:
                found.append(int(entry.name))
    return found


@pytest.mark.parametrize("how", ["command", "program"])
def test_a_caller_that_is_ended_leaves_nothing(how: str, exported: Callable[[str], Path], tmp_path: Path) -> None:
    """The command cleans up on SIGTERM; for a program that is killed, the process that converts does."""
    (tmp_path / "tmp").mkdir()
    (tmp_path / "out").mkdir()
    program = """
import os, signal, sys, tftrt
def stop(phase, done):
    if phase.startswith("convert"):
        print("here", flush=True)
        signal.pause()
tftrt.convert(sys.argv[1], sys.argv[2] + "/model", progress=stop)
"""
    code = "import sys; from tftrt.cli import main; sys.exit(main())" if how == "command" else program
    words = ["convert", str(exported("cnn"))] if how == "command" else [str(exported("cnn"))]
    destination = str(tmp_path / "out" / "model") if how == "command" else str(tmp_path / "out")
    environment = {**os.environ, "PYTHONPATH": str(HERE), "TMPDIR": str(tmp_path / "tmp")}
    with subprocess.Popen(
        [sys.executable, "-c", code, *words, destination],
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    ) as running:
        wait_until(lambda: any((tmp_path / "out").iterdir()))
        if how == "program":
            assert running.stdout is not None and running.stdout.readline() == b"here\n"
        converting = children_of(running.pid)
        assert len(converting) == 1
        running.send_signal(signal.SIGTERM if how == "command" else signal.SIGKILL)
        running.wait(PATIENCE)
        errors = running.stderr.read().decode() if running.stderr else ""
    assert running.returncode == (128 + signal.SIGTERM if how == "command" else -signal.SIGKILL), errors
    assert "Traceback" not in errors
    wait_until(lambda: ended(converting[0]))
    assert list((tmp_path / "out").iterdir()) == []
    assert list((tmp_path / "tmp").iterdir()) == []


def test_the_standard_error_of_others_is_heard(
    exported: Callable[[str], Path], tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    said: list[str] = []

    def say(phase: str, done: float) -> None:
        os.write(2, f"{phase}\n".encode())
        said.append(phase)

    tftrt.convert(exported("cnn"), tmp_path / "out", progress=say)
    assert capfd.readouterr().err.splitlines() == said
    assert len(said) > 5


def test_a_conversion_inside_the_progress_of_another(exported: Callable[[str], Path], tmp_path: Path) -> None:
    inner: list[Any] = []

    def nested(phase: str, done: float) -> None:
        if phase.startswith("convert") and not inner:
            inner.append(None)
            inner[0] = tftrt.convert(exported("cnn"), tmp_path / "inner")

    outer = tftrt.convert(exported("cnn"), tmp_path / "outer", progress=nested)
    assert inner[0].engines == outer.engines


def test_ops_that_the_caller_has_loaded_are_known(
    python: Run, custom_ops: Path, op_library: Path, tmp_path: Path
) -> None:
    code = """
import sys, tensorflow as tf, tftrt
tf.load_op_library(sys.argv[2])
print(tftrt.convert(sys.argv[1], sys.argv[3]).checks[0])
"""
    found = python(code, custom_ops, op_library, tmp_path / "out", TF_CPP_MIN_LOG_LEVEL="3").stdout
    assert found.startswith("'address' was loaded")


def test_files_of_keras_find_the_classes_of_the_caller(python: Run, tmp_path: Path) -> None:
    code = """
import sys, keras, tftrt
@keras.saving.register_keras_serializable()
class Twice(keras.layers.Layer):
    def call(self, x): return 2.0 * x
i = keras.Input((4,))
keras.Model(i, Twice()(keras.layers.Dense(3)(i))).save(sys.argv[1] + "/m.keras")
print(tftrt.convert(sys.argv[1] + "/m.keras", sys.argv[1] + "/out").source["kind"])
"""
    assert python(code, tmp_path, TF_CPP_MIN_LOG_LEVEL="3").stdout == "keras\n"


def test_wrong_sources_need_no_process(no_process: None, tmp_path: Path) -> None:
    (tmp_path / "model.txt").write_text("")
    for path, message in (("none", "found nothing"), ("model.txt", "ends with '.txt'"), (".", "expected a SavedModel")):
        with pytest.raises((tftrt.ModelError, InvalidArgumentError), match=message):
            tftrt.convert(tmp_path / path, tmp_path.parent / "out")
    assert process._idle is None
