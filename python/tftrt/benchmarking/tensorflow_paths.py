"""TensorFlow's own Python, as it is used without tftrt."""

from __future__ import annotations

import contextlib
import functools
from pathlib import Path
from typing import Any

from .measure import Call, MakeCall
from .paths import Arrays
from .quiet import prepare_log_level, quiet_stderr

__all__ = ["tensorflow_paths"]


def tensorflow_paths(
    path: str, signature: str, tags: tuple[str, ...], device: str, inputs: Arrays, *, xla: bool
) -> dict[str, MakeCall]:
    """``tensorflow``, and ``xla`` if asked for: the signature of ``tf.saved_model.load``, numpy arrays in and out.

    Args:
        path: The SavedModel.
        signature: Its signature.
        tags: Tag set of its graph.
        device: tftrt's name of the device that the model runs on: ``"cpu"`` or ``"gpu:N"``.
        inputs: Arrays by input name.
        xla: Whether XLA can compile it, which it cannot where there are engines.
    """
    prepare_log_level()
    import tensorflow as tf

    place = "/CPU:0" if device == "cpu" else "/" + device.upper()
    module = _load(path, tags, place, Path(path).stat().st_mtime_ns)
    function = module.signatures[signature]

    def caller(callee: Any) -> MakeCall:
        def make() -> Call:
            def call() -> Arrays:
                with tf.device(place):
                    results = callee(**{name: tf.constant(array) for name, array in inputs.items()})
                return {name: value.numpy() for name, value in results.items()}

            call.module = module  # type: ignore[attr-defined]  # its variables go with it
            return call

        return make

    paths = {"tensorflow": caller(function)}
    if xla:
        paths["xla"] = caller(tf.function(function, jit_compile=True))
        # Compiled now, and said by XLA whatever the log level is.
        with quiet_stderr(heeds_level=False), contextlib.suppress(tf.errors.OpError):
            paths["xla"]()()
    return paths


@functools.lru_cache(maxsize=1)
def _load(path: str, tags: tuple[str, ...], place: str, modified: int) -> Any:
    """Kept for the next batch: TensorFlow never lets go of engines, and refuses to load them once more."""
    import tensorflow as tf

    with tf.device(place):
        return tf.saved_model.load(path, tags=list(tags))
