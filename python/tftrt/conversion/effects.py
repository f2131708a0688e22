"""The effects of a signature: writes, insertions, checks and prints, which no pass may lose.

TensorFlow runs all effects of a function whatever is asked of its results. Grappler inlines the function and then
takes its node apart, result by result, so that a result alone no longer waits for the effects.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Any

from .graphs import is_handle, node_of, op_def, references_in, unused_name
from .readers import FORWARDS, READERS

_NAME = "effects"
_HARMLESS = frozenset(READERS) | {
    "LookupTableExport",
    "LookupTableExportV2",
    "LookupTableFind",
    "LookupTableFindV2",
    "LookupTableSize",
    "LookupTableSizeV2",
    "TRTEngineOp",
}
_BACK = frozenset({"NextIteration", "RefNextIteration"})
_HARMLESS_FAMILIES = ("TensorArray", "Stack", "Anonymous")


@dataclass
class Effects:
    """The effects of a signature's outputs.

    Attributes:
        outputs: For each output's node, the NoOp that waits for its effects.
        free: The outputs' nodes without effects.
        waits: For each NoOp, the nodes that it waits for.
        order: For each node with an effect or state, those that it runs after.
    """

    outputs: dict[str, str] = field(default_factory=dict)
    free: list[str] = field(default_factory=list)
    waits: dict[str, list[str]] = field(default_factory=dict)
    order: dict[str, list[str]] = field(default_factory=dict)

    @property
    def names(self) -> list[str]:
        """The NoOps, which passes must keep."""
        return list(self.waits)

    def repair(self, graph: Any) -> None:
        """Restore the direct edges, in place.

        Grappler drops an edge if another path has the same order, and in the same pass may drop that path.
        """
        _add_waits(graph, self.waits)
        _add_waits(graph, self.order)

    def attach(self, graph: Any) -> None:
        """Make every output wait for its effects, and keep their order by direct edges, in place."""
        self.repair(graph)
        _add_waits(graph, {output: [name] for output, name in self.outputs.items()})


def note_effects(graph: Any, outputs: list[str]) -> Effects:
    """Find the effects that each of the nodes ``outputs`` waits for, and add the NoOps that stand for them.

    Args:
        graph: A graph with its calls inlined. Nodes in a branch or loop of TF1 may not run: a node behind it stands
            for their effects.
        outputs: The outputs' nodes, made by tftrt.
    """
    effects = Effects()
    nodes = {node.name: node for node in graph.node}
    library = {function.signature.name: function for function in graph.library.function}
    known: dict[str, bool] = {}
    found = {node.name for node in graph.node if _has_effect(node, library, known)}
    if not found:
        return effects
    always = _always_runs(nodes)
    users = _users(nodes)
    names: dict[tuple[str, ...], str] = {}
    for output in outputs:
        needed = _fan_in(nodes, output) - {output}
        waits = tuple(sorted(_behind(found & needed, needed, users, always)))
        if waits:
            if waits not in names:
                names[waits] = unused_name(_NAME, nodes)
                nodes[names[waits]] = graph.node.add(name=names[waits], op="NoOp", input=[f"^{wait}" for wait in waits])
                effects.waits[names[waits]] = list(waits)
            effects.outputs[output] = names[waits]
        else:
            effects.free.append(output)
    effects.order = _order(graph, found)
    return effects


def name_effects(graph: Any) -> None:
    """Make the effects of every function its control outputs, in place, unless it has control outputs.

    Functions of TensorFlow 1 have none. Where TensorFlow lowers a branch or inlines a call of such a function, only
    the nodes behind its results run, and a pass may have cut the results off.
    """
    library = {function.signature.name: function for function in graph.library.function}
    known: dict[str, bool] = {}
    for function in graph.library.function:
        if function.control_ret:
            continue
        names: set[str] = set()
        for node in function.node_def:
            if _has_effect(node, library, known):
                name = unused_name(re.sub(r"[^A-Za-z0-9_]", "_", node.name), names)
                names.add(name)
                function.control_ret[name] = node.name
                function.signature.control_output.append(name)


def lowered_effects(graph: Any, effects: Effects) -> Effects:
    """The effects of ``graph``, in which functional loops and branches have become those of TensorFlow 1.

    Lowering makes other nodes of an If or While, and lets those that waited for it wait for one of them.
    """
    nodes = {node.name: node for node in graph.node}
    renewed = Effects(dict(effects.outputs), list(effects.free))
    for name, waits in effects.waits.items():
        needed = _fan_in(nodes, name)
        lost = [
            wait for wait in waits if wait not in needed and not any(node.startswith(f"{wait}/") for node in needed)
        ]
        renewed.waits[name] = _befores(nodes[name], nodes) + lost if name in nodes else waits
    library = {function.signature.name: function for function in graph.library.function}
    known: dict[str, bool] = {}
    renewed.order = _order(graph, {node.name for node in graph.node if _has_effect(node, library, known)})
    return renewed


def effect_classes(graph: Any, effects: Effects) -> dict[str, int]:
    """Numbers for the nodes of ``graph``: equal ones for nodes that run after the same effects.

    An output that needs a node of an engine runs all effects that the engine waits for. Where outputs have different
    effects, as TensorFlow 1 allows, nodes of different classes must not be in one engine. Otherwise there are none.
    """
    if not effects.waits or (len(effects.waits) == 1 and not effects.free):
        return {}
    found = {wait for waits in effects.waits.values() for wait in waits}
    nodes = {node.name: node for node in graph.node}
    behind: dict[str, frozenset[str]] = {}
    for name in _inputs_first(nodes):
        before = [behind[node_of(tensor)] for tensor in nodes[name].input if node_of(tensor) in behind]
        own = frozenset([name]) if name in found else frozenset()
        behind[name] = own.union(*before)
    numbers: dict[frozenset[str], int] = {}
    return {name: numbers.setdefault(behind[name], len(numbers)) for name in sorted(behind)}


def lost_effects(graph: Any, effects: Effects) -> list[tuple[str, str]]:
    """The ``(NoOp, node)`` pairs of which the first no longer waits for the second."""
    nodes = {node.name: node for node in graph.node}
    lost: list[tuple[str, str]] = []
    for name, waits in effects.waits.items():
        needed = _fan_in(nodes, name) if name in nodes else set()
        lost.extend((name, wait) for wait in waits if wait not in needed)
    return lost


def _add_waits(graph: Any, waits: dict[str, list[str]]) -> None:
    nodes = {node.name: node for node in graph.node}
    for name, befores in waits.items():
        if name in nodes:
            known = set(nodes[name].input)
            nodes[name].input.extend(f"^{b}" for b in befores if b in nodes and f"^{b}" not in known)


def _has_effect(node: Any, library: dict[str, Any], known: dict[str, bool]) -> bool:
    if node.op in library:
        return _function_has_effect(node.op, library, known)
    definition = op_def(node)
    if definition is None:
        return True
    if node.op in _HARMLESS or node.op.startswith(_HARMLESS_FAMILIES) or is_handle(node):
        return False
    if any(argument.is_ref for argument in definition.input_arg):
        return node.op not in FORWARDS
    functions = [reference.name for reference in references_in(node.attr) if reference.name in library]
    if functions:
        return any([_function_has_effect(name, library, known) for name in functions])
    return bool(definition.is_stateful)


def _function_has_effect(name: str, library: dict[str, Any], known: dict[str, bool]) -> bool:
    if name not in known:
        known[name] = False
        known[name] = any([_has_effect(node, library, known) for node in library[name].node_def])
    return known[name]


def _order(graph: Any, found: set[str]) -> dict[str, list[str]]:
    """For each node with an effect or state, those that it waits for."""
    nodes = {node.name: node for node in graph.node}
    order = {
        node.name: _befores(node, nodes)
        for node in graph.node
        if node.name in found or node.op in READERS or _is_stateful(node)
    }
    return {name: befores for name, befores in order.items() if befores}


def _is_stateful(node: Any) -> bool:
    definition = op_def(node)
    return definition is not None and bool(definition.is_stateful)


def _befores(node: Any, nodes: dict[str, Any]) -> list[str]:
    """The nodes that ``node`` waits for without taking anything of theirs, seen through NoOps."""
    befores: dict[str, None] = {}
    todo = [tensor for tensor in node.input if tensor.startswith("^")]
    seen = set()
    while todo:
        name = node_of(todo.pop())
        before = nodes.get(name)
        if before is None or name in seen:
            continue
        seen.add(name)
        if before.op == "NoOp":
            todo.extend(before.input)
        elif before.op != "Const":
            befores[name] = None
    return sorted(befores)


def _fan_in(nodes: dict[str, Any], root: str) -> set[str]:
    found: set[str] = set()
    todo = [root]
    while todo:
        name = todo.pop()
        if name in nodes and name not in found:
            found.add(name)
            todo.extend(node_of(tensor) for tensor in nodes[name].input)
    return found


def _users(nodes: dict[str, Any]) -> dict[str, list[str]]:
    users: dict[str, list[str]] = {}
    for node in nodes.values():
        for tensor in node.input:
            users.setdefault(node_of(tensor), []).append(node.name)
    return users


def _behind(found: set[str], needed: set[str], users: dict[str, list[str]], always: dict[str, bool]) -> set[str]:
    """The effects ``found``, or for those that may not run the first nodes behind them that always do."""
    result: set[str] = set()
    for effect in found:
        todo, seen = [effect], {effect}
        while todo:
            name = todo.pop()
            if always[name]:
                result.add(name)
                continue
            for user in users.get(name, ()):
                if user in needed and user not in seen:
                    seen.add(user)
                    todo.append(user)
    return result


def _always_runs(nodes: dict[str, Any]) -> dict[str, bool]:
    """Whether each node runs exactly once, outside the branches and loops of TF1."""
    contexts: dict[str, tuple[tuple[str, ...], frozenset[tuple[int, str, int]]]] = {}
    for name in _inputs_first(nodes):
        node = nodes[name]
        inputs = [
            _after_switch(contexts[node_of(tensor)], nodes[node_of(tensor)], tensor)
            for tensor in node.input
            if node_of(tensor) in contexts and nodes[node_of(tensor)].op not in _BACK
        ]
        frames = max((frames for frames, _ in inputs), key=len, default=())
        conditions = frozenset().union(*(conditions for _, conditions in inputs))
        if node.op in ("Merge", "RefMerge") and inputs:
            conditions = frozenset.intersection(*(conditions for _, conditions in inputs))
        elif node.op in ("Enter", "RefEnter"):
            frames = (*frames, node.attr["frame_name"].s.decode())
        elif node.op in ("Exit", "RefExit"):
            conditions = frozenset(condition for condition in conditions if condition[0] < len(frames))
            frames = frames[:-1]
        contexts[name] = frames, conditions
    return {name: contexts[name] == ((), frozenset()) and node.op not in _BACK for name, node in nodes.items()}


def _after_switch(context: Any, node: Any, tensor: str) -> Any:
    frames, conditions = context
    if node.op in ("Switch", "RefSwitch") and not tensor.startswith("^"):
        side = 1 if tensor.endswith(":1") else 0
        return frames, conditions | {(len(frames), node.input[1], side)}
    return context


def _inputs_first(nodes: dict[str, Any]) -> list[str]:
    """Nodes after their inputs, but for the edges with which loops of TF1 begin anew."""
    order: dict[str, None] = {}
    visiting: set[str] = set()
    todo = [(name, False) for name in nodes]
    while todo:
        name, done = todo.pop()
        if done:
            order[name] = None
        elif name not in visiting:
            visiting.add(name)
            todo.append((name, True))
            node = nodes[name]
            if node.op not in _BACK:
                inputs = (node_of(tensor) for tensor in node.input)
                todo.extend((tensor, False) for tensor in inputs if tensor in nodes)
    return list(order)
