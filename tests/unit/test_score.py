"""SCORES: values over noise seeds, floors, and what noise did to the items."""

from __future__ import annotations

from typing import Any

import numpy as np
import polars as pl
import pytest
from tests.stats_rows import NOISE, answers, frames, prediction_rows, stats_rows

from robust_xtreme.errors import Mismatch
from robust_xtreme.results.schema import PREDICTIONS, STATS, build
from robust_xtreme.results.score import floor_values, scores


def rows(frame: pl.DataFrame) -> dict[tuple[str, str], dict[str, Any]]:
    """SCORES rows by condition and scope."""
    return {(row["condition"], row["scope"]): row for row in frame.iter_rows(named=True)}


def with_floor(stats: pl.DataFrame, **floors: Any) -> pl.DataFrame:
    """STATS with the rows of floors, by name."""
    made = [stats_rows(right, model=f"floor/{name}", inference="fitted on nothing") for name, right in floors.items()]
    return pl.concat([stats, *(build(records, STATS) for records in made)])


def test_a_cell_is_the_mean_of_its_noise_seeds() -> None:
    """Each noise seed is summed and reduced, the value is their mean and the spread their standard deviation."""
    arms = {("clean", -1): answers(120, 1.0), (NOISE, 0): answers(120, 0.9, 1), (NOISE, 1): answers(120, 0.7, 2)}
    table = rows(scores(*frames(arms)))
    each = [100 * arms[NOISE, seed].mean() for seed in (0, 1)]
    noisy = table[NOISE, "all"]
    assert noisy["value"] == pytest.approx(np.mean(each))
    assert noisy["seed_spread"] == pytest.approx(np.std(each, ddof=1))
    assert (noisy["n"], noisy["clusters"], noisy["seeds"]) == (120, 40, 2)
    assert noisy["low"] < noisy["value"] < noisy["high"]
    assert (table["clean", "all"]["value"], table["clean", "all"]["seed_spread"]) == (100.0, None)


def test_the_order_of_rows_changes_nothing() -> None:
    """Shuffled STATS and PREDICTIONS give the same SCORES, bit for bit."""
    stats, predictions = frames({("clean", -1): answers(90, 0.8), (NOISE, 0): answers(90, 0.6, 1)})
    shuffled = [frame.sample(fraction=1.0, shuffle=True, seed=5) for frame in (stats, predictions)]
    assert scores(*shuffled).equals(scores(stats, predictions))


def test_the_baseline_is_the_best_floor() -> None:
    """Of several floors the best one counts, with its name and source; a model well above it is not at the floor."""
    stats, predictions = frames({("clean", -1): answers(300, 0.9)})
    frame = scores(with_floor(stats, majority=answers(300, 0.3, 1), overlap=answers(300, 0.5, 2)), predictions).row(
        0, named=True
    )
    assert (frame["baseline_name"], frame["baseline_source"]) == ("overlap", "fitted on nothing")
    assert frame["baseline"] == pytest.approx(100 * answers(300, 0.5, 2).mean())
    assert frame["at_floor"] is False


def test_every_floor_keeps_its_value_and_source() -> None:
    """FLOORS contain each floor of a split, not the best alone, and no model."""
    stats, _ = frames({("clean", -1): answers(300, 0.9), (NOISE, 0): answers(300, 0.8)})
    values = floor_values(with_floor(stats, majority=answers(300, 0.3, 1), overlap=answers(300, 0.5, 2)))
    assert values.select("task", "language", "metric", "floor", "source", "n", "clusters").rows() == [
        ("xnli", "sw", "accuracy", "majority", "fitted on nothing", 300, 100),
        ("xnli", "sw", "accuracy", "overlap", "fitted on nothing", 300, 100),
    ]
    assert values.get_column("value").to_list() == pytest.approx(
        [100 * answers(300, 0.3, 1).mean(), 100 * answers(300, 0.5, 2).mean()]
    )
    assert floor_values(stats).is_empty()


def test_a_model_within_reach_of_its_floor_is_at_the_floor() -> None:
    """A model whose lower bound over the floor is not above 0 is at the floor, under every condition alike."""
    stats, predictions = frames({("clean", -1): answers(90, 0.42, 3), (NOISE, 0): answers(90, 0.4, 4)})
    frame = scores(with_floor(stats, majority=answers(90, 0.4, 1)), predictions)
    assert frame.get_column("at_floor").to_list() == [True, True]
    assert frame.get_column("model").unique().to_list() == ["m"]


def test_a_cell_that_noise_brought_to_its_floor_is_not_at_the_floor() -> None:
    """The floor was scored on clean text: a perturbed cell takes what was found of its clean twin."""
    stats, predictions = frames({("clean", -1): answers(300, 0.9), (NOISE, 0): answers(300, 0.3, 4)})
    frame = scores(with_floor(stats, majority=answers(300, 0.4, 1)), predictions)
    assert frame.get_column("at_floor").to_list() == [False, False]


def test_a_floor_of_other_items_is_refused() -> None:
    """A floor that was computed on other items than the model raises, naming one."""
    stats, predictions = frames({("clean", -1): answers(90, 0.9)})
    with pytest.raises(Mismatch, match="xnli/test/sw/00089"):
        scores(with_floor(stats, majority=answers(89, 0.4)), predictions)


