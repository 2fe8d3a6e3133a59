"""The study of robustness: its endpoint, what is beside it, its sentences, and that planted effects are found."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
from benchmarks.simulations import studies
from benchmarks.simulations._runner import read
from benchmarks.simulations._study_grids import ANALYSIS, ARMS_FRAME, Planted, values

from robust_xtreme.core.errors import Mismatch, SpecError
from robust_xtreme.files.frames import build
from robust_xtreme.studies.cells import grid_of
from robust_xtreme.studies.claims import contrasts, over_seeds
from robust_xtreme.studies.design import ARMS, VALUES, Estimand
from robust_xtreme.studies.designs.robustness import Robustness, estimands, robustness, sentences

REPORTS = Path(__file__).parents[3] / "reports/benchmarks"
PLAIN = Robustness("none", ("mnli",), "mnli")
FAMILIES = {"clean": ("clean", 0.0), "typo:0.1": ("typo", 0.1), "typo:0.2": ("typo", 0.2), "script": ("script", 0.0)}

Level = Callable[[str, str, str, str, int], float]
"""From arm, target, language, condition and seed to points."""


def _values(level: Level, arms: Iterable[str] = ("none", "mnli")) -> pl.DataFrame:
    """VALUES of two targets in two languages with five seeds."""
    rows = [
        {
            "arm": arm,
            "target": target,
            "language": language,
            "setting": "zero_shot",
            "family": FAMILIES[condition][0],
            "condition": condition,
            "strength": FAMILIES[condition][1],
            "seed": seed,
            "metric": "accuracy",
            "value": level(arm, target, language, condition, seed),
            "chance": 20.0,
            "above_chance": 10.0,
            "n": 200,
            "left_out": None,
        }
        for arm in arms
        for target in ("panx", "xnli")
        for language in ("de", "sw")
        for condition in FAMILIES
        for seed in range(5)
    ]
    return build(rows, VALUES)


def _shrinking(arm: str, target: str, language: str, condition: str, seed: int) -> float:
    """A clean gain of 10, of 6 under weak typos, 4 under strong ones and 8 under another script, which varies."""
    gain = {"clean": 10.0, "typo:0.1": 6.0, "typo:0.2": 4.0, "script": 8.0}[condition]
    noise = 0.0 if condition == "clean" else 10.0 + (seed - 2) / 10 * (arm == "mnli")
    return 60.0 + 3 * (target == "xnli") - 5 * (language == "sw") - noise + gain * (arm == "mnli")


def _table(values: pl.DataFrame, analysis: Robustness = PLAIN) -> pl.DataFrame:
    return contrasts(estimands(values, build([], ARMS), analysis))


def _row(table: pl.DataFrame, **names: str) -> dict[str, Any]:
    wanted = {"target": "", "language": "", "scale": "points", "reference": "none", **names}
    return table.filter(*(pl.col(name) == value for name, value in wanted.items())).row(0, named=True)


def _findings(values: pl.DataFrame, analysis: Robustness = PLAIN) -> str:
    return "\n".join(sentences(_table(values, analysis), values, build([], ARMS), analysis))


def test_the_endpoint_is_the_mean_change_at_the_highest_strengths() -> None:
    """Typos 0.2 change the gain by -6, the script by -2: the mean is -4, and its seeds vary as planted."""
    table = _table(_values(_shrinking))
    points, logit = (_row(table, tier="primary", scale=scale) for scale in ("points", "logit"))
    assert points["estimate"] == pytest.approx(-4)
    assert points["se"] == pytest.approx(np.std(np.arange(5) / 10, ddof=1) / math.sqrt(5))
    assert (points["seeds"], points["m"], points["sign"], logit["sign"]) == (5, 1, "lower", "lower")
    assert _row(table, tier="secondary", condition="typo")["estimate"] == pytest.approx(-6)
    assert _row(table, tier="secondary", condition="script")["estimate"] == pytest.approx(-2)


def test_targets_weigh_alike_however_many_languages_they_have() -> None:
    """A target with one language and another change counts as much as one with two."""
    several = _values(lambda arm, target, *rest: _shrinking(arm, target, *rest) + 2 * _lost(arm, target, *rest))
    kept = several.filter((pl.col("target") == "panx") | (pl.col("language") == "de"))
    assert _row(_table(kept), tier="primary")["estimate"] == pytest.approx(-4 + 2 / 2)


def _lost(arm: str, target: str, language: str, condition: str, seed: int) -> float:
    """One point more under noise for the arm on xnli; nothing varies."""
    return float((arm, target) == ("mnli", "xnli") and condition != "clean" and bool(language) and seed >= 0)


def test_a_seed_without_all_cells_counts_in_its_cells_alone() -> None:
    """The endpoint has four seeds, a complete cell five; without any complete seed there is no study."""
    every = _values(_shrinking)
    gap = (pl.col("seed") == 4) & (pl.col("target") == "xnli") & (pl.col("arm") == "none")
    table = _table(every.filter(~gap))
    assert _row(table, tier="primary")["seeds"] == 4
    assert _row(table, target="panx", language="de", condition="clean")["seeds"] == 5
    with pytest.raises(Mismatch, match="No training seed"):
        _table(every.filter((pl.col("seed") < 2) == (pl.col("arm") == "none")))


def test_cells_that_show_no_transfer_are_apart() -> None:
    """xnli in Swahili is flagged in one seed of one arm: no average has it, and its rows are named."""
    flagged = (pl.col("target") == "xnli") & (pl.col("language") == "sw") & (pl.col("seed") == 1)
    reason = pl.when(flagged & (pl.col("arm") == "mnli")).then(pl.lit("overlap")).otherwise(None)
    every = _values(lambda *key: _shrinking(*key) + 20 * (key[:3] == ("mnli", "xnli", "sw")) * (key[3] != "clean"))
    table = _table(every.with_columns(left_out=reason))
    assert _row(table, tier="primary")["estimate"] == pytest.approx(-4)
    apart = table.filter(pl.col("contrast").str.ends_with("no transfer"))
    assert set(apart.select("tier", "target", "language").iter_rows()) == {("exploratory", "xnli", "sw")}
    assert "(overlap): 1 cell: xnli sw." in _findings(every.with_columns(left_out=reason))
    with pytest.raises(Mismatch, match="mnli and none"):
        _table(every.with_columns(left_out=pl.lit("own training data")))


def test_cells_are_explored_on_three_scales_without_signs() -> None:
    """Each cell has its change under each condition; corrected points are points over 0.8 at a chance of 20."""
    table = _table(_values(_shrinking)).filter(pl.col("tier") == "exploratory")
    cell = {"contrast": "change of the gain", "target": "xnli", "language": "sw", "condition": "typo:0.1"}
    assert _row(table, **cell)["estimate"] == pytest.approx(-4)
    assert _row(table, **cell, scale="corrected")["estimate"] == pytest.approx(-4 / 0.8)
    assert _row(table, **cell, scale="logit")["estimate"] < 0
    assert table["sign"].null_count() == table.height


def test_a_change_in_points_alone_is_not_claimed() -> None:
    """Near the top the same odds are fewer points: the gain shrinks in points and grows on the logit scale."""

    def level(arm: str, _target: str, _language: str, condition: str, seed: int) -> float:
        clean = {"none": 60.0, "mnli": 70.0}[arm]
        noisy = {"none": 92.0, "mnli": 98.0 + seed / 10}[arm]
        return clean if condition == "clean" else noisy

    table = _table(_values(level))
    points, logit = (_row(table, tier="primary", scale=scale) for scale in ("points", "logit"))
    assert points["high"] < 0 < logit["low"]
    assert (points["sign"], logit["sign"]) == (None, None)
    text = _findings(_values(level))
    assert "No change is claimed where the two scales have different signs: p is then 1; by points alone" in text


def test_a_share_is_retained_of_a_gain_that_is_shown() -> None:
    """Fieller's bounds r are those where the mean of noisy - r clean has p = 0.05; without a gain there is none."""
    every = _values(_shrinking_clean)
    share = grid_of(every).retained("mnli", "none")
    assert share is not None
    assert f"Retained share of the gain: {share.estimate:.0f} % (Fieller's interval" in _findings(every)
    assert share.estimate == pytest.approx(60, abs=0.5)
    table = _table(every)
    clean, noisy = (_seeds(every, condition) for condition in ("clean", "noise"))
    assert _row(table, contrast="gain", target="", condition="clean")["estimate"] == pytest.approx(np.mean(clean))
    for bound in (share.low, share.high):
        apart = over_seeds(noisy - bound / 100 * clean)
        assert apart["p"] == pytest.approx(0.05, abs=1e-6)
    unclear = _values(lambda *key: _shrinking(*key) + (key[0] == "mnli") * (15 * (-1) ** key[4] - 12))
    assert "The retained share of the gain is not given" in _findings(unclear)


