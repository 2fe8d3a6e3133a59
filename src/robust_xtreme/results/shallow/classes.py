"""A shallow classifier, by the hypothesis alone, or by the only or last text of an example."""

from __future__ import annotations

from collections.abc import Sequence

from robust_xtreme.examples import Choice, Example
from robust_xtreme.results.shallow import naive_bayes
from robust_xtreme.results.shallow.naive_bayes import Bag
from robust_xtreme.results.shallow.shown import Shown


def by_hypothesis(
    examples: Sequence[Example], folds: Sequence[int], shown: Sequence[Shown]
) -> list[tuple[Choice, ...]]:
    """The likeliest class by naive Bayes over character n-grams of the hypotheses of the other folds."""
    golds = [example.target.index for example in examples if isinstance(example.target, Choice)]
    bags = [_bags(noised.examples) for noised in shown]
    scores = naive_bayes.folded(_bags(examples), golds, folds, max(golds) + 1, bags)
    return [tuple(Choice(int(index)) for index in values.argmax(axis=1)) for values in scores]


def _bags(examples: Sequence[Example]) -> list[Bag]:
    return [(example.texts.get("hypothesis", list(example.texts.values())[-1]).value,) for example in examples]
