"""Committed pages of benchmarks are rendered again from the figures beside them."""

from __future__ import annotations

import json
from pathlib import Path

from benchmarks import _perturb_page, search

FOLDER = Path(__file__).parents[2] / "reports" / "benchmarks"


def test_the_page_of_perturbing_is_what_its_figures_say() -> None:
    """reports/benchmarks/perturb.md has the bytes that perturb.json gives."""
    figures = json.loads((FOLDER / "perturb.json").read_text(encoding="utf-8"))
    assert _perturb_page.page(figures) == (FOLDER / "perturb.md").read_text(encoding="utf-8")


def test_the_page_of_searching_is_what_its_figures_say() -> None:
    """reports/benchmarks/search.md has the bytes that search.json gives."""
    figures = json.loads((FOLDER / "search.json").read_text(encoding="utf-8"))
    assert search.page(figures) == (FOLDER / "search.md").read_text(encoding="utf-8")