def test_a_share_is_retained_of_the_gain_in_the_same_cells() -> None:
    """A gain of 20 in a language without noise is in neither side; seeds that do not vary have no interval."""
    larger = _values(lambda *key: _shrinking_clean(*key) + 20 * (key[0] == "mnli") * (key[2] == "sw"))
    noised = pl.col("language").eq("de") | pl.col("condition").eq("clean")
    shares = [grid_of(values.filter(noised)).retained("mnli", "none") for values in (_values(_shrinking_clean), larger)]
    assert shares[0] == shares[1] is not None
    assert grid_of(larger.with_columns(value=pl.col("value").round())).retained("mnli", "none") is None
    assert "no interval of the clean gain excludes 0" in _findings(larger.filter(seed=0))


def test_chains_are_noises_of_their_own() -> None:
    """Each has its highest strength, also where their first links are equal."""
    chains = {"typo:0.1": "case:1+typo:0.1", "typo:0.2": "case:1+swap:0.2"}
    named = _values(_shrinking).with_columns(pl.col("condition").replace(chains))
    assert grid_of(named).strongest["panx", "typo"] == ("case:1+swap:0.2", "case:1+typo:0.1")


def _seeds(values: pl.DataFrame, condition: str) -> Any:
    """The pooled gain of each seed, on clean text or under noise."""
    made = robustness.estimands(values, build([], ARMS), PLAIN)
    (each,) = (made_of for made_of in made if _names(made_of) == ("gain", condition, ""))
    return np.array([*each.by_seed.values()])


