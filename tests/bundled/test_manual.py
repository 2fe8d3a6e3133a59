"""The generated pages of the manual are what the program gives."""

from __future__ import annotations

from pathlib import Path

import pytest
from tools.reference import PAGES

DOCS = Path(__file__).parents[2] / "docs"


@pytest.mark.parametrize("name", PAGES)
def test_a_generated_page_is_what_the_program_gives(name: str) -> None:
    """Options, frames, exit codes and the list of decisions are those of the code."""
    assert PAGES[name]() == (DOCS / name).read_text("utf-8"), f"docs/{name} is stale. Run: make generated"
