"""Averages of benchmarks: what they are over, and that no cell is dropped without its name."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import polars as pl
import pytest

from robust_xtreme.core import registry
from robust_xtreme.core.errors import Mismatch
from robust_xtreme.files.schema import CELL, DELTAS, SCORES, build, empty
from robust_xtreme.stats._cells import levels_of
from robust_xtreme.stats.averages import Drop, averaged
from robust_xtreme.stats.benchmark import AVERAGES, CATEGORIES, TASKS, TITLES, Task, clean_split, of_set, tasks_of

_QA = ("squad_em", "squad_f1")
_XTREME_R = {
    "xnli": 79.2,
    "xcopa": 69.2,
    "udpos": 75.0,
    "panx": 64.4,
    "tatoeba": 77.3,
    "mewsli_x": 45.7,
    "lareqa": 40.7,
    "xquad": (61.6, 77.2),
    "mlqa": (54.2, 72.7),
    "tydiqa": (45.8, 64.3),
}
_XTREME = {
    "xnli": 79.2,
    "pawsx": 86.4,
    "udpos": 72.6,
    "panx": 65.4,
    "bucc": 66.0,
    "tatoeba": 57.3,
    "xquad": (60.8, 76.6),
    "mlqa": (53.2, 71.6),
    "tydiqa": (45.0, 65.1),
}
"""Inputs of arithmetic whose three means are known: the mean over languages of each task; questions EM and F1."""


_CATEGORY = {
    "classification": "classification",
    "choice": "classification",
    "tagging": "structured prediction",
    "span_qa": "question answering",
    "retrieval": "retrieval",
}
"""The leaderboards' categories of our families."""


def _task(name: str) -> Task:
    question = name in {"xquad", "mlqa", "tydiqa"}
    in_groups = {group: ("en", "sw") for group in TASKS if name in TASKS[group]}
    score = _QA if question else ("accuracy",)
    return Task(score, score, ("question",) if question else ("text",), in_groups)


_TASKS = {name: _task(name) for name in dict.fromkeys((*TASKS["xtreme"], *TASKS["xtreme-r"]))}


def _row(task: str, language: str, metric: str, value: float, **other: Any) -> dict[str, Any]:
    cell = {**dict.fromkeys(CELL, "x"), "model": "m", "task": task, "split": "test", "condition": "clean"}
    named = {"language": language, "context_language": language, "setting": "zero_shot", "metric": metric}
    rates = dict.fromkeys(["grapheme_edit_rate", "word_edit_rate", "unchanged", "not_applicable", "truncated"], 0.0)
    sizes = {"n": 100, "clusters": 100, "seeds": 1, "method": "t", "operators": "{}"}
    flags = {"scope": "all", "inert": False, "overlap": False, "value": value}
    return {**cell, **named, **rates, **sizes, **flags, **other}


def _rows(scores: Mapping[str, Any], **other: Any) -> list[dict[str, Any]]:
    """Both languages of each task, four points below and above its score; questions by both metrics."""
    return [
        _row(task, language, metric, value + way, **other)
        for task, score in scores.items()
        for metric, value in (zip(_QA, score, strict=True) if isinstance(score, tuple) else [("accuracy", score)])
        for language, way in (("en", 4.0), ("sw", -4.0))
    ]


def _frame(
    rows: list[dict[str, Any]],
    tasks: Mapping[str, Task] | None = None,
    asked: tuple[str, ...] = tuple(TASKS),
    suite: str = "",
) -> pl.DataFrame:
    """AVERAGES of clean rows and of perturbed ones, which lose nothing."""
    levels = levels_of(build(rows, SCORES), empty(DELTAS))
    still = Drop(0.0, np.arange(20), np.zeros(20), np.zeros(20, bool), np.full(20, 20))
    drops = {(level.key, level.metric): still for level in levels}
    return averaged(levels, drops, _TASKS if tasks is None else tasks, asked, suite)


def _named(rows: list[dict[str, Any]], *others: Any) -> dict[str, dict[str, Any]]:
    """The averages over tasks by their names."""
    over_tasks = _frame(rows, *others).filter(task="")
    return {row["name"]: row for row in over_tasks.iter_rows(named=True)}


