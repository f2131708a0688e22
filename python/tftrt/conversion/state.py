"""Which variables and tables a graph changes when it runs: these cannot become constants."""

from __future__ import annotations

from collections import defaultdict
from typing import Any

from .graphs import BRANCHES, CALLS, WHILES, index_of, node_of, op_def, references_in
from .readers import FORWARDS, READERS

_READS = frozenset(READERS) | {
    "LookupTableFind",
    "LookupTableFindV2",
    "LookupTableSize",
    "LookupTableSizeV2",
    "LookupTableExport",
    "LookupTableExportV2",
}
_WRITES_ONLY = frozenset({"Assign", "AssignVariableOp"})
_TABLES = frozenset(
    {"MutableHashTable", "MutableHashTableOfTensors", "MutableDenseHashTable"}
    | {"MutableHashTableV2", "MutableHashTableOfTensorsV2", "MutableDenseHashTableV2"}
)
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
        """Index the users of each tensor in ``graph``."""
        self._library = {function.signature.name: function for function in graph.library.function}
        self._main = _Users(graph.node)
        self._functions: dict[str, _Users] = {}
        self._known: dict[tuple[str, int], set[str]] = {}

    def of(self, node: Any) -> set[str]:
        """What happens to the resource that ``node`` makes.

        Returns:
            A subset of {"read", "written"}, and ``"handed to <op>"`` for each op type whose use of it is unknown.
            Freezing can replace a variable that is read alone.
        """
        return self._follow(self._main, [(node.name, 0)], reference=node.op != "VarHandleOp")

    def _follow(self, users: _Users, tensors: list[tuple[str, int | None]], *, reference: bool = False) -> set[str]:
        """``tensors`` are (node or argument, output index); None stands for every output."""
        uses: set[str] = set()
        seen = set(tensors)
        todo = list(tensors)
        origin = tensors[0][0]
        while todo:
            name, output = todo.pop()
            for node, position, index in users.of.get(name, ()):
                if output is not None and index != output:
                    continue
                if node is not None and node.op in ("Merge", "RefMerge") and not users.come_from(node, origin):
                    uses.add(f"handed to {node.op}")
                    continue
                use, forwarded = self._use_reference(node, position) if reference else self._use(node, position)
                uses |= use
                for target in forwarded:
                    if target not in seen:
                        seen.add(target)
                        todo.append(target)
        return uses

    def _use_reference(self, node: Any, position: int) -> tuple[set[str], list[tuple[str, int | None]]]:
        """Ops without "Ref" arguments take a reference for a value."""
        if node.op in FORWARDS and node.op.startswith("Ref"):
            return set(), [(node.name, 0 if "Merge" in node.op else None)]
        if node.op in _WRITES_ONLY and position == 0:
            return {"written"}, []
        if node.op in READERS or (definition := op_def(node)) is None:
            return {"read"}, []
        return ({"read", "written"} if _takes_reference(definition, position) else {"read"}), []

    def _use(self, node: Any, position: int) -> tuple[set[str], list[tuple[str, int | None]]]:
        if node is None:  # A function returns it; only the callers below know what to do with it.
            return {"returned"}, []
        if node.op in _READS and position == 0:
            return {"read"}, []
        if node.op in _WRITES_ONLY and position == 0:
            return {"written"}, []
        if node.op in FORWARDS:
            return set(), [(node.name, 0 if "Merge" in node.op else None)]
        if node.op == "IdentityN":
            return set(), [(node.name, position)]
        if node.op in WHILES:
            body = node.attr["body"].func.name
            uses = self._argument(body, position) | self._argument(node.attr["cond"].func.name, position)
            if not self._is_handed_on(body, position):
                uses = uses | {f"handed to {node.op}"}
            return uses - {"returned"}, [(node.name, position)]
        if node.op in CALLS:
            return _returned_is_written(self._argument(node.attr["f"].func.name, position), node), []
        if node.op in BRANCHES and position > 0:
            names = [reference.name for reference in references_in(node.attr)]
            uses = set().union(*(self._argument(name, position - 1) for name in names))
            return _returned_is_written(uses, node), []
        definition = op_def(node)
        if definition is not None and _takes_resource(definition, position):
            return {"read", "written"}, []
        return {"read", f"handed to {node.op}"}, []

    def _argument(self, function: str, position: int) -> set[str]:
        key = (function, position)
        if key not in self._known:
            self._known[key] = set()
            users = self._body(function)
            if users is None or position >= len(self._library[function].signature.input_arg):
                self._known[key] = {"read", f"handed to {function}"}
            else:
                argument = self._library[function].signature.input_arg[position].name
                self._known[key] = self._follow(users, [(argument, 0)])
        return self._known[key]

    def _body(self, function: str) -> _Users | None:
        body = self._library.get(function)
        if body is not None and function not in self._functions:
            self._functions[function] = _Users(body.node_def, body.ret.values())
        return self._functions.get(function)

    def _is_handed_on(self, function: str, position: int) -> bool:
        """Whether a loop's body returns its argument at ``position`` in the same place, and nowhere else."""
        users = self._body(function)
        if users is None:
            return False
        body = self._library[function]
        argument = body.signature.input_arg[position].name
        results = [body.ret[result.name] for result in body.signature.output_arg]
        return [index for index, tensor in enumerate(results) if users.origin(tensor) == argument] == [position]


