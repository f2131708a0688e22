"""docs/style.md holds, file by file; and the checker finds what it should find, and nothing else."""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path

import pytest

import style
from phrases import compiled
from prose import Text
from prose_sources import of_command_line, of_header, of_markdown, of_python

PAGE = """
## Word list

| avoid | write instead |
|---|---|
| `let/lets go of` | release |
| `what ...` | the thing |

## Exceptions

| file | text | reason |
|---|---|---|
| page.md | `Let go of that` | a quotation |
"""


def sentences(text: str) -> list[str]:
    return [str(sentence) for sentence in Text.of([(1, text)]).sentences()]


def sources(texts: Iterable[Text]) -> list[tuple[int, str]]:
    return [(text.line_at(0), " ".join(text.source.split())) for text in texts]


def found(pattern: str, sentence: str) -> list[str]:
    return [match[0] for match in compiled(pattern)(next(iter(Text.of([(1, sentence)]).sentences())).masked)]


def findings(text: str, file: str = "page.md") -> list[style.Finding]:
    return style.check(file, of_markdown(text), style.read_guide(PAGE))


# The repository.


@pytest.fixture(scope="module")
def guide() -> style.Guide:
    return style.read_guide(style.GUIDE.read_text())


@pytest.fixture(scope="module")
def everything(guide: style.Guide) -> list[style.Finding]:
    return style.check_files(style.files(), guide)


def test_the_repository_follows_the_guide(everything: list[style.Finding]) -> None:
    found = style.problems(everything, json.loads(style.RATCHET.read_text()))
    if found:
        pytest.fail("New text follows docs/style.md.\n" + "\n".join(found), pytrace=False)


def test_every_exception_is_needed(guide: style.Guide, everything: list[style.Finding]) -> None:
    used = {finding.allowed for finding in everything}
    assert [entry for entry in guide.allowed if entry not in used] == []


def test_the_record_is_sorted_and_names_files_and_patterns_that_exist(guide: style.Guide) -> None:
    text = style.RATCHET.read_text()
    recorded = json.loads(text)
    assert text == style.dumps(recorded)
    assert [file for file in recorded if not (style.ROOT / file).exists()] == []
    patterns = {phrase.pattern for phrase in guide.phrases}
    assert {kind for kinds in recorded.values() for kind in kinds} <= {*patterns, style.LONG}


# Sentences.


@pytest.mark.parametrize(
    "text",
    [
        "TensorRT 8.6 is found, e.g. in a wheel, i.e. beside it, cf. the page vs. others",
        "It reads model.h, libnvinfer.so.8 and 2.17.1",
        "Loading (see `a. B`, [the page](x. Y)), then calling",
        "It takes a, b, ... and so on",
        "Shapes, dtypes etc. are checked",
        "See fig. 3 and no. 4",
    ],
)
def test_these_are_one_sentence(text: str) -> None:
    assert sentences(text) == [text]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("One. Two.", ["One.", "Two."]),
        ("It needs 8.6. tftrt finds it.", ["It needs 8.6.", "tftrt finds it."]),
        ("**One.** `two` runs.", ["One.", "`two` runs."]),
        ("Is it? Yes! (It is.) Good.", ["Is it?", "Yes!", "(It is.)", "Good."]),
        ("Names, shapes etc. They are checked.", ["Names, shapes etc.", "They are checked."]),
        ("The answer is no. Then stop.", ["The answer is no.", "Then stop."]),
        ('He says "no." Then stop.', ['He says "no."', "Then stop."]),
    ],
)
def test_sentences_end(text: str, expected: list[str]) -> None:
    assert sentences(text) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("one two-three 4.5 200,000", 4),
        ("`a long piece of code` is one", 3),
        ("[the text](https://example.com/a b) counts", 3),
        ("![an image](docs/a.png)", 2),
        ("a dash - and — no word", 5),
        ("https://example.com/a.b?c=d is one", 3),
    ],
)
def test_words(text: str, expected: int) -> None:
    assert next(iter(Text.of([(1, text)]).sentences())).words == expected


# Texts.


def test_markdown() -> None:
    page = """# A heading

First line
and second. <!-- nothing
here -->

```sh
code, which is skipped
```
- one
  goes on
- two
1. three

| head | `a|b` |
|---|:--:|
| cell | |

> quoted
"""
    expected = [
        (1, "A heading"),
        (3, "First line and second."),
        (10, "one goes on"),
        (12, "two"),
        (13, "three"),
        (15, "head"),
        (15, "`a|b`"),
        (17, "cell"),
        (19, "quoted"),
    ]
    assert sources(of_markdown(page)) == expected
    assert sources(of_markdown(page, tables=False)) == [text for text in expected if text[0] not in (15, 17)]


def test_docstrings() -> None:
    source = '''"""A module."""
x = 1
"""An attribute."""


def f(a):
    """Do it.

    More::

        code(a)

    Args:
        a: A thing
            of two lines.
        **b: Another.

    Returns:
        The answer.
    """
    return "no docstring"
'''
    expected = [
        (1, "A module."),
        (3, "An attribute."),
        (7, "Do it."),
        (9, "More:"),
        (14, "A thing of two lines."),
        (16, "Another."),
        (19, "The answer."),
    ]
    assert sorted(sources(of_python(source))) == expected


def test_texts_of_the_command_line() -> None:
    source = '''"""A command."""
EXAMPLES = """\\
  tftrt run model   # code

After the examples.
"""
parser.add_argument("--batch", help="how many rows " "to take")
parser.add_argument("--x", help=f"print {what} as JSON", metavar="FILE")
'''
    expected = [(1, "A command."), (5, "After the examples."), (7, "how many rows to take"), (8, "print `x` as JSON")]
    assert sorted(sources(of_command_line(source))) == expected


