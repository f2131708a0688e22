"""Tables of every type, with contents from the checkpoint, from constants and from files."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from cases import check, save, save_v1

KEYS = [{"k": np.array([1, 2, 3], np.int64)}, {"k": np.array([9], np.int64)}]
WORDS = [{"s": np.array([b"cat", b"dog", b"emu"], object)}, {"s": np.array([b""], object)}]


def dense(directory: str) -> None:
    import tensorflow as tf

    m = tf.Module()
    m.t = tf.lookup.experimental.DenseHashTable(tf.int64, tf.float32, -1.0, -1, -2)
    m.t.insert(tf.constant([1, 2], tf.int64), tf.constant([5.0, 6.0]))

    @tf.function(input_signature=[tf.TensorSpec([None], tf.int64, name="k")])
    def f(k: Any) -> Any:
        return {"v": m.t.lookup(k), "n": m.t.size()}

    save(m, directory, f)


def dense_vectors(directory: str) -> None:
    """Values that are vectors, and keys that are."""
    import tensorflow as tf

    m = tf.Module()
    m.t = tf.lookup.experimental.DenseHashTable(tf.int64, tf.float32, [0.0, -1.0], -1, -2)
    m.t.insert(tf.constant([1, 2], tf.int64), tf.constant([[5.0, 1.0], [6.0, 2.0]]))
    m.u = tf.lookup.experimental.DenseHashTable(tf.int64, tf.int64, -7, [-1, -1], [-2, -2])
    m.u.insert(tf.constant([[1, 1], [2, 2]], tf.int64), tf.constant([11, 22], tf.int64))

    @tf.function(input_signature=[tf.TensorSpec([None], tf.int64, name="k")])
    def f(k: Any) -> Any:
        return {"v": tf.nn.relu(m.t.lookup(k)) * 2.0 + 1.0, "u": m.u.lookup(tf.stack([k, k], 1))}

    save(m, directory, f)


def dense_that_grows(directory: str) -> None:
    import tensorflow as tf

    m = tf.Module()
    m.t = tf.lookup.experimental.DenseHashTable(tf.int64, tf.float32, -1.0, -1, -2)
    m.t.insert(tf.constant([1], tf.int64), tf.constant([5.0]))

    @tf.function(input_signature=[tf.TensorSpec([None], tf.int64, name="k")])
    def f(k: Any) -> Any:
        before = m.t.lookup(k)
        m.t.insert(k, tf.cast(k, tf.float32) * 2.0)
        m.t.erase(tf.constant([3], tf.int64))
        return {"before": before, "after": m.t.lookup(k), "n": m.t.size()}

    save(m, directory, f)


def equal_tables(directory: str) -> None:
    """Their initialisers are equal functions."""
    import tensorflow as tf

    m = tf.Module()
    m.t = [tf.lookup.experimental.MutableHashTable(tf.int64, tf.float32, 0.0) for _ in range(3)]
    for n, t in enumerate(m.t):
        t.insert(tf.constant([1], tf.int64), [n + 1.0])

    @tf.function(input_signature=[tf.TensorSpec([None], tf.int64, name="k")])
    def f(k: Any) -> Any:
        return {"y": m.t[0].lookup(k) * 2.0 + m.t[1].lookup(k), "z": m.t[2].lookup(k)}

    save(m, directory, f)


def vectors(directory: str) -> None:
    import tensorflow as tf

    m = tf.Module()
    m.t = tf.lookup.experimental.MutableHashTable(tf.int64, tf.float32, [0.0, 0.5])
    m.t.insert(tf.constant([1, 3], tf.int64), tf.constant([[1.0, 2.0], [3.0, 4.0]]))

    @tf.function(input_signature=[tf.TensorSpec([None], tf.int64, name="k")])
    def f(k: Any) -> Any:
        return {"y": m.t.lookup(k)}

    save(m, directory, f)


def static(directory: str) -> None:
    """Equal static tables, and a vocabulary with buckets."""
    import tensorflow as tf

    m = tf.Module()
    keys, values = tf.constant(["cat", "dog"]), tf.constant([5, 6], tf.int64)
    m.t = [
        tf.lookup.StaticHashTable(tf.lookup.KeyValueTensorInitializer(keys, values), default)
        for default in (-1, -1, -2)
    ]
    m.v = tf.lookup.StaticVocabularyTable(tf.lookup.KeyValueTensorInitializer(keys, values), 3)

    @tf.function(input_signature=[tf.TensorSpec([None], tf.string, name="s")])
    def f(s: Any) -> Any:
        return {"y": m.t[0].lookup(s) + m.t[1].lookup(s), "z": m.t[2].lookup(s), "v": m.v.lookup(s)}

    save(m, directory, f)


def in_branch(directory: str) -> None:
    """Tables in a branch and a loop, and one that a branch fills."""
    import tensorflow as tf

    m = tf.Module()
    m.a = tf.lookup.experimental.DenseHashTable(tf.int64, tf.float32, -1.0, -1, -2)
    m.b = tf.lookup.experimental.MutableHashTable(tf.int64, tf.float32, -3.0)
    m.a.insert(tf.constant([1, 2], tf.int64), tf.constant([5.0, 6.0]))

    @tf.function(input_signature=[tf.TensorSpec([None], tf.int64, name="k")])
    def f(k: Any) -> Any:
        def insert() -> Any:
            m.b.insert(k, tf.cast(k, tf.float32))
            return m.a.lookup(k)

        y = tf.cond(k[0] > 0, insert, lambda: m.b.lookup(k))
        z = tf.while_loop(lambda i, v: i < 3, lambda i, v: (i + 1, v + m.b.lookup(k)), (0, y))[1]
        return {"y": y, "z": z, "c": tf.constant(1)}

    save(m, directory, f)


@pytest.mark.parametrize("build", [dense, dense_vectors, dense_that_grows, equal_tables, vectors, in_branch])
def test_a_table_keeps_its_contents(tensorflow: Any, tmp_path: Path, build: Any) -> None:
    report = check(tensorflow, tmp_path, build, KEYS, minimum_segment_size=1)
    assert report["variables"]


def test_static_tables_are_filled_again(tensorflow: Any, tmp_path: Path) -> None:
    check(tensorflow, tmp_path, static, WORDS)


def shared_tables(directory: str) -> None:
    """Three tables, two signatures."""
    import tensorflow as tf

    m = tf.Module()
    m.a, m.b = (
        tf.lookup.experimental.DenseHashTable(tf.string, tf.int64, -1, empty_key="", deleted_key="$") for _ in range(2)
    )
    m.c = tf.lookup.experimental.MutableHashTable(tf.string, tf.int64, -1)
    for n, t in enumerate((m.a, m.b, m.c)):
        t.insert(tf.constant(["cat"]), tf.constant([n], tf.int64))

    @tf.function(input_signature=[tf.TensorSpec([None], tf.string, name="s")])
    def f(s: Any) -> Any:
        return {"a": m.a.lookup(s), "b": m.b.lookup(s)}

    @tf.function(input_signature=[tf.TensorSpec([None], tf.string, name="s")])
    def g(s: Any) -> Any:
        m.c.insert(s[:1], tf.constant([17], tf.int64))
        return {"c": m.c.lookup(s), "b": m.b.lookup(s)}

    save(m, directory, {"f": f, "g": g})


@pytest.mark.parametrize("signature", ["f", "g"])
def test_signatures_share_tables(tensorflow: Any, tmp_path: Path, signature: str) -> None:
    check(tensorflow, tmp_path, shared_tables, WORDS[:1], signature=signature)


def vocabulary_v1(directory: str) -> None:
    """The file is listed in a collection alone, and is gone where it was."""
    import tensorflow as tf

    v1 = tf.compat.v1
    path = Path(directory + "_words")
    path.mkdir()
    (path / "words.txt").write_text("cat\ndog\nbird\n")
    with tf.Graph().as_default(), v1.Session() as session:
        tables = [
            tf.lookup.StaticVocabularyTable(
                tf.lookup.TextFileInitializer(
                    str(path / "words.txt"),
                    tf.string,
                    tf.lookup.TextFileIndex.WHOLE_LINE,
                    tf.int64,
                    tf.lookup.TextFileIndex.LINE_NUMBER,
                ),
                buckets,
            )
            for buckets in (2, 3)
        ]
        s = v1.placeholder(tf.string, [None], name="s")
        w = v1.get_variable("w", initializer=np.ones([6, 4], np.float32), use_resource=False)
        y = tf.one_hot(tables[0].lookup(s), 6) @ w * 2.0
        save_v1(
            directory, {"s": s}, {"y": y, "z": tables[1].lookup(s)}, session, legacy_init_op=v1.tables_initializer()
        )
    shutil.rmtree(path)


def test_a_vocabulary_of_tensorflow_1_comes_from_its_copy(tensorflow: Any, tmp_path: Path) -> None:
    check(tensorflow, tmp_path, vocabulary_v1, WORDS, tf1=True)
