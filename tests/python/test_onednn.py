"""With oneDNN, as TensorFlow's packages have it switched on, results agree within rounding.

The rest of the suite switches it off to compare bit for bit: see conftest.py.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import exports
import runtime_models
from conftest import PATIENCE, TensorFlow

Export = Callable[[str], Path]


def floats(seed: int, *shape: int) -> np.ndarray:
    return np.random.default_rng(seed).standard_normal(shape).astype(np.float32)


CASES: dict[str, list[dict[str, Any]]] = {
    "resnet50": [{"image": floats(batch, batch, 64, 64, 3)} for batch in (1, 3)],
    "mtcnn_onet": [{"image": floats(batch, batch, 48, 48, 3)} for batch in (1, 3)],
    "lstm": [{"sequence": floats(1, batch, length, 4)} for batch, length in ((1, 5), (3, 9))],
    "branching": [
        {"x": floats(batch, batch, 4), "steps": np.int32(steps), "up": np.bool_(up)}
        for batch, steps, up in ((1, 3, True), (3, 0, False))
    ],
}

TENSORFLOW = """
import sys
import numpy as np
import tensorflow as tf

inputs, results, *models = sys.argv[1:]
outputs = {}
with np.load(inputs) as arrays:
    for name, path in zip(models[::2], models[1::2]):
        function = tf.saved_model.load(path).signatures["serving_default"]
        for call in ("0", "1"):
            given = {key.split("/")[2]: tf.constant(arrays[key]) for key in arrays if key.startswith(f"{name}/{call}/")}
            outputs |= {f"{name}/{call}/{key}": value.numpy() for key, value in function(**given).items()}
np.savez(results, **outputs)
"""

TFTRT = """
import sys
import numpy as np
import tftrt

inputs, results, executor, *models = sys.argv[1:]
outputs = {}
with np.load(inputs) as arrays:
    for name, path in zip(models[::2], models[1::2]):
        with tftrt.Model(path, device="cpu", executor=executor) as model:
            for call in ("0", "1"):
                given = {key.split("/")[2]: arrays[key] for key in arrays if key.startswith(f"{name}/{call}/")}
                outputs |= {f"{name}/{call}/{key}": value for key, value in model(given).items()}
np.savez(results, **outputs)
"""


def run(code: str, *arguments: object, onednn: str = "1") -> str:
    """What the code prints in a process with oneDNN, without a log and without a GPU."""
    environment = {"TF_ENABLE_ONEDNN_OPTS": onednn, "TF_CPP_MIN_LOG_LEVEL": "3", "CUDA_VISIBLE_DEVICES": "-1"}
    result = subprocess.run(
        [sys.executable, "-c", code, *map(str, arguments)],
        capture_output=True,
        text=True,
        timeout=2 * PATIENCE,
        env={**os.environ, **environment},
    )
    assert result.returncode == 0, result.stderr
    return result.stdout


@pytest.fixture(scope="module")
def inputs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("onednn") / "inputs.npz"
    arrays = {
        f"{name}/{index}/{key}": value
        for name, calls in CASES.items()
        for index, call in enumerate(calls)
        for key, value in call.items()
    }
    np.savez(path, **arrays)
    return path


@pytest.fixture(scope="module")
def wanted(inputs: Path, exported: Export, tmp_path_factory: pytest.TempPathFactory) -> dict[str, np.ndarray]:
    """What TensorFlow's own signature calls return."""
    results = tmp_path_factory.mktemp("onednn") / "results.npz"
    run(TENSORFLOW, inputs, results, *(part for name in CASES for part in (name, exported(name))))
    with np.load(results) as arrays:
        return dict(arrays)


@pytest.mark.parametrize("executor", ["auto", "parallel"])
@pytest.mark.parametrize("kind", ["original", "converted"])
def test_results_agree_with_tensorflow_within_rounding(
    kind: str,
    executor: str,
    inputs: Path,
    wanted: dict[str, np.ndarray],
    exported: Export,
    converted_of: Export,
    tmp_path: Path,
) -> None:
    model_of = exported if kind == "original" else converted_of
    models = [part for name in CASES for part in (name, model_of(name))]
    run(TFTRT, inputs, tmp_path / "results.npz", executor, *models)
    with np.load(tmp_path / "results.npz") as found:
        assert sorted(found) == sorted(wanted)
        for key, value in wanted.items():
            np.testing.assert_allclose(found[key], value, rtol=1e-4, atol=1e-5, err_msg=key)


def test_onednn_is_what_is_tested() -> None:
    """The variable is read, and by the library that the runtime opens."""
    code = """
import ctypes
import tftrt

tftrt._native.open_tensorflow()
enabled = ctypes.CDLL("libtensorflow_framework.so.2")._ZN10tensorflow12IsMKLEnabledEv
enabled.restype = ctypes.c_bool
print(enabled())
"""
    assert run(code, onednn="1") == "True\n"
    assert run(code, onednn="0") == "False\n"


SAME_BITS = """
import sys
import numpy as np
import tftrt

inputs, results, path, light, *signatures = sys.argv[1:]
x = np.load(inputs)
outputs = {}
for signature in signatures:
    with tftrt.Model(path, signature, device="cpu") as model:
        outputs[signature] = model(x)["y"]
        print(model.info.executor, model.info.executor_reason)
with tftrt.Model(light, device="cpu") as model:
    print(model.info.executor, model.info.executor_reason)
np.savez(results, **outputs)
"""

WANTED_BITS = """
import sys
import numpy as np
import tensorflow as tf

inputs, results, path, light, *signatures = sys.argv[1:]
x = tf.constant(np.load(inputs))
model = tf.saved_model.load(path)
np.savez(results, **{name: model.signatures[name](x=x)["y"].numpy() for name in signatures})
"""


def test_loops_and_branches_have_tensorflows_bits(tensorflow: TensorFlow, tmp_path: Path) -> None:
    """Bodies of loops and branches are computed with oneDNN where TensorFlow computes them so."""
    source, converted = tmp_path / "model", tmp_path / "model_trt"
    signatures = ["loop", "cond", "case", "mapped"]
    tensorflow.call(runtime_models.functional, str(source))
    tensorflow.call(exports.convert, str(source), str(converted))
    np.save(tmp_path / "x.npy", floats(7, 2, 14, 14, 16))
    run(WANTED_BITS, tmp_path / "x.npy", tmp_path / "wanted.npz", source, f"{source}_light", *signatures)
    for path in (source, converted):
        lines = run(SAME_BITS, tmp_path / "x.npy", tmp_path / "found.npz", path, f"{source}_light", *signatures)
        if path == source:
            assert "with oneDNN" in lines.splitlines()[0]
        assert lines.splitlines()[-1].startswith("single ")
        with np.load(tmp_path / "wanted.npz") as wanted, np.load(tmp_path / "found.npz") as found:
            for name in signatures:
                np.testing.assert_array_equal(found[name], wanted[name], err_msg=f"{path.name} {name}")


def test_without_onednn_loops_stay_in_the_callers_thread(tensorflow: TensorFlow, tmp_path: Path) -> None:
    tensorflow.call(runtime_models.functional, str(tmp_path / "model"))
    np.save(tmp_path / "x.npy", floats(7, 2, 14, 14, 16))
    arguments = [tmp_path / "x.npy", tmp_path / "y.npz", tmp_path / "model", tmp_path / "model_light", "loop"]
    assert run(SAME_BITS, *arguments, onednn="0").startswith("single ")
