"""A model from loading to closing: options, threads, pickling, and the settings of the process."""

from __future__ import annotations

import copy
import gc
import json
import pickle
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import tftrt
from conftest import PATIENCE, Gate

Export = Callable[[str], Path]
Python = Callable[..., Any]


def images(seed: int, batch: int = 2) -> np.ndarray:
    return np.random.default_rng(seed).standard_normal((batch, 8, 8, 3)).astype(np.float32)


# Executors


@pytest.mark.parametrize(
    ("name", "executor", "reason"),
    [
        ("cnn", "single", "heavy ops follow one another"),
        ("scalar", "single", "no heavy ops"),
        ("string_lookup", "single", "heavy ops follow one another"),
        ("branching", "single", "heavy ops follow one another"),
        ("keras_lstm", "parallel", "heavy ops can run side by side"),
        ("tf1_loop", "parallel", "reference variable"),
        ("dataset", "parallel", "needs a thread pool"),
    ],
)
def test_auto_chooses_the_executor(name: str, executor: str, reason: str, exported: Export) -> None:
    with tftrt.Model(exported(name), device="cpu") as model:
        assert model.info.executor == executor
        assert reason in model.info.executor_reason


def test_auto_sees_control_flow_of_tensorflow_1(converted_of: Export) -> None:
    """Conversion lowers this model's loop to have its products in engines."""
    with tftrt.Model(converted_of("branching"), device="cpu") as model:
        assert model.info.executor == "parallel"
        assert "TensorFlow 1 control flow" in model.info.executor_reason


def test_auto_never_fails_where_single_does(exported: Export) -> None:
    x = np.ones((1, 4), np.float32)
    with tftrt.Model(exported("tf1_loop"), device="cpu", executor="auto") as model:
        result = model(x=x, steps=3)["y"]
    with tftrt.Model(exported("tf1_loop"), device="cpu", executor="parallel") as model:
        assert np.array_equal(model(x=x, steps=3)["y"], result)


@pytest.mark.parametrize(
    ("name", "kind", "reason"),
    [
        ("tf1_loop", "original", 'a reference variable (VariableV2 "kernel")'),
        ("tf1_variables", "original", 'a reference variable (VariableV2 "kernel")'),
        ("branching", "converted", "TensorFlow 1 control flow"),
        ("dataset", "original", "needs a thread pool"),
    ],
)
def test_single_is_refused_where_tensorflow_would_fail(
    name: str, kind: str, reason: str, exported: Export, converted_of: Export
) -> None:
    path = exported(name) if kind == "original" else converted_of(name)
    with pytest.raises(tftrt.UnsupportedError, match='executor "single" cannot run this model') as raised:
        tftrt.Model(path, device="cpu", executor="single")
    assert reason in str(raised.value)
    assert 'use "auto" or "parallel"' in str(raised.value)


@pytest.mark.parametrize("executor", ["single", "parallel"])
def test_an_executor_asked_for_is_used(executor: str, exported: Export) -> None:
    with tftrt.Model(exported("cnn"), device="cpu", executor=executor) as model:
        assert model.info.executor == executor
        assert model.info.executor_reason == "chosen by the option executor"


# Threads and warm-up

COUNT_THREADS = """
import json, os, sys
import numpy as np
import tftrt

path, configured, options = sys.argv[1], json.loads(sys.argv[2]), json.loads(sys.argv[3])
count = lambda: len(os.listdir("/proc/self/task"))
tftrt.configure(**configured)
tftrt._native.open_tensorflow()
before = count()
first = tftrt.Model(path, executor="parallel", device="cpu")
process = count() - before
with tftrt.Model(path, executor="parallel", device="cpu", **options) as model:
    model(np.zeros((1, 8, 8, 3), np.float32))
    own = count() - before - process
print(json.dumps([process, own, count() - before - process]))
"""


def count_threads(python: Python, path: Path, configured: str, options: str) -> list[int]:
    """Threads of the process's pools, those that a model adds, and those that are left when it is closed."""
    counts: list[int] = json.loads(python(COUNT_THREADS, path, configured, options).stdout)
    return counts


def test_models_share_the_pools_of_the_process(python: Python, exported: Export) -> None:
    few = count_threads(python, exported("cnn"), '{"intra_op_threads": 1, "inter_op_threads": 1}', "{}")
    many = count_threads(python, exported("cnn"), '{"intra_op_threads": 4, "inter_op_threads": 6}', "{}")
    assert few[1:] == many[1:] == [0, 0]
    # An intra-op pool of one thread is the caller.
    assert many[0] - few[0] in (3 + 5, 4 + 5)


@pytest.mark.parametrize("option", ["intra_op_threads", "inter_op_threads"])
def test_a_model_may_have_pools_of_its_own(option: str, python: Python, exported: Export) -> None:
    assert count_threads(python, exported("cnn"), "{}", f'{{"{option}": 3}}')[1:] == [3, 0]


