"""JSON lines of an `image`, a `caption` and its `language`; IGLUE's rows of WIT have WIT's names of these keys."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

from robust_xtreme.errors import DataError
from robust_xtreme.formats import numbered_lines, parse, text_of
from robust_xtreme.training.images.caption_wit import file_of
from robust_xtreme.training.images.rows import Row, language_of

_CAPTION: Final = "caption"
_WIT: Final = "caption_reference_description"


def read(text: str, path: Path) -> list[Row]:
    """The rows. Raises DataError for a line that is not such an object."""
    rows = []
    for number, line in numbered_lines(text):
        location = f"{path}:{number}"
        if line.strip():
            rows.append(_row(parse(line, location), location, path))
    return rows


def _row(row: dict[str, Any], location: str, path: Path) -> Row:
    language = text_of(row, "language", location) if "language" in row else language_of(path)
    if _WIT in row:
        image = row.get("image") or file_of(text_of(row, "image_url", location))
        return Row(str(image), text_of(row, _WIT, location), language, location, optional=True)
    if _CAPTION not in row or "image" not in row:
        raise DataError(location, "has no keys 'image' and 'caption'.")
    return Row(text_of(row, "image", location), text_of(row, _CAPTION, location), language, location)
