"""Loading: ready when it returns, fresh processes without a build, several models at once, TensorFlow's own loader."""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import tftrt

from . import counts, parity, processes, samples
from .counts import Counts
from .factory import Arrays
from .workshop import Workshop

SHAPES = [{"image": (batch, 16, 16, 3)} for batch in (1, 4)]
SMALL = parity.BOUNDS["FP32"]["small"]

# "Ready when Load returns": the first call may take this many times the median of later ones, and this much more
# (a thread that is started, a page that is touched). TensorFlow's first kernel launches take seconds.
FIRST_CALL_FACTOR, FIRST_CALL_SECONDS = 10.0, 0.05


@pytest.fixture(params=["explicit", "implicit"])
def path(request: pytest.FixtureRequest, workshop: Workshop) -> Path:
    mode = {"profile_strategy": "Range"} if request.param == "explicit" else {"dynamic_shapes": False}
    return workshop.built("cnn", {"precision": "FP32", **mode}, shapes=SHAPES)


def test_fresh_process_runs_the_engine_without_a_build(
    path: Path,
    workshop: Workshop,
    load_fresh: Callable[..., dict[str, Any]],
    check_parity: Callable[..., float],
) -> None:
    inputs = [samples.image(1), samples.image(4, seed=1)]

    answer = load_fresh(path, inputs, calls=50, on_miss="error")

    assert answer["error"] == "", answer["message"]
    assert answer["engines"] == answer["engines_ready"] == 1
    assert answer["engine_problem"] == answer["tensorrt_problem"] == ""
    assert answer["counts"] == vars(Counts(calls=100, engine_runs=100))
    assert answer["inlined"] == [False]
    assert not answer["tensorflow_python"]
    first, *later = answer["call_seconds"][:50]
    check_parity(
        answer["outputs"],
        workshop.expected("cnn", *inputs),
        SMALL,
        load_seconds=answer["load_seconds"],
        load_phases=answer["phases"],
        first_call_seconds=first,
        median_call_seconds=float(np.median(later)),
    )
    assert first <= FIRST_CALL_FACTOR * np.median(later) + FIRST_CALL_SECONDS


def test_warming_can_be_left_out(path: Path, workshop: Workshop, record: Callable[..., None]) -> None:
    start = time.perf_counter()
    with tftrt.Model(path, on_miss="error", warm_engines=False) as model:
        loaded = time.perf_counter()
        before = counts.counts(model)
        model(samples.image(1))
        record(load_seconds=loaded - start, first_call_seconds=time.perf_counter() - loaded)
        assert counts.counts(model) - before == Counts(calls=1, engine_runs=1)


def _countable(batch: int) -> Arrays:
    return {"x": np.abs(np.random.default_rng(batch).standard_normal((batch, 16))).astype(np.float32)}


@pytest.mark.parametrize("strategy", ["Range", "Optimal"])
@pytest.mark.parametrize("cuda_graphs", ["auto", "off"])
def test_loading_leaves_state_alone(workshop: Workshop, strategy: str, cuda_graphs: str) -> None:
    """The engines are run by themselves: a call would count, and the model refuses zeros."""
    data = [_countable(batch) for batch in (1, 4)]
    path = workshop.built("counting", {"profile_strategy": strategy, "minimum_segment_size": 1}, data=data)
    expected = workshop.expected("counting", *data)
    with tftrt.Model(path, on_miss="error", cuda_graphs=cuda_graphs) as model:
        assert model.info.engines == model.info.engines_ready > 0
        assert counts.counts(model) == Counts()
        for number in range(6):
            with pytest.raises(tftrt.InvalidArgumentError, match="nothing to count"):
                model({"x": np.zeros((4, 16), np.float32)})
            found = model(data[number % 2])
            assert found["calls"] == number + 1
            assert parity.error({"y": found["y"]}, {"y": expected[number % 2]["y"]}) <= SMALL


def test_two_models_in_one_process(workshop: Workshop, check_parity: Callable[..., float]) -> None:
    cnn = tftrt.Model(workshop.built("cnn", {"precision": "FP32", "profile_strategy": "Range"}, shapes=SHAPES))
    pair = tftrt.Model(
        workshop.built("pair", shapes=[{"a": s, "b": s} for s in ((8, 128), (4, 384))], profile_strategy="Optimal")
    )
    images, arrays = samples.image(4), samples.pair(8, 128)
    before = counts.counts(cnn), counts.counts(pair)
    results: list[tuple[Arrays, Arrays]] = [(cnn(images), pair(arrays)) for _ in range(10)]

    assert counts.counts(cnn) - before[0] == Counts(calls=10, engine_runs=10)
    assert counts.counts(pair) - before[1] == Counts(calls=10, engine_runs=10)
    check_parity([result for result, _ in results], workshop.expected("cnn", images) * 10, SMALL)
    check_parity([result for _, result in results], workshop.expected("pair", arrays) * 10, SMALL)
    cnn.close()
    before_pair = counts.counts(pair)
    pair(arrays)
    assert counts.counts(pair) - before_pair == Counts(calls=1, engine_runs=1), "closing one leaves the other"
    pair.close()


