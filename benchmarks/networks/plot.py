"""The records as one picture: latency, throughput of batches, and throughput of callers."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from results import Network, hardware

__all__ = ["draw"]

_NAMES = {
    "resnet50": "ResNet-50",
    "mobilenetv2": "MobileNetV2",
    "efficientnetb0": "EfficientNetB0",
    "bert_base": "BERT-base",
}
_DARK, _GRID = "#24292f", "#d8dee4"
_BARS_WIDTH = 0.84


@dataclass(frozen=True)
class _Series:
    title: str
    model: str
    path: str
    color: str


_SERIES = (
    _Series("TensorFlow", "source", "tensorflow", "#c2c8ce"),
    _Series("XLA", "source", "xla", "#8c959f"),
    _Series("TF-TRT, Python", "converted", "tensorflow", "#e3a13a"),
    _Series("tftrt", "converted", "call", "#8abbee"),
    _Series("tftrt, bound", "converted", "bound", "#1668c2"),
    _Series("TensorRT alone, CUDA graph", "converted", "raw-graph", "#24292f"),
)
_WAYS = {
    ("raw-graph", False): ("TensorRT alone, a context for each caller", "#24292f", "o-"),
    ("bound", True): ("tftrt, bound, {} instances", "#1668c2", "s-"),
    ("bound", False): ("tftrt, bound, 1 instance", "#1668c2", "s:"),
    ("call", True): ("tftrt, {} instances", "#6aa5e3", "^-"),
    ("call", False): ("tftrt, 1 instance", "#6aa5e3", "^:"),
}


def draw(networks: list[Network], file: Path) -> None:
    """Draw on white, so that it reads the same in light and dark surroundings."""
    import matplotlib

    matplotlib.use("agg")
    from matplotlib import pyplot

    with_callers = [network for network in networks if network.sections.get("callers")]
    largest = max((batch for network in networks for batch in network.batches), default=1)
    panels: list[Callable[[Any], None]] = [
        lambda axis: _draw_groups(axis, networks, 1, "median", "median latency, batch 1 [µs]", legend=True)
    ]
    if largest > 1:
        title = f"throughput, batch {largest} [items/s]"
        panels.append(lambda axis: _draw_groups(axis, networks, largest, "items_per_second", title))
    if with_callers:
        panels.append(lambda axis: _draw_callers(axis, with_callers[0]))
    style: Any = {
        "font.size": 9,
        "text.color": _DARK,
        "axes.labelcolor": _DARK,
        "xtick.color": _DARK,
        "ytick.color": _DARK,
    }
    with pyplot.rc_context(style):
        figure, axes = pyplot.subplots(
            len(panels), 1, figsize=(11, 3.6 * len(panels)), squeeze=False, layout="constrained", facecolor="white"
        )
        for axis, panel in zip(axes[:, 0], panels):
            axis.spines[["top", "right"]].set_visible(False)
            axis.set_axisbelow(True)
            panel(axis)
        figure.supxlabel("\n".join(hardware(networks)), fontsize=8)
        figure.savefig(file, dpi=130, facecolor="white")
        pyplot.close(figure)


def _draw_groups(
    axis: Any, networks: list[Network], batch: int, value: str, title: str, *, legend: bool = False
) -> None:
    """One group of bars a network, on a logarithmic axis: XLA and TensorRT are an order of magnitude apart."""
    width = _BARS_WIDTH / len(_SERIES)
    for number, series in enumerate(_SERIES):
        figures = [network.figure(series.path, batch, value, series.model) for network in networks]
        places = [group + (number - (len(_SERIES) - 1) / 2) * width for group in range(len(networks))]
        found = [(place, figure) for place, figure in zip(places, figures) if figure]
        bars = axis.bar(*zip(*found), width * 0.94, color=series.color, label=series.title) if found else ()
        for bar, (_, figure) in zip(bars, found):
            axis.annotate(
                _short(figure),
                (bar.get_x() + bar.get_width() / 2, figure),
                xytext=(0, 2),
                textcoords="offset points",
                ha="center",
                fontsize=6.5,
            )
    axis.set_yscale("log")
    axis.margins(y=0.12)
    axis.set_xlim(-0.6, len(networks) - 0.4)
    axis.set_xticks(range(len(networks)), [f"{_NAMES.get(n.name, n.name)}\n{n.precision}" for n in networks])
    axis.tick_params(axis="x", length=0)
    axis.set_ylabel(title)
    axis.grid(axis="y", color=_GRID, linewidth=0.6)
    if legend:
        axis.legend(ncols=len(_SERIES), loc="lower center", bbox_to_anchor=(0.5, 1.0), frameon=False, fontsize=8.5)


def _short(figure: float) -> str:
    """Two or three digits, with k for thousands."""
    if figure < 999.5:
        return f"{figure:.0f}"
    return f"{figure / 1000:.{1 if figure < 9_950 else 0}f}k"


def _draw_callers(axis: Any, network: Network) -> None:
    entries = network.sections["callers"]
    numbers = sorted({entry["callers"] for entry in entries})
    for path, instances in dict.fromkeys((entry["path"], entry["instances"]) for entry in entries):
        title, color, style = _WAYS[path, instances > 1]
        found = [(number, network.throughput(path, instances, number)) for number in numbers]
        measured = [(number, figure) for number, figure in found if figure is not None]
        axis.plot(*zip(*measured), style, color=color, label=title.format(instances), markersize=5)
    axis.set_xscale("log", base=2)
    axis.set_xticks(numbers, [str(number) for number in numbers])
    axis.set_ylim(bottom=0)
    name = _NAMES.get(network.name, network.name)
    axis.set_xlabel("callers, each with one call at a time")
    axis.set_ylabel(f"throughput, {name} {network.precision},\nbatch 1 [items/s]")
    axis.grid(color=_GRID, linewidth=0.6)
    axis.legend(frameon=False, fontsize=8.5)
