"""Chance: answers that need no text, the best of which is the chance level of a metric on a split.

Constants are those of the evaluated split itself: the most frequent label, no entity, the whole sentence as one entity,
the first position of the passage, a random order of the candidates. Answers are Targets in the coordinates of the clean
input, so that metrics score them like a model's.
"""

from collections.abc import Callable, Mapping
from typing import Final

import numpy as np

from robust_xtreme.core.columns import Choices, ExampleColumns, Names, TargetColumn
from robust_xtreme.core.examples import (
    CHOICE,
    CLASSIFICATION,
    DEPTH,
    OUTSIDE,
    RETRIEVAL,
    SPAN_QA,
    TAGGING,
    Corpus,
    Document,
    Tags,
)
from robust_xtreme.core.specs import BITEXT
from robust_xtreme.stats.shallow.words import tags_of, unseen

Answered = dict[str, TargetColumn]
"""The answers of each constant to each example."""

_WHOLE: Final = "whole_sentence"
_SUMMARIES: Final[Mapping[str, str]] = {
    "majority": "The most frequent label of the split for every item.",
    "all_o": "No entity at all.",
    _WHOLE: "The whole sentence as one entity of the type named.",
    "first_sentence": "The first sentence of the passage.",
    "first_words": "The first three words of the passage.",
    "random_rank": "Twenty candidates in one order for each query, drawn from the ids alone: not an expectation.",
    "random_order": "All candidates that are scored in one order for each query, drawn from the ids alone.",
    "no_pair": "No pair at all.",
}


def summary(name: str) -> str:
    """The sentence about a constant (those of one kind, `whole_sentence_LOC`, share one); "" for an unknown name."""
    return _SUMMARIES.get(_WHOLE if name.startswith(_WHOLE) else name, "")


def constants(family: str, clean: ExampleColumns, corpus: Corpus | None = None, search: str = "") -> Answered:
    """The answers of every constant of a family of tasks by name; none for other families and for no examples.

    Retrieval is from the clean pool `corpus`; `search` says what an answer is: with `bitext` pairs, else a ranking.
    """
    if not len(clean):
        return {}
    if family == RETRIEVAL.name and corpus:
        if search == BITEXT:
            return {"no_pair": Names(Document, (), np.zeros(0, np.int32), np.zeros(len(clean) + 1, np.int64))}
        from robust_xtreme.stats.shallow import ranking  # for retrieval only, as the module below for passages

        name = "random_rank" if corpus.depth == DEPTH else "random_order"
        return {name: ranking.by_chance([example.id for example in clean.examples], corpus)}
    return _FAMILIES[family](clean) if family in _FAMILIES else {}


def _majority(clean: ExampleColumns) -> Answered:
    golds = clean.targets
    assert isinstance(golds, Choices)
    return {"majority": Choices(np.full(len(clean), np.bincount(golds.index).argmax()))}


def _tags(clean: ExampleColumns) -> Answered:
    golds = tags_of(clean)
    constant = golds.names[unseen(golds)]
    every = np.zeros(len(golds.codes), np.int32)
    if OUTSIDE not in golds.names:
        return {"majority": Names(Tags, (constant,), every, golds.bounds)}
    inside = every + 1
    inside[golds.bounds[:-1][np.diff(golds.bounds) > 0]] = 0
    kinds = sorted({name[2:] for name in golds.names if name != OUTSIDE})
    whole = {f"{_WHOLE}_{kind}": Names(Tags, (f"B-{kind}", f"I-{kind}"), inside, golds.bounds) for kind in kinds}
    return {"all_o": Names(Tags, (OUTSIDE,), every, golds.bounds), **whole}


def _position(clean: ExampleColumns) -> Answered:
    from robust_xtreme.stats.shallow.passages import first_sentences, first_words

    return {"first_sentence": first_sentences(clean), "first_words": first_words(clean)}


_FAMILIES: Final[Mapping[str, Callable[[ExampleColumns], Answered]]] = {
    CLASSIFICATION.name: _majority,
    CHOICE.name: _majority,
    TAGGING.name: _tags,
    SPAN_QA.name: _position,
}
