"""The temporary folder of a converter: its model as converted, and as built."""

from __future__ import annotations

import shutil
import tempfile
import weakref
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import tftrt

from .._native import TensorSpec
from ..conversion import ConversionReport
from ..conversion.output import check_destination, staging
from .engine_attributes import edit_engines, forbid_building, set_calibration
from .errors import OrderError


class Workspace:
    """Lives as long as its converter, or a function that was loaded from it.

    Attributes:
        converted: The model without engines.
        report: What :func:`tftrt.convert` did.
        built: The same with engines; None before they are built.
        tables: Calibration tables by engine; empty without calibration.
    """

    def __init__(self) -> None:
        """Make the folder."""
        self._root = Path(tempfile.mkdtemp(prefix="tftrt-compat-"))
        self._remove = weakref.finalize(self, shutil.rmtree, self._root, ignore_errors=True)
        self.converted = self._root / "converted"
        self.report = ConversionReport("", {}, "", [])
        self.built: Path | None = None
        self.tables: dict[str, str] = {}

    def file(self, name: str) -> Path:
        """A path for a file of the converter's own."""
        return self._root / name

    def convert(self, source: Path, **options: Any) -> None:
        """Convert; ``options`` are those of :func:`tftrt.convert`."""
        self.report = tftrt.convert(source, self.converted, **options)

    def inputs(self, tags: Sequence[str]) -> dict[str, TensorSpec]:
        """The inputs of the converted signature."""
        (signature,) = tftrt.inspect(self.converted, tags=tags).signatures
        return {spec.name: spec for spec in signature.inputs}

    def build(self, **options: Any) -> None:
        """Build engines, if the model has any; ``options`` are those of ``tftrt.build``.

        A failed build changes nothing.
        """
        if not self.report.engines:
            self.built = self.converted
            return
        output = self._root / "built"
        tftrt.build(self.converted, output=output, **options)
        self.built = output
        if options.get("calibration") is not None:
            self.tables = tftrt.calibration_table(output)

    def save(
        self,
        destination: Path,
        *,
        source: Path | None,
        overwrite: bool,
        engines: bool,
        allow_build: bool,
    ) -> None:
        """Write the model to a directory, whose parents are made.

        Args:
            destination: The directory.
            source: The model that was converted, which must not be replaced.
            overwrite: Whether a SavedModel may be there.
            engines: Whether built engines go along; without them, calibration tables still do.
            allow_build: Whether stock TensorFlow may build engines while it runs the model.

        Raises:
            InvalidArgumentError: The destination must not be written.
        """
        destination.absolute().parent.mkdir(parents=True, exist_ok=True)
        check_destination(destination, source, overwrite=overwrite)
        model = self.built if engines and self.built is not None else self.converted
        tables = self.tables if model is self.converted else {}

        def edit(node: Any) -> None:
            set_calibration(node, tables)
            if not allow_build:
                forbid_building(node)

        with staging(destination) as directory:
            shutil.copytree(model, directory, dirs_exist_ok=True)
            if tables or not allow_build:
                edit_engines(directory, edit)


def converted_workspace(workspace: Workspace | None, method: str) -> Workspace:
    """The workspace of a converter that ``method`` needs to have converted.

    Raises:
        OrderError: It has not.
    """
    if workspace is None:
        raise OrderError(f"{method} expected a converted model, found none. Call convert() first.")
    return workspace
