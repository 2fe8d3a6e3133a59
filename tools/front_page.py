"""Draws the pictures of the README from committed figures and packs: `python -m tools.front_page`.

`docs/figures/degradation-light.svg` and `-dark.svg` show the change of each task in each language, from the frames of
`reports/mini`. `docs/figures/languages.svg` shows which perturbation serves which of the fifty languages;
attacks, which serve what they search in serves, are left out.
"""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any, Final

import matplotlib as mpl
from matplotlib.figure import Figure
from tools.gallery import sign

from robust_xtreme.core import registry
from robust_xtreme.core.languages import LANGUAGES
from robust_xtreme.report.charts.drawing import alone
from robust_xtreme.report.charts.figures import heat
from robust_xtreme.report.document import results_of
from robust_xtreme.tasks.catalogue import served

ROOT: Final = Path(__file__).parents[1]
FIGURES: Final = ROOT / "docs" / "figures"
INKS: Final = {"degradation-light": "#1b1b1f", "degradation-dark": "#e6edf3"}
SETTINGS: Final[dict[Any, Any]] = {
    "svg.hashsalt": "front page",
    "svg.fonttype": "none",
    "font.family": "sans-serif",
    "font.size": 9,
}
MUTED: Final = "#bbbbbb"
_PITCH: Final = 13
"""Points from row to row, of which a square takes ten and a label eight."""
FILLS: Final = {"●": "#0072b2", "◐": "#7fb8d8", "○": "#f0e442", "": "#ffffff"}


def degradation(ink: str) -> str:
    """The change of each task in each language of the embedded suite, for a light or a dark page."""
    return alone(heat(results_of(ROOT / "reports" / "mini")), ink)


def languages() -> Figure:
    """One square for each perturbation and each language of XTREME-R, in rows as far apart as their labels need."""
    every = [registry.load("perturbation", name) for name in registry.names("perturbation")]
    names = [each.name for each in every if "." not in each.name and not each.moves]
    rows = {code: {row["name"]: row for row in served(code)} for code in LANGUAGES}
    figure = Figure(figsize=(11, (_PITCH * len(names) + 24) / 72), layout="constrained")
    axes = figure.subplots()
    squares = [(column, line) for line in range(len(names)) for column in range(len(LANGUAGES))]
    fills = [FILLS[sign(rows[code][name])] for name in names for code in LANGUAGES]
    across, down = zip(*squares, strict=True)
    axes.scatter(across, down, marker="s", s=95, c=fills, edgecolors=MUTED, linewidths=0.4, clip_on=False)
    axes.set_xlim(-0.6, len(LANGUAGES) - 0.4)
    axes.set_ylim(len(names) - 0.4, -0.6)
    axes.set_xticks(range(len(LANGUAGES)), list(LANGUAGES), fontsize=7)
    axes.set_yticks(range(len(names)), names, fontsize=8)
    axes.tick_params(length=0)
    axes.spines[:].set_visible(False)
    return figure


def svg(name: str) -> str:
    """A picture as SVG, with the same bytes each time for one release of the libraries."""
    return degradation(INKS[name]) if name in INKS else _squares()


def _squares() -> str:
    with mpl.rc_context(SETTINGS):
        text = io.StringIO()
        languages().savefig(text, format="svg", metadata={"Date": None})
    return "\n".join(line.rstrip() for line in text.getvalue().splitlines()) + "\n"


def main() -> None:
    """Write the pictures."""
    for name in (*INKS, "languages"):
        (FIGURES / f"{name}.svg").write_text(svg(name), encoding="utf-8")
        print(FIGURES / f"{name}.svg")


if __name__ == "__main__":
    main()
