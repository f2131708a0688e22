"""The manifest of a model with engines."""

from __future__ import annotations

import datetime
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from .. import _native
from ..errors import InternalError
from ..manifest import file_sha256
from .requests import Request

__all__ = ["ENGINE_PREFIX", "add_build", "make_plans"]

ENGINE_PREFIX = "trt-serialized-engine."

_BUILD_FORMAT = 1
# What write_manifest adds.
_WRITTEN_LATER = ("format_version", "manifest_sha256", "files")


def make_plans(engines: Sequence[dict[str, Any]], directory: Path) -> dict[str, dict[str, Any]]:
    """The manifest's plan of each engine that was built.

    Args:
        engines: The builder's result.
        directory: Where it saved them.

    Raises:
        InternalError: A file is missing.
    """
    plans = {}
    for engine in engines:
        if not engine["built"]:
            continue
        asset = f"assets/{ENGINE_PREFIX}{engine['name']}"
        file = directory / asset
        if not file.is_file():
            raise InternalError(f"engine {engine['name']} was built, but its file {asset} was not written")
        plans[engine["name"]] = {
            "asset": asset,
            "bytes": file.stat().st_size,
            "sha256": file_sha256(file),
            "profiles": engine["profiles"],
            "shapes": engine["shapes"],
            "seconds": round(engine["seconds"], 3),
        }
    return plans


def add_build(
    manifest: dict[str, Any],
    plans: dict[str, dict[str, Any]],
    result: dict[str, Any],
    requests: Sequence[Request],
    *,
    tensorflow: str,
    profile_strategy: str,
    optimization_level: int,
    calibrated: bool,
    calibration_batches: int,
    timing_cache: dict[str, Any],
    reused_plans: int,
    seconds: dict[str, float],
) -> dict[str, Any]:
    """The manifest with what was built, ready for ``write_manifest``.

    Args:
        manifest: The model's so far.
        plans: By engine.
        result: The worker's.
        requests: What was built for.
        tensorflow: Version of TensorFlow.
        profile_strategy: The one that was used.
        optimization_level: The one that was asked for; -1: TensorRT's own.
        calibrated: Whether engines have ranges from calibration.
        calibration_batches: How many batches they were calibrated with, now.
        timing_cache: ``{"hit", "bytes"}``.
        reused_plans: How many engines came from the plan cache.
        seconds: For each phase.
    """
    content = {key: value for key, value in manifest.items() if key not in _WRITTEN_LATER}
    content["engines"] = [{**engine, "plan": plans.get(engine["name"])} for engine in manifest["engines"]]
    content["build"] = {
        "format_version": _BUILD_FORMAT,
        "built_at": datetime.datetime.now(datetime.timezone.utc).isoformat(timespec="seconds"),
        "created_by": {"tftrt": _native.__version__, "tensorflow": tensorflow},
        "gpu": result["gpu"],
        "tensorrt": result["tensorrt"],
        "profile_strategy": profile_strategy,
        "optimization_level": optimization_level,
        "requests": [request.to_dict() for request in requests],
        "calibrated": calibrated,
        "calibration_batches": calibration_batches,
        "timing_cache": timing_cache,
        "reused_plans": reused_plans,
        "seconds": seconds,
    }
    tables = {**manifest.get("calibration_tables", {}), **result["calibration_tables"]}
    if tables:
        content["calibration_tables"] = tables
    return content
