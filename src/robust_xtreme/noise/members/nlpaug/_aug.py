"""Augmenters of nlpaug that edit letters: keyboards, OCR and random letters."""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, Final

from robust_xtreme.core import languages
from robust_xtreme.core.graphemes import split
from robust_xtreme.noise.engine.rewriter import importing, rewriter

# Imports nlpaug when a text is noised, and selects the words that its augmenters of characters get.
#
# nlpaug gets of each word the longest run of letters that it may change, each of one code point, without the rest of
# the text: marks, digits, signs and white space. Its caps of 10 words and 10 characters are lifted. It draws
# ceil(strength * words) of those words, so at least one of a text: in a text of five words that is a fifth of it, at
# any strength up to 0.2. Of a drawn word it changes ceil(0.3 * characters), its default. A text of more than 1,000
# words is passed to it in pieces of 1,000 words.

_PIECE: Final = 1000
_WORD: Final = re.compile(r"\S+")
_ABUGIDAS: Final = frozenset({"Beng", "Deva", "Gujr", "Guru", "Mlym", "Mymr", "Taml", "Telu", "Thai"})

UNCAPPED: Final[Mapping[str, Any]] = {"aug_char_max": None, "aug_word_max": None}
"""The options that lift the caps of an augmenter of characters."""


def characters() -> Any:
    """nlpaug's augmenters of characters. Raises UserError where nlpaug is not installed."""
    with importing("nlpaug"):
        from nlpaug.augmenter import char
    return char


def lacks_letters(code: str) -> str:
    """Why an augmenter that changes single code points does not serve a language; "" where it does."""
    language = languages.language(code)
    if language.script in _ABUGIDAS or any(len(letter) > 1 for letter in language.alphabet):
        return "nlpaug changes single code points and would tear letters from their combining marks"
    if not language.spaces:
        return "nlpaug changes a share of the words, and the language is written without spaces"
    return ""


@dataclass(frozen=True, slots=True)
class LongestRuns:
    """The words that nlpaug gets: of each the longest run of `letters`, with at least `shortest`, one `changeable`."""

    letters: frozenset[str]
    changeable: frozenset[str]
    shortest: int = 1

    def parted(self, text: str) -> tuple[list[str], list[str]]:
        """The pieces of a text before, between and after its words, and the words."""
        gaps, words, end = [], [], 0
        for word in _WORD.finditer(text):
            begin, stop = _longest(word[0], self.letters)
            run = word[0][begin:stop]
            if len(run) >= self.shortest and not self.changeable.isdisjoint(run):
                gaps.append(text[end : word.start() + begin])
                words.append(run)
                end = word.start() + stop
        return [*gaps, text[end:]], words


def on_words(augmenter: Any, words: LongestRuns) -> Callable[[str], str]:
    """A function that noises these words of a text with an augmenter of characters."""
    gaps: list[str] = []

    def tokenizer(text: str) -> list[str]:
        gaps[:], pieces = words.parted(text)
        return pieces

    def reverse(augmented: list[str]) -> str:
        return gaps[0] + "".join(word + gap for word, gap in zip(augmented, gaps[1:], strict=True))

    augmenter.tokenizer, augmenter.reverse_tokenizer = tokenizer, reverse
    return lambda text: "".join(_noised(augmenter, piece) for piece in _pieces(text))


def cased(letters: Iterable[str]) -> frozenset[str]:
    """Letters, and their capitals where these are single code points."""
    return frozenset(form for letter in letters for form in (letter, letter.upper()) if len(form) == 1)


def _pieces(text: str) -> Iterator[str]:
    """A text in pieces of so many words, because nlpaug's work grows with the square of their number."""
    starts = [word.start() for word in _WORD.finditer(text)][_PIECE::_PIECE]
    yield from (text[start:stop] for start, stop in pairwise([0, *starts, len(text)]))


def _noised(augmenter: Any, text: str) -> str:
    """The text after an augmenter, which strips it, with the white space at its ends restored."""
    core = text.strip()
    if not core:
        return text
    begin = text.index(core)
    (augmented,) = augmenter.augment(core)
    return text[:begin] + str(augmented) + text[begin + len(core) :]


