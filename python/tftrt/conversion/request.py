"""The request to the process that converts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from .export import Exported
from .options import Options

__all__ = ["Batches", "Request"]

Batches = Sequence[tuple[str, str]]
"""The signature and the file of each batch of inputs, as :class:`tftrt.batches.spool.Spool` writes it."""


@dataclass(frozen=True)
class Request:
    """One conversion. Both processes run the same version of this code, so that pickling it is safe.

    Attributes:
        exported: The model.
        directory: The existing, empty directory to write the result to.
        destination: Where the result will be, for the report.
        folder: A private folder for temporary files.
        options: The options.
        op_libraries: Libraries with ops that the caller's process has loaded.
        environment: The caller's environment variables.
        working_directory: The current directory of the caller; None if there is none.
        compares: Whether the values of the result are compared with those of the source.
        waits_for_batches: Whether the caller gives inputs for that, when it is asked.
        seconds: Seconds that the caller has taken before.
    """

    exported: Exported
    directory: str
    destination: str
    folder: str
    options: Options
    op_libraries: Sequence[str]
    environment: dict[str, str]
    working_directory: str | None
    compares: bool
    waits_for_batches: bool
    seconds: float
