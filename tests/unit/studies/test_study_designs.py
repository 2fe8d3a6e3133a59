"""The designs of diversity, low-resource languages, multimodal encoders and capacity, on grids of known truth."""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from typing import Any

import polars as pl
import pytest
from tests.some import some
from tests.study_grids import (
    CAPACITY,
    CAPACITY_ARMS,
    DIVERSITY,
    FEW,
    LOW,
    LOW_LANGUAGES,
    MULTI,
    MULTI_ARMS,
    SEEDS,
    SETS,
    SIZES,
    Truth,
    arms_of,
    claims_in,
    diverse,
    english_few,
    grown,
    grown_frame,
    low_frame,
    low_values,
    multi_frame,
    planted,
    resourced,
    row,
    sized,
    towers,
    values_of,
)

from robust_xtreme.core import registry
from robust_xtreme.core.errors import SpecError
from robust_xtreme.files.frames import build
from robust_xtreme.studies.claims import contrasts
from robust_xtreme.studies.design import ARMS, VALUES
from robust_xtreme.studies.designs import capacity, diversity, low_resource, multimodal


def test_diversity_recovers_the_coefficients_of_tasks_and_volume() -> None:
    """Two points a task and one a doubling, claimed, each within its interval."""
    frame = diverse(planted(2, 1))
    tasks, volume = row(frame, "tasks"), row(frame, "log2 volume")
    assert (tasks["tier"], tasks["sign"], volume["sign"]) == ("primary", "higher", "higher")
    assert tasks["low"] < 2 < tasks["high"]
    assert volume["low"] < 1 < volume["high"]
    assert row(frame, "more against less")["estimate"] == pytest.approx(2, abs=0.5)
    assert row(frame, "other tasks", arm="a-1k", reference="b-1k")["tier"] == "control"


def test_volume_alone_is_not_taken_for_diversity() -> None:
    """Where only the volume has an effect, the coefficient of tasks at equal volume is about 0."""
    frame = diverse(planted(0, 3))
    assert row(frame, "tasks")["sign"] is None
    assert abs(row(frame, "tasks")["estimate"]) < 0.3
    assert row(frame, "log2 volume")["sign"] == "higher"


def test_the_regression_of_distance_has_the_sets_of_several_tasks_only() -> None:
    """A single task has no distance: the four others are enough, three would not be."""
    frame = diverse(planted(0, 0))
    assert row(frame, "distance")["seeds"] == len(SEEDS)
    sets = {arm: {**given, "diversity": None if arm == "ab-1k" else given["diversity"]} for arm, given in SETS.items()}
    values = values_of(planted(0, 0), ["none", *SETS])
    listed = diversity.estimands(values, arms_of(sets), DIVERSITY)
    assert "distance" not in {estimand.contrast for estimand in listed}
    frame = contrasts(listed)
    sentences = diversity.sentences(frame, values, arms_of(sets), DIVERSITY)
    assert any("3 arms have it" in sentence for sentence in sentences)


def test_a_design_that_cannot_separate_tasks_from_volume_is_refused() -> None:
    """The factor is named."""
    sets = {arm: {**given, "tasks": 2} for arm, given in SETS.items()}
    with pytest.raises(SpecError, match="'tasks' has one value"):
        diversity.estimands(values_of(planted(0, 0), ["none", *SETS]), arms_of(sets), DIVERSITY)
    sets = {arm: {**given, "intermediate_examples": 2 ** (9 + given["tasks"])} for arm, given in SETS.items()}
    with pytest.raises(SpecError, match="determined by 'log2 volume'"):
        diversity.estimands(values_of(planted(0, 0), ["none", *SETS]), arms_of(sets), DIVERSITY)


