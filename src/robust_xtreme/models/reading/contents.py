"""What a model reads of many inputs, as columns of values, spans and gold answers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import final

from robust_xtreme.core.edits import SpanTable, span_table
from robust_xtreme.core.examples import Answers, Example
from robust_xtreme.core.target_columns import Ranges, column_of
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
