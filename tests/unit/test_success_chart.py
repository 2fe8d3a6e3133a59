"""The chart of attacks: the success by queries, of each search, on average over languages."""

from __future__ import annotations

import json
from collections.abc import Mapping

import polars as pl
from tests.synthetic_run import averages, run

from robust_xtreme.files.frames import build
from robust_xtreme.files.schema import ATTACKS, CELL, CONDITIONS
from robust_xtreme.report.charts.figures import success_chart, successes
from robust_xtreme.report.view import Results


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