def test_without_a_floor_there_is_no_baseline() -> None:
    """A task without floors has null baselines and is not at the floor."""
    frame = scores(*frames({("clean", -1): answers(90, 0.2)})).row(0, named=True)
    assert (frame["baseline"], frame["baseline_name"], frame["at_floor"]) == (None, None, False)


def test_realised_columns_are_means_over_items_and_seeds() -> None:
    """Edit rates are means, tokens per word ratios of sums, operators are added, clean cells have none."""
    table = rows(
        scores(*frames({("clean", -1): answers(60, 0.9), (NOISE, 0): answers(60, 0.8), (NOISE, 1): answers(60, 0.8)}))
    )
    noisy, clean = table[NOISE, "all"], table["clean", "all"]
    assert noisy["grapheme_edit_rate"] == pytest.approx(0.1)
    assert noisy["word_edit_rate"] == pytest.approx(0.5)
    assert (noisy["tokens_per_word_clean"], noisy["tokens_per_word"]) == (1.5, 2.0)
    assert (noisy["unchanged"], noisy["tokens_changed"], noisy["inert"]) == (0.0, 1.0, False)
    assert noisy["operators"] == '{"delete": 120, "swap": 120}'
    assert (clean["unchanged"], clean["tokens_changed"], clean["operators"]) == (1.0, None, "{}")


def test_items_without_a_noised_text_are_not_part_of_the_rates() -> None:
    """A query without a right candidate has no text where the pool is noised: it is neither edited nor unchanged."""
    stats, _ = frames({(NOISE, 0): answers(60, 0.9)})
    predictions = prediction_rows(60, NOISE, 0)
    nothing = {"words": 0, "tokens_clean": 0, "tokens": 0, "edits": 0, "eligible": 0, "operators": "{}"}
    for row in predictions[:30]:
        row |= nothing | {"grapheme_edit_rate": 0.0, "word_edit_rate": 0.0, "tokens_changed": False}
    frame = scores(stats, build(predictions, PREDICTIONS)).row(0, named=True)
    assert (frame["grapheme_edit_rate"], frame["word_edit_rate"]) == pytest.approx((0.1, 0.5))
    assert frame["unchanged"] == 0.0


def test_noise_that_the_tokenizer_undoes_is_inert() -> None:
    """A cell is inert when more than half of its edited items keep their token ids, and not at exactly half."""
    stats, _ = frames({(NOISE, 0): answers(60, 0.9)})
    for changed, inert in ((29, True), (30, False)):
        predictions = prediction_rows(60, NOISE, 0)
        for at, row in enumerate(predictions):
            row["tokens_changed"] = at < changed
        frame = scores(stats, build(predictions, PREDICTIONS)).row(0, named=True)
        assert frame["inert"] is inert


def test_items_without_edits_do_not_make_a_cell_inert() -> None:
    """Items that noise left alone count as unchanged, not as undone by the tokenizer."""
    stats, _ = frames({(NOISE, 0): answers(60, 0.9)})
    predictions = prediction_rows(20, NOISE, 0) + prediction_rows(60, NOISE, 0, edits=0, tokens_changed=False)[20:]
    frame = scores(stats, build(predictions, PREDICTIONS)).row(0, named=True)
    assert frame["unchanged"] == pytest.approx(40 / 60)
    assert (frame["inert"], frame["tokens_changed"]) == (False, 1.0)


def test_a_part_of_the_items_is_scored_apart() -> None:
    """Noised entities may be other items under each seed; they are scored for the perturbed condition alone."""
    stats, predictions = frames(
        {("clean", -1): answers(90, 0.9), (NOISE, 0): answers(90, 0.8), (NOISE, 1): answers(90, 0.8)}
    )
    parts = [
        *stats_rows(answers(90, 0.5), NOISE, 0, scope="noised_gold")[:80],
        *stats_rows(answers(90, 0.5), NOISE, 1, scope="noised_gold")[10:],
        *stats_rows(answers(90, 0.5), scope="untouched"),
    ]
    table = rows(scores(pl.concat([stats, build(parts, STATS)]), predictions))
    assert sorted(table) == [(NOISE, "all"), (NOISE, "noised_gold"), ("clean", "all")]
    assert table[NOISE, "noised_gold"]["n"] == 90


def test_seeds_with_other_items_are_refused() -> None:
    """A noise seed that does not have an item, or shows it with another fingerprint, raises and names it."""
    stats, predictions = frames({(NOISE, 0): answers(60, 0.9), (NOISE, 1): answers(60, 0.8)})
    dropped = (pl.col("noise_seed") == 1) & (pl.col("example") == "xnli/test/sw/00007")
    with pytest.raises(Mismatch, match="xnli/test/sw/00007 is missing"):
        scores(stats.filter(~dropped), predictions)
    other = stats.with_columns(fingerprint=pl.when(dropped).then(pl.lit("other")).otherwise("fingerprint"))
    with pytest.raises(Mismatch, match="xnli/test/sw/00007 has another fingerprint"):
        scores(other, predictions)


def test_stats_without_predictions_are_refused() -> None:
    """A cell of STATS that PREDICTIONS do not have raises, naming it."""
    stats, predictions = frames({("clean", -1): answers(60, 0.9), (NOISE, 0): answers(60, 0.8)})
    with pytest.raises(Mismatch, match="char_noise"):
        scores(stats, predictions.filter(pl.col("condition") == "clean"))
