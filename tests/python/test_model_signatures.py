"""What a model says about itself, the forms of a call, and the signatures of one model."""

from __future__ import annotations

import itertools
import shutil
from collections import OrderedDict
from collections.abc import Callable, Iterator
from pathlib import Path
from types import MappingProxyType
from typing import Any

import numpy as np
import pytest

import tftrt
from conftest import TensorFlow
from tftrt import _native

Export = Callable[[str], Path]


def floats(seed: int, *shape: int) -> np.ndarray:
    return np.random.default_rng(seed).standard_normal(shape).astype(np.float32)


def described(specs: list[tftrt.TensorSpec]) -> list[tuple[str, np.dtype[Any], tuple[int, ...] | None]]:
    return [(spec.name, spec.dtype, spec.shape) for spec in specs]


@pytest.fixture(scope="module")
def cnn(exported: Export) -> Iterator[tftrt.Model]:
    """``image`` float32 [-1, 8, 8, 3] -> ``probabilities`` [-1, 4]."""
    with tftrt.Model(exported("cnn")) as model:
        yield model


@pytest.fixture(scope="module")
def branching(exported: Export) -> Iterator[tftrt.Model]:
    """``x`` float32 [-1, 4], ``steps`` int32 [], ``up`` bool [] -> ``y`` [-1, 4]."""
    with tftrt.Model(exported("branching")) as model:
        yield model


# What a model says about itself


def test_inputs_and_outputs(cnn: tftrt.Model) -> None:
    assert described(cnn.inputs) == [("image", np.dtype(np.float32), (-1, 8, 8, 3))]
    assert described(cnn.outputs) == [("probabilities", np.dtype(np.float32), (-1, 4))]


def test_inputs_and_outputs_are_sorted_by_name(branching: tftrt.Model, exported: Export) -> None:
    assert described(branching.inputs) == [
        ("steps", np.dtype(np.int32), ()),
        ("up", np.dtype(np.bool_), ()),
        ("x", np.dtype(np.float32), (-1, 4)),
    ]
    with tftrt.Model(exported("string_lookup")) as model:
        assert described(model.outputs) == [
            ("loud", np.dtype(object), (-1,)),
            ("vectors", np.dtype(np.float32), (-1, 8)),
        ]


def test_an_unknown_rank_has_no_shape(exported: Export) -> None:
    with tftrt.Model(exported("any_rank")) as model:
        assert described(model.inputs) == [("x", np.dtype(np.float32), None)]


def test_a_model_without_inputs(exported: Export) -> None:
    with tftrt.Model(exported("no_inputs")) as model:
        assert model.inputs == []
        results = [model(), model({}), model.run(), model.run({}), model.run(outputs=["table"])]
    assert [list(result) for result in results] == [["table"]] * len(results)
    for result in results:
        assert result["table"].shape == (3, 3)
        assert np.array_equal(result["table"], results[0]["table"])


def test_specs_are_shown_with_dtype_and_shape(branching: tftrt.Model, exported: Export) -> None:
    assert [repr(spec) for spec in branching.inputs] == ["<steps: int32[]>", "<up: bool[]>", "<x: float32[?, 4]>"]
    with tftrt.Model(exported("any_rank")) as model:
        assert repr(model.inputs[0]) == "<x: float32[...]>"


def test_repr_shows_path_signature_inputs_and_outputs(exported: Export) -> None:
    path = str(exported("counter"))
    with tftrt.Model(path, "add") as model:
        shown = f"<tftrt.Model {path!r} 'add': <x: float32[?, 4]> -> <count: int64[]>, <y: float32[?, 4]>"
        assert repr(model) == shown + ">"
    assert repr(model) == shown + " (closed)>"


def test_signatures_are_sorted_by_name(cnn: tftrt.Model, exported: Export) -> None:
    assert (cnn.signature, cnn.signatures) == ("serving_default", ["serving_default"])
    with tftrt.Model(exported("shared_weights"), "lengths") as model:
        assert model.signature == "lengths"
        assert model.signatures == ["again", "classify", "features", "lengths"]


def test_info(cnn: tftrt.Model, exported: Export) -> None:
    info = cnn.info
    assert (info.path, info.tags, info.engines) == (str(exported("cnn")), ["serve"], 0)
    assert info.device in ("cpu", "gpu:0")
    assert info.executor in ("single", "parallel")
    assert info.executor_reason
    assert list(info.load_seconds) == ["verify", "read", "match", "edit", "session", "restore"]
    assert all(0 <= seconds < 60 for seconds in info.load_seconds.values())


