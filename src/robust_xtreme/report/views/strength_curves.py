"""The view strength_curves."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import Final

import polars as pl

from robust_xtreme.report.blocks import Chart
from robust_xtreme.report.charts.figures import FEWEST, NOMINAL, REALISED, areas, curve, levels
from robust_xtreme.report.view import SECTION, Results, view

_BLOCKS: Final = "▁▂▃▄▅▆▇█"
_SCHEMA: Final = {
    **dict.fromkeys((SECTION, "task", "perturbation", "curve"), pl.String),
    **dict.fromkeys(("range", "area"), pl.Float64),
}
_DESCRIPTION: Final = (
    "The average over languages at each strength, {}. The band is the 95 % interval of the change; strength 0 is "
    "clean. Areas can be compared over the same range."
)
_AXES: Final = {REALISED: "over the share of characters that is edited", NOMINAL: "over the strength as given"}


def _charts(results: Results) -> Iterator[Chart]:
    """The curves of each task with several strengths."""
    for task, points in levels(results):
        if points.group_by("perturbation").len().get_column("len").max() < FEWEST:  # type: ignore[operator]  # counts
            continue
        for axis, words in _AXES.items():
            more = axis == NOMINAL
            yield Chart(task, _DESCRIPTION.format(words), curve(points, axis), task.split(" ")[0], more)


@view(title="Strength curves", order=7, charts=_charts)
def strength_curves(results: Results) -> pl.DataFrame:
    """What is left of the clean level on average, from strength 0 to the highest of several: the area under a curve."""
    rows = [
        ("", task, name, spark(_shares(points.filter(perturbation=name))), highest / 100, area / 100)
        for task, points in levels(results)
        for name, highest, area in areas(points)
    ]
    return pl.DataFrame(rows, schema=_SCHEMA, orient="row")


def spark(shares: Sequence[float]) -> str:
    """Shares of the clean level at rising strengths as blocks, from 1.0 on, which is full.

    "" where there is only one strength, or where nothing is right on clean text.
    """
    if len(shares) < FEWEST or not all(map(math.isfinite, shares)):
        return ""
    return "".join(_BLOCKS[round(min(max(share, 0.0), 1.0) * (len(_BLOCKS) - 1))] for share in shares)


def _shares(points: pl.DataFrame) -> list[float]:
    return points.select(pl.col("level") / pl.col("clean")).to_series().to_list()
