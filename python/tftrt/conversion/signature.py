"""One signature on its way through the conversion: prepared, frozen, converted."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from tensorflow.core.framework import graph_pb2, types_pb2
from tensorflow.core.protobuf import meta_graph_pb2

from ..errors import InternalError
from . import passes
from .canonical import order_engines
from .captured_constants import hold_captured, release_captured, skip_identities
from .check_costs import explain_checks
from .constants import sink_constants
from .effects import Effects, note_effects
from .folding import fold_constants
from .freeze import freeze
from .graphs import (
    BRANCHES,
    HEAVY_OPS,
    WHILES,
    bodies,
    canonical,
    node_of,
    prune,
    rename_tensors,
    tensor_names,
    unused_name,
    value_type,
)
from .interface import unavailable_outputs
from .load import LoadedModel
from .options import Options
from .quantization import explain, keep_emulation, use_known_ops
from .selection import broadcast_selects
from .tensorrt import Segmented, segment

_PLACEHOLDERS = frozenset({"Placeholder", "PlaceholderV2", "PlaceholderWithDefault"})
_LOWER = "_lower_using_switch_merge"
_LOWER_LATER = "_tftrt_lower"
_COMPILED = "_XlaMustCompile"


@dataclass
class SignatureGraph:
    """A signature's own graph.

    Attributes:
        name: The signature's name.
        graph: The GraphDef; only what the signature needs.
        definition: The SignatureDef, with the tensors of ``graph``.
        effects: The effects of the signature.
        captured: The constants that the signature's function captures, as it captures variables.
        reasons: After conversion, for each op type why nodes stayed outside the engines, with their number.
        notes: After conversion, sentences on decisions for this signature.
    """

    name: str
    graph: Any
    definition: Any
    effects: Effects = field(default_factory=Effects)
    captured: frozenset[str] = frozenset()
    reasons: dict[str, dict[str, int]] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)

    @property
    def tensors(self) -> list[str]:
        """The signature's tensors, inputs first."""
        infos = [*self.definition.inputs.values(), *self.definition.outputs.values()]
        return list(dict.fromkeys(tensor for info in infos for tensor in tensor_names(info)))

    def prune(self) -> None:
        """Drop what the signature does not need."""
        self.graph = prune(self.graph, [*map(node_of, self.tensors), *self.effects.names])


def prepare(model: LoadedModel, name: str, options: Options) -> SignatureGraph:
    """Take a signature out of the model: functions inlined, a node of its own for each input and output.

    While and If stay functional; `convert` decides about them.
    """
    graph = graph_pb2.GraphDef()
    graph.CopyFrom(model.graph)
    definition = meta_graph_pb2.SignatureDef()
    definition.CopyFrom(model.meta.signature_def[name])
    for info in [*definition.inputs.values(), *definition.outputs.values()]:
        # Placeholders and outputs are values where the source has a reference.
        info.dtype = value_type(info.dtype)
    signature = SignatureGraph(name, graph, definition, notes=_explain(name, definition, graph))
    _replace_fed_tensors(signature)
    signature.prune()
    _hold_lowering(signature.graph)
    captured = hold_captured(signature.graph) if model.meta.HasField("object_graph_def") else {}
    signature.graph, _ = passes.inline_functions(signature.graph, signature.tensors, signature.effects)
    skip_identities(signature.graph, captured)
    outputs = _name_outputs(signature)
    if options.strip_asserts:
        signature.graph = passes.strip_checks(signature.graph, signature.tensors)
        signature.notes.append("asserts, numeric checks and prints were removed (strip_asserts)")
    signature.effects = note_effects(signature.graph, outputs)
    signature.graph = passes.fold_constants(signature.graph, signature.tensors, signature.effects)
    release_captured(signature.graph, captured)
    signature.captured = frozenset(captured)
    signature.prune()
    return signature


def convert(signature: SignatureGraph, values: dict[str, Any], options: Options) -> None:
    """Freeze a prepared signature and run TF-TRT's pass over it, in place.

    TF-TRT converts only the main graph. Functional loops and branches run in any executor, while lowered ones
    (Switch, Merge, Enter, ...) let it look inside. They are lowered if that puts more heavy ops into engines.
    """
    names = {node.name for node in signature.graph.node}
    frozen_here = {name: value for name, value in values.items() if name in names}
    freeze(signature.graph, frozen_here)
    use_known_ops(signature.graph)
    fetches = [*signature.tensors, *signature.effects.names]
    variables = signature.captured.union(frozen_here)
    fold_constants(signature.graph, fetches, keep_emulation(signature.graph, options), variables)
    sink_constants(signature.graph)
    signature.prune()
    if options.data_format == "NCHW":
        signature.graph, notes = passes.to_channels_first(signature.graph, signature.tensors, signature.effects)
        signature.notes += notes
    frozen = signature.graph
    effects = signature.effects
    best = _segment(signature, frozen, effects, options)
    if _allow_lowering(frozen):
        try:
            lowered, signature.effects = passes.inline_functions(frozen, signature.tensors, effects)
            lowered = prune(lowered, [node_of(tensor) for tensor in fetches])
            other = _segment(signature, lowered, signature.effects, options)
        except InternalError as error:
            best.notes.append(f"loops and branches of {signature.name!r} stay functions: {error}")
        else:
            if _heavy_in_engines(other.graph) > _heavy_in_engines(best.graph):
                best, effects = other, signature.effects
    signature.reasons = explain(best.reasons, frozen, options)
    signature.notes += best.notes
    signature.notes += explain_checks(
        signature.name,
        frozen,
        signature.tensors,
        [*effects.outputs, *effects.free],
        len(engine_nodes(best.graph)),
        lambda graph, others: _segment(signature, graph, others, options).graph,
    )
    _allow_lowering(best.graph)
    signature.effects = effects
    effects.attach(best.graph)
    signature.graph = best.graph
    signature.prune()
    order_engines(signature.graph)
    for node in signature.graph.node:
        if node.op == "TRTEngineOp":
            node.attr["precision_mode"].s = options.precision.encode()


