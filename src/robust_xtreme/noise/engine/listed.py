"""Makes edits that a run lists, as those of its attacks: what they make of a text is known without a model."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import numpy as np

from robust_xtreme.core.examples import Example, Text
from robust_xtreme.noise.engine.options import EditOptions, applied
from robust_xtreme.noise.engine.perturbed import PerturbedExamples

Listed = tuple[str, int, int, str, str, int]
"""Field, start, stop, value, operator and changed graphemes of an edit."""


def with_edits(
    examples: Sequence[Example], fields: Sequence[str], edits: Sequence[Sequence[Listed]]
) -> PerturbedExamples:
    """Examples with the listed edits made in some of their fields; a text that several have is a copy for each."""
    texts: list[Text] = []
    picked: list[list[Listed]] = []
    numbers = {name: np.full(len(examples), -1) for name in fields}
    for at, (example, several) in enumerate(zip(examples, edits, strict=True)):
        for name in (name for name in fields if name in example.texts):
            numbers[name][at] = len(texts)
            texts.append(example.texts[name])
            picked.append([edit for edit in several if edit[0] == name])
    bounds = np.cumsum([0, *map(len, picked)]).tolist()
    chosen = [range(low, high) for low, high in pairwise(bounds)]
    return PerturbedExamples(examples, applied(texts, _table(picked), np.arange(len(texts)), chosen), numbers)


def _table(picked: Sequence[Sequence[Listed]]) -> EditOptions:
    """The edits of several texts as a table, in which units and clusters are not counted."""
    flat = [edit for several in picked for edit in several]
    operators = tuple(dict.fromkeys(edit[4] for edit in flat))
    columns = {
        "start": [edit[1] for edit in flat],
        "stop": [edit[2] for edit in flat],
        "operator": [operators.index(edit[4]) for edit in flat],
        "graphemes": [edit[5] for edit in flat],
    }
    none, uncounted = np.zeros(len(flat), np.int64), np.zeros(len(picked), np.int64)
    return EditOptions(
        text=np.repeat(np.arange(len(picked)), [len(several) for several in picked]),
        unit=none,
        reach=none,
        values=[edit[3] for edit in flat],
        operators=operators,
        units=uncounted,
        clusters=uncounted,
        **{name: np.array(values, np.int64) for name, values in columns.items()},
    )
