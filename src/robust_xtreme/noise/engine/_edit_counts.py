"""The noisy texts of a batch, and the edit counts of each text."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple, final

import numpy as np
import numpy.typing as npt

from robust_xtreme import graphemes
from robust_xtreme.edits import Batch, Edits, Moved, SpanTable, at

Array = npt.NDArray[Any]


@final
@dataclass(frozen=True, slots=True)
class EditCounts:
    """The moved texts, and per text (t,) int64: eligible units, clusters, edited clusters, words, edited words.

    `operators` (t, k) counts the edits by operator.
    """

    moved: Moved
    eligible: Array
    operators: Array
    graphemes: Array
    graphemes_edited: Array
    words: Array
    words_edited: Array


def count(clean: Batch, edits: Edits, moved: Moved, eligible: Array, operators: int) -> EditCounts:
    """The edit counts of one batch after its edits."""
    size = len(clean)
    # owner (e,): the number of the text of each edit. Each count is a bincount over it.
    owner = np.repeat(np.arange(size), np.diff(moved.bounds))
    by_operator = np.bincount(owner * operators + edits.operator, minlength=size * operators)
    edited = np.bincount(owner, weights=edits.graphemes, minlength=size).astype(np.int64)
    words, words_edited = _words(clean, edits, owner)
    clusters = np.diff(clean.bounds) - 1
    return EditCounts(moved, eligible, by_operator.reshape(size, operators), clusters, edited, words, words_edited)


def _words(clean: Batch, edits: Edits, owner: Array) -> tuple[Array, Array]:
    """Words and edited words of each text; a word is a run of clusters without white space."""
    # blank (n,): white space by code point, the separator after each text too. begun (n,): how many words began so far.
    blank = (clean.props & graphemes.SPACE) > 0
    blank[clean.offsets[1:] - 1] = True
    begins = ~blank
    begins[1:] &= blank[:-1]
    begun = np.cumsum(begins, dtype=np.int32)
    words = np.diff(at(begun, clean.offsets[1:] - 1), prepend=0)
    # first, last (e,): the words that an edit touches; a word that the edit before it touched is not counted again.
    first, last = (
        at(begun, edits.start) + at(blank, edits.start),
        at(begun, np.maximum(edits.stop, edits.start + 1) - 1),
    )
    first[1:] = np.maximum(first[1:], last[:-1] + 1)
    hit = np.bincount(owner, weights=np.maximum(last - first + 1, 0), minlength=len(clean))
    return words.astype(np.int64), hit.astype(np.int64)


class Row(NamedTuple):
    """The edit counts of one text, over all links of a chain."""

    eligible: int
    edits: dict[str, int]
    graphemes: int
    graphemes_edited: int
    words: int
    words_edited: int


def total(names: Sequence[Sequence[str]], steps: Sequence[EditCounts]) -> list[Row]:
    """The edit counts of each text over the steps of a chain; `names` are the operators of each step.

    Units, clusters and words are those of the clean text. Edits are summed; edited words are at most all of them.
    """
    clean = steps[0]
    edited = sum((step.graphemes_edited for step in steps), np.zeros_like(clean.graphemes))
    words = np.minimum(sum((step.words_edited for step in steps), np.zeros_like(clean.words)), clean.words)
    counts: list[dict[str, int]] = [{} for _ in clean.eligible]
    for operators, step in zip(names, steps, strict=True):
        for counted, row in zip(counts, step.operators.tolist(), strict=True):
            counted.update({name: counted.get(name, 0) + many for name, many in zip(operators, row, strict=True)})
    columns = (clean.eligible, clean.graphemes, edited, clean.words, words)
    flat = zip(counts, *(column.tolist() for column in columns), strict=True)
    return [
        Row(eligible, counted, clusters, changed, many, hit) for counted, eligible, clusters, changed, many, hit in flat
    ]


def join(parts: Sequence[EditCounts]) -> EditCounts:
    """The edit counts of consecutive batches as those of one batch."""
    if len(parts) == 1:
        return parts[0]
    columns = (
        np.concatenate([getattr(part, name) for part in parts])
        for name in ("eligible", "operators", "graphemes", "graphemes_edited", "words", "words_edited")
    )
    return EditCounts(_moved([part.moved for part in parts]), *columns)


def _moved(parts: Sequence[Moved]) -> Moved:
    texts = np.cumsum([0, *(len(part.values) for part in parts)])[:-1]
    done = np.cumsum([0, *(len(part.moves) for part in parts)])
    bounds = [part.bounds[:-1] + before for part, before in zip(parts, done[:-1], strict=True)]
    return Moved(
        [value for part in parts for value in part.values],
        _spans([part.spans for part in parts], texts),
        np.concatenate([*bounds, done[-1:]]),
        np.concatenate([part.moves for part in parts]),
    )


def _spans(parts: Sequence[SpanTable], before: Array) -> SpanTable:
    text = [part.text + np.int32(first) for part, first in zip(parts, before.tolist(), strict=True)]
    columns = (np.concatenate([getattr(part, name) for part in parts]) for name in ("start", "stop", "frozen"))
    return SpanTable(np.concatenate(text), *columns)
