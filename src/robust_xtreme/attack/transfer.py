"""The texts that an attack on another model left, made again from its edits."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from robust_xtreme.edits import Array
from robust_xtreme.examples import Example, Text
from robust_xtreme.external.frozen import Edit, Frozen
from robust_xtreme.noise.engine.options import Options, applied
from robust_xtreme.noise.engine.perturbed import PerturbedExamples


def transferred(examples: Sequence[Example], frozen: Frozen, seed: int) -> PerturbedExamples:
    """Examples with the texts of a frozen set. Raises Mismatch where it has none of an example, or of other content."""
    texts: list[Text] = []
    several: list[Sequence[Edit]] = []
    numbers = {name: np.full(len(examples), -1) for name in frozen.fields}
    for row, example in enumerate(examples):
        edits = frozen.of(example, seed)
        for name in frozen.fields:
            if name in example.texts:
                numbers[name][row] = len(texts)
                texts.append(example.texts[name])
                several.append([edit for edit in edits if edit.field == name])
    sizes = np.array([len(edits) for edits in several], np.int64)
    picked = [each.tolist() for each in np.split(np.arange(sizes.sum()), np.cumsum(sizes)[:-1])]
    owner = np.repeat(np.arange(len(texts)), sizes)
    options = _options([edit for edits in several for edit in edits], owner, len(texts))
    return PerturbedExamples(examples, applied(texts, options, np.arange(len(texts)), picked), numbers)


def _options(edits: Sequence[Edit], text: Array, texts: int) -> Options:
    """The edits as possible ones, each of a unit of its text; of the texts nothing else is known."""
    operators = tuple(dict.fromkeys(edit.operator for edit in edits))
    start, stop, graphemes = (
        np.array([getattr(edit, name) for edit in edits], np.int64) for name in ("start", "stop", "graphemes")
    )
    operator = np.array([operators.index(edit.operator) for edit in edits], np.int64)
    reach, none = np.ones(len(edits), np.int64), np.zeros(texts, np.int64)
    values = [edit.value for edit in edits]
    return Options(text, np.arange(len(edits)), reach, start, stop, operator, graphemes, values, operators, none, none)
