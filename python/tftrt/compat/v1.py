"""``TrtGraphConverter`` and ``create_inference_graph``, in TensorFlow 1's style."""

from __future__ import annotations

import itertools
import os
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from .. import _native
from .._arguments import split_tags
from ..errors import InvalidArgumentError, ModelError, UnsupportedError
from .engine_attributes import for_each_engine, set_calibration
from .errors import OrderError
from .frozen import Tensors, element_names, find_tensors, signature_tensors, with_original_names
from .parameters import (
    DEFAULT_TRT_MAX_WORKSPACE_SIZE_BYTES,
    TrtConversionParams,
    TrtPrecisionMode,
    check_parameters,
    conversion_options,
    needs_calibration,
)
from .samples import read_samples
from .workspace import Workspace, converted_workspace

_FROZEN_SIGNATURE = "serving_default"


class TrtGraphConverter:
    """TF-TRT's converter of frozen graphs and TensorFlow 1's SavedModels; always in implicit batch mode.

    Example::

        converter = trt.TrtGraphConverter(input_graph_def=frozen_graph, nodes_denylist=["logits"])
        graph_def = converter.convert()

    Args:
        input_saved_model_dir: The SavedModel to convert, unless ``input_graph_def`` is given.
        input_saved_model_tags: The tag set of its MetaGraph; ``["serve"]`` by default.
        input_saved_model_signature_key: The signature to convert; ``"serving_default"`` by default.
        input_graph_def: A frozen GraphDef, or the path of one.
        nodes_denylist: Nodes or tensors (or their names) whose values stay available under their names: a
            GraphDef's outputs.
        max_batch_size: For ``is_dynamic_op=False``: the batch that :meth:`save` builds engines for.
        max_workspace_size_bytes: Bytes of GPU memory that an engine's layers may use as scratch space.
        precision_mode: The engines' precision.
        minimum_segment_size: The fewest nodes that make an engine.
        is_dynamic_op: True: engines are built later. False: by :meth:`save`, if this machine has a GPU.
        maximum_cached_engines: Engines kept for one segment, for different batch sizes.
        use_calibration: For INT8, whether engines are calibrated, by :meth:`calibrate`.

    Raises:
        InvalidArgumentError: An argument is wrong.

    Source: python/tftrt/compat/v1.py
    """

    def __init__(
        self,
        input_saved_model_dir: str | os.PathLike[str] | None = None,
        input_saved_model_tags: Sequence[str] | None = None,
        input_saved_model_signature_key: str | None = None,
        input_graph_def: Any = None,
        nodes_denylist: Sequence[Any] | None = None,
        max_batch_size: int | None = 1,
        max_workspace_size_bytes: int = DEFAULT_TRT_MAX_WORKSPACE_SIZE_BYTES,
        precision_mode: str = TrtPrecisionMode.FP32,
        minimum_segment_size: int = 3,
        is_dynamic_op: bool = False,
        maximum_cached_engines: int = 1,
        use_calibration: bool = True,
    ) -> None:
        """Check the arguments; nothing is read yet."""
        if (input_graph_def is None) == (input_saved_model_dir is None):
            found = "none" if input_graph_def is None else "both"
            raise InvalidArgumentError(f"expected input_saved_model_dir or input_graph_def, found {found}.")
        self._parameters = TrtConversionParams(
            max_workspace_size_bytes=max_workspace_size_bytes,
            precision_mode=precision_mode,
            minimum_segment_size=minimum_segment_size,
            maximum_cached_engines=maximum_cached_engines,
            use_calibration=use_calibration,
        )
        check_parameters(self._parameters)
        self._needs_calibration = needs_calibration(self._parameters)
        self._static_batch: int | None = None
        if not is_dynamic_op and not self._needs_calibration:
            if not isinstance(max_batch_size, int):
                raise InvalidArgumentError(
                    f"max_batch_size: expected a whole number with is_dynamic_op=False, found {max_batch_size!r}."
                )
            self._static_batch = max_batch_size
        self._source = None if input_saved_model_dir is None else Path(input_saved_model_dir)
        self._tags = list(split_tags(input_saved_model_tags) or ["serve"])
        self._signature = input_saved_model_signature_key or _FROZEN_SIGNATURE
        self._input_graph_def = input_graph_def
        self._nodes_denylist = nodes_denylist
        self._workspace: Workspace | None = None
        self._tensors = Tensors({}, {})
        self._graph_def: Any = None

    def convert(self) -> Any:
        """Convert, on any machine.

        Returns:
            The converted GraphDef, with the source's names for inputs and outputs, and without plans.

        Raises:
            OrderError: The converter has converted already.
            InvalidArgumentError: ``nodes_denylist`` names nodes that the graph does not have.
            UnsupportedError: ``nodes_denylist`` names nodes of a SavedModel beside its signature's.
            Error: What :func:`tftrt.convert` raises.
        """
        if self._workspace is not None:
            raise OrderError("convert() expected to be called once, found a second call. Make a new converter.")
        # As in TrtGraphConverterV2.convert.
        os.environ.setdefault("TF_FORCE_GPU_ALLOW_GROWTH", "true")
        workspace = Workspace()
        options: dict[str, Any] = {"dynamic_shapes": False, "tags": self._tags, **conversion_options(self._parameters)}
        if self._source is None:
            graph_def = _read_graph_def(self._input_graph_def)
            self._tensors = find_tensors(graph_def, self._nodes_denylist)
            self._signature = _FROZEN_SIGNATURE
            file = workspace.file("frozen.pb")
            file.write_bytes(graph_def.SerializeToString())
            tensors = self._tensors
            workspace.convert(file, inputs=tensors.inputs, outputs=tensors.outputs, **options)
            file.unlink()
        else:
            # First: its errors are about the source.
            workspace.convert(self._source, signatures=[self._signature], **options)
            self._tensors = self._read_tensors(self._source)
        self._graph_def = self._read_converted(workspace)
        self._workspace = workspace
        return self._graph_def

    def calibrate(
        self,
        fetch_names: Sequence[str],
        num_runs: int,
        feed_dict_fn: Callable[[], Mapping[Any, Any]] | None = None,
        input_map_fn: Callable[[], Mapping[str, Any]] | None = None,
    ) -> Any:
        """Calibrate an INT8 model and build its engine, on this machine's GPU.

        Args:
            fetch_names: Names of tensors in the converted graph. The whole signature runs in any case.
            num_runs: How many batches to take.
            feed_dict_fn: Returns values by tensor name, for each run.
            input_map_fn: Returns TensorFlow's tensors by name; each run takes their next values.

        Returns:
            The GraphDef, with calibration tables.

        Raises:
            OrderError: :meth:`convert` has not been called, no calibration is needed, or it is done.
            InvalidArgumentError: Not one of the two functions is given, or names are wrong.
            IncompatibleError: There is no GPU or no TensorRT.
            Error: What ``tftrt.build`` raises; the converter stays as it was.
        """
        workspace = converted_workspace(self._workspace, "calibrate()")
        if not self._needs_calibration or workspace.built is not None:
            problem = "that is calibrated" if self._needs_calibration else "that needs no calibration"
            raise OrderError(f"calibrate() expected an INT8 model without calibration, found one {problem}.")
        if (feed_dict_fn is None) == (input_map_fn is None):
            raise InvalidArgumentError(
                f"expected feed_dict_fn or input_map_fn, found {'none' if feed_dict_fn is None else 'both'}."
            )
        self._check_fetches(fetch_names)
        if feed_dict_fn is not None:
            feeds: Iterator[Mapping[Any, Any]] = (feed_dict_fn() for _ in range(num_runs))
        else:
            assert input_map_fn is not None
            feeds = _run_inputs(input_map_fn, num_runs)
        named = (self._by_key(feed) for feed in feeds)
        batches = read_samples(lambda: named, workspace.inputs(self._tags), "feed_dict_fn, input_map_fn")
        first = next(batches)
        workspace.build(data=[first], calibration=itertools.chain([first], batches))
        for_each_engine(self._graph_def, lambda node: set_calibration(node, workspace.tables))
        return self._graph_def

    def save(self, output_saved_model_dir: str | os.PathLike[str]) -> None:
        """Write the converted model as a SavedModel, also where the source is a GraphDef.

        With ``is_dynamic_op=False`` engines are built first if this machine has a GPU.

        Args:
            output_saved_model_dir: A directory that does not exist, or is empty; its parents are made.

        Raises:
            OrderError: :meth:`convert` has not been called, or INT8 calibration waits for :meth:`calibrate`.
            InvalidArgumentError: Something is in the directory.
            Error: What ``tftrt.build`` raises.
        """
        workspace = converted_workspace(self._workspace, "save()")
        if self._needs_calibration and workspace.built is None:
            raise OrderError(
                "save() expected an INT8 model that is calibrated, found one that is not. Call calibrate()."
            )
        target = Path(output_saved_model_dir)
        is_empty = target.is_dir() and not any(target.iterdir())
        if os.path.lexists(target) and not is_empty:
            raise InvalidArgumentError(
                f"output_saved_model_dir: expected a directory that does not exist, or is empty, found {target}. "
                "Remove it, or choose another."
            )
        if self._static_batch is not None and workspace.built is None and _native.inspect_environment().gpus:
            self._build_static(workspace, self._static_batch)
        workspace.save(target, source=self._source, overwrite=is_empty, engines=True, allow_build=True)

    def _read_tensors(self, source: Path) -> Tensors:
        from ..conversion.graphs import node_of
        from ..conversion.load import load_model

        tensors = signature_tensors(
            load_model(source, self._tags, [self._signature]).meta.signature_def[self._signature]
        )
        there = {node_of(tensor) for tensor in (*tensors.inputs.values(), *tensors.outputs.values())}
        others = [name for name in element_names(self._nodes_denylist) if node_of(name) not in there]
        if others:
            raise UnsupportedError(
                f"nodes_denylist: expected inputs and outputs of the signature {self._signature!r} "
                f"({', '.join(sorted(there))}), found {', '.join(others)}. Add them to the signature's outputs, or "
                "freeze the graph and pass it as input_graph_def."
            )
        return tensors

    def _read_converted(self, workspace: Workspace) -> Any:
        from tensorflow.core.protobuf import saved_model_pb2

        model = saved_model_pb2.SavedModel()
        model.ParseFromString((workspace.converted / "saved_model.pb").read_bytes())
        (meta,) = model.meta_graphs
        converted = signature_tensors(meta.signature_def[self._signature])
        return with_original_names(meta.graph_def, converted, self._tensors)

    def _check_fetches(self, names: Sequence[str]) -> None:
        known = {node.name for node in self._graph_def.node}
        for name in element_names(names):
            if name.partition(":")[0] not in known:
                outputs = ", ".join(self._tensors.outputs.values())
                raise InvalidArgumentError(
                    f"fetch_names: expected tensors of the converted graph, such as {outputs}, found {name!r}."
                )

    def _by_key(self, feed: Mapping[Any, Any]) -> dict[str, Any]:
        keys = {tensor: key for key, tensor in self._tensors.inputs.items()}
        result = {}
        for element, value in feed.items():
            (name,) = element_names([element])
            tensor = name if ":" in name else f"{name}:0"
            if tensor not in keys:
                raise InvalidArgumentError(f"expected feeds for the tensors {', '.join(sorted(keys))}, found {name!r}.")
            result[keys[tensor]] = value
        return result

    def _build_static(self, workspace: Workspace, batch: int) -> None:
        shapes = {}
        for name, spec in workspace.inputs(self._tags).items():
            shape = spec.shape
            if shape is None or any(size < 0 for size in shape[1:]):
                warnings.warn(
                    f"is_dynamic_op=False: expected inputs whose shapes are known but for the batch, found {name!r} "
                    f"with {shape}; no engine was built. Build them with: tftrt build MODEL --shapes ...",
                    stacklevel=3,
                )
                return
            shapes[name] = (batch, *shape[1:]) if shape and shape[0] < 0 else tuple(shape)
        workspace.build(shapes=shapes)


