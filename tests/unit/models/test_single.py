"""A family that decodes one example at a time is decoded as others are."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from tests.tiny import question_example, tagged_example

from robust_xtreme.core.errors import NotFinite
from robust_xtreme.core.examples import Choice, Example, Target
from robust_xtreme.models.reading.reading import contents_of, example_of, joined, one_by_one, unreduced
from robust_xtreme.models.reading.windows import plain


def _longest(example: Example, windows: Sequence[Any], scores: Sequence[Any], labels: tuple[str, ...]) -> Target:
    if np.isnan(scores[0]).any():
        raise NotFinite("not a number")
    return Choice(100 * len(example.texts["tokens"].spans) + len(windows) + labels.index("b") + int(scores[-1].sum()))


def test_each_example_is_decoded_with_its_windows_and_scores() -> None:
    """An input gets its content, its windows and their scores; one whose scores are not numbers has no prediction."""
    examples = [tagged_example(str(n), ["w"] * (n + 1), ["O"] * (n + 1)) for n in range(3)]
    first, other = plain([(1, 2), (3,)]), plain([(4,), (5,)])
    scores = np.array([[1.0, 2.0], [4.0, 6.0]]), np.array([[np.nan, 0.0], [9.0, 9.0]])
    reduced = joined([unreduced(first, scores[0], ("a", "b")), unreduced(other, scores[1], ("a", "b"))])
    content, bounds = np.array([2, 0, 1]), np.array([0, 2, 3, 4])
    decoded = one_by_one(_longest)(contents_of(examples), content, bounds, reduced, ("a", "b"))
    assert decoded.finite.tolist() == [True, False, True]
    assert (decoded.targets[0], decoded.targets[2]) == (Choice(300 + 2 + 1 + 10), Choice(200 + 1 + 1 + 18))


def test_what_is_read_is_an_example_without_its_gold() -> None:
    """Values and the bounds of spans are those of the fields, of which some may be missing."""
    examples = [question_example("q", "who?", "Ana sees Bo", "Bo"), tagged_example("t", ["a", "b"], ["O", "O"])]
    made = example_of(contents_of(examples), 1)
    assert list(made.texts) == ["tokens"]
    assert made.texts["tokens"].value == "a b"
    assert [(span.start, span.stop) for span in made.texts["tokens"].spans] == [(0, 1), (2, 3)]
    assert made.target == Choice(-1)
