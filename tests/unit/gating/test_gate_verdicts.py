"""The verdicts of the gate: one a row, from numbers that are not rounded, and what fails under a policy."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import Any

import numpy as np
import polars as pl
import pytest
from tests.stats_rows import stats_rows

from robust_xtreme.core.errors import Mismatch
from robust_xtreme.files.schema import CELL, CONTRASTS, STATS, VERDICT_NAMES, VERDICTS, build, validate
from robust_xtreme.gating.document import BEYOND, MISSING, NEW, OK, REGRESSED, UNDECIDED, Gate
from robust_xtreme.gating.policy import Accepted, Policy, Rule
from robust_xtreme.gating.verdicts import decide, verdicts_of
from robust_xtreme.stats._cells import Cell, cells
from robust_xtreme.stats.benchmark import Task
from robust_xtreme.stats.contrasts import Key, contrasts
from robust_xtreme.stats.intervals import error_of_ratio

_TODAY = date(2026, 11, 22)
_NOISE = "char_noise:0.1"
_TASKS = {"xnli": Task(("accuracy",), ("accuracy",), ("premise",), {})}
_LANGUAGES = ["ar", "de", "en", "es", "hi", "ja", "ko", "ru", "sw", "th", "tr", "zh"]


def _row(**other: Any) -> dict[str, Any]:
    """A row of CONTRASTS of 500 clusters: a cell without a fall, unless it is stated otherwise."""
    language = other.pop("language", "sw")
    names = {**dict.fromkeys(CELL[1:], "x"), "task": "xnli", "language": language, "context_language": language}
    row = {"kind": "cell", **names, "condition": "clean", "metric": "accuracy", "scale": "clean", "cells": 1, "n": 500}
    row |= {"clusters": 500, "differing": 40, "baseline": 80.0, "candidate": 80.0, "difference": 0.0, "se": 1.0}
    row |= {
        "widened_se": 1.0,
        "df": 499.0,
        "skewness": 0.0,
        "unseen": None,
        "low": -2.0,
        "high": 2.0,
        "p": 1.0,
        "method": "t",
    }
    return row | other


def _task(**other: Any) -> dict[str, Any]:
    return _row(kind="task", language="", data="", setting="", cells=12, **other)


def _fallen(difference: float, p: float, **other: Any) -> dict[str, Any]:
    return _row(difference=difference, candidate=80.0 + difference, p=p, **other)


def _gate(rows: Sequence[dict[str, Any]], policy: Policy | None = None, **other: Any) -> Gate:
    known: dict[str, Any] = {"missing": (), "new": (), "today": _TODAY, **other}
    return decide(build(rows, CONTRASTS), policy or Policy(), **known)


def _only(gate: Gate, **names: str) -> dict[str, Any]:
    return gate.verdicts.filter(**names).row(0, named=True)


def _key(language: str, condition: str = "clean") -> Key:
    row = _row(language=language, condition=condition)
    return tuple(row[name] for name in (*CELL[1:], "metric"))


# ------------------------------------------------------------------------------------------------------- one verdict


_SURE = _fallen(-6.0, 1e-8)
_WIDE = _row(widened_se=3.0, se=3.0)
_BELOW = _fallen(-4.0, 0.03, widened_se=1.0)


@pytest.mark.parametrize(
    ("row", "verdict"),
    [
        (_row(), OK),
        (_fallen(-1.0, 1e-4, widened_se=0.25), OK),
        (_SURE, REGRESSED),
        (_WIDE, UNDECIDED),
        (_row(difference=0.0, differing=0, widened_se=20.0, p=1.0), UNDECIDED),
        (_row(difference=-1.0, clusters=12, p=None, se=None, widened_se=None, low=None, high=None), UNDECIDED),
    ],
)
def test_each_row_has_one_verdict(row: dict[str, Any], verdict: str) -> None:
    """By bound, test and margin: ok, regressed, undecided; few items of which none differs show nothing."""
    gate = _gate([row, _row(language="de")])
    assert _only(gate, language="sw")["verdict"] == verdict
    assert sum(gate.counts.values()) == 2


@pytest.mark.parametrize("tested", [{"widened_se": 20.0}, dict.fromkeys(("p", "se", "widened_se", "low", "high"))])
def test_a_run_of_the_same_weights_is_ok_where_no_item_differs(tested: dict[str, Any]) -> None:
    """Few items show nothing of other weights; of the same weights they need not."""
    rows = [_row(differing=0, **tested), _row(language="de", difference=0.5, widened_se=20.0), _task()]
    for unchanged, expected in (((), UNDECIDED), (("panx",), UNDECIDED), (("xnli",), OK)):
        gate = _gate(rows, unchanged=unchanged)
        assert _only(gate, language="sw")["verdict"] == expected
        assert _only(gate, language="de")["verdict"] == UNDECIDED
    assert "same weights" in _only(gate, language="sw")["why"]


def test_a_fall_beyond_the_margin_that_many_tests_hide_is_named() -> None:
    """Where the upper bound is below minus the margin but the corrected p is above its level, it is not regressed."""
    gate = _gate([_BELOW, *(_row(language=language) for language in _LANGUAGES if language != "sw")])
    row = _only(gate, language="sw")
    assert (row["verdict"], row["m"]) == (BEYOND, 12)
    assert row["p_gate"] == pytest.approx(12 * 0.015)
    assert gate.passed


@pytest.mark.parametrize(("family", "tests"), [("all", 4), ("task", 2), ("language", 2), ("perturbation", 3)])
def test_p_is_corrected_over_the_family_of_the_policy(family: str, tests: int) -> None:
    """Over all cells, or over those of a task, language or perturbation; the tasks are a family of their own."""
    noisy = {"condition": "char_noise:0.1", "scale": "perturbed"}
    rows = [_fallen(-4.0, 0.02), _row(language="de"), _row(task="panx"), _row(task="panx", language="de", **noisy)]
    row = _only(_gate([*rows, _task()], Policy(family=family)), language="sw", task="xnli")
    assert (row["m"], row["p_gate"]) == (tests, pytest.approx(tests * 0.01))


def test_a_row_without_differing_items_has_a_mde_like_others() -> None:
    """Where no item differs, the smallest fall is one of as many items as where few differ, not of whole clusters."""
    right = np.arange(480) % 5 > 0
    changed = right.copy()
    changed[[0, 30, 61]] = ~changed[[0, 30, 61]]
    both = contrasts(_run({"sw": right, "de": right}, {}), _run({"sw": right, "de": changed}, {}), _TASKS)
    gate = decide(both, Policy(), (), (), _TODAY)
    still, moved = (_only(gate, kind="cell", language=language)["mde"] for language in ("sw", "de"))
    assert moved == pytest.approx(still, rel=0.5)
    row = _only(gate, kind="cell", language="sw")
    assert (row["differing"], row["joint_low"] < row["low"]) == (0, True)  # of all rows at once, not of one


def test_nothing_is_decided_from_rounded_numbers() -> None:
    """A bound, a p or an upper bound that is equal to its threshold when rounded counts as it is."""
    near = np.array([-2.0, np.nextafter(-2.0, 0.0), -3.0, -3.0, -3.0, -3.0])
    upper = np.array([1.0, 1.0, 1.0, 1.0, -2.0, np.nextafter(-2.0, -3.0)])
    p = np.array([0.5, 0.5, 0.025, np.nextafter(0.025, 1.0), 0.5, 0.5])
    verdicts = verdicts_of(near, upper, p, np.full(6, 2.0), 0.05)
    assert verdicts.tolist() == [UNDECIDED, OK, REGRESSED, UNDECIDED, UNDECIDED, BEYOND]


def test_a_row_without_a_test_is_undecided() -> None:
    """Bounds and p that are not known decide nothing."""
    nan = np.full(2, np.nan)
    assert verdicts_of(nan, nan, nan, np.full(2, 2.0), 0.05).tolist() == [UNDECIDED, UNDECIDED]


def test_few_clusters_of_an_f1_show_little() -> None:
    """Sentences that a sample has not can change an F1 more than those that it has, unless there are many clusters."""
    near = {"se": 0.5, "widened_se": 0.6}
    for metric, clusters, expected in (("accuracy", 60, OK), ("span_f1", 60, UNDECIDED), ("span_f1", 1000, OK)):
        gate = _gate([_row(metric=metric, clusters=clusters, df=clusters - 1.0, **near)])
        assert gate.verdicts["verdict"].item() == expected
    assert error_of_ratio(3.0, 5.0, 25) == 5.0
    assert error_of_ratio(3.0, 4.0, 25) == 5.0


def test_tasks_and_cells_are_corrected_apart() -> None:
    """The p of a kind is corrected over its own rows on the scales of the policy; other rows are shown alone."""
    shown = [_fallen(-6.0, 1e-8, kind="language", task="", metric="score"), _fallen(-6.0, 1e-8, scale="change")]
    gate = _gate([_task(), _SURE, _row(language="de"), *shown])
    assert _only(gate, kind="task")["m"] == 1
    assert _only(gate, kind="cell", language="de")["m"] == 2
    for row in (_only(gate, kind="language"), _only(gate, scale="change")):
        assert (row["verdict"], row["p_gate"], row["fails"]) == (None, None, False)
    assert gate.failing["scale"].to_list() == ["clean"]
    assert _gate([_SURE, *shown], Policy(scales=("change",))).failing["scale"].to_list() == ["change"]


def test_the_correction_is_that_of_the_policy() -> None:
    """Benjamini-Hochberg finds what Holm does not."""
    rows = [_fallen(-6.0, 0.03 + at / 1000, language=language) for at, language in enumerate(_LANGUAGES[:4])]
    assert _gate(rows).counts[REGRESSED] == 0
    assert _gate(rows, Policy(correction="bh")).counts[REGRESSED] == 4
    assert _gate(rows, Policy(correction="by")).counts[REGRESSED] == 0


def test_the_detectable_fall_is_that_of_the_gate() -> None:
    """A smaller alpha and more tests ask for a greater fall."""
    single, many = _gate([_WIDE]), _gate([_WIDE, *(_row(language=language) for language in "abc")])
    strict = _gate([_WIDE], Policy(alpha=0.01))
    assert single.verdicts["mde"].item() == pytest.approx(3.0 * (1.9647 + 0.8423), rel=1e-3)
    assert _only(many, language="sw")["mde"] > single.verdicts["mde"].item()
    assert strict.verdicts["mde"].item() > single.verdicts["mde"].item()


def test_alpha_is_shared_by_the_sides() -> None:
    """Beside an anchor a p between a quarter and half of alpha is not enough, and the detectable fall is greater."""
    alone, shared = (_gate([_fallen(-4.0, 0.04, widened_se=1.95)], sides=sides) for sides in (1, 2))
    assert (alone.counts[REGRESSED], shared.counts[REGRESSED], shared.counts[UNDECIDED]) == (1, 0, 1)
    assert "is above 0.0125. A fall of" in shared.verdicts["why"].item()
    halved = _gate([_fallen(-4.0, 0.04, widened_se=1.95)], Policy(alpha=0.025))
    assert shared.verdicts["mde"].item() == halved.verdicts["mde"].item() > alone.verdicts["mde"].item()


# ------------------------------------------------------------------------------------------------------ what fails


def test_what_the_policy_says_of_undecided_rows_counts() -> None:
    """They fail where the policy fails them or requires the cell; the verdict stays."""
    sure = _row(language="de")
    assert _gate([_WIDE, sure]).passed
    assert _gate([_WIDE, sure], Policy(undecided="pass")).passed
    for policy in (Policy(undecided="fail"), Policy(rules=(Rule(language="sw", required=True),))):
        gate = _gate([_WIDE, sure], policy)
        assert gate.failing.select("language", "verdict").rows() == [("sw", UNDECIDED)]
        assert gate.exit_code == 1


def test_missing_cells_fail_and_new_ones_do_not() -> None:
    """A cell of the baseline alone fails unless the policy says otherwise; one of the candidate alone never does."""
    gate = _gate([_row()], missing=[_key("de"), _key("de", _NOISE)], new=[_key("fr")])
    assert [gate.counts[verdict] for verdict in VERDICT_NAMES] == [1, 0, 0, 0, 0, 2, 1]
    assert gate.failing.select("language", "scale", "verdict").rows() == [
        ("de", "perturbed", MISSING),
        ("de", "clean", MISSING),
    ]
    assert _only(gate, language="fr")["verdict"] == NEW
    warned = _gate([_row()], Policy(missing="warn"), missing=[_key("de")], new=[_key("fr")])
    assert warned.passed
    required = Policy(missing="warn", rules=(Rule(language="de", required=True),))
    assert not _gate([_row()], required, missing=[_key("de")]).passed


def test_a_scale_that_is_not_gated_does_not_miss_a_cell() -> None:
    """A missing perturbed cell does not fail a gate of clean text alone."""
    assert _gate([_row()], Policy(scales=("clean",)), missing=[_key("de", _NOISE)]).passed


def test_an_accepted_regression_passes_until_its_day_is_over() -> None:
    """On the last day it passes with its reason; the day after it fails, and says so."""
    policy = Policy(accepted=(Accepted("xnli", "sw", "clean", "clean", "smaller tokenizer", _TODAY),))
    gate = _gate([_SURE], policy)
    row = gate.verdicts.row(0, named=True)
    assert (gate.passed, row["verdict"], row["accepted"], row["reason"]) == (True, REGRESSED, True, "smaller tokenizer")
    late = _gate([_SURE], policy, today=date(2026, 11, 23))
    row = late.failing.row(0, named=True)
    assert (late.exit_code, row["accepted"], row["reason"]) == (1, False, "smaller tokenizer")
    assert "until 2026-11-22, which is over: smaller tokenizer" in row["why"]
    assert not _gate([_fallen(-6.0, 1e-8, language="de")], policy).passed


def test_a_missing_cell_cannot_be_accepted() -> None:
    """An acceptance is of a regression."""
    policy = Policy(accepted=(Accepted("xnli", "de", "clean", "clean", "why", _TODAY),))
    assert not _gate([_row()], policy, missing=[_key("de")]).passed


def test_a_margin_is_of_its_row() -> None:
    """A rule gives a language another margin."""
    gate = _gate(
        [_WIDE, _WIDE | {"language": "de", "context_language": "de"}], Policy(rules=(Rule(language="de", margin=8.0),))
    )
    assert gate.verdicts.sort("language").select("margin", "verdict").rows() == [(8.0, OK), (2.0, UNDECIDED)]


def test_a_gate_that_can_test_nothing_is_a_mismatch() -> None:
    """Runs without a common cell, or with too few clusters in all, are refused, also where nothing differs."""
    small = _row(clusters=12, differing=0, p=None, se=None, widened_se=None, low=None, high=None)
    with pytest.raises(Mismatch, match="12 clusters"):
        _gate([small])
    with pytest.raises(Mismatch, match="no cell in common"):
        _gate([_row(scale="change")], missing=[_key("de")])


def test_a_required_cell_that_no_run_has_is_a_mismatch() -> None:
    """A rule with a wrong name requires nothing, so it is refused."""
    with pytest.raises(Mismatch, match="xnli swa"):
        _gate([_row()], Policy(rules=(Rule("xnli", "swa", required=True),)))


def test_marks_decide_nothing() -> None:
    """The marks of the candidate's cells are in their rows."""
    gate = _gate([_SURE, _row(language="de")], marks={_key("sw"): "no room"})
    assert dict(gate.verdicts.select("language", "marks").rows()) == {"de": None, "sw": "no room"}
    assert gate.failing["language"].to_list() == ["sw"]