def _names(estimand: Estimand) -> tuple[str, str, str]:
    return estimand.contrast, estimand.condition, estimand.target


def test_the_premise_has_an_alpha_of_its_own() -> None:
    """The pooled clean gain is corrected by nothing, and the verdict names it where it is not shown."""
    row = _row(_table(_values(_shrinking_clean)), contrast="gain", target="", condition="clean")
    assert (row["tier"], row["m"], row["sign"]) == ("control", 1, "higher")
    unclear = _values(lambda *key: _shrinking(*key) + (key[0] == "mnli") * (15 * (-1) ** key[4] - 12))
    assert "That there is a gain on clean text is not claimed." in _findings(unclear)


@pytest.mark.parametrize("named", [{"endpoint_arm": "none"}, {"plain": ("none",)}, {"endpoint_arm": "mix"}])
def test_an_arm_has_one_part_in_the_analysis(named: dict[str, Any]) -> None:
    """The endpoint is one of the arms, and what they are compared with is none of them."""
    with pytest.raises(SpecError):
        Robustness(**{"without": "none", "arms": ("mnli",), "endpoint_arm": "mnli", **named})


def _shrinking_clean(*key: Any) -> float:
    """The same with a clean gain that varies, too."""
    arm, *_, condition, seed = key
    return float(_shrinking(*key) + (arm == "mnli") * (condition == "clean") * (seed % 2 - 0.4) / 10)


def _on_a_line(beyond: float) -> Level:
    """Logits under noise are 0.7 of the clean ones minus 0.4, and of the arm `beyond` more."""

    def level(arm: str, target: str, _language: str, condition: str, seed: int) -> float:
        shift = {"none": 0.0, "short": -0.5, "long": 0.6, "mnli": 0.4}[arm] + 0.05 * ((seed * 7) % 5 - 2)
        clean = 0.3 * (target == "xnli") + shift
        noisy = 0.3 * (target == "xnli") + 0.7 * shift - 0.4 + (beyond + seed / 1000) * (arm == "mnli")
        return 20 + 80 / (1 + math.exp(-(clean if condition == "clean" else noisy)))

    return level


@pytest.mark.parametrize("beyond", [0.0, 0.3, -0.2])
def test_effective_robustness_is_the_distance_from_the_line_of_plain_checkpoints(beyond: float) -> None:
    """What is planted comes out, on the logit scale; a better clean level alone is not robustness."""
    analysis = Robustness("none", ("mnli",), "mnli", ("short", "long"))
    every = _values(_on_a_line(beyond), ("none", "mnli", "short", "long"))
    row = _row(_table(every, analysis), tier="secondary", contrast="effective robustness", scale="logit")
    assert row["estimate"] == pytest.approx(beyond + 0.002, abs=0.005)
    assert "outside their range in 0 of 5 seeds" in _findings(every, analysis)


def test_effective_robustness_is_of_cells_with_noise() -> None:
    """A target without the noise of a family moves its clean levels, and no line of that family."""
    analysis = Robustness("none", ("mnli",), "mnli", ("short", "long"))
    level, arms = _on_a_line(0.3), ("none", "mnli", "short", "long")
    every = _values(lambda *key: 99 - level(*key) if key[1] == "panx" else level(*key), arms)
    whole = every.filter(pl.col("target").eq("xnli") | pl.col("condition").eq("clean"))
    row = _row(_table(whole, analysis), tier="secondary", contrast="effective robustness", scale="logit")
    assert row["estimate"] == pytest.approx(0.302, abs=0.005)


def test_without_plain_checkpoints_there_is_no_effective_robustness() -> None:
    """One checkpoint is not a line, and the page says so."""
    assert "effective robustness" not in _table(_values(_shrinking))["contrast"].to_list()
    assert "Effective robustness is not estimated" in _findings(_values(_shrinking))


