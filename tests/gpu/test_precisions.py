"""Every strategy, and implicit-batch mode, with every precision, on a small CNN."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

import tftrt

from . import counts, parity, samples
from .factory import Arrays
from .workshop import Workshop, read_manifest

MODES: dict[str, dict[str, Any]] = {
    "Range": {"profile_strategy": "Range"},
    "Optimal": {"profile_strategy": "Optimal"},
    "Range+Optimal": {"profile_strategy": "Range+Optimal"},
    "ImplicitBatchModeCompatible": {"profile_strategy": "ImplicitBatchModeCompatible"},
    "implicit-batch": {"dynamic_shapes": False},
}

BATCHES = (1, 4)


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("precision", ["FP32", "FP16", "INT8"])
def test_engine_computes_what_the_model_computes(
    precision: str,
    mode: str,
    workshop: Workshop,
    check_parity: Callable[..., float],
    one_of_each: Callable[..., list[Arrays]],
) -> None:
    options: dict[str, Any] = {"shapes": [{"image": samples.image(batch)["image"].shape} for batch in BATCHES]}
    if precision == "INT8":
        options["calibration"] = [samples.image(4, seed=seed) for seed in range(100, 108)]
    path = workshop.built("cnn", {"precision": precision, **MODES[mode]}, **options)
    inputs = one_of_each(samples.image, *BATCHES)

    model = tftrt.Model(path, on_miss="error")
    before = counts.counts(model)
    results = [model(arrays) for arrays in inputs]

    assert model.info.engines == model.info.engines_ready == 1
    assert counts.counts(model) - before == counts.Counts(calls=2, engine_runs=2)
    check_parity(
        results,
        workshop.expected("cnn", *inputs),
        parity.BOUNDS[precision]["small"],
        precision=precision,
        mode=mode,
        plan_bytes=read_manifest(path)["engines"][0]["plan"]["bytes"],
        load_seconds=sum(dict(model.info.load_seconds).values()),
    )
    model.close()


def test_manifest_tells_where_the_engines_were_built(workshop: Workshop) -> None:
    shapes = [{"image": samples.image(batch)["image"].shape} for batch in BATCHES]
    manifest = read_manifest(workshop.built("cnn", {"precision": "FP32", **MODES["Range"]}, shapes=shapes))
    built = manifest["build"]

    assert built["format_version"] == 1
    assert built["gpu"]["name"] in "".join(tftrt._native.inspect_environment().gpus)
    assert built["gpu"]["compute_capability"].count(".") == 1
    assert built["gpu"]["driver"]
    assert built["tensorrt"].startswith("8.6.")
    assert [request["role"] for request in built["requests"]] == ["fixed", "fixed"]
    assert sorted(request["shapes"]["image"] for request in built["requests"]) == [[1, 16, 16, 3], [4, 16, 16, 3]]
    assert built["calibrated"] is False
