"""What of a model is in engines, what is not, and why."""

from __future__ import annotations

import hashlib
from collections import Counter, defaultdict
from collections.abc import Iterable
from typing import Any

import tensorflow as tf

from .graphs import HEAVY_OPS, tensor_bytes
from .merge import Merged, MergedEngine
from .options import Options
from .report import ConversionReport, Engine, OutsideOp, Share
from .signature import SignatureGraph

_STRUCTURE = frozenset(
    {
        "Const",
        "Identity",
        "IdentityN",
        "NoOp",
        "Placeholder",
        "PlaceholderV2",
        "PlaceholderWithDefault",
        "TRTEngineOp",
    }
)
_CONTROL_FLOW = frozenset({"Enter", "Exit", "LoopCond", "Merge", "NextIteration", "Switch"})
_LOOP_REASON = "in a loop or branch that TensorFlow runs as a function, which TF-TRT does not look into"


def describe_engine(engine: MergedEngine) -> Engine:
    """The report's entry for an engine."""
    attrs = engine.node.attr
    nodes = [node for node in engine.function.node_def if node.op != "Const"]
    return Engine(
        name=engine.name,
        signatures=list(engine.signatures),
        segment_function=engine.function.signature.name,
        precision=attrs["precision_mode"].s.decode(),
        nodes=len(nodes),
        ops=dict(sorted(Counter(node.op for node in nodes).items())),
        inputs=_tensors(attrs["InT"].list.type, attrs["input_shapes"].list.shape),
        outputs=_tensors(attrs["OutT"].list.type, attrs["output_shapes"].list.shape),
        weight_bytes=tensor_bytes(engine.function.node_def),
    )


def fill_coverage(
    report: ConversionReport, merged: Merged, signatures: Iterable[SignatureGraph], options: Options
) -> None:
    """Fill in the engines, the nodes outside them and the shares."""
    report.engines = [describe_engine(engine) for engine in merged.engines]
    inside: Counter[str] = Counter()
    for engine in report.engines:
        for op, count in engine.ops.items():
            inside[op] += count * len(engine.signatures)
    counts: Counter[tuple[str, str]] = Counter()
    names: dict[tuple[str, str], list[str]] = defaultdict(list)
    left: Counter[str] = Counter()
    for signature in signatures:
        for key, count in _outside(signature, merged.functions[signature.name], options).items():
            counts[key] += count
            names[key].append(signature.name)
            left[key[0]] += count
    report.outside = [
        OutsideOp(op, count, reason, names[op, reason])
        for (op, reason), count in sorted(counts.items(), key=lambda item: (-item[1], item[0]))
    ]
    converted = sum(count for op, count in inside.items() if op not in _STRUCTURE)
    report.nodes = Share(converted, converted + sum(n for op, n in left.items() if op not in _CONTROL_FLOW))
    for op in sorted(HEAVY_OPS & (inside.keys() | left.keys())):
        report.heavy_by_op[op] = Share(inside[op], inside[op] + left[op])
    shares = report.heavy_by_op.values()
    report.heavy_ops = Share(sum(share.converted for share in shares), sum(share.total for share in shares))


def duplicated_weights(merged: Merged) -> int:
    """Bytes of constants that the graph holds more than once, as in the segments of several signatures."""
    sizes: dict[bytes, int] = {}
    total = 0
    for nodes in (merged.graph.node, *(function.node_def for function in merged.graph.library.function)):
        for node in nodes:
            if node.op == "Const":
                content = node.attr["value"].tensor.SerializeToString(deterministic=True)
                total += len(content)
                sizes[hashlib.sha256(content).digest()] = len(content)
    return total - sum(sizes.values())


def _outside(signature: SignatureGraph, functions: list[Any], options: Options) -> Counter[tuple[str, str]]:
    found: Counter[tuple[str, str]] = Counter()
    main = Counter(node.op for node in signature.graph.node if node.op not in _STRUCTURE)
    engines = sum(node.op == "TRTEngineOp" for node in signature.graph.node)
    for op, count in main.items():
        for reason, times in sorted(signature.reasons.get(op, {}).items(), key=lambda item: -item[1]):
            times = min(times, count)
            if times:
                found[op, _reword(reason)] += times
                count -= times
        if count:
            found[op, _small(engines, options)] += count
    for function in functions:
        for node in function.node_def:
            if node.op not in _STRUCTURE:
                found[node.op, _LOOP_REASON] += 1
    return found


def _reword(reason: str) -> str:
    reason = " ".join(reason.split())
    if reason.startswith("Denylisted"):
        return "in op_denylist"
    return reason.replace("excluded by segmenter option. Most likely an input or output node.", "an input or output")


def _small(engines: int, options: Options) -> str:
    reason = f"could be converted, but in a segment of fewer than {options.minimum_segment_size} nodes"
    if options.maximum_engines and engines >= options.maximum_engines:
        reason += f", or in one beyond maximum_engines={options.maximum_engines}"
    return reason


def _tensors(types: Iterable[int], shapes: Iterable[Any]) -> list[dict[str, Any]]:
    known = list(shapes)
    return [
        {
            "dtype": tf.as_dtype(dtype).name,
            "shape": None
            if index >= len(known) or known[index].unknown_rank
            else [dimension.size for dimension in known[index].dim],
        }
        for index, dtype in enumerate(types)
    ]
