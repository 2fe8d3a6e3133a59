"""Vietnamese by Telex and VNI: what keys type, and what letters come out as when one key goes wrong."""

from __future__ import annotations

import unicodedata
from collections import Counter
from functools import cache
from pathlib import Path

import pytest
from tests.one_key import reachable, single_key_errors
from tests.some import some

from robust_xtreme.core import packs
from robust_xtreme.core.errors import DataError
from robust_xtreme.core.languages import belongs, language
from robust_xtreme.noise.engine.key_error_table import KeyingError
from robust_xtreme.noise.input.vietnamese import Method, key_errors, keys, typed

METHODS: tuple[Method, ...] = ("telex", "vni")
WORDS = ("quý", "tiếng", "năng", "mẹ", "được", "của", "người", "nghĩ", "trong", "Đà", "Ăn", "XIN")


@cache
def _rows(method: Method) -> tuple[KeyingError, ...]:
    """All key errors of a method."""
    return tuple(key_errors(method))


def _forms(method: Method, point: str, kind: str) -> Counter[str]:
    """The forms of a point in a kind, with their weights."""
    counts: Counter[str] = Counter()
    for row in _rows(method):
        if (row.point, row.kind) == (point, kind):
            counts[row.form] += row.weight
    return counts


@pytest.mark.parametrize(
    ("method", "strokes", "text"),
    [
        ("telex", "trangw cana ddaua", "trăng cân đâu"),
        ("telex", "tuyenre tuyerne toios", "tuyển tuyển tối"),
        ("telex", "duocwdj vuonw nuwax chuaw hoacwj cuuwf", "được vươn nữa chưa hoặc cừu"),
        ("telex", "nguowif huoswc tuwrowng", "người hước tưởng"),
        ("telex", "asf asz hoangfr", "à a hoảng"),
        ("telex", "ass aff aaa aww ddd uww herr tooss", "as af aa aw dd uw her tôs"),
        ("telex", "quas giaf muaf hoaf hoans", "quá già mùa hòa hoán"),
        ("telex", "chEe Doongd", "chÊ Đông"),
        ("vni", "toi6 day96 mot65 nua74 tien62 vuon7", "tôi đây một nữa tiền vươn"),
        ("vni", "a12 a10 a11 he33 he7", "à a a1 he3 he7"),
        ("vni", "123 s1", "123 s1"),
    ],
)
def test_keys_give_text(method: Method, strokes: str, text: str) -> None:
    """Marks may follow later, a later tone replaces an earlier one, and a key struck twice is a letter."""
    assert typed(strokes, method) == text


@pytest.mark.parametrize("method", METHODS)
def test_every_letter_is_typed_by_its_keys(method: Method) -> None:
    """Each letter of the alphabet comes back from its keys in both cases; ASCII letters are their own keys."""
    for letter in language("vi").alphabet:
        for form in (letter, letter.upper(), unicodedata.normalize("NFD", letter)):
            assert typed(keys(form, method), method) == unicodedata.normalize("NFC", form)
        assert keys(letter, method).isascii()
        assert not letter.isascii() or keys(letter, method) == letter


def test_a_letter_is_base_hat_and_tone() -> None:
    """ế is e e s in Telex and e 6 1 in VNI; capitals of a word are capitals throughout."""
    assert (keys("ế", "telex"), keys("ế", "vni")) == ("ees", "e61")
    assert (keys("Ế", "telex"), keys("VIỆT", "telex")) == ("Ees", "VIEEJT")
    assert (keys("đường", "telex"), keys("đường", "telex", tone_last=True)) == ("dduwowfng", "dduwowngf")


@pytest.mark.parametrize(
    ("method", "point", "kind", "some"),
    [
        ("telex", "ế", "accent", {"ê", "é", "ễ"}),
        ("telex", "ế", "double", {"ês"}),
        ("telex", "đ", "accent", {"d"}),
        ("telex", "đ", "double", {"dd"}),
        ("telex", "a", "double", {"â"}),
        ("telex", "a", "insert", {"á", "ă"}),
        ("telex", "b", "neighbour", {"v", "n"}),
        ("telex", "ú", "neighbour", {"í", "ý"}),
        ("telex", "Ế", "accent", {"Ê", "É"}),
        ("telex", "ế", "shift", {"Ế"}),
        ("telex", "ế", "delete", {"é"}),
        ("telex", "ủ", "swap", {"ru"}),
        ("telex", "oa", "double", {"ôa", "oâ"}),
        ("telex", "ng", "swap", {"gn"}),
        ("telex", "ng", "delete", {"n", "g"}),
        ("telex", "Tr", "swap", {"rT"}),
        ("telex", "ủa", "delete", {"ủ"}),
        ("telex", "ươ", "accent", {"ưo", "ướ"}),
        ("vni", "ế", "accent", {"ê", "é", "ề"}),
        ("vni", "ế", "double", {"ê1", "é6"}),
        ("vni", "ế", "swap", {"6é"}),
        ("vni", "a", "double", {"aa"}),
        ("vni", "e", "insert", {"er", "re"}),
        ("vni", "đ", "accent", {"d", "d8"}),
    ],
)
def test_one_key_goes_wrong(method: Method, point: str, kind: str, some: set[str]) -> None:
    """A missed, wrong or doubled key gives what the input method makes of the keys then struck."""
    assert some <= set(_forms(method, point, kind))


