"""Building: explicit ranges, shapes added and replaced, integers into engines, signatures, failures and interrupts."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import tftrt

from . import counts, parity, processes, samples
from .counts import Counts
from .factory import Arrays
from .workshop import TIMING, Workshop, build, read_manifest

OPTIMAL = {"precision": "FP32", "profile_strategy": "Optimal"}
SHAPES = [{"image": (batch, 16, 16, 3)} for batch in (1, 4)]
SMALL = parity.BOUNDS["FP32"]["small"]


def _image(batch: int) -> tuple[int, ...]:
    return (batch, 16, 16, 3)


def _contents(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_range_of_its_own_with_opt_honoured(
    workshop: Workshop, tmp_path: Path, check_parity: Callable[..., float]
) -> None:
    """A fixed shape and a range in one build; the report tells both."""
    phases: list[tuple[str, float]] = []
    report = build(
        "cnn",
        workshop.converted("cnn", **OPTIMAL),
        conversion=OPTIMAL,
        shapes=_image(1),
        min_shapes=_image(2),
        opt_shapes={"image": _image(6)},
        max_shapes={"image": _image(16)},
        output=tmp_path / "out",
        progress=lambda phase, done: phases.append((phase, done)),
    )
    expected = [tuple((_image(batch),) for batch in batches) for batches in ((1, 1, 1), (2, 6, 16))]

    json.dumps(report.to_dict())
    assert str(report)
    fractions = [done for _, done in phases]
    assert fractions == sorted(fractions)
    assert fractions[-1] == 1.0
    manifest = read_manifest(tmp_path / "out")
    (engine,) = manifest["engines"]
    assert sorted(map(counts.as_profile, engine["plan"]["profiles"])) == expected
    ranges = [request for request in manifest["build"]["requests"] if request["role"] == "range"]
    assert [request["opt"]["image"] for request in ranges] == [list(_image(6))]

    inputs = [samples.image(batch, seed=batch) for batch in (1, 2, 6, 16)]
    with tftrt.Model(tmp_path / "out", on_miss="error") as model:
        assert sorted(counts.profiles(model)) == expected
        before = counts.counts(model)
        results = [model(arrays) for arrays in inputs]
        assert counts.counts(model) - before == Counts(calls=4, engine_runs=4)
        with pytest.raises(tftrt.InvalidArgumentError):
            model(samples.image(17))
    check_parity(results, workshop.expected("cnn", *inputs), SMALL)


def test_further_shapes_are_added_or_replace(workshop: Workshop, copy_of: Callable[[Path], Path]) -> None:
    model = copy_of(workshop.built("cnn", OPTIMAL, shapes=SHAPES))

    build("cnn", model, conversion=OPTIMAL, shapes=_image(8), keep=True)
    assert _batches(model) == [1, 4, 8]

    build("cnn", model, conversion=OPTIMAL, data=[samples.image(2)], keep=False)
    assert _batches(model) == [2]


def _batches(path: Path) -> list[int]:
    """The batches with a profile of their own; each is run."""
    with tftrt.Model(path, on_miss="error") as model:
        batches = sorted(maximum[0][0] for _, _, maximum in counts.profiles(model))
        before = counts.counts(model)
        for batch in batches:
            model(samples.image(batch))
        assert counts.counts(model) - before == Counts(calls=len(batches), engine_runs=len(batches))
    return batches


def test_integers_go_into_an_engine(workshop: Workshop, check_parity: Callable[..., float]) -> None:
    inputs = [samples.ids(batch, seed=batch) for batch in (1, 3, 8)]
    expected = workshop.expected("lookup", *inputs)
    with tftrt.Model(workshop.converted("lookup"), on_miss="native") as model:
        check_parity([model(arrays) for arrays in inputs], expected, SMALL, runs="native on the GPU")

    path = workshop.built("lookup", shapes=[{"ids": (1, 12)}, {"ids": (8, 12)}])
    with tftrt.Model(path, on_miss="error") as model:
        engines = model.info.engines_ready
        assert engines >= 1
        before = counts.counts(model)
        results = [model(arrays) for arrays in inputs]
        assert counts.counts(model) - before == Counts(calls=3, engine_runs=3 * engines)
    check_parity(results, expected, SMALL, runs="engine")
    with tftrt.Model(path, on_miss="native") as model:
        missed = samples.ids(11)
        check_parity([model(missed)], workshop.expected("lookup", missed), SMALL, runs="native segment on the GPU")


def test_each_signature_has_engines(workshop: Workshop, check_parity: Callable[..., float]) -> None:
    path = workshop.built("two_signatures", shapes=SHAPES)
    inputs = samples.image(4)
    with tftrt.Model(path, on_miss="error") as model:
        for name in ("serving_default", "embed"):
            before = counts.counts(model)
            result = model.with_signature(name)(inputs)
            delta = counts.counts(model) - before
            assert delta.calls == 1
            assert delta.engine_runs >= 1
            assert delta.native_runs == delta.builds == 0
            check_parity([result], workshop.expected("two_signatures", inputs, signature=name), SMALL, signature=name)
        assert all(runs for runs in counts.engine_runs(model).values()), "no engine is idle"


def test_command_line_builds(workshop: Workshop, tmp_path: Path, record: Callable[..., None]) -> None:
    out = tmp_path / "out"
    np.savez(tmp_path / "data.npz", **samples.image(3))
    command = ["-m", "tftrt", "build", str(workshop.converted("cnn", **OPTIMAL)), "--output", str(out), "--json"]
    command += ["--shapes", "image:1x16x16x3", "--data", str(tmp_path / "data.npz")]
    command += ["--timing-cache", str(TIMING / "common"), "--no-plan-cache"]

    result = processes.run(*command)

    record(report=json.loads(result.stdout))
    with tftrt.Model(out, on_miss="error") as model:
        assert sorted(maximum[0][0] for _, _, maximum in counts.profiles(model)) == [1, 3]


def test_failed_build_names_the_engine_and_leaves_the_model(
    workshop: Workshop, copy_of: Callable[[Path], Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    """TF-TRT has a switch that makes every engine fail."""
    model = copy_of(workshop.built("cnn", OPTIMAL, shapes=SHAPES))
    files = _contents(model)
    monkeypatch.setenv("TF_TRT_ABORT_CUDA_ENGINE_BUILD", "true")

    with pytest.raises(tftrt.InternalError) as failure:
        tftrt.build(model, shapes=_image(8), timing_cache=False, plan_cache=False)

    assert read_manifest(model)["engines"][0]["name"] in str(failure.value)
    assert _contents(model) == files
    assert sorted(path.name for path in model.parent.iterdir()) == [model.name]


BUILD_IN_PLACE = """
import sys
import tftrt

