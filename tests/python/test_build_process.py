"""Building: the process that builds, what it leaves behind when it fails, and what is written when it does not."""

from __future__ import annotations

import _thread
import argparse
import errno
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any, ClassVar

import numpy as np
import pytest

import tftrt
from conftest import PATIENCE
from test_build_arguments import forge
from tftrt import _native
from tftrt.building import calibration_table, worker
from tftrt.building.failure import death, engines_failed
from tftrt.building.options import Options, read_options
from tftrt.building.pipeline import run
from tftrt.building.plan_cache import PlanCache
from tftrt.building.process import run_worker
from tftrt.building.progress import BuildProgress
from tftrt.building.timing_cache import TimingCache, TimingKey
from tftrt.cli.common import UsageError
from tftrt.errors import Error, IncompatibleError, InternalError, InvalidArgumentError, ModelError
from tftrt.manifest import MANIFEST_PATH, file_sha256

# What the native builder does, as far as the parent sees it. Takes what to do, the request and the pipe.
FAKE_WORKER = """
import json, os, pathlib, signal, sys, time

what, request = sys.argv[1], json.loads(pathlib.Path(sys.argv[2]).read_text())
pipe = os.fdopen(int(sys.argv[3]), "w", buffering=1)
pathlib.Path(os.environ["SEEN"]).write_text(json.dumps({"pid": os.getpid(), **request}))

def send(**event):
    pipe.write(json.dumps(event) + "\\n")

send(event="phase", phase="open")
if what == "error":
    send(event="error", type="IncompatibleError", message="TensorRT is another")
    sys.exit()
if what == "full":
    send(event="error", type="InternalError", message="writing the engine failed: No space left on device")
    sys.exit()
for number, call in enumerate(request["collect"], 1):
    send(event="phase", phase="collect", number=number, of=len(request["collect"]))
manifest = json.loads((pathlib.Path(request["model"]) / "assets.extra/tftrt.json").read_text())
name = manifest["engines"][0]["name"]
send(event="phase", phase="build")
send(event="engine", name=name, number=1, of=1)
if what == "hang":
    time.sleep(1000)
if what == "stubborn":
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    send(event="phase", phase="build")
    time.sleep(1000)
if what == "die":
    print("2026-01-01 00:00:00.0: F tensorflow/x.cc:12] Check failed: engine", file=sys.stderr, flush=True)
    os.kill(os.getpid(), signal.SIGSEGV)
if what == "garbage":
    pipe.write("no event\\n")
    time.sleep(1000)
if what == "slow":
    time.sleep(2.5)
if what == "touch":
    (pathlib.Path(request["model"]) / "assets.extra/tftrt.json").unlink()
pathlib.Path(request["timing_cache_out"]).write_bytes(b"timings of " + what.encode())
profile = {"min": [[1, 8, 8, 3]], "opt": [[2, 8, 8, 3]], "max": [[2, 8, 8, 3]]}
failed = what == "fail"
if failed:
    print("2026-01-01: E tensorflow/trt_logger.cc:83] DefaultLogger 10: [x.cpp::f::1] Error Code 10: Could not find "
          "any implementation for node {Conv}.", file=sys.stderr)
    print(f"2026-01-01: W tensorflow/utils.cc:38] TF-TRT Warning: Engine creation for serving_default/{name} failed. "
          "The native segment will be used instead. Reason: INTERNAL: Failed to build TensorRT engine", file=sys.stderr)
problem = "TensorRT could not build it" * failed
send(event="built", engines=[{"name": name, "built": not failed, "reused": what == "reuse", "problem": problem,
     "seconds": 1.5, "profiles": [] if failed else [profile], "shapes": []}])
if not failed:
    send(event="phase", phase="save")
    target = pathlib.Path(request["save_to"])
    (target / "assets").mkdir()
    (target / "saved_model.pb").write_bytes((pathlib.Path(request["model"]) / "saved_model.pb").read_bytes())
    (target / f"assets/trt-serialized-engine.{name}").write_bytes(b"plan")
send(event="result", gpu={"name": "GPU", "compute_capability": "9.0", "driver": "1"}, tensorrt="8.6.1",
     calibration_tables={name: "table"} if request["calibrate"] else {}, plan_keys={name: "key"}, seconds={"open": 0.1})
if what == "late death":
    pipe.flush()
    os.kill(os.getpid(), signal.SIGSEGV)
"""

