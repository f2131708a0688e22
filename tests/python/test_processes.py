"""Models in processes that fork, spawn, import TensorFlow or end: each case in a fresh Python."""

from __future__ import annotations

import importlib.util
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from conftest import STRICT

Export = Callable[[str], Path]
Python = Callable[..., Any]

# Child processes that would hang end by a signal, which shows as their exit code.
PREAMBLE = """
import json, os, signal, sys, warnings
# Python 3.12 warns of what is tested here.
warnings.filterwarnings("ignore", "This process", DeprecationWarning)
import numpy as np
import tftrt

path = sys.argv[1]
image = np.ones((2, 8, 8, 3), np.float32)

def load():
    return tftrt.Model(path)

def in_child(function, *, leave=os._exit):
    # Exit code of a forked child that calls it.
    pid = os.fork()
    if pid == 0:
        signal.alarm(30)
        try:
            function()
        except BaseException as error:
            print(f"{type(error).__name__}: {error}", file=sys.stderr, flush=True)
            leave(1)
        leave(0)
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])

def is_refused(function):
    try:
        function()
    except tftrt.IncompatibleError as error:
        for part in ("forked after a model was loaded", "Load the model in the child", "--preload", '"spawn"'):
            assert part in str(error), error
    else:
        raise AssertionError("a forked child should not get that far")
"""


# Forked children


@pytest.mark.parametrize(
    "use",
    [
        "model(image)",
        'model({"image": image})',
        'model.run(image=image, outputs=["probabilities"])',
        'model.with_signature("serving_default")',
        "load()",
        "tftrt.Model(path, executor='parallel')",
        "pickle.loads(pickle.dumps(model))",
    ],
)
def test_a_forked_child_is_refused_at_once(use: str, exported: Export, python: Python) -> None:
    code = f"""
import pickle, time
model = load()
before = model(image)["probabilities"]

def child():
    begin = time.monotonic()
    is_refused(lambda: {use})
    assert time.monotonic() - begin < 5

assert in_child(child) == 0
assert np.array_equal(model(image)["probabilities"], before)
"""
    assert python(PREAMBLE + code, exported("cnn")).stderr == ""


def test_a_grandchild_is_refused_too(exported: Export, python: Python) -> None:
    code = """
model = load()
assert in_child(lambda: sys.exit(in_child(lambda: is_refused(lambda: model(image)))), leave=os._exit) == 1
"""
    # SystemExit is an error of the child's function: its code is the grandchild's, printed.
    assert python(PREAMBLE + code, exported("cnn")).stderr == "SystemExit: 0\n"


def test_a_child_forked_while_a_call_runs_is_refused(custom_ops: Path, op_library: Path, python: Python) -> None:
    """The child must not wait for what the other thread holds in its parent."""
    code = """
import threading
from pathlib import Path
from conftest import Gate

library = sys.argv[2]
model = tftrt.Model(path, "gate", op_libraries=[library])
gate = Gate(Path(library))
call = threading.Thread(target=model, args=([1.0],))
call.start()
gate.wait_for_calls(1)
assert in_child(lambda: is_refused(lambda: model([1.0]))) == 0
assert in_child(model.close) == 0
gate.open()
call.join()
assert model([1.0])["y"].tolist() == [1]
"""
    assert python(PREAMBLE + code, custom_ops, op_library).stderr == ""


@pytest.mark.parametrize("leave", ["os._exit", "sys.exit"])
@pytest.mark.parametrize(
    "use",
    [
        "None",
        "model.close()",
        "globals().pop('model')",
        "(repr(model), model.inputs, model.info.path, model.closed)",
        "tftrt.inspect(path)",
    ],
)
def test_a_forked_child_may_end_with_what_it_has(use: str, leave: str, exported: Export, python: Python) -> None:
    """Freeing a session would wait for threads that the child does not have."""
    code = f"""
model = load()
other = model.with_signature("serving_default")
open_calls = tftrt.Model(path, intra_op_threads=2, inter_op_threads=2, executor="parallel")
model(image)
pid = os.fork()
if pid == 0:
    signal.alarm(30)
    {use}
    {leave}(0)
assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 0
assert model(image)["probabilities"].shape == (2, 4)
"""
    assert python(PREAMBLE + code, exported("cnn")).stderr == ""


