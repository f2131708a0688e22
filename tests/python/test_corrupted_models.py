"""A damaged model gives an error or a result, never a crash or a hang; damage to a converted model is always found.

The models are loaded in a process of its own. If it dies or is too slow, the test names the damage that did it.
"""

from __future__ import annotations

import json
import selectors
import shutil
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from conftest import HERE

Export = Callable[[str], Path]
Answer = dict[str, Any]

SECONDS_FOR_ONE = 20.0
ORIGINALS = 180
CONVERTED = 120

# Small models that have all kinds of files, with a signature and its inputs: values, dtype.
CALLS: dict[str, tuple[str, dict[str, tuple[Any, str]]]] = {
    "cnn": ("serving_default", {"image": (np.linspace(-1, 1, 192).reshape(1, 8, 8, 3).tolist(), "float32")}),
    "encoder": ("serving_default", {"ids": ([[1, 2, 3]], "int32"), "mask": ([[1, 1, 0]], "int32")}),
    "counter": ("add", {"x": ([[1.0, 2.0, 3.0, 4.0]], "float32")}),
    "keras_lstm": ("serving_default", {"sequence": (np.linspace(-1, 1, 28).reshape(1, 7, 4).tolist(), "float32")}),
    "lstm": ("serving_default", {"sequence": (np.linspace(-1, 1, 12).reshape(1, 3, 4).tolist(), "float32")}),
    "string_lookup": ("serving_default", {"words": (["a", "nowhere"], "str")}),
    "vocabulary": ("serving_default", {"words": (["red", "blue"], "str")}),
}
TFTRT_ERRORS = {"InvalidArgumentError", "ModelError", "IncompatibleError", "UnsupportedError", "InternalError"}
MANIFEST = "assets.extra/tftrt.json"


class Worker:
    """The process that loads damaged models; started again if it dies."""

    def __init__(self) -> None:
        self._process: subprocess.Popen[str] | None = None
        self._errors = tempfile.TemporaryFile("w+")  # noqa: SIM115 (closed by stop)

    def _start(self) -> subprocess.Popen[str]:
        self._errors.seek(0)
        self._errors.truncate()
        return subprocess.Popen(
            [sys.executable, str(HERE / "mutation_worker.py")],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._errors,
            text=True,
        )

    def load(self, folder: Path, name: str) -> Answer:
        """What loading and calling gives; an error of the name "Crash" or "Hang" if that is what it does."""
        if self._process is None:
            self._process = self._start()
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        signature, inputs = CALLS[name]
        self._process.stdin.write(json.dumps([str(folder), signature, inputs]) + "\n")
        self._process.stdin.flush()
        with selectors.DefaultSelector() as selector:
            selector.register(self._process.stdout, selectors.EVENT_READ)
            if not selector.select(SECONDS_FOR_ONE):
                self._end()
                return {"error": "Hang", "message": f"no answer in {SECONDS_FOR_ONE} s"}
        line = self._process.stdout.readline()
        if not line:
            code = self._process.wait()
            self._end()
            self._errors.seek(0)
            return {"error": "Crash", "message": f"exit code {code}: {self._errors.read()[-500:]}"}
        answer: Answer = json.loads(line)
        return answer

    def _end(self) -> None:
        if self._process is not None:
            self._process.kill()
            self._process.communicate()
        self._process = None

    def stop(self) -> None:
        self._end()
        self._errors.close()


@pytest.fixture(scope="module")
def worker() -> Iterator[Worker]:
    worker = Worker()
    yield worker
    worker.stop()


# Damage


def flip_bit(random: np.random.Generator, data: bytearray) -> None:
    data[random.integers(len(data))] ^= 1 << int(random.integers(8))


def flip_bits(random: np.random.Generator, data: bytearray) -> None:
    for _ in range(random.integers(2, 20)):
        flip_bit(random, data)


def span(random: np.random.Generator, data: bytearray) -> tuple[int, int]:
    begin, end = sorted(random.integers(0, len(data) + 1, 2))
    return int(begin), int(end)


def truncate(random: np.random.Generator, data: bytearray) -> None:
    del data[random.integers(len(data)) :]


