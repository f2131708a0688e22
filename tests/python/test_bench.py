"""``tftrt.bench`` and ``tftrt bench`` on a CPU: what is measured, reported, drawn and refused."""

from __future__ import annotations

import json
import shutil
import struct
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

import tftrt
from tftrt.benchmarking.measure import measure
from tftrt.benchmarking.onnx_path import onnx_paths
from tftrt.benchmarking.plan_file import read_plan
from tftrt.cli import main

Export = Callable[[str], Path]
OURS = {"call", "bound"}


def test_every_path_batch_and_number_of_callers_is_measured(exported: Export, converted_of: Export) -> None:
    lines: list[str] = []
    report = tftrt.bench(
        converted_of("cnn"),
        [exported("cnn")],
        batch=(1, 4),
        callers=(1, 2),
        duration=0.2,
        warmup=0.0,
        unknown=8,
        device="cpu",
        progress=lines.append,
    )
    measured = [entry for entry in report.measurements if not entry.problem]
    seen = {(Path(entry.model), entry.path, entry.batch, entry.callers) for entry in measured}
    assert seen == {
        (model, path, batch, callers)
        for model, paths in (
            (converted_of("cnn"), OURS | {"tensorflow"}),
            (exported("cnn"), OURS | {"tensorflow", "xla"}),
        )
        for path in paths
        for batch in (1, 4)
        for callers in (1, 2)
    }
    for entry in measured:
        assert 0 < entry.median <= entry.p90 <= entry.p95 <= entry.p99 <= entry.p999
        assert entry.calls > 0
        assert 0 < entry.items_per_second * entry.mean / 1e6 <= entry.batch * entry.callers * 1.05
        assert entry.mode == ("synchronous latency" if entry.callers == 1 else "throughput, 2 synchronous callers")
    assert report.machine["device"] == "cpu"
    assert report.machine["versions"]["tftrt"] == tftrt.__version__
    assert len(lines) == 4
    json.dumps(report.to_dict())


def test_inputs_of_the_callers_own(exported: Export) -> None:
    names = [spec.name for spec in tftrt.Model(exported("cnn"), device="cpu").inputs]
    sets = [{name: np.full((batch, 8, 8, 3), 0.5, np.float32) for name in names} for batch in (1, 3)]
    words = {"duration": 0.05, "warmup": 0.0, "paths": ["call"], "device": "cpu"}
    report = tftrt.bench(exported("cnn"), batch=(1, 3), inputs=sets, **words)
    assert [(entry.batch, entry.problem) for entry in report.measurements] == [(1, ""), (3, "")]
    with pytest.raises(tftrt.InvalidArgumentError, match="inputs has 2 sets of arrays; expected 1"):
        tftrt.bench(exported("cnn"), inputs=sets, **words)
    with pytest.raises(tftrt.InvalidArgumentError, match="expected image: float32"):
        tftrt.bench(exported("cnn"), inputs=[{name: np.zeros((1, 9), np.float32) for name in names}], **words)


