"""Claims over training seeds: intervals, corrections, shares of alpha, and the power that is stated before a run."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from scipy import stats
from tests.finished_runs import finished_run
from tests.studies import file_of, simulated

from robust_xtreme.core.errors import Mismatch, UnknownName, UserError
from robust_xtreme.files import store
from robust_xtreme.files.schema import CONDITIONS, MODELS, SCORES, empty
from robust_xtreme.studies import folder
from robust_xtreme.studies.cells import SCALES, on_scale
from robust_xtreme.studies.claims import contrasts, mde_of, noncentrality, over_seeds, power_of, seeds_for
from robust_xtreme.studies.design import Estimand
from robust_xtreme.studies.planning import StudyPlan
from robust_xtreme.studies.study_file import StudyCell, read

CLEAR = (5.0, 5.2, 4.9, 5.1, 5.3)
UNCLEAR = (1.0, -1.2, 0.9, -1.1, 0.3)


def _of(numbers: Sequence[float], name: str = "gain", tier: str = "secondary", scale: str = "points") -> Estimand:
    return Estimand(tier, name, dict(enumerate(numbers)), scale)


def _p_of(p: float) -> tuple[float, ...]:
    """Five numbers whose two-sided t test has this p."""
    base = np.array([-2.0, -1.0, 0.0, 1.0, 2.0])
    return tuple((base + stats.t.isf(p / 2, 4) * math.sqrt(0.5)).tolist())


def _row(table: pl.DataFrame, name: str, scale: str = "points") -> dict[str, object]:
    return table.filter(pl.col("contrast") == name, pl.col("scale") == scale).row(0, named=True)


def test_the_interval_is_that_of_a_one_sample_t_test() -> None:
    """Mean, interval and p are those of scipy."""
    numbers = (2.0, 3.5, 1.0, 2.5)
    expected = stats.ttest_1samp(numbers, 0)
    interval = expected.confidence_interval(0.95)
    row = over_seeds(numbers)
    assert [row[name] for name in ("estimate", "low", "high", "p", "df")] == pytest.approx(
        [2.25, interval.low, interval.high, expected.pvalue, 3]
    )


def test_a_sign_needs_five_seeds() -> None:
    """Four seeds have an interval and a p, but no sign."""
    for numbers, sign in ((CLEAR, "higher"), ([-number for number in CLEAR], "lower"), (CLEAR[:4], None)):
        row = _row(contrasts([_of(numbers)]), "gain")
        assert row["sign"] == sign
        assert row["p"] is not None


def test_one_seed_or_no_variation_has_no_interval_and_counts_in_its_family() -> None:
    """The unknown p of such a member is 1, so that the others are corrected for it."""
    table = contrasts([_of(CLEAR), _of((3.0,), "single"), _of((2.0,) * 5, "still")])
    for name, method in (("single", "these checkpoints only: 1 seed"), ("still", "none: 5 seeds do not vary")):
        row = _row(table, name)
        assert [row[key] for key in ("se", "low", "high", "p", "p_adjusted", "mde", "sign")] == [None] * 7
        assert (row["method"], row["m"]) == (method, 3)
    assert _row(table, "gain")["p_adjusted"] == pytest.approx(3 * float(str(_row(table, "gain")["p"])))


def test_holm_corrects_within_a_family() -> None:
    """p = 0.03 is claimed alone or in another family, not among three."""
    weak = Estimand("secondary", "weak", dict(enumerate(_p_of(0.03))))
    others = [_of(UNCLEAR, "a"), _of(UNCLEAR, "b")]
    apart = [Estimand("secondary", each.contrast, each.by_seed, corrected_with="apart") for each in others]
    assert _row(contrasts([weak]), "weak")["sign"] == "higher"
    assert _row(contrasts([weak, *apart]), "weak")["sign"] == "higher"
    among = _row(contrasts([weak, *others]), "weak")
    assert (among["sign"], among["p_adjusted"]) == (None, pytest.approx(0.09))


def test_scales_of_a_contrast_are_one_claim() -> None:
    """It is claimed on all scales or on none, counts once, and its p is the largest."""
    strong, weak, opposite = _of(CLEAR), _of(_p_of(0.03), scale="logit"), _of([-each for each in CLEAR], scale="logit")
    table = contrasts([strong, weak])
    assert table.select("sign", "m").rows() == [("higher", 1)] * 2
    assert table["p_adjusted"].to_list() == pytest.approx([0.03] * 2)
    assert contrasts([strong, opposite])["sign"].to_list() == [None] * 2
    assert contrasts([strong, _of(UNCLEAR, scale="logit")])["sign"].to_list() == [None] * 2


def test_primary_and_secondary_claims_share_alpha() -> None:
    """With both tiers p = 0.045 is too large for the primary one, and p = 0.03 for the secondary one."""
    first, second = _of(_p_of(0.045), "first", "primary"), _of(_p_of(0.03), "second")
    assert _row(contrasts([first]), "first")["sign"] == "higher"
    table = contrasts([first, second])
    assert table["sign"].to_list() == [None, None]
    assert table["p_adjusted"].to_list() == pytest.approx([0.045 / 0.8, 0.03 / 0.2])


def test_secondary_claims_have_all_of_alpha_where_the_primary_one_is_claimed() -> None:
    """p = 0.03 is then significant, and its smallest detectable effect is at 0.05; controls do not take part."""
    table = contrasts([_of(CLEAR, "first", "primary"), _of(_p_of(0.03), "second"), _of(_p_of(0.04), "c", "control")])
    second = _row(table, "second")
    assert second["p_adjusted"] == pytest.approx(0.03)
    assert second["mde"] == pytest.approx(mde_of(float(np.std(_p_of(0.03), ddof=1)), 5))
    assert table["sign"].to_list() == ["higher"] * 3


def test_what_is_explored_has_no_sign() -> None:
    """Its p-values are those of Benjamini and Hochberg."""
    table = contrasts([_of(_p_of(p), name, "exploratory") for name, p in (("a", 0.01), ("b", 0.02), ("c", 0.03))])
    assert table["p_adjusted"].to_list() == pytest.approx([0.03] * 3)
    assert table["sign"].to_list() == [None] * 3


def test_what_cannot_be_tested_is_refused() -> None:
    """An estimand without a seed is left out, and one that occurs twice is one line."""
    assert contrasts([_of(())]).is_empty()
    with pytest.raises(Mismatch, match="occurs twice"):
        contrasts([_of(CLEAR), _of(CLEAR)])


def test_the_order_of_estimands_does_not_matter() -> None:
    """The frame is sorted by its key."""
    several = [_of(CLEAR, "b"), _of(UNCLEAR, "a"), _of(CLEAR, "c", "primary")]
    assert contrasts(several).equals(contrasts(several[::-1]))
    assert contrasts([]).height == 0


def test_the_smallest_detectable_effect_is_found_with_its_power() -> None:
    """Simulated studies with this effect are significant in 80 %; published: 1.7 paired SDs, 3.2 with Holm over ten."""
    draw = np.random.default_rng(3)
    for tests in (1, 10):
        mde = mde_of(2.0, 5, tests)
        assert mde is not None
        numbers = draw.normal(mde, 2.0, (20000, 5))
        p = stats.ttest_1samp(numbers, 0, axis=1).pvalue
        assert (p < 0.05 / tests).mean() == pytest.approx(0.8, abs=0.012)
        assert power_of(mde, 2.0, 5, tests) == pytest.approx(0.8, abs=1e-6)
    assert [mde_of(1.0, 5, tests) for tests in (1, 10)] == pytest.approx([1.7, 3.2], abs=0.05)


def test_the_frame_has_the_smallest_detectable_effect_of_its_level() -> None:
    """It is at 0.05 / m where a tier is alone, at its share of that otherwise."""
    alone = _row(contrasts([_of(CLEAR), _of(UNCLEAR, "a")]), "gain")
    assert alone["mde"] == pytest.approx(mde_of(float(np.std(CLEAR, ddof=1)), 5, 2))
    shared = _row(contrasts([_of(CLEAR), _of(UNCLEAR, "a", "primary")]), "gain")
    assert shared["mde"] == pytest.approx(mde_of(float(np.std(CLEAR, ddof=1)), 5, 1 / 0.2))


def test_seeds_are_as_many_as_the_power_needs() -> None:
    """The fewest with which 80 % are reached; below five no sign is claimed, and an effect of 0 has never enough."""
    seeds = seeds_for(2.0, 1.5)
    assert seeds is not None
    assert power_of(2.0, 1.5, seeds) >= 0.8 > power_of(2.0, 1.5, seeds - 1)
    assert (power_of(9.0, 1.0, 4), mde_of(1.0, 1), seeds_for(0.01, 5.0)) == (0.0, None, None)
    assert seeds_for(9.0, 1.0) == 5
    with pytest.raises(UserError, match="above 0"):
        power_of(1.0, 0.0, 5)


@pytest.mark.parametrize(
    ("effect", "seeds", "words"),
    [
        ("2", 5, "80 % for 2.7"),
        ("0.001", 5, "more than 1,000 seeds"),
        ("2", 1, "80 % with 8"),
    ],
)
def test_a_plan_says_how_many_seeds_are_enough(tmp_path: Path, effect: str, seeds: int, words: str) -> None:
    """Also where no number is, and of one seed, which shows no effect of any size."""
    study = read(str(file_of(tmp_path, ("effect = 2", f"effect = {effect}"))), {"seeds": seeds})
    assert words in StudyPlan(study, (), (), ()).power()


def test_noise_that_reaches_no_text_has_no_value(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A language in which the tokenizer undoes the noise is on clean text alone: it shows no robustness."""
    run = finished_run(tmp_path / "run", noise="char_noise:0.1")
    frames = {"scores.csv": SCORES, "conditions.csv": CONDITIONS}
    known = {name: store.read_frame(run / name, frame) for name, frame in frames.items()}
    known["conditions.csv"] = known["conditions.csv"].with_columns(fields=pl.lit(None, pl.String))
    undone = (pl.col("language") == "sw") & (pl.col("condition") != "clean")
    known["scores.csv"] = known["scores.csv"].with_columns(inert=pl.when(undone).then(True).otherwise("inert"))
    monkeypatch.setattr(folder, "frame_of", lambda _folder, name, *_: known[name])
    rows = folder._values(StudyCell("a", 0, "xnli", "", {}, {}), run, empty(MODELS), {})
    found = {(row["language"], row["condition"]) for row in rows}
    assert found == {("de", "clean"), ("sw", "clean"), ("de", "char_noise:0.1")}


