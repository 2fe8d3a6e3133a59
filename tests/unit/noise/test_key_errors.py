"""Noise from a table: points, marks within clusters, pairs, kinds by rate, and what is refused."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

import numpy as np
import pytest
from tests.conformance.texts import text

from robust_xtreme.core.errors import SpecError
from robust_xtreme.core.examples import Span, Text
from robust_xtreme.core.specs import PerturbationSpec
from robust_xtreme.noise.engine._segments import Word, segments
from robust_xtreme.noise.engine.diff import _matches, distance
from robust_xtreme.noise.engine.key_error_table import _combined, compiled, graphemes_of, is_separate
from robust_xtreme.noise.engine.key_errors import KeyingError, _outcome, key_errors
from robust_xtreme.noise.engine.noised import Noised
from robust_xtreme.noise.engine.noising import noise_with
from robust_xtreme.noise.engine.perturbation import Bound, Perturbation, bind, defaults

_ABC = "abcdefghijklmnopqrstuvwxyz"


@key_errors(strength="share", rates={"next": "3", "delete": "1", "swap": "0"})
def shifted(language: str) -> Iterator[KeyingError]:
    """Letters become the next one."""
    for index, letter in enumerate(_ABC):
        yield KeyingError(letter, "next", _ABC[(index + 1) % 26])
        yield KeyingError(letter, "delete", "")


def _table(*rows: KeyingError, kinds: tuple[str, ...] = ("next", "delete")) -> Perturbation:
    @key_errors(strength="share", rates=dict.fromkeys(kinds, "1"))
    def made(language: str) -> Iterator[KeyingError]:
        """Rows of a test."""
        yield from rows

    return made


def _noised(text: Text, perturbation: Perturbation, strength: str = "1", **rates: str) -> Noised:
    params = {**defaults(perturbation), **{name: (rate,) for name, rate in rates.items()}}
    return noise_with([Bound(perturbation, strength, params)], [text], 0)[0]


def test_every_letter_of_the_table_is_changed_at_full_strength() -> None:
    """Each letter becomes what its row says; what has no row stays."""
    assert _noised(text("en", "abc xyz, É 12"), shifted, delete="0").text.value == "bcd yza, É 12"


def test_kinds_follow_their_rates() -> None:
    """Of many letters three in four are replaced and one in four is left out, as the rates say."""
    noised = _noised(text("en", _ABC * 400), shifted)
    assert noised.eligible == 26 * 400
    assert abs(noised.edits["delete"] / noised.eligible - 0.25) < 0.02
    assert sum(noised.edits.values()) == noised.eligible


def test_forms_follow_their_weights() -> None:
    """Of the forms of a letter those of more weight come more often, in their proportion."""
    made = _table(KeyingError("a", "next", "b", 9), KeyingError("a", "next", "c", 1))
    counts = Counter(_noised(text("en", "a" * 5000), made).text.value)
    assert abs(counts["c"] / 5000 - 0.1) < 0.02
    assert counts["b"] + counts["c"] == 5000


def test_a_kind_at_rate_nought_makes_nothing_eligible() -> None:
    """Letters that only kinds at rate 0 could change are not units."""
    made = _table(KeyingError("a", "next", "b"), KeyingError("x", "delete", ""))
    assert _noised(text("en", "aaxx"), made, delete="0").eligible == 2


def test_rates_are_read_from_a_spec_and_wrong_ones_refused() -> None:
    """@kind=rate tunes a kind; a rate that is not a small decimal, or all at 0, is one line."""
    link = PerturbationSpec.parse("shifted:0.1@next=0.50").links[0]
    assert bind(shifted, link).params["next"] == ("0.5",)
    for wrong in ("-1", "x", "1e3", "0.0001", "nan", "1000"):
        with pytest.raises(SpecError, match="below 1000"):
            bind(shifted, PerturbationSpec.parse(f"shifted:0.1@next={wrong}").links[0])
    with pytest.raises(SpecError, match="every rate"):
        bind(shifted, PerturbationSpec.parse("shifted:0.1@next=0@delete=0").links[0])


def test_a_text_and_a_span_keep_a_letter() -> None:
    """At full strength of deletion alone a text keeps one letter, and so does each of its spans."""
    source_text = Text("t", "en", "abc def", (Span(0, 3), Span(4, 7)))
    noised = _noised(source_text, shifted, next="0")
    assert [len(noised.text.at(span)) for span in noised.text.spans] == [1, 1]


def test_other_letters_are_no_reason_to_lose_the_last_unit() -> None:
    """They are for marks of punctuation alone."""
    assert _noised(text("en", "ab"), _table(KeyingError("a", "delete", ""))).text.value == "ab"
    assert _noised(text("en", "a!"), _table(KeyingError("!", "delete", ""))).text.value == "a"


def test_the_last_letter_may_lose_what_leaves_something() -> None:
    """Where a missed key leaves a letter, as in Korean, the only unit of a text is edited, too; a pair is one unit."""
    table = _table(
        KeyingError("ㅋ", "delete", ""),
        KeyingError("값", "delete", "갑"),
        KeyingError("ab", "delete", "a"),
        kinds=("delete",),
    )
    assert [_noised(text("ko", form), table).text.value for form in ("값", "ㅋ", "ab")] == ["갑", "ㅋ", "a"]
    spans = (Span(0, 1), Span(2, 3))
    assert _noised(Text("spans", "ko", "값 ㅋ", spans), table).text.value == "갑 ㅋ"


def test_forms_are_found_whatever_their_weights() -> None:
    """Each form of a letter is drawn as often as its weight says, whether the weights are alike or far apart."""
    rows = [
        KeyingError("a", "next", letter, weight)
        for letter, weight in zip("bcdefg", (1, 1000, 1, 1, 400, 600), strict=True)
    ]
    drawn = Counter(_noised(text("en", "a" * 60_000), _table(*rows, kinds=("next",))).text.value)
    assert set(drawn) <= set("bcdefg")
    for row in rows:
        assert abs(drawn[row.form] / 60_000 - row.weight / 2003) < 0.01


def test_frozen_and_cut_letters_stay() -> None:
    """A letter in a frozen span is left alone, and so is a cluster that a span's edge cuts."""
    frozen = Text("t", "en", "abc", (Span(1, 2, None, frozen=True),))
    assert _noised(frozen, shifted, delete="0").text.value == "bbd"
    cut = Text("t", "en", "ae\u0308b", (Span(0, 2),))
    assert _noised(cut, shifted, delete="0").text.value == "be\u0308c"


