"""Typing errors on the language's own keyboard layout, or in its input method.

A neighbouring key is hit (`neighbour`), or struck along with the right one (`insert`); a key is missed (`delete`), or
struck twice (`double`); two keys are struck in the wrong order (`swap`); Shift is added, or missed at a capital
(`shift`), or missed where it types another letter, as in Thai (`unshift`); a dead key, AltGr or a tone key is missed or
wrong (`accent`). In an input method the wrong candidate is taken (`candidate`), or that of a syllable that sounds alike
(`syllable`); text in Chinese characters is converted word by word, never a part of a word. In Arabic, Persian and Hindi
a letter is confused with one that sounds or looks alike (`confusion`), which is not an error of the hand. Neighbours
are keys whose centres are within 1.25 key pitches, those of the same row more often. All forms are letters of the
language; words in another script do not change.

The layout is the language's usual one; `@layout=NAME` takes another one that can type the language. Korean, Vietnamese,
Chinese and Japanese are typed by input methods: `ko-2set`, `vi-telex` and `vi-vni`, `zh-pinyin`, `ja-romaji`.
"""

from collections.abc import Callable, Iterable
from functools import partial
from itertools import chain
from typing import Final, NamedTuple

from robust_xtreme.core import packs
from robust_xtreme.core.errors import SpecError
from robust_xtreme.core.languages import language as language_of
from robust_xtreme.noise.engine.key_errors import KeyingError, Word, key_errors
from robust_xtreme.noise.input import hangul, kana, keyboards, pinyin, vietnamese
from robust_xtreme.noise.input.typing import reached, typing_errors


class InputMethod(NamedTuple):
    """An input method: its language, its key errors, the packs that it reads, and the words that it converts."""

    language: str
    key_errors: Callable[[], Iterable[KeyingError]]
    packs: tuple[str, ...]
    words: Callable[[], Iterable[Word]] = tuple


_US, _SYLLABLES = "keyboards/us", "input/vi-syllables"
METHODS: Final = {
    "ko-2set": InputMethod("ko", hangul.key_errors, ("keyboards/kr", "input/ko-2set")),
    "vi-telex": InputMethod("vi", partial(vietnamese.key_errors, "telex"), (_US, "input/vi-telex", _SYLLABLES)),
    "vi-vni": InputMethod("vi", partial(vietnamese.key_errors, "vni"), (_US, "input/vi-vni", _SYLLABLES)),
    "zh-pinyin": InputMethod("zh", pinyin.key_errors, (_US, "input/zh-words", "input/zh-fuzzy"), pinyin.words),
    "ja-romaji": InputMethod("ja", kana.key_errors, (_US, "input/ja-romaji", "input/ja-words"), kana.words),
}
"""Input methods by the name that `layout` gives them."""

_COMPOSED: Final = frozenset(method.language for method in METHODS.values())

RATES: Final = {
    "neighbour": "2.02",
    "insert": "1.79",
    "delete": "6.26",
    "double": "1.39",
    "swap": "2.35",
    "shift": "0.18",
    "unshift": "6.26",
    "accent": "4",
    "confusion": "6.26",
    "candidate": "4",
    "syllable": "2",
}
"""The rates of the kinds, relative to the others that a letter allows.

The rates of the first six are fitted to real typos in English (docs/typos.md); the others are set by hand. Shift that
types another letter is a key like others, so that it is missed as often as they are: English, where Shift makes
capitals, says nothing of it, and the share of `unshift` is that of the letters on the layout's shifted level. No source
known to us gives a rate of `confusion` by letter; it is that of a missed letter, the most frequent error.
"""


def layouts() -> tuple[str, ...]:
    """The values of `layout`: `auto`, the keyboards, the input methods."""
    return "auto", *keyboards.names(), *METHODS


@packs.cached
def layouts_of(code: str) -> tuple[str, ...]:
    """The layouts and input methods that a language is typed with, the usual one first."""
    methods = (name for name, method in METHODS.items() if method.language == code)
    return *methods, *(name for name in keyboards.of_language(code) if _suffices(name, code))


def _suffices(name: str, code: str) -> bool:
    """Whether a keyboard types at least half of a language's letters, regardless of accents."""
    letters, size = reached(keyboards.layout(name), code)
    return 2 * letters >= size > 0


def _packs(code: str) -> tuple[str, ...]:
    """The packs of the usual way to type a language."""
    name = next(iter(layouts_of(code)), "")
    if name in METHODS:
        return METHODS[name].packs
    return (f"keyboards/{name}", *keyboards.pack(code)) if name else ()


@key_errors(
    strength="share of letters typed wrong",
    rates=RATES,
    choices={"layout": layouts},
    # Input methods combine keys; one in which some letters are single keys yields swapped pairs of them itself.
    swaps=lambda code: code not in _COMPOSED,
    lacks=lambda code: "" if layouts_of(code) else "no keyboard pack",
    packs=_packs,
    version=2,
)
def keyboard_typo(language: str, layout: str) -> Iterable[KeyingError | Word]:
    """Hit a neighbouring key, miss one, strike one twice or out of order, on the language's own keyboard."""
    name = next(iter(layouts_of(language)), "") if layout == "auto" else layout
    if not name:
        return ()
    if name in METHODS:
        method = METHODS[name]
        if method.language != language:
            raise SpecError(_refusal(name, language, f"an input method of {language_of(method.language).name}"))
        return chain(errors_typing(name, language), method.words())
    if not _suffices(name, language):
        raise SpecError(_refusal(name, language, "a keyboard that types fewer than half of its letters"))
    return errors_typing(name, language)


def errors_typing(name: str, code: str) -> Iterable[KeyingError]:
    """The key errors of a language that is typed with a keyboard or an input method."""
    if name in METHODS:
        return METHODS[name].key_errors()
    return chain(typing_errors(keyboards.layout(name), code), keyboards.key_errors(code))


def _refusal(name: str, code: str, what: str) -> str:
    known = ", ".join(f"@layout={other}" for other in layouts_of(code)) or "none"
    return (
        f"{language_of(code).name} cannot be typed with '@layout={name}', {what}; it has: {known}. "
        f"See: robust-xtreme list perturbations --languages {code}"
    )