class _Users:
    """The users of each tensor in the graph or a function.

    Attributes:
        of: For each node or argument, ``(node, input position, output index)`` of its users; a node of None returns it.
    """

    def __init__(self, nodes: Any, returned: Any = ()) -> None:
        self.of: Any = defaultdict(list)
        self._nodes = {node.name: node for node in nodes}
        for node in nodes:
            for position, tensor in enumerate(node.input):
                if not tensor.startswith("^"):
                    self.of[node_of(tensor)].append((node, position, index_of(tensor)))
        for tensor in returned:
            self.of[node_of(tensor)].append((None, 0, index_of(tensor)))

    def origin(self, tensor: str) -> str:
        """The node or argument whose output ``tensor`` hands on."""
        while True:
            node = self._nodes.get(node_of(tensor))
            if node is not None and node.op in FORWARDS and "Merge" not in node.op:
                tensor = node.input[0]
            elif node is not None and (node.op in WHILES or node.op == "IdentityN"):
                tensor = node.input[index_of(tensor)]
            else:
                return node_of(tensor)

    def come_from(self, merge: Any, origin: str) -> bool:
        """Whether all that a Merge may hand on is the tensor that ``origin`` makes."""
        seen: set[str] = set()
        todo = [merge.name]
        while todo:
            name = todo.pop()
            if name in seen or name == origin:
                continue
            seen.add(name)
            node = self._nodes.get(name)
            if node is None or node.op not in FORWARDS:
                return False
            todo.extend(
                node_of(tensor) for tensor in node.input[: None if "Merge" in node.op else 1] if tensor[0] != "^"
            )
        return True


def _returned_is_written(uses: set[str], node: Any) -> set[str]:
    return uses - {"returned"} | ({"read", f"handed to {node.op}"} if "returned" in uses else set())


def _takes_reference(definition: Any, position: int) -> bool:
    """Whether an op may take its input at ``position`` as a reference."""
    arguments = definition.input_arg
    if any(argument.number_attr or argument.type_list_attr for argument in arguments[: position + 1]):
        return any(argument.is_ref for argument in arguments)
    return position >= len(arguments) or bool(arguments[position].is_ref)


def _takes_resource(definition: Any, position: int) -> bool:
    """Whether an op is defined to take a resource at ``position``."""
    from tensorflow.core.framework import types_pb2

    arguments = definition.input_arg
    if any(argument.number_attr or argument.type_list_attr for argument in arguments[: position + 1]):
        return False
    return position < len(arguments) and bool(arguments[position].type == types_pb2.DT_RESOURCE)
