"""Quantisation that a model carries in its graph, as quantisation-aware training leaves it."""

from __future__ import annotations

import re
from typing import Any

from .graphs import bodies
from .options import Options

__all__ = ["explain", "keep_emulation", "use_known_ops"]

_TRAINING_ONLY = "QuantizeAndDequantizeV4"
_EQUAL = "QuantizeAndDequantizeV2"
_EMULATION = frozenset({_EQUAL, "QuantizeAndDequantizeV3"})

# When it builds, TF-TRT folds constants once more. TensorFlow's folding leaves nodes alone that have an attribute with
# "_tpu_" in its name.
_NOT_FOLDED = "_tpu_tftrt_keep"

_KERNEL = re.compile(r"expects kernel of dimension|The input \"filter\" for ")
_KERNEL_EXPLAINED = "with the model's own ranges, TF-TRT takes it with dynamic_shapes only"


def use_known_ops(graph: Any) -> None:
    """Replace QuantizeAndDequantizeV4 by V2, in place: it differs in its gradient only, and TF-TRT does not know it."""
    for nodes in bodies(graph):
        for node in nodes:
            if node.op == _TRAINING_ONLY:
                node.op = _EQUAL


def keep_emulation(graph: Any, options: Options) -> frozenset[str]:
    """Mark the ops that round as a lower precision does, in place, where TensorRT takes the precision from them.

    TF-TRT wants them on weights too. With dynamic shapes it would fold those when it builds, and must not; in
    implicit-batch mode it takes convolutions with ranges neither way, see :func:`explain`.

    Returns:
        The op types that conversion is to keep.
    """
    if options.precision != "INT8":
        return frozenset()
    if options.dynamic_shapes:
        for nodes in bodies(graph):
            for node in nodes:
                if node.op in _EMULATION:
                    node.attr[_NOT_FOLDED].b = True
    return _EMULATION


def explain(reasons: dict[str, dict[str, int]], graph: Any, options: Options) -> dict[str, dict[str, int]]:
    """The reasons why nodes stayed outside engines, with TF-TRT's word for convolutions with ranges made clear.

    Where a graph has ranges, TF-TRT wants those of weights as ops; and in implicit-batch mode, weights as constants.

    Args:
        reasons: For each op type, with the number of nodes.
        graph: What was converted.
        options: How.
    """
    if options.precision != "INT8" or options.dynamic_shapes or options.use_calibration:
        return reasons
    if not any(node.op in _EMULATION for nodes in bodies(graph) for node in nodes):
        return reasons
    return {
        op: {_KERNEL_EXPLAINED if _KERNEL.search(reason) else reason: count for reason, count in found.items()}
        for op, found in reasons.items()
    }