def test_each_average_has_its_rule_and_its_name() -> None:
    """The means of two rows of figures: XTREME over nine tasks, XTREME-R over ten tasks and over four categories."""
    new = _named(_rows(_XTREME_R))
    assert new["XTREME-R over categories"]["value"] == pytest.approx(65.3, abs=0.05)
    assert new["XTREME-R over tasks"]["value"] == pytest.approx(63.9, abs=0.05)
    old = _named(_rows(_XTREME))["XTREME over tasks"]
    assert old["value"] == old["clean"] == pytest.approx(68.1, abs=0.05)
    assert (old["missing"], old["model"], old["condition"], old["drop"]) == (None, "m", "clean", None)


def test_the_score_of_a_task_in_a_benchmark_is_over_its_languages_there() -> None:
    """Each metric of a task's score has a row beside the averages, with the split and the languages."""
    rows = _frame(_rows(_XTREME_R)).filter(kind="benchmark", name="XTREME-R", task="xquad")
    assert dict(rows.select("metric", "value").iter_rows()) == pytest.approx(dict(zip(_QA, (61.6, 77.2), strict=True)))
    assert rows.select("split", "languages").unique().rows() == [("test", "en sw")]


def test_a_missing_cell_is_named_and_the_others_are_averaged() -> None:
    """Without one language of one metric the task is over the other language, and the averages say so."""
    rows = [row for row in _rows(_XTREME_R) if (row["task"], row["language"], row["metric"]) != ("mlqa", "sw", _QA[0])]
    whole, named = _named(_rows(_XTREME_R)), _named(rows)
    for name in ("XTREME-R over tasks", "XTREME-R over categories"):
        assert named[name]["missing"] == "mlqa (sw)"
    assert named["XTREME-R over tasks"]["value"] == pytest.approx(whole["XTREME-R over tasks"]["value"] + 4.0 / 10)


def test_a_task_that_was_not_run_is_missing_by_name() -> None:
    """A manifest of two tasks names the others as missing; the means are over the two alone, as said."""
    few = {name: _TASKS[name] for name in ("xnli", "udpos")}
    average = _named(_rows({name: _XTREME_R[name] for name in few}), few)["XTREME-R over categories"]
    assert average["missing"] == ", ".join(name for name in TASKS["xtreme-r"] if name not in few)
    assert average["value"] == pytest.approx((79.2 + 75.0) / 2)


def test_a_task_that_is_known_and_has_no_cell_is_missing_by_its_languages() -> None:
    """Each language of it is named, as any cell that is not there."""
    average = _named([row for row in _rows(_XTREME) if row["task"] != "bucc"])["XTREME over tasks"]
    assert average["missing"] == "bucc (en sw)"
    assert "bucc" not in average["cells"]


def test_a_benchmark_that_nobody_asked_for_is_averaged_only_whole() -> None:
    """Where no cell of a benchmark is there, or some are missing and it was not asked for, there is no average."""
    assert _named([]) == {}
    assert set(_named(_rows({"pawsx": 80.0}))) == {"XTREME over tasks"}
    assert _named(_rows({"pawsx": 80.0}), _TASKS, ("pawsx",)) == {}
    assert set(_named(_rows(_XTREME), _TASKS, ("pawsx",))) == {"XTREME over tasks"}


def test_rows_of_a_suite_are_not_the_benchmark() -> None:
    """An average over the tasks of a suite has the name of the suite, and so have its kinds."""
    frame = _frame(_rows(_XTREME_R), suite="mini")
    assert set(frame.filter(task="")["name"]) == {"tasks of mini", "categories of mini", "tasks of mini (of XTREME)"}
    assert set(frame["kind"]) == {"tasks", "categories"}
    assert not frame["name"].str.contains("XTREME-R").any()


def test_a_noise_is_averaged_over_the_headline_fields() -> None:
    """Of questions the condition on the question counts, that on the context does not."""
    rows = _rows(_XTREME)
    for task, score in _XTREME.items():
        fields = _TASKS[task].headline[0]
        rows += _rows({task: score}, condition=f"char_noise:0.1@fields={fields}")
    rows += _rows({"xquad": (10.0, 10.0)}, condition="char_noise:0.1@fields=context")
    made = _frame(rows).filter(name="XTREME over tasks")
    assert made["condition"].to_list() == ["char_noise:0.1", "clean"]
    assert made["value"].n_unique() == 1


