"""BUCC's three files: the sentences of a language, the English ones, each `id TAB sentence`, and the gold pairs of ids.

A row is a query or a candidate. Its values are `query`, the sentence in the language, and `candidate`, the English
sentence, one of which is empty, and for queries `gold`, the ids of their translations.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Any, Final

from robust_xtreme.core.errors import DataError
from robust_xtreme.core.specs import Row
from robust_xtreme.tasks.formats._file import numbered_lines
from robust_xtreme.tasks.formats._json import text_of

FIELDS: Final = ("sentence", "translation")
"""The keys of a suite's row of this kind; one of the two may be empty."""


def read_parts(parts: Sequence[tuple[str, str]]) -> tuple[Row, ...]:
    """One row for each line of both sides, queries first; repeated `gold` pairs count once.

    Text after a second tab is left out, as by the official script's `cut -f2`. Raises DataError for a line without an
    id or a sentence, and for a gold pair with an unknown id.
    """
    (queries, path), (candidates, english), (pairs, gold_path) = parts
    asked, pool = _sentences(queries, path), _sentences(candidates, english)
    gold = _gold(pairs, gold_path, {id for id, _, _ in asked}, {id for id, _, _ in pool})
    return (
        *(Row(id, at, {"query": text, "candidate": "", "gold": tuple(gold[id])}) for id, at, text in asked),
        *(Row(id, at, {"query": "", "candidate": text, "gold": ()}) for id, at, text in pool),
    )


def _sentences(text: str, path: str) -> list[tuple[str, str, str]]:
    """The lines of a side: id, location, sentence."""
    lines = [(number, *_two(line, path, number, "id TAB sentence")) for number, line in numbered_lines(text)]
    return [(id, f"{path}:{number}", sentence) for number, id, sentence in lines]


def _gold(text: str, path: str, asked: set[str], pool: set[str]) -> defaultdict[str, dict[str, None]]:
    """The translations of each query, in order, without duplicates."""
    gold: defaultdict[str, dict[str, None]] = defaultdict(dict)
    for number, line in numbered_lines(text):
        query, candidate = (cell.strip() for cell in _two(line, path, number, "id TAB id"))
        for native, known in ((query, asked), (candidate, pool)):
            if native not in known:
                raise DataError(path, f"the id {native[:80]!r} is not in its file of sentences.", number)
        gold[query][candidate] = None
    return gold


def _two(line: str, path: str, number: int, form: str) -> tuple[str, str]:
    """The first two columns of a line, neither of them empty."""
    cells = line.split("\t")
    if len(cells) < 2 or not cells[0].strip() or not cells[1].strip():
        raise DataError(path, f"is not {form}: {line[:80]!r}.", number)
    return cells[0].strip(), cells[1]


def record(row: Mapping[str, Any], location: str) -> dict[str, Any]:
    """The values of a suite's row: a pair, or one sentence that has no partner. Raises DataError."""
    query, candidate = (text_of(row, key, location, empty=True) for key in FIELDS)
    if not (query.strip() or candidate.strip()):
        raise DataError(location, "the keys 'sentence' and 'translation' are both empty.")
    gold = (row["id"],) if query.strip() and candidate.strip() else ()
    return {"query": query, "candidate": candidate, "gold": gold}
