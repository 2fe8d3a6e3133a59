"""Letters taken for ones that look like them, as in scanned text: e for c, rn for m, ด for ต.

What looks alike was measured on glyphs (perturbations/lookalikes), one pack a script; a language takes the three forms
that are most like a letter and are its own letters, or digits. Pairs of Latin letters are those that Tesseract knows.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Final

from robust_xtreme import languages, packs
from robust_xtreme.errors import DataError
from robust_xtreme.noise._slips import Slip, slips

_LIKENESS: Final = re.compile("[1-9][0-9]?|100")
_MOST: Final = 3
_FOURTH: Final = 4


def _lacks(code: str) -> str:
    reason = "unknown language" if code not in languages.ALL_LANGUAGES else ""
    return reason or ("" if packs.has("lookalikes", languages.language(code).script) else "no pack of look-alikes")


def _packs(code: str) -> tuple[str, ...]:
    return (f"lookalikes/{languages.language(code).script}",)


@slips(
    strength="share of letters misread",
    rates={"lookalike": "1"},
    lacks=_lacks,
    packs=_packs,
)
def ocr_noise(language: str) -> Iterator[Slip]:
    """Misread letters the way scanners do, as others that look alike."""
    table = packs.table("lookalikes", languages.language(language).script)
    table.need("letter", "forms", "likeness")
    for row in table.rows:
        if row["letter"] and _own(language, row["letter"]):
            yield from _misread(language, row, table)


def _misread(language: str, row: Mapping[str, str], table: packs.Table) -> Iterator[Slip]:
    """The forms of a letter or pair that the language has, weighted by the fourth power of their likeness."""
    letter, forms, likeness = row["letter"], row["forms"].split(), row["likeness"].split()
    if len(letter) > 2 or len(forms) != len(likeness) or not all(map(_LIKENESS.fullmatch, likeness)):
        raise DataError(table.path, f"in the row of {letter!r:.20} forms and their likeness, 1 to 100, do not match")
    own = [(form, int(many)) for form, many in zip(forms, likeness, strict=True) if _own(language, form)]
    for form, many in own[:_MOST]:
        yield Slip(letter, "lookalike", form, many**_FOURTH // 10_000)


def _own(language: str, text: str) -> bool:
    """Whether each character belongs to the language, be it a letter, a digit or a mark of its own."""
    return all(languages.belongs(language, one) or one in languages.language(language).marks for one in text)
