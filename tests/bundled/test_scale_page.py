"""docs/scale.md computes what it says by its formula."""

from __future__ import annotations

import re
from pathlib import Path

PAGE = (Path(__file__).parents[2] / "docs" / "scale.md").read_text("utf-8")


def _number(text: str) -> float:
    return float(text.replace(",", ""))


def test_the_costs_are_those_of_the_formula() -> None:
    """Each row of times follows from the values in the table of letters."""
    given = re.findall(r"^\| (\w) \| (.*?) \| ([\d.,e]+) \|", PAGE, re.MULTILINE)
    value = {letter: _number(text) for letter, _, text in given}
    params = {what.rpartition(" ")[2]: _number(text) for letter, what, text in given if letter == "P"}
    rows = re.findall(r"^\| (base|large) \| (\d+) \| (\d+) \| ([\d,]+) \| ([\d,]+) \| ([\d.]+) \|", PAGE, re.MULTILINE)
    assert len(rows) == 5
    for model, devices, cores, *shown in rows:
        passes = value["N"] * value["t"] * 2 * params[model] / (int(devices) * value["F"] * value["r"])
        feeding = value["N"] * value["c"] / (int(devices) * int(cores))
        hours = max(passes, feeding) * int(devices) / 3600
        assert shown == [f"{passes:,.0f}", f"{feeding:,.0f}", f"{hours:.1f}"]
