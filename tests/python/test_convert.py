"""Conversion: what comes out computes what went in, on a machine without a GPU."""

from __future__ import annotations

import hashlib
import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from native_runner import SessionModel, read_graph, without_engines
from tftrt.conversion import ConversionReport
from tftrt.converter import convert

Export = Callable[[str], Path]
Call = tuple[str, dict[str, Any]]


def _floats(*shape: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).standard_normal(shape).astype(np.float32)


def _image(batch: int) -> np.ndarray:
    return _floats(batch, 8, 8, 3)


DEFAULT = "serving_default"
IDS = np.random.default_rng(0).integers(0, 50, (2, 7)).astype(np.int32)
CALLS: dict[str, list[Call]] = {
    "branching": [
        (DEFAULT, {"x": _floats(3, 4), "steps": 3, "up": True}),
        (DEFAULT, {"x": _floats(1, 4), "steps": 0, "up": False}),
    ],
    "cast_integers": [(DEFAULT, {"n": np.array([[2049, 70001, 16777215, -3001]], np.int32)})],
    "cnn": [
        (DEFAULT, {"image": _image(1)}),
        (DEFAULT, {"image": _image(3)}),
        (DEFAULT, {"image": _image(0)}),
    ],
    "counter": [("add", {"x": _floats(2, 4)}), ("read", {}), ("add", {"x": _floats(1, 4)}), ("read", {})],
    "defaulted_input": [(DEFAULT, {"x": _floats(2, 4)}), (DEFAULT, {"x": _floats(2, 4), "scale": 3.0})],
    "encoder": [
        (DEFAULT, {"ids": IDS, "mask": np.ones_like(IDS)}),
        (DEFAULT, {"ids": IDS[:1], "mask": IDS[:1] % 2}),
    ],
    "fed_intermediate": [(DEFAULT, {"decoded": _floats(2, 4)})],
    "lstm": [(DEFAULT, {"sequence": _floats(2, 5, 4)}), (DEFAULT, {"sequence": _floats(1, 2, 4)})],
    "no_inputs": [(DEFAULT, {})],
    "passthrough": [(DEFAULT, {"x": _floats(2, 4)})],
    "scalar": [(DEFAULT, {"x": 3.0})],
    "shared_weights": [
        ("classify", {"image": _image(2)}),
        ("again", {"image": _image(2)}),
        ("features", {"image": _image(2)}),
        ("lengths", {"text": np.array([b"abc", b""])}),
    ],
    "string_lookup": [(DEFAULT, {"words": np.array([b"a", b"?", b"c"])})],
    "tf1_loop": [(DEFAULT, {"x": _floats(2, 4), "steps": 3})],
    "tf1_variables": [(DEFAULT, {"x": _floats(2, 4)}), (DEFAULT, {"x": _floats(1, 4)})],
    "vocabulary": [(DEFAULT, {"words": np.array([b"red", b"?", b"blue"])})],
}


def _graph_bytes(directory: Path) -> bytes:
    return (directory / "saved_model.pb").read_bytes()


@pytest.fixture(scope="module")
def cnn(exported: Export) -> Path:
    return exported("cnn")


@pytest.mark.parametrize("precision", ["FP32", "FP16"])
@pytest.mark.parametrize("name", sorted(CALLS))
def test_native_segments_compute_what_the_model_computes(
    name: str, precision: str, exported: Export, tmp_path: Path
) -> None:
    source = exported(name)
    convert(source, tmp_path / "converted", precision=precision)
    native = without_engines(tmp_path / "converted", tmp_path / "native")
    with SessionModel(source) as original, SessionModel(native) as result:
        for signature, inputs in CALLS[name]:
            expected = original.run(inputs, signature)
            found = result.run(inputs, signature)
            assert found.keys() == expected.keys()
            for key, value in expected.items():
                assert found[key].dtype == value.dtype
                np.testing.assert_array_equal(found[key], value)


