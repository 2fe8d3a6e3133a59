"""The frame AVERAGES from STATS: which clusters are the same, and the numbers of a plain computation."""

from __future__ import annotations

from typing import Any

import numpy as np
import polars as pl
import pytest
from tests.stats_rows import NOISE, answers, deltas, item, prediction_rows, scores, stats_rows

from robust_xtreme.files.schema import PREDICTIONS, STATS, build
from robust_xtreme.stats._cells import cells
from robust_xtreme.stats.averages import averages
from robust_xtreme.stats.benchmark import Task
from robust_xtreme.stats.components import numbered

XNLI = Task(("accuracy",), ("accuracy",), ("premise",), {})
SHARE = {"clean": 0.8, NOISE: 0.6}


def _rows(language: str, items: int, seed: int) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """STATS and PREDICTIONS of one language, whose first clusters are those of every language."""
    stats, predictions = [], []
    for at, (condition, share) in enumerate(SHARE.items()):
        arm, code = at - 1, {"language": language, "context_language": language}
        stats += stats_rows(answers(items, share, seed + at), condition, arm, **code)
        predictions += prediction_rows(items, condition, arm, **code)
    return stats, predictions


def _not_run(language: str, reason: str, split: str = "test", task: str = "xnli") -> dict[str, str]:
    return {"task": task, "language": language, "split": split, "reason": reason}


ABSENT = (
    _not_run("fr", "unreadable", "auto"),
    _not_run("vi", "failed"),
    _not_run("de", "failed"),  # under other fields: it has a level under each condition of this group
    _not_run("el", "failed", "validation"),
    _not_run("ru", "failed", task="panx"),
)


@pytest.fixture(scope="module")
def frames() -> tuple[pl.DataFrame, pl.DataFrame]:
    """STATS and AVERAGES of three languages of 90, 90 and 180 items in clusters of three; others are absent."""
    parts = [_rows(code, items, seed) for code, items, seed in (("de", 90, 1), ("sw", 90, 11), ("th", 180, 21))]
    stats = build([row for part, _ in parts for row in part], STATS)
    scored = scores(stats, build([row for _, part in parts for row in part], PREDICTIONS))
    made = averages(stats, scored, deltas(stats, scored, {"xnli": "accuracy"}), {"xnli": XNLI}, absent=ABSENT)
    return stats, made


def test_the_drop_and_its_variance_are_those_of_a_plain_computation(frames: tuple[pl.DataFrame, pl.DataFrame]) -> None:
    """The mean without each cluster, from the rows of STATS, in numpy; and both levels."""
    stats, made = frames
    right = dict(iter(stats.group_by("language", "condition", maintain_order=True)))

    def level(language: str, condition: str, without: str = "") -> float:
        rows = right[language, condition].filter(pl.col("cluster") != without)
        return 100 * float(np.mean([each[0] for each in rows["stats"]]))

    row = made.filter(kind="languages").row(0, named=True)
    assert row["clean"] == pytest.approx(np.mean([level(code, "clean") for code in ("de", "sw", "th")]))
    assert row["value"] == pytest.approx(np.mean([level(code, NOISE) for code in ("de", "sw", "th")]))
    deviations: dict[str, float] = {}
    moved: dict[str, float] = {}
    for code in ("de", "sw", "th"):
        names = right[code, "clean"]["cluster"].unique().to_list()
        changes = np.array([level(code, "clean", name) - level(code, NOISE, name) for name in names])
        for name, deviation in zip(names, (changes.mean() - changes) / 3, strict=True):
            moved[name] = moved.get(name, 0.0) + deviation
            deviations[name] = deviations.get(name, 0.0) + np.sqrt((len(names) - 1) / len(names)) * deviation
    squares, whole = (np.array(list(sums.values())) ** 2 for sums in (deviations, moved))
    assert row["clusters"] == len(deviations) == 60
    assert (row["se"] ** 2, row["widened_se"] ** 2) == pytest.approx(
        (squares.sum(), squares.sum() + (whole**2).sum() / whole.sum())
    )
    assert (row["drop"], row["units"], row["languages"]) == (pytest.approx(row["clean"] - row["value"]), 3, "de sw th")


def test_averages_by_script_and_family_are_over_their_languages(frames: tuple[pl.DataFrame, pl.DataFrame]) -> None:
    """A script of one language has the drop of that language."""
    _, made = frames
    named = {row["name"]: row["languages"] for row in made.filter(kind="script").iter_rows(named=True)}
    assert named == {"Latn": "de sw", "Thai": "th"}
    assert set(made.filter(kind="family")["name"]) == {"Indo-European", "Niger-Congo", "Kra-Dai"}


def test_languages_that_cannot_be_evaluated_are_missing(frames: tuple[pl.DataFrame, pl.DataFrame]) -> None:
    """With the reason, in the averages of their task and split, and in those of their script and family."""
    _, made = frames
    missing = {row["name"]: row["missing"] for row in made.iter_rows(named=True)}
    assert missing["xnli"] == "fr (unreadable), vi (failed)"
    assert (missing["Latn"], missing["Thai"]) == ("fr (unreadable), vi (failed)", None)
    assert (missing["Indo-European"], missing["Niger-Congo"]) == ("fr (unreadable)", None)


def _passages(language: str, questions: dict[str, str]) -> list[dict[str, Any]]:
    """STATS of questions by native id, with the names of their passages."""
    row = stats_rows([True], language=language, context_language=language)[0]
    return [
        {**row, **item(0), "example": f"mlqa/test/{language}/{native}", "cluster": cluster, "task": "mlqa"}
        for native, cluster in questions.items()
    ]


def test_passages_with_a_question_in_common_are_one_component() -> None:
    """Two English passages are joined by a German one that has a question of each; ordinal ids join nothing."""
    english = {"a" * 40: "p1", "b" * 40: "p2", "c" * 40: "p3", "0": "p4"}
    german = {"b" * 40: "q1", "a" * 40: "q1", "d" * 40: "q2", "0": "q3"}
    measured = cells(build([*_passages("en", english), *_passages("de", german)], STATS))
    numbers = numbered(measured, {"mlqa": "[0-9a-f]{40}"})
    assert len({*numbers.of(["p1", "p2", "q1"]).tolist()}) == 1
    assert len({*numbers.of(["p1", "p3", "p4", "q2", "q3"]).tolist()}) == 5
    assert sorted(numbers.names.tolist()) == [1, 1, 1, 1, 3]
    assert len(numbered(measured, {}).names) == 7
