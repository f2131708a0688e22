"""English prose: a text, its sentences and the length of each."""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

_ABBREVIATIONS = frozenset({"approx.", "cf.", "e.g.", "i.e.", "resp.", "vs."})
_BEFORE_NUMBERS = frozenset({"eq.", "fig.", "no.", "sec."})
_OFTEN_LAST = frozenset({"etc.", "..."})

_END = re.compile(r"(?P<mark>[.!?]+)[\")\]'_]*(?=\s|$)")
_WORD = re.compile(r"\S*[^\W_]\S*")

# Each is one word, and its own characters count as nothing else: no end of a sentence, no phrase.
_OPAQUE = re.compile(
    r"(?P<ticks>`+)(?:.+?)(?P=ticks)"  # inline code
    r"|:[a-z]+:`[^`]*`"  # Sphinx's roles
    r"|<?https?://[^\s)>]+>?",
    re.DOTALL,
)
_LINK = re.compile(r"!?\[(?P<text>[^\]]*)\](?P<target>\([^)]*\)|\[[^\]]*\])")


@dataclass(frozen=True)
class Sentence:
    """A part of a text."""

    text: Text
    begin: int
    source: str
    masked: str
    """As ``source``, character for character; code is a word of ``x``, and a link is its text."""

    @property
    def line(self) -> int:
        return self.line_at(0)

    @property
    def words(self) -> int:
        return len(_WORD.findall(self.masked))

    def line_at(self, offset: int) -> int:
        """The line of one of its characters."""
        return self.text.line_at(self.begin + offset)

    def __str__(self) -> str:
        return " ".join(self.source.split())


@dataclass(frozen=True)
class Text:
    """A paragraph, a heading, an item of a list, a cell of a table or a comment."""

    source: str
    starts: tuple[int, ...]
    lines: tuple[int, ...]

    @classmethod
    def of(cls, lines: Iterable[tuple[int, str]]) -> Text:
        """Join lines, given with their numbers."""
        numbers: list[int] = []
        starts: list[int] = []
        source = ""
        for number, line in lines:
            if source:
                source += " "
            numbers.append(number)
            starts.append(len(source))
            source += line.strip()
        return cls(source, tuple(starts), tuple(numbers))

    def line_at(self, offset: int) -> int:
        """The line of a character."""
        return self.lines[bisect_right(self.starts, offset) - 1]

    def sentences(self) -> Iterator[Sentence]:
        """The sentences; a text without a full stop is one."""
        masked = mask(self.source)
        begin = 0
        for end in [*_ends(masked), len(masked)]:
            begin += len(masked[begin:end]) - len(masked[begin:end].lstrip())
            if _WORD.search(masked, begin, end):
                yield Sentence(self, begin, self.source[begin:end], masked[begin:end])
            begin = end


def mask(source: str) -> str:
    """Blank out markup; the result is as long as ``source``."""
    masked = _OPAQUE.sub(lambda match: "x" * len(match[0]), source)
    # Twice, for an image in the text of a link.
    masked = _LINK.sub(_mask_link, _LINK.sub(_mask_link, masked))
    return masked.replace("*", " ").replace("\N{RIGHT SINGLE QUOTATION MARK}", "'")


def _mask_link(match: re.Match[str]) -> str:
    before = match.start("text") - match.start()
    after = match.end() - match.end("text")
    return " " * before + match["text"] + " " * after


def _ends(masked: str) -> Iterator[int]:
    for match in _END.finditer(masked):
        if _ends_sentence(masked, match):
            yield match.end()


def _ends_sentence(masked: str, match: re.Match[str]) -> bool:
    word = masked[: match.end("mark")].split()[-1].lstrip("([\"'").lower()
    follows = masked[match.end() :].lstrip()[:1]
    if word in _ABBREVIATIONS:
        return False
    if word in _BEFORE_NUMBERS:
        return not follows.isdigit()
    if word in _OFTEN_LAST:
        return not follows.islower()
    return True