def test_marks_within_a_cluster_are_changed_by_themselves() -> None:
    """A vowel sign is replaced by another or missed; its consonant stays, and every cluster is whole."""
    made = _table(
        KeyingError("\u093f", "next", "\u0940"), KeyingError("\u093f", "delete", ""), KeyingError("क", "next", "ख")
    )
    values = {_noised(text("hi", "कि", name=str(number)), made).text.value for number in range(40)}
    assert values == {"की", "क", "खि"}


def test_a_mark_on_no_letter_stays() -> None:
    """A mark after a digit, a full stop or a space does not change: any other mark would be broken there."""
    made = _table(
        KeyingError("\u0903", "next", "\u093e"), KeyingError("\u0903", "delete", ""), KeyingError("क", "next", "ख")
    )
    assert _noised(text("mr", "कः"), made).eligible == 1
    for value in ("१ः", ".ः", " ः", "ः"):
        noised = _noised(text("mr", value), made)
        assert (noised.text.value, noised.eligible) == (value, 0)


def test_forms_that_would_break_a_cluster_are_left_out() -> None:
    """A letter with marks is not deleted, a mark becomes no letter, and composed text stays composed."""
    made = _table(KeyingError("क", "delete", ""), KeyingError("\u093f", "next", "क"), KeyingError("e", "next", "c"))
    assert not _noised(text("hi", "कि"), made).eligible
    caron = _noised(text("en", "e\u030c".replace("e", "q")), _table(KeyingError("q", "next", "c")))
    assert caron.text.value == "q\u030c", "c with a caron would compose"
    assert not is_separate("\u0301")
    assert not is_separate("\u1100")


def test_a_base_keeps_its_script() -> None:
    """Decomposed kana do not become a kanji under their voicing mark."""
    made = _table(
        KeyingError("エ", "next", "工"),
        KeyingError("カ", "next", "力"),
        KeyingError("カ", "next", "ヵ"),
        KeyingError("カ", "next", "コ"),
    )
    noised = {_noised(text("ja", "カ\u3099 ", name=str(number)), made).text.value for number in range(30)}
    assert "力\u3099 " not in noised
    assert "コ\u3099 " in noised


@pytest.mark.parametrize("near", [(0.9, 0.0), (0.0, 0.9)])
def test_errors_come_together_in_texts_or_in_words(near: tuple[float, float]) -> None:
    """Also where only one of the two correlations is above 0: a word has mostly all its errors or none."""

    @key_errors(strength="share", rates={"next": "1"}, near=lambda _: near)
    def made(language: str) -> Iterator[KeyingError]:
        """Letters become the next one."""
        yield KeyingError("a", "next", "b")

    texts = [text("en", "aaaaaaaa", name=str(number)) for number in range(100)]
    noised = noise_with([Bound(made, "0.5", defaults(made))], texts, 0)
    assert sum(each.text.value in ("aaaaaaaa", "bbbbbbbb") for each in noised) > 40


def test_letters_with_marks_are_not_swapped() -> None:
    """A swap is of two letters of one key each."""
    rows = [KeyingError(letter, "delete", "") for letter in "कखिab"]
    made = _table(*rows, kinds=("delete", "swap"))
    assert not _noised(text("hi", "किखि"), made, delete="0").eligible
    assert _noised(text("hi", "कख"), made, delete="0").text.value == "खक"


