"""Two files of sentences: line i of the second is the English translation of line i of the first."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from robust_xtreme.core.errors import DataError, counted
from robust_xtreme.core.specs import Row
from robust_xtreme.tasks.formats._file import check_ends, numbered_lines
from robust_xtreme.tasks.formats._json import text_of

FIELDS: Final = ("sentence", "translation")


def read_parts(parts: Sequence[tuple[str, str]]) -> tuple[Row, ...]:
    """One row a line, with the values `sentence` and `translation`, as they are in the files.

    Raises DataError where the files have different numbers of lines, where a line is empty, and for the files of
    XTREME's script, which sorts the English side to hide which sentences belong together.
    """
    (first, path), (second, english) = parts
    lines, translations = list(numbered_lines(first)), list(numbered_lines(second))
    if len(lines) != len(translations):
        counts = f"has {counted(len(lines), 'line')}, and {english} has {len(translations)}"
        raise DataError(path, f"{counts}; line i of one is the translation of line i of the other.")
    texts = [line for _, line in translations]
    if english.endswith("-en.en") and len(texts) >= 20 and texts == sorted(texts):
        what = "is in alphabetical order: XTREME's script sorts it to hide which sentences belong together."
        raise DataError(english, f"{what} Put LASER's files, data/tatoeba/v1, under tatoeba/v1.")
    for side, side_path in ((lines, path), (translations, english)):
        for number, line in side:
            check_ends(line, side_path, number)
            if not line.strip():
                raise DataError(side_path, "is empty; every line is a sentence.", number)
    return tuple(
        Row(str(number - 1), f"{path}:{number}", {"sentence": sentence, "translation": translation})
        for (number, sentence), translation in zip(lines, texts, strict=True)
    )


def record(row: Mapping[str, Any], location: str) -> dict[str, Any]:
    """The values of a suite's row. Raises DataError."""
    return {key: text_of(row, key, location) for key in FIELDS}
