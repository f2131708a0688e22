"""The C++ runtime as pybind11 shows it; use it through the package tftrt."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

__version__: str

class TensorSpec:
    """Name, dtype and shape of one input or output of a signature."""

    @property
    def name(self) -> str: ...
    @property
    def dtype(self) -> np.dtype[Any]:
        """Numpy's dtype; object for strings."""
    @property
    def shape(self) -> tuple[int, ...] | None:
        """-1 for a dimension that is not fixed; None if the rank is unknown."""
    @property
    def default(self) -> NDArray[Any] | None:
        """A copy of the value that an input has in calls that leave it out; None if every call must give it."""

class SignatureSpec:
    """One signature of a SavedModel."""

    @property
    def name(self) -> str: ...
    @property
    def inputs(self) -> list[TensorSpec]: ...
    @property
    def outputs(self) -> list[TensorSpec]: ...
    @property
    def unsupported(self) -> str:
        """Why it cannot be called; empty if it can."""
    @property
    def unavailable(self) -> dict[str, str]:
        """Outputs that no call can return, such as sparse ones: the reason by name."""

class SavedModelInfo:
    """What a SavedModel holds, read without loading it."""

    @property
    def tag_sets(self) -> list[list[str]]: ...
    @property
    def tags(self) -> list[str]: ...
    @property
    def signatures(self) -> list[SignatureSpec]: ...
    @property
    def ops(self) -> dict[str, int]: ...
    @property
    def manifest(self) -> str: ...

class ModelInfo:
    """What loading decided and how long it took."""

    @property
    def path(self) -> str: ...
    @property
    def tags(self) -> list[str]: ...
    @property
    def device(self) -> str: ...
    @property
    def executor(self) -> str: ...
    @property
    def executor_reason(self) -> str: ...
    @property
    def engines(self) -> int: ...
    @property
    def engines_ready(self) -> int:
        """Of the engines, how many TensorRT can run."""
    @property
    def instances(self) -> int:
        """Requests that can run at once on engines without TensorFlow's session; 0: none can."""
    @property
    def tensorrt_problem(self) -> str:
        """Why TensorRT cannot be used although the model is on a GPU; empty if it can."""
    @property
    def engine_problem(self) -> str:
        """Why all engines run as native segments although the model is on a GPU; empty if they do not."""
    @property
    def load_seconds(self) -> dict[str, float]: ...

class ModelOptions:
    """tftrt::ModelOptions, made with the defaults of C++."""

    signature: str
    tags: list[str]
    device: str
    executor: str
    intra_op_threads: int
    inter_op_threads: int
    on_miss: str
    on_mismatch: str
    instances: int
    max_batch: int
    max_wait_us: int
    max_queued_batches: int
    max_queued_calls: int
    cuda_graphs: str
    warm_engines: bool
    warmup: int
    op_libraries: list[str]
    def __init__(self) -> None: ...

class RuntimeOptions:
    """tftrt::RuntimeOptions; None leaves a field unset."""

    gpu_memory_growth: bool | None
    gpu_memory_limit_mb: int | None
    log_level: int | None
    intra_op_threads: int | None
    inter_op_threads: int | None
    tensorflow_dir: str | None
    tensorrt_dir: str | None
    def __init__(self) -> None: ...

class EngineProfile:
    """The shapes that one optimization profile of an engine takes."""

    @property
    def min(self) -> list[list[int]]: ...
    @property
    def opt(self) -> list[list[int]]: ...
    @property
    def max(self) -> list[list[int]]: ...

class RunCounts:
    """How often an engine's node ran, and how."""

    @property
    def engine_runs(self) -> int: ...
    @property
    def native_runs(self) -> int: ...
    @property
    def refused(self) -> int: ...
    @property
    def builds(self) -> int: ...
    @property
    def engine_seconds(self) -> float: ...
    @property
    def native_seconds(self) -> float: ...
    @property
    def build_seconds(self) -> float: ...

class ShapeStats(RunCounts):
    """The runs with inputs of certain shapes."""

    @property
    def shapes(self) -> list[list[int]]: ...

class EngineStats(RunCounts):
    """One engine: what is there and what was run."""

    @property
    def name(self) -> str: ...
    @property
    def inlined(self) -> bool: ...
    @property
    def profiles(self) -> list[EngineProfile]: ...
    @property
    def static_shapes(self) -> list[list[list[int]]]: ...
    @property
    def shapes(self) -> list[ShapeStats]: ...

