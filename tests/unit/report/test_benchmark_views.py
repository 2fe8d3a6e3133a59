"""Views of averages: the overall table as papers print it, scripts and families, and what is missing by name."""

from __future__ import annotations

import io
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import polars as pl
import pytest
from rich.console import Console
from tests.synthetic_run import page
from tests.unit.stats.test_benchmark import _row

from robust_xtreme.core import registry
from robust_xtreme.files.schema import DELTAS, SCORES, build, empty
from robust_xtreme.report.document import show
from robust_xtreme.report.view import Results
from robust_xtreme.stats._cells import CellLevel, levels_of
from robust_xtreme.stats.averages import Drop, averaged
from robust_xtreme.stats.benchmark import TASKS, Task, tasks_of

QA = {"xquad", "mlqa", "tydiqa"}
_LOST = Drop(10.0, np.arange(40), 0.2 * (-1.0) ** np.arange(40), np.ones(40, bool), np.full(40, 40))


def manifest(asked: tuple[str, ...] = ("xtreme-r",)) -> dict[str, Any]:
    """A run of XTREME-R in two languages."""
    tasks = {}
    for name in TASKS["xtreme-r"]:
        metrics = ["em", "f1"] if name in QA else ["accuracy"]
        groups = {"xtreme-r": ["en", "sw"]}
        tasks[name] = {"metrics": metrics[::-1], "score": metrics, "perturbed": [["question"]], "groups": groups}
    return {"tasks": tasks, "spec": {"tasks": list(asked)}}


def scores(**left_out: Any) -> pl.DataFrame:
    """Every cell of it, clean: 70 for accuracy, 60 and 80 for questions; but those left out by task."""
    rows = []
    for name in TASKS["xtreme-r"]:
        for language in ("en", "sw"):
            if language in left_out.get(name, ()):
                continue
            for metric, value in (("em", 60.0), ("f1", 80.0)) if name in QA else (("accuracy", 70.0),):
                rows.append(_row(name, language, metric, value))
    return build(rows, SCORES)


def made(view: str, score_frame: pl.DataFrame, **other: Any) -> pl.DataFrame:
    """The frame of a view."""
    suite = other.pop("suite", "")
    results = Results(score_frame, empty(DELTAS), manifest(**other), averages(score_frame, suite, **other))
    frame: pl.DataFrame = registry.load("view", view).make(results)
    return frame


def averages(
    score_frame: pl.DataFrame | None = None,
    suite: str = "",
    marked: Callable[[CellLevel], bool | None] = lambda _: False,
    **other: Any,
) -> pl.DataFrame:
    """AVERAGES of that run, in which every perturbed cell lost 10 points."""
    levels = [
        replace(level, marked=marked(level))
        for level in levels_of(scores() if score_frame is None else score_frame, empty(DELTAS))
    ]
    facts = manifest(**other)
    drops = {(level.key, level.metric): _LOST for level in levels}
    return averaged(levels, drops, tasks_of(facts["tasks"]), facts["spec"]["tasks"], suite)


def test_the_overall_table_is_that_of_papers() -> None:
    """A column a task, questions as F1 / EM, and both averages by name."""
    (row,) = made("overall", scores()).iter_rows(named=True)
    assert row["score/xquad"] == "80.0 / 60.0"
    assert row["score/average over tasks"] == row["score/average over categories"] == "70.0"
    assert [column.removeprefix("score/") for column in row if column.startswith("score/")][:10] == list(
        TASKS["xtreme-r"]
    )


def test_a_missing_cell_marks_its_task_and_every_average() -> None:
    """A mean over a part is marked, and what is missing is there by name."""
    frame = scores(xnli=("sw",), panx=("en", "sw"))
    (row,) = made("overall", frame).iter_rows(named=True)
    assert row["score/xnli"] == "70.0*"
    assert row["score/panx"] == ""
    assert row["score/average over tasks"] == "70.0* (9 of 10 tasks)"
    (marked,) = made("missing_cells", frame).iter_rows(named=True)
    assert marked["absent"] == "xnli (sw), panx (en sw)"