def tell(phase, done):
    print(phase, flush=True)

tftrt.build(sys.argv[1], shapes=(32, 32, 32, 16), timing_cache=False, plan_cache=False, progress=tell)
print("finished", flush=True)
"""


@pytest.mark.parametrize(
    ("number", "codes"),
    # Python itself ends by the signal, or with 1 and a traceback of KeyboardInterrupt.
    [(signal.SIGINT, (1, 130, -signal.SIGINT)), (signal.SIGKILL, (-signal.SIGKILL,))],
    ids=["SIGINT", "SIGKILL"],
)
def test_interrupted_build_leaves_the_old_model_and_no_process(
    number: signal.Signals, codes: tuple[int, ...], workshop: Workshop, copy_of: Callable[[Path], Path]
) -> None:
    model = copy_of(workshop.built("wide", {"precision": "FP16"}, shapes=(2, 32, 32, 16)))
    files = _contents(model)
    process = subprocess.Popen(
        [sys.executable, "-c", BUILD_IN_PLACE, str(model)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=processes.environment(),
    )
    try:
        # The tactics of this model take longer than a small model's whole build: it is under way in a few seconds.
        assert process.stdout is not None
        for line in process.stdout:
            if line.lower().startswith("build"):
                break
        assert processes.wait_until(lambda: bool(processes.descendants(process.pid)), 30)
        assert not processes.wait_until(lambda: process.poll() is not None, 1), "it should still be building"
        children = processes.descendants(process.pid)
        os.kill(process.pid, number)
        output, _ = process.communicate(timeout=30)
    finally:
        process.kill()
        process.communicate()

    assert process.returncode in codes
    assert "finished" not in output
    assert processes.wait_until(lambda: not any(map(processes.is_running, children)), 15)
    assert _contents(model) == files
    if number == signal.SIGINT:
        assert sorted(path.name for path in model.parent.iterdir()) == [model.name]
    with tftrt.Model(model, on_miss="error") as loaded:
        before = counts.counts(loaded)
        inputs: Arrays = samples.feature_map(2)
        loaded(inputs)
        assert counts.counts(loaded) - before == Counts(calls=1, engine_runs=1)


@pytest.mark.parametrize("strategy", ["Range", "Optimal", "Range+Optimal"])
@pytest.mark.parametrize("range_of_its_own", [False, True])
def test_vectors_of_integers_may_have_any_length(
    workshop: Workshop, check_parity: Callable[..., float], strategy: str, range_of_its_own: bool
) -> None:
    """A vector of up to eight integers looks like a shape, and a shape has one length."""

    def given(rows: int) -> Arrays:
        random = np.random.default_rng(rows)
        x = random.standard_normal((rows, 16)).astype(np.float32)
        return {"x": x, "length": np.arange(rows, dtype=np.int32)}

    inputs = [given(rows) for rows in (3, 2, 9)]
    options: dict[str, Any] = {"data": inputs}
    if range_of_its_own:
        shapes = {rows: {"x": (rows, 16), "length": (rows,)} for rows in (1, 4, 16)}
        options = {"min_shapes": shapes[1], "opt_shapes": shapes[4], "max_shapes": shapes[16]}
    path = workshop.built("lengths", {"profile_strategy": strategy, "minimum_segment_size": 1}, **options)
    with tftrt.Model(path) as model:
        before = counts.counts(model)
        results = [model(arrays) for arrays in inputs]
        assert (counts.counts(model) - before).engine_runs >= len(inputs)
    check_parity(results, workshop.expected("lengths", *inputs), SMALL)


def test_what_tensorrt_gets_wrong_stays_outside(workshop: Workshop, check_parity: Callable[..., float]) -> None:
    inputs = {"x": np.random.default_rng(1).standard_normal((4, 16)).astype(np.float32)}
    path = workshop.built("backwards", {"minimum_segment_size": 1}, data=[inputs])
    with tftrt.Model(path, on_miss="error") as model:
        assert model.info.engines_ready == 2
        check_parity([model(inputs)], workshop.expected("backwards", inputs), SMALL)


def test_rebuilding_in_place_replaces_a_model_that_is_loaded(
    workshop: Workshop, copy_of: Callable[[Path], Path], check_parity: Callable[..., float]
) -> None:
    """The loaded one goes on with its own engines."""
    path = copy_of(workshop.built("cnn", OPTIMAL, shapes=SHAPES))
    inputs = samples.image(4)
    with tftrt.Model(path, on_miss="error") as model:
        build("cnn", path, conversion=OPTIMAL, shapes=_image(8))
        before = counts.counts(model)
        result = model(inputs)
        assert counts.counts(model) - before == Counts(calls=1, engine_runs=1)
    check_parity([result], workshop.expected("cnn", inputs), SMALL)
    assert _batches(path) == [8]
