"""A table of two columns, the image and its caption, as in Flickr30k: `123.jpg#2<TAB>A dog runs.`

A comma separates the columns in a .csv file whose first line is `image,caption`. The language is in the file's name.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from robust_xtreme.errors import DataError
from robust_xtreme.formats import numbered_lines
from robust_xtreme.training.images.rows import Row, language_of

_HEADERS: Final = (["image", "caption"], ["image_name", "caption"], ["file", "caption"])
_NUMBER: Final = re.compile(r"#\d+$")


def read(text: str, path: Path) -> list[Row]:
    """The rows of a table. Raises DataError for a line without two columns."""
    language = language_of(path)
    rows = []
    for number, cells in _cells(text, path):
        if number == 1 and [cell.strip().lower() for cell in cells] in _HEADERS:
            continue
        if len(cells) != 2:
            raise DataError(path, f"has {len(cells)} columns, expected an image, a tab and a caption.", number)
        rows.append(Row(_NUMBER.sub("", cells[0].strip()), cells[1], language, f"{path}:{number}"))
    return rows


def _cells(text: str, path: Path) -> Iterator[tuple[int, list[str]]]:
    """The cells of each line that is not empty, by its number."""
    for number, line in numbered_lines(text):
        if not line.strip():
            continue
        if path.suffix != ".csv":
            yield number, line.split("\t")
            continue
        try:
            yield number, next(csv.reader([line], strict=True))
        except csv.Error as error:
            raise DataError(path, f"is not a line of CSV: {error}.", number) from error
