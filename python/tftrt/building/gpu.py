"""The GPU and the TensorRT of this machine, looked at before any time is spent."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from .. import _native
from ..errors import IncompatibleError
from .timing_cache import TimingKey

__all__ = ["Machine", "find_machine"]


@dataclass(frozen=True)
class Machine:
    """What engines depend on.

    Attributes:
        gpu: Name and compute capability, ``"NVIDIA H100 (compute capability 9.0)"``.
        driver: Its version.
        tensorrt: Its version.
        tensorflow: Its version.
    """

    gpu: str
    driver: str
    tensorrt: str
    tensorflow: str

    @property
    def timing_key(self) -> TimingKey:
        """What timings depend on."""
        return TimingKey(self.gpu, self.driver, self.tensorrt)

    def made(self, build: dict[str, Any]) -> bool:
        """Whether engines of the manifest's ``build`` can be used here."""
        gpu = build.get("gpu", {})
        name = f"{gpu.get('name')} (compute capability {gpu.get('compute_capability')})"
        return name == self.gpu and build.get("tensorrt") == self.tensorrt


def find_machine(index: int) -> Machine:
    """Look for the GPU and TensorRT.

    Args:
        index: Which GPU.

    Raises:
        IncompatibleError: One is missing.
    """
    found = _native.inspect_environment()
    if not found.gpus:
        raise IncompatibleError(
            "expected a GPU to build engines on, found none. Build on the machine that will run the model; "
            "tftrt doctor says what is missing here."
        )
    if index >= len(found.gpus):
        raise IncompatibleError(f"device: expected one of the GPUs 0 to {len(found.gpus) - 1}, found gpu:{index}.")
    missing = [library.name for library in found.tensorrt if not library.found]
    if missing:
        raise IncompatibleError(f"expected TensorRT 8.6, found no {missing[0]}. tftrt doctor says how to install it.")
    driver = _native.inspect_gpu(index).driver
    return Machine(found.gpus[index], driver, found.tensorrt[0].version, found.tensorflow.version)
