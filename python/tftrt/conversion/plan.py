"""What becomes constant, what stays, and what all signatures share; decided before anything expensive."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import tensorflow as tf

from .graphs import is_handle, node_of, prune
from .load import LoadedModel
from .signature import SignatureGraph, prepare
from .state import ResourceUse, is_saved_table, is_variable


@dataclass
class Plan:
    """The conversion, laid out.

    Attributes:
        signatures: The prepared signatures.
        frozen: The nodes of the variables that become constants.
        kept: The nodes of the variables and tables that stay, with values in the checkpoint.
        base: The graph that all signatures share, under the source's names: the init op's, and kept
            resources.
    """

    signatures: list[SignatureGraph]
    frozen: list[Any]
    kept: list[Any]
    base: Any

    def frozen_names(self, signature: SignatureGraph) -> list[str]:
        """The frozen variables that a signature uses."""
        names = {node.name for node in signature.graph.node}
        return [node.name for node in self.frozen if node.name in names]

    def frozen_bytes(self, signature: SignatureGraph) -> int:
        """Bytes of a signature's graph with its variables frozen, as far as their shapes are known."""
        names = set(self.frozen_names(signature))
        return int(signature.graph.ByteSize()) + sum(_size(node) for node in self.frozen if node.name in names)


def plan_conversion(model: LoadedModel) -> Plan:
    """Prepare every signature and divide the model's resources."""
    signatures = [prepare(model, name) for name in model.signatures]
    source = {node.name: node for node in model.graph.node}
    written: set[bytes] = set()
    used: set[str] = set()
    for signature in signatures:
        resources = ResourceUse(signature.graph)
        for node in signature.graph.node:
            if is_handle(node) and node.name in source:
                used.add(node.name)
                if is_variable(node) and "written" in resources.of(node):
                    written.add(source[node.name].attr["shared_name"].s)
    roots = {node_of(tensor) for tensor, _ in model.assets} | ({model.init} if model.init else set())
    initial = prune(model.graph, roots)
    resources = ResourceUse(initial)
    frozen, kept = [], []
    for node in model.graph.node:
        variable = is_variable(node)
        if node.name in used and variable and node.attr["shared_name"].s not in written:
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
    shared = [source[name] for name in sorted(used - known - frozen_names)]
    initial.node.extend(shared)
    return Plan(signatures, frozen, kept, initial)


def _size(node: Any) -> int:
    shape = tf.TensorShape(node.attr["shape"].shape)
    return int(shape.num_elements() or 0) * int(tf.as_dtype(node.attr["dtype"].type).size)
