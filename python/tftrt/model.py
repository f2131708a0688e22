"""Loading and calling models: :class:`Model`, :func:`inspect`, :func:`configure` and :func:`empty`."""

from __future__ import annotations

import asyncio
import json
import numbers
import os
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

from tftrt import _native
from tftrt._arguments import split_tags
from tftrt._asynchronous import start
from tftrt._native import GpuArray, ModelInfo, Runner, SavedModelInfo, TensorSpec
from tftrt._stats import memory_to_dict, stats_to_dict
from tftrt.errors import InvalidArgumentError

__all__ = ["GpuArray", "Model", "ModelInfo", "Runner", "SavedModelInfo", "TensorSpec", "configure", "empty", "inspect"]


def _set_options(options: Any, fields: Mapping[str, Any]) -> Any:
    """Set the fields of a native option struct; the ones left out keep C++'s defaults."""
    for name, value in fields.items():
        try:
            setattr(options, name, value)
        except AttributeError:
            known = ", ".join(sorted(key for key in dir(options) if not key.startswith("_")))
            raise InvalidArgumentError(f'unknown option "{name}"; the options are {known}') from None
        except TypeError:
            expected = getattr(type(options), name).fget.__doc__.rpartition("-> ")[2].strip()
            raise InvalidArgumentError(f"option {name} is {value!r}; expected {expected}") from None
    return options


def _listed(value: Any) -> Any:
    """A list of strings or paths; one alone is meant as a list of one. What is neither is left to be refused."""
    if isinstance(value, (str, os.PathLike)):
        value = [value]
    if not isinstance(value, Iterable):
        return value
    return [os.fspath(element) if isinstance(element, os.PathLike) else element for element in value]


def _model_fields(signature: str | None, options: Mapping[str, Any]) -> dict[str, Any]:
    """The fields of ``ModelOptions`` that a caller sets."""
    fields = dict(options)
    if signature is not None:
        fields["signature"] = signature
    if "op_libraries" in fields:
        fields["op_libraries"] = _listed(fields["op_libraries"])
    if "tags" in fields:
        fields["tags"] = _listed(split_tags(fields["tags"]))
    return fields


def _native_path(path: Any) -> bytes:
    encoded = os.fsencode(path)
    if b"\0" in encoded:
        raise InvalidArgumentError(f"the path {path!r} has a null character, which no file's name can have")
    return encoded


def _into(value: Any) -> dict[str, Any]:
    if value is not None and not isinstance(value, Mapping):
        raise InvalidArgumentError(f"into is a {type(value).__name__}; expected a dict of arrays by name of the output")
    return dict(value or {})


def _seconds(timeout: Any) -> float | None:
    if timeout is None:
        return None
    if isinstance(timeout, numbers.Real) and not isinstance(timeout, bool):
        return float(timeout)
    raise InvalidArgumentError(f"timeout is {timeout!r}; expected seconds")


def _by_name(inputs: Any) -> Mapping[str, Any]:
    if inputs is not None and not isinstance(inputs, Mapping):
        raise InvalidArgumentError(
            f"inputs is a {type(inputs).__name__}; expected a dict of arrays by name. For a model of one input "
            "call model(array)"
        )
    return inputs or {}


def _names(option: str, value: Any) -> list[str]:
    if value is None:
        return []
    if isinstance(value, str):
        raise InvalidArgumentError(f"{option} is the string {value!r}; expected a list of names")
    wanted = list(value)
    if not all(isinstance(name, str) for name in wanted):
        raise InvalidArgumentError(f"{option} is {value!r}; expected a list of names")
    return wanted


def _shape_or_array(value: Any) -> Any:
    """A shape as a tuple of int; anything else as something that is no tuple."""
    dimensions = [value] if isinstance(value, (int, np.integer)) else value
    if not isinstance(dimensions, (list, tuple)):
        return value
    is_shape = all(isinstance(dim, (int, np.integer)) for dim in dimensions)
    return tuple(int(dim) for dim in dimensions) if is_shape else list(value)


