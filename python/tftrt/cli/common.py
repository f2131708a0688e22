"""What the subcommands share: option types, errors and exit codes, output."""

from __future__ import annotations

import argparse
import json
import os
import sys
import traceback
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from ..errors import Error

if TYPE_CHECKING:
    from rich.console import Console

    from .._native import TensorSpec

__all__ = [
    "FAILURE",
    "SUCCESS",
    "CommandError",
    "HelpFormatter",
    "ShowVersion",
    "Subparsers",
    "UsageError",
    "add_command",
    "add_debug_option",
    "add_json_option",
    "add_tags_option",
    "console",
    "count_of",
    "describe_spec",
    "dtype_name",
    "given",
    "hyphenate_options",
    "names",
    "print_json",
    "run_guarded",
]

SUCCESS = 0
FAILURE = 1
_USAGE = 2
_INTERRUPTED = 130

_WIDTH_OF_FILES = 120

if TYPE_CHECKING:
    Subparsers = argparse._SubParsersAction[argparse.ArgumentParser]
else:
    Subparsers = argparse._SubParsersAction  # generic in type stubs only


class CommandError(Exception):
    """A command failed; the message is for the user."""


class UsageError(Exception):
    """The arguments do not make sense together; the message says what to write instead."""


class HelpFormatter(argparse.RawDescriptionHelpFormatter):
    """Keeps the lines of examples, and leaves room for long options."""

    def __init__(self, prog: str) -> None:
        """Make the formatter of the program ``prog``."""
        super().__init__(prog, max_help_position=32)


class ShowVersion(argparse.Action):
    """``--version``; looks the version up only when asked."""

    def __init__(self, **options: Any) -> None:
        """Take argparse's options."""
        super().__init__(nargs=0, **options)

    def __call__(self, parser: argparse.ArgumentParser, *_: object) -> None:
        """Print the version and exit."""
        from importlib.metadata import version

        print(f"tftrt {version('tftrt')}")
        parser.exit()


def add_command(
    subparsers: Subparsers, name: str, run: Callable[[argparse.Namespace], int], summary: str, details: str
) -> argparse.ArgumentParser:
    """Add a subcommand with the options that all have.

    Args:
        subparsers: What ``ArgumentParser.add_subparsers`` returned.
        name: The command.
        run: Called with the parsed arguments; returns the exit code.
        summary: One line.
        details: Examples, shown after the options.
    """
    parser = subparsers.add_parser(
        name,
        help=summary,
        description=f"{summary[0].upper()}{summary[1:]}.",
        epilog=details,
        formatter_class=HelpFormatter,
        allow_abbrev=False,
    )
    parser.set_defaults(run=run)
    add_debug_option(parser)
    return parser


def add_debug_option(parser: argparse.ArgumentParser) -> None:
    """Add ``--debug``; it may stand before or after the command."""
    parser.add_argument(
        "--debug", action="store_true", default=argparse.SUPPRESS, help="show the traceback of an error"
    )


def add_json_option(parser: argparse.ArgumentParser, what: str) -> None:
    """Add ``--json``."""
    parser.add_argument("--json", action="store_true", help=f"print {what} as JSON")


def add_tags_option(parser: argparse.ArgumentParser) -> None:
    """Add ``--tags``, also under saved_model_cli's name."""
    parser.add_argument(
        "--tags",
        "--tag-set",
        dest="tags",
        type=names,
        metavar="TAG,...",
        default=argparse.SUPPRESS,
        help="tag set of the graph in the SavedModel (default: serve)",
    )


def names(text: str) -> tuple[str, ...]:
    """Split ``"a,b"``; an argparse type."""
    return tuple(name.strip() for name in text.split(",") if name.strip())


def optional(**options: Any) -> Any:
    """Argparse options of an argument whose default is that of the command's function; see :func:`given`."""
    return {"default": argparse.SUPPRESS, **options}


def given(args: argparse.Namespace, *options: str) -> dict[str, Any]:
    """Those of ``options`` that were on the command line; the rest keep their function's defaults."""
    return {name: getattr(args, name) for name in options if hasattr(args, name)}


def hyphenate_options(words: Sequence[str]) -> list[str]:
    """Turn ``--tag_set=x`` into ``--tag-set=x``: both spellings of every option are accepted."""
    result: list[str] = []
    for index, word in enumerate(words):
        if word == "--":
            return [*result, *words[index:]]
        name, equals, value = word.partition("=")
        result.append(name.replace("_", "-") + equals + value if name.startswith("--") else word)
    return result


def run_guarded(run: Callable[[], int], *, debug: bool) -> int:
    """Call ``run`` and turn what it raises into one line on stderr and an exit code.

    Args:
        run: Does the work and returns the exit code.
        debug: Show tracebacks.
    """
    try:
        code = run()
        sys.stdout.flush()
        return code
    except KeyboardInterrupt:
        return _INTERRUPTED
    except BrokenPipeError:
        # Python flushes stdout once more when it exits, and would complain.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return FAILURE
    except Exception as error:
        if debug:
            traceback.print_exc()
        if isinstance(error, (CommandError, Error, OSError, UsageError)):
            _print_error(str(error))
        else:
            hint = "" if debug else " (--debug shows where; please report it)"
            _print_error(f"unexpected {type(error).__name__}: {error}{hint}")
        return _USAGE if isinstance(error, UsageError) else FAILURE


def _print_error(message: str) -> None:
    from rich.console import Console
    from rich.text import Text

    line = " ".join(message.split())
    Console(stderr=True).print(Text.assemble(("error: ", "bold red"), (line, "red")), soft_wrap=True)


def console(*, stderr: bool = False) -> Console:
    """A terminal to print on; wide where the output goes to a file or a pipe."""
    from rich.console import Console

    stream = sys.stderr if stderr else sys.stdout
    return Console(stderr=stderr, highlight=False, width=None if stream.isatty() else _WIDTH_OF_FILES)


def print_json(value: Any) -> None:
    """Print ``value`` for programs."""
    print(json.dumps(value, indent=2, ensure_ascii=False))


def dtype_name(dtype: Any) -> str:
    """The name of a numpy dtype, with ``"string"`` for objects."""
    return "string" if dtype.hasobject else str(dtype.name)


def count_of(count: int, noun: str) -> str:
    """``"1 engine"``, ``"2 engines"``."""
    return f"{count} {noun}" if count == 1 else f"{count} {noun}s"


def describe_spec(spec: TensorSpec) -> str:
    """``"float32[?, 224, 224, 3]"``."""
    shape = "..." if spec.shape is None else ", ".join("?" if size < 0 else str(size) for size in spec.shape)
    return f"{dtype_name(spec.dtype)}[{shape}]"
