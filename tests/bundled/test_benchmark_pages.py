"""Committed pages of benchmarks are rendered again from the figures beside them."""

from __future__ import annotations

import json
from pathlib import Path

from benchmarks.perturb import page

FOLDER = Path(__file__).parents[2] / "reports" / "benchmarks"


def test_the_page_of_perturbing_is_what_its_figures_say() -> None:
    """reports/benchmarks/perturb.md has the bytes that perturb.json gives."""
    figures = json.loads((FOLDER / "perturb.json").read_text(encoding="utf-8"))
    assert page(figures) == (FOLDER / "perturb.md").read_text(encoding="utf-8")
