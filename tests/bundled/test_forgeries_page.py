"""The table of forgeries, and the page of those that were planted, which agree."""

from __future__ import annotations

from pathlib import Path

from tools.forgeries import kinds, planting

PAGE = Path(__file__).parents[2] / "reports" / "benchmarks" / "forgeries.md"


def test_every_kind_of_the_table_is_planted() -> None:
    """The table names a function of each kind, or a run of its own."""
    assert set(planting.table()) == {*kinds.KINDS, *planting.RUNS}


def test_five_hundred_were_found_or_not_as_the_table_says() -> None:
    """By kind: all or none, without and with the model, each in less than a minute."""
    text = PAGE.read_text(encoding="utf-8")
    cells = [[cell.strip() for cell in line.split("|")[1:-1]] for line in text.splitlines() if line.startswith("| ")]
    rows = {cell[0]: cell for cell in cells if cell[0] in planting.table()}
    assert rows.keys() == planting.table().keys()
    assert sum(int(row[1]) for row in rows.values()) >= 500
    assert "Otherwise than the table says" not in text
    for kind, (without, asked, check) in planting.table().items():
        planted, found, given, proved = map(int, rows[kind][1:5])
        assert found == (planted if without.startswith("found") else 0), kind
        assert proved == (given if asked.startswith("found") else 0), kind
        assert rows[kind][5] == check
        assert float(rows[kind][6]) < 60
