"""examples/cpp, built as anybody's projects are, against the installed package."""

from __future__ import annotations

import os
import resource
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import exports
import service_models
import tftrt
from conftest import HERE, PATIENCE, TensorFlow
from service_client import BUSY, INVALID, LATE, OK, UNAVAILABLE, Client, decode

Export = Callable[[str], Path]
SOURCE = HERE.parents[1] / "examples" / "cpp"
CLIENTS = 8
REQUESTS = 100_000
SHAPE = (2, 4)


@pytest.fixture(scope="module")
def programs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    build = tmp_path_factory.mktemp("examples")
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
    flags = "-Wall -Wextra -Werror -Wconversion"
    prefix = f"-DCMAKE_PREFIX_PATH={tftrt.cmake_prefix_path}"
    for command in (
        ["cmake", "-S", str(SOURCE), "-B", str(build), prefix, f"-DCMAKE_CXX_FLAGS={flags}"],
        ["cmake", "--build", str(build), "-j2"],
    ):
        process = subprocess.run(command, capture_output=True, text=True, env={**os.environ, "PATH": path})
        assert process.returncode == 0, process.stdout + process.stderr
    return build


def run(program: Path, *arguments: str | Path) -> subprocess.CompletedProcess[str]:
    # Nothing that tells where TensorFlow is.
    environment = {name: value for name, value in os.environ.items() if name in ("HOME", "TF_ENABLE_ONEDNN_OPTS")}
    command = [program, *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, env=environment, timeout=PATIENCE)


def test_minimal(programs: Path, exported: Export) -> None:
    result = run(programs / "minimal" / "minimal", exported("mtcnn_onet"))
    assert (result.returncode, result.stderr) == (0, "")
    assert result.stdout.splitlines()[0].startswith("input  ")
    assert "output " in result.stdout
    assert run(programs / "minimal" / "minimal", "/no/such/model").returncode == 1


def test_classifier(programs: Path, exported: Export, tmp_path: Path) -> None:
    program = programs / "classifier" / "classifier"
    if not program.exists():
        pytest.skip("libjpeg-turbo's development files are not installed: apt install libturbojpeg0-dev pkg-config")
    image_module = pytest.importorskip("PIL.Image")
    generator = np.random.default_rng(0)
    pixels = generator.integers(0, 256, (2, 6, 9, 3), np.uint8).repeat(40, 1).repeat(40, 2)
    files = []
    for number, picture in enumerate(pixels):
        files.append(tmp_path / f"{number}.jpg")
        image_module.fromarray(picture).save(files[-1], quality=95)
    labels = tmp_path / "labels"
    labels.write_text("".join(f"class {number}\n" for number in range(1000)))
    result = run(program, exported("mobilenet_v2"), labels, *files)
    assert result.returncode == 0, result.stderr
    assert "2 pictures in " in result.stderr

    with tftrt.Model(exported("mobilenet_v2"), device="cpu") as model:
        for line, file in zip(result.stdout.splitlines(), files):
            decoded = (
                image_module.open(file)
                .crop((60, 0, 300, 240))
                .resize((64, 64), image_module.BILINEAR, reducing_gap=None)
            )
            (scores,) = model(np.asarray(decoded, np.float32)[None] / 255).values()
            name, _, shown = line.partition(": class ")
            assert name == str(file)
            best, _, score = shown.partition(" (")
            assert scores[0, int(best)] == pytest.approx(scores.max(), rel=0.05)
            assert float(score.split(")")[0]) == pytest.approx(float(scores.max()), rel=0.1)

    assert "is no JPEG" in run(program, exported("mobilenet_v2"), labels, labels).stderr
    assert "cannot read" in run(program, exported("mobilenet_v2"), labels, "/no/such/file").stderr
    assert run(program).returncode == 2


@pytest.fixture
def models(tmp_path: Path, tensorflow: TensorFlow) -> Callable[..., Path]:
    """Makes a version of a model: one that adds the version's number, or what a function of service_models builds."""
    folder = tmp_path / "models"
    folder.mkdir()

    def make(version: int, build: Callable[..., None] | None = None, *arguments: int) -> Path:
        unfinished = tmp_path / f"unfinished_{version}"
        if build is None:
            tensorflow.call(exports.build, "adds", str(unfinished), str(version))
        else:
            tensorflow.call(build, str(unfinished), *arguments)
        return unfinished.rename(folder / str(version))

    make.folder = folder  # type: ignore[attr-defined]
    return make


