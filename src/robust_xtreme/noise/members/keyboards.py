"""Typing errors on the language's own keyboard, and words typed while the layout of another keyboard is on."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from functools import partial
from itertools import chain
from typing import Final, NamedTuple

from robust_xtreme.core import packs
from robust_xtreme.core.errors import SpecError
from robust_xtreme.core.languages import language as language_of
from robust_xtreme.noise.engine.key_errors import KeyingError, Word, key_errors
from robust_xtreme.noise.engine.words import Form, words
from robust_xtreme.noise.input import hangul, kana, keyboards, pinyin, vietnamese
from robust_xtreme.noise.input.retyping import METHODS as _KEYS
from robust_xtreme.noise.input.retyping import retyped, signs_of_words
from robust_xtreme.noise.input.typing import reached, typing_errors
from robust_xtreme.noise.members.scripts import listed_words

# Typing errors on the language's own keyboard layout, or in its input method.
#
# A neighbouring key is hit (`neighbour`), or struck along with the right one (`insert`); a key is missed (`delete`), or
# struck twice (`double`); two keys are struck in the wrong order (`swap`); Shift is added, or missed at a capital
# (`shift`), or missed where it types another letter, as in Thai (`unshift`); a dead key, AltGr or a tone key is missed
# or wrong (`accent`). In an input method the wrong candidate is taken (`candidate`), or that of a syllable that sounds
# alike (`syllable`); text in Chinese characters is converted word by word, never a part of a word. In Arabic, Persian
# and Hindi a letter is confused with one that sounds or looks alike (`confusion`), which is not an error of the hand.
# Neighbours are keys whose centres are within 1.25 key pitches, those of the same row more often. All forms are letters
# of the language; words in another script do not change.
#
# The layout is the language's usual one; `@layout=NAME` takes another one that can type the language. Korean,
# Vietnamese, Chinese and Japanese are typed by input methods: `ko-2set`, `vi-telex` and `vi-vni`, `zh-pinyin`,
# `ja-romaji`.


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


# Words typed while another keyboard layout is on: привет as ghbdtn, hello as руддщ, 안녕 as dkssud.
#
# A word is taken back to the keys that type it on the language's own keyboard, or in its input method, and the same
# keys are struck on the layout that is on (`noise/input/retyping.py`, which says what a dead key and AltGr do).
# `@layout=NAME` is that layout: any keyboard, or `ko-2set`, `vi-telex`, `vi-vni`, `ja-romaji`. By default it is `us`;
# where `us` has the letters of the language where its own keyboard has them, as in English, or all but rare ones, it is
# `ru`, so that every word can change. So Russian becomes Latin letters and signs, German loses z, y, ä, ö, ü and ß,
# Spanish ñ and accents; what is typed by an input method (Chinese, Japanese, Korean, Vietnamese) shows its keys, as
# where the method is off. `@keyboard=NAME` is another keyboard or method of the language's own, as `jp-kana` for
# Japanese.
#
# A word is what is between blanks, with the signs and digits that the other layout has elsewhere, so that the layouts
# in reverse give the text again: более, is ,jktt? and comes back; docs/layouts.md lists the keys that do not. A sign
# without a key, or with the same key on both, is beside words. Numbers stay, and so does a word that would become one.
#
# A word changes as a whole or not at all: one with a letter that the own keyboard does not type, or whose key types
# nothing on the other, is not eligible, nor is one that stays as it is. Text without spaces is divided into the words
# of a list where there is one. Signs that letters become (б is the comma) stay within the spans of their words.

AUTO: Final = "auto"
USUAL: Final = ("us", "ru")
"""The layouts of which the first that changes letters of the language, not only rare ones, is on by default."""

_FEW: Final = 2
_RARE: Final = ("af", "eu", "nl")
"""Languages whose accents are rare: `us` changes fewer than one word in a hundred. So it does in those of which it
changes fewer letters than two, as Tagalog, which has ñ in a few names.
"""

_OFFERED: Final = ("zh-pinyin",)
"""Methods that offer several texts for the same keys, so that they cannot be what is on."""

_NUMBER: Final = re.compile(r"[-+−#$€£(]*\d+(?:[-–.,:/٫٬]\d+)*[.,:;!?%°)]*")
"""A number with the signs beside it, which is not typed: it may be the answer, or decide the label."""


def keyboard_names() -> tuple[str, ...]:
    """The values of `keyboard`: `auto`, the keyboards, the input methods."""
    return tuple(dict.fromkeys((AUTO, *keyboards.names(), *_KEYS)))


def layout_names() -> tuple[str, ...]:
    """The values of `layout`: the same without methods that do not give one text."""
    return tuple(name for name in keyboard_names() if name not in _OFFERED)


def keyboards_of(code: str) -> tuple[str, ...]:
    """The keyboards and input methods that a language is typed with, the usual one first."""
    known = layouts_of(code)
    return tuple(dict.fromkeys((*known, *(name for name in _KEYS if name in keyboards.of_language(code)))))


@packs.cached
def pair(code: str, keyboard: str, layout: str) -> tuple[str, str]:
    """What a language is typed for, and what is on. Raises SpecError where the words of the language cannot change."""
    known = keyboards_of(code)
    first = known[0] if keyboard == AUTO else keyboard
    if first not in known:
        raise SpecError(_mistyped(code, f"'@keyboard={keyboard}' is none of its keyboards: {', '.join(known)}"))
    if layout != AUTO:
        if layout == first or not (layout in _KEYS or changed(code, first, layout)):
            raise SpecError(_mistyped(code, f"'@layout={layout}' has the letters where {first!r} has them, or nowhere"))
        return first, layout
    usual = code not in _RARE and len(changed(code, first, USUAL[0])) >= _FEW
    return first, USUAL[not usual]


def changed(code: str, keyboard: str, layout: str) -> dict[str, str]:
    """The letters of a language that become other texts, with these."""
    forms = ((letter, retyped(letter, keyboard, layout)) for letter in language_of(code).alphabet)
    return {letter: form for letter, form in forms if form not in (None, letter)}


def _mistyped(code: str, why: str) -> str:
    name = language_of(code).name
    return (
        f"{name} cannot be typed with the wrong layout: {why}. See: robust-xtreme list perturbations --languages {code}"
    )


def _packs_on(code: str) -> tuple[str, ...]:
    """The packs of the usual way to type a language, and of the layout that is on by default."""
    if not keyboards_of(code):
        return ()
    name, layout = pair(code, AUTO, AUTO)
    method = METHODS.get(name)
    return tuple(dict.fromkeys((*(method.packs if method else (f"keyboards/{name}",)), f"keyboards/{layout}")))


@words(
    strength="share of words typed with another layout on",
    rates={"retyped": "1"},
    choices={"layout": layout_names, "keyboard": keyboard_names},
    whole=True,
    divided=lambda code: None if language_of(code).spaces else listed_words(code),
    signs=lambda language, layout, keyboard: signs_of_words(*pair(language, keyboard, layout)),
    lacks=lambda code: "" if keyboards_of(code) else "no keyboard pack",
    packs=_packs_on,
    waives=frozenset({"rule_4_noise_belongs_to_the_script"}),
)
def wrong_layout(word: str, language: str, layout: str, keyboard: str) -> Iterator[Form]:
    """Type words with another keyboard layout on: привет as ghbdtn, hello as руддщ."""
    form = retyped(word, *pair(language, keyboard, layout))
    kept = (word, form or "") if language_of(language).spaces else (word,)
    if form and not any(map(_NUMBER.fullmatch, kept)):
        yield Form(form, "retyped")
