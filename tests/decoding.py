"""One example at a time through the functions of a family that read many at once."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from robust_xtreme.core.errors import NotFinite
from robust_xtreme.core.examples import Example, Target
from robust_xtreme.models.loading import Checkpoint
from robust_xtreme.models.predictors.family import Family
from robust_xtreme.models.reading.reading import Decoded, Inputs, contents_of, inputs_of, joined
from robust_xtreme.models.reading.windows import Windows


def decoded(
    family: Family, example: Example, windows: Windows, scores: Sequence[Any], labels: Sequence[str] = ()
) -> Target:
    """The prediction for an example from the scores of each of its windows. Raises NotFinite."""
    reading, names = family.reading, tuple(labels)
    several = [reading.reduce(windows.take([row]), np.asarray(score)[None], names) for row, score in enumerate(scores)]
    bounds = np.array([0, len(windows)])
    answer = reading.decode(contents_of([example]), np.zeros(1, np.int64), bounds, joined(several), names)
    if not answer.finite.all():
        raise NotFinite("these scores are not numbers")
    return answer.targets[0]


def is_lost(family: Family, example: Example, windows: Windows) -> bool:
    """Whether no window contains the example's gold answer."""
    assert family.reading.lost
    return bool(family.reading.lost(contents_of([example]), windows)[0])


def answers_of(decoded_inputs: Decoded) -> list[Target | None]:
    """The predictions, None where the scores are not finite."""
    flags = decoded_inputs.finite.tolist()
    return [decoded_inputs.targets[index] if finite else None for index, finite in enumerate(flags)]


def inputs_for(checkpoint: Checkpoint, examples: Sequence[Example], max_length: int, stride: int) -> Inputs:
    """Examples as the inputs of a loaded model."""
    windows = checkpoint.family.encode(examples, checkpoint.tokenizer, max_length, stride)
    return inputs_of(contents_of(examples), windows)