@pytest.mark.parametrize(
    "before",
    [
        "pass",
        "tftrt.configure(intra_op_threads=2)",
        "tftrt.empty((2, 3))",
        "tftrt.inspect(path)",
        "tftrt._native.open_tensorflow()",
        "tftrt._native.inspect_environment()",
    ],
)
def test_a_fork_before_the_first_model_is_fine(before: str, exported: Export, python: Python) -> None:
    """Parent and children load models of their own."""
    code = f"""
{before}

def child():
    with load() as model:
        assert model(image)["probabilities"].shape == (2, 4)
    load()(image)

assert in_child(child) == 0
assert in_child(child, leave=sys.exit) == 0
child()
"""
    assert python(PREAMBLE + code, exported("cnn")).stderr == ""


MODULE = """
import os
import sys
import numpy as np
import tftrt

def call(model, image):
    return model(image)["probabilities"].tobytes()

def load_and_call(path, image):
    with tftrt.Model(path) as model:
        return call(model, image)

def refused(image):
    # Its parent's, inherited: what a pool sends is pickled, and so loaded again.
    try:
        call(model, image)
    except tftrt.IncompatibleError as error:
        return str(error)
"""


def test_multiprocessing(exported: Export, tmp_path: Path, python: Python) -> None:
    """Fork with a model loaded is refused; spawn gets the pickled model, which it loads again."""
    (tmp_path / "work.py").write_text(MODULE)
    code = """
import multiprocessing, sys
sys.path.insert(0, sys.argv[2])
import numpy as np
import tftrt
import work

if __name__ == "__main__":
    image = np.ones((2, 8, 8, 3), np.float32)
    with multiprocessing.get_context("fork").Pool(2) as pool:
        before = pool.starmap(work.load_and_call, [(sys.argv[1], image)] * 4)
    model = tftrt.Model(sys.argv[1])
    assert set(before) == {work.call(model, image)}
    with multiprocessing.get_context("spawn").Pool(2) as pool:
        assert set(pool.starmap(work.call, [(model, image)] * 4)) == set(before)
    with multiprocessing.get_context("fork").Pool(1, initializer=setattr, initargs=(work, "model", model)) as pool:
        (message,) = pool.starmap(work.refused, [(image,)])
    assert "forked after a model was loaded" in message, message
    assert '"spawn"' in message
"""
    # A pool pickles what it sends: the model that a forked child inherits is a global of its parent.
    code = code.replace(
        "import work\n", "import work\n\ndef refused_in_child(image):\n    return work.refused(work.model, image)\n"
    )
    script = tmp_path / "main.py"
    script.write_text(code)
    result = subprocess.run(
        [sys.executable, str(script), str(exported("cnn")), str(tmp_path)],
        capture_output=True,
        text=True,
        timeout=120,
        env={**os.environ, "PYTHONPATH": str(tmp_path)},
    )
    assert (result.returncode, result.stderr) == (0, "")


# Quiet, and without TensorFlow's Python package


def test_tensorflow_is_never_imported(exported: Export, converted_of: Export, python: Python) -> None:
    code = """
import json, pickle, sys
import numpy as np
import tftrt

def imported():
    return sorted(name for name in sys.modules if name.split(".")[0] in ("tensorflow", "keras", "google"))

image = np.ones((2, 8, 8, 3), np.float32)
seen = {"import": imported()}
for path in sys.argv[1:]:
    tftrt.inspect(path)
    with tftrt.Model(path, warmup=1) as model:
        model(image)
        model.run(image=image, outputs=["probabilities"])
        pickle.loads(pickle.dumps(model)).with_signature("serving_default")(image)
        model.manifest, model.info, repr(model)
try:
    tftrt.Model("nowhere")
except tftrt.ModelError:
    pass
seen["use"] = imported()
print(json.dumps(seen))
"""
    output = python(code, exported("cnn"), converted_of("cnn")).stdout
    assert output == '{"import": [], "use": []}\n'


USE = """
import sys
import numpy as np
import tftrt

image = np.ones((2, 8, 8, 3), np.float32)
for path in sys.argv[1:]:
    model = tftrt.Model(path)
    model(image)
try:
    tftrt.Model("/nowhere")
except tftrt.ModelError:
    pass
"""


