"""The house rules that no linter knows: short functions, short files, plain names, reasons for exceptions."""

from __future__ import annotations

import ast
import io
import re
import statistics
import tokenize
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final

ROOT = Path(__file__).parents[2]
SOURCES = sorted((ROOT / "src").rglob("*.py"))
EVERYTHING = [path for name in ("src", "tests", "benchmarks", "tools") for path in sorted((ROOT / name).rglob("*.py"))]
TEXTS = [*EVERYTHING, *ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md"), ROOT / "Makefile", ROOT / "pyproject.toml"]
VAGUE = {"utils", "helpers", "common", "misc", "manager"}
LONGEST_FILE, LONGEST_FUNCTION, NINE_OF_TEN, MEDIAN = 600, 60, 30, 8

DENIED: Final = {
    r"(?<![Tt]here )\b(?:is|are|was|were) no (?!longer\b|more\b)\w": "write 'is not a ...' or 'has no ...'",
    r"\b(?:stands?|stood|standing for)\b": "write 'is', 'is in', 'means' or 'represents'",
    r"\btold\b": "write 'reported', 'known' or 'distinguished'",
    r"\b(?:is|are|was|were|be) said\b|\bsaid so\b": "write 'stated', 'reported' or 'called'",
    r"\bbehind\b": "write 'after', 'pending' or 'follows'",
    r"\b(?:holds|hold)\b(?!.{0,12} lock)": "write 'contains', 'is true' or 'keeps'",
    r"\bhears?\b": "write 'receives'",
    r"\b(?:lies|lie|lay|lain)\b": "write 'is in'",
    r"\black(?:s|ed|ing)?\b": "write 'has no', 'without' or 'unsupported'",
    r"\banew\b": "write 'again'",
    r"\b(?:goes on|go on|going on|went on(?! strike))\b": "write 'continues' or 'resumes'",
    r"\bparted\b": "write 'separated'",
    r"\bwhoever\b|\bwho comes\b": "name the actor",
    r"\b(?:is|be) had\b": "write 'is available'",
    r"\bcompany\b": "name the libraries",
    r"\bof (?:ours|theirs|yours)\b": "write 'our ...', 'their ...' or 'your ...'",
    r"\bstretch(?:es)? of\b": "write 'span' or 'part'",
    r"\bmade ready\b": "write 'prepared'",
    r"\bkeeps? the books\b|\bbooks of\b": "write 'edit counts'",
    r"\bslips?\b": "write 'key errors'",
    r"\bjudg(?:es?|ed|ing)\b": "write 'scores'",
    r"\bguarded\b": "write 'contamination'",
    r"\bof which no\b": "write 'too few ... for ...'",
    r"\bin place of\b": "write 'instead of'",
    r"\b(?:thereof|whereof|whereupon|wherein)\b": "use a plain clause",
}
"""Words and phrases that the project does not use, each with how to mend it."""

VAGUE_NAMES: Final = frozenset(
    {"found", "one", "ones", "place", "places", "own", "said", "told", "behind", "held", "gone", "lacking"}
    | {"judge", "judged", "slip", "slips", "books", "Books", "Unit"}
)
"""Names that do not say what they name."""

Function = ast.FunctionDef | ast.AsyncFunctionDef


def name(path: Path) -> str:
    """A path as a failure shows it."""
    return path.relative_to(ROOT).as_posix()


def functions(path: Path) -> Iterator[Function]:
    """All functions of a file, nested ones too."""
    tree = ast.parse(path.read_text("utf-8"))
    return (node for node in ast.walk(tree) if isinstance(node, Function))


def span(node: ast.stmt) -> int:
    """Lines of a statement, from `def` to its end for a function."""
    return (node.end_lineno or node.lineno) - node.lineno + 1


def lines(node: Function) -> int:
    """Lines of a function from `def` to its end, without the docstring."""
    return span(node) - (span(node.body[0]) if ast.get_docstring(node) is not None else 0)


def matching_lines(paths: Sequence[Path], pattern: str) -> list[str]:
    """The lines of some files in which a pattern occurs, each after the name of its file."""
    wanted = re.compile(pattern)
    return [
        f"{name(path)}: {line}"
        for path in paths
        for line in path.read_text("utf-8").splitlines()
        if wanted.search(line)
    ]


def test_a_file_fits_in_one_reading() -> None:
    """No file has more than 600 lines, and none has a name that says nothing."""
    assert [name(path) for path in EVERYTHING if len(path.read_text("utf-8").splitlines()) > LONGEST_FILE] == []
    assert [name(path) for path in EVERYTHING if path.stem in VAGUE] == []


def test_functions_are_short() -> None:
    """Of the library's functions half have at most 8 lines, nine of ten at most 30; with docstring none has over 60."""
    whole = {f"{name(path)}:{node.name}": span(node) for path in SOURCES for node in functions(path)}
    assert {function: size for function, size in whole.items() if size > LONGEST_FUNCTION} == {}
    ordered = sorted(lines(node) for path in SOURCES for node in functions(path))
    assert ordered[int(0.9 * (len(ordered) - 1))] <= NINE_OF_TEN
    assert statistics.median(ordered) <= MEDIAN


def test_no_inheritance_trees() -> None:
    """The library composes: `super()` only hands a constructor's arguments to a class of Python's or a library's."""
    assert matching_lines(SOURCES, r"\bsuper\((?!\)\.__init__\()") == []


def test_dataclasses_are_frozen_and_slotted() -> None:
    """A value does not change after it is made; one that does says why on the line."""
    assert matching_lines(SOURCES, r"^ *@dataclass(?!\([^)]*frozen=True[^)]*slots=True)(?!.*\)  # \w)") == []


def test_there_is_no_global_randomness() -> None:
    """Draws are keyed: a global generator is seeded only where one is lent to a library and put back."""
    lent = ROOT / "src/robust_xtreme/noise/engine/generators.py"
    sources = [path for path in SOURCES if path != lent]
    assert matching_lines(sources, r"^\s*(?:import random|from random)\b|\bnp\.random\.seed|\brandom\.seed\(") == []


def test_an_exception_has_its_reason_on_the_line() -> None:
    """`noqa` and `type: ignore` name a rule and say why."""
    reason = re.compile(r"#\s*noqa: [A-Z0-9, ]+ - \S|#\s*type:\s*ignore\[[^\]]+\]\s+#\s*\S")
    marks = matching_lines(EVERYTHING, r"\S.*#\s*(?:noqa|type:\s*ignore)\b")
    assert [mark for mark in marks if not reason.search(mark) and "re.compile" not in mark] == []


def test_no_machine_is_named() -> None:
    """Nothing in the project depends on where it is, or says which registry it was fetched from."""
    assert matching_lines(TEXTS, r"/wo[r]k/|/ho[m]e/\w|/op[t]/\w|pypi\.o[r]g|registry\.np[m]") == []


def test_every_test_says_the_behaviour() -> None:
    """Each test has a docstring that is a sentence."""
    tests = [(path, node) for path in EVERYTHING if path.name.startswith("test_") for node in functions(path)]
    named = [(path, node) for path, node in tests if node.name.startswith("test_")]
    silent = [f"{name(path)}: {node.name}" for path, node in named if not (ast.get_docstring(node) or "").endswith(".")]
    assert silent == []


def prose(path: Path) -> Iterator[tuple[int, str]]:
    """The lines of a document; of a program its comments and the strings that are sentences, with their numbers."""
    text = path.read_text("utf-8")
    if path.suffix != ".py":
        yield from enumerate(text.splitlines(), 1)
        return
    for token in tokenize.generate_tokens(io.StringIO(text).readline):
        if token.type in (tokenize.STRING, tokenize.COMMENT) and " " in token.string:
            yield from enumerate(token.string.splitlines(), token.start[0])


def bound_names(path: Path) -> Iterator[tuple[int, str]]:
    """The names that a program binds: variables, parameters, attributes, functions and classes."""
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        match node:
            case ast.Name(id=bound, ctx=ast.Store()) | ast.arg(arg=bound) | ast.Attribute(attr=bound, ctx=ast.Store()):
                yield node.lineno, bound
            case ast.FunctionDef(name=bound) | ast.ClassDef(name=bound):
                yield node.lineno, bound


PROSE: Final = [path for path in TEXTS if path != Path(__file__)]
"""Every program and document but this module, which lists the denied words."""

A_PART_OF_A_CLAUSE: Final = ("tools/mini/meaning.py", "place")
"""Where something happens: lexicons and grammars of mini name this part of a clause by the same word."""


def test_the_words_are_plain() -> None:
    """Documents, docstrings, comments and messages use none of the denied words; code in backquotes may."""
    denied = [(re.compile(pattern), mend) for pattern, mend in DENIED.items()]
    uses = [
        f"{name(path)}:{number}: {match[0]!r}: {mend}"
        for path in PROSE
        for number, line in prose(path)
        for pattern, mend in denied
        for match in pattern.finditer(re.sub(r"`[^`]*`|\{[^{}]*\}", "", line))
    ]
    assert uses == []


def test_a_name_says_what_it_names() -> None:
    """No variable, parameter, attribute, function or class has a name that would fit anything."""
    uses = [(name(path), number, bound) for path in EVERYTHING for number, bound in bound_names(path)]
    vague = [use for use in uses if use[2].strip("_") in VAGUE_NAMES and (use[0], use[2]) != A_PART_OF_A_CLAUSE]
    assert vague == [], "name each by its content"
