"""What is asked of the networks' calls, and whether the records meet it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from results import Network

__all__ = ["Bar", "bars"]

BATCHES = (1, 8, 32)
_NETWORKS = {"resnet50": ("FP32", "FP16", "INT8"), "mobilenetv2": (), "efficientnetb0": (), "bert_base": ()}
"""Precisions that are asked for; none named: any one."""
_JUDGED = "resnet50"
_TAIL_CALLS = 20_000
_CALLERS = 8
_LEAK_CALLS = 200_000
# CUDA's and the C library's own pools grow in steps: this is 5 bytes a call.
_LEAK_BYTES = 1 << 20
_CHECK = 1.03


@dataclass(frozen=True)
class Bar:
    """One bar.

    Attributes:
        name: What is asked for.
        found: The number, and what it comes from; empty: nothing was measured.
        met: Whether it is good enough.
    """

    name: str
    found: str = ""
    met: bool = False

    def __str__(self) -> str:
        """A line for people."""
        state = "met" if self.met else "MISSED" if self.found else "NO RECORD"
        return f"{state:9}  {self.name}: {self.found or 'not measured'}"


def bars(networks: list[Network], results: Path) -> list[Bar]:
    """Every bar.

    Args:
        networks: The records.
        results: The folder with ``overhead.json``.
    """
    found = list(_completeness(networks))
    for precision in _NETWORKS[_JUDGED]:
        key = (_JUDGED, precision)
        judged = next((network for network in networks if (network.name, network.precision) == key), None)
        found += _judge(judged or Network(*key, {}))
    found += _overhead(results / "overhead.json")
    found += _leak(networks)
    found += _checks(networks)
    return found


def _completeness(networks: list[Network]) -> Iterator[Bar]:
    for name, precisions in _NETWORKS.items():
        for precision in precisions or ("",):
            what = f"{name} {precision or 'in any precision'}, batch {', '.join(map(str, BATCHES))}"
            fitting = [n for n in networks if n.name == name and precision in ("", n.precision)]
            measured = max((_measured(network) for network in fitting), key=len, default=[])
            text = f"batch {', '.join(map(str, measured))}" if measured else ""
            yield Bar(f"{what}: measured beside TensorRT alone", text, len(measured) == len(BATCHES))


def _measured(network: Network) -> list[int]:
    return [batch for batch in BATCHES if network.figure("bound", batch) and network.figure("raw-graph", batch)]


def _judge(network: Network) -> Iterator[Bar]:
    one = f"{network.label}, batch 1"
    bound, raw = network.figure("bound", 1), network.figure("raw-graph", 1)
    yield _at_most(f"{one}, host to host, median of bound : raw graph", 1.10, bound, raw)
    yield _at_most(f"{one}, median of bound : TF-TRT Python", 1 / 3, bound, network.figure("tensorflow", 1))
    yield _tail(network, one)
    on_gpu = network.figure("bound-gpu", 1), network.figure("raw-gpu-graph", 1)
    yield _at_most(f"{one}, on GPU buffers, median of bound : raw graph", 1.05, *on_gpu)
    for path in ("bound", "call"):
        difference = network.sections.get("program", {}).get("python_minus_cpp", {}).get(path)
        name = f"{one}, {path} from Python minus C++ at most 25 us"
        yield Bar(name) if difference is None else Bar(name, f"{difference:.1f} us", difference <= 25)
    yield _throughput(network, one)
    alone = network.throughput("bound", network.instances, 1, "median")
    floor = network.throughput("raw-graph", 0, 1, "median")
    same = f"{one}, one caller of the model with {network.instances} instances"
    yield _at_most(f"{same}, median of bound : raw graph", 1.10, alone, floor)


def _at_most(name: str, limit: float, value: float | None, floor: float | None) -> Bar:
    name = f"{name} at most {limit:.3g}"
    if not value or not floor:
        return Bar(name)
    return Bar(name, f"{value / floor:.3f} ({value:,.1f} : {floor:,.1f} us)", value <= limit * floor)


def _tail(network: Network, one: str) -> Bar:
    paths = network.sections.get("tail", {}).get("paths", {})
    calls = min((paths.get(path, {}).get("calls", 0) for path in ("bound", "raw-graph")), default=0)
    name = f"{one}, p99 over {_TAIL_CALLS} calls of bound : raw graph"
    if calls < _TAIL_CALLS:
        return Bar(f"{name} at most 1.2", f"only {calls:.0f} calls" if calls else "")
    return _at_most(name, 1.2, paths["bound"]["p99"], paths["raw-graph"]["p99"])


def _throughput(network: Network, one: str) -> Bar:
    ours = network.throughput("bound", network.instances, _CALLERS)
    raw = network.throughput("raw-graph", 0, _CALLERS)
    name = f"{one}, {_CALLERS} callers, throughput of bound : raw graph at least 0.9"
    if not ours or not raw:
        return Bar(name)
    return Bar(name, f"{ours / raw:.3f} ({ours:,.0f} : {raw:,.0f} a second)", ours >= 0.9 * raw)


def _overhead(file: Path) -> Iterator[Bar]:
    calls = json.loads(file.read_text())["calls"] if file.exists() else {}
    for name, row, limit in (("C++", "tftrt C++, Runner::Run", 2.0), ("Python", "tftrt Python, bound", 4.0)):
        text = f"on a CPU, y = x + 1, bound from {name} at most {limit:g} us"
        median = calls.get(row, {}).get("median")
        yield Bar(text) if median is None else Bar(text, f"{median} us", median <= limit)


def _leak(networks: list[Network]) -> Iterator[Bar]:
    name = f"{_LEAK_CALLS} calls grow neither host nor GPU memory by more than {_LEAK_BYTES} bytes"
    measured = [(network.label, network.sections["leak"]) for network in networks if "leak" in network.sections]
    for label, leak in measured:
        calls = leak["bound_calls"] + leak["plain_calls"]
        host, gpu = leak["host_growth"], leak["gpu_growth"]
        met = calls >= _LEAK_CALLS and gpu is not None and max(host, gpu) <= _LEAK_BYTES
        yield Bar(f"{label}, {name}", f"{calls} calls: host {host}, GPU {gpu}", met)
    if not measured:
        yield Bar(name)


def _checks(networks: list[Network]) -> Iterator[Bar]:
    measured = [(network.label, network.sections["checks"]) for network in networks if "checks" in network.sections]
    for label, checks in measured:
        for path, ratio in checks["ratios"].items():
            name = f"{label}, batch 1, {path} with {checks['check']} : without it at most {_CHECK}"
            yield Bar(name, f"{ratio:.3f}", ratio <= _CHECK)
    if not measured:
        yield Bar(f"a check of the input costs at most {_CHECK}")
