"""Averages of benchmarks: what they are over, and that no cell is dropped without its name."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import polars as pl
import pytest

from robust_xtreme import registry
from robust_xtreme.errors import Mismatch
from robust_xtreme.results.benchmark import AVERAGES, CATEGORIES, TASKS, Average, Task, averages, tasks_of
from robust_xtreme.results.schema import CELL, SCORES, build

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
    return Task(_QA if question else ("accuracy",), ("question",) if question else ("text",), in_groups)


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


def _named(rows: list[dict[str, Any]], tasks: Mapping[str, Task] | None = None) -> dict[str, Average]:
    all_averages = averages(build(rows, SCORES), _TASKS if tasks is None else tasks)
    return {average.name: average for average in all_averages}


def test_each_average_has_its_rule_and_its_name() -> None:
    """The means of two rows of figures: XTREME over nine tasks, XTREME-R over ten tasks and over four categories."""
    new = _named(_rows(_XTREME_R))
    assert new["XTREME-R over categories"].value == pytest.approx(65.3, abs=0.05)
    assert new["XTREME-R over tasks"].value == pytest.approx(63.9, abs=0.05)
    assert new["XTREME-R over tasks"].tasks["xquad"] == pytest.approx((61.6 + 77.2) / 2)
    assert new["XTREME-R over categories"].categories["classification"] == pytest.approx((79.2 + 69.2) / 2)
    old = _named(_rows(_XTREME))["XTREME"]
    assert old.value == old.value_of_present == pytest.approx(68.1, abs=0.05)
    assert (old.missing, old.model, old.noise) == ((), "m", "clean")


def test_a_missing_cell_is_named_and_leaves_no_value() -> None:
    """Without one language of one metric, the task, its category and the average have no value; others have."""
    rows = [row for row in _rows(_XTREME_R) if (row["task"], row["language"], row["metric"]) != ("mlqa", "sw", _QA[0])]
    named = _named(rows)
    for name in ("XTREME-R over tasks", "XTREME-R over categories"):
        assert named[name].value is None
        assert named[name].missing == ("mlqa/sw",)
        assert named[name].tasks["mlqa"] is named[name].categories["question answering"] is None
        assert named[name].categories["retrieval"] == pytest.approx((77.3 + 45.7 + 40.7) / 3)
    whole = _named(_rows(_XTREME_R))["XTREME-R over tasks"].value
    assert whole is not None
    assert named["XTREME-R over tasks"].value_of_present == pytest.approx(whole + 4.0 / 10)


def test_a_task_that_was_not_run_is_missing_by_name() -> None:
    """A manifest of two tasks names the others as missing; the means are over the two alone, as said."""
    few = {name: _TASKS[name] for name in ("xnli", "udpos")}
    average = _named(_rows({name: _XTREME_R[name] for name in few}), few)["XTREME-R over categories"]
    assert average.value is None
    assert average.missing == tuple(name for name in TASKS["xtreme-r"] if name not in few)
    assert average.value_of_present == pytest.approx((79.2 + 75.0) / 2)
    assert average.categories == dict.fromkeys(CATEGORIES["xtreme-r"])
    assert average.tasks["xnli"] == pytest.approx(79.2)


def test_a_task_that_is_known_and_has_no_cell_is_missing_by_its_languages() -> None:
    """Each language of it is named, as any cell that is not there."""
    average = _named([row for row in _rows(_XTREME) if row["task"] != "bucc"])["XTREME"]
    assert average.missing == ("bucc/en", "bucc/sw")
    assert "bucc" not in average.splits


def test_nothing_at_all_is_not_an_average() -> None:
    """Where no cell of a benchmark is there, no average of it is made up."""
    assert _named([]) == {}
    assert set(_named(_rows({"pawsx": 80.0}))) == {"XTREME"}


def test_a_noise_is_averaged_over_the_headline_fields() -> None:
    """Of questions the condition on the question counts, that on the context does not; clean is first."""
    rows = _rows(_XTREME)
    for task, score in _XTREME.items():
        fields = _TASKS[task].headline[0]
        rows += _rows({task: score}, condition=f"char_noise:0.1@fields={fields}")
    rows += _rows({"xquad": (0.0, 0.0)}, condition="char_noise:0.1@fields=context")
    xtreme = [average for average in averages(build(rows, SCORES), _TASKS) if average.name == "XTREME"]
    assert [average.noise for average in xtreme] == ["clean", "char_noise:0.1"]
    assert xtreme[1].value == xtreme[0].value is not None


def test_what_a_noise_cannot_serve_is_missing() -> None:
    """A language that a perturbation does not apply to is not a score under it."""
    rows = _rows(_XTREME, condition="char_noise:0.1")
    rows[1]["not_applicable"] = 1.0
    average = _named(rows)["XTREME"]
    assert (average.value, average.missing) == (None, ("xnli/sw",))


def test_only_whole_cells_of_the_languages_count() -> None:
    """Parts of cells, pairs of languages, other metrics and other languages change nothing."""
    rows = _rows(_XTREME)
    expected = _named(rows)["XTREME"]
    other = [
        _row("xnli", "en", "accuracy", 0.0, scope="noised_gold", condition="char_noise:0.1"),
        _row("mlqa", "en", "squad_f1", 0.0, context_language="de"),
        _row("xnli", "en", "span_f1", 0.0),
        _row("xnli", "ht", "accuracy", 0.0),
        _row("unknown", "en", "accuracy", 0.0),
    ]
    average = _named(rows + other)["XTREME"]
    assert average == expected


def test_dev_and_test_share_no_average() -> None:
    """The split with most cells of a task is taken, the other's cells are missing; of as many, test."""
    rows = _rows(_XTREME)
    rows[0]["split"] = "validation"
    average = _named(rows)["XTREME"]
    assert (average.missing, average.splits["xnli"]) == (("xnli/en",), "test")
    dev = _named([{**row, "split": "validation"} for row in _rows(_XTREME)])["XTREME"]
    assert dev.value is not None
    assert set(dev.splits.values()) == {"validation"}


