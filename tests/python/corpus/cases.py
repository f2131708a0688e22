"""Small models by feature: each is built, run by TensorFlow, converted, and run by tftrt before and after."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

import tftrt

EXECUTORS = ("auto", "parallel", "single")

Inputs = dict[str, Any]
Outcome = Any
"""The outputs of one call by name, or the type of its error as a string."""


def save(module: Any, directory: str, functions: Any) -> None:
    """Write a SavedModel with one function as "serving_default", or with several by name."""
    import tensorflow as tf

    signatures = functions if isinstance(functions, dict) else {"serving_default": functions}
    for name, function in signatures.items():
        setattr(module, f"_signature_{name}", function)
    tf.saved_model.save(module, directory, signatures=signatures)


def save_v1(directory: str, inputs: Inputs, outputs: Inputs, session: Any, **options: Any) -> None:
    """Write a session's graph and variables as TensorFlow 1 does."""
    import tensorflow as tf

    v1 = tf.compat.v1
    session.run([v1.global_variables_initializer(), v1.tables_initializer()])
    v1.saved_model.simple_save(session, directory, inputs, outputs, **options)


def weights(*shape: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).standard_normal(shape).astype(np.float32)


def make(
    build: Callable[[str], None], root: str, calls: list[Inputs], signature: str, tf1: bool, options: dict[str, Any]
) -> tuple[dict[str, list[Outcome]], dict[str, Any]]:
    """Build and convert a model in the process that has TensorFlow.

    Returns:
        For each output asked for alone, and for "" (all), what TensorFlow returns for each call; and the report.
    """
    source = f"{root}/source"
    build(source)
    wanted = outcomes_v1(source, calls, signature) if tf1 else outcomes(source, calls, signature)
    return wanted, tftrt.convert(source, f"{root}/converted", overwrite=True, **options).to_dict()


def check(
    tensorflow: Any,
    root: Path,
    build: Callable[[str], None],
    calls: list[Inputs],
    *,
    signature: str = "serving_default",
    tf1: bool = False,
    executors: Sequence[str] = EXECUTORS,
    alone: bool = True,
    **options: Any,
) -> dict[str, Any]:
    """Compare source and converted model with TensorFlow, bit for bit, in all executors.

    The calls are made one after another, once for all outputs and, unless not ``alone``, once for each alone.

    Returns:
        The report.
    """
    wanted, report = tensorflow.call(make, build, str(root), calls, signature, tf1, options)
    if not alone:
        wanted = {"": wanted[""]}
    for kind in ("source", "converted"):
        for executor in executors:
            for output, outcomes in wanted.items():
                try:
                    model = tftrt.Model(root / kind, signature, executor=executor, device="cpu")
                except tftrt.errors.UnsupportedError as error:
                    assert executor == "single", error  # It has no control flow or references of TensorFlow 1.
                    continue
                with model:
                    for call, outcome in zip(calls, outcomes):
                        found = _run(model, call, [output] if output else None)
                        _compare(found, outcome, f"{kind}, {executor}, {output or 'all outputs'}, {call}")
    return report  # type: ignore[no-any-return]


def ops(report: dict[str, Any]) -> list[str]:
    """The op types in engines."""
    return sorted({op for engine in report["engines"] for op in engine["ops"]})


def reasons(report: dict[str, Any], op: str) -> str:
    """Why nodes of a type stayed outside."""
    return "; ".join(entry["reason"] for entry in report["outside"] if entry["op"] == op)


def _run(model: tftrt.Model, call: Inputs, outputs: list[str] | None) -> Outcome:
    try:
        return model.run(call, outputs=outputs)
    except tftrt.errors.Error as error:
        return type(error).__name__


def _compare(found: Outcome, wanted: Outcome, where: str) -> None:
    assert isinstance(found, str) == isinstance(wanted, str), f"{where}: {found} is not {wanted}"
    if isinstance(wanted, str):
        return
    assert found.keys() == wanted.keys(), where
    for name, value in wanted.items():
        assert found[name].dtype == value.dtype, f"{where}: {name}"
        assert found[name].shape == value.shape, f"{where}: {name}"
        equal = found[name].tobytes() == value.tobytes() if value.dtype != object else (found[name] == value).all()
        assert equal, f"{where}: {name} is {found[name]}, not {value}"


def outcomes(source: str, calls: list[Inputs], signature: str) -> dict[str, list[Outcome]]:
    """TensorFlow's outcomes of calls: for all outputs (""), and for each alone."""
    import tensorflow as tf

    function = tf.saved_model.load(source).signatures[signature]
    found: list[Outcome] = []
    for call in calls:
        try:
            result = function(**{key: tf.constant(value) for key, value in call.items()})
            found.append({key: _array(value.numpy()) for key, value in result.items()})
        except tf.errors.OpError as error:
            found.append(type(error).__name__)
    return _by_output(found, sorted(function.structured_outputs))


def _array(value: Any) -> np.ndarray:
    return np.asarray(value, object if isinstance(value, bytes) else None)


def _by_output(found: list[Outcome], names: list[str]) -> dict[str, list[Outcome]]:
    one = {name: [o if isinstance(o, str) else {name: o[name]} for o in found] for name in names}
    return {"": found, **one} if len(names) > 1 else {"": found}


def outcomes_v1(source: str, calls: list[Inputs], signature: str) -> dict[str, list[Outcome]]:
    """TensorFlow 1 runs the effects that an output depends on, and no others."""
    import tensorflow as tf

    v1 = tf.compat.v1
    found: dict[str, list[Outcome]] = {}
    selections: list[str] = [""]
    while selections:
        with tf.Graph().as_default(), v1.Session() as session:
            definition = v1.saved_model.load(session, ["serve"], source).signature_def[signature]
            outputs = {name: info.name for name, info in definition.outputs.items()}
            selection = selections.pop()
            if not found and len(outputs) > 1:
                selections += sorted(outputs)
            wanted = {selection: outputs[selection]} if selection else outputs
            found[selection] = []
            for call in calls:
                feeds = {definition.inputs[key].name: value for key, value in call.items()}
                try:
                    found[selection].append({k: _array(v) for k, v in session.run(wanted, feeds).items()})
                except tf.errors.OpError as error:
                    found[selection].append(type(error).__name__)
    return found
