"""The manual and the pictures of the README are what the program and the committed figures give."""

from __future__ import annotations

from pathlib import Path

import pytest
from tools.reference import PAGES

DOCS = Path(__file__).parents[2] / "docs"


@pytest.mark.parametrize("name", PAGES)
def test_a_generated_page_is_what_the_program_gives(name: str) -> None:
    """Options, frames, exit codes and the list of decisions are those of the code."""
    assert PAGES[name]() == (DOCS / name).read_text("utf-8"), f"docs/{name} is stale. Run: make generated"


@pytest.mark.parametrize("name", ["degradation", "languages"])
def test_a_picture_is_what_its_figures_give(name: str) -> None:
    """A picture has the bytes that reports/mini and the packs give with the release of matplotlib that drew it."""
    matplotlib = pytest.importorskip("matplotlib")
    drawn = (DOCS / "figures" / f"{name}.svg").read_text("utf-8")
    if f"Matplotlib v{matplotlib.__version__}" not in drawn:
        pytest.skip("another release of matplotlib than the one that drew the figure")
    from tools.front_page import svg

    assert svg(name) == drawn, f"docs/figures/{name}.svg is stale. Run: make generated"
