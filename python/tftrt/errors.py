"""The errors tftrt raises, in Python and (under the same names, without ``Error``'s Python bases) in C++.

Every message says what was expected, what was found and what to do about it. Each class also derives from the
built-in exception that Python users would expect, so ``except ValueError`` works as well as
``except tftrt.InvalidArgumentError``.
"""

from __future__ import annotations

__all__ = [
    "CancelledError",
    "DeadlineExceededError",
    "Error",
    "IncompatibleError",
    "InternalError",
    "InvalidArgumentError",
    "ModelError",
    "ResourceExhaustedError",
    "UnsupportedError",
]


class Error(Exception):
    """Base class of every error that tftrt raises on purpose."""


class InvalidArgumentError(Error, ValueError):
    """An argument is wrong: an unknown input name, a wrong dtype or shape, a conflicting option."""


class ModelError(Error, RuntimeError):
    """A model does not exist, cannot be read, or does not match its manifest."""


class IncompatibleError(Error, RuntimeError):
    """The environment does not fit: another TensorFlow version, no TensorRT, another GPU, a forked process."""


class UnsupportedError(Error, NotImplementedError):
    """The request is valid, but tftrt or TensorFlow cannot do it: an unregistered op, a sparse signature input."""


class ResourceExhaustedError(Error, RuntimeError):
    """There is no room: too much waits already, the disk is full, or the process has too little address space."""


class DeadlineExceededError(Error, TimeoutError):
    """A call was not over within its timeout."""


class CancelledError(Error, RuntimeError):
    """A call was cancelled."""


class InternalError(Error, RuntimeError):
    """TensorFlow or tftrt failed in a way that the caller did not cause."""