class ModelMemory:
    """Bytes that a loaded model takes."""

    @property
    def host_model(self) -> int: ...
    @property
    def host_pinned(self) -> int: ...
    @property
    def gpu_model(self) -> int: ...
    @property
    def gpu_workspaces(self) -> int: ...
    @property
    def gpu_buffers(self) -> int: ...
    @property
    def cuda_graphs(self) -> int: ...
    @property
    def gpu_graphs(self) -> int: ...
    @property
    def plans(self) -> int: ...

class ModelStats:
    """A snapshot of what a model was called for."""

    @property
    def calls(self) -> int: ...
    @property
    def errors(self) -> int: ...
    @property
    def load_seconds(self) -> dict[str, float]: ...
    @property
    def engines(self) -> list[EngineStats]: ...

class GpuReport:
    """A GPU, as far as engines depend on it."""

    @property
    def name(self) -> str: ...
    @property
    def compute_capability(self) -> str: ...
    @property
    def driver(self) -> str: ...

class BuilderOptions:
    """tftrt::BuilderOptions, made with the defaults of C++."""

    tags: list[str]
    device: str
    op_libraries: list[str]
    profile_strategy: str
    max_workspace_size_bytes: int
    optimization_level: int
    keep_engines: bool
    timing_cache: bytes
    calibration_tables: dict[str, str]
    def __init__(self) -> None: ...

class ShapeRole:
    """What the shapes of an input stand for."""

    fixed: ShapeRole
    min: ShapeRole
    opt: ShapeRole
    max: ShapeRole
    @property
    def name(self) -> str: ...
    @property
    def value(self) -> int: ...

class BuiltEngine:
    """What became of one engine."""

    @property
    def name(self) -> str: ...
    @property
    def built(self) -> bool: ...
    @property
    def reused(self) -> bool: ...
    @property
    def problem(self) -> str: ...
    @property
    def seconds(self) -> float: ...
    @property
    def profiles(self) -> list[EngineProfile]: ...
    @property
    def static_shapes(self) -> list[list[list[int]]]: ...

class EngineBuilder:
    """tftrt::EngineBuilder: builds a model's engines on this machine's GPU."""

    @staticmethod
    def open(path: bytes | str, options: BuilderOptions) -> EngineBuilder: ...
    @property
    def gpu(self) -> GpuReport: ...
    @property
    def tensorrt_version(self) -> str: ...
    @property
    def engines(self) -> list[str]: ...
    @property
    def needs_calibration(self) -> bool: ...
    @property
    def signatures(self) -> list[SignatureSpec]: ...
    def collect(self, signature: str, inputs: dict[str, Any], role: ShapeRole) -> None: ...
    def calibrate(self, signature: str, inputs: dict[str, Any]) -> None: ...
    @property
    def plan_keys(self) -> dict[str, str]: ...
    def use_plans(self, engine: str, file: bytes | str) -> None: ...
    def build(self, progress: Callable[[str, int, int], None]) -> list[BuiltEngine]: ...
    @property
    def calibration_tables(self) -> dict[str, str]: ...
    @property
    def timing_cache(self) -> bytes: ...
    def save(self, directory: bytes | str) -> None: ...

class Model:
    """tftrt::Model: a loaded SavedModel, seen through one of its signatures."""

    @staticmethod
    def load(path: bytes | str, options: ModelOptions) -> Model: ...
    def with_signature(self, name: str) -> Model: ...
    @property
    def path(self) -> str: ...
    @property
    def signature(self) -> str: ...
    @property
    def inputs(self) -> list[TensorSpec]: ...
    @property
    def outputs(self) -> list[TensorSpec]: ...
    @property
    def signatures(self) -> list[str]: ...
    @property
    def info(self) -> ModelInfo: ...
    @property
    def manifest(self) -> str: ...
    @property
    def closed(self) -> bool: ...
    def stats(self) -> ModelStats: ...
    def close(self) -> None: ...
    def memory(self) -> ModelMemory: ...
    def run(
        self,
        inputs: Mapping[str, Any],
        outputs: Sequence[str] = ...,
        on_gpu: Sequence[str] = ...,
        timeout: float | None = None,
    ) -> dict[str, Any]: ...
    def run_async(
        self,
        inputs: Mapping[str, Any],
        outputs: Sequence[str],
        on_gpu: Sequence[str],
        timeout: float | None,
        done: Callable[[Outcome], None],
    ) -> Cancellation: ...
    def run_single(self, value: Any) -> dict[str, NDArray[Any]]: ...
    def bind(
        self, inputs: Mapping[str, Any], outputs: Sequence[str], on_gpu: Sequence[str], into: Mapping[str, Any]
    ) -> Runner: ...