@pytest.fixture
def clean_python() -> Callable[..., Any]:
    """A Python whose environment says nothing about logs."""

    def run(code: str, *arguments: object, **environment: str) -> subprocess.CompletedProcess[str]:
        kept = {key: value for key, value in os.environ.items() if not key.startswith(("TF_", "TFTRT_"))}
        result = subprocess.run(
            [sys.executable, "-c", STRICT + code, *map(str, arguments)],
            capture_output=True,
            text=True,
            timeout=120,
            env={**kept, **environment},
        )
        assert result.returncode == 0, result.stderr
        return result

    return run


def test_nothing_is_printed(exported: Export, converted_of: Export, clean_python: Python) -> None:
    """Models are open when the process ends."""
    result = clean_python(USE, exported("cnn"), converted_of("cnn"))
    assert (result.stdout, result.stderr) == ("", "")


@pytest.mark.parametrize("executor", ["single", "parallel"])
@pytest.mark.parametrize(
    "end",
    [
        "pass",
        "sys.exit(0)",
        "threading.Thread(target=model, args=(image,)).start()",
        "threading.Thread(target=call_for_ever, daemon=True).start(); called.wait(60)",
        "[threading.Thread(target=call_for_ever, daemon=True).start() for _ in range(6)]; called.wait(60)",
        "result = model(image); del model",
        "atexit.register(model, image)",
        "weakref.finalize(model, print, end='')",
    ],
)
def test_a_process_ends_with_models_open(end: str, executor: str, exported: Export, clean_python: Python) -> None:
    code = f"""
import atexit, sys, threading, weakref
import numpy as np
import tftrt

image = np.ones((2, 8, 8, 3), np.float32)
model = tftrt.Model(sys.argv[1], executor="{executor}", intra_op_threads=2)
called = threading.Event()

def call_for_ever():
    while True:
        model(image)
        called.set()

model(image)
{end}
"""
    result = clean_python(code, exported("cnn"))
    assert (result.stdout, result.stderr) == ("", "")


# TensorFlow's log

LOG = """
import sys
import tftrt

if len(sys.argv) > 2:
    tftrt.configure(log_level=int(sys.argv[2]))
model = tftrt.Model(sys.argv[1])
"""


def lines_of_tensorflow(result: subprocess.CompletedProcess[str]) -> list[str]:
    """Lines of its log: date, time, severity, file."""
    return [line for line in result.stderr.splitlines() if ": I " in line]


def test_tensorflow_logs_if_it_is_asked_to(exported: Export, clean_python: Python) -> None:
    asked = [
        clean_python(LOG, exported("cnn"), 0),
        clean_python(LOG, exported("cnn"), TFTRT_LOG_LEVEL="0"),
        clean_python(LOG, exported("cnn"), TF_CPP_MIN_LOG_LEVEL="0"),
        clean_python(LOG, exported("cnn"), TFTRT_LOG_LEVEL="0", TF_CPP_MIN_LOG_LEVEL="3"),
        clean_python(LOG, exported("cnn"), 0, TFTRT_LOG_LEVEL="3"),
    ]
    for result in asked:
        assert lines_of_tensorflow(result), result.args


def test_tensorflow_is_quiet_otherwise(exported: Export, clean_python: Python) -> None:
    quiet = [
        clean_python(LOG, exported("cnn")),
        clean_python(LOG, exported("cnn"), 3),
        clean_python(LOG, exported("cnn"), 3, TFTRT_LOG_LEVEL="0"),
        clean_python(LOG, exported("cnn"), TFTRT_LOG_LEVEL="3", TF_CPP_MIN_LOG_LEVEL="0"),
        clean_python(LOG, exported("cnn"), TFTRT_LOG_LEVEL=""),
    ]
    for result in quiet:
        assert (result.stdout, result.stderr) == ("", ""), result.args
    # What it calls errors whenever it starts, under its own Python package too.
    result = clean_python(LOG, exported("cnn"), TFTRT_LOG_LEVEL="1")
    assert result.stdout == ""
    assert [line for line in result.stderr.splitlines() if "] Unable to register cu" not in line] == []


