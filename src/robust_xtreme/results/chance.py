"""Chance: answers that need no text, the best of which is the chance level of a metric on a split.

Constants are those of the evaluated split itself: the most frequent label, no entity, the whole sentence as one entity,
the first position of the passage, a random order of the candidates. Answers are Targets in the coordinates of the clean
input, so that metrics score them like a model's.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from typing import Final

from robust_xtreme.examples import Choice, Corpus, Document, Example, Tags, Target
from robust_xtreme.results.shallow import ranking
from robust_xtreme.results.shallow.passages import first_sentence, first_words
from robust_xtreme.results.shallow.words import OUTSIDE, most_frequent, tags_of
from robust_xtreme.specs import BITEXT
from robust_xtreme.targets.kinds import CHOICE, CLASSIFICATION, RETRIEVAL, SPAN_QA, TAGGING

Answered = dict[str, tuple[Target, ...]]
"""The answers of each constant to each example."""

_WHOLE: Final = "whole_sentence"
_SUMMARIES: Final[Mapping[str, str]] = {
    "majority": "The most frequent label of the split for every item.",
    "all_o": "No entity at all.",
    _WHOLE: "The whole sentence as one entity of the type named.",
    "first_sentence": "The first sentence of the passage.",
    "first_words": "The first three words of the passage.",
    "random_rank": "Twenty candidates in one order for each query, drawn from the ids alone: not an expectation.",
    "no_pair": "No pair at all.",
}


def summary(name: str) -> str:
    """The sentence about a constant (those of one kind, `whole_sentence_LOC`, share one); "" for an unknown name."""
    return _SUMMARIES.get(_WHOLE if name.startswith(_WHOLE) else name, "")


def constants(family: str, examples: Sequence[Example], corpus: Corpus | None = None, search: str = "") -> Answered:
    """The answers of every constant of a family of tasks by name; none for other families and for no examples.

    Retrieval is from the clean pool `corpus`; `search` says what an answer is: with `bitext` pairs, else a ranking.
    """
    if not examples:
        return {}
    if family == RETRIEVAL.name and corpus:
        answers = [Document(())] * len(examples) if search == BITEXT else ranking.by_chance(examples, corpus)
        return {"no_pair" if search == BITEXT else "random_rank": tuple(answers)}
    return _FAMILIES[family](examples) if family in _FAMILIES else {}


def _majority(examples: Sequence[Example]) -> Answered:
    golds = [example.target for example in examples if isinstance(example.target, Choice)]
    counts = Counter(golds)
    majority = min(counts, key=lambda gold: (-counts[gold], gold.index))
    return {"majority": (majority,) * len(examples)}


def _tags(examples: Sequence[Example]) -> Answered:
    tags = [tags_of(example) for example in examples]
    names = Counter(name for each in tags for name in each)
    outside = OUTSIDE in names
    constant = OUTSIDE if outside else most_frequent(names)
    answers: Answered = {"all_o" if outside else "majority": tuple(Tags((constant,) * len(each)) for each in tags)}
    for kind in sorted({name[2:] for name in names if name != OUTSIDE} if outside else ()):
        whole = [Tags((f"B-{kind}", *[f"I-{kind}"] * (len(each) - 1))[: len(each)]) for each in tags]
        answers[f"{_WHOLE}_{kind}"] = tuple(whole)
    return answers


def _position(examples: Sequence[Example]) -> Answered:
    contexts = [example.texts["context"].value for example in examples]
    return {"first_sentence": tuple(map(first_sentence, contexts)), "first_words": tuple(map(first_words, contexts))}


_FAMILIES: Final[Mapping[str, Callable[[Sequence[Example]], Answered]]] = {
    CLASSIFICATION.name: _majority,
    CHOICE.name: _majority,
    TAGGING.name: _tags,
    SPAN_QA.name: _position,
}
