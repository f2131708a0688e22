"""Where a model with engines is written, and what of the old one goes with it."""

from __future__ import annotations

import shutil
from pathlib import Path

from ..conversion.output import check_destination
from ..errors import InvalidArgumentError, ModelError
from ..manifest import MANIFEST_PATH
from .manifest import ENGINE_PREFIX
from .model import BuildableModel

__all__ = ["choose_destination", "copy_rest"]


def choose_destination(model: BuildableModel, output: Path | None, *, overwrite: bool) -> Path:
    """The directory to write, after a look at whether that is possible.

    Args:
        model: The model.
        output: None, or the model itself: it is replaced.
        overwrite: Whether another directory is replaced.

    Raises:
        InvalidArgumentError: It cannot, or must not, be written.
    """
    in_place = output is None or output.resolve() == model.directory
    target = model.directory if output is None or in_place else output
    try:
        check_destination(target, None if in_place else model.directory, overwrite=overwrite or in_place)
    except InvalidArgumentError as error:
        raise InvalidArgumentError(str(error).replace("destination:", "output:", 1)) from None
    return target


def copy_rest(model: BuildableModel, directory: Path) -> None:
    """Copy what the builder did not write.

    Args:
        model: The model.
        directory: The new model, with ``saved_model.pb`` and engines.

    Raises:
        ModelError: The model is no longer there.
    """
    assets = model.directory / "assets"

    def left_out(folder: str, names: list[str]) -> list[str]:
        if Path(folder) == model.directory:
            return [name for name in names if name == "saved_model.pb"]
        if Path(folder) == assets:
            return [name for name in names if name.startswith(ENGINE_PREFIX)]
        return [name for name in names if Path(folder, name) == model.directory / MANIFEST_PATH]

    try:
        shutil.copytree(model.directory, directory, ignore=left_out, dirs_exist_ok=True)
    except FileNotFoundError as error:
        raise ModelError(f"{model.path} was removed or changed while engines were built: {error}") from error
