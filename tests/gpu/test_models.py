"""Real networks, each with every precision. A ResNet-50 takes minutes to build: choose with ``-k "resnet50 and FP16"``.

Each build has a timing cache and a plan cache of its own, which are kept from run to run.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import tftrt

from . import counts, parity, samples
from .factory import Arrays
from .workshop import SECOND_BUILD, TIMING, Workshop, build, read_manifest

CALLS = 200


@dataclass
class Network:
    """A model of models.py: the shapes it is built for, and the inputs it is called with."""

    shapes: list[dict[str, tuple[int, ...]]]
    inputs: list[Arrays]
    calibration: Callable[[], list[Arrays]]


def _pictures() -> Network:
    return Network(
        shapes=[{"image": (batch, 224, 224, 3)} for batch in (1, 8)],
        inputs=[samples.picture(batch, seed=batch) for batch in (1, 8, 3)],
        calibration=lambda: [samples.picture(8, seed=seed) for seed in range(50, 58)],
    )


def _sentences(*, padded: bool) -> Network:
    return Network(
        shapes=[{name: shape for name in ("ids", "mask")} for shape in ((1, 16), (8, 128))],
        inputs=[samples.sentences(*shape, seed=shape[0], padded=padded) for shape in ((1, 16), (8, 128), (4, 77))],
        calibration=lambda: [samples.sentences(8, 128, seed=seed, padded=False) for seed in range(50, 58)],
    )


def _network(name: str, precision: str) -> Network:
    if not name.startswith("bert"):
        return _pictures()
    # A mask adds -10000 to the scores it hides: with 127 steps for all of them, INT8 has none left for the others.
    return _sentences(padded=precision != "INT8")


CASES = [(name, precision) for name in ("resnet50", "mobilenetv2", "bert") for precision in ("FP32", "FP16", "INT8")]
CASES += [("bert_by_shape", "FP32")]
SECOND_BUILDS = [(name, "FP32") for name in ("resnet50", "mobilenetv2", "bert")]
STRATEGY = "Range"


def _options(name: str, precision: str) -> dict[str, Any]:
    network = _network(name, precision)
    cache = TIMING / f"{name}-{precision}"
    options: dict[str, Any] = {"shapes": network.shapes, "timing_cache": cache}
    if precision == "FP32":
        # TensorRT's own, for which second builds are measured.
        options.update(optimization_level=None, plan_cache=cache / "plans")
    if precision == "INT8":
        options["calibration"] = network.calibration()
    return options


def _conversion(precision: str) -> dict[str, Any]:
    return {"precision": precision, "profile_strategy": STRATEGY}


@pytest.fixture
def path(name: str, precision: str, workshop: Workshop) -> Path:
    return workshop.built(name, _conversion(precision), **_options(name, precision))


cases = pytest.mark.parametrize(("name", "precision"), CASES, ids=["-".join(case) for case in CASES])


@cases
def test_engines_compute_what_the_network_computes(
    name: str,
    precision: str,
    path: Path,
    workshop: Workshop,
    check_parity: Callable[..., float],
    record: Callable[..., None],
) -> None:
    inputs = _network(name, precision).inputs
    start = time.perf_counter()
    with tftrt.Model(path, on_miss="error") as model:
        load_seconds = time.perf_counter() - start
        before = counts.engine_runs(model)
        results = [model(arrays) for arrays in inputs]
        runs = {engine: total - before[engine] for engine, total in counts.engine_runs(model).items()}

        assert model.info.engines == model.info.engines_ready == len(runs)
        assert set(runs.values()) == {len(inputs)}, "each engine ran once in each call"
        total = counts.counts(model)
        assert total.native_runs == total.builds == 0
        seconds = [_seconds(model, inputs[0]) for _ in range(CALLS)]
    built = read_manifest(path)["build"]
    expected = workshop.expected(name, *inputs)
    if precision == "FP32":
        with tftrt.Model(workshop.source(name), device="gpu:0") as native:
            record(native_on_the_gpu_error=max(map(parity.error, [native(arrays) for arrays in inputs], expected)))
    check_parity(
        results,
        expected,
        parity.BOUNDS[precision]["deep"],
        network=name,
        precision=precision,
        strategy=STRATEGY,
        engines=len(runs),
        build_seconds=built["seconds"],
        timing_cache=built["timing_cache"],
        optimization_level=built["optimization_level"],
        plan_bytes=sum(engine["plan"]["bytes"] for engine in read_manifest(path)["engines"]),
        load_seconds=load_seconds,
        median_call_seconds_at_the_smallest_shape=float(np.median(seconds)),
    )


def _seconds(model: tftrt.Model, arrays: Arrays) -> float:
    start = time.perf_counter()
    model(arrays)
    return time.perf_counter() - start


@pytest.mark.parametrize(("name", "precision"), [("mobilenetv2", "FP32")], ids=["mobilenetv2-FP32"])
def test_without_tf32_engines_are_as_exact_as_a_cpu(
    name: str,
    precision: str,
    workshop: Workshop,
    tmp_path: Path,
    load_fresh: Callable[..., dict[str, Any]],
    check_parity: Callable[..., float],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Of the networks, MobileNetV2 is the one that TF32 moves most."""
    network = _network(name, precision)
    monkeypatch.setenv("NVIDIA_TF32_OVERRIDE", "0")
    options = {"shapes": network.shapes, "output": tmp_path / "exact", "timing_cache": False}
    build(name, workshop.converted(name, **_conversion(precision)), conversion=_conversion(precision), **options)

    answer = load_fresh(tmp_path / "exact", network.inputs, on_miss="error")

    expected = workshop.expected(name, *network.inputs)
    check_parity(answer["outputs"], expected, parity.WITHOUT_TF32, network=name, precision="FP32 without TF32")


@cases
def test_fresh_process_runs_the_engines(
    name: str, precision: str, path: Path, load_fresh: Callable[..., dict[str, Any]], record: Callable[..., None]
) -> None:
    inputs = _network(name, precision).inputs

    answer = load_fresh(path, inputs, on_miss="error")

    assert answer["error"] == "", answer["message"]
    assert answer["engines"] == answer["engines_ready"]
    assert answer["counts"]["engine_runs"] == len(inputs) * answer["engines"]
    assert answer["counts"]["native_runs"] == answer["counts"]["builds"] == 0
    record(load_seconds=answer["load_seconds"], phases=answer["phases"], call_seconds=answer["call_seconds"])


@pytest.mark.parametrize(("name", "precision"), SECOND_BUILDS, ids=["-".join(case) for case in SECOND_BUILDS])
def test_second_build_takes_a_third(
    name: str, precision: str, path: Path, workshop: Workshop, tmp_path: Path, record: Callable[..., None]
) -> None:
    first = read_manifest(path)["build"]
    if first["timing_cache"]["hit"]:
        pytest.skip("the first build already found a timing cache, of an earlier run")

    converted = workshop.converted(name, **_conversion(precision))
    built = {"first": first}
    for reused, changes in (("measurements", {"plan_cache": False}), ("engines", {})):
        options = {**_options(name, precision), **changes, "output": tmp_path / reused}
        build(name, converted, conversion=_conversion(precision), **options)
        built[f"{reused} reused"] = read_manifest(tmp_path / reused)["build"]
    record(network=name, precision=precision, seconds={key: value["seconds"] for key, value in built.items()})

    assert [value["timing_cache"]["hit"] for value in built.values()] == [False, True, True]
    assert [value["reused_plans"] > 0 for value in built.values()] == [False, False, True]
    assert built["engines reused"]["seconds"]["total"] <= SECOND_BUILD * first["seconds"]["total"]
