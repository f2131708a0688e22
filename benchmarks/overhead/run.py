"""What a call costs beside the model: y = x + 1 on float32 [1, 4], on a CPU.

Compares C++ Model::Run and Runner::Run, Python's tftrt.Model and tftrt.Runner, and TensorFlow's own signature call,
each in a process of its own, in turn. Bars: C++ at most 4 us, bound at most 2 us; Python, numpy in and out, at most
10 us and at most 1/40 of TensorFlow's, bound at most 4 us.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

import machine
from programs import build_program, run_python
from timing import summarise

HERE = Path(__file__).parent
ROUNDS = 5

MAKE = """
import sys
import tensorflow as tf

module = tf.Module()
module.call = tf.function(
    lambda x: {"y": x + 1.0}, input_signature=[tf.TensorSpec([1, 4], tf.float32, name="x")]
)
tf.saved_model.save(module, sys.argv[1], signatures={"serving_default": module.call})
"""

CALL = """
import json
import sys

import numpy as np
from timing import seconds_per_call

x = np.array([[0.5, -1.25, 3.0, 7.5]], np.float32)
path, which, calls = sys.argv[1], sys.argv[2], int(sys.argv[3])
if which == "tftrt":
    import tftrt

    model = tftrt.Model(path, device="cpu")
    call = lambda: model(x)["y"]
elif which == "bound":
    import tftrt

    runner = tftrt.Model(path, device="cpu").bind(x=x)
    call = lambda: runner.run()["y"]
else:
    import tensorflow as tf

    function = tf.saved_model.load(path).signatures["serving_default"]
    if which == "tensor":
        given = tf.constant(x)
        call = lambda: function(x=given)["y"]
    else:
        call = lambda: function(x=tf.constant(x))["y"].numpy()
assert np.array_equal(np.asarray(call()), x + 1)
seconds_per_call(call, calls // 10)
print(json.dumps(seconds_per_call(call, calls)))
"""


def main() -> None:
    """Measure and write the result."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--output", type=Path, help="default: benchmarks/results/overhead.json")
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        model = f"{folder}/model"
        run_python(MAKE, model)
        program = build_program(HERE, Path(folder) / "build", "overhead")
        times: dict[str, list[float]] = {}

        def add(name: str, seconds: list[float]) -> None:
            times.setdefault(name, []).extend(seconds)

        for _ in range(ROUNDS):
            for which, name in (("run", "Model::Run"), ("bound", "Runner::Run")):
                command = [program, model, which, "50000"]
                lines = subprocess.run(command, check=True, capture_output=True, text=True).stdout
                add(f"tftrt C++, {name}", [int(line) * 1e-9 for line in lines.split()])
            add("tftrt Python, numpy in and out", json.loads(run_python(CALL, model, "tftrt", "50000")))
            add("tftrt Python, bound", json.loads(run_python(CALL, model, "bound", "50000")))
            add("TensorFlow Python, numpy in and out", json.loads(run_python(CALL, model, "numpy", "2000")))
            add("TensorFlow Python, tensor in and out", json.loads(run_python(CALL, model, "tensor", "2000")))
    rows = {name: summarise(seconds, 1e-6, 2) for name, seconds in times.items()}
    for name, row in rows.items():
        print(f"{name:40} {row['median']:8.2f} us   p10 {row['p10']:8.2f}   p99 {row['p99']:8.2f}")
    ratio = rows["TensorFlow Python, numpy in and out"]["median"] / rows["tftrt Python, numpy in and out"]["median"]
    print(f"tftrt's Python call is {ratio:.0f} times faster than TensorFlow's")
    machine.write("overhead", {"unit": "us per call", "calls": rows, "ratio_python": round(ratio, 1)}, args.output)


if __name__ == "__main__":
    main()
