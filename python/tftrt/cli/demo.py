"""``tftrt demo``: the main job on a small model that needs no download."""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .common import SUCCESS, CommandError, Subparsers, add_command, console

if TYPE_CHECKING:
    from numpy.typing import NDArray

_EXAMPLES = """\
examples:
  tftrt demo
  tftrt demo --keep demo        keeps the two models, the image and the results in demo/
"""

_IMAGE = 64
_CALLS = 200
# On a CPU the results are the same bits; engines on a GPU compute convolutions in TF32.
_TOLERANCE = 1e-3


def add_parser(subparsers: Subparsers) -> None:
    """Add the command."""
    parser = add_command(subparsers, "demo", run, "convert and run a small model, to see that all works", _EXAMPLES)
    parser.add_argument("--keep", type=Path, metavar="DIR", help="a new folder for what the demo makes")


def run(args: argparse.Namespace) -> int:
    """Make a model, convert it, run both, compare."""
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    # TensorFlow in this process must leave GPU memory for tftrt in the other.
    os.environ.setdefault("TF_FORCE_GPU_ALLOW_GROWTH", "true")
    out = console()
    with _folder(args.keep) as folder:
        original, converted = folder / "model", folder / "model_trt"
        out.print("1. making a small convolutional network with TensorFlow")
        _make_model(original)
        image = _make_image(folder / "image.npy")

        out.print("2. converting it with TF-TRT")
        import tftrt

        report = tftrt.convert(original, converted)
        out.print(f"\n{report}\n", markup=False)

        out.print("3. running the original in TensorFlow, and the converted model through tftrt in a new process\n")
        expected, tensorflow_seconds = _run_tensorflow(original, image)
        found, result = _run_tftrt(converted, folder)
        _compare(expected, found)
        _print_result(tensorflow_seconds, result)
    return SUCCESS


@contextlib.contextmanager
def _folder(keep: Path | None) -> Iterator[Path]:
    if keep is None:
        with tempfile.TemporaryDirectory(prefix="tftrt_demo_") as folder:
            yield Path(folder)
        return
    if keep.exists():
        raise CommandError(f"--keep {keep}: it exists already; name a new folder")
    keep.mkdir(parents=True)
    yield keep


def _make_model(directory: Path) -> None:
    import numpy as np
    import tensorflow as tf

    generator = np.random.default_rng(0)

    def weights(*shape: int) -> Any:
        return tf.Variable(generator.standard_normal(shape, dtype=np.float32) / np.sqrt(np.prod(shape[:-1])))

    class Network(tf.Module):  # type: ignore[misc]
        def __init__(self) -> None:
            super().__init__()
            self.kernels = [weights(3, 3, 3, 16), weights(3, 3, 16, 32), weights(3, 3, 32, 64)]
            self.dense = weights(64, 10)

        @tf.function(input_signature=[tf.TensorSpec([None, _IMAGE, _IMAGE, 3], tf.float32, name="image")])  # type: ignore[untyped-decorator]
        def __call__(self, image: Any) -> dict[str, Any]:
            for kernel in self.kernels:
                image = tf.nn.relu(tf.nn.conv2d(image, kernel, strides=2, padding="SAME"))
            return {"probabilities": tf.nn.softmax(tf.reduce_mean(image, axis=[1, 2]) @ self.dense)}

    network = Network()
    tf.saved_model.save(network, str(directory), signatures={"serving_default": network.__call__})


def _make_image(path: Path) -> NDArray[Any]:
    import numpy as np

    image = np.random.default_rng(1).random((1, _IMAGE, _IMAGE, 3), dtype=np.float32)
    np.save(path, image)
    return image


def _run_tensorflow(directory: Path, image: NDArray[Any]) -> tuple[NDArray[Any], float]:
    """The output and the median seconds of a call."""
    import numpy as np
    import tensorflow as tf

    function = tf.saved_model.load(str(directory)).signatures["serving_default"]
    seconds = []
    for _ in range(_CALLS):
        begin = time.perf_counter()
        output = function(image=tf.constant(image))["probabilities"].numpy()
        seconds.append(time.perf_counter() - begin)
    return output, float(np.median(seconds))


def _run_tftrt(directory: Path, folder: Path) -> tuple[NDArray[Any], dict[str, Any]]:
    """The output, and what ``tftrt run`` says about it."""
    import numpy as np

    command = [sys.executable, "-m", "tftrt", "run", str(directory), "--json", "--iterations", str(_CALLS)]
    command += ["--input", f"image={folder / 'image.npy'}", "--output", str(folder / "result.npz")]
    process = subprocess.run(command, capture_output=True, text=True, check=False)
    if process.returncode != SUCCESS:
        raise CommandError(f"{' '.join(command)} gave exit status {process.returncode}: {process.stderr}")
    with np.load(folder / "result.npz") as results:
        return results["probabilities"], json.loads(process.stdout)


def _compare(expected: NDArray[Any], found: NDArray[Any]) -> None:
    import numpy as np

    if expected.shape != found.shape:
        raise CommandError(f"the results differ: expected the shape {expected.shape}, found {found.shape}")
    difference = float(np.abs(expected - found).max())
    # Written so that NaN fails.
    if not difference <= _TOLERANCE:
        raise CommandError(f"the results differ by {difference:.3g}; expected at most {_TOLERANCE:.3g}")
    console().print(f"the results agree: the largest difference is {difference:.3g}")


def _print_result(tensorflow_seconds: float, result: dict[str, Any]) -> None:
    out = console()
    tftrt_seconds = result["latency_seconds"]["median"]
    out.print(f"TensorFlow's signature call from Python   {tensorflow_seconds * 1e6:7.0f} us")
    out.print(f"tftrt.Model from Python, on {result['device']:12}   {tftrt_seconds * 1e6:6.0f} us")