def test_controls_are_a_family_of_their_own() -> None:
    """The arm against the control, and the control against none, in gain and change."""
    analysis = Robustness("none", ("mnli",), "mnli", (), ("shuffled",))
    every = _values(_shrinking, ("none", "mnli", "shuffled"))
    table = _table(every, analysis).filter(pl.col("tier") == "control", pl.col("m") > 1)
    assert set(table.select("arm", "reference").iter_rows()) == {("mnli", "shuffled"), ("shuffled", "none")}
    assert table["m"].to_list() == [4] * 6
    assert _row(table, reference="shuffled", condition="noise")["estimate"] == pytest.approx(-4)


def test_the_sentences_have_estimate_interval_seeds_and_power() -> None:
    """A change that is claimed, and one that is not."""
    first = _findings(_values(_shrinking)).splitlines()[0]
    assert "-4.0 points (95 % interval -4.2 to -3.8, 5 seeds); on the logit scale -0." in first
    assert "Claimed: the gain shrinks under noise, on both scales. The smallest effect that is shown" in first
    noisy = _values(lambda *key: _shrinking(*key) + (key[0] == "mnli") * (key[3] != "clean") * 8 * (-1) ** key[4])
    assert _findings(noisy).splitlines()[0].startswith("Primary endpoint")
    assert "No change is shown; by points alone, there is 80 % power from" in _findings(noisy)
    few = _findings(_values(_shrinking).filter(pl.col("seed") < 3)).splitlines()[0]
    assert "With fewer than 5 seeds nothing is claimed." in few


def test_cells_near_chance_are_counted_and_stay_in_the_endpoint() -> None:
    """Bounds below chance in one language of one arm: half of the cells are shown, and no estimate changes."""
    every = _values(_shrinking)
    near = (pl.col("language") == "sw") & (pl.col("arm") == "mnli")
    low = every.with_columns(above_chance=pl.when(near).then(-1.0).otherwise("above_chance"))
    assert "in 20 of 40 cells and seeds of the endpoint; all" in _findings(low)
    none = every.with_columns(above_chance=pl.when(near).then(None).otherwise("above_chance"))
    assert "in 20 of 20 cells and seeds of the endpoint, 20 more have no bound; all" in _findings(none)
    assert _table(low).equals(_table(every))


def test_the_design_reads_its_table_of_a_file() -> None:
    """Lists become tuples; the plain arms and controls can be left out."""
    table = {"without": "none", "arms": ["mnli"], "endpoint_arm": "mnli"}
    assert robustness.read(table, ["none", "mnli"], "file.toml: [analysis]") == PLAIN


# ---------------------------------------------------------------------------------------------------------- simulations


@pytest.mark.long
def test_planted_grids_have_the_levels_and_spreads_that_they_name() -> None:
    """The mean change over 60 draws is the planted one, within four standard errors."""
    draw, changes = np.random.default_rng(5), []
    for _ in range(60):
        made = estimands(values(Planted(3, 6.0, 2.0), draw), ARMS_FRAME, ANALYSIS)
        changes.append(np.mean([*made[0].by_seed.values()]))
    assert np.mean(changes) == pytest.approx(-2, abs=4 * np.std(changes) / math.sqrt(60))


@pytest.mark.long
def test_a_planted_change_is_found_and_none_is_rarely_claimed() -> None:
    """40 draws with five seeds: a change of 5 points is nearly always claimed, and covered; without effects few are."""
    changed, none = (studies.row_of(planted, 40) for planted in (Planted(5, 6.0, 5.0), Planted(5, 0.0, 0.0)))
    assert float(str(changed["claimed"])) >= 85
    assert min(float(str(row["covered"])) for row in (changed, none)) >= 86
    assert float(str(none["any_false"])) <= 14
    assert float(str(changed["any_false"])) <= 14


def test_the_committed_table_meets_the_bars() -> None:
    """Every design has 500 draws; coverage is 93-97 % and no more than 5 % of grids without effects claim anything."""
    rows = read(REPORTS / "studies.csv")
    assert len(rows) == len(studies.designs())
    assert all(int(row["draws"]) >= 500 for row in rows)
    normal = [row for row in rows if row["noise"] == "normal"]
    assert all(93 <= float(row["covered"]) <= 97 for row in normal)
    assert all(float(row["any_false"]) <= 5 for row in rows if float(row["gain"]) == 0)
    assert all(float(row["false"]) <= 5 for row in rows if float(row["shrinks"]) == 0)
    assert all(abs(float(row["points"]) - float(row["stated"])) <= 7 for row in normal if row["stated"])


def test_the_committed_page_is_that_of_the_table() -> None:
    """reports/benchmarks/studies.md is written from the csv beside it."""
    text = (REPORTS / "studies.md").read_text("utf-8")
    command = next(line for line in text.splitlines() if line.startswith("python"))
    assert text == studies.page(read(REPORTS / "studies.csv"), command)
