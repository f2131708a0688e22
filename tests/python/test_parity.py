"""The runtime returns what TensorFlow's own signature call returns, bit for bit on the CPU, original and converted."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import tftrt
from conftest import TensorFlow

Inputs = dict[str, Any]


def floats(seed: int, *shape: int) -> np.ndarray:
    return np.random.default_rng(seed).standard_normal(shape).astype(np.float32)


def integers(seed: int, low: int, high: int, *shape: int) -> np.ndarray:
    return np.random.default_rng(seed).integers(low, high, shape).astype(np.int32)


def texts(*values: str) -> np.ndarray:
    return np.array([value.encode() for value in values], dtype=object)


def images(size: int, *, height: int | None = None) -> list[Inputs]:
    return [{"image": floats(batch, batch, height or size, size, 3)} for batch in (1, 3)]


@dataclass(frozen=True)
class Case:
    """One signature of a model, and the inputs of several calls, of two batch sizes where it has a batch."""

    model: str
    inputs: list[Inputs]
    signature: str = "serving_default"
    has_engine: bool = True

    def __str__(self) -> str:
        return self.model if self.signature == "serving_default" else f"{self.model}-{self.signature}"


CASES = [
    Case("resnet50", images(64)),
    Case("mobilenet_v2", images(64)),
    Case("efficientnet_b0", images(64)),
    Case("mtcnn_pnet", images(31, height=44)),
    Case("mtcnn_rnet", images(24)),
    Case("mtcnn_onet", images(48)),
    Case(
        "encoder",
        [
            {"ids": integers(1, 0, 50, batch, length), "mask": integers(2, 0, 2, batch, length)}
            for batch, length in ((1, 7), (3, 12))
        ],
    ),
    Case("lstm", [{"sequence": floats(1, batch, length, 4)} for batch, length in ((1, 5), (3, 9), (2, 0))]),
    Case("keras_lstm", [{"sequence": floats(1, batch, 7, 4)} for batch in (1, 3)], has_engine=False),
    Case("string_lookup", [{"words": texts("b")}, {"words": texts("c", "", "nowhere", "a")}]),
    Case("vocabulary", [{"words": texts("blue")}, {"words": texts("red", "grün", "green")}], has_engine=False),
    Case("shared_weights", [{"image": floats(batch, batch, 8, 8, 3)} for batch in (1, 3)], "classify"),
    Case("shared_weights", [{"image": floats(batch, batch, 8, 8, 3)} for batch in (1, 3)], "again"),
    Case("shared_weights", [{"image": floats(batch, batch, 8, 8, 3)} for batch in (1, 3)], "features"),
    Case("shared_weights", [{"text": texts("one")}, {"text": texts("", "two", "drei")}], "lengths"),
    Case(
        "branching",
        [
            {"x": floats(batch, batch, 4), "steps": np.int32(steps), "up": np.bool_(up)}
            for batch, steps, up in ((1, 3, True), (3, 0, False))
        ],
    ),
    Case(
        "tf1_loop",
        [{"x": floats(batch, batch, 4), "steps": np.int32(steps)} for batch, steps in ((1, 3), (3, 0))],
    ),
    Case("no_inputs", [{}, {}], has_engine=False),
    Case("scalar", [{"x": np.float32(2.25)}, {"x": np.float32(-3.0)}], has_engine=False),
    # Empty batches and tensors without elements.
    Case("cnn", [{"image": floats(batch, batch, 8, 8, 3)} for batch in (1, 3, 0)]),
    Case("passthrough", [{"x": floats(batch, batch, 4)} for batch in (1, 3, 0)]),
    Case("string_lookup", [{"words": texts()}]),
    Case("encoder", [{"ids": integers(1, 0, 50, 0, 7), "mask": integers(2, 0, 2, 0, 7)}]),
]
# How the runtime and TensorFlow feed a state that calls change is compared in test_model_signatures.py.
UNFROZEN = [Case("counter", [{"x": floats(batch, batch, 4)} for batch in (1, 3)], "add")]


@pytest.fixture(scope="module")
def model_of(exported: Callable[..., Path], converted_of: Callable[[str], Path]) -> Callable[[str, str], Path]:
    return lambda name, kind: exported(name) if kind == "original" else converted_of(name)


def check_equal(found: dict[str, np.ndarray], wanted: dict[str, np.ndarray]) -> None:
    assert sorted(found) == sorted(wanted)
    for name, value in wanted.items():
        assert found[name].dtype == value.dtype, name
        assert found[name].shape == value.shape, name
        if value.dtype == object:
            assert found[name].tolist() == value.tolist(), name
        else:
            differing = np.count_nonzero(found[name] != value)
            assert found[name].tobytes() == value.tobytes(), f"{name}: {differing} of {value.size} differ"


def check_parity(case: Case, path: Path, original: Path, tensorflow: TensorFlow, **options: Any) -> None:
    wanted = tensorflow.expected(original, case.inputs, case.signature)
    with tftrt.Model(path, case.signature, device="cpu", **options) as model:
        for inputs, outputs in zip(case.inputs, wanted):
            check_equal(model(inputs), outputs)


@pytest.mark.parametrize("kind", ["original", "converted"])
@pytest.mark.parametrize("case", CASES, ids=str)
def test_equals_tensorflow(case: Case, kind: str, model_of: Callable[[str, str], Path], tensorflow: TensorFlow) -> None:
    check_parity(case, model_of(case.model, kind), model_of(case.model, "original"), tensorflow)


@pytest.mark.parametrize("case", UNFROZEN, ids=str)
def test_unfrozen_variables_equal_tensorflow(case: Case, exported: Callable[..., Path], tensorflow: TensorFlow) -> None:
    check_parity(case, exported(case.model), exported(case.model), tensorflow)


EXECUTORS = [
    (name, kind, executor)
    for name in ("encoder", "branching", "string_lookup", "mtcnn_onet")
    for kind in ("original", "converted")
    for executor in ("parallel", "single")
    # Conversion lowers this model's loop to have its products in engines.
    if (name, kind, executor) != ("branching", "converted", "single")
]


@pytest.mark.parametrize(("name", "kind", "executor"), EXECUTORS)
def test_executors_agree(
    name: str, kind: str, executor: str, model_of: Callable[[str, str], Path], tensorflow: TensorFlow
) -> None:
    (case, *_) = [case for case in CASES if case.model == name]
    check_parity(case, model_of(name, kind), model_of(name, "original"), tensorflow, executor=executor)


@pytest.mark.parametrize("case", [case for case in CASES if case.has_engine], ids=str)
def test_converted_models_have_engines(case: Case, converted_of: Callable[[str], Path]) -> None:
    """Otherwise the comparisons above would say nothing about engines."""
    with tftrt.Model(converted_of(case.model), case.signature, device="cpu") as model:
        assert model.info.engines >= 1


def test_assets_move_with_the_model(exported: Callable[..., Path], tensorflow: TensorFlow, tmp_path: Path) -> None:
    """The model's own copy of a vocabulary is read, wherever the model is."""
    (case,) = [case for case in CASES if case.model == "vocabulary"]
    moved = tmp_path / "elsewhere"
    shutil.copytree(exported("vocabulary"), moved)
    check_parity(case, moved, exported("vocabulary"), tensorflow)