def test_comments() -> None:
    source = """// A paragraph
// of two lines.
//
// Another:
//
//   code();
int a;  // behind code
int b;  /// behind more
const char* c = "// a string";
/* A block
 * of two lines.
 *
 * \\param a A thing. */
"""
    assert sources(of_header(source)) == [
        (1, "A paragraph of two lines."),
        (4, "Another:"),
        (7, "behind code"),
        (8, "behind more"),
        (10, "A block of two lines."),
        (13, "a A thing."),
    ]


# Phrases.


@pytest.mark.parametrize(
    ("pattern", "sentence", "expected"),
    [
        ("let/lets go of", "It lets  go of memory, then Let go of more.", ["lets  go of", "Let go of"]),
        ("let/lets go of", "It outlets go off; `let go of` is code.", []),
        ("take ... along", "They take CUDA and cuDNN along.", ["take CUDA and cuDNN along"]),
        ("take ... along", "They take one two three four five six seven along.", []),
        ("for want of", "for want\tof time", ["for want\tof"]),
        ("*'s own", "numpy's own arrays, not its own", ["numpy's own"]),
        ("-there is no -longer", "It is no model.", ["is no"]),
        ("-there is no -longer", "There is no model, and it is no longer here.", []),
        ("what ...", "What runs is counted.", ["What"]),
        ("what ...", "It counts what runs.", ["what"]),
        ("what ...", "What is it?", []),
        ("what ...", "It says what was expected, what was found and what to do.", []),
        ("what ...", "It says what was expected and reads what was found.", ["what"]),
        ("what ...", "Whatever runs calls error.what() and `what`.", []),
        ("...'s", "Outputs are the caller's.", ["caller's"]),
        ("...'s", "A thread of the model's, which waits", ["model's"]),
        ("...'s", "The model's thread waits; it's TensorFlow's session.", []),
    ],
)
def test_phrases(pattern: str, sentence: str, expected: list[str]) -> None:
    assert found(pattern, sentence) == expected


# The check.


def test_a_phrase_is_reported_with_its_line_and_the_better_wording() -> None:
    (finding,) = findings("A text.\n\nIt is time\nto let go of a handle.\n")
    assert (finding.line, finding.kind, finding.better) == (4, "let/lets go of", "release")
    assert str(finding) == "page.md:4: It is time to let go of a handle."


def test_a_long_sentence_is_reported() -> None:
    assert findings(" ".join(["word"] * style.LONGEST)) == []
    (finding,) = findings("Short.\n" + " ".join(["word"] * (style.LONGEST + 1)))
    assert (finding.line, finding.kind) == (2, style.LONG)


def test_an_exception_excuses_its_words_in_its_file() -> None:
    assert [finding.allowed is None for finding in findings("Let go of that, let go of this.")] == [False, True]
    assert [finding.allowed is None for finding in findings("Let go of that.", "other.md")] == [True]


def test_an_exception_excuses_a_long_sentence_by_its_start() -> None:
    text = "Let go of that " + " ".join(["word"] * style.LONGEST)
    assert [finding.allowed is None for finding in findings(text)] == [False, False]
    assert [finding.allowed is None for finding in findings(f"Do {text}")] == [False, True]


# The ratchet.


def test_more_than_recorded_fails() -> None:
    now = findings("We let go of a, and let go of b.")
    (problem,) = style.problems(now, {"page.md": {"let/lets go of": 1}})
    assert problem.startswith('page.md: "let/lets go of": 2 found, 1 recorded; better: release\n  page.md:1: We let go')
    assert style.problems(now, {"page.md": {"let/lets go of": 2}}) == []


def test_a_new_file_starts_at_zero() -> None:
    assert len(style.problems(findings("What runs is counted."), {})) == 1


def test_fewer_than_recorded_fails_until_the_record_is_lowered() -> None:
    now = findings("We let go of a.")
    recorded = {"page.md": {"let/lets go of": 2}, "gone.md": {"what ...": 1}}
    problems = style.problems(now, recorded)
    assert len(problems) == 2
    assert all(problem.endswith(style.LOWER) for problem in problems)
    recorded = style.lowered(recorded, style.count(now))
    assert recorded == {"page.md": {"let/lets go of": 1}}
    assert style.problems(now, recorded) == []


def test_the_record_is_never_raised() -> None:
    assert style.lowered({"a.md": {"x": 1}}, {"a.md": {"x": 5, "y": 1}, "b.md": {"x": 1}}) == {"a.md": {"x": 1}}


def test_the_program_lists_findings(capsys: pytest.CaptureFixture[str], guide: style.Guide) -> None:
    file = style.ROOT / "docs" / "runtime.md"
    style.main([str(file)])
    listed = [line for line in capsys.readouterr().out.splitlines() if not line.startswith(" ")]
    assert len(listed) == sum(not finding.allowed for finding in style.check_files([file], guide))
    assert all(line.startswith("docs/runtime.md:") for line in listed)


def test_the_program_lowers_the_record(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    record = tmp_path / "record.json"
    record.write_text(json.dumps({"docs/style.md": {style.LONG: 1}, "gone.md": {style.LONG: 1}}))
    monkeypatch.setattr(style, "RATCHET", record)
    monkeypatch.setattr(style, "files", lambda: [style.GUIDE])
    style.main(["--lower"])
    assert json.loads(record.read_text()) == {}
