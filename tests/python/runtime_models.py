"""Builders of the models that the tests of the runtime's values and order use; each takes the directory to write.

They run in the tests' TensorFlow process.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np


def streaming(directory: str) -> None:
    """Mixes what 12 variables hold with the input, and then stores the input in them: step n sees step n - 1."""
    import tensorflow as tf

    module = tf.Module()
    module.kernels = [tf.Variable(tf.eye(64) * (i + 1.0)) for i in range(2)]
    module.last = [tf.Variable(tf.zeros([64])) for _ in range(12)]

    @tf.function(input_signature=[tf.TensorSpec([1, 64], tf.float32, name="x")])
    def step(x: tf.Tensor) -> dict[str, tf.Tensor]:
        y = tf.nn.relu(x @ module.kernels[0])[0] + tf.nn.relu(x @ module.kernels[1])[0]
        y += tf.add_n([tf.nn.relu(v) for v in module.last])
        for n, v in enumerate(module.last):
            v.assign(x[0] * float(n + 1))
        return {"y": y * 1.0}

    module.step = step
    tf.saved_model.save(module, directory, signatures=step)


def stateful_loop(directory: str) -> None:
    """A loop whose body reads a variable, writes it and reads it again."""
    import tensorflow as tf

    module = tf.Module()
    module.w = tf.Variable(tf.ones([8, 8]) * 0.1)
    module.state = tf.Variable(tf.zeros([1, 8]))

    @tf.function(
        input_signature=[tf.TensorSpec([1, 8], tf.float32, name="x"), tf.TensorSpec([], tf.int32, name="steps")]
    )
    def call(x: tf.Tensor, steps: tf.Tensor) -> dict[str, tf.Tensor]:
        def body(i: tf.Tensor, v: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
            w = tf.nn.relu(v @ module.w) * 2.0 + module.state
            module.state.assign(w * 0.5 + tf.nn.relu(v))
            return i + 1, tf.nn.relu(w + module.state) + 1.0

        return {"y": tf.while_loop(lambda i, v: i < steps, body, (0, x))[1]}

    module.call = call
    tf.saved_model.save(module, directory, signatures=call)


def branches(directory: str) -> None:
    """Signatures whose branches and loops call functions that hold constants."""
    import tensorflow as tf

    module = tf.Module()
    module.w = tf.Variable(tf.ones([8, 8]) * 0.1)
    offsets = np.arange(8, dtype=np.float32)

    @tf.function
    def layer(v: tf.Tensor) -> tf.Tensor:
        return tf.nn.relu(v @ module.w) * 2.0 + tf.constant(offsets)

    spec = [tf.TensorSpec([None, 8], tf.float32, name="x"), tf.TensorSpec([], tf.int32, name="n")]

    @tf.function(input_signature=spec)
    def cond(x: tf.Tensor, n: tf.Tensor) -> dict[str, tf.Tensor]:
        return {"y": tf.cond(n > 1, lambda: layer(layer(x)), lambda: -x)}

    @tf.function(input_signature=spec)
    def case(x: tf.Tensor, n: tf.Tensor) -> dict[str, tf.Tensor]:
        return {"y": tf.switch_case(n, [lambda: layer(layer(x)), lambda: -layer(x), lambda: x * 2.0])}

    @tf.function(input_signature=spec)
    def loop(x: tf.Tensor, n: tf.Tensor) -> dict[str, tf.Tensor]:
        def body(i: tf.Tensor, v: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
            inner = tf.cond(tf.reduce_sum(v) > 60.0, lambda: layer(v) * 0.5, lambda: layer(layer(v)))
            return i + 1, inner

        return {"y": tf.while_loop(lambda i, v: i < n, body, (0, x))[1]}

    module.calls = [cond, case, loop]
    tf.saved_model.save(module, directory, signatures={"cond": cond, "case": case, "loop": loop})


def denormals(directory: str) -> None:
    """Signatures whose results are smaller than the smallest normal number."""
    import tensorflow as tf

    module = tf.Module()
    module.k = tf.Variable(tf.fill([4, 4], 1e-2))

    def signature(dtype: tf.DType) -> list[tf.TensorSpec]:
        return [tf.TensorSpec([None, 4], dtype, name="x")]

    @tf.function(input_signature=signature(tf.float32))
    def single(x: tf.Tensor) -> dict[str, tf.Tensor]:
        return {"y": tf.exp(x) * 2.0}

    @tf.function(input_signature=signature(tf.float64))
    def double(x: tf.Tensor) -> dict[str, tf.Tensor]:
        return {"y": x * tf.constant(1e-300, tf.float64)}

    @tf.function(input_signature=signature(tf.float32))
    def dense(x: tf.Tensor) -> dict[str, tf.Tensor]:
        return {"y": tf.matmul(x * 1e-30, module.k)}

    @tf.function(input_signature=signature(tf.float32))
    def loop(x: tf.Tensor) -> dict[str, tf.Tensor]:
        return {"y": tf.while_loop(lambda i, v: i < 900, lambda i, v: (i + 1, v * 0.9), (0, x))[1]}

    @tf.function(input_signature=signature(tf.float32))
    def folded(x: tf.Tensor) -> dict[str, tf.Tensor]:
        return {"y": tf.zeros_like(x) + tf.constant(1e-30) * tf.constant(1e-10)}

    @tf.function(input_signature=signature(tf.float32))
    def passed(x: tf.Tensor) -> dict[str, tf.Tensor]:
        return {"y": tf.reshape(x, [-1, 4])}

    signatures = {f.python_function.__name__: f for f in (single, double, dense, loop, folded, passed)}
    module.calls = list(signatures.values())
    tf.saved_model.save(module, directory, signatures=signatures)


def blocking(directory: str, kind: str) -> None:
    """A pipeline: puts the new batch, and gets what was put; ``starved`` gets what nobody puts."""
    import tensorflow as tf

    v1 = tf.compat.v1
    with tf.Graph().as_default(), v1.Session() as session:
        x = v1.placeholder(tf.float32, [4], name="x")
        if kind == "stage":
            area = tf.raw_ops.Stage(values=[x], shared_name="s", container="")
            got = tf.raw_ops.Unstage(dtypes=[tf.float32], shared_name="s", container="")[0]
            got.set_shape([4])
        elif kind == "map_stage":
            area = tf.raw_ops.MapStage(
                key=tf.constant(1, tf.int64), indices=[0], values=[x], dtypes=[tf.float32], shared_name="m"
            )
            got = tf.raw_ops.MapUnstage(
                key=tf.constant(1, tf.int64), indices=[0], dtypes=[tf.float32], shared_name="m"
            )[0]
        elif kind == "barrier":
            barrier = tf.raw_ops.Barrier(component_types=[tf.float32], shapes=[[]], shared_name="b")
            area = tf.raw_ops.BarrierInsertMany(
                handle=barrier, keys=[b"1", b"2", b"3", b"4"], values=x, component_index=0
            )
            taken = tf.raw_ops.BarrierTakeMany(handle=barrier, num_elements=4, component_types=[tf.float32])
            got = taken.values[0]
        else:
            queue = tf.queue.FIFOQueue(10, [tf.float32], [[4]], shared_name=kind)
            area = queue.enqueue(x)
            got = queue.dequeue()
        with tf.control_dependencies([area] if kind != "starved" else []):
            z = tf.identity(x)
        outputs = {"y": got * 2.0} if kind == "starved" else {"y": got * 2.0, "z": z}
        v1.saved_model.simple_save(session, directory, {"x": x}, outputs)


def functional(directory: str) -> None:
    """Loops, branches and maps over ops that oneDNN has kernels for, and a loop over ops that it has none for."""
    import tensorflow as tf

    module = tf.Module()
    module.c = tf.Variable(tf.random.stateless_normal([3, 3, 16, 16], [1, 2], stddev=0.08))
    module.b = tf.Variable(tf.random.stateless_normal([16], [3, 4]))
    module.k = tf.Variable(tf.random.stateless_normal([16, 16], [5, 6], stddev=0.3))

    def layer(v: tf.Tensor) -> tf.Tensor:
        return tf.nn.relu(tf.nn.bias_add(tf.nn.conv2d(v, module.c, 1, "SAME"), module.b))

    spec = [tf.TensorSpec([None, 14, 14, 16], tf.float32, name="x")]

    @tf.function(input_signature=spec)
    def loop(x: tf.Tensor) -> dict[str, tf.Tensor]:
        return {"y": tf.while_loop(lambda i, v: i < 5, lambda i, v: (i + 1, layer(v)), (0, x))[1]}

    @tf.function(input_signature=spec)
    def cond(x: tf.Tensor) -> dict[str, tf.Tensor]:
        return {"y": tf.cond(x[0, 0, 0, 0] > 9.0, lambda: x, lambda: layer(layer(x)))}

    @tf.function(input_signature=spec)
    def case(x: tf.Tensor) -> dict[str, tf.Tensor]:
        return {"y": tf.switch_case(tf.shape(x)[0] % 2, [lambda: layer(x), lambda: layer(layer(x))])}

    @tf.function(input_signature=spec)
    def mapped(x: tf.Tensor) -> dict[str, tf.Tensor]:
        return {"y": tf.map_fn(lambda row: tf.nn.relu(row[0] @ module.k), x)}

    @tf.function(input_signature=spec)
    def light(x: tf.Tensor) -> dict[str, tf.Tensor]:
        return {"y": tf.while_loop(lambda i, v: i < 5, lambda i, v: (i + 1, v * 0.5 + 1.0), (0, x))[1]}

    signatures = {f.python_function.__name__: f for f in (loop, cond, case, mapped)}
    module.calls = [*signatures.values(), light]
    tf.saved_model.save(module, directory, signatures=signatures)
    tf.saved_model.save(module, directory + "_light", signatures=light)


def passing(directory: str) -> None:
    """Outputs that are inputs, as they are and behind an op that copies nothing."""
    import tensorflow as tf

    module = tf.Module()
    spec = [tf.TensorSpec([None], tf.float32, name=name) for name in ("x", "z")]

    @tf.function(input_signature=spec)
    def call(x: tf.Tensor, z: tf.Tensor) -> dict[str, tf.Tensor]:
        return {"a": x * 2.0 + z, "same": x, "behind": tf.reshape(x, [-1]), "other": z}

    module.call = call
    tf.saved_model.save(module, directory, signatures=call)


def scaled(directory: str) -> None:
    """Products of variables in front of a convolution, which fold to other bits if they are constants."""
    import tensorflow as tf

    module = tf.Module()
    module.a = tf.Variable(tf.fill([4], 1.1))
    module.b = tf.Variable(tf.fill([4], 1.3))
    module.k = tf.Variable(tf.random.stateless_normal([3, 3, 4, 4], [1, 2]))

    @tf.function(input_signature=[tf.TensorSpec([None, 8, 8, 4], tf.float32, name="x")])
    def call(x: tf.Tensor) -> dict[str, tf.Tensor]:
        return {"y": tf.nn.conv2d(x * module.a * module.b, module.k, 1, "SAME") * module.a + module.b}

    module.call = call
    tf.saved_model.save(module, directory, signatures=call)


def normalized(directory: str) -> None:
    """A picture that is divided in front of its convolution, once as it is and once in a loop."""
    import tensorflow as tf

    module = tf.Module()
    module.k = tf.Variable(tf.random.stateless_normal([3, 3, 3, 3], [1, 2]))

    @tf.function(input_signature=[tf.TensorSpec([None, 8, 8, 3], tf.float32, name="x")])
    def call(x: tf.Tensor) -> dict[str, tf.Tensor]:
        def body(i: tf.Tensor, v: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
            return i + 1, tf.nn.conv2d(v * 0.3, module.k, 1, "SAME")

        y = tf.nn.conv2d(x / 255.0, module.k, 1, "SAME")
        return {"y": y, "z": tf.while_loop(lambda i, v: i < 2, body, (0, y))[1]}

    module.call = call
    tf.saved_model.save(module, directory, signatures=call)


def mark_as_converted(directory: str) -> None:
    """Put the converter's mark into a SavedModel's graphs."""
    from tensorflow.core.protobuf import saved_model_pb2

    path = Path(directory) / "saved_model.pb"
    model = saved_model_pb2.SavedModel.FromString(path.read_bytes())
    for graph in model.meta_graphs:
        marks = graph.collection_def["tftrt_converted"].int64_list.value
        marks[:] = [1]
    path.write_bytes(model.SerializeToString())


def mixing(directory: str) -> None:
    """Signatures that compute rows from other rows, keep state or are random, and one that does not."""
    import tensorflow as tf

    module = tf.Module()
    module.count = tf.Variable(0)
    module.w = tf.Variable(tf.random.stateless_normal([4, 4], [1, 2]))
    spec = [tf.TensorSpec([None, 4], tf.float32, name="x")]

    def gram(x: tf.Tensor) -> dict[str, tf.Tensor]:
        return {"y": tf.matmul(x, x, transpose_b=True)}

    def center(x: tf.Tensor) -> dict[str, tf.Tensor]:
        return {"y": x - tf.reduce_mean(x, axis=0)}

    def softmax(x: tf.Tensor) -> dict[str, tf.Tensor]:
        return {"y": tf.nn.softmax(x, axis=0)}

    def flip(x: tf.Tensor) -> dict[str, tf.Tensor]:
        return {"fine": x + 1.0, "y": tf.reverse(x, [0])}

    def counting(x: tf.Tensor) -> dict[str, tf.Tensor]:
        return {"y": x + tf.cast(module.count.assign_add(tf.shape(x)[0]), tf.float32)}

    def strict(x: tf.Tensor) -> dict[str, tf.Tensor]:
        count = module.count.assign_add(tf.shape(x)[0])
        with tf.control_dependencies([count]):
            fine = tf.debugging.assert_less(x, 5.0)
        with tf.control_dependencies([fine]):
            return {"y": x + 1.0}

    def noise(x: tf.Tensor) -> dict[str, tf.Tensor]:
        return {"y": x + tf.random.uniform(tf.shape(x))}

    def rows(x: tf.Tensor) -> dict[str, tf.Tensor]:
        return {"y": tf.nn.relu(x @ module.w), "words": tf.strings.as_string(x[:, :1]), "index": tf.argmax(x, 1)}

    functions = (gram, center, softmax, flip, counting, strict, noise, rows)
    signatures = {f.__name__: tf.function(f, input_signature=spec) for f in functions}
    module.calls = list(signatures.values())
    tf.saved_model.save(module, directory, signatures=signatures)