STOCK = """
import sys
import numpy as np

order, path, result = sys.argv[1:]
if order == "tftrt first":
    import tftrt
    import tensorflow as tf
else:
    import tensorflow as tf
    import tftrt
function = tf.saved_model.load(path).signatures["serving_default"]
image = np.random.default_rng(1).standard_normal((2, 8, 8, 3)).astype(np.float32)
stock = function(image=tf.constant(image))["probabilities"].numpy()
own = tftrt.Model(path, device="cpu")(image)["probabilities"]
assert stock.tobytes() == own.tobytes()
np.savez(result, image=image, probabilities=stock)
"""


@pytest.mark.parametrize("order", ["tftrt first", "tensorflow first"])
def test_stock_tensorflow_loads_converted_models(
    order: str,
    exported: Callable[..., Path],
    converted_of: Callable[[str], Path],
    tensorflow: TensorFlow,
    tmp_path: Path,
    python: Callable[..., Any],
) -> None:
    """``tf.saved_model.load`` and tftrt share a process, and a CPU, with equal results."""
    result = tmp_path / "result.npz"
    python(STOCK, order, converted_of("cnn"), result, TF_CPP_MIN_LOG_LEVEL="3", CUDA_VISIBLE_DEVICES="-1")
    with np.load(result) as arrays:
        (wanted,) = tensorflow.expected(exported("cnn"), [{"image": arrays["image"]}])
        check_equal({"probabilities": arrays["probabilities"]}, wanted)
