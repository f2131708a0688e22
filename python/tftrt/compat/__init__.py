"""TF-TRT's converters, with its arguments and meaning, on tftrt's conversion and engine building.

A script written for TF-TRT runs with one line changed::

    from tensorflow.python.compiler.tensorrt import trt_convert as trt
    from tftrt import compat as trt

Conversion then needs no GPU, and the models it saves are tftrt's: docs/compat.md lists what differs. New code is
shorter with :func:`tftrt.convert` and ``tftrt.build``.

Importing this module does not import TensorFlow; converting does.
"""

from __future__ import annotations

from .errors import OrderError
from .parameters import (
    DEFAULT_TRT_CONVERSION_PARAMS,
    DEFAULT_TRT_MAX_WORKSPACE_SIZE_BYTES,
    PROFILE_STRATEGY_IMPLICIT_BATCH_MODE_COMPATIBLE,
    PROFILE_STRATEGY_OPTIMAL,
    PROFILE_STRATEGY_RANGE,
    PROFILE_STRATEGY_RANGE_OPTIMAL,
    TrtConversionParams,
    TrtPrecisionMode,
    supported_profile_strategies,
)
from .v1 import TrtGraphConverter, create_inference_graph
from .v2 import TrtGraphConverterV2

__all__ = [
    "DEFAULT_TRT_CONVERSION_PARAMS",
    "DEFAULT_TRT_MAX_WORKSPACE_SIZE_BYTES",
    "PROFILE_STRATEGY_IMPLICIT_BATCH_MODE_COMPATIBLE",
    "PROFILE_STRATEGY_OPTIMAL",
    "PROFILE_STRATEGY_RANGE",
    "PROFILE_STRATEGY_RANGE_OPTIMAL",
    "ConversionParams",
    "Converter",
    "OrderError",
    "TrtConversionParams",
    "TrtGraphConverter",
    "TrtGraphConverterV2",
    "TrtPrecisionMode",
    "create_inference_graph",
    "supported_profile_strategies",
]

Converter = TrtGraphConverterV2
"""What ``tf.experimental.tensorrt.Converter`` is."""

ConversionParams = TrtConversionParams
"""What ``tf.experimental.tensorrt.ConversionParams`` is."""