def test_tensorflow_loads_a_model_once_for_all_batches(
    exported: Export, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It could not do it twice with engines: its cache of them outlives the model."""
    import tensorflow as tf

    loads: list[str] = []
    load = tf.saved_model.load
    monkeypatch.setattr(tf.saved_model, "load", lambda path, **words: (loads.append(path), load(path, **words))[1])
    model = Path(shutil.copytree(exported("cnn"), tmp_path / "model"))
    words = {"duration": 0.02, "warmup": 0.0, "paths": ["tensorflow"], "device": "cpu", "unknown": 8}
    for changes in range(2):
        report = tftrt.bench(model, batch=(1, 3), **words)
        assert [entry.problem for entry in report.measurements] == ["", ""]
        assert loads == [str(model)] * (1 + changes)
        (model / "changed").touch()


def test_callers_call_at_the_same_time() -> None:
    lock = threading.Lock()
    inside, most = 0, 0

    def call() -> None:
        nonlocal inside, most
        with lock:
            inside += 1
            most = max(most, inside)
        time.sleep(0.01)
        with lock:
            inside -= 1

    times = measure({"path": lambda: call}, callers=4, warmup=0.0, duration=0.2)["path"]
    assert most == 4
    assert times.seconds < 0.5 * times.microseconds.sum() / 1e6


def test_what_a_call_takes_is_what_is_reported() -> None:
    times = measure({"path": lambda: lambda: time.sleep(0.1)}, callers=1, warmup=0.0, duration=0.5)["path"]
    summary = times.summary(batch=3)
    assert 100_000 <= summary["median"] < 200_000
    assert summary["items_per_second"] == pytest.approx(3 * 1e6 / summary["mean"], rel=0.2)


@pytest.mark.parametrize("callers", [1, 3])
def test_a_failing_call_is_an_error(callers: int) -> None:
    calls = 0

    def call() -> None:
        nonlocal calls
        calls += 1
        if calls > 5:
            raise RuntimeError("the sixth")

    with pytest.raises(RuntimeError, match="the sixth"):
        measure({"path": lambda: call}, callers=callers, warmup=0.0, duration=0.2)


def test_a_path_that_cannot_be_measured_says_why(exported: Export, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "onnxruntime", None)
    report = tftrt.bench(
        exported("cnn"), paths=["bound", "onnxruntime"], onnx="x.onnx", duration=0.05, unknown=8, device="cpu"
    )
    problems = {entry.path: entry.problem for entry in report.measurements}
    assert problems["bound"] == ""
    assert "pip install onnxruntime" in problems["onnxruntime"]


def test_paths_that_a_cpu_does_not_have(converted_of: Export, capsys: pytest.CaptureFixture[str]) -> None:
    model = str(converted_of("cnn"))
    words = ["bench", model, "--shape", "8", "--device", "cpu", "--duration", "0.05"]
    assert main([*words, "--paths", "raw,bound-gpu,xla,onnxruntime"]) == 0
    output = capsys.readouterr().out
    for problem in ("the model runs on the CPU", "XLA does not compile engines", "no ONNX file was given"):
        assert problem in output
    assert main([*words, "--paths", "call"]) == 0
    assert "bound-gpu" not in capsys.readouterr().out


def test_the_plan_is_found_in_the_asset(tmp_path: Path) -> None:
    shape = b"\x0a\x04\x12\x02\x08\x01"
    plan = b"ftrt" * 100
    record = shape + b"\x12" + bytes([len(plan) & 0x7F | 0x80, len(plan) >> 7]) + plan
    file = tmp_path / "asset"
    file.write_bytes(struct.pack("<QI", len(record), 0) + record + b"\0\0\0\0")
    assert read_plan(file) == plan
    for damaged in (b"", b"\0" * 12, struct.pack("<QI", 6, 0) + shape):
        file.write_bytes(damaged)
        with pytest.raises(tftrt.ModelError, match="no plan"):
            read_plan(file)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"batch": (0,)}, "batch is"),
        ({"callers": ()}, "callers is"),
        ({"duration": 0.0}, "duration is"),
        ({"paths": ["fast"]}, "no path 'fast'"),
        ({"shapes": {"picture": (1,)}}, "no input 'picture'"),
        ({"signature": "nothing"}, 'no signature "nothing"'),
        ({"speed": 1}, 'unknown option "speed"'),
    ],
)
def test_wrong_arguments(exported: Export, arguments: dict[str, object], message: str) -> None:
    with pytest.raises(tftrt.InvalidArgumentError, match=message):
        tftrt.bench(exported("cnn"), **{"unknown": 8, **arguments})  # type: ignore[arg-type]


def test_onnx_files_inputs_are_checked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    class Session:
        def __init__(self, file: str, providers: list[str]) -> None:
            assert providers == ["CPUExecutionProvider"]

        def get_inputs(self) -> list[object]:
            return [type("Entry", (), {"name": name}) for name in "ab"]

        def run(self, wanted: None, feeds: dict[str, np.ndarray]) -> list[np.ndarray]:
            return [feeds["a"] + feeds["b"]]

    module = type(sys)("onnxruntime")
    module.InferenceSession = Session  # type: ignore[attr-defined]
    module.get_available_providers = lambda: ["CPUExecutionProvider"]  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "onnxruntime", module)
    inputs = {name: np.ones(2, np.float32) for name in "ab"}
    (result,) = onnx_paths("x.onnx", "cpu", inputs)["onnxruntime"]()()  # type: ignore[misc]
    np.testing.assert_array_equal(result, [2, 2])
    with pytest.raises(tftrt.InvalidArgumentError, match="expected those of the model"):
        onnx_paths("x.onnx", "gpu:0", {"a": inputs["a"]})


def test_command(exported: Export, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    results, plot = tmp_path / "results.json", tmp_path / "plot.png"
    model = str(exported("cnn"))
    words = ["bench", model, "--shape", "8", "--device", "cpu", "--paths", "call,bound", "--duration", "0.1"]
    assert main([*words, "--callers", "1", "2", "--json", str(results), "--plot", str(plot)]) == 0
    output = capsys.readouterr().out
    for part in ("synchronous latency", "throughput, 2 synchronous callers", "median", "p99.9", "items/s", "bound"):
        assert part in output
    assert len(json.loads(results.read_text())["measurements"]) == 4
    assert plot.read_bytes().startswith(b"\x89PNG")


def test_precision_sweep_converts_and_measures_each(exported: Export, tmp_path: Path) -> None:
    report = tftrt.bench(
        exported("cnn"), precision_sweep=True, paths=["call"], duration=0.05, warmup=0.0, unknown=8, device="cpu"
    )
    assert not any(entry.problem for entry in report.measurements)
    names = [Path(entry.model).name for entry in report.measurements]
    source = Path(exported("cnn")).name
    assert names == [source, *(f"{source}_{precision}" for precision in ("fp32", "fp16", "int8"))]


@pytest.mark.parametrize(
    ("words", "status", "message"),
    [
        (["--plot", "plot.txt"], 2, "expected a file that ends in .png"),
        (["--json", "/no/such/folder/x.json"], 2, "there is no folder"),
        (["--paths", "fast"], 1, "there is no path 'fast'"),
        (["--batch", "0"], 1, "batch is [0]"),
        (["--batch", "x"], 2, "invalid int value"),
    ],
)
def test_wrong_usage(
    exported: Export, words: list[str], status: int, message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["bench", str(exported("cnn")), "--device", "cpu", *words]) == status
    assert message in " ".join(capsys.readouterr().err.split())
