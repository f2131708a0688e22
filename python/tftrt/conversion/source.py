"""What can be converted: every kind of source becomes a SavedModel directory."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from .._full_disk import room_for
from ..errors import InvalidArgumentError, ModelError
from ..manifest import file_sha256
from .export import KERAS_SUFFIXES, Exported, export_keras_file
from .options import Options
from .storage import files_below

_GRAPH_SUFFIXES = (".pb", ".pbtxt")


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


def check_path(path: Path, options: Options) -> None:
    """Refuse a path that is not a model, without TensorFlow.

    Raises:
        InvalidArgumentError: The file is of a kind that cannot be converted.
        ModelError: The file or directory does not exist, or is not a model.
    """
    if not path.exists():
        raise ModelError(f"{path}: expected a SavedModel directory or a model file, found nothing. Check the path.")
    suffix = path.suffix.lower()
    if path.is_dir():
        _model_files(path)
    elif path.name.startswith("saved_model.pb"):
        raise InvalidArgumentError(
            f"{path}: expected a SavedModel's directory, found a file in it. Pass {str(path.parent)!r}."
        )
    elif suffix not in (*KERAS_SUFFIXES, *_GRAPH_SUFFIXES):
        checkpoint = path.suffix == ".index" or ".data-" in path.suffix
        raise InvalidArgumentError(
            f"{path}: expected a SavedModel directory, a .keras or .h5 file, or a .pb or .pbtxt GraphDef, "
            f"found a {'checkpoint, which has weights and no model' if checkpoint else 'file'} that ends with "
            f"{path.suffix!r}."
        )
    if path.is_dir() or suffix not in _GRAPH_SUFFIXES:
        options.refuse_tensor_names()


@contextmanager
def open_source(exported: Exported, options: Options) -> Iterator[Source]:
    """Make a model available as a SavedModel for the time of a ``with`` block; :func:`check_path` took its path.

    Raises:
        ModelError: The file or directory cannot be read.
        UnsupportedError: Keras cannot export the model.
    """
    path = exported.path
    if exported.kind:
        files = [Path(exported.name)] if exported.kind == "keras" else _model_files(path)
        yield _describe(path, exported.kind, exported.name, files)
        return
    if path.is_dir():
        yield _describe(path, "saved_model", exported.name, _model_files(path))
        return
    with TemporaryDirectory(prefix="tftrt-source-") as temporary:
        directory = Path(temporary) / "model"
        if path.suffix.lower() in KERAS_SUFFIXES:
            export_keras_file(path, directory, options)
            kind = "keras"
        else:
            from .graph_source import read_graph, write_saved_model

            with room_for(directory, path.stat().st_size):
                write_saved_model(read_graph(path), str(path), directory, options)
            kind = "graph_def"
        yield _describe(directory, kind, exported.name, [path])


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
        files.extend(files_below(directory / part))
    return sorted(files)


def _describe(directory: Path, kind: str, path: str, files: list[Path]) -> Source:
    total = hashlib.sha256()
    size = 0
    for file in files:
        name = file.relative_to(directory).as_posix() if len(files) > 1 else file.name
        total.update(f"{name}\0{file_sha256(file)}\0".encode())
        size += file.stat().st_size
    return Source(directory, kind, path, f"sha256:{total.hexdigest()}", size)