@pytest.mark.parametrize("name", sorted(CALLS))
def test_signatures_do_not_change(name: str, exported: Export, tmp_path: Path) -> None:
    source = exported(name)
    convert(source, tmp_path / "converted")
    before, after = read_graph(source), read_graph(tmp_path / "converted")
    names = {key for key in before.signature_def if not key.startswith("__saved_model")}
    assert set(after.signature_def) == names
    for key in names:
        old, new = before.signature_def[key], after.signature_def[key]
        assert new.method_name == old.method_name
        assert dict(new.defaults) == dict(old.defaults)
        for side in ("inputs", "outputs"):
            assert set(getattr(new, side)) == set(getattr(old, side))
            for name_, info in getattr(old, side).items():
                # A reference becomes a value, whose type is 100 less.
                assert getattr(new, side)[name_].dtype == info.dtype % 100
                assert getattr(new, side)[name_].tensor_shape == info.tensor_shape


@pytest.mark.parametrize("name", ["branching", "counter", "shared_weights", "string_lookup", "tf1_loop", "vocabulary"])
def test_tensorflows_own_loader_takes_the_result(name: str, exported: Export, tmp_path: Path) -> None:
    import tensorflow as tf

    source = exported(name)
    convert(source, tmp_path / "converted")
    loaded = tf.saved_model.load(str(tmp_path / "converted"))
    assert set(loaded.signatures) == {signature for signature, _ in CALLS[name]}
    native = tf.saved_model.load(without_engines(tmp_path / "converted", tmp_path / "native"))
    with SessionModel(source) as original:
        for signature, inputs in CALLS[name]:
            expected = original.run(inputs, signature)
            found = native.signatures[signature](**{key: tf.constant(value) for key, value in inputs.items()})
            for key, value in expected.items():
                np.testing.assert_allclose(
                    found[key].numpy().astype(value.dtype), value, rtol=1e-6
                ) if value.dtype.kind == "f" else np.testing.assert_array_equal(found[key].numpy(), value)


def test_report_and_manifest(cnn: Path, tmp_path: Path) -> None:
    phases: list[tuple[str, float]] = []
    report = convert(cnn, tmp_path / "out", precision="FP16", progress=lambda *step: phases.append(step))
    (engine,) = report.engines
    assert engine.precision == "FP16"
    assert engine.ops == {"AddV2": 1, "Conv2D": 2, "MatMul": 1, "Mean": 1, "Relu": 2, "Softmax": 1}
    assert engine.nodes == 8
    assert engine.inputs == [{"dtype": "float32", "shape": [-1, 8, 8, 3]}]
    assert engine.outputs == [{"dtype": "float32", "shape": [-1, 4]}]
    assert engine.weight_bytes > 4 * (3 * 3 * 3 * 8 + 3 * 3 * 8 * 8)
    assert (report.nodes.converted, report.nodes.total) == (8, 8)
    assert (report.heavy_ops.converted, report.heavy_ops.total) == (3, 3)
    assert phases[-1] == ("done", 1.0)
    assert [done for _, done in phases] == sorted(done for _, done in phases)
    text = str(report)
    assert engine.name in text and "float32[?,8,8,3]" in text and max(map(len, text.splitlines())) < 160
    json.dumps(report.to_dict())

    data = (tmp_path / "out/assets.extra/tftrt.json").read_bytes()
    manifest = json.loads(data)
    total = manifest["manifest_sha256"]
    assert data.count(b'"manifest_sha256": "') == 1
    assert hashlib.sha256(data.replace(total.encode(), b"0" * 64)).hexdigest() == total
    assert manifest["format_version"] == 1
    assert manifest["created_by"]["tensorrt_linked"] == "8.6.1"
    assert manifest["source"] == {**report.source, "kind": "saved_model", "path": str(cnn)}
    assert manifest["conversion"]["precision"] == "FP16"
    assert manifest["engines"] == json.loads(json.dumps(report.to_dict()["engines"]))
    assert manifest["engines"][0]["plan"] is None
    assert manifest["signatures"] == [DEFAULT]
    listed = {entry["path"]: entry for entry in manifest["files"]}
    on_disk = {
        path.relative_to(tmp_path / "out").as_posix(): path
        for path in (tmp_path / "out").rglob("*")
        if path.is_file() and path.name != "tftrt.json"
    }
    assert listed.keys() == on_disk.keys() and list(listed) == sorted(listed)
    for name, path in on_disk.items():
        assert listed[name]["bytes"] == path.stat().st_size
        assert listed[name]["sha256"] == hashlib.sha256(path.read_bytes()).hexdigest()