@pytest.mark.parametrize("unfit", [{"not_applicable": 1.0}, {"inert": True}])
def test_what_a_noise_does_not_reach_is_missing(unfit: dict[str, Any]) -> None:
    """A language that a perturbation does not apply to, or whose tokens it does not change, is not a score under it."""
    rows = [*_rows(_XTREME), *_rows(_XTREME, condition="char_noise:0.1")]
    rows[len(rows) // 2 + 1] |= unfit
    average = _named(rows)["XTREME over tasks"]
    assert (average["condition"], average["missing"]) == ("clean", None)
    noisy = _frame(rows).filter(name="XTREME over tasks", condition="char_noise:0.1").row(0, named=True)
    assert noisy["missing"] == "xnli (sw)"
    assert noisy["clean"] == pytest.approx(noisy["value"]) == pytest.approx(average["value"] + 4.0 / 9)


def test_only_whole_cells_of_the_languages_count() -> None:
    """Parts of cells, pairs of languages, other metrics and other languages change nothing."""
    rows = _rows(_XTREME)
    expected = _named(rows)["XTREME over tasks"]
    other = [
        _row("xnli", "en", "accuracy", 0.0, scope="noised_gold", condition="char_noise:0.1"),
        _row("mlqa", "en", "squad_f1", 0.0, context_language="de"),
        _row("xnli", "en", "span_f1", 0.0),
        _row("xnli", "ht", "accuracy", 0.0),
        _row("unknown", "en", "accuracy", 0.0),
    ]
    assert _named(rows + other)["XTREME over tasks"] == expected


def test_dev_and_test_share_no_average() -> None:
    """The split with most cells of a task is taken, the other's cells are missing; of as many, test."""
    rows = _rows(_XTREME)
    rows[0]["split"] = "validation"
    assert _named(rows)["XTREME over tasks"]["missing"] == "xnli (en)"
    assert _frame(rows).filter(name="XTREME", task="xnli")["split"].item() == "test"
    dev = [{**row, "split": "validation"} for row in _rows(_XTREME)]
    assert _named(dev)["XTREME over tasks"]["missing"] is None


def test_a_cell_that_is_there_twice_is_refused() -> None:
    """Two ways of inference of one cell are named, not averaged."""
    rows = [*_rows(_XTREME), _row("xnli", "sw", "accuracy", 1.0, inference="other")]
    with pytest.raises(Mismatch, match="twice"):
        _named(rows)


def test_models_of_the_same_tasks_are_averaged_apart_over_the_same_languages() -> None:
    """A language that one of the models does not have is missing for both."""
    rows = [*_rows(_XTREME, model="b"), *_rows(_XTREME, model="a")[:-1]]
    made = _frame(rows).filter(name="XTREME over tasks")
    assert made["model"].to_list() == ["a", "b"]
    assert made["missing"].to_list() == ["tydiqa (sw)"] * 2
    assert made["value"].n_unique() == 1


def test_models_that_share_the_tasks_have_one_average() -> None:
    """A model for each task: the average is over all of them, and names them."""
    rows = [row | {"model": f"m{row['task']}"} for row in _rows(_XTREME)]
    (model,) = _frame(rows).filter(name="XTREME over tasks")["model"]
    assert model == ", ".join(sorted(f"m{task}" for task in _XTREME))


def test_a_manifest_says_what_tasks_are() -> None:
    """Its entries are read as TaskSpec writes them; one of an older version belongs to no benchmark."""
    manifest = {
        "tasks": {
            "xquad": {
                "metrics": ["squad_f1"],
                "score": list(_QA),
                "perturbed": [["question"], ["context"]],
                "groups": {"xtreme": ["en"]},
                "parallel_ids": "[0-9]+",
            },
            "xnli": {"metrics": ["accuracy"], "perturbed": [["premise", "hypothesis"]]},
        }
    }
    assert tasks_of(manifest["tasks"]) == {
        "xquad": Task(("squad_f1",), _QA, ("question",), {"xtreme": ("en",)}, "[0-9]+"),
        "xnli": Task(("accuracy",), ("accuracy",), ("premise", "hypothesis"), {}),
    }


def test_benchmarks_are_those_of_the_tasks() -> None:
    """Every task that names a benchmark is averaged in it, in the category of its family, and none else is."""
    tasks = [registry.load("task", name) for name in registry.names("task")]
    for benchmark, members in TASKS.items():
        assert {task.name for task in tasks if benchmark in task.groups} == set(members)
        kinds = {name: kind for kind, several in CATEGORIES[benchmark].items() for name in several}
        families = {task.name: _CATEGORY[task.family] for task in tasks if benchmark in task.groups}
        assert families == kinds
    assert set(AVERAGES) == set(TITLES) == set(TASKS)


def test_clean_items_of_a_set_are_of_the_split_that_it_names() -> None:
    """A split of no set is its own."""
    assert [clean_split(split) for split in (of_set("test", "typos"), "dev [typos]", "dev")] == ["test", "dev", "dev"]