def test_every_row_says_why() -> None:
    """The sentence has the bound, the p and the margin by which the row was decided."""
    gate = _gate([_SURE, _WIDE | {"language": "de", "context_language": "de"}], missing=[_key("th")])
    assert _only(gate, language="sw")["why"] == (
        "The lower bound -7.65 of the difference -6.00 is not above minus the margin of 2, and "
        "p 1e-08, corrected over 2 tests (holm), is at most 0.025."
    )
    assert _only(gate, language="de")["why"].endswith(
        "is above 0.025. A fall of 9.27 points is detected with a chance of 80%."
    )
    assert _only(gate, language="th")["why"] == "The baseline has this cell, and the candidate does not."


# ------------------------------------------------------------------------------------------------------- two runs


def _run(right: dict[str, Any], noisy: dict[str, Any], noise: str = _NOISE) -> dict[Key, Cell]:
    rows = []
    for condition, seed, answers in (("clean", -1, right), (noise, 0, noisy)):
        for language, values in answers.items():
            rows += stats_rows(values, condition, seed, language=language, context_language=language)
    return {(*cell.key[1:], cell.metric): cell for cell in cells(build(rows, STATS))}


def _answers(seed: int, items: int) -> dict[str, Any]:
    draw = np.random.default_rng(seed)
    return {language: draw.random(items) < 0.8 for language in _LANGUAGES}


