"""Ops of a model that do not run everywhere."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from tensorflow.python.framework import kernels

from .graphs import bodies, node_of, reachable_functions

_PYTHON = frozenset({"PyFunc", "PyFuncStateless", "EagerPyFunc"})
_ENGINE = "TRTEngineOp"  # tftrt has the kernel


def explain_needs(graphs: Iterable[Any]) -> list[str]:
    """Sentences on ops that do not run everywhere: those that call Python, and those without a CPU kernel."""
    found: dict[str, str] = {}
    for graph in graphs:
        library = {function.signature.name for function in graph.library.function}
        for nodes in bodies(graph):
            for node in nodes:
                if node.op not in library:
                    found.setdefault(node.op, node.name)
    runs = _Kernels()
    notes = []
    for op, name in sorted(found.items()):
        if op in _PYTHON:
            notes.append(
                f"the op {op} (node {name!r}) calls a Python function: the model runs only in the process that made it"
            )
        elif not runs[op]:
            notes.append(f"the op {op} (node {name!r}) has no kernel for CPUs: the model needs a GPU")
    return notes


def nodes_without_kernel(graph: Any) -> dict[str, str]:
    """The nodes of a graph that this process cannot run on a CPU, and those that need them; each with the op."""
    library = {function.signature.name: function for function in graph.library.function}
    runs = _Kernels()
    lacking = {}
    for name, function in library.items():
        for node in function.node_def:
            if node.op not in library and not runs[node.op]:
                lacking[name] = node.op
    found: dict[str, str] = {}
    users: dict[str, list[str]] = {}
    for node in graph.node:
        for tensor in node.input:
            users.setdefault(node_of(tensor), []).append(node.name)
        called = [lacking[name] for name in reachable_functions([node], library) if name in lacking]
        if called or (node.op not in library and not runs[node.op]):
            found[node.name] = called[0] if called else node.op
    todo = list(found)
    while todo:
        name = todo.pop()
        for user in users.get(name, ()):
            if user not in found:
                found[user] = found[name]
                todo.append(user)
    return found


class _Kernels(dict[str, bool]):
    """Whether this process has a CPU kernel for an op, looked up once."""

    def __missing__(self, op: str) -> bool:
        registered = kernels.get_registered_kernels_for_op(op).kernel
        self[op] = op == _ENGINE or any(kernel.device_type in ("CPU", "DEFAULT") for kernel in registered)
        return self[op]
