"""DELTAS: paired by item, exactly 0 where nothing changed, claimed only where a claim can be."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import polars as pl
import pytest
from tests.stats_rows import NOISE, Right, answers, deltas, frames, prediction_rows, scores, stats_rows

from robust_xtreme.core import registry
from robust_xtreme.core.errors import Mismatch
from robust_xtreme.files.schema import CELL, PREDICTIONS, STATS, build
from robust_xtreme.noise.engine.attack import LIBRARY
from robust_xtreme.stats.averages import averages
from robust_xtreme.stats.benchmark import Task
from robust_xtreme.stats.claims import NO_EDITS, NOT_APPLICABLE, holm, is_selected, unreached
from robust_xtreme.stats.degrade import family_name, parts_of

HEADLINES = {"xnli": "accuracy", "panx": "accuracy"}
CLEAN = ("clean", -1)


def degraded(arms: Mapping[tuple[str, int], Right], chance: Right | None = None) -> dict[str, dict[str, Any]]:
    """DELTAS rows of one model by condition."""
    stats, predictions = frames(arms)
    if chance is not None:
        stats = pl.concat([stats, build(stats_rows(chance, model="chance/majority", inference="nothing"), STATS)])
    frame = deltas(stats, scores(stats, predictions), HEADLINES)
    return {row["condition"]: row for row in frame.iter_rows(named=True)}


def lost(right: Right, share: float, seed: int = 7) -> Any:
    """The same answers, some of the right ones lost."""
    return right & ~answers(len(right), share, seed)


def test_the_drop_is_clean_less_perturbed() -> None:
    """Positive is worse; relative drops are in per cent of the clean value and of what is above chance."""
    right = answers(300, 0.9)
    noisy = lost(right, 0.2)
    chance = answers(300, 0.4, 9)
    delta = degraded({CLEAN: right, (NOISE, 0): noisy}, chance)[NOISE]
    clean, drop = 100 * right.mean(), 100 * (right.mean() - noisy.mean())
    assert (delta["clean"], delta["drop"]) == (pytest.approx(clean), pytest.approx(drop))
    assert delta["value"] == pytest.approx(clean - drop)
    assert delta["low"] < drop < delta["high"]
    assert delta["relative"] == pytest.approx(100 * drop / clean)
    assert delta["relative_corrected"] == pytest.approx(100 * drop / (clean - 100 * chance.mean()))
    assert delta["p_adjusted"] == delta["p"] < 0.001


def test_unchanged_answers_give_a_drop_of_exactly_0() -> None:
    """Strength 0 gives exactly 0.0 over any number of seeds, with the exact bound around it and no claim."""
    right = answers(301, 0.7)
    delta = degraded({CLEAN: right, **{("char_noise:0", seed): right for seed in range(7)}})["char_noise:0"]
    assert (delta["drop"], delta["relative"], delta["p"]) == (0.0, 0.0, 1.0)
    assert delta["low"] < 0 < delta["high"]
    assert (delta["family"], delta["p_adjusted"]) == (None, None)


def test_pairing_shows_what_two_samples_cannot() -> None:
    """The interval of a drop is far narrower than those of the two levels."""
    right = answers(300, 0.6)
    stats, predictions = frames({CLEAN: right, (NOISE, 0): lost(right, 0.05)})
    scored = scores(stats, predictions)
    row = deltas(stats, scored, HEADLINES).row(0, named=True)
    widths = scored.select(pl.col("high") - pl.col("low")).to_series().to_list()
    assert row["high"] - row["low"] < 0.5 * min(widths)


def test_permuted_ids_raise() -> None:
    """Perturbed rows whose example ids were permuted no longer carry the clean fingerprints, and raise with the id."""
    stats, predictions = frames({CLEAN: answers(90, 0.9), (NOISE, 0): answers(90, 0.8)})
    scored = scores(stats, predictions)
    noisy = stats.filter(pl.col("condition") == NOISE)
    ids = noisy.get_column("example").to_list()
    permuted = noisy.with_columns(pl.Series("example", [*ids[1:], ids[0]]))
    with pytest.raises(Mismatch, match="fingerprint"):
        deltas(pl.concat([stats.filter(pl.col("condition") == "clean"), permuted]), scored, HEADLINES)


def test_missing_items_raise() -> None:
    """An item that only one of the conditions contains raises, naming it, whichever does not have it."""
    stats, predictions = frames({CLEAN: answers(90, 0.9), (NOISE, 0): answers(90, 0.8)})
    scored = scores(stats, predictions)
    for condition in ("clean", NOISE):
        dropped = (pl.col("condition") == condition) & (pl.col("example") == "xnli/test/sw/00011")
        with pytest.raises(Mismatch, match="xnli/test/sw/00011 is missing"):
            deltas(stats.filter(~dropped), scored, HEADLINES)


def test_a_perturbed_cell_without_a_clean_one_raises() -> None:
    """There is no drop without a clean cell of the same model, data and settings."""
    stats, predictions = frames({CLEAN: answers(90, 0.9), (NOISE, 0): answers(90, 0.8)})
    alone = stats.with_columns(inference=pl.col("condition"))
    noted = predictions.with_columns(inference=pl.col("condition"))
    with pytest.raises(Mismatch, match="no clean cell"):
        deltas(alone, scores(alone, noted), HEADLINES)


def test_scores_of_another_run_are_refused() -> None:
    """SCORES that do not have a cell of STATS raise."""
    stats, predictions = frames({CLEAN: answers(90, 0.9), (NOISE, 0): answers(90, 0.8)})
    scored = scores(stats, predictions).filter(pl.col("condition") == "clean")
    with pytest.raises(Mismatch, match="SCORES"):
        deltas(stats, scored, HEADLINES)


def test_a_cell_near_chance_is_tested_and_marked() -> None:
    """A cell whose clean value is not shown above chance keeps its p and its place in the family, with a mark."""
    right = answers(150, 0.42, 3)
    delta = degraded({CLEAN: right, (NOISE, 0): lost(right, 0.5)}, answers(150, 0.4, 4))[NOISE]
    assert delta["near_chance"] is True
    assert "not shown above chance" in str(delta["marks"]).split(", ")
    assert delta["drop"] > 10
    assert (delta["m"], delta["p_adjusted"] is None, delta["relative_corrected"]) == (1, False, None)


def test_a_cell_with_little_above_chance_has_no_room() -> None:
    """Where the clean value exceeds chance by less than the smallest drop that would be detected, the cell says so."""
    right = answers(300, 0.5, 3)
    delta = degraded({CLEAN: right, (NOISE, 0): answers(300, 0.45, 8)}, lost(right, 0.15))[NOISE]
    assert delta["clean"] - delta["chance"] < delta["mde"]
    assert delta["marks"] == "no room"


def test_a_cell_where_few_clusters_differ_cannot_reject() -> None:
    """With D differing clusters no p is below 2^(1-D): where that is above the family's first level, a mark says so."""
    right = answers(300, 0.9)
    for wrong, mark in ((5, "cannot reject"), (6, None)):
        noisy = right.copy()
        noisy[[at * 3 for at in range(100) if right[at * 3]][:wrong]] = 0
        delta = degraded({CLEAN: right, (NOISE, 0): noisy})[NOISE]
        assert (delta["differing"], delta["marks"]) == (wrong, mark)
        assert delta["p_adjusted"] >= 2.0 ** (1 - wrong)


