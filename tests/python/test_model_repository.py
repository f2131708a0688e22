"""Versions of a model: version N of most of the models here adds N."""

from __future__ import annotations

import gc
import os
import shutil
import signal
import subprocess
import sys
import threading
import time
import weakref
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import tftrt
from conftest import HERE, PATIENCE, Gate, vector
from test_readme import blocks, run

Export = Callable[[str], Path]
Python = Callable[..., Any]

DOCS = (HERE.parents[1] / "docs" / "versions.md").read_text()
MODEL = (HERE.parent / "cpp" / "models" / "add" / "saved_model.pbtxt").read_text()
ZEROS = np.zeros((1, 4), np.float32)


def publish(directory: Path, version: int, amount: int | None = None) -> None:
    """Add a version all at once."""
    beside = directory.with_name("beside")
    beside.mkdir(parents=True)
    text = MODEL.replace("float_val: 1 ", f"float_val: {version if amount is None else amount} ")
    beside.joinpath("saved_model.pbtxt").write_text(text)
    directory.mkdir(exist_ok=True)
    beside.rename(directory / str(version))


def damage(directory: Path, version: int) -> None:
    folder = directory / str(version)
    folder.mkdir(parents=True)
    folder.joinpath("saved_model.pbtxt").write_text(MODEL[:500])


def eventually(condition: Callable[[], bool]) -> None:
    end = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < end, "it should have come true by now"
        time.sleep(0.002)


def added(model: Callable[..., Any]) -> float:
    return float(model(ZEROS)["y"][0, 0])


def states(repository: tftrt.ModelRepository) -> dict[int, str]:
    return {status.version: status.state for status in repository.versions()}


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    directory = tmp_path / "models"
    publish(directory, 1)
    return directory


@pytest.fixture
def repository(directory: Path) -> Iterator[tftrt.ModelRepository]:
    with tftrt.ModelRepository(directory, poll_interval=0.005, device="cpu") as repository:
        yield repository


def test_the_newest_version_serves(directory: Path) -> None:
    publish(directory, 10)
    publish(directory, 9)
    with tftrt.ModelRepository(directory, device="cpu", watch=False) as repository:
        assert repository.version == 10
        assert added(repository) == 10
        assert added(repository.model) == 10
        version, model = repository.current()
        assert (version, added(model)) == (10, 10)
        assert states(repository) == {10: "serving", 9: "available", 1: "available"}
        assert repository.path == str(directory)
        assert repository.problem == ""
        assert repr(repository) == f"<tftrt.ModelRepository {str(directory)!r}: version 10>"
        assert repr(model).startswith(f"<tftrt.Model {str(directory / '10')!r}")
        status = repository.versions()[0]
        assert status.path == str(directory / "10")
        assert (status.error, status.present) == ("", True)
        assert abs(time.time() - status.since) < PATIENCE
        assert 0 < status.load_seconds < PATIENCE
    assert repr(repository).endswith(": closed>")


def test_options_are_the_models(directory: Path) -> None:
    with tftrt.ModelRepository(directory, device="cpu", tags=["serve", "double"], executor="parallel") as repository:
        assert repository.model.info.tags == ["serve", "double"]
        assert repository.model.info.executor == "parallel"
        assert repository(np.ones((1, 4), np.float32))["y"].tolist() == [[2, 2, 2, 2]]
    with pytest.raises(tftrt.ModelError, match=r'version 1: .*no signature "other"'):
        tftrt.ModelRepository(directory, device="cpu", signature="other")


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"poll_interval": 0}, "poll_interval is 0; expected seconds, 0.001 to 86400"),
        ({"poll_interval": float("nan")}, "poll_interval is nan"),
        ({"poll_interval": True}, "poll_interval is True"),
        ({"poll_interval": "1"}, "poll_interval is '1'"),
        ({"warm_up": 3}, "warm_up is 3; expected a function"),
        ({"on_event": "print"}, "on_event is 'print'; expected a function"),
        ({"divice": "cpu"}, 'unknown option "divice"'),
        ({"device": 3}, "option device is 3"),
    ],
)
def test_wrong_options_are_errors(options: dict[str, Any], message: str, directory: Path) -> None:
    with pytest.raises(tftrt.InvalidArgumentError) as raised:
        tftrt.ModelRepository(directory, **options)
    assert message in str(raised.value)


