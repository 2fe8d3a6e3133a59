"""An attack on the examples of a task run under one condition and seed: their possible edits, and their candidates."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import final

import numpy as np

from robust_xtreme.attack.engine import Hidden, Problem, Question, State
from robust_xtreme.core.edits import Array, ragged
from robust_xtreme.core.examples import Example
from robust_xtreme.noise.conditions.frozen import Edit
from robust_xtreme.noise.engine.noised import FieldTexts, PerturbedExamples
from robust_xtreme.noise.engine.options import EditOptions, applied


@final
@dataclass(frozen=True, slots=True)
class Limits:
    """The limits of a condition: the shares of units and of graphemes that may change, as decimals, and the queries."""

    units: str
    graphemes: str | None
    queries: int


@final
@dataclass(frozen=True, slots=True, eq=False)
class Item:
    """What may be edited in one example.

    `options` (k,) are the numbers of the problem's edits among those of the campaign, and edit i is in field `field[i]`
    (k,). Of the fields (f,) `text` has the numbers of the texts, `first` (f + 1,) those of their first units.
    """

    problem: Problem
    options: Array
    field: Array
    text: Array
    first: Array


@final
@dataclass(frozen=True, slots=True, eq=False)
class Campaign:
    """The examples under attack, the texts of their fields, the edits possible there, and those that hide a unit."""

    examples: Sequence[Example]
    fields: FieldTexts
    options: EditOptions
    hidden: EditOptions

    def items(self, limits: Limits, seeds: Array, graded: bool) -> list[Item]:
        """What may be edited in each example (n), whose draws have the `seeds` (n,) uint64."""
        return [self._item(row, limits, seed, graded) for row, seed in enumerate(seeds.tolist())]

    def _item(self, row: int, limits: Limits, seed: int, graded: bool) -> Item:
        texts = np.array([numbers[row] for numbers in self.fields.numbers.values()], np.int64)
        there = texts[texts >= 0]
        bounds = self.options.bounds
        sizes = bounds[there + 1] - bounds[there]
        options, field = ragged(bounds[there], sizes), np.repeat(np.flatnonzero(texts >= 0), sizes)
        units = np.where(texts >= 0, self.options.units[texts], 0)
        first = np.concatenate(([0], np.cumsum(units)))
        clusters = int(self.options.clusters[there].sum())
        problem = Problem(
            self.options.unit[options] + first[field],
            self.options.reach[options],
            self.options.graphemes[options],
            _share(limits.units, int(first[-1])),
            None if limits.graphemes is None else _share(limits.graphemes, clusters),
            limits.queries,
            seed,
            graded,
        )
        return Item(problem, options, field, texts, first)

    def candidates(self, items: Sequence[Item], asked: Sequence[tuple[int, Question]]) -> PerturbedExamples:
        """The examples of questions, each with the row of its example; a text that an example shares is a copy."""
        table = self.options.with_others(self.hidden)
        copies: list[int] = []
        picked: list[Sequence[int]] = []
        numbers = {name: np.full(len(asked), -1) for name in self.fields.numbers}
        for at, (row, question) in enumerate(asked):
            edits = self._edits(items[row], question)
            for field, name in enumerate(numbers):
                if (text := int(items[row].text[field])) >= 0:
                    numbers[name][at] = len(copies)
                    copies.append(text)
                    picked.append(edits.get(field, ()))
        noised = applied(self.fields.texts, table, np.array(copies, np.int64), picked)
        return PerturbedExamples([self.examples[row] for row, _ in asked], noised, numbers)

    def edits(self, item: Item, state: State) -> list[Edit]:
        """The edits of a state, in the order of their fields and positions."""
        names, table = list(self.fields.numbers), self.options
        return [
            Edit(
                names[int(item.field[option])],
                int(table.start[number]),
                int(table.stop[number]),
                table.values[number],
                table.operators[int(table.operator[number])],
                int(table.graphemes[number]),
            )
            for option, number in zip(state, item.options[list(state)].tolist(), strict=True)
        ]

    def _edits(self, item: Item, question: Question) -> Mapping[int, Sequence[int]]:
        """The edits that a question makes in each field, by their numbers among all."""
        if isinstance(question, Hidden):
            field = int(np.searchsorted(item.first, question.unit, "right")) - 1
            return {field: self._hiding(int(item.text[field]), question.unit - int(item.first[field]))}
        edits: dict[int, list[int]] = {}
        for option in question:
            edits.setdefault(int(item.field[option]), []).append(int(item.options[option]))
        return edits

    def _hiding(self, text: int, unit: int) -> Sequence[int]:
        """The edit that hides a unit of a text; none where a span would be lost."""
        low, high = self.hidden.bounds[text : text + 2].tolist()
        at = low + int(np.searchsorted(self.hidden.unit[low:high], unit))
        return (len(self.options) + at,) if at < high and self.hidden.unit[at] == unit else ()


def _share(share: str, whole: int) -> int:
    """The largest whole number that is at most a share of another."""
    return int(Decimal(share) * whole)