def test_a_cell_with_one_answer_is_constant() -> None:
    """Where one answer covers 95 % of the items, clean or perturbed, the cell is marked and stays in the family."""
    right = answers(90, 0.9)
    stats, predictions = frames({CLEAN: right, (NOISE, 0): lost(right, 0.3)})
    noisy = pl.col("condition") == NOISE
    same = predictions.with_columns(prediction=pl.when(noisy).then(pl.lit("2")).otherwise("prediction"))
    (delta,) = deltas(stats, scores(stats, same), HEADLINES).rows(named=True)
    assert (delta["constant"], delta["marks"], delta["m"]) == (1.0, "constant", 1)


def test_few_clusters_claim_nothing() -> None:
    """With fewer than 20 clusters there is a drop, but neither interval nor p nor MDE."""
    right = answers(57, 0.9)
    delta = degraded({CLEAN: right, (NOISE, 0): lost(right, 0.3)})[NOISE]
    assert delta["drop"] > 5
    assert [delta[name] for name in ("se", "low", "high", "p", "p_adjusted", "mde")] == [None] * 6
    assert delta["method"] == "none: 19 clusters, fewer than 20"


def test_noise_that_does_not_apply_claims_nothing() -> None:
    """A cell to whose items the noise does not apply has no p."""
    right = answers(90, 0.9)
    stats, _ = frames({CLEAN: right, (NOISE, 0): right})
    predictions = [*prediction_rows(90), *prediction_rows(90, NOISE, 0, status="not_applicable", edits=0)]
    whole = build(predictions, PREDICTIONS)
    row = deltas(stats, scores(stats, whole), HEADLINES).row(0, named=True)
    assert (row["drop"], row["p"], row["family"]) == (0.0, None, None)


