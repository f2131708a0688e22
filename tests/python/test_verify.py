"""tftrt.verify and ``tftrt verify``: what is compared, what passes, and what is said."""

from __future__ import annotations

import functools
import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import ml_dtypes
import numpy as np
import pytest

import models
import tftrt
from tftrt import verification
from tftrt._comparison import Comparer, OutputComparison
from tftrt.cli import main
from tftrt.verification import verify

ATOL, RTOL = 0.125, 0.25  # exact in binary
INF, NAN = float("inf"), float("nan")

Exported = Callable[[str], Path]


def compare(a: Any, b: Any, dtype: Any = np.float64) -> OutputComparison:
    comparer = Comparer("y", np.dtype(dtype), ATOL, RTOL)
    comparer.add(1, np.asarray(a, dtype), np.asarray(b, dtype))
    return comparer.result


@pytest.fixture(scope="module")
def other_cnn(tensorflow: Any, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The model cnn with other weights."""
    directory = tmp_path_factory.mktemp("verify") / "other_cnn"
    tensorflow.call(functools.partial(models.cnn, str(directory), seed=1))
    return directory


# Comparing arrays


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64, np.complex64, ml_dtypes.bfloat16])
@pytest.mark.parametrize(
    ("a", "b", "differing"),
    [
        ([1.375], [1.0], 0),  # just within atol + rtol * |b|
        ([1.5], [1.0], 1),
        ([1.0], [1.5], 0),  # relative to b
        ([-1.375, 0.125, 0.0], [-1.0, 0.0, -0.0], 0),
        ([NAN, INF, -INF], [NAN, INF, -INF], 0),
        ([NAN, INF, INF, 1.0, INF], [1.0, 1.0, -INF, NAN, NAN], 5),
        ([], [], 0),
    ],
)
def test_tolerances(dtype: Any, a: list[float], b: list[float], differing: int) -> None:
    result = compare(a, b, dtype)
    assert (result.elements, result.differing, result.passed) == (len(a), differing, not differing)


@pytest.mark.parametrize(
    ("a", "b", "dtype", "differing"),
    [
        ([1, 2, 3], [1, 3, 4], np.int32, 2),
        ([2**63, 2**63 + 1], [2**63, 2**63], np.uint64, 1),
        ([True, False], [True, True], np.bool_, 1),
        ([b"a", b"b"], [b"a", b"a"], object, 1),
        (b"a", b"b", object, 1),
        ([], [], object, 0),
    ],
)
def test_what_is_no_float_compares_exactly(a: Any, b: Any, dtype: Any, differing: int) -> None:
    result = compare(a, b, dtype)
    assert (result.differing, result.passed) == (differing, not differing)
    assert result.max_abs_error is result.max_rel_error is result.cosine_similarity is result.top1_agreement is None


def test_figures() -> None:
    result = compare([[1.0, 2.0, 0.0], [3.0, 1.0, NAN]], [[1.0, 4.0, 0.5], [1.0, 2.0, NAN]])
    assert (result.elements, result.differing, result.non_finite) == (6, 4, 1)
    assert (result.max_abs_error, result.max_rel_error) == (2.0, 2.0)
    assert result.cosine_similarity == pytest.approx(14 / np.sqrt(15 * 22.25))
    assert result.top1_agreement == 1.0
    assert result.dtype == "float64"


def test_figures_over_batches() -> None:
    comparer = Comparer("y", np.dtype(np.float32), ATOL, RTOL)
    for number, (a, b) in enumerate([([[1, 0]], [[1, 0]]), ([[1, 0]], [[0, 1]]), ([[0, 2]], [[0, 1]])], 1):
        comparer.add(number, np.array(a, np.float32), np.array(b, np.float32))
    result = comparer.result
    assert (result.elements, result.differing, result.max_abs_error, result.max_rel_error) == (6, 3, 1.0, 1.0)
    assert result.cosine_similarity == 0.0
    assert result.top1_agreement == pytest.approx(2 / 3)


@pytest.mark.parametrize(
    ("a", "b", "cosine"),
    [
        ([1e300, -1e300], [1e300, -1e300], 1.0),
        ([1e-300, 0.0], [-1e-300, 0.0], -1.0),
        ([0.0, 0.0], [0.0, 0.0], None),
        ([1j, 1.0], [1j, -1.0], 0.0),
        (3.0, 2.0, 1.0),
    ],
)
def test_cosine(a: Any, b: Any, cosine: float | None) -> None:
    dtype = np.complex128 if np.iscomplexobj(a) else np.float64
    assert compare(a, b, dtype).cosine_similarity == (None if cosine is None else pytest.approx(cosine))


def test_figures_are_json() -> None:
    for result in (compare([1e308, 1.0], [-1e308, 5e-324]), compare([NAN], [NAN]), compare([], [])):
        json.dumps(result.to_dict(), allow_nan=False)


def test_other_dtypes_and_shapes_are_problems() -> None:
    comparer = Comparer("y", np.dtype(np.float32), ATOL, RTOL)
    comparer.add(1, np.zeros((2, 3), np.float32), np.zeros((2, 3), np.float32))
    comparer.add(2, np.zeros((2, 3), np.float32), np.zeros((3, 2), np.float32))
    comparer.add(3, np.zeros(1, np.float32), np.zeros(1, np.float16))
    assert comparer.result.problem == "batch 2: shape [2, 3] against [3, 2]"
    assert not comparer.result.passed
    comparer = Comparer("y", np.dtype(object), ATOL, RTOL)
    comparer.add(1, np.array([b"1"], object), np.array([1], np.int32))
    assert comparer.result.problem == "dtype string against int32"


# Comparing models


@pytest.mark.parametrize(
    ("name", "signature", "shapes"),
    [
        ("cnn", None, {"image": (3, 8, 8, 3)}),
        ("encoder", None, {"ids": (2, 5), "mask": (2, 5)}),
        ("string_lookup", None, None),
        ("scalar", None, None),
        ("no_inputs", None, None),
        ("shared_weights", "features", None),
    ],
)
def test_a_converted_model_equals_its_source(
    exported: Exported, converted_of: Exported, name: str, signature: str | None, shapes: Any
) -> None:
    converted, source = converted_of(name), exported(name)
    result = verify(converted, source, batches=2, shapes=shapes, signature=signature, device="cpu")
    assert result.passed, str(result)
    assert result.batches == 2
    assert [output.problem for output in result.outputs] == [""] * len(result.outputs)
    assert (result.model.path, result.against.path) == (str(converted), str(source))
    assert (result.against.engines, result.against.inlined) == (0, 0)
    assert result.model.device == "cpu"
    assert result.model.engines == result.model.inlined
    assert (result.model.engine_runs, result.model.native_runs) == (0, 0)
    with tftrt.Model(source, result.signature) as model:
        assert [output.name for output in result.outputs] == [spec.name for spec in model.outputs]


def test_other_weights_differ(exported: Exported, other_cnn: Path) -> None:
    result = verify(exported("cnn"), other_cnn, unknown=4, device="cpu")
    (output,) = result.outputs
    assert not result.passed
    assert (output.name, output.elements) == ("probabilities", 16)
    assert output.differing > 0
    assert output.max_abs_error is not None
    assert output.max_abs_error > 1e-3
    text = str(result)
    assert "FAILED: 1 of 1 output differ" in text
    assert str(other_cnn) in text
    assert verify(exported("cnn"), other_cnn, unknown=4, device="cpu", atol=1).passed
    assert not verify(exported("cnn"), other_cnn, unknown=4, device="cpu", atol=0, rtol=0).passed


def test_the_seed_makes_the_values(exported: Exported, other_cnn: Path) -> None:
    first, again, other = (
        verify(exported("cnn"), other_cnn, seed=seed, device="cpu").outputs[0].max_abs_error for seed in (1, 1, 2)
    )
    assert first == again != other


def test_given_data(exported: Exported, other_cnn: Path, tmp_path: Path) -> None:
    images = np.random.default_rng(0).random((3, 2, 8, 8, 3), dtype=np.float32)
    np.savez(tmp_path / "images.npz", image=images[0])
    np.save(tmp_path / "images.npy", images[1])
    with tftrt.Model(exported("cnn")) as one, tftrt.Model(other_cnn) as other:
        errors = [np.abs(one(batch)["probabilities"].astype(float) - other(batch)["probabilities"]) for batch in images]
    files = [tmp_path / "images.npz", tmp_path / "images.npy"]
    for data, wanted in (
        (list(images), errors),
        ([{"image": images[2]}], errors[2:]),
        (iter(images), errors),
        (lambda: images[:1], errors[:1]),
        (files[0], errors[:1]),
        (files, errors[:2]),
    ):
        result = verify(exported("cnn"), other_cnn, data=data)
        assert result.batches == len(wanted)
        assert result.outputs[0].max_abs_error == pytest.approx(np.max(wanted))


def test_renamed_outputs_are_mismatches(exported: Exported, tmp_path: Path) -> None:
    source, renamed = exported("cnn"), tmp_path / "renamed"
    shutil.copytree(source, renamed)
    graph = renamed / "saved_model.pb"
    graph.write_bytes(graph.read_bytes().replace(b"probabilities", b"certainties__"))
    result = verify(source, renamed)
    assert [(output.name, output.problem) for output in result.outputs] == [
        ("certainties__", f'"{source}" has no such output'),
        ("probabilities", f'"{renamed}" has no such output'),
    ]
    assert not result.passed
    assert "has no such output" in str(result)


def test_other_shapes_of_outputs_are_mismatches(exported: Exported, tensorflow: Any, tmp_path: Path) -> None:
    narrow = tmp_path / "narrow"
    tensorflow.call(functools.partial(models.encoder, str(narrow), width=8))
    result = verify(exported("encoder"), narrow)
    assert [output.problem for output in result.outputs] == [
        "batch 1: shape [1, 1, 16] against [1, 1, 8]",
        "batch 1: shape [1, 16] against [1, 8]",
    ]


def test_one_model_at_a_time(exported: Exported, monkeypatch: pytest.MonkeyPatch) -> None:
    loaded: list[tftrt.Model] = []

    def load(*args: Any, **options: Any) -> tftrt.Model:
        assert all(model.closed for model in loaded)
        assert options["on_miss"] == "error"
        loaded.append(tftrt.Model(*args, **options))
        return loaded[-1]

    monkeypatch.setattr(verification, "Model", load)
    assert verify(exported("cnn"), exported("cnn"), on_miss="error").passed
    assert len(loaded) == 2
    assert all(model.closed for model in loaded)


@pytest.mark.parametrize(
    ("options", "parts"),
    [
        ({"atol": -1}, ["atol", "-1"]),
        ({"rtol": NAN}, ["rtol", "nan"]),
        ({"rtol": "1"}, ["rtol", "'1'"]),
        ({"batches": 0}, ["batches", "0"]),
        ({"unknown": 0}, ["unknown", "0"]),
        ({"seed": -1}, ["seed", "-1"]),
        ({"shapes": {"picture": (1, 8, 8, 3)}}, ["'picture'", "image: float32[?, 8, 8, 3]"]),
        ({"shapes": {"image": (1, 2)}}, ["image", "[1, 2]", "batch 1"]),
        ({"signature": "none"}, ['"none"', "serving_default"]),
        ({"tags": "gpu"}, ["gpu"]),
        ({"device": "tpu"}, ["tpu"]),
        ({"on_miss": "maybe"}, ["maybe"]),
        ({"data": []}, ["at least one batch"]),
        ({"data": {"image": 1}}, ["list"]),
        ({"data": [np.zeros((1, 2), np.float32)]}, ["batch 1", "[1, 2]"]),
        ({"data": [np.zeros((1, 8, 8, 3), np.float32)], "batches": 2}, ["batches"]),
    ],
)
def test_wrong_arguments(exported: Exported, options: dict[str, Any], parts: list[str]) -> None:
    with pytest.raises(tftrt.InvalidArgumentError) as raised:
        verify(exported("cnn"), exported("cnn"), **options)
    for part in parts:
        assert part in str(raised.value)


def test_models_that_do_not_take_the_same(exported: Exported, tmp_path: Path) -> None:
    cnn, encoder = exported("cnn"), exported("encoder")
    with pytest.raises(tftrt.InvalidArgumentError) as raised:
        verify(cnn, encoder)
    for part in (str(cnn), str(encoder), "image: float32[?, 8, 8, 3]", "ids: int32[?, ?]; mask: int32[?, ?]"):
        assert part in str(raised.value)
    with pytest.raises(tftrt.InvalidArgumentError, match="same inputs"):  # the same names, but not shapes
        verify(exported("scalar"), exported("passthrough"))
    with pytest.raises(tftrt.ModelError, match="nothing"):
        verify(cnn, tmp_path / "nothing")


def test_any_number_of_dimensions_needs_a_shape(exported: Exported) -> None:
    model = exported("any_rank")
    (spec, *_) = tftrt.inspect(model).signatures[0].inputs
    with pytest.raises(tftrt.InvalidArgumentError, match="any number of dimensions"):
        verify(model, model)
    assert verify(model, model, shapes={spec.name: (2, 3)}).passed


# The command


def test_command(exported: Exported, converted_of: Exported, capsys: pytest.CaptureFixture[str]) -> None:
    words = ["verify", str(converted_of("cnn")), "--against", str(exported("cnn"))]
    assert main([*words, "--batches", "3", "--shape", "2", "--device", "cpu"]) == 0
    captured = capsys.readouterr()
    assert captured.err == ""
    for part in ("3 batches", "probabilities", "float32", "24", "100.00%", "passed: 1 output the same"):
        assert part in captured.out


def test_command_exits_with_1_on_mismatch(
    exported: Exported, other_cnn: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["verify", str(exported("cnn")), "--against", str(other_cnn), "--json"]
    assert main(words) == 1
    captured = capsys.readouterr()
    result = json.loads(captured.out)
    assert captured.err == ""
    assert result["passed"] is False
    assert (result["atol"], result["rtol"], result["batches"]) == (1e-3, 1e-3, 1)
    assert result["outputs"][0]["differing"] > 0
    assert result["against"]["path"] == str(other_cnn)
    assert main([*words, "--atol", "0.9", "--rtol", "0"]) == 0
    assert json.loads(capsys.readouterr().out)["passed"] is True


@pytest.mark.parametrize("name", ["all_dtypes", "encoder", "string_lookup"])
def test_saved_inputs_can_be_given(
    exported: Exported, tmp_path: Path, capsys: pytest.CaptureFixture[str], name: str
) -> None:
    words = ["verify", str(exported(name)), "--against", str(exported(name)), "--shape", "4"]
    one, two = tmp_path / "one.npz", tmp_path / "two.npz"
    assert main([*words, "--seed", "7", "--save-inputs", str(one)]) == 0
    assert main([*words, "--input", str(one), "--save-inputs", str(two)]) == 0
    with np.load(one) as made_up, np.load(two) as given:
        assert made_up.files == given.files
        for key in made_up.files:
            np.testing.assert_array_equal(made_up[key], given[key])
    assert main([*words, "--batches", "2", "--save-inputs", str(tmp_path / "many.npz")]) == 0
    assert sorted(path.name for path in tmp_path.glob("many*")) == ["many.1.npz", "many.2.npz"]


def test_some_inputs_given_and_the_rest_made_up(
    exported: Exported, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    np.save(tmp_path / "ids.npy", np.ones((2, 3), np.int32))
    words = ["verify", str(exported("encoder")), "--against", str(exported("encoder"))]
    words += ["--input", f"ids={tmp_path / 'ids.npy'}"]
    assert main(words) == 1
    assert "'mask'" in capsys.readouterr().err
    words += ["--random", "--shape", "mask:2x3", "--batches", "2"]
    assert main([*words, "--save-inputs", str(tmp_path / "all.npz")]) == 0
    with np.load(tmp_path / "all.1.npz") as first, np.load(tmp_path / "all.2.npz") as second:
        np.testing.assert_array_equal(first["ids"], second["ids"])
        assert (first["mask"] != second["mask"]).any()


@pytest.mark.parametrize(
    ("words", "code", "part"),
    [
        (["--against", "MODEL", "--batches", "0"], 2, "--batches 0"),
        (["--against", "MODEL", "--save-inputs", "x.txt"], 2, ".npz"),
        (["--against", "MODEL", "--shape", "a"], 2, "--shape a"),
        (["--against", "MODEL", "--shape", "nothing:1"], 1, "'nothing'"),
        (["--against", "MODEL", "--input", "missing.npy"], 1, "missing.npy"),
        (["--against", "MODEL", "--input", "IMAGE", "--batches", "2"], 1, "--batches 2"),
        (["--against", "nothing"], 1, "nothing"),
        (["--against", "MODEL", "--signature", "none"], 1, "none"),
        ([], 2, "--against"),
    ],
)
def test_command_errors(
    exported: Exported, tmp_path: Path, capsys: pytest.CaptureFixture[str], words: list[str], code: int, part: str
) -> None:
    np.save(tmp_path / "image.npy", np.zeros((1, 8, 8, 3), np.float32))
    places = {"MODEL": str(exported("cnn")), "IMAGE": str(tmp_path / "image.npy")}
    assert main(["verify", str(exported("cnn")), *(places.get(word, word) for word in words)]) == code
    captured = capsys.readouterr()
    assert captured.out == ""
    assert part in captured.err
