"""A shallow choice among texts, by the wording of each choice alone."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import Final

import numpy as np

from robust_xtreme.examples import Choice, Example
from robust_xtreme.results.shallow import naive_bayes
from robust_xtreme.results.shallow.naive_bayes import Bag, Floats
from robust_xtreme.results.shallow.shown import Shown

_FIELD: Final = "choice"
_CLASSES: Final = 2


def by_choice_alone(
    examples: Sequence[Example], folds: Sequence[int], shown: Sequence[Shown]
) -> list[tuple[Choice, ...]]:
    """The choice that is most likely right, by naive Bayes over right and wrong choices of the other folds."""
    each = [fold for example, fold in zip(examples, folds, strict=True) for _ in choices_of(example)]
    bags = [_bags(noised.examples) for noised in shown]
    scores = naive_bayes.folded(_bags(examples), _right(examples), each, _CLASSES, bags)
    return [_highest(values, noised.examples) for values, noised in zip(scores, shown, strict=True)]


def choices_of(example: Example) -> tuple[str, ...]:
    """The texts of the fields `choice1`, `choice2`, ... in order."""
    names = [name for name in example.texts if name.removeprefix(_FIELD).isdecimal() and name.startswith(_FIELD)]
    return tuple(example.texts[name].value for name in sorted(names, key=lambda name: int(name.removeprefix(_FIELD))))


def _bags(examples: Sequence[Example]) -> list[Bag]:
    return [(choice,) for example in examples for choice in choices_of(example)]


def _right(examples: Sequence[Example]) -> list[int]:
    """Whether each choice of each example is the right one."""
    golds = [example.target.index if isinstance(example.target, Choice) else -1 for example in examples]
    return [
        int(at == gold) for example, gold in zip(examples, golds, strict=True) for at in range(len(choices_of(example)))
    ]


def _highest(scores: Floats, examples: Sequence[Example]) -> tuple[Choice, ...]:
    """Of each example the choice with the greatest odds of being right, from the scores (n, 2) of all choices."""
    odds = scores[:, 1] - scores[:, 0]
    ends = np.cumsum([0, *(len(choices_of(example)) for example in examples)])
    return tuple(Choice(int(odds[start:stop].argmax())) for start, stop in pairwise(ends.tolist()))
