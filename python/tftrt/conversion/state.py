"""Which variables and tables a graph changes when it runs: these cannot become constants."""

from __future__ import annotations

from collections import defaultdict
from typing import Any

from .graphs import BRANCHES, CALLS, WHILES, index_of, node_of, op_def, references_in

_READS = frozenset(
    {
        "ReadVariableOp",
        "ResourceGather",
        "ResourceGatherNd",
        "VariableShape",
        "VarIsInitializedOp",
        "IsVariableInitialized",
        "DisableCopyOnRead",
        "LookupTableFind",
        "LookupTableFindV2",
        "LookupTableSize",
        "LookupTableSizeV2",
        "LookupTableExportV2",
    }
)
_WRITES_ONLY = frozenset({"Assign", "AssignVariableOp"})
_FORWARDS = frozenset(
    {"Identity", "RefIdentity", "Enter", "RefEnter", "Exit", "RefExit", "NextIteration", "RefNextIteration"}
    | {"Switch", "RefSwitch", "Merge", "RefMerge"}
)
_TABLES = frozenset({"MutableHashTableV2", "MutableHashTableOfTensorsV2", "MutableDenseHashTableV2"})
_VARIABLES = frozenset({"VarHandleOp", "VariableV2", "Variable"})


def is_variable(node: Any) -> bool:
    """Whether a node is a variable, whose value freezing can write into the graph."""
    return node.op in _VARIABLES


def is_saved_table(node: Any) -> bool:
    """Whether a node is a table whose content is in the checkpoint, rather than filled by the init op."""
    return node.op in _TABLES


class ResourceUse:
    """Follows resources and references through a graph and the functions it calls."""

    def __init__(self, graph: Any) -> None:
        """Index who takes what in ``graph``."""
        self._library = {function.signature.name: function for function in graph.library.function}
        self._main = _consumers(graph.node)
        self._functions: dict[str, Any] = {}
        self._known: dict[tuple[str, int], set[str]] = {}

    def of(self, node: Any) -> set[str]:
        """What happens to the resource that ``node`` makes: a subset of {"read", "written"}."""
        return self._follow(self._main, [(node.name, 0)])

    def _follow(self, consumers: Any, tensors: list[tuple[str, int | None]]) -> set[str]:
        """``tensors`` are (node or argument, output index); None stands for every output."""
        uses: set[str] = set()
        seen = set(tensors)
        todo = list(tensors)
        while todo:
            name, output = todo.pop()
            for node, position, index in consumers.get(name, ()):
                if output is not None and index != output:
                    continue
                use, forwarded = self._use(node, position)
                uses |= use
                for target in forwarded:
                    if target not in seen:
                        seen.add(target)
                        todo.append(target)
        return uses

    def _use(self, node: Any, position: int) -> tuple[set[str], list[tuple[str, int | None]]]:
        if node is None:  # A function returns it; only the callers below know what to do with it.
            return {"returned"}, []
        if node.op in _READS:
            return {"read"}, []
        if node.op in _WRITES_ONLY and position == 0:
            return {"written"}, []
        if node.op in _FORWARDS:
            return set(), [(node.name, 0 if "Merge" in node.op else None)]
        if node.op == "IdentityN":
            return set(), [(node.name, position)]
        if node.op in WHILES:
            uses = self._argument(node.attr["body"].func.name, position)
            uses = uses | self._argument(node.attr["cond"].func.name, position)
            return uses - {"returned"}, [(node.name, position)]
        if node.op in CALLS:
            return _returned_is_written(self._argument(node.attr["f"].func.name, position)), []
        if node.op in BRANCHES:
            if position == 0:
                return {"read"}, []
            names = [reference.name for reference in references_in(node.attr)]
            uses = set().union(*(self._argument(name, position - 1) for name in names))
            return _returned_is_written(uses), []
        definition = op_def(node)
        if definition is not None and _takes_value(definition, position):
            return {"read"}, []
        return {"read", "written"}, []

    def _argument(self, function: str, position: int) -> set[str]:
        key = (function, position)
        if key not in self._known:
            self._known[key] = set()
            body = self._library.get(function)
            if body is None or position >= len(body.signature.input_arg):
                self._known[key] = {"read", "written"}
            else:
                if function not in self._functions:
                    self._functions[function] = _consumers(body.node_def, body.ret.values())
                argument = body.signature.input_arg[position].name
                self._known[key] = self._follow(self._functions[function], [(argument, 0)])
        return self._known[key]


def _returned_is_written(uses: set[str]) -> set[str]:
    return uses - {"returned"} | ({"read", "written"} if "returned" in uses else set())


def _consumers(nodes: Any, returned: Any = ()) -> Any:
    consumers: Any = defaultdict(list)
    for node in nodes:
        for position, tensor in enumerate(node.input):
            if not tensor.startswith("^"):
                consumers[node_of(tensor)].append((node, position, index_of(tensor)))
    for tensor in returned:
        consumers[node_of(tensor)].append((None, 0, index_of(tensor)))
    return consumers


def _takes_value(definition: Any, position: int) -> bool:
    """Whether the input of an op at ``position`` is a plain value: neither a reference nor a resource."""
    from tensorflow.core.framework import types_pb2

    if not any(argument.is_ref or argument.type == types_pb2.DT_RESOURCE for argument in definition.input_arg):
        return not any(attr.type == "list(type)" for attr in definition.attr)
    arguments = definition.input_arg
    if any(argument.number_attr or argument.type_list_attr for argument in arguments[: position + 1]):
        return False
    return (
        position < len(arguments)
        and not arguments[position].is_ref
        and arguments[position].type != types_pb2.DT_RESOURCE
    )