def test_pairs_are_units_and_overlaps_take_turns() -> None:
    """Two letters of the table are one unit; of overlapping pairs every other one counts, none across a span's edge."""
    made = _table(KeyingError("rn", "next", "m"), KeyingError("nr", "next", "w"), KeyingError("r", "next", "v"))
    assert _noised(text("en", "rn r"), made).text.value == "m v"
    assert _noised(text("en", "rnrn"), made).text.value == "mm"
    noised = _noised(Text("t", "en", "rn", (Span(0, 1),)), made)
    assert (noised.text.value, noised.eligible) == ("vn", 1)
    whole = _noised(text("en", "rn"), made)
    assert (whole.eligible, whole.graphemes_edited) == (1, 2)


def test_letters_of_a_pair_without_an_active_kind_are_units() -> None:
    """A pair whose kinds are at rate 0 takes no letter from the others."""
    made = _table(KeyingError("rn", "delete", ""), KeyingError("n", "next", "v"), KeyingError("r", "next", "w"))
    assert _noised(text("en", "rn"), made, delete="0").text.value == "wv"


def test_a_decomposed_text_gets_decomposed_letters() -> None:
    """In a text in NFD a letter with an accent is put in decomposed."""
    made = _table(KeyingError("a", "next", "é"))
    assert _noised(text("fr", "u\u0300 a"), made).text.value == "u\u0300 e\u0301"
    assert _noised(text("fr", "ù a"), made).text.value == "ù é"


def test_signs_beside_a_digit_stay() -> None:
    """A comma in a number is not a mark to be dropped; one between words is."""
    assert _noised(text("en", "1,5 a, b"), _table(KeyingError(",", "delete", "")), "1").text.value == "1,5 a b"
    assert _noised(text("en", "1,5 a, b, c, d"), _table(KeyingError(",", "next", ";"))).text.value == "1,5 a; b; c; d"


def test_a_sign_with_a_digit_on_one_side_stays() -> None:
    """Directly before or after it; one with a letter between them is a mark of the words."""
    made = _table(KeyingError(",", "delete", ""))
    assert _noised(text("en", "a1, 2a, b, c ,3"), made).text.value == "a1, 2a b c ,3"


def test_a_language_without_rows_is_not_served() -> None:
    """Where the table is empty the reason says so, and an unknown language is reported as unknown."""
    assert _table().lacks("en") == "nothing in its script to change"
    assert shifted.lacks("xx") == "unknown language"
    assert shifted.lacks("en") == ""


def test_distance_is_that_of_levenshtein() -> None:
    """Insertions, deletions and substitutions each cost one."""
    assert [distance(*pair) for pair in (("kitten", "sitting"), ("ab", "ba"), ("", "abc"), ("rn", "m"))] == [3, 2, 3, 2]
    assert graphemes_of("कि\u0301a") == ("कि\u0301", "a")


def test_long_texts_of_few_letters_are_aligned_to_their_ends() -> None:
    """Where no letter is there once a window slides over both, and all pairs of the last one are kept."""
    for many in (100, 405):
        pairs = _matches([*"x", *"ab" * many, *"y"], [*"zz", *"ab" * many, *"w"])
        assert len(pairs) == 2 * many


def test_weights_are_scaled_into_range() -> None:
    """Weights of any size keep their order, and none is lost."""
    table = compiled(("next",), [KeyingError("a", "next", "b", 10**12), KeyingError("a", "next", "c", 1)], "en")
    _, first, second = np.diff(table.weights)[:3]
    assert first > second >= 1
    assert table.weights[-1] < 2**31


def test_a_word_is_a_unit_where_it_has_a_slot_and_is_free() -> None:
    """Not one without a slot, nor one of which a cluster is frozen, has several code points, or is cut by a span."""
    known = segments([Word("abc"), Word("de")], [3, 0])
    assert known is not None
    first = np.array([*map(ord, "abc de abc abc abc")])
    free, edge = np.ones(len(first), np.bool_), np.zeros(len(first) + 1, np.bool_)
    free[8] = edge[12] = False
    edge[13] = True
    starts, slots = known.units(first, np.array([17]), free, edge)
    assert (starts.tolist(), slots.tolist()) == ([0], [3])
    starts, _ = known.units(first, np.zeros(0, np.int64), free, None)
    assert starts.tolist() == [0, 11, 15]


def test_each_cluster_of_a_form_is_one_of_the_language() -> None:
    """Also where a letter without marks comes after it."""
    assert _combined("k\u093ek", "hi") is False
    assert _combined("\u0915\u093e\u0915", "hi") is True


def test_a_cluster_of_another_script_beside_its_own_is_unsound() -> None:
    """Each cluster that a form makes is one of the language, and not only the first."""
    made = [_outcome("कि".encode("utf-32-le"), 1, form.encode("utf-32-le"), "hi") for form in "kख"]
    assert (made[0], made[1] > 0) == (0, True)
