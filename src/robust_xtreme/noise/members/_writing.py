"""What people write wrong: letters that sound alike, words for other real words, and marks. `natural` mixes them.

A pack `natural/NAME` lists letters that are misspelt, `realwords/CODE.tsv` the words of a language that are written for
others: forms of the same word, prepositions and articles, words that sound alike. Both are in small letters.
"""

from __future__ import annotations

import re
import unicodedata
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from itertools import chain
from typing import Final

from robust_xtreme.core import packs
from robust_xtreme.core.errors import DataError
from robust_xtreme.core.languages import language as language_of
from robust_xtreme.noise.engine.case import MIXED, capital, cases, letters_of, style, styled, upper
from robust_xtreme.noise.engine.key_errors import KeyingError, Word, key_errors
from robust_xtreme.noise.engine.perturbation import alphabet_pack
from robust_xtreme.noise.engine.words import Form, words
from robust_xtreme.noise.input import keyboards
from robust_xtreme.noise.members.keyboard_typo import METHODS
from robust_xtreme.noise.members.natural_typo import key_of

_MISSED: Final = 3
_PLAIN: Final = dict(zip("ıłŁøØđĐɓƁɗƊƙƘƴƳɛƐɔƆŋŊɖƉƒƑɣƔʋƲ", "ilLoOdDbBdDkKyYeEoOnNdDfFgGvV", strict=True))
"""Letters that are typed as another one where a keyboard does not have them, and have no marks by Unicode."""

_ACCENTS: Final = ("COMBINING ", "ARABIC ")
_OWN_KEYS: Final[Mapping[str, str]] = {"ar": "ئؤ"}
"""Letters with a mark that a language's keyboard types without Shift, and their bases elsewhere (أ is Shift and ا)."""

_JOINERS: Final[Mapping[str, str]] = {"fa": "\u200c"}
"""Signs without width that are left out as accents are: the half space of Persian, میکنند for می‌کنند."""


@key_errors(strength="share of letters with marks", rates={"mark": "1"}, packs=alphabet_pack)
def marks(language: str) -> Iterator[KeyingError]:
    """Leave out the marks of letters, or write others; a letter of the pack of confusions becomes its forms there."""
    letters = letters_of(language)
    marked = {x: bases for x in sorted(letters.difference(_OWN_KEYS.get(language, ""))) if (bases := bare(x))[1]}
    confused: defaultdict[str, set[str]] = defaultdict(set)
    for error in keyboards.key_errors(language):
        confused[error.point].add(error.form)
    for letter, (base, signs) in marked.items():
        for other in sorted(confused.get(letter, letters - {letter})):
            plain, fewer = bare(other)
            if len(letter) == len(other) == 1 and plain == base and len(fewer) <= len(signs):
                yield KeyingError(letter, "mark", other, _MISSED if fewer < signs else 1)
    for mark in (*filter(_is_accent, language_of(language).marks), *_JOINERS.get(language, "")):
        yield KeyingError(mark, "mark", "")


def bare(letter: str) -> tuple[str, frozenset[str]]:
    """The base of a letter and its accents; a letter that is not typed as a base with an accent, as й, has none."""
    base, *signs = list(unicodedata.normalize("NFD", letter))
    if letter in ("й", "Й") or not all(map(_is_accent, signs)):
        return letter, frozenset()
    plain = _PLAIN.get(base, base)
    return plain, frozenset((*signs, *(("stroke",) if plain != base else ())))


def _is_accent(mark: str) -> bool:
    name = unicodedata.name(mark, "") if len(mark) == 1 else ""
    return name.startswith(_ACCENTS) and "HIRAGANA" not in name


SOUNDS: Final = re.compile(r"([^>:]{1,2})>([^>:]{0,3}):([1-9][0-9]{0,3})")
"""A spelling error of a pack: a letter or two, what is written for them, and its weight: `ei>ie:12`."""

_HEARD: Final = ("candidate", "syllable", "confusion")
"""The kinds of key errors that are not of the hand: a word or letter is taken for one that sounds alike."""


def spelt(code: str, sounds: Sequence[str]) -> Iterator[KeyingError | Word]:
    """The spelling errors of a language: of a pack, of its input method, its confusions, else letters lost or doubled.

    An error of a pack is one of small letters, of capitals, and of a capital before small letters.
    """
    heard: list[KeyingError | Word] = [row._replace(kind="spelling") for row in keyboards.key_errors(code)]
    for method in (method for method in METHODS.values() if method.language == code):
        heard += (row._replace(kind="spelling") for row in method.key_errors() if row.kind in _HEARD)
        heard += method.words()
    known = letters_of(code)
    for old, new, weight in (match.groups() for sound in sounds if (match := SOUNDS.fullmatch(sound))):
        if set(old + new) <= known:
            for write in (str, upper, capital) if len(old) > 1 else (str, capital):
                args = () if write is str else (code,)
                heard.append(KeyingError(write(old, *args), "spelling", write(new, *args), int(weight)))
    yield from heard
    if not any(isinstance(row, KeyingError) for row in heard):
        lost = ((KeyingError(x, "spelling", "", 2), KeyingError(x, "spelling", x * 2)) for x in cases(code))
        yield from chain.from_iterable(lost)


@packs.cached
def written(code: str) -> Mapping[str, tuple[tuple[str, int], ...]]:
    """The words of a language that are written for each word, with weights. Raises DataError at a row that is none."""
    table = packs.table("realwords", code).need("word", "forms", "weights")
    listed = {}
    for number, row in enumerate(table.rows, 1):
        forms, weights = row["forms"].split(" "), row["weights"].split(" ")
        if not all(forms) or len(forms) != len(weights) or not all(re.fullmatch("[1-9][0-9]?", w) for w in weights):
            what = "forms and as many weights from 1 to 99, single blanks between them"
            raise DataError(table.path, f"row {number} ({row['word']!r:.40}) does not have {what}")
        listed[row["word"]] = tuple(zip(forms, map(int, weights), strict=True))
    return listed


@words(
    strength="share of the words listed that become other words",
    rates={"words": "1"},
    lacks=lambda code: "" if packs.has("realwords", code) else "no list of words written for others",
    packs=lambda code: (f"realwords/{code}",),
)
def real_words(word: str, language: str) -> Iterator[Form]:
    """Write another word of the language: a form of the same word, another preposition, one that sounds alike."""
    how = style(word, language)
    for form, weight in () if how == MIXED else written(language).get(key_of(word, language), ()):
        text = form.replace("'", "’") if "’" in word else form
        yield Form(styled(text, how, language), "words", weight)
