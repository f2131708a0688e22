"""Ragged and sparse tensors inside a signature."""

from __future__ import annotations

from typing import Any

from cases import weights
from lazy import tf
from registry import WIDTH, around, column, ids, words


def _lengths(x: Any) -> Any:
    return ids(x, WIDTH) + 1


@around()
def ragged_from_dense(m: Any) -> Any:
    def step(x: Any) -> Any:
        r = tf.RaggedTensor.from_tensor(x, lengths=_lengths(x))
        mean = tf.reduce_mean(r, 1)
        return r.to_tensor(0.5, shape=[None, WIDTH]) + mean[:, None], {
            "lengths": r.row_lengths(),
            "flat": r.flat_values,
        }

    return step


@around()
def ragged_padding(m: Any) -> Any:
    """Rows without the numbers that are zero, padded again."""
    m.table = tf.Variable(weights(9, WIDTH, seed=5))

    def step(x: Any) -> Any:
        r = tf.RaggedTensor.from_tensor(tf.nn.relu(x) + 0.0, padding=0.0)
        r = tf.concat([r, tf.ones_like(r[:, :1]), tf.expand_dims(tf.ones_like(x[:, 0]), 1)], 1)
        return r.to_tensor(-1.0, shape=[None, WIDTH]), {"splits": r.row_splits, "nested": r.bounding_shape()}

    return step


@around()
def ragged_embedding(m: Any) -> Any:
    m.table = tf.Variable(weights(9, WIDTH, seed=5))

    def step(x: Any) -> Any:
        r = tf.ragged.range(_lengths(x))
        vectors = tf.nn.embedding_lookup(m.table, r)
        scaled = tf.ragged.map_flat_values(lambda v: v * 0.5, vectors)
        return x + tf.reduce_sum(scaled, 1), {"total": tf.reduce_sum(r, 1), "first": r[:, :1].flat_values}

    return step


@around()
def ragged_rows_in_a_map(m: Any) -> Any:
    def step(x: Any) -> Any:
        r = tf.RaggedTensor.from_tensor(x, lengths=_lengths(x))
        sums = tf.map_fn(lambda row: tf.reduce_max(row) * 2.0, r, fn_output_signature=tf.float32)
        turned = tf.map_fn(lambda row: row[::-1], r, fn_output_signature=tf.RaggedTensorSpec([None], tf.float32))
        return turned.to_tensor(shape=[None, WIDTH]) + sums[:, None]

    return step


@around()
def ragged_words(m: Any) -> Any:
    m.table = tf.lookup.StaticVocabularyTable(
        tf.lookup.KeyValueTensorInitializer(tf.constant(["cat", "dog"]), tf.constant([0, 1], tf.int64)), 3
    )
    m.vectors = tf.Variable(weights(5, WIDTH, seed=5))

    def step(x: Any) -> Any:
        parts = tf.strings.split(tf.strings.join([words(x), words(-x)], " "))
        numbers = m.table.lookup(parts)
        return x + tf.reduce_sum(tf.gather(m.vectors, numbers), 1), {"ids": numbers.to_tensor(-1)}

    return step


@around()
def sparse_from_dense(m: Any) -> Any:
    def step(x: Any) -> Any:
        s = tf.sparse.from_dense(tf.nn.relu(x))
        s = tf.sparse.retain(s, s.values > 0.2)
        return tf.sparse.to_dense(s) + tf.sparse.reduce_sum(s, 1, keepdims=True), {
            "shape": s.dense_shape,
            "indices": s.indices,
        }

    return step


@around()
def sparse_product(m: Any) -> Any:
    m.w = tf.Variable(weights(WIDTH, WIDTH, seed=3) / 3)

    def step(x: Any) -> Any:
        s = tf.sparse.from_dense(x)
        s = tf.sparse.add(s * 0.5, tf.sparse.transpose(tf.sparse.transpose(s)))
        return tf.sparse.sparse_dense_matmul(s, m.w), {"norm": tf.sparse.reduce_max(tf.sparse.maximum(s, s * 2.0))}

    return step


@around()
def sparse_pieces(m: Any) -> Any:
    def step(x: Any) -> Any:
        s = tf.sparse.from_dense(x)
        part = tf.sparse.slice(s, [0, 2], [1000, 3])
        both = tf.sparse.concat(1, [part, tf.sparse.reset_shape(part)])
        soft = tf.sparse.softmax(tf.sparse.reorder(s))
        filled, empty = tf.sparse.fill_empty_rows(part, 7.0)
        y = tf.sparse.to_dense(soft) + tf.sparse.reduce_sum(both, 1)[:, None]
        return tf.ensure_shape(y, [None, WIDTH]), {"empty": empty, "count": tf.size(filled.values, out_type=tf.int64)}

    return step


@around()
def sparse_bags(m: Any) -> Any:
    """Counts of words, as a matrix."""

    def step(x: Any) -> Any:
        numbers = tf.cast(tf.abs(x) * 5.0, tf.int64) % WIDTH
        bags = tf.sparse.bincount(numbers, axis=-1, minlength=WIDTH, maxlength=WIDTH)
        onehot = tf.sparse.to_indicator(tf.sparse.from_dense(numbers), WIDTH)
        return x + tf.cast(tf.ensure_shape(tf.sparse.to_dense(bags), [None, WIDTH]), tf.float32), {"on": onehot}

    return step


@around()
def edit_distance(m: Any) -> Any:
    def step(x: Any) -> Any:
        letters = lambda s: tf.strings.unicode_decode(s, "UTF-8").to_sparse()  # noqa: E731
        a = letters(words(x))
        distance = tf.edit_distance(a, letters(tf.fill(tf.shape(x)[:1], "a dog")), normalize=False)
        return x + column(distance), {"distance": distance}

    return step