def _longest(word: str, letters: frozenset[str]) -> tuple[int, int]:
    """The range of the longest run of clusters of a word that are such letters."""
    best, begin, position = (0, 0), 0, 0
    plain = all(point in letters or point.isascii() for point in word)
    for cluster in word if plain else split(word):
        position += len(cluster)
        if cluster not in letters:
            begin = position
        elif position - begin > best[1] - best[0]:
            best = begin, position
    return best


# nlpaug's KeyboardAug: a letter becomes one that nlpaug's table puts beside it on the keyboard, in either case.
#
# Of its tables (de en es fr he it nl pl th tr uk) Thai's is refused: its keys are vowel signs and tone marks, which
# would be separated from their letters. In pointed words of Hebrew only letters without points change. Of each table
# only the letters of the language's own alphabet are used, no digits and signs.

TABLES: Final = ("de", "en", "es", "fr", "he", "it", "nl", "pl", "th", "tr", "uk")
"""The languages of nlpaug's keyboards."""


def lacks(code: str) -> str:
    """Why a language is not served; "" where it is."""
    return lacks_letters(code) or ("" if code in TABLES else f"nlpaug has no keyboard of it (only {' '.join(TABLES)})")


@rewriter(library="nlpaug", strength="share of words mistyped", lacks=lacks)
def keyboard(language: str, strength: float) -> Callable[[str], str]:
    """Mistype words by nlpaug's keyboards: letters become their neighbours."""
    letters = cased(languages.language(language).alphabet)
    augmenter = characters().KeyboardAug(lang=language, aug_word_p=strength, min_char=1, **UNCAPPED)
    near = {key: [letter for letter in values if letter in letters] for key, values in augmenter.model.model.items()}
    augmenter.model.model = {key: values for key, values in near.items() if values and key in letters}
    return on_words(augmenter, LongestRuns(letters, frozenset(augmenter.model.model)))


# nlpaug's OcrAug: a letter becomes one of the few letters and digits that scanners take it for (l and 1, O and D).
#
# Its table is English, and contains 20 letters (BCDEGIOSUZ bgkloqrsuz). Digits do not change, because that would change
# a text's meaning, but letters become digits.


@rewriter(
    library="nlpaug",
    strength="share of words with such letters misread",
    lacks=lambda code: lacks_letters(code) or ("" if code == "en" else "nlpaug's table of misread letters is English"),
)
def ocr(language: str, strength: float) -> Callable[[str], str]:
    """Misread letters of English the way nlpaug's table says that scanners do."""
    letters = cased(languages.language(language).alphabet)
    augmenter = characters().OcrAug(aug_word_p=strength, aug_char_min=1, min_char=1, **UNCAPPED)
    return on_words(augmenter, LongestRuns(letters, frozenset(augmenter.model.model)))


# nlpaug's RandomCharAug: letters substituted, inserted, swapped with a neighbour or deleted at random.
#
# nlpaug draws ASCII letters, digits and signs; here it is given the small letters of the language's own alphabet.
# Languages whose letters need combining marks, or that are written without spaces, are refused. A swap spares capitals,
# because nlpaug changes the case by rules that are wrong in Turkish and German; swaps and deletions need words of two
# letters. A letter may be drawn for itself, or swapped with an equal one.

_SHORTEST: Final[Mapping[str, int]] = {"substitute": 1, "insert": 1, "swap": 2, "delete": 2}


@rewriter(
    library="nlpaug",
    strength="share of words edited",
    lacks=lacks_letters,
    choices={"action": lambda: tuple(_SHORTEST)},
)
def random(language: str, strength: float, action: str) -> Callable[[str], str]:
    """Substitute, insert, swap or delete letters at random, with letters of the language's own alphabet."""
    small, shortest = languages.language(language).alphabet, _SHORTEST[action]
    letters = frozenset(small) if action == "swap" else cased(small)
    drawn = {"action": action, "candidates": list(small), "aug_word_p": strength, "min_char": shortest}
    return on_words(characters().RandomCharAug(**drawn, **UNCAPPED), LongestRuns(letters, letters, shortest))
