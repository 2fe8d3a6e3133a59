"""Averages for views: the frame AVERAGES in the order of the page, and those of benchmarks as papers print them."""

import re
from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any, Final

import polars as pl

from robust_xtreme.files.schema import AVERAGES
from robust_xtreme.report.cells import in_order, with_condition, zeroed
from robust_xtreme.report.columns import SCORE, percent, points, signed
from robust_xtreme.report.view import Results
from robust_xtreme.stats.benchmark import BENCHMARK

NOISE: Final = ("perturbation", "strength", "over")
"""What names an average: the noise, and how many languages of how many it is over, which stay on any terminal."""

CHANGE: Final = (
    *("clean", "value", "change", "lost_share", "change_low", "change_high", "p", "marked", "drops_at_least", "units"),
)
"""The columns of every average: both levels, the change with its interval, and what is shown beside it."""

PREDICTION: Final = ("spread", "change_prediction_low", "change_prediction_high")
_LABEL: Final = "label"
_CURVE: Final = ("model", "task", "split", "translated", "inference", "metric", "fields", "perturbation")
_EDITS: Final = "grapheme_edit_rate"


def with_change(averages: pl.DataFrame) -> pl.DataFrame:
    """The averages under noise, with the signed change beside the drop, and what several models of a task lose."""
    ends = {"change_low": "high", "change_high": "low"}
    ends |= {"change_prediction_low": "prediction_high", "change_prediction_high": "prediction_low"}
    negated = {name: -pl.col(end) for name, end in ends.items()}
    rows = averages.filter(pl.col("drop").is_not_null()).with_columns(change=zeroed(-pl.col("drop")), **negated)
    return with_lost_share(rows, pl.when(pl.col("clean") > 0).then(100 * pl.col("drop") / pl.col("clean")))


def with_lost_share(rows: pl.DataFrame, percent_lost: pl.Expr) -> pl.DataFrame:
    """The rows with `lost_share`, in percent of the clean level, where several models are asked the same task."""
    are_several = pl.col("model").n_unique().over("task") > 1
    return rows.with_columns(lost_share=pl.when(are_several).then(percent_lost))


@lru_cache(maxsize=4)  # of the same results for every view
def within_tasks(results: Results, kind: str) -> pl.DataFrame:
    """The averages over the languages of a task of one kind, with the parts of their condition, in order."""
    rows = with_condition(with_change(results.averages.filter(pl.col("kind") == kind)))
    averaged = pl.col("languages").str.split(" ").list.len()
    left_out = pl.col("missing").str.split(", ").list.len().fill_null(0)
    over = pl.format("{} of {}", averaged, averaged + left_out)
    return in_order(rows.with_columns(over=over, language=pl.col("name"), scope=pl.lit("all")), results)


def with_extremes(rows: pl.DataFrame, results: Results) -> pl.DataFrame:
    """The averages with `least` and `most`: the language that changes least (or most), its change, and its edits."""
    question, context = pl.col("language"), pl.col("context_language")
    pair = pl.concat_str(question, pl.lit("@"), context)
    translated = pl.when(pl.col("setting").str.starts_with("translate")).then("setting").otherwise(pl.lit(""))
    label = pl.when(question == context).then(question).otherwise(pair)
    cells = results.deltas.filter(pl.col("scope") == "all").with_columns(setting=translated, label=label)
    named = ("model", "task", "split", "setting", "inference", "condition", "metric", _LABEL)
    each = rows.with_columns(pl.col("languages").str.split(" ").alias(_LABEL)).explode(_LABEL)
    joined = each.select(*AVERAGES.key, _LABEL).join(cells.select(*named, "drop", _EDITS), on=named, how="left")
    by_drop = joined.sort("drop", _LABEL)
    change = (-pl.col("drop")).map_elements(signed, pl.String)
    edits = pl.format(" ({})", pl.col(_EDITS).map_elements(percent, pl.String)).fill_null("")
    shown = pl.concat_str(pl.col(_LABEL), pl.lit(" "), change, edits)
    of_average = by_drop.with_columns(shown=shown).group_by(AVERAGES.key)
    ends = of_average.agg(least=pl.col("shown").first(), most=pl.col("shown").last())
    return rows.join(ends, on=AVERAGES.key, how="left", maintain_order="left")


