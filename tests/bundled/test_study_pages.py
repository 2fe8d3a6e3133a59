"""The committed pages of studies: made of their frames, by the file that ships, in cells that can rise and fall."""

from __future__ import annotations

from pathlib import Path
from typing import Final

import polars as pl
import pytest

from robust_xtreme.core import registry
from robust_xtreme.core.shipped import shipped
from robust_xtreme.studies.claims import FEWEST_SEEDS, contrasts
from robust_xtreme.studies.design import CONTRASTS
from robust_xtreme.studies.folder import in_range, pages, read
from robust_xtreme.studies.study_file import STUDIES
from robust_xtreme.studies.study_file import read as read_study

ROOT: Final = Path(__file__).parents[2] / "reports" / "studies"
FOLDERS: Final = sorted(ROOT.iterdir()) if ROOT.is_dir() else []


def test_every_small_study_has_a_page() -> None:
    """One for each design."""
    assert [folder.name for folder in FOLDERS] == [f"{name}_small" for name in registry.names("design")]


@pytest.mark.parametrize("folder", FOLDERS, ids=lambda folder: folder.name)
def test_a_page_is_made_of_its_frames(folder: Path) -> None:
    """The values give the contrasts, and these the page, byte for byte; no cell is missing."""
    outcome = read(folder)
    study = outcome.study
    again = contrasts(study.design.estimands(outcome.values, outcome.arms, study.analysis))
    assert again.drop(*_FLOATS).equals(outcome.contrasts.drop(*_FLOATS))
    for name in _FLOATS:
        assert again[name].is_null().equals(outcome.contrasts[name].is_null())
        assert again[name].to_list() == pytest.approx(outcome.contrasts[name].to_list(), abs=_NEAR)
    for name, content in pages(outcome).items():
        is_same = content.encode() == (folder / name).read_bytes()  # a difference of these is long to show
        assert is_same, name
    assert outcome.facts["missing"] == []


_NEAR: Final = 1e-9
_FLOATS: Final = [name for name, column in CONTRASTS.columns.items() if column.dtype == pl.Float64]


@pytest.mark.parametrize("folder", FOLDERS, ids=lambda folder: folder.name)
def test_a_page_is_of_the_study_that_ships(folder: Path) -> None:
    """Its file, its seeds, five at least, and four fifths of its cells between 20 and 80 % of the way from chance."""
    outcome, shipping = read(folder), read_study(folder.name)
    assert (folder / "study.toml").read_text("utf-8") == shipped(STUDIES)[folder.name].read_text("utf-8")
    assert sorted(set(outcome.values["seed"])) == [*range(shipping.seed, shipping.seed + shipping.seeds)]
    assert shipping.seeds >= FEWEST_SEEDS
    assert in_range(outcome.values) >= 0.8
    assert f"Scope: {shipping.scope}." in (folder / "report.md").read_text("utf-8")