@pytest.mark.parametrize("executor", ["single", "parallel"])
@pytest.mark.parametrize("threads", [{"intra_op_threads": 3}, {"inter_op_threads": 3}], ids=str)
def test_results_do_not_depend_on_pools(threads: dict[str, Any], executor: str, exported: Export) -> None:
    with tftrt.Model(exported("cnn"), executor=executor) as model:
        wanted = model(images(1, 16))["probabilities"]
    with tftrt.Model(exported("cnn"), executor=executor, **threads) as model:
        assert np.array_equal(model(images(1, 16))["probabilities"], wanted)


def test_warmup_makes_calls_while_loading(exported: Export) -> None:
    with tftrt.Model(exported("counter"), "add", warmup=3) as add:
        assert add.with_signature("read")()["count"] == 5 + 3
    with tftrt.Model(exported("counter"), "add") as add:
        assert add.with_signature("read")()["count"] == 5


@pytest.mark.parametrize("name", ["any_rank", "all_dtypes", "no_inputs", "string_lookup", "branching"])
def test_warmup_makes_up_inputs_of_every_kind(name: str, exported: Export) -> None:
    with tftrt.Model(exported(name), warmup=2) as model:
        assert not model.closed


# Closing


def test_with_closes(exported: Export) -> None:
    with tftrt.Model(exported("cnn")) as model:
        assert not model.closed
        model(images(1))
    assert model.closed


def test_with_closes_after_an_error(exported: Export) -> None:
    model = tftrt.Model(exported("cnn"))
    with pytest.raises(KeyError), model:
        raise KeyError
    assert model.closed


def test_calls_after_close_are_errors(exported: Export) -> None:
    path = exported("counter")
    add = tftrt.Model(path, "add")
    read = add.with_signature("read")
    x = np.zeros((1, 4), np.float32)
    read.close()
    assert add.closed
    assert read.closed
    message = f'the model "{path}" is closed; load it again'
    calls: list[Callable[[], object]] = [
        lambda: add(x),
        lambda: add({"x": x}),
        lambda: add.run(x=x, outputs=["y"]),
        lambda: read(),
        lambda: add.with_signature("read"),
    ]
    for call in calls:
        with pytest.raises(tftrt.InvalidArgumentError) as raised:
            call()
        assert message in str(raised.value)


def test_a_closed_model_still_describes_itself(exported: Export) -> None:
    model = tftrt.Model(exported("cnn"))
    model.close()
    model.close()  # twice is allowed
    assert [spec.name for spec in model.inputs] == ["image"]
    assert [spec.name for spec in model.outputs] == ["probabilities"]
    assert model.signatures == ["serving_default"]
    assert model.info.path == str(exported("cnn"))
    assert model.manifest is None


def test_closing_one_model_leaves_another_of_the_same_folder(exported: Export) -> None:
    one, other = tftrt.Model(exported("cnn")), tftrt.Model(exported("cnn"))
    one.close()
    assert other(images(1))["probabilities"].shape == (2, 4)
    other.close()


def test_models_that_are_not_closed_are_freed(exported: Export, python: Python) -> None:
    """The pool of each would stay otherwise."""
    code = """
import gc, os, sys
import tftrt

count = lambda: len(os.listdir("/proc/self/task"))
kept = tftrt.Model(sys.argv[1])
before = count()
models = [tftrt.Model(sys.argv[1], intra_op_threads=2) for _ in range(4)]
again = models[0].with_signature("serving_default")
assert count() == before + 8
models.clear()
gc.collect()
assert count() == before + 2
del again
gc.collect()
assert count() == before
"""
    python(code, exported("cnn"))


@pytest.fixture
def waiting(custom_ops: Path, op_library: Path, gate: Gate) -> Iterator[tftrt.Model]:
    """Calls of it wait at the gate."""
    model = tftrt.Model(custom_ops, "gate", op_libraries=[op_library])
    yield model
    gate.open()
    model.close()


def test_close_waits_for_calls_under_way(waiting: tftrt.Model, gate: Gate) -> None:
    x = np.arange(3, dtype=np.float32)
    with ThreadPoolExecutor(4) as threads:
        calls = [threads.submit(waiting, x) for _ in range(3)]
        gate.wait_for_calls(3)
        closing = threading.Thread(target=waiting.close)
        closing.start()
        while not waiting.closed:
            pass
        # The model takes no more calls, though it is not freed yet.
        with pytest.raises(tftrt.InvalidArgumentError, match="is closed; load it again"):
            waiting(x)
        closing.join(0.2)
        assert closing.is_alive()
        assert not any(call.done() for call in calls)
        gate.open()
        closing.join(PATIENCE)
        assert not closing.is_alive()
        assert [call.result(PATIENCE)["y"].tolist() for call in calls] == [[0, 1, 2]] * 3


