"""Calibration tables of INT8 engines: what a build needs, and files of them."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

from .._files import replacing
from ..errors import InvalidArgumentError
from .model import BuildableModel
from .options import Options

__all__ = ["tables_for_build", "write_table"]


def tables_for_build(model: BuildableModel, options: Options, signatures: Sequence[str]) -> dict[str, str]:
    """The tables that the builder is given; an empty one has it calibrate the engine again.

    Args:
        model: The model.
        options: The build's.
        signatures: Names of the signatures to build for.

    Raises:
        InvalidArgumentError: Calibration is missing, or the model has no use for it.
    """
    given = options.calibration_table
    if not model.needs_calibration:
        if not options.calibration and given is None:
            return {}
        argument = "calibration" if options.calibration else "calibration_table"
        kind = "INT8" if model.conversion["precision"] == "INT8" else model.conversion["precision"]
        raise InvalidArgumentError(
            f"{argument}: expected only for INT8 models with calibration, found {model.path}, which is {kind}"
            f"{' with ranges of its own' if kind == 'INT8' else ''}. Leave it out, or convert with --precision INT8."
        )
    wanted = model.engines_of(signatures)
    if options.calibration:
        return {name: "" for name in wanted if name in model.calibration_tables}
    tables = model.calibration_tables if given is None else given
    missing = [name for name in wanted if name not in tables]
    if not missing:
        return {} if given is None else {name: given[name] for name in wanted}
    if given is not None:
        raise InvalidArgumentError(
            f"calibration_table: expected a table for each of the engines {', '.join(wanted)}, found none for "
            f"{', '.join(missing)}. A table is good for the same conversion only: calibrate again."
        )
    raise InvalidArgumentError(
        f"calibration: expected data or a calibration_table, because {model.path} is INT8 and has no table for "
        f"{', '.join(missing)}, found none. Give batches of real inputs: calibration=... (--calibration FILE.npz)."
    )


def write_table(path: Path, tables: dict[str, str]) -> None:
    """Write tables as the file that ``calibration_table`` takes, in one step."""
    with replacing(path) as file:
        file.write(json.dumps(tables, indent=2).encode())
