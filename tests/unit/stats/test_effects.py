"""The effects of a factorial design: what was planted is found, with the errors of clusters that all cells share."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from itertools import product
from math import prod
from statistics import NormalDist
from typing import Any

import numpy as np
import polars as pl
import pytest

from robust_xtreme.core.errors import Mismatch
from robust_xtreme.files.schema import CELL
from robust_xtreme.stats import contrasts as contrasts_module
from robust_xtreme.stats._cells import ALL, Cell, Items
from robust_xtreme.stats.benchmark import Task
from robust_xtreme.stats.contrasts import Key, Levels, effects

_FACTORS = {"dims": ("768", "256", "64"), "precision": ("fp32", "int8")}
_NOISES = ("clean", "char_noise:0.1")
_TASKS = {"tatoeba": Task(("accuracy",), ("accuracy",), ("sentence",), {})}
_CLUSTERS, _ITEMS = 120, 3


def _truth(point: Levels) -> float:
    """The planted level, with an interaction of each two factors."""
    dims, precision, noise = point
    level = 90.0 - {"768": 0, "256": 2, "64": 10}[dims] - 3 * (precision == "int8")
    level -= 4 * (precision == "int8") * (dims == "64")
    return level - (noise != "clean") * (20 + {"768": 0, "256": 5, "64": 12}[dims] + 1 * (precision == "int8"))


def _key(language: str, condition: str) -> Key:
    named = {"task": "tatoeba", "language": language, "context_language": language, "condition": condition}
    return (*(named.get(name, "" if name == "inference" else "x") for name in CELL[1:]), "accuracy")


def _cell(language: str, condition: str, right: Any) -> Cell:
    """A cell whose items (clusters, items of each) are right with this certainty."""
    names = [f"{at:04}" for at in range(right.size)]
    clusters = tuple(f"pair-{at:04}" for at in range(len(right)))
    items = Items(np.array(names), np.array(names), np.repeat(np.arange(len(right)), right.shape[1]), clusters)
    sums = np.stack([right.sum(1), np.full(len(right), right.shape[1])], -1)[None].astype(float)
    return Cell(("m", *_key(language, condition)[:-1]), "accuracy", ALL, items, (0,), sums)


def _drawn(draw: int, languages: Sequence[str]) -> dict[Levels, dict[Key, Cell]]:
    """Cells drawn with the planted levels, each item with a difficulty that it has in all of them, and its cluster."""
    rng = np.random.default_rng(draw)
    points: dict[Levels, dict[Key, Cell]] = {point: {} for point in product(*_FACTORS.values())}
    for language in languages:
        of_cluster, of_item = rng.normal(size=(_CLUSTERS, 1)), rng.normal(size=(_CLUSTERS, _ITEMS))
        for point, noise in product(points, _NOISES):
            drawn = np.sqrt(0.4) * of_cluster + np.sqrt(0.3) * of_item + np.sqrt(0.3) * rng.normal(size=of_item.shape)
            level = NormalDist().inv_cdf(_truth((*point, noise)) / 100)
            points[point][_key(language, noise)] = _cell(language, noise, drawn < level)
    return points


def _effects(points: Mapping[Levels, Mapping[Key, Cell]]) -> pl.DataFrame:
    cells: dict[Levels, Callable[[Key], Cell]] = {point: of.__getitem__ for point, of in points.items()}
    return effects(cells, set(next(iter(points.values()))), _FACTORS, _TASKS)


def _planted(row: Mapping[str, Any]) -> float:
    """The planted effect of a row: differences of levels, averaged over the levels of the factors that it is not of."""
    axes = {**_FACTORS, "noise": _NOISES}
    signs = {row["factor"]: {row["level"]: 1, row["reference"]: -1}}
    if row["other"]:
        signs[row["other"]] = {row["other_level"]: 1, row["other_reference"]: -1}
    if "noise" not in signs:
        signs["noise"] = {row["condition"]: 1}
    total, counted = 0.0, 0
    for point in product(*axes.values()):
        weights = [signs[name].get(level, 0) for name, level in zip(axes, point, strict=True) if name in signs]
        total, counted = total + prod(weights) * _truth(point), counted + bool(prod(weights))
    return float(total / counted * 2 ** sum(len(each) > 1 for each in signs.values()))


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without resampling for joint intervals, which takes most of the time."""
    monkeypatch.setattr(contrasts_module, "_quantiles", lambda *_: None)