def test_info_of_the_cpu(exported: Export) -> None:
    with tftrt.Model(exported("cnn"), device="cpu") as model:
        assert model.info.device == "cpu"


def test_manifest(cnn: tftrt.Model, converted_of: Export) -> None:
    assert cnn.manifest is None
    with tftrt.Model(converted_of("cnn"), device="cpu") as model:
        manifest = model.manifest
        assert manifest is not None
        assert manifest["format_version"] == 1
        assert [file["path"] for file in manifest["files"]] == ["saved_model.pb"]
        assert model.info.engines == len(manifest["engines"]) == 1


def test_manifest_is_the_callers(converted_of: Export) -> None:
    with tftrt.Model(converted_of("cnn"), device="cpu") as model:
        model.manifest.clear()  # type: ignore[union-attr]
        assert model.manifest["format_version"] == 1  # type: ignore[index]


def public_members(owner: type) -> list[tuple[str, Any]]:
    return [(name, member) for name, member in vars(owner).items() if not name.startswith("_")]


def test_everything_public_is_documented() -> None:
    for name in tftrt.__all__:
        if name != "__version__":
            assert getattr(tftrt, name).__doc__, name
    for name, member in public_members(tftrt.Model):
        assert member.__doc__, name
    for owner in vars(_native).values():
        if isinstance(owner, type):
            assert owner.__doc__, owner


# Forms of a call

FORMS: dict[str, Callable[[tftrt.Model, np.ndarray], dict[str, np.ndarray]]] = {
    "dict": lambda model, x: model({"image": x}),
    "array": lambda model, x: model(x),
    "list": lambda model, x: model(x.tolist()),
    "keyword": lambda model, x: model(image=x),
    "ordered dict": lambda model, x: model(OrderedDict(image=x)),
    "another mapping": lambda model, x: model(MappingProxyType({"image": x})),
    "run with a dict": lambda model, x: model.run({"image": x}),
    "run with a mapping": lambda model, x: model.run(MappingProxyType({"image": x})),
    "run with a keyword": lambda model, x: model.run(image=x),
    "run with outputs": lambda model, x: model.run({"image": x}, ["probabilities"]),
    "run with keywords and outputs": lambda model, x: model.run(image=x, outputs=("probabilities",)),
    "run with no outputs named": lambda model, x: model.run(image=x, outputs=[]),
}


@pytest.mark.parametrize("form", FORMS)
def test_forms_of_a_call(form: str, cnn: tftrt.Model, tensorflow: TensorFlow, exported: Export) -> None:
    x = floats(1, 2, 8, 8, 3)
    (wanted,) = tensorflow.expected(exported("cnn"), [{"image": x}])
    result = FORMS[form](cnn, x)
    assert list(result) == ["probabilities"]
    assert result["probabilities"].tobytes() == wanted["probabilities"].tobytes()


def test_several_inputs_in_any_order(branching: tftrt.Model) -> None:
    x = floats(1, 2, 4)
    wanted = branching(x=x, steps=2, up=True)["y"]
    assert not np.array_equal(branching(x=x, steps=2, up=False)["y"], wanted)
    for names in itertools.permutations(["x", "steps", "up"]):
        inputs = {name: {"x": x, "steps": 2, "up": True}[name] for name in names}
        for result in (branching(inputs), branching(**inputs), branching.run(inputs)):
            assert np.array_equal(result["y"], wanted)


def test_a_dict_and_keywords_together(branching: tftrt.Model) -> None:
    x = floats(1, 2, 4)
    result = branching.run({"x": x, "steps": 2}, up=True)
    assert np.array_equal(result["y"], branching(x=x, steps=2, up=True)["y"])


def test_calls_leave_the_inputs_dict_alone(cnn: tftrt.Model) -> None:
    x = floats(1, 2, 8, 8, 3)
    inputs = {"image": x}
    cnn(inputs)
    cnn.run(inputs)
    assert list(inputs) == ["image"]
    assert inputs["image"] is x


def test_inputs_with_a_default_are_inputs(exported: Export) -> None:
    """TensorFlow 1's placeholder_with_default."""
    with tftrt.Model(exported("defaulted_input")) as model:
        x = np.ones((1, 4), np.float32)
        assert model(x=x, scale=np.float32(3))["y"].tolist() == [[4, 4, 4, 4]]


def test_a_computed_tensor_as_an_input(exported: Export) -> None:
    with tftrt.Model(exported("fed_intermediate")) as model:
        assert model(np.ones((1, 4), np.float32))["y"].tolist() == [[3, 3, 3, 3]]


# Outputs wanted

ALL = ["constant", "fresh", "fresh_again", "identity", "reshaped", "row", "row_of_variable", "variable"]


