"""BEIR's queries: an object with `_id` and `text` a line, and lines of query id, passage id and grade, with tabs."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Any, Final

from robust_xtreme.core.errors import DataError
from robust_xtreme.core.specs import Row
from robust_xtreme.tasks.formats._file import numbered_lines
from robust_xtreme.tasks.formats._json import objects, text_of

FIELDS: Final = ("text", "right")
LANGUAGE: Final = "language"
"""The key of a query, and of a passage, that says its language; all rows of a file have it, or none."""

_HEADER: Final = "query-id"
_MOST: Final = 100


def read_parts(parts: Sequence[tuple[str, str]]) -> tuple[Row, ...]:
    """A row for each query with a right passage, with the values `query`, `right` and `language` ("" without one).

    `right` has the id of each right passage as often as its grade says; a grade of 0 or below is not right. Raises
    DataError.
    """
    (queries, path), (judgements, judged_path) = parts
    rows = [(text_of(row, "_id", at), row, at) for row, at in objects(queries, path)]
    check_languages([(row, at) for _, row, at in rows])
    right = _right(judgements, judged_path, {native for native, _, _ in rows})
    return tuple(
        Row(
            native,
            location,
            {"query": text_of(row, "text", location), "right": right[native], LANGUAGE: language_of(row, location)},
            text_of(row, "cluster", location) if "cluster" in row else "",
        )
        for native, row, location in rows
        if native in right
    )


def language_of(row: Mapping[str, Any], location: str) -> str:
    """The language that a row names; "" where it names none. Raises DataError."""
    return text_of(row, LANGUAGE, location) if LANGUAGE in row else ""


def check_languages(rows: Sequence[tuple[Mapping[str, Any], str]]) -> None:
    """Raise DataError where some rows name their language and others do not."""
    without = [location for row, location in rows if LANGUAGE not in row]
    if 0 < len(without) < len(rows):
        raise DataError(without[0], f"the key {LANGUAGE!r} is missing, and other rows of the file have it.")


def _right(text: str, path: str, queries: set[str]) -> Mapping[str, tuple[str, ...]]:
    """The right passages of each query that has one, each as often as its grade says."""
    grades: defaultdict[str, dict[str, int]] = defaultdict(dict)
    for number, line in numbered_lines(text):
        cells = [cell.strip() for cell in line.split("\t")]
        if number == 1 and cells[0].casefold() == _HEADER:
            continue
        if len(cells) != 3 or not all(cells):
            raise DataError(path, f"is not query id TAB passage id TAB grade: {line[:80]!r}.", number)
        query, passage, grade = cells
        if not grade.removeprefix("-").isdecimal() or len(grade) > len(str(_MOST)) or int(grade) > _MOST:
            raise DataError(path, f"the grade {grade[:20]!r} is not a whole number of at most {_MOST}.", number)
        if query not in queries:
            raise DataError(path, f"the query {query[:80]!r} is not in the file of queries.", number)
        if passage in grades[query]:
            raise DataError(path, f"the passage {passage[:80]!r} has a grade for {query[:80]!r} already.", number)
        grades[query][passage] = int(grade)
    named = {query: tuple(id for id, grade in of.items() for _ in range(grade)) for query, of in grades.items()}
    return {query: ids for query, ids in named.items() if ids}
