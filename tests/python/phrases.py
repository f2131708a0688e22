"""The patterns of docs/style.md's word list.

A pattern is words. ``a/b`` is either word, ``*`` any letters, ``...`` up to six words, and ``-a/b`` at an end of the
pattern says that neither word may stand there. Two patterns are grammar, not words, and have a function here.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

Find = Callable[[str], Iterator["re.Match[str]"]]

_GAP = r"(?:\s+\S+){0,6}?"
_LETTERS = r"[\w.+-]*"

# After these, "what" begins an indirect question.
_ASKING = re.compile(r"\b(?:ask|decide|explain|know|say|show|tell)s?\s+$", re.IGNORECASE)
_WHAT = re.compile(r"\bwhat\b(?!\()", re.IGNORECASE)
_ANOTHER_WHAT = re.compile(r"(?:,|\band|\bor)\s+$", re.IGNORECASE)

_POSSESSIVE = re.compile(
    r"\b(?!(?:it|that|there|let|what|who)'s)[\w.+-]+'s"
    r"(?=\s*(?:[,;:)]|\.?\s*$)|\s+(?:alone|are|as|for|in|is|of|on|that|to|which|with)\b)",
    re.IGNORECASE,
)


def compiled(pattern: str) -> Find:
    """The function that finds a pattern in a masked sentence."""
    if pattern in _GRAMMAR:
        return _GRAMMAR[pattern]
    words = pattern.split()
    not_before = words.pop(0)[1:] if words[0].startswith("-") else ""
    not_after = words.pop()[1:] if words[-1].startswith("-") else ""
    expression = r"(?<![\w'-])"
    for number, word in enumerate(words):
        if word == "...":
            expression += _GAP
        else:
            expression += (r"\s+" if number else "") + f"(?:{'|'.join(map(_word, word.split('/')))})"
    if not_after:
        expression += rf"(?!\s+(?:{'|'.join(map(_word, not_after.split('/')))})\b)"
    regex = re.compile(expression + r"(?![\w'-])", re.IGNORECASE)
    before = re.compile(rf"\b(?:{'|'.join(map(_word, not_before.split('/')))})\s+$", re.IGNORECASE)

    def find(sentence: str) -> Iterator[re.Match[str]]:
        for match in regex.finditer(sentence):
            if not (not_before and before.search(sentence, 0, match.start())):
                yield match

    return find


def _word(word: str) -> str:
    return _LETTERS.join(map(re.escape, word.split("*")))


def _nominal_what(sentence: str) -> Iterator[re.Match[str]]:
    if sentence.rstrip().endswith("?"):
        return
    question = False
    for match in _WHAT.finditer(sentence):
        before = sentence[: match.start()]
        question = bool(_ASKING.search(before)) or (question and bool(_ANOTHER_WHAT.search(before)))
        if not question:
            yield match


def _lone_possessive(sentence: str) -> Iterator[re.Match[str]]:
    yield from _POSSESSIVE.finditer(sentence)


_GRAMMAR: dict[str, Find] = {"what ...": _nominal_what, "...'s": _lone_possessive}
