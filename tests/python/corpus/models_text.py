"""Strings, serialised examples, pictures and data sets: what lies in front of a network, and behind it."""

from __future__ import annotations

from typing import Any

import numpy as np
from cases import Inputs, save, weights
from lazy import tf
from registry import WIDTH, around, array, column, ids, model, spec, words


@around()
def hashed_words(m: Any) -> Any:
    def step(x: Any) -> Any:
        text = words(x)
        strong = tf.strings.to_hash_bucket_strong(text, 5, [1, 2])
        return x + column(tf.strings.to_hash_bucket_fast(text, 7)) + column(strong), {
            "legacy": tf.strings.to_hash_bucket(text, 9)
        }

    return step


@around()
def split_and_joined_words(m: Any) -> Any:
    m.table = tf.Variable(weights(9, WIDTH, seed=5))

    def step(x: Any) -> Any:
        text = tf.strings.join([words(x), tf.strings.as_string(ids(x, 10)), "end"], " ")
        parts = tf.strings.split(text)
        numbers = tf.ragged.map_flat_values(tf.strings.to_hash_bucket_fast, parts, 9)
        sums = tf.reduce_sum(tf.gather(m.table, numbers), 1)
        back = tf.strings.reduce_join(parts, axis=1, separator="_")
        return x + sums.to_tensor() if isinstance(sums, tf.RaggedTensor) else x + sums, {"back": back}

    return step


@around()
def patterns_in_words(m: Any) -> Any:
    def step(x: Any) -> Any:
        text = tf.strings.upper(words(x))
        cut = tf.strings.regex_replace(text, "[AEIOU ]+", "<\\0>")
        found = tf.strings.regex_full_match(text, ".*[DG].*")
        piece = tf.strings.substr(cut, 1, 2)
        return tf.where(found[:, None], x, x * 0.5), {"cut": cut, "piece": piece, "lower": tf.strings.lower(cut)}

    return step


@around()
def letters_of_words(m: Any) -> Any:
    m.table = tf.Variable(weights(64, WIDTH, seed=5))

    def step(x: Any) -> Any:
        letters = tf.strings.unicode_decode(words(x), "UTF-8")
        vectors = tf.gather(m.table, letters % 64)
        pairs = tf.strings.ngrams(tf.strings.unicode_split(words(x), "UTF-8"), 2, separator="")
        back = tf.strings.unicode_encode(letters + 1, "UTF-8")
        return x + tf.reduce_max(vectors, 1), {
            "back": back,
            "pairs": pairs.to_tensor(""),
            "count": letters.row_lengths(),
        }

    return step


@around()
def numbers_as_text(m: Any) -> Any:
    def step(x: Any) -> Any:
        text = tf.strings.as_string(x, precision=3)
        csv = tf.strings.reduce_join(text, 1, separator=",")
        columns = tf.io.decode_csv(csv, [0.0] * WIDTH)
        return tf.stack(columns, 1) + tf.strings.to_number(text), {"csv": csv, "64": tf.io.encode_base64(csv)}

    return step


@around()
def decoded_bytes(m: Any) -> Any:
    def step(x: Any) -> Any:
        serialized = tf.map_fn(tf.io.serialize_tensor, x, fn_output_signature=tf.string)
        read = lambda text: tf.ensure_shape(tf.io.parse_tensor(text, tf.float32), [WIDTH])  # noqa: E731
        rows = tf.map_fn(read, serialized, fn_output_signature=tf.TensorSpec([WIDTH], tf.float32))
        raw = tf.io.decode_raw(words(x), tf.uint8, fixed_length=WIDTH)
        return rows + tf.cast(raw, tf.float32) / 99.0, {"serialized": serialized}

    return step


def _example(seed: int) -> bytes:
    """Written by hand, so that a test's process needs no TensorFlow: features "x", "id" and "tags"."""

    def field(number: int, data: bytes) -> bytes:
        assert len(data) < 128
        return bytes([number << 3 | 2, len(data)]) + data

    def feature(name: str, kind: int, values: bytes) -> bytes:
        return field(1, field(1, name.encode()) + field(2, field(kind, values)))

    x = feature("x", 2, field(1, weights(WIDTH, seed=seed).tobytes()))
    number = feature("id", 3, field(1, bytes([seed])))
    tags = feature("tags", 1, b"".join(field(1, tag) for tag in (b"cat", b"dog")[: seed % 3]))
    return field(1, x + number + tags)


EXAMPLES: list[Inputs] = [{"examples": array(*map(_example, numbers))} for numbers in ((0, 1), (2, 3, 4), (5, 2))]


def _parsing(directory: str, parse: Any) -> None:
    m = tf.Module()
    m.w, m.table = tf.Variable(weights(WIDTH, WIDTH, seed=3) / 3), tf.Variable(weights(6, WIDTH, seed=4))

    def f(examples: Any) -> dict[str, Any]:
        found = parse(examples)
        y = tf.nn.relu(found["x"] @ m.w + tf.gather(m.table, found["id"])) * 2.0
        label = tf.strings.join(["id", tf.strings.as_string(found["id"]), tf.strings.as_string(tf.argmax(y, 1))], ":")
        return {"y": y, "label": label, "tags": found["tags"]}

    save(m, directory, tf.function(f, input_signature=[spec(None, dtype="string", name="examples")]))


