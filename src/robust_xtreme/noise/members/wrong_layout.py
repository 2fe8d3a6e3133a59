"""Words typed while another keyboard layout is on: привет as ghbdtn, hello as руддщ, 안녕 as dkssud.

A word is taken back to the keys that type it on the language's own keyboard, or in its input method, and the same keys
are struck on the layout that is on (`noise/input/retyping.py`, which says what a dead key and AltGr do). `@layout=NAME`
is that layout: any keyboard, or `ko-2set`, `vi-telex`, `vi-vni`, `ja-romaji`. By default it is `us`; where `us` has the
letters of the language where its own keyboard has them, as in English, or all but rare ones, it is `ru`, so that every
word can change. So Russian becomes Latin letters and signs, German loses z, y, ä, ö, ü and ß, Spanish ñ and accents;
what is typed by an input method (Chinese, Japanese, Korean, Vietnamese) shows its keys, as where the method is off.
`@keyboard=NAME` is another keyboard or method of the language's own, as `jp-kana` for Japanese.

A word is what is between blanks, with the signs and digits that the other layout has elsewhere, so that the layouts in
reverse give the text again: более, is ,jktt? and comes back; docs/layouts.md lists the keys that do not. A sign without
a key, or with the same key on both, is beside words. Numbers stay, and so does a word that would become one.

A word changes as a whole or not at all: one with a letter that the own keyboard does not type, or whose key types
nothing on the other, is not eligible, nor is one that stays as it is. Text without spaces is divided into the words of
a list where there is one. Signs that letters become (б is the comma) stay within the spans of their words.
"""

import re
from collections.abc import Iterator
from typing import Final

from robust_xtreme.core import packs
from robust_xtreme.core.errors import SpecError
from robust_xtreme.core.languages import language as language_of
from robust_xtreme.noise.engine.words import Form, words
from robust_xtreme.noise.input import keyboards
from robust_xtreme.noise.input.retyping import METHODS, retyped, signs_of_words
from robust_xtreme.noise.members import keyboard_typo
from robust_xtreme.noise.members.scripts import listed_words

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
    return tuple(dict.fromkeys((AUTO, *keyboards.names(), *METHODS)))


def layout_names() -> tuple[str, ...]:
    """The values of `layout`: the same without methods that do not give one text."""
    return tuple(name for name in keyboard_names() if name not in _OFFERED)


def keyboards_of(code: str) -> tuple[str, ...]:
    """The keyboards and input methods that a language is typed with, the usual one first."""
    known = keyboard_typo.layouts_of(code)
    return tuple(dict.fromkeys((*known, *(name for name in METHODS if name in keyboards.of_language(code)))))


@packs.cached
def pair(code: str, keyboard: str, layout: str) -> tuple[str, str]:
    """What a language is typed for, and what is on. Raises SpecError where the words of the language cannot change."""
    known = keyboards_of(code)
    first = known[0] if keyboard == AUTO else keyboard
    if first not in known:
        raise SpecError(_refusal(code, f"'@keyboard={keyboard}' is none of its keyboards: {', '.join(known)}"))
    if layout != AUTO:
        if layout == first or not (layout in METHODS or changed(code, first, layout)):
            raise SpecError(_refusal(code, f"'@layout={layout}' has the letters where {first!r} has them, or nowhere"))
        return first, layout
    usual = code not in _RARE and len(changed(code, first, USUAL[0])) >= _FEW
    return first, USUAL[not usual]


def changed(code: str, keyboard: str, layout: str) -> dict[str, str]:
    """The letters of a language that become other texts, with these."""
    forms = ((letter, retyped(letter, keyboard, layout)) for letter in language_of(code).alphabet)
    return {letter: form for letter, form in forms if form not in (None, letter)}


def _refusal(code: str, why: str) -> str:
    see = f"See: robust-xtreme list perturbations --languages {code}"
    return f"{language_of(code).name} cannot be typed with the wrong layout: {why}. {see}"


def _packs(code: str) -> tuple[str, ...]:
    """The packs of the usual way to type a language, and of the layout that is on by default."""
    if not keyboards_of(code):
        return ()
    name, layout = pair(code, AUTO, AUTO)
    method = keyboard_typo.METHODS.get(name)
    return tuple(dict.fromkeys((*(method.packs if method else (f"keyboards/{name}",)), f"keyboards/{layout}")))


@words(
    strength="share of words typed with another layout on",
    rates={"retyped": "1"},
    choices={"layout": layout_names, "keyboard": keyboard_names},
    whole=True,
    divided=lambda code: None if language_of(code).spaces else listed_words(code),
    signs=lambda language, layout, keyboard: signs_of_words(*pair(language, keyboard, layout)),
    lacks=lambda code: "" if keyboards_of(code) else "no keyboard pack",
    packs=_packs,
    waives=frozenset({"rule_4_noise_belongs_to_the_script"}),
)
def wrong_layout(word: str, language: str, layout: str, keyboard: str) -> Iterator[Form]:
    """Type words with another keyboard layout on: привет as ghbdtn, hello as руддщ."""
    form = retyped(word, *pair(language, keyboard, layout))
    kept = (word, form or "") if language_of(language).spaces else (word,)
    if form and not any(map(_NUMBER.fullmatch, kept)):
        yield Form(form, "retyped")
