"""Shallow choices among texts: by the wording of each choice, its overlap with the premise, or its length."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import Final

import numpy as np

from robust_xtreme.examples import Choice, Example
from robust_xtreme.results.shallow import naive_bayes
from robust_xtreme.results.shallow.naive_bayes import Bag, Floats, NaiveBayes

_FIELD: Final = "choice"
_SIZES: Final = (2, 3)
_CLASSES: Final = 2


def choices_of(example: Example) -> tuple[str, ...]:
    """The texts of the fields `choice1`, `choice2`, ... in order."""
    names = [name for name in example.texts if name.removeprefix(_FIELD).isdecimal() and name.startswith(_FIELD)]
    return tuple(example.texts[name].value for name in sorted(names, key=lambda name: int(name.removeprefix(_FIELD))))


def fit(train: Sequence[Example]) -> NaiveBayes:
    """Fit naive Bayes on the texts of right choices (class 1) and wrong choices (class 0), each by itself."""
    return naive_bayes.fit(_bags(train), _right(train), _CLASSES)


def by_choice_alone(model: NaiveBayes, examples: Sequence[Example]) -> list[int]:
    """Of each example the choice that is most likely right; the question and the premise are not read."""
    return _highest(model.scores(_bags(examples)), examples)


def folded(examples: Sequence[Example], folds: Sequence[int]) -> list[int]:
    """The same, fitted on the examples of the other folds."""
    each = [fold for example, fold in zip(examples, folds, strict=True) for _ in choices_of(example)]
    return _highest(naive_bayes.folded_scores(_bags(examples), _right(examples), each, _CLASSES), examples)


def longest(examples: Sequence[Example]) -> list[int]:
    """Of each example the choice with most characters, the first of equals."""
    return [_first([len(choice) for choice in choices_of(example)]) for example in examples]


def most_shared(examples: Sequence[Example]) -> list[int]:
    """Of each example the choice with the greatest share of character pairs and triples that are in the premise."""
    chosen = []
    for example in examples:
        premise = _units(example.texts["premise"].value if "premise" in example.texts else "")
        choices = [_units(choice) for choice in choices_of(example)]
        chosen.append(_first([len(units & premise) / max(len(units), 1) for units in choices]))
    return chosen


def _units(text: str) -> set[str]:
    padded = f" {text.lower()} "
    return {padded[at : at + size] for size in _SIZES for at in range(len(padded) - size + 1)}


def _bags(examples: Sequence[Example]) -> list[Bag]:
    return [(choice,) for example in examples for choice in choices_of(example)]


def _right(examples: Sequence[Example]) -> list[int]:
    """Whether each choice of each example is the right one."""
    golds = [example.target.index if isinstance(example.target, Choice) else -1 for example in examples]
    return [
        int(at == gold) for example, gold in zip(examples, golds, strict=True) for at in range(len(choices_of(example)))
    ]


def _highest(scores: Floats, examples: Sequence[Example]) -> list[int]:
    """Of each example the choice with the greatest odds of being right, from the scores (n, 2) of all choices."""
    odds = scores[:, 1] - scores[:, 0]
    ends = np.cumsum([0, *(len(choices_of(example)) for example in examples)])
    return [_first(odds[start:stop].tolist()) for start, stop in pairwise(ends.tolist())]


def _first(values: Sequence[float]) -> int:
    """The index of the greatest value, the first of equals; 0 if there are none."""
    return max(range(len(values)), key=lambda at: (values[at], -at), default=0)
