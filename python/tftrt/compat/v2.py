"""``TrtGraphConverterV2``."""

from __future__ import annotations

import itertools
import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

from .._arguments import split_tags
from .._native import TensorSpec
from ..errors import IncompatibleError, InvalidArgumentError, UnsupportedError
from .errors import OrderError
from .parameters import (
    DEFAULT_TRT_MAX_WORKSPACE_SIZE_BYTES,
    PROFILE_STRATEGY_RANGE,
    TrtConversionParams,
    TrtPrecisionMode,
    check_parameters,
    conversion_options,
    needs_calibration,
    supported_profile_strategies,
)
from .samples import read_samples
from .summary import print_summary
from .workspace import Workspace, converted_workspace

InputFunction = Callable[[], Iterable[Any]]

_NARROWEST_SUMMARY = 160


class TrtGraphConverterV2:
    """TF-TRT's converter of SavedModels, as ``tf.experimental.tensorrt.Converter`` is.

    Example::

        converter = trt.TrtGraphConverterV2("resnet50", precision_mode="FP16", use_dynamic_shape=True)
        converter.convert()  # on any machine
        converter.build(input_fn)  # where the GPU is; may be left out
        converter.save("resnet50_trt")

    Args:
        input_saved_model_dir: The SavedModel to convert.
        input_saved_model_tags: The tag set of its MetaGraph; ``["serve"]`` by default.
        input_saved_model_signature_key: The signature to convert and keep; ``"serving_default"`` by default.
        use_dynamic_shape: Engines with shape profiles. None and False: implicit batch mode.
        dynamic_shape_profile_strategy: One of :func:`supported_profile_strategies`; Range by default.
        max_workspace_size_bytes: See :class:`TrtConversionParams`, as for the arguments that follow.
        precision_mode: The engines' precision.
        minimum_segment_size: The fewest nodes that make an engine.
        maximum_cached_engines: Engines kept for one segment.
        use_calibration: Whether INT8 engines are calibrated.
        allow_build_at_runtime: Whether stock TensorFlow builds missing engines.
        conversion_params: All six in one, in place of the single arguments.

    Raises:
        InvalidArgumentError: An argument is wrong.

    Source: python/tftrt/compat/v2.py
    """

    def __init__(
        self,
        input_saved_model_dir: str | os.PathLike[str] | None = None,
        input_saved_model_tags: Sequence[str] | None = None,
        input_saved_model_signature_key: str | None = None,
        use_dynamic_shape: bool | None = None,
        dynamic_shape_profile_strategy: str | None = None,
        max_workspace_size_bytes: int = DEFAULT_TRT_MAX_WORKSPACE_SIZE_BYTES,
        precision_mode: str = TrtPrecisionMode.FP32,
        minimum_segment_size: int = 3,
        maximum_cached_engines: int = 1,
        use_calibration: bool = True,
        allow_build_at_runtime: bool = True,
        conversion_params: TrtConversionParams | None = None,
    ) -> None:
        """Check the arguments; nothing is read yet."""
        if input_saved_model_dir is None:
            raise InvalidArgumentError("input_saved_model_dir: expected the directory of a SavedModel, found None.")
        self._parameters = conversion_params or TrtConversionParams(
            max_workspace_size_bytes=max_workspace_size_bytes,
            precision_mode=precision_mode,
            minimum_segment_size=minimum_segment_size,
            maximum_cached_engines=maximum_cached_engines,
            use_calibration=use_calibration,
            allow_build_at_runtime=allow_build_at_runtime,
        )
        check_parameters(self._parameters)
        self._source = Path(input_saved_model_dir)
        self._tags = list(split_tags(input_saved_model_tags) or ["serve"])
        self._signature = input_saved_model_signature_key or "serving_default"
        self._dynamic = bool(use_dynamic_shape)
        self._strategy = _check_strategy(dynamic_shape_profile_strategy or PROFILE_STRATEGY_RANGE)
        self._needs_calibration = needs_calibration(self._parameters)
        self._calibration_input_fn: InputFunction | None = None
        self._workspace: Workspace | None = None
        self._specs: dict[str, TensorSpec] = {}
        self._device = "gpu:0"

    def convert(self, calibration_input_fn: InputFunction | None = None) -> Any:
        """Convert the model, on any machine.

        Args:
            calibration_input_fn: For INT8 with calibration, and only then: yields inputs of one shape. It is
                called by :meth:`build`, or by :meth:`save` in implicit batch mode.

        Returns:
            The converted signature as a TensorFlow function: called with tensors it returns its outputs by
            name, on a CPU too.

        Raises:
            OrderError: The converter has converted already.
            InvalidArgumentError: ``calibration_input_fn`` is missing, or not needed.
            IncompatibleError: TensorFlow's eager execution is switched off.
            Error: What :func:`tftrt.convert` raises.
        """
        if self._workspace is not None:
            raise OrderError("convert() expected to be called once, found a second call. Make a new converter.")
        if self._needs_calibration and calibration_input_fn is None:
            raise InvalidArgumentError(
                "calibration_input_fn: expected a function that yields inputs, because INT8 calibration is needed, "
                "found None. Pass one, or use_calibration=False for a model with its own ranges."
            )
        if not self._needs_calibration and calibration_input_fn is not None:
            raise InvalidArgumentError(
                "calibration_input_fn: expected None, because INT8 calibration is not needed, found a function. "
                "Leave it out, or pass precision_mode='INT8' and use_calibration=True."
            )
        # A converter's script goes on in TensorFlow, which would take all of the GPU's memory, and engines are
        # built in another process.
        os.environ.setdefault("TF_FORCE_GPU_ALLOW_GROWTH", "true")
        workspace = Workspace()
        workspace.convert(
            self._source,
            signatures=[self._signature],
            tags=self._tags,
            dynamic_shapes=self._dynamic,
            profile_strategy=self._strategy,
            **conversion_options(self._parameters),
        )
        function = _load(workspace, self._tags, self._signature)
        self._specs = workspace.inputs(self._tags)
        self._device = _device_in_scope()
        self._calibration_input_fn = calibration_input_fn
        self._workspace = workspace
        return function

    def build(self, input_fn: InputFunction | None) -> None:
        """Build engines for the shapes that ``input_fn`` yields, and calibrate them, on this machine's GPU.

        Args:
            input_fn: Yields an array, a list or tuple of arrays in the order of the inputs' names, or a dict.

        Raises:
            OrderError: :meth:`convert` has not been called, or ``input_fn`` is missing.
            UnsupportedError: Engines have been built already.
            IncompatibleError: There is no GPU or no TensorRT.
            Error: What ``tftrt.build`` raises; the converter stays as it was.
        """
        if self._workspace is not None and self._workspace.built is not None:
            raise UnsupportedError("build() expected to be called once, found a second call. Make a new converter.")
        if input_fn is None:
            raise OrderError("build() expected a function that yields inputs, found None. Pass input_fn.")
        workspace = converted_workspace(self._workspace, "build()")
        self._build(workspace, read_samples(input_fn, self._specs, "input_fn"))

    def save(
        self,
        output_saved_model_dir: str | os.PathLike[str],
        save_gpu_specific_engines: bool = True,
        options: Any = None,
    ) -> None:
        """Write the converted model; a SavedModel that is there is replaced.

        Args:
            output_saved_model_dir: The directory; its parents are made.
            save_gpu_specific_engines: False leaves built engines out, and keeps calibration tables.
            options: A ``tf.saved_model.SaveOptions``, which changes nothing here.

        Raises:
            OrderError: :meth:`convert` has not been called, or INT8 calibration waits for :meth:`build`.
            InvalidArgumentError: The directory is the source, or holds something else.
            IncompatibleError: INT8 in implicit batch mode is calibrated here, and there is no GPU.
        """
        workspace = converted_workspace(self._workspace, "save()")
        if self._needs_calibration and workspace.built is None:
            if self._dynamic:
                raise OrderError(
                    "save() expected an INT8 model that is calibrated, found one that is not. Call build() first, "
                    "where the GPU is; or convert here with tftrt.convert(..., precision='INT8'), and calibrate "
                    "there with: tftrt build MODEL --calibration DATA"
                )
            self._build(workspace, iter(()))
        workspace.save(
            Path(output_saved_model_dir),
            source=self._source,
            overwrite=True,
            engines=save_gpu_specific_engines,
            allow_build=self._parameters.allow_build_at_runtime,
        )

    def summary(
        self, line_length: int = 160, detailed: bool = True, print_fn: Callable[[str], Any] | None = None
    ) -> None:
        """Print a table of the engines.

        Args:
            line_length: Width of the table, at least 160.
            detailed: Whether each engine's ops are listed.
            print_fn: Called with every line; ``print`` by default.

        Raises:
            OrderError: :meth:`convert` has not been called.
            InvalidArgumentError: ``line_length`` is too small.
        """
        workspace = converted_workspace(self._workspace, "summary()")
        if line_length < _NARROWEST_SUMMARY:
            raise InvalidArgumentError(
                f"line_length: expected at least {_NARROWEST_SUMMARY}, found {line_length}. Leave it out."
            )
        print_summary(workspace.report, line_length, print_fn or print, detailed=detailed)

    def _build(self, workspace: Workspace, data: Iterator[dict[str, Any]]) -> None:
        calibration: Iterator[dict[str, Any]] | None = None
        if self._calibration_input_fn is not None:
            calibration = read_samples(self._calibration_input_fn, self._specs, "calibration_input_fn")
            if not self._dynamic:
                # TF-TRT's calibration in this mode leaves an engine for the data's shape.
                first = next(calibration)
                data = itertools.chain([first], data)
                calibration = itertools.chain([first], calibration)
        workspace.build(data=data, calibration=calibration, device=self._device)


