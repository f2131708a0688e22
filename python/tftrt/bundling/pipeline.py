"""Writing a bundle."""

from __future__ import annotations

import json
import os
import shutil
from importlib.metadata import version
from pathlib import Path

from ..conversion.output import staging
from ..errors import InvalidArgumentError
from .dependencies import newest_versions
from .report import BundledFile, BundleReport
from .selection import Item, select
from .slimming import copy_slim

__all__ = ["RECORD", "make_bundle"]

RECORD = "tftrt-bundle.json"
_CPU_ONLY = "lib/tftrt_cpu_only.txt"  # looked for by cpp/src/api/device_choice.cc
_FORMAT_VERSION = 1


def make_bundle(destination: Path, *, cuda: bool, tensorrt: bool, headers: bool, overwrite: bool) -> BundleReport:
    """See :func:`~tftrt.bundling.bundle_runtime`."""
    if tensorrt and not cuda:
        raise InvalidArgumentError(
            "tensorrt: expected cuda as well, since TensorRT needs CUDA's libraries; found it alone. "
            "Pass cuda=True (--gpu takes both)."
        )
    _check(destination, overwrite=overwrite)
    items, tensorflow = select(cuda=cuda, tensorrt=tensorrt, headers=headers)
    with staging(destination) as folder:
        files = [_copy(item, folder, device_code=cuda) for item in sorted(items, key=lambda item: item.target)]
        if not cuda:
            text = "CUDA's device code is left out of this TensorFlow: models run on the CPU.\n"
            (folder / _CPU_ONLY).write_text(text, encoding="utf-8")
            files.append(BundledFile(_CPU_ONLY, "", 0, len(text)))
        report = BundleReport(
            destination=str(destination),
            tftrt=version("tftrt"),
            tensorflow=tensorflow,
            files=files,
            system=newest_versions(item.library for item in items if item.library),
        )
        record = {"format_version": _FORMAT_VERSION, **report.to_dict()}
        del record["destination"]  # a bundle can be moved
        (folder / RECORD).write_text(json.dumps(record, indent=2) + "\n", encoding="utf-8")
        # Once more: the copies took a while, and what lies there now is removed.
        _check(destination, overwrite=overwrite)
    return report


def _check(destination: Path, *, overwrite: bool) -> None:
    parent = destination.absolute().parent
    if not parent.is_dir() or not os.access(parent, os.W_OK | os.X_OK):
        raise InvalidArgumentError(
            f"destination: expected a path in a directory that can be written to, found {destination}. "
            "Create the directory first, or choose another."
        )
    if not os.path.lexists(destination):
        return
    if destination.is_symlink() or not destination.is_dir():
        raise InvalidArgumentError(
            f"destination: expected a directory, found another file, {destination}. Choose another path."
        )
    if not any(destination.iterdir()):
        return
    others = _other_files(destination)
    if others:
        raise InvalidArgumentError(
            f"destination: expected an empty directory or an older bundle, found {destination} with other files, "
            f"such as {others[0]}. Choose another path, or remove them yourself."
        )
    if not overwrite:
        raise InvalidArgumentError(
            f"destination: expected a path that does not exist, found an older bundle, {destination}. "
            "Pass overwrite=True (--overwrite) to replace it, or choose another path."
        )


def _other_files(folder: Path) -> list[str]:
    """What is in ``folder`` and no part of the bundle that its record describes."""
    try:
        record = json.loads((folder / RECORD).read_text(encoding="utf-8"))
        own = {RECORD, *(file["path"] for file in record["files"])}
    except (OSError, ValueError, KeyError, TypeError):  # no bundle
        own = set()
    return sorted(
        str(path.relative_to(folder))
        for path in folder.rglob("*")
        if (path.is_symlink() or not path.is_dir()) and str(path.relative_to(folder)) not in own
    )


def _copy(item: Item, folder: Path, *, device_code: bool) -> BundledFile:
    target = folder / item.target
    target.parent.mkdir(parents=True, exist_ok=True)
    if item.slim:
        copy_slim(item.source, target, device_code=device_code)
    else:
        shutil.copy(item.source, target)
    return BundledFile(item.target, str(item.source), item.source.stat().st_size, target.stat().st_size)
