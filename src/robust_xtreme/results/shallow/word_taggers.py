"""Shallow taggers of words: a lexicon, and naive Bayes over a word's characters and its neighbours' shapes."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, final

from robust_xtreme.examples import Example, Tags
from robust_xtreme.results.shallow import naive_bayes
from robust_xtreme.results.shallow.naive_bayes import NaiveBayes

OUTSIDE: Final = "O"
_EDGE: Final = 0
_SHAPES: Final = 8
_SMOOTHING: Final = 0.3
_SIGNS: Final = 0xE000
"""The first private character; each represents a shape of a word, of the word before or of the word after it."""

Sentence = Sequence[str]
"""The words of an example, or their tags."""


@final
@dataclass(frozen=True, slots=True)
class Taggers:
    """Two taggers, fitted on the same sentences; each gives a tag per word."""

    labels: tuple[str, ...]
    tags: Mapping[str, str]
    unseen: str
    model: NaiveBayes

    def both(self, sentences: Sequence[Sentence]) -> tuple[list[Tags], list[Tags]]:
        """The most frequent tag of each word where it was fitted (unseen words are outside), and the likeliest tag."""
        by_lexicon = [_mended(self.tags.get(word, self.unseen) for word in words) for words in sentences]
        return by_lexicon, _parted(self.labels, self.model.predict(_all_bags(sentences)), sentences)


def fit(sentences: Sequence[Sentence], tags: Sequence[Sentence], labels: tuple[str, ...]) -> Taggers:
    """Fit on sentences with their tags, which are all among the labels."""
    model = naive_bayes.fit(_all_bags(sentences), _label_indices(tags, labels), len(labels), _SMOOTHING)
    return Taggers(labels, _lexicon(sentences, tags), _unseen(labels, tags), model)


def folded(
    sentences: Sequence[Sentence], tags: Sequence[Sentence], labels: tuple[str, ...], folds: Sequence[int]
) -> tuple[list[Tags], list[Tags]]:
    """Tags of each sentence by the lexicon, and by characters, fitted on the sentences of the other folds."""
    each = [fold for words, fold in zip(sentences, folds, strict=True) for _ in words]
    predicted = naive_bayes.folded(_all_bags(sentences), _label_indices(tags, labels), each, len(labels), _SMOOTHING)
    lexicons = {}
    for fold in set(folds):
        others = [at for at, number in enumerate(folds) if number != fold]
        lexicons[fold] = _lexicon([sentences[at] for at in others], [tags[at] for at in others])
    unseen = _unseen(labels, tags)
    by_lexicon = [
        _mended(lexicons[fold].get(word, unseen) for word in words)
        for words, fold in zip(sentences, folds, strict=True)
    ]
    return by_lexicon, _parted(labels, predicted, sentences)


def _lexicon(sentences: Sequence[Sentence], tags: Sequence[Sentence]) -> dict[str, str]:
    """Each word's most frequent tag."""
    counts: dict[str, Counter[str]] = {}
    for words, names in zip(sentences, tags, strict=True):
        for word, name in zip(words, names, strict=True):
            counts.setdefault(word, Counter())[name] += 1
    return {word: commonest(counted) for word, counted in counts.items()}


def _unseen(labels: Sequence[str], tags: Sequence[Sentence]) -> str:
    return OUTSIDE if OUTSIDE in labels else commonest(Counter(name for names in tags for name in names))


def commonest(counts: Counter[str]) -> str:
    """The most frequent name, the first in order of equals; "" if there are none."""
    return min(counts, key=lambda name: (-counts[name], name), default="")


def _label_indices(tags: Sequence[Sentence], labels: tuple[str, ...]) -> list[int]:
    index_of = {label: at for at, label in enumerate(labels)}
    return [index_of[name] for names in tags for name in names]


def _parted(labels: tuple[str, ...], predicted: Sequence[int], sentences: Sequence[Sentence]) -> list[Tags]:
    """The tags of each sentence from the label indices of all words."""
    likeliest = iter(predicted)
    return [_mended(labels[next(likeliest)] for _ in words) for words in sentences]


def words_of(example: Example) -> tuple[str, ...]:
    """The words of a tagged sentence."""
    text = next(iter(example.texts.values()))
    return tuple(text.at(span) for span in text.spans)


def _all_bags(sentences: Sequence[Sentence]) -> list[tuple[str, ...]]:
    """The features of each word: its character n-grams, its shape, and the shapes of its neighbours."""
    bags = []
    for words in sentences:
        shapes = [_EDGE, *map(_shape, words), _EDGE]
        for at, word in enumerate(words):
            bags.append((word, *(chr(_SIGNS + _SHAPES * side + shapes[at + side]) for side in range(3))))
    return bags


def _shape(word: str) -> int:
    first = word[:1]
    if first.isupper():
        return 2 if len(word) > 1 and word.isupper() else 1
    if first.islower():
        return 3
    if first.isalpha():
        return 4
    return 5 if first.isdigit() else 6 if word else 7


def _mended(names: Iterable[str]) -> Tags:
    """Tags whose entities begin with B-: an I- that continues no entity becomes a B-."""
    mended: list[str] = []
    for name in names:
        before = mended[-1][2:] if mended else ""
        mended.append(f"B-{name[2:]}" if name.startswith("I-") and before != name[2:] else name)
    return Tags(tuple(mended))
