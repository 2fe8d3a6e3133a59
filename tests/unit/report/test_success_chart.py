"""Attacks beside random search: the success by queries, the paired difference, and how many items are attacked."""

from __future__ import annotations

import json
from collections.abc import Mapping

import numpy as np
import polars as pl
import pytest
from scipy import stats as stats_of
from tests.stats_rows import answers, cell, deltas, frames, item, scores
from tests.synthetic_run import averages, run

from robust_xtreme.core import registry
from robust_xtreme.files.frames import build
from robust_xtreme.files.schema import ATTACKED, ATTACKS, BELOW_RANDOM, CELL, CONDITIONS
from robust_xtreme.report.charts.figures import success_chart, successes
from robust_xtreme.report.view import Results
from robust_xtreme.stats.score import attacks_of

ATTACK = "attack_keys:0.1@queries=5@fields=premise"
RANDOM = ATTACK.replace("@fields", "@search=random@fields")


def _attack(language: str, condition: str, curve: Mapping[str, float], attacked: int = 10) -> dict[str, object]:
    named = {"model": "m", "data": "d", "task": "xnli", "setting": "zero_shot", "condition": condition}
    cell = dict.fromkeys(CELL, "") | named | dict.fromkeys(("language", "context_language"), language)
    return {**cell, "n": 20, "clusters": 20, "attacked": attacked, "no_edit": 0.0, "curve": json.dumps(curve)}


def _points(*attacks: dict[str, object]) -> list[tuple[str, pl.DataFrame]]:
    scores, deltas, manifest = run()
    budgets = {str(row["condition"]): int(str(row["condition"]).split("@queries=")[1].split("@")[0]) for row in attacks}
    known = {"kind": "attack", "name": "attack_keys", "version": "1", "params": "{}", "fields": "premise"}
    conditions = [
        {**known, "condition": name, "nominal": "0.1", "unit": "word", "query_budget": budget}
        for name, budget in budgets.items()
    ]
    frames = {"conditions": build(conditions, CONDITIONS), "attacks": build(list(attacks), ATTACKS)}
    return list(successes(Results(scores, deltas, manifest, averages(scores, deltas, manifest), **frames)))


def test_the_highest_budget_of_each_search_is_drawn_on_average_over_languages() -> None:
    """A language that needed fewer queries stays at its last success; one without an attacked item is in no mean."""
    small, large = "attack_keys:0.1@queries=5@fields=premise", "attack_keys:0.1@queries=20@fields=premise"
    random = "attack_keys:0.1@queries=20@search=random@fields=premise"
    ((title, points),) = _points(
        _attack("en", small, {"1": 90.0, "5": 90.0}),
        _attack("en", large, {"1": 10.0, "2": 20.0, "5": 30.0, "10": 40.0, "20": 80.0}),
        _attack("sw", large, {"1": 30.0, "2": 40.0, "4": 60.0}),
        _attack("th", large, {"1": 99.0}, attacked=0),
        _attack("en", random, {"1": 10.0, "2": 20.0}),
    )
    assert title == "xnli"
    of = dict(points.filter(line="attack_keys:0.1").select("queries", "success").iter_rows())
    assert of == {1: 20.0, 2: 30.0, 5: 45.0, 10: 50.0, 20: 70.0}
    assert points.filter(line="attack_keys:0.1@search=random")["queries"].to_list() == [1, 2]
    assert len(success_chart(points)["data"]["values"]) == 7


def test_fields_have_charts_of_their_own_and_a_run_without_attacks_has_none() -> None:
    """Premise and hypothesis are not averaged."""
    first, second = ("attack_keys:0.1@queries=5@fields=premise", "attack_keys:0.1@queries=5@fields=hypothesis")
    titles = [title for title, _ in _points(_attack("en", first, {"1": 9.0}), _attack("en", second, {"1": 8.0}))]
    assert sorted(titles) == ["xnli hypothesis", "xnli premise"]
    assert _points() == []


def _attacked_run() -> Results:
    """Sixty items under an attack and random search, two noise seeds: thirty of them are attacked under each seed."""
    right = answers(60, 0.9)
    arms = {(name, seed): right & answers(60, 0.5, number) for number, (name, seed) in enumerate(_ARMS)}
    stats, predictions = frames({("clean", -1): right, **arms})
    searched = {"edits": "[]", "allowed": 3, "queries": 5, "first": 1, "words": 1, "graphemes": 1}
    rows = [
        {**cell(name), **item(at), "noise_seed": seed, "skipped": at % 2 == 0, **searched}
        for name, seed in _ARMS
        for at in range(60)
    ]
    scored = scores(stats, predictions)
    manifest = {"tasks": {"xnli": {"metrics": ["accuracy"], "perturbed": [["premise"]]}}}
    made = attacks_of([(build(rows, ATTACKED), stats.lazy())])
    return Results(scored, deltas(stats, scored, {"xnli": "accuracy"}), manifest, attacks=made)


_ARMS = [(name, seed) for name in (ATTACK, RANDOM) for seed in (0, 1)]


def test_an_attack_is_compared_with_random_search_on_the_same_items() -> None:
    """The difference of the levels is paired by cluster, as a drop is; random search has none."""
    results = _attacked_run()
    right = {(name, seed): answers(60, 0.9) & answers(60, 0.5, at) for at, (name, seed) in enumerate(_ARMS)}
    lost = sum(1.0 * right[RANDOM, seed] - right[ATTACK, seed] for seed in (0, 1)) / 2  # of each item
    without = np.array([np.delete(lost, range(at, at + 3)).mean() for at in range(0, 60, 3)]) * 100
    moves = without.mean() - without
    error = np.sqrt(19 / 20 * (moves**2).sum() + (moves**4).sum() / (moves**2).sum())
    table = {row["condition"]: row for row in results.attacks.iter_rows(named=True)}
    assert table[ATTACK]["below_random"] == pytest.approx(100 * lost.mean())
    high = 100 * lost.mean() + stats_of.t.ppf(0.975, 19) * error
    assert table[ATTACK]["below_random_high"] == pytest.approx(high)
    assert [table[RANDOM][name] for name in BELOW_RANDOM] == [None] * 3


def test_attacked_items_are_of_as_many_items() -> None:
    """An item counts once for each noise seed on both sides."""
    shown = registry.load("view", "attacks").make(_attacked_run())
    assert set(shown.select("attacked", "n").iter_rows()) == {(60, 120)}
