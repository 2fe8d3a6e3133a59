"""Views of averages: the overall table as papers print it, scripts and families, and what is missing by name."""

from __future__ import annotations

import io
from typing import Any

import polars as pl
import pytest
from rich.console import Console
from tests.unit.test_benchmark import _row

from robust_xtreme import registry
from robust_xtreme.report.document import page, show
from robust_xtreme.report.view import Results
from robust_xtreme.results.benchmark import TASKS
from robust_xtreme.results.schema import DELTAS, SCORES, build, empty

QA = {"xquad", "mlqa", "tydiqa"}


def manifest(asked: tuple[str, ...] = ("xtreme-r",)) -> dict[str, Any]:
    """A run of XTREME-R in two languages."""
    tasks = {}
    for name in TASKS["xtreme-r"]:
        metrics = ["em", "f1"] if name in QA else ["accuracy"]
        groups = {"xtreme-r": ["en", "sw"]}
        tasks[name] = {"metrics": metrics, "score": metrics, "perturbed": [["question"]], "groups": groups}
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
    frame: pl.DataFrame = registry.load("view", view).make(Results(score_frame, empty(DELTAS), manifest(**other)))
    return frame


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


def test_the_page_explains_the_mark() -> None:
    """What a star means is above the table, what is missing in the legend."""
    text = page(scores(xnli=("sw",)), empty(DELTAS), manifest())
    assert "\\* is over a part" in text
    assert "70.0\\*" in text
    assert "**missing**" in text


def test_languages_are_averaged_by_script_and_by_family(delta_rows: Any) -> None:
    """Each language counts once, in its script and its family; what claims nothing is counted apart."""
    results = Results(scores(), delta_rows, {**manifest(), "tasks": {"xnli": manifest()["tasks"]["xnli"]}})
    by_script: pl.DataFrame = registry.load("view", "by_script").make(results)
    assert dict(zip(by_script["script"], by_script["averaged_over"], strict=True)) == {"Latn": "en sw", "Cyrl": "ru"}
    assert by_script.filter(pl.col("script") == "Latn")["change"].item() == pytest.approx(-15.0)
    by_family: pl.DataFrame = registry.load("view", "by_family").make(results)
    assert dict(zip(by_family["family"], by_family["change"], strict=True)) == {
        "Indo-European": pytest.approx(-20.0),
        "Niger-Congo": pytest.approx(-10.0),
    }
    assert by_family.filter(pl.col("family") == "Indo-European")["left_out"].item() == 1


@pytest.fixture
def delta_rows() -> pl.DataFrame:
    """Drops of xnli in four languages; in German the tokenizer undid the noise."""
    drops = {"en": 10.0, "sw": 10.0, "ru": 30.0, "de": 5.0}
    drops["sw"] = 10.0
    drops["en"] = 20.0
    drops["ru"] = 20.0
    rows = [
        {
            **_row("xnli", language, "accuracy", 70.0 - drop),
            "condition": "char_noise:0.1@fields=question",
            "clean": 70.0,
            "drop": drop,
            "inert": language == "de",
        }
        for language, drop in drops.items()
    ]
    return build(rows, DELTAS)


def test_on_a_terminal_tasks_are_rows() -> None:
    """The overall table fits a narrow terminal: a row a task, a column a noise, and no number is cut."""
    raw = io.StringIO()
    show(Console(file=raw, width=60, color_system=None), scores(), empty(DELTAS), manifest(), ("overall",))
    lines = raw.getvalue().splitlines()
    assert any(line.split() == ["xquad", "80.0", "/", "60.0"] for line in lines)
    assert any(line.split() == ["average", "over", "tasks", "70.0"] for line in lines)
    assert max(map(len, lines)) <= 60
