"""F1 of chunks of tags, by the rule of seqeval 0.0.12, which XTREME's scorer was published with.

Later versions of seqeval cut the first letter off tags without a prefix, so that CCONJ equals SCONJ. Here the rule of
0.0.12 is reimplemented and frozen: a tag's prefix is its first character, its type the part after its last hyphen.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import pairwise
from typing import Final

from robust_xtreme.examples import Scored
from robust_xtreme.metric import ALL, NOISED_GOLD, UNTOUCHED, Array, Metric
from robust_xtreme.metrics._words import changed_words, tag_pairs

Chunk = tuple[str, int, int]
"""The type of a chunk, its first word, and the word after its last one."""

_OUTSIDE: Final = ("O", "O")
_NO_CHUNK: Final = frozenset("O.")
_ENDS: Final = frozenset(("BB", "BS", "BO", "IB", "IS", "IO"))
_STARTS: Final = frozenset(("EE", "EI", "SE", "SI", "OE", "OI"))


def chunks(tags: Sequence[str]) -> tuple[Chunk, ...]:
    """The chunks of one sentence, in order; runs of a type without a prefix are one chunk."""
    return tuple(_chunks([_OUTSIDE, *((tag[:1], tag.rpartition("-")[2]) for tag in tags), _OUTSIDE]))


def _chunks(tags: Sequence[tuple[str, str]]) -> Iterator[Chunk]:
    start = 0
    for index, (before, here) in enumerate(pairwise(tags)):
        if _ends(before, here):
            yield before[1], start, index
        if _starts(before, here):
            start = index


def _ends(before: tuple[str, str], here: tuple[str, str]) -> bool:
    """Whether the chunk that `before` belongs to ends between the two tags."""
    return (
        before[0] in ("E", "S") or before[0] + here[0] in _ENDS or (before[0] not in _NO_CHUNK and before[1] != here[1])
    )


def _starts(before: tuple[str, str], here: tuple[str, str]) -> bool:
    """Whether a chunk starts with `here`."""
    return (
        here[0] in ("B", "S") or before[0] + here[0] in _STARTS or (here[0] not in _NO_CHUNK and before[1] != here[1])
    )


def counts(gold: Sequence[str], predicted: Sequence[str]) -> tuple[float, float, float]:
    """True positives, false positives and false negatives of one sentence's tags."""
    return _compare(set(chunks(gold)), set(chunks(predicted)), lambda _: True)


def _compare(gold: set[Chunk], predicted: set[Chunk], counted: Callable[[Chunk], bool]) -> tuple[float, float, float]:
    parts = (gold & predicted, predicted - gold, gold - predicted)
    hits, false, missed = (float(sum(map(counted, part))) for part in parts)
    return hits, false, missed


def _stats(scored: Scored) -> Mapping[str, tuple[float, ...]]:
    gold, predicted = (set(chunks(tags)) for tags in tag_pairs(scored))
    changed = changed_words(scored)
    scopes = {
        ALL: _compare(gold, predicted, lambda _: True),
        NOISED_GOLD: _compare(gold, predicted, lambda chunk: any(changed[chunk[1] : chunk[2]])),
        UNTOUCHED: _compare(gold, predicted, lambda chunk: not any(changed[chunk[1] : chunk[2]])),
    }
    return {scope: sums for scope, sums in scopes.items() if scope == ALL or any(sums)}


def reduce(sums: Array) -> Array:
    """F1 of (true positives, false positives, false negatives), 0 to 100; 0 where there is no chunk at all."""
    hits = 2.0 * sums[..., 0]
    total = hits + sums[..., 1] + sums[..., 2]
    return 100.0 * hits / (total + (total == 0))


span_f1 = Metric(
    name="span_f1",
    summary="F1 of named entities, or of runs of equal tags: boundaries and type must be right.",
    columns=("tp", "fp", "fn"),
    stats=_stats,
    reduce=reduce,
    cite="XTREME, evaluate.py: f1, with seqeval 0.0.12",
)
