"""Committed pages of benchmarks/train.py are rendered again from the figures beside them."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from benchmarks.train import page

FIGURES = sorted((Path(__file__).parents[2] / "reports" / "benchmarks").glob("train-*.json"))


@pytest.mark.parametrize("path", FIGURES, ids=lambda path: path.stem)
def test_the_page_is_that_of_its_figures(path: Path) -> None:
    """reports/benchmarks/train-DEVICE.md has the bytes that the figures give."""
    assert page(json.loads(path.read_text(encoding="utf-8"))) == path.with_suffix(".md").read_text(encoding="utf-8")