def test_the_same_model_twice_in_one_process(
    path: Path, workshop: Workshop, check_parity: Callable[..., float]
) -> None:
    """Their engines have the same names."""
    first, second = tftrt.Model(path, on_miss="error"), tftrt.Model(path, on_miss="error")
    inputs = [samples.image(1), samples.image(4, seed=1)]
    results = [model(arrays) for arrays in inputs for model in (first, second)]
    first.close()
    results += [second(arrays) for arrays in inputs]
    expected = workshop.expected("cnn", *inputs)

    check_parity(results, [expected[0], expected[0], expected[1], expected[1], *expected], SMALL)
    second.close()


def test_engines_never_serve_a_model_that_has_none(workshop: Workshop) -> None:
    """One conversion, with engines and without, in one process: their nodes have the same names."""
    conversion = {"precision": "FP32", "profile_strategy": "Optimal"}
    built = workshop.built("cnn", conversion, shapes=SHAPES)
    never_built = workshop.converted("cnn", **conversion)
    with tftrt.Model(built, on_miss="error") as exact, tftrt.Model(never_built, on_miss="native") as never:
        before = counts.counts(exact), counts.counts(never)
        exact(samples.image(4))
        never(samples.image(4))
        assert counts.counts(exact) - before[0] == Counts(calls=1, engine_runs=1)
        assert (counts.counts(never) - before[1]).engine_runs == 0


def test_moved_model_keeps_its_engines(path: Path, copy_of: Callable[[Path], Path], tmp_path: Path) -> None:
    moved = shutil.move(copy_of(path), tmp_path / "elsewhere with space")

    with tftrt.Model(moved, on_miss="error") as model:
        before = counts.counts(model)
        model(samples.image(4))
        assert counts.counts(model) - before == Counts(calls=1, engine_runs=1)


def test_built_model_runs_on_the_cpu(path: Path, workshop: Workshop, check_parity: Callable[..., float]) -> None:
    inputs = samples.image(3)
    with tftrt.Model(path, device="cpu") as model:
        result = model(inputs)
        assert [engine["inlined"] for engine in model.stats()["engines"]] in ([True], [])
        assert counts.counts(model).engine_runs == 0
    check_parity([result], workshop.expected("cnn", inputs), 1e-5)


TENSORFLOW_LOADS = """
import sys
import numpy as np
import tensorflow as tf

assert tf.config.list_physical_devices("GPU")
with np.load(sys.argv[2]) as arrays:
    inputs = {name: tf.constant(arrays[name]) for name in arrays.files}
model = tf.saved_model.load(sys.argv[1])
results = {name: model.signatures["serving_default"](image=image) for name, image in inputs.items()}
# Once more, while the first is there and called.
again = tf.saved_model.load(sys.argv[1])
for other in (again, model):
    for name, image in inputs.items():
        found = other.signatures["serving_default"](image=image)["logits"]
        np.testing.assert_array_equal(found, results[name]["logits"])
np.savez(sys.argv[3], **{name: result["logits"].numpy() for name, result in results.items()})
assert "tftrt" not in sys.modules
"""


def test_tensorflow_itself_runs_what_tftrt_built(
    path: Path, workshop: Workshop, tmp_path: Path, check_parity: Callable[..., float]
) -> None:
    """Without tftrt, in stock TensorFlow; a native segment would be an error there."""
    inputs = [samples.image(1), samples.image(4, seed=1)]
    np.savez(tmp_path / "inputs.npz", **{str(i): arrays["image"] for i, arrays in enumerate(inputs)})
    libraries = _as_tensorflow_wants(tmp_path / "lib")

    processes.run(
        "-c",
        TENSORFLOW_LOADS,
        str(path),
        str(tmp_path / "inputs.npz"),
        str(tmp_path / "results.npz"),
        LD_LIBRARY_PATH=f"{libraries}:{processes.environment().get('LD_LIBRARY_PATH', '')}",
        TF_TRT_ALLOW_ENGINE_NATIVE_SEGMENT_EXECUTION="false",
    )

    with np.load(tmp_path / "results.npz") as results:
        found = [{"logits": results[str(i)]} for i in range(len(inputs))]
    check_parity(found, workshop.expected("cnn", *inputs), SMALL)


def _as_tensorflow_wants(folder: Path) -> Path:
    """A folder with TensorRT under the exact names that TensorFlow asks for, whatever 8.6.x it is."""
    folder.mkdir()
    for library in tftrt._native.inspect_environment().tensorrt:
        found = Path(library.path)
        (folder / f"{library.name}.6.1").symlink_to(found)
        (folder / library.name).symlink_to(found)
    return folder