def test_noise_that_edits_nothing_claims_nothing() -> None:
    """A cell without an edit is in no family and in no average; a cell with a single edited item is in both."""
    right = answers(90, 0.9)
    stats, _ = frames({CLEAN: right, (NOISE, 0): right})
    tasks = {"xnli": Task(("accuracy",), ("accuracy",), ("premise",), {})}
    for edited in (0, 1):
        rows = [
            {**row, "edits": int(at < edited), "status": "ok" if at < edited else "unchanged"}
            for at, row in enumerate(prediction_rows(90, NOISE, 0))
        ]
        scored = scores(stats, build([*prediction_rows(90), *rows], PREDICTIONS))
        frame = deltas(stats, scored, HEADLINES)
        row = frame.row(0, named=True)
        assert (row["drop"], row["p"], row["m"]) == ((0.0, 1.0, 1) if edited else (0.0, None, None))
        assert averages(stats, scored, frame, tasks).filter(pl.col("condition") != "clean").is_empty() != bool(edited)


def test_noise_that_the_tokenizer_undid_claims_nothing() -> None:
    """An inert cell is in no family: its drop says nothing of robustness, and other tests are not corrected for it."""
    right = answers(90, 0.9)
    stats, _ = frames({CLEAN: right, (NOISE, 0): lost(right, 0.3)})
    whole = build([*prediction_rows(90), *prediction_rows(90, NOISE, 0, tokens_changed=False)], PREDICTIONS)
    row = deltas(stats, scores(stats, whole), HEADLINES).row(0, named=True)
    assert row["inert"]
    assert row["drop"] > 5
    assert (row["p"], row["family"]) == (None, None)


@pytest.mark.parametrize(("clusters", "joint"), [(159, False), (160, True)])
def test_few_clusters_have_no_joint_interval(clusters: int, joint: bool) -> None:
    """With fewer than 160 a cell is tested without one; else it contains the interval of the cell alone."""
    right = answers(3 * clusters, 0.9)
    row = degraded({CLEAN: right, ("char_noise:0.1", 0): lost(right, 0.5)})["char_noise:0.1"]
    assert (row["clusters"], row["p_adjusted"] < 0.05) == (clusters, True)
    if joint:
        assert row["joint_low"] <= row["low"] < row["high"] < row["joint_high"]
    else:
        assert (row["joint_low"], row["joint_high"]) == (None, None)


def test_the_family_is_the_highest_strength_of_each_perturbation() -> None:
    """Languages, tasks and fields at their highest strength are corrected together by Holm; the rest is not."""
    right = answers(300, 0.9)
    arms = {CLEAN: right}
    for field, strength, share in (("a", "0.05", 0.02), ("a", "0.1", 0.06), ("b", "0.05", 0.03)):
        arms[f"char_noise:{strength}@fields={field}", 0] = lost(right, share)
    parts = [frames(arms, language=language) for language in ("sw", "th")]
    stats, predictions = (pl.concat(group) for group in zip(*parts, strict=True))
    frame = deltas(stats, scores(stats, predictions), HEADLINES)
    family = frame.filter(pl.col("family").is_not_null())
    conditions = ["char_noise:0.05@fields=b", "char_noise:0.1@fields=a"]
    assert sorted(family.get_column("condition").unique().to_list()) == conditions
    assert family.get_column("m").to_list() == [4] * 4
    assert set(family.get_column("family")) == {"language x noised fields at each perturbation's highest strength"}
    assert family.get_column("p_adjusted").to_list() == holm(family.get_column("p").to_list())
    assert family.filter((pl.col("joint_low") > pl.col("low")) | (pl.col("joint_high") <= pl.col("high"))).is_empty()
    assert frame.filter(pl.col("family").is_null()).get_column("joint_low").is_null().all()
    assert frame.filter(pl.col("family").is_null()).get_column("p_adjusted").null_count() == 2


