"""The check of every result before it is put in place."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tensorflow as tf

import tftrt
from tftrt import InternalError, InvalidArgumentError, converter
from tftrt.conversion import Check, process
from tftrt.conversion.closeness import note_closeness
from tftrt.conversion.proof import prove

DENSE = tf.TensorSpec([None, 4])


def save(path: Path, **functions: Any) -> Path:
    """A model with a weight, and a signature for each function of the module and the inputs."""
    module = tf.Module()
    module.weight = tf.Variable(tf.random.stateless_normal([4, 4], [1, 2]))
    signatures = {}
    for name, (function, spec) in functions.items():
        signatures[name] = tf.function(of_one(module, function)).get_concrete_function(x=spec)
    tf.saved_model.save(module, str(path), signatures=signatures)
    return path


def of_one(module: Any, function: Callable[..., Any]) -> Callable[[Any], Any]:
    return lambda x: {"y": function(module, x)}


def reasons(report: tftrt.conversion.ConversionReport) -> dict[str, str]:
    return {check.signature: check.reason for check in report.checks}


def array(module: Any, x: Any) -> Any:
    """Writes to memory alone, by an op that has "Write" in its name."""
    made = tf.raw_ops.TensorArrayV3(size=1, dtype=tf.float32)
    flow = tf.raw_ops.TensorArrayWriteV3(handle=made.handle, index=0, value=x @ module.weight, flow_in=made.flow)
    return tf.raw_ops.TensorArrayReadV3(handle=made.handle, index=0, flow_in=flow, dtype=tf.float32)


def test_signatures_are_compared_where_their_source_can_be_called(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = save(
        tmp_path / "source",
        dense=(lambda module, x: tf.nn.relu(x @ module.weight), DENSE),
        array=(array, DENSE),
        wide=(lambda module, x: tf.reshape(x, [-1, 32, 4]) @ module.weight, tf.TensorSpec([None, None, 4])),
        parsed=(lambda module, x: tf.io.decode_raw(tf.io.decode_base64(x), tf.uint8), tf.TensorSpec([], tf.string)),
        noise=(lambda module, x: tf.random.normal(tf.shape(x)) @ module.weight, DENSE),
        writer=(
            lambda module, x: tf.cast(tf.raw_ops.WriteFile(filename="/nowhere/x", contents="") is None, tf.float32) + x,
            DENSE,
        ),
    )
    options: list[Any] = []
    monkeypatch.setattr(converter, "run", lambda *arguments, **_: options.append(arguments[2]))
    tftrt.convert(source, tmp_path / "out")
    monkeypatch.undo()
    report = tftrt.convert(source, tmp_path / "out", verify=False)
    assert set(reasons(report).values()) == {"verify=False"}
    report.checks = []
    # With time for all of them.
    assert not prove(source, tmp_path / "out", report, options[0], 1000.0, compares=True, batches=None)
    found = reasons(report)
    assert {name for name, reason in found.items() if not reason} == {"array", "dense", "wide"}
    assert "the source fails on made-up inputs: " in found["parsed"]
    assert found["noise"] == "the source gives other values from call to call"
    assert found["writer"] == "a call may write files, by the op WriteFile"
    dense = next(check for check in report.checks if check.signature == "dense")
    assert (dense.loaded, dense.compared, dense.identical) == (True, True, True)
    assert "'dense' gave the same bits as the source" in str(report)


def test_a_call_without_end_is_given_up(tmp_path: Path) -> None:
    def endless(module: Any, x: Any) -> Any:
        return tf.while_loop(
            lambda y: tf.reduce_all(tf.math.is_finite(y)), lambda y: tf.nn.softmax(y @ module.weight), [x]
        )[0]

    source = save(tmp_path / "source", endless=(endless, tf.TensorSpec([4, 4])))
    report = tftrt.convert(source, tmp_path / "out")
    assert reasons(report) == {"endless": "a call of the source was not over in time"}
    # The process in which it goes on is not kept.
    assert process._idle is None


def test_ops_without_kernel_are_left_out_of_the_check(tmp_path: Path) -> None:
    def recurrent(module: Any, x: Any) -> Any:
        states = tf.zeros([1, 1, 4])
        return tf.raw_ops.CudnnRNN(
            input=x, input_h=states, input_c=states, params=tf.zeros([400]), rnn_mode="lstm", is_training=False
        ).output

    source = save(
        tmp_path / "source",
        dense=(lambda module, x: tf.nn.relu(x @ module.weight), DENSE),
        recurrent=(recurrent, tf.TensorSpec([2, 1, 4])),
    )
    report = tftrt.convert(source, tmp_path / "out")
    assert reasons(report) == {"dense": "", "recurrent": "this machine has no kernel for the op CudnnRNN"}
    assert [check.loaded for check in report.checks] == [True, False]
    assert any("CudnnRNN" in note and "has no kernel for CPUs" in note for note in report.notes)


def test_inputs_that_are_given(tmp_path: Path) -> None:
    source = save(tmp_path / "source", dense=(lambda module, x: x @ module.weight, DENSE))
    np.savez(tmp_path / "batch.npz", x=np.ones((3, 4), np.float32))
    report = tftrt.convert(source, tmp_path / "1", verify=tmp_path / "batch.npz")
    assert report.checks == [Check("dense", loaded=True, compared=True, identical=True)]
    report = tftrt.convert(source, tmp_path / "2", verify=False)
    assert reasons(report) == {"dense": "verify=False"}
    with pytest.raises(InvalidArgumentError, match=r"verify, batch 2: .*float64"):
        tftrt.convert(source, tmp_path / "3", verify=[np.ones((3, 4), np.float32), np.ones((3, 4))])
    with pytest.raises(InvalidArgumentError, match="verify: expected"):
        tftrt.convert(source, tmp_path / "3", verify=[])
    assert not (tmp_path / "3").exists()


WRONG = """
import tftrt.conversion.pipeline as pipeline
write = pipeline._write_model

