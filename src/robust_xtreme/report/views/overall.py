"""The view overall."""

from __future__ import annotations

import polars as pl

from robust_xtreme.report.benchmarks import TITLES, average_text, averages_of, score_text
from robust_xtreme.report.columns import SCORE
from robust_xtreme.report.view import SECTION, Results, view
from robust_xtreme.results.benchmark import TASKS, Average


@view(title="Overall", order=3)
def overall(results: Results) -> pl.DataFrame:
    """Each benchmark as in papers: means over languages, F1 / EM for questions, F1 for udpos; * is over a part."""
    frames = [_frame(benchmark, benchmark_averages) for benchmark, benchmark_averages in averages_of(results).items()]
    return pl.concat(frames, how="diagonal") if frames else pl.DataFrame(schema={SECTION: pl.String})


def _frame(benchmark: str, benchmark_averages: list[Average]) -> pl.DataFrame:
    rows: dict[str, dict[str, str]] = {}
    for average in benchmark_averages:
        scores = {SCORE + task: score_text(average, task) for task in TASKS[benchmark]}
        row = rows.setdefault(average.noise, {SECTION: TITLES[benchmark], "noise": average.noise, **scores})
        over = average.name.partition(" ")[2]  # the part of the name that tells averages of one benchmark apart
        row[SCORE + f"average {over}".strip()] = average_text(average)
    return pl.DataFrame(list(rows.values()))
