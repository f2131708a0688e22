"""Conversion: graphs that are hard to take apart and put together again."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from native_runner import SessionModel, read_graph, without_engines
from tftrt.conversion import ConversionReport
from tftrt.converter import convert

X = np.random.default_rng(0).standard_normal((2, 4)).astype(np.float32)
WEIGHTS = np.random.default_rng(1).standard_normal((4, 4)).astype(np.float32)


def _module() -> Any:
    import tensorflow as tf

    class State(tf.Module):
        def __init__(self) -> None:
            super().__init__()
            self.w = tf.Variable(WEIGHTS, name="w")
            self.v = tf.Variable(WEIGHTS * 2, name="v")
            self.n = tf.Variable(0, name="n")
            self.random = tf.random.Generator.from_seed(7)

    return State()


def _save(directory: Path, body: Callable[[Any, Any], Any]) -> Path:
    import tensorflow as tf

    module = _module()
    signature = [tf.TensorSpec([None, 4], tf.float32, name="x")]
    module.call = tf.function(lambda x: body(module, x), input_signature=signature)
    tf.saved_model.save(module, str(directory), signatures=module.call)
    return directory


def _dense(x: Any, weights: Any) -> Any:
    import tensorflow as tf

    return tf.nn.relu(tf.matmul(x, weights) * 2.0 + 1.0)


def _nested(state: Any, x: Any) -> Any:
    import tensorflow as tf

    def outer(i: Any, y: Any) -> Any:
        _, z = tf.while_loop(lambda j, z: j < 2, lambda j, z: (j + 1, tf.tanh(tf.matmul(z, state.v))), [0, y])
        return i + 1, tf.cond(tf.reduce_sum(z) > 0, lambda: _dense(z, state.w), lambda: z - 1.0)

    return {"y": tf.while_loop(lambda i, y: i < 3, outer, [0, x])[1]}


def _case(state: Any, x: Any) -> Any:
    import tensorflow as tf

    branches = [lambda: tf.matmul(x, state.w), lambda: _dense(x, state.v), lambda: x]
    return {"y": tf.switch_case(tf.cast(tf.reduce_sum(x), tf.int32) % 3, branches)}


def _side_effect_that_no_output_needs(state: Any, x: Any) -> Any:
    import tensorflow as tf

    y = _dense(x, state.w) + tf.cast(state.n, tf.float32)
    state.n.assign_add(1)
    return {"y": y}


def _assigned_in_loop_and_branch(state: Any, x: Any) -> Any:
    import tensorflow as tf

    def halve(i: Any) -> Any:
        state.v.assign(state.v * 0.5)
        return (i + 1,)

    def count() -> Any:
        state.n.assign_add(1)
        return 0

    tf.cond(tf.reduce_sum(x) > -100.0, count, lambda: 0)
    tf.while_loop(lambda i: i < 2, halve, [0])
    return {"y": _dense(x, state.v), "z": tf.matmul(x, state.w), "n": state.n + 0}


def _random(state: Any, x: Any) -> Any:
    return {"y": state.random.normal([2, 4]) + _dense(x, state.w)}


def _not_inlined(state: Any, x: Any) -> Any:
    import tensorflow as tf

    attributes = {"_noinline": True}
    inner = tf.function(lambda y: _dense(y, state.w), experimental_attributes=attributes, autograph=False)
    return {"y": inner(x)}


def _constants_and_inputs(state: Any, x: Any) -> Any:
    import tensorflow as tf

    return {"k": tf.constant([1.0, 2.0]), "w": state.w.read_value(), "x": x, "y": _dense(x, state.w)}


def _convert(source: Path, directory: Path) -> tuple[ConversionReport, str]:
    report = convert(source, directory / "out", precision="FP16")
    return report, without_engines(directory / "out", directory / "native")


@pytest.mark.parametrize(
    ("body", "kept"),
    [
        (_nested, []),
        (_case, []),
        (_side_effect_that_no_output_needs, ["n"]),
        (_assigned_in_loop_and_branch, ["n", "v"]),
        (_random, ["StateVar"]),
        (_not_inlined, []),
        (_constants_and_inputs, []),
    ],
)
def test_results_and_state(body: Callable[[Any, Any], Any], kept: list[str], tmp_path: Path) -> None:
    source = _save(tmp_path / "source", body)
    report, native = _convert(source, tmp_path)
    assert sorted(report.variables) == kept
    with SessionModel(source) as original, SessionModel(native) as result:
        for _ in range(3):
            expected, found = original.run({"x": X}), result.run({"x": X})
            assert found.keys() == expected.keys()
            for key, value in expected.items():
                np.testing.assert_array_equal(found[key], value)


def test_functions_that_hide_their_body_are_converted(tmp_path: Path) -> None:
    report, _ = _convert(_save(tmp_path / "source", _not_inlined), tmp_path)
    assert report.heavy_ops.converted == 1


def test_functional_loops_keep_their_lowering(tmp_path: Path) -> None:
    convert(_save(tmp_path / "source", _nested), tmp_path / "out")
    graph = read_graph(tmp_path / "out").graph_def
    functions = [node for function in graph.library.function for node in function.node_def]
    loops = [node for node in [*graph.node, *functions] if node.op in ("While", "StatelessWhile", "If", "StatelessIf")]
    assert len(loops) == 3
    assert all(node.attr["_lower_using_switch_merge"].b for node in loops)
    assert not any(key.startswith("_tftrt") for node in loops for key in node.attr)


def test_names_that_graphs_cannot_have(tmp_path: Path) -> None:
    import tensorflow as tf

    module = _module()
    signature = [tf.TensorSpec([None, 4], tf.float32, name="x")]
    module.call = tf.function(lambda x: {"a key/1": _dense(x, module.w)}, input_signature=signature)
    names = ["my sig!", "my_sig_", "_x", "NoOp"]
    tf.saved_model.save(module, str(tmp_path / "source"), signatures=dict.fromkeys(names, module.call))
    report, native = _convert(tmp_path / "source", tmp_path)
    assert sorted(report.signatures) == sorted(names)
    assert len(report.engines) == 1
    with SessionModel(tmp_path / "source") as original, SessionModel(native) as result:
        for name in names:
            expected = original.run({"x": X}, name)["a key/1"]
            np.testing.assert_array_equal(result.run({"x": X}, name)["a key/1"], expected)


def _quantized(kind: str) -> Callable[[Any, Any], Any]:
    import tensorflow as tf

    def quantize(x: Any) -> Any:
        if kind == "fake":
            return tf.quantization.fake_quant_with_min_max_args(x, -4.0, 4.0, narrow_range=True)
        return tf.quantization.quantize_and_dequantize_v2(x, -4.0, 4.0, signed_input=True, range_given=True)

    def body(module: Any, x: Any) -> Any:
        for _ in range(2):
            x = tf.reshape(x, [-1, 2, 2, 1])
            x = tf.nn.conv2d(quantize(x), quantize(tf.reshape(module.w, [2, 2, 1, 4])), 2, "SAME")
            x = tf.nn.relu(tf.reshape(x, [-1, 4]))
        return {"y": x}

    return body


@pytest.mark.parametrize("dynamic_shapes", [True, False], ids=["explicit", "implicit"])
@pytest.mark.parametrize("kind", ["rounded", "fake"])
def test_convolutions_with_ranges_go_into_engines(kind: str, dynamic_shapes: bool, tmp_path: Path) -> None:
    source = _save(tmp_path / "source", _quantized(kind))
    options = {"precision": "INT8", "use_calibration": False, "dynamic_shapes": dynamic_shapes}
    report = convert(source, tmp_path / "out", **options)
    ops = sum((Counter(engine.ops) for engine in report.engines), Counter())
    if kind == "rounded" and not dynamic_shapes:
        # TF-TRT contradicts itself.
        assert report.heavy_by_op["Conv2D"].converted == 0
        reason = "with the model's own ranges, TF-TRT takes it with dynamic_shapes only"
        assert f"Conv2D                   2      {reason}" in str(report)
    else:
        assert report.heavy_by_op["Conv2D"].converted == report.heavy_by_op["Conv2D"].total == 2
        # Weights carry theirs for TensorRT to see, or have been rounded already.
        assert ops["QuantizeAndDequantizeV2"] == (3 if kind == "rounded" else 0), "two activations, one weight"
        assert ops["FakeQuantWithMinMaxArgs"] == (0 if kind == "rounded" else 2)
    native = without_engines(tmp_path / "out", tmp_path / "native")
    with SessionModel(source) as original, SessionModel(native) as result:
        np.testing.assert_array_equal(original.run({"x": X})["y"], result.run({"x": X})["y"])


@pytest.mark.parametrize("nested", [False, True])
def test_functions_that_xla_compiles_are_reported(nested: bool, tmp_path: Path) -> None:
    def body(m: Any, x: Any) -> Any:
        import tensorflow as tf

        inner = tf.function(lambda x: tf.nn.softmax(x @ m.w) * 2.0, jit_compile=True)
        outer = tf.function(lambda x: inner(x) + 1.0) if nested else inner
        return {"y": tf.cond(x[0, 0] > 0.0, lambda: outer(x), lambda: x) if nested else outer(x)}

    (note,) = convert(_save(tmp_path / "source", body), tmp_path / "out").notes
    assert note.startswith("'serving_default' has a function that XLA compiles (jit_compile=True)")
    plain = _save(tmp_path / "plain", lambda m, x: {"y": x @ m.w * 2.0})
    assert convert(plain, tmp_path / "plain_out").notes == []
