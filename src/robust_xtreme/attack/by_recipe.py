"""Attacks examples by a recipe of TextAttack, one after the other, against the model as our attacks know it.

TextAttack wants the probabilities of labels. It gets those of two: the right label, by how far it is ahead, and any
other. What it leaves of a text becomes edits by a diff. The record does not count the clean text, and TextAttack ends
with its first success.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from itertools import accumulate
from typing import Final, final

import numpy as np

from robust_xtreme.attack import recipes
from robust_xtreme.attack.attacking import Attacked, AttackRecord
from robust_xtreme.attack.goals import Ask
from robust_xtreme.core.edits import Array, Edit
from robust_xtreme.core.examples import Example, Text
from robust_xtreme.core.graphemes import split
from robust_xtreme.models.reading.reading import QUANTUM
from robust_xtreme.noise.engine.noised import FieldTexts, PerturbedExamples, field_texts, untouched
from robust_xtreme.noise.engine.rewriter import OPERATORS, changed, rewritten

_KEEPS: Final = "input_reduction"
"""The recipe that keeps right answers right, and so has no success."""

_RIGHT: Final = 0
_CLEAN: Final = 1
"""The query for the clean text, which TextAttack counts."""


@final
@dataclass(frozen=True, slots=True)
class RecipePlan:
    """An attack by a recipe on named fields: the share of words that may change, as a decimal, and the queries."""

    recipe: str
    fields: Sequence[str]
    strength: str
    queries: int


def attacked_by(
    examples: Sequence[Example], plan: RecipePlan, ask: Ask, seeds: Array, watch: Callable[[int, int], None]
) -> Attacked:
    """The examples (n) as a recipe leaves them, drawn by `seeds` (n,) uint64; those that are wrong when clean stay."""
    there = _There(examples, field_texts(examples, plan.fields), ask)
    recipe = recipes.load(plan.recipe, there.scores(0))
    clean = ask(PerturbedExamples(examples, untouched(()), {}))
    right = (clean.right & clean.finite).tolist()
    outcomes: list[recipes.RecipeOutcome] = []
    for row, seed in enumerate(seeds.tolist()):
        skipped = recipes.RecipeOutcome(there.values(row), 0, "skipped")
        outcomes.append(there.attacked(row, recipe, plan, seed) if right[row] else skipped)
        watch(len(examples) - len(outcomes), sum(outcome.queries for outcome in outcomes))
    queries = np.array([max(0, outcome.queries - _CLEAN) for outcome in outcomes], np.int64)
    success = np.array([outcome.status == "succeeded" for outcome in outcomes], np.bool_) & (plan.recipe != _KEEPS)
    allowed = np.array([there.words(row, plan.strength) for row in range(len(examples))], np.int64)
    shown = there.shown(range(len(examples)), [outcome.texts for outcome in outcomes])
    edits = [there.edits(row, outcome.texts) for row, outcome in enumerate(outcomes)]
    first, skipped_rows = np.where(success, queries, 0), ~np.array(right, np.bool_)
    return Attacked(shown, AttackRecord(queries, first, skipped_rows, allowed, edits))


@final
@dataclass(frozen=True, slots=True, eq=False)
class _There:
    """The examples under attack, and the texts of their fields."""

    examples: Sequence[Example]
    fields: FieldTexts
    ask: Ask

    def values(self, row: int) -> tuple[str, ...]:
        """The texts of an example in the fields, in order."""
        numbers = (int(column[row]) for column in self.fields.numbers.values())
        return tuple(self.fields.texts[number].value for number in numbers if number >= 0)

    def edits(self, row: int, values: Sequence[str]) -> list[Edit]:
        """The edits that make these texts of those of an example."""
        names = [name for name, column in self.fields.numbers.items() if column[row] >= 0]
        edits: list[Edit] = []
        for name, old, new in zip(names, self.values(row), values, strict=True):
            bounds = list(accumulate(map(len, split(old)), initial=0))  # of graphemes, in code points
            for each in changed(old, new):
                start, stop = bounds[each.start], bounds[each.stop]
                edits.append(Edit(name, start, stop, each.form, OPERATORS[each.operator], each.cost))
        return edits

    def words(self, row: int, strength: str) -> int:
        """How many words of an example may change."""
        return int(Decimal(strength) * sum(len(value.split()) for value in self.values(row)))

    def attacked(self, row: int, recipe: recipes.AttackRecipe, plan: RecipePlan, seed: int) -> recipes.RecipeOutcome:
        """What a recipe makes of an example."""
        words = None if Decimal(plan.strength) == 1 else self.words(row, plan.strength)
        asking = replace(recipe, scores=self.scores(row))
        return asking.on(self.values(row), _RIGHT, plan.queries + _CLEAN, seed, words)

    def scores(self, row: int) -> recipes.Scores:
        """The scores (n, 2) of the right label and of any other for other texts of an example."""

        def scores(inputs: Sequence[tuple[str, ...]]) -> Array:
            answers = self.ask(self.shown([row] * len(inputs), inputs))
            ahead = answers.margin * QUANTUM
            sure = np.where(answers.right, np.maximum(ahead, QUANTUM), np.minimum(ahead, -QUANTUM))
            return np.stack((np.where(answers.finite, sure, np.nan), np.zeros(len(inputs))), axis=1)

        return scores

    def shown(self, rows: Sequence[int], values: Sequence[tuple[str, ...]]) -> PerturbedExamples:
        """Examples by row, each with other texts in the fields."""
        numbers = {name: np.full(len(rows), -1) for name in self.fields.numbers}
        texts: list[Text] = []
        new: list[str] = []
        for at, (row, of_row) in enumerate(zip(rows, values, strict=True)):
            left = iter(of_row)
            for name, column in self.fields.numbers.items():
                if (number := int(column[row])) >= 0:
                    numbers[name][at] = len(texts)
                    texts.append(self.fields.texts[number])
                    new.append(next(left))
        return PerturbedExamples([self.examples[row] for row in rows], rewritten(texts, new), numbers)