def test_cells_that_an_arm_leaves_out_are_left_out_of_every_gain() -> None:
    """A huge score on its own training data changes no coefficient."""
    values = values_of(planted(1, 1), ["none", *SETS])
    flagged_cell = (pl.col("arm") == "a-1k") & (pl.col("target") == "xnli")
    flagged = values.with_columns(
        left_out=pl.when(flagged_cell).then(pl.lit("own training data")),
        value=pl.when(flagged_cell).then(99.0).otherwise("value"),
    )
    kept = values.filter(target="panx")
    changed, expected = (
        row(contrasts(diversity.estimands(frame, arms_of(SETS), DIVERSITY)), "tasks") for frame in (flagged, kept)
    )
    assert changed["estimate"] == pytest.approx(expected["estimate"])


def test_a_seed_with_a_missing_cell_does_not_count() -> None:
    """The other seeds give the same numbers as without it; an arm without values gives no coefficient."""
    hole = {"arm": "ab-4k", "seed": 2, "language": "de"}
    frame = diverse(planted(1, 1), without=lambda cell: hole.items() <= cell.items())
    assert row(frame, "tasks")["seeds"] == len(SEEDS) - 1
    values = values_of(planted(1, 1), ["none", *list(SETS)[:-1]])
    frame = contrasts(diversity.estimands(values, arms_of(SETS), DIVERSITY))
    assert "tasks" not in frame["contrast"].to_list()
    assert "arms without values: abcd-4k" in diversity.sentences(frame, values, arms_of(SETS), DIVERSITY)[0]


def test_low_resource_recovers_gain_worth_and_slope() -> None:
    """A gain of 4 points over direct is worth some 316 examples, and falls by 20 points for a distance of 1."""
    values = low_values(resourced(4, -20))
    frame = low_frame(values)
    mean = row(frame, "gain")
    assert (mean["tier"], mean["sign"]) == ("primary", "higher")
    assert mean["low"] < 4 < mean["high"]
    slope = row(frame, "slope over distance", condition="syntactic")
    assert slope["low"] < -20 < slope["high"]
    assert (slope["tier"], slope["sign"]) == ("exploratory", None)
    assert row(frame, "rank correlation with distance", "none")["estimate"] < -0.5
    worth = row(frame, "log10 in-language examples", "none")
    assert worth["estimate"] == pytest.approx(2.5, abs=0.25)
    assert row(frame, "against in-language", reference="few_1000")["estimate"] == pytest.approx(-1, abs=0.5)


@pytest.mark.parametrize(("gain", "words"), [(1.5, "fewer than 10"), (12.0, "more than 1,000")])
def test_a_gain_outside_the_few_shot_arms_is_worth_a_range_and_not_a_number(gain: float, words: str) -> None:
    """Nothing is extrapolated: 10 examples give 4 points, and 1,000 give 8."""
    levels = {"few_10": 4.0, "few_100": 6.0, "few_1000": 8.0, "mnli": gain}
    values = low_values(lambda arm, *_: 40 + levels.get(arm, 0.0))
    frame = low_frame(values)
    assert not frame.filter(contrast="log10 in-language examples").height
    sentences = low_resource.sentences(frame, values, arms_of({}), LOW)
    assert any(f"is worth: {words}" in sentence for sentence in sentences)


def test_few_shot_gains_that_fall_are_made_monotone() -> None:
    """A gain of 3 is reached at the pooled level of 10 and 100, which is 2.5, and 1,000, which is 4."""
    levels = {"few_10": 4.0, "few_100": 1.0, "few_1000": 4.0, "mnli": 3.0}
    values = low_values(lambda arm, *_: 40 + levels.get(arm, 0.0))
    frame = low_frame(values)
    assert row(frame, "log10 in-language examples", "none")["estimate"] == pytest.approx(2 + 1 / 3, abs=0.2)


def test_partially_pooled_means_are_beside_the_plain_ones() -> None:
    """Each language is in the sentence, with its interval and both means."""
    values = low_values(resourced(4))
    sentences = low_resource.sentences(low_frame(values), values, arms_of({}), LOW)
    (languages,) = (sentence for sentence in sentences if sentence.startswith("Gains of mnli by language"))
    assert languages.count("partially pooled +") == len(LOW.languages)


