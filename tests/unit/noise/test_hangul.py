"""Korean on the two-set keyboard: what keys type, and what syllables come out as when one key goes wrong."""

from __future__ import annotations

import time
import unicodedata
from collections import defaultdict
from pathlib import Path

import pytest

from robust_xtreme.core import packs
from robust_xtreme.core.errors import DataError
from robust_xtreme.noise.input.hangul import key_errors, keys, typed

Forms = dict[tuple[str, str], set[str]]
SYLLABLES = [chr(point) for point in range(ord("가"), ord("힣") + 1)]
SLOWEST = 5.0
"""Seconds; a quiet core takes a fifth of one."""


@pytest.fixture(scope="module")
def forms() -> Forms:
    """The forms of every point by kind."""
    groups: Forms = defaultdict(set)
    for key_error in key_errors():
        groups[key_error.point, key_error.kind].add(key_error.form)
    return groups


def test_every_syllable_is_typed_by_its_keys() -> None:
    """All 11,172 syllables come back from their keys, alone and before another syllable."""
    assert [syllable for syllable in SYLLABLES if typed(keys(syllable)) != syllable] == []
    assert [syllable for syllable in SYLLABLES if typed(keys(syllable + "아")) != syllable + "아"] == []


@pytest.mark.parametrize(
    ("strokes", "text"),
    [
        ("DKSSUD", "안녕"),
        ("rr", "ㄱㄱ"),
        ("kk", "ㅏㅏ"),
        ("rkr1", "각1"),
        ("rk rk", "가 가"),
        ("gksQk", "한빠"),
        ("", ""),
    ],
)
def test_keys_that_make_no_syllable_stay_jamo(strokes: str, text: str) -> None:
    """Capitals without a double jamo are plain ones, doubled keys make nothing, what is not a jamo ends a syllable."""
    assert typed(strokes) == text


@pytest.mark.parametrize(
    ("point", "kind", "some"),
    [
        ("각", "neighbour", {"닥", "삭", "걱", "갇", "갓"}),
        ("각", "delete", {"가"}),
        ("각", "shift", {"깍", "갂"}),
        ("각", "insert", {"갃"}),
        ("없", "delete", {"업", "엇"}),
        ("화", "delete", {"호", "하"}),
        ("구", "insert", {"궈"}),
        ("예", "unshift", {"에"}),
        ("까", "unshift", {"가"}),
        ("가", "double", {"가ㅏ"}),
        ("간", "double", {"간ㄴ", "가ㅏㄴ"}),
        ("간", "swap", {"ㄱ나", "ㅏㄱㄴ"}),
        ("과", "swap", {"가ㅗ"}),
        ("닭", "swap", {"닥ㄹ"}),
        ("가", "delete", {"ㄱ", "ㅏ"}),
        ("가", "insert", {"가ㅓ"}),
    ],
)
def test_one_key_goes_wrong(forms: Forms, point: str, kind: str, some: set[str]) -> None:
    """Neighbouring, missed, shifted, doubled, swapped and further keys give what the input method makes of them."""
    assert some <= forms[point, kind]


@pytest.mark.parametrize(
    ("point", "kind", "never"),
    [
        ("가", "delete", {""}),
        ("각", "delete", {"ㅏㄱ", "ㄱㄱ"}),
        ("가", "double", {"까", "ㄱ가"}),
        ("과", "swap", {"ㅗ가"}),
        ("닫", "shift", {"닫", "다"}),
        ("가", "neighbour", {"고", "각", "카"}),
    ],
)
def test_loose_jamo_come_where_a_kind_has_nothing_else(forms: Forms, point: str, kind: str, never: set[str]) -> None:
    """Nothing at all, jamo before a syllable that can lose another key, and far keys are not forms."""
    assert not forms.get((point, kind), set()) & never


def test_a_table_of_a_user_changes_the_keys(tmp_path: Path) -> None:
    """A pack `ko-2set` replaces the bundled one; a row that is not a jamo is refused."""
    head = "# source: mine\n# licence: CC0-1.0\n# standing: authored\n"
    bundled = packs.table("input", "ko-2set").rows
    rows = "".join(f"{row['keys'].translate(str.maketrans('rs', 'sr'))}\t{row['jamo']}\n" for row in bundled)
    path = tmp_path / "input" / "ko-2set.tsv"
    path.parent.mkdir()
    path.write_text(f"{head}keys\tjamo\n{rows}", "utf-8")
    with packs.using(tmp_path):
        assert (typed("sk"), keys("나")) == ("가", "rk")
    path.write_text(f"{head}keys\tjamo\nr\tg\n", "utf-8")
    with packs.using(tmp_path), pytest.raises(DataError, match="is not a jamo"):
        typed("rk")


def test_each_key_error_is_of_one_key(forms: Forms) -> None:
    """The keys of a form are those of the syllable but for one: another one, one less, one more, or two swapped."""
    for (point, kind), variants in list(forms.items())[::97]:
        if not "가" <= point <= "힣":
            continue
        clean = keys(point)
        for form in variants:
            struck = keys(form)
            changed = sum(letter != other for letter, other in zip(clean, struck, strict=False))
            more = {"delete": -1, "insert": 1, "double": 1}.get(kind, 0)
            assert len(struck) - len(clean) == more, (point, form)
            assert more or changed == (2 if kind == "swap" else 1), (point, form)


def test_every_syllable_has_all_kinds_of_key_errors(forms: Forms) -> None:
    """Each has neighbours, and is doubled, missed, swapped and struck with others; its forms are what keys type."""
    ours = {key: variants for key, variants in forms.items() if "가" <= key[0] <= "힣"}
    for wanted in ("neighbour", "delete", "insert", "double", "swap"):
        assert {point for point, kind in ours if kind == wanted} == set(SYLLABLES), wanted
    assert {kind for _, kind in ours} == {"neighbour", "delete", "insert", "double", "swap", "shift", "unshift"}
    assert all(
        form != point and typed(keys(form)) == form for point, kind in [*ours][::7] for form in ours[point, kind]
    )


def test_a_form_that_begins_with_a_jamo_is_at_the_start_of_a_word() -> None:
    """Elsewhere the input method would add the jamo to the syllable before: 나 and ㄱ나 are typed as 낙나."""
    for key_error in key_errors():
        if "가" <= key_error.point <= "힣":
            assert (key_error.where == "start") == (not "가" <= key_error.form[0] <= "힣"), key_error
    assert typed(keys("나ㄱ나")) == "낙나"


def test_decomposed_text_has_key_errors_of_its_jamo(forms: Forms) -> None:
    """The conjoining jamo of a text in NFD have the same key errors, each within its class; a final can be missed."""
    initial, vowel, final = tuple(unicodedata.normalize("NFD", "각"))
    assert "\u1103" in forms[initial, "neighbour"]
    assert "\u1165" in forms[vowel, "neighbour"]
    assert forms[final, "delete"] == {""}
    loose = {key: variants for key, variants in forms.items() if "\u1100" <= key[0] <= "\u11ff"}
    classes = (range(0x1100, 0x1113), range(0x1161, 0x1176), range(0x11A8, 0x11C3))
    for (point, _), variants in loose.items():
        jamo_class = next(group for group in classes if ord(point) in group)
        assert all(not form or ord(form) in jamo_class for form in variants), point


def test_all_syllables_are_made_in_time() -> None:
    """The rows of all syllables take a second or two at most."""
    begun = time.perf_counter()
    assert sum(1 for _ in key_errors()) > len(SYLLABLES)
    assert time.perf_counter() - begun < SLOWEST
