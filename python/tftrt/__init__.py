"""tftrt makes TensorFlow models fast to call.

Convert a SavedModel with TF-TRT on any machine, then run it through a C++ session, with TensorFlow's Python package
never imported::

    import tftrt

    tftrt.convert("resnet50", "resnet50_trt", precision="FP16")
    model = tftrt.Model("resnet50_trt")
    probabilities = model(images)["probabilities"]

Source: https://github.com/tftrt/tftrt
"""

from pathlib import Path as _Path

from tftrt import _native, _tensorflow
from tftrt._native import __version__
from tftrt.benchmarking import BenchReport, bench
from tftrt.building import BuildReport, build, calibration_table
from tftrt.conversion import ConversionReport
from tftrt.converter import convert
from tftrt.errors import (
    CancelledError,
    DeadlineExceededError,
    Error,
    IncompatibleError,
    InternalError,
    InvalidArgumentError,
    ModelError,
    ResourceExhaustedError,
    UnsupportedError,
)
from tftrt.model import GpuArray, Model, ModelInfo, Runner, SavedModelInfo, TensorSpec, configure, empty, inspect
from tftrt.repository import ModelRepository, RepositoryEvent, VersionedModel, VersionStatus
from tftrt.verification import Verification, verify

__all__ = [
    "BenchReport",
    "BuildReport",
    "CancelledError",
    "ConversionReport",
    "DeadlineExceededError",
    "Error",
    "GpuArray",
    "IncompatibleError",
    "InternalError",
    "InvalidArgumentError",
    "Model",
    "ModelError",
    "ModelInfo",
    "ModelRepository",
    "RepositoryEvent",
    "ResourceExhaustedError",
    "Runner",
    "SavedModelInfo",
    "TensorSpec",
    "UnsupportedError",
    "Verification",
    "VersionStatus",
    "VersionedModel",
    "__version__",
    "bench",
    "build",
    "calibration_table",
    "cmake_prefix_path",
    "configure",
    "convert",
    "empty",
    "inspect",
    "verify",
]

cmake_prefix_path: str = str(_Path(_native.__file__).parent / "share" / "cmake")
"""Where CMake's ``find_package(tftrt)`` finds the C++ library: pass it as ``CMAKE_PREFIX_PATH``."""

_tensorflow.attach()
