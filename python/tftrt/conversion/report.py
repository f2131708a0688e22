"""What a conversion did, for people and for programs."""

from __future__ import annotations

import textwrap
from dataclasses import asdict, dataclass, field
from typing import Any

_WIDTH = 110


@dataclass
class Engine:
    """One TRTEngineOp.

    Attributes:
        name: Name of the engine, unique in a process.
        signatures: The signatures that use it.
        segment_function: Name of the TensorFlow function with the same computation.
        precision: ``"FP32"``, ``"FP16"`` or ``"INT8"``.
        nodes: Number of nodes in it, constants not counted.
        ops: Number of nodes for each op type.
        inputs: ``{"dtype": ..., "shape": [...]}`` of each input; -1 is an unknown dimension, a shape of None
            an unknown rank.
        outputs: As ``inputs``.
        weight_bytes: Bytes of its constants.
        plan: None: engines are built later.
    """

    name: str
    signatures: list[str]
    segment_function: str
    precision: str
    nodes: int
    ops: dict[str, int]
    inputs: list[dict[str, Any]]
    outputs: list[dict[str, Any]]
    weight_bytes: int
    plan: Any = None


@dataclass
class OutsideOp:
    """Nodes of one op type that no engine holds, for one reason.

    Attributes:
        op: The op type.
        count: How many nodes, over all signatures.
        reason: Why.
        signatures: The signatures with such nodes.
    """

    op: str
    count: int
    reason: str
    signatures: list[str]


@dataclass
class Share:
    """How many of ``total`` nodes are in engines: ``converted``."""

    converted: int = 0
    total: int = 0

    @property
    def percent(self) -> float:
        """The share in percent; 0 where there is nothing to convert."""
        return 100.0 * self.converted / self.total if self.total else 0.0


@dataclass
class Sizes:
    """Sizes in bytes: the source's files, the output's (without the manifest), and duplicated weights."""

    source_bytes: int = 0
    output_bytes: int = 0
    duplicated_weight_bytes: int = 0


@dataclass
class Check:
    """How one signature of the result was checked, on a CPU, before it was put in place.

    Attributes:
        signature: The signature.
        loaded: Whether it was loaded, at least for those of its outputs that this machine has all kernels for.
        compared: Whether its values were compared with those of the source.
        identical: Whether all of them had the same bits.
        max_abs_error: Largest difference between floats; None where none were compared.
        reason: Why it was not loaded, or not compared; empty if it was.
    """

    signature: str
    loaded: bool
    compared: bool = False
    identical: bool = False
    max_abs_error: float | None = None
    reason: str = ""

    def __str__(self) -> str:
        """A sentence."""
        if not self.loaded:
            return f"{self.signature!r} was not loaded: {self.reason}"
        if not self.compared:
            return f"{self.signature!r} was loaded, but not compared: {self.reason}"
        if self.identical:
            return f"{self.signature!r} gave the same bits as the source"
        return f"{self.signature!r} gave the values of the source, to within {self.max_abs_error or 0.0:.1g}"


