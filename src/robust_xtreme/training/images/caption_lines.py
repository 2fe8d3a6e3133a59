"""Multi30k's layout: `train_images.txt` has the name of an image on each line, `train.LANG` its caption.

Several captions of an image are in `train.1.LANG`, `train.2.LANG` and so on. Source: github.com/multi30k/dataset.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Final

from robust_xtreme.errors import DataError, MissingData
from robust_xtreme.formats import numbered_lines, read_file
from robust_xtreme.training.images.rows import Row, language_of

LIST: Final = "train_images.txt"
_CAPTIONS: Final = "train.*"
_ENDINGS: Final = (".gz", ".zip", ".tsv", ".jsonl", ".txt")


def fits(folder: Path) -> bool:
    """Whether a folder contains a list of images."""
    return (folder / LIST).is_file()


def read(folder: Path) -> list[Row]:
    """The rows of every file of captions. Raises DataError where its lines are not those of the list."""
    images = [line.strip() for _, line in numbered_lines(read_file(folder / LIST).text)]
    files = sorted(path for path in folder.glob(_CAPTIONS) if path.is_file() and path.suffix not in _ENDINGS)
    if not files:
        raise MissingData(f"{folder} contains {LIST}, but no captions: they are in train.LANG, a line for each image.")
    return [row for path in files for row in _rows(path, images)]


def _rows(path: Path, images: list[str]) -> Iterator[Row]:
    lines = [line for _, line in numbered_lines(read_file(path).text)]
    if len(lines) != len(images):
        raise DataError(path, f"has {len(lines):,} captions, and {LIST} names {len(images):,} images.")
    language = language_of(path)
    for number, (image, caption) in enumerate(zip(images, lines, strict=True), start=1):
        yield Row(image, caption, language, f"{path}:{number}")