def test_what_cannot_be_opened(tmp_path: Path) -> None:
    with pytest.raises(tftrt.ModelError, match="does not exist"):
        tftrt.ModelRepository(tmp_path / "models")
    (tmp_path / "models").mkdir()
    with pytest.raises(tftrt.ModelError, match="is empty; expected a folder for each version"):
        tftrt.ModelRepository(tmp_path / "models")
    damage(tmp_path / "models", 1)
    damage(tmp_path / "models", 2)
    with pytest.raises(tftrt.ModelError, match=r"(?s)no version that can be loaded:\n  version 2: .*\n  version 1: "):
        tftrt.ModelRepository(tmp_path / "models")


def test_versions_appear_break_and_go(directory: Path, repository: tftrt.ModelRepository) -> None:
    publish(directory, 2)
    eventually(lambda: repository.version == 2)
    assert added(repository) == 2
    damage(directory, 3)
    eventually(lambda: states(repository).get(3) == "broken")
    assert str(directory / "3") in repository.versions()[0].error
    assert added(repository) == 2
    shutil.rmtree(directory / "2")
    eventually(lambda: repository.version == 1)
    assert added(repository) == 1
    shutil.rmtree(directory / "3")
    eventually(lambda: states(repository) == {1: "serving"})
    publish(directory, 2, amount=5)
    eventually(lambda: repository.version == 2)
    assert added(repository) == 5


