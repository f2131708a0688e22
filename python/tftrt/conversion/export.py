"""Objects and Keras files become SavedModels."""

from __future__ import annotations

import contextlib
import importlib
import inspect
import io
import logging
import sys
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from os import PathLike
from pathlib import Path
from typing import Any

from .._full_disk import room_for
from ..errors import InvalidArgumentError, ModelError, UnsupportedError
from .causes import cause_of
from .options import Options

__all__ = ["KERAS_SUFFIXES", "Exported", "export", "export_keras_file", "is_object"]

KERAS_SUFFIXES = (".keras", ".h5", ".hdf5")
_EXPORTED = "exported"


@dataclass(frozen=True)
class Exported:
    """A model on disk, and its name for messages.

    Attributes:
        path: The file or directory to open.
        name: The path that the caller gave, or the type of an object in memory.
        kind: ``"memory"`` or ``"keras"``; empty where ``path`` itself says it.
    """

    path: Path
    name: str
    kind: str = ""


def is_object(source: Any) -> bool:
    """Whether ``source`` is a model in memory rather than a path."""
    return not isinstance(source, (str, PathLike))


def export(source: Any, folder: Path, options: Options) -> Exported:
    """Write to ``folder`` a model that only this process has: an object, or a Keras file that may need its classes.

    Raises:
        InvalidArgumentError: The object is of a kind that cannot be converted.
        ModelError: The file cannot be read.
        UnsupportedError: TensorFlow or Keras cannot export the object.
    """
    directory = folder / _EXPORTED
    if is_object(source):
        with _quiet(), room_for(directory, lambda: _size_in_memory(source)):
            _export_object(source, directory, options)
        return Exported(directory, type(source).__qualname__, "memory")
    path = Path(source)
    if path.suffix.lower() in KERAS_SUFFIXES and path.is_file() and {"keras", "tf_keras"} & sys.modules.keys():
        with _quiet(), room_for(directory, path.stat().st_size):
            export_keras_file(path, directory, options)
        return Exported(directory, str(path), "keras")
    return Exported(path, str(path))


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """Keep the messages of every export off the terminal; other threads are heard."""
    thread = threading.get_ident()

    def others(record: logging.LogRecord) -> bool:
        return record.levelno > logging.INFO or record.thread != thread

    logger = logging.getLogger("tensorflow")
    logger.addFilter(others)
    try:
        yield
    finally:
        logger.removeFilter(others)


def export_keras_file(path: Path, directory: Path, options: Options) -> None:
    """Load a Keras file and export the model."""
    import tensorflow as tf

    _refuse_weights_alone(path)
    try:
        model = _load_keras(tf.keras, path)
    except Exception as error:
        legacy = _legacy_keras()
        if legacy is None or legacy is tf.keras:
            hint = "" if legacy is not None else "If Keras 2 wrote the file, install it: pip install tf-keras~=2.17.0. "
            raise _unreadable(path, error, hint) from error
        try:
            model = _load_keras(legacy, path)
        except Exception:
            raise _unreadable(path, error, "") from error
    _export_object(model, directory, options)


def _refuse_weights_alone(path: Path) -> None:
    """Refuse a file that ``save_weights`` of Keras 2 or 3 wrote."""
    if path.suffix.lower() == ".keras":
        return
    h5py = importlib.import_module("h5py")
    try:
        with h5py.File(path, "r") as file:
            has_model = "model_config" in file.attrs
    except OSError:
        return  # Keras says why it cannot be read.
    if not has_model:
        raise ModelError(
            f"{path}: expected a Keras model, found its weights alone, as save_weights writes them: the file has no "
            f"layers. Build the model in Python, call model.load_weights({str(path)!r}), and pass the model itself to "
            "tftrt.convert; or save it whole with model.save."
        )


def _load_keras(keras: Any, path: Path) -> Any:
    import tensorflow as tf

    # Keras creates the weights where TensorFlow puts them by default: keep GPUs out of a conversion.
    with tf.device("/CPU:0"):
        return keras.models.load_model(str(path), compile=False)


def _legacy_keras() -> Any:
    """Keras 2, which TensorFlow 2.17 calls tf_keras, or None where it is not installed."""
    try:
        return importlib.import_module("tf_keras")
    except ImportError:
        return None


