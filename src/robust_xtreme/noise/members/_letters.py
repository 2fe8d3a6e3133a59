"""Perturbations of single characters: letters, their case, and what is between letters."""

import unicodedata
from collections.abc import Iterator, Mapping
from functools import partial
from itertools import accumulate, pairwise
from typing import Final

from robust_xtreme.core import languages
from robust_xtreme.core.edits import Array, Edits
from robust_xtreme.core.graphemes import code_points, split
from robust_xtreme.core.languages import belongs
from robust_xtreme.core.languages import language as language_of
from robust_xtreme.noise.engine.case import CAPITAL, LOWER, cases, has_case, initials, letters_of, lower, style, upper
from robust_xtreme.noise.engine.key_errors import KeyingError, key_errors
from robust_xtreme.noise.engine.letters import OPERATORS, THAI_AFTER, THAI_BEFORE, Letters, inserted, letters
from robust_xtreme.noise.engine.perturbation import Job, alphabet_pack, member
from robust_xtreme.noise.engine.words import Form, words

# Perturbations of what is between letters: punctuation, spaces, and characters without width.

_STOPS: Final = ".!?…‥。．｡！？؟۔।॥။"
_PAUSES: Final = ",;:،؛、､，；：၊"
_CLASSES: Final = (_STOPS, _PAUSES, '"“”„«»‹›「」『』《》〈〉｢｣״', "'‘’‚׳", "-‐‑–—―־", "·・･")
_NEVER: Final = frozenset("॥‐‑")
"""Marks that nobody puts by mistake: the one that ends a verse, and hyphens that no keyboard has."""
_OWN: Final[Mapping[str, tuple[str, ...]]] = {"el": (".!;\u037e…", ",:\u00b7\u0387")}
"""Classes of languages in which a mark does something else: a Greek question ends with ;, and a raised dot is its
semicolon. Both have code points of their own, too, which are the same to Unicode (canonically equivalent)."""


def marks(code: str) -> tuple[str, ...]:
    """The language's punctuation marks by CLDR, and those of its own classes, which are not all in CLDR."""
    return tuple(dict.fromkeys((*languages.language(code).punctuation, *"".join(_OWN.get(code, ())))))


def stops(code: str) -> frozenset[str]:
    """The language's marks that end a sentence."""
    return frozenset(marks(code)) & frozenset(_classes(code)[0])


def _classes(code: str) -> tuple[str, ...]:
    own_marks = _OWN.get(code, ())
    return (*own_marks, *_CLASSES[len(own_marks) :])


def others(code: str, mark: str) -> Iterator[str]:
    """The language's marks in CLDR with the same function and width as a mark, of those that people put by mistake."""
    alike = next((mark_class for mark_class in _classes(code) if mark in mark_class), "")
    same = unicodedata.normalize("NFC", mark)
    known = frozenset(languages.language(code).punctuation) - _NEVER - {same}
    yield from (other for other in alike if other in known and _width(other) == _width(mark))


def _width(mark: str) -> str:
    """Whether a mark is as wide as a Chinese character (W), half of that by its name (H), or neither."""
    return {"W": "W", "F": "W", "H": "H"}.get(unicodedata.east_asian_width(mark), "")


# The marks are those of the language (CLDR); a mark beside a digit stays. A stop is replaced by another stop, a pause
# by another pause, a quote by another quote, so that the sentence stays readable.

_PLAIN: Final = {
    **dict.fromkeys("“”„«»״", '"'),
    **dict.fromkeys("‘’‚׳", "'"),
    **dict.fromkeys("‐‑–—־", "-"),
    "…": "...",
}


@key_errors(
    strength="share of punctuation marks changed",
    rates={"drop": "3", "double": "1", "wrong": "2", "plain": "2", "add": "0"},
    marked=False,
    unit="mark",
    packs=alphabet_pack,
)
def punctuation(language: str) -> Iterator[KeyingError]:
    """Drop, double and confuse punctuation marks; @add= puts commas before spaces."""
    known = marks(language)
    doubled = "".join(_classes(language)[:2])  # stops and pauses
    for mark in known:
        yield KeyingError(mark, "drop", "")
        if mark in doubled:
            yield KeyingError(mark, "double", unicodedata.normalize("NFC", mark) * 2)
        if mark in _PLAIN:
            yield KeyingError(mark, "plain", _PLAIN[mark])
        for other in others(language, mark):
            yield KeyingError(mark, "wrong", other)
    if comma := next((comma for comma in ("،", "、", "၊", ",") if comma in known), ""):
        yield KeyingError(" ", "add", f"{comma} ")


# A word is joined with the next one where only white space within a line is between them (5 km and 10 000 stay), or
# split at one position, between two letters of the language, never between a letter and a vowel or mark written
# beside it (Thai, Burmese). Texts in scripts without spaces get some, too. The noise has no meaning for tasks that
# label single words, as tagging.

_APOSTROPHES: Final = ("'", "’")
_MOST: Final = 40
"""How many positions, evenly spread, a very long word can be split at."""


@words(
    strength="share of words joined with the next one, or split",
    rates={"join": "2", "split": "1"},
    refuses=("tagging",),
    packs=alphabet_pack,
)
def spacing(word: str, language: str) -> Iterator[Form]:
    """Join words and split them: the space before the next one left out, or one put where none belongs."""
    # A word can be split between two letters, both of the language; a vowel stays with its letter.
    clusters = split(word)
    letters = [cluster not in _APOSTROPHES and belongs(language, cluster) for cluster in clusters]
    ends = accumulate(map(len, clusters))
    apart = [
        not (
            left.endswith(tuple(THAI_BEFORE))
            or right.startswith(tuple(THAI_AFTER))
            or unicodedata.category(right[0])[0] == "M"
        )
        for left, right in pairwise(clusters)
    ]
    splits = [end for end, both, free in zip(ends, pairwise(letters), apart, strict=False) if all(both) and free]
    few = min(len(splits), _MOST)
    for number in range(few):
        end = splits[number * len(splits) // few]
        yield Form(f"{word[:end]} {word[end:]}", "split")


# The characters are the zero width space (U+200B), the word joiner (U+2060) and the soft hyphen (U+00AD), and, in
# scripts whose letters do not change shape, the zero width non-joiner (U+200C) and joiner (U+200D). In Arabic and in
# Indic scripts the joiners belong to the spelling (Persian می‌خواهم, Malayalam ന്‍), so that they are never put in
# there; the others do not change the shape of a letter in Unicode's data (their joining type is transparent). A reader
# sees the same text.

EVERYWHERE: Final = "\u200b\u2060\u00ad"
JOINERS: Final = "\u200c\u200d"
_SHAPED: Final = frozenset(("Arab", "Beng", "Deva", "Gujr", "Guru", "Mlym", "Mymr", "Taml", "Telu"))


@partial(
    member,
    kind="letters",
    unit="grapheme cluster",
    strength="share of letters before another letter that a character follows",
    operators=("insert",),
    packs=alphabet_pack,
    waives=frozenset({"rule_3_clusters_stay_whole", "rule_4_noise_belongs_to_the_script"}),
)
def zero_width(job: Job) -> tuple[Edits, Array]:
    """Put characters without width between letters, such as a zero width space or a soft hyphen."""
    shaped = languages.language(job.language).script in _SHAPED
    return inserted(job, code_points(EVERYWHERE + ("" if shaped else JOINERS)))


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


def _lacks(code: str) -> str:
    """Georgian's Mtavruli capitals represent whole lines only, and hardly any text has them."""
    cased = code != "ka" and any(map(has_case, language_of(code).alphabet))
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
