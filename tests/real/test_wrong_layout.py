"""Words of FLORES come back from another keyboard layout, if each of their keys comes back alone."""

from __future__ import annotations

import unicodedata
from operator import ne
from pathlib import Path

import pytest
from tests.layouts import offered, on_keys, returning, there_and_back, typist_of
from tests.real.test_alphabets import FLORES
from tests.some import some

from robust_xtreme.noise.input import retyping
from robust_xtreme.noise.members.wrong_layout import AUTO, keyboards_of, layout_names, pair

pytestmark = pytest.mark.real

_CODES = [code for code in FLORES if keyboards_of(code) and keyboards_of(code)[0] not in retyping.METHODS]


def _words(data: Path, code: str) -> list[str]:
    """What is between blanks in the sentences of a language, each once."""
    text = (data / "flores_first100" / f"{FLORES[code]}.dev").read_text("utf-8")
    return list(dict.fromkeys(unicodedata.normalize("NFC", text).split()))


@pytest.mark.parametrize(
    "code",
    some(
        [code for code in _CODES if typist_of(*pair(code, AUTO, AUTO)[::-1])],
        5,
    ),
)
def test_distinct_words_come_back_by_default(data: Path, code: str) -> None:
    """All of them with their signs, but for fewer than one in a thousand: a sign alone that becomes a number."""
    typed, on = pair(code, AUTO, AUTO)
    lost = {sign for sign, reason in retyping.irreversible(typed, on) if reason != "several code points"}
    several = {
        sign for sign in on_keys(typed) if len(sign) > 1 and there_and_back([sign], code, typed, on)[1] != [sign]
    }
    listed = [word for word in _words(data, code) if not any(sign in word for sign in several)]
    words = [word for word in listed if (on_keys(typed) - lost) >= set(word)]
    there, back = there_and_back(words, code, typed, on)
    assert sum(map(ne, words, back)) <= 0.001 * len(words), {*words} - {*back}
    assert sum(map(ne, words, there)) > 0.1 * len(words)


@pytest.mark.parametrize("code", some(_CODES, 5))
def test_distinct_words_come_back_on_offered_pairs(data: Path, code: str) -> None:
    """For one in 29 of the pairs of a keyboard of the language and a layout, of which both directions are offered."""
    layouts = [name for name in layout_names() if name not in (AUTO, *retyping.METHODS)]
    pairs = [(typed, on) for typed in keyboards_of(code) if typed not in retyping.METHODS for on in layouts]
    listed = _words(data, code)[:2000:10]
    for typed, on in pairs[_CODES.index(code) % 29 :: 29]:
        if offered(code, typed, on) and typist_of(on, typed):
            words = [word for word in listed if returning(word, typed, on)]
            assert there_and_back(words, code, typed, on)[1] == words, (typed, on)
