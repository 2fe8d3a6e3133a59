"""A shallow tagger: each word's most frequent tag."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Final

from robust_xtreme.examples import Example, Tags
from robust_xtreme.results.shallow.shown import Shown

OUTSIDE: Final = "O"


def by_lexicon(examples: Sequence[Example], folds: Sequence[int], shown: Sequence[Shown]) -> list[tuple[Tags, ...]]:
    """The most frequent tag of each word in the other folds; a word not seen there is outside, or as most words are."""
    names = Counter(name for example in examples for name in tags_of(example))
    unseen = OUTSIDE if OUTSIDE in names else most_frequent(names)
    lexicons = {fold: _lexicon(examples, folds, fold) for fold in set(folds)}
    return [
        tuple(
            _begun([lexicons[fold].get(word, unseen) for word in _words(example)])
            for example, fold in zip(each.examples, folds, strict=True)
        )
        for each in shown
    ]


def _lexicon(examples: Sequence[Example], folds: Sequence[int], left_out: int) -> dict[str, str]:
    """Each word's most frequent tag in the other folds."""
    counts: dict[str, Counter[str]] = {}
    for example, fold in zip(examples, folds, strict=True):
        if fold != left_out:
            for word, name in zip(_words(example), tags_of(example), strict=True):
                counts.setdefault(word, Counter())[name] += 1
    return {word: most_frequent(counted) for word, counted in counts.items()}


def most_frequent(counts: Counter[str]) -> str:
    """The most frequent name, the first in order of equals; "" if there are none."""
    return min(counts, key=lambda name: (-counts[name], name), default="")


def tags_of(example: Example) -> tuple[str, ...]:
    """The gold tags of a sentence."""
    return example.target.names if isinstance(example.target, Tags) else ()


def _words(example: Example) -> list[str]:
    text = next(iter(example.texts.values()))
    return [text.at(span) for span in text.spans]


def _begun(names: Sequence[str]) -> Tags:
    """Tags whose entities begin with B-: an I- that continues no entity becomes a B-."""
    begun: list[str] = []
    for name in names:
        before = begun[-1][2:] if begun else ""
        begun.append(f"B-{name[2:]}" if name.startswith("I-") and before != name[2:] else name)
    return Tags(tuple(begun))
