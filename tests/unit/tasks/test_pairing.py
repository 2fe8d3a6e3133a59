"""Alignment of a noisy set that leaves rows out: gold answers, texts and order decide together, or a row is refused."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import replace
from functools import cache
from typing import Final

import pytest
from tests.some import some
from tests.tiny import pair_example, tagged_example

from robust_xtreme.core.errors import DataError
from robust_xtreme.core.examples import Example
from robust_xtreme.core.specs import PerturbationSpec
from robust_xtreme.noise.conditions.pairing import Noisy, Pairing, edits_between, paired
from robust_xtreme.noise.engine.noising import noise_texts

_DRAWS: Final = 250
_NOISE: Final = ("natural:0.1", "keyboard_typo:0.05", "char_noise:0.02", "char_noise:0.1")
_TRIPLES: Final = (
    ("Der Vertrag bedarf einer Erklärung.", "Er bedarf {} Erklärung.", ("einer", "keiner", "vielleicht einer")),
    ("Sie kaufte 15 Äpfel auf dem Markt.", "Es waren {} Äpfel.", ("15", "27", "315")),
    ("Anna fuhr gestern mit dem Zug nach Köln.", "{} war im Zug.", ("Anna", "Hanna", "Peter")),
    ("Vor dem Haus wartet ein Hund auf uns.", "{} Hund wartet dort.", ("Ein", "Der", "Kein")),
)
"""Premises, and hypotheses that differ by a negation, a number, a name or an article."""


_LAST: Final = pair_example("last", "Zum Schluss regnete es den ganzen Tag.", "Am Ende blieb es trocken.", 2)


def triples(golds: Sequence[int] = (0, 1, 2)) -> list[Example]:
    """Three hypotheses of each premise, in XNLI's order, with these gold answers, and a row unlike the others."""
    rows = [
        pair_example(f"{premise}{number}", premise, hypothesis.format(word), gold)
        for premise, hypothesis, words in _TRIPLES
        for number, (gold, word) in enumerate(zip(golds, words, strict=True))
    ]
    return [*rows, _LAST]


def aligned(clean: Sequence[Example], rows: Sequence[Example], partial: bool = True) -> Pairing:
    """The pairing of the rows of a file."""
    return paired(clean, Noisy(rows, [f"n.tsv:{at}" for at in range(1, len(rows) + 1)], False), partial=partial)


def changed(example: Example, **values: str) -> Example:
    """An example with other texts."""
    texts = {name: replace(text, value=values.get(name, text.value)) for name, text in example.texts.items()}
    return replace(example, texts=texts, fingerprint="")


@cache
def draws(noise: str) -> list[dict[int, Example]]:
    """Draws of noise in the triples: some of the edited rows, by the number of the clean row, and the last row."""
    clean, draw, drawn = triples(), random.Random(noise), []
    texts = [text for it in clean for text in it.texts.values()]
    many = [replace(text, id=f"{number} {text.id}") for number in range(_DRAWS) for text in texts]
    made = {it.clean.id: it.text.value for it in noise_texts(many, PerturbationSpec.parse(noise), 0)}
    for number in range(_DRAWS):
        share = draw.choice((0.3, 0.6, 0.9))
        rows = [changed(it, **{at: made[f"{number} {text.id}"] for at, text in it.texts.items()}) for it in clean]
        edited = [at for at, row in enumerate(rows[1:-1], 1) if edits_between(clean[at], row)[0]]
        drawn.append({at: rows[at] for at in (*(at for at in edited if draw.random() < share), len(clean) - 1)})
    return drawn


@pytest.mark.parametrize("noise", some(_NOISE, ("natural:0.1",)))
def test_a_row_has_the_partner_that_it_was_made_of(noise: str) -> None:
    """Of near rows with several gold answers: no pair is wrong and no row is left, in every draw of noise and rows."""
    for rows in draws(noise):
        assert aligned(triples(), [*rows.values()]).pairs == tuple((row, at) for at, row in enumerate(rows))


@pytest.mark.parametrize("noise", some(_NOISE, ("natural:0.1",)))
def test_of_one_gold_answer_text_and_order_decide(noise: str) -> None:
    """No pair is wrong; refused is only what is as near to another row, or made of a row that is one edit from one."""
    clean, kept = triples((2, 2, 2)), 0
    for rows in draws(noise):
        noisy = [replace(row, target=_LAST.target) for row in rows.values()]
        pairing = aligned(clean, noisy)
        assert all([*rows][at] == row for row, at in pairing.pairs)
        kept += len(pairing.pairs) - 1
        for at in pairing.noisy_left:
            (partner, row), others = [*rows.items()][at], [it for it in range(len(clean)) if it != [*rows][at]]
            as_near = [it for it in others if edits_between(clean[it], row)[0] <= edits_between(clean[partner], row)[0]]
            assert as_near or 1 in [edits_between(clean[partner], clean[it])[0] for it in others]
    assert kept > 0.8 * sum(len(rows) - 1 for rows in draws(noise))


def test_a_typo_that_makes_the_text_of_a_row_with_another_answer_changes_no_pair() -> None:
    """The row with the same gold answer is the partner, however near the other is; nothing is refused."""
    clean = triples()
    for partner, other in ((0, 1), (1, 0), (3, 5), (6, 7), (9, 11)):
        rows = [it for at, it in enumerate(clean) if at not in (partner, 2, 4)]
        rows.insert(partner - (partner > 2) - (partner > 4), replace(clean[other], target=clean[partner].target))
        kept = [at for at in range(len(clean)) if at not in ({2, 4} - {partner})]
        assert aligned(clean, rows, partial=False).pairs == tuple((row, at) for at, row in enumerate(kept)), partner


