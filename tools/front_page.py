"""Draws the pictures of the README from committed figures and packs: `python -m tools.front_page`.

`docs/figures/degradation-light.svg` and `-dark.svg` show what each noise costs a real encoder, by task, from the tables
of `reports/real`. `docs/figures/languages.svg` shows which perturbation serves which of the fifty languages;
attacks, which serve what they search in serves, are left out.
"""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any, Final

import altair as alt
import matplotlib as mpl
import polars as pl
from matplotlib.figure import Figure
from tools.gallery import sign
from tools.real.learned import TITLES, averages, of_noise, widest
from tools.real.tables import read

from robust_xtreme.core import registry
from robust_xtreme.core.languages import LANGUAGES
from robust_xtreme.report.charts.drawing import alone
from robust_xtreme.report.charts.style import INK, LOSS, config, extent
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
PICTURED: Final = ("panx", "xnli", "xquad", "tatoeba", "udpos", "masakhaner")
MUTED: Final = "#bbbbbb"
_PITCH: Final = 13
"""Points from row to row, of which a square takes ten and a label eight."""
FILLS: Final = {"●": "#0072b2", "◐": "#7fb8d8", "○": "#f0e442", "": "#ffffff"}


def degradation(ink: str) -> str:
    """The mean change over languages with its interval, by task and noise, for a light or a dark page."""
    return alone(changes(of_noise(read(ROOT / "reports" / "real", "means"))), ink)


def changes(means: pl.DataFrame) -> dict[str, Any]:
    """The chart of these means: a panel for each task, a line for each noise, the costliest first."""
    rows = []
    for task, found in ((task, averages(means, task)) for task in PICTURED):
        panel = f"{TITLES[task]}, {widest(found)[0]:.0f} clean"
        rows += [{"task": panel, "noise": noise, **found[noise][0]._asdict()} for noise in found]
    order = pl.DataFrame(rows).group_by("noise").agg(pl.col("value").mean()).sort("value")["noise"].to_list()
    title = "change, points"
    axis = alt.Axis(minExtent=extent(order))
    base = alt.Chart().encode(y=alt.Y("noise:N", title=None, sort=order, axis=axis))
    bounds = base.mark_rule(size=2, color=LOSS).encode(x=alt.X("low:Q", title=title), x2="high:Q")
    points = base.mark_point(filled=True, size=45, color=LOSS, opacity=1).encode(x=alt.X("value:Q", title=title))
    zero = alt.Chart().mark_rule(color=INK, opacity=0.5).encode(x=alt.datum(0))
    chart = alt.layer(zero, bounds, points, data=alt.InlineData(rows)).properties(width=200, height=17 * len(order))
    tasks = list(dict.fromkeys(row["task"] for row in rows))
    chart = chart.facet(alt.Facet("task:N", title=None, sort=tasks), columns=3)
    return {**chart.to_dict(), "config": config()}


def languages() -> Figure:
    """One square for each perturbation and each language of XTREME-R, in rows as far apart as their labels need."""
    every = [registry.load("perturbation", name) for name in registry.names("perturbation")]
    names = [each.name for each in every if "." not in each.name and not (each.moves or each.first)]
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
