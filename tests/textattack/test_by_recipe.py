"""Recipes of TextAttack against the model as our attacks know it, with what becomes of examples."""

from __future__ import annotations

from importlib.util import find_spec

import numpy as np
import pytest

from robust_xtreme.attack.attacking import Attacked, AttackRecord
from robust_xtreme.attack.goals import AnswerScores, Ask
from robust_xtreme.attack.recipes import RecipePlan, attacked_by
from robust_xtreme.core.examples import Choice, Example, Text
from robust_xtreme.noise.engine.noised import PerturbedExamples

pytestmark = [
    pytest.mark.textattack,
    pytest.mark.skipif(find_spec("textattack") is None, reason="TextAttack is not installed: make test-textattack"),
    pytest.mark.filterwarnings("ignore"),
]

PAIRS = (
    ("The old captain walked slowly across the bridge.", "A captain crossed the wooden bridge."),
    ("Nobody slept.", "Every child was awake all night"),
    ("The farmer sold seven wooden boats", "Seven wooden boats were sold by the farmer"),
)
EXAMPLES = [
    Example(
        str(at),
        {"premise": Text(f"{at}/p", "en", first), "hypothesis": Text(f"{at}/h", "en", second)},
        Choice(0),
        str(at),
    )
    for at, (first, second) in enumerate(PAIRS)
]
SEEDS = np.arange(3, dtype=np.uint64)
WHOLE = RecipePlan("deepwordbug", ("premise", "hypothesis"), "1", 200)


def overlap(asked: list[int], graded: bool = True) -> Ask:
    """Right while premise and hypothesis share two words; notes how many candidates each call has."""

    def ask(shown: PerturbedExamples) -> AnswerScores:
        asked.append(len(shown))
        pairs = [(item.texts["premise"].value, item.texts["hypothesis"].value) for item in shown]
        shared = np.array(
            [
                len(set(first.lower().strip(".").split()) & set(second.lower().strip(".").split()))
                for first, second in pairs
            ]
        )
        right = shared >= 2
        margin = (2 * shared - 3) * 10_000 if graded else np.zeros(len(shared), np.int64)
        return AnswerScores(right.astype(float), right, margin, np.ones(len(shared), np.bool_))

    return ask


def record(made: Attacked) -> AttackRecord:
    """What became of the examples."""
    assert made.record is not None
    return made.record


def test_examples_are_left_as_the_recipe_leaves_them() -> None:
    """Successes are wrong to the model, what was wrong when clean is skipped and unchanged, and queries are counted."""
    asked: list[int] = []
    made = attacked_by(EXAMPLES, WHOLE, overlap(asked), SEEDS, lambda *_: None)
    left = overlap([])(made.shown)
    assert record(made).skipped.tolist() == [False, True, False]
    assert left.right.tolist() == [False, False, False]
    assert (record(made).first > 0).tolist() == [True, False, True]
    assert made.shown[1] == EXAMPLES[1]
    assert record(made).queries[1] == 0
    assert sum(asked) - len(EXAMPLES) - 2 <= record(made).queries.sum() <= 2 * WHOLE.queries
    assert made.shown[0].id == "0"
    for edit in record(made).edits[0]:
        clean = EXAMPLES[0].texts[edit.field].value
        assert clean[: edit.start] + edit.value + clean[edit.stop :] != clean
    assert len(record(made).edits[0]) == made.shown.noised.counts.operators[:2].sum() > 0


def test_labels_alone_are_enough() -> None:
    """Where no margins are known the search still runs, and never beyond its budget."""
    plan = RecipePlan("deepwordbug", ("premise", "hypothesis"), "1", 9)
    made = attacked_by(EXAMPLES, plan, overlap([], graded=False), SEEDS, lambda *_: None)
    assert record(made).queries.max() <= plan.queries


def test_strength_is_the_largest_share_of_words() -> None:
    """No more words change than the strength allows; without one nothing is asked."""
    few = RecipePlan("deepwordbug", ("premise", "hypothesis"), "0.15", 200)
    made = attacked_by(EXAMPLES, few, overlap([]), SEEDS, lambda *_: None)
    for at, example in enumerate(EXAMPLES):
        before = " ".join(text.value for text in example.texts.values()).split()
        after = " ".join(text.value for text in made.shown[at].texts.values()).split()
        changed = sum(word != other for word, other in zip(before, after, strict=True))
        assert changed <= record(made).allowed[at] == int(0.15 * len(before))
    none = attacked_by(
        EXAMPLES, RecipePlan("deepwordbug", ("premise",), "0.01", 200), overlap([]), SEEDS, lambda *_: None
    )
    assert record(none).queries.tolist() == [0, 0, 0]


def test_order_does_not_matter() -> None:
    """An example has the same outcome whatever is attacked before it."""
    made = attacked_by(EXAMPLES, WHOLE, overlap([]), SEEDS, lambda *_: None)
    turned = attacked_by(EXAMPLES[::-1], WHOLE, overlap([]), SEEDS[::-1], lambda *_: None)
    assert list(made.shown) == list(turned.shown)[::-1]
