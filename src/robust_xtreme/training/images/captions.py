"""Captions by line, as JSON lines, in tables, and WIT's table.

Multi30k's layout: `train_images.txt` has the name of an image on each line, `train.LANG` its caption. Several captions
of an image are in `train.1.LANG`, `train.2.LANG` and so on. Source: github.com/multi30k/dataset. JSON lines have an
`image`, a `caption` and its `language`; IGLUE's rows of WIT have WIT's names of these keys. A table has two columns, an
image and its caption, as in Flickr30k: `123.jpg#2<TAB>A dog runs.`; a comma separates them in a .csv file whose first
line is `image,caption`. The language is in the file's name.

WIT's table has columns by the names in its first line, of which `language`, `image_url` and the caption are read. No
image is fetched: a row's local file is in its column `image`, in the table `images.tsv` beside it (`URL<TAB>FILE`), or
has the last part of the URL as its name. Source: github.com/google-research-datasets/wit.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, final
from urllib.parse import unquote, urlsplit

from robust_xtreme.core.errors import DataError, MissingData
from robust_xtreme.tasks.formats import numbered_lines, parse, read_file, text_of
from robust_xtreme.training.text import NAMES

LONGEST: Final = 10_000
"""The most characters of a caption."""

LIST: Final = "train_images.txt"
INDEX: Final = "images.tsv"
_WIT: Final = "caption_reference_description"


@final
@dataclass(frozen=True, slots=True)
class CaptionRow:
    """An image by its path from the folder of the pairs, and a caption.

    `location` is the file and line of the caption. An `optional` image may be absent: the row is then left out.
    """

    image: str
    caption: str
    language: str
    location: str
    optional: bool = False


def language_of(path: Path) -> str:
    """The language in the name of a file: `de.tsv`, `captions.de.tsv` or `train.1.de`; English where there is none."""
    parts = [part for part in path.name.split(".") if re.fullmatch("[a-z]{2,3}", part)]
    code = next((part for part in reversed(parts) if part not in ("tsv", "csv", "txt")), "en")
    return NAMES.get(code, code)


def read_table(text: str, path: Path) -> list[CaptionRow]:
    """The rows of a table. Raises DataError for a line without two columns."""
    language = language_of(path)
    headers = (["image", "caption"], ["image_name", "caption"], ["file", "caption"])
    rows = []
    for number, cells in _cells(text, path):
        if number == 1 and [cell.strip().lower() for cell in cells] in headers:
            continue
        if len(cells) != 2:
            raise DataError(path, f"has {len(cells)} columns, expected an image, a tab and a caption.", number)
        rows.append(CaptionRow(re.sub(r"#\d+$", "", cells[0].strip()), cells[1], language, f"{path}:{number}"))
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


def read_jsonl(text: str, path: Path) -> list[CaptionRow]:
    """The rows. Raises DataError for a line that is not such an object."""
    numbered = ((f"{path}:{number}", line) for number, line in numbered_lines(text) if line.strip())
    return [_of_object(parse(line, location), location, path) for location, line in numbered]


def _of_object(row: dict[str, Any], location: str, path: Path) -> CaptionRow:
    language = text_of(row, "language", location) if "language" in row else language_of(path)
    if _WIT in row:
        image = row.get("image") or file_of(text_of(row, "image_url", location))
        return CaptionRow(str(image), text_of(row, _WIT, location), language, location, optional=True)
    if "caption" not in row or "image" not in row:
        raise DataError(location, "has no keys 'image' and 'caption'.")
    return CaptionRow(text_of(row, "image", location), text_of(row, "caption", location), language, location)


def fits(folder: Path) -> bool:
    """Whether a folder contains a list of images."""
    return (folder / LIST).is_file()


def read(folder: Path) -> list[CaptionRow]:
    """The rows of every file of captions. Raises DataError where its lines are not those of the list."""
    images = [line.strip() for _, line in numbered_lines(read_file(folder / LIST).text)]
    endings = (".gz", ".zip", ".tsv", ".jsonl", ".txt")
    files = sorted(path for path in folder.glob("train.*") if path.is_file() and path.suffix not in endings)
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


def is_wit(first: str) -> bool:
    """Whether the first line of a file names WIT's columns."""
    return _WIT in first.rstrip("\r").split("\t")


def read_wit(text: str, path: Path) -> list[CaptionRow]:
    """The rows of WIT's table with captions. Raises DataError for a missing column, or a line with other columns."""
    lines = numbered_lines(text)
    names = next(lines)[1].split("\t")
    lost = [name for name in ("language", "image_url", _WIT) if name not in names]
    if lost:
        raise DataError(path, f"has no column {lost[0]!r}, as in WIT.", 1)
    local = _index(path.parent / INDEX)
    rows = []
    for number, line in lines:
        cells = line.split("\t")
        if len(cells) != len(names):
            raise DataError(path, f"has {len(cells)} columns, and its first line {len(names)}.", number)
        row = dict(zip(names, cells, strict=True))
        if row[_WIT].strip():
            image = row.get("image") or local.get(row["image_url"]) or file_of(row["image_url"])
            code = row["language"].partition("-")[0]
            rows.append(CaptionRow(image, row[_WIT], NAMES.get(code, code), f"{path}:{number}", optional=True))
    return rows


def file_of(url: str) -> str:
    """The name of the file that a URL ends with."""
    try:
        return unquote(urlsplit(url).path).rpartition("/")[2] or "-"
    except ValueError:
        return "-"


def _index(path: Path) -> dict[str, str]:
    """The local files by URL; none where there is no such table. Raises DataError."""
    if not path.is_file():
        return {}
    local = {}
    for number, line in numbered_lines(read_file(path).text):
        url, tab, file = line.partition("\t")
        if not tab or not file.strip():
            raise DataError(path, "is not a line of a URL, a tab and a file.", number)
        local[url] = file.strip()
    return local