def _check_strategy(strategy: str) -> str:
    for known in supported_profile_strategies():
        if strategy.lower() == known.lower():
            return known
    raise InvalidArgumentError(
        f"dynamic_shape_profile_strategy: expected one of {', '.join(supported_profile_strategies())}, "
        f"found {strategy!r}."
    )


def _load(workspace: Workspace, tags: Sequence[str], signature: str) -> Any:
    import tensorflow as tf

    if not tf.executing_eagerly():
        raise IncompatibleError(
            "TrtGraphConverterV2 expected TensorFlow's eager execution, found it switched off. "
            "Use TrtGraphConverter in TensorFlow 1's style."
        )
    # A surrounding tf.device names the GPU to build on, and this machine may have none.
    with tf.device(None):
        model = tf.saved_model.load(str(workspace.converted), tags)
    function = model.signatures[signature]
    # Several inputs by position too, in the order of their names, as TF-TRT's function takes them.
    function._num_positional_args = len(function._arg_keywords)
    # Variables, tables and asset files belong to the model, and go with it.
    function._tftrt_owner = (model, workspace)
    return function


def _device_in_scope() -> str:
    """The GPU that a surrounding ``tf.device`` names; the first one otherwise."""
    import tensorflow as tf
    from tensorflow.python.eager import context

    device = tf.DeviceSpec.from_string(context.context().device_name or "")
    return f"gpu:{device.device_index or 0}" if device.device_type == "GPU" else "gpu:0"
