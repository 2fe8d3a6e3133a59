"""docs/scripts.md names every scheme, pack and perturbation of its subject, and the release files give its figures."""

from __future__ import annotations

from pathlib import Path

import pytest
from tools.scripts_page import packs_table, page, schemes_table

from robust_xtreme.api import noised_strings
from robust_xtreme.core import packs
from robust_xtreme.core.specs import PerturbationSpec
from robust_xtreme.noise.members.scripts import schemes
from robust_xtreme.noise.scripts.table import KIND
from robust_xtreme.report.blocks import text_of
from robust_xtreme.report.renderers import markdown

_PAGE = Path(__file__).parents[2] / "docs" / "scripts.md"


def test_the_page_has_every_scheme_and_every_pack() -> None:
    """The tables of the committed page are those of the schemes and packs; `make generated` writes it again."""
    written = _PAGE.read_text(encoding="utf-8")
    for table in (schemes_table(), packs_table()):
        assert markdown.table(table) in written, "docs/scripts.md is stale. Run: make generated"
    assert [text_of(row[0]) for row in schemes_table().rows] == list(schemes())
    assert [text_of(row[0]) for row in packs_table().rows] == list(packs.bundled(KIND))


@pytest.mark.parametrize(("code", "text"), [("el", "ο 28χρονος φίλος"), ("hi", "वह 60वाँ दिन है")])
def test_a_word_that_is_joined_to_digits_stays(code: str, text: str) -> None:
    """As the page says, it is not respelt, and the words beside it are."""
    noised = noised_strings([text], PerturbationSpec.parse("transliterate:1"), code, 0)[0].text.value.split()
    assert noised[1] == text.split()[1]
    assert noised[0].isascii()
    assert noised[2].isascii()


@pytest.mark.long
@pytest.mark.real
def test_the_page_has_the_figures_of_the_release_files(data: Path) -> None:
    """What the way back loses is measured again."""
    assert page(data) == _PAGE.read_text(encoding="utf-8"), "docs/scripts.md is stale. Run: make generated"
