"""The table of forgeries names those that are planted."""

from __future__ import annotations

from tools.forgeries import kinds, planting


def test_every_kind_of_the_table_is_planted() -> None:
    """The table names a function of each kind, or a run of its own."""
    assert set(planting.table()) == {*kinds.KINDS, *planting.RUNS}