def _unreadable(path: Path, error: Exception, hint: str) -> ModelError:
    return ModelError(
        f"{path}: expected a model that the installed Keras can load, found: {cause_of(error)} {hint}"
        "Register custom objects, or export the model to a SavedModel where it was made."
    )


def _export_object(source: Any, directory: Path, options: Options) -> None:
    import tensorflow as tf

    if isinstance(source, tf.Graph):
        source = source.as_graph_def()
    if isinstance(source, tf.compat.v1.GraphDef):
        from .graph_source import write_saved_model

        return write_saved_model(source, "source", directory, options)
    options.refuse_tensor_names()
    if not isinstance(source, tf.Module) and not _is_keras(source) and not _is_concrete(source):
        raise InvalidArgumentError(
            "source: expected a path, a tf.Module, a keras.Model, a ConcreteFunction or a frozen GraphDef, "
            f"found {type(source).__qualname__}. For a tf.function, pass fn.get_concrete_function(...)."
        )
    try:
        if _is_concrete(source):
            _export_concrete(source, directory)
        elif _is_keras(source) and hasattr(source, "export"):
            _export_keras(source, directory)
        else:
            _export_module(source, directory)
    except InvalidArgumentError:
        raise
    except Exception as error:
        raise UnsupportedError(
            f"source: TensorFlow cannot export this {type(source).__qualname__} as a SavedModel: {cause_of(error)} "
            "Correct the model (tf.saved_model.save shows the traceback of the same error), or pass a tf.Module that "
            "tracks all variables and tables that its functions use."
        ) from error


def _size_in_memory(source: Any) -> int:
    """Bytes of a model's weights, or of a GraphDef."""
    if hasattr(source, "ByteSize"):
        return int(source.ByteSize())
    variables: Any = getattr(source, "variables", None) or getattr(getattr(source, "graph", None), "variables", ())
    return sum(variable.numpy().nbytes for variable in variables)


def _is_keras(source: Any) -> bool:
    """Whether an object is a Keras model, of the Keras that TensorFlow uses or of tf_keras beside it."""
    import tensorflow as tf

    return isinstance(source, tf.keras.Model) or any(
        base.__name__ == "Model" and base.__module__.partition(".")[0] in ("keras", "tf_keras")
        for base in type(source).__mro__
    )


def _is_concrete(source: Any) -> bool:
    from tensorflow.python.eager.polymorphic_function.concrete_function import ConcreteFunction

    return isinstance(source, ConcreteFunction)


def _export_keras(model: Any, directory: Path) -> None:
    if not model.built:
        raise InvalidArgumentError(
            "source: expected a built Keras model, found one without weights. Call it on data once, or give "
            "it an Input."
        )
    if "verbose" in inspect.signature(model.export).parameters:
        model.export(str(directory), verbose=False)
    else:  # Keras 2 prints a summary, which nothing turns off.
        with contextlib.redirect_stdout(io.StringIO()):
            model.export(str(directory))


def _export_concrete(function: Any, directory: Path) -> None:
    import tensorflow as tf

    owner = tf.Module()
    # saved_model.save refuses captured variables that no object of the model tracks.
    owner.captured = list(function.graph.variables)
    tf.saved_model.save(owner, str(directory), signatures=function)


def _export_module(module: Any, directory: Path) -> None:
    import tensorflow as tf

    signatures = {}
    for name in sorted({*dir(type(module)), *vars(module)}):
        # Properties are left alone: reading one may do anything.
        function = inspect.getattr_static(module, name, None)
        if (name != "__call__" and name.startswith("_")) or not hasattr(function, "get_concrete_function"):
            continue
        if getattr(function, "input_signature", None) is not None:
            signatures["serving_default" if name == "__call__" else name] = getattr(module, name)
    if not signatures:
        raise InvalidArgumentError(
            f"source: expected a tf.Module with a tf.function that has an input_signature, found none in "
            f"{type(module).__qualname__}. Give one an input_signature, or pass "
            f"fn.get_concrete_function(...)."
        )
    tf.saved_model.save(module, str(directory), signatures=signatures)
