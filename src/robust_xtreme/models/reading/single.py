"""A family that decodes one example at a time, as one of another package may: its functions as those of a Reading."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import pairwise

import numpy as np

from robust_xtreme.core.errors import NotFinite
from robust_xtreme.core.examples import UNLABELLED, Example, Span, Target, Text
from robust_xtreme.core.target_columns import column_of
from robust_xtreme.models.reading.contents import Contents
from robust_xtreme.models.reading.scores import Array, Decoded, Labels, Reduced
from robust_xtreme.models.reading.windows import Window, Windows

DecodeOne = Callable[[Example, Sequence[Window], Sequence[Array], Labels], Target]
"""The prediction for an example from its windows and one row of scores per window. Raises NotFinite."""


def unreduced(windows: Windows, scores: Array, labels: Labels) -> Reduced:
    """All scores of each window, as a Reading's `reduce`."""
    values = np.empty(len(windows), object)
    values[:] = list(zip(windows, scores, strict=True))
    return Reduced(values, np.ones(len(windows), np.int64), np.ones(len(windows), np.bool_))


def one_by_one(decode: DecodeOne) -> Callable[[Contents, Array, Array, Reduced, Labels], Decoded]:
    """A Reading's `decode`, for scores that are `unreduced`: it decodes one example at a time.

    The example has the id, values and spans of what was read, and no target.
    """

    def decode_all(contents: Contents, content: Array, bounds: Array, reduced: Reduced, labels: Labels) -> Decoded:
        targets: list[Target | None] = []
        for number, (low, high) in zip(content.tolist(), pairwise(bounds.tolist()), strict=True):
            windows, scores = zip(*reduced.values[low:high], strict=True)
            try:
                targets.append(decode(example_of(contents, number), windows, scores, labels))
            except NotFinite:
                targets.append(None)
        some = next((target for target in targets if target is not None), UNLABELLED)
        finite = np.array([target is not None for target in targets], np.bool_)
        return Decoded(column_of([some if target is None else target for target in targets]), finite)

    return decode_all


def example_of(contents: Contents, number: int) -> Example:
    """One of the contents as an example without a target."""
    texts = {}
    for name, values in contents.values.items():
        value, table = values[number], contents.spans[name].of(number, number + 1)
        spans = tuple(Span(*ends) for ends in zip(table.start.tolist(), table.stop.tolist(), strict=True))
        if value is not None:
            texts[name] = Text(f"{contents.ids[number]}/{name}", "", value, spans)
    return Example(contents.ids[number], texts, UNLABELLED, contents.ids[number])