def test_a_language_without_a_distance_is_in_the_mean_but_not_in_the_slope() -> None:
    """And the page names it."""
    truth = resourced(4)
    values = values_of(
        lambda arm, target, language: truth(arm, target, "de" if language == "nah" else language),
        ["none", "mnli"],
        (*LOW_LANGUAGES, "nah"),
    )
    analysis = low_resource.LowResource(direct="none", intermediate=("mnli",))
    frame = low_frame(values, analysis)
    assert row(frame, "gain in a language", language="nah")["estimate"] == pytest.approx(4, abs=0.6)
    assert row(frame, "slope over distance")["seeds"] == len(SEEDS)
    sentences = low_resource.sentences(frame, values, arms_of({}), analysis)
    assert any("no syntactic distance of nah" in sentence for sentence in sentences)


def test_gains_that_do_not_vary_have_no_rank_correlation() -> None:
    """One seed with equal gains leaves it out: the others would be a selection."""
    values = low_values(resourced(4, -20)).with_columns(
        value=pl.when(seed=0).then(pl.lit(50.0)).otherwise(pl.col("value"))
    )
    frame = low_frame(values)
    assert row(frame, "slope over distance")["seeds"] == len(SEEDS)
    assert not frame.filter(scale="none", condition="syntactic").height


def test_a_declared_language_without_values_leaves_the_endpoint_out() -> None:
    """The mean over the others would be of another question."""
    values = low_values(resourced(4)).filter(pl.col("language") != "yo")
    frame = low_frame(values)
    assert "gain" not in frame["contrast"].to_list()
    assert "not computed" in low_resource.sentences(frame, values, arms_of({}), LOW)[0]


def test_keys_of_low_resource_are_checked() -> None:
    """A few-shot arm names its number; distances and languages are known ones."""
    with pytest.raises(SpecError, match="end in _N"):
        low_resource.LowResource(direct="none", intermediate=("mnli",), few_shot=("few",))
    with pytest.raises(SpecError, match="at least one arm"):
        low_resource.LowResource(direct="none", intermediate=())


def test_pairs_with_and_without_english_give_the_planted_difference_and_slope() -> None:
    """English is worth 6 points beside 50 examples, 4 beside 500, 2 beside 5,000: on average 4, for ten times -2."""
    worth = {"english_50": 6.0, "english_500": 4.0, "english_5000": 2.0}
    pairs = tuple((arm.replace("english", "direct"), arm) for arm in worth)
    analysis = low_resource.LowResource(pairs=pairs)
    values = values_of(lambda arm, *_: 50 + worth.get(arm, 0), [arm for pair in pairs for arm in pair], ["sw"])
    frame = contrasts(low_resource.estimands(values, arms_of({}), analysis))
    whole = frame.filter(contrast="after English", tier="primary", scale="points").row(0, named=True)
    assert (whole["estimate"], whole["sign"]) == (pytest.approx(4, abs=0.5), "higher")
    few = row(frame, "after English", arm="english_50", target="xnli", language="sw", tier="secondary")
    assert few["estimate"] == pytest.approx(6, abs=0.8)
    slope = row(frame, "slope over log10 examples", target="panx", language="sw")
    assert slope["estimate"] == pytest.approx(-2, abs=0.8)
    assert len(low_resource.sentences(frame, values, arms_of({}), analysis)) >= 5
    beside = values_of(
        lambda arm, _, code: 50 + 9 * (code == "en") * (arm in worth), values["arm"].unique(), ["sw", "en"]
    )
    assert set(contrasts(low_resource.estimands(beside, arms_of({}), analysis))["language"]) == {"", "sw"}
    for wrong in ({"pairs": pairs, "direct": "a", "intermediate": ("b",)}, {}, {"pairs": (("a_50", "b_500"),)}):
        with pytest.raises(SpecError, match=r"either pairs|the same _N"):
            low_resource.LowResource(**wrong)