class Model:
    """A loaded SavedModel, seen through one of its signatures; thread-safe.

    Runs in a C++ session: TensorFlow's Python package is never imported. A model that tftrt converted is checked
    against its manifest before it is loaded. A SavedModel is a program: load it only from where you trust.

    Args:
        path: Folder of the SavedModel.
        signature: Name of the signature to call (default "serving_default"); others: :meth:`with_signature`.
        **options: The fields of C++'s ``tftrt::ModelOptions``, with its defaults: ``tags`` (["serve"]; ``"serve,gpu"``
            is two), ``device`` ("auto", "cpu" or "gpu:N"), ``executor`` ("auto", "parallel" or "single"),
            ``intra_op_threads`` and ``inter_op_threads`` (0: the process's pools), ``on_miss`` ("native", "error" or
            "build": what happens where a request's shapes have no engine), ``on_mismatch`` ("error", "native" or
            "rebuild": what happens if the engines were made for another GPU or TensorRT, or were changed),
            ``instances`` (1: requests that run on the GPU at the same time), ``cuda_graphs`` ("auto", "on" or "off":
            launch engines as CUDA graphs), ``max_batch``, ``max_wait_us`` and ``max_queued_batches`` (0, 0, 64: run
            calls that are made at the same time together, up to so many items), ``max_queued_calls`` (1024: calls of
            :meth:`run_async` that may wait), ``warm_engines`` (True: run each once before the constructor returns),
            ``warmup`` (further calls before it returns, which change state as calls do) and ``op_libraries`` (shared
            libraries with custom ops).

    Raises:
        ModelError: It does not exist, is damaged, or does not match its manifest.
        InvalidArgumentError: No such signature, tag set or option; a warm-up call does not like its made-up input.
        UnsupportedError: It uses an op that nobody registered.
        IncompatibleError: TensorFlow is missing or has another version; the process was forked; the engines are for
            another GPU or TensorRT.
        InternalError: No memory, too many open files: says nothing about the model.

    Source: python/tftrt/model.py, cpp/include/tftrt/model.h
    """

    def __init__(self, path: str | os.PathLike[str], signature: str | None = None, **options: Any) -> None:
        """Load the model; see the class."""
        self._options = _model_fields(signature, options)
        self._path = os.fsdecode(path)
        native_options = _set_options(_native.ModelOptions(), self._options)
        self._native = _native.Model.load(_native_path(path), native_options)

    @classmethod
    def _of(cls, native: _native.Model, path: str, options: dict[str, Any]) -> Model:
        model = object.__new__(cls)
        model._path = path
        model._options = options
        model._native = native
        return model

    def __call__(self, *args: Any, **kwargs: Any) -> dict[str, NDArray[Any]]:
        """Run the signature once: ``model({"name": array})``, ``model(array)`` for one input, ``model(name=array)``.

        Inputs with a default value may be left out. See :meth:`run`.
        """
        if kwargs or not args:
            if args:
                raise InvalidArgumentError("pass inputs either by keyword, or as one dict or array; both were given")
            return self._native.run(kwargs)
        if len(args) != 1:
            raise InvalidArgumentError(
                f"{len(args)} positional arguments were given; expected one array or one dict of arrays by name"
            )
        (value,) = args
        if type(value) is dict:
            return self._native.run(value)
        if isinstance(value, Mapping):
            return self._native.run(dict(value))
        return self._native.run_single(value)

    def run(
        self,
        inputs: Mapping[str, Any] | None = None,
        outputs: Sequence[str] | None = None,
        on_gpu: Sequence[str] | None = None,
        timeout: float | None = None,
        **named: Any,
    ) -> dict[str, Any]:
        """Run the signature once and return its outputs by name.

        Args:
            inputs: Arrays by input name; or give them as keywords. Inputs with a default value may be left out. Numpy
                arrays, any object with ``__dlpack__``,
                ``__cuda_array_interface__`` or ``__array__``, or plain numbers and lists. Dtypes are not converted.
                Arrays that are C-contiguous and begin at a multiple of 64 bytes, as those of :func:`tftrt.empty`
                do, are passed on without a copy; do not write to them before the call returns.
            outputs: Names of the outputs wanted (default: all). What only others need is not computed.
            on_gpu: Of them, those to be returned as :class:`tftrt.GpuArray`.
            timeout: Seconds after which the call is given up. If it has not begun to run, it never does; if it has,
                it ends by itself, what it computed is dropped, and arrays may be read until then.
            **named: Inputs by keyword. One that has the name of an argument here goes into ``inputs``.

        Returns:
            Numpy arrays, which are the caller's to write to; strings as object arrays of bytes. The GIL is released
            while the model runs.

        Raises:
            InvalidArgumentError: A name, dtype or shape does not fit the signature; the model is closed.
            IncompatibleError: The process was forked after the model was loaded; an input is on a GPU and there is no
                CUDA.
            ResourceExhaustedError: ``max_batch`` is set, and too many batches are waiting.
            DeadlineExceededError: It was not over after ``timeout``.
            UnsupportedError: ``on_gpu`` and the model does not run on a GPU; or no call can return one of ``outputs``,
                such as a sparse one.

        Source: python/tftrt/model.py, cpp/src/api/model.cc
        """
        return self._native.run(
            {**_by_name(inputs), **named}, _names("outputs", outputs), _names("on_gpu", on_gpu), _seconds(timeout)
        )

    def run_async(
        self,
        inputs: Mapping[str, Any] | None = None,
        outputs: Sequence[str] | None = None,
        on_gpu: Sequence[str] | None = None,
        timeout: float | None = None,
        **named: Any,
    ) -> asyncio.Future[dict[str, Any]]:
        """Run the signature once in a thread of the model's, for asyncio: ``await model.run_async(image=image)``.

        Calls begin in the order in which they are made, at least as many at a time as there are processors. Cancelling
        the future gives the call up: it never begins, or what it computes is dropped. Arrays must not be written to
        until the call is over.

        Args:
            inputs: As for :meth:`run`.
            outputs: Likewise.
            on_gpu: Likewise.
            timeout: Likewise; the future has the error then.
            **named: Inputs by keyword.

        Returns:
            A future of the running event loop, with what :meth:`run` returns or raises.

        Raises:
            RuntimeError: No event loop is running.
            InvalidArgumentError: A name, dtype or shape does not fit the signature; the model is closed.
            ResourceExhaustedError: ``max_queued_calls`` are waiting.

        Source: python/tftrt/model.py, cpp/src/api/model.cc
        """
        given = {**_by_name(inputs), **named}
        wanted, there, seconds = _names("outputs", outputs), _names("on_gpu", on_gpu), _seconds(timeout)
        return start(lambda done: self._native.run_async(given, wanted, there, seconds, done), seconds)

    def bind(
        self,
        inputs: Mapping[str, Any] | None = None,
        outputs: Sequence[str] | None = None,
        on_gpu: Sequence[str] | None = None,
        into: Mapping[str, Any] | None = None,
        **named: Any,
    ) -> Runner:
        """Bind the signature to arrays that stay where they are, for calls that allocate and copy nothing::

            runner = model.bind(image=(1, 224, 224, 3))
            runner.inputs["image"][...] = image
            probabilities = runner.run()["probabilities"]

        Args:
            inputs: For each input its shape, or an array whose memory every run then reads: C-contiguous, in native
                byte order, or any object with ``__dlpack__`` or ``__cuda_array_interface__``, on the host or on the
                model's GPU; or give them as keywords. Inputs of a fixed shape may be left out. So may
                inputs with a default value, of which the runner gets a copy. Where only a shape is given, the runner
                makes an array of zeros: aligned, and pinned where the GPU itself reads it.
            outputs: Names of the outputs wanted (default: all). What only others need is not computed.
            on_gpu: Names of the outputs to be written to GPU memory, and of the inputs given by their shape that
                shall be there: they are :class:`tftrt.GpuArray`, everything else is a numpy array.
            into: Arrays by name of the output that every run then writes to them: C-contiguous, of exactly the output's
                dtype and shape, on the host or on the model's GPU as for ``inputs``.
            **named: Inputs by keyword.

        Returns:
            The runner, for one thread at a time.

        Raises:
            InvalidArgumentError: A name, dtype or shape does not fit the signature; only a copy of an array could be
                read or written; the model is closed.
            UnsupportedError: An input holds strings; ``on_gpu`` and the model does not run on a GPU.

        Source: python/tftrt/model.py, cpp/include/tftrt/runner.h
        """
        given = {name: _shape_or_array(value) for name, value in {**_by_name(inputs), **named}.items()}
        return self._native.bind(given, _names("outputs", outputs), _names("on_gpu", on_gpu), _into(into))

    def with_signature(self, name: str) -> Model:
        """Return the same loaded model through another of its signatures; they share one session."""
        return Model._of(self._native.with_signature(name), self._path, {**self._options, "signature": name})

    @property
    def signature(self) -> str:
        """Name of the signature that calls run."""
        return self._native.signature

    @property
    def signatures(self) -> list[str]:
        """Names of all signatures of the model."""
        return self._native.signatures

    @property
    def inputs(self) -> list[TensorSpec]:
        """Name, dtype and shape of each input, sorted by name."""
        return self._native.inputs

    @property
    def outputs(self) -> list[TensorSpec]:
        """Name, dtype and shape of each output, sorted by name."""
        return self._native.outputs

    @property
    def info(self) -> ModelInfo:
        """What loading decided (device, executor and why) and how long each phase took, in seconds."""
        return self._native.info

    @property
    def manifest(self) -> dict[str, Any] | None:
        """The manifest that conversion wrote; None for a model that tftrt did not convert."""
        text = self._native.manifest
        return json.loads(text) if text else None

    @property
    def closed(self) -> bool:
        """Whether :meth:`close` was called, through this object or another of the same model."""
        return self._native.closed

    def stats(self) -> dict[str, Any]:
        """What was called and what ran it since the model was loaded (the calls that warmed it are not counted).

        Returns:
            ``calls`` and ``errors`` of the model, ``load_seconds`` of each phase, and ``engines``: for each its
            ``name``, ``profiles`` (or ``static_shapes`` in implicit-batch mode), ``engine_runs``, ``native_runs``,
            ``refused`` (``on_miss="error"``), ``builds`` and the seconds of each, in all and for each of its
            ``shapes``. Counts are exact; times are the host's, until the work is enqueued on the GPU. ``inlined``
            says that the engine's segment is part of the graph (on a CPU, without TensorRT), where its runs are
            not counted.

        Source: python/tftrt/model.py, cpp/include/tftrt/stats.h
        """
        return stats_to_dict(self._native.stats())

    def memory(self) -> dict[str, int]:
        """What the model takes now, in bytes.

        Returns:
            On the host ``host_model`` (what the process grew by while loading, an estimate) and ``host_pinned`` (inputs
            and outputs); on the GPU ``gpu_model`` (variables, weights and contexts of engines), ``gpu_workspaces``,
            ``gpu_buffers`` (inputs and outputs) and ``gpu_graphs`` (CUDA graphs, an estimate), with their number in
            ``cuda_graphs``; on disk ``plans`` (serialised engines).

        Raises:
            InvalidArgumentError: The model is closed.

        Source: python/tftrt/model.py, cpp/include/tftrt/stats.h
        """
        return memory_to_dict(self._native.memory())

    def close(self) -> None:
        """Wait for the calls under way and free the session; later calls raise. Closing twice is allowed.

        If the graph has ops that may wait for another op (queues, staging areas, iterators), calls under way are
        cancelled after one second and raise ``CancelledError``.

        Raises:
            DeadlineExceededError: an op under way cannot be cancelled. Close the model again when it has ended.
        """
        self._native.close()

    def __enter__(self) -> Model:
        """Return the model itself; it is closed when the block ends."""
        return self

    def __exit__(self, *exception: object) -> None:
        """Close the model."""
        self.close()

    def __reduce__(self) -> tuple[Any, ...]:
        """Pickle as path and options: unpickling loads the model again."""
        return _load_again, (self._path, self._options)

    def __repr__(self) -> str:
        """Show path, signature, inputs and outputs."""
        inputs = ", ".join(repr(spec) for spec in self.inputs)
        outputs = ", ".join(repr(spec) for spec in self.outputs)
        state = " (closed)" if self.closed else ""
        return f"<tftrt.Model {self._path!r} {self.signature!r}: {inputs} -> {outputs}{state}>"