def test_a_call_keeps_a_model_that_nobody_else_has(custom_ops: Path, op_library: Path, gate: Gate) -> None:
    x = np.arange(3, dtype=np.float32)
    with ThreadPoolExecutor(1) as threads:
        call = threads.submit(tftrt.Model(custom_ops, "gate", op_libraries=[op_library]), x)
        gate.wait_for_calls(1)
        gc.collect()
        gate.open()
        assert call.result(PATIENCE)["y"].tolist() == [0, 1, 2]


def test_closing_in_the_midst_of_calls(exported: Export) -> None:
    """Each call either returns the right result or says that the model is closed."""
    model = tftrt.Model(exported("cnn"))
    x = images(1)
    wanted = model(x)["probabilities"]
    under_way = threading.Barrier(5)

    def call() -> str:
        under_way.wait(PATIENCE)
        while True:
            try:
                assert np.array_equal(model(x)["probabilities"], wanted)
            except tftrt.InvalidArgumentError as error:
                return str(error)

    with ThreadPoolExecutor(4) as threads:
        calls = [threads.submit(call) for _ in range(4)]
        under_way.wait(PATIENCE)
        model.close()
        for result in calls:
            assert "is closed" in result.result(PATIENCE)


# Many threads


@pytest.mark.parametrize("executor", ["single", "parallel"])
def test_many_threads_call_one_model(executor: str, exported: Export) -> None:
    inputs = [images(seed, batch=seed % 4 + 1) for seed in range(8)]
    with tftrt.Model(exported("cnn"), executor=executor) as model, ThreadPoolExecutor(8) as threads:
        wanted = [model(x)["probabilities"].tobytes() for x in inputs]
        together = threading.Barrier(8)

        def call(index: int) -> list[bytes]:
            together.wait(PATIENCE)
            return [model(inputs[index])["probabilities"].tobytes() for _ in range(100)]

        for index, results in enumerate(threads.map(call, range(8))):
            assert set(results) == {wanted[index]}


def test_many_threads_use_signatures_and_outputs_of_one_model(exported: Export) -> None:
    """Callables are made while others run."""
    x = images(1)
    with tftrt.Model(exported("shared_weights"), "classify") as model, ThreadPoolExecutor(8) as threads:
        scores = model(x)["scores"]
        together = threading.Barrier(8)

        def call(index: int) -> None:
            together.wait(PATIENCE)
            for _ in range(25):
                if index % 2:
                    other = model.with_signature("again")
                    assert np.array_equal(other.run({"image": x}, outputs=["scores"])["scores"], scores)
                else:
                    assert model.with_signature("lengths")(["one"])["lengths"].tolist() == [3]

        list(threads.map(call, range(8)))


def test_no_call_is_lost_from_a_shared_state(exported: Export) -> None:
    with tftrt.Model(exported("counter"), "add") as add, ThreadPoolExecutor(8) as threads:
        x = np.zeros((1, 4), np.float32)
        list(threads.map(lambda _: add(x), range(200)))
        assert add.with_signature("read")()["count"] == 5 + 200


AT_ONCE = """
import sys, threading
from concurrent.futures import ThreadPoolExecutor
import numpy as np
import tftrt

path, how = sys.argv[1:]
x = np.ones((2, 8, 8, 3), np.float32)
together = threading.Barrier(6)
model = tftrt.Model(path) if how == "call" else None

def call(_):
    together.wait(60)
    own = model or tftrt.Model(path)
    return own(x)["probabilities"].tobytes()

with ThreadPoolExecutor(6) as threads:
    assert len(set(threads.map(call, range(6)))) == 1
"""


@pytest.mark.parametrize("how", ["load", "call"])
def test_many_threads_begin_at_once(how: str, exported: Export, python: Python) -> None:
    """What the first load and the first call of a process set up is set up once, and no thread waits for ever."""
    python(AT_ONCE, exported("cnn"), how, timeout=20)


def test_the_gil_is_released_while_a_model_runs(custom_ops: Path, op_library: Path, python: Python) -> None:
    """In a process of its own, which would wait for ever otherwise."""
    code = """
import sys, threading
from pathlib import Path
import numpy as np
import tftrt
from conftest import Gate

model = tftrt.Model(sys.argv[1], "gate", op_libraries=[sys.argv[2]])
gate = Gate(Path(sys.argv[2]))
x = np.arange(3, dtype=np.float32)
tftrt.empty(3)  # makes what the first calls share
forms = [lambda: model(x), lambda: model({"x": x}), lambda: model.run(x=x, outputs=["y"])]
results = []
calls = [threading.Thread(target=lambda form=form: results.append(form()["y"].tolist())) for form in forms]
for call in calls:
    call.start()
gate.wait_for_calls(3)
closing = threading.Thread(target=model.close)
closing.start()
while not model.closed:
    pass
assert results == []
gate.open()
for thread in (*calls, closing):
    thread.join()
assert results == [[0, 1, 2]] * 3
"""
    python(code, custom_ops, op_library, timeout=30)