def test_multimodal_recovers_towers_interaction_and_languages_apart() -> None:
    """In-language and zero-shot gains of a German task are not mixed."""
    frame = multi_frame(towers(2, -4, 6, -3))
    first = row(frame, "what was learned before", arm="clip")
    assert (first["tier"], first["sign"]) == ("primary", "higher")
    assert row(frame, "what was learned before", arm="siglip")["tier"] == "secondary"
    for scale in ("points", "logit"):
        assert row(frame, "interaction with intermediate tasks", scale)["sign"] == "lower"
    assert row(frame, "in-language", language="de")["estimate"] == pytest.approx(6, abs=0.8)
    assert row(frame, "zero-shot")["estimate"] == pytest.approx(-3, abs=0.8)
    assert row(frame, "zero-shot")["sign"] == "lower"


def test_arms_that_share_no_seed_in_a_cell_have_no_contrast() -> None:
    """The mean of the other cells would be of another question."""
    early = {"arm": "clip", "target": "xnli", "language": "de"}
    frame = multi_frame(
        towers(2, 0, 0, 0),
        without=lambda cell: (
            ((early | {"arm": "mlm"}).items() <= cell.items() and cell["seed"] < 3)
            or (early.items() <= cell.items() and cell["seed"] >= 3)
        ),
    )
    assert not frame.filter(contrast="what was learned before", arm="clip").height
    assert row(frame, "what was learned before", arm="siglip")["seeds"] == 3


def test_unequal_sizes_and_steps_of_a_pair_are_reported() -> None:
    """A contrast at unequal steps is named as one."""
    arms = arms_of(
        {"clip": {"params_nonembedding": 1000, "steps": 300}, "mlm": {"params_nonembedding": 1000, "steps": 200}}
    )
    values = values_of(towers(0, 0, 0, 0), MULTI_ARMS)
    analysis = multimodal.Multimodal(pairs=(("clip", "mlm"),))
    sentences = multimodal.sentences(contrasts(multimodal.estimands(values, arms, analysis)), values, arms, analysis)
    assert "300 and 200" in sentences[1]


def test_capacity_recovers_slope_curvature_and_the_monolingual_difference() -> None:
    """The slope of -3 points for ten times the size is within its interval and claimed, on both scales."""
    frame = grown_frame(grown(1, -3, mono=2, curve=0))
    slope = row(frame, "slope over size", condition="")
    assert (slope["tier"], slope["sign"]) == ("primary", "lower")
    assert slope["low"] < -3 < slope["high"]
    assert row(frame, "slope over size", "logit", condition="")["sign"] == "lower"
    assert row(frame, "multilingual minus monolingual gain")["estimate"] == pytest.approx(-2, abs=0.5)
    assert abs(row(frame, "multilingual minus monolingual slope")["estimate"]) < 1
    assert {*frame.filter(contrast="slope over size")["condition"]} == {"", "classification", "tagging"}
    curved = row(grown_frame(grown(1, 0, curve=4)), "curvature over size")
    assert curved["low"] < 4 < curved["high"]


def test_the_crossing_is_reported_where_the_planted_line_is_zero() -> None:
    """1 - 3 x is 0 at a third of a decade above 80,000: 172,000 parameters."""
    values = values_of(grown(1, -3), CAPACITY_ARMS)
    point = capacity.crossed(values, sized(), CAPACITY)
    assert point is not None
    assert point.low < math.log10(80_000) + 1 / 3 < point.high
    frame = contrasts(capacity.estimands(values, sized(), CAPACITY))
    sentences = capacity.sentences(frame, values, sized(), CAPACITY)
    assert any("The mean line is 0 at 1" in sentence and "Fieller" in sentence for sentence in sentences)


