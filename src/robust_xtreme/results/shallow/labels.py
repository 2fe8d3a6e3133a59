"""Shallow answers of labels and choices: by the wording of the hypothesis, or of each choice, alone."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import chain
from typing import Final

import numpy as np

from robust_xtreme.example_columns import ExampleColumns
from robust_xtreme.examples import Example
from robust_xtreme.results.shallow import naive_bayes
from robust_xtreme.results.shallow.naive_bayes import Floats, Ints
from robust_xtreme.results.shallow.shown import Shown, texts_of
from robust_xtreme.target_columns import Choices, bounds_of, owners

_HYPOTHESIS: Final = "hypothesis"


def by_hypothesis(clean: ExampleColumns, folds: Ints, shown: Sequence[Shown]) -> list[Choices]:
    """The likeliest class by naive Bayes over character n-grams of the hypotheses of the other folds."""
    golds = clean.targets
    assert isinstance(golds, Choices)
    fields = list(map(_field, clean.examples))
    asked = [_texts(each.columns, fields) for each in shown]
    scores = naive_bayes.folded(_texts(clean, fields), golds.index, folds, int(golds.index.max()) + 1, asked)
    return [Choices(values.argmax(axis=1)) for values in scores]


def _field(example: Example) -> str:
    return _HYPOTHESIS if _HYPOTHESIS in example.texts else list(example.texts)[-1]


def _texts(columns: ExampleColumns, fields: Sequence[str]) -> list[str]:
    """The text (n) of each example in its field."""
    several = {name: texts_of(columns, name) for name in dict.fromkeys(fields)}
    return [several[name][at] or "" for at, name in enumerate(fields)]


_FIELD: Final = "choice"
_CLASSES: Final = 2


def by_choice_alone(clean: ExampleColumns, folds: Ints, shown: Sequence[Shown]) -> list[Choices]:
    """The choice that is most likely right, by naive Bayes over right and wrong choices of the other folds."""
    golds = clean.targets
    assert isinstance(golds, Choices)
    rows = _choices(clean)
    bounds = bounds_of(np.array(list(map(len, rows)), np.int64))
    item = owners(bounds)
    right = np.arange(bounds[-1]) - bounds[item] == golds.index[item]
    texts, asked = _flat(rows), [_flat(_choices(each.columns)) for each in shown]
    scores = naive_bayes.folded(texts, right.astype(np.int64), folds[item], _CLASSES, asked)
    return [_highest(values, bounds) for values in scores]


def _choices(columns: ExampleColumns) -> list[list[str]]:
    """The texts of the fields `choice1`, `choice2`, ... of each example in order."""
    names = {name for example in (columns.clean or columns).examples for name in example.texts}
    numbered = {name: name.removeprefix(_FIELD) for name in names if name.startswith(_FIELD)}
    ordered = sorted((int(number), name) for name, number in numbered.items() if number.isdecimal())
    several = [texts_of(columns, name) for _, name in ordered]
    return [[text for text in row if text is not None] for row in zip(*several, strict=True)]


def _flat(rows: Sequence[Sequence[str]]) -> list[str]:
    return list(chain.from_iterable(rows))


def _highest(scores: Floats, bounds: Ints) -> Choices:
    """Of each example the choice with the greatest odds of being right, from the scores (n, 2) of all choices."""
    odds = scores[:, 1] - scores[:, 0]
    best = np.flatnonzero(odds == np.maximum.reduceat(odds, bounds[:-1])[owners(bounds)])
    first = best[np.searchsorted(best, bounds[:-1])]
    return Choices(first - bounds[:-1])