@dataclass
class ConversionReport:
    """The result of :func:`tftrt.convert`.

    Attributes:
        destination: The SavedModel that was written.
        source: ``{"path", "kind", "fingerprint"}`` of what was converted.
        precision: The precision asked for.
        signatures: Names of the converted signatures.
        engines: The engines.
        outside: Nodes outside the engines, and why; constants, placeholders and identities are not counted.
        nodes: Share of the nodes that are in engines, over all signatures; TF1 control flow nodes are not
            counted.
        heavy_ops: The same for the ops that take most of the time: convolutions and matrix products.
        heavy_by_op: The same for each of these op types.
        variables: Names of the variables and tables that were kept, because a signature changes them.
        notes: Sentences on decisions of the conversion, and on needs of the result.
        checks: For each signature, how it was checked before the result was put in place.
        sizes: Sizes in bytes.
        seconds: Seconds for each phase, and "total".
    """

    destination: str
    source: dict[str, str]
    precision: str
    signatures: list[str]
    engines: list[Engine] = field(default_factory=list)
    outside: list[OutsideOp] = field(default_factory=list)
    nodes: Share = field(default_factory=Share)
    heavy_ops: Share = field(default_factory=Share)
    heavy_by_op: dict[str, Share] = field(default_factory=dict)
    variables: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    checks: list[Check] = field(default_factory=list)
    sizes: Sizes = field(default_factory=Sizes)
    seconds: dict[str, float] = field(default_factory=dict)

    def to_dict(self) -> dict[str, Any]:
        """The report as dicts, lists, strings and numbers, ready for JSON."""
        return asdict(self)

    def __str__(self) -> str:
        """The report as plain text."""
        lines = [
            f"{self.source['path']} -> {self.destination}",
            f"precision {self.precision}, signatures: {', '.join(self.signatures)}",
            f"{_counted(len(self.engines), 'engine')} with {_share(self.nodes)} nodes and "
            f"{_share(self.heavy_ops)} convolutions and matrix products",
        ]
        for engine in self.engines:
            lines += [
                "",
                f"{engine.name}  {engine.precision}  {_counted(engine.nodes, 'node')}, "
                f"{_bytes(engine.weight_bytes)} of weights, in {', '.join(engine.signatures)}",
            ]
            lines += _wrapped("in ", ", ".join(map(_tensor, engine.inputs)))
            lines += _wrapped("out", ", ".join(map(_tensor, engine.outputs)))
            lines += _wrapped("ops", ", ".join(f"{count} {op}" for op, count in engine.ops.items()))
        if not self.engines:
            why = "see below" if self.outside else "its outputs are constants"
            lines += [
                "",
                f"Nothing went into an engine ({why}). The model is written without one, and runs all the same.",
            ]
        if self.outside:
            rows = [[op.op, str(op.count), op.reason] for op in self.outside]
            lines += ["", *_table(["outside", "nodes", "reason"], rows)]
        if self.variables:
            lines += ["", f"kept as state, because calls change it: {', '.join(self.variables)}"]
        if self.notes:
            lines += ["", *(line for note in self.notes for line in _wrapped("note", note))]
        if self.checks:
            lines += ["", *(line for check in self.checks for line in _wrapped("checked", str(check)))]
        sizes = self.sizes
        lines += [
            "",
            f"{_bytes(sizes.source_bytes)} -> {_bytes(sizes.output_bytes)}, "
            f"of it weights held more than once: {_bytes(sizes.duplicated_weight_bytes)}",
            ", ".join(f"{phase} {seconds:.1f} s" for phase, seconds in self.seconds.items()),
        ]
        return "\n".join(lines)


def _share(share: Share) -> str:
    return f"{share.converted} of {share.total}" + (f" ({share.percent:.0f}%)" if share.total else "")


def _counted(count: int, noun: str) -> str:
    return f"{count} {noun}" + ("" if count == 1 else "s")


def _wrapped(label: str, text: str) -> list[str]:
    return textwrap.wrap(text, _WIDTH, initial_indent=f"  {label}  ", subsequent_indent="       ")


def _bytes(count: int) -> str:
    for limit, unit in ((1e9, "GB"), (1e6, "MB"), (1e3, "kB")):
        if count >= limit:
            return f"{count / limit:.1f} {unit}"
    return f"{count} B"


def _tensor(tensor: dict[str, Any]) -> str:
    shape = tensor["shape"]
    return f"{tensor['dtype']}[{'...' if shape is None else ','.join('?' if n < 0 else str(n) for n in shape)}]"


def _table(head: list[str], rows: list[list[str]]) -> list[str]:
    """Columns side by side; the last one is wrapped."""
    widths = [max(len(row[column]) for row in [head, *rows]) for column in range(len(head) - 1)]
    lines = []
    for row in [head, *rows]:
        start = "".join(f"{cell:<{width}}  " for cell, width in zip(row, widths))
        lines += textwrap.wrap(row[-1], _WIDTH, initial_indent=start, subsequent_indent=" " * len(start))
    return lines