def _flipped(answers: dict[str, Any], share: float) -> dict[str, Any]:
    """As many wrong answers become right as right ones wrong, the same share of the items each."""
    return {language: _lost(_lost(right, share), -share) for language, right in answers.items()}


def _lost(right: Any, share: float) -> Any:
    """The first answers of evenly spread items that are right become wrong; of a negative share, wrong ones right."""
    changing = np.flatnonzero(right if share > 0 else ~right)
    count = round(abs(share) * len(right))
    result = right.copy()
    result[changing[np.linspace(0, len(changing) - 1, count).astype(int)]] = share < 0
    return result


def test_a_run_against_itself_is_ok() -> None:
    """Every gated row is ok with p 1 and no accepted, required or failing row, at 60 items as at 300."""
    for items in (60, 300):
        run = _run(_answers(1, items), _answers(2, items))
        gate = decide(contrasts(run, run, _TASKS), Policy(), (), (), _TODAY, unchanged=("xnli",))
        assert (gate.passed, gate.exit_code, gate.counts[OK]) == (True, 0, 2 * len(_LANGUAGES) + 2)
        assert sum(gate.counts.values()) == gate.counts[OK]
        validate(gate.verdicts, VERDICTS)


def test_levels_under_an_attack_are_compared_and_changes_are_not() -> None:
    """An attack edits what its model gets right, so that the changes of two models are over other items."""
    right, after = _answers(1, 60), _answers(3, 60)
    for noise, scales in (
        (_NOISE, {"clean", "perturbed", "change"}),
        ("attack_keys:0.2@fields=premise", {"clean", "perturbed"}),
        ("keyboard_typo@like=attack_keys:0.2@fields=premise", {"clean", "perturbed"}),
    ):
        before, later = (
            _run(clean, {code: _lost(values, 0.2) for code, values in clean.items()}, noise) for clean in (right, after)
        )
        assert set(contrasts(before, later, _TASKS, joint=False)["scale"]) == scales