@pytest.mark.parametrize("harm", ["truncated graph", "missing graph", "changed file"])
def test_damaged_files_never_serve(harm: str, converted_of: Export, tmp_path: Path) -> None:
    source = converted_of("cnn")
    image = np.ones((1, 8, 8, 3), np.float32)
    shutil.copytree(source, tmp_path / "models" / "1")
    with tftrt.ModelRepository(tmp_path / "models", device="cpu", watch=False) as repository:
        expected = repository(image)["probabilities"]
        folder = tmp_path / "models" / "2"
        shutil.copytree(source, folder)
        graph = folder / "saved_model.pb"
        whole = graph.read_bytes()
        if harm == "truncated graph":
            graph.write_bytes(whole[: len(whole) // 2])
        elif harm == "missing graph":
            graph.unlink()
        else:
            graph.write_bytes(whole[:-1] + bytes([whole[-1] ^ 1]))
        repository.refresh()
        assert repository.version == 1
        assert states(repository) == {2: "broken", 1: "serving"}
        assert np.array_equal(repository(image)["probabilities"], expected)
        shutil.rmtree(folder)
        shutil.copytree(source, folder)
        repository.refresh()
        assert repository.version == 2
        assert np.array_equal(repository(image)["probabilities"], expected)


def test_no_call_fails_or_is_wrong_while_versions_change(directory: Path, repository: tftrt.ModelRepository) -> None:
    problems: list[Any] = []
    seen: set[int] = set()
    stop = threading.Event()

    def call() -> None:
        try:
            while not stop.is_set():
                version, model = repository.current()
                seen.add(version)
                answer = added(model)
                if answer != version:
                    problems.append((version, answer))
                latest = added(repository)
                if latest < version:
                    problems.append((latest, version))
        except Exception as error:
            problems.append(error)

    threads = [threading.Thread(target=call) for _ in range(4)]
    for thread in threads:
        thread.start()
    for version in (2, 3, 5, 6, 7):
        if version == 5:
            damage(directory, 4)
        publish(directory, version)
        eventually(lambda version=version: version in seen)
    stop.set()
    for thread in threads:
        thread.join()
    assert problems == []
    assert repository.version == 7


def test_a_request_under_way_keeps_its_version(custom_ops: Path, op_library: Path, gate: Gate, tmp_path: Path) -> None:
    models = tmp_path / "models"
    shutil.copytree(custom_ops, models / "1")
    options = {"signature": "gate", "op_libraries": [op_library], "device": "cpu"}
    with tftrt.ModelRepository(models, watch=False, **options) as repository:
        answers: list[Any] = []
        request = threading.Thread(target=lambda: answers.append(repository(vector(3.0))["y"].tolist()))
        request.start()
        gate.wait_for_calls(1)
        shutil.copytree(custom_ops, models / "2")
        shutil.rmtree(models / "1")
        repository.refresh()
        assert repository.version == 2
        assert not answers
        gate.open()
        request.join()
        assert answers == [[3.0]]


def test_what_no_request_has_is_freed(directory: Path) -> None:
    def threads() -> int:
        return len(list(Path("/proc/self/task").iterdir()))

    options = {"device": "cpu", "executor": "parallel", "inter_op_threads": 5, "watch": False}
    with tftrt.ModelRepository(directory, **options) as repository:
        assert added(repository) == 1
        one = threads()
        publish(directory, 2)
        repository.refresh()
        eventually(lambda: threads() < one + 5)
        request = repository.current()
        publish(directory, 3)
        repository.refresh()
        assert threads() >= one + 5
        assert added(request.model) == 2
        del request
        eventually(lambda: threads() < one + 5)
    eventually(lambda: threads() <= one - 5)


def test_the_model_is_made_once_for_all_calls(directory: Path, repository: tftrt.ModelRepository) -> None:
    first = repository.model
    assert repository.model is first
    publish(directory, 2)
    eventually(lambda: repository.version == 2)
    assert added(repository.model) == 2
    repository.close()
    with pytest.raises(tftrt.InvalidArgumentError, match="is closed; open it again"):
        _ = repository.model
    with pytest.raises(tftrt.InvalidArgumentError, match="is closed"):
        repository(ZEROS)
    with pytest.raises(tftrt.InvalidArgumentError, match="is closed"):
        repository.refresh()
    assert added(first) == 1
    repository.close()


def test_events_are_told_in_order(directory: Path) -> None:
    events: list[tuple[str, int | None]] = []
    messages: list[str] = []

    def on_event(event: tftrt.RepositoryEvent) -> None:
        events.append((event.kind, event.version))
        messages.append(event.message)

    with tftrt.ModelRepository(directory, device="cpu", watch=False, on_event=on_event) as repository:
        publish(directory, 2)
        repository.refresh()
        damage(directory, 3)
        repository.refresh()
        directory.rename(directory.with_name("away"))
        repository.refresh()
        assert "does not exist" in repository.problem
        directory.with_name("away").rename(directory)
        repository.refresh()
        for version in (1, 2, 3):
            shutil.rmtree(directory / str(version))
        repository.refresh()
        assert repository.versions()[0].present is False
        assert added(repository) == 2
    assert events == [
        ("loading", 1),
        ("serving", 1),
        ("loading", 2),
        ("serving", 2),
        ("retired", 1),
        ("loading", 3),
        ("broken", 3),
        ("unreadable", None),
        ("readable", None),
        ("removed", 2),
    ]
    assert "version 3 is broken: " in messages[6]
    assert messages[7].endswith("version 2 goes on serving")


def test_warm_up_comes_before_the_switch_and_may_refuse(directory: Path) -> None:
    warmed: list[float] = []

    def warm_up(model: tftrt.Model) -> None:
        warmed.append(added(model))
        if warmed[-1] == 2:
            raise ValueError("two is not wanted")

    with tftrt.ModelRepository(directory, poll_interval=0.005, device="cpu", warm_up=warm_up) as repository:
        assert warmed == [1]
        publish(directory, 2)
        eventually(lambda: states(repository).get(2) == "broken")
        assert "warm_up failed: ValueError: two is not wanted" in repository.versions()[0].error
        assert added(repository) == 1
        publish(directory, 3)
        eventually(lambda: repository.version == 3)
        assert warmed == [1, 2, 3]


@pytest.mark.parametrize("interrupt", [KeyboardInterrupt, SystemExit, tftrt.CancelledError])
@pytest.mark.parametrize("callback", ["warm_up", "on_event"])
def test_an_interrupt_says_nothing_about_a_version(
    interrupt: type[BaseException], callback: str, directory: Path
) -> None:
    raised: list[BaseException] = []
    told: list[str] = []

    def raise_it(name: str) -> None:
        if name == callback and raised:
            raise raised[0]

    def on_event(event: tftrt.RepositoryEvent) -> None:
        told.append(f"{event.kind} {event.version}")
        raise_it("on_event")

    options: dict[str, Any] = {"warm_up": lambda _: raise_it("warm_up"), "on_event": on_event}
    with tftrt.ModelRepository(directory, device="cpu", watch=False, **options) as repository:
        publish(directory, 2)
        publish(directory, 3)
        raised.append(interrupt("stop"))
        for look in (repository.refresh, lambda: tftrt.ModelRepository(directory, device="cpu", **options)):
            told.clear()
            with pytest.raises(interrupt) as info:
                look()
            assert info.value is raised[0]
            assert told == ["loading 3"]
        assert states(repository) == {3: "available", 2: "available", 1: "serving"}
        raised.clear()
        repository.refresh()
        assert added(repository) == 3


def test_ctrl_c_while_a_version_is_loaded(custom_ops: Path, op_library: Path, gate: Gate, tmp_path: Path) -> None:
    models = tmp_path / "models"
    shutil.copytree(custom_ops, models / "1")
    # Loading calls the model, which waits at the gate.
    options: dict[str, Any] = {"signature": "gate", "op_libraries": [op_library], "device": "cpu", "warmup": 1}

    def ctrl_c() -> None:
        gate.wait_for_calls(1)
        os.kill(os.getpid(), signal.SIGINT)
        gate.open()

    def interrupted(look: Callable[[], Any]) -> None:
        gate.close()
        thread = threading.Thread(target=ctrl_c)
        thread.start()
        with pytest.raises(KeyboardInterrupt):
            look()
        thread.join()

    interrupted(lambda: tftrt.ModelRepository(models, **options))
    with tftrt.ModelRepository(models, watch=False, **options) as repository:
        shutil.copytree(custom_ops, models / "2")
        interrupted(repository.refresh)
        assert states(repository) == {2: "available", 1: "serving"}
        repository.refresh()
        assert repository.version == 2


def test_what_is_no_interrupt_of_the_caller_breaks_the_version(directory: Path) -> None:
    def warm_up(model: tftrt.Model) -> None:
        if added(model) == 2:
            raise SystemExit("stop")

    with tftrt.ModelRepository(directory, poll_interval=0.005, device="cpu", warm_up=warm_up) as repository:
        publish(directory, 2)
        eventually(lambda: states(repository).get(2) == "broken")
        assert "warm_up failed: SystemExit: stop" in repository.versions()[0].error


def test_what_is_cancelled_in_the_background_is_tried_again(directory: Path) -> None:
    tries: list[int] = []

    def warm_up(model: tftrt.Model) -> None:
        tries.append(added(model))
        if tries.count(2) in (1, 2) and tries[-1] == 2:
            raise tftrt.CancelledError("not now")

    with tftrt.ModelRepository(directory, poll_interval=0.005, device="cpu", warm_up=warm_up) as repository:
        publish(directory, 2)
        eventually(lambda: repository.version == 2)
        assert tries == [1, 2, 2, 2]


def test_what_on_event_raises_is_unraisable(directory: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    raised: list[Any] = []
    monkeypatch.setattr(sys, "unraisablehook", lambda info: raised.append(str(info.exc_value)))

    def on_event(event: tftrt.RepositoryEvent) -> None:
        raise RuntimeError(f"no {event.kind}")

    with tftrt.ModelRepository(directory, device="cpu", poll_interval=0.005, on_event=on_event) as repository:
        publish(directory, 2)
        eventually(lambda: repository.version == 2 and "no retired" in raised)
        assert added(repository) == 2
    assert raised == ["no loading", "no serving", "no loading", "no serving", "no retired"]


def test_close_waits_for_a_load_which_then_does_not_serve(directory: Path) -> None:
    begun, go_on = threading.Event(), threading.Event()

    def warm_up(model: tftrt.Model) -> None:
        if added(model) == 2:
            begun.set()
            go_on.wait(PATIENCE)

    repository = tftrt.ModelRepository(directory, poll_interval=0.005, device="cpu", warm_up=warm_up)
    publish(directory, 2)
    assert begun.wait(PATIENCE)
    closing = threading.Thread(target=repository.close)
    closing.start()
    eventually(lambda: repository.closed)
    assert closing.is_alive()
    go_on.set()
    closing.join()
    assert repository.version == 1


def test_callbacks_may_close_but_not_refresh(directory: Path) -> None:
    errors: list[str] = []

    def on_event(event: tftrt.RepositoryEvent) -> None:
        if event.kind == "serving" and event.version == 2:
            with pytest.raises(tftrt.InvalidArgumentError) as raised:
                repository.refresh()
            errors.append(str(raised.value))
            repository.close()

    repository = tftrt.ModelRepository(directory, poll_interval=0.005, device="cpu", on_event=on_event)
    publish(directory, 2)
    eventually(lambda: repository.closed)
    repository.close()
    assert "in a callback" in errors[0]


def test_it_is_collected_with_callbacks_of_its_owner(directory: Path) -> None:
    class Service:
        def __init__(self) -> None:
            self.told = 0
            self.models = tftrt.ModelRepository(
                directory, poll_interval=0.001, device="cpu", warm_up=self.warm, on_event=self.tell
            )

        def warm(self, model: tftrt.Model) -> None:
            added(model)

        def tell(self, event: tftrt.RepositoryEvent) -> None:
            self.told += 1

    service = Service()
    publish(directory, 2)
    eventually(lambda service=service: service.told == 5)
    ended = weakref.ref(service.models)
    del service
    gc.collect()
    assert ended() is None


@pytest.mark.parametrize("leave", ["pass", "sys.exit()", "raise SystemExit", "del repository"])
def test_python_ends_with_a_repository_that_loads(leave: str, directory: Path, python: Python) -> None:
    code = f"""
import sys, threading, time
from pathlib import Path
import numpy as np
import tftrt
from test_model_repository import publish

begun = threading.Event()

def warm_up(model):
    if model(np.zeros((1, 4), np.float32))["y"][0, 0] == 2:
        begun.set()
        time.sleep(0.3)

repository = tftrt.ModelRepository(sys.argv[1], poll_interval=0.001, device="cpu", warm_up=warm_up, on_event=print)
publish(Path(sys.argv[1]), 2)
assert begun.wait(30)
{leave}
"""
    assert python(code, directory).stderr == ""


def test_a_forked_child_is_refused_and_ends(directory: Path, python: Python) -> None:
    code = """
import os, signal, sys, warnings
warnings.filterwarnings("ignore", "This process", DeprecationWarning)
import numpy as np
import tftrt

repository = tftrt.ModelRepository(sys.argv[1], poll_interval=0.001, device="cpu")
zeros = np.zeros((1, 4), np.float32)
pid = os.fork()
if pid == 0:
    signal.alarm(30)
    for use in (lambda: repository(zeros), repository.versions, repository.refresh):
        try:
            use()
        except tftrt.IncompatibleError as error:
            assert "forked" in str(error)
        else:
            raise AssertionError("a forked child should not get that far")
    assert repr(repository).endswith("version 1>")
    sys.exit(0)
assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 0
assert repository(zeros)["y"][0, 0] == 1
"""
    assert python(code, directory).stderr == ""


# docs/versions.md


@pytest.fixture(scope="module")
def documented(demo: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("versions")
    for version in ("1", "2"):
        shutil.copytree(demo / "model", folder / "models" / "classifier" / version)
    return folder


def test_documented_python(documented: Path) -> None:
    (code,) = blocks("", "python", DOCS)
    printed = run([sys.executable, "-c", code], documented)
    assert "version 2 serves; loading and warming took" in printed
    assert "[<version 2: serving>, <version 1: available>]" in printed


def test_documented_cpp(documented: Path) -> None:
    (code,) = blocks("", "cpp", DOCS)
    (project,) = blocks("C++", "cmake")
    (documented / "app.cc").write_text(code)
    (documented / "CMakeLists.txt").write_text(project)
    run(["cmake", "-S", ".", "-B", "build", f"-DCMAKE_PREFIX_PATH={tftrt.cmake_prefix_path}"], documented)
    run(["cmake", "--build", "build"], documented)
    app = subprocess.run(
        ["./build/app"],
        cwd=documented,
        capture_output=True,
        text=True,
        check=True,
        env={**os.environ, "CUDA_VISIBLE_DEVICES": "-1"},
    )
    assert app.stdout == "2: 1 input\n"
    assert "version 2 serves" in app.stderr
