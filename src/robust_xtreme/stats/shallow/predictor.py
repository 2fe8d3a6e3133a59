"""The declared shallow predictor of each kind of task, and the folds of a split that it learns from.

A predictor that learns does so from the evaluated split alone, in folds over clusters: what it answers in a fold it
learned from the clean text of the other folds, whether the text of the answer is clean or perturbed.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from importlib import import_module
from itertools import chain
from typing import Final

import numpy as np

from robust_xtreme.core.columns import Choices, ExampleColumns, TargetColumn, bounds_of, owners
from robust_xtreme.core.examples import CHOICE, CLASSIFICATION, RETRIEVAL, SPAN_QA, TAGGING, Choice, Example, digest
from robust_xtreme.core.specs import BITEXT
from robust_xtreme.stats.shallow import naive_bayes, words
from robust_xtreme.stats.shallow.naive_bayes import Floats, Ints
from robust_xtreme.stats.shallow.words import ShownExamples, texts_of

_HYPOTHESIS: Final = "hypothesis"


def by_hypothesis(clean: ExampleColumns, folds: Ints, shown: Sequence[ShownExamples]) -> list[Choices]:
    """The likeliest class by naive Bayes over character n-grams of the hypotheses of the other folds."""
    golds = clean.targets
    assert isinstance(golds, Choices)
    texts = (example.texts for example in clean.examples)
    fields = [_HYPOTHESIS if _HYPOTHESIS in each else list(each)[-1] for each in texts]
    asked = [_texts(each.columns, fields) for each in shown]
    scores = naive_bayes.folded(_texts(clean, fields), golds.index, folds, int(golds.index.max()) + 1, asked)
    return [Choices(values.argmax(axis=1)) for values in scores]


def _texts(columns: ExampleColumns, fields: Sequence[str]) -> list[str]:
    """The text (n) of each example in its field."""
    several = {name: texts_of(columns, name) for name in dict.fromkeys(fields)}
    return [several[name][at] or "" for at, name in enumerate(fields)]


_FIELD: Final = "choice"


def by_choice_alone(clean: ExampleColumns, folds: Ints, shown: Sequence[ShownExamples]) -> list[Choices]:
    """The choice that is most likely right, by naive Bayes over right and wrong choices of the other folds."""
    golds = clean.targets
    assert isinstance(golds, Choices)
    rows = _choices(clean)
    bounds = bounds_of(np.array(list(map(len, rows)), np.int64))
    item = owners(bounds)
    right = np.arange(bounds[-1]) - bounds[item] == golds.index[item]
    asked = [list(chain.from_iterable(_choices(each.columns))) for each in shown]
    texts = list(chain.from_iterable(rows))
    scores = naive_bayes.folded(texts, right.astype(np.int64), folds[item], 2, asked)
    return [_highest(values, bounds) for values in scores]


def _choices(columns: ExampleColumns) -> list[list[str]]:
    """The texts of the fields `choice1`, `choice2`, ... of each example in order."""
    names = {name for example in (columns.clean or columns).examples for name in example.texts}
    numbered = {name: name.removeprefix(_FIELD) for name in names if name.startswith(_FIELD)}
    ordered = sorted((int(number), name) for name, number in numbered.items() if number.isdecimal())
    several = [texts_of(columns, name) for _, name in ordered]
    return [[text for text in row if text is not None] for row in zip(*several, strict=True)]


def _highest(scores: Floats, bounds: Ints) -> Choices:
    """Of each example the choice with the greatest odds of being right, from the scores (n, 2) of all choices."""
    odds = scores[:, 1] - scores[:, 0]
    best = np.flatnonzero(odds == np.maximum.reduceat(odds, bounds[:-1])[owners(bounds)])
    first = best[np.searchsorted(best, bounds[:-1])]
    return Choices(first - bounds[:-1])


FOLDS: Final = 5

Answers = Sequence[TargetColumn]
"""The answers to the examples, for each condition and seed; none for a pool that is too large."""


@dataclass(frozen=True, slots=True)
class Shallow:
    """A shallow predictor, which either learns from examples, by their folds, or only reads what it answers."""

    name: str
    summary: str
    learn: Callable[[ExampleColumns, Ints, Sequence[ShownExamples]], Answers] | None = None
    read: Callable[[Sequence[ShownExamples]], Answers] | None = None


def _of_module(module: str, name: str) -> Callable[[Sequence[ShownExamples]], Answers]:
    """A function of a module beside this one, which is imported where it is called: for one kind of task only."""
    return lambda shown: getattr(import_module(f"robust_xtreme.stats.shallow.{module}"), name)(shown)


_MUTUAL: Final = Shallow(
    "mutual_overlap",
    "Pairs of sentences, each of which shares most rare character n-grams with the other.",
    read=_of_module("ranking", "mutual"),
)
_PREDICTORS: Final[Mapping[str, Shallow]] = {
    CLASSIFICATION.name: Shallow(
        "hypothesis_only",
        "Naive Bayes over character n-grams of the hypothesis, or of the only or last text; nothing else is read.",
        learn=by_hypothesis,
    ),
    CHOICE.name: Shallow(
        "choice_only",
        "Naive Bayes over character n-grams of each choice; the premise and the question are not read.",
        learn=by_choice_alone,
    ),
    TAGGING.name: Shallow(
        "word_lexicon",
        "Each word's most frequent tag; a word not seen is outside, or takes the most frequent tag of all.",
        learn=words.by_lexicon,
    ),
    SPAN_QA.name: Shallow(
        "overlap_sentence",
        "The sentence of the passage that shares most words with the question.",
        read=_of_module("passages", "by_overlap"),
    ),
    RETRIEVAL.name: Shallow(
        "character_overlap",
        "The candidates that share most rare character n-grams with the query, in pools up to 20,000.",
        read=_of_module("ranking", "by_characters"),
    ),
}


def shallow_of(family: str, search: str = "") -> Shallow | None:
    """The shallow predictor of a family of tasks; `search` is `bitext` where pairs are searched for."""
    return _MUTUAL if family == RETRIEVAL.name and search == BITEXT else _PREDICTORS.get(family)


def summary(name: str) -> str:
    """The sentence about a shallow predictor; "" for an unknown name."""
    return next((each.summary for each in (*_PREDICTORS.values(), _MUTUAL) if each.name == name), "")


def answers(shallow: Shallow, clean: ExampleColumns, shown: Sequence[ShownExamples]) -> tuple[Answers, str]:
    """The answers to what is shown, and the data that they were learned from, in words."""
    if shallow.read:
        return shallow.read(shown), "nothing"
    if not shallow.learn or not len(clean):
        return [], ""
    folds = np.array(stratified(clean.examples), np.int64)
    source = f"{FOLDS} folds, {len(clean) - np.bincount(folds).max()} examples each"
    return shallow.learn(clean, folds, shown), source


def stratified(examples: Sequence[Example]) -> list[int]:
    """The fold of each example: whole clusters, dealt in turn among those with the same labels, in hash order.

    So the labels are as frequent in every fold; else a predictor that learns their frequencies is worse than chance.
    """
    labels: dict[str, list[int]] = {}
    for example in examples:
        label = example.target.index if isinstance(example.target, Choice) else 0
        labels.setdefault(example.cluster, []).append(label)
    dealt = sorted(labels, key=lambda cluster: (sorted(labels[cluster]), digest("fold", cluster)))
    fold = {cluster: at % FOLDS for at, cluster in enumerate(dealt)}
    return [fold[example.cluster] for example in examples]
