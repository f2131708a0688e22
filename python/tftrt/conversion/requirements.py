"""The TensorFlow that conversion needs."""

from __future__ import annotations

import resource

from ..errors import IncompatibleError, ResourceExhaustedError

# Words of the loader for which there is no room in memory; cpp/src/environment/open_failure.cc has the same.
_NO_ROOM = ("failed to map segment", "annot allocate memory", "cannot map zero-fill pages", "out of memory")


def check_tensorflow() -> None:
    """Import TensorFlow, and refuse one that cannot convert.

    Raises:
        IncompatibleError: There is none, it has another version, or it lacks TF-TRT.
        ResourceExhaustedError: There is no room for its libraries in memory.
    """
    try:
        import tensorflow as tf
        from tensorflow.compiler.tf2tensorrt._pywrap_py_utils import is_tensorrt_enabled  # noqa: F401
    except ImportError as error:
        if any(words in str(error) for words in _NO_ROOM) and "not permitted" not in str(error):
            raise ResourceExhaustedError(f"expected room for TensorFlow, found: {error}. {_describe_room()}") from error
        raise IncompatibleError(
            f"expected TensorFlow 2.17, the last release with TF-TRT, found: {error}. "
            "Install it with: pip install 'tensorflow>=2.17,<2.18'"
        ) from error
    if not tf.__version__.startswith("2.17."):
        raise IncompatibleError(
            f"expected TensorFlow 2.17, the last release with TF-TRT, found {tf.__version__}. "
            "Install it with: pip install 'tensorflow>=2.17,<2.18'"
        )
    if not tf.test.is_built_with_cuda():
        raise IncompatibleError(
            f"expected a TensorFlow with TF-TRT, found TensorFlow {tf.__version__} built for CPUs alone, as "
            "tensorflow-cpu is; it runs converted models but makes none. Convert where tensorflow is installed, or "
            "install it here: pip uninstall -y tensorflow-cpu && pip install 'tensorflow>=2.17,<2.18'"
        )


def _describe_room() -> str:
    limit, _ = resource.getrlimit(resource.RLIMIT_AS)
    if limit == resource.RLIM_INFINITY:
        return "The machine or its container has no memory left. Free some, or give it more."
    return (
        f'This process may use {limit >> 20} MiB of address space (RLIMIT_AS, "ulimit -v"). Raise that limit: '
        "TensorFlow needs some 3000 MiB of address space before it loads a model."
    )
