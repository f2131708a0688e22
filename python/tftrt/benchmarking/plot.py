"""Figures as pictures; needs matplotlib, which ``pip install tftrt[bench]`` brings."""

from __future__ import annotations

import importlib.util
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..errors import UnsupportedError

if TYPE_CHECKING:
    from .report import BenchReport, Measurement

__all__ = ["draw", "require_matplotlib"]

_HEIGHT_OF_A_BAR = 0.32
_WIDTH = 9.0


def require_matplotlib() -> None:
    """Raise UnsupportedError if it is not installed, before time is spent on measuring."""
    if importlib.util.find_spec("matplotlib") is None:
        raise UnsupportedError('plots need matplotlib: pip install "tftrt[bench]"')


def draw(report: BenchReport, file: str | Path) -> None:
    """Draw median latency with p99 (one caller), and throughput, of each path.

    Args:
        report: What was measured.
        file: Where to write it; its ending says how: ``.png``, ``.svg`` or ``.pdf``.

    Raises:
        UnsupportedError: matplotlib is not installed.
    """
    require_matplotlib()
    import matplotlib

    matplotlib.use("agg")
    from matplotlib import pyplot

    measured = [entry for entry in report.measurements if not entry.problem]
    alone = [entry for entry in measured if entry.callers == 1]
    groups = [(alone, "median", "latency of one caller, median and p99 [µs]")] if alone else []
    groups.append((measured, "items_per_second", "throughput [items/s]"))
    rows = max(len(entries) for entries, _, _ in groups)
    figure, axes = pyplot.subplots(
        len(groups),
        1,
        figsize=(_WIDTH, sum(1.2 + _HEIGHT_OF_A_BAR * len(entries) for entries, _, _ in groups)),
        height_ratios=[len(entries) + 2 for entries, _, _ in groups],
        squeeze=False,
        layout="constrained",
    )
    for axis, (entries, value, title) in zip(axes[:, 0], groups):
        _draw_bars(axis, entries, value, title, several=len({entry.model for entry in entries}) > 1)
    axes[0, 0].set_title(_title(report), loc="left", fontsize=9, color="0.3")
    figure.savefig(os.fspath(file), dpi=120 if rows < 60 else 80)
    pyplot.close(figure)


def _draw_bars(axis: Any, entries: list[Measurement], value: str, title: str, *, several: bool) -> None:
    labels = [_label(entry, several=several) for entry in entries]
    values = [getattr(entry, value) for entry in entries]
    colors = ["tab:blue" if entry.path in ("call", "bound", "bound-gpu") else "0.6" for entry in entries]
    positions = range(len(entries), 0, -1)
    axis.barh(positions, values, color=colors)
    if value == "median":
        axis.hlines(positions, values, [entry.p99 for entry in entries], color="0.2", linewidth=1)
    longest = max(max(values), max((entry.p99 for entry in entries), default=0) if value == "median" else 0)
    for position, number in zip(positions, values):
        axis.annotate(
            f"{number:,.0f}",
            (number, position),
            xytext=(4, 6 if value == "median" else 0),
            textcoords="offset points",
            va="center",
            fontsize=7,
        )
    axis.set_xlim(0, longest * 1.12)
    axis.set_yticks(list(positions), labels, fontsize=8)
    axis.set_xlabel(title, fontsize=9)
    axis.spines[["top", "right"]].set_visible(False)


def _label(entry: Measurement, *, several: bool) -> str:
    parts = [Path(entry.model).name] if several else []
    parts.append(entry.path)
    parts.append(f"batch {entry.batch}")
    if entry.callers > 1:
        parts.append(f"{entry.callers} callers")
    return ", ".join(parts)


def _title(report: BenchReport) -> str:
    machine = report.machine
    where = machine.get("gpu") or machine.get("cpu", "")
    return f"{where}, tftrt {machine.get('versions', {}).get('tftrt', '')}, {machine.get('date', '')}"
