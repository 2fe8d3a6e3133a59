"""MultiCheckList's table of templates: a row a template or a value, a column a language, and why languages vary.

Six blocks, one a test, begin with `Name` and end with an empty row. A language has one column, or several with each a
column `LANGUAGE-placeholders` after it: the text before it is for those values of the English column that are there.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from itertools import pairwise
from typing import Final, final

from robust_xtreme.errors import DataError
from robust_xtreme.formats._file import numbered_lines
from robust_xtreme.specs import Row

TESTS: Final[Mapping[str, str]] = {
    "A is COMP than B. Who is more / less COMP?": "comparisons",
    "Intensifiers (very, super, extremely) and reducers (somewhat, kinda, etc)?": "intensity",
    "size, shape, age, color": "properties",
    "Profession vs nationality": "professions",
    "Animal vs Vehicle": "animals",
    "Animal vs Vehicle v2": "animals_v2",
}
"""What the table calls its six tests, and what they are called here."""

CONTEXT: Final = "Context"
QUESTION: Final = "Question"
ANSWER: Final = "Answer"

_BEHIND: Final = "-placeholders"
_LENT: Final = ("animals", "animals_v2", ("animal", "vehicle"))
"""The last test has the animals and vehicles of the one before."""

_SLOT: Final = re.compile(r"\{[^{}]+\}")
_BRACE: Final = re.compile(r"[{}]")

_KINDS: Final = (
    *(CONTEXT, "adj", "state", "very", "somewhat", "obj"),
    *("property", "profession", "nationality", "animal", "vehicle"),
)
"""What a text may be bound to."""


@final
@dataclass(frozen=True, slots=True)
class Variant:
    """One text of a language; `only` names, by kind, the English values that it is for. `other` is what is after
    an answer: another text of it, for the second of two contexts."""

    text: str
    only: Mapping[str, frozenset[str]] = field(default_factory=dict)
    other: str = ""


@final
@dataclass(frozen=True, slots=True)
class Line:
    """One row of a block: its label, its English text, its number in the file, and its texts in a language."""

    label: str
    english: str
    number: int
    variants: tuple[Variant, ...]


@final
@dataclass(frozen=True, slots=True)
class _Raw:
    label: str
    number: int
    cells: tuple[str, ...]


def read(text: str, path: str) -> tuple[Row, ...]:
    """One row a language and test, with the values `language`, `test` and `lines`.

    Raises DataError where a row has another number of columns than the header, English or a test is missing; where a
    test or one of its rows is twice; where a test has no context, or another number of answers than of questions;
    and where a language has some of its contexts only, or a brace that is not a slot's.
    """
    lines = list(numbered_lines(text))
    if not lines:
        return ()
    header = [cell.strip() for cell in lines[0][1].split("\t")]
    columns = _columns(header, path)
    blocks = _blocks(lines[1:], header, path)
    rows = []
    for test, block in blocks.items():
        bound = _bound(block, header.index("en"))
        for language, places in columns.items():
            found = tuple(_line(raw, places, header, bound) for raw in block)
            _check_lines(found, language, path)
            values = {"language": language, "test": test, "lines": found}
            rows.append(Row(f"{language}/{test}", f"{path}:{block[0].number}", values))
    return tuple(rows)


def _columns(header: Sequence[str], path: str) -> dict[str, tuple[int, ...]]:
    """The columns of each language, those after them left out."""
    if header[0] != "Field":
        raise DataError(path, "does not begin with the column 'Field': this is not a table of templates.", 1)
    found: dict[str, tuple[int, ...]] = {}
    for place, name in enumerate(header[1:], 1):
        if name.endswith(_BEHIND):
            if header[place - 1] != name.removesuffix(_BEHIND):
                raise DataError(path, f"the column {place + 1} {name!r} is not after one of its language.", 1)
        else:
            found[name] = (*found.get(name, ()), place)
    if "en" not in found:
        raise DataError(path, "has no column 'en', which says what the others are for.", 1)
    return found


def _blocks(lines: Sequence[tuple[int, str]], header: Sequence[str], path: str) -> dict[str, list[_Raw]]:
    """The rows of each test, in the order of TESTS."""
    found: dict[str, list[_Raw]] = {}
    here: list[_Raw] | None = None
    for number, line in lines:
        raw = _raw(line, number, len(header), path)
        if raw.label == "Name":
            here = found[_named(raw, header, found, path)] = []
        elif here is None and raw.label:
            raise DataError(path, f"{raw.label!r} is in no test: a row 'Name' begins one.", number)
        elif not raw.label:
            here = None
        elif here is not None and raw.label != "Capability":
            here.append(raw)
    for name, test in TESTS.items():
        _check(found.get(test), name, path)
    lender, borrower, labels = _LENT
    found[borrower] += [raw for raw in found[lender] if raw.label in labels]
    return {test: found[test] for test in TESTS.values()}


def _raw(line: str, number: int, width: int, path: str) -> _Raw:
    cells = tuple(cell.strip() for cell in line.split("\t"))
    if cells[0] and len(cells) != width:
        raise DataError(path, f"has {len(cells)} columns, and the header {width}: is the file cut off?", number)
    return _Raw(cells[0], number, cells)


def _named(raw: _Raw, header: Sequence[str], found: Mapping[str, object], path: str) -> str:
    name = raw.cells[header.index("en")]
    if name not in TESTS:
        raise DataError(path, f"there is no test {name[:80]!r}. Known: {'; '.join(TESTS)}.", raw.number)
    if TESTS[name] in found:
        raise DataError(path, f"the test {name!r} is twice.", raw.number)
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
        number = block[0].number if block else None
        raise DataError(path, f"the test {name!r} does not have a context, a question or its answer.", number)


def _check_lines(lines: Sequence[Line], language: str, path: str) -> None:
    """Refuse a context that a language does not have though it has another one of the test, and braces that make no slot."""
    contexts = [line for line in lines if line.label == CONTEXT]
    empty = [line for line in contexts if not line.variants]
    if len(empty) < len(contexts):
        for line in empty:
            raise DataError(path, f"the context has no text in {language!r}, and others of its test have.", line.number)
    for line in lines:
        for text in (text for one in line.variants for text in (one.text, one.other)):
            if stray := _BRACE.search(_SLOT.sub("", text)):
                raise DataError(path, f"the brace {stray[0]!r} in {text[:80]!r} makes no slot.", line.number)


def _bound(block: Sequence[_Raw], english: int) -> Mapping[str, tuple[str, ...]]:
    """The English values of each kind."""
    return {kind: tuple(raw.cells[english] for raw in block if raw.label == kind) for kind in _KINDS}


def _line(raw: _Raw, places: Sequence[int], header: Sequence[str], bound: Mapping[str, tuple[str, ...]]) -> Line:
    english = raw.cells[header.index("en")]
    found = []
    for place in places:
        own, behind = header[place], place + 1
        note = raw.cells[behind] if behind < len(header) and header[behind] == own + _BEHIND else ""
        if not raw.cells[place]:
            continue
        if raw.label == ANSWER:
            found.append(Variant(raw.cells[place], other=note))
        else:
            found.append(Variant(raw.cells[place], _only(note, bound) if note else {}))
    return Line(raw.label, english, raw.number, tuple(sorted(found, key=lambda one: not one.only)))


def _only(note: str, bound: Mapping[str, tuple[str, ...]]) -> Mapping[str, frozenset[str]]:
    """The English values, by kind, that a note names; a note that names none binds the text to nothing there is."""
    found = {kind: frozenset(one for one in values if _names(note, one, kind)) for kind, values in bound.items()}
    return {kind: values for kind, values in found.items() if values} or {"": frozenset()}


@cache
def _names(note: str, value: str, kind: str) -> bool:
    """Whether a note names a value: one of its forms or, as in `nurse` for `a nurse`, the last word of one."""
    if kind == CONTEXT:
        return value in note
    return any(re.search(rf"(?<!\w){re.escape(one)}(?!\w)", note) for one in _forms(value))


def _forms(value: str) -> Iterator[str]:
    for part in value.split(", "):
        yield part
        yield part.split(" ")[-1]


SAMPLE: Final = "\n".join(
    "\t".join((*row.split("|"), "")[:2])
    for row in """Field|en
