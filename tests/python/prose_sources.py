"""Where the prose of a file is: Markdown, Python's docstrings and the command line's texts, comments of C and C++."""

from __future__ import annotations

import ast
import inspect
import re
from collections.abc import Iterable, Iterator

from prose import Text

Lines = Iterable[tuple[int, str]]

_FENCE = re.compile(r"^\s*(?P<fence>`{3,}|~{3,})")
_ITEM = re.compile(r"^\s*(?:[-*+]|\d+[.)])\s+(?P<rest>.*)$")
_HEADING = re.compile(r"^\s*#{1,6}\s+(?P<rest>.*?)\s*#*$")
_COMMENT = re.compile(r"<!--.*?-->", re.DOTALL)
_REFERENCE = re.compile(r"^\s*\[[^\]]+\]:\s")
_CELL_BORDER = re.compile(r"(?<!\\)\|")
_SECTION = re.compile(r"^(?:Args|Attributes|Example|Examples|Note|Raises|Returns|Yields):$")
_ENTRY = re.compile(r"^(?: {4})(?:\*{0,2}[\w., *]+(?: \([^)]*\))?): (?P<rest>.+)$")
_COMMAND = re.compile(r"^[\\@](?:\w+)(?:\[[\w,]+\])?\s+")

# Fewer words are a name, a format or a fragment of a message.
_FEWEST_WORDS = 3


def of_markdown(text: str, *, tables: bool = True) -> Iterator[Text]:
    """The texts of a page; ``tables`` says whether cells are among them."""
    text = _COMMENT.sub(lambda match: "\n" * match[0].count("\n"), text)
    yield from _of_lines(enumerate(text.splitlines(), 1), tables=tables)


def _of_lines(lines: Lines, *, tables: bool = True) -> Iterator[Text]:
    paragraph: list[tuple[int, str]] = []
    fence = ""

    def finished() -> Iterator[Text]:
        if paragraph:
            yield Text.of(paragraph)
            paragraph.clear()

    for number, line in lines:
        match = _FENCE.match(line)
        if fence:
            if match and match["fence"].startswith(fence):
                fence = ""
            continue
        line = line.lstrip("> ") if line.startswith(">") else line
        heading, item = _HEADING.match(line), _ITEM.match(line)
        if match or heading or item or not line.strip() or line.lstrip().startswith("|") or _REFERENCE.match(line):
            yield from finished()
        if match:
            fence = match["fence"]
        elif heading:
            yield Text.of([(number, heading["rest"])])
        elif item:
            paragraph.append((number, item["rest"]))
        elif line.lstrip().startswith("|"):
            if tables:
                yield from _cells(number, line)
        elif line.strip() and not _REFERENCE.match(line):
            paragraph.append((number, line))
    yield from finished()


def cells(line: str) -> list[str]:
    """The cells of a table's row; none of the line below the head."""
    # A border inside code is none.
    hidden = re.sub(r"`[^`]*`", lambda match: "x" * len(match[0]), line.strip())
    borders = [match.start() for match in _CELL_BORDER.finditer(hidden)]
    line = line.strip()
    ends = borders[1:] if hidden.endswith("|") else [*borders[1:], len(line)]
    found = [line[begin + 1 : end].strip() for begin, end in zip(borders, ends)]
    return [] if all(re.fullmatch(r":?-+:?", cell) for cell in found) else found


def _cells(number: int, line: str) -> Iterator[Text]:
    for cell in cells(line):
        if cell:
            yield Text.of([(number, cell)])


def of_python(source: str) -> Iterator[Text]:
    """The docstrings, those of attributes included."""
    for string in _docstrings(ast.parse(source)):
        yield from _of_docstring(string.lineno, string.value)


def of_command_line(source: str) -> Iterator[Text]:
    """The docstrings, and every string in the code that is words: help, or a message to the same reader."""
    tree = ast.parse(source)
    docstrings = set(_docstrings(tree))
    for string in docstrings:
        yield from _of_docstring(string.lineno, string.value)
    rows = source.splitlines()
    for number, string in _strings(tree, docstrings):
        # A backslash behind the quotes joins two lines of the source.
        number += rows[number - 1].endswith('"""\\')
        # Indented lines are examples of commands.
        lines = [
            (number + index, "" if line.startswith("  ") else line) for index, line in enumerate(string.split("\n"))
        ]
        yield from (text for text in _of_lines(lines) if len(text.source.split()) >= _FEWEST_WORDS)


def _docstrings(tree: ast.AST) -> Iterator[ast.Constant]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant) and isinstance(node.value.value, str):
            yield node.value


def _strings(node: ast.AST, skipped: set[ast.Constant]) -> Iterator[tuple[int, str]]:
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.JoinedStr):
            parts = (part.value if isinstance(part, ast.Constant) else "`x`" for part in child.values)
            yield child.lineno, "".join(map(str, parts))
        elif isinstance(child, ast.Constant):
            if isinstance(child.value, str) and child not in skipped:
                yield child.lineno, child.value
        else:
            yield from _strings(child, skipped)


def _of_docstring(first_line: int, docstring: str) -> Iterator[Text]:
    # cleandoc would drop blank lines at the start, and with them the numbers of the lines.
    blank = len(docstring) - len(docstring.lstrip())
    first_line += docstring[:blank].count("\n")
    lines: list[tuple[int, str]] = []
    in_code = False
    for number, line in enumerate(inspect.cleandoc(docstring).split("\n"), first_line):
        if in_code and line.strip() and not line.startswith(" "):
            in_code = False
        if in_code or line.lstrip().startswith(">>>"):
            line = ""
        elif line.rstrip().endswith("::"):
            in_code = True
            line = line.rstrip()[:-1]
        entry = _ENTRY.match(line)
        if entry:
            lines += [(number, ""), (number, entry["rest"])]
        else:
            lines.append((number, "" if _SECTION.match(line) else line))
    yield from _of_lines(lines)


def of_header(source: str) -> Iterator[Text]:
    """The comments. Neighbouring lines of ``//`` are one, unless code is before them."""
    block: list[tuple[int, str]] = []
    in_block = False
    for number, line in enumerate(source.splitlines(), 1):
        code, mark, comment = ("", "/*", line) if in_block else _split_comment(line)
        if not mark or code.strip():
            yield from _of_comment(block)
            block = []
        if not mark:
            continue
        if mark == "/*":
            comment, closed, _ = comment.partition("*/")
            in_block = not closed
            comment = re.sub(r"^\s*\*(?!\*)", "", comment)
        block.append((number, comment))
        if code.strip() and not in_block:
            yield from _of_comment(block)
            block = []
    yield from _of_comment(block)


def _split_comment(line: str) -> tuple[str, str, str]:
    """The code of a line, ``//`` or ``/*``, and what follows; a string's content is code."""
    hidden = re.sub(r'"(?:[^"\\]|\\.)*"', lambda match: "x" * len(match[0]), line)
    match = re.search(r"//[/!]?<?|/\*[*!]?<?", hidden)
    if not match:
        return line, "", ""
    return line[: match.start()], match[0][:2], line[match.end() :]


def _of_comment(block: list[tuple[int, str]]) -> Iterator[Text]:
    lines: list[tuple[int, str]] = []
    for number, line in block:
        text = line.strip().strip("-=").strip() if re.search(r"[-=]{4}", line) else line
        # Three blanks and more are code.
        text = "" if re.match(r" {3,}\S", text) and not _ITEM.match(text) else text.strip()
        command = _COMMAND.match(text)
        if command:
            lines.append((number, ""))
            text = text[command.end() :]
        lines.append((number, text))
    yield from _of_lines(lines)
