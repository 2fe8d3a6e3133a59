"""WIT's table: columns by the names in its first line, of which `language`, `image_url` and the caption are read.

Images are never fetched. A row's local file is in its column `image`, in the table `images.tsv` beside it
(`URL<TAB>FILE`), or has the last part of the URL as its name; rows without a local file or a caption are left out.
Source: github.com/google-research-datasets/wit.
"""

from __future__ import annotations

from pathlib import Path
from typing import Final
from urllib.parse import unquote, urlsplit

from robust_xtreme.core.errors import DataError
from robust_xtreme.tasks.formats import numbered_lines, read_file
from robust_xtreme.training.images.rows import CaptionRow
from robust_xtreme.training.text import NAMES

INDEX: Final = "images.tsv"
_CAPTION: Final = "caption_reference_description"
_NEEDED: Final = ("language", "image_url", _CAPTION)
_IMAGE: Final = "image"


def fits(first: str) -> bool:
    """Whether the first line of a file names WIT's columns."""
    return _CAPTION in first.rstrip("\r").split("\t")


def read(text: str, path: Path) -> list[CaptionRow]:
    """The rows with captions. Raises DataError for a missing column, or a line with other columns than the first."""
    lines = numbered_lines(text)
    names = next(lines)[1].split("\t")
    lost = [name for name in _NEEDED if name not in names]
    if lost:
        raise DataError(path, f"has no column {lost[0]!r}, as in WIT.", 1)
    local = _index(path.parent / INDEX)
    rows = []
    for number, line in lines:
        cells = line.split("\t")
        if len(cells) != len(names):
            raise DataError(path, f"has {len(cells)} columns, and its first line {len(names)}.", number)
        row = dict(zip(names, cells, strict=True))
        if row[_CAPTION].strip():
            rows.append(_row(row, local, f"{path}:{number}"))
    return rows


def _row(row: dict[str, str], local: dict[str, str], location: str) -> CaptionRow:
    image = row.get(_IMAGE) or local.get(row["image_url"]) or file_of(row["image_url"])
    language = row["language"].partition("-")[0]
    return CaptionRow(image, row[_CAPTION], NAMES.get(language, language), location, optional=True)


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
