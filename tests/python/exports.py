"""What tests do with TensorFlow's Python package: export models, convert them and compute what they should return.

Everything here runs in the tests' TensorFlow process (conftest's ``tensorflow``), so that the package stays out of the
process that tests the runtime. Builders of small models are in models.py; those that need Keras, mtcnn, TensorFlow 1's
graphs or custom ops are here. Each takes the directory to write.
"""

from __future__ import annotations

import os
import subprocess
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

import models

DTYPES = [
    "float16",
    "bfloat16",
    "float32",
    "float64",
    "int8",
    "int16",
    "int32",
    "int64",
    "uint8",
    "uint16",
    "uint32",
    "uint64",
    "bool",
    "complex64",
    "complex128",
    "string",
]


def start() -> None:
    """Prepare the process: no log, no GPU, no warnings from TensorFlow's own imports."""
    os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
    os.environ["CUDA_VISIBLE_DEVICES"] = "-1"


def build(name: str, directory: str, *arguments: str) -> None:
    """Run the builder ``name``, of this module or of models.py."""
    (globals().get(name) or getattr(models, name))(directory, *arguments)


def convert(source: str, destination: str) -> dict[str, Any]:
    """Convert with tftrt's defaults; the report as a dict."""
    import tftrt

    return tftrt.convert(source, destination).to_dict()


def convert_channels_first(source: str, destination: str) -> None:
    """Convert as for a GPU, whose convolutions want channels first."""
    import tftrt

    tftrt.convert(source, destination, data_format="NCHW")


def data_formats(directory: str) -> list[str]:
    """The data_format of each convolution, of the graph and its functions."""
    import tensorflow as tf

    from native_runner import read_graph

    graph = read_graph(directory).graph_def
    nodes = [*graph.node, *(node for function in graph.library.function for node in function.node_def)]
    return [tf.compat.as_str(node.attr["data_format"].s) for node in nodes if node.op == "Conv2D"]


_loaded: dict[str, Any] = {}


