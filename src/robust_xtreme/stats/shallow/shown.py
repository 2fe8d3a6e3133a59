"""What a shallow predictor answers to: the examples of a split under one condition and noise seed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import final

from robust_xtreme.core.columns import ExampleColumns


@final
@dataclass(frozen=True, slots=True, eq=False)
class ShownExamples:
    """The examples under a condition, parallel to the clean ones; of retrieval the candidates' ids and values, too.

    Pairs with an id in `unscored` are not answers.
    """

    columns: ExampleColumns
    ids: tuple[str, ...] = ()
    values: tuple[str, ...] = ()
    unscored: frozenset[str] = frozenset()


def texts_of(columns: ExampleColumns, name: str) -> list[str | None]:
    """The texts (n) of a field; None where an example does not have it."""
    if columns.noised and name in columns.noised.numbers:
        return columns.noised.values(name)
    clean = columns.clean or columns
    return [example.texts[name].value if name in example.texts else None for example in clean.examples]
