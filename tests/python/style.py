"""Holds the repository's prose to docs/style.md: its word list, its exceptions, and a ratchet per file.

``python tests/python/style.py [FILE ...]`` lists what the page asks to change, ``--lower`` lowers the ratchet.
"""

from __future__ import annotations

import argparse
import json
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from phrases import Find, compiled
from prose import Sentence, Text
from prose_sources import cells, of_command_line, of_header, of_markdown, of_python

ROOT = Path(__file__).parents[2]
GUIDE = ROOT / "docs" / "style.md"
RATCHET = ROOT / "tests" / "data" / "style_ratchet.json"

LONGEST = 30
LONG = "long sentence"
LOWER = "python tests/python/style.py --lower"

Counts = Mapping[str, Mapping[str, int]]


@dataclass(frozen=True)
class Phrase:
    """A line of the word list."""

    pattern: str
    better: str
    find: Find


@dataclass(frozen=True)
class Allowed:
    """A line of the exceptions: words, or the start of a sentence, that a file may have."""

    file: str
    text: str


@dataclass(frozen=True)
class Guide:
    """The tables of docs/style.md."""

    phrases: tuple[Phrase, ...]
    allowed: tuple[Allowed, ...]


@dataclass(frozen=True)
class Finding:
    """A phrase or a sentence to change."""

    file: str
    line: int
    kind: str
    text: str
    better: str
    allowed: Allowed | None = None

    def __str__(self) -> str:
        return f"{self.file}:{self.line}: {self.text}"


def read_guide(page: str) -> Guide:
    """Read the tables; patterns and exceptions are in backticks."""
    phrases = [Phrase(name.strip("`"), better, compiled(name.strip("`"))) for name, better in _rows(page, "Word list")]
    allowed = [Allowed(file, text.strip("`")) for file, text, _ in _rows(page, "Exceptions")]
    return Guide(tuple(phrases), tuple(allowed))


def _rows(page: str, heading: str) -> list[list[str]]:
    (section,) = re.findall(rf"^## {heading}\n(.*?)(?=^## |\Z)", page, re.MULTILINE | re.DOTALL)
    rows = [cells(line) for line in section.splitlines() if line.startswith("|")]
    return [row for row in rows[1:] if row]


def files() -> list[Path]:
    """All files with prose that users read."""
    pages = [*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")]
    package = ROOT / "python" / "tftrt"
    return sorted(
        [*pages, *package.rglob("*.py"), *package.rglob("*.pyi"), *(ROOT / "cpp" / "include" / "tftrt").rglob("*.h")]
    )


def texts(path: Path) -> Iterable[Text]:
    """The prose of a file."""
    source = path.read_text()
    if path.suffix == ".md":
        # The guide's tables show what to avoid.
        return of_markdown(source, tables=path != GUIDE)
    if path.suffix == ".h":
        return of_header(source)
    return of_command_line(source) if path.parent.name == "cli" else of_python(source)


def check(file: str, prose: Iterable[Text], guide: Guide) -> list[Finding]:
    """Everything to change in a file, by line; and what is allowed, with the exception."""
    findings = [found for text in prose for sentence in text.sentences() for found in _check(file, sentence, guide)]
    return sorted(findings, key=lambda found: (found.line, found.kind))


def _check(file: str, sentence: Sentence, guide: Guide) -> Iterator[Finding]:
    allowed = [entry for entry in guide.allowed if entry.file == file]
    if sentence.words > LONGEST:
        exception = next((entry for entry in allowed if str(sentence).startswith(entry.text)), None)
        text = f"{sentence.words} words: {sentence}"
        yield Finding(file, sentence.line, LONG, text, f"write sentences of at most {LONGEST} words", exception)
    for phrase in guide.phrases:
        for match in phrase.find(sentence.masked):
            exception = next((entry for entry in allowed if _covers(entry.text, sentence.source, match)), None)
            text = _excerpt(sentence.source, match)
            yield Finding(file, sentence.line_at(match.start()), phrase.pattern, text, phrase.better, exception)


def _covers(text: str, source: str, match: re.Match[str]) -> bool:
    begins = (found.start() for found in re.finditer(re.escape(text), source))
    return any(begin <= match.start() and match.end() <= begin + len(text) for begin in begins)


def _excerpt(source: str, match: re.Match[str]) -> str:
    before = re.search(r"(?:\S+\s+){0,4}\S*$", source[: match.start()])
    after = re.match(r"\S*(?:\s+\S+){0,6}", source[match.end() :])
    assert before and after
    return " ".join((before[0] + source[match.start() : match.end()] + after[0]).split())


def count(findings: Iterable[Finding]) -> dict[str, dict[str, int]]:
    """Findings by file and kind, without those allowed."""
    counts: dict[str, Counter[str]] = {}
    for finding in findings:
        if not finding.allowed:
            counts.setdefault(finding.file, Counter())[finding.kind] += 1
    return {file: dict(kinds) for file, kinds in counts.items()}


def problems(findings: list[Finding], recorded: Counts) -> list[str]:
    """A text for each file and kind that has more or fewer than is recorded."""
    counts = count(findings)
    found = []
    for file in sorted({*counts, *recorded}):
        now, then = counts.get(file, {}), recorded.get(file, {})
        for kind in sorted({*now, *then}):
            had, has = then.get(kind, 0), now.get(kind, 0)
            if has > had:
                places = [f"  {entry}" for entry in findings if (entry.file, entry.kind) == (file, kind)]
                better = next(entry.better for entry in findings if entry.kind == kind)
                found.append("\n".join([f'{file}: "{kind}": {has} found, {had} recorded; better: {better}', *places]))
            elif has < had:
                found.append(f'{file}: "{kind}": {has} found, {had} recorded; lower the record: {LOWER}')
    return found


def lowered(recorded: Counts, counts: Counts) -> dict[str, dict[str, int]]:
    """The record with every number that is smaller now; no number grows, and none is added."""
    lower = {
        file: {kind: min(had, counts.get(file, {}).get(kind, 0)) for kind, had in kinds.items()}
        for file, kinds in recorded.items()
    }
    kept = {file: {kind: number for kind, number in kinds.items() if number} for file, kinds in lower.items()}
    return {file: kinds for file, kinds in kept.items() if kinds}


def dumps(recorded: Counts) -> str:
    """The record as JSON, with one line for each file."""
    lines = [f"  {json.dumps(file)}: {json.dumps(recorded[file], sort_keys=True)}" for file in sorted(recorded)]
    return "{\n" + ",\n".join(lines) + "\n}\n"


def check_files(paths: Iterable[Path], guide: Guide) -> list[Finding]:
    """Check files of the repository."""
    return [found for path in paths for found in check(str(path.relative_to(ROOT)), texts(path), guide)]


def main(arguments: Sequence[str] | None = None) -> None:
    """List what is to be changed, or lower the ratchet."""
    parser = argparse.ArgumentParser(description="Checks the prose of the repository against docs/style.md.")
    parser.add_argument("files", nargs="*", type=Path, metavar="FILE", help="files to list (default: all)")
    parser.add_argument("--lower", action="store_true", help="lower the recorded counts to those of today")
    args = parser.parse_args(arguments)
    guide = read_guide(GUIDE.read_text())
    if args.lower:
        counts = count(check_files(files(), guide))
        RATCHET.write_text(dumps(lowered(json.loads(RATCHET.read_text()), counts)))
        return
    for finding in check_files([file.resolve() for file in args.files] or files(), guide):
        if not finding.allowed:
            print(f"{finding}\n    {finding.kind}: {finding.better}")


if __name__ == "__main__":
    main()
