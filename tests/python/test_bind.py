"""Bound calls: arrays that stay where they are, and what may be bound."""

from __future__ import annotations

import gc
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import runtime_models
import tftrt
from conftest import TensorFlow


@pytest.fixture(scope="module")
def model(exported: Callable[[str], Path]) -> tftrt.Model:
    return tftrt.Model(exported("cnn"), device="cpu")


def images(batch: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).standard_normal((batch, 8, 8, 3)).astype(np.float32)


def test_runs_read_and_write_the_same_arrays(model: tftrt.Model) -> None:
    runner = model.bind(image=(2, 8, 8, 3))
    assert isinstance(runner, tftrt.Runner)
    assert list(runner.inputs) == ["image"]
    assert not runner.inputs["image"].any()
    assert dict(runner.outputs) == {}
    output = None
    for seed in range(3):
        runner.inputs["image"][...] = images(2, seed)
        results = runner.run()
        (name,) = results
        assert output is None or results[name] is output
        output = results[name]
        np.testing.assert_array_equal(output, model(images(2, seed))[name])


def test_the_callers_array_is_read_where_it_lies(model: tftrt.Model) -> None:
    array = images(1)
    runner = model.bind({"image": array})
    assert runner.inputs["image"].ctypes.data == array.ctypes.data
    for seed in range(2):
        array[...] = images(1, seed)
        (result,) = runner.run().values()
        np.testing.assert_array_equal(result, next(iter(model(images(1, seed)).values())))


def test_runs_write_to_the_callers_array(model: tftrt.Model) -> None:
    name = model.outputs[0].name
    expected = model(images(2))[name]
    array = np.zeros_like(expected)
    runner = model.bind({"image": images(2)}, into={name: array})
    results = runner.run()
    np.testing.assert_array_equal(array, expected)
    assert results[name].ctypes.data == array.ctypes.data


def test_arrays_that_no_output_can_be_written_to(model: tftrt.Model) -> None:
    name = model.outputs[0].name
    shape = model(images(2))[name].shape
    read_only = np.zeros(shape, np.float32)
    read_only.flags.writeable = False
    for array, message in (
        (read_only, "read-only"),
        (np.zeros((*shape, 2), np.float32)[..., 0], "only a copy of it could be written"),
        (np.zeros(shape, np.float64), "dtype float64; expected"),
        ([0.0], "only a copy of it could be written"),
    ):
        with pytest.raises(tftrt.InvalidArgumentError, match=message):
            model.bind({"image": images(2)}, into={name: array})
    with pytest.raises(tftrt.InvalidArgumentError, match="no output that was asked for"):
        model.bind({"image": images(2)}, into={"image": images(2)})
    with pytest.raises(tftrt.InvalidArgumentError, match="into is a list; expected a dict"):
        model.bind({"image": images(2)}, into=[np.zeros(shape, np.float32)])


def test_only_the_outputs_asked_for(exported: Callable[[str], Path]) -> None:
    model = tftrt.Model(exported("encoder"), device="cpu")
    shapes = {spec.name: (1, 5) for spec in model.inputs}
    wanted = model.outputs[-1].name
    assert list(model.bind(shapes, [wanted]).run()) == [wanted]


def test_inputs_of_fixed_shape_may_be_left_out(exported: Callable[[str], Path]) -> None:
    model = tftrt.Model(exported("scalar"), device="cpu")
    (spec,) = model.inputs
    assert model.bind().inputs[spec.name].shape == spec.shape == ()


def test_arrays_outlive_runner_and_model(exported: Callable[[str], Path]) -> None:
    model = tftrt.Model(exported("cnn"), device="cpu")
    runner = model.bind(image=(1, 8, 8, 3))
    array = runner.inputs["image"]
    (output,) = runner.run().values()
    expected = output.copy()
    model.close()
    with pytest.raises(tftrt.InvalidArgumentError, match="closed"):
        runner.run()
    del runner, model
    gc.collect()
    array[...] = 1
    np.testing.assert_array_equal(output, expected)


def test_mappings_are_read_only(model: tftrt.Model) -> None:
    runner = model.bind(image=(1, 8, 8, 3))
    with pytest.raises(TypeError):
        runner.inputs["image"] = images(1)  # type: ignore[index]


@pytest.mark.parametrize(
    ("inputs", "message"),
    [
        ({"image": (1, 8, 8)}, "another number of dimensions"),
        ({"image": (-1, 8, 8, 3)}, "negative"),
        ({"image": images(1).astype(np.float64)}, "does not cast"),
        ({"image": images(2)[::2]}, None),
        ({"image": images(1)[..., ::-1]}, "C-contiguous"),
        ({"image": images(1).astype(">f4")}, "native"),
        ({"image": images(1).tolist()}, "cannot be bound to this list"),
        ({"image": "abc"}, "cannot be bound to this str"),
        ({"picture": (1, 8, 8, 3)}, 'no input "picture"'),
        ({}, "is missing"),
        ([1], "expected a dict"),
    ],
)
def test_what_cannot_be_bound(model: tftrt.Model, inputs: Any, message: str | None) -> None:
    if message is None:
        model.bind(inputs).run()
        return
    with pytest.raises(tftrt.InvalidArgumentError, match=message):
        model.bind(inputs)