def _segment(signature: SignatureGraph, graph: Any, effects: Effects, options: Options) -> Segmented:
    if options.dynamic_shapes:
        broadcast_selects(graph)
    graph = passes.tidy(graph, signature.tensors, effects)
    return segment(graph, signature.tensors, effects, options)


def engine_nodes(graph: Any) -> list[Any]:
    """The TRTEngineOp nodes, in the order of TF-TRT's numbering."""
    return sorted((node for node in graph.node if node.op == "TRTEngineOp"), key=lambda node: node.name)


def clean_name(name: str) -> str:
    """``name`` with every character replaced that cannot be in a node's name."""
    cleaned = re.sub(r"[^A-Za-z0-9_.\-]", "_", name)
    return cleaned if re.match(r"[A-Za-z0-9.]", cleaned) else f"s{cleaned}"


def _heavy_in_engines(graph: Any) -> int:
    segments = {node.attr["segment_func"].func.name for node in graph.node if node.op == "TRTEngineOp"}
    return sum(
        sum(node.op in HEAVY_OPS for node in function.node_def)
        for function in graph.library.function
        if function.signature.name in segments
    )


def _hold_lowering(graph: Any) -> None:
    for nodes in bodies(graph):
        for node in nodes:
            # Reading an attribute that is not there would add an empty one, which TensorFlow refuses.
            if node.op in WHILES | BRANCHES and _LOWER in node.attr and node.attr[_LOWER].b:
                node.attr[_LOWER].b = False
                node.attr[_LOWER_LATER].b = True


def _allow_lowering(graph: Any) -> bool:
    """Undo `_hold_lowering`; whether there was anything to undo."""
    held = False
    for nodes in bodies(graph):
        for node in nodes:
            if _LOWER_LATER in node.attr:
                del node.attr[_LOWER_LATER]
                node.attr[_LOWER].b = True
                held = True
    return held


def _explain(name: str, definition: Any, graph: Any) -> list[str]:
    notes = [
        f"calls of {name!r} do not return the output {output!r}: {reason}"
        for output, reason in unavailable_outputs(definition).items()
    ]
    # Functions are inlined, so the mark is gone afterwards.
    needed = prune(graph, [node_of(tensor) for info in definition.outputs.values() for tensor in tensor_names(info)])
    if any(_is_compiled(attributes) for attributes in _attributes(needed)):
        notes.append(
            f"{name!r} has a function that XLA compiles (jit_compile=True): the converted model computes it with "
            "TensorFlow's ops, so its results may differ in the last bits"
        )
    return notes


def _attributes(graph: Any) -> Iterator[Any]:
    for nodes in bodies(graph):
        yield from (node.attr for node in nodes)
    yield from (function.attr for function in graph.library.function)


def _is_compiled(attributes: Any) -> bool:
    return _COMPILED in attributes and bool(attributes[_COMPILED].b)


def _replace_fed_tensors(signature: SignatureGraph) -> None:
    """Make placeholders of inputs that are computed tensors: the optimiser would compute around a feed."""
    nodes = {node.name: node for node in signature.graph.node}
    replaced: dict[str, str] = {}
    for info in signature.definition.inputs.values():
        if info.WhichOneof("encoding") != "name" or nodes[node_of(info.name)].op in _PLACEHOLDERS:
            continue
        placeholder = signature.graph.node.add(name=unused_name(f"{node_of(info.name)}_fed", nodes), op="Placeholder")
        placeholder.attr["dtype"].type = info.dtype
        placeholder.attr["shape"].shape.CopyFrom(info.tensor_shape)
        nodes[placeholder.name] = placeholder
        replaced[canonical(info.name)] = f"{placeholder.name}:0"
    if not replaced:
        return
    for node in signature.graph.node:
        for position, tensor in enumerate(node.input):
            if not tensor.startswith("^") and canonical(tensor) in replaced:
                node.input[position] = replaced[canonical(tensor)].removesuffix(":0")
    for info in [*signature.definition.inputs.values(), *signature.definition.outputs.values()]:
        rename_tensors(info, {tensor: replaced.get(canonical(tensor), tensor) for tensor in tensor_names(info)})


def _name_outputs(signature: SignatureGraph) -> list[str]:
    """Give each output an Identity of its own: TF-TRT never takes a fetched node into an engine. Returns them."""
    nodes = {node.name: node for node in signature.graph.node}
    made: dict[str, str] = {}
    for key, info in sorted(signature.definition.outputs.items()):
        for tensor, dtype in _typed(info):
            if tensor not in made and dtype not in (types_pb2.DT_RESOURCE, types_pb2.DT_INVALID):
                node = signature.graph.node.add(name=unused_name(f"outputs/{clean_name(key)}", nodes), op="Identity")
                node.input.append(tensor.removesuffix(":0"))
                node.attr["T"].type = dtype
                nodes[node.name] = node
                made[tensor] = f"{node.name}:0"
        rename_tensors(info, made)
    return [node_of(tensor) for tensor in made.values()]


def _typed(info: Any) -> Iterator[tuple[str, int]]:
    kind = info.WhichOneof("encoding")
    if kind == "composite_tensor":
        for part in info.composite_tensor.components:
            yield from _typed(part)
    elif kind == "coo_sparse":
        values, indices, shape = tensor_names(info)
        yield from ((values, info.dtype), (indices, types_pb2.DT_INT64), (shape, types_pb2.DT_INT64))
    else:
        yield info.name, info.dtype