def zero(random: np.random.Generator, data: bytearray) -> None:
    begin, end = span(random, data)
    data[begin:end] = bytes(end - begin)


def remove(random: np.random.Generator, data: bytearray) -> None:
    begin, end = span(random, data)
    del data[begin:end]


def repeat(random: np.random.Generator, data: bytearray) -> None:
    begin, end = span(random, data)
    data[begin:begin] = data[begin:end]


def swap(random: np.random.Generator, data: bytearray) -> None:
    size = int(random.integers(1, len(data) // 2 + 1))
    first = int(random.integers(0, len(data) - 2 * size + 1))
    second = int(random.integers(first + size, len(data) - size + 1))
    data[first : first + size], data[second : second + size] = (
        data[second : second + size],
        data[first : first + size],
    )


def append(random: np.random.Generator, data: bytearray) -> None:
    data += random.bytes(int(random.integers(1, 100)))


def randomise(random: np.random.Generator, data: bytearray) -> None:
    begin, end = span(random, data)
    data[begin:end] = random.bytes(end - begin)


DAMAGES = [flip_bit, flip_bit, flip_bits, truncate, zero, remove, repeat, swap, append, randomise]


def files_of(folder: Path) -> list[str]:
    return sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file())


def damage(seed: int, folder: Path, files: list[str]) -> str:
    """Change one of the files; describes how."""
    random = np.random.default_rng(seed)
    file = files[random.integers(len(files))]
    function = DAMAGES[random.integers(len(DAMAGES))]
    before = (folder / file).read_bytes()
    after = bytearray(before)
    while after == before:  # zeros that were zeros
        after = bytearray(before)
        function(random, after)
    (folder / file).write_bytes(after)
    return f"seed {seed}, {function.__name__} of {file}"


def damaged_models(
    seeds: range, model_of: Export, root: Path, files: Callable[[Path], list[str]] = files_of
) -> Iterator[tuple[str, Path, str]]:
    """Name, folder and damage of one model for each seed."""
    names = list(CALLS)
    for seed in seeds:
        name = names[seed % len(names)]
        folder = root / str(seed)
        shutil.copytree(model_of(name), folder)
        yield name, folder, f"{name}, {damage(seed, folder, files(folder))}"
        shutil.rmtree(folder)


def check_original(answer: Answer) -> str:
    """Empty if a model without a manifest may do so."""
    return "" if answer.get("error", "ModelError") in TFTRT_ERRORS else str(answer)


def check_converted(answer: Answer) -> str:
    """Empty if the manifest has shown the damage."""
    if answer.get("error") == "ModelError" and "damaged" in answer["message"]:
        return ""
    return str(answer)


# What ended the process, or its error, when it was found. All of it TensorFlow takes for granted.
KNOWN: dict[str, tuple[str, bytes, bytes, int]] = {  # model, bytes before and after, how many of them
    "a node without a name": ("lstm", b"\n\x18while/maximum_iterations", b"\x1a\x18while/maximum_iterations", 1),
    "a loop whose body is not there": ("keras_lstm", b"_while_body_", b"_while_rody_", 1),
    "a constant of another type than it says": (
        "encoder",
        b'B\x1e\x08\x03\x12\x04\x12\x02\x08\x05"\x14',
        b'B\x1e\x08\x01\x12\x04\x12\x02\x08\x05"\x14',
        1,
    ),
    "a message that is not UTF-8": ("counter", b"_CHECKPOINTABLE_OBJECT", b"_CHECKPOINTABLE\xdfOBJECT", -1),
}


def report(problems: dict[str, str]) -> None:
    if problems:
        lines = [f"{what}:\n    {problem}" for what, problem in problems.items()]
        pytest.fail("\n".join([f"{len(problems)} mutations", *lines]), pytrace=False)


def test_damaged_originals_neither_crash_nor_hang(exported: Export, worker: Worker, tmp_path: Path) -> None:
    problems = {}
    kinds: Counter[str] = Counter()
    for name, folder, what in damaged_models(range(ORIGINALS), exported, tmp_path):
        answer = worker.load(folder, name)
        kinds[answer.get("error", "result")] += 1
        if problem := check_original(answer):
            problems[what] = problem
    report(problems)
    # Otherwise the damage would be no test: some is found, and some cannot be seen.
    assert kinds["ModelError"] > ORIGINALS / 5
    assert kinds["result"] > ORIGINALS / 20


@pytest.mark.parametrize("what", KNOWN)
def test_damage_that_was_not_seen_once(what: str, exported: Export, worker: Worker, tmp_path: Path) -> None:
    name, before, after, count = KNOWN[what]
    folder = tmp_path / name
    shutil.copytree(exported(name), folder)
    graph = (folder / "saved_model.pb").read_bytes()
    assert before in graph
    (folder / "saved_model.pb").write_bytes(graph.replace(before, after, count))
    assert worker.load(folder, name).get("error") in TFTRT_ERRORS


def test_every_change_of_a_converted_model_is_found(converted_of: Export, worker: Worker, tmp_path: Path) -> None:
    problems = {}
    for name, folder, what in damaged_models(range(1000, 1000 + CONVERTED), converted_of, tmp_path):
        if problem := check_converted(worker.load(folder, name)):
            problems[what] = problem
    report(problems)


@pytest.mark.parametrize("name", CALLS)
def test_every_bit_of_a_manifest_counts(name: str, converted_of: Export, worker: Worker, tmp_path: Path) -> None:
    problems = {}
    folder = tmp_path / name
    shutil.copytree(converted_of(name), folder)
    manifest = folder / MANIFEST
    original = manifest.read_bytes()
    for seed in range(2000, 2030):
        what = damage(seed, folder, [MANIFEST])
        if problem := check_converted(worker.load(folder, name)):
            problems[what] = problem
        manifest.write_bytes(original)
    report(problems)
    assert "outputs" in worker.load(folder, name)


@pytest.mark.parametrize("name", CALLS)
def test_a_converted_model_without_one_of_its_files(
    name: str, converted_of: Export, worker: Worker, tmp_path: Path
) -> None:
    for file in files_of(converted_of(name)):
        folder = tmp_path / file.replace("/", "_")
        shutil.copytree(converted_of(name), folder)
        (folder / file).unlink()
        answer = worker.load(folder, name)
        if file == MANIFEST:
            # As an original, which is loaded without sums.
            assert answer == worker.load(converted_of(name), name)
        else:
            assert answer["error"] == "ModelError"
            assert f"{file} is missing" in answer["message"]
        # Something else of the same name.
        (folder / file).mkdir()
        assert worker.load(folder, name)["error"] == "ModelError", file


def test_damage_names_the_file_and_the_remedy(converted_of: Export, worker: Worker, tmp_path: Path) -> None:
    folder = tmp_path / "model"
    shutil.copytree(converted_of("counter"), folder)
    for file in files_of(folder):
        path = folder / file
        original = path.read_bytes()
        path.write_bytes(original[:-1] + bytes([original[-1] ^ 1]))
        answer = worker.load(folder, "counter")
        assert answer["error"] == "ModelError"
        for part in (f'the model "{folder}" is damaged', file, "Copy it again, or convert the original model again"):
            assert part in answer["message"]
        path.write_bytes(original)


def test_the_manifest_of_another_model(converted_of: Export, worker: Worker, tmp_path: Path) -> None:
    folder = tmp_path / "model"
    shutil.copytree(converted_of("cnn"), folder)
    shutil.copy(converted_of("lstm") / MANIFEST, folder / MANIFEST)
    answer = worker.load(folder, "cnn")
    assert answer["error"] == "ModelError"
    assert "saved_model.pb" in answer["message"]


def test_a_damaged_model_whose_manifest_is_gone_is_an_original(
    converted_of: Export, worker: Worker, tmp_path: Path
) -> None:
    def without_manifest(folder: Path) -> list[str]:
        (folder / MANIFEST).unlink()
        return files_of(folder)

    problems = {}
    kinds: Counter[str] = Counter()
    for name, folder, what in damaged_models(range(3000, 3050), converted_of, tmp_path, without_manifest):
        answer = worker.load(folder, name)
        kinds[answer.get("error", "result")] += 1
        if problem := check_original(answer):
            problems[what] = problem
    report(problems)
    assert kinds["result"] > 0
