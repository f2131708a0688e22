"""Every op that reads a variable through its handle, in the graph, in functions, loops and branches."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from cases import check as check_each
from cases import save, save_v1, weights

check = partial(check_each, alone=False)

IDS = [{"ids": np.array([[1, 2], [3, 0]], np.int32)}, {"ids": np.array([[7, 7]], np.int32)}]


def _readers(table: Any, ids: Any) -> dict[str, Any]:
    """By name, functions that each read a variable of shape [8, 4] with one op."""
    import tensorflow as tf

    ops, handle, rows = tf.raw_ops, table.handle, tf.tile(ids[:1], [8, 1]) % 4
    return {
        "gather": lambda: tf.gather(table, ids),
        "gather_64": lambda: tf.gather(table, tf.cast(ids, tf.int64)),
        "batch": lambda: ops.ResourceGather(resource=handle, indices=rows, batch_dims=1, dtype=tf.float32),
        "gather_nd": lambda: ops.ResourceGatherNd(resource=handle, indices=ids % 4, dtype=tf.float32),
        "shape": lambda: ops.VariableShape(input=handle),
        "shape_64": lambda: ops.VariableShape(input=handle, out_type=tf.int64),
        "known": lambda: ops.VarIsInitializedOp(resource=handle),
        "read": lambda: table.read_value()[1],
    }


def _all(readers: dict[str, Any]) -> dict[str, Any]:
    return {name: read() for name, read in readers.items()}


def _in_loop(readers: dict[str, Any]) -> dict[str, Any]:
    """One loop that reads with all ops."""
    import tensorflow as tf

    def body(n: Any, found: Any) -> Any:
        again = _all(readers)
        return n + 1, {name: v | again[name] if v.dtype == tf.bool else v + again[name] for name, v in found.items()}

    start = _all(readers)
    shapes = {name: tf.TensorShape(None) for name in start}
    return dict(tf.while_loop(lambda n, _: n < 3, body, (0, start), shape_invariants=(tf.TensorShape([]), shapes))[1])


def _in_branch(f: Any, ids: Any) -> Any:
    import tensorflow as tf

    return tf.cond(ids[0, 0] > 3, lambda: f(ids), lambda: f(ids * 0))


def _in_case(f: Any, ids: Any) -> Any:
    import tensorflow as tf

    return tf.switch_case(ids[0, 0] % 3, [lambda: f(ids), lambda: f(ids * 0), lambda: f(ids // 2)])


def _in_map(table: Any, ids: Any) -> Any:
    import tensorflow as tf

    read = lambda row: _readers(table, row[None])["gather"]()  # noqa: E731
    return {"y": tf.map_fn(read, ids, fn_output_signature=tf.float32)}


def _in_condition(table: Any, ids: Any) -> Any:
    import tensorflow as tf

    def more(n: Any, _: Any) -> Any:
        return tf.reduce_sum(_readers(table, ids)["gather"]()) + 8.0 > tf.cast(n, tf.float32)

    return {"n": tf.while_loop(more, lambda n, v: (n + 1, v), (0, 0.0), maximum_iterations=20)[0]}


def _read(kind: str, table: Any, ids: Any) -> dict[str, Any]:
    """Read ``table`` in one of several surroundings."""
    import tensorflow as tf

    def read(ids: Any) -> Any:
        return _all(_readers(table, ids))

    def loop(ids: Any) -> Any:
        return _in_loop(_readers(table, ids))

    if kind == "called":
        return dict(tf.function(read)(ids))
    if kind == "branch_in_loop":
        names = ("gather", "batch", "shape", "known")
        readers = {n: lambda n=n: _in_branch(lambda i: _readers(table, i)[n](), ids) for n in names}
        return _in_loop(readers)
    return {
        "plain": lambda: read(ids),
        "loop": lambda: loop(ids),
        "condition": lambda: _in_condition(table, ids),
        "branch": lambda: _in_branch(read, ids),
        "case": lambda: _in_case(read, ids),
        "map": lambda: _in_map(table, ids),
        "nested": lambda: _in_branch(lambda i: _in_case(lambda j: _in_map(table, j), i), ids),
        "loop_in_branch": lambda: _in_branch(loop, ids),
    }[kind]()


def readers(directory: str, kind: str) -> None:
    import tensorflow as tf

    m = tf.Module()
    m.table = tf.Variable(weights(8, 4))

    @tf.function(input_signature=[tf.TensorSpec([None, 2], tf.int32, name="ids")], autograph=False)
    def f(ids: Any) -> Any:
        return _read(kind, m.table, ids)

    save(m, directory, f)


class Kind:
    """A builder that can be sent to another process."""

    def __init__(self, build: Any, *arguments: Any) -> None:
        self.build, self.arguments = build, arguments

    def __call__(self, directory: str) -> None:
        self.build(directory, *self.arguments)


@pytest.mark.parametrize(
    "kind",
    ["plain", "called", "loop", "condition", "branch", "case", "map", "nested", "loop_in_branch", "branch_in_loop"],
)
def test_no_reader_costs_the_conversion(tensorflow: Any, tmp_path: Path, kind: str) -> None:
    report = check(tensorflow, tmp_path, Kind(readers, kind), IDS, executors=["auto"])
    assert report["variables"] == []
    assert report["notes"] == []


def written_too(directory: str) -> None:
    """The same readers in the same function, of a variable that changes and of one that does not."""
    import tensorflow as tf

    m = tf.Module()
    m.a, m.b = tf.Variable(weights(8, 4)), tf.Variable(weights(8, 4, seed=1))

    @tf.function(input_signature=[tf.TensorSpec([None, 2], tf.int32, name="ids")], autograph=False)
    def f(ids: Any) -> Any:
        step = lambda n, x, y: (n + 1, x + tf.gather(m.a, ids), y + tf.gather(m.b, ids))  # noqa: E731
        zeros = tf.zeros_like(tf.gather(m.a, ids))
        _, x, y = tf.while_loop(lambda n, x, y: n < 3, step, (0, zeros, zeros))
        m.a.scatter_add(tf.IndexedSlices(tf.ones([2, 4]), ids[0]))
        return {"x": x, "y": y}

    save(m, directory, f)


def test_a_variable_that_changes_is_kept_beside_one_that_does_not(tensorflow: Any, tmp_path: Path) -> None:
    report = check(tensorflow, tmp_path, written_too, IDS)
    assert len(report["variables"]) == 1


def handed_on(directory: str) -> None:
    """A branch that chooses between variables: no constant can take the place of its handle."""
    import tensorflow as tf

    m = tf.Module()
    m.a, m.b = tf.Variable(weights(8, 4)), tf.Variable(weights(8, 4, seed=1))

    @tf.function(input_signature=[tf.TensorSpec([None, 2], tf.int32, name="ids")], autograph=False)
    def f(ids: Any) -> Any:
        handle = tf.cond(ids[0, 0] > 3, lambda: m.a.handle, lambda: m.b.handle)
        return {"y": tf.raw_ops.ResourceGather(resource=handle, indices=ids, dtype=tf.float32)}

    save(m, directory, f)


def test_a_variable_that_cannot_become_a_constant_is_kept(tensorflow: Any, tmp_path: Path) -> None:
    report = check(tensorflow, tmp_path, handed_on, IDS)
    assert len(report["variables"]) == 2
    assert all("did not become a constant" in note for note in report["notes"]) and len(report["notes"]) == 2


def data_set(directory: str) -> None:
    """A function of tf.data captures the variable."""
    import tensorflow as tf

    m = tf.Module()
    m.table = tf.Variable(weights(8, 4))

    @tf.function(input_signature=[tf.TensorSpec([None, 2], tf.int32, name="ids")])
    def f(ids: Any) -> Any:
        rows = tf.data.Dataset.from_tensor_slices(ids).map(lambda row: tf.gather(m.table, row))
        return {"y": rows.reduce(tf.zeros([2, 4]), lambda a, b: a + b), "z": tf.gather(m.table, ids)}

    save(m, directory, f)


def test_a_variable_in_a_data_set_is_kept(tensorflow: Any, tmp_path: Path) -> None:
    check(tensorflow, tmp_path, data_set, IDS, executors=["auto"])


def looked_up(directory: str) -> None:
    """A function makes the handle itself, from the name that the variable has in the session."""
    import tensorflow as tf

    v1 = tf.compat.v1
    with tf.Graph().as_default(), v1.Session() as session:
        ids = v1.placeholder(tf.int32, [None, 2], name="ids")
        table = v1.get_variable("table", initializer=weights(8, 4), use_resource=True)
        name = table.op.get_attr("shared_name").decode()

        def read() -> Any:
            handle = tf.raw_ops.VarHandleOp(dtype=tf.float32, shape=[8, 4], shared_name=name)
            return tf.gather(tf.raw_ops.ReadVariableOp(resource=handle, dtype=tf.float32), ids)

        outputs = {"y": v1.cond(ids[0, 0] > 3, read, lambda: tf.zeros_like(read())), "z": tf.gather(table, ids)}
        save_v1(directory, {"ids": ids}, outputs, session)


def test_a_variable_that_a_function_looks_up_is_kept(tensorflow: Any, tmp_path: Path) -> None:
    report = check(tensorflow, tmp_path, looked_up, IDS, tf1=True)
    assert report["variables"] == ["table"]


def loops_v1(directory: str, resource: bool, v2: bool) -> None:
    import tensorflow as tf

    v1 = tf.compat.v1
    if not v2:
        v1.disable_control_flow_v2()
    try:
        with tf.Graph().as_default(), v1.Session() as session:
            ids = v1.placeholder(tf.int32, [None, 2], name="ids")
            table = v1.get_variable("table", initializer=weights(8, 4), use_resource=resource)
            start = tf.gather(table, ids)
            loop = v1.while_loop(lambda n, x: n < 3, lambda n, x: (n + 1, x + tf.gather(table, ids)), (0, start))[1]
            branch = v1.cond(ids[0, 0] > 3, lambda: tf.gather(table, ids), lambda: tf.gather(table + 1.0, ids))
            outputs = {"loop": loop, "branch": branch, "known": v1.is_variable_initialized(table)}
            save_v1(directory, {"ids": ids}, outputs, session)
    finally:
        v1.enable_control_flow_v2()


@pytest.mark.parametrize("resource", [True, False], ids=["resource", "reference"])
@pytest.mark.parametrize("v2", [True, False], ids=["functional", "frames"])
def test_loops_of_tensorflow_1(tensorflow: Any, tmp_path: Path, resource: bool, v2: bool) -> None:
    report = check(tensorflow, tmp_path, Kind(loops_v1, resource, v2), IDS, tf1=True)
    assert report["variables"] == []
