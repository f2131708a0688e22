"""Variables become constants."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import tensorflow as tf

from ..errors import ModelError
from .causes import cause_of
from .graphs import BRANCHES, CALLS, WHILES, op_def, references_in
from .readers import FORWARDS, READERS, WITH_CONSTANTS, forward_value, rewrite_reader


def freeze(graph: Any, values: dict[str, Any]) -> None:
    """Replace the variables named in ``values`` by constants, in the graph and the functions it calls, in place.

    Their readers are rewritten to take values; :class:`tftrt.conversion.state.ResourceUse` says which variables have
    no other users.
    """
    if not values:
        return
    freezer = _Freezer(graph)
    handles: dict[str, _Value] = {}
    for node in graph.node:
        if node.name in values:
            value = tf.make_tensor_proto(values[node.name], tf.as_dtype(node.attr["dtype"].type))
            reference = node.op != "VarHandleOp"
            for key in list(node.attr):
                del node.attr[key]
            node.op = "Const"
            node.attr["dtype"].type = value.dtype
            node.attr["value"].tensor.CopyFrom(value)
            shape = value.tensor_shape.SerializeToString(deterministic=True)
            handles[f"{node.name}:0"] = _Value(value.dtype, shape, reference=reference)
    _Body(freezer, graph.node, {}, in_function=False).rewrite(handles)


def add_reads(graph: Any, nodes: Iterable[Any]) -> dict[str, Any]:
    """Add to a tf.Graph a tensor with the value of each variable in ``nodes``; by the variables' names."""
    reads = {}
    with graph.as_default():
        for node in nodes:
            handle = graph.get_tensor_by_name(f"{node.name}:0")
            if node.op == "VarHandleOp":
                dtype = tf.as_dtype(node.attr["dtype"].type)
                reads[node.name] = tf.raw_ops.ReadVariableOp(resource=handle, dtype=dtype)
            else:
                reads[node.name] = handle
    return reads


def read_values(session: Any, reads: dict[str, Any], names: Iterable[str]) -> dict[str, Any]:
    """The values of the variables ``names``.

    Raises:
        ModelError: A variable has no value: the checkpoint does not hold it.
    """
    wanted = {name: reads[name] for name in names}
    try:
        return dict(session.run(wanted)) if wanted else {}
    except tf.errors.OpError as error:
        raise ModelError(
            f"expected a value for every variable that the signatures read, found: {cause_of(error)} "
            "Export the model with its variables initialised."
        ) from error


@dataclass(frozen=True)
class _Value:
    """A value in the place of a handle or a reference.

    Attributes:
        dtype: Its type.
        shape: Its shape, a serialised TensorShapeProto.
        reference: Whether it was a reference, which ops take for a value anyway.
        nested: Whether it has gone into a TF1 loop or branch.
    """

    dtype: int
    shape: bytes
    reference: bool = False
    nested: bool = False


class _Freezer:
    """Makes the functions for calls that pass values where they passed handles."""

    def __init__(self, graph: Any) -> None:
        self._graph = graph
        self._library = {function.signature.name: function for function in graph.library.function}
        self._made: dict[tuple[str, tuple[tuple[int, _Value], ...]], str] = {}

    def specialise(self, name: str, arguments: dict[int, _Value]) -> str:
        """The function ``name`` with values for the handles at the positions of ``arguments``."""
        key = (name, tuple(sorted(arguments.items(), key=lambda pair: pair[0])))
        if key not in self._made:
            function = type(self._library[name])()
            function.CopyFrom(self._library[name])
            function.signature.name = self._made[key] = self._unused(name)
            self._library[function.signature.name] = function
            handles = {}
            function.attr.pop("_input_shapes", None)  # Those of handles.
            for position, value in arguments.items():
                argument = function.signature.input_arg[position]
                argument.type = value.dtype
                argument.ClearField("handle_data")
                function.arg_attr.pop(position, None)
                function.resource_arg_unique_id.pop(position, None)
                handles[argument.name] = value
            held = _Body(self, function.node_def, function.ret, in_function=True).rewrite(handles)
            for result in function.signature.output_arg:
                if function.ret[result.name] in held:
                    result.type = held[function.ret[result.name]].dtype
                    result.ClearField("handle_data")
            self._graph.library.function.append(function)
        return self._made[key]

    def _unused(self, name: str) -> str:
        number = 0
        while f"{name}_frozen_{number}" in self._library:
            number += 1
        return f"{name}_frozen_{number}"


