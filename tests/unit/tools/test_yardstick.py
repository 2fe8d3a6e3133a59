"""How real typos are read, split and sorted, on words whose sorting is known."""

from __future__ import annotations

import json
import random
import string
from pathlib import Path

import numpy as np
import pytest
from tools.yardstick import lost, measure, systems
from tools.yardstick.key_errors import Edit, edits, kind, letter, position, stretch, tenth
from tools.yardstick.ocr_noise import lookalikes_alone
from tools.yardstick.pairs import FILES, Pair, half, lists

from robust_xtreme.core import packs
from robust_xtreme.noise.members.ocr_noise import misread


@pytest.mark.parametrize(
    ("right", "wrong", "expected"),
    [
        ("while", "hwile", "swap"), ("very", "vety", "neighbour"), ("definite", "definate", "other letter"),
        ("three", "threee", "double"), ("across", "accross", "double"), ("address", "adress", "missed double"),
        ("attempt", "attemp", "delete"), ("word", "woprd", "insert"), ("word", "wozrd", "other insert"),
        ("todays", "today's", "mark"), ("about a", "abouta", "mark"), ("my", "mY", "shift"),
        ("Lila", "lila", "capital"), ("at", "qat", "insert"),
    ],
)  # fmt: skip
def test_an_edit_has_its_kind(right: str, wrong: str, expected: str) -> None:
    """Each kind is distinguished from the others."""
    (edit,) = edits(right, wrong, 1) or ()
    assert kind(right, edit) == expected


def test_edits_lead_from_one_word_to_the_other() -> None:
    """The fewest edits are found, up to a limit."""
    assert edits("word", "word", 0) == ()
    assert edits("word", "wrod", 2) == (Edit(1, "or", "ro"),)
    assert edits("separate", "seperatte", 2) == (Edit(3, "a", "e"), Edit(7, "", "t"))
    assert edits("separate", "seperatte", 1) is None
    assert edits("cat", "elephant", 2) is None


def test_places_and_distances_are_classes() -> None:
    """First and last letters, tenths of the word, pitches between keys."""
    at = {number: position("letters", Edit(number, "x", "y")) for number in range(7)}
    assert at == {0: 0, 1: 1, 2: 2, 3: 2, 4: 2, 5: 3, 6: 4}
    assert letter("letters", Edit(7, "", "z")) == 6
    assert position("word", Edit(0, "w", "q")) is None
    assert [tenth("letters", Edit(number, "x", "y")) for number in (0, 3, 6)] == [0, 5, 9]
    assert [stretch(Edit(0, "q", new)) for new in ("w", "e", "p", "")] == [0, 1, 4, None]


def _folder(tmp_path: Path) -> Path:
    """Four lists with one thing each to be read, folded or left out."""
    texts = (
        json.dumps({"about": ["baout"], "About": ["Baout"]}),
        json.dumps({"hwile": "while"}),
        json.dumps({"april": ["April", "Apirl"], "accept": ["except"], "except": ["excep", "ex_cept", "exç"]}),
        "my mY\nheadphones HEADPHONES\n",
    )
    for name, text in zip(FILES, texts, strict=True):
        (tmp_path / name).write_text(text, encoding="utf-8")
    return tmp_path


def test_lists_are_read_once_each_and_without_right_words(tmp_path: Path) -> None:
    """Capitalised repetitions are one pair; other signs, right words and whole words in capitals are left out."""
    listed = lists(_folder(tmp_path))
    wanted = {("about", "baout"), ("while", "hwile"), ("april", "apirl"), ("my", "mY")}
    assert set(listed.pairs) == {Pair(*fields) for fields in (*wanted, ("except", "excep"), ("except", "ex cept"))}
    assert (listed.read, listed.signs, listed.words, listed.cases) == (9, 1, 1, 1)


def test_halves_share_no_word() -> None:
    """Every pair is in one half, and a word's pairs are in the same."""
    pairs = [Pair(f"word{number}", wrong) for number in range(200) for wrong in ("a", "b")]
    first, second = half(pairs, 0), half(pairs, 1)
    assert sorted((*first, *second)) == sorted(pairs)
    assert not {pair.right for pair in first} & {pair.right for pair in second}
    assert 60 < len(first) / 2 < 140


def test_the_fit_finds_the_rates_that_made_the_typos() -> None:
    """Typos made with known rates give these rates back."""
    draw = random.Random(0)
    words = sorted({"".join(draw.choices(string.ascii_lowercase, k=8)) for _ in range(400)})
    rates = {"neighbour": "1", "insert": "2", "delete": "5", "double": "2", "swap": "3", "shift": "1"}
    pairs = [Pair(word, form) for word, forms in systems.ours(words, rates).items() for form in forms if form != word]
    fitted = measure.fit(pairs)["rates"]
    assert {name: float(rate) for name, rate in fitted.items()} == pytest.approx(
        {name: float(rate) for name, rate in rates.items()}, abs=0.35
    )


def test_variation_is_what_would_have_to_move() -> None:
    """0 between equal shares, 1 between shares without a class in common."""
    same = np.array([1.0, 1.0])
    assert measure._variation(same, 3 * same) == 0
    assert measure._variation(np.array([1.0, 0.0]), np.array([0.0, 2.0])) == 1
    assert measure._variation(np.array([3.0, 1.0]), same) == pytest.approx(0.25)


def test_generators_draw_the_same_each_time() -> None:
    """Forms depend on the words alone, and the process's generators are left as they were."""
    words = ["people", "morning"]
    assert systems.uniform(words) == systems.uniform(words[::-1])
    assert systems.nlpaug(words) == systems.nlpaug(words)


def test_edits_that_collide_are_lost(tmp_path: Path) -> None:
    """Where letters change places some edits are lost at strength 1; where none do, none are."""
    for code, word in (("en", "children"), ("ta", "குழந்தைகள்")):
        words = "".join(f"{word}\tO\n" for _ in range(20))
        (tmp_path / f"dev-{code}.tsv").write_text(f"{words}\n{words}", encoding="utf-8")
    shares = {code: whole for code, (_, whole) in lost.shares(tmp_path)}
    assert 0.75 < shares["en"] < 0.97
    assert shares["ta"] > 0.97


def test_lookalikes_alone_have_no_counts(tmp_path: Path) -> None:
    """What is measured beside the counted noise is another, whose letters have the forms of the bundled look-alikes."""
    counted = [*misread("en")]
    with packs.using(lookalikes_alone(tmp_path)):
        alone = [*misread("en")]
    rows = packs.table("lookalikes", "Latn").rows
    assert alone != counted
    assert {(it.point, it.form) for it in alone} <= {(row["letter"], to) for row in rows for to in row["forms"].split()}
