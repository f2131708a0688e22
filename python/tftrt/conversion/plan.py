"""What becomes constant, what stays, and what all signatures share; decided before anything expensive."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from typing import Any

import tensorflow as tf

from ..errors import UnsupportedError
from .graphs import is_handle, node_of, prune
from .load import LoadedModel
from .options import Options
from .signature import SignatureGraph, prepare
from .state import ResourceUse, is_saved_table, is_variable

_ASSIGNMENTS = frozenset({"Assign", "AssignVariableOp"})
_PATH = "holds the path of an asset"


@dataclass
class Plan:
    """The conversion, laid out.

    Attributes:
        signatures: The prepared signatures.
        frozen: The nodes of the variables that become constants.
        kept: The nodes of the variables and tables that stay, with values in the checkpoint.
        base: The graph that all signatures share, under the source's names: the init op's, and kept
            resources.
        notes: For each variable that stays although no signature is known to change it, a sentence that says why.
    """

    signatures: list[SignatureGraph]
    frozen: list[Any]
    kept: list[Any]
    base: Any
    notes: list[str]

    def frozen_names(self, signature: SignatureGraph) -> list[str]:
        """The frozen variables that a signature uses."""
        names = {node.name for node in signature.graph.node}
        return [node.name for node in self.frozen if node.name in names]

    def frozen_bytes(self, signature: SignatureGraph) -> int:
        """Bytes of a signature's graph with its variables frozen, as far as their shapes are known."""
        names = set(self.frozen_names(signature))
        return int(signature.graph.ByteSize()) + sum(_size(node) for node in self.frozen if node.name in names)


def plan_conversion(model: LoadedModel, options: Options) -> Plan:
    """Prepare every signature and divide the model's resources.

    Raises:
        UnsupportedError: A signature uses something with values in the checkpoint that is neither a variable nor a
            table.
    """
    signatures = [prepare(model, name, options) for name in model.signatures]
    source = {node.name: node for node in model.graph.node}
    uses: dict[bytes, set[str]] = defaultdict(set)
    used: set[str] = set()
    looked_up: set[bytes] = set()
    for signature in signatures:
        resources = ResourceUse(signature.graph)
        for node in signature.graph.node:
            if is_handle(node) and node.name in source:
                used.add(node.name)
                if is_variable(node):
                    uses[source[node.name].attr["shared_name"].s] |= resources.of(node)
            elif is_variable(node) or is_saved_table(node):
                looked_up.add(node.attr["shared_name"].s)
        for function in signature.graph.library.function:
            looked_up.update(
                node.attr["shared_name"].s for node in function.node_def if is_variable(node) or is_saved_table(node)
            )
    for node in source.values():
        if is_handle(node) and node.attr["shared_name"].s in looked_up:
            used.add(node.name)
            uses[node.attr["shared_name"].s].add("looked up by its name in a function")
    roots = {node_of(tensor) for tensor, _ in model.assets} | ({model.init} if model.init else set())
    initial = prune(model.graph, roots)
    for name in _hold_paths(initial, {node_of(tensor) for tensor, _ in model.assets}):
        uses[source[name].attr["shared_name"].s].add(_PATH)
    resources = ResourceUse(initial)
    frozen, kept = [], []
    for node in model.graph.node:
        variable = is_variable(node)
        if node.name in used and variable and uses[node.attr["shared_name"].s] <= {"read"}:
            frozen.append(node)
        elif node.name in used and (variable or is_saved_table(node)):
            kept.append(node)
    known = {node.name for node in initial.node}
    # What the init op reads must have its value when the result is loaded, too.
    kept_names = {node.name for node in kept}
    kept.extend(
        node
        for node in model.graph.node
        if node.name in known and node.name not in kept_names and is_variable(node) and "read" in resources.of(node)
    )
    frozen_names = {node.name for node in frozen}
    _refuse_lost(model, used - frozen_names - {node.name for node in kept})
    shared = prune(model.graph, sorted(used - frozen_names))
    initial.node.extend(node for node in shared.node if node.name not in known)
    return Plan(signatures, frozen, kept, initial, _notes(kept, uses))


def _hold_paths(graph: Any, assets: set[str]) -> set[str]:
    """The variables to which an init op assigns the path of an asset: it is another one where the model is loaded."""
    nodes = {node.name: node for node in graph.node}
    found = set()
    for node in graph.node:
        if node.op in _ASSIGNMENTS and assets & {node_of(tensor) for tensor in node.input[1:]}:
            found.add(node_of(node.input[0]))
    return {name for name in found if is_variable(nodes[name])}


def _refuse_lost(model: LoadedModel, names: set[str]) -> None:
    """Refuse resources ``names`` that conversion leaves out if the checkpoint holds their values."""
    if not model.meta.saver_def.restore_op_name:
        return
    restored = prune(model.graph, [node_of(model.meta.saver_def.restore_op_name)])
    lost = [node for node in restored.node if node.name in names]
    if lost:
        raise UnsupportedError(
            f"{model.directory}: expected variables and tables in the checkpoint, found "
            f"{', '.join(f'{node.name!r} ({node.op})' for node in lost)}. Convert signatures that do not use it: "
            "signatures=[...]."
        )


def _notes(kept: list[Any], uses: dict[bytes, set[str]]) -> list[str]:
    notes = []
    for node in kept:
        name = node.attr["shared_name"].s
        reasons = sorted(use for use in uses.get(name, ()) if use not in ("read", "written", _PATH))
        if reasons and "written" not in uses[name]:
            notes.append(f"the variable {name.decode()!r} did not become a constant: it is {', '.join(reasons)}")
    return notes


def _size(node: Any) -> int:
    shape = tf.TensorShape(node.attr["shape"].shape)
    return int(shape.num_elements() or 0) * int(tf.as_dtype(node.attr["dtype"].type).size)