Name|A is COMP than B. Who is more / less COMP?
Capability|Vocabulary
Context|{first_name} is {adj[0]} than {first_name1}.
Question|Who is less {adj[1]}?
Answer|{first_name1}
Question|Who is {adj[0]}?
Answer|{first_name}
adj|older, old

Name|Intensifiers (very, super, extremely) and reducers (somewhat, kinda, etc)?
Context|{first_name} is {very} {s} about the project. {first_name1} is {somewhat} {s} about the project.
Question|Who is most {s} about the project?
Answer|{first_name}
state|happy
very|very
somewhat|a little

Name|size, shape, age, color
Context|There is {obj[0]} in the room. {obj[1]} is {p.v1} and {p.v2}.
Question|What {p.p1} is {obj[1]}?
Answer|{p.v1}
Question|What {p.p2} is {obj[1]}?
Answer|{p.v2}
obj|a sofa, the sofa
color|red
size|big
property|color
property|size

Name|Profession vs nationality
Context|{first_name} is {profession} and {nationality}.
Question|What is {first_name}'s job?
Answer|{profession}
nationality|Chinese
profession|an agent

Name|Animal vs Vehicle
Context|{first_name} has {animal} and {vehicle}.
Question|What animal does {first_name} have?
Answer|{animal}
animal|a dog
vehicle|a car

Name|Animal vs Vehicle v2
Context|{first_name} bought {animal}. {first_name2} bought {vehicle}.
Question|Who bought an animal?
Answer|{first_name}
""".splitlines()
)
