"""docs/typos.md and its drawing are what reports/benchmarks/typos.json says."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from tools.yardstick.key_errors import MECHANICAL
from tools.yardstick.page import page

from robust_xtreme.noise.members.keyboard_typo import RATES

ROOT = Path(__file__).parents[2]


def _record() -> dict[str, Any]:
    record: dict[str, Any] = json.loads((ROOT / "reports" / "benchmarks" / "typos.json").read_text(encoding="utf-8"))
    return record


def test_the_page_is_what_its_figures_say() -> None:
    """docs/typos.md has the bytes that typos.json gives."""
    assert page(_record()) == (ROOT / "docs" / "typos.md").read_text(encoding="utf-8")


def test_the_drawing_is_what_its_figures_say() -> None:
    """docs/figures/typos.svg has the bytes that typos.json gives with the release of matplotlib that drew it."""
    matplotlib = pytest.importorskip("matplotlib")
    kept = (ROOT / "docs" / "figures" / "typos.svg").read_text(encoding="utf-8")
    if f"Matplotlib v{matplotlib.__version__}" not in kept:
        pytest.skip("another release of matplotlib than the one that drew the figure")
    from tools.yardstick.figure import svg

    assert svg(_record()) == kept


def test_the_default_rates_are_those_fitted() -> None:
    """keyboard_typo has the rates that real typos give."""
    assert {name: RATES[name] for name in MECHANICAL} == _record()["fit"]["rates"]
