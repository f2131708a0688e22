"""The table that ``summary()`` prints."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ..conversion import ConversionReport

_COLUMNS = (
    ("TRTEngineOP Name", 0.20),
    ("Precision", 0.09),
    ("# Nodes", 0.05),
    ("# Inputs", 0.09),
    ("# Outputs", 0.09),
    ("Input DTypes", 0.12),
    ("Output Dtypes", 0.12),
    ("Input Shapes", 0.12),
    ("Output Shapes", 0.12),
)
_CUT = " ..."


def print_summary(
    report: ConversionReport, line_length: int, print_fn: Callable[[str], Any], *, detailed: bool
) -> None:
    """Print one row an engine, and what was converted.

    Args:
        report: The conversion.
        line_length: Width of the table.
        print_fn: Called with every line.
        detailed: Whether each engine's ops are listed.
    """
    _print_row([name for name, _ in _COLUMNS], line_length, print_fn)
    print_fn("=" * line_length)
    for number, engine in enumerate(report.engines):
        if number:
            print_fn(f"\n{'-' * 40}\n")
        tensors = (engine.inputs, engine.outputs)
        _print_row(
            [
                engine.name,
                engine.precision,
                engine.nodes,
                *(len(group) for group in tensors),
                *([tensor["dtype"] for tensor in group] for group in tensors),
                *([tensor["shape"] for tensor in group] for group in tensors),
            ],
            line_length,
            print_fn,
        )
        if detailed:
            print_fn("")
            for op, count in sorted(engine.ops.items()):
                print_fn(f"\t- {op}: {count}x")
    nodes = report.nodes
    print_fn(f"\n{'=' * line_length}")
    print_fn(f"[*] Total number of TensorRT engines: {len(report.engines)}")
    print_fn(f"[*] % of OPs Converted: {nodes.percent:.2f}% [{nodes.converted}/{nodes.total}]\n")


def _print_row(fields: list[Any], line_length: int, print_fn: Callable[[str], Any]) -> None:
    line, end = "", 0
    for number, (field, (_, share)) in enumerate(zip(fields, _COLUMNS)):
        end += int(line_length * share)
        line = f"{line}{' ' if number else ''}{field}".ljust(end)
        if len(line) > end:
            line = line[: end - len(_CUT)] + _CUT
    print_fn(line)
