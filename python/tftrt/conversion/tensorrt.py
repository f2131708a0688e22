"""TF-TRT's pass, which collects nodes into engines, and the nodes that are kept away from it."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import tensorflow as tf
from tensorflow.core.protobuf import rewriter_config_pb2

from ..errors import InternalError
from .check_nodes import nodes_of_checks
from .effects import Effects, effect_classes
from .engine_faults import faults_in_engines
from .graphs import clear_devices, index_of, node_of, op_def
from .invariants import Broken, find_broken, require
from .onednn import is_marked
from .options import Options
from .passes import optimize

_STEP = "TF-TRT's pass"
_OUTSIDE = "/device:CPU:0"
_INSIDE = "/device:GPU:"
_OUTSIDE_REASON = "node can't be placed on GPU"
_RUN_TIME_REASON = "depends on constants alone, and is computed at run time because oneDNN rounds otherwise"
_CHECK_REASON = "only checks need it"
_MOST_TRIALS = 64
_PLAIN = frozenset({"Const", "Placeholder", "PlaceholderV2", "PlaceholderWithDefault", "NoOp"})


@dataclass
class Segmented:
    """A graph with engines.

    Attributes:
        graph: The GraphDef.
        reasons: For each op type the reasons why nodes stayed outside, with their number.
        notes: Sentences on the ways to make the pass succeed.
    """

    graph: Any
    reasons: dict[str, dict[str, int]]
    notes: list[str] = field(default_factory=list)


def segment(graph: Any, fetches: Iterable[str], effects: Effects, options: Options) -> Segmented:
    """Run TF-TRT's pass.

    Where the pass throws, the nodes are found at which it does, and stay outside engines. So do nodes that would make
    an engine with an input or output of a type that engines cannot have.

    Raises:
        InternalError: The pass failed, whatever was left outside, or broke an invariant.
    """
    fetches = list(fetches)
    segmenter = _Segmenter(graph, fetches, effects, options)
    segmenter.leave_outside(_readers_of_references(graph))
    segmenter.leave_outside({node.name: _RUN_TIME_REASON for node in graph.node if is_marked(node)})
    segmenter.leave_outside(faults_in_engines(graph))
    if effects.waits:
        segmenter.leave_outside(dict.fromkeys(nodes_of_checks(graph, fetches), _CHECK_REASON))
    return segmenter.run()


class _Segmenter:
    def __init__(self, graph: Any, fetches: list[str], effects: Effects, options: Options) -> None:
        self._graph = graph
        self._nodes = {node.name: node for node in graph.node}
        self._fetches = fetches
        self._effects = effects
        self._options = options
        self._devices = {name: f"{_INSIDE}{number}" for name, number in effect_classes(graph, effects).items()}
        self._outside: dict[str, str] = {}
        self._notes: list[str] = []
        self._trials = 0

    def leave_outside(self, reasons: dict[str, str]) -> bool:
        """Keep nodes out of engines, each by its name with the reason; whether any was not yet."""
        new = {name: reason for name, reason in reasons.items() if name in self._nodes and name not in self._outside}
        self._outside.update(new)
        return bool(new)

    def run(self) -> Segmented:
        while True:
            try:
                graph, reasons = self._pass(self._outside)
            except InternalError as error:
                if not self.leave_outside(self._culprits(error)):
                    raise
                continue
            if self.leave_outside(_wrong_borders(graph)):
                continue
            broken = find_broken(graph, [*self._fetches, *self._effects.names], self._effects)
            if broken and self.leave_outside(_segments_of(graph, broken)):
                self._notes.append(f"TF-TRT's pass was run again without the nodes of an engine: {broken[0].expected}")
                continue
            require(broken, _STEP)
            return Segmented(graph, self._explained(reasons), self._notes)

    def _pass(self, outside: Iterable[str]) -> tuple[Any, dict[str, dict[str, int]]]:
        """Run the pass with the nodes ``outside`` on the CPU, where it leaves them alone.

        Nodes that run after different effects are on different GPUs: it puts them into different engines.
        """
        for name, device in self._devices.items():
            self._nodes[name].device = device
        for name in outside:
            self._nodes[name].device = _OUTSIDE
        try:
            with TemporaryDirectory(prefix="tftrt-report-") as directory:
                report = Path(directory) / "report.csv"
                with _environment(_variables(self._options, report)):
                    graph = optimize(
                        _STEP,
                        ["pruning"],
                        self._graph,
                        self._fetches,
                        self._effects,
                        custom=_optimizer(self._options),
                        check=False,
                    )
                reasons = _read_reasons(report)
        finally:
            clear_devices(self._graph)
        clear_devices(graph)
        return graph, reasons

    def _culprits(self, error: InternalError) -> dict[str, str]:
        """The nodes at which the pass throws, found by halving."""
        candidates = [
            node.name
            for node in sorted(self._graph.node, key=lambda node: (node.op, node.name))
            if node.op not in _PLAIN and node.name not in self._outside
        ]
        if self._throws(candidates, []):
            return {}
        found = self._halve(candidates, candidates)
        message = " ".join(str(error.__cause__ or error).split())
        types = sorted({self._nodes[name].op for name in found})
        self._notes.append(
            f"TF-TRT's pass failed ({message[:200]}) and was run again with {len(found)} nodes "
            f"({', '.join(types)}) left outside engines"
        )
        return {name: f"TF-TRT's pass fails at it: {message[:120]}" for name in found}

    def _halve(self, part: list[str], candidates: list[str]) -> list[str]:
        if not self._throws(candidates, part):
            return []
        if len(part) == 1 or self._trials > _MOST_TRIALS:
            return part
        middle = len(part) // 2
        found = self._halve(part[:middle], candidates) + self._halve(part[middle:], candidates)
        # The halves alone may both pass.
        return found or part

    def _throws(self, candidates: list[str], admitted: list[str]) -> bool:
        """Whether the pass throws with only the nodes ``admitted`` of the ``candidates``."""
        self._trials += 1
        try:
            self._pass([*self._outside, *(set(candidates) - set(admitted))])
        except InternalError:
            return True
        return False

    def _explained(self, reasons: dict[str, dict[str, int]]) -> dict[str, dict[str, int]]:
        for found in reasons.values():
            for reason in [reason for reason in found if _OUTSIDE_REASON in reason]:
                del found[reason]
        for name, reason in self._outside.items():
            counts = reasons.setdefault(self._nodes[name].op, {})
            counts[reason] = counts.get(reason, 0) + 1
        return reasons


def _readers_of_references(graph: Any) -> dict[str, str]:
    """The nodes that take a reference variable, which an engine cannot."""
    nodes = {node.name: node for node in graph.node}
    found = {}
    for node in graph.node:
        for tensor in node.input:
            if not tensor.startswith("^") and _is_reference(nodes.get(node_of(tensor)), index_of(tensor)):
                found[node.name] = "takes a reference variable, which no engine can"
    return found


def _is_reference(node: Any, index: int) -> bool:
    definition = op_def(node) if node is not None else None
    if definition is None:
        return False
    outputs = definition.output_arg
    return bool(outputs[index].is_ref) if index < len(outputs) else any(argument.is_ref for argument in outputs)


def _wrong_borders(graph: Any) -> dict[str, str]:
    """The nodes, as named before the pass, that make engines with inputs or outputs of types they cannot have."""
    library = {function.signature.name: function for function in graph.library.function}
    found: dict[str, str] = {}
    for node in graph.node:
        if node.op != "TRTEngineOp":
            continue
        allowed = {attr.name: set(attr.allowed_values.list.type) for attr in op_def(node).attr}
        function = library[node.attr["segment_func"].func.name]
        for result, dtype in zip(function.signature.output_arg, node.attr["OutT"].list.type):
            if dtype not in allowed["OutT"]:
                found[node_of(function.ret[result.name])] = _border_reason("makes", dtype)
        for argument, dtype in zip(function.signature.input_arg, node.attr["InT"].list.type):
            if dtype not in allowed["InT"]:
                for inner in function.node_def:
                    if argument.name in map(node_of, inner.input):
                        found[inner.name] = _border_reason("takes", dtype)
    return found


def _border_reason(verb: str, dtype: int) -> str:
    return f"{verb} {tf.as_dtype(dtype).name} outside its segment, and engines cannot pass that type"


def _segments_of(graph: Any, broken: list[Broken]) -> dict[str, str]:
    """The nodes of the engines at which invariants are broken."""
    library = {function.signature.name: function for function in graph.library.function}
    engines = {node.name: node.attr["segment_func"].func.name for node in graph.node if node.op == "TRTEngineOp"}
    found: dict[str, str] = {}
    for entry in broken:
        name = entry.function or engines.get(entry.node, "")
        if name in engines.values() and name in library:
            found.update((node.name, f"its engine was wrong: {entry.expected}") for node in library[name].node_def)
    return found


def _optimizer(options: Options) -> Any:
    """TF-TRT's pass with its settings.

    It always runs as FP32 where FP16 was asked for, which makes the same segments: its FP16 mode also routes every
    cast to float in the whole graph through half. The caller sets the engines' precision.
    """
    optimizer = rewriter_config_pb2.RewriterConfig.CustomGraphOptimizer(name="TensorRTOptimizer")
    parameters = optimizer.parameter_map
    parameters["minimum_segment_size"].i = options.minimum_segment_size
    parameters["max_workspace_size_bytes"].i = options.max_workspace_size_bytes
    parameters["precision_mode"].s = b"INT8" if options.precision == "INT8" else b"FP32"
    parameters["maximum_cached_engines"].i = options.maximum_cached_engines
    parameters["use_calibration"].b = options.use_calibration and options.precision == "INT8"
    parameters["is_dynamic_op"].b = True
    parameters["allow_build_at_runtime"].b = True
    parameters["use_implicit_batch"].b = not options.dynamic_shapes
    if options.dynamic_shapes:
        parameters["profile_strategy"].s = options.profile_strategy.lower().encode()
    return optimizer


def _variables(options: Options, report: Path) -> dict[str, str]:
    return {
        "TF_TRT_SHOW_DETAILED_REPORT": str(report),
        "TF_TRT_OP_DENYLIST": ",".join(options.op_denylist),
        "TF_TRT_MAX_ALLOWED_ENGINES": str(options.maximum_engines),
        "TF_TRT_OP_FAKELIST": "",
    }


@contextmanager
def _environment(values: dict[str, str]) -> Iterator[None]:
    """TF-TRT takes these settings from the environment only."""
    saved = {name: os.environ.get(name) for name in values}
    os.environ.update(values)
    try:
        yield
    finally:
        for name, value in saved.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value


def _read_reasons(report: Path) -> dict[str, dict[str, int]]:
    """Read TF-TRT's report: a heading, then ``op|reason|count``; a reason may hold bars and line breaks."""
    reasons: dict[str, dict[str, int]] = {}
    if not report.exists():
        return reasons
    entry = ""
    for line in report.read_text(encoding="utf-8", errors="replace").splitlines()[1:]:
        entry = f"{entry} {line}".strip()
        op, _, rest = entry.partition("|")
        reason, _, count = rest.rpartition("|")
        if reason and count.isdigit():
            reasons.setdefault(op, {})[reason] = int(count)
            entry = ""
    return reasons
