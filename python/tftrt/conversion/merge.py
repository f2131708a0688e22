"""Several converted signatures in one graph: shared what can be shared, renamed the rest."""

from __future__ import annotations

import hashlib
import re
from collections import defaultdict
from dataclasses import dataclass, field
from typing import Any

from tensorflow.core.framework import graph_pb2

from ..errors import UnsupportedError
from .graphs import (
    function_references,
    is_handle,
    node_of,
    op_def,
    reachable_functions,
    references_in,
    rename_tensors,
)
from .signature import SignatureGraph, clean_name, engine_nodes

PROTOBUF_LIMIT = (1 << 31) - 1
_SHARED_CONSTANT_BYTES = 1024
_FRAMES = frozenset({"Enter", "RefEnter"})
_ENGINE_IGNORED = frozenset({"segment_func", "segment_funcdef_name"})


@dataclass
class MergedEngine:
    """An engine in the merged graph: one name and segment function, maybe in several signatures."""

    name: str
    node: Any
    function: Any
    signatures: list[str] = field(default_factory=list)


@dataclass
class Merged:
    """The merged graph.

    Attributes:
        graph: The GraphDef.
        definitions: The SignatureDefs, by name, with the tensors of ``graph``.
        engines: The engines, in order.
        functions: For each signature, the functions that it calls and that are no segments of engines.
    """

    graph: Any
    definitions: dict[str, Any]
    engines: list[MergedEngine]
    functions: dict[str, list[Any]]


