"""``tftrt doctor``."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from .common import FAILURE, SUCCESS, Subparsers, add_command, add_json_option, console, print_json

if TYPE_CHECKING:
    from ..doctor import Component, Diagnosis

_EXAMPLES = """\
examples:
  tftrt doctor
  tftrt doctor --json

exit status: 0 if models can run on a GPU, 1 if not; the CPU's state is shown too
"""


def add_parser(subparsers: Subparsers) -> None:
    """Add the command."""
    summary = "look for everything that a GPU needs, and say how to get what is missing"
    add_json_option(add_command(subparsers, "doctor", run, summary, _EXAMPLES), "the diagnosis")


def run(args: argparse.Namespace) -> int:
    """Diagnose and print."""
    from ..doctor import diagnose

    diagnosis = diagnose()
    if args.json:
        print_json(diagnosis.to_dict())
    else:
        _print(diagnosis)
    return SUCCESS if diagnosis.gpu_ready else FAILURE


def _print(diagnosis: Diagnosis) -> None:
    from rich.table import Table
    from rich.text import Text

    out = console()
    table = Table(box=None, pad_edge=False, show_header=False, padding=(0, 2, 0, 0))
    table.add_column(no_wrap=True)
    table.add_column(no_wrap=True)
    table.add_column(overflow="fold")
    group = ""
    for component in diagnosis.components:
        table.add_row(
            Text("" if component.group == group else component.group, style="bold"),
            Text("ok" if component.ok else "--", style="green" if component.ok else "red") + f" {component.name}",
            Text(_description(component)),
        )
        group = component.group
    out.print(table)
    out.print()
    for path, ready in (("CPU", diagnosis.cpu_ready), ("GPU", diagnosis.gpu_ready)):
        state = Text("works", style="green") if ready else Text("cannot work", style="red")
        out.print(Text.assemble(f"running on the {path}: ", state))
    if diagnosis.remedies:
        out.print("\nto mend it:")
    for remedy in diagnosis.remedies:
        out.print(f"  {remedy}", soft_wrap=True, markup=False)


def _description(component: Component) -> str:
    where = " ".join(part for part in (component.version, component.path) if part)
    return "\n".join(part for part in (where, component.problem) if part)