def test_strings_cannot_be_bound(exported: Callable[[str], Path]) -> None:
    model = tftrt.Model(exported("string_lookup"), device="cpu")
    with pytest.raises(tftrt.UnsupportedError, match="strings"):
        model.bind({spec.name: (2,) for spec in model.inputs})


def test_each_thread_has_its_own_runner(model: tftrt.Model) -> None:
    def work(seed: int) -> None:
        runner = model.bind(image=(1, 8, 8, 3))
        runner.inputs["image"][...] = images(1, seed)
        (expected,) = (value.copy() for value in model(images(1, seed)).values())
        for _ in range(200):
            (result,) = runner.run().values()
            np.testing.assert_array_equal(result, expected)

    with ThreadPoolExecutor(4) as threads:
        list(threads.map(work, range(4)))


@pytest.mark.parametrize(
    ("options", "message"),
    [({"instances": 0}, "instances is 0"), ({"cuda_graphs": "yes"}, 'expected "auto", "on" or "off"')],
)
def test_options_are_checked_without_a_gpu_too(exported: Callable[[str], Path], options: Any, message: str) -> None:
    with pytest.raises(tftrt.InvalidArgumentError, match=message):
        tftrt.Model(exported("cnn"), device="cpu", **options)


def test_gpu_memory_needs_a_model_on_a_gpu(model: tftrt.Model) -> None:
    for name in (model.inputs[0].name, model.outputs[0].name):
        with pytest.raises(tftrt.UnsupportedError, match="a model that runs there, not on cpu"):
            model.bind(image=(1, 8, 8, 3), on_gpu=[name])
    with pytest.raises(tftrt.InvalidArgumentError, match='on_gpu names "nothing"'):
        model.bind(image=(1, 8, 8, 3), on_gpu=["nothing"])
    with pytest.raises(tftrt.InvalidArgumentError, match="on_gpu is the string"):
        model.bind(image=(1, 8, 8, 3), on_gpu="image")


def test_a_stream_needs_a_model_on_a_gpu(model: tftrt.Model) -> None:
    runner = model.bind(image=(1, 8, 8, 3))
    with pytest.raises(tftrt.UnsupportedError, match="not on cpu"):
        runner.run(stream=0)
    with pytest.raises(tftrt.InvalidArgumentError, match="stream is 'x'; expected a stream of PyTorch or CuPy"):
        runner.run(stream="x")
    assert runner.run()


@pytest.fixture(scope="module")
def passing(tensorflow: TensorFlow, tmp_path_factory: pytest.TempPathFactory) -> tftrt.Model:
    directory = tmp_path_factory.mktemp("bind") / "passing"
    tensorflow.call(runtime_models.passing, str(directory))
    return tftrt.Model(directory, device="cpu")


ALIGNED = 16


@pytest.mark.parametrize("aligned", [True, False])
def test_an_output_in_an_inputs_memory(passing: tftrt.Model, aligned: bool) -> None:
    """The state of a loop, in place: outputs that are the input have what it was."""
    state = tftrt.empty((ALIGNED + 1,), "float32")[0 if aligned else 1 :][:ALIGNED]
    other = tftrt.empty((ALIGNED,), "float32")
    state[...] = 1
    other[...] = 3
    runner = passing.bind(x=state, z=other, into={"a": state})
    for expected in (1, 5, 13):
        results = runner.run()
        assert {name: value[0] for name, value in results.items()} == {
            "a": 2 * expected + 3,
            "same": expected,
            "behind": expected,
            "other": 3,
        }


def test_inputs_that_change_places(passing: tftrt.Model) -> None:
    first, second = tftrt.empty((ALIGNED,), "float32"), tftrt.empty((ALIGNED,), "float32")
    first[...], second[...] = 1, 2
    runner = passing.bind(x=first, z=second, outputs=["same", "other"], into={"same": second, "other": first})
    for values in ((2, 1), (1, 2)):
        runner.run()
        assert (first[0], second[0]) == values


def test_two_outputs_cannot_share_memory(passing: tftrt.Model) -> None:
    array = np.zeros(ALIGNED + 4, np.float32)
    with pytest.raises(tftrt.errors.InvalidArgumentError, match='found that of "same" bound to another output'):
        passing.bind(x=(ALIGNED,), z=(ALIGNED,), into={"a": array[:ALIGNED], "same": array[4:]})
