"""From the begin of a process to its first result: ResNet50, batch 1, 224x224, random weights.

Compares TensorFlow's Python package with tftrt from Python and from C++, for the exported and the converted model,
each a process of its own, in turn. Bar: tftrt from Python takes at most half as long as TensorFlow.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

import machine
from programs import build_program, run_python
from timing import summarise

HERE = Path(__file__).parent

MAKE = """
import sys

import keras
import tftrt

keras.utils.set_random_seed(1)
keras.applications.ResNet50(weights=None).export(sys.argv[1], verbose=False)
tftrt.convert(sys.argv[1], sys.argv[2])
"""

TENSORFLOW = """
import sys

import numpy as np
import tensorflow as tf

function = tf.saved_model.load(sys.argv[1]).signatures["serving_default"]
(name,) = function.structured_input_signature[1]
image = (np.arange(224 * 224 * 3, dtype=np.float32) % 251 / 251).reshape(1, 224, 224, 3)
(result,) = function(**{name: tf.constant(image)}).values()
print(f"{result.numpy()[0, 0]:.6f}")
"""

TFTRT = """
import sys

import numpy as np
import tftrt

model = tftrt.Model(sys.argv[1])
image = (np.arange(224 * 224 * 3, dtype=np.float32) % 251 / 251).reshape(1, 224, 224, 3)
(result,) = model(image).values()
print(f"{result[0, 0]:.6f}")
"""


def main() -> None:
    """Measure and write the result."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=7, help="processes of each kind (default: 7)")
    parser.add_argument("--output", type=Path, help="default: benchmarks/results/cold_start.json")
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        original, converted = f"{folder}/resnet50", f"{folder}/resnet50_trt"
        run_python(MAKE, original, converted)
        program = build_program(HERE, Path(folder) / "build", "cold_start")
        commands = {
            "TensorFlow Python": [sys.executable, "-c", TENSORFLOW, original],
            "tftrt Python": [sys.executable, "-c", TFTRT, original],
            "tftrt Python, converted": [sys.executable, "-c", TFTRT, converted],
            "tftrt C++": [program, original, "224"],
            "tftrt C++, converted": [program, converted, "224"],
        }
        times: dict[str, list[float]] = {name: [] for name in commands}
        for number in range(args.rounds + 1):
            for name, command in commands.items():
                begin = time.perf_counter()
                result = subprocess.run(command, check=True, capture_output=True, text=True).stdout
                if number > 0:  # the first round fills the page cache
                    times[name].append(time.perf_counter() - begin)
                assert abs(float(result) - 0.001) < 0.01, f"{name}: {result}"
    rows = {name: summarise(seconds, 1.0, 3) for name, seconds in times.items()}
    baseline = rows["TensorFlow Python"]["median"]
    ratios = {name: round(row["median"] / baseline, 3) for name, row in rows.items()}
    for name, row in rows.items():
        print(f"{name:28} {row['median']:6.2f} s   {ratios[name]:.2f} of TensorFlow Python's")
    machine.write("cold_start", {"unit": "s", "processes": rows, "ratios": ratios}, args.output)


if __name__ == "__main__":
    main()
