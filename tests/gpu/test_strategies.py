"""TF-TRT's four profile strategies: the table of its user guide, which shapes each takes, and which it refuses."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

import tftrt

from . import counts, parity, samples
from .workshop import Workshop, read_manifest

SHAPES = [(8, 128), (4, 384)]

STRATEGIES = ("Range", "Optimal", "Range+Optimal", "ImplicitBatchModeCompatible")

RANGE = ((4, 128), (8, 384), (8, 384))
EXACT = [((8, 128), (8, 128), (8, 128)), ((4, 384), (4, 384), (4, 384))]
SMALLER_BATCHES = [((1, 128), (8, 128), (8, 128)), ((1, 384), (4, 384), (4, 384))]

# (min, opt, max) for each input. A range has opt = max in TF-TRT.
PROFILES = {
    "Range": [RANGE],
    "Optimal": EXACT,
    "Range+Optimal": [*EXACT, RANGE],
    "ImplicitBatchModeCompatible": SMALLER_BATCHES,
}

ACCEPTED = {
    "Range": [(4, 128), (8, 128), (4, 384), (8, 384), (6, 200)],
    "Optimal": [(8, 128), (4, 384)],
    "Range+Optimal": [(8, 128), (4, 384), (4, 128), (8, 384), (6, 200)],
    "ImplicitBatchModeCompatible": [(1, 128), (5, 128), (8, 128), (1, 384), (4, 384)],
}

REFUSED = {
    "Range": [(3, 128), (9, 128), (4, 127), (8, 385), (1, 384)],
    "Optimal": [(4, 128), (8, 384), (6, 200), (7, 128)],
    "Range+Optimal": [(3, 128), (9, 128), (4, 127), (8, 385)],
    "ImplicitBatchModeCompatible": [(9, 128), (5, 384), (4, 200), (8, 384)],
}

Load = Callable[[str], tftrt.Model]


@pytest.fixture(scope="module")
def load(workshop: Workshop) -> Load:
    """The two-input model, built with a strategy that only the build names."""
    models: dict[str, tftrt.Model] = {}

    def get(strategy: str) -> tftrt.Model:
        if strategy not in models:
            shapes = [{"a": shape, "b": shape} for shape in SHAPES]
            path = workshop.built("pair", shapes=shapes, profile_strategy=strategy)
            models[strategy] = tftrt.Model(path, on_miss="error")
        return models[strategy]

    return get


@pytest.mark.parametrize("strategy", STRATEGIES)
def test_profiles_are_those_of_the_user_guide(strategy: str, load: Load) -> None:
    model = load(strategy)
    expected = [tuple((shape, shape) for shape in profile) for profile in PROFILES[strategy]]

    found = counts.profiles(model)

    assert sorted(found) == sorted(expected)
    if strategy == "Range+Optimal":
        assert found[-1] == expected[-1], "the first profile that takes a shape wins: the range comes last"


@pytest.mark.parametrize("strategy", STRATEGIES)
def test_manifest_tells_profiles_and_strategy(strategy: str, load: Load) -> None:
    model = load(strategy)
    manifest = read_manifest(Path(model.info.path))

    (engine,) = manifest["engines"]
    assert sorted(map(counts.as_profile, engine["plan"]["profiles"])) == sorted(counts.profiles(model))
    assert manifest["build"]["profile_strategy"] == strategy


@pytest.mark.parametrize(
    ("strategy", "shape"), [(strategy, shape) for strategy in STRATEGIES for shape in ACCEPTED[strategy]]
)
def test_accepted_shape_runs_on_the_engine(
    strategy: str, shape: tuple[int, int], load: Load, workshop: Workshop, check_parity: Callable[..., float]
) -> None:
    model = load(strategy)
    inputs = samples.pair(*shape)
    before = counts.counts(model)

    result = model(inputs)

    assert counts.counts(model) - before == counts.Counts(calls=1, engine_runs=1)
    check_parity([result], workshop.expected("pair", inputs), parity.BOUNDS["FP32"]["small"])


@pytest.mark.parametrize(
    ("strategy", "shape"), [(strategy, shape) for strategy in STRATEGIES for shape in REFUSED[strategy]]
)
def test_other_shape_is_refused(strategy: str, shape: tuple[int, int], load: Load) -> None:
    model = load(strategy)
    before = counts.counts(model)

    with pytest.raises(tftrt.InvalidArgumentError) as refusal:
        model(samples.pair(*shape))

    assert counts.counts(model) - before == counts.Counts(calls=1, errors=1)
    message = str(refusal.value)
    assert f"[{shape[0]}, {shape[1]}]" in message, "the shape is named"
    for minimum, _, maximum in PROFILES[strategy]:
        assert str(list(minimum)) in message, "the profiles are named"
        assert str(list(maximum)) in message, "the profiles are named"


def test_inputs_of_different_shapes_are_refused(load: Load) -> None:
    """Each input is in one profile, but not both in the same."""
    model = load("Optimal")

    with pytest.raises(tftrt.Error):
        model({"a": samples.pair(8, 128)["a"], "b": samples.pair(4, 384)["b"]})
