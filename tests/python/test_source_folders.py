"""Conversion and loading: where a SavedModel lies, how its files are kept, and which of its graphs is meant."""

from __future__ import annotations

import errno
import re
import shutil
import stat
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import models
import tftrt
from conftest import TensorFlow
from tftrt._full_disk import room_for

WORDS = np.array([b"blue", b"red"])


def convert(source: str, destination: str, **options: Any) -> None:
    tftrt.convert(source, destination, **options)


def vocabulary(directory: str) -> None:
    """A model with an asset in a folder of its own, variables and a file beside them."""
    Path(directory).mkdir(parents=True)
    (Path(directory) / "words.txt").write_text("red\ngreen\nblue\n")
    models.vocabulary_file(f"{directory}/model", f"{directory}/words.txt")
    (Path(directory) / "model/assets.extra/sub").mkdir(parents=True)
    (Path(directory) / "model/assets.extra/sub/warm").write_bytes(b"warm")


@pytest.fixture(scope="module")
def original(tensorflow: TensorFlow, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("vocabulary") / "made"
    tensorflow.call(vocabulary, str(folder))
    return folder / "model"


@pytest.fixture
def source(original: Path, tmp_path: Path) -> Path:
    """A copy that a test may change."""
    return Path(shutil.copytree(original, tmp_path / "source"))


def expect_right(model: Path, **options: Any) -> None:
    with tftrt.Model(model, device="cpu", **options) as loaded:
        assert loaded(WORDS)["ids"].tolist() == [12, 6]


def test_a_read_only_source(tensorflow: TensorFlow, source: Path, tmp_path: Path) -> None:
    paths = [source, *source.rglob("*")]
    for path in paths:
        path.chmod(0o555 if path.is_dir() else 0o444)
    try:
        tensorflow.call(convert, str(source), str(tmp_path / "out"))
        for path in [tmp_path / "out", *(tmp_path / "out").rglob("*")]:
            assert path.stat().st_mode & stat.S_IWUSR, path
        expect_right(source)
        expect_right(tmp_path / "out")
        tftrt.convert(source, tmp_path / "out", overwrite=True)
        assert sorted(path.name for path in tmp_path.iterdir()) == ["out", "source"]
    finally:
        for path in paths:
            path.chmod(0o755)


def test_links_become_files(tensorflow: TensorFlow, source: Path, tmp_path: Path) -> None:
    """The folder, the graph, the variables, an asset and a folder of assets are links."""
    store = tmp_path / "store"
    store.mkdir()
    for number, path in enumerate(sorted(path for path in source.rglob("*") if path.is_file())):
        path.rename(store / str(number))
        path.symlink_to(store / str(number))
    (source / "assets.extra/sub").rename(store / "sub")
    (source / "assets.extra/sub").symlink_to(store / "sub")
    (tmp_path / "link").symlink_to(source)
    expect_right(tmp_path / "link")
    tensorflow.call(convert, str(tmp_path / "link"), str(tmp_path / "out"))
    shutil.rmtree(store)
    assert not any(path.is_symlink() for path in (tmp_path / "out").rglob("*"))
    assert (tmp_path / "out/assets.extra/sub/warm").read_bytes() == b"warm"
    expect_right(tmp_path / "out")


def test_links_that_lead_nowhere(source: Path, tmp_path: Path) -> None:
    (source / "assets.extra/broken").symlink_to("nowhere")
    with pytest.raises(tftrt.errors.ModelError, match=r"broken: .* a link to nowhere, which does not exist"):
        tftrt.convert(source, tmp_path / "out")
    (source / "assets.extra/broken").unlink()
    (source / "assets.extra/loop").symlink_to(source)
    with pytest.raises(tftrt.errors.ModelError, match="a link to a folder that it is in"):
        tftrt.convert(source, tmp_path / "out")
    assert [path.name for path in tmp_path.iterdir()] == ["source"]


@pytest.mark.parametrize("name", ["with spaces and #%&", "日本語 ümläut", "quote'\"s"])
def test_names_of_folders(name: str, original: Path, tmp_path: Path) -> None:
    folder = tmp_path / name
    folder.mkdir()
    shutil.copytree(original, folder / name)
    tftrt.convert(folder / name, folder / "out ü")
    shutil.rmtree(folder / name)
    expect_right(folder / "out ü")


def test_names_of_assets(tensorflow: TensorFlow, tmp_path: Path) -> None:
    words = tmp_path / "wörter liste.txt"
    words.write_text("red\ngreen\nblue\n")
    tensorflow.call(models.vocabulary_file, str(tmp_path / "source"), str(words))
    words.unlink()
    expect_right(tmp_path / "source")
    tftrt.convert(tmp_path / "source", tmp_path / "out")
    shutil.rmtree(tmp_path / "source")
    expect_right(tmp_path / "out")


# Several graphs


@pytest.mark.parametrize(("tags", "amount"), [("serve", 1), ("serve,gpu", 2), ("gpu, serve", 2), (("gpu", "serve"), 2)])
def test_tags(tags: Any, amount: int, exported: Callable[[str], Path], tmp_path: Path) -> None:
    source = exported("parted")
    assert tftrt.inspect(source, tags=tags).tags == (
        [t.strip() for t in tags.split(",")] if tags != tuple(tags) else list(tags)
    )
    tftrt.convert(source, tmp_path / "out", tags=tags)
    for folder in (source, tmp_path / "out"):
        with tftrt.Model(folder, tags=tags, device="cpu") as model:
            assert model(np.zeros(1, np.float32))["y"] == [amount]


def test_other_tags_are_an_error_that_lists_all(exported: Callable[[str], Path], tmp_path: Path) -> None:
    source = exported("parted")
    with pytest.raises(tftrt.InvalidArgumentError, match=r"tag sets \{'serve'\}, \{'serve', 'gpu'\}, found \{'gpu'\}"):
        tftrt.convert(source, tmp_path / "out", tags="gpu")
    for call in (tftrt.Model, tftrt.inspect):
        with pytest.raises(tftrt.InvalidArgumentError, match=r'\{"gpu"\}; it has \{"serve"\}, \{"serve", "gpu"\}'):
            call(source, tags="gpu")


def initialised(directory: str, which: str) -> float:
    """A variable that "main", "legacy" or both of TensorFlow 1's init ops fill; returns the result of its session."""
    import tensorflow as tf

    v1 = tf.compat.v1
    with tf.Graph().as_default(), v1.Session() as session:
        x = v1.placeholder(tf.float32, [None], name="x")
        value = v1.get_variable("value", initializer=1.0, use_resource=True)
        kernel = v1.get_variable("kernel", initializer=[2.0], use_resource=True)
        table = tf.lookup.StaticHashTable(tf.lookup.KeyValueTensorInitializer([0], [5.0]), -1.0)
        y = tf.nn.relu(x * kernel) + value + table.lookup(tf.constant(0))
        ops = {
            "main": tf.group(v1.assign(value, 10.0), table._init_op),
            "legacy": tf.group(v1.assign(value, 100.0), table._init_op),
        }
        session.run(v1.global_variables_initializer())
        info = v1.saved_model.build_tensor_info
        signature = v1.saved_model.build_signature_def({"x": info(x)}, {"y": info(y)})
        builder = v1.saved_model.Builder(directory)
        builder.add_meta_graph_and_variables(
            session,
            ["serve"],
            {"serving_default": signature},
            main_op=None if which == "legacy" else ops["main"],
            legacy_init_op=ops["legacy"] if which == "legacy" else None,
        )
        if which == "both":
            collection = builder._saved_model.meta_graphs[0].collection_def["legacy_init_op"]
            collection.node_list.value.append(ops["legacy"].name)
        builder.save()
    with tf.Graph().as_default(), v1.Session() as session:
        v1.saved_model.load(session, ["serve"], directory)
        return float(session.run("add_1:0", {"x:0": [1.0]})[0])


@pytest.mark.parametrize(("which", "expected"), [("main", 17), ("legacy", 107), ("both", 17)])
def test_init_ops(which: str, expected: float, tensorflow: TensorFlow, tmp_path: Path) -> None:
    assert tensorflow.call(initialised, str(tmp_path / "source"), which) == expected
    tftrt.convert(tmp_path / "source", tmp_path / "out")
    for kind in ("source", "out"):
        with tftrt.Model(tmp_path / kind, device="cpu") as model:
            assert model(np.ones(1, np.float32))["y"] == [expected]


# A disk that is full


@pytest.mark.parametrize(("code", "function"), [("ENOSPC", "pathlib.Path.write_bytes"), ("EDQUOT", "shutil.copyfile")])
def test_a_full_disk_while_writing(
    code: str, function: str, original: Path, tmp_path: Path, in_conversions: Callable[[str], None]
) -> None:
    in_conversions(f"""
import errno, os, pathlib, shutil

def refuse(*_):
    raise OSError(errno.{code}, os.strerror(errno.{code}))

{function} = refuse
""")
    with pytest.raises(tftrt.ResourceExhaustedError, match=r"/\.out.*: expected room for [0-9,]+ bytes"):
        tftrt.convert(original, tmp_path / "out")
    assert list(tmp_path.iterdir()) == []


def heavy(directory: str) -> Any:
    """Signatures with 2.6 MB of weights that become constants, and that stay variables; saved and returned."""
    import tensorflow as tf

    m = tf.Module()
    m.w = tf.Variable(tf.random.stateless_normal([800, 800], [1, 2]))
    m.state = tf.Variable(tf.zeros([800, 800]))
    spec = tf.TensorSpec([None, 800], tf.float32, name="x")

    def stateful(x: Any) -> Any:
        m.state.assign_add(tf.ones([800, 800]))
        return {"y": x @ m.state + 1.0}

    m.plain = tf.function(lambda x: {"y": tf.nn.relu(x @ m.w) + 1.0}, input_signature=[spec])
    m.stateful = tf.function(stateful, input_signature=[spec])
    tf.saved_model.save(m, directory, signatures={"plain": m.plain, "stateful": m.stateful})
    return m


def convert_heavy(directory: str, disk: str, temporary: str) -> list[str]:
    """Messages of conversions that write to a full disk."""
    module = heavy(directory)
    attempts: list[tuple[Any, str, dict[str, Any]]] = [
        (directory, disk, {"signatures": ["plain"]}),
        (directory, disk, {"signatures": ["stateful"]}),
        (module, directory + "_out", {}),
    ]
    messages = []
    for source, destination, options in attempts:
        with pytest.MonkeyPatch.context() as patch:
            if source is module:
                patch.setattr(tempfile, "tempdir", temporary)
            with pytest.raises(tftrt.ResourceExhaustedError) as raised:
                tftrt.convert(source, f"{destination}/out" if destination == disk else destination, **options)
        messages.append(str(raised.value))
    return messages


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 2 MB."""
    disk = tmp_path / "disk"
    disk.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", "size=2m", "none", str(disk)]
    if shutil.which("mount") is None or subprocess.run(command, capture_output=True).returncode != 0:
        pytest.skip("this user may not mount a file system")
    yield disk
    subprocess.run(["umount", "--lazy", str(disk)], check=True)


def test_a_full_disk(tensorflow: TensorFlow, small_disk: Path, tmp_path: Path) -> None:
    """The result's constants, its variables, and the copy of an object in memory."""
    messages = tensorflow.call(convert_heavy, str(tmp_path / "source"), str(small_disk), str(small_disk))
    for message in messages:
        assert re.search(rf"{small_disk}/.*: expected room for [1-9][0-9,]+ bytes, found [0-9,]+ bytes free", message)
    assert list(small_disk.iterdir()) == []
    assert sorted(path.name for path in tmp_path.iterdir()) == ["disk", "source"]


def test_other_libraries_words_for_a_full_disk(tmp_path: Path) -> None:
    cause = RuntimeError("writing /x/variables failed; No space left on device")
    with (
        pytest.raises(tftrt.ResourceExhaustedError, match=rf"{tmp_path}: expected room for 1,234 bytes, found .* free"),
        room_for(tmp_path, 1234),
    ):
        try:
            raise cause
        except RuntimeError as error:
            raise tftrt.ModelError("expected to read the model's variables") from error
    with pytest.raises(tftrt.ModelError, match="another"), room_for(tmp_path, 1234):
        raise tftrt.ModelError("another problem")
    with pytest.raises(PermissionError), room_for(tmp_path, 1234):
        raise PermissionError(errno.EACCES, "no")