def test_a_fall_in_one_language_of_twelve_is_named_alone() -> None:
    """Swahili loses 5 points under churn of 2 % each way in all languages: its cell is regressed, no other is."""
    right, noisy = _answers(1, 700), _answers(2, 700)
    after = _flipped(right, 0.01)
    after["sw"] = _lost(after["sw"], 0.05)
    gate = decide(contrasts(_run(right, noisy), _run(after, _flipped(noisy, 0.01)), _TASKS), Policy(), (), (), _TODAY)
    regressed = gate.verdicts.filter(pl.col("verdict") == REGRESSED)
    assert regressed.select("kind", "language", "condition").rows() == [("cell", "sw", "clean")]
    assert gate.failing.equals(regressed)
    assert regressed["difference"].item() == pytest.approx(-5.0)
    assert gate.counts[OK] == sum(gate.counts.values()) - 1


def test_a_pass_names_the_cells_that_have_little_to_lose() -> None:
    """A candidate at chance cannot fall: its rows are ok, and the outcome says in how many cells that shows nothing."""
    noisy = {"condition": _NOISE, "scale": "perturbed"}
    marks = {_key("sw", _NOISE): "not shown above chance, no room", _key("de", _NOISE): "no room"}
    gate = _gate([_row(**noisy), _row(language="de", **noisy)], Policy(margin=5.0), marks=marks)
    assert gate.passed
    assert str(gate).endswith(
        "In 1 of 2 perturbed cells the clean level is not shown above chance: little can fall there."
    )
    assert "chance" not in str(_gate([_row(**noisy)], Policy(margin=5.0)))


def test_families_of_noise_are_of_all_its_strengths() -> None:
    """And of no other noise."""
    policy = Policy(family="perturbation")
    conditions = ("char_noise:0.1", "char_noise:0.2", "casing:0.1")
    row = {"task": "xnli", "language": "sw", "context_language": "sw"}
    names = [policy.family_of({**row, "condition": condition}) for condition in conditions]
    assert (len({*names}), names[0] == names[1]) == (2, True)
