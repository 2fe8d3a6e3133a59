"""The page, the terminal tables and the charts of a small run, as they are printed."""

from __future__ import annotations

import io
import json
from collections.abc import Callable
from typing import Final

import pytest
from rich.console import Console
from tests.synthetic_run import averages, conditions, run

from robust_xtreme.report.charts.figures import Plots
from robust_xtreme.report.document import document, show
from robust_xtreme.report.renderers import markdown
from robust_xtreme.report.view import Results

Check = Callable[[str, str], None]

_RESULTS: Final = Results(*run(), averages(*run()), conditions())


def test_the_page_of_a_small_run(golden: Check) -> None:
    """report.md shows what was run, clean levels, averages by name, every cell, what was not computed, and a legend."""
    golden("pages/report.md", markdown.render(document(_RESULTS)))


@pytest.mark.parametrize("width", [80, 180])
def test_the_tables_on_a_terminal(golden: Check, width: int) -> None:
    """A narrow terminal gets the columns that matter most, a wide one all of them; no value is cut off."""
    text = io.StringIO()
    show(Console(file=text, width=width, color_system=None), _RESULTS)
    assert "…" not in text.getvalue()
    golden(f"pages/terminal-{width}.txt", "".join(f"{line.rstrip()}\n" for line in text.getvalue().splitlines()))


@pytest.mark.parametrize("name", ["heat", "forest", "curve"])
def test_the_specification_of_a_chart(golden: Check, name: str) -> None:
    """What Vega-Lite is given, but for the configuration that all charts share and the version of its schema."""
    tasks = () if name == "heat" else ("xnli",)
    spec = getattr(Plots(_RESULTS), name)(*tasks).chart.to_dict()
    spec = {key: value for key, value in spec.items() if key not in ("$schema", "config")}
    golden(f"pages/{name}.json", json.dumps(spec, indent=1, sort_keys=True, ensure_ascii=False) + "\n")