def test_ladders_are_compared_at_equal_sizes_only() -> None:
    """Monolingual models of twice the size are not compared, and the page says why."""
    values = values_of(grown(1, -3), CAPACITY_ARMS)
    arms = sized().with_columns(
        pl.col("params_nonembedding") * pl.when(pl.col("arm").str.starts_with("mono")).then(2).otherwise(1)
    )
    frame = contrasts(capacity.estimands(values, arms, CAPACITY))
    assert not frame.filter(pl.col("contrast").str.starts_with("multilingual")).height
    assert "equal size" in capacity.sentences(frame, values, arms, CAPACITY)[-1]


def test_rungs_that_share_a_size_have_no_slope() -> None:
    """Two multilingual rungs have the size of one monolingual rung: their mean gains are compared, and no slopes."""
    analysis = capacity.Capacity(pairs=CAPACITY.pairs, monolingual=CAPACITY.monolingual[:1])
    arms = sized({**SIZES, "32": 10_300})
    frame = contrasts(capacity.estimands(values_of(grown(1, -3), CAPACITY_ARMS), arms, analysis))
    listed = frame.filter(pl.col("contrast").str.starts_with("multilingual"))
    assert listed["contrast"].to_list() == ["multilingual minus monolingual gain"]


def test_the_slope_of_a_family_is_not_taken_for_that_of_all_targets() -> None:
    """No seed has every cell: the families have slopes of three seeds each, and the whole has none."""
    hole = {"arm": "none-16", "language": "de"}
    values = values_of(
        grown(1, -3),
        CAPACITY_ARMS,
        without=lambda cell: hole.items() <= cell.items() and (cell["target"] == "xnli") == (cell["seed"] < 3),
    )
    frame = contrasts(capacity.estimands(values, sized(), CAPACITY))
    found = capacity.sentences(frame, values, sized(), CAPACITY)
    assert "not computed" in found[0]
    assert row(frame, "slope over size", condition="tagging")["seeds"] == 3


@pytest.mark.parametrize("truth", [grown(0.2, 0), grown(9, -3)])
def test_no_crossing_is_reported_without_a_slope_or_outside_the_ladder(truth: Truth) -> None:
    """A flat line near 0 crosses it somewhere by chance."""
    values = values_of(truth, CAPACITY_ARMS, draw=4)
    assert capacity.crossed(values, sized(), CAPACITY) is None


def test_a_rung_without_values_or_size_gives_no_slope() -> None:
    """Values: null, and the arm is named. Size: an error that names the arm."""
    values = values_of(grown(1, -3), CAPACITY_ARMS).filter(pl.col("arm") != "mnli-64")
    frame = contrasts(capacity.estimands(values, sized(), CAPACITY))
    assert {*frame["tier"]} == {"exploratory"}
    sentences = capacity.sentences(frame, values, sized(), CAPACITY)
    assert "mnli-64" in sentences[0]
    sizes = {name: size for name, size in SIZES.items() if name != "64"}
    with pytest.raises(SpecError, match="'mnli-64'"):
        capacity.estimands(values_of(grown(1, -3), CAPACITY_ARMS), sized(sizes), CAPACITY)
    with pytest.raises(SpecError, match="one value"):
        capacity.estimands(values_of(grown(1, -3), CAPACITY_ARMS), sized(dict.fromkeys(SIZES, 9)), CAPACITY)


def test_a_rung_is_a_pair_or_a_table_of_two_arms() -> None:
    """Anything else is refused."""
    with pytest.raises(SpecError, match="pairs has pairs"):
        capacity.Capacity(pairs=({"without": "a", "wit": "b"}, ("a", "b")))
    with pytest.raises(SpecError, match="at least two rungs"):
        capacity.Capacity(pairs=(("a", "b"),))


