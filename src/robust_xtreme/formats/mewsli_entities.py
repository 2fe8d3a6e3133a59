"""Mewsli-X's candidates: one entity a line, with its description in one of fifty languages."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, Final

from robust_xtreme.errors import DataError
from robust_xtreme.formats._json import objects, spans_of, text_of
from robust_xtreme.specs import Row

SAMPLE: Final = (
    '{"entity_id": "Q1757", "title": "Helsinki", "description": "Helsinki ist die Hauptstadt Finnlands. Sie liegt am '
    'Meer.", "description_url": "", "description_language": "de", "sentence_spans": [{"start": 0, "end": 38}, '
    '{"start": 39, "end": 57}]}\n'
)

FIELDS: Final = ("language", "text")


def read(text: str, path: str) -> tuple[Row, ...]:
    """One row a line, with the values `language` and `text`; the native id is the entity's. Raises DataError."""
    rows = ((text_of(found, "entity_id", place), place, found) for found, place in objects(text, path))
    return tuple(Row(native, place, entity(found, place)) for native, place, found in rows)


def entity(found: Mapping[str, Any], place: str) -> dict[str, Any]:
    """The language and the text of an entity: the sentences of its description, joined as the official code does."""
    description = text_of(found, "description", place)
    spans = spans_in(found, len(description), place)
    return {
        "language": text_of(found, "description_language", place),
        "text": flat(" ".join(description[start:stop] for start, stop in spans) or description),
    }


def spans_in(holder: Mapping[str, Any], length: int, place: str) -> tuple[tuple[int, int], ...]:
    """The `sentence_spans`, objects of `start` and `end`, of a text of that length. Raises DataError."""
    spans = holder.get("sentence_spans")
    if not isinstance(spans, list) or not all(isinstance(one, dict) for one in spans):
        shown = json.dumps(spans)[:80]
        raise DataError(place, f"the key 'sentence_spans' takes a list of start and end, not {shown}.")
    pairs = [[one.get("start"), one.get("end")] for one in spans]
    return spans_of({"sentence_spans": pairs}, "sentence_spans", length, place)


def flat(text: str) -> str:
    """The text on one line, as the official code normalises it: two spaces in a row are one, once over."""
    return " ".join(text.splitlines()).replace("  ", " ").strip()


def record(row: Mapping[str, Any], place: str) -> dict[str, Any]:
    """The values of a suite's row. Raises DataError."""
    return {name: text_of(row, name, place) for name in FIELDS}
