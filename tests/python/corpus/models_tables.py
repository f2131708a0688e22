"""Tables of every type: of tensors and files, with strings and integers, filled before and while the model runs."""

from __future__ import annotations

from typing import Any

from lazy import tf, v1
from registry import around, around_v1, column, frame_v1, ids, model, scratch, words

VOCABULARY = "cat\ndog\nemu\nyak\n"


def _lines(path: str) -> Any:
    lookup = tf.lookup
    index = lookup.TextFileIndex
    return lookup.TextFileInitializer(path, tf.string, index.WHOLE_LINE, tf.int64, index.LINE_NUMBER)


def _pairs(keys: list[Any], values: list[Any], key: Any, value: Any) -> Any:
    return tf.lookup.KeyValueTensorInitializer(tf.constant(keys, key), tf.constant(values, value))


def _keys(x: Any) -> Any:
    return tf.cast(ids(x, 5), tf.int64)


@around()
def static_table_of_strings(m: Any) -> Any:
    m.table = tf.lookup.StaticHashTable(_pairs(["cat", "dog"], [0.5, 2.0], tf.string, tf.float32), -1.0)
    return lambda x: x * column(m.table.lookup(words(x)))


@around()
def static_table_of_integers(m: Any) -> Any:
    m.table = tf.lookup.StaticHashTable(_pairs([0, 1, 4], [3, 2, 7], tf.int64, tf.int64), -1)
    return lambda x: (x + column(m.table.lookup(_keys(x))), {"size": m.table.size()})


@around()
def static_table_to_strings(m: Any) -> Any:
    m.table = tf.lookup.StaticHashTable(_pairs([0, 1, 4], ["a", "bc", "def"], tf.int64, tf.string), "?")

    def step(x: Any) -> Any:
        names = m.table.lookup(_keys(x))
        return x + column(tf.strings.length(names)), {"names": names}

    return step


@around()
def static_table_of_a_file(m: Any) -> Any:
    path = scratch(m.directory, "words.txt", VOCABULARY)
    m.table = tf.lookup.StaticHashTable(_lines(path), -1)
    return lambda x: (x + column(m.table.lookup(words(x))), {"id": m.table.lookup(words(x))})


@around()
def vocabulary_with_buckets(m: Any) -> Any:
    m.table = tf.lookup.StaticVocabularyTable(_lines(scratch(m.directory, "words.txt", "dog\nyak\n")), 3)
    return lambda x: (x + column(m.table.lookup(words(x))), {"id": m.table.lookup(words(x))})


@around()
def vocabulary_of_a_tensor(m: Any) -> Any:
    m.table = tf.lookup.StaticVocabularyTable(_pairs(["dog", "emu"], [0, 1], tf.string, tf.int64), 2)
    return lambda x: x * column(m.table.lookup(words(x)))


@around()
def files_of_one_name(m: Any) -> Any:
    """Two assets that are called the same, in two folders."""
    paths = [scratch(m.directory, f"{n}/words.txt", text) for n, text in enumerate((VOCABULARY, "emu\ndog\n"))]
    m.tables = [tf.lookup.StaticVocabularyTable(_lines(path), 1) for path in paths]

    def step(x: Any) -> Any:
        found = [table.lookup(words(x)) for table in m.tables]
        return x + column(found[0]) * 2.0 - column(found[1]), {"a": found[0], "b": found[1]}

    return step


@around()
def asset_that_is_read(m: Any) -> Any:
    """A file that the graph reads itself."""
    m.asset = tf.saved_model.Asset(scratch(m.directory, "scale.txt", "1.5"))
    return lambda x: x * tf.strings.to_number(tf.io.read_file(m.asset.asset_path))


@around()
def mutable_table(m: Any) -> Any:
    m.table = tf.lookup.experimental.MutableHashTable(tf.string, tf.float32, 0.25)
    m.table.insert(tf.constant(["cat", "emu"]), tf.constant([3.0, -2.0]))
    return lambda x: (x * column(m.table.lookup(words(x))), {"size": m.table.size()})


@around()
def mutable_tables_alike(m: Any) -> Any:
    """Several whose initialisers are equal."""
    m.tables = [tf.lookup.experimental.MutableHashTable(tf.int64, tf.float32, 0.0) for _ in range(3)]
    for number, table in enumerate(m.tables):
        table.insert(tf.constant([0, 1, 2], tf.int64), tf.constant([1.0, 2.0, 3.0]) * (number + 1))
    return lambda x: (
        x
        + column(m.tables[0].lookup(_keys(x)) * 2.0 + m.tables[1].lookup(_keys(x)))
        * column(m.tables[2].lookup(_keys(x)))
    )


@around(state=True)
def mutable_table_of_vectors(m: Any) -> Any:
    """It remembers the rows that it has seen."""
    m.table = tf.lookup.experimental.MutableHashTable(tf.int64, tf.float32, [0.0] * 8)

    def step(x: Any) -> Any:
        before = m.table.lookup(_keys(x))
        m.table.insert(_keys(x), x + before)
        return x + before * 0.5, {"size": m.table.size()}

    return step


@around(state=True)
def mutable_table_that_forgets(m: Any) -> Any:
    m.table = tf.lookup.experimental.MutableHashTable(tf.string, tf.int64, -1)
    m.table.insert(tf.constant(["cat", "emu"]), tf.constant([3, 4], tf.int64))

    def step(x: Any) -> Any:
        known = m.table.lookup(words(x))
        m.table.remove(words(x)[:1])
        return x * column(known), {"size": m.table.size()}

    return step


