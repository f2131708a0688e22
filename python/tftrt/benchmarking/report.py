"""What was measured, as a table and as JSON."""

from __future__ import annotations

import datetime
import os
import platform
from dataclasses import asdict, dataclass, field
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from .. import _native

__all__ = ["BenchReport", "Measurement", "describe_machine"]


@dataclass
class Measurement:
    """One path through one model, with one batch size and number of callers.

    Attributes:
        model: Its folder.
        path: Name of the path, as in ``tftrt bench --help``.
        batch: Items in each call.
        callers: Threads that called at the same time.
        calls: How many calls were timed.
        mean: Microseconds of a call; likewise the percentiles.
        items_per_second: Of all callers.
        problem: Why it could not be measured; the figures are then 0.
    """

    model: str
    path: str
    batch: int
    callers: int
    calls: int = 0
    mean: float = 0.0
    median: float = 0.0
    p90: float = 0.0
    p95: float = 0.0
    p99: float = 0.0
    p999: float = 0.0
    items_per_second: float = 0.0
    problem: str = ""

    @property
    def mode(self) -> str:
        """What the figures are: one caller's latency, or the throughput of several."""
        return "synchronous latency" if self.callers == 1 else f"throughput, {self.callers} synchronous callers"


@dataclass
class BenchReport:
    """Everything that one run measured.

    Attributes:
        machine: Hardware and versions.
        settings: What was asked for.
        measurements: In the order of measuring.
        splits: For each model and batch, microseconds of ``host_to_device``, ``compute`` and ``device_to_host``:
            differences between the medians of bound calls that leave the copies out, measured in turn.
    """

    machine: dict[str, Any]
    settings: dict[str, Any]
    measurements: list[Measurement] = field(default_factory=list)
    splits: list[dict[str, Any]] = field(default_factory=list)

    def to_dict(self) -> dict[str, Any]:
        """For JSON; percentiles in microseconds."""
        return {
            "machine": self.machine,
            "settings": self.settings,
            "unit": "microseconds",
            "measurements": [{**asdict(entry), "mode": entry.mode} for entry in self.measurements],
            "splits": self.splits,
        }


def describe_machine(device: str) -> dict[str, Any]:
    """Hardware and versions that figures depend on."""
    found = _native.inspect_environment()
    versions = {}
    for package in ("tftrt", "tensorflow", "numpy", "onnxruntime", "onnxruntime-gpu"):
        try:
            versions[package] = version(package)
        except PackageNotFoundError:
            continue
    machine: dict[str, Any] = {
        "date": datetime.date.today().isoformat(),
        "device": device,
        "cpu": _cpu(),
        "cores": os.cpu_count(),
        "python": platform.python_version(),
        "versions": versions,
    }
    if device != "cpu":
        gpu = _native.inspect_gpu(int(device.rpartition(":")[2]))
        machine["gpu"] = gpu.name
        machine["driver"] = gpu.driver
        machine["tensorrt"] = found.tensorrt[0].version if found.tensorrt else ""
        machine["cuda"] = {library.name: library.version for library in found.cuda if library.version}
    return machine


def _cpu() -> str:
    text = Path("/proc/cpuinfo").read_text()
    names = [line.partition(":")[2].strip() for line in text.splitlines() if line.startswith("model name")]
    return names[0] if names else platform.machine()
