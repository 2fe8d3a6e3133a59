"""Captions by line, as JSON lines and in tables.

Multi30k's layout: `train_images.txt` has the name of an image on each line, `train.LANG` its caption. Several captions
of an image are in `train.1.LANG`, `train.2.LANG` and so on. Source: github.com/multi30k/dataset. JSON lines have an
`image`, a `caption` and its `language`; IGLUE's rows of WIT have WIT's names of these keys. A table has two columns, an
image and its caption, as in Flickr30k: `123.jpg#2<TAB>A dog runs.`; a comma separates them in a .csv file whose first
line is `image,caption`. The language is in the file's name.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

from robust_xtreme.core.errors import DataError, MissingData
from robust_xtreme.tasks.formats import numbered_lines, parse, read_file, text_of
from robust_xtreme.training.images.caption_wit import file_of
from robust_xtreme.training.images.rows import CaptionRow, language_of

_HEADERS: Final = (["image", "caption"], ["image_name", "caption"], ["file", "caption"])
_NUMBER: Final = re.compile(r"#\d+$")


def read_table(text: str, path: Path) -> list[CaptionRow]:
    """The rows of a table. Raises DataError for a line without two columns."""
    language = language_of(path)
    rows = []
    for number, cells in _cells(text, path):
        if number == 1 and [cell.strip().lower() for cell in cells] in _HEADERS:
            continue
        if len(cells) != 2:
            raise DataError(path, f"has {len(cells)} columns, expected an image, a tab and a caption.", number)
        rows.append(CaptionRow(_NUMBER.sub("", cells[0].strip()), cells[1], language, f"{path}:{number}"))
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


_CAPTION: Final = "caption"
_WIT: Final = "caption_reference_description"


def read_jsonl(text: str, path: Path) -> list[CaptionRow]:
    """The rows. Raises DataError for a line that is not such an object."""
    rows = []
    for number, line in numbered_lines(text):
        location = f"{path}:{number}"
        if line.strip():
            rows.append(_row(parse(line, location), location, path))
    return rows


def _row(row: dict[str, Any], location: str, path: Path) -> CaptionRow:
    language = text_of(row, "language", location) if "language" in row else language_of(path)
    if _WIT in row:
        image = row.get("image") or file_of(text_of(row, "image_url", location))
        return CaptionRow(str(image), text_of(row, _WIT, location), language, location, optional=True)
    if _CAPTION not in row or "image" not in row:
        raise DataError(location, "has no keys 'image' and 'caption'.")
    return CaptionRow(text_of(row, "image", location), text_of(row, _CAPTION, location), language, location)


LIST: Final = "train_images.txt"
_CAPTIONS: Final = "train.*"
_ENDINGS: Final = (".gz", ".zip", ".tsv", ".jsonl", ".txt")


def fits(folder: Path) -> bool:
    """Whether a folder contains a list of images."""
    return (folder / LIST).is_file()


def read(folder: Path) -> list[CaptionRow]:
    """The rows of every file of captions. Raises DataError where its lines are not those of the list."""
    images = [line.strip() for _, line in numbered_lines(read_file(folder / LIST).text)]
    files = sorted(path for path in folder.glob(_CAPTIONS) if path.is_file() and path.suffix not in _ENDINGS)
    if not files:
        raise MissingData(f"{folder} contains {LIST}, but no captions: they are in train.LANG, a line for each image.")
    return [row for path in files for row in _rows(path, images)]


def _rows(path: Path, images: list[str]) -> Iterator[CaptionRow]:
    lines = [line for _, line in numbered_lines(read_file(path).text)]
    if len(lines) != len(images):
        raise DataError(path, f"has {len(lines):,} captions, and {LIST} names {len(images):,} images.")
    language = language_of(path)
    for number, (image, caption) in enumerate(zip(images, lines, strict=True), start=1):
        yield CaptionRow(image, caption, language, f"{path}:{number}")
