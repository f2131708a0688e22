"""Constants that functional loops and branches capture, moved into their bodies."""

from __future__ import annotations

from typing import Any

from tensorflow.core.framework import types_pb2

from .graphs import BRANCHES, WHILES, node_of


def sink_constants(graph: Any) -> None:
    """Let loop and branch functions hold the constants that are passed to them, in place.

    Freezing turns a captured variable into a loop variable with a constant start. TF-TRT needs many weights
    as constants, and does not look through a loop's variables.
    """
    library = {function.signature.name: function for function in graph.library.function}
    _Sinker(graph, library).visit(graph.node, None)


class _Sinker:
    def __init__(self, graph: Any, library: dict[str, Any]) -> None:
        self._graph = graph
        self._library = library

    def visit(self, nodes: Any, owner: Any) -> None:
        """Treat the loops and branches among ``nodes``: the main graph's, or the function ``owner``'s."""
        constants = _constants(nodes)
        for node in list(nodes):
            if node.op in WHILES:
                self._sink(node, ("cond", "body"), 0, constants, nodes, owner)
            elif node.op in BRANCHES and "then_branch" in node.attr:
                self._sink(node, ("then_branch", "else_branch"), 1, constants, nodes, owner)

    def _sink(self, node: Any, attrs: tuple[str, ...], offset: int, constants: Any, nodes: Any, owner: Any) -> None:
        if any(node.attr[attr].func.name not in self._library for attr in attrs):
            return
        functions = [self._copy(node.attr[attr].func) for attr in attrs]
        for position in range(offset, len(node.input)):
            constant = constants.get(node_of(node.input[position]))
            if constant is None or node.input[position].startswith("^"):
                continue
            argument = position - offset
            if node.op in WHILES and not _is_invariant(functions[1], argument):
                continue
            for function in functions:
                is_body = node.op in WHILES and function is functions[1]
                _replace_argument(function, argument, constant, handed_on=is_body)
            if node.op in BRANCHES or not _output_used(node.name, argument, nodes, owner):
                node.input[position] = _dummy(constant, nodes, owner is not None)
                _forget_shape(node, argument)
        for function in functions:
            self.visit(function.node_def, function)

    def _copy(self, reference: Any) -> Any:
        """A copy of a function for one call alone."""
        name, number = reference.name, 0
        while name in self._library:
            number += 1
            name = f"{reference.name}_{number}"
        function = self._graph.library.function.add()
        function.CopyFrom(self._library[reference.name])
        function.signature.name = name
        function.attr.pop("_input_shapes", None)
        self._library[name] = function
        reference.name = name
        return function


def _constants(nodes: Any) -> dict[str, Any]:
    """The numeric constants among ``nodes``, also under the names of the Identity nodes that hand them on."""
    by_name = {node.name: node for node in nodes}
    constants: dict[str, Any] = {}
    for node in nodes:
        origin = node
        while origin.op == "Identity" and node_of(origin.input[0]) in by_name:
            origin = by_name[node_of(origin.input[0])]
        if origin.op == "Const" and not origin.input and origin.attr["dtype"].type != types_pb2.DT_STRING:
            constants[node.name] = origin
    return constants


def _is_invariant(body: Any, position: int) -> bool:
    """Whether a loop's body returns its argument ``position`` as it came."""
    nodes = {node.name: node for node in body.node_def}
    tensor = body.ret[body.signature.output_arg[position].name]
    while node_of(tensor) in nodes and nodes[node_of(tensor)].op == "Identity":
        tensor = nodes[node_of(tensor)].input[0]
    return node_of(tensor) not in nodes and tensor == body.signature.input_arg[position].name


def _replace_argument(function: Any, position: int, constant: Any, *, handed_on: bool) -> None:
    """Let a function hold ``constant`` rather than take it; a loop's body still hands the argument on in its place."""
    argument = function.signature.input_arg[position].name
    own = function.signature.output_arg[position].name if handed_on else ""
    if own:
        function.ret[own] = argument
    users = [
        (node, index) for node in function.node_def for index, tensor in enumerate(node.input) if tensor == argument
    ]
    results = [name for name, tensor in function.ret.items() if tensor == argument and name != own]
    if not users and not results:
        return
    function.arg_attr.pop(position, None)
    node = function.node_def.add()
    node.CopyFrom(constant)
    node.name = _unused(f"{argument}_constant", function)
    for user, index in users:
        user.input[index] = f"{node.name}:output:0"
    for result in results:
        function.ret[result] = f"{node.name}:output:0"


def _output_used(name: str, position: int, nodes: Any, owner: Any) -> bool:
    """Whether anything takes output ``position`` of a loop."""
    tensors = {f"{name}:{position}" if owner is None else f"{name}:output:{position}"}
    if position == 0 and owner is None:
        tensors.add(name)
    if owner is not None and tensors & set(owner.ret.values()):
        return True
    return any(tensor in tensors for node in nodes for tensor in node.input)


def _dummy(constant: Any, nodes: Any, in_function: bool) -> str:
    """A scalar of the constant's type, in the place of an input that nothing reads any more."""
    dtype = constant.attr["dtype"].type
    name = f"unused_{dtype}"
    taken = {node.name for node in nodes}
    if name not in taken:
        node = nodes.add(name=name, op="Const")
        node.attr["dtype"].type = dtype
        node.attr["value"].tensor.dtype = dtype
        node.attr["value"].tensor.tensor_shape.SetInParent()
    return f"{name}:output:0" if in_function else name


def _forget_shape(node: Any, position: int) -> None:
    for attr in ("output_shapes", "_output_shapes"):
        shapes = node.attr[attr].list.shape if attr in node.attr else ()
        if node.op in WHILES and position < len(shapes):
            shapes[position].Clear()
            shapes[position].unknown_rank = True


def _unused(name: str, function: Any) -> str:
    taken = {node.name for node in function.node_def} | {argument.name for argument in function.signature.input_arg}
    while name in taken:
        name += "_"
    return name