def test_so_are_its_parts_that_log_another_way(exported: Export, clean_python: Python) -> None:
    """libtensorflow_cc has a log to itself, in which XLA and the GPU's parts write."""
    code = LOG + "assert model([[1.0, -1.0]])['y'].tolist() == [[1, 0]]\n"
    quiet = clean_python(code, exported("compiled_by_xla"))
    assert (quiet.stdout, quiet.stderr) == ("", "")
    assert "Compiled cluster using XLA" in clean_python(code, exported("compiled_by_xla"), 0).stderr


def test_the_log_level_is_not_left_in_the_environment(exported: Export, clean_python: Python) -> None:
    """Child processes of the program would inherit it."""
    code = """
import os, subprocess, sys
import tftrt

before = dict(os.environ)
model = tftrt.Model(sys.argv[1])
print(subprocess.run(["sh", "-c", 'echo "${TF_CPP_MIN_LOG_LEVEL-unset}"'], capture_output=True).stdout.decode(), end="")
assert dict(os.environ) == before
"""
    assert clean_python(code, exported("cnn")).stdout == "unset\n"
    assert clean_python(code, exported("cnn"), TF_CPP_MIN_LOG_LEVEL="1").stdout == "1\n"


# Beside TensorFlow's Python package


@pytest.mark.parametrize("order", ["tftrt first", "tftrt used first", "tensorflow first"])
def test_both_packages_in_one_process(order: str, exported: Export, python: Python) -> None:
    """Each computes what it computes alone; test_parity.py loads a converted model with both."""
    code = """
import sys
import numpy as np

order, path = sys.argv[1:]
image = np.random.default_rng(1).standard_normal((2, 8, 8, 3)).astype(np.float32)

def own():
    import tftrt

    with tftrt.Model(path, device="cpu") as model:
        return model(image)["probabilities"].tobytes()

def stock():
    import tensorflow as tf

    function = tf.saved_model.load(path).signatures["serving_default"]
    return function(image=tf.constant(image))["probabilities"].numpy().tobytes()

if order == "tftrt first":
    import tftrt
if order == "tftrt used first":
    results = [own(), stock(), own()]
else:
    results = [stock(), own(), stock()]
assert len(set(results)) == 1
# One copy of TensorFlow.
with open("/proc/self/maps") as maps:
    files = {line.split()[-1] for line in maps if "libtensorflow_cc.so" in line or "libtensorflow_framework.so" in line}
assert len(files) == 2, files
"""
    python(code, order, exported("cnn"), TF_CPP_MIN_LOG_LEVEL="3", CUDA_VISIBLE_DEVICES="-1")


def test_importing_tensorflow_later_is_an_ordinary_import(python: Python) -> None:
    """What tftrt puts in the way of the import leaves no traces."""
    code = """
import sys
import importlib.util
import tftrt
assert importlib.util.find_spec("tensorflow") is not None
assert "tensorflow" not in sys.modules
import tensorflow as tf
assert not [finder for finder in sys.meta_path if type(finder).__module__.startswith("tftrt")]
assert tf.__spec__.name == "tensorflow"
assert tf.constant(1).numpy() == 1
import importlib
assert importlib.import_module("tensorflow") is tf
"""
    python(code, TF_CPP_MIN_LOG_LEVEL="3", CUDA_VISIBLE_DEVICES="-1")


@pytest.mark.parametrize("order", ["tftrt, tensorflow", "tensorflow, tftrt"])
def test_tensorflow_that_tftrt_cannot_use_is_imported(order: str, exported: Export, python: Python) -> None:
    """The imports go well; what is wrong is an error of what needs TensorFlow, at each use."""
    code = f"""
import sys
import {order}
assert tensorflow.constant(1).numpy() == 1
for _ in range(2):
    try:
        tftrt.Model(sys.argv[1])
    except tftrt.IncompatibleError as error:
        print(error)
"""
    result = python(code, exported("cnn"), TFTRT_TENSORFLOW_DIR="/nowhere", TF_CPP_MIN_LOG_LEVEL="3")
    assert result.stdout.count("there is no libtensorflow_cc.so.2 in /nowhere") == 2


def test_the_package_is_imported_in_little_time(python: Python) -> None:
    """Its imports are few: no part of conversion or the command line."""
    code = """
import sys
import tftrt
print([name for name in ("rich", "argparse", "PIL", "ml_dtypes") if name in sys.modules])
"""
    assert importlib.util.find_spec("rich") is not None
    assert python(code).stdout == "[]\n"
