"""BEIR's passages: an object with `_id`, `text` and mostly a `title` a line."""

from collections.abc import Mapping
from typing import Any, Final

from robust_xtreme.core.errors import DataError
from robust_xtreme.core.specs import Row
from robust_xtreme.tasks.formats._json import objects, text_of
from robust_xtreme.tasks.formats.beir_queries import LANGUAGE, check_languages, language_of

FIELDS: Final = ("text",)


def read(text: str, path: str) -> tuple[Row, ...]:
    """A row for each passage with the values `text`, its title and its text, and `language`. Raises DataError."""
    rows = list(objects(text, path))
    check_languages(rows)
    return tuple(
        Row(text_of(row, "_id", at), at, {"text": _text(row, at), LANGUAGE: language_of(row, at)}) for row, at in rows
    )


def _text(row: Mapping[str, Any], location: str) -> str:
    """The title, if there is one, and the text. Raises DataError where both are empty."""
    parts = (text_of(row, key, location, empty=True).strip() for key in ("title", "text") if key in row)
    if not (text := " ".join(filter(None, parts))):
        raise DataError(location, "has neither a text nor a title.")
    return text
