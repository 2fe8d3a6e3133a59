"""Perturbations of single letters: other letters, letters again, and their case."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator
from typing import Final

from robust_xtreme.core.edits import Array
from robust_xtreme.core.graphemes import split
from robust_xtreme.core.languages import language as language_of
from robust_xtreme.noise.engine.case import CAPITAL, LOWER, cases, has_case, initials, letters_of, lower, style, upper
from robust_xtreme.noise.engine.key_errors import KeyingError, key_errors
from robust_xtreme.noise.engine.letters import OPERATORS, Letters, letters
from robust_xtreme.noise.engine.perturbation import alphabet_pack
from robust_xtreme.noise.engine.words import Form, words
from robust_xtreme.noise.members._signs import stops

# The unit is a letter with all its marks; digits, punctuation and emoji are never edited. A replacement is a letter of
# the text's own language, of the same script and case, and never the letter itself. A letter of a script that the
# language's alphabet does not have (a Latin name in a Thai text) is deleted, doubled or swapped, never replaced. A swap
# exchanges two neighbours that differ, inside one word. A letter that bears a spacing sign, a mark that is a cluster of
# its own (Burmese ာ), stays before it, and is replaced by letters that the language combines with the sign. The
# operators that a letter allows are equally likely.


@letters(strength="share of letters edited", parameters={"ops": OPERATORS}, version=2)
def char_noise(page: Letters, ops: tuple[str, ...]) -> Array:
    """Delete, double, swap and replace letters, with letters of the language's own alphabet."""
    return page.may(*ops)


# A letter occurs three to five times, an exclamation mark, a question mark or a stop two or three times; shorter runs
# are more frequent. A letter with marks of its own, as in scripts whose vowels are signs, is not repeated.

_LONGER: Final = ((3, 4), (4, 2), (5, 1))
_MARKS: Final = ((2, 2), (3, 3))


@key_errors(
    strength="share of letters and emphatic marks repeated",
    rates={"letter": "1", "mark": "1"},
    marked=False,
    packs=alphabet_pack,
)
def repetition(language: str) -> Iterator[KeyingError]:
    """Repeat letters and marks for emphasis, as in sooo and !!!."""
    for letter in cases(language):
        for times, weight in _LONGER:
            yield KeyingError(letter, "letter", letter * times, weight)
    for mark in sorted(stops(language)):
        for times, weight in _MARKS:
            yield KeyingError(mark, "mark", unicodedata.normalize("NFC", mark) * times, weight)


# `initial` loses the capital that a word begins with (Der, der), `second` keeps Shift pressed too long (The, THe),
# `inverted` has Caps Lock on (The, tHE), `lower` and `upper` write the whole word in small letters or in capitals.
# Upper and lower case are the language's (`engine/case.py`); unchanged letters stay as they are, byte by byte. A word
# does not change where it would get letters that the language's alphabet does not have.

_WITHOUT_CAPITALS = ("ka",)


def _lacks(code: str) -> str:
    """Georgian's Mtavruli capitals represent whole lines only, and hardly any text has them."""
    cased = code not in _WITHOUT_CAPITALS and any(map(has_case, language_of(code).alphabet))
    return "" if cased else "the script has no case"


@words(
    strength="share of words in the wrong case",
    rates={"initial": "1", "second": "1", "inverted": "1", "lower": "1", "upper": "1"},
    lacks=_lacks,
    packs=alphabet_pack,
)
def casing(word: str, language: str) -> Iterator[Form]:
    """Write words in the wrong case: a capital lost or held too long, caps lock on."""
    for form in _forms(word, language):
        if set(split(form.text)) - set(split(word)) <= letters_of(language):  # no new letter is a foreign one
            yield form


def _forms(word: str, code: str) -> Iterator[Form]:
    how, capitals, small = style(word, code), upper(word, code), lower(word, code)
    if how == CAPITAL and len(word) > 1:
        first, *others = initials(word, code)
        tail = "".join(initials(capitals, code)[1:])
        yield Form(lower(first, code) + "".join(others), "initial")
        yield Form(lower(first, code) + tail, "inverted")
        if len(others) > 1:
            yield Form(first + upper(others[0], code) + "".join(others[1:]), "second")
    elif how != LOWER:
        yield Form(small, "lower")
    yield Form(capitals, "upper")
