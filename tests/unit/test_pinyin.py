"""Key errors of pinyin: what is near, what is legal, what stays in its script."""

from __future__ import annotations

from collections import defaultdict
from pathlib import Path

import pytest

from robust_xtreme import packs
from robust_xtreme.errors import DataError
from robust_xtreme.languages import language
from robust_xtreme.noise.engine.key_error_table import KeyingError, compiled
from robust_xtreme.noise.input import pinyin

KINDS = ("neighbour", "delete", "candidate", "syllable")


@pytest.fixture(scope="module")
def rows() -> list[KeyingError]:
    """All key errors."""
    return list(pinyin.key_errors())


def _forms(rows: list[KeyingError], point: str) -> dict[str, set[str]]:
    groups: defaultdict[str, set[str]] = defaultdict(set)
    for row in rows:
        if row.point == point:
            groups[row.kind].add(row.form)
    return groups


@pytest.mark.parametrize(
    ("syllable", "near"),
    [("zhang", {"zang", "zhan"}), ("si", {"shi"}), ("lan", {"nan", "ran", "lang"}), ("xing", {"xin"}), ("ma", set())],
)
def test_fuzzy_pairs_work_both_ways(syllable: str, near: set[str]) -> None:
    """An initial or a final is taken for its partner, one at a time, and the partner for it."""
    assert set(pinyin.fuzzy(syllable)) == near
    assert all(syllable in pinyin.fuzzy(neighbour) for neighbour in near)


def test_a_table_of_a_user_changes_the_pairs(tmp_path: Path) -> None:
    """A pack `zh-fuzzy` replaces the bundled one; a row with an unknown place is refused."""
    head = "# source: mine\n# licence: CC0-1.0\n# standing: authored\nplace\tone\tother\n"
    path = tmp_path / "input" / "zh-fuzzy.tsv"
    path.parent.mkdir()
    path.write_text(head + "initial\tm\tn\n", "utf-8")
    with packs.using(tmp_path):
        assert pinyin.fuzzy("ma") == ["na"]
    path.write_text(head + "middle\tm\tn\n", "utf-8")
    with packs.using(tmp_path), pytest.raises(DataError, match="not an initial or final"):
        pinyin.fuzzy("ma")


def test_a_key_goes_wrong_where_it_is() -> None:
    """A missed key leaves the rest, and a neighbour on the keyboard replaces a key."""
    forms = set(pinyin.struck("xian"))
    typed = {(kind, letters) for kind, letters, _ in forms}
    assert {
        ("delete", "xia"),
        ("delete", "xin"),
        ("delete", "ian"),
        ("neighbour", "xiam"),
        ("neighbour", "xuan"),
    } <= typed
    assert ("neighbour", "pian") not in typed


def test_kinds_of_one_character(rows: list[KeyingError]) -> None:
    """先 xian gives its homophones, characters of xiang, of xia (a letter missed) and of xuan (a neighbouring key)."""
    by_kind = _forms(rows, "先")
    assert set(by_kind) == set(KINDS)
    assert {"现", "线"} <= by_kind["candidate"]
    assert "想" in by_kind["syllable"]
    assert "下" in by_kind["delete"]
    assert all(len(forms) <= 8 for forms in by_kind.values())


def test_candidates_weigh_by_frequency(rows: list[KeyingError]) -> None:
    """Of the candidates of 在, 再 is commoner than 载."""
    weights = {row.form: row.weight for row in rows if (row.point, row.kind) == ("在", "candidate")}
    assert weights["再"] > weights["载"] > weights["哉"]


def test_a_word_goes_wrong_as_a_word(rows: list[KeyingError]) -> None:
    """A word of two characters is converted to another word of its reading or a near one."""
    assert _forms(rows, "权利")["candidate"] >= {"权力", "全力"}
    assert "声明" in _forms(rows, "申明")["syllable"]


def test_forms_are_letters_of_the_alphabet(rows: list[KeyingError]) -> None:
    """Forms are letters of the alphabet but where a syllable has too few; traditional characters have no rows."""
    alphabet = set(language("zh").alphabet)
    inside = sum(alphabet.issuperset(row.form) for row in rows)
    assert inside >= 0.97 * len(rows)
    assert not _forms(rows, "國")


def test_every_row_changes_something(rows: list[KeyingError]) -> None:
    """No form is the point itself, weights are positive, points are one or two characters, and kinds are known."""
    assert [row for row in rows if row.form == row.point or row.weight < 1 or len(row.form) != len(row.point)] == []
    assert {row.kind for row in rows} == set(KINDS)
    assert len({row[:3] for row in rows}) == len(rows)


def test_forms_are_of_the_alphabet(rows: list[KeyingError]) -> None:
    """At least 95 % of what replaces simplified characters, by weight and by row, are letters of the alphabet."""
    alphabet = frozenset(language("zh").alphabet)
    plain = pinyin.characters().readings
    forms = [row.form for row in rows if all(letter in plain for letter in row.point)]
    inside = sum(alphabet.issuperset(form) for form in forms)
    assert inside >= 0.95 * len(forms)


def test_the_rows_make_a_table_with_pairs() -> None:
    """The engine takes the rows, words of two characters as units of their own."""
    table = compiled(KINDS, pinyin.key_errors(), "zh")
    assert len(table.pairs) > 5_000
