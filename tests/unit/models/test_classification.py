"""How the scores of a classifier become a label."""

from __future__ import annotations

import numpy as np
import pytest
from tests.decoding import decoded

from robust_xtreme.core.examples import Choice, Example, Text
from robust_xtreme.models.predictors.heads._heads import classification
from robust_xtreme.models.reading.windows import plain


@pytest.mark.parametrize("best", range(3))
def test_each_class_can_be_the_prediction(best: int) -> None:
    """The class with the highest score is given, the first and the last too."""
    example = Example("a", {"text": Text("a", "en", "x")}, Choice(0), "a")
    scores = np.eye(3, dtype=np.float32)[best]
    assert decoded(classification, example, plain([(0, 2)]), [scores], ("a", "b", "c")) == Choice(best)
