"""F1 of chunks of tags, by the rule of seqeval 0.0.12, which XTREME's scorer was published with.

Later versions of seqeval cut the first letter off tags without a prefix, so that CCONJ equals SCONJ. Here the rule of
0.0.12 is reimplemented and frozen: a tag's prefix is its first character, its type the part after its last hyphen.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final, final

import numpy as np

from robust_xtreme.core.columns import ExampleColumns, Names, once, owners
from robust_xtreme.core.metric import Array, Metric, Responses, Sums, by_scope, each
from robust_xtreme.tasks.metrics._names import codes, known_codes
from robust_xtreme.tasks.metrics._words import changed_words, tag_pairs

_OUTSIDE: Final = "O"
_PREFIXES: Final = ("B", "I", "E", "S", "O", ".", "")
"""The prefixes that the rule names, and any other."""

_IN_CHUNK: Final = np.array([prefix not in ("O", ".") for prefix in _PREFIXES])
_END_PAIRS: Final = frozenset(("BB", "BS", "BO", "IB", "IS", "IO"))
_START_PAIRS: Final = frozenset(("EE", "EI", "SE", "SI", "OE", "OI"))
_ENDS: Final = np.array([[a in ("E", "S") or a + b in _END_PAIRS for b in _PREFIXES] for a in _PREFIXES])
_STARTS: Final = np.array([[b in ("B", "S") or a + b in _START_PAIRS for b in _PREFIXES] for a in _PREFIXES])
"""Whether a chunk ends or starts between tags with two prefixes, whatever their types (7, 7)."""


@final
@dataclass(frozen=True, slots=True, eq=False)
class Chunks:
    """The chunks of sentences; runs of a type without a prefix are one chunk.

    Positions are those of the words of all sentences, with one more after each sentence. Where `ends` (p,) is true, a
    chunk of type number `kind` (p,) ends before that position, and `start` (p,) is the position of its first word.
    """

    ends: Array
    start: Array
    kind: Array


def chunks(clean: ExampleColumns, tags: Names) -> Chunks:
    """The chunks of each sentence's tags."""
    known = known_codes(clean)
    here = np.full(len(tags.codes) + len(tags), known.setdefault(_OUTSIDE, len(known)))
    here[_positions(tags.bounds)] = codes(clean, tags)
    before = np.concatenate((here[-1:], here[:-1]))  # a sentence, and so all of them, ends outside
    prefix, kind = _parts(known)
    unlike = kind[before] != kind[here]
    ends = _ENDS[prefix[before], prefix[here]] | (_IN_CHUNK[prefix[before]] & unlike)
    starts = _STARTS[prefix[before], prefix[here]] | (_IN_CHUNK[prefix[here]] & unlike)
    latest = np.maximum.accumulate(np.where(starts, np.arange(len(here)), 0))
    first = np.repeat(begins(tags.bounds), np.diff(tags.bounds) + 1)
    return Chunks(ends, np.maximum(np.concatenate(([0], latest[:-1])), first), kind[before])


def begins(bounds: Array) -> Array:
    """The position of the first word of each sentence (n,), or after it where it has none."""
    return bounds[:-1] + np.arange(len(bounds) - 1)


def _positions(bounds: Array) -> Array:
    """The positions of the words (t,)."""
    return np.arange(bounds[-1]) + owners(bounds)


def _parts(tags: Iterable[str]) -> tuple[Array, Array]:
    """The prefix and the type of each tag, as numbers."""
    kinds: dict[str, int] = {}
    kind = [kinds.setdefault(tag.rpartition("-")[2], len(kinds)) for tag in tags]
    prefix = [_PREFIXES.index(tag[:1] if tag[:1] in _PREFIXES else "") for tag in tags]
    return np.array(prefix), np.array(kind)


def _sums(responses: Responses) -> Sums:
    tags, answers = tag_pairs(responses)
    gold, predicted, bounds = once(responses.clean, chunks, tags), chunks(responses.clean, answers), tags.bounds
    changed = np.zeros(len(gold.ends) + 1, np.int64)
    changed[_positions(bounds) + 1] = changed_words(responses)
    before = np.cumsum(changed)  # the changed words before each position

    def counted(part: Array, start: Array) -> Array:
        """How many chunks each sentence has (n, 2): all, and those with a changed word."""
        noised = part & (before[:-1] > before[start])
        return np.add.reduceat(np.stack((part, noised), axis=1).astype(np.int64), begins(bounds))

    same = gold.ends & predicted.ends & (gold.start == predicted.start) & (gold.kind == predicted.kind)
    hits = counted(same, gold.start)
    false, missed = (counted(each.ends, each.start) - hits for each in (predicted, gold))
    every, noised = np.stack((hits, false, missed), axis=1).transpose(2, 0, 1)
    kept = every - noised
    return by_scope((np.ones(len(every), np.bool_), every), (noised.any(1), noised), (kept.any(1), kept))


def reduce(sums: Array) -> Array:
    """F1 of (true positives, false positives, false negatives), 0 to 100; 0 where there is no chunk at all."""
    hits = 2.0 * sums[..., 0]
    total = hits + sums[..., 1] + sums[..., 2]
    return 100.0 * hits / (total + (total == 0))


span_f1 = Metric(
    name="span_f1",
    summary="F1 of named entities, or of runs of equal tags: boundaries and type must be right.",
    columns=("tp", "fp", "fn"),
    stats=each(_sums),
    reduce=reduce,
    cite="XTREME, evaluate.py: f1, with seqeval 0.0.12",
    sums=_sums,
    empty=True,
)