NOTHING: dict[str, Callable[[int], pl.DataFrame]] = {
    "diversity": lambda draw: diverse(planted(0, 0), draw),
    "low_resource": lambda draw: low_frame(
        values_of(lambda *_: 50.0, ["none", "mnli", *FEW], LOW_LANGUAGES, draw=draw, without=english_few)
    ),
    "multimodal": lambda draw: multi_frame(lambda *_: 50.0, draw),
    "capacity": lambda draw: grown_frame(grown(0, 0), draw),
}


@pytest.mark.parametrize("design", some(NOTHING, 2))
def test_nothing_is_claimed_without_an_effect(design: str) -> None:
    """Of 40 grids, at most 5 claim anything (expected 2 at alpha 0.05)."""
    claimed = sum(claims_in(NOTHING[design](draw)).height > 0 for draw in range(40))
    assert claimed <= 5


@pytest.mark.parametrize("design", NOTHING)
def test_one_seed_gives_estimates_without_intervals_or_claims(design: str) -> None:
    """Every row says that it is of these checkpoints only."""
    frame = NOTHING[design](0)
    assert len({*frame.filter(tier="primary").select("contrast", "arm", "reference").iter_rows()}) == 1
    makers: dict[str, Callable[[], pl.DataFrame]] = {
        "diversity": lambda: diverse(planted(1, 1), seeds=[3]),
        "low_resource": lambda: low_frame(low_values(resourced(4), seeds=[3])),
        "multimodal": lambda: multi_frame(towers(2, 1, 1, 1), seeds=[3]),
        "capacity": lambda: grown_frame(grown(1, -3), seeds=[3]),
    }
    frame = makers[design]()
    assert frame["low"].null_count() == frame.height > 0
    assert not claims_in(frame).height
    assert frame["method"].str.starts_with("these checkpoints only").all()


TABLES: dict[str, dict[str, Any]] = {
    "diversity": {
        "without": "none",
        "arms": ["a", "b", "ab"],
        "permuted": [["a", "b"]],
        "contrast": {"more": "ab", "less": "a"},
        "measures": ["formats"],
    },
    "low_resource": {
        "direct": "none",
        "intermediate": ["a"],
        "few_shot": ["b_10"],
        "languages": ["sw"],
        "distance": "genetic",
    },
    "multimodal": {
        "pairs": [["a", "b"]],
        "interactions": [["ab", "a", "b", "none"]],
        "translated": {"de": "ab"},
        "english": "a",
    },
    "capacity": {"pairs": [["none", "a"], {"without": "b", "with": "ab"}], "monolingual": [["none", "a"]]},
}
"""Of each design, a table [analysis] that names the arm `a`."""


@pytest.mark.parametrize("name", TABLES)
def test_a_study_file_gives_each_design_its_analysis(name: str) -> None:
    """The table is read, and an arm that the study does not have is refused."""
    design = registry.load("design", name)
    arms = ["none", "a", "b", "ab", "b_10"]
    assert isinstance(design.read(TABLES[name], arms, "small.toml: [analysis]"), design.analysis)
    with pytest.raises(SpecError, match="arm 'a'"):
        design.read(TABLES[name], [arm for arm in arms if arm != "a"], "small.toml: [analysis]")
    numbered = json.loads(json.dumps(TABLES[name]).replace('"a"', "7"))
    with pytest.raises(SpecError, match=r"arm 7|type: 7"):
        design.read(numbered, arms, "small.toml: [analysis]")


@pytest.mark.parametrize("module", [diversity, low_resource, multimodal, capacity])
def test_a_study_without_values_yet_says_so(module: Any) -> None:
    """No estimate, no error, and a sentence."""
    name = module.__name__.rpartition(".")[2]
    analysis = {"diversity": DIVERSITY, "low_resource": LOW, "multimodal": MULTI, "capacity": CAPACITY}[name]
    values, arms = build([], VALUES), build([], ARMS)
    assert contrasts(module.estimands(values, arms, analysis)).is_empty()
    sentences = module.sentences(contrasts([]), values, arms, analysis)
    assert "not computed" in sentences[0]