def _dense(key: Any, value: Any, default: Any, empty: Any, deleted: Any) -> Any:
    return tf.lookup.experimental.DenseHashTable(key, value, default, empty_key=empty, deleted_key=deleted)


@around()
def dense_table(m: Any) -> Any:
    m.table = _dense(tf.int64, tf.float32, -1.0, -1, -2)
    m.table.insert(tf.constant([0, 1, 2], tf.int64), tf.constant([5.0, 6.0, 0.5]))
    return lambda x: (x * column(m.table.lookup(_keys(x))), {"size": m.table.size()})


@around()
def dense_table_of_vectors(m: Any) -> Any:
    """Its keys and its values are vectors."""
    m.table = _dense(tf.int64, tf.float32, [0.5] * 8, [-1, -1], [-2, -2])
    m.table.insert(tf.constant([[0, 0], [1, 1]], tf.int64), tf.reshape(tf.range(16.0), [2, 8]))
    return lambda x: x + m.table.lookup(tf.stack([_keys(x), _keys(x)], 1))


@around(state=True)
def dense_table_that_grows(m: Any) -> Any:
    m.table = _dense(tf.string, tf.int64, -1, "", "$")
    m.table.insert(tf.constant(["cat"]), tf.constant([2], tf.int64))

    def step(x: Any) -> Any:
        before = m.table.lookup(words(x))
        m.table.insert(words(x), before + 3)
        m.table.erase(tf.constant(["emu"]))
        return x + column(m.table.lookup(words(x))), {"size": m.table.size(), "before": before}

    return step


@around()
def tables_in_loops_and_branches(m: Any) -> Any:
    m.a = _dense(tf.int64, tf.float32, -1.0, -1, -2)
    m.b = tf.lookup.StaticHashTable(_pairs([0, 1, 4], [3.0, 2.0, 7.0], tf.int64, tf.float32), -1.0)
    m.a.insert(tf.constant([1, 2], tf.int64), tf.constant([5.0, 6.0]))

    def step(x: Any) -> Any:
        table = tf.cond(x[0, 0] > 0.0, lambda: m.a.lookup(_keys(x)), lambda: m.b.lookup(_keys(x)))
        body = lambda i, v: (i + 1, v * 0.5 + column(m.a.lookup(_keys(v))))  # noqa: E731
        return tf.while_loop(lambda i, v: i < 3, body, (0, x + column(table)))[1]

    return step


@around()
def exported_table(m: Any) -> Any:
    """All values of a table."""
    m.table = tf.lookup.experimental.MutableHashTable(tf.int64, tf.float32, 0.0)
    m.table.insert(tf.constant([7], tf.int64), tf.constant([3.0]))
    return lambda x: x + tf.reduce_sum(m.table.export()[1])


def _v1_words(x: Any) -> Any:
    return tf.gather(tf.constant(["cat", "dog", "emu", "a gnu"]), ids(x, 4))


@model(tf1=True)
def table_of_a_file_v1(directory: str) -> None:
    """As estimators write it: the file is an asset of a collection alone."""

    def feature() -> Any:
        table = tf.lookup.StaticVocabularyTable(_lines(scratch(directory, "words.txt", VOCABULARY)), 2)
        return lambda x: (x + column(table.lookup(_v1_words(x))), {"id": table.lookup(_v1_words(x))})

    frame_v1(directory, feature)


@around_v1()
def table_of_tensors_v1() -> Any:
    there = tf.lookup.StaticHashTable(_pairs(["cat", "dog"], [4, 5], tf.string, tf.int64), -1)
    back = tf.lookup.StaticHashTable(_pairs([4, 5], ["cat", "dog"], tf.int64, tf.string), "?")

    def step(x: Any) -> Any:
        found = there.lookup(_v1_words(x))
        return x + column(found), {"word": back.lookup(found)}

    return step


@around_v1(state=True)
def mutable_table_v1() -> Any:
    """Filled by the model itself: nothing of it is saved."""
    table = tf.raw_ops.MutableHashTableV2(key_dtype=tf.int64, value_dtype=tf.float32, shared_name="memory")

    def step(x: Any) -> Any:
        keys = _keys(x)
        find = lambda: tf.raw_ops.LookupTableFindV2(table_handle=table, keys=keys, default_value=0.5)  # noqa: E731
        with tf.control_dependencies([find()]):
            put = tf.raw_ops.LookupTableInsertV2(table_handle=table, keys=keys, values=tf.reduce_sum(x, 1))
        with tf.control_dependencies([put]):
            return x + column(find())

    return step


@around_v1()
def reference_table_v1() -> Any:
    """The op of the first releases, whose handle is a reference to a string."""
    table = tf.raw_ops.HashTable(key_dtype=tf.int64, value_dtype=tf.float32, shared_name="old")
    init = tf.raw_ops.InitializeTable(
        table_handle=table, keys=tf.constant([0, 1, 2], tf.int64), values=tf.constant([1.0, 2.0, 3.0])
    )
    v1.add_to_collection(v1.GraphKeys.TABLE_INITIALIZERS, init)
    return lambda x: (
        x + column(tf.raw_ops.LookupTableFind(table_handle=table, keys=_keys(x), default_value=tf.constant(-1.0)))
    )
