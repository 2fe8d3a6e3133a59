"""Two files of sentences: line i of the second is the English translation of line i of the first."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from robust_xtreme.errors import DataError
from robust_xtreme.formats._file import numbered_lines
from robust_xtreme.formats._json import text_of
from robust_xtreme.specs import Row

SAMPLE: Final = ("Maria schläft.\nTom singt ein Lied.\n", "Mary sleeps.\nTom sings a song.\n")
"""A whole, valid pair of files of this format."""

FIELDS: Final = ("sentence", "translation")

_HIDDEN: Final = "-en.en"
_TELLING: Final = 20


def read_parts(parts: Sequence[tuple[str, str]]) -> tuple[Row, ...]:
    """One row a line, with the values `sentence` and `translation`, as they are in the files.

    Raises DataError where the files have different numbers of lines, where a line is empty, and for the files of
    XTREME's script, which sorts the English side to hide which sentences belong together.
    """
    (first, path), (second, english) = parts
    lines, translations = list(numbered_lines(first)), list(numbered_lines(second))
    if len(lines) != len(translations):
        counts = f"has {len(lines)} lines, and {english} has {len(translations)}"
        raise DataError(path, f"{counts}; line i of one is the translation of line i of the other.")
    _check_order([line for _, line in translations], english)
    rows = zip(_texts(lines, path), _texts(translations, english), strict=True)
    return tuple(
        Row(str(index), f"{path}:{index + 1}", {"sentence": sentence, "translation": translation})
        for index, (sentence, translation) in enumerate(rows)
    )


def _texts(lines: Sequence[tuple[int, str]], path: str) -> list[str]:
    for number, line in lines:
        if not line.strip():
            raise DataError(path, "is empty; every line is a sentence.", number)
    return [line for _, line in lines]


def _check_order(translations: Sequence[str], path: str) -> None:
    """Refuse English in alphabetical order where XTREME's script writes it."""
    if path.endswith(_HIDDEN) and len(translations) >= _TELLING and list(translations) == sorted(translations):
        what = "is in alphabetical order: XTREME's script sorts it to hide which sentences belong together."
        raise DataError(path, f"{what} Put LASER's files, data/tatoeba/v1, under tatoeba/v1.")


def record(row: Mapping[str, Any], location: str) -> dict[str, Any]:
    """The values of a suite's row. Raises DataError."""
    return {key: text_of(row, key, location) for key in FIELDS}
