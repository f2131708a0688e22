"""Frozen graphs in TensorFlow 1's style: which tensors go in and out, and their names in the converted graph."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from ..errors import InvalidArgumentError

_PLACEHOLDERS = ("Placeholder", "PlaceholderV2", "PlaceholderWithDefault")
_OUTPUTS_FOLDER = "/outputs/"


@dataclass
class Tensors:
    """The tensors of a graph by the names that a signature gives them.

    Attributes:
        inputs: Tensor names such as ``"x:0"``.
        outputs: The same.
    """

    inputs: dict[str, str]
    outputs: dict[str, str]


def element_names(elements: Iterable[Any] | None) -> list[str]:
    """The names of nodes and tensors, given as names or as TensorFlow's objects."""
    return [str(getattr(element, "name", element)) for element in elements or ()]


def find_tensors(graph_def: Any, kept: Iterable[Any] | None) -> Tensors:
    """The placeholders that the nodes ``kept`` need, and all outputs of these nodes.

    Raises:
        InvalidArgumentError: A node does not exist, or there is none with an output.
        ModelError: TensorFlow finds the graph invalid.
    """
    from ..conversion.graphs import node_of, prune
    from ..conversion.load import import_graph

    operations = {
        operation.name: operation for operation in import_graph(graph_def, "input_graph_def").get_operations()
    }
    last = [name for name, operation in operations.items() if not any(t.consumers() for t in operation.outputs)]
    outputs: dict[str, str] = {}
    roots = list(dict.fromkeys(node_of(name) for name in element_names(kept)))
    for name in roots:
        if name not in operations:
            raise InvalidArgumentError(
                f"nodes_denylist: expected nodes of the graph, found {name!r}. Its last nodes are: "
                f"{', '.join(last[:20])}."
            )
        if operations[name].type not in _PLACEHOLDERS:
            outputs.update({tensor.name.removesuffix(":0"): tensor.name for tensor in operations[name].outputs})
    if not outputs:
        raise InvalidArgumentError(
            "nodes_denylist: expected the names of the graph's outputs, found none. Its last nodes are: "
            f"{', '.join(last[:20])}."
        )
    needed = prune(graph_def, roots)
    inputs = {node.name: f"{node.name}:0" for node in needed.node if node.op in _PLACEHOLDERS}
    return Tensors(inputs, outputs)


def signature_tensors(definition: Any) -> Tensors:
    """The tensors of a SignatureDef; a sparse one's parts have a number after the name."""
    return Tensors(_names(definition.inputs), _names(definition.outputs))


def with_original_names(graph_def: Any, converted: Tensors, original: Tensors) -> Any:
    """The converted graph, with the original names where nodes are still there, and for all ``original`` tensors.

    Args:
        graph_def: The converted graph; changed in place.
        converted: The signature's tensors in it.
        original: The signature's tensors in the source.
    """
    from ..conversion.graphs import node_of

    tensors = [*converted.inputs.values(), *converted.outputs.values()]
    names = _Names(graph_def, prefix=node_of(tensors[0]).partition("/")[0] + "/")
    for key, tensor in converted.inputs.items():
        names.claim(node_of(tensor), node_of(original.inputs[key]))
    outputs: dict[str, dict[int, str]] = defaultdict(dict)
    for key, tensor in converted.outputs.items():
        node, _, index = original.outputs[key].partition(":")
        outputs[node][int(index or 0)] = node_of(tensor)
    for node, holders in outputs.items():
        if names.is_alive(node, holders):
            names.drop(holders.values())
        elif list(holders) == [0]:
            names.claim(holders[0], node)
        else:
            names.gather(holders, node)
    names.apply()
    return graph_def


def _names(infos: Mapping[str, Any]) -> dict[str, str]:
    from ..conversion.graphs import tensor_names

    result = {}
    for key in sorted(infos):
        tensors = tensor_names(infos[key])
        for number, tensor in enumerate(tensors):
            result[key if len(tensors) == 1 else f"{key}:{number}"] = tensor
    return result


class _Names:
    """New names for the nodes of a graph; nothing changes before `apply`."""

    def __init__(self, graph_def: Any, prefix: str) -> None:
        self._graph = graph_def
        self._nodes = {node.name: node for node in graph_def.node}
        self._new: dict[str, str] = {}
        self._dropped: set[str] = set()
        self._holders: dict[str, str] = {name: name for name in self._nodes if not name.startswith(prefix)}
        for name in self._nodes:
            stripped = name.removeprefix(prefix)
            self._new[name] = name if stripped in self._holders else stripped
            self._holders[self._new[name]] = name

    def claim(self, node: str, name: str) -> None:
        """Give a node a name; the node that has it gets another."""
        holder = self._holders.get(name)
        if holder == node:
            return
        if holder is not None:
            number = 1
            while f"{name}_{number}" in self._holders:
                number += 1
            self._new[holder] = f"{name}_{number}"
            self._holders[self._new[holder]] = holder
        self._holders.pop(self._new[node], None)
        self._new[node], self._holders[name] = name, node

    def is_alive(self, node: str, outputs: Mapping[int, str]) -> bool:
        """Whether the source's node still computes what the nodes ``outputs`` hand out, by index."""
        from ..conversion.graphs import index_of, node_of

        for index, output in outputs.items():
            inputs = self._nodes[output].input
            if not inputs or self._holders.get(node) != node_of(inputs[0]) or index_of(inputs[0]) != index:
                return False
        return True

    def drop(self, nodes: Iterable[str]) -> None:
        """Remove nodes that nothing reads."""
        self._dropped.update(nodes)

    def gather(self, outputs: Mapping[int, str], name: str) -> None:
        """Add a node of that name with several outputs, for one that went into an engine."""
        node = self._graph.node.add(name=f"{name}/gathered", op="IdentityN")
        for index in range(max(outputs) + 1):
            if index in outputs:
                source = self._nodes[outputs[index]]
            else:
                # An output that the signature does not have: only the numbering needs it.
                source = self._graph.node.add(name=f"{name}/unused_{index}", op="Const")
                source.attr["dtype"].type = 1
                source.attr["value"].tensor.dtype = 1
                source.attr["value"].tensor.tensor_shape.SetInParent()
                source.attr["value"].tensor.float_val.append(0.0)
                self._add(source)
            node.input.append(source.name)
            kind = source.attr["dtype" if source.op == "Const" else "T"].type
            node.attr["T"].list.type.append(kind)
        self._add(node)
        self.claim(node.name, name)

    def apply(self) -> None:
        """Rename and remove."""
        from ..conversion.graphs import node_of

        kept = []
        for node in self._graph.node:
            if node.name in self._dropped:
                continue
            for position, tensor in enumerate(node.input):
                control = "^" if tensor.startswith("^") else ""
                name = node_of(tensor)
                node.input[position] = f"{control}{self._new[name]}{tensor[len(control) + len(name) :]}"
            if "_class" in node.attr:
                groups = [group.decode().removeprefix("loc:@") for group in node.attr["_class"].list.s]
                there = [self._new[name] for name in groups if name in self._new and name not in self._dropped]
                node.attr["_class"].list.s[:] = [f"loc:@{name}".encode() for name in there]
            node.name = self._new[node.name]
            kept.append(node)
        copies = [type(node).FromString(node.SerializeToString()) for node in kept]
        del self._graph.node[:]
        self._graph.node.extend(copies)

    def _add(self, node: Any) -> None:
        self._nodes[node.name] = node
        self._new[node.name] = node.name
        self._holders[node.name] = node.name
