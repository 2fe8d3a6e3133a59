"""The same letters in other code points: as a file, a keyboard or a font has them that is not the usual one.

`canonical` decomposes letters that Unicode composes (é to e and an accent, Hangul syllables to jamo, が to か with its
mark, Bengali ো, Arabic أ), which are equal in NFC. `compatible` are forms that are equal in NFKC: full-width letters
and digits, half-width punctuation and katakana in East Asian text, and the two parts of Thai ำ. `variants` are other
letters for the same letter, which no normal form makes equal (perturbations/normalisation): Arabic and Persian yeh and
kaf, a hamza left out, Romanian cedillas for commas. By default a letter has any of the forms that its language has.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Callable, Iterator, Mapping
from typing import Final

from robust_xtreme.core import languages, packs
from robust_xtreme.core.errors import DataError
from robust_xtreme.noise.engine.case import cases, upper
from robust_xtreme.noise.engine.recoding import Recoding, hardly, recoding

_KIND: Final = "normalisation"
_ANY: Final = "any"
_EAST_ASIAN: Final = ("Hans", "Jpan", "Kore")
_FULL_WIDTH: Final = 0xFEE0
"""The distance between an ASCII character and its full-width form."""

_HALF_WIDTH: Final = range(0xFF66, 0xFFA0)
_WHOLE_SOUNDS: Final = "\u3099\u309a"
_SARA_AM: Final = "\u0e33"


@recoding(
    strength="share of letters in another form, of those that have one",
    operator="recode",
    choices={"form": lambda: (_ANY, *_FORMS)},
    nothing="none of its letters has such a form",
    packs=lambda code: (f"alphabets/{code}", *packs.present(_KIND, code)),
    thin=hardly("af eu hi jv my nl qu tl"),
    waives=frozenset({"normal_forms_stay", "rule_4_noise_belongs_to_the_script"}),
)
def normalisation(language: str, form: str) -> Iterator[Recoding]:
    """Write letters in another normal form, width or variant, such as decomposed or full-width ones."""
    for name, forms in _FORMS.items():
        if form in (name, _ANY):
            yield from forms(language)


def _canonical(code: str) -> Iterator[Recoding]:
    """The decomposed forms of letters and marks that NFC composes."""
    known = languages.language(code)
    first = (point for letter in known.alphabet if len(letter) > 1 for point in (letter[0], upper(letter, code)[0]))
    for point in dict.fromkeys((*cases(code), *first, *known.marks)):
        decomposed = unicodedata.normalize("NFD", point)
        if unicodedata.normalize("NFC", decomposed) == point:
            yield Recoding(point, decomposed)


def _compatible(code: str) -> Iterator[Recoding]:
    """The forms of other widths in East Asian text, and the parts of Thai sara am."""
    known = languages.language(code)
    if known.script in _EAST_ASIAN:
        for point in filter(str.isalnum, map(chr, range(0x21, 0x7F))):
            yield Recoding(point, chr(ord(point) + _FULL_WIDTH))
        for mark in known.punctuation:
            narrow = unicodedata.normalize("NFKC", mark)
            if unicodedata.east_asian_width(mark) == "F" and len(narrow) == 1:
                yield Recoding(mark, narrow)
    if known.script == "Jpan":
        yield from _half_width(code)
    if known.script == "Thai":
        yield Recoding(_SARA_AM, unicodedata.normalize("NFKC", _SARA_AM))


def _half_width(code: str) -> Iterator[Recoding]:
    """The half-width forms of katakana; the mark of a voiced sound is a code point there."""
    narrow = {unicodedata.normalize("NFKC", chr(point)): chr(point) for point in _HALF_WIDTH}
    for letter in (*cases(code), "\u30fc"):
        parts = unicodedata.normalize("NFD", letter)
        if all(part in narrow for part in parts):
            yield Recoding(letter, "".join(map(narrow.__getitem__, parts)))


def _variants(code: str) -> Iterator[Recoding]:
    """The variants of letters, in both cases, that a language's pack lists."""
    for letter, form in variants(code) if packs.has(_KIND, code) else ():
        yield Recoding(letter, form)
        if len(upper(letter, code)) == 1:
            yield Recoding(upper(letter, code), upper(form, code))


@packs.cached
def variants(code: str) -> tuple[tuple[str, str], ...]:
    """The letters of a language with each of their variants. Raises DataError at a row that is something else."""
    table = packs.table(_KIND, code).need("letter", "forms")
    pairs: list[tuple[str, str]] = []
    for row in table.rows:
        letter, forms = row["letter"], row["forms"].split()
        if len(letter) != 1 or unicodedata.category(letter)[0] not in "LM" or not forms or letter in forms:
            raise DataError(table.path, f"the row of {letter!r:.20} is not a letter and other forms of it")
        pairs += [(letter, form) for form in forms]
    return tuple(pairs)


_FORMS: Final[Mapping[str, Callable[[str], Iterator[Recoding]]]] = {
    "canonical": _canonical,
    "compatible": _compatible,
    "variants": _variants,
}