def expected(directory: str, signature: str, inputs: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """What TensorFlow's own signature call returns for each of ``inputs``."""
    import tensorflow as tf

    if directory not in _loaded:
        _loaded.clear()
        _loaded[directory] = tf.saved_model.load(directory)
    function = _loaded[directory].signatures[signature]
    results = []
    for arrays in inputs:
        result = function(**{key: tf.constant(value) for key, value in arrays.items()})
        results.append({key: value.numpy() for key, value in result.items()})
    return results


# Networks


def _save_keras(model: Any, directory: str, shape: list[int | None], *, gradients: bool = True) -> None:
    """Save a Keras model's inference function, in half the time of ``model.export``."""
    import tensorflow as tf

    module = tf.Module()
    module.weights = [weight.value for weight in model.weights]

    @tf.function(input_signature=[tf.TensorSpec(shape, tf.float32, name="image")])
    def call(image: Any) -> dict[str, Any]:
        outputs = model(image, training=False)
        outputs = outputs if isinstance(outputs, (list, tuple)) else [outputs]
        return {f"output_{index}": output for index, output in enumerate(outputs)}

    tf.saved_model.save(
        module,
        directory,
        signatures={"serving_default": call},
        options=tf.saved_model.SaveOptions(experimental_custom_gradients=gradients),
    )


def _application(directory: str, name: str) -> None:
    import keras

    keras.utils.set_random_seed(1)
    model = getattr(keras.applications, name)(weights=None, input_shape=(64, 64, 3), classes=10)
    # Fresh batch normalisation is nearly the identity; a trained one is not.
    random = np.random.default_rng(2)
    for layer in model.layers:
        if isinstance(layer, keras.layers.BatchNormalization):
            gamma, beta, mean, variance = (weight.shape for weight in layer.get_weights())
            layer.set_weights(
                [
                    random.uniform(0.8, 1.2, gamma),
                    random.normal(0, 0.1, beta),
                    random.normal(0, 0.1, mean),
                    random.uniform(0.5, 1.5, variance),
                ]
            )
    _save_keras(model, directory, [None, 64, 64, 3], gradients=False)


def resnet50(directory: str) -> None:
    """ResNet50. ``image`` float32 [-1, 64, 64, 3] -> ``output_0`` [-1, 10]."""
    _application(directory, "ResNet50")


def mobilenet_v2(directory: str) -> None:
    """MobileNetV2, as :func:`resnet50`."""
    _application(directory, "MobileNetV2")


def efficientnet_b0(directory: str) -> None:
    """EfficientNetB0, as :func:`resnet50`."""
    _application(directory, "EfficientNetB0")


def _mtcnn(directory: str, stage: str, shape: list[int | None]) -> None:
    from mtcnn.stages import StageONet, StagePNet, StageRNet

    model = {"pnet": StagePNet, "rnet": StageRNet, "onet": StageONet}[stage]().model
    _save_keras(model, directory, shape)


def mtcnn_pnet(directory: str) -> None:
    """mtcnn's proposal network. ``image`` [-1, -1, -1, 3] -> boxes and scores of each place."""
    _mtcnn(directory, "pnet", [None, None, None, 3])


def mtcnn_rnet(directory: str) -> None:
    """mtcnn's refinement network. ``image`` [-1, 24, 24, 3] -> boxes, scores."""
    _mtcnn(directory, "rnet", [None, 24, 24, 3])


def mtcnn_onet(directory: str) -> None:
    """mtcnn's output network. ``image`` [-1, 48, 48, 3] -> boxes, landmarks, scores."""
    _mtcnn(directory, "onet", [None, 48, 48, 3])


def vocabulary(directory: str) -> None:
    """models.vocabulary_file, whose vocabulary is gone once the model is exported."""
    with tempfile.TemporaryDirectory() as folder:
        models.vocabulary_file(directory, f"{folder}/vocabulary.txt")


def keras_lstm(directory: str) -> None:
    """Keras' own export of its own LSTM. ``sequence`` float32 [-1, 7, 4] -> ``output_0`` [-1, 3]."""
    import keras

    keras.utils.set_random_seed(1)
    inputs = keras.Input((7, 4), name="sequence")
    outputs = keras.layers.Dense(3)(keras.layers.LSTM(8)(inputs))
    keras.Model(inputs, outputs).export(directory, verbose=False)


# What the runtime does with tensors


def all_dtypes(directory: str) -> None:
    """Reversal. ``<dtype>`` [-1] -> ``<dtype>_out`` [-1], for each of DTYPES."""
    import tensorflow as tf

    specs = [tf.TensorSpec([None], dtype, name=dtype) for dtype in DTYPES]

    @tf.function(input_signature=specs)
    def call(*inputs: Any) -> dict[str, Any]:
        return {f"{dtype}_out": tf.reverse(value, [0]) for dtype, value in zip(DTYPES, inputs)}

    module = tf.Module()
    module.call = call
    tf.saved_model.save(module, directory, signatures={"serving_default": call})


def any_rank(directory: str) -> None:
    """``x`` float32 of any rank -> ``y``, x + 1."""
    import tensorflow as tf

    module = tf.Module()
    module.call = tf.function(lambda x: {"y": x + 1.0}, input_signature=[tf.TensorSpec(None, tf.float32, name="x")])
    tf.saved_model.save(module, directory, signatures={"serving_default": module.call})


def adds(directory: str, number: str) -> None:
    """``x`` float32 [-1, 4] -> ``y``: ``number`` more."""
    import tensorflow as tf

    module = tf.Module()
    module.number = tf.Variable(float(number))
    spec = tf.TensorSpec([None, 4], tf.float32, name="x")
    module.call = tf.function(lambda x: {"y": x + module.number}, input_signature=[spec])
    tf.saved_model.save(module, directory, signatures={"serving_default": module.call})


def texts(directory: str) -> None:
    """``text`` string of any shape -> ``loud``, text + "!"."""
    import tensorflow as tf

    module = tf.Module()
    module.call = tf.function(
        lambda text: {"loud": tf.strings.join([text, "!"])},
        input_signature=[tf.TensorSpec(None, tf.string, name="text")],
    )
    tf.saved_model.save(module, directory, signatures={"serving_default": module.call})


def fed_and_fetched(directory: str) -> None:
    """Outputs that are the fed tensor itself. ``x`` float32 [4] -> ``same``, ``again`` (both x) and ``y``, x + 1."""
    import tensorflow as tf

    v1 = tf.compat.v1
    with tf.Graph().as_default(), v1.Session() as session:
        x = v1.placeholder(tf.float32, [4], name="x")
        outputs = {"same": x, "again": x, "y": x + 1.0}
        _save_v1(directory, session, {"serving_default": ({"x": x}, outputs)}, None)


def output_is_path(directory: str) -> None:
    """An output whose name is a path. ``x`` float32 [4] -> ``../y``, x + 1."""
    import tensorflow as tf

    v1 = tf.compat.v1
    with tf.Graph().as_default(), v1.Session() as session:
        x = v1.placeholder(tf.float32, [4], name="x")
        _save_v1(directory, session, {"serving_default": ({"x": x}, {"../y": x + 1.0})}, None)


def shared_buffers(directory: str) -> None:
    """Outputs whose buffers somebody else has. ``x`` float32 [2, 4] -> 8 outputs; ``variable`` and ``assign`` too."""
    import tensorflow as tf

    class Shared(tf.Module):
        def __init__(self) -> None:
            super().__init__()
            self.variable = tf.Variable(tf.reshape(tf.range(8.0), [2, 4]))

        @tf.function(input_signature=[tf.TensorSpec([2, 4], tf.float32, name="x")])
        def call(self, x: Any) -> dict[str, Any]:
            fresh = x * 2.0
            return {
                "constant": tf.reshape(tf.range(8.0), [2, 4]),
                "fresh": fresh,
                "fresh_again": fresh,
                "identity": tf.identity(x),
                "reshaped": tf.reshape(x, [8]),
                "row": tf.split(x, 2, axis=0)[1],
                "row_of_variable": self.variable[1:],
                "variable": self.variable.read_value(),
            }

        @tf.function(input_signature=[])
        def read(self) -> dict[str, Any]:
            return {"variable": self.variable.read_value()}

    module = Shared()
    tf.saved_model.save(module, directory, signatures={"serving_default": module.call, "read": module.read})


def keeps_variable(directory: str) -> None:
    """Signatures that assign ``x`` float32 [4]: ``plain``, ``reshaped``, ``in_branch``, ``in_loop``; and ``read``."""
    import tensorflow as tf

    class Keeps(tf.Module):
        def __init__(self) -> None:
            super().__init__()
            self.kept = tf.Variable(tf.zeros([4]))

        @tf.function
        def store(self, x: Any) -> None:
            self.kept.assign(x)

        def read(self) -> dict[str, Any]:
            return {"kept": self.kept.read_value()}

        def plain(self, x: Any) -> dict[str, Any]:
            self.kept.assign(x)
            return {"done": tf.constant(True)}

        def reshaped(self, x: Any) -> dict[str, Any]:
            self.kept.assign(tf.reshape(tf.reshape(x, [2, 2]), [4]))
            return {"done": tf.constant(True)}

        def in_branch(self, x: Any, flag: Any) -> dict[str, Any]:
            if flag:
                self.store(x)
            return {"done": tf.constant(True)}

        def in_loop(self, x: Any, count: Any) -> dict[str, Any]:
            for _ in tf.range(count):
                self.store(x)
            return {"done": tf.constant(True)}

    module = Keeps()
    x = tf.TensorSpec([4], tf.float32, name="x")
    specs = {
        "plain": [x],
        "reshaped": [x],
        "in_branch": [x, tf.TensorSpec([], tf.bool, name="flag")],
        "in_loop": [x, tf.TensorSpec([], tf.int32, name="count")],
        "read": [],
    }
    signatures = {name: tf.function(getattr(module, name), input_signature=spec) for name, spec in specs.items()}
    tf.saved_model.save(module, directory, signatures=signatures)


def _save_v1(
    directory: str, session: Any, signatures: dict[str, tuple[dict[str, Any], dict[str, Any]]], init: Any
) -> None:
    import tensorflow as tf

    v1 = tf.compat.v1
    info = v1.saved_model.build_tensor_info
    builder = v1.saved_model.Builder(directory)
    builder.add_meta_graph_and_variables(
        session,
        ["serve"],
        signature_def_map={
            name: v1.saved_model.build_signature_def(
                {key: info(value) for key, value in inputs.items()},
                {key: info(value) for key, value in outputs.items()},
            )
            for name, (inputs, outputs) in signatures.items()
        },
        main_op=init,
    )
    builder.save()


def keeps_elsewhere(directory: str) -> None:
    """Places other than variables that keep ``x`` float32 [4]: ``put_<place>`` and ``get_<place>`` for each."""
    import tensorflow as tf

    v1, raw = tf.compat.v1, tf.raw_ops
    with tf.Graph().as_default(), v1.Session() as session:
        signatures: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {}

        def place(name: str, put: Callable[[Any], Any], get: Any) -> None:
            # An input of its own, so that each place is judged alone.
            x = v1.placeholder(tf.float32, [4], name=f"x_{name}")
            with tf.control_dependencies([put(x)]):
                done = tf.reduce_all(tf.math.is_finite(x))
            signatures[f"put_{name}"] = ({"x": x}, {"done": done})
            signatures[f"get_{name}"] = ({}, {"kept": tf.identity(get)})

        queue = tf.queue.FIFOQueue(10, [tf.float32], [[4]])
        place("queue", lambda x: queue.enqueue([x]), queue.dequeue())

        table = tf.lookup.experimental.MutableHashTable(tf.int64, tf.float32, tf.zeros([4]))
        key = tf.constant([1], tf.int64)
        place("table", lambda x: table.insert(key, x[None]), table.lookup(key)[0])

        stage = {"shared_name": "stage"}
        place("stage", lambda x: raw.Stage(values=[x], **stage), raw.Unstage(dtypes=[tf.float32], **stage)[0])

        holder = raw.VarHandleOp(dtype=tf.variant, shape=[], shared_name="holder")
        empty = raw.EmptyTensorList(element_shape=[4], max_num_elements=-1, element_dtype=tf.float32)
        init = raw.AssignVariableOp(resource=holder, value=empty)

        def held() -> dict[str, Any]:
            return {"input_handle": raw.ReadVariableOp(resource=holder, dtype=tf.variant)}

        def push(x: Any) -> Any:
            return raw.AssignVariableOp(resource=holder, value=raw.TensorListPushBack(tensor=x, **held()))

        _, last = raw.TensorListPopBack(element_shape=[4], element_dtype=tf.float32, **held())
        place("list", push, last)

        reference = v1.get_variable("reference", initializer=np.zeros(4, np.float32), use_resource=False)
        place("reference", lambda x: v1.assign(reference, x), reference)

        session.run(v1.global_variables_initializer())
        _save_v1(directory, session, signatures, init)


def keeps_iterator(directory: str) -> None:
    """``start``: ``x`` float32 [3, 4] becomes a dataset; ``next`` -> ``row`` [4]."""
    import tensorflow as tf

    v1 = tf.compat.v1
    with tf.Graph().as_default(), v1.Session() as session:
        x = v1.placeholder(tf.float32, [3, 4], name="x")
        iterator = v1.data.make_initializable_iterator(tf.data.Dataset.from_tensor_slices(x))
        with tf.control_dependencies([iterator.initializer]):
            done = tf.logical_or(tf.constant(True), tf.reduce_any(x > 1e9))
        _save_v1(
            directory,
            session,
            {"start": ({"x": x}, {"done": done}), "next": ({}, {"row": iterator.get_next()})},
            None,
        )


def dataset(directory: str) -> None:
    """A tf.data pipeline inside the call. ``x`` float32 [-1] -> ``sum`` float32 []."""
    import tensorflow as tf

    module = tf.Module()

    @tf.function(input_signature=[tf.TensorSpec([None], tf.float32, name="x")])
    def call(x: Any) -> dict[str, Any]:
        data = tf.data.Dataset.from_tensor_slices(x).map(lambda value: value * 2.0).prefetch(2)
        return {"sum": data.reduce(0.0, lambda total, value: total + value)}

    module.call = call
    tf.saved_model.save(module, directory, signatures={"serving_default": call})


def inplace(directory: str) -> None:
    """An op that writes to its input without saying so. ``x`` float32 [4] -> ``y``, x with 5 added to its first."""
    import tensorflow as tf

    module = tf.Module()
    module.call = tf.function(
        lambda x: {"y": tf.raw_ops.InplaceAdd(x=x, i=[0], v=[5.0])},
        input_signature=[tf.TensorSpec([4], tf.float32, name="x")],
    )
    tf.saved_model.save(module, directory, signatures={"serving_default": module.call})


def unused_asset(directory: str) -> None:
    """TensorFlow 1's way to keep a file that no signature reads. ``x`` float32 [-1] -> ``y``, x + 1."""
    import tensorflow as tf

    v1 = tf.compat.v1
    with tf.Graph().as_default(), v1.Session() as session, tempfile.TemporaryDirectory() as folder:
        notes = Path(folder, "notes.txt")
        notes.write_text("notes")
        asset = tf.constant(str(notes), name="notes")
        v1.add_to_collection(v1.GraphKeys.ASSET_FILEPATHS, asset)
        x = v1.placeholder(tf.float32, [None], name="x")
        info = v1.saved_model.build_tensor_info
        signature = v1.saved_model.build_signature_def({"x": info(x)}, {"y": info(x + 1.0)})
        builder = v1.saved_model.Builder(directory)
        assets = v1.get_collection(v1.GraphKeys.ASSET_FILEPATHS)
        builder.add_meta_graph_and_variables(
            session, ["serve"], {"serving_default": signature}, assets_collection=assets
        )
        builder.save()


def string_constant(directory: str) -> None:
    """A string that depends on a variable alone. ``x`` float32 [-1] -> ``version``, "7" for each element."""
    import tensorflow as tf

    module = tf.Module()
    module.number = tf.Variable(7)
    module.call = tf.function(
        lambda x: {"version": tf.fill(tf.shape(x), tf.strings.as_string(module.number))},
        input_signature=[tf.TensorSpec([None], tf.float32, name="x")],
    )
    tf.saved_model.save(module, directory, signatures={"serving_default": module.call})


def checked(directory: str) -> None:
    """``x`` int32 [-1], table of 4 -> ``fine`` x + 1; ``asserted`` fails unless x > 0; ``taken`` fails unless x < 4."""
    import tensorflow as tf

    def asserted(x: Any) -> Any:
        with tf.control_dependencies([tf.debugging.Assert(tf.reduce_all(x > 0), ["x must be above 0:", x])]):
            return x * 2

    v1 = tf.compat.v1
    with tf.Graph().as_default(), v1.Session() as session:
        x = v1.placeholder(tf.int32, [None], name="x")
        table = v1.get_variable("table", initializer=np.arange(4, dtype=np.float32), use_resource=True)
        outputs = {"fine": x + 1, "asserted": asserted(x), "taken": tf.gather(table, x)}
        session.run(v1.global_variables_initializer())
        _save_v1(directory, session, {"serving_default": ({"x": x}, outputs)}, None)


def sparse(directory: str) -> None:
    """Signatures ``sparse`` (a sparse input, which tftrt cannot call) and ``dense``, ``x`` float32 [-1] -> ``y``."""
    import tensorflow as tf

    v1 = tf.compat.v1
    with tf.Graph().as_default(), v1.Session() as session:
        x = v1.placeholder(tf.float32, [None], name="x")
        tensor = v1.sparse_placeholder(tf.float32, [4, 4], name="tensor")
        signatures = {
            "dense": ({"x": x}, {"y": x + 1.0}),
            "sparse": ({"tensor": tensor}, {"total": tf.sparse.reduce_sum(tensor)}),
        }
        _save_v1(directory, session, signatures, None)


def parted(directory: str) -> None:
    """``x`` float32 [-1] -> ``y``, in a graph with two tag sets: {"serve"} adds 1, {"serve", "gpu"} adds 2."""
    import tensorflow as tf

    v1 = tf.compat.v1
    builder = v1.saved_model.Builder(directory)
    info = v1.saved_model.build_tensor_info
    for tags, amount in ((["serve"], 1.0), (["serve", "gpu"], 2.0)):
        with tf.Graph().as_default(), v1.Session() as session:
            x = v1.placeholder(tf.float32, [None], name="x")
            signature = v1.saved_model.build_signature_def({"x": info(x)}, {"y": info(x + amount)})
            if amount == 1.0:
                builder.add_meta_graph_and_variables(session, tags, {"serving_default": signature})
            else:
                builder.add_meta_graph(tags, {"serving_default": signature})
    builder.save()


# Custom ops


def compile_ops(library: str) -> None:
    """Compile custom_ops.cc against this TensorFlow."""
    import tensorflow as tf

    source = str(Path(__file__).with_name("custom_ops.cc"))
    flags = ["-O1", "-shared", "-fPIC", *tf.sysconfig.get_compile_flags()]
    subprocess.run(["g++", *flags, source, "-o", library, *tf.sysconfig.get_link_flags()], check=True)


def custom_ops(directory: str, library: str) -> None:
    """One signature for each op of custom_ops.cc: ``address``, ``gate``, ``hold``, ``keep`` and ``fail``."""
    import tensorflow as tf

    ops = tf.load_op_library(library)
    vector = tf.TensorSpec([None], tf.float32, name="x")

    def address(x: Any) -> dict[str, Any]:
        y = x + 1.0
        return {"y": y, "of_x": ops.tftrt_test_address(x), "of_y": ops.tftrt_test_address(y)}

    functions = {
        "address": (address, [vector]),
        "gate": (lambda x: {"y": ops.tftrt_test_gate(x)}, [vector]),
        "hold": (lambda x: {"y": ops.tftrt_test_hold(x)}, [vector]),
        "keep": (lambda x: {"of_x": ops.tftrt_test_keep(x)}, [vector]),
        "fail": (lambda code: {"y": ops.tftrt_test_fail(code)}, [tf.TensorSpec([], tf.int32, name="code")]),
    }
    module = tf.Module()
    signatures = {name: tf.function(function, input_signature=spec) for name, (function, spec) in functions.items()}
    tf.saved_model.save(module, directory, signatures=signatures)