def _load_again(path: str, options: dict[str, Any]) -> Model:
    return Model(path, **options)


def inspect(path: str | os.PathLike[str], tags: str | Sequence[str] = ("serve",)) -> SavedModelInfo:
    """Read what a SavedModel holds without running anything of it.

    Args:
        path: Folder of the SavedModel.
        tags: Tag set of the graph to describe, as a sequence or as in ``"serve,gpu"``.

    Raises:
        ModelError: It does not exist or cannot be read, or its manifest was changed.
        InvalidArgumentError: It has no graph with that tag set.

    Source: python/tftrt/model.py
    """
    wanted = _set_options(_native.ModelOptions(), {"tags": _listed(split_tags(tags))}).tags
    return _native.inspect_saved_model(_native_path(path), wanted)


def configure(**options: Any) -> None:
    """Set what TensorFlow keeps for the whole process; call it before the first model is loaded.

    Args:
        **options: The fields of C++'s ``tftrt::RuntimeOptions``: ``gpu_memory_growth`` (default True),
            ``gpu_memory_limit_mb`` (MiB), ``log_level`` (0 info to 3 fatal only, the default),
            ``intra_op_threads``, ``inter_op_threads`` (default: one for each core), ``tensorflow_dir`` and
            ``tensorrt_dir``.

    Raises:
        InvalidArgumentError: An option already has another value in this process, or is out of range.

    Source: python/tftrt/model.py, cpp/include/tftrt/options.h
    """
    _native.configure(_set_options(_native.RuntimeOptions(), options))


def empty(shape: int | Sequence[int], dtype: DTypeLike = np.float32) -> NDArray[Any]:
    """Return an uninitialised array that models take as an input without a copy.

    It begins at a multiple of 64 bytes; numpy's own arrays begin anywhere.

    Args:
        shape: Dimensions, each 0 or more.
        dtype: A number type, bool or ml_dtypes' bfloat16.

    Raises:
        InvalidArgumentError: A dimension is negative, or the dtype has no such arrays.

    Source: python/tftrt/model.py
    """
    dimensions = [shape] if isinstance(shape, (int, np.integer)) else list(shape)
    return _native.empty(dimensions, np.dtype(dtype))
