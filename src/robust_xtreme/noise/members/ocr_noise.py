"""Letters taken for letters that look like them, as in scanned text: e for é, rn for m, ด for ต.

What a letter, or two, is taken for was counted where `ocr_channel` read sentences (perturbations/ocr), one pack per
script. Letters that were not misread there have forms by the likeness of glyphs (perturbations/lookalikes): the three
letters of the language that are most like it. The noise consists of the language's letters. As many as the channel's
come together in a text and in a word (perturbations/ocr/together.tsv), but where a user has tables.
"""

import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
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
_READ, _TOGETHER = "ocr", "together"


@key_errors(
    strength="share of letters misread",
    rates={"lookalike": "1"},
    lacks=lambda code: "" if packs.has(_KIND, languages.language(code).script) else "no pack of look-alikes",
    packs=lambda code: packs.present(_KIND, languages.language(code).script) + _read(code),
    near=lambda code: _together(code),
    version=4,
)
def ocr_noise(language: str) -> Iterator[KeyingError]:
    """Misread letters as Tesseract does on bad prints, or for others that look alike."""
    yield from misread(language)


ocr_channel = member(
    channelled, "channel", "grapheme cluster", "how bad the print is, from 0 to 1", OPERATORS, name="ocr_channel",
    lacks=lambda code: "" if reader(code) else "Tesseract has no data for it", packs=lambda _: ("ocr/readers",),
    waives=WAIVES - {"rule_5_spans_survive"},
)  # fmt: skip


def _read(language: str) -> tuple[str, ...]:
    """The packs of what was read in a language's script; none where a user has a table of look-alikes of their own."""
    script = languages.language(language).script
    return () if packs.is_changed(_KIND, script) else packs.present(_READ, script, _TOGETHER)


def _together(language: str) -> tuple[float, float]:
    """The correlations of the errors of a text and of a word; none where a user has a table."""
    row = packs.table(_READ, _TOGETHER).need("text", "word").rows[0] if _read(language) else {}
    return float(row.get("text", 0)), float(row.get("word", 0))


def misread(language: str) -> Iterator[KeyingError]:
    """The forms of each letter and pair of letters of a language: what was read, else what looks alike."""
    script = languages.language(language).script
    counts: defaultdict[str, Counter[str]] = defaultdict(Counter)
    counted = f"{_READ}/{script}" in _read(language)
    for row in packs.table(_READ, script).need("letter", "forms", "counts").rows if counted else ():
        read = zip(row["forms"].split(), map(int, row["counts"].split()), strict=True)
        counts[row["letter"]].update({form: many for form, many in read if _is_native(language, row["letter"] + form)})
    table = packs.table(_KIND, script).need("letter", "forms", "likeness")
    known = {letter for letter, forms in counts.items() if forms}
    for row in table.rows:
        letter, forms, likeness = row["letter"], row["forms"].split(), row["likeness"].split()
        if len(letter) > 2 or len(forms) != len(likeness) or not all(map(_LIKENESS.fullmatch, likeness)):
            what = f"in the row of {letter!r:.20} forms and their likeness, 1 to 100, do not match"
            raise DataError(table.path, what)
        if letter and letter not in known and _is_native(language, letter):
            counts[letter].update(_chosen(language, letter, zip(forms, map(int, likeness), strict=True)))
    for letter, weights in counts.items():
        yield from (KeyingError(letter, "lookalike", form, weight) for form, weight in weights.items())


def _chosen(language: str, letter: str, alike: Iterable[tuple[str, int]]) -> dict[str, int]:
    """The letters that the language has for a letter or pair, weighted by the fourth power of likeness.

    `alike` begins with the most alike. An auxiliary mark only replaces another auxiliary mark: CLDR's auxiliary marks
    of Burmese are those of Mon, Shan and Karen; those of Malayalam are its vowel signs.
    """
    auxiliary = frozenset(str(packs.read("alphabets", language).get("auxiliary_marks", "")).split())
    native = [(form, many) for form, many in alike if _is_native(language, form) and not form[0].isdecimal()]
    forms = [(form, many) for form, many in native if letter in auxiliary or auxiliary.isdisjoint(form)]
    return {form: max(1, many**4 // 10_000) for form, many in forms[:_MOST]}


def _is_native(language: str, text: str) -> bool:
    """Whether each character is a letter, a digit or a mark of the language."""
    marks = languages.language(language).marks
    return all(languages.belongs(language, character) or character in marks for character in text)
