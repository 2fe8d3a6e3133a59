"""Committed pages of benchmarks are rendered again from the figures beside them."""

from __future__ import annotations

import csv
import json
import shutil
import subprocess
from pathlib import Path

import pytest
from benchmarks import _perturb_page, attacks, resampling, search, textattack

FOLDER = Path(__file__).parents[2] / "reports" / "benchmarks"


def test_the_page_of_perturbing_is_what_its_figures_say() -> None:
    """reports/benchmarks/perturb.md has the bytes that perturb.json gives."""
    figures = json.loads((FOLDER / "perturb.json").read_text(encoding="utf-8"))
    assert _perturb_page.page(figures) == (FOLDER / "perturb.md").read_text(encoding="utf-8")


def test_the_page_of_searching_is_what_its_figures_say() -> None:
    """reports/benchmarks/search.md has the bytes that search.json gives."""
    figures = json.loads((FOLDER / "search.json").read_text(encoding="utf-8"))
    assert search.page(figures) == (FOLDER / "search.md").read_text(encoding="utf-8")


def test_the_page_of_resampling_is_what_its_figures_say() -> None:
    """reports/benchmarks/resampling.md has the bytes that resampling.json gives, and the bar is met."""
    figures = json.loads((FOLDER / "resampling.json").read_text(encoding="utf-8"))
    assert resampling.page(figures) == (FOLDER / "resampling.md").read_text(encoding="utf-8")
    assert resampling.ratio(figures) >= resampling.LEAST
    assert figures["mib"] <= 256


def test_resampling_is_measured_on_any_sample(tmp_path: Path) -> None:
    """Every figure is there; resampled errors are those of the jackknife, and joint bounds are around 0."""
    figures = resampling.measure((2, 3, 90), 400, 1, "cpu")
    resampling.write(tmp_path, figures)
    assert resampling.page(json.loads((tmp_path / "resampling.json").read_text(encoding="utf-8")))
    assert figures["errors"] == pytest.approx({"resampled": 1, "scipy": 1, "clustered": 1.26}, rel=0.15)
    low, high = resampling.joint(resampling.sample((2, 3, 90), 3), 400)
    assert (low < 0).all()
    assert (high > 0).all()


@pytest.mark.parametrize("name", ["attacks", "attacks-data"])
def test_the_page_of_attacks_is_what_its_figures_say(name: str) -> None:
    """reports/benchmarks/attacks.md, and that on release files, have the bytes that their figures give."""
    figures = json.loads((FOLDER / f"{name}.json").read_text(encoding="utf-8"))
    assert attacks.page(figures) == (FOLDER / f"{name}.md").read_text(encoding="utf-8")


def test_the_page_of_textattack_is_what_its_figures_say() -> None:
    """reports/benchmarks/textattack-cpu.md has the bytes that textattack-cpu.json gives; a model reaches all bars."""
    figures = json.loads((FOLDER / "textattack-cpu.json").read_text(encoding="utf-8"))
    assert textattack.page(figures) == (FOLDER / "textattack-cpu.md").read_text(encoding="utf-8")
    assert any(not textattack.missed(model, "cpu") for model in figures["models"])


@pytest.mark.process
def test_commits_that_figures_name_are_in_the_history() -> None:
    """What was measured can be checked out and measured again."""
    git = ("git", "-C", str(FOLDER), "merge-base", "--is-ancestor")
    if (
        not shutil.which("git")
        or subprocess.run((*git, "HEAD~100", "HEAD"), capture_output=True, check=False).returncode
    ):
        pytest.skip("there is no git, or not the whole history")
    with (FOLDER / "series.csv").open(encoding="utf-8", newline="") as file:
        named = {row["commit"] for row in csv.DictReader(file)}
    gone = [
        commit
        for commit in named - {""}
        if subprocess.run((*git, commit, "HEAD"), capture_output=True, check=False).returncode
    ]
    assert not gone
