"""What to build for: sets of shapes for signatures."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from .._native import SignatureSpec, TensorSpec
from ..batches.specs import describe_inputs
from ..errors import InvalidArgumentError
from .shapes import Shapes, ShapeSet, check_range, fit, matching

__all__ = ["Request", "default_requests", "fixed_requests", "merge", "range_requests", "read_requests"]

_RANGE = ("min", "opt", "max")


@dataclass(frozen=True)
class Request:
    """One set of fixed shapes, or a range of shapes, for one signature.

    Attributes:
        signature: Its name.
        shapes: Shapes by input name; by ``"fixed"``, or by ``"min"``, ``"opt"`` and ``"max"``.
        file: A spooled batch of sample data with the fixed shapes; None: values are made up.
    """

    signature: str
    shapes: Mapping[str, Shapes]
    file: Path | None = None

    @property
    def key(self) -> str:
        """Equal for requests of the same shapes."""
        return json.dumps(self.to_dict(), sort_keys=True)

    def to_dict(self) -> dict[str, Any]:
        """The request as the manifest has it."""
        if "fixed" in self.shapes:
            return {"signature": self.signature, "role": "fixed", "shapes": _lists(self.shapes["fixed"])}
        return {"signature": self.signature, "role": "range", **{key: _lists(self.shapes[key]) for key in _RANGE}}


def _lists(shapes: Shapes) -> dict[str, list[int]]:
    return {name: list(shape) for name, shape in shapes.items()}


def read_requests(entries: Iterable[Mapping[str, Any]]) -> list[Request]:
    """The requests in a manifest."""
    requests = []
    for entry in entries:
        fields = {"fixed": "shapes"} if entry["role"] == "fixed" else {key: key for key in _RANGE}
        shapes = {role: {name: tuple(shape) for name, shape in entry[field].items()} for role, field in fields.items()}
        requests.append(Request(entry["signature"], shapes))
    return requests


def fixed_requests(sets: Sequence[ShapeSet], signatures: Sequence[SignatureSpec]) -> list[Request]:
    """One request for each set and each signature that has its inputs.

    Raises:
        InvalidArgumentError: A set fits no signature.
    """
    return [
        Request(signature.name, {"fixed": fit("shapes", shapes, signature)})
        for shapes in sets
        for signature in matching("shapes", shapes, signatures)
    ]


def range_requests(sets: Mapping[str, ShapeSet], signatures: Sequence[SignatureSpec]) -> list[Request]:
    """A request for each signature that has the inputs.

    Args:
        sets: By ``"min"``, ``"opt"`` and ``"max"``; or empty.
        signatures: The signatures.

    Raises:
        InvalidArgumentError: A set fits no signature, or they are not in order.
    """
    requests = []
    candidates = list(signatures)
    for role, shapes in sets.items():
        candidates = matching(f"{role}_shapes", shapes, candidates)
    for signature in candidates if sets else ():
        fitted = {role: fit(f"{role}_shapes", shapes, signature) for role, shapes in sets.items()}
        check_range(fitted["min"], fitted["opt"], fitted["max"])
        requests.append(Request(signature.name, fitted))
    return requests


def default_requests(
    requests: Sequence[Request],
    signatures: Sequence[SignatureSpec],
    kept: Sequence[Request],
    calibration: Mapping[str, Shapes],
    path: str,
) -> list[Request]:
    """Requests for the signatures that have none yet.

    Args:
        requests: What was asked for.
        signatures: All that are to be built.
        kept: Requests of the build before, which stay.
        calibration: Shapes of the calibration batches, by signature.
        path: The model, for messages.

    Raises:
        InvalidArgumentError: For a signature there is nothing to go by.
    """
    added = []
    covered = {request.signature for request in (*requests, *kept)}
    for signature in signatures:
        shapes = _only_shapes(signature)
        if any(request.signature == signature.name for request in requests):
            continue
        if shapes is not None:
            added.append(Request(signature.name, {"fixed": shapes}))
        elif signature.name in covered:
            continue
        elif signature.name in calibration:
            added.append(Request(signature.name, {"fixed": calibration[signature.name]}))
        else:
            others = "" if len(signatures) == 1 else " Or leave the signature out: signatures=[...] (--signature)."
            raise InvalidArgumentError(
                f'shapes: expected shapes or data for the signature "{signature.name}", whose inputs are '
                f"{describe_inputs([signature])}, found none. For example: "
                f"tftrt build {path} --shapes {','.join(map(_example, signature.inputs))}{others}"
            )
    return added


def _only_shapes(signature: SignatureSpec) -> Shapes | None:
    """The shapes of inputs that take no others, and of default values."""
    shapes: Shapes = {}
    for spec in signature.inputs:
        if spec.default is not None:
            shapes[spec.name] = spec.default.shape
            continue
        if spec.shape is None or any(size < 1 for size in spec.shape):
            return None
        shapes[spec.name] = spec.shape
    return shapes


def _example(spec: TensorSpec) -> str:
    sizes = (1, 1) if spec.shape is None else spec.shape
    return f"{spec.name}:{'x'.join(str(max(size, 1)) for size in sizes)}"


def merge(requests: Iterable[Request]) -> list[Request]:
    """Each shape once; with sample data where there is some."""
    merged: dict[str, Request] = {}
    for request in requests:
        known = merged.get(request.key)
        if known is None or known.file is None:
            merged[request.key] = request
    return list(merged.values())