class Merger:
    """Adds signature after signature to one graph.

    Args:
        base: The graph that all signatures share: the init op's, and resources. Its names stay.
        fingerprint: Hexadecimal digits for the engines' names, which must be unique in a process.
    """

    def __init__(self, base: Any, fingerprint: str) -> None:
        """Start with the shared graph."""
        self._fingerprint = fingerprint
        self._graph = graph_pb2.GraphDef(versions=base.versions)
        self._graph.node.extend(base.node)
        self._nodes = {node.name: node for node in self._graph.node}
        self._library: dict[str, Any] = {}
        self._digests: dict[str, str] = {}
        self._by_digest: dict[str, str] = {}
        self._constants: dict[bytes, str] = {}
        self._engines: list[MergedEngine] = []
        self._by_segment: dict[str, list[MergedEngine]] = defaultdict(list)
        self._definitions: dict[str, Any] = {}
        self._functions: dict[str, list[Any]] = {}
        self._bytes = self._graph.ByteSize()
        names = self._add_functions(base, "", {})
        for node in self._graph.node:
            node.op = names.get(node.op, node.op)
            _rename_functions(node.attr, names)

    def add(self, signature: SignatureGraph) -> None:
        """Add a converted signature.

        Raises:
            UnsupportedError: The merged graph would pass protobuf's limit of 2 GB.
        """
        prefix = self._prefix(signature.name)
        for node in signature.graph.node:
            if is_handle(node) and _is_same_resource(self._nodes.get(node.name), node):
                del node.input[:]  # The shared one has its own.
        signature.prune()
        engines = self._add_engines(signature)
        segments = {node.attr["segment_func"].func.name: engines[node.name] for node in engine_nodes(signature.graph)}
        functions = self._add_functions(signature.graph, clean_name(signature.name), segments)
        names = {node.name: self._place(node, prefix, engines) for node in signature.graph.node}
        for node in signature.graph.node:
            if names[node.name] not in self._nodes:
                self._add_node(node, names, functions, prefix)
        definition = signature.definition
        mapping = {tensor: f"{names[node_of(tensor)]}{tensor[len(node_of(tensor)) :]}" for tensor in signature.tensors}
        for info in [*definition.inputs.values(), *definition.outputs.values()]:
            rename_tensors(info, mapping)
        self._definitions[signature.name] = definition
        called = reachable_functions(
            [node for node in signature.graph.node if node.op != "TRTEngineOp"],
            {function.signature.name: function for function in signature.graph.library.function},
        )
        self._functions[signature.name] = [self._library[functions[name]] for name in called]
        check_size(self._bytes, f"the converted signatures up to {signature.name!r}")

    def finish(self) -> Merged:
        """The merged graph."""
        for function in self._library.values():
            self._graph.library.function.append(function)
        return Merged(self._graph, self._definitions, self._engines, self._functions)

    def _prefix(self, name: str) -> str:
        base = clean_name(name)
        prefix, number = base, 0
        while any(node == prefix or node.startswith(f"{prefix}/") for node in self._nodes):
            number += 1
            prefix = f"{base}_{number}"
        return prefix

    def _place(self, node: Any, prefix: str, engines: dict[str, str]) -> str:
        """The name that a node gets; a name that exists already stands for an equal node."""
        if node.op == "TRTEngineOp":
            return f"{prefix}/{engines[node.name]}"
        if is_handle(node) and _is_same_resource(self._nodes.get(node.name), node):
            return str(node.name)
        if node.op == "Const" and not node.input and node.ByteSize() >= _SHARED_CONSTANT_BYTES:
            digest = hashlib.sha256(node.attr["value"].SerializeToString(deterministic=True)).digest()
            return self._constants.setdefault(digest, f"{prefix}/{node.name}")
        return f"{prefix}/{node.name}"

    def _add_node(self, node: Any, names: dict[str, str], functions: dict[str, str], prefix: str) -> None:
        added = self._graph.node.add()
        added.CopyFrom(node)
        added.ClearField("experimental_debug_info")
        added.name = names[node.name]
        added.op = functions.get(node.op, node.op)
        del added.input[:]
        for tensor in node.input:
            control = "^" if tensor.startswith("^") else ""
            name = node_of(tensor)
            added.input.append(f"{control}{names[name]}{tensor[len(control) + len(name) :]}")
        _rename_functions(added.attr, functions)
        if node.op in _FRAMES:
            added.attr["frame_name"].s = f"{prefix}/".encode() + node.attr["frame_name"].s
        self._nodes[added.name] = added
        self._bytes += added.ByteSize()

    def _add_engines(self, signature: SignatureGraph) -> dict[str, str]:
        """Add the segments; the final engine name of each TRTEngineOp."""
        library = {function.signature.name: function for function in signature.graph.library.function}
        result: dict[str, str] = {}
        reused: set[str] = set()
        own = 0
        for node in engine_nodes(signature.graph):
            function = library[node.attr["segment_func"].func.name]
            key = _digest_function(function, {}) + _digest_attrs(node.attr, {}, _ENGINE_IGNORED)
            # One engine name never stands twice in one signature: two nodes would race for one cache.
            shared = next((engine for engine in self._by_segment[key] if engine.name not in reused), None)
            if shared is None:
                name = f"TRTEngineOp_{self._fingerprint}_{len(self._definitions):03}_{own:03}"
                own += 1
                shared = MergedEngine(name, node, self._add_function(function, f"{name}_native_segment", {}))
                self._engines.append(shared)
                self._by_segment[key].append(shared)
            shared.signatures.append(signature.name)
            reused.add(shared.name)
            result[node.name] = shared.name
        return result

    def _add_functions(self, graph: Any, prefix: str, segments: dict[str, str]) -> dict[str, str]:
        """Add a graph's functions; the final name of each."""
        library = {function.signature.name: function for function in graph.library.function}
        names = {segment: f"{engine}_native_segment" for segment, engine in segments.items()}
        for name in _callees_first(library):
            if name in names:
                continue
            function = library[name]
            digest = _digest_function(function, names)
            base = re.sub(r"(_frozen_\d+)+$", "", name)
            if self._digests.get(base) == digest:
                names[name] = base
            elif digest in self._by_digest and _is_stateless(function):
                names[name] = self._by_digest[digest]
            else:
                unique, number = base, 0
                while unique in self._library:
                    number += 1
                    unique = f"{prefix}_{base}" if number == 1 else f"{prefix}_{base}_{number}"
                self._add_function(function, unique, names)
                self._digests[unique] = digest
                self._by_digest.setdefault(digest, unique)
                names[name] = unique
        return names

    def _add_function(self, function: Any, name: str, names: dict[str, str]) -> Any:
        added = type(function)()
        added.CopyFrom(function)
        added.signature.name = name
        for node in added.node_def:
            node.ClearField("experimental_debug_info")
            node.op = names.get(node.op, node.op)
            _rename_functions(node.attr, names)
        self._library[name] = added
        self._bytes += added.ByteSize()
        return added


