"""How a perturbation asks the model: about texts that would be in the place of those at hand."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol

import numpy.typing as npt

from robust_xtreme.edits import SpanTable


class Ask(Protocol):
    """The model that a condition may ask; it answers a whole batch of texts at once."""

    def __call__(self, ids: Sequence[str], values: Sequence[str], spans: SpanTable, /) -> npt.NDArray[Any]:
        """Scores (n,), float64 from 0 to 1: how right the model is where the text `ids[i]` reads `values[i]`.

        `spans` are the spans of the n values, in the order of those of the texts. A score is that of the task's first
        metric, and the mean over the examples that share the text.
        """
        ...
