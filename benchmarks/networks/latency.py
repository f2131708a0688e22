"""Latency of one caller: every way to run a network, with every batch, and the tail of the two that matter most."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

import numpy as np
from making import Made
from record import Record
from timing import interleave

import tftrt
from tftrt.benchmarking import PATHS, BenchReport
from tftrt.benchmarking.measure import Call, Times
from tftrt.benchmarking.paths import model_paths

__all__ = ["measure_batches", "measure_interleaved", "measure_tail"]

_BLOCK = 200
_BOTH = ("tensorflow", "xla")
_ON_A_CPU = ("call", "bound", *_BOTH)
_CONVERTED = tuple(path for path in PATHS if path not in ("xla", "onnxruntime"))


def measure_batches(record: Record, made: Made, batches: list[int], duration: float, *, source: bool) -> None:
    """Measure every path through the converted model with each batch, then TensorFlow and XLA on the source."""
    for model, paths in (("converted", _CONVERTED), *([("source", _BOTH)] if source else [])):
        for batch in batches:
            with record.step(f"{model}, batch {batch}"):
                path, options = (made.model, made.options) if model == "converted" else (made.source, {})
                report = tftrt.bench(
                    path,
                    batch=[batch],
                    inputs=[made.inputs[batch]],
                    duration=duration,
                    paths=paths,
                    **{**options, "device": made.options["device"]},
                )
                _add(record, made, model, report)


def _add(record: Record, made: Made, model: str, report: BenchReport) -> None:
    entries = [{**asdict(entry), "model": model} for entry in report.measurements]
    record.add("latency", entries)
    record.add("splits", [{**split, "model": model} for split in report.splits])
    for entry in entries:
        if not entry["problem"]:
            record.say(f"  {entry['path']:14} median {entry['median']:10.1f} us, p99 {entry['p99']:10.1f}")
    expected = PATHS if made.on_gpu else _ON_A_CPU
    problems = [f"{entry['path']}: {entry['problem']}" for entry in entries if entry["problem"]]
    failed = [problem for problem in problems if problem.partition(":")[0] in expected]
    if failed:
        raise RuntimeError("; ".join(failed))


def measure_tail(record: Record, made: Made, calls: int) -> None:
    """Time ``calls`` calls each of TensorRT's CUDA graph and of the bound call, interleaved, with batch 1."""
    with record.step("tail"), made.load() as model:
        paths = {"bound": model_paths(model, made.inputs[1])["bound"]()}
        problem: Exception | None = None
        try:
            paths["raw-graph"] = made.raw_graph(model)()
        except Exception as error:  # of CUDA or TensorRT
            problem = error
        _add_tail(record, paths, calls)
        if problem is not None:
            raise problem


def _add_tail(record: Record, paths: dict[str, Call], calls: int) -> None:
    record.content["tail"] = measure_interleaved(paths, calls)
    for name, summary in record.content["tail"]["paths"].items():
        record.say(f"  {name:14} median {summary['median']:10.1f} us, p99 {summary['p99']:10.1f}")


def measure_interleaved(paths: dict[str, Call], calls: int) -> dict[str, Any]:
    """Time ``calls`` calls of each path with batch 1, in turn: a section of the record."""
    block = min(_BLOCK, calls)
    times = interleave(paths, rounds=-(-calls // block), calls_each=block)
    summaries = {name: Times(np.array(seconds) * 1e6, sum(seconds)).summary(batch=1) for name, seconds in times.items()}
    return {"calls": calls, "interleaved_in_blocks_of": block, "paths": summaries}
