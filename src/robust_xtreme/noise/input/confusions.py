"""Letters that are confused in spelling, not on the keyboard: Arabic hamza forms, final ة and ه, Hindi ि and ी.

A pack `input/CODE-confusions.tsv` has for each `letter` its `forms`, and `where` in a word: at its `start` or `end`
only, or anywhere.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final, cast

from robust_xtreme.core import packs
from robust_xtreme.core.errors import DataError
from robust_xtreme.noise.engine.key_error_table import KeyingError, Where

SUFFIX: Final = "-confusions"
_WHERE: Final = ("", "start", "end")


def pack(code: str) -> tuple[str, ...]:
    """The pack of a language's confusions, as `input/NAME`; none where it has no such pack."""
    name = f"{code}{SUFFIX}"
    return (f"input/{name}",) if packs.has("input", name) else ()


def key_errors(code: str) -> Iterator[KeyingError]:
    """The confusions of a language. Raises DataError at a row that is not a letter, its forms and where."""
    for name in pack(code):
        table = packs.table(*name.split("/"))
        table.need("letter", "forms", optional=("where",))
        letters = [row["letter"] for row in table.rows]
        for row in table.rows:
            letter, forms, where = row["letter"], row["forms"].split(), row.get("where", "")
            if len(letter) != 1 or letters.count(letter) > 1 or not forms or where not in _WHERE:
                what = f"the row of {letter!r:.20} is not one letter, listed once, its forms, and where: start or end"
                raise DataError(table.path, what)
            for form in forms:
                yield KeyingError(letter, "confusion", form, 1, cast(Where, where))