def create_inference_graph(
    input_graph_def: Any,
    outputs: Sequence[Any] | None,
    max_batch_size: int | None = 1,
    max_workspace_size_bytes: int = DEFAULT_TRT_MAX_WORKSPACE_SIZE_BYTES,
    precision_mode: str = TrtPrecisionMode.FP32,
    minimum_segment_size: int = 3,
    is_dynamic_op: bool = False,
    maximum_cached_engines: int = 1,
    input_saved_model_dir: str | os.PathLike[str] | None = None,
    input_saved_model_tags: Sequence[str] | None = None,
    input_saved_model_signature_key: str | None = None,
    output_saved_model_dir: str | os.PathLike[str] | None = None,
) -> Any:
    """Convert in one call, without calibration.

    Args:
        input_graph_def: A frozen GraphDef; None for a SavedModel.
        outputs: The GraphDef's outputs, as ``nodes_denylist`` of :class:`TrtGraphConverter`.
        max_batch_size: As there, and so are all that follow.
        max_workspace_size_bytes: Bytes of scratch space.
        precision_mode: The engines' precision.
        minimum_segment_size: The fewest nodes that make an engine.
        is_dynamic_op: Whether engines are built later.
        maximum_cached_engines: Engines kept for one segment.
        input_saved_model_dir: The SavedModel.
        input_saved_model_tags: Its tag set.
        input_saved_model_signature_key: Its signature.
        output_saved_model_dir: Where the result is saved too, if given.

    Returns:
        The converted GraphDef.

    Raises:
        Error: What :class:`TrtGraphConverter` raises.

    Source: python/tftrt/compat/v1.py
    """
    converter = TrtGraphConverter(
        input_saved_model_dir=input_saved_model_dir,
        input_saved_model_tags=input_saved_model_tags,
        input_saved_model_signature_key=input_saved_model_signature_key,
        input_graph_def=input_graph_def,
        nodes_denylist=outputs,
        max_batch_size=max_batch_size,
        max_workspace_size_bytes=max_workspace_size_bytes,
        precision_mode=precision_mode,
        minimum_segment_size=minimum_segment_size,
        is_dynamic_op=is_dynamic_op,
        maximum_cached_engines=maximum_cached_engines,
        use_calibration=False,
    )
    graph_def = converter.convert()
    if output_saved_model_dir is not None:
        converter.save(output_saved_model_dir)
    return graph_def


def _read_graph_def(given: Any) -> Any:
    """The GraphDef, given as it is or as a path."""
    from google.protobuf.message import DecodeError
    from tensorflow.core.framework import graph_pb2

    if not isinstance(given, (str, os.PathLike)):
        return given
    graph_def = graph_pb2.GraphDef()
    try:
        graph_def.ParseFromString(Path(given).read_bytes())
    except (DecodeError, OSError) as error:
        raise ModelError(f"{given}: expected a file with a serialised GraphDef, found: {error}") from error
    return graph_def


def _run_inputs(input_map_fn: Callable[[], Mapping[str, Any]], runs: int) -> Iterator[dict[str, Any]]:
    """The values of input_map_fn's tensors, run after run."""
    import tensorflow as tf

    from ..conversion.load import cpu_session

    with tf.Graph().as_default() as graph:
        tensors = dict(input_map_fn())
    for name, tensor in tensors.items():
        if not isinstance(name, str) or not tf.is_tensor(tensor):
            raise InvalidArgumentError(
                f"input_map_fn: expected a dict of tensors by name, found {type(tensor).__name__} for {name!r}."
            )
    with cpu_session(graph) as session:
        for _ in range(runs):
            yield session.run(tensors)