class Service:
    """The program, from its start to its end."""

    def __init__(self, program: Path, folder: Path, *arguments: str) -> None:
        command = [str(program), "--models", str(folder), "--device", "cpu", "--poll_ms", "20", *arguments]
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)

    def await_ready(self) -> Service:
        assert self.process.stdout is not None
        line = self.process.stdout.readline()
        assert line.startswith("ready at "), self.process.communicate()[1]
        self.address = line.split()[-1]
        return self

    def errors_until(self, text: str) -> list[str]:
        """What it writes to stderr, up to a line with this text."""
        assert self.process.stderr is not None
        lines = []
        for line in self.process.stderr:
            lines.append(line.rstrip())
            if text in line:
                return lines
        raise AssertionError(f"{text!r} was not written, but {lines}")

    def end(self) -> str:
        """Send SIGTERM; what it wrote to stderr."""
        self.process.send_signal(signal.SIGTERM)
        _, errors = self.process.communicate(timeout=PATIENCE)
        assert self.process.returncode == 0, errors
        return errors


@pytest.fixture
def serve(programs: Path, models: Any) -> Iterator[Callable[..., Service]]:
    started: list[Service] = []

    def start(*arguments: str, await_ready: bool = True) -> Service:
        started.append(Service(programs / "service" / "service", models.folder, *arguments))
        return started[-1].await_ready() if await_ready else started[-1]

    yield start
    for service in started:
        service.process.kill()
        service.process.communicate()


def numbers(seed: int) -> np.ndarray:
    return np.random.default_rng(seed).integers(-1000, 1000, SHAPE).astype(np.float32)


def test_the_service_answers(serve: Callable[..., Service], models: Any, tmp_path: Path) -> None:
    models(3)
    for address in ("127.0.0.1:0", f"unix:{tmp_path / 'socket'}"):
        service = serve("--listen", address)
        with Client(service.address) as client:
            status = client.call(1, kind=0)
            assert (status.status, status.version) == (OK, 3)
            assert status.text == "ready\ninput x: float32[?, 4]\noutput y: float32[?, 4]\n"
            for seed in range(20):
                answer = client.call(seed, numbers(seed))
                assert (answer.status, answer.version) == (OK, 3)
                np.testing.assert_array_equal(decode(answer.rest), numbers(seed) + 3)
            assert client.call(5, np.zeros((2, 5), np.float32)).status == INVALID
            assert client.call(6, np.zeros(4, np.float32), np.zeros(4, np.float32)).status == INVALID
            assert client.call(7, kind=1).status == INVALID
            np.testing.assert_array_equal(decode(client.call(8, numbers(8)).rest), numbers(8) + 3)
        service.end()


def test_the_service_turns_away_what_is_too_much(serve: Callable[..., Service], models: Any) -> None:
    models(1)
    service = serve("--queue", "1", "--workers", "1")
    with Client(service.address) as client:
        count = 5000
        sender = threading.Thread(target=lambda: [client.send(number, numbers(number % 7)) for number in range(count)])
        sender.start()
        answers = [client.receive() for _ in range(count)]
        sender.join()
        found = {answer.id: answer for answer in answers if answer is not None}
        assert sorted(found) == list(range(count))
        assert {answer.status for answer in found.values()} == {OK, BUSY}
        for answer in found.values():
            if answer.status == OK:
                np.testing.assert_array_equal(decode(answer.rest), numbers(answer.id % 7) + 1)
    service.end()


def test_the_service_needs_a_model(programs: Path, models: Any) -> None:
    program = programs / "service" / "service"
    result = run(program, "--models", models.folder)
    assert (result.returncode, result.stdout) == (1, "")
    assert str(models.folder) in result.stderr
    assert "--models is missing" in run(program).stderr
    assert "expected a number" in run(program, "--models", "x", "--workers", "many").stderr
    assert run(program, "--help").stdout.startswith("Answers requests")


def test_the_service_takes_over_sockets_only(programs: Path, models: Any, tmp_path: Path) -> None:
    models(1)
    file = tmp_path / "file"
    file.write_text("mine")
    result = run(programs / "service" / "service", "--models", models.folder, "--listen", f"unix:{file}")
    assert (result.returncode, result.stdout) == (1, "")
    assert "is no socket that was left behind" in result.stderr
    assert file.read_text() == "mine"


def test_a_version_with_other_inputs_does_not_serve(
    serve: Callable[..., Service], models: Any, exported: Export
) -> None:
    models(1)
    service = serve()
    unfinished = Path(shutil.copytree(exported("any_rank"), models.folder / "unfinished"))
    unfinished.rename(models.folder / "2")
    assert "its signature is not that of the first version" in service.errors_until("version 2 is broken")[-1]
    with Client(service.address) as client:
        answer = client.call(1, numbers(1))
        assert (answer.status, answer.version) == (OK, 1)
    service.end()


