"""SQuAD's JSON with the sentences of each context, as LAReQA's files have them in `sentence_breaks`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from itertools import pairwise
from typing import Any, Final

from robust_xtreme.errors import DataError
from robust_xtreme.sources import squad_json
from robust_xtreme.sources._json import spans_of
from robust_xtreme.sources._sentences import sentences
from robust_xtreme.specs import Row

SAMPLE: Final = (
    '{"version": "1.1", "data": [{"title": "", "paragraphs": [{"context": "Nyerere was a teacher. He was born in '
    'Butiama.", "sentence_breaks": [[0, 22], [23, 46]], "qas": [{"id": "q1", "question": "Where was Nyerere born?", '
    '"answers": [{"text": "Butiama", "answer_start": 38}]}]}]}]}'
)
"""A whole, valid file of this format."""

FIELDS: Final = (*squad_json.FIELDS, "sentences")
"""The keys of a suite's row of this kind."""

Spans = tuple[tuple[int, int], ...]


def read(text: str, path: str) -> tuple[Row, ...]:
    """The rows of `squad_json`, all of them with the value `sentences`: pairs of (start, stop) in code points.

    Where a paragraph has no `sentence_breaks`, as in SQuAD's own files, its sentences are found by a rule, and `ruled`
    is there, and true. Raises DataError as `squad_json` does, and for breaks that name no sentence.
    """
    rows = squad_json.read(text, path)
    contexts = dict.fromkeys(row.values["context"] for row in rows if "sentences" not in row.values)
    by_rule = {context: tuple(sentences(context)) for context in contexts}
    return tuple(_with_sentences(row, by_rule) for row in rows)


def _with_sentences(row: Row, by_rule: Mapping[str, Spans]) -> Row:
    found = row.values.get("sentences")
    if found is None:
        return replace(row, values={**row.values, "sentences": by_rule[row.values["context"]], "ruled": True})
    return replace(row, values={**row.values, "sentences": _ordered(found, "sentence_breaks", row.place)})


def _ordered(found: Spans, key: str, place: str) -> Spans:
    """Refuse sentences that overlap or are none."""
    if not found:
        raise DataError(place, f"the key {key!r} names no sentence.")
    for one, other in pairwise(found):
        if other[0] < one[1]:
            raise DataError(place, f"the sentences {list(one)} and {list(other)} of {key!r} overlap.")
    return found


def record(row: Mapping[str, Any], place: str) -> dict[str, Any]:
    """The values of a suite's row. Raises DataError."""
    values = squad_json.record(row, place)
    found = spans_of(row, "sentences", len(values["context"]), place)
    return {**values, "sentences": _ordered(found, "sentences", place)}