def with_curves(rows: pl.DataFrame) -> pl.DataFrame:
    """The averages of perturbations whose strengths are over the same languages, so that they can be a curve."""
    return rows.filter(pl.col("languages").n_unique().over(_CURVE) == 1)


PARTIAL: Final = "*"
"""The mark after a mean over a part of its benchmark or task."""

TITLE: Final = "title"


def benchmark_rows(results: Results) -> pl.DataFrame:
    """The averages over tasks and the scores of their tasks; `title` is the benchmark or suite that they are over.

    Clean is first, then noises as sorted; within a noise averages over tasks are before those over categories.
    """
    rows = results.averages.filter(pl.col("kind").is_in((BENCHMARK, "tasks", "categories")))
    benchmark, suite = pl.col("name").str.extract(r"^(.*) over \w+$"), pl.col("name").str.extract(r"^\w+ of (.*)$")
    title = pl.when(pl.col("task") != "").then("name").when(pl.col("kind") == BENCHMARK).then(benchmark)
    order = (TITLE, "model", pl.col("condition") != "clean", "condition", "name")
    descending = [False, False, False, False, True]
    return rows.with_columns(title=title.otherwise(suite)).sort(order, descending=descending, maintain_order=True)


def score_text(rows: Sequence[Mapping[str, Any]], order: Sequence[str]) -> str:
    """A task's score as papers print it: one number, or F1 / EM; marked where languages are missing."""
    values = {row["metric"]: row["value"] for row in rows}
    mark = PARTIAL if any(row["missing"] for row in rows) else ""
    return " / ".join(points(values[metric]) for metric in reversed(order) if metric in values) + mark


def average_heading(row: Mapping[str, Any]) -> str:
    """`average over tasks` of a benchmark, `average over tasks of mini` of a suite."""
    over = row["name"].removeprefix(f"{row[TITLE]} ") if row["kind"] == BENCHMARK else f"over {row['name']}"
    return f"average {over}"


def average_text(row: Mapping[str, Any]) -> str:
    """The average; marked where cells are missing, with the number of tasks if whole tasks are."""
    return points(row["value"]) + (PARTIAL if row["missing"] else "") + _of_tasks(row)


def languages_text(row: Mapping[str, Any]) -> str:
    """How many languages of its tasks an average is over, of how many, with the number of tasks as above."""
    missing = sum(len(codes.split()) for codes in re.findall(r"\((.*?)\)", row["missing"] or ""))
    return f"{row['units']} of {row['units'] + missing}{_of_tasks(row)}"


def _of_tasks(row: Mapping[str, Any]) -> str:
    present = _named_tasks(row["cells"])
    every = dict.fromkeys([*present, *_named_tasks(row["missing"] or "")])
    return f" ({len(present)} of {len(every)} tasks)" if len(present) < len(every) else ""


def _named_tasks(cells: str) -> list[str]:
    """The tasks that a list of cells names, as `xnli (af bg), lareqa`."""
    return [part.partition(" (")[0] for part in cells.split(", ") if part]


def transposed(frame: pl.DataFrame) -> pl.DataFrame:
    """The overall table with one row per task, for a terminal without room for one column per task."""
    if frame.is_empty():
        return frame
    noises = frame.get_column("noise").unique(maintain_order=True).to_list()
    scores = [name for name in frame.columns if name.startswith(SCORE)]
    rows = []
    for (section,), section_rows in frame.group_by("section", maintain_order=True):
        values = {row["noise"]: row for row in section_rows.iter_rows(named=True)}
        named = [name for name in scores if any(row[name] for row in values.values())]
        rows += [
            [section, name.removeprefix(SCORE), *(values.get(noise, {}).get(name) for noise in noises)]
            for name in named
        ]
    schema = dict.fromkeys(("section", "task", *(SCORE + noise for noise in noises)), pl.String)
    return pl.DataFrame(rows, schema=schema, orient="row")
