"""Inputs: what a predictor answers, as columns; each distinct content is encoded once."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import final

import numpy as np

from robust_xtreme.core.columns import Array, Ranges, column_of, gathered
from robust_xtreme.core.edits import SpanTable, span_table
from robust_xtreme.core.examples import Answers, Example
from robust_xtreme.models.reading.tokens import Lexicon
from robust_xtreme.models.reading.windows import Windows, of_examples
from robust_xtreme.noise.engine.traces import Traces


@final
@dataclass(frozen=True, slots=True, eq=False)
class Contents:
    """What is read of n inputs.

    `ids` (n) name them in errors. `values` has the texts (n) of each field, in the order of the fields; None where an
    input does not have it. `spans` are the spans of each field's texts: words, or gold answers. `golds` are the gold
    answers of span QA, positions in the field `context`; None in other tasks. `moved` says how the contexts came from
    those that were given, where a normaliser changed them.
    """

    ids: Sequence[str]
    values: Mapping[str, Sequence[str | None]]
    spans: Mapping[str, SpanTable]
    golds: Ranges | None = None
    moved: Traces | None = None

    def __len__(self) -> int:
        return len(self.ids)


def contents_of(examples: Sequence[Example]) -> Contents:
    """The contents of examples, in order."""
    names = dict.fromkeys(name for example in examples for name in example.texts)
    rows = {name: [example.texts.get(name) for example in examples] for name in names}
    values = {name: [None if text is None else text.value for text in row] for name, row in rows.items()}
    spans = {name: span_table([() if text is None else text.spans for text in row]) for name, row in rows.items()}
    return Contents([example.id for example in examples], values, spans, _golds(examples))


def _golds(examples: Sequence[Example]) -> Ranges | None:
    """The gold answers where every target is one of span QA."""
    targets = [example.target for example in examples]
    if not targets or not all(isinstance(target, Answers) for target in targets):
        return None
    golds = column_of(targets)
    return golds if isinstance(golds, Ranges) else None


@final
@dataclass(frozen=True, slots=True)
class Candidates:
    """The candidates that a search answers from under one condition: their ids, and their values in the same order.

    Pairs with an id in `unscored` are not answers; `queries` are the ids of the queries' texts, in order. `tuning` has
    the examples and the pool of validation data under the same condition, on which the threshold of a task is tuned;
    None for a task without one.
    """

    ids: tuple[str, ...]
    values: tuple[str, ...]
    unscored: frozenset[str] = frozenset()
    queries: tuple[str, ...] = ()
    tuning: tuple[tuple[Example, ...], Candidates] | None = None


@final
@dataclass(frozen=True, slots=True, eq=False)
class Inputs:
    """The n distinct inputs of a model, which read m distinct contents.

    `windows` are those of the contents, in order. `lost` (m,) bool: no window contains the gold answer. The columns of
    inputs (n,): `content`, the number of what is read; `group`: inputs of different groups are not in one batch;
    `pool`: in a search, the number of the candidates in `pools`, else -1. Inputs of one pool are consecutive, one for
    each example of a condition, in order. `lexicon` has the texts that were tokenised for the windows.
    """

    contents: Contents
    windows: Windows
    lost: Array
    content: Array
    group: Array
    pool: Array
    pools: tuple[Candidates, ...] = ()
    lexicon: Lexicon | None = None

    def __len__(self) -> int:
        return len(self.content)

    def take(self, indices: Array) -> Inputs:
        """Some of the inputs (k,), in that order."""
        return replace(self, content=self.content[indices], group=self.group[indices], pool=self.pool[indices])

    def rows(self) -> tuple[Array, Array]:
        """The rows of each input's windows, one input after the other, and the bounds of the inputs there (n + 1,)."""
        return gathered(of_examples(self.windows, len(self.contents)), self.content)

    def values(self, name: str) -> list[str]:
        """The text that each input (n,) has in a field."""
        values = self.contents.values[name]
        return [values[content] or "" for content in self.content.tolist()]


def inputs_of(contents: Contents, windows: Windows, lost: Array | None = None) -> Inputs:
    """An input for each content, without group and pool; nothing is lost where `lost` is None."""
    count = len(contents)
    none, nothing = np.full(count, -1), np.zeros(count, np.int64)
    truncated = np.zeros(count, np.bool_) if lost is None else lost
    return Inputs(contents, windows, truncated, np.arange(count), nothing, none)
