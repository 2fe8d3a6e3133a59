"""An import gives the level that a log states, or is refused: random logs, with both programs' scorers as oracles."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

import pytest
from tests import harness_draws as draws

PAGE: Final = Path(__file__).parents[3] / "docs" / "how-to" / "import.md"
EQUAL: Final = 0.98
FORMS: Final = {
    "several epochs": "epochs",
    "--score a": "dictionaries",
}
"""What a refusal of a log that its program scores says, and the word of the page for the form."""


def outcomes(write: Callable[..., draws.Drawn], forms: tuple[str, ...], count: int, folder: Path) -> Counter[str]:
    """How many random logs of each form end how."""
    counts: Counter[str] = Counter()
    for number in range(count):
        draw = random.Random(f"levels {number}")
        path, expected = write(draw, forms[number % len(forms)], folder / str(number))
        line = draws.outcome(path, expected)
        counts[next((form for part, form in FORMS.items() if part in line), line)] += 1
    return counts


def check(write: Callable[..., draws.Drawn], forms: tuple[str, ...], count: int, folder: Path) -> None:
    """At least 98 of 100 have the level that is stated; the others are refused by a form that the page names."""
    counts = outcomes(write, forms, count, folder)
    page = PAGE.read_text("utf-8")
    assert [form for form in counts if form not in page] == []
    assert counts[""] >= EQUAL * count, counts.most_common(5)


@pytest.mark.parametrize(("write", "forms"), [(draws.lm_eval, draws.LM_EVAL), (draws.inspect, draws.INSPECT)])
def test_levels_of_random_logs_are_those_stated(write: Any, forms: tuple[str, ...], tmp_path: Path) -> None:
    """Three forms of lm-eval and two of inspect."""
    check(write, forms, 100, tmp_path)


@pytest.mark.long
@pytest.mark.parametrize(("write", "forms"), [(draws.lm_eval, draws.LM_EVAL), (draws.inspect, draws.INSPECT)])
def test_levels_of_many_random_logs_are_those_stated(write: Any, forms: tuple[str, ...], tmp_path: Path) -> None:
    """Ten thousand draws in all."""
    check(write, forms, 5_000, tmp_path)