def check_size(size: int, what: str) -> None:
    """Refuse what protobuf cannot write.

    Raises:
        UnsupportedError: ``size`` bytes are too many.
    """
    if size > PROTOBUF_LIMIT:
        raise UnsupportedError(
            f"expected a graph of at most {PROTOBUF_LIMIT:,} bytes (protobuf's limit; a converted graph "
            f"holds its weights), "
            f"found {size:,} bytes in {what}. Convert fewer signatures at a time (signatures=[...], each "
            f"into its own "
            "directory), split the model, or store large tables in a smaller dtype."
        )


def _rename_functions(attrs: Any, names: dict[str, str]) -> None:
    for reference in references_in(attrs):
        reference.name = names.get(reference.name, reference.name)


def _is_same_resource(known: Any, node: Any) -> bool:
    return known is not None and known.op == node.op and known.attr["shared_name"].s == node.attr["shared_name"].s


def _is_stateless(function: Any) -> bool:
    """Whether equal functions may be one: kernels with state (random generators) must stay apart."""
    definitions = [op_def(node) for node in function.node_def]
    return all(definition is not None and not definition.is_stateful for definition in definitions)


def _callees_first(library: dict[str, Any]) -> list[str]:
    order: dict[str, None] = {}
    visiting: set[str] = set()
    todo = [(name, False) for name in reversed(list(library))]
    while todo:
        name, done = todo.pop()
        if done:
            order[name] = None
        elif name not in order and name not in visiting:
            visiting.add(name)
            todo.append((name, True))
            references = {reference.name for reference in function_references(library[name].node_def)}
            references.update(node.op for node in library[name].node_def)
            todo.extend((callee, False) for callee in sorted(references) if callee in library)
    return list(order)


def _digest_attrs(attrs: Any, names: dict[str, str], ignored: frozenset[str] = frozenset()) -> str:
    digest = hashlib.sha256()
    for key in sorted(attrs):
        if key in ignored or key in ("_output_shapes",):
            continue
        value = type(attrs[key])()
        value.CopyFrom(attrs[key])
        _rename_functions({key: value}, names)
        digest.update(f"{key}=".encode() + value.SerializeToString(deterministic=True) + b";")
    return digest.hexdigest()


def _digest_function(function: Any, names: dict[str, str]) -> str:
    """A digest of what a function computes: the same for bodies that differ in the names of nodes only."""
    signature = function.signature
    known = {argument.name: f"argument {i}" for i, argument in enumerate(signature.input_arg)}
    nodes = {node.name: node for node in function.node_def}
    for name in _inputs_first(nodes):
        node = nodes[name]
        parts = [names.get(node.op, node.op), _digest_attrs(node.attr, names)]
        parts.extend(_digest_tensor(tensor, known) for tensor in node.input if not tensor.startswith("^"))
        parts.extend(sorted(_digest_tensor(tensor, known) for tensor in node.input if tensor.startswith("^")))
        known[name] = hashlib.sha256("|".join(parts).encode()).hexdigest()
    parts = [str(argument.type) for argument in signature.input_arg]
    parts.extend(
        f"{argument.type} {_digest_tensor(function.ret[argument.name], known)}" for argument in signature.output_arg
    )
    parts.extend(sorted(known[name] for name in nodes))
    parts.extend(sorted(known.get(name, name) for name in function.control_ret.values()))
    parts.append(_digest_attrs(function.attr, names))
    return hashlib.sha256("|".join(parts).encode()).hexdigest()


def _digest_tensor(tensor: str, known: dict[str, str]) -> str:
    name = node_of(tensor)
    control = "^" if tensor.startswith("^") else ""
    # A name not yet known closes a loop (TF1 control flow in a function): the digest then depends on names.
    return f"{control}{known.get(name, name)}{tensor[len(control) + len(name) :]}"


def _inputs_first(nodes: dict[str, Any]) -> list[str]:
    order: dict[str, None] = {}
    visiting: set[str] = set()
    todo = [(name, False) for name in reversed(list(nodes))]
    while todo:
        name, done = todo.pop()
        if done:
            order[name] = None
        elif name not in visiting:
            visiting.add(name)
            todo.append((name, True))
            inputs = (node_of(tensor) for tensor in nodes[name].input)
            todo.extend((tensor, False) for tensor in inputs if tensor in nodes and tensor not in visiting)
    return list(order)
