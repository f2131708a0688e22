"""Tables, queues and stacks of TensorFlow 1, whose handles are references."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from cases import check, ops, weights

CALLS = [
    {"x": weights(n, 8), "word": np.array(["a", "b", "other"][:n], object), "id": np.arange(n, dtype=np.int64) + 5}
    for n in (2, 3, 2)
]
MISSING = -9.0


def export(directory: str, use: Callable[..., tuple[dict[str, Any], Any]], saver: Any = None) -> None:
    """Export what ``use`` makes of the inputs and of a layer; it may return an init op."""
    import tensorflow as tf

    v1 = tf.compat.v1
    with tf.Graph().as_default(), v1.Session() as session:
        inputs = {
            "x": v1.placeholder(tf.float32, [None, 8], name="x"),
            "word": v1.placeholder(tf.string, [None], name="word"),
            "id": v1.placeholder(tf.int64, [None], name="id"),
        }
        k = v1.get_variable("k", initializer=weights(8, 8), use_resource=False)
        y = tf.nn.relu(inputs["x"] @ k) @ k + 1.0
        outputs, start = use(inputs, y)
        session.run(v1.global_variables_initializer())
        if start is not None:
            session.run(start)
        infos = [
            {key: v1.saved_model.build_tensor_info(tensor) for key, tensor in tensors.items()}
            for tensors in (inputs, {**outputs, "y": tf.nn.relu(y) @ k})
        ]
        signature = v1.saved_model.build_signature_def(*infos, "tensorflow/serving/predict")
        builder = v1.saved_model.Builder(directory)
        definitions = {"serving_default": signature}
        made = saver(session) if saver is not None else None
        builder.add_meta_graph_and_variables(session, ["serve"], definitions, main_op=start, saver=made)
        builder.save()


def static(inputs: Any, y: Any) -> tuple[dict[str, Any], Any]:
    """Tables that an init op fills: two without names, and one with a name."""
    import tensorflow as tf

    raw, found, fills = tf.raw_ops, {}, []
    for number, name in enumerate(("", "", "named")):
        table = raw.HashTable(key_dtype=tf.string, value_dtype=tf.int64, shared_name=name)
        values = np.array([number, 10 * number + 4], np.int64)
        fills.append(raw.InitializeTable(table_handle=table, keys=["a", "b"], values=values))
        found[f"found_{number}"] = raw.LookupTableFind(
            table_handle=table, keys=inputs["word"], default_value=np.int64(-1)
        )
        found[f"size_{number}"] = raw.LookupTableSize(table_handle=table)
    return {**found, "z": y * tf.cast(found["found_2"], tf.float32)[:, None]}, tf.group(*fills)


def mutable(inputs: Any, y: Any) -> tuple[dict[str, Any], Any]:
    """Tables that calls insert into."""
    import tensorflow as tf

    raw = tf.raw_ops
    tables = [raw.MutableHashTable(key_dtype=tf.int64, value_dtype=tf.float32) for _ in range(2)]
    inserts = [
        raw.LookupTableInsert(table_handle=table, keys=inputs["id"], values=inputs["x"][:, column])
        for column, table in enumerate(tables)
    ]
    with tf.control_dependencies(inserts):
        found = [
            raw.LookupTableFind(table_handle=table, keys=inputs["id"] + 1, default_value=MISSING) for table in tables
        ]
        size = raw.LookupTableSize(table_handle=tables[0])
    return {"first": found[0], "second": found[1], "size": size, "z": y * found[0][:, None]}, None


def vectors(inputs: Any, y: Any) -> tuple[dict[str, Any], Any]:
    import tensorflow as tf

    raw = tf.raw_ops
    table = raw.MutableHashTableOfTensors(key_dtype=tf.int64, value_dtype=tf.float32, value_shape=[8])
    fill = raw.LookupTableImport(table_handle=table, keys=np.array([5, 6], np.int64), values=weights(2, 8))
    found = raw.LookupTableFind(table_handle=table, keys=inputs["id"], default_value=np.zeros(8, np.float32))
    return {"found": found, "z": tf.nn.relu(y * found)}, fill


@pytest.mark.parametrize("use", [static, mutable, vectors])
def test_tables(tensorflow: Any, tmp_path: Path, use: Any) -> None:
    report = check(tensorflow, tmp_path, partial(export, use=use), CALLS, tf1=True)
    assert "MatMul" in ops(report)


def kept(inputs: Any, y: Any) -> tuple[dict[str, Any], Any]:
    """A table with content in the checkpoint."""
    import tensorflow as tf

    raw = tf.raw_ops
    table = raw.MutableHashTable(key_dtype=tf.int64, value_dtype=tf.float32, shared_name="kept")
    tf.compat.v1.add_to_collection("kept", table)
    tf.compat.v1.get_default_session().run(
        raw.LookupTableImport(table_handle=table, keys=np.array([5, 6], np.int64), values=np.float32([1.5, 2.5]))
    )
    found = raw.LookupTableFind(table_handle=table, keys=inputs["id"], default_value=MISSING)
    return {"found": found, "z": tf.nn.relu(y * found[:, None])}, None


def kept_saver(session: Any) -> Any:
    import tensorflow as tf
    from tensorflow.python.training.saving import saveable_object

    v1 = tf.compat.v1
    (table,) = v1.get_collection_ref("kept")
    parts = tf.raw_ops.LookupTableExport(table_handle=table, Tkeys=tf.int64, Tvalues=tf.float32)

    class Saveable(saveable_object.SaveableObject):  # type: ignore[misc]
        def __init__(self) -> None:
            specs = [saveable_object.SaveSpec(part, "", f"table-{end}") for part, end in zip(parts, ("k", "v"))]
            super().__init__(table, specs, "table")

        def restore(self, tensors: Any, shapes: Any) -> Any:
            return tf.raw_ops.LookupTableImport(table_handle=table, keys=tensors[0], values=tensors[1])

    saver = v1.train.Saver([*v1.global_variables(), Saveable()])
    v1.get_default_graph().clear_collection("kept")
    return saver


def test_a_table_in_the_checkpoint(tensorflow: Any, tmp_path: Path) -> None:
    report = check(tensorflow, tmp_path, partial(export, use=kept, saver=kept_saver), CALLS, tf1=True)
    assert report["variables"] == ["kept"]


def queues(inputs: Any, y: Any) -> tuple[dict[str, Any], Any]:
    """What each call puts into queues and onto a stack, it takes out again."""
    import tensorflow as tf

    raw, v1 = tf.raw_ops, tf.compat.v1
    found: dict[str, Any] = {}
    for version, shape in (("", [None, 8]), ("V2", [None, 8])):
        queue = getattr(raw, f"FIFOQueue{version}")(component_types=[tf.float32])
        put = getattr(raw, f"QueueEnqueue{version}")(handle=queue, components=[y])
        with tf.control_dependencies([put]):
            taken = getattr(raw, f"QueueDequeue{version}")(handle=queue, component_types=[tf.float32])[0]
        found[f"fifo{version}"] = tf.nn.relu(tf.ensure_shape(taken, shape)) * 2.0
    size = tf.shape(y)[0]
    padding = v1.PaddingFIFOQueue(10, [tf.float32], [[None, 8]])
    with tf.control_dependencies([padding.enqueue([inputs["x"]])]):
        found["padding"] = tf.nn.relu(padding.dequeue()) @ weights(8, 8)
    order = v1.PriorityQueue(10, [tf.float32], [[8]])
    with tf.control_dependencies([order.enqueue_many([-inputs["id"], inputs["x"]])]):
        found["key"], found["ordered"] = order.dequeue_many(size)
    words = v1.FIFOQueue(10, [tf.float32, tf.string], [[8], []])
    with tf.control_dependencies([words.enqueue_many([y, inputs["word"]])]):
        found["rows"], found["words"] = words.dequeue_many(size)
    stack = raw.Stack(elem_type=tf.float32, stack_name="stack")
    with tf.control_dependencies([raw.StackPush(handle=stack, elem=y)]):
        popped = raw.StackPop(handle=stack, elem_type=tf.float32)
    found["popped"] = tf.nn.relu(tf.ensure_shape(popped, [None, 8]))
    return found, None


def test_queues_and_stacks(tensorflow: Any, tmp_path: Path) -> None:
    report = check(tensorflow, tmp_path, partial(export, use=queues), CALLS, tf1=True)
    assert "MatMul" in ops(report)


def fed(directory: str, kind: str) -> None:
    """A signature whose input is a tensor that the graph computes: calls give it another value."""
    import tensorflow as tf

    v1 = tf.compat.v1
    with tf.Graph().as_default(), v1.Session() as session:
        if kind == "queue":
            x = v1.FIFOQueue(10, [tf.float32], [[8]]).dequeue_many(4)
        elif kind == "pipeline":
            x = v1.train.batch([tf.constant(weights(20, 8))[v1.train.range_input_producer(20).dequeue()]], 4)
        elif kind == "iterator":
            dataset = tf.data.Dataset.from_tensor_slices(weights(20, 8)).batch(4)
            x = v1.data.make_initializable_iterator(dataset).get_next()
        elif kind == "constant":
            x = tf.constant(weights(4, 8))
        else:
            x = v1.get_variable("x", initializer=weights(4, 8), use_resource=False)
        k = v1.get_variable("k", initializer=weights(8, 8), use_resource=False)
        y = tf.nn.relu(tf.reshape(x, [-1, 8]) @ k) @ k + 1.0
        session.run([v1.global_variables_initializer(), v1.local_variables_initializer()])
        # The variable k is an output as it is, a reference.
        v1.saved_model.simple_save(session, directory, {"x": x}, {"y": y, "k": k, "rows": tf.shape(x)[0]})


@pytest.mark.parametrize("kind", ["queue", "pipeline", "iterator", "constant", "reference"])
def test_inputs_that_the_graph_computes(tensorflow: Any, tmp_path: Path, kind: str) -> None:
    calls = [{"x": weights(4, 8)}, {"x": weights(4, 8, seed=1)}]
    report = check(tensorflow, tmp_path, partial(fed, kind=kind), calls, tf1=True)
    assert "MatMul" in ops(report)
