"""Mewsli-X's candidates: one entity a line, with its description in one of fifty languages."""

import json
from collections.abc import Mapping
from typing import Any, Final

from robust_xtreme.core.errors import DataError
from robust_xtreme.core.specs import Row
from robust_xtreme.tasks.formats._json import objects, spans_of, text_of

FIELDS: Final = ("language", "text")


def read(text: str, path: str) -> tuple[Row, ...]:
    """One row a line, with the values `language` and `text`; the native id is the entity's. Raises DataError."""
    return tuple(Row(text_of(row, "entity_id", at), at, entity(row, at)) for row, at in objects(text, path))


def entity(row: Mapping[str, Any], location: str) -> dict[str, Any]:
    """The language and the text of an entity: the sentences of its description, joined as the official code does."""
    description = text_of(row, "description", location)
    spans = spans_in(row, len(description), location)
    return {
        "language": text_of(row, "description_language", location),
        "text": flat(" ".join(description[start:stop] for start, stop in spans) or description),
    }


def spans_in(holder: Mapping[str, Any], length: int, location: str) -> tuple[tuple[int, int], ...]:
    """The `sentence_spans`, objects of `start` and `end`, of a text of that length. Raises DataError."""
    spans = holder.get("sentence_spans")
    if not isinstance(spans, list) or not all(isinstance(span, dict) for span in spans):
        what = f"takes a list of start and end, not {json.dumps(spans)[:80]}."
        raise DataError(location, f"the key 'sentence_spans' {what}")
    pairs = [[span.get("start"), span.get("end")] for span in spans]
    return spans_of({"sentence_spans": pairs}, "sentence_spans", length, location)


def flat(text: str) -> str:
    """The text on one line, as the official code normalises it: each two spaces in a row become one, in one pass."""
    return " ".join(text.splitlines()).replace("  ", " ").strip()


def record(row: Mapping[str, Any], location: str) -> dict[str, Any]:
    """The values of a suite's row. Raises DataError."""
    return {name: text_of(row, name, location) for name in FIELDS}
