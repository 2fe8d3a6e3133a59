"""Columns of targets read as the targets that they were made of."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest

from robust_xtreme.core.columns import chained, column_of, written
from robust_xtreme.core.examples import Answers, Choice, Document, Span, Tags, Target, target_json

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


def test_columns_are_written_as_their_targets() -> None:
    """JSON of a whole column is that of each target, letters beyond ASCII and quotes in names included."""
    for targets in (*KINDS, (Tags(('"ß', "\ud800\n")), Tags(("O",)))):
        assert written(column_of(targets)) == [target_json(target) for target in targets]


@pytest.mark.parametrize("targets", KINDS[:-1])
def test_some_of_a_column_in_another_order(targets: Sequence[Target]) -> None:
    """Examples can be taken in any order, repeated or left out."""
    order = np.array([2, 0, 2, 1])
    taken = column_of(targets).take(order)
    assert [taken[index] for index in range(4)] == [targets[index] for index in order]
    assert len(column_of(targets).take(order[:0])) == 0


def test_targets_of_two_kinds_have_no_column() -> None:
    """A column has targets of one kind."""
    with pytest.raises(TypeError, match="Tags"):
        column_of([Choice(1), Tags(("O",))])


@pytest.mark.parametrize("targets", KINDS[:-1])
def test_columns_of_one_kind_are_chained(targets: Sequence[Target]) -> None:
    """Columns with names of their own, and empty ones, are one column."""
    whole = chained([column_of(targets[:0]), column_of(targets[1:]), column_of(targets), column_of(targets[:1])])
    assert [whole[index] for index in range(len(whole))] == [*targets[1:], *targets, *targets[:1]]
    assert len(chained([column_of(targets[:0])])) == 0


def test_columns_of_two_kinds_have_no_common_column() -> None:
    """Tags and documents are both names, and are not mixed."""
    for first, other in ((Choice(0), Tags(("O",))), (Tags(("O",)), Document(("O",)))):
        with pytest.raises(TypeError, match="several kinds"):
            chained([column_of([first]), column_of([other])])
