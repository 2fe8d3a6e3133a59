"""A shallow classifier, by the hypothesis alone, or by the only or last text of an example."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from robust_xtreme.example_columns import ExampleColumns
from robust_xtreme.examples import Example
from robust_xtreme.results.shallow import naive_bayes
from robust_xtreme.results.shallow.naive_bayes import Ints
from robust_xtreme.results.shallow.shown import Shown, texts_of
from robust_xtreme.target_columns import Choices

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