def test_clients_that_do_not_read_do_not_keep_the_service(serve: Callable[..., Service], models: Any) -> None:
    models(1)
    service = serve("--grace_ms", "500")
    with Client(service.address) as deaf, Client(service.address) as client:
        array = np.zeros((20_000, 4), np.float32)
        for number in range(60):  # more than the sockets hold, and more requests than there are workers
            deaf.send(number, array)
        begin = time.monotonic()
        assert client.call(1, numbers(1)).status == OK
        assert time.monotonic() - begin < 3
        begin = time.monotonic()
        service.end()
        assert time.monotonic() - begin < 15


def test_slow_clients_get_all_answers(serve: Callable[..., Service], models: Any) -> None:
    """What their sockets do not take waits for them in the service, when that stops too."""
    models(1)
    service = serve("--grace_ms", "1")
    with Client(service.address) as slow:
        for number in range(30):
            slow.send(number, np.full((20_000, 4), number, np.float32))
        time.sleep(1)  # all of them are accepted
        service.process.send_signal(signal.SIGTERM)
        time.sleep(1)
        answers = [slow.receive() for _ in range(30)]
        assert {answer.id for answer in answers if answer is not None and answer.status == OK} == set(range(30))
        for answer in answers:
            assert answer is not None
            np.testing.assert_array_equal(decode(answer.rest), np.full((20_000, 4), answer.id + 1, np.float32))
        assert slow.receive() is None
    service.end()


