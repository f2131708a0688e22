"""INT8: a CNN trained on scikit-learn's digits keeps its accuracy; calibration tables; models with their own ranges."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import tftrt

from . import counts, parity, samples
from .factory import Arrays
from .workshop import Workshop, build, read_manifest

BATCH = 50  # of calibration and of classification: 10 batches of what was held out
ALLOWED_LOSS = 0.01

SHAPES = {"image": (BATCH, 8, 8, 1)}


def _calibration() -> list[Arrays]:
    """Batches of training images."""
    images, _, _, _ = samples.digits()
    return [{"image": images[begin : begin + BATCH]} for begin in range(0, 10 * BATCH, BATCH)]


def _held_out() -> list[Arrays]:
    _, _, images, _ = samples.digits()
    return [{"image": images[begin : begin + BATCH]} for begin in range(0, len(images), BATCH)]


def _accuracy(results: list[Arrays]) -> float:
    _, _, _, labels = samples.digits()
    return float(np.mean(np.concatenate([result["logits"] for result in results]).argmax(1) == labels))


def _classify(path: Path) -> tuple[list[Arrays], float]:
    """What the engine says of the images that were held out, and its accuracy."""
    with tftrt.Model(path, on_miss="error") as model:
        before = counts.counts(model)
        batches = _held_out()
        results = [model(batch) for batch in batches]
        assert counts.counts(model) - before == counts.Counts(calls=len(batches), engine_runs=len(batches))
    return results, _accuracy(results)


@pytest.fixture(scope="module")
def calibrated(workshop: Workshop) -> Path:
    return workshop.built("digits", {"precision": "INT8"}, shapes=SHAPES, calibration=_calibration())


def test_accuracy_is_kept(workshop: Workshop, calibrated: Path, record: Callable[..., None]) -> None:
    accuracy = {"native": _accuracy(workshop.expected("digits", *_held_out()))}
    for precision in ("FP32", "FP16"):
        _, accuracy[precision] = _classify(workshop.built("digits", {"precision": precision}, shapes=SHAPES))
    _, accuracy["INT8"] = _classify(calibrated)
    record(accuracy=accuracy, held_out=samples.HELD_OUT)

    assert accuracy["native"] > 0.95, "the model should have learned"
    assert accuracy["FP32"] >= accuracy["native"] - ALLOWED_LOSS / 2
    assert accuracy["FP16"] >= accuracy["native"] - ALLOWED_LOSS / 2
    assert accuracy["INT8"] >= accuracy["native"] - ALLOWED_LOSS


def test_logits_are_within_bounds(workshop: Workshop, calibrated: Path, check_parity: Callable[..., float]) -> None:
    results, _ = _classify(calibrated)

    check_parity(results, workshop.expected("digits", *_held_out()), parity.BOUNDS["INT8"]["small"])


def test_manifest_tells_the_calibration(calibrated: Path) -> None:
    built = read_manifest(calibrated)["build"]

    assert built["calibrated"] is True
    assert built["calibration_batches"] == 10


def test_table_serves_a_second_build_without_the_data(
    workshop: Workshop, calibrated: Path, tmp_path: Path, record: Callable[..., None]
) -> None:
    tables = tftrt.calibration_table(calibrated)
    exported = tmp_path / "table.json"
    exported.write_text(json.dumps(tables))
    again = tmp_path / "again"

    build(
        "digits",
        workshop.converted("digits", precision="INT8"),
        conversion={"precision": "INT8", "calibration": "table"},
        shapes=SHAPES,
        calibration_table=exported,
        output=again,
    )

    assert set(tables) == {engine["name"] for engine in read_manifest(calibrated)["engines"]}
    assert all(text.startswith("TRT-") for text in tables.values()), "TensorRT's own format"
    assert tftrt.calibration_table(again) == tables
    first, accuracy_first = _classify(calibrated)
    second, accuracy_second = _classify(again)
    worst = max(parity.error(found, wanted) for found, wanted in zip(second, first))
    record(accuracy={"data": accuracy_first, "table": accuracy_second}, difference=worst)
    # The same ranges; another tactic may round otherwise.
    assert worst <= parity.BOUNDS["INT8"]["small"] / 2
    assert abs(accuracy_first - accuracy_second) <= ALLOWED_LOSS / 2


@pytest.mark.parametrize("conversion", [{}, {"dynamic_shapes": False}], ids=["explicit", "implicit"])
def test_without_data_it_says_what_is_missing(conversion: dict[str, Any], workshop: Workshop, tmp_path: Path) -> None:
    converted = workshop.converted("digits", precision="INT8", **conversion)

    with pytest.raises(tftrt.InvalidArgumentError, match=r"calibration"):
        tftrt.build(converted, shapes=SHAPES, output=tmp_path / "out", plan_cache=False)

    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("dynamic_shapes", [True, False], ids=["explicit", "implicit"])
def test_ranges_in_the_graph_need_no_calibration(
    dynamic_shapes: bool, workshop: Workshop, check_parity: Callable[..., float]
) -> None:
    conversion = {"precision": "INT8", "use_calibration": False, "dynamic_shapes": dynamic_shapes}
    path = workshop.built("qdq", conversion, shapes=[{"image": (1, 16, 16, 3)}, {"image": (8, 16, 16, 3)}])
    inputs = [samples.image(1), samples.image(8, seed=1), samples.image(5, seed=2)]

    with tftrt.Model(path, on_miss="error") as model:
        before = counts.counts(model)
        results = [model(arrays) for arrays in inputs]

        engines = model.info.engines_ready
        assert engines >= 1
        assert counts.counts(model) - before == counts.Counts(calls=3, engine_runs=3 * engines)
    manifest = read_manifest(path)
    assert manifest["build"]["calibrated"] is False
    convolutions = sum(engine["ops"].get("Conv2D", 0) for engine in manifest["engines"])
    assert convolutions == (3 if dynamic_shapes else 0), "with ranges on weights, TF-TRT takes none in implicit batch"
    check_parity(results, workshop.expected("qdq", *inputs), parity.QDQ, engines=engines)
