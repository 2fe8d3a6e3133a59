"""The page and the terminal tables of a small run, as they are printed."""

from __future__ import annotations

import io
from collections.abc import Callable

import pytest
from rich.console import Console
from tests.synthetic_run import averages, run

from robust_xtreme.report.document import page, show
from robust_xtreme.report.view import Results

Check = Callable[[str, str], None]


def test_the_page_of_a_small_run(golden: Check) -> None:
    """report.md shows what was run, clean levels, averages by name, every cell, what was not computed, and a legend."""
    golden("pages/report.md", page(*run(), averages(*run())))


@pytest.mark.parametrize("width", [80, 180])
def test_the_tables_on_a_terminal(golden: Check, width: int) -> None:
    """A narrow terminal gets the columns that matter most, a wide one all of them; no value is cut off."""
    text = io.StringIO()
    show(Console(file=text, width=width, color_system=None), Results(*run(), averages(*run())))
    assert "…" not in text.getvalue()
    golden(f"pages/terminal-{width}.txt", "".join(f"{line.rstrip()}\n" for line in text.getvalue().splitlines()))