def test_a_benchmark_that_nobody_asked_for_is_shown_only_whole() -> None:
    """A run of some tasks by name prints no table full of marks."""
    assert made("overall", scores(asked=()), asked=("xnli",)).height == 1
    assert made("overall", scores(xnli=("sw",)), asked=("xnli",)).height == 0


def test_averages_over_a_suite_have_its_name() -> None:
    """The tables of mini name mini, nowhere a benchmark."""
    (row,) = made("overall", scores(), suite="mini").iter_rows(named=True)
    assert row["section"] == "mini"
    assert row["score/average over tasks of mini"] == row["score/average over categories of mini"] == "70.0"
    assert "XTREME" not in page(scores(), empty(DELTAS), manifest(), averages(suite="mini"))


def test_overall_changes_stand_beside_both_levels() -> None:
    """Each average under noise has its clean and its perturbed level, the change with its interval, and the marks."""
    noisy = scores().with_columns(condition=pl.lit("char_noise:0.1"), value=pl.col("value") - 10)
    row = made("overall_drops", pl.concat([scores(), noisy])).row(0, named=True)
    assert (row["average"], row["noise"]) == ("average over tasks", "char_noise:0.1")
    assert (row["clean"], row["value"], row["change"]) == pytest.approx((70.0, 60.0, -10.0))
    assert row["change_low"] < -10 < row["change_high"]
    assert (row["marked"], row["units"]) == (0.0, 20)


def test_a_language_of_a_task_counts_once_among_marks() -> None:
    """Exact match has no test; the mark of F1, the headline metric, is that of the language, also where it is none."""

    def marked(level: CellLevel) -> bool | None:
        return None if level.metric == "em" else level["task"] == "xquad" and level["language"] == "sw"

    noisy = scores().with_columns(condition=pl.lit("char_noise:0.1"))
    frame = averages(pl.concat([scores(), noisy]), marked=marked)
    rows = frame.filter(pl.col("drop").is_not_null(), task="")
    assert set(rows.select("marked", "units").iter_rows()) == {(1 / 20, 20)}


def test_a_mark_is_that_of_the_headline_metric_which_is_not_in_the_score() -> None:
    """The score of tagging is chunk F1, and its tests and marks are of token accuracy."""
    tasks = {"udpos": Task(("token_accuracy", "span_f1"), ("span_f1",), ("tokens",), {"xtreme-r": ("en", "sw")})}
    rows = [
        _row("udpos", code, metric, 70.0, condition=condition)
        for code in ("en", "sw")
        for metric in ("token_accuracy", "span_f1")
        for condition in ("clean", "char_noise:0.1")
    ]
    marks = {("sw", "token_accuracy"): True, ("en", "token_accuracy"): False}
    levels = [
        replace(level, marked=None if level["condition"] == "clean" else marks.get((level.language, level.metric)))
        for level in levels_of(build(rows, SCORES), empty(DELTAS))
    ]
    frame = averaged(levels, {(level.key, level.metric): _LOST for level in levels}, tasks, ["xtreme-r"])
    over_tasks = frame.filter(pl.col("drop").is_not_null(), task="")
    assert set(over_tasks.select("marked", "units").iter_rows()) == {(0.5, 2)}


def test_on_a_terminal_tasks_are_rows() -> None:
    """The overall table fits a narrow terminal: a row a task, a column a noise, and no number is cut."""
    raw = io.StringIO()
    results = Results(scores(), empty(DELTAS), manifest(), averages())
    show(Console(file=raw, width=60, color_system=None), results, ("overall",))
    lines = raw.getvalue().splitlines()
    assert any(line.split() == ["xquad", "80.0", "/", "60.0"] for line in lines)
    assert any(line.split() == ["average", "over", "tasks", "70.0"] for line in lines)
    assert max(map(len, lines)) <= 60
