"""Draws the two pictures of the README from committed figures and packs: `python -m tools.front_page`.

`docs/figures/degradation.svg` shows clean and perturbed scores with the interval of each change, from the CSV files of
`reports/mini`. `docs/figures/languages.svg` shows which perturbation serves which of the fifty languages.
"""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import matplotlib as mpl
import polars as pl
from matplotlib.figure import Figure
from tools.gallery import sign

from robust_xtreme import registry
from robust_xtreme.catalogue import served
from robust_xtreme.languages import LANGUAGES

ROOT: Final = Path(__file__).parents[1]
FIGURES: Final = ROOT / "docs" / "figures"
SHOWN: Final = {
    ("xnli", "accuracy"): "XNLI, accuracy",
    ("panx", "span_f1"): "PAN-X, F1 of entities",
    ("xquad", "squad_f1"): "XQuAD, F1, noise on the question",
}
SETTINGS: Final[dict[Any, Any]] = {
    "svg.hashsalt": "front page",
    "svg.fonttype": "none",
    "font.family": "sans-serif",
    "font.size": 9,
}
CLEAN, PERTURBED, MUTED = "#0072b2", "#d55e00", "#bbbbbb"
FILLS: Final = {"●": "#0072b2", "◐": "#7fb8d8", "○": "#f0e442", "": "#ffffff"}


def degradation() -> Figure:
    """Clean and perturbed score of each language, with the 95 % interval of the change drawn from the clean score."""
    drops = pl.read_csv(ROOT / "reports" / "mini" / "deltas.csv")
    figure = Figure(figsize=(9, 3.4), layout="constrained")
    for axes, ((task, metric), title) in zip(figure.subplots(1, len(SHOWN)), SHOWN.items(), strict=True):
        cells = drops.filter(
            (pl.col("task") == task) & (pl.col("metric") == metric) & (pl.col("scope") == "all")
        ).filter(~pl.col("condition").str.contains("context"))
        _dumbbells(axes, cells.sort("language", descending=True).to_dicts())
        axes.set_title(title, fontsize=9)
    figure.supxlabel(
        "points: clean (blue) to char_noise:0.1 (orange), with the 95 % interval of the change", fontsize=9
    )
    return figure


def _dumbbells(axes: Any, cells: Sequence[Mapping[str, Any]]) -> None:
    rows = range(len(cells))
    clean = [cell["clean"] for cell in cells]
    axes.hlines(rows, [cell["value"] for cell in cells], clean, color=MUTED)
    axes.hlines(
        rows,
        [cell["clean"] - cell["high"] for cell in cells],
        [cell["clean"] - cell["low"] for cell in cells],
        color=PERTURBED,
        linewidth=3,
        alpha=0.35,
    )
    axes.plot(clean, rows, "o", color=CLEAN, markersize=4)
    axes.plot([cell["value"] for cell in cells], rows, "o", color=PERTURBED, markersize=4)
    axes.set_yticks(rows, [cell["language"] for cell in cells])
    axes.set_xlim(0, 100)
    axes.spines[["top", "right"]].set_visible(False)


def languages() -> Figure:
    """One square for each perturbation and each language of XTREME-R."""
    names = [name for name in registry.names("perturbation") if "." not in name]
    rows = {code: {row["name"]: row for row in served(code)} for code in LANGUAGES}
    figure = Figure(figsize=(11, 2.6), layout="constrained")
    axes = figure.subplots()
    squares = [(column, line) for line in range(len(names)) for column in range(len(LANGUAGES))]
    fills = [FILLS[sign(rows[code][name])] for name in names for code in LANGUAGES]
    across, down = zip(*squares, strict=True)
    axes.scatter(across, down, marker="s", s=95, c=fills, edgecolors=MUTED, linewidths=0.4)
    axes.set_xlim(-0.6, len(LANGUAGES) - 0.4)
    axes.set_ylim(len(names) - 0.4, -0.6)
    axes.set_xticks(range(len(LANGUAGES)), list(LANGUAGES), fontsize=7)
    axes.set_yticks(range(len(names)), names, fontsize=8)
    axes.tick_params(length=0)
    axes.spines[:].set_visible(False)
    return figure


DRAWN: Final = {"degradation": degradation, "languages": languages}


def svg(name: str) -> str:
    """A picture as SVG, with the same bytes each time for one release of matplotlib."""
    with mpl.rc_context(SETTINGS):
        text = io.StringIO()
        DRAWN[name]().savefig(text, format="svg", metadata={"Date": None})
    return "\n".join(line.rstrip() for line in text.getvalue().splitlines()) + "\n"


def main() -> None:
    """Write both pictures."""
    for name in DRAWN:
        (FIGURES / f"{name}.svg").write_text(svg(name), encoding="utf-8")
        print(FIGURES / f"{name}.svg")


if __name__ == "__main__":
    main()
