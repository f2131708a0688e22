"""The options of a conversion, checked and normalised."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from os import PathLike, fspath
from typing import Any

from .._arguments import PROFILE_STRATEGIES, check_flag, check_whole, read_choice, split_tags
from ..errors import InvalidArgumentError

DEFAULT_WORKSPACE_BYTES = 1 << 30
"""TF-TRT's own default depends on the TensorRT that is installed; ours is the same on every machine."""

_PRECISIONS = ("FP32", "FP16", "INT8")
_FORMATS = ("keep", "NCHW")


@dataclass
class Options:
    """The arguments of :func:`tftrt.convert` that shape the result.

    Raises:
        InvalidArgumentError: A value is of the wrong type or out of range.
    """

    precision: str
    signatures: Sequence[str] | None
    tags: str | Sequence[str]
    inputs: Sequence[str] | Mapping[str, str] | None
    outputs: Sequence[str] | Mapping[str, str] | None
    minimum_segment_size: int
    max_workspace_size_bytes: int
    maximum_cached_engines: int
    maximum_engines: int
    dynamic_shapes: bool
    profile_strategy: str
    use_calibration: bool
    op_denylist: Sequence[str]
    data_format: str
    op_libraries: Sequence[str | PathLike[str]]
    strip_asserts: bool = False

    def __post_init__(self) -> None:
        """Check and normalise every value."""
        self.precision = read_choice("precision", self.precision, _PRECISIONS)
        self.profile_strategy = read_choice("profile_strategy", self.profile_strategy, PROFILE_STRATEGIES)
        self.data_format = read_choice("data_format", self.data_format, _FORMATS)
        check_whole("minimum_segment_size", self.minimum_segment_size, 1)
        check_whole("max_workspace_size_bytes", self.max_workspace_size_bytes, 1)
        check_whole("maximum_cached_engines", self.maximum_cached_engines, 1)
        check_whole("maximum_engines", self.maximum_engines, 0)
        check_flag("dynamic_shapes", self.dynamic_shapes)
        check_flag("use_calibration", self.use_calibration)
        check_flag("strip_asserts", self.strip_asserts)
        self.tags = _names("tags", split_tags(self.tags))
        self.op_denylist = _names("op_denylist", self.op_denylist)
        if self.signatures is not None:
            self.signatures = _names("signatures", self.signatures)
            if not self.signatures:
                raise InvalidArgumentError(
                    "signatures: expected at least one name, found none. Leave it out to convert all signatures."
                )
        if isinstance(self.op_libraries, (str, bytes, PathLike)):
            raise InvalidArgumentError("op_libraries: expected a sequence of paths, found one. Put it into a list.")
        self.op_libraries = [fspath(path) for path in self.op_libraries]
        self.inputs = _tensors("inputs", self.inputs)
        self.outputs = _tensors("outputs", self.outputs)

    def refuse_tensor_names(self) -> None:
        """Refuse ``inputs`` and ``outputs`` for a model that has signatures.

        Raises:
            InvalidArgumentError: They are given.
        """
        if self.inputs is not None or self.outputs is not None:
            raise InvalidArgumentError(
                "inputs, outputs: expected only with a frozen GraphDef (a .pb or .pbtxt file, or in memory), found "
                "them with another kind of source. Leave them out: the model's signatures name its inputs and outputs."
            )

    def to_dict(self) -> dict[str, Any]:
        """All options as used, for the manifest."""
        return asdict(self)


def _names(name: str, values: Any) -> list[str]:
    if isinstance(values, (str, bytes)):
        raise InvalidArgumentError(
            f"{name}: expected a sequence of names, found the string {values!r}. Put it in a list."
        )
    names = list(values)
    for value in names:
        if not isinstance(value, str) or not value:
            raise InvalidArgumentError(f"{name}: expected names (non-empty strings), found {value!r}.")
    return list(dict.fromkeys(names))


def _tensors(name: str, values: Any) -> dict[str, str] | None:
    if values is None:
        return None
    if isinstance(values, Mapping):
        pairs = {key: tensor for key, tensor in zip(_names(name, values.keys()), values.values())}
    else:
        pairs = {tensor.removesuffix(":0"): tensor for tensor in _names(name, values)}
    for tensor in pairs.values():
        if not isinstance(tensor, str) or not tensor:
            raise InvalidArgumentError(f"{name}: expected tensor names like 'x:0', found {tensor!r}.")
    return {key: tensor if ":" in tensor else f"{tensor}:0" for key, tensor in pairs.items()}
