"""TF-TRT's constants and parameters, and what they mean to :func:`tftrt.convert`."""

from __future__ import annotations

import os
import sys
import warnings
from typing import Any, NamedTuple

from ..errors import InvalidArgumentError

DEFAULT_TRT_MAX_WORKSPACE_SIZE_BYTES = sys.maxsize - 512
"""TF-TRT's default with TensorRT 8.4 and newer, the only one that tftrt runs with: as much as there is."""

PROFILE_STRATEGY_RANGE = "Range"
PROFILE_STRATEGY_OPTIMAL = "Optimal"
PROFILE_STRATEGY_RANGE_OPTIMAL = "Range+Optimal"
PROFILE_STRATEGY_IMPLICIT_BATCH_MODE_COMPATIBLE = "ImplicitBatchModeCompatible"

_NO_MAIN_GRAPH = -1
_MORE_THAN_ANY_GRAPH = (1 << 31) - 1


class TrtPrecisionMode:
    """The precision modes."""

    FP32 = "FP32"
    FP16 = "FP16"
    INT8 = "INT8"

    @staticmethod
    def supported_precision_modes() -> list[str]:
        """All that converters accept, in both spellings."""
        modes = [TrtPrecisionMode.FP32, TrtPrecisionMode.FP16, TrtPrecisionMode.INT8]
        return modes + [mode.lower() for mode in modes]


def supported_profile_strategies() -> list[str]:
    """All that ``dynamic_shape_profile_strategy`` may be."""
    return [
        PROFILE_STRATEGY_RANGE,
        PROFILE_STRATEGY_OPTIMAL,
        PROFILE_STRATEGY_RANGE_OPTIMAL,
        PROFILE_STRATEGY_IMPLICIT_BATCH_MODE_COMPATIBLE,
    ]


class TrtConversionParams(NamedTuple):
    """The parameters of a conversion.

    Attributes:
        max_workspace_size_bytes: Bytes of GPU memory that an engine's layers may use as scratch space.
        precision_mode: One of :meth:`TrtPrecisionMode.supported_precision_modes`.
        minimum_segment_size: The fewest nodes that make an engine; -1 for no engines in the main graph.
        maximum_cached_engines: Engines kept for one segment, for different input shapes.
        use_calibration: For INT8, whether engines are calibrated with data.
        allow_build_at_runtime: Whether stock TensorFlow builds an engine when a call's shapes have none.
            tftrt's own runtime asks its caller instead (``tftrt.Model``).
    """

    max_workspace_size_bytes: int = DEFAULT_TRT_MAX_WORKSPACE_SIZE_BYTES
    precision_mode: str = TrtPrecisionMode.FP32
    minimum_segment_size: int = 3
    maximum_cached_engines: int = 1
    use_calibration: bool = True
    allow_build_at_runtime: bool = True


DEFAULT_TRT_CONVERSION_PARAMS = TrtConversionParams()


def check_parameters(parameters: TrtConversionParams) -> None:
    """Refuse what TF-TRT refuses, with its own kinds of errors.

    Raises:
        InvalidArgumentError: The precision or the smallest segment is not one that TF-TRT knows.
    """
    supported = TrtPrecisionMode.supported_precision_modes()
    if parameters.precision_mode not in supported:
        raise InvalidArgumentError(
            f"precision_mode: expected one of {', '.join(supported)}, found {parameters.precision_mode!r}."
        )
    smallest = parameters.minimum_segment_size
    if smallest <= 0 and smallest != _NO_MAIN_GRAPH:
        raise InvalidArgumentError(
            f"minimum_segment_size: expected a number above 0, or -1 for no engines in the main graph, "
            f"found {smallest!r}."
        )
    for feature in _names("TF_TRT_EXPERIMENTAL_FEATURES"):
        if feature in ("disable_graph_freezing", "remove_native_segments"):
            warnings.warn(
                f"TF_TRT_EXPERIMENTAL_FEATURES={feature} has no effect in tftrt.compat: variables that no call "
                "changes are frozen, and native segments stay, so that models run on any machine.",
                stacklevel=3,
            )


def needs_calibration(parameters: TrtConversionParams) -> bool:
    """Whether engines wait for calibration data."""
    return parameters.precision_mode.upper() == TrtPrecisionMode.INT8 and bool(parameters.use_calibration)


def conversion_options(parameters: TrtConversionParams) -> dict[str, Any]:
    """The arguments of :func:`tftrt.convert`, with the environment variables that TF-TRT's conversion reads."""
    smallest = parameters.minimum_segment_size
    options: dict[str, Any] = {
        "precision": parameters.precision_mode,
        "max_workspace_size_bytes": parameters.max_workspace_size_bytes,
        "minimum_segment_size": _MORE_THAN_ANY_GRAPH if smallest == _NO_MAIN_GRAPH else smallest,
        "maximum_cached_engines": parameters.maximum_cached_engines,
        "use_calibration": parameters.use_calibration,
        "op_denylist": _names("TF_TRT_OP_DENYLIST"),
    }
    limit = os.environ.get("TF_TRT_MAX_ALLOWED_ENGINES", "")
    if limit.lstrip("-").isdigit():
        options["maximum_engines"] = max(0, int(limit))
    return options


def _names(variable: str) -> list[str]:
    return [name.strip() for name in os.environ.get(variable, "").split(",") if name.strip()]
