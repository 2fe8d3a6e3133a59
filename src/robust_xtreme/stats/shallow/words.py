"""A shallow tagger: each word's most frequent tag."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import repeat
from typing import Final

import numpy as np

from robust_xtreme.core.columns import ExampleColumns, Names, bounds_of, once, owners
from robust_xtreme.core.edits import covered
from robust_xtreme.core.examples import DEPTH, OUTSIDE, Tags
from robust_xtreme.stats.shallow.naive_bayes import Ints


@dataclass(frozen=True, slots=True, eq=False)
class ShownExamples:
    """The examples of a split under a condition and noise seed, parallel to the clean ones.

    Those of retrieval have the candidates' ids and values, too. Pairs with an id in `unscored` are not answers; a
    ranking has `depth` candidates.
    """

    columns: ExampleColumns
    ids: tuple[str, ...] = ()
    values: tuple[str, ...] = ()
    unscored: frozenset[str] = frozenset()
    depth: int = DEPTH


def texts_of(columns: ExampleColumns, name: str) -> list[str | None]:
    """The texts (n) of a field; None where an example does not have it."""
    if columns.noised and name in columns.noised.numbers:
        return columns.noised.values(name)
    clean = columns.clean or columns
    return [example.texts[name].value if name in example.texts else None for example in clean.examples]


_FIELD: Final = "tokens"
_BEGINS: Final = "B-"


def by_lexicon(clean: ExampleColumns, folds: Ints, shown: Sequence[ShownExamples]) -> list[Names]:
    """The most frequent tag of each word in the other folds; a word not seen there is outside, or as most words are."""
    golds, (words, bounds) = tags_of(clean), once(clean, _words)
    known = {word: number for number, word in enumerate(dict.fromkeys(words))}
    lexicon = _lexicon(golds, np.fromiter(map(known.__getitem__, words), np.int64, len(words)), folds[owners(bounds)])
    answers = []
    for each in shown:
        words, bounds = once(each.columns, _words)
        numbers = np.fromiter(map(known.get, words, repeat(len(known))), np.int64, len(words))
        answers.append(_begun(golds.names, lexicon[folds[owners(bounds)], numbers], bounds))
    return answers


def tags_of(clean: ExampleColumns) -> Names:
    """The gold tags of sentences, whose names are in order; one empty name at least."""
    golds = clean.targets
    assert isinstance(golds, Names)
    names = sorted(golds.names) or [""]
    ranks = np.array([names.index(name) for name in golds.names], np.int64)
    return Names(Tags, names, ranks[golds.codes], golds.bounds)


def unseen(golds: Names) -> int:
    """The number of the tag that is outside, or, where there is none, of the most frequent, the first of equals."""
    counts = np.bincount(golds.codes, minlength=len(golds.names))
    return golds.names.index(OUTSIDE) if OUTSIDE in golds.names else int(counts.argmax())


def _lexicon(golds: Names, words: Ints, folds: Ints) -> Ints:
    """Of each fold and word, by number, the most frequent tag in the other folds (F, w + 1); the last word is new."""
    size = int(words.max(initial=-1)) + 1, len(golds.names)
    pairs = words * size[1] + golds.codes
    whole = np.bincount(pairs, minlength=size[0] * size[1])
    lexicon = np.full((int(folds.max(initial=0)) + 1, size[0] + 1), unseen(golds))
    for fold, tags in enumerate(lexicon):
        others = (whole - np.bincount(pairs[folds == fold], minlength=len(whole))).reshape(size)
        seen = np.flatnonzero(others.any(axis=1))
        tags[seen] = others[seen].argmax(axis=1)
    return lexicon


def _words(columns: ExampleColumns) -> tuple[list[str], Ints]:
    """The words of all sentences, one sentence after the other, and the bounds of the sentences there (n + 1,)."""
    values, spans = columns.values(_FIELD), columns.spans(_FIELD)
    return covered(values, spans), bounds_of(np.bincount(spans.text, minlength=len(values)))


def _begun(names: Sequence[str], tags: Ints, bounds: Ints) -> Names:
    """Tags whose entities begin with B-: an I- that continues no entity becomes a B-."""
    every = list(dict.fromkeys([*names, *(_BEGINS + name[2:] for name in names)]))
    begun = np.array([every.index(_BEGINS + name[2:]) for name in names])
    inside = np.array([name.startswith("I-") for name in names])
    same = np.append(False, begun[tags[1:]] == begun[tags[:-1]])[: len(tags)]
    first = bounds[:-1][np.diff(bounds) > 0]
    same[first] = np.array([not name[2:] for name in names])[tags[first]]
    return Names(Tags, every, np.where(inside[tags] & ~same, begun[tags], tags), bounds)
