"""Letters taken for letters that look like them, as in scanned text: e for c, rn for m, ด for ต.

Likeness was measured on glyphs (perturbations/lookalikes), one pack per script. A letter's forms are the three letters
of the language that are most like it, and up to three digits. Pairs of Latin letters are those that Tesseract knows.

Scanners read text by words, so that a letter is taken for a digit less often than the distance of the glyphs suggests.
All digits together have at most 2 % of the weight of a letter's forms, and a letter with no other forms does not
change. So the noise consists of the language's letters.
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping
from typing import Final

from robust_xtreme.core import languages, packs
from robust_xtreme.core.errors import DataError
from robust_xtreme.noise.engine.key_errors import KeyingError, key_errors
from robust_xtreme.noise.engine.ocr_channel import channelled, reader
from robust_xtreme.noise.engine.perturbation import member
from robust_xtreme.noise.engine.rewriter import OPERATORS, WAIVES

_KIND: Final = "lookalikes"
_LIKENESS: Final = re.compile("[1-9][0-9]?|100")
_MOST: Final = 3
_FOURTH: Final = 4
_SCALE: Final = 10_000
_DIGITS: Final = 20
"""The largest share of misread letters that become digits, in thousandths."""


@key_errors(
    strength="share of letters misread",
    rates={"lookalike": "1"},
    lacks=lambda code: "" if packs.has(_KIND, languages.language(code).script) else "no pack of look-alikes",
    packs=lambda code: (f"{_KIND}/{languages.language(code).script}",),
    version=2,
)
def ocr_noise(language: str) -> Iterator[KeyingError]:
    """Misread letters the way scanners do, as others that look alike."""
    yield from misread(language)


ocr_channel = member(
    channelled,
    name="ocr_channel",
    kind="channel",
    unit="grapheme cluster",
    strength="how bad the print is, from 0 to 1",
    operators=OPERATORS,
    waives=WAIVES - {"rule_5_spans_survive"},
    lacks=lambda code: "" if reader(code) else "Tesseract has no data for it",
    packs=lambda _: ("ocr/readers",),
)


def misread(language: str) -> Iterator[KeyingError]:
    """The forms of each letter and pair of letters of a language."""
    table = packs.table(_KIND, languages.language(language).script).need("letter", "forms", "likeness")
    counts: defaultdict[str, Counter[str]] = defaultdict(Counter)
    for row in table.rows:
        letter, forms, likeness = row["letter"], row["forms"].split(), row["likeness"].split()
        if len(letter) > 2 or len(forms) != len(likeness) or not all(map(_LIKENESS.fullmatch, likeness)):
            what = f"in the row of {letter!r:.20} forms and their likeness, 1 to 100, do not match"
            raise DataError(table.path, what)
        if letter and _is_native(language, letter):
            counts[letter].update(_chosen(language, letter, zip(forms, map(int, likeness), strict=True)))
    for letter, weights in counts.items():
        for form, weight in _digits_rarer(weights).items():
            yield KeyingError(letter, "lookalike", form, weight)


def _chosen(language: str, letter: str, alike: Iterable[tuple[str, int]]) -> dict[str, int]:
    """The letters and digits that the language has for a letter or pair, weighted by the fourth power of likeness.

    `alike` begins with the most alike. An auxiliary mark only replaces another auxiliary mark: CLDR's auxiliary marks
    of Burmese are those of Mon, Shan and Karen; those of Malayalam are its vowel signs.
    """
    auxiliary = frozenset(str(packs.read("alphabets", language).get("auxiliary_marks", "")).split())
    native = [(form, many) for form, many in alike if _is_native(language, form)]
    forms = [(form, many) for form, many in native if letter in auxiliary or auxiliary.isdisjoint(form)]
    letters, digits = ([form for form in forms if _digital(form[0]) == kind][:_MOST] for kind in (False, True))
    return {form: many**_FOURTH // _SCALE for form, many in (*letters, *digits)}


def _digits_rarer(weights: Mapping[str, int]) -> Mapping[str, int]:
    """The weights of forms, those with digits scaled down to their share; none if all forms have digits."""
    digits = sum(weight for form, weight in weights.items() if _digital(form))
    most = (sum(weights.values()) - digits) * _DIGITS // (1000 - _DIGITS)
    if digits <= most:
        return weights
    return {form: weight * most // digits if _digital(form) else weight for form, weight in weights.items()}


def _digital(form: str) -> bool:
    return any(map(str.isdecimal, form))


def _is_native(language: str, text: str) -> bool:
    """Whether each character is a letter, a digit or a mark of the language."""
    return all(
        languages.belongs(language, character) or character in languages.language(language).marks for character in text
    )
