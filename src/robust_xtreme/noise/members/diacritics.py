"""Marks left out, as people do who type in a hurry or on another keyboard: cafe, Turkce, tieng Viet.

A letter of the language's alphabet that Unicode decomposes into a base and marks loses all its marks (ế to e, ẹ́ to e).
What replaces letters that do not decompose (đ, ł, ı, ə, ɔ) is in a pack of the script or of the language
(perturbations/diacritics), and so is what Cyrillic letters become: й and ї are letters of their own, but ё becomes е.
In Arabic and Hebrew script vowel points are left out; a hamza or madda is a part of its letter. With `@umlaut=ae`
German ä, ö, ü and ß become ae, oe, ue and ss; by default ä, ö and ü become a, o and u.

In scripts whose marks are vowels, or silence them, nobody types a text without marks: they are refused.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Final

from robust_xtreme.core import languages, packs
from robust_xtreme.core.errors import DataError
from robust_xtreme.noise.engine.case import capital, cases, upper
from robust_xtreme.noise.engine.recoding import Recoding, hardly, recoding

_KIND: Final = "diacritics"
_ABUGIDAS: Final = frozenset(("Beng", "Deva", "Gujr", "Guru", "Mlym", "Mymr", "Taml", "Telu", "Thai"))
_POINTED: Final = ("Arab", "Hebr")
_PARTS_OF_LETTERS: Final = frozenset("\u0653\u0654\u0655")
"""Madda and hamzas, which a letter of Arabic script has in its decomposed form."""

_DECOMPOSED: Final = ("Grek", "Latn")
"""The scripts whose marks, but for those of packs, are left out."""


@recoding(
    strength="share of letters with marks that lose them",
    operator="strip",
    choices={"umlaut": lambda: ("a", "ae")},
    nothing="no letters with marks that people leave out",
    lacks=lambda code: "the marks of its script are vowels" if languages.language(code).script in _ABUGIDAS else "",
    packs=lambda code: (f"alphabets/{code}", *packs.present(_KIND, languages.language(code).script, code)),
    thin=hardly("af eu fa he jv nl qu ru tl ur"),
)
def diacritics(language: str, umlaut: str) -> Iterator[Recoding]:
    """Leave out accents, dots, tone marks and vowel points, as people do in typing."""
    known = languages.language(language)
    marks = {mark for mark in known.marks if unicodedata.category(mark) == "Mn"} - _PARTS_OF_LETTERS
    listed = plain_letters(language, umlaut)
    if known.script in _DECOMPOSED:
        first = {form[0] for letter in known.alphabet if len(letter) > 1 for form in (letter, upper(letter, language))}
        for letter in {*cases(language), *first} - listed.keys():
            decomposed = unicodedata.normalize("NFD", letter)
            marks |= {*decomposed[1:]}
            yield Recoding(letter, decomposed[0])
    for letter, plain in listed.items():
        yield Recoding(letter, plain)
        marks |= {*unicodedata.normalize("NFD", letter)[1:]}
    if known.script in (*_DECOMPOSED, *_POINTED) or listed:
        yield from (Recoding(mark, "") for mark in sorted(marks))


@packs.cached
def plain_letters(code: str, umlaut: str) -> Mapping[str, str]:
    """What is written for letters by the packs of the language's script and of the language, in both cases.

    The pack of the script is for the letters of the alphabet; that of the language may have others, as Romanian ş.
    """
    script = languages.language(code).script
    alphabet = {letter[0] for letter in languages.language(code).alphabet}
    of_script = rows(script, umlaut) if packs.has(_KIND, script) else {}
    small = {letter: plain for letter, plain in of_script.items() if letter in alphabet}
    small |= rows(code, umlaut) if packs.has(_KIND, code) else {}
    capitals = {upper(letter, code): capital(plain, "") for letter, plain in small.items()}
    return small | {letter: plain for letter, plain in capitals.items() if len(letter) == 1}


def rows(name: str, umlaut: str = "") -> dict[str, str]:
    """What is written for letters by one pack. Raises DataError at a row that says something else."""
    table = packs.table(_KIND, name).need("letter", "plain", optional=("umlaut",))
    letters: dict[str, str] = {}
    for row in table.rows:
        letter, plain = row["letter"], row["plain"]
        if len(letter) != 1 or not 1 <= len(plain) <= 2 or letter == plain or not (letter + plain).isalpha():
            what = f"the row of {letter!r:.20} is not a letter and the one or two letters written for it"
            raise DataError(table.path, what)
        if row.get("umlaut", "") in ("", umlaut):
            letters[letter] = plain
    _check(table.path, name, letters)
    return letters


def _check(path: Path, name: str, letters: Mapping[str, str]) -> None:
    """Raise DataError at a letter that is written in another script, or by a letter that is written otherwise."""
    script = languages.language(name).script if name in languages.ALL_LANGUAGES else name
    for letter, plain in letters.items():
        if wrong := next((point for point in letter + plain if not languages.written_in(script, point)), ""):
            raise DataError(path, f"in the row of {letter!r} {wrong!r} is not a letter of the script {script}")
        if wrong := next((point for point in plain if point in letters), ""):
            what = (
                f"in the row of {letter!r} {wrong!r} is written for it, and another row writes {letters[wrong]!r} for"
            )
            raise DataError(path, f"{what} {wrong!r}")
