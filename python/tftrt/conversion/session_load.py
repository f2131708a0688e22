"""Loading a result in a session of TensorFlow's Python, for signatures that tftrt cannot call."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import tensorflow as tf
from tensorflow.core.protobuf import config_pb2

from ..errors import InternalError
from .causes import cause_of
from .graphs import tensor_names

__all__ = ["load_in_session"]


def load_in_session(path: Path, tags: Sequence[str], signatures: Sequence[str]) -> None:
    """Load a SavedModel, and prepare some of its signatures.

    Args:
        path: Its folder.
        tags: Of its meta graph.
        signatures: Their names. Ops that only others need may have no kernel.

    Raises:
        InternalError: It cannot be loaded.
    """
    config = tf.compat.v1.ConfigProto(graph_options=tf.compat.v1.GraphOptions(place_pruned_graph=True))
    try:
        with tf.Graph().as_default(), tf.compat.v1.Session(config=config) as session:
            loaded = tf.compat.v1.saved_model.load(session, list(tags), str(path))
            for name in signatures:
                signature = loaded.signature_def[name]
                wanted = config_pb2.CallableOptions(feed=_tensors(signature.inputs), fetch=_tensors(signature.outputs))
                # session.make_callable prepares nothing before the first call.
                session._make_callable_from_options(wanted)
    except Exception as error:
        raise InternalError(
            f"the converted model cannot be loaded, so nothing was written: {cause_of(error)} "
            "Please report it with the model."
        ) from error


def _tensors(infos: Mapping[str, Any]) -> list[str]:
    return [name for info in infos.values() for name in tensor_names(info)]
