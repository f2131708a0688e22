"""The model to build for, as conversion left it."""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from .._native import SignatureSpec
from ..errors import InvalidArgumentError, UnsupportedError
from ..manifest import MANIFEST_PATH
from ..model import inspect
from .requests import Request, read_requests

__all__ = ["BuildableModel", "open_model", "read_manifest"]


@dataclass(frozen=True)
class BuildableModel:
    """A model that tftrt converted, with engines.

    Attributes:
        path: As it was given, for messages.
        directory: Its real place.
        manifest: What conversion, and perhaps a build, wrote.
        signatures: Those that have engines and can be called, by name.
    """

    path: str
    directory: Path
    manifest: dict[str, Any]
    signatures: dict[str, SignatureSpec]

    @property
    def conversion(self) -> dict[str, Any]:
        """The options of the conversion."""
        return self.manifest["conversion"]  # type: ignore[no-any-return]

    @property
    def engines(self) -> list[dict[str, Any]]:
        """The manifest's entries."""
        return self.manifest["engines"]  # type: ignore[no-any-return]

    @property
    def implicit_batch(self) -> bool:
        """Whether engines are made for one shape each, without profiles."""
        return not self.conversion["dynamic_shapes"]

    @property
    def needs_calibration(self) -> bool:
        """Whether engines take their ranges from calibration, data's or a table's."""
        return self.conversion["precision"] == "INT8" and bool(self.conversion["use_calibration"])

    @property
    def calibration_tables(self) -> dict[str, str]:
        """Tables of earlier builds, by engine."""
        return self.manifest.get("calibration_tables", {})  # type: ignore[no-any-return]

    @property
    def build(self) -> dict[str, Any]:
        """The manifest's part about the build before; empty if there was none."""
        return self.manifest.get("build") or {}

    def requests(self) -> list[Request]:
        """What the build before was for."""
        return read_requests(self.build.get("requests", ()))

    def engines_of(self, signatures: Sequence[str]) -> list[str]:
        """Names of the engines that any of these signatures uses."""
        return [engine["name"] for engine in self.engines if set(signatures) & set(engine["signatures"])]

    def choose(self, names: Sequence[str] | None) -> list[SignatureSpec]:
        """The signatures of these names; all by default.

        Raises:
            InvalidArgumentError: One has no engines, or does not exist.
        """
        for name in names or ():
            if name not in self.signatures:
                known = ", ".join(map(repr, self.signatures))
                raise InvalidArgumentError(
                    f"signatures: expected names of signatures with engines, {known}, found {name!r}."
                )
        return list(self.signatures.values()) if names is None else [self.signatures[name] for name in names]


def read_manifest(path: str | os.PathLike[str]) -> tuple[dict[str, Any], list[SignatureSpec]]:
    """The manifest and the signatures of a converted model.

    Raises:
        ModelError: There is no model, or its manifest is damaged.
        UnsupportedError: tftrt did not convert it.
    """
    info = inspect(path, _tags(Path(os.fsdecode(path))))
    if not info.manifest:
        raise UnsupportedError(
            f"{os.fsdecode(path)} was not converted by tftrt. Convert it first: "
            f"tftrt convert {os.fsdecode(path)} DESTINATION"
        )
    return json.loads(info.manifest), info.signatures


def _tags(directory: Path) -> Sequence[str]:
    """The converted model's only tag set; its manifest is verified later."""
    try:
        tags = json.loads((directory / MANIFEST_PATH).read_text(encoding="utf-8"))["conversion"]["tags"]
    except (OSError, ValueError, LookupError, TypeError):
        return ("serve",)
    return tags if isinstance(tags, list) and all(isinstance(tag, str) for tag in tags) else ("serve",)


def open_model(path: str | os.PathLike[str]) -> BuildableModel:
    """Read what a build needs to know of a model.

    Raises:
        ModelError: There is no model, or its manifest is damaged.
        UnsupportedError: tftrt did not convert it.
        InvalidArgumentError: It has no engines.
    """
    text = os.fsdecode(path)
    manifest, specs = read_manifest(path)
    used = {name for engine in manifest["engines"] for name in engine["signatures"]}
    if not manifest["engines"]:
        raise InvalidArgumentError(
            f"{text} has no engines, so nothing is to be built: the model runs as it is. "
            "tftrt inspect says what stayed outside engines, and why."
        )
    signatures = {spec.name: spec for spec in specs if spec.name in used and not spec.unsupported}
    return BuildableModel(text, Path(text).resolve(), manifest, signatures)