DEFAULTS: dict[str, Any] = {
    **dict.fromkeys(("shapes", "min_shapes", "opt_shapes", "max_shapes", "data", "calibration", "calibration_table")),
    **dict.fromkeys(("output", "signatures", "profile_strategy", "max_workspace_size_bytes", "optimization_level")),
    "overwrite": False,
    "keep": False,
    "timing_cache": False,
    "plan_cache": False,
    "device": "gpu:0",
}
SHAPE = (2, 8, 8, 3)


def options(**given: Any) -> Options:
    return read_options(**{**DEFAULTS, **given})


def files(directory: Path) -> dict[str, bytes]:
    return {str(path.relative_to(directory)): path.read_bytes() for path in directory.rglob("*") if path.is_file()}


def manifest(directory: Path) -> Any:
    return json.loads(tftrt.inspect(directory).manifest)


class Fake:
    """Builds with the fake worker."""

    def __init__(self, folder: Path) -> None:
        self._program = folder / "fake_worker.py"
        self._program.write_text(FAKE_WORKER)
        self.seen_file = folder / "seen.json"
        self.phases: list[tuple[str, float]] = []

    def build(self, model: Path, what: str = "succeed", **given: Any) -> Any:
        command = (sys.executable, str(self._program), what)
        return run(model, options(**given), lambda *phase: self.phases.append(phase), command)

    @property
    def seen(self) -> Any:
        return json.loads(self.seen_file.read_text())

    def wait_until(self, phase: str) -> None:
        end = time.monotonic() + PATIENCE
        while not any(text.startswith(phase) for text, _ in self.phases):
            assert time.monotonic() < end, self.phases
            time.sleep(0.01)