class VersionStatus:
    """What is known of one version of a model."""

    @property
    def version(self) -> int: ...
    @property
    def path(self) -> str: ...
    @property
    def state(self) -> str:
        """One of "available", "loading", "serving", "retired" and "broken"."""
    @property
    def error(self) -> str:
        """Why it is broken; empty if it is not."""
    @property
    def present(self) -> bool:
        """False if it serves although its folder is gone."""
    @property
    def since(self) -> float:
        """When it came into this state, as time.time() counts."""
    @property
    def load_seconds(self) -> float:
        """What loading and warming took the last time."""

class RepositoryEvent:
    """Something that happened in a repository."""

    @property
    def kind(self) -> str:
        """One of "loading", "serving", "retired", "broken", "removed", "unreadable" and "readable"."""
    @property
    def version(self) -> int | None:
        """None if it is about the directory."""
    @property
    def message(self) -> str:
        """A sentence for a log, with the whole error if there is one."""

class ModelRepository:
    """tftrt::ModelRepository: versions of a model."""

    @staticmethod
    def open(
        directory: bytes | str,
        model: ModelOptions,
        poll_interval_ms: int,
        watch: bool,
        warm_up: Callable[[Model], None],
        on_event: Callable[[RepositoryEvent], None],
    ) -> ModelRepository: ...
    def current(self) -> tuple[int, Model]: ...
    @property
    def version(self) -> int: ...
    @property
    def problem(self) -> str: ...
    @property
    def closed(self) -> bool: ...
    def versions(self) -> list[VersionStatus]: ...
    def refresh(self) -> None: ...
    def close(self) -> None: ...

class Cancellation:
    """Gives up calls."""

    def cancel(self) -> None: ...

class Outcome:
    """What a call in another thread came to."""

    def result(self) -> dict[str, Any]:
        """Return the arrays by name, or raise what the call raised."""

class Runner:
    """A signature bound to arrays that stay where they are."""

    @property
    def inputs(self) -> Mapping[str, Any]:
        """The arrays that every run reads, by input name: numpy's, or GpuArray."""
    @property
    def outputs(self) -> Mapping[str, Any]:
        """What the last run wrote, by output name; empty before the first."""
    def run(self, stream: Any = None) -> Mapping[str, Any]:
        """Run the signature once and return ``outputs``."""

class GpuArray:
    """An array on a GPU."""

    @property
    def shape(self) -> tuple[int, ...]: ...
    @property
    def dtype(self) -> np.dtype[Any]: ...
    @property
    def gpu(self) -> int: ...
    @property
    def __cuda_array_interface__(self) -> dict[str, Any]: ...
    def numpy(self) -> NDArray[Any]:
        """Return a copy on the host."""
    def fill(self, value: Any) -> None:
        """Copy an array of the same dtype and shape into it."""
    def __dlpack__(self, stream: Any = None) -> Any: ...
    def __dlpack_device__(self) -> tuple[int, int]: ...

class LibraryReport:
    """A shared library that the GPU path needs, as found."""

    @property
    def name(self) -> str: ...
    @property
    def found(self) -> bool: ...
    @property
    def path(self) -> str: ...
    @property
    def version(self) -> str: ...
    @property
    def detail(self) -> str: ...

class EnvironmentReport:
    """Everything that a model may need, as found without opening TensorFlow."""

    @property
    def tensorflow(self) -> LibraryReport: ...
    @property
    def tensorrt(self) -> list[LibraryReport]: ...
    @property
    def cuda(self) -> list[LibraryReport]: ...
    @property
    def gpus(self) -> list[str]: ...

def inspect_saved_model(path: bytes | str, tags: Sequence[str]) -> SavedModelInfo: ...
def configure(options: RuntimeOptions) -> None: ...
def inspect_environment() -> EnvironmentReport: ...
def inspect_gpu(index: int) -> GpuReport: ...
def set_tensorflow_hint(directory: str) -> None: ...
def open_tensorflow() -> None: ...
def wait_for_queued_calls() -> None: ...
def open_tensorrt() -> str:
    """Open TensorRT for TensorFlow; returns why it could not, or an empty string."""

def empty(shape: Sequence[int], dtype: np.dtype[Any]) -> NDArray[Any]: ...