def test_each_effect_is_there_once_for_a_language_and_for_all() -> None:
    """Two factors of three and two levels and one noise have 3 main effects on two texts, one of noise, 2 + 2 x 3
    interactions with each other and with noise; the noise has its reference, and the condition names the text."""
    found = _effects(_drawn(0, ("de", "sw")))
    for kind, rows in (("cell", 2), ("task", 1)):
        of_kind = found.filter(kind=kind)
        assert of_kind.height == rows * (3 * 2 + 1 + 2 * 2 + 3)
        assert set(of_kind["m"]) == {of_kind.height}
    noise = found.filter(factor="noise", kind="task").row(0, named=True)
    assert (noise["level"], noise["reference"], noise["condition"]) == ("char_noise:0.1", "clean", "char_noise:0.1")
    assert found.filter(pl.col("joint_low") > pl.col("low")).is_empty()


def test_planted_effects_are_found_with_their_signs(quick: None) -> None:
    """Main effects on clean and noisy text and all interactions are within four standard errors of what was planted."""
    found = _effects(_drawn(1, ("de", "sw", "hi")))
    for row in found.iter_rows(named=True):
        assert abs(row["difference"] - _planted(row)) < 4 * row["widened_se"], row
        assert row["difference"] == pytest.approx(row["candidate"] - row["baseline"], abs=1e-9)
    shown = found.filter(kind="task", factor="dims", level="64", other="noise").row(0, named=True)
    assert shown["high"] < 0
    assert _planted(shown) == -12


@pytest.mark.long
def test_intervals_cover_what_was_planted(quick: None) -> None:
    """Over 200 draws about 95 % of the intervals of an average over languages contain the planted effect."""
    covered = []
    for draw in range(200):
        rows = _effects(_drawn(10 + draw, ("de", "sw"))).filter(kind="task")
        covered += [row["low"] <= _planted(row) <= row["high"] for row in rows.iter_rows(named=True)]
    assert 0.935 < np.mean(covered) < 0.985


def test_clusters_that_languages_share_are_counted_once(quick: None) -> None:
    """The same items in two languages are no more evidence than in one: the error of the mean is that of either."""
    points = _drawn(2, ("de",))
    for of in points.values():
        for noise in _NOISES:
            cell = of[_key("de", noise)]
            of[_key("sw", noise)] = Cell(("m", *_key("sw", noise)[:-1]), "accuracy", ALL, cell.items, (0,), cell.sums)
    found = _effects(points)
    alone, both = (found.filter(kind=kind, **more) for kind, more in (("cell", {"language": "de"}), ("task", {})))
    assert both["se"].to_list() == pytest.approx(alone["se"].to_list())
    assert set(both["clusters"]) == {_CLUSTERS}


def test_equal_answers_have_an_effect_of_exactly_zero(quick: None) -> None:
    """Where no level changes an answer, effects are 0, no cluster differs, and nothing is shown."""
    points = _drawn(3, ("de",))
    first = points["768", "fp32"]
    found = _effects(dict.fromkeys(points, first)).filter(pl.col("factor") != "noise")
    assert set(found["difference"]) == {0.0}
    assert set(found["differing"]) == {0}
    assert set(found["p_adjusted"]) == {1.0}


def test_other_items_at_a_level_are_refused(quick: None) -> None:
    """A level that was measured on other items has no effect that is paired."""
    points = _drawn(4, ("de",))
    key = _key("de", "clean")
    points["64", "int8"][key] = _cell("de", "clean", np.ones((_CLUSTERS, _ITEMS + 1)))
    with pytest.raises(Mismatch, match="not the same items"):
        _effects(points)


def test_a_cluster_differs_where_it_does_at_one_level_of_the_others(quick: None) -> None:
    """Seven have a wrong item with 64 dimensions and int8, and with no other pair; there is clean text alone."""
    points = {}
    for point in product(*_FACTORS.values()):
        right = np.ones((_CLUSTERS, _ITEMS), np.bool_)
        right[:7, 0] = point != ("64", "int8")
        points[point] = {_key("sw", "clean"): _cell("sw", "clean", right)}
    found = _effects(points)
    differing = {(row["factor"], row["level"], row["other"]): row["differing"] for row in found.iter_rows(named=True)}
    assert differing == {
        ("dims", "256", ""): 0,
        ("dims", "64", ""): 7,
        ("precision", "int8", ""): 7,
        ("dims", "256", "precision"): 0,
        ("dims", "64", "precision"): 7,
    }