def test_load_with_switches_and_a_broken_version(serve: Callable[..., Service], models: Any, tmp_path: Path) -> None:
    """8 clients, 100 000 requests, three hot switches, one of them to a broken version: none lost, none wrong."""
    models(1)
    service = serve()
    versions: set[int] = set()
    wrong: list[str] = []
    done = [0] * CLIENTS

    def work(client_number: int) -> None:
        inputs = [numbers(seed) for seed in range(16)]
        latest = 0
        with Client(service.address) as client:
            for number in range(REQUESTS // CLIENTS):
                array = inputs[number % len(inputs)]
                answer = client.call(number, array)
                right = answer.status == OK and np.array_equal(decode(answer.rest), array + answer.version)
                if not right or answer.version < latest:
                    wrong.append(f"{client_number}, {number}: {answer}")
                latest = answer.version
                versions.add(answer.version)
                done[client_number] += 1

    threads = [threading.Thread(target=work, args=(number,)) for number in range(CLIENTS)]
    for thread in threads:
        thread.start()

    def wait_for(share: float) -> None:
        end = time.monotonic() + 10 * PATIENCE
        while sum(done) < share * REQUESTS:
            assert time.monotonic() < end
            time.sleep(0.01)

    wait_for(0.2)
    models(2)
    wait_for(0.45)
    broken = Path(shutil.copytree(models.folder / "2", tmp_path / "broken"))
    (broken / "saved_model.pb").write_bytes((broken / "saved_model.pb").read_bytes()[:-200])
    broken.rename(models.folder / "3")
    wait_for(0.7)
    assert 3 not in versions
    models(4)
    for thread in threads:
        thread.join()
    assert wrong == []
    assert sum(done) == REQUESTS
    assert versions == {1, 2, 4}
    errors = service.end()
    assert f"{models.folder / '3'}" in errors


def test_sigterm_in_the_middle_answers_what_was_accepted(serve: Callable[..., Service], models: Any) -> None:
    models(1)
    service = serve()
    answered: list[int] = []

    def work() -> None:
        with Client(service.address) as client:
            number = 0
            while True:
                # Several at a time are under way.
                for _ in range(20):
                    client.send(number, numbers(number % 5))
                    number += 1
                answers = [client.receive() for _ in range(20)]
                statuses = [None if answer is None else answer.status for answer in answers]
                assert set(statuses) <= {OK, UNAVAILABLE}, statuses
                for answer in answers:
                    assert answer is not None
                    if answer.status == OK:
                        np.testing.assert_array_equal(decode(answer.rest), numbers(answer.id % 5) + 1)
                if UNAVAILABLE in statuses:
                    answered.append(number)
                    return

    failures: list[BaseException] = []

    def guarded() -> None:
        try:
            work()
        except BaseException as error:
            failures.append(error)

    threads = [threading.Thread(target=guarded) for _ in range(CLIENTS)]
    for thread in threads:
        thread.start()
    time.sleep(0.5)
    service.end()
    for thread in threads:
        thread.join()
    assert failures == []
    assert len(answered) == CLIENTS
    assert min(answered) > 20


def steps(count: int) -> np.ndarray:
    """For service_models.slow."""
    return np.full(SHAPE, count, np.float32)


def test_what_was_accepted_is_answered_after_the_grace(serve: Callable[..., Service], models: Any) -> None:
    models(1, service_models.slow, 0)
    service = serve("--workers", "1", "--queue", "10", "--grace_ms", "1", "--max_wait_ms", "600000")
    with Client(service.address) as client, Client(service.address) as other:
        client.send(0, steps(5000))
        time.sleep(0.2)  # it is being worked on, and no longer queued
        for number in range(1, 21):
            client.send(number, steps(1000))
        # Requests are read in order: when the last is turned away, all are read.
        for number in range(11, 21):
            answer = client.receive()
            assert answer is not None
            assert (answer.id, answer.status) == (number, BUSY)
        service.process.send_signal(signal.SIGTERM)
        for number in range(11):
            answer = client.receive()
            assert answer is not None, f"{number} was accepted"
            assert (answer.id, answer.status) == (number, OK)
            np.testing.assert_array_equal(decode(answer.rest), steps(1000 if number else 5000))
        assert client.receive() is None
        assert other.receive() is None
        assert service.process.wait(PATIENCE) == 0


def test_a_request_that_waited_too_long_is_not_worked_on(serve: Callable[..., Service], models: Any) -> None:
    models(1, service_models.slow, 0)
    service = serve("--workers", "1", "--max_wait_ms", "200")
    with Client(service.address) as client:
        for number in range(4):
            client.send(number, steps(5000))
        client.send(4, kind=0)
        answers = [client.receive() for _ in range(5)]
        assert [answer and answer.status for answer in answers] == [OK, LATE, LATE, LATE, LATE]
        assert answers[1] is not None
        assert "longer than the 200 ms" in answers[1].text
        assert client.call(5, steps(1)).status == OK
    service.end()


def test_a_version_is_warm_before_it_serves(serve: Callable[..., Service], models: Any) -> None:
    models(1, service_models.loud)
    service = serve("--workers", "3")
    assert service.errors_until("version 1 serves").count("called with [1 4]") == 2
    with Client(service.address) as client:
        for rows in (2, 5, 2):
            client.call(rows, np.zeros((rows, 4), np.float32))
        models(2, service_models.loud)
        lines = service.errors_until("version 2 serves")
        loading = next(i for i, line in enumerate(lines) if "version 2" in line)
        assert lines[loading + 1 : -1] == [f"called with [{rows} 4]" for rows in (1,) * 2 + (5,) * 6 + (2,) * 6]
        assert lines[:loading] == [f"called with [{rows} 4]" for rows in (2, 5, 2)]
        answer = client.call(1, numbers(1))
        assert (answer.status, answer.version) == (OK, 2)
        np.testing.assert_array_equal(decode(answer.rest), numbers(1) + 1)
    service.end()


def test_no_warm_up_if_so_asked(serve: Callable[..., Service], models: Any) -> None:
    models(1, service_models.loud)
    service = serve("--warmup", "0")
    assert not any("called with" in line for line in service.errors_until("version 1 serves"))
    service.end()


def test_sigterm_while_the_first_version_is_loaded(serve: Callable[..., Service], models: Any) -> None:
    models(1, service_models.slow, 10**12)
    service = serve(await_ready=False)
    service.errors_until("version 1")
    service.process.send_signal(signal.SIGTERM)
    output, _ = service.process.communicate(timeout=PATIENCE)
    assert (service.process.returncode, output) == (0, "")


def test_sigterm_without_a_free_file_descriptor(serve: Callable[..., Service], models: Any) -> None:
    models(1)
    service = serve("--grace_ms", "1")
    pid, limits = service.process.pid, resource.prlimit(service.process.pid, resource.RLIMIT_NOFILE)
    resource.prlimit(pid, resource.RLIMIT_NOFILE, (3, limits[1]))
    with Client(service.address) as client:
        client.send(1, numbers(1))
        before = cpu_seconds(pid)
        time.sleep(1)
        assert cpu_seconds(pid) - before < 0.5
        resource.prlimit(pid, resource.RLIMIT_NOFILE, limits)
        answer = client.receive()
        assert answer is not None
        assert answer.status == OK
        resource.prlimit(pid, resource.RLIMIT_NOFILE, (3, limits[1]))
        with Client(service.address):
            service.end()


def cpu_seconds(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
