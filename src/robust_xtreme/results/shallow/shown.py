"""What a shallow predictor answers to: the examples of a split under one condition and noise seed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import final

from robust_xtreme.examples import Example


@final
@dataclass(frozen=True, slots=True)
class Shown:
    """The examples under a condition, parallel to the clean ones; of retrieval the candidates' ids and values, too.

    Pairs with an id in `unscored` are not answers.
    """

    examples: Sequence[Example]
    ids: tuple[str, ...] = ()
    values: tuple[str, ...] = ()
    unscored: frozenset[str] = frozenset()