def test_outputs_come_in_the_order_of_the_specs(exported: Export) -> None:
    with tftrt.Model(exported("shared_buffers")) as model:
        assert list(model(floats(1, 2, 4))) == [spec.name for spec in model.outputs] == ALL


@pytest.mark.parametrize("wanted", [["variable"], ["row", "constant"], ["fresh_again", "fresh"], ALL[::-1]])
def test_outputs_wanted(wanted: list[str], exported: Export) -> None:
    x = floats(1, 2, 4)
    with tftrt.Model(exported("shared_buffers")) as model:
        everything = model(x)
        result = model.run({"x": x}, outputs=wanted)
    assert list(result) == wanted
    for name in wanted:
        assert np.array_equal(result[name], everything[name])


def test_an_output_wanted_twice(exported: Export) -> None:
    with tftrt.Model(exported("shared_buffers")) as model:
        result = model.run({"x": floats(1, 2, 4)}, outputs=["fresh", "fresh"])
        assert list(result) == ["fresh"]
        assert np.array_equal(result["fresh"], floats(1, 2, 4) * 2)


def test_any_number_of_sets_of_outputs(exported: Export) -> None:
    """More sets than the runtime keeps callables for."""
    x = floats(1, 2, 4)
    with tftrt.Model(exported("shared_buffers")) as model:
        everything = model(x)
        for wanted in itertools.combinations(ALL, 3):
            result = model.run({"x": x}, outputs=wanted)
            assert list(result) == list(wanted)
            for name in wanted:
                assert np.array_equal(result[name], everything[name]), wanted


def test_what_only_other_outputs_need_is_not_computed(exported: Export) -> None:
    x = np.array([-1], np.int32)  # not what "asserted" and "taken" allow
    with tftrt.Model(exported("checked")) as model:
        assert model.run({"x": x}, outputs=["fine"])["fine"].tolist() == [0]
        with pytest.raises(tftrt.InvalidArgumentError, match="must be above 0"):
            model.run({"x": x}, outputs=["asserted"])
        with pytest.raises(tftrt.InvalidArgumentError, match=r"not in \[0, 4\)"):
            model.run({"x": x}, outputs=["taken"])


# Signatures of one model


def test_signatures_share_one_session_and_its_state(exported: Export) -> None:
    x = floats(1, 1, 4)
    with tftrt.Model(exported("counter"), "add") as add:
        read = add.with_signature("read")
        assert (add.signature, read.signature) == ("add", "read")
        assert read()["count"] == 5
        assert [int(add(x)["count"]) for _ in range(3)] == [6, 7, 8]
        assert read()["count"] == 8
        assert read.with_signature("add")(x)["count"] == 9
        # Another model of the same folder has a state of its own.
        with tftrt.Model(exported("counter"), "read") as other:
            assert other()["count"] == 5
        assert read()["count"] == 9


@pytest.mark.parametrize("kind", ["original", "converted"])
def test_a_state_that_calls_change_equals_tensorflow(
    kind: str, exported: Export, converted_of: Export, tensorflow: TensorFlow, tmp_path: Path
) -> None:
    """The state begins as it was saved, and each call sees what the one before left."""
    inputs = [{"x": floats(seed, seed, 4)} for seed in (1, 3, 2)]
    # A folder of its own: TensorFlow's process may have called the shared one before.
    fresh = tmp_path / "counter"
    shutil.copytree(exported("counter"), fresh)
    wanted = tensorflow.expected(fresh, inputs, "add")
    assert [int(outputs["count"]) for outputs in wanted] == [6, 7, 8]
    path = exported("counter") if kind == "original" else converted_of("counter")
    with tftrt.Model(path, "add", device="cpu") as add:
        read = add.with_signature("read")
        for given, outputs in zip(inputs, wanted):
            result = add(given)
            assert result["count"] == outputs["count"]
            assert result["y"].tobytes() == outputs["y"].tobytes()
            assert read()["count"] == outputs["count"]


def test_a_new_signature_leaves_the_other_as_it_is(exported: Export) -> None:
    image = floats(1, 2, 8, 8, 3)
    with tftrt.Model(exported("shared_weights"), "classify") as classify:
        scores = classify(image)["scores"]
        features = classify.with_signature("features")
        lengths = classify.with_signature("lengths")
        assert [spec.name for spec in lengths.inputs] == ["text"]
        assert features(image)["features"].shape == (2, 8)
        assert lengths(["one", "three"])["lengths"].tolist() == [3, 5]
        assert np.array_equal(classify(image)["scores"], scores)
        assert np.array_equal(classify.with_signature("again")(image)["scores"], scores)
        assert classify.info.path == lengths.info.path