@pytest.fixture
def fake(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Fake:
    fake = Fake(tmp_path_factory.mktemp("fake"))
    library = SimpleNamespace(name="library", found=True, version="8.6.1")
    found = SimpleNamespace(
        gpus=["GPU (compute capability 9.0)"], tensorrt=[library], cuda=[library], tensorflow=library
    )
    monkeypatch.setattr(_native, "inspect_environment", lambda: found)
    monkeypatch.setattr(_native, "inspect_gpu", lambda index: SimpleNamespace(driver="1"))
    monkeypatch.setenv("SEEN", str(fake.seen_file))
    monkeypatch.setenv("TMPDIR", str(tmp_path_factory.mktemp("temporary")))
    monkeypatch.setattr("tempfile.tempdir", None)
    return fake


@pytest.fixture
def model(converted_of: Callable[[str], Path], tmp_path: Path) -> Path:
    directory = tmp_path / "models" / "cnn"
    shutil.copytree(converted_of("cnn"), directory)
    return directory


def gone(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return True
    return False


def check_untouched(model: Path, before: dict[str, bytes]) -> None:
    assert files(model) == before
    assert list(model.parent.iterdir()) == [model]
    left = [path for path in Path(os.environ["TMPDIR"]).iterdir() if not path.name.startswith("tftrt-build-")]
    assert left == [], "only the log of a failed build stays"


# Success


def test_the_model_is_replaced(model: Path, fake: Fake) -> None:
    old = manifest(model)
    report = fake.build(model, shapes=SHAPE)
    new = manifest(model)
    (engine,) = new["engines"]
    plan = engine["plan"]
    assert plan["asset"] == f"assets/trt-serialized-engine.{engine['name']}"
    assert (plan["bytes"], plan["seconds"], plan["shapes"]) == (4, 1.5, [])
    assert {"path": plan["asset"], "bytes": 4, "sha256": plan["sha256"]} in new["files"]
    assert plan["profiles"] == [{"min": [[1, 8, 8, 3]], "opt": [[2, 8, 8, 3]], "max": [[2, 8, 8, 3]]}]
    build = new["build"]
    assert build["format_version"] == 1
    assert build["gpu"] == {"name": "GPU", "compute_capability": "9.0", "driver": "1"}
    assert build["tensorrt"] == "8.6.1"
    assert build["profile_strategy"] == "Range"
    assert build["requests"] == [
        {"signature": "serving_default", "role": "fixed", "shapes": {"image": list(SHAPE)}},
    ]
    assert (build["calibrated"], build["calibration_batches"]) == (False, 0)
    assert build["timing_cache"] == {"hit": False, "bytes": len(b"timings of succeed")}
    assert set(build["seconds"]) == {"open", "total"}
    assert {key: new[key] for key in ("source", "created_at", "conversion")} == {
        key: old[key] for key in ("source", "created_at", "conversion")
    }
    assert list(model.parent.iterdir()) == [model]
    assert list(Path(os.environ["TMPDIR"]).iterdir()) == []
    assert report.to_dict()["plan_bytes"] == 4
    assert "[1, 8, 8, 3] to [2, 8, 8, 3], best at [2, 8, 8, 3]" in str(report)
    assert "1 of 1 engine built for GPU (compute capability 9.0, driver 1) with TensorRT 8.6.1" in str(report)


def test_what_the_worker_is_asked(model: Path, fake: Fake, tmp_path: Path) -> None:
    np.save(tmp_path / "sample.npy", np.zeros((3, 8, 8, 3), np.float32))
    fake.build(
        model,
        shapes=[SHAPE, SHAPE],
        data=[np.zeros((n, 8, 8, 3), np.float32) for n in (5, 5, 2)],
        min_shapes=(1, 8, 8, 3),
        max_shapes=(4, 8, 8, 3),
        profile_strategy="optimal",
        max_workspace_size_bytes=99,
        optimization_level=2,
    )
    seen = fake.seen
    assert [(call["role"], call["shapes"]["image"][0], bool(call["file"])) for call in seen["collect"]] == [
        ("fixed", 2, True),
        ("min", 1, False),
        ("opt", 4, False),
        ("max", 4, False),
        ("fixed", 5, True),
    ]
    assert seen["options"] == {
        "tags": ["serve"],
        "device": "gpu:0",
        "op_libraries": [],
        "profile_strategy": "Optimal",
        "max_workspace_size_bytes": 99,
        "optimization_level": 2,
        "keep_engines": False,
        "calibration_tables": {},
    }


def test_keep(model: Path, fake: Fake) -> None:
    fake.build(model, shapes=SHAPE)
    fake.build(model, shapes=[SHAPE, (4, 8, 8, 3)], keep=True)
    fake.build(model, keep=True)
    batches = [request["shapes"]["image"][0] for request in manifest(model)["build"]["requests"]]
    assert batches == [2, 4]
    fake.build(model, shapes=(1, 8, 8, 3))
    assert len(manifest(model)["build"]["requests"]) == 1


def test_implicit_batch_engines_are_kept_where_they_fit(
    converted_of: Callable[[str], Path], fake: Fake, tmp_path: Path
) -> None:
    model = forge(converted_of("cnn"), tmp_path / "implicit", dynamic_shapes=False)
    fake.build(model, shapes=SHAPE)
    fake.build(model, shapes=(4, 8, 8, 3), keep=True)
    assert fake.seen["options"]["keep_engines"]
    other = forge(model, tmp_path / "other", {"build": {**manifest(model)["build"], "tensorrt": "8.6.0"}})
    fake.build(other, shapes=(4, 8, 8, 3), keep=True)
    assert not fake.seen["options"]["keep_engines"]


def test_output(model: Path, fake: Fake, tmp_path: Path) -> None:
    (model / "assets" / "words.txt").write_text("a\n")
    (model / "assets" / "trt-serialized-engine.old").write_text("old")
    (model / "assets.extra" / "note.txt").write_text("b\n")
    (model / "variables").mkdir()
    (model / "variables" / "variables.index").write_text("c")
    before = files(model)
    report = fake.build(model, shapes=SHAPE, output=tmp_path / "out")
    assert report.path == str(tmp_path / "out")
    assert files(model) == before
    (name,) = (engine["name"] for engine in manifest(model)["engines"])
    written = files(tmp_path / "out")
    assert set(written) == {
        *(set(before) - {"assets/trt-serialized-engine.old"}),
        f"assets/trt-serialized-engine.{name}",
    }
    assert sorted(entry["path"] for entry in manifest(tmp_path / "out")["files"]) == sorted(
        set(written) - {MANIFEST_PATH}
    )


def test_a_link_to_the_model_stays_one(model: Path, fake: Fake, tmp_path: Path) -> None:
    link = tmp_path / "link"
    link.symlink_to(model)
    fake.build(link, shapes=SHAPE)
    assert link.is_symlink()
    assert manifest(model)["build"]


def test_calibration(converted_of: Callable[[str], Path], fake: Fake, tmp_path: Path) -> None:
    model = forge(converted_of("cnn"), tmp_path / "int8", precision="INT8")
    (name,) = (engine["name"] for engine in manifest(model)["engines"])
    batch = np.zeros(SHAPE, np.float32)
    with pytest.raises(InvalidArgumentError, match=r"batch 3: expected the shapes of the first batch, image: .2, 8"):
        fake.build(model, calibration=[batch, batch, batch[:1]])
    assert not fake.seen_file.exists()
    report = fake.build(model, calibration=[batch, batch])
    assert report.calibration_batches == 2
    assert [call["shapes"]["image"] for call in fake.seen["collect"]] == [list(SHAPE)]
    assert [call["signature"] for call in fake.seen["calibrate"]] == ["serving_default"] * 2
    assert calibration_table(model) == {name: "table"}
    fake.build(model, shapes=SHAPE)
    assert fake.seen["calibrate"] == []
    assert fake.seen["options"]["calibration_tables"] == {}
    assert calibration_table(model) == {name: "table"}
    fake.build(model, calibration=[batch])
    assert fake.seen["options"]["calibration_tables"] == {name: ""}


def test_progress(model: Path, fake: Fake) -> None:
    fake.build(model, "slow", shapes=SHAPE)
    texts = [text for text, _ in fake.phases]
    fractions = [fraction for _, fraction in fake.phases]
    (name,) = (engine["name"] for engine in manifest(model)["engines"])
    building = f"building engine 1 of 1, {name}"
    assert texts[texts.index(building) + 1 :][:2] == [f"{building}, 1 s", f"{building}, 2 s"]
    assert any(text.startswith(f"engine 1 of 1, {name}, took ") for text in texts)
    assert fractions == sorted(fractions)
    assert fake.phases[-1] == ("done", 1.0)


def test_death_after_all_is_done_does_not_matter(model: Path, fake: Fake) -> None:
    fake.build(model, "late death", shapes=SHAPE)
    assert manifest(model)["build"]


# Failure


@pytest.mark.parametrize(
    ("what", "error", "message"),
    [
        ("error", IncompatibleError, "^TensorRT is another$"),
        ("fail", InternalError, "Could not find any implementation .* Reason|larger max_workspace_size_bytes"),
        ("die", InternalError, "ended by SIGSEGV while building engine 1 of 1, .* wrote last: Check failed: engine"),
        ("garbage", InternalError, "no event"),
    ],
)
def test_failures_change_nothing(model: Path, fake: Fake, what: str, error: type[Error], message: str) -> None:
    before = files(model)
    with pytest.raises(error, match=message) as caught:
        fake.build(model, what, shapes=SHAPE)
    check_untouched(model, before)
    assert gone(fake.seen["pid"])
    if log := re.search(r"The log of TensorFlow and TensorRT: (\S+)$", str(caught.value)):
        assert Path(log[1]).is_file()
    else:
        assert what in ("error", "garbage"), "what the worker or its pipe says needs no log"


def test_a_worker_that_cannot_start(model: Path, fake: Fake) -> None:
    before = files(model)
    with pytest.raises(InternalError, match="cannot be started"):
        run(model, options(shapes=SHAPE), None, ["/nowhere/python"])
    check_untouched(model, before)


def test_a_model_that_changes_meanwhile(model: Path, fake: Fake) -> None:
    with pytest.raises(Error):
        fake.build(model, "touch", shapes=SHAPE)
    assert list(model.parent.iterdir()) == [model]
    assert not (model / MANIFEST_PATH).exists()


@pytest.mark.parametrize("what", ["hang", "stubborn"])
def test_interruption(model: Path, fake: Fake, what: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tftrt.building.process._PATIENCE", 0.2)
    before = files(model)
    # Not before the worker is where it shall be; "stubborn" says twice that it builds.
    waiter = threading.Thread(target=lambda: (fake.wait_until("building engine 1"), _thread.interrupt_main()))
    waiter.start()
    with pytest.raises(KeyboardInterrupt):
        fake.build(model, what, shapes=SHAPE)
    waiter.join()
    assert gone(fake.seen["pid"])
    check_untouched(model, before)


def test_progress_may_raise(model: Path, fake: Fake) -> None:
    before = files(model)

    def refuse(phase: str, fraction: float) -> None:
        if phase.startswith("building engine "):
            raise LookupError("enough")

    command = (sys.executable, str(fake._program), "hang")
    with pytest.raises(LookupError, match="enough"):
        run(model, options(shapes=SHAPE), refuse, command)
    assert gone(fake.seen["pid"])
    check_untouched(model, before)


def test_the_worker_dies_with_its_parent(tmp_path: Path) -> None:
    parent = (
        "import os, subprocess, sys, time\n"
        "code = 'import sys, time; from tftrt.building.worker import _die_with_parent;"
        "_die_with_parent(int(sys.argv[1])); print(1, flush=True); time.sleep(1000)'\n"
        "child = subprocess.Popen([sys.executable, '-c', code, str(os.getpid())], stdout=subprocess.PIPE)\n"
        "child.stdout.read(1); print(child.pid, flush=True); time.sleep(1000)\n"
    )
    with subprocess.Popen([sys.executable, "-c", parent], stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        child = int(process.stdout.readline())
        process.send_signal(signal.SIGKILL)
    end = time.monotonic() + PATIENCE
    while not gone(child):
        # Where nobody collects it, it stays as a zombie.
        state = Path(f"/proc/{child}/stat").read_text().rpartition(")")[2].split()[0]
        if state == "Z":
            break
        assert time.monotonic() < end
        time.sleep(0.01)


def test_the_log_level_has_warnings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    code = "import os, sys; print(os.environ['TFTRT_LOG_LEVEL'], file=sys.stderr)"
    for given, expected in (("3", "1"), ("0", "0")):
        monkeypatch.setenv("TFTRT_LOG_LEVEL", given)
        assert run_worker({}, tmp_path, lambda event: None, lambda: None, [sys.executable, "-c", code]) == 0
        assert (tmp_path / "log.txt").read_text().strip() == expected


# The worker


class FakeBuilder:
    """The native builder, for a worker in this process."""

    gpu = SimpleNamespace(name="GPU", compute_capability="9.0", driver="1")
    tensorrt_version = "8.6.1"
    image = SimpleNamespace(name="image", dtype=np.dtype(np.float32), shape=(-1, 2), default=None)
    signatures = (SimpleNamespace(name="serve", inputs=(image,)),)
    timing_cache = b"timings"
    plan_keys: ClassVar[dict[str, str]] = {"engine": "key", "other": "another"}
    calibration_tables: ClassVar[dict[str, str]] = {"engine": "table"}
    calls: ClassVar[list[Any]] = []
    problem = ""
    useless = False

    @classmethod
    def open(cls, path: bytes, options: Any) -> FakeBuilder:
        cls.calls = [("open", path, vars(options))]
        return cls()

    def collect(self, signature: str, inputs: Any, role: str) -> None:
        self.calls.append(("collect", signature, inputs["image"].shape, role))

    def calibrate(self, signature: str, inputs: Any) -> None:
        self.calls.append(("calibrate", signature, inputs["image"].shape))

    def use_plans(self, engine: str, file: bytes) -> None:
        self.calls.append(("use_plans", engine, Path(os.fsdecode(file)).read_bytes()))
        if self.useless:
            raise ModelError("there are no plans in it")

    def build(self, progress: Callable[[str, int, int], None]) -> list[Any]:
        progress("engine", 1, 1)
        profile = SimpleNamespace(min=[[3, 2]], opt=[[4, 2]], max=[[4, 2]])
        return [
            SimpleNamespace(
                name="engine",
                built=not self.problem,
                reused=False,
                problem=self.problem,
                seconds=1.0,
                profiles=[profile],
                static_shapes=[],
            )
        ]

    def save(self, directory: bytes) -> None:
        self.calls.append(("save", directory))


def work(tmp_path: Path, builder: Any, *, calibrates: bool = True, plan_cache: str | None = None) -> list[Any]:
    from tftrt.batches.spool import Spool

    batch = Spool(tmp_path).write({"image": np.zeros((3, 2), np.float32)})
    (tmp_path / "in").write_bytes(b"before")
    request = {
        "model": "/model",
        "save_to": "/new",
        "options": {"device": "gpu:1"},
        "collect": [
            {"signature": "serve", "role": "min", "shapes": {"image": [4, 2]}, "file": None},
            {"signature": "serve", "role": "fixed", "shapes": {"image": [3, 2]}, "file": str(batch)},
        ],
        "calibrate": [{"signature": "serve", "file": str(batch)}] if calibrates else [],
        "timing_cache_in": str(tmp_path / "in"),
        "timing_cache_out": str(tmp_path / "out"),
        "plan_cache": plan_cache,
    }
    events: list[dict[str, Any]] = []
    roles = SimpleNamespace(fixed="a fixed shape", min="the least")
    native = SimpleNamespace(EngineBuilder=builder, BuilderOptions=SimpleNamespace, ShapeRole=roles)
    worker.work(request, events.append, native)
    return events


def test_the_worker_calls_the_builder_in_order(tmp_path: Path) -> None:
    events = work(tmp_path, FakeBuilder)
    assert FakeBuilder.calls == [
        ("open", b"/model", {"device": "gpu:1", "timing_cache": b"before"}),
        ("collect", "serve", (4, 2), "the least"),
        ("collect", "serve", (3, 2), "a fixed shape"),
        ("calibrate", "serve", (3, 2)),
        ("save", b"/new"),
    ]
    assert (tmp_path / "out").read_bytes() == b"timings"
    assert [event["event"] for event in events][-5:] == ["phase", "engine", "built", "phase", "result"]
    assert events[-3]["engines"] == [
        {
            "name": "engine",
            "built": True,
            "reused": False,
            "problem": "",
            "seconds": 1.0,
            "profiles": [{"min": [[3, 2]], "opt": [[4, 2]], "max": [[4, 2]]}],
            "shapes": [],
        }
    ]
    assert events[-1]["gpu"] == {"name": "GPU", "compute_capability": "9.0", "driver": "1"}
    assert events[-1]["calibration_tables"] == {"engine": "table"}
    assert events[-1]["plan_keys"] == {}
    assert list(events[-1]["seconds"]) == ["open", "collect", "calibrate", "build", "save"]


@pytest.mark.parametrize("useless", [False, True])
def test_the_worker_uses_plans_that_are_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, useless: bool) -> None:
    (tmp_path / "plans").write_bytes(b"content")
    PlanCache(tmp_path / "cache").store("key", tmp_path / "plans", file_sha256(tmp_path / "plans"))
    monkeypatch.setattr(FakeBuilder, "useless", useless)
    events = work(tmp_path, FakeBuilder, calibrates=False, plan_cache=str(tmp_path / "cache"))
    assert FakeBuilder.calls[3:] == [("use_plans", "engine", b"content"), ("save", b"/new")]
    assert events[-1]["plan_keys"] == FakeBuilder.plan_keys

    work(tmp_path, FakeBuilder, plan_cache=str(tmp_path / "cache"))
    assert "use_plans" not in [call[0] for call in FakeBuilder.calls], "the calibration decides about the plans"


def test_the_worker_saves_nothing_where_an_engine_failed(tmp_path: Path) -> None:
    class Failing(FakeBuilder):
        problem = "TensorRT could not build it"

    events = work(tmp_path, Failing)
    assert "save" not in [call[0] for call in Failing.calls]
    assert events[-1]["event"] == "result"


# What went wrong


@pytest.mark.parametrize("what", ["full", "succeed"])
def test_a_full_disk(model: Path, fake: Fake, monkeypatch: pytest.MonkeyPatch, what: str) -> None:
    def refuse(*_: Any, **__: Any) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    before = files(model)
    if what == "succeed":
        monkeypatch.setattr(shutil, "copytree", refuse)
    with pytest.raises(tftrt.ResourceExhaustedError, match=r"cnn: expected room for [0-9,]+ bytes, found [0-9,]+"):
        fake.build(model, what, shapes=SHAPE)
    check_untouched(model, before)


def test_reasons_of_failed_engines() -> None:
    log = (
        "x: E tensorflow/trt_logger.cc:83] DefaultLogger 2: about another\n"
        "x: W tensorflow/u.cc:38] TF-TRT Warning: Engine creation for A failed. The native segment will be used "
        "instead. Reason: of A\n"
        "x: E tensorflow/trt_logger.cc:83] DefaultLogger 1: [cuda.cpp] Error Code 1: Cuda Runtime (out of memory)\n"
        "x: W tensorflow/u.cc:38] TF-TRT Warning: Engine creation for B failed. Reason: of B\n"
    )
    engines = [
        {"name": "A", "built": True, "problem": ""},
        {"name": "B", "built": False, "problem": "TensorRT could not build it"},
        {"name": "C", "built": False, "problem": worker.NOT_REACHED},
    ]
    error = engines_failed(engines, log, "model")
    assert isinstance(error, InternalError)
    assert str(error).startswith("engine B of model could not be built: 1: [cuda.cpp] Error Code 1")
    assert "of B. The GPU's memory is not enough" in str(error)
    assert "another" not in str(error)
    assert engines_failed([engines[0], engines[2]], log, "model") is None
    nothing = engines_failed([engines[2]], log, "model")
    assert isinstance(nothing, InvalidArgumentError)
    assert "none of the engines of model runs" in str(nothing)
    unknown = engines_failed([engines[1], engines[1]], "", "model")
    assert "(and 1 other engines) could not be built: TensorRT could not build it. If an op" in str(unknown)


@pytest.mark.parametrize(
    ("code", "log", "kind", "parts"),
    [
        (-9, "", InternalError, ["ended by SIGKILL while calibrating", "wrote last: nothing", "dmesg"]),
        (-6, "x: F trt.cc:1] CUDA_ERROR_OUT_OF_MEMORY: out of memory", InternalError, ["SIGABRT", "GPU's memory"]),
        (
            1,
            "x: E a/cuda_fft.cc:485] Unable to register cuFFT factory: one has been\nx: E t.cc:3] odd",
            InternalError,
            ["wrote last: odd."],
        ),
        (1, "Traceback\nValueError: odd", InternalError, ["exit code 1", "Traceback; ValueError: odd"]),
        (
            -11,
            "myelin_session.h:303: CHECK(TI != id2offset_table_.end()) failed. Myelin internal error: missing offset "
            "in id2offset\nx: E tensorflow/trt_logger.cc:87] DefaultLogger 1: Myelin (No Myelin Error exists)",
            InternalError,
            ["SIGSEGV", "missing offset in id2offset; DefaultLogger 1: Myelin", "profile_strategy='Range'"],
        ),
        (-6, "x: F t.cc:2] Loaded TensorRT 9.0 does not fit", IncompatibleError, ["tftrt doctor"]),
    ],
)
def test_deaths(code: int, log: str, kind: type[Error], parts: list[str]) -> None:
    error = death(code, "calibrating", log, "model")
    assert type(error) is kind
    for part in [*parts, "The model was not changed."]:
        assert part in str(error)


# Timing cache

KEY = TimingKey("NVIDIA H100 80GB HBM3 (compute capability 9.0)", "12.4", "8.6.1")


def test_timing_cache_files(tmp_path: Path) -> None:
    cache = TimingCache(tmp_path / "a" / "b", KEY)
    assert cache.load() == b""
    cache.store(b"\0timings\n")
    assert cache.load() == b"\0timings\n"
    cache.store(b"more")
    assert cache.load() == b"more"
    assert [path.name for path in cache.path.parent.iterdir()] == [KEY.file_name]
    assert KEY.file_name.startswith("NVIDIA-H100-80GB-HBM3-compute-capability-9.0-driver-12.4-tensorrt-8.6.1-")
    others = (TimingKey("T4", "12.4", "8.6.1"), TimingKey(KEY.gpu, "12.3", "8.6.1"), TimingKey(KEY.gpu, "12.4", "8.6"))
    for other in others:
        assert TimingCache(tmp_path / "a" / "b", other).load() == b""


def test_damaged_timing_caches(tmp_path: Path) -> None:
    cache = TimingCache(tmp_path, KEY)
    cache.store(b"timings")
    content = cache.path.read_bytes()
    renamed = TimingCache(tmp_path, TimingKey("other", "1", "2"))
    shutil.copy(cache.path, renamed.path)
    with pytest.warns(RuntimeWarning, match="is damaged and is not used"):
        assert renamed.load() == b""
    for damaged in (b"", content[:-1], content + b"x", content.replace(b"timings", b"timingz", 2), content[:30]):
        cache.path.write_bytes(damaged)
        with pytest.warns(RuntimeWarning, match="is damaged and is not used"):
            assert cache.load() == b""


def test_a_timing_cache_that_cannot_be_used(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    cache = TimingCache(tmp_path / "file", KEY)
    with pytest.warns(RuntimeWarning, match=r"cannot be written \("):
        cache.store(b"timings")
    cache.path = tmp_path
    with pytest.warns(RuntimeWarning, match=r"cannot be read \("):
        assert cache.load() == b""


def test_builds_use_the_timing_cache(model: Path, fake: Fake, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TFTRT_TIMING_CACHE", str(tmp_path / "timing"))
    with pytest.raises(InternalError):  # what a failed build measured is kept
        fake.build(model, "fail", shapes=SHAPE, timing_cache=None)
    assert fake.seen["timing_cache_in"] is None
    report = fake.build(model, shapes=SHAPE, timing_cache=None)
    assert fake.seen["timing_cache_in"] is not None
    assert report.timing_cache == {
        "path": str(next((tmp_path / "timing").iterdir())),
        "hit": True,
        "bytes": len(b"timings of succeed"),
    }
    blocked = tmp_path / "blocked"
    blocked.write_text("")
    with pytest.warns(RuntimeWarning, match="the timing cache"):
        fake.build(model, shapes=SHAPE, timing_cache=blocked)
    assert not fake.build(model, shapes=SHAPE).timing_cache["hit"]


# Plan cache


def test_plan_cache_files(tmp_path: Path) -> None:
    cache = PlanCache(tmp_path / "a" / "b")
    assert cache.find("k") is None
    for key, content in (("k", b"one"), ("k2", b"two"), ("k", b"one")):
        (tmp_path / "plans").write_bytes(content)
        cache.store(key, tmp_path / "plans", file_sha256(tmp_path / "plans"))
    found = cache.find("k")
    assert found is not None
    assert found.read_bytes() == b"one"
    assert len(list(cache.directory.iterdir())) == 2

    found.write_bytes(b"One")
    assert cache.find("k") is None, "a file that was changed is no plan"
    assert cache.find("k2") is not None


def test_plan_cache_keeps_what_was_used_last(tmp_path: Path) -> None:
    cache = PlanCache(tmp_path / "cache", largest=25)
    for second, key in enumerate("abc"):
        (tmp_path / "plans").write_bytes(key.encode() * 10)
        cache.store(key, tmp_path / "plans", file_sha256(tmp_path / "plans"))
        for path in cache.directory.glob(f"{key}-*"):
            os.utime(path, (second, second))
        if key == "b":
            assert cache.find("a") is not None
    assert [key for key in "abc" if cache.find(key)] == ["a", "c"]


def test_builds_keep_and_reuse_plans(model: Path, fake: Fake, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TFTRT_PLAN_CACHE", str(tmp_path / "plan"))
    with pytest.raises(InternalError):
        fake.build(model, "fail", shapes=SHAPE, plan_cache=None)
    assert not (tmp_path / "plan").exists()

    report = fake.build(model, shapes=SHAPE, plan_cache=None)
    assert not report.engines[0].reused
    assert fake.seen["plan_cache"] == str(tmp_path / "plan")
    (file,) = (tmp_path / "plan").iterdir()
    assert file.read_bytes() == b"plan"
    assert manifest(model)["build"]["reused_plans"] == 0

    file.unlink()
    report = fake.build(model, "reuse", shapes=SHAPE, plan_cache=None)
    assert report.engines[0].reused
    assert "0.0 MB from the plan cache" in str(report)
    assert manifest(model)["build"]["reused_plans"] == 1
    assert not list((tmp_path / "plan").iterdir()), "what came from the cache is not stored again"

    fake.build(model, shapes=SHAPE, plan_cache=False)
    assert fake.seen["plan_cache"] is None
    blocked = tmp_path / "blocked"
    blocked.write_text("")
    with pytest.warns(RuntimeWarning, match="the plan cache .* cannot be written"):
        fake.build(model, shapes=SHAPE, plan_cache=blocked)


# The command line


def test_options_of_the_command(monkeypatch: pytest.MonkeyPatch) -> None:
    from tftrt.cli import build as command

    parser = argparse.ArgumentParser()
    command.add_parser(parser.add_subparsers())
    seen: dict[str, Any] = {}

    def build(model: str, **given: Any) -> Any:
        del given["progress"]
        seen.update(given, model=model)
        return "the report"

    monkeypatch.setattr("tftrt.building.build", build)
    words = "build m --shapes a:1x8,b:1 --shapes a:2x8,b:1 --minShapes a:1,b:1 --max-shapes a:9,b:9 --data x.npz"
    words += (
        " --calibration c:d --signature s --no-timing-cache --plan-cache p --keep --output o --overwrite --device gpu:1"
    )
    args = parser.parse_args(words.split())
    assert args.run(args) == 0
    assert seen == {
        "model": "m",
        "shapes": [{"a": (1, 8), "b": (1,)}, {"a": (2, 8), "b": (1,)}],
        "min_shapes": {"a": (1,), "b": (1,)},
        "max_shapes": {"a": (9,), "b": (9,)},
        "data": ["x.npz"],
        "calibration": ["c:d"],
        "signatures": ["s"],
        "timing_cache": False,
        "plan_cache": "p",
        "keep": True,
        "output": "o",
        "overwrite": True,
        "device": "gpu:1",
    }
    args = parser.parse_args(["build", "m", "--shapes", "1x8"])
    with pytest.raises(UsageError, match="--shapes: '1x8' is no shape: expected NAME:1x224x224x3"):
        args.run(args)
    args = parser.parse_args(["build", "m", "--export-calibration", "/nowhere/t.json"])
    with pytest.raises(UsageError, match="there is no directory /nowhere"):
        args.run(args)


def test_lines_of_the_command(capsys: pytest.CaptureFixture[str]) -> None:
    from tftrt.cli.build import _Lines

    lines = _Lines()
    progress = BuildProgress(lines, calibrates=True)
    progress.handle({"event": "phase", "phase": "open"})
    for number in (1, 2):
        progress.handle({"event": "phase", "phase": "collect", "number": number, "of": 2})
        progress.handle({"event": "phase", "phase": "calibrate", "number": number, "of": 2})
    progress.handle({"event": "engine", "name": "A", "number": 1, "of": 2})
    lines("building engine 1 of 2, A, 12 s", 0.3)
    progress.handle({"event": "engine", "name": "B", "number": 2, "of": 2})
    progress.handle({"event": "built", "engines": []})
    assert capsys.readouterr().err.splitlines() == [
        "loading the model",
        "collecting shapes",
        "calibrating",
        "collecting shapes",
        "calibrating",
        "building engine 1 of 2, A",
        "engine 1 of 2, A, took 0.0 s",
        "building engine 2 of 2, B",
        "engine 2 of 2, B, took 0.0 s",
    ]
