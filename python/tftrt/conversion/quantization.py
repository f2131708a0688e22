"""Quantisation that a model carries in its graph, as quantisation-aware training leaves it."""

from __future__ import annotations

from typing import Any

from .graphs import bodies
from .options import Options

__all__ = ["keep_emulation", "use_known_ops"]

_TRAINING_ONLY = "QuantizeAndDequantizeV4"
_EQUAL = "QuantizeAndDequantizeV2"
_EMULATION = frozenset({_EQUAL, "QuantizeAndDequantizeV3"})

# When it builds, TF-TRT folds constants once more. TensorFlow's folding leaves nodes alone that have an attribute with
# "_tpu_" in its name.
_NOT_FOLDED = "_tpu_tftrt_keep"


def use_known_ops(graph: Any) -> None:
    """Replace QuantizeAndDequantizeV4 by V2, in place: it differs in its gradient only, and TF-TRT does not know it."""
    for nodes in bodies(graph):
        for node in nodes:
            if node.op == _TRAINING_ONLY:
                node.op = _EQUAL


def keep_emulation(graph: Any, options: Options) -> frozenset[str]:
    """Mark the ops that round as a lower precision does, in place, where TensorRT takes the precision from them.

    TF-TRT wants them on weights too; in implicit-batch mode it folds those when it builds, otherwise it must not.

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
