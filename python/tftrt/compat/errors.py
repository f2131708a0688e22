"""The error of a converter whose methods are called in the wrong order."""

from __future__ import annotations

from ..errors import Error


class OrderError(Error, RuntimeError):
    """A converter's method was called too early or twice. TF-TRT raises RuntimeError or fails an assertion."""