def test_a_cell_that_is_there_twice_is_refused() -> None:
    """Two ways of inference of one cell are named, not averaged."""
    rows = [*_rows(_XTREME), _row("xnli", "sw", "accuracy", 1.0, inference="other")]
    with pytest.raises(Mismatch, match=r"xnli/sw clean accuracy \(m\) twice"):
        _named(rows)


def test_models_are_averaged_apart() -> None:
    """Each model has its own averages, in order."""
    rows = [*_rows(_XTREME, model="b"), *_rows(_XTREME, model="a")]
    assert [average.model for average in averages(build(rows, SCORES), _TASKS)][:2] == ["a", "b"]


def test_a_manifest_says_what_tasks_are() -> None:
    """Its entries are read as TaskSpec writes them; one of an older version belongs to no benchmark."""
    manifest = {
        "tasks": {
            "xquad": {
                "metrics": ["squad_f1"],
                "score": list(_QA),
                "perturbed": [["question"], ["context"]],
                "groups": {"xtreme": ["en"]},
            },
            "xnli": {"metrics": ["accuracy"], "perturbed": [["premise", "hypothesis"]]},
        }
    }
    assert tasks_of(manifest["tasks"]) == {
        "xquad": Task(_QA, ("question",), {"xtreme": ("en",)}),
        "xnli": Task(("accuracy",), ("premise", "hypothesis"), {}),
    }


def test_benchmarks_are_those_of_the_tasks() -> None:
    """Every task that names a benchmark is averaged in it, in the category of its family, and none else is."""
    tasks = [registry.load("task", name) for name in registry.names("task")]
    for benchmark, members in TASKS.items():
        assert {task.name for task in tasks if benchmark in task.groups} == set(members)
        kinds = {name: kind for kind, several in CATEGORIES[benchmark].items() for name in several}
        families = {task.name: _CATEGORY[task.family] for task in tasks if benchmark in task.groups}
        assert families == kinds
    assert {benchmark for benchmark, _ in AVERAGES.values()} == set(TASKS)


def test_the_frame_is_left_as_it_is() -> None:
    """SCORES of no rows have no averages, whatever the tasks."""
    assert averages(pl.DataFrame(schema=SCORES.schema), {}) == []
