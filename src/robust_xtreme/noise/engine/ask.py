"""How a perturbation queries the model: with texts that replace the clean ones."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol

import numpy.typing as npt

from robust_xtreme.edits import SpanTable


class Ask(Protocol):
    """The model that a condition may query, for a batch of texts at once."""

    def __call__(self, ids: Sequence[str], values: Sequence[str], spans: SpanTable, /) -> npt.NDArray[Any]:
        """Scores (n,), float64 from 0 to 1, of the model's answers when the text `ids[i]` is replaced by `values[i]`.

        `spans` are the spans of the n values, in the order of those of the texts. A score is that of the task's first
        metric, averaged over the examples that share the text.
        """
        ...
