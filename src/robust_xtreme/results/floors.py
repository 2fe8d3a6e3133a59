"""Floors: what can be had on a split without reading the input, or by a shallow look at it.

`fit` learns what there is to learn from the English training examples; where there are none, the floors that learn do
so in five folds over the clusters of the split itself. The majority class is always the split's own: a constant that is
right most often can only raise the floor. Predictions are Targets in the coordinates of the clean input, so that
metrics score them as they score a model's.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, final

from robust_xtreme.examples import Choice, Example, Tags, Target
from robust_xtreme.results import _naive_bayes, _passages
from robust_xtreme.results._naive_bayes import NaiveBayes

FOLDS: Final = 5
_SPLIT: Final = "the evaluated split"
NOTHING: Final = "nothing"

WHOLE: Final = "whole_sentence"
SUMMARIES: Final[Mapping[str, str]] = {
    "majority": "The most frequent label for every item.",
    "hypothesis_only": "Naive Bayes over character n-grams of the hypothesis; the premise is not read.",
    "all_o": "No entity at all.",
    WHOLE: "The whole sentence as one entity of the type named.",
    "overlap_sentence": "The sentence of the passage that shares most words with the question.",
    "first_sentence": "The first sentence of the passage.",
    "first_words": "The first three words of the passage.",
}
"""What each floor is, in a sentence; those of one kind (`whole_sentence_LOC`) share one."""


@final
@dataclass(frozen=True, slots=True)
class Floor:
    """One floor's predictions, parallel to the examples, and what it was fitted on."""

    targets: tuple[Target, ...]
    source: str


@final
@dataclass(frozen=True, slots=True)
class Floors:
    """The floors of a task, fitted once and applied to each language's split."""

    family: str
    labels: tuple[str, ...]
    model: NaiveBayes | None
    source: str

    def __call__(self, examples: Sequence[Example]) -> dict[str, Floor]:
        """Every floor of the family by name, with predictions for clean examples; none for a family without floors."""
        predict = _FAMILIES.get(self.family)
        return predict(self, tuple(examples)) if predict and examples else {}


def summary(name: str) -> str:
    """The sentence that says what a floor is; nothing for a name that is none of ours."""
    return SUMMARIES.get(WHOLE if name.startswith(WHOLE) else name, "")


def fit(family: str, train: Sequence[Example] | None, labels: tuple[str, ...]) -> Floors:
    """Fit the floors of a family (`classification`, `tagging`, `span_qa`) on English training examples, if any."""
    if family != "classification" or not train:
        return Floors(family, labels, None, "")
    model = _naive_bayes.fit(_hypotheses(train), _indices(train), len(labels))
    return Floors(family, labels, model, f"{len(train)} training examples")


def floors(
    family: str, train: Sequence[Example] | None, examples: Sequence[Example], labels: tuple[str, ...]
) -> dict[str, Floor]:
    """Fit and apply in one step: floor name to predictions for the examples."""
    return fit(family, train, labels)(examples)


def _classification(fitted: Floors, examples: tuple[Example, ...]) -> dict[str, Floor]:
    golds = _indices(examples)
    majority = min(range(max(golds) + 1), key=lambda label: (-golds.count(label), label))
    learned = Floor(_choices(fitted.model.predict(_hypotheses(examples))), fitted.source) if fitted.model else None
    return {
        "majority": Floor(_choices([majority] * len(examples)), _SPLIT),
        "hypothesis_only": learned or Floor(_choices(_folded(examples, len(fitted.labels))), f"{FOLDS} folds"),
    }


def _folded(examples: tuple[Example, ...], classes: int) -> list[int]:
    """Predictions for each fold by a model fitted on the others."""
    texts, golds = _hypotheses(examples), _indices(examples)
    fold = [_naive_bayes.fold(example.cluster, FOLDS) for example in examples]
    predicted = [0] * len(examples)
    for held_out in sorted(set(fold)):
        inside = [place for place, one in enumerate(fold) if one == held_out]
        outside = [place for place, one in enumerate(fold) if one != held_out]
        model = _naive_bayes.fit([texts[i] for i in outside], [golds[i] for i in outside], classes)
        for place, label in zip(inside, model.predict([texts[i] for i in inside]), strict=True):
            predicted[place] = label
    return predicted


def _hypotheses(examples: Sequence[Example]) -> list[str]:
    """The field that a floor may read of a pair: `hypothesis`, or the last one."""
    return [example.texts.get("hypothesis", list(example.texts.values())[-1]).value for example in examples]


def _indices(examples: Sequence[Example]) -> list[int]:
    return [example.target.index for example in examples if isinstance(example.target, Choice)]


def _choices(indices: Sequence[int]) -> tuple[Target, ...]:
    return tuple(map(Choice, indices))


def _tagging(fitted: Floors, examples: tuple[Example, ...]) -> dict[str, Floor]:
    lengths = [len(example.target.names) if isinstance(example.target, Tags) else 0 for example in examples]
    found = {f"{WHOLE}_{kind}": _whole(kind, lengths) for kind in _entity_types(fitted.labels)}
    if "O" in fitted.labels:
        return {"all_o": Floor(tuple(Tags(("O",) * length) for length in lengths), NOTHING), **found}
    return {"majority": _majority_tag(examples, lengths), **found}


def _entity_types(labels: Sequence[str]) -> list[str]:
    return sorted(label[2:] for label in labels if label.startswith("B-"))


def _whole(kind: str, lengths: Sequence[int]) -> Floor:
    tags = tuple(Tags((f"B-{kind}", *[f"I-{kind}"] * (length - 1))[:length]) for length in lengths)
    return Floor(tags, NOTHING)


def _majority_tag(examples: tuple[Example, ...], lengths: Sequence[int]) -> Floor:
    counts = Counter(name for one in examples if isinstance(one.target, Tags) for name in one.target.names)
    tag = min(counts, key=lambda name: (-counts[name], name), default="")
    return Floor(tuple(Tags((tag,) * length) for length in lengths), _SPLIT)


def _span_qa(_: Floors, examples: tuple[Example, ...]) -> dict[str, Floor]:
    predicted = _passages.predict([(one.texts["question"], one.texts["context"]) for one in examples])
    return {name: Floor(targets, NOTHING) for name, targets in predicted.items()}


_FAMILIES: Final[Mapping[str, Callable[[Floors, tuple[Example, ...]], dict[str, Floor]]]] = {
    "classification": _classification,
    "tagging": _tagging,
    "span_qa": _span_qa,
}