@pytest.mark.parametrize("method", METHODS)
def test_a_missed_mark_is_as_frequent_as_all_wrong_ones(method: Method) -> None:
    """Of the key errors of the tone key alone, missing it weighs as much as all wrong keys around it together."""
    accents = _forms(method, "á", "accent")
    assert len(accents) > 1
    assert accents["a"] >= accents.total() - accents["a"]


@pytest.mark.parametrize("method", METHODS)
def test_forms_are_vietnamese_in_nfc(method: Method) -> None:
    """Each form is NFC, of letters of Vietnamese (digits in VNI only), and not its point."""
    for row in _rows(method):
        if all(map(unicodedata.combining, row.point)):
            continue
        assert unicodedata.is_normalized("NFC", row.form)
        assert row.form != row.point
        assert row.weight > 0
        assert all(belongs("vi", sign) for sign in row.form), row
        assert method == "vni" or not any(sign.isdigit() for sign in row.form), row


@pytest.mark.parametrize("method", METHODS)
def test_a_plain_key_does_not_turn_into_a_digit(method: Method) -> None:
    """The digits above the letters are not struck for a letter, nor left beside one."""
    assert not [row for row in _rows(method) if row.point.isascii() and any(map(str.isdigit, row.form))]


@pytest.mark.parametrize("method", METHODS)
def test_decomposed_text_has_key_errors_of_its_marks(method: Method) -> None:
    """The marks of a text in NFD can be missed, and become a tone of the same place whose key is beside."""
    rows = [row for row in _rows(method) if all(map(unicodedata.combining, row.point))]
    assert {row.point for row in rows if not row.form} == set("\u0300\u0301\u0302\u0303\u0306\u0309\u031b\u0323")
    wrong = [row for row in rows if row.form]
    assert wrong
    assert all(unicodedata.combining(row.form) == unicodedata.combining(row.point) for row in wrong)


@pytest.mark.parametrize("method", METHODS)
def test_every_letter_has_key_errors(method: Method) -> None:
    """Letters of both cases can be shifted, plain ones missed, and those with a mark can lose it."""
    kinds: dict[str, set[str]] = {}
    for row in _rows(method):
        kinds.setdefault(row.point, set()).add(row.kind)
    for letter in language("vi").alphabet:
        for form in (letter, letter.upper()):
            assert {"shift", "insert", "delete" if form.isascii() else "accent"} <= kinds[form], form


@pytest.mark.parametrize("method", some(METHODS, 1))
def test_a_form_is_what_one_wrong_key_makes_of_the_word(method: Method) -> None:
    """No key takes letter, hat and tone along, and none leaves the tone where the rest of the word would move it."""
    changes = single_key_errors(WORDS, method, 600)
    forms = {word: reachable(word, method) for word in WORDS}
    assert sum(form in forms[word] for word, form in changes) >= 0.99 * len(changes)
    assert {word for word, _ in changes} == set(WORDS)
    never = {("quý", "quts"), ("tiếng", "tirénh"), ("năng", "nng"), ("mẹ", "m"), ("được", "đợưc")}
    assert never.isdisjoint(single_key_errors(sorted({word for word, _ in never}), method, 300))


def test_a_table_of_a_user_changes_the_keys(tmp_path: Path) -> None:
    """A pack `vi-telex` replaces the bundled one; a row that is not a key of a mark is refused."""
    head = "# source: mine\n# licence: CC0-1.0\n# standing: authored\nkey\tmark\tletters\n"
    path = tmp_path / "input" / "vi-telex.tsv"
    path.parent.mkdir()
    path.write_text(head + "q\t\u25cc\u0301\t\n", "utf-8")
    with packs.using(tmp_path):
        assert typed("caq cas", "telex") == "cá cas"
    path.write_text(head + "q\tx\t\n", "utf-8")
    with packs.using(tmp_path), pytest.raises(DataError, match="tone or a hat"):
        typed("ca", "telex")
