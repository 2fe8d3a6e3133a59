"""Floors: predictions on a split without the input, or from the surface of the text only.

`fit` learns from the English training examples; if there are none, the floors that learn do so in five folds over the
clusters of the split itself. The majority class is always the split's own: the most frequent constant can only raise
the floor. Predictions are Targets in the coordinates of the clean input, so that metrics score them like a model's.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, final

from robust_xtreme.examples import Choice, Corpus, Document, Example, Tags, Target
from robust_xtreme.results.shallow import choices, naive_bayes, passages, ranking, word_taggers
from robust_xtreme.results.shallow.naive_bayes import Bag, NaiveBayes
from robust_xtreme.results.shallow.word_taggers import Sentence, Taggers
from robust_xtreme.specs import BITEXT
from robust_xtreme.targets.kinds import CHOICE, CLASSIFICATION, RETRIEVAL, SPAN_QA, TAGGING

FOLDS: Final = 5
_SPLIT: Final = "the evaluated split"
_IN_FOLDS: Final = f"{FOLDS} folds"
_WORDS: Final = ("word_lexicon", "word_characters")
_CHARACTERS: Final = ("hypothesis_only", "bag_of_characters")
NOTHING: Final = "nothing"
_ALONE: Final = "choice_only"
WHOLE: Final = "whole_sentence"
SUMMARIES: Final[Mapping[str, str]] = {
    "majority": "The most frequent label for every item.",
    "hypothesis_only": "Naive Bayes over character n-grams of the hypothesis; the premise is not read.",
    "bag_of_characters": "Naive Bayes over character n-grams of all fields together, regardless of their order.",
    _ALONE: "Naive Bayes over character n-grams of each choice; the premise and the question are not read.",
    "overlap_choice": "The choice with the greatest share of character n-grams that are in the premise.",
    "longest_choice": "The choice with most characters.",
    "all_o": "No entity at all.",
    WHOLE: "The whole sentence as one entity of the type named.",
    "word_lexicon": "Each word's most frequent tag; words not seen are outside, or take the most frequent tag of all.",
    "word_characters": "Naive Bayes for each word alone, over its character n-grams, its shape and its neighbours'.",
    "overlap_sentence": "The sentence of the passage that shares most words with the question.",
    "first_sentence": "The first sentence of the passage.",
    "first_words": "The first three words of the passage.",
    "random_rank": "Twenty candidates in an order drawn for each query from the ids alone.",
    "character_overlap": "The candidates that share most rare character n-grams with the query, in pools up to 20,000.",
    "no_pair": "No pair at all.",
    "same_numbers": "Pairs of sentences that name the same numbers, where no other sentence of either side does.",
    "mutual_overlap": "Pairs of sentences, each of which shares most rare character n-grams with the other.",
    "nearest_slot": "In the sentence of overlap_sentence, the number, name or word nearest to words of the question.",
}
"""A sentence about each floor; floors of one kind (`whole_sentence_LOC`) share one."""


@final
@dataclass(frozen=True, slots=True)
class Floor:
    """One floor's predictions, parallel to the examples, and the data that it was fitted on."""

    targets: tuple[Target, ...]
    source: str


@final
@dataclass(frozen=True, slots=True)
class Floors:
    """The floors of a task, fitted once and applied to each language's split; floors fitted in folds have no source."""

    family: str
    labels: tuple[str, ...]
    models: Mapping[str, NaiveBayes]
    taggers: Taggers | None
    source: str
    search: str = ""

    def __call__(self, examples: Sequence[Example], corpus: Corpus | None = None) -> dict[str, Floor]:
        """Every floor of the family by name, with predictions for clean examples; none for a family without floors.

        Retrieval is from the clean pool `corpus`, and has no floor without it.
        """
        if not examples:
            return {}
        if self.family == RETRIEVAL.name:
            return _retrieval(self.search, examples, corpus) if corpus else {}
        predict = _FAMILIES.get(self.family)
        return predict(self, tuple(examples)) if predict else {}


def summary(name: str) -> str:
    """The sentence about a floor; "" for a name that is not in SUMMARIES."""
    return SUMMARIES.get(WHOLE if name.startswith(WHOLE) else name, "")


def fit(family: str, train: Sequence[Example] | None, labels: tuple[str, ...], search: str = "") -> Floors:
    """Fit the floors of a family on English training examples, if any.

    Families are `classification`, `choice`, `tagging`, `span_qa` and `retrieval`; of the last `search` says what a
    prediction is: with `bitext` pairs, else a ranking.
    """
    models: dict[str, NaiveBayes] = {}
    taggers, source = None, f"{len(train)} training examples" if train else ""
    if train and family == CLASSIFICATION.name:
        golds = _indices(train)
        models = {name: naive_bayes.fit(_bags(name, train), golds, len(labels)) for name in _of_characters(train)}
    if train and family == CHOICE.name:
        models = {_ALONE: choices.fit(train)}
    if train and family == TAGGING.name:
        taggers = word_taggers.fit(*_tagged(train), labels)
    return Floors(family, labels, models, taggers, source, search)


