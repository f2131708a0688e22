"""The arguments of a build that can be checked without the model."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from .._arguments import PROFILE_STRATEGIES, check_flag, check_whole, read_choice
from ..batches.data import Source, open_sources
from ..errors import InvalidArgumentError
from .shapes import ShapeSet, read_set, read_sets

__all__ = ["Options", "read_options"]

_HIGHEST_LEVEL = 5


@dataclass(frozen=True)
class Options:
    """The arguments of :func:`tftrt.build`, checked and normalised.

    Attributes:
        shapes: Sets of fixed shapes.
        ranges: Sets by ``"min"``, ``"opt"`` and ``"max"``; or empty.
        data: Where sample inputs come from.
        calibration: Where calibration batches come from.
        calibration_table: Tables by engine; None if none were given.
        output: The directory to write; None: the model's own.
        overwrite: Whether an existing ``output`` is replaced.
        signatures: Names; None: all that have engines.
        profile_strategy: Empty: the model's own.
        max_workspace_size_bytes: 0: the model's own.
        optimization_level: -1: TensorRT's own.
        keep: Whether the shapes of the build before stay.
        timing_cache: Its directory; None: none.
        plan_cache: Its directory; None: none.
        gpu: Index of the GPU.
    """

    shapes: list[ShapeSet]
    ranges: dict[str, ShapeSet]
    data: list[Source]
    calibration: list[Source]
    calibration_table: dict[str, str] | None
    output: Path | None
    overwrite: bool
    signatures: list[str] | None
    profile_strategy: str
    max_workspace_size_bytes: int
    optimization_level: int
    keep: bool
    timing_cache: Path | None
    plan_cache: Path | None
    gpu: int


def read_options(
    *,
    shapes: Any,
    min_shapes: Any,
    opt_shapes: Any,
    max_shapes: Any,
    data: Any,
    calibration: Any,
    calibration_table: Any,
    output: Any,
    overwrite: Any,
    signatures: Any,
    profile_strategy: Any,
    max_workspace_size_bytes: Any,
    optimization_level: Any,
    keep: Any,
    timing_cache: Any,
    plan_cache: Any,
    device: Any,
) -> Options:
    """Check the arguments of :func:`tftrt.build`.

    Raises:
        InvalidArgumentError: One is wrong, or two exclude each other.
    """
    check_flag("overwrite", overwrite)
    check_flag("keep", keep)
    if calibration is not None and calibration_table is not None:
        raise InvalidArgumentError(
            "calibration, calibration_table: expected one of them, found both. The table is what calibration makes."
        )
    if overwrite and output is None:
        raise InvalidArgumentError(
            "overwrite: expected only with output, found none. Without output the model itself is replaced, "
            "once all has succeeded."
        )
    return Options(
        shapes=[] if shapes is None else read_sets("shapes", shapes),
        ranges=_read_ranges(min_shapes, opt_shapes, max_shapes),
        data=[] if data is None else open_sources("data", data),
        calibration=[] if calibration is None else open_sources("calibration", calibration),
        calibration_table=None if calibration_table is None else _read_table(calibration_table),
        output=None if output is None else Path(os.fsdecode(output)).absolute(),
        overwrite=overwrite,
        signatures=None if signatures is None else _read_names(signatures),
        profile_strategy="" if profile_strategy is None else _read_strategy(profile_strategy),
        max_workspace_size_bytes=0 if max_workspace_size_bytes is None else _read_size(max_workspace_size_bytes),
        optimization_level=-1 if optimization_level is None else _read_level(optimization_level),
        keep=keep,
        timing_cache=_cache_directory("timing", timing_cache),
        plan_cache=_cache_directory("plan", plan_cache),
        gpu=_read_device(device),
    )


def _read_ranges(least: Any, best: Any, most: Any) -> dict[str, ShapeSet]:
    if least is None and best is None and most is None:
        return {}
    if least is None or most is None:
        missing = "min_shapes" if least is None else "max_shapes"
        raise InvalidArgumentError(
            f"{missing}: expected it with the other of min_shapes and max_shapes, found none. For one size give shapes."
        )
    return {
        "min": read_set("min_shapes", least),
        "opt": read_set("opt_shapes", most if best is None else best),
        "max": read_set("max_shapes", most),
    }


def _read_table(path: Any) -> dict[str, str]:
    file = Path(os.fsdecode(path))
    try:
        table = json.loads(file.read_text(encoding="utf-8"))
    except OSError as error:
        raise InvalidArgumentError(
            f"calibration_table: expected a file that can be read, found {file}: {error.strerror}."
        ) from None
    except ValueError as error:
        raise InvalidArgumentError(f"calibration_table: expected JSON, found {file}: {error}.") from None
    if not isinstance(table, dict) or not table or not all(isinstance(text, str) and text for text in table.values()):
        raise InvalidArgumentError(
            f'calibration_table: expected {{"ENGINE": "TABLE"}} as tftrt build --export-calibration writes it, '
            f"found something else in {file}."
        )
    return table


def _read_names(values: Any) -> list[str]:
    if isinstance(values, (str, bytes)) or not isinstance(values, Sequence):
        raise InvalidArgumentError(f"signatures: expected a sequence of names, found {values!r}. Put it in a list.")
    for value in values:
        if not isinstance(value, str) or not value:
            raise InvalidArgumentError(f"signatures: expected names (non-empty strings), found {value!r}.")
    if not values:
        raise InvalidArgumentError(
            "signatures: expected at least one name, found none. Leave it out to build for all that have engines."
        )
    return list(dict.fromkeys(values))


def _read_strategy(value: Any) -> str:
    return read_choice("profile_strategy", value, PROFILE_STRATEGIES)


def _read_level(value: Any) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value <= _HIGHEST_LEVEL:
        raise InvalidArgumentError(f"optimization_level: expected a whole number from 0 to 5, found {value!r}.")
    return value


def _read_size(value: Any) -> int:
    check_whole("max_workspace_size_bytes", value, 1)
    return int(value)


def _cache_directory(kind: str, value: Any) -> Path | None:
    if value is False:
        return None
    if value is None:
        value = os.environ.get(f"TFTRT_{kind.upper()}_CACHE") or _home_cache(kind)
        if value is None:
            return None
    if not isinstance(value, (str, os.PathLike)) or not os.fspath(value):
        raise InvalidArgumentError(f"{kind}_cache: expected a directory or False (no cache), found {value!r}.")
    return Path(os.fsdecode(value)).absolute()


def _home_cache(kind: str) -> Path | None:
    try:
        return Path("~/.cache/tftrt", kind).expanduser()
    except RuntimeError:  # this user has no home
        return None


def _read_device(value: Any) -> int:
    match = re.fullmatch(r"gpu(?::(\d+))?", value.lower()) if isinstance(value, str) else None
    if match is None:
        raise InvalidArgumentError(
            f"device: expected 'gpu:N', found {value!r}. Engines are built on the GPU that will run them."
        )
    return int(match[1] or 0)
