"""Every model of the corpus (tests/python/corpus), with an engine of each node that can be in one.

The engines are built for the shapes of the calls, with TensorRT's lowest optimization level. The outputs are
TensorFlow's on the CPU within the bounds of parity.py, call after call, so that state is right as well. Run it with
NVIDIA_TF32_OVERRIDE=0: a step from floats to integers can go the other way with TF32.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import tftrt

from . import counts, parity
from .factory import TensorFlow

PYTHON_TESTS = Path(__file__).parents[1] / "python"
sys.path[:0] = [str(PYTHON_TESTS / "corpus"), str(PYTHON_TESTS)]

import matrix  # noqa: E402
from registry import Entry, entries  # noqa: E402

import exports  # noqa: E402

PRECISIONS = ("FP32", "FP16")
BOUNDS = {"FP32": parity.WITHOUT_TF32, "FP16": parity.BOUNDS["FP16"]["small"]}
MODELS = entries()
NAMES = sorted(MODELS)

pytestmark = pytest.mark.corpus


def _identifier(name: str) -> str:
    """With one of 24 groups of equal size, so that parts of the models can be selected."""
    return f"group_{NAMES.index(name) % 24:02}-{name}"


@pytest.fixture(scope="session")
def op_library(tensorflow: TensorFlow, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The custom ops of the models; ``TFTRT_TEST_OP_LIBRARY`` names them where TensorFlow's headers are missing."""
    compiled = os.environ.get("TFTRT_TEST_OP_LIBRARY")
    if compiled:
        return Path(compiled)
    library = tmp_path_factory.mktemp("ops") / "libcustom_ops.so"
    tensorflow.call(exports.compile_ops, str(library))
    return library


@pytest.fixture(scope="module", params=NAMES, ids=_identifier)
def made(
    request: pytest.FixtureRequest, tensorflow: TensorFlow, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[dict[str, Any]]:
    """A model, what TensorFlow returns, and the conversions with their reports."""
    entry = MODELS[request.param]
    library = str(request.getfixturevalue("op_library")) if entry.library else None
    root = tmp_path_factory.mktemp(entry.name)
    wanted = tensorflow.call(matrix.build, entry.name, str(root), library)
    reports = tensorflow.call(matrix.convert, entry.name, str(root), library, PRECISIONS, (1, 1))
    yield {
        "entry": entry,
        "wanted": {signature: outcomes[""] for signature, outcomes in wanted.items()},
        "paths": {precision: root / precision for precision in PRECISIONS},
        "reports": dict(zip(PRECISIONS, reports)),
        "options": {"op_libraries": [library]} if library else {},
    }


@pytest.mark.parametrize("precision", PRECISIONS)
def test_model(made: dict[str, Any], precision: str, record: Callable[..., None]) -> None:
    entry, path, report = made["entry"], made["paths"][precision], made["reports"][precision]
    assert report["engines"] or report["outside"]
    problems = []
    if report["engines"]:
        wanted = made["wanted"][entry.signatures[0]]
        fine = [call for call, outcome in zip(entry.calls, wanted) if not isinstance(outcome, str)]
        built = tftrt.build(path, data=fine, optimization_level=0, timing_cache=False, plan_cache=False)
        problems = [f"{engine.name}: {engine.problem}" for engine in built.engines if not engine.built]
    runs, error, worst = 0, 0.0, ""
    for signature in entry.signatures:
        with tftrt.Model(path, signature, on_miss="native", **made["options"]) as model:
            for number, (call, wanted) in enumerate(zip(entry.calls, made["wanted"][signature])):
                found = matrix.run(model, call)
                error, worst = max((error, worst), _error(entry, found, wanted, f"{signature}, call {number}"))
            runs += counts.counts(model).engine_runs
    outside = {f"{op['op']}: {op['reason']}" for op in report["outside"]}
    record(
        model=entry.name,
        precision=precision,
        engines=len(report["engines"]),
        engine_runs=runs,
        parity_error=float(f"{error:.3g}"),
        bound=BOUNDS[precision],
        not_built=problems,
        outside=sorted(outside) if not runs else [],
    )
    assert error <= BOUNDS[precision], f"{error:.3g} of the outputs' range, not {BOUNDS[precision]} at most: {worst}"
    assert runs or len(problems) == len(report["engines"]), "no engine ran, and no report says why"


def _error(entry: Entry, found: Any, wanted: Any, where: str) -> tuple[float, str]:
    """The error of the worst output, and its values; fails where outcomes cannot be compared."""
    if isinstance(found, str) or isinstance(wanted, str):
        same = isinstance(found, str) and isinstance(wanted, str) and found.partition(":")[0] == wanted
        assert same, f"{where}: {found} instead of {wanted if isinstance(wanted, str) else 'values'}"
        return 0.0, ""
    assert found.keys() == wanted.keys(), where
    worst = 0.0, ""
    for name, values in wanted.items():
        assert found[name].dtype == values.dtype, f"{where}, {name}"
        assert found[name].shape == values.shape, f"{where}, {name}"
        if name not in entry.random and values.size:
            values_found = np.array2string(found[name], threshold=100)
            shown = f"{where}, {name}: {values_found} instead of {np.array2string(values, threshold=100)}"
            worst = max(worst, (_distance(found[name], values), shown))
    return worst


def _distance(found: np.ndarray, wanted: np.ndarray) -> float:
    """The largest difference in the range of what is expected; infinite where words or truths differ."""
    if wanted.dtype == object or wanted.dtype == bool:
        return 0.0 if (found == wanted).all() else np.inf
    kind = np.complex128 if np.iscomplexobj(wanted) else np.float64
    found, wanted = found.astype(kind), wanted.astype(kind)
    finite = np.isfinite(wanted)
    if not np.array_equal(found[~finite], wanted[~finite], equal_nan=True) or not np.isfinite(found[finite]).all():
        return np.inf
    if not finite.any():
        return 0.0
    values = wanted[finite]
    span = np.ptp(values.real) or np.abs(values).max() or 1.0
    return float(np.abs(found[finite] - values).max() / span)
