"""One order for what TF-TRT's pass orders by chance.

The pass numbers engines, and their inputs and outputs, in the order of sets of pointers: two runs over one
model differ. In one order, a model always converts to the same bytes, and equal segments of two signatures
are found equal.
"""

from __future__ import annotations

from typing import Any

from .graphs import index_of, node_of


def order_engines(graph: Any) -> None:
    """Renumber the engines of ``graph``, their inputs and outputs by the names of tensors, in place."""
    library = {function.signature.name: function for function in graph.library.function}
    engines = {node.name: library[node.attr["segment_func"].func.name] for node in graph.node if _is_engine(node)}
    outputs = {name: _results(function) for name, function in engines.items()}
    positions = {name: _order(results) for name, results in outputs.items()}
    ranked = sorted(engines, key=lambda name: sorted(outputs[name]))
    names = {name: f"TRTEngineOp_{rank:03}" for rank, name in enumerate(ranked)}

    def source(tensor: str) -> str:
        """The tensor's name as it was before segmentation."""
        name = node_of(tensor)
        return f"{outputs[name][index_of(tensor)]}" if name in outputs else tensor

    for node in graph.node:
        if _is_engine(node):
            _order_inputs(node, engines[node.name], [source(tensor) for tensor in _data(node)])
            _order_outputs(node, engines[node.name], positions[node.name])
    for node in graph.node:
        for index, tensor in enumerate(node.input):
            name = node_of(tensor)
            if name in engines:
                if tensor.startswith("^"):
                    node.input[index] = f"^{names[name]}"
                else:
                    node.input[index] = f"{names[name]}:{positions[name].index(index_of(tensor))}"
        count = len(_data(node))
        node.input[count:] = sorted(node.input[count:])
    for node in graph.node:
        if _is_engine(node):
            function = engines[node.name]
            node.name = names[node.name]
            function.signature.name = f"{node.name}_native_segment"
            node.attr["segment_func"].func.name = function.signature.name
    _sort(graph.node)
    for function in graph.library.function:
        _sort(function.node_def)
    graph.library.function.sort(key=lambda function: str(function.signature.name))


def _is_engine(node: Any) -> bool:
    return bool(node.op == "TRTEngineOp")


def _data(node: Any) -> list[str]:
    return [tensor for tensor in node.input if not tensor.startswith("^")]


def _results(function: Any) -> list[str]:
    return [function.ret[argument.name] for argument in function.signature.output_arg]


def _order(keys: list[str]) -> list[int]:
    return sorted(range(len(keys)), key=lambda position: keys[position])


def _order_inputs(node: Any, function: Any, keys: list[str]) -> None:
    order = _order(keys)
    count = len(keys)
    node.input[:count] = [node.input[old] for old in order]
    _permute(node.attr["InT"].list.type, order)
    _permute_messages(node.attr["input_shapes"].list.shape, order)
    arguments = function.signature.input_arg
    # TF-TRT finds an engine's bindings by these numbered names.
    numbered = [argument.name for argument in arguments]
    new_names = {numbered[old]: numbered[new] for new, old in enumerate(order)}
    attrs = {new: _copy(function.arg_attr[old]) for new, old in enumerate(order) if old in function.arg_attr}
    _permute_messages(arguments, order)
    for position, argument in enumerate(arguments):
        argument.name = numbered[position]
    function.arg_attr.clear()
    for position, attr in attrs.items():
        function.arg_attr[position].CopyFrom(attr)
    for inner in function.node_def:
        # Arguments are there before anything in the function runs: nothing needs to wait for one.
        kept = [tensor for tensor in inner.input if not tensor.startswith("^") or tensor[1:] not in new_names]
        inner.input[:] = [new_names.get(tensor, tensor) for tensor in kept]
    for name, tensor in function.ret.items():
        function.ret[name] = new_names.get(tensor, tensor)


def _order_outputs(node: Any, function: Any, order: list[int]) -> None:
    _permute(node.attr["OutT"].list.type, order)
    _permute_messages(node.attr["output_shapes"].list.shape, order)
    results = _results(function)
    arguments = function.signature.output_arg
    numbered = [argument.name for argument in arguments]
    _permute_messages(arguments, order)
    for position, argument in enumerate(arguments):
        argument.name = numbered[position]
        function.ret[argument.name] = results[order[position]]


def _permute(values: Any, order: list[int]) -> None:
    if len(values) == len(order):
        values[:] = [values[old] for old in order]


def _permute_messages(messages: Any, order: list[int]) -> None:
    if len(messages) == len(order):
        permuted = [_copy(messages[old]) for old in order]
        del messages[:]
        messages.extend(permuted)


def _sort(nodes: Any) -> None:
    nodes.sort(key=lambda node: node.name)


def _copy(message: Any) -> Any:
    copy = type(message)()
    copy.CopyFrom(message)
    return copy