def test_engines_are_named_after_the_model(cnn: Path, tmp_path: Path) -> None:
    first = convert(cnn, tmp_path / "first").engines[0]
    other = convert(cnn, tmp_path / "other", precision="FP16").engines[0]
    assert first.name != other.name
    graph = read_graph(tmp_path / "first").graph_def
    (node,) = [node for node in graph.node if node.op == "TRTEngineOp"]
    assert node.name.rpartition("/")[2] == first.name
    assert first.segment_function == f"{first.name}_native_segment" == node.attr["segment_func"].func.name
    assert first.segment_function in {function.signature.name for function in graph.library.function}
    assert node.device == ""


def test_conversion_is_repeatable(exported: Export, tmp_path: Path) -> None:
    source = exported("encoder")
    results = set()
    for run in range(3):
        convert(source, tmp_path / f"{run}")
        results.add(_graph_bytes(tmp_path / f"{run}"))
    assert len(results) == 1


def test_equal_segments_are_written_once(exported: Export, tmp_path: Path) -> None:
    source = exported("shared_weights")
    report = convert(source, tmp_path / "out")
    assert [engine.signatures for engine in report.engines] == [["again", "classify"], ["features"]]
    # "features" holds the convolution that "classify" holds too.
    assert 864 <= report.sizes.duplicated_weight_bytes < 1000
    assert report.heavy_ops.converted == report.heavy_ops.total == 5


def test_chosen_signatures(exported: Export, tmp_path: Path) -> None:
    source = exported("counter")
    report = convert(source, tmp_path / "out", signatures=["read"])
    assert report.signatures == ["read"]
    assert report.variables == []  # Nobody changes the counter any more.
    assert not (tmp_path / "out/variables").exists()
    with SessionModel(tmp_path / "out") as model:
        assert model.run(signature="read") == {"count": 5}


def test_only_changing_variables_are_kept(exported: Export, tmp_path: Path) -> None:
    report = convert(exported("counter"), tmp_path / "out")
    assert report.variables == ["count"]
    assert report.engines[0].ops["MatMul"] == 1
    assert (tmp_path / "out/variables/variables.index").is_file()


def test_functional_loops_stay_functional_unless_engines_gain(exported: Export, tmp_path: Path) -> None:
    convert(exported("lstm"), tmp_path / "lstm_out")
    ops = {node.op for node in read_graph(tmp_path / "lstm_out").graph_def.node}
    assert "While" in ops and "Enter" not in ops
    report = convert(exported("branching"), tmp_path / "branching_out")
    assert report.heavy_ops.converted == report.heavy_ops.total == 2


def test_everything_outside_has_a_reason(exported: Export, tmp_path: Path) -> None:
    report = convert(exported("string_lookup"), tmp_path / "out")
    reasons = {entry.op: entry.reason for entry in report.outside}
    assert "not supported" in reasons["LookupTableFindV2"]
    assert "int64" in reasons["GatherV2"]
    assert report.nodes.converted + sum(entry.count for entry in report.outside) == report.nodes.total


