"""Words typed on one keyboard layout while another one is on, and the other way round."""

from __future__ import annotations

import unicodedata
from functools import cache

from robust_xtreme import perturb
from robust_xtreme.core.errors import SpecError
from robust_xtreme.core.languages import ALL_LANGUAGES
from robust_xtreme.noise.engine.realised import texts
from robust_xtreme.noise.input import keyboards, retyping
from robust_xtreme.noise.members.wrong_layout import _NUMBER, keyboards_of, pair


def sample(code: str, many: int) -> list[str]:
    """What is between blanks in the first paragraphs of a language's calibration text, each once."""
    return list(dict.fromkeys(word for value in texts(code) for word in value.split()))[:many]


def typist_of(on: str, typed: str) -> str:
    """A language that is typed with a keyboard, and may have another one on; "" if there is none."""
    for code in ALL_LANGUAGES:
        if on in keyboards_of(code) and (on, typed) == offered(code, on, typed):
            return code
    return ""


def offered(code: str, typed: str, on: str) -> tuple[str, str] | None:
    """What a language is typed for and what is on; None where this is refused."""
    try:
        return pair(code, typed, on)
    except SpecError:
        return None


def there_and_back(words: list[str], code: str, typed: str, on: str) -> tuple[list[str], list[str]]:
    """Words typed for one keyboard with another one on, and these typed the other way round."""
    there = perturb(words, f"wrong_layout:1@keyboard={typed}@layout={on}", language=code)
    return there, perturb(there, f"wrong_layout:1@keyboard={on}@layout={typed}", language=typist_of(on, typed))


def returning(word: str, typed: str, on: str) -> bool:
    """Whether all keys of a word come back, and it has no digits; neither side has marks or keys of several."""
    form = retyping.retyped(word, typed, on) if _back(typed, on) >= set(word) else None
    if form is None or any(map(str.isdigit, word)) or _NUMBER.fullmatch(form):
        return False
    several = {sign for name in (typed, on) for sign in on_keys(name) if len(sign) > 1}
    return not any(unicodedata.category(sign)[0] == "M" for sign in word + form) and not any(
        sign in word + " " + form for sign in several
    )


@cache
def _back(typed: str, on: str) -> frozenset[str]:
    """The signs of a layout whose keys come back from another one."""
    return on_keys(typed) - {sign for sign, _ in retyping.irreversible(typed, on)}


@cache
def on_keys(name: str) -> frozenset[str]:
    """The signs of a layout, with and without AltGr."""
    return frozenset(sign for key in keyboards.layout(name).keys for sign in key.levels)