def test_a_page_names_the_cells_whose_levels_are_at_chance(tmp_path: Path) -> None:
    """Those of an arm that is shown above chance in two of five seeds, not in three; a missing bound says nothing."""
    known = simulated(tmp_path)
    target, code = known.values.select("target", "language").row(0)
    of_arm = (pl.col("arm") == "none") & (pl.col("target") == target) & (pl.col("language") == code)

    def page(above: int) -> str:
        bound = pl.when(of_arm & (pl.col("seed") >= above)).then(-1.0).when(of_arm).then(1.0)
        values = known.values.with_columns(above_chance=bound.cast(pl.Float64))
        return str(folder.pages(replace(known, values=values))["report.md"])

    assert f"seeds: {target} {code} (none)." in page(above=2)
    assert "fewer than half" not in page(above=3)


def test_power_is_known_at_any_level() -> None:
    """Few seeds and thousands of tests have a finite detectable effect, which grows with the number of tests."""
    for df in (1, 2, 4, 30):
        shifts = [noncentrality(df, tests) for tests in (1, 20, 400, 8000)]
        assert all(math.isfinite(shift) for shift in shifts)
        assert all(left < right for left, right in pairwise(shifts))


def test_scales_are_of_the_part_above_chance() -> None:
    """Chance is 0 and the top 100 of the corrected points; the logit is finite at both ends, and 0 halfway."""
    assert [on_scale(75.0, 50.0, 100, scale) for scale in SCALES] == pytest.approx([75.0, 50.0, 0.0])
    assert [on_scale(value, 50.0, 100, "corrected") for value in (50.0, 100.0, 40.0)] == [0.0, 100.0, -20.0]
    edges = [on_scale(value, 50.0, 100, "logit") for value in (40.0, 50.0, 100.0)]
    assert edges == pytest.approx([-math.log(201), -math.log(201), math.log(201)])
    with pytest.raises(UserError, match="Chance is 100"):
        on_scale(100.0, 100.0, 10, "corrected")
    with pytest.raises(UnknownName, match="'logits'"):
        on_scale(75.0, 50.0, 100, "logits")