def test_a_signature_outlives_the_model_it_came_from(exported: Export) -> None:
    read = tftrt.Model(exported("counter"), "add").with_signature("read")
    assert read()["count"] == 5


def test_one_signature_may_be_callable_where_another_is_not(exported: Export) -> None:
    with tftrt.Model(exported("sparse"), "dense") as model:
        assert model.signatures == ["dense", "sparse"]
        assert model(np.zeros(2, np.float32))["y"].tolist() == [1, 1]


def test_reference_variables_as_outputs(exported: Export) -> None:
    """TensorFlow 1's assign_add returns a reference, which its session fetches as a plain tensor."""
    with tftrt.Model(exported("tf1_variables")) as model:
        assert [int(model(np.zeros((1, 4), np.float32))["calls"]) for _ in range(3)] == [1, 2, 3]


# Tag sets, assets, initialisers


@pytest.mark.parametrize(
    ("tags", "amount"), [(["serve"], 1), ("serve", 1), (["serve", "gpu"], 2), (("gpu", "serve"), 2)], ids=str
)
def test_tag_sets(tags: Any, amount: int, exported: Export) -> None:
    with tftrt.Model(exported("parted"), tags=tags) as model:
        assert model(np.zeros(1, np.float32))["y"] == [amount]
        assert model.info.tags == ([tags] if isinstance(tags, str) else list(tags))


@pytest.mark.parametrize("tags", ["serve", ["serve"]])
def test_inspect_takes_tags_as_a_model_does(tags: Any, exported: Export) -> None:
    assert tftrt.inspect(exported("parted"), tags=tags).tags == ["serve"]


def test_inspect_shows_what_a_model_holds(exported: Export) -> None:
    info = tftrt.inspect(exported("parted"), tags=["serve", "gpu"])
    assert info.tag_sets == [["serve"], ["serve", "gpu"]]
    assert info.tags == ["serve", "gpu"]
    assert [signature.name for signature in info.signatures] == ["serving_default"]
    assert described(info.signatures[0].inputs) == [("x", np.dtype(np.float32), (-1,))]
    assert info.ops["Placeholder"] == 1
    assert info.manifest == ""
    dense, sparse = tftrt.inspect(exported("sparse")).signatures
    assert dense.unsupported == ""
    assert '"tensor" is sparse' in sparse.unsupported


def test_assets_are_read_when_the_model_is_loaded(exported: Export, tmp_path: Path) -> None:
    folder = tmp_path / "model"
    shutil.copytree(exported("vocabulary"), folder)
    (asset,) = (folder / "assets").iterdir()
    asset.write_text("gold\nsilver\n", encoding="utf-8")
    with tftrt.Model(folder) as model:
        gold, silver, red = model(["gold", "silver", "red"])["ids"]
    with tftrt.Model(exported("vocabulary")) as model:
        assert model(["red", "green", "gold"])["ids"].tolist() == [gold, silver, red]


# Custom ops


def test_op_libraries_are_loaded_first(custom_ops: Path, op_library: Path, python: Callable[..., Any]) -> None:
    """In a process of its own, which has not seen the ops before."""
    code = """
import sys
import tftrt

for library in (sys.argv[2], __import__("pathlib").Path(sys.argv[2])):
    with tftrt.Model(sys.argv[1], "address", op_libraries=[library]) as model:
        assert model([1.0, 2.0])["y"].tolist() == [2, 3]
# The ops stay known to the process.
assert tftrt.Model(sys.argv[1], "address")([1.0])["y"].tolist() == [2]
"""
    python(code, custom_ops, op_library)


def test_assets_that_no_signature_reads(exported: Callable[[str], Path]) -> None:
    with tftrt.Model(exported("unused_asset")) as model:
        assert model(np.ones(2, np.float32))["y"].tolist() == [2, 2]


def test_strings_that_depend_on_variables_convert(converted_of: Callable[[str], Path]) -> None:
    with tftrt.Model(converted_of("string_constant")) as model:
        assert model(np.ones(2, np.float32))["version"].tolist() == [b"7", b"7"]


def test_an_op_library_under_two_names(
    custom_ops: Path, op_library: Path, tmp_path: Path, python: Callable[..., Any]
) -> None:
    copy = shutil.copy(op_library, tmp_path / "libcopy.so")
    code = """
import sys
import tftrt

path, *libraries = sys.argv[1:]
try:
    tftrt.Model(path, "address", op_libraries=libraries)
except tftrt.InvalidArgumentError as error:
    assert libraries[1] in str(error), error
"""
    python(code, custom_ops, op_library, copy)
