"""The letters that noise uses, which are computed for all letters at once, against each letter by itself."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from tests.unit.core.test_pack_checks import ENGLISH, pack

from robust_xtreme.core import graphemes, packs
from robust_xtreme.core.languages import language
from robust_xtreme.noise.engine.case import capital
from robust_xtreme.noise.engine.letters import Alphabet, alphabet

ODD = {
    "en": ("Latn", "a a\u0301 ä ﬁ a\u0328\u0323\u0304 ⱥ ß ŉ ǆ ǰ", "a A Á ä Ä ⱥ Ⱥ ß ǰ"),
    "ko": ("Kore", "가-갉 \u1100 ㄱ \u1100\u1161", "가 각 갂 갃 간 갅 갆 갇 갈 갉"),
    "hi": ("Deva", "क क\u093c \u0958 क\u094d क\u094dष", "क क\u093c क\u094dष"),
    "zh": ("Kore", "\u1100", ""),
}
"""Scripts and letters of users' packs, and the letters that noise can use."""


@pytest.mark.parametrize("code", ["af", "az", "bn", "el", "ja", "my", "nl", "pa", "vi", "yo"])
def test_the_letters_are_those_that_can_be_used_by_themselves(code: str) -> None:
    """Each is located in the pool in both forms, and its group is that of its first code point."""
    letters = {form for letter in language(code).alphabet for form in _forms(letter, code) if _is_usable(form)}
    assert set(alphabet(code).letters) == letters
    _check(alphabet(code))


@pytest.mark.parametrize("code", ODD)
def test_letters_that_join_or_are_not_composed_are_not_used(tmp_path: Path, code: str) -> None:
    """The alphabet of a user's pack may have none that can be used."""
    script, letters, usable = ODD[code]
    text = ENGLISH.replace('"en"', f'"{code}"').replace("Latn", script).replace("a-z", letters)
    with packs.using(pack(tmp_path, f"alphabets/{code}.toml", text)):
        assert sorted(alphabet(code).letters) == sorted(usable.split())
        _check(alphabet(code))


def test_a_letter_can_be_replaced_where_its_group_has_others() -> None:
    """By its properties: script and case, whatever its class."""
    props = np.arange(1 << 16, dtype=np.uint16)
    expected = np.isin(graphemes.group(props), (3, 510)) & (props & graphemes.LETTER > 0)
    assert (graphemes.letters_in(np.isin(np.arange(512), (3, 510))) == expected).all()


def _forms(letter: str, code: str) -> Iterator[str]:
    """A letter and its capital, if that is not longer."""
    yield letter
    if len(capital(letter, code)) <= len(letter):
        yield capital(letter, code)


def _is_usable(letter: str) -> bool:
    """Whether a letter is one cluster that joins with no neighbour and is in NFKC."""
    is_letter = bool(graphemes.string_properties(letter)[0] & graphemes.LETTER)
    short = len(unicodedata.normalize("NFD", letter)) <= graphemes.PACKED
    alone = len(graphemes.split(letter)) == 1 and not graphemes.open_ends(letter)
    return is_letter and short and alone and unicodedata.normalize("NFKC", letter) == letter


def _check(known: Alphabet) -> None:
    """The forms and groups of letters are those of each letter by itself."""
    text = known.pool.tobytes().decode("utf-32-le")
    forms = [text[start : start + length] for start, length in zip(known.start.flat, known.length.flat, strict=True)]
    decomposed = [unicodedata.normalize("NFD", letter) for letter in known.letters]
    assert forms == [*known.letters, *decomposed]
    assert known.decomposes.tolist() == [form != other for form, other in zip(known.letters, decomposed, strict=True)]
    groups = [int(graphemes.group(graphemes.string_properties(letter)[:1])[0]) for letter in known.letters]
    assert groups == sorted(groups)
    assert known.group_of[groups].tolist() == np.repeat(np.arange(len(known.size)), known.size).tolist()