def _features() -> dict[str, Any]:
    return {"x": tf.io.FixedLenFeature([WIDTH], tf.float32), "id": tf.io.FixedLenFeature([], tf.int64, 0)}


@model(calls=EXAMPLES)
def parsed_examples(directory: str) -> None:
    def parse(examples: Any) -> dict[str, Any]:
        found = tf.io.parse_example(examples, {**_features(), "tags": tf.io.VarLenFeature(tf.string)})
        return {**found, "tags": tf.sparse.to_dense(found["tags"], "-")}

    _parsing(directory, parse)


@model(calls=EXAMPLES)
def parsed_ragged_examples(directory: str) -> None:
    def parse(examples: Any) -> dict[str, Any]:
        tags = tf.io.RaggedFeature(tf.string, row_splits_dtype=tf.int64)
        found = tf.io.parse_example(examples, {**_features(), "tags": tags})
        return {**found, "tags": tf.strings.reduce_join(found["tags"], 1, separator="+")}

    _parsing(directory, parse)


@model(calls=EXAMPLES)
def examples_parsed_one_by_one(directory: str) -> None:
    def parse(examples: Any) -> dict[str, Any]:
        def one(example: Any) -> Any:
            tags = tf.io.FixedLenSequenceFeature([], tf.string, allow_missing=True)
            found = tf.io.parse_single_example(tf.ensure_shape(example, []), {**_features(), "tags": tags})
            return found["x"], found["id"], tf.size(found["tags"])

        kinds = (tf.float32, tf.int64, tf.int32)
        x, number, tags = tf.map_fn(one, examples, fn_output_signature=kinds)
        return {"x": tf.ensure_shape(x, [None, WIDTH]), "id": number, "tags": tags}

    _parsing(directory, parse)


def _bmp(seed: int) -> bytes:
    """A picture of 6 x 5 points as a file of the BMP format."""
    points = np.random.default_rng(seed).integers(0, 256, (6, 5, 3), np.uint8)
    lines = b"".join(line.tobytes() + b"\0" for line in points)
    head = np.array([5, 6], "<i4").tobytes() + np.array([1, 24], "<u2").tobytes()
    info = np.array([40], "<u4").tobytes() + head + np.array([0, len(lines), 0, 0, 0, 0], "<u4").tobytes()
    return b"BM" + np.array([54 + len(lines), 0, 54], "<u4").tobytes() + info + lines


PICTURES: list[Inputs] = [{"files": array(*map(_bmp, numbers))} for numbers in ((0, 1), (2, 3, 4), (5, 6))]


@model(calls=PICTURES, product="Conv2D")
def decoded_pictures(directory: str) -> None:
    """Files in, a convolution, files out."""
    m = tf.Module()
    m.c = tf.Variable(weights(3, 3, 3, 4, seed=3) / 3)

    def one(data: Any) -> Any:
        picture = tf.io.decode_image(data, channels=3, expand_animations=False)
        return tf.image.resize(tf.cast(picture, tf.float32) / 255.0, [8, 8])

    def f(files: Any) -> dict[str, Any]:
        pictures = tf.map_fn(one, files, fn_output_signature=tf.TensorSpec([8, 8, 3], tf.float32))
        y = tf.nn.relu(tf.nn.conv2d(pictures, m.c, 2, "SAME")) * 2.0
        gray = tf.cast(tf.clip_by_value(y[..., :3] * 99.0, 0.0, 255.0), tf.uint8)
        return {"y": y, "png": tf.map_fn(tf.io.encode_png, gray, fn_output_signature=tf.string)}

    save(m, directory, tf.function(f, input_signature=[spec(None, dtype="string", name="files")]))


def _add(total: Any, rows: Any) -> Any:
    return total + tf.reduce_sum(rows, 0)


def _count(number: Any, _: Any) -> Any:
    return number + 1


@around()
def data_set_that_is_reduced(m: Any) -> Any:
    def step(x: Any) -> Any:
        rows = tf.data.Dataset.from_tensor_slices(x).map(lambda row: row * 2.0).filter(lambda row: row[0] > -9.0)
        total = rows.batch(2).reduce(tf.zeros([WIDTH]), _add)
        return x + total, {"count": rows.reduce(np.int64(0), _count)}

    return step


@around()
def data_set_with_weights(m: Any) -> Any:
    m.table = tf.Variable(weights(6, WIDTH, seed=5))

    def step(x: Any) -> Any:
        data = tf.data.Dataset.from_tensor_slices(ids(x, 6)).map(lambda n: tf.gather(m.table, n))
        return x + data.reduce(tf.zeros([WIDTH]), lambda a, b: a + b) + tf.gather(m.table, ids(x, 6))

    return step


@around()
def data_set_that_a_loop_reads(m: Any) -> Any:
    m.w = tf.Variable(weights(WIDTH, WIDTH, seed=3) / 3)

    @tf.function
    def net(x: Any) -> Any:
        total = tf.zeros([1, WIDTH])
        for pair in tf.data.Dataset.range(3).map(lambda n: tf.cast(n, tf.float32) * 0.5):
            total += tf.nn.relu((x[:1] + pair) @ m.w)
        return x + total

    return net