def _classification(fitted: Floors, examples: tuple[Example, ...]) -> dict[str, Floor]:
    """The predictions are of models fitted on the training examples, or for each fold of the split on the others."""
    floors = {"majority": _majority(examples)}
    for name in _of_characters(examples):
        bags = _bags(name, examples)
        if name in fitted.models:
            floors[name] = Floor(_chosen(fitted.models[name].predict(bags)), fitted.source)
        else:
            predicted = naive_bayes.folded(bags, _indices(examples), _folds(examples), len(fitted.labels))
            floors[name] = Floor(_chosen(predicted), _IN_FOLDS)
    return floors


def _of_characters(examples: Sequence[Example]) -> tuple[str, ...]:
    """The floors that read characters; of a single text they are the same, and the last is computed."""
    return _CHARACTERS if len(examples[0].texts) > 1 else _CHARACTERS[-1:]


def _majority(examples: Sequence[Example]) -> Floor:
    golds = _indices(examples)
    majority = min(range(max(golds) + 1), key=lambda label: (-golds.count(label), label))
    return Floor(_chosen([majority] * len(examples)), _SPLIT)


def _folds(examples: Sequence[Example]) -> list[int]:
    return [naive_bayes.fold(example.cluster, FOLDS) for example in examples]


def _bags(name: str, examples: Sequence[Example]) -> list[Bag]:
    """What a floor reads of each example: of `hypothesis_only` the hypothesis, or the last field; else all fields."""
    if name == "hypothesis_only":
        return [(example.texts.get("hypothesis", list(example.texts.values())[-1]).value,) for example in examples]
    return [tuple(text.value for text in example.texts.values()) for example in examples]


def _indices(examples: Sequence[Example]) -> list[int]:
    return [example.target.index for example in examples if isinstance(example.target, Choice)]


def _chosen(indices: Sequence[int]) -> tuple[Target, ...]:
    return tuple(map(Choice, indices))


def _choice(fitted: Floors, examples: tuple[Example, ...]) -> dict[str, Floor]:
    model = fitted.models.get(_ALONE)
    alone = choices.by_choice_alone(model, examples) if model else choices.folded(examples, _folds(examples))
    return {
        "majority": _majority(examples),
        _ALONE: Floor(_chosen(alone), fitted.source if model else _IN_FOLDS),
        "overlap_choice": Floor(_chosen(choices.most_shared(examples)), NOTHING),
        "longest_choice": Floor(_chosen(choices.longest(examples)), NOTHING),
    }


def _tagging(fitted: Floors, examples: tuple[Example, ...]) -> dict[str, Floor]:
    """Constants, and the predictions of both taggers, of the training examples, or for each fold of the other folds."""
    sentences, tags = _tagged(examples)
    lengths = [len(names) for names in tags]
    if word_taggers.OUTSIDE in fitted.labels:
        floors = {"all_o": Floor(tuple(Tags((word_taggers.OUTSIDE,) * length) for length in lengths), NOTHING)}
    else:
        commonest = word_taggers.commonest(Counter(name for names in tags for name in names))
        floors = {"majority": Floor(tuple(Tags((commonest,) * length) for length in lengths), _SPLIT)}
    for kind in sorted(label[2:] for label in fitted.labels if label.startswith("B-")):
        whole = [Tags((f"B-{kind}", *[f"I-{kind}"] * (length - 1))[:length]) for length in lengths]
        floors[f"{WHOLE}_{kind}"] = Floor(tuple(whole), NOTHING)
    if fitted.taggers:
        predicted, source = fitted.taggers.both(sentences), fitted.source
    else:
        predicted, source = word_taggers.folded(sentences, tags, fitted.labels, _folds(examples)), _IN_FOLDS
    return floors | {name: Floor(tuple(each), source) for name, each in zip(_WORDS, predicted, strict=True)}


def _tagged(examples: Sequence[Example]) -> tuple[list[Sentence], list[Sentence]]:
    """The words and the tags of each example."""
    tags: list[Sentence] = [example.target.names if isinstance(example.target, Tags) else () for example in examples]
    return [word_taggers.words_of(example) for example in examples], tags


def _span_qa(_: Floors, examples: tuple[Example, ...]) -> dict[str, Floor]:
    predicted = passages.predict([(example.texts["question"], example.texts["context"]) for example in examples])
    return {name: Floor(targets, NOTHING) for name, targets in predicted.items()}


def _retrieval(search: str, examples: Sequence[Example], corpus: Corpus) -> dict[str, Floor]:
    """Rankings of the pool, or pairs; without floors that are not computed for a large pool."""
    if search == BITEXT:
        rankings = {
            "no_pair": [Document(())] * len(examples),
            "same_numbers": ranking.same_numbers(examples, corpus),
            "mutual_overlap": ranking.mutual(examples, corpus),
        }
    else:
        ranked = ranking.by_characters(examples, corpus)
        rankings = {"random_rank": ranking.by_chance(examples, corpus), "character_overlap": ranked}
    return {name: Floor(tuple(each), NOTHING) for name, each in rankings.items() if each is not None}


_FAMILIES: Final[Mapping[str, Callable[[Floors, tuple[Example, ...]], dict[str, Floor]]]] = {
    CLASSIFICATION.name: _classification,
    CHOICE.name: _choice,
    TAGGING.name: _tagging,
    SPAN_QA.name: _span_qa,
}