def test_near_identical_rows_are_told_apart_by_order_or_refused_by_name() -> None:
    """Rows that are one edit apart, with one gold answer: beside its neighbour a row has a partner, else none."""
    clean = triples((2, 2, 2))
    typo = changed(clean[1], premise="Der Vertrg bedarf einer Erklärung.")
    beside = aligned(clean, [clean[0], typo, *clean[3:]], partial=False)
    assert beside.pairs[:3] == ((0, 0), (1, 1), (3, 2))
    message = "could be of either"
    with pytest.raises(DataError, match=message):
        aligned(clean, [typo, *clean[2:]], partial=False)
    alone = aligned(clean, [typo, *clean[2:]])
    assert (alone.noisy_left, [*alone.refused], alone.pairs[0]) == ((0,), [0], (2, 1))


def test_equal_rows_are_no_choice() -> None:
    """Of equal texts with one gold answer each is as good as the other: the first in order is taken."""
    clean = triples()
    twice = [*clean[:3], replace(clean[1], id="again"), *clean[3:]]
    assert aligned(twice, clean, partial=False).pairs[:4] == ((0, 0), (1, 1), (2, 2), (4, 3))


def test_rows_in_another_order_are_not_exchanged() -> None:
    """Two near rows with one gold answer: one keeps its partner, the other is refused by name, or by row both are."""
    clean = triples((2, 2, 2))
    order = [*range(3), *range(3, 6), 8, 7, *range(9, 13)]
    pairing = aligned(clean, [clean[row] for row in order])
    assert all(order[at] == row for row, at in pairing.pairs)
    assert (len(pairing.noisy_left), [*pairing.refused]) == (1, [*pairing.noisy_left])
    order = [*range(7), 8, 7, *range(9, 13)]
    with pytest.raises(DataError, match="nearer to"):
        aligned(clean, [clean[row] for row in order])


def test_a_typo_in_a_whole_file_is_no_other_order() -> None:
    """As many rows are paired in order, although one has the text of another."""
    clean = triples((2, 2, 2))
    rows = [*clean[:4], changed(clean[4], hypothesis=clean[3].texts["hypothesis"].value), *clean[5:]]
    assert aligned(clean, rows, partial=False).kind == "row"


def test_a_relabelled_row_is_left_out_alone() -> None:
    """It is named with its count; where partial sets are asked for, the others are paired, also in a whole file."""
    clean = triples()
    rows = [*clean[:4], replace(clean[4], target=clean[3].target), *clean[5:]]
    with pytest.raises(DataError, match="external_partial"):
        aligned(clean, rows, partial=False)
    with pytest.raises(DataError, match="the label 0"):
        aligned(clean, rows[1:], partial=False)
    for several in (rows, rows[1:]):
        pairing = aligned(clean, several)
        assert [several[at] for at in pairing.noisy_left] == [rows[4]]
        assert len(pairing.pairs) == len(several) - 1


def test_another_example_of_a_premise_takes_no_partner() -> None:
    """Not of a row with its gold answer whose own noisy form the file leaves out either."""
    clean = triples()
    stranger = pair_example("x", clean[0].texts["premise"].value, "Die Sonne scheint.", 0)
    pairing = aligned(clean, [stranger, *clean[1:5], *clean[7:]])
    assert (pairing.clean_left, pairing.noisy_left, pairing.refused) == ((0, 5, 6), (0,), {})


def test_rows_that_share_all_but_a_word_with_many_are_found_between_their_neighbours() -> None:
    """A typo in the only rare word of a row leaves no rare sequence; the rows before and after it say where it is."""
    names = ["".join(random.Random(number).sample("abdefgiklmnoprstuvwz", 6)) for number in range(150)]
    clean = [
        pair_example(f"{n}", f"Der Vertrag nennt den Ort {name}.", "Er nennt einen Ort.", n % 2)
        for n, name in enumerate(names)
    ]
    kept = [n for n in range(150) if n % 5]
    typos = {n: "".join(letter + "x" for letter in names[n]) if n % 7 == 3 else names[n] for n in kept}
    rows = [changed(clean[n], premise=f"Der Vertrag nennt den Ort {typos[n]}.") for n in kept]
    assert aligned(clean, rows, partial=False).pairs == tuple((n, at) for at, n in enumerate(kept))


def test_tags_decide_before_texts() -> None:
    """A sentence whose typo makes the words of another with other tags has the partner with its tags."""
    tags = (["B-LOC", "O", "O"], ["B-PER", "O", "O"], ["B-ORG", "O", "O"])
    words = (["Bern", "lag", "vorn"], ["Born", "lag", "vorn"], ["Bonn", "lag", "vorn"], ["Ende", "der", "Liste"])
    clean = [
        tagged_example(f"{n}", each, tag) for n, (each, tag) in enumerate(zip(words, (*tags, tags[0]), strict=True))
    ]
    rows = [tagged_example("x", words[1], tags[0]), tagged_example("y", words[0], tags[2]), clean[3]]
    assert aligned(clean, rows).pairs == ((0, 0), (2, 1), (3, 2))