class _Body:
    """The nodes of the graph or of a function; in a function, tensors are named by output arguments."""

    def __init__(self, freezer: _Freezer, nodes: Any, results: Any, *, in_function: bool) -> None:
        self._freezer = freezer
        self._nodes = nodes
        self._results = results
        self._in_function = in_function
        self._names = {node.name for node in nodes}
        self._users: dict[str, list[tuple[Any, int]]] = defaultdict(list)
        for node in nodes:
            for position, tensor in enumerate(node.input):
                if not tensor.startswith("^"):
                    self._users[self._canonical(tensor)].append((node, position))

    def rewrite(self, handles: dict[str, _Value]) -> dict[str, _Value]:
        """Rewrite the users of ``handles``, which are values now; returns every tensor that is one now."""
        held = dict(handles)
        todo = list(handles)
        calls: dict[str, tuple[Any, dict[int, _Value]]] = {}
        while todo:
            tensor = todo.pop()
            for node, position in self._users[tensor]:
                for target, value in self._use(node, position, held[tensor], calls):
                    if target not in held:
                        held[target] = value
                        todo.append(target)
        for node, arguments in calls.values():
            self._call(node, arguments)
        return held

    def _use(
        self, node: Any, position: int, value: _Value, calls: dict[str, tuple[Any, dict[int, _Value]]]
    ) -> list[tuple[str, _Value]]:
        """Rewrite one user; the tensors that it hands the value on with."""
        if value.reference and not node.op.startswith("Ref") and node.op not in READERS:
            return []  # It takes the reference for a value anyway.
        if node.op in FORWARDS:
            forward_value(node, value.dtype)
            node.attr.pop("_output_shapes", None)
            nested = value.nested or node.op in ("Enter", "Switch")
            after = _Value(value.dtype, value.shape, value.reference, nested)
            return [(tensor, after) for tensor in self._outputs(node)]
        if node.op == "IdentityN":
            node.attr["T"].list.type[position] = value.dtype
            node.attr.pop("_output_shapes", None)
            return [(self._listed(node, position), value)]
        if node.op in READERS and position == 0:
            before = self._first_output(node)
            place = self._place(node, value.dtype) if value.nested and node.op in WITH_CONSTANTS else ""
            output = rewrite_reader(node, value.dtype, self._constants_beside(node, place), place)
            if self._in_function and output is not None:
                self._rename(before, f"{node.name}:{output}:0")
            return []
        if node.op in WHILES | BRANCHES | CALLS:
            calls.setdefault(node.name, (node, {}))[1][position] = value
            return [(self._listed(node, position), value)] if node.op in WHILES else []
        return []

    def _call(self, node: Any, arguments: dict[int, _Value]) -> None:
        offset = 1 if node.op in BRANCHES else 0
        types = node.attr["T" if node.op in WHILES else "Tin"].list.type
        for position, value in arguments.items():
            types[position - offset] = value.dtype
        for attr in ("output_shapes", "_output_shapes"):
            shapes = node.attr[attr].list.shape if node.op in WHILES and attr in node.attr else ()
            for position, value in arguments.items():
                if position < len(shapes):
                    shapes[position].ParseFromString(value.shape)
        inner = {position - offset: value for position, value in arguments.items()}
        inner = {position: _Value(value.dtype, value.shape) for position, value in inner.items()}
        for reference in references_in(node.attr):
            reference.name = self._freezer.specialise(reference.name, inner)

    def _place(self, node: Any, dtype: int) -> str:
        """A node that runs where ``node`` runs: in the same turn of a loop, on the same side of a branch.

        A constant that waits for a Switch itself would be on both sides. Two sides that share a constant end up in one
        engine, which then never runs.
        """
        name = self._unused(f"{node.name}/place")
        place = self._nodes.add(name=name, op="Identity", input=[node.input[0]])
        place.attr["T"].type = dtype
        return name

    def _unused(self, name: str) -> str:
        while name in self._names:
            name += "_"
        self._names.add(name)
        return name

    def _constants_beside(self, node: Any, place: str) -> Any:
        def add(end: str, tensor: Any) -> str:
            name = self._unused(f"{node.name}/{end}")
            constant = self._nodes.add(name=name, op="Const")
            constant.attr["dtype"].type = tensor.dtype
            constant.attr["value"].tensor.CopyFrom(tensor)
            if place:
                constant.input.append(f"^{place}")
            return f"{name}:output:0" if self._in_function else name

        return add

    def _canonical(self, tensor: str) -> str:
        return tensor if self._in_function or ":" in tensor else f"{tensor}:0"

    def _outputs(self, node: Any) -> list[str]:
        """The tensors with which a node of the types FORWARDS hands its input on."""
        if node.op == "Switch":
            ends = ["output_false:0", "output_true:0"] if self._in_function else ["0", "1"]
        else:
            ends = ["output:0"] if self._in_function else ["0"]
        return [f"{node.name}:{end}" for end in ends]

    def _listed(self, node: Any, position: int) -> str:
        return f"{node.name}:output:{position}" if self._in_function else f"{node.name}:{position}"

    def _first_output(self, node: Any) -> str:
        arguments = op_def(node).output_arg
        return f"{node.name}:{arguments[0].name}:0" if arguments else ""

    def _rename(self, old: str, new: str) -> None:
        for node, position in self._users.get(old, ()):
            node.input[position] = new
        for result, tensor in self._results.items():
            if tensor == old:
                self._results[result] = new