# Pickling


def test_pickle_keeps_path_and_options(exported: Export) -> None:
    options: dict[str, Any] = {"executor": "parallel", "device": "cpu", "intra_op_threads": 2, "tags": ["serve"]}
    with tftrt.Model(exported("cnn"), **options) as model:
        pickled = pickle.dumps(model)
        assert len(pickled) < 1000  # the model itself is loaded again
        with pickle.loads(pickled) as again:
            assert again.info.path == model.info.path
            assert again.info.executor_reason == "chosen by the option executor"
            assert (again.info.executor, again.info.device) == ("parallel", "cpu")
            assert np.array_equal(again(images(1))["probabilities"], model(images(1))["probabilities"])


@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
def test_pickle_keeps_the_signature_and_not_the_state(protocol: int, exported: Export) -> None:
    with tftrt.Model(exported("counter"), "read") as read:
        add = read.with_signature("add")
        add(np.zeros((1, 4), np.float32))
        with pickle.loads(pickle.dumps(add, protocol)) as again:
            assert again.signature == "add"
            assert again.with_signature("read")()["count"] == 5
        assert read()["count"] == 6


def test_pickle_loads_a_closed_model_again(exported: Export) -> None:
    model = tftrt.Model(exported("cnn"))
    model.close()
    with pickle.loads(pickle.dumps(model)) as again:
        assert again(images(1))["probabilities"].shape == (2, 4)


def test_copies_are_models_of_their_own(exported: Export) -> None:
    for copied in (copy.copy, copy.deepcopy):
        with tftrt.Model(exported("counter"), "read") as model, copied(model) as again:
            again.with_signature("add")(np.zeros((1, 4), np.float32))
            assert [int(model()["count"]), int(again()["count"])] == [5, 6]


def test_pickle_loads_op_libraries_again(custom_ops: Path, op_library: Path) -> None:
    with tftrt.Model(custom_ops, "address", op_libraries=[op_library]) as model:
        pickled = pickle.dumps(model)
    with pickle.loads(pickled) as again:
        assert again([1.0])["y"].tolist() == [2]


# The process

CONFLICT = """
import sys
import tftrt

path = sys.argv[1]

def refused(name, first, second, **options):
    try:
        tftrt.configure(**options)
    except tftrt.InvalidArgumentError as error:
        expected = f"{name} is already {first} in this process and cannot become {second}"
        assert expected in str(error), error
        assert "before the first model is loaded" in str(error), error
    else:
        raise AssertionError(f"{options} should be refused")
"""

CONFLICTS = {
    "two calls": """
tftrt.configure(intra_op_threads=2)
tftrt.configure(intra_op_threads=2)
refused("intra_op_threads", 2, 3, intra_op_threads=3)
""",
    "every field": """
values = {
    "gpu_memory_growth": (True, False), "gpu_memory_limit_mb": (100, 200), "log_level": (1, 2),
    "intra_op_threads": (1, 2), "inter_op_threads": (3, 4), "tensorflow_dir": ("a", "b"), "tensorrt_dir": ("a", "b"),
}
import json
for name, (first, second) in values.items():
    tftrt.configure(**{name: first})
    refused(name, json.dumps(first), json.dumps(second), **{name: second})
""",
    "the defaults that the first model took": """
tftrt.Model(path)
refused("intra_op_threads", 0, 3, intra_op_threads=3)
refused("inter_op_threads", 0, 3, inter_op_threads=3)
refused("gpu_memory_growth", "true", "false", gpu_memory_growth=False)
refused("log_level", 3, 0, log_level=0)
tftrt.configure(intra_op_threads=0, gpu_memory_growth=True, log_level=3)
""",
    "a refused call changes nothing": """
tftrt.configure(inter_op_threads=4)
refused("inter_op_threads", 4, 5, intra_op_threads=7, inter_op_threads=5)
tftrt.configure(intra_op_threads=8)
""",
}


@pytest.mark.parametrize("conflict", CONFLICTS)
def test_configure_names_both_values_of_a_conflict(conflict: str, exported: Export, python: Python) -> None:
    python(CONFLICT + CONFLICTS[conflict], exported("cnn"))


def test_configure_takes_nothing_as_nothing(exported: Export, python: Python) -> None:
    python(CONFLICT + "tftrt.configure()\ntftrt.configure(log_level=None)\ntftrt.configure(log_level=2)\n", "")
