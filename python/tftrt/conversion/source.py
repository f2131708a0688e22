"""What can be converted: every kind of source becomes a SavedModel directory."""

from __future__ import annotations

import contextlib
import hashlib
import importlib
import inspect
import io
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from ..errors import InvalidArgumentError, ModelError, UnsupportedError
from ..manifest import file_sha256
from .options import Options

_KERAS_SUFFIXES = (".keras", ".h5", ".hdf5")


@dataclass
class Source:
    """A SavedModel directory, and what the caller named.

    Attributes:
        directory: The SavedModel; temporary unless ``kind`` is ``"saved_model"``.
        kind: ``"saved_model"``, ``"keras"``, ``"graph_def"`` or ``"memory"``.
        path: The caller's path, or the type of an object in memory.
        fingerprint: ``"sha256:..."`` of the source's files (in memory: of the SavedModel exported from it).
        size: Bytes of these files.
    """

    directory: Path
    kind: str
    path: str
    fingerprint: str
    size: int


@contextmanager
def open_source(source: Any, options: Options) -> Iterator[Source]:
    """Make ``source`` available as a SavedModel for the time of a ``with`` block.

    Raises:
        InvalidArgumentError: The object or file is of a kind that cannot be converted.
        ModelError: The file or directory does not exist or cannot be read.
        UnsupportedError: TensorFlow or Keras cannot export the object.
    """
    if not isinstance(source, (str, Path)) and not hasattr(source, "__fspath__"):
        _no_tensor_names(options)
        with TemporaryDirectory(prefix="tftrt-source-") as temporary:
            directory = Path(temporary) / "model"
            _export_object(source, directory)
            yield _describe(directory, "memory", type(source).__qualname__, _model_files(directory))
        return
    path = Path(source)
    if not path.exists():
        raise ModelError(f"{path}: expected a SavedModel directory or a model file, found nothing. Check the path.")
    if path.is_dir():
        _no_tensor_names(options)
        yield _describe(path, "saved_model", str(path), _model_files(path))
        return
    with TemporaryDirectory(prefix="tftrt-source-") as temporary:
        directory = Path(temporary) / "model"
        if path.suffix.lower() in _KERAS_SUFFIXES:
            _no_tensor_names(options)
            _export_keras_file(path, directory)
            kind = "keras"
        elif path.name.startswith("saved_model.pb"):
            raise InvalidArgumentError(
                f"{path}: expected a SavedModel's directory, found a file in it. Pass {str(path.parent)!r}."
            )
        elif path.suffix.lower() in (".pb", ".pbtxt"):
            from .graph_source import write_saved_model

            write_saved_model(path, directory, options)
            kind = "graph_def"
        else:
            raise InvalidArgumentError(
                f"{path}: expected a SavedModel directory, a .keras or .h5 file, or a .pb or .pbtxt GraphDef, "
                f"found a file that ends with {path.suffix!r}."
            )
        yield _describe(directory, kind, str(path), [path])


def _model_files(directory: Path) -> list[Path]:
    """The files of a SavedModel that conversion reads."""
    if not any((directory / name).is_file() for name in ("saved_model.pb", "saved_model.pbtxt")):
        found = ", ".join(sorted(path.name for path in directory.iterdir())[:5]) or "an empty directory"
        raise ModelError(
            f"{directory}: expected a SavedModel (a directory with saved_model.pb), found {found}. "
            "Pass the directory that tf.saved_model.save or model.export wrote."
        )
    files = [path for path in directory.glob("saved_model.pb*") if path.is_file()]
    for part in ("variables", "assets"):
        files.extend(path for path in (directory / part).rglob("*") if path.is_file())
    return sorted(files)


def _describe(directory: Path, kind: str, path: str, files: list[Path]) -> Source:
    total = hashlib.sha256()
    size = 0
    for file in files:
        name = file.relative_to(directory).as_posix() if len(files) > 1 else file.name
        total.update(f"{name}\0{file_sha256(file)}\0".encode())
        size += file.stat().st_size
    return Source(directory, kind, path, f"sha256:{total.hexdigest()}", size)


def _no_tensor_names(options: Options) -> None:
    if options.inputs is not None or options.outputs is not None:
        raise InvalidArgumentError(
            "inputs, outputs: expected only with a frozen GraphDef (.pb or .pbtxt file), found with another kind of "
            "source. "
            "Leave them out: the model's signatures name its inputs and outputs."
        )


def _export_keras_file(path: Path, directory: Path) -> None:
    import tensorflow as tf

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
    _export_object(model, directory)


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
        f"{path}: expected a model that the installed Keras can load, found: {error} {hint}"
        "Register custom objects, or export the model to a SavedModel where it was made."
    )


def _export_object(source: Any, directory: Path) -> None:
    import tensorflow as tf

    if not isinstance(source, tf.Module) and not _is_keras(source) and not _is_concrete(source):
        raise InvalidArgumentError(
            "source: expected a path, a tf.Module, a keras.Model or a ConcreteFunction, "
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
            f"source: TensorFlow cannot export this {type(source).__qualname__} as a SavedModel: {error} "
            "Export it with tf.saved_model.save, which shows more, and convert the directory."
        ) from error


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
