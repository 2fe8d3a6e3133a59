"""Columns of targets read as the targets that they were made of."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest

from robust_xtreme.examples import Answers, Choice, Document, Span, Tags, Target
from robust_xtreme.target_columns import column_of

KINDS: Sequence[Sequence[Target]] = (
    (Choice(2), Choice(0), Choice(-1)),
    (Tags(("O", "B-PER")), Tags(()), Tags(("B-PER", "B-PER", "O"))),
    (Document(("b",)), Document(("a", "b")), Document(())),
    (Answers((Span(1, 4), Span(0, 9))), Answers(()), Answers((Span(3, 3),))),
    (),
)


@pytest.mark.parametrize("targets", KINDS)
def test_a_column_reads_as_its_targets(targets: Sequence[Target]) -> None:
    """A column is read like the sequence it was made of."""
    column = column_of(targets)
    assert [column[index] for index in range(len(column))] == list(targets)


@pytest.mark.parametrize("targets", KINDS[:-1])
def test_some_of_a_column_in_another_order(targets: Sequence[Target]) -> None:
    """Examples can be taken in any order, repeated or left out."""
    order = np.array([2, 0, 2, 1])
    taken = column_of(targets).take(order)
    assert [taken[index] for index in range(4)] == [targets[index] for index in order]
    assert len(column_of(targets).take(order[:0])) == 0


def test_targets_of_two_kinds_have_no_column() -> None:
    """A column has targets of one kind."""
    with pytest.raises(TypeError, match="expected Choice, found Tags"):
        column_of([Choice(1), Tags(("O",))])
