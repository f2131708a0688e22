"""The manifest of a converted model, ``assets.extra/tftrt.json``, which the runtime checks before loading.

Its format belongs to both sides: this module writes it, the C++ runtime reads it.
"""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

__all__ = ["MANIFEST_PATH", "file_sha256", "list_files", "write_manifest"]

MANIFEST_PATH = "assets.extra/tftrt.json"
_FORMAT_VERSION = 1
_SUM_KEY = "manifest_sha256"
_ZEROS = "0" * 64


def write_manifest(directory: Path, content: dict[str, Any], files: list[dict[str, Any]] | None = None) -> Path:
    """Write the manifest of the SavedModel in ``directory``, as its last file.

    Args:
        directory: The SavedModel; every other file is in place.
        content: The manifest without ``format_version``, ``manifest_sha256`` and ``files``, which are added.
        files: The result of :func:`list_files`; None: it is called.

    Returns:
        The manifest's path.
    """
    manifest = {
        "format_version": _FORMAT_VERSION,
        _SUM_KEY: _ZEROS,
        **content,
        "files": list_files(directory) if files is None else files,
    }
    text = json.dumps(manifest, indent=2, ensure_ascii=False) + "\n"
    mark = f'"{_SUM_KEY}": "'
    # A quote inside a JSON string is escaped, so only a key can look like this.
    assert text.count(mark) == 1, "the manifest's content must not have a key of that name"
    total = hashlib.sha256(text.encode("utf-8")).hexdigest()
    path = directory / MANIFEST_PATH
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(text.replace(mark + _ZEROS, mark + total).encode("utf-8"))
    return path


def list_files(directory: Path) -> list[dict[str, Any]]:
    """``{"path", "bytes", "sha256"}`` of every file of a SavedModel but the manifest, sorted by path."""
    files = []
    for path in sorted(directory.rglob("*"), key=lambda path: path.relative_to(directory).as_posix()):
        name = path.relative_to(directory).as_posix()
        if path.is_file() and name != MANIFEST_PATH:
            files.append({"path": name, "bytes": path.stat().st_size, "sha256": file_sha256(path)})
    return files


def file_sha256(path: Path) -> str:
    """The SHA-256 of a file, in hexadecimal."""
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while block := file.read(1 << 20):
            digest.update(block)
    return digest.hexdigest()
