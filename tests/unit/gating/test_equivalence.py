"""Equivalence: two one-sided tests by row, claims over languages, the items that would decide, and the policy."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import date
from pathlib import Path
from statistics import NormalDist
from typing import Any

import numpy as np
import polars as pl
import pytest
from scipy import stats
from tests.finished_runs import finished_run
from tests.program import program
from tests.stats_rows import stats_rows

from robust_xtreme import compare, from_frame, gate
from robust_xtreme.core.errors import SpecError
from robust_xtreme.core.run_spec import RunSpec
from robust_xtreme.files.schema import CELL, CONTRASTS, STATS, build
from robust_xtreme.gating import policy as policies
from robust_xtreme.gating.document import BETTER, OK, REGRESSED, UNDECIDED, Gate, differences_sentence
from robust_xtreme.gating.policy import Policy, Rule
from robust_xtreme.gating.verdicts import add_equivalence, decide
from robust_xtreme.report.blocks import text_of
from robust_xtreme.run.run import evaluate
from robust_xtreme.stats._cells import Cell, cells
from robust_xtreme.stats.benchmark import Task
from robust_xtreme.stats.contrasts import Key, contrasts
from robust_xtreme.stats.intervals import unseen

_TODAY = date(2026, 11, 22)
_XNLI = Task(("accuracy",), ("accuracy",), ("premise",), {})


def _row(difference: float = 0.0, se: float = 0.3, **other: Any) -> dict[str, Any]:
    """A row of CONTRASTS of 1,000 clusters with a normal difference."""
    language, z = other.pop("language", "sw"), abs(difference) / (se or 1.0)
    names = {**dict.fromkeys(CELL[1:], "x"), "task": "xnli", "language": language, "context_language": language}
    row = {"kind": "cell", **names, "condition": "clean", "metric": "accuracy", "scale": "clean", "cells": 1, "n": 1000}
    row |= {"clusters": 1000, "differing": 40, "baseline": 80.0, "candidate": 80.0 + difference, "method": "t"}
    row |= {
        "difference": difference,
        "se": se,
        "widened_se": se,
        "df": 1e6,
        "skewness": 0.0,
        "unseen": None,
        "m": 1,
        "mde": 1.0,
    }
    return {**row, "low": -2.0, "high": 2.0, "p": 2 * NormalDist().cdf(-z), **other}


def _decided(*rows: dict[str, Any], margin: float = 1.0, unchanged: Sequence[str] = ()) -> list[dict[str, Any]]:
    add_equivalence(rows, margin, unchanged)
    return [*rows]


def test_a_row_is_equivalent_worse_better_or_undecided() -> None:
    """Equivalent where the 90 % interval is within the margin, also where a fall is shown; else what is shown."""
    rows = _decided(
        _row(-0.2, 0.45),
        _row(-0.6, 0.2, language="de"),
        _row(-1.5, 0.4, language="ar"),
        _row(1.5, 0.4, language="hi"),
        _row(-0.6, 0.45, language="ru"),
    )
    assert [row["verdict"] for row in rows] == ["equivalent", "equivalent", "worse", "better", "undecided"]
    assert (rows[0]["bound"], rows[0]["upper"]) == (
        pytest.approx(-0.2 - 1.6449 * 0.45, abs=1e-3),
        pytest.approx(0.54, abs=1e-2),
    )
    assert rows[0]["p_equivalent"] == pytest.approx(NormalDist().cdf(-0.8 / 0.45), abs=1e-4)


def test_a_fall_is_shown_by_a_corrected_one_sided_test_in_each_direction() -> None:
    """Of five rows the first p is multiplied by five, and by two since a rise is tested too."""
    alone, among = (
        _decided(_row(-1.5, 0.65))[0],
        _decided(_row(-1.5, 0.65), *(_row(0, 0.65, language=str(at)) for at in range(4)))[0],
    )
    assert alone["p_gate"] == pytest.approx(2 * NormalDist().cdf(-1.5 / 0.65))
    assert among["p_gate"] == pytest.approx(5 * alone["p_gate"])
    assert (alone["verdict"], among["verdict"]) == ("worse", "undecided")


@pytest.mark.parametrize(("discordance", "items"), [(0.03, 1855), (0.15, 9274)])
def test_the_items_that_decide_follow_from_the_discordance(discordance: float, items: int) -> None:
    """discordance (z_.95 + z_.8)^2 / margin^2, for 1 point; no number where the row has as many, or is decided."""
    se = 100 * (discordance / 1000) ** 0.5
    normal = NormalDist().inv_cdf
    (row,) = _decided(_row(0.3, se))
    assert (row["verdict"], row["items"]) == ("undecided", items)
    assert items == np.ceil(discordance * (normal(0.95) + normal(0.8)) ** 2 / 0.01**2)
    assert 1.38 < (normal(0.95) + normal(0.9)) ** 2 / (normal(0.95) + normal(0.8)) ** 2 < 1.39
    assert _decided(_row(0.3, se, n=items))[0]["items"] > items
    assert _decided(_row(-0.95, 0.35))[0]["items"] is None


def test_where_no_item_differs_the_exact_bound_decides() -> None:
    """299 clusters are enough for 1 point, 298 are not; the same weights are equivalent with any number."""
    exact: dict[str, Any] = {"method": "exact bound, no cluster varies", "differing": 0, "se": 0.0, "p": 1.0}
    rows = []
    for clusters in (299, 298):
        t = stats.t.ppf(0.975, clusters - 1)
        half = 100 * (1 - 0.05 ** (1 / clusters))
        rows.append(
            _row(**exact, n=clusters, clusters=clusters, df=clusters - 1.0, widened_se=half / t, language=str(clusters))
        )
    assert [row["verdict"] for row in _decided(*(dict(row) for row in rows))] == ["equivalent", "undecided"]
    assert _decided(dict(rows[1]))[0]["items"] == 299
    assert _decided(dict(rows[1]), unchanged=("xnli",))[0]["verdict"] == "equivalent"


@pytest.mark.parametrize(
    ("metric", "cells", "step", "unseen", "verdict"),
    [
        ("accuracy", 1, 0.1, 2.95, "equivalent"),
        ("accuracy", 1, 0.1 / 3, 2.95, "undecided"),
        ("span_f1", 1, 0.0, 2.95, "equivalent"),
        ("squad_f1", 1, 0.005, 2.95, "undecided"),
        ("squad_f1", 1, 0.005, 0.95, "equivalent"),
        ("accuracy", 12, 0.1, 2.95, "undecided"),
        ("score", 12, 0.1, 0.95, "equivalent"),
    ],
)
def test_small_changes_do_not_show_that_large_ones_are_absent(
    metric: str, cells: int, step: float, unseen: float, verdict: str
) -> None:
    """In means, and where steps are smaller than an item's, bounds are as far as a loss that no item would show.

    Steps are of 1,000 items, of accuracies in 100 clusters: a whole one, one under one of three noise seeds, and one of
    an F1.
    """
    sizes: dict[str, Any] = {"clusters": 100 if metric == "accuracy" else 1000, "unseen": unseen}
    (row,) = _decided(_row(0.0, 0.1, metric=metric, cells=cells, widened_se=(0.1**2 + step**2) ** 0.5, **sizes))
    assert row["verdict"] == verdict
    if verdict == "undecided":
        assert (row["bound"], row["upper"]) == (pytest.approx(-unseen), pytest.approx(unseen))
        floor = 100 * (1 - (1 - unseen / 100) ** (1000 / row["items"]))
        assert floor + NormalDist().inv_cdf(0.8) * 0.1 * (1000 / row["items"]) ** 0.5 == pytest.approx(1, abs=2e-3)
        assert row["p_equivalent"] == pytest.approx(0.05 ** (1 / unseen))


def test_a_row_needs_at_least_the_items_of_one_in_which_nothing_changed() -> None:
    """One loss of 216 items scatters little, but with 287 items it may not be seen: 299 clusters of three exclude 1."""
    (row,) = _decided(
        _row(-0.46, 0.463, n=216, clusters=72, df=71.0, unseen=float(unseen(72)), widened_se=0.653, differing=1)
    )
    assert (row["verdict"], row["items"]) == ("undecided", np.ceil(3 * np.log(0.05) / np.log(0.99)))


def test_the_bounds_of_an_f1_have_no_floor() -> None:
    """But for the cluster that is added: of 5,000 clusters they may be nearer than a loss that no item would show."""
    (row,) = _decided(_row(0.0, 0.01, metric="span_f1", n=5000, clusters=5000, df=4999.0, unseen=float(unseen(5000))))
    reach = stats.t.ppf(0.95, 4999) * (0.01**2 + (100 / 5000) ** 2) ** 0.5
    assert (row["bound"], row["upper"]) == (pytest.approx(-reach), pytest.approx(reach))
    assert reach < float(unseen(5000))


def test_an_unseen_loss_is_one_that_a_twentieth_of_samples_do_not_show() -> None:
    """Of G clusters that each lose all with probability u / 100, none does in 5 % of samples."""
    for clusters in (20, 149, 300, 5000.5):
        assert (1 - float(unseen(clusters)) / 100) ** clusters == pytest.approx(0.05)


def test_languages_are_all_equivalent_or_a_count_that_is_corrected() -> None:
    """All of them by p below 0.05 each; else those of Holm: p of 0.01, 0.02, 0.03 and 0.5 leave one of four."""
    z = NormalDist().inv_cdf
    several = [_row(0.0, 1 / z(1 - p), language=str(p)) for p in (0.01, 0.02, 0.03, 0.04)]
    task: dict[str, Any] = {"kind": "task", "language": "", "context_language": "", "data": "", "setting": ""}
    assert _decided(*several, _row(**task))[-1]["languages"] == "all 4"
    several = [_row(0.0, 1 / z(1 - p), language=str(p)) for p in (0.01, 0.02, 0.03, 0.4)]
    rows = _decided(*several, _row(task="pawsx"), _row(**task), _row(**task | {"task": "pawsx"}))
    assert [row["languages"] for row in rows[-2:]] == ["1 of 4", "all 1"]
    assert [row["verdict"] for row in rows[:4]] == ["equivalent"] * 3 + ["undecided"]


def _run(right: Mapping[tuple[str, str], Any]) -> dict[Key, Cell]:
    """The cells of a run on clean text, from (task, language) to right answers; items of languages are the same."""
    rows: list[dict[str, Any]] = []
    for (task, language), values in right.items():
        rows += stats_rows(values, task=task, language=language, context_language=language)
    return {(*cell.key[1:], cell.metric): cell for cell in cells(build(rows, STATS))}


def _answers(seed: int) -> dict[tuple[str, str], Any]:
    draw = np.random.default_rng(seed)
    names = [("xnli", "de"), ("xnli", "sw"), ("pawsx", "de")]
    return {name: draw.random(240) < 0.8 for name in names}


def test_the_mean_of_a_language_weighs_each_task_the_same() -> None:
    """Vectors that are cut at two lengths count as one task."""
    runs = [_run(_answers(seed)) for seed in (1, 2)]
    cut = [{(*key[:6], "dims=64", *key[7:]): cell for key, cell in run.items() if key[1] == "xnli"} for run in runs]
    frame = contrasts(runs[0] | cut[0], runs[1] | cut[1], {"xnli": _XNLI, "pawsx": _XNLI})
    (row,) = frame.filter(kind="language").to_dicts()
    cells = frame.filter(kind="cell", language="de").group_by("task").agg(pl.col("difference").mean())
    assert row["difference"] == pytest.approx(cells["difference"].mean())


def test_a_mean_over_tasks_that_share_no_language_counts_none() -> None:
    """Equivalence of the mean is decided, and no number of languages is beside it."""
    apart = ({name: right for name, right in _answers(seed).items() if name != ("xnli", "de")} for seed in (1, 2))
    before, after = map(_run, apart)
    rows = _decided(*contrasts(before, after, {"xnli": _XNLI, "pawsx": _XNLI}).to_dicts())
    assert [(row["kind"], row.get("languages")) for row in rows] == [("cell", None)] * 2 + [("overall", None)]


def test_the_mean_over_everything_weighs_each_task_the_same() -> None:
    """Two languages of one task count as one language of another, in the value and by leaving clusters out."""
    before, after = _answers(1), _answers(2)
    frame = contrasts(_run(before), _run(after), {"xnli": _XNLI, "pawsx": _XNLI})
    (row,) = frame.filter(kind="overall").to_dicts()
    weights = {("xnli", "de"): 0.25, ("xnli", "sw"): 0.25, ("pawsx", "de"): 0.5}
    moved = {name: 100 * (after[name].astype(float) - before[name]).reshape(80, 3) for name in weights}

    def mean(without: int | None = None) -> float:
        kept = [at for at in range(80) if at != without]
        return float(sum(weight * moved[name][kept].mean() for name, weight in weights.items()))

    left_out = np.array([mean(at) for at in range(80)])
    error = (79 / 80 * ((left_out - left_out.mean()) ** 2).sum()) ** 0.5
    assert (row["difference"], row["se"]) == (pytest.approx(mean()), pytest.approx(error))
    assert (row["cells"], row["task"], row["language"], row["metric"]) == (3, "", "", "score")


@pytest.mark.parametrize(("seed", "flipped"), [(3, 12), (4, 40), (5, 90)])
def test_the_verdict_on_a_cell_is_that_of_an_independent_computation(seed: int, flipped: int) -> None:
    """From the items alone: jackknife, added cluster, skewness, t, and the test of both bounds at 90 %."""
    draw = np.random.default_rng(seed)
    before = draw.random(1500) < 0.8
    after = before.copy()
    at = draw.choice(1500, flipped, replace=False)
    after[at] = ~after[at]
    rows = contrasts(_run({("xnli", "sw"): before}), _run({("xnli", "sw"): after}), {"xnli": _XNLI}).to_dicts()
    (row,) = _decided(*rows, margin=1.5)

    change = (after.astype(int) - before).reshape(500, 3).sum(1)
    without = 100 * (change.sum() - change) / 1497
    e = without.mean() - without
    v, j = 499 / 500 * (e**2).sum(), (e**4).sum() / (e**2).sum()
    g, t, value = (e**3).sum() / v**1.5, stats.t.ppf(0.95, 499), 100 * change.mean() / 3
    reach = [(t + max(sign * g, 0) * (2 * t**2 + 1) / 6) * (v + j) ** 0.5 for sign in (-1, 1)]
    low, high = value - reach[0], value + reach[1]
    p = min(stats.t.cdf(value / (v + j) ** 0.5, 499), stats.t.cdf(-value / (v + j) ** 0.5, 499))
    expected = (
        "equivalent" if low > -1.5 and high < 1.5 else "undecided" if p > 0.025 else "worse" if value < 0 else "better"
    )
    assert (row["bound"], row["upper"]) == (pytest.approx(low), pytest.approx(high))
    assert row["verdict"] == expected
    assert (row["p_equivalent"] < 0.05) == (expected == "equivalent")


def _gate(*rows: dict[str, Any], policy: Policy | None = None) -> Gate:
    return decide(build(rows, CONTRASTS), policy or Policy(equivalent=1.0), (), (), _TODAY)


def test_the_policy_of_equivalence_fails_rises_as_falls() -> None:
    """Both are tested at half of the share of a fall, and a row without a proof is undecided."""
    verdicts = {
        row["language"]: row
        for row in _gate(
            _row(), _row(2.0, 0.4, language="de"), _row(-2.0, 0.4, language="ar"), _row(0.5, 0.5, language="hi")
        ).verdicts.to_dicts()
    }
    assert {code: row["verdict"] for code, row in verdicts.items()} == {
        "sw": OK,
        "de": BETTER,
        "ar": REGRESSED,
        "hi": UNDECIDED,
    }
    assert [row["fails"] for row in verdicts.values()] == [
        row["verdict"] in (BETTER, REGRESSED) for row in verdicts.values()
    ]
    assert "The bounds -0.49 and 0.49 of the difference +0.00 are within the margin of 1." in verdicts["sw"]["why"]
    assert "are not within the margin of 1, and p" in verdicts["de"]["why"]
    assert "With 1,546 items each test of equivalence has that chance" in verdicts["hi"]["why"]
    (above,) = _gate(_row(1.0, 0.45)).verdicts["p_gate"]
    assert above == pytest.approx(
        2 * NormalDist().cdf(-1 / 0.45)
    )  # 0.026: regressed at 0.025 only if nothing is doubled
    assert _gate(_row(1.0, 0.45)).passed


def test_a_margin_of_equivalence_is_above_0_and_the_only_one(tmp_path: Path) -> None:
    """In a file, in its rules, and as an option, which replaces the margin of the file."""
    path = tmp_path / "gate.toml"
    path.write_text('equivalent = 1.0\n[[rule]]\nlanguage = "sw"\nmargin = 3.0\n', "utf-8")
    read = policies.read(path)
    assert [read.margin_of({**_row(language=code)}) for code in ("sw", "de")] == [3.0, 1.0]
    assert policies.changed(read, {"margin": 2.0}).equivalent is None
    assert policies.changed(None, {"equivalent": 2.0}).margin_of(_row()) == 2.0
    with pytest.raises(SpecError, match="two margins"):
        policies.changed(None, {"margin": 2.0, "equivalent": 1.0})
    for refused in (
        {"equivalent": 0.0},
        {"equivalent": 1e-200},
        {"equivalent": -1.0},
        {"equivalent": 1.0, "rules": (Rule(margin=0.0),)},
    ):
        with pytest.raises(SpecError, match="'equivalent'"):
            Policy(**refused)


def test_commands_and_functions_take_a_margin(tmp_path: Path) -> None:
    """Text, rows and exit codes; a run is equivalent to itself, and a run of another precision is compared."""
    old, new = finished_run(tmp_path / "old", 0.8, 1), finished_run(tmp_path / "new", 0.4, 2)
    shown = program("compare", str(old), str(new), "--equivalent", "2", COLUMNS="200")
    assert (shown.code or 0, shown.out.count("worse")) == (0, 10)  # six verdicts, and four rows of churn
    assert set(compare(old, old, equivalent=0.1).frame["verdict"]) == {"equivalent"}
    assert set(compare(old, old).frame["verdict"]) == {None}
    assert program("gate", str(new), "--baseline", str(old), "--equivalent", "2").code == 1
    assert gate(old, old, equivalent=0.1).passed
    assert program("compare", str(old), str(new), "--equivalent", "0").code == 2
    eight = finished_run(tmp_path / "int8", 0.8, 1, inference="len128 precision=int8", spec={"precision": "int8"})
    both = compare(old, eight, equivalent=0.1)
    assert "Precision: candidate int8, baseline fp32." in both.note
    assert both.note.endswith("Margin of equivalence in points: 0.1.")
    assert set(both.frame["verdict"]) == {"undecided"}  # no item differs, but these are not the same weights


def test_a_mean_of_tasks_that_the_same_weights_answer_is_equivalent(tmp_path: Path) -> None:
    """No item decides it, as none differs: all its tasks have the same weights."""
    run = str(tmp_path / "run")
    tasks = ("xnli", "panx")
    evaluate(RunSpec(tasks=tasks, languages=("sw",), perturb=("char_noise:0.1",), limit="10", out=run), cache=False)
    frame = compare(run, run, equivalent=0.1).frame
    assert set(frame["kind"]) == {"cell", "language"}
    assert set(frame["verdict"]) == {"equivalent"}


def test_what_is_undecided_says_how_many_items_both_tests_need(tmp_path: Path) -> None:
    """Of the overall mean: so many that each of two one-sided tests has the power whose square root is 80 %."""
    run = finished_run(tmp_path / "run", 0.8)
    eight = finished_run(tmp_path / "int8", 0.8, inference="len128 precision=int8", spec={"precision": "int8"})
    frame = compare(run, eight, equivalent=2.0).frame
    overall = frame.filter(kind="task").with_columns(kind=pl.lit("overall"))
    z = NormalDist().inv_cdf
    needed = overall["items"].max() * ((z(0.95) + z(0.9)) / (z(0.95) + z(0.8))) ** 2  # type: ignore[operator]  # a number
    sentence = text_of(differences_sentence(pl.concat([frame, overall])))
    told = re.search(r"Undecided: neither .* within a margin of 2 .* both at most ([\d,]+);", sentence)
    assert told is not None
    assert int(told[1].replace(",", "")) == pytest.approx(needed, rel=0.01)


def test_what_rose_and_what_fell_is_counted(tmp_path: Path) -> None:
    """Of levels and of means; the sentence of a rise alone is marked as won, of any fall as lost."""
    low, high = finished_run(tmp_path / "low", 0.4, 2), finished_run(tmp_path / "high", 0.8, 1)
    for before, after, tone, fell, rose in ((low, high, "won", 0, 1), (high, low, "lost", 1, 0), (low, low, "", 0, 0)):
        sentence = differences_sentence(compare(before, after).frame)
        assert isinstance(sentence, tuple)
        assert getattr(sentence[0], "tone", None) == tone
        still = 1 - fell - rose
        told = f"Of 4 tested levels, clean and perturbed, {4 * fell} fell, {4 * rose} rose and {4 * still} are not"
        assert text_of(sentence).startswith(told)
        assert f"Of 2 means of tasks {2 * fell} fell, {2 * rose} rose, {2 * still} neither." in text_of(sentence)


def test_languages_that_fell_are_named_up_to_five(tmp_path: Path) -> None:
    """Of six none is, and a single fall is the largest one."""
    for languages, named in ((("ar", "de", "hi", "ru", "sw"), True), (("ar", "de", "hi", "ru", "sw", "tr"), False)):
        high, low = (
            finished_run(tmp_path / f"{len(languages)}-{share}", share, languages=languages) for share in (0.8, 0.4)
        )
        assert ("Cells that fell: " in text_of(differences_sentence(compare(high, low).frame))) is named


def test_data_are_named_by_their_suite_or_by_their_splits(tmp_path: Path) -> None:
    """Release files are no suite, and never called as the embedded one."""
    own, released = finished_run(tmp_path / "own", suite="reviews"), finished_run(tmp_path / "released", suite="")
    assert "; data reviews: xnli/de" in compare(own, own).note
    assert "; data xnli/de" in compare(released, released).note


def _imported(folder: Path, sizes: Sequence[int], changed: Mapping[int, float], languages: Sequence[str]) -> Any:
    """A run of rows that are all right, but for the first row of some clusters, whose score is as `changed` says."""
    rows = [
        {"language": language, "id": f"{group}-{row}", "cluster": f"c{group}", "condition": "clean", "score": score}
        for language in languages
        for group, size in enumerate(sizes)
        for row in range(size)
        for score in [changed.get(group, 1.0) if row == 0 else 1.0]
    ]
    return from_frame(pl.DataFrame(rows), folder, task="t", model=folder.name)


_LARGE = [1] * 198 + [100] * 2


@pytest.mark.parametrize(
    ("sizes", "changed", "verdict"),
    [
        ([2] * 200, {}, "equivalent"),
        (_LARGE, {}, "undecided"),
        ([1] * 190 + [19] * 10, {}, "undecided"),
        ([2] * 200, {3: 0.0, 5: 0.0}, "equivalent"),
        (_LARGE, {3: 0.0, 5: 0.0}, "undecided"),
        (_LARGE, {3: 0.9, 199: 0.9}, "undecided"),
    ],
    ids=["equal", "two large", "ten large", "equal, two lost", "large, two small lost", "large, two changed"],
)
def test_models_are_not_equivalent_where_one_large_cluster_could_have_lost_all(
    tmp_path: Path, sizes: Sequence[int], changed: Mapping[int, float], verdict: str
) -> None:
    """400 items in 200 clusters: within 2 points where these are equal, but two large ones could be half of them.

    So it is where none differs, and where what differs is less than what a large cluster can lose.
    """
    before, after = _imported(tmp_path / "a", sizes, {}, ["en"]), _imported(tmp_path / "b", sizes, changed, ["en"])
    row = compare(before, after, equivalent=2).frame.row(0, named=True)
    assert row["verdict"] == verdict
    gated = gate(after, baseline=before, margin=2).verdicts.row(0, named=True)
    assert gated["verdict"] == (OK if verdict == "equivalent" else UNDECIDED)
    assert (gated["bound"] < -25) == (max(sizes) == 100)


def test_a_mean_over_languages_has_the_clusters_of_its_largest_share(tmp_path: Path) -> None:
    """The same 200 clusters in two languages: the mean is equivalent where they have one size, and not where two have
    half of all rows."""
    verdicts = []
    for name, sizes in (("equal", [2] * 200), ("large", _LARGE)):
        folders = [tmp_path / f"{name}{side}" for side in "ab"]
        runs = [_imported(folder, sizes, {}, ["en", "de"]) for folder in folders]
        frame = compare(*runs, equivalent=2).frame.filter(kind="task")
        verdicts.append((frame["verdict"][0], frame["unseen"][0]))
    assert verdicts[0] == ("equivalent", pytest.approx(100 * (1 - 0.05 ** (1 / 200))))
    assert verdicts[1] == ("undecided", pytest.approx(100 * (1 - 0.05 ** (1 / 3.98))))
