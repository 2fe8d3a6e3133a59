"""MultiCheckList's table of templates: a row for each template or value, a column for each language.

Each of six tests is a block that begins with `Name` and ends with an empty row. A language has one column, or several,
each followed by a column `LANGUAGE-placeholders`, which names the English values for which the text before it is used.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from itertools import pairwise
from typing import Final, NamedTuple

from robust_xtreme.core.errors import DataError, counted
from robust_xtreme.core.specs import Row
from robust_xtreme.tasks.formats._file import numbered_lines

TESTS: Final[Mapping[str, str]] = {
    "A is COMP than B. Who is more / less COMP?": "comparisons",
    "Intensifiers (very, super, extremely) and reducers (somewhat, kinda, etc)?": "intensity",
    "size, shape, age, color": "properties",
    "Profession vs nationality": "professions",
    "Animal vs Vehicle": "animals",
    "Animal vs Vehicle v2": "animals_v2",
}
"""The names of the six tests: in the table, and in this project."""

CONTEXT: Final = "Context"
QUESTION: Final = "Question"
ANSWER: Final = "Answer"

_SUFFIX: Final = "-placeholders"
_SLOT: Final = re.compile(r"\{[^{}]+\}")
_BRACE: Final = re.compile(r"[{}]")

_KINDS: Final = (
    *(CONTEXT, "adj", "state", "very", "somewhat", "obj"),
    *("property", "profession", "nationality", "animal", "vehicle"),
)
"""The labels whose English values a placeholder column may name."""


@dataclass(frozen=True, slots=True)
class TemplateText:
    """One text of a language; `only` names, by kind, the English values for which it is used.

    `other` is the text after an answer: the answer for the second of two contexts.
    """

    text: str
    only: Mapping[str, frozenset[str]] = field(default_factory=dict)
    other: str = ""


class TemplateRow(NamedTuple):
    """One row of a block: its label, its English text, its number in the file, and its texts in a language."""

    label: str
    english: str
    number: int
    variants: tuple[TemplateText, ...]


class _Raw(NamedTuple):
    label: str
    number: int
    cells: tuple[str, ...]


def read(text: str, path: str) -> tuple[Row, ...]:
    """One row for each language and test, with the values `language`, `test` and `lines`.

    Raises DataError where a row has another number of columns than the header; where English or a test is missing;
    where a test or a row of it occurs twice; where a test has no context, or a question without its answer; and where
    a language has only some of its contexts, or a brace that is not part of a slot.
    """
    lines = list(numbered_lines(text))
    if not lines:
        return ()
    header = [cell.strip() for cell in lines[0][1].split("\t")]
    columns = _columns(header, path)
    blocks = _blocks(lines[1:], header, path)
    rows = []
    for test, block in blocks.items():
        bound = {kind: tuple(raw.cells[header.index("en")] for raw in block if raw.label == kind) for kind in _KINDS}
        for language, indices in columns.items():
            table_lines = tuple(_line(raw, indices, header, bound) for raw in block)
            _check_lines(table_lines, language, path)
            values = {"language": language, "test": test, "lines": table_lines}
            rows.append(Row(f"{language}/{test}", f"{path}:{block[0].number}", values))
    return tuple(rows)


def _columns(header: Sequence[str], path: str) -> dict[str, tuple[int, ...]]:
    """The columns of each language, without the placeholder columns."""
    if header[0] != "Field":
        raise DataError(path, "does not begin with the column 'Field': this is not a table of templates.", 1)
    columns: dict[str, tuple[int, ...]] = {}
    for index, name in enumerate(header[1:], 1):
        if name.endswith(_SUFFIX):
            if header[index - 1] != name.removesuffix(_SUFFIX):
                raise DataError(path, f"the column {index + 1} {name!r} does not follow a column of its language.", 1)
        else:
            columns[name] = (*columns.get(name, ()), index)
    if "en" not in columns:
        raise DataError(path, "has no column 'en', which the placeholder columns refer to.", 1)
    return columns


def _blocks(lines: Sequence[tuple[int, str]], header: Sequence[str], path: str) -> dict[str, list[_Raw]]:
    """The rows of each test, in the order of TESTS."""
    blocks: dict[str, list[_Raw]] = {}
    here: list[_Raw] | None = None
    for number, line in lines:
        cells = tuple(cell.strip() for cell in line.split("\t"))
        if cells[0] and len(cells) != len(header):
            raise DataError(
                path, f"has {counted(len(cells), 'column')}, and the header {len(header)}: is the file cut off?", number
            )
        raw = _Raw(cells[0], number, cells)
        if raw.label == "Name":
            here = blocks[_named(raw, header, blocks, path)] = []
        elif here is None and raw.label:
            raise DataError(path, f"{raw.label!r} is in no test: a row 'Name' begins one.", number)
        elif not raw.label:
            here = None
        elif here is not None and raw.label != "Capability":
            here.append(raw)
    for name, test in TESTS.items():
        _check(blocks.get(test), name, path)
    # The last test uses the animals and vehicles of the test before it.
    blocks["animals_v2"] += [raw for raw in blocks["animals"] if raw.label in ("animal", "vehicle")]
    return {test: blocks[test] for test in TESTS.values()}


def _named(raw: _Raw, header: Sequence[str], blocks: Mapping[str, object], path: str) -> str:
    name = raw.cells[header.index("en")]
    if name not in TESTS:
        raise DataError(path, f"there is no test {name[:80]!r}. Known: {'; '.join(TESTS)}.", raw.number)
    if TESTS[name] in blocks:
        raise DataError(path, f"the test {name!r} occurs twice.", raw.number)
    return TESTS[name]


def _check(block: Sequence[_Raw] | None, name: str, path: str) -> None:
    if block is None:
        raise DataError(path, f"the test {name!r} is missing: is the file cut off?")
    seen: dict[tuple[str, ...], int] = {}
    for raw in block:
        if raw.label not in (QUESTION, ANSWER) and seen.setdefault(raw.cells, raw.number) != raw.number:
            raise DataError(path, f"the row {raw.label!r} is the same as in line {seen[raw.cells]}.", raw.number)
    labels = [raw.label for raw in block]
    asked = [pair for pair in pairwise([*labels, ""]) if QUESTION in pair[:1] or ANSWER in pair[1:]]
    if CONTEXT not in labels or not asked or any(pair != (QUESTION, ANSWER) for pair in asked):
        raise DataError(
            path,
            f"the test {name!r} has no context, no question or a question without its answer.",
            block[0].number if block else None,
        )


def _check_lines(lines: Sequence[TemplateRow], language: str, path: str) -> None:
    """Refuse a missing context where the language has another one of the test, and braces that are not a slot."""
    contexts = [line for line in lines if line.label == CONTEXT]
    empty = [line for line in contexts if not line.variants]
    if len(empty) < len(contexts):
        for line in empty:
            raise DataError(path, f"the context has no text in {language!r}, and others of its test have.", line.number)
    for line in lines:
        for text in (text for variant in line.variants for text in (variant.text, variant.other)):
            if stray := _BRACE.search(_SLOT.sub("", text)):
                raise DataError(path, f"the brace {stray[0]!r} in {text[:80]!r} makes no slot.", line.number)


def _line(
    raw: _Raw, indices: Sequence[int], header: Sequence[str], bound: Mapping[str, tuple[str, ...]]
) -> TemplateRow:
    variants = []
    for index in indices:
        name, following = header[index], index + 1
        note = raw.cells[following] if following < len(header) and header[following] == name + _SUFFIX else ""
        if not raw.cells[index]:
            continue
        if raw.label == ANSWER:
            variants.append(TemplateText(raw.cells[index], other=note))
        else:
            variants.append(TemplateText(raw.cells[index], _only(note, bound) if note else {}))
    english = raw.cells[header.index("en")]
    return TemplateRow(raw.label, english, raw.number, tuple(sorted(variants, key=lambda variant: not variant.only)))


def _only(note: str, bound: Mapping[str, tuple[str, ...]]) -> Mapping[str, frozenset[str]]:
    """The English values, by kind, that a note names; a text whose note names none is never used."""
    named = {kind: frozenset(value for value in values if _names(note, value, kind)) for kind, values in bound.items()}
    return {kind: values for kind, values in named.items() if values} or {"": frozenset()}


@cache
def _names(note: str, value: str, kind: str) -> bool:
    """Whether a note names a value: a form of it or, as `nurse` for `a nurse`, the last word of a form."""
    if kind == CONTEXT:
        return value in note
    forms = (form for part in value.split(", ") for form in (part, part.split(" ")[-1]))
    return any(re.search(rf"(?<!\w){re.escape(form)}(?!\w)", note) for form in forms)
