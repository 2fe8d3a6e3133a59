"""Mewsli-X's mentions: articles of WikiNews with their mentions, or pairs of a mention in Wikipedia and its entity."""

from collections.abc import Iterator, Mapping
from typing import Any, Final

from robust_xtreme.core.errors import DataError
from robust_xtreme.core.specs import Row
from robust_xtreme.tasks.formats._json import objects, text_of
from robust_xtreme.tasks.formats.mewsli_entities import entity, spans_in

FIELDS: Final = ("mention", "left", "right", "entity")


def read(text: str, path: str) -> tuple[Row, ...]:
    """One row a mention; its native id is the file's `example_id`.

    The values are `mention`, `left` and `right`, the text around it in its sentence, `entity`, the id of the right
    entity (empty where the file has none), `language`, `document`, and in pairs `text` and `described`, the
    description of the entity and its language. Raises DataError.
    """
    return tuple(row for entry, location in objects(text, path) for row in _rows(entry, location))


def _rows(entry: Mapping[str, Any], location: str) -> Iterator[Row]:
    if "contextual_mention" in entry:
        both = _object(entry, "contextual_mention", location)
        row = _row(_object(both, "mention", location), _object(both, "context", location), location)
        described = entity(_object(entry, "entity", location), location)
        yield Row(row.native, location, {**row.values, "text": described["text"], "described": described["language"]})
        return
    mentions = entry.get("mentions")
    if not isinstance(mentions, list) or not all(isinstance(mention, dict) for mention in mentions):
        raise DataError(location, "has neither 'mentions' nor a 'contextual_mention'; this is not Mewsli-X's format.")
    context = _object(entry, "context", location)
    yield from (_row(mention, context, location) for mention in mentions)


def _row(mention: Mapping[str, Any], context: Mapping[str, Any], location: str) -> Row:
    native = text_of(mention, "example_id", location)
    where = f"{location}: mention {native!r}"
    text = text_of(context, "text", where, empty=True) if "text" in context else ""
    if not text:
        cure = "Mewsli-X's files come without it; get-mewsli-x.sh of google-research restores it from WikiNews."
        raise DataError(where, f"the text of its article is missing. {cure}")
    span = _object(mention, "mention_span", where)
    start, stop = span.get("start"), span.get("end")
    if type(start) is not int or type(stop) is not int or not 0 <= start < stop <= len(text):
        raise DataError(where, f"the mention at [{start!r}, {stop!r}] is not in its text of {len(text)} characters.")
    if span.get("text") != text[start:stop]:  # which the file states, too
        shown = f"{span.get('text')!r:.80} is not at [{start}, {stop}], where {text[start:stop][:80]!r} is"
        raise DataError(where, f"the mention {shown}.")
    sentences = spans_in(context, len(text), where)
    sentence = next(((first, last) for first, last in sentences if first <= start and stop <= last), None)
    if sentence is None:
        raise DataError(where, f"the mention at [{start}, {stop}] is in no sentence of its text.")
    first, last = sentence  # the first one with the whole mention, as the official code takes it
    values = {
        "mention": text[start:stop],
        "left": text[first:start],
        "right": text[stop:last],
        "entity": text_of(mention, "entity_id", where, empty=True) if "entity_id" in mention else "",
        "language": text_of(context, "language", where),
        "document": text_of(context, "document_id", where, empty=True) if "document_id" in context else "",
    }
    return Row(native, where, values)


def _object(holder: Mapping[str, Any], name: str, location: str) -> Mapping[str, Any]:
    value = holder.get(name)
    if not isinstance(value, dict):
        raise DataError(location, f"expected {name!r} to be an object; this is not Mewsli-X's format.")
    return value


def record(row: Mapping[str, Any], location: str) -> dict[str, Any]:
    """The values of a suite's row. Raises DataError."""
    around = {name: text_of(row, name, location, empty=True) for name in ("left", "right")}
    return {"mention": text_of(row, "mention", location), **around, "entity": text_of(row, "entity", location)}
