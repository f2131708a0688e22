"""The records as Markdown tables."""

from __future__ import annotations

import statistics
from collections.abc import Iterator, Sequence

from results import Network, hardware

__all__ = ["tables"]

_PATHS = [
    ("TensorFlow", "source", "tensorflow"),
    ("XLA", "source", "xla"),
    ("TF-TRT, Python", "converted", "tensorflow"),
    ("tftrt", "converted", "call"),
    ("tftrt, bound", "converted", "bound"),
    ("TensorRT alone", "converted", "raw-graph"),
    ("tftrt, bound on the GPU", "converted", "bound-gpu"),
    ("TensorRT alone, on the GPU", "converted", "raw-gpu-graph"),
]
_RATIOS = [("bound : alone", "bound", "raw-graph"), ("on the GPU", "bound-gpu", "raw-gpu-graph")]
_PERCENTILES = {"p50": "median", "p90": "p90", "p95": "p95", "p99": "p99", "p99.9": "p99.9"}
_NOTHING = "-"
_LATENCY = (
    "One caller, microseconds: median (p99). TensorFlow and XLA run the network as it was, in FP32. TensorRT alone is "
    "its own Python module with a CUDA graph of the same plan."
)


def tables(networks: list[Network]) -> Iterator[str]:
    """Each table with a line above that says what it is."""
    yield f"Measured on {'; '.join(hardware(networks))}."
    for heading, rows in (
        (_LATENCY, _latency),
        ("The tail of one caller with batch 1, calls of both interleaved, microseconds.", _tail),
        ("With and without a check of the input, batch 1, calls of both interleaved, microseconds: medians.", _checks),
        ("Several callers with batch 1, items a second.", _callers),
        ("Python minus C++, medians with batch 1, microseconds.", _program),
        ("Memory after many calls with batch 1, growth in bytes.", _leak),
    ):
        lines = list(rows(networks))
        if len(lines) > 1:
            yield f"{heading}\n\n{_markdown(lines)}"


def _markdown(rows: Sequence[Sequence[str]]) -> str:
    rows = [rows[0], ["---"] * len(rows[0]), *rows[1:]]
    return "\n".join(f"| {' | '.join(row)} |" for row in rows)


def _latency(networks: list[Network]) -> Iterator[list[str]]:
    yield ["network", "batch", *(title for title, _, _ in _PATHS), *(title for title, _, _ in _RATIOS)]
    for network in networks:
        for batch in network.batches:
            cells = []
            for _, model, path in _PATHS:
                median, p99 = (network.figure(path, batch, value, model) for value in ("median", "p99"))
                cells.append(_NOTHING if median is None or p99 is None else f"{median:,.0f} ({p99:,.0f})")
            for _, path, floor in _RATIOS:
                cells.append(_ratio(network.figure(path, batch), network.figure(floor, batch)))
            yield [network.label, str(batch), *cells]


def _ratio(value: float | None, floor: float | None) -> str:
    return _NOTHING if value is None or floor is None else f"{value / floor:.2f}"


def _tail(networks: list[Network]) -> Iterator[list[str]]:
    yield ["network", "path", "calls", *_PERCENTILES]
    for network in networks:
        paths = network.sections.get("tail", {}).get("paths", {})
        for path, figures in paths.items():
            values = [f"{figures[name]:,.1f}" for name in _PERCENTILES.values()]
            yield [network.label, path, f"{figures['calls']:,.0f}", *values]
        if {"bound", "raw-graph"} <= set(paths):
            ratios = [_ratio(paths["bound"][name], paths["raw-graph"][name]) for name in _PERCENTILES.values()]
            yield [network.label, "bound : raw-graph", "", *ratios]


def _checks(networks: list[Network]) -> Iterator[list[str]]:
    yield ["network", "check", "path", "without", "with", "with : without"]
    for network in networks:
        checks = network.sections.get("checks")
        for path, ratio in checks["ratios"].items() if checks else ():
            medians = [f"{checks['paths'][f'{path}, {which}']['median']:,.1f}" for which in ("without", "with")]
            yield [network.label, checks["check"], path, *medians, f"{ratio:.3f}"]


def _callers(networks: list[Network]) -> Iterator[list[str]]:
    entries = [entry for network in networks for entry in network.sections.get("callers", ())]
    numbers = sorted({entry["callers"] for entry in entries})
    yield ["network", "path", "instances", *(f"{number} caller{'s' if number > 1 else ''}" for number in numbers)]
    for network in networks:
        ways = dict.fromkeys((entry["path"], entry["instances"]) for entry in network.sections.get("callers", ()))
        for path, instances in ways:
            values = [network.throughput(path, instances, number) for number in numbers]
            cells = [_NOTHING if value is None else f"{value:,.0f}" for value in values]
            yield [network.label, path, str(instances) if instances else "one a caller", *cells]


def _program(networks: list[Network]) -> Iterator[list[str]]:
    yield ["network", "call", "Python", "C++", "difference"]
    for network in networks:
        if "program" not in network.sections:
            continue
        program = network.sections["program"]
        for path, name in (("bound", "bound"), ("call", "run")):
            python = program["python_median_before_and_after"][path]
            cells = [statistics.median(python), program["cpp"][name]["median"], program["python_minus_cpp"][path]]
            yield [network.label, path, *(f"{value:,.1f}" for value in cells)]


def _leak(networks: list[Network]) -> Iterator[list[str]]:
    yield ["network", "bound calls", "plain calls", "host", "GPU"]
    for network in networks:
        leak = network.sections.get("leak")
        if leak:
            gpu = _NOTHING if leak["gpu_growth"] is None else f"{leak['gpu_growth']:,}"
            counts = [f"{leak[name]:,}" for name in ("bound_calls", "plain_calls", "host_growth")]
            yield [network.label, *counts, gpu]