def spoiled(model, merged, saved, directory):
    for node in merged.graph.node:
        CHANGE
    write(model, merged, saved, directory)

pipeline._write_model = spoiled
"""


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ("if node.op == 'Relu': node.op = 'Relu6'", r"computes other values than its source.*'dense', output 'y': "),
        (
            "if node.op == 'Relu': node.attr['_kernel'].s = b'nowhere'",
            "fails where its source does not|cannot be loaded",
        ),
    ],
)
def test_wrong_results_are_not_put_in_place(
    change: str, message: str, tmp_path: Path, in_conversions: Callable[[str], None]
) -> None:
    source = save(tmp_path / "source", dense=(lambda module, x: tf.nn.relu(x @ module.weight * 100.0), DENSE))
    in_conversions(WRONG.replace("CHANGE", change))
    with pytest.raises(InternalError, match=message):
        tftrt.convert(source, tmp_path / "out", minimum_segment_size=50)
    assert not (tmp_path / "out").exists()


def save_ragged(path: Path, stateful: bool, beside: bool = False) -> Path:
    """A model with a signature that tftrt cannot call, alone or ``beside`` one that it can."""
    module = tf.Module()
    module.weight = tf.Variable(tf.random.stateless_normal([4, 4], [1, 2]))
    module.calls = tf.Variable(0.0)

    @tf.function(input_signature=[DENSE])
    def call(x: Any) -> Any:
        if stateful:
            module.calls.assign_add(1.0)
        return {"y": tf.RaggedTensor.from_tensor(tf.nn.relu(x @ module.weight) + module.calls)}

    @tf.function(input_signature=[DENSE])
    def plain(x: Any) -> Any:
        return {"y": x @ module.weight}

    signatures = {"serving_default": call, **({"plain": plain} if beside else {})}
    tf.saved_model.save(module, str(path), signatures=signatures)
    return path


@pytest.mark.parametrize("stateful", [False, True])
def test_models_that_cannot_be_called_convert(stateful: bool, tmp_path: Path) -> None:
    source = save_ragged(tmp_path / "source", stateful)
    report = tftrt.convert(source, tmp_path / "out", minimum_segment_size=1)
    assert report.engines
    assert reasons(report)["serving_default"].startswith("calls through tftrt are not possible")


@pytest.mark.parametrize("stateful", [False, True])
@pytest.mark.parametrize("beside", [False, True])
def test_results_that_cannot_be_called_are_loaded(
    stateful: bool, beside: bool, tmp_path: Path, in_conversions: Callable[[str], None]
) -> None:
    source = save_ragged(tmp_path / "source", stateful, beside)
    in_conversions(WRONG.replace("CHANGE", "if node.op == 'Relu': node.attr['_kernel'].s = b'nowhere'"))
    with pytest.raises(InternalError, match=r"cannot be loaded, so nothing was written: .*Relu"):
        tftrt.convert(source, tmp_path / "out", minimum_segment_size=50)
    assert not (tmp_path / "out").exists()


def test_how_close_is_close_enough() -> None:
    check = Check("s", loaded=True)
    right = {"y": np.array([1.0, 1000.0], np.float32), "n": np.zeros(200, np.int32)}
    assert note_closeness(check, {"y": right["y"] + np.float32(0.5), "n": right["n"]}, right) == ""
    assert (check.compared, check.identical, check.max_abs_error) == (True, False, 0.5)
    few = right["n"].copy()
    few[:2] = 1
    assert note_closeness(check, {"y": right["y"], "n": few}, right) == ""
    few[2] = 1
    assert note_closeness(check, {"y": right["y"], "n": few}, right) == "output 'n': 3 of 200 values differ"
    far = {"y": right["y"] + np.float32(2), "n": right["n"]}
    assert note_closeness(check, far, right) == "output 'y': 2 of 2 values differ, by up to 2"
    lost = {"y": np.array([1.0, np.nan], np.float32), "n": right["n"]}
    assert "values differ" in note_closeness(check, lost, right)
    assert "shape" in note_closeness(check, {"y": right["y"][:1], "n": right["n"]}, right)


def test_a_check_takes_no_memory_of_the_caller(tmp_path: Path) -> None:
    source = save(tmp_path / "source", dense=(lambda module, x: x @ module.weight, DENSE))
    tftrt.convert(source, tmp_path / "out")
    assert not any(name in Path("/proc/self/maps").read_text() for name in (str(source), str(tmp_path / "out")))
