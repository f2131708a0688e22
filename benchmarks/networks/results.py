"""Reads the records of run.py: what was measured of each network in each precision, whatever runs it took."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

__all__ = ["Network", "hardware", "read_networks"]

_ORDER = ("resnet50", "mobilenetv2", "efficientnetb0", "bert_base")
_PRECISIONS = ("FP32", "FP16", "INT8")
_LONGEST_REASON = 240
_SECTIONS = ("tail", "checks", "callers", "program", "leak")
Key = tuple[str, str, int]


@dataclass
class Network:
    """One network in one precision.

    Attributes:
        name: Of its builder.
        precision: ``"FP32"``, ``"FP16"`` or ``"INT8"``.
        machine: Hardware and versions.
        latency: Figures by model (``"converted"`` or ``"source"``), path and batch.
        sections: ``"tail"``, ``"checks"``, ``"callers"``, ``"program"`` and ``"leak"``, where they were measured.
        problems: What failed, with the name of the record.
    """

    name: str
    precision: str
    machine: dict[str, Any]
    latency: dict[Key, dict[str, Any]] = field(default_factory=dict)
    sections: dict[str, Any] = field(default_factory=dict)
    problems: list[str] = field(default_factory=list)

    @property
    def label(self) -> str:
        """Name and precision."""
        return f"{self.name} {self.precision}"

    @property
    def batches(self) -> list[int]:
        """The batch sizes that were measured."""
        return sorted({batch for _, _, batch in self.latency})

    def figure(self, path: str, batch: int, value: str = "median", model: str = "converted") -> float | None:
        """One figure of the latencies; None if it was not measured."""
        entry = self.latency.get((model, path, batch))
        return None if entry is None else float(entry[value])

    def throughput(self, path: str, instances: int, callers: int, value: str = "items_per_second") -> float | None:
        """One figure of the section ``"callers"``; None if it was not measured."""
        for entry in self.sections.get("callers", ()):
            if (entry["path"], entry["instances"], entry["callers"]) == (path, instances, callers):
                return float(entry[value])
        return None

    @property
    def instances(self) -> int:
        """The most instances that several callers had."""
        return max((entry["instances"] for entry in self.sections.get("callers", ())), default=0)


def read_networks(folder: Path) -> list[Network]:
    """All networks of the folder's ``network_*.json``; where two have the same, what has more or is first counts."""
    found: dict[tuple[str, str], Network] = {}
    for file in sorted(folder.glob("network_*.json")):
        record = json.loads(file.read_text())
        key = record["network"], record["precision"]
        network = found.setdefault(key, Network(*key, record["machine"]))
        _merge_latency(network.latency, [entry for entry in record.get("latency", ()) if not entry["problem"]])
        for section in _SECTIONS:
            if section in record and _turns(record[section]) > _turns(network.sections.get(section)):
                network.sections[section] = record[section]
        network.problems += [f"{file.name}: {step}: {_shorten(reason)}" for step, reason in record["problems"].items()]
    return sorted(found.values(), key=lambda network: (_rank(network.name), _PRECISIONS.index(network.precision)))


def _turns(section: Any) -> int:
    """How often that was measured; only of Python and C++, which take turns, there is more than one."""
    if section is None:
        return 0
    return len(section["python_median_before_and_after"]["bound"]) if "python_minus_cpp" in section else 1


def _shorten(reason: str) -> str:
    """TensorFlow's are pages long, and their last words say most."""
    line, half = " ".join(reason.split()), _LONGEST_REASON // 2
    return line if len(line) <= _LONGEST_REASON else f"{line[:half]} ... {line[-half:]}"


def _merge_latency(found: dict[Key, dict[str, Any]], entries: list[dict[str, Any]]) -> None:
    """Add a run's entries; of each model and batch, those of one run only, for ratios are of one run."""
    for model, batch in dict.fromkeys((entry["model"], entry["batch"]) for entry in entries):
        ours = {(model, e["path"], batch): e for e in entries if (e["model"], e["batch"]) == (model, batch)}
        earlier = [key for key in found if (key[0], key[2]) == (model, batch)]
        if len(ours) > len(earlier):
            for key in earlier:
                del found[key]
            found.update(ours)


def _rank(name: str) -> tuple[int, str]:
    return (_ORDER.index(name) if name in _ORDER else len(_ORDER), name)


def hardware(networks: list[Network]) -> list[str]:
    """What the records were measured on, a line for each that differs."""
    return list(dict.fromkeys(_describe(network.machine) for network in networks))


def _describe(machine: dict[str, Any]) -> str:
    where = machine.get("nvidia-smi", {}).get("name") or ", ".join(machine.get("gpus", ())) or machine["cpu"]
    versions = machine["versions"]
    parts = [f"{machine['cores']} cores", f"TensorFlow {versions['tensorflow']}"]
    if versions.get("libnvinfer.so.8"):
        parts.append(f"TensorRT {versions['libnvinfer.so.8']}")
    return ", ".join([where, *parts, f"tftrt {versions['tftrt']} ({machine['commit']})", machine["date"]])