def test_op_denylist(cnn: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TF_TRT_OP_DENYLIST", "Relu")
    report = convert(cnn, tmp_path / "out", op_denylist=["Conv2D"])
    (entry,) = [entry for entry in report.outside if entry.op == "Conv2D"]
    assert (entry.count, entry.reason) == (2, "in op_denylist")
    import os

    assert os.environ["TF_TRT_OP_DENYLIST"] == "Relu"
    assert "TF_TRT_MAX_ALLOWED_ENGINES" not in os.environ


def test_nothing_to_convert(exported: Export, tmp_path: Path) -> None:
    report = convert(exported("scalar"), tmp_path / "out")
    assert report.engines == [] and report.nodes.converted == 0
    assert "Nothing went into an engine" in str(report)
    with SessionModel(tmp_path / "out") as model:
        assert model.run({"x": 4.0}) == {"y": 3.0}


def test_minimum_segment_size_and_maximum_engines(cnn: Path, exported: Export, tmp_path: Path) -> None:
    report = convert(cnn, tmp_path / "large", minimum_segment_size=100)
    assert not report.engines
    assert any("fewer than 100 nodes" in entry.reason for entry in report.outside)
    encoder = exported("encoder")
    report = convert(encoder, tmp_path / "two", maximum_engines=2)
    assert len(report.engines) == 2
    assert any("maximum_engines=2" in entry.reason for entry in report.outside)


def test_engine_options_reach_the_nodes(cnn: Path, tmp_path: Path) -> None:
    convert(
        cnn,
        tmp_path / "out",
        precision="INT8",
        max_workspace_size_bytes=12345,
        maximum_cached_engines=7,
        profile_strategy="Optimal",
    )
    (node,) = [node for node in read_graph(tmp_path / "out").graph_def.node if node.op == "TRTEngineOp"]
    attrs = node.attr
    assert attrs["precision_mode"].s == b"INT8" and attrs["use_calibration"].b
    assert attrs["workspace_size_bytes"].i == 12345 and attrs["max_cached_engines_count"].i == 7
    assert attrs["profile_strategy"].s == b"Optimal" and not attrs["_use_implicit_batch"].b
    assert not attrs["static_engine"].b


def test_data_format(cnn: Path, tmp_path: Path) -> None:
    formats = {}
    for wanted in ("keep", "NCHW"):
        convert(cnn, tmp_path / wanted, data_format=wanted)
        graph = read_graph(tmp_path / wanted).graph_def
        nodes = [*graph.node, *(node for function in graph.library.function for node in function.node_def)]
        formats[wanted] = {node.attr["data_format"].s for node in nodes if node.op == "Conv2D"}
    assert formats == {"keep": {b"NHWC"}, "NCHW": {b"NCHW"}}


def test_fp16_keeps_large_integers(exported: Export, tmp_path: Path) -> None:
    report = convert(exported("cast_integers"), tmp_path / "out", precision="FP16")
    assert report.engines[0].precision == "FP16"
    graph = read_graph(tmp_path / "out").graph_def
    casts = [node for node in graph.node if node.op == "Cast"]
    assert len(casts) == 1 and casts[0].attr["DstT"].type == 1


def test_import_needs_no_tensorflow_and_the_terminal_stays_quiet(cnn: Path, tmp_path: Path) -> None:
    script = (
        "import sys; from tftrt.converter import convert; assert 'tensorflow' not in sys.modules; "
        "convert(sys.argv[1], sys.argv[2])"
    )
    preloaded = "import tensorflow, sys; sys.stderr.flush(); print('MARK', file=sys.stderr, flush=True); "
    import os

    environment = {k: v for k, v in os.environ.items() if k not in ("TF_CPP_MIN_LOG_LEVEL", "TFTRT_LOG_LEVEL")}
    environment["PYTHONPATH"] = os.pathsep.join(sys.path)
    for number, text in enumerate([script, preloaded + script.replace("assert 'tensorflow' not in sys.modules; ", "")]):
        result = subprocess.run(
            [sys.executable, "-c", text, str(cnn), str(tmp_path / f"out{number}")],
            capture_output=True,
            text=True,
            env=environment,
            check=False,
        )
        assert result.returncode == 0, result.stderr
        assert result.stdout == ""
        assert result.stderr.rpartition("MARK")[2].strip() == ""


def test_report_is_plain_data() -> None:
    report = ConversionReport(
        destination="out",
        source={"path": "in", "kind": "memory", "fingerprint": "x"},
        precision="FP32",
        signatures=["s"],
    )
    assert report.nodes.percent == 0.0
    assert "in -> out" in str(report)
