"""Checks of arguments that several functions take."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from .errors import InvalidArgumentError

__all__ = ["PROFILE_STRATEGIES", "check_flag", "check_whole", "read_choice", "split_tags"]

PROFILE_STRATEGIES = ("Range", "Optimal", "Range+Optimal", "ImplicitBatchModeCompatible")
"""TF-TRT's, by its names."""


def read_choice(name: str, value: Any, allowed: Sequence[str]) -> str:
    """The one of ``allowed`` that ``value`` is, in any case.

    Raises:
        InvalidArgumentError: It is none.
    """
    for choice in allowed:
        if isinstance(value, str) and value.lower() == choice.lower():
            return choice
    raise InvalidArgumentError(f"{name}: expected one of {', '.join(map(repr, allowed))}, found {value!r}.")


def split_tags(value: Any) -> Any:
    """The tags in a string such as ``"serve,gpu"``; any other value as it is."""
    return [tag.strip() for tag in value.split(",") if tag.strip()] if isinstance(value, str) else value


def check_whole(name: str, value: Any, least: int) -> None:
    """Refuse what is no whole number from ``least`` up to what 64 bits hold.

    Raises:
        InvalidArgumentError: It is none.
    """
    if isinstance(value, bool) or not isinstance(value, int) or not least <= value < 1 << 63:
        raise InvalidArgumentError(f"{name}: expected a whole number of at least {least}, found {value!r}.")


def check_flag(name: str, value: Any) -> None:
    """Refuse what is neither True nor False.

    Raises:
        InvalidArgumentError: It is neither.
    """
    if not isinstance(value, bool):
        raise InvalidArgumentError(f"{name}: expected True or False, found {value!r}.")
