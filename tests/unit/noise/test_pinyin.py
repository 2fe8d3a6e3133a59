"""Key errors of pinyin: what is near, what is legal, what stays in its script."""

from __future__ import annotations

from collections import defaultdict
from pathlib import Path

import pytest

from robust_xtreme.core import packs
from robust_xtreme.core.errors import DataError
from robust_xtreme.core.examples import Text
from robust_xtreme.core.languages import language
from robust_xtreme.core.specs import PerturbationSpec
from robust_xtreme.noise.engine.key_error_table import KeyingError, compiled
from robust_xtreme.noise.engine.noising import noise_texts
from robust_xtreme.noise.input import pinyin
from robust_xtreme.noise.input.keyboards import struck

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
    with packs.using(tmp_path), pytest.raises(DataError, match="initial or final"):
        pinyin.fuzzy("ma")


def test_words_of_a_user_may_have_no_frequency(tmp_path: Path) -> None:
    """A word that was never counted is the only one of its reading, or one of several that are equally rare."""
    head = "# source: mine\n# licence: CC0-1.0\n# standing: authored\nword\treading\tfrequency\n"
    path = tmp_path / "input" / "zh-words.tsv"
    path.parent.mkdir()
    path.write_text(head + "一\tyi\t0\n衣\tyi\t0\n", "utf-8")
    with packs.using(tmp_path):
        assert [*pinyin.key_errors()] == [KeyingError("一", "candidate", "衣"), KeyingError("衣", "candidate", "一")]


def test_a_key_goes_wrong_where_it_is() -> None:
    """A missed key leaves the rest, and a neighbour on the keyboard replaces a key."""
    forms = set(struck("xian"))
    typed = {(kind, letters) for kind, letters, _ in forms}
    assert {
        ("delete", "xia"),
        ("delete", "xin"),
        ("delete", "ian"),
        ("neighbour", "xiam"),
        ("neighbour", "xuan"),
    } <= typed
    assert ("neighbour", "pian") not in typed


def _noised(text: str) -> set[str]:
    """What comes of a text in 300 draws in which every unit has a key error."""
    texts = [Text(str(number), "zh", text) for number in range(300)]
    return {noised.text.value for noised in noise_texts(texts, PerturbationSpec.parse("keyboard_typo:1"), 0)}


def test_kinds_of_one_character(rows: list[KeyingError]) -> None:
    """想 xiang gives words of its reading, and of xian (sounds alike), xiag (none) and xing (a letter missed)."""
    by_kind = _forms(rows, "想")
    assert {"向", "像"} <= by_kind["candidate"]
    assert all(len(form) == 1 for forms in by_kind.values() for form in forms)
    assert all(len(forms) <= 8 for forms in by_kind.values())


def test_candidates_weigh_by_frequency(rows: list[KeyingError]) -> None:
    """Of the candidates of 他, 她 is commoner than 它; of those of 想, 向 is commoner than 像."""
    weights = {(row.point, row.form): row.weight for row in rows if row.kind == "candidate"}
    assert weights["他", "她"] > weights["他", "它"]
    assert weights["想", "向"] > weights["想", "像"]


def test_a_word_does_not_become_one_that_is_a_hundred_times_rarer(rows: list[KeyingError]) -> None:
    """的 becomes 得 and 地, which are common, not 哦 or 惹, though a missed or neighbouring key gives them."""
    assert {form for forms in _forms(rows, "的").values() for form in forms} == {"得", "地"}
    assert not {form for forms in _forms(rows, "人").values() for form in forms} & {"壬", "惹"}


def test_a_character_inside_a_word_does_not_go_wrong() -> None:
    """No draw changes one character of 癌症, 中国 or 图书馆: what is typed instead is a word."""
    known = {word.letters for word in pinyin.words()}
    for word in ("癌症", "中国", "图书馆", "制造"):
        noised = _noised(word)
        assert noised <= known | {word}, word
    assert not {"爱症", "种国"} & (_noised("癌症") | _noised("中国"))


def test_a_character_of_a_name_that_no_list_has_stays() -> None:
    """A character that is seldom a word by itself does not go wrong, nor does one beside it."""
    assert _noised("岱柬") == {"岱柬"}
    assert _noised("岱他") == {"岱他"}
    assert len(_noised("他")) > 1


def test_longest_words_come_first() -> None:
    """The text is divided from left to right: 发展中国家 is 发展, 中国, 家 or one word, and no 展中 comes of it."""
    assert all(len(text) == 5 for text in _noised("发展中国家"))


def test_a_word_goes_wrong_as_a_word(rows: list[KeyingError]) -> None:
    """A word of two characters is converted to another word of its reading or a near one."""
    assert _forms(rows, "权利")["candidate"] >= {"权力", "全力"}
    assert "声明" in _forms(rows, "申明")["syllable"]


def test_forms_are_letters_of_the_alphabet(rows: list[KeyingError]) -> None:
    """Forms are letters of the alphabet; traditional characters have no rows."""
    alphabet = set(language("zh").alphabet)
    assert [row for row in rows if not alphabet.issuperset(row.form)] == []
    assert not _forms(rows, "國")


def test_every_row_changes_something(rows: list[KeyingError]) -> None:
    """No form is the point itself, weights are positive, forms are as long as points, and kinds are known."""
    assert [row for row in rows if row.form == row.point or row.weight < 1 or len(row.form) != len(row.point)] == []
    assert {row.kind for row in rows} == set(KINDS)
    assert len({row[:3] for row in rows}) == len(rows)


def test_the_rows_make_a_table_with_words(rows: list[KeyingError]) -> None:
    """The engine takes the rows, all of them as words."""
    table = compiled(KINDS, [*rows, *pinyin.words()], "zh")
    assert len(table.pairs) == table.within == 0
    assert (table.masks > 0).sum() > 10_000
