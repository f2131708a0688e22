"""TensorFlow's single-threaded and parallel executor, and what executor "auto" chooses, on a CPU.

Each model is loaded once for each executor, and all are called in turn. Bar: "auto" is never slower than "parallel"
by more than noise, wide graphs included, and takes the single-threaded executor where that one is faster.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[1]))

import machine
import numpy as np
from programs import run_python
from timing import interleave, summarise

import tftrt

EXECUTORS = ("parallel", "single", "auto")

MAKE = """
import sys
from functools import reduce

import keras
import numpy as np
import tensorflow as tf

folder = sys.argv[1]
generator = np.random.default_rng(0)


def save(name, function, *shape):
    module = tf.Module()
    module.weights = [tf.Variable(generator.standard_normal((512, 512)).astype(np.float32) / 30) for _ in range(8)]
    spec = tf.TensorSpec(shape, tf.float32, name="x")
    call = tf.function(lambda x: {"y": function(module.weights, x)}, input_signature=[spec])
    tf.saved_model.save(module, f"{folder}/{name}", signatures={"serving_default": call})


def chain(weights, x):
    for weight in weights:
        x = tf.nn.relu(x @ weight)
    return x


save("add one", lambda weights, x: x + 1.0, 1, 4)
save("20 small ops in a row", lambda weights, x: reduce(lambda y, _: tf.tanh(y) + 1.0, range(10), x), 1, 64)
save("8 products in a row", chain, 256, 512)
save("8 products side by side", lambda weights, x: tf.add_n([tf.nn.relu(x @ weight) for weight in weights]), 256, 512)
save("2 branches of 4 products", lambda weights, x: chain(weights[:4], x) + chain(weights[4:], x), 256, 512)
keras.utils.set_random_seed(1)
for name in ("ResNet50", "MobileNetV2", "InceptionV3"):
    keras.applications.__dict__[name](weights=None).export(f"{folder}/{name}", verbose=False)
"""

# Model, shape of the input, calls in each of the rounds.
MODELS: list[tuple[str, tuple[int, ...], int]] = [
    ("add one", (1, 4), 2000),
    ("20 small ops in a row", (1, 64), 2000),
    ("8 products in a row", (256, 512), 20),
    ("8 products side by side", (256, 512), 20),
    ("2 branches of 4 products", (256, 512), 20),
    ("ResNet50", (1, 224, 224, 3), 4),
    ("MobileNetV2", (1, 224, 224, 3), 10),
    ("InceptionV3", (1, 299, 299, 3), 3),
]


def main() -> None:
    """Measure and write the result."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=10)
    parser.add_argument("--output", type=Path, help="default: benchmarks/results/executor.json")
    args = parser.parse_args()
    results = []
    with tempfile.TemporaryDirectory() as folder:
        run_python(MAKE, folder)
        for name, shape, calls in MODELS:
            results.append({"model": name, **_measure(f"{folder}/{name}", shape, calls, args.rounds)})
            row = results[-1]
            print(
                f"{name:28} parallel {row['parallel']['median']:9.1f} us   single {row['single']['median']:9.1f} us   "
                f"auto ({row['chosen']}) {row['auto']['median']:9.1f} us = {row['auto_to_parallel']:.2f} of parallel"
            )
    machine.write("executor", {"unit": "us per call", "models": results}, args.output)


def _measure(path: str, shape: tuple[int, ...], calls: int, rounds: int) -> dict[str, Any]:
    models = {executor: tftrt.Model(path, executor=executor, device="cpu") for executor in EXECUTORS}
    x = np.random.default_rng(1).standard_normal(shape).astype(np.float32)
    times = interleave(
        {executor: (lambda model=model: model(x)) for executor, model in models.items()},
        rounds=rounds,
        calls_each=calls,
    )
    rows = {executor: summarise(seconds, 1e-6, 1) for executor, seconds in times.items()}
    info = models["auto"].info
    ratio = round(rows["auto"]["median"] / rows["parallel"]["median"], 3)
    return {**rows, "chosen": info.executor, "reason": info.executor_reason, "auto_to_parallel": ratio}


if __name__ == "__main__":
    main()
