"""Loading a result in a session of TensorFlow's Python, for signatures that tftrt cannot call."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import tensorflow as tf

from ..errors import InternalError
from .causes import cause_of
from .graphs import tensor_names

__all__ = ["load_in_session"]


def load_in_session(path: Path, tags: Sequence[str]) -> None:
    """Load a SavedModel, and prepare each of its signatures.

    Args:
        path: Its folder.
        tags: Of its meta graph.

    Raises:
        InternalError: It cannot be loaded.
    """
    try:
        with tf.Graph().as_default(), tf.compat.v1.Session() as session:
            loaded = tf.compat.v1.saved_model.load(session, list(tags), str(path))
            for signature in loaded.signature_def.values():
                inputs, outputs = (
                    [name for info in infos.values() for name in tensor_names(info)]
                    for infos in (signature.inputs, signature.outputs)
                )
                session.make_callable(outputs, inputs)
    except Exception as error:
        raise InternalError(
            f"the converted model cannot be loaded, so nothing was written: {cause_of(error)} "
            "Please report it with the model."
        ) from error
