"""Committed pages of benchmarks are rendered again from the figures beside them."""

from __future__ import annotations

import csv
import json
import shutil
import subprocess
from pathlib import Path

import pytest
from benchmarks import _perturb_page, attacks, textattack

FOLDER = Path(__file__).parents[2] / "reports" / "benchmarks"


def test_the_page_of_perturbing_is_what_its_figures_say() -> None:
    """reports/benchmarks/perturb.md has the bytes that perturb.json gives."""
    figures = json.loads((FOLDER / "perturb.json").read_text(encoding="utf-8"))
    assert _perturb_page.page(figures) == (FOLDER / "perturb.md").read_text(encoding="utf-8")


def test_the_page_of_attacks_is_what_its_figures_say() -> None:
    """reports/benchmarks/attacks.md has the bytes that attacks.json gives."""
    figures = json.loads((FOLDER / "attacks.json").read_text(encoding="utf-8"))
    assert attacks.page(figures) == (FOLDER / "attacks.md").read_text(encoding="utf-8")


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