def test_the_natural_strength_is_tested_as_well_as_the_highest() -> None:
    """Of 0.02, 0.05 and 0.1 the first and the last are in the family, which says so."""
    right = answers(300, 0.9)
    noises = [f"natural:{strength}@fields=premise" for strength in ("0.02", "0.05", "0.1")]
    rows = degraded({CLEAN: right, **{(noise, 0): lost(right, 0.05) for noise in noises}})
    assert [rows[noise]["m"] for noise in noises] == [2, None, 2]
    assert rows[noises[0]]["family"] == "one test at each perturbation's highest strength and at the natural 0.02"
    alone = degraded({CLEAN: right, (noises[0], 0): lost(right, 0.05)})[noises[0]]
    assert (alone["m"], alone["family"]) == (1, "one test at each perturbation's highest strength")


ATTACK = "attack_keys:0.2@queries=20@fields=premise"
ATTACKS = (
    ATTACK,
    ATTACK.replace("@fields", "@search=random@fields"),
    "keyboard_typo@like=attack_keys:0.2/queries=20@fields=premise",
    "textattack.pruthi:0.3@fields=premise",
    "frozen:attack_keys:0.2/fields=premise/of=mini/01234567",
    f"char_noise:0.1+{ATTACK}",
)


@pytest.mark.parametrize("condition", ATTACKS)
def test_what_is_selected_on_the_outcome_is_not_tested(condition: str) -> None:
    """A row of an attack has its level and interval, but no p, MDE or place in a family and in averages of drops."""
    right = answers(300, 0.9)
    stats, predictions = frames({CLEAN: right, (NOISE, 0): lost(right, 0.1), (condition, 0): lost(right, 0.5)})
    scored = scores(stats, predictions)
    frame = deltas(stats, scored, HEADLINES)
    rows = {row["condition"]: row for row in frame.iter_rows(named=True)}
    row = rows[condition]
    assert [row[name] for name in ("p", "p_adjusted", "family", "m", "mde", "joint_low")] == [None] * 6
    assert row["low"] < row["drop"] < row["high"]
    assert rows[NOISE]["m"] == 1
    made = averages(stats, scored, frame, {"xnli": Task(("accuracy",), ("accuracy",), ("premise",), {})})
    assert set(made["condition"]) == {NOISE}


@pytest.mark.parametrize(
    ("condition", "selected"),
    [
        *((attack, True) for attack in ATTACKS),
        *((name.removeprefix(LIBRARY), True) for name in registry.names("perturbation") if name.startswith(LIBRARY)),
        ("Attack_Keys:0.1", True),
        ("char_noise:0.1+input_reduction:0.3", True),
        ("external:attacked", True),
        ("external:natural", False),
        (NOISE, False),
    ],
)
def test_attacks_are_known_by_the_names_of_their_conditions(condition: str, selected: bool) -> None:
    """Also those of libraries and of others' files; noise and other files of others are not attacks."""
    assert is_selected(condition) == selected


@pytest.mark.parametrize("condition", ATTACKS)
def test_an_attack_without_edits_has_a_level(condition: str) -> None:
    """A model that is right nowhere is not attacked, and its level is compared; noise alone takes a cell out."""
    stats, _ = frames({CLEAN: [0] * 60, (NOISE, 0): [0] * 60, (condition, 0): [0] * 60})
    for status, reasons in (
        ("unchanged", {NOISE: NO_EDITS, condition: None}),
        ("not_applicable", {NOISE: NOT_APPLICABLE, condition: NOT_APPLICABLE}),
    ):
        unedited = {"edits": 0, "tokens_changed": False, "status": status}
        noisy = [row for name in reasons for row in prediction_rows(60, name, 0, **unedited)]
        scored = scores(stats, build([*prediction_rows(60), *noisy], PREDICTIONS))
        assert dict(scored.select("condition", unreached()).iter_rows()) == {"clean": None, **reasons}


