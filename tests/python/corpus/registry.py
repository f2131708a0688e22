"""The list of models that the corpus holds: one function makes each, and a frame puts weights around a feature."""

from __future__ import annotations

import importlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from cases import Inputs, save, save_v1, weights
from lazy import tf, v1

WIDTH = 8
ROWS = (2, 3, 2)
"""The batch sizes of the calls."""

MODULES = tuple(sorted(path.stem for path in Path(__file__).parent.glob("models_*.py")))

Build = Callable[..., Any]
Step = Callable[[Any], Any]
"""Maps rows of WIDTH numbers to such rows, and may return a dict of further outputs beside them."""


def rows(*counts: int) -> list[Inputs]:
    """Calls with the input "x", rows of WIDTH numbers."""
    return [{"x": weights(count, WIDTH, seed=seed)} for seed, count in enumerate(counts or ROWS)]


@dataclass(frozen=True)
class Entry:
    """A model of the corpus.

    Attributes:
        name: Its name: the feature.
        build: Writes the SavedModel into a directory. What it returns, if anything, is converted instead: the path
            of a file, or an object in memory. With ``library`` it takes the module of the custom ops, too.
        calls: The inputs of each call, one call after another.
        signatures: The signatures to call.
        tf1: Whether it is called in a session of TensorFlow 1.
        options: Further arguments of the conversion.
        product: An op with weights that must be in an engine.
        random: The outputs whose values are random: type and shape alone are compared.
        state: Whether the model changes its own state.
        library: Whether the model needs the tests' library of custom ops.
        keras_2: Whether it is built with tf_keras.
    """

    name: str
    build: Build
    calls: list[Inputs]
    signatures: tuple[str, ...] = ("serving_default",)
    tf1: bool = False
    options: Mapping[str, Any] = field(default_factory=dict)
    product: str = "MatMul"
    random: tuple[str, ...] = ()
    state: bool = False
    library: bool = False
    keras_2: bool = False


_entries: dict[str, Entry] = {}


def entries() -> dict[str, Entry]:
    """All models by name."""
    for module in MODULES:
        importlib.import_module(module)
    return dict(_entries)


def model(**fields: Any) -> Callable[[Build], Build]:
    """Register a function that writes a whole model."""

    def register(build: Build) -> Build:
        _add(build, build, fields)
        return build

    return register


def around(**fields: Any) -> Callable[[Callable[[Any], Step]], Callable[[Any], Step]]:
    """Register a feature: a function that takes the module and returns a step.

    The model takes the step on its input, multiplies by weights, and takes the step again.
    """

    def register(feature: Callable[[Any], Step]) -> Callable[[Any], Step]:
        _add(feature, lambda directory: _frame(directory, feature), fields)
        return feature

    return register


def around_v1(*, functional: bool = False, **fields: Any) -> Callable[[Callable[[], Step]], Callable[[], Step]]:
    """The same in a graph of TensorFlow 1; ``functional`` for loops and branches that are functions."""

    def register(feature: Callable[[], Step]) -> Callable[[], Step]:
        _add(feature, lambda directory: frame_v1(directory, feature, functional), {"tf1": True, **fields})
        return feature

    return register


def _add(function: Any, build: Build, fields: Mapping[str, Any]) -> None:
    name = function.__name__
    assert name not in _entries, f"two models are called {name}"
    _entries[name] = Entry(name, build, **{"calls": rows(), **fields})


def network(step: Step, kernel: Any, bias: Any) -> Callable[[Any], dict[str, Any]]:
    """The step, a layer with weights, and the step again."""

    def call(x: Any) -> dict[str, Any]:
        before, more = _taken_apart(step(x), "before")
        hidden = tf.nn.relu(tf.matmul(before, kernel) + bias)
        after, others = _taken_apart(step(hidden), "after")
        return {"y": after, "hidden": hidden * 2.0, **more, **others}

    return call


def _taken_apart(found: Any, prefix: str) -> tuple[Any, dict[str, Any]]:
    value, more = found if isinstance(found, tuple) else (found, {})
    return tf.ensure_shape(value, [None, WIDTH]), {f"{prefix}_{name}": tensor for name, tensor in more.items()}


def _frame(directory: str, feature: Callable[[Any], Step]) -> None:
    m = tf.Module()
    m.directory = directory
    m.layer = tf.Variable(weights(WIDTH, WIDTH, seed=11) / 3), tf.Variable(weights(WIDTH, seed=12))
    step = feature(m)
    spec = [tf.TensorSpec([None, WIDTH], name="x")]
    save(m, directory, tf.function(lambda x: network(step, *m.layer)(x), input_signature=spec))


def frame_v1(directory: str, feature: Callable[[], Step], functional: bool = False) -> None:
    """Write the model around a feature in a graph of TensorFlow 1."""
    with control_flow(functional), tf.Graph().as_default(), v1.Session() as session:
        x = v1.placeholder(tf.float32, [None, WIDTH], name="x")
        step = feature()
        kernel = v1.get_variable("kernel", initializer=weights(WIDTH, WIDTH, seed=11) / 3)
        bias = v1.get_variable("bias", initializer=weights(WIDTH, seed=12))
        outputs = {name: tf.identity(value) for name, value in network(step, kernel, bias)(x).items()}
        init = v1.tables_initializer()
        save_v1(directory, {"x": x}, outputs, session, legacy_init_op=init if init.type == "NoOp" else None)


class control_flow:  # noqa: N801
    """Loops and branches of TensorFlow 1 as functions, or as frames."""

    def __init__(self, functional: bool) -> None:
        self._functional = functional

    def __enter__(self) -> None:
        if not self._functional:
            v1.disable_control_flow_v2()

    def __exit__(self, *error: object) -> None:
        v1.enable_control_flow_v2()


def ids(x: Any, count: int) -> Any:
    """Integers below ``count``, one for each row."""
    return tf.cast(tf.abs(tf.reduce_sum(x, 1)) * 7.0, tf.int32) % count


def words(x: Any) -> Any:
    """A word for each row."""
    return tf.gather(tf.constant(["cat", "dog", "emu", "a gnu"]), ids(x, 4))


def column(values: Any) -> Any:
    """One number for each row, as a column."""
    return tf.cast(tf.reshape(values, [-1, 1]), tf.float32)


def spec(*shape: int | None, dtype: str = "float32", name: str = "x") -> Any:
    """The type of an input."""
    return tf.TensorSpec(shape, dtype, name=name)


def scratch(directory: str, name: str, text: str) -> str:
    """Write a file that the model reads, beside its directory; the path."""
    path = Path(directory).with_name("files") / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    return str(path)


def array(*values: Any) -> np.ndarray:
    """A string tensor for a call."""
    return np.array(values, object)