def test_an_attack_of_any_name_is_known_by_its_queries() -> None:
    """One that a plugin adds is not tested either."""
    right = answers(90, 0.9)
    stats, _ = frames({CLEAN: right, ("worst:0.1", 0): lost(right, 0.3)})
    predictions = [*prediction_rows(90), *prediction_rows(90, "worst:0.1", 0, queries=3)]
    row = deltas(stats, scores(stats, build(predictions, PREDICTIONS)), HEADLINES).row(0, named=True)
    assert (row["p"], row["family"]) == (None, None)


def family_of(*tests: dict[str, str]) -> str:
    """The name of the family of tests that differ from one cell in what is given."""
    cell = dict.fromkeys(CELL, "same") | {"condition": NOISE}
    return family_name([cell | test for test in tests]).removesuffix(" at each perturbation's highest strength")


@pytest.mark.parametrize(
    ("tests", "name"),
    [
        ([{}], "one test"),
        ([{"language": "de"}, {"language": "sw"}], "language"),
        ([{"language": "de", "task": "xnli"}, {"language": "sw", "task": "panx"}], "task x language"),
        ([{"condition": "char_noise:0.2@fields=a"}, {"condition": "ocr_noise:0.1@fields=a"}], "perturbation"),
        ([{"condition": "char_noise:0.1@fields=a"}, {"condition": "char_noise:0.1@fields=b"}], "noised fields"),
        ([{"task": "xnli", "inference": "a", "model": "x"}, {"task": "panx", "inference": "b", "model": "y"}], "task"),
        (
            [{"language": "de", "context_language": "de"}, {"language": "de", "context_language": "en"}],
            "context language",
        ),
        ([{"model": "x", "inference": "a"}, {"model": "y", "inference": "b"}], "model"),
    ],
)
def test_the_name_of_a_family_has_what_its_tests_differ_in(tests: list[dict[str, str]], name: str) -> None:
    """Settings that follow from the task, as its fields and its model, are not named."""
    assert family_of(*tests) == name


def test_more_tests_need_a_greater_drop() -> None:
    """The MDE of a family of several tests is greater than that of one."""
    right = answers(300, 0.9)
    delta = degraded({CLEAN: right, (NOISE, 0): lost(right, 0.1)})[NOISE]
    other = {("char_noise:0.1@fields=hypothesis", 0): lost(right, 0.1), ("keyboard_typo:0.1", 0): lost(right, 0.1)}
    three = degraded({CLEAN: right, (NOISE, 0): lost(right, 0.1), **other})[NOISE]
    assert (delta["m"], three["m"]) == (1, 3)
    assert 0 < delta["mde"] < three["mde"]


def test_metrics_beside_the_headline_are_not_claimed() -> None:
    """Only the headline metric of a task is in the family; others keep their own p."""
    right = answers(300, 0.9)
    stats, predictions = frames({CLEAN: right, (NOISE, 0): lost(right, 0.1)})
    row = deltas(stats, scores(stats, predictions), {"xnli": "span_f1"}).row(0, named=True)
    assert row["p"] is not None
    assert (row["family"], row["p_adjusted"]) == (None, None)


@pytest.mark.parametrize(
    ("condition", "parts"),
    [
        ("char_noise:0.1@fields=question", ("char_noise", "0.1", "question")),
        (
            "char_noise:0.1@ops=replace@fields=premise,hypothesis",
            ("char_noise@ops=replace", "0.1", "premise,hypothesis"),
        ),
        ("spacing:1+char_noise:0.1", ("spacing:1+char_noise", "0.1", "")),
        ("frozen/abc", ("frozen/abc", "", "")),
    ],
)
def test_conditions_are_taken_apart(condition: str, parts: tuple[str, str, str]) -> None:
    """The last link's strength is the cell's; what is not a specification is shown whole."""
    assert parts_of(condition) == parts
