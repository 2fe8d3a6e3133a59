"""SCORES: values over noise seeds, chance and shallow levels, and what noise did to the items."""

from __future__ import annotations

from typing import Any

import numpy as np
import polars as pl
import pytest
from tests.stats_rows import NOISE, answers, deltas, frames, prediction_rows, scores, stats_rows

from robust_xtreme.core.errors import Mismatch
from robust_xtreme.files.schema import PREDICTIONS, STATS, build


def rows(frame: pl.DataFrame) -> dict[tuple[str, str], dict[str, Any]]:
    """SCORES rows by condition and scope."""
    return {(row["condition"], row["scope"]): row for row in frame.iter_rows(named=True)}


def with_levels(stats: pl.DataFrame, **levels: Any) -> pl.DataFrame:
    """STATS with the rows of constants (`majority=...`) and of a shallow predictor (`shallow=..., noisy=...`)."""
    arms = {"shallow": ("shallow/overlap", "clean", -1), "noisy": ("shallow/overlap", NOISE, 0)}
    made = []
    for name, right in levels.items():
        model, condition, seed = arms.get(name, (f"chance/{name}", "clean", -1))
        made.append(stats_rows(right, condition, seed, model=model, inference="5 folds, 240 examples each"))
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


def test_the_worst_case_takes_each_item_under_its_worst_seed() -> None:
    """Each seed has three of four items right, and one item is right under all of them: 75 on average, 25 at worst."""
    right = {0: (1, 1, 1, 0), 1: (1, 0, 1, 1), 2: (0, 1, 1, 1)}
    stats, predictions = frames({("clean", -1): (1, 1, 1, 1), **{(NOISE, seed): each for seed, each in right.items()}})
    parts = build(stats_rows((1, 0, 1, 1), NOISE, 0, scope="noised_gold"), STATS)
    scored = scores(pl.concat([stats, parts]), predictions)
    table = rows(scored)
    assert (table[NOISE, "all"]["value"], table[NOISE, "all"]["worst"], table[NOISE, "all"]["seeds"]) == (75.0, 25.0, 3)
    assert (table["clean", "all"]["worst"], table[NOISE, "noised_gold"]["worst"]) == (None, None)
    assert deltas(stats, scored, {"xnli": "accuracy"}).get_column("worst").to_list() == [25.0]
    turned = stats.with_columns(
        noise_seed=pl.when(pl.col("noise_seed") < 0).then(-1).otherwise(2 - pl.col("noise_seed"))
    )
    shuffled = turned.sample(fraction=1.0, shuffle=True, seed=5)
    assert rows(scores(shuffled, predictions))[NOISE, "all"]["worst"] == 25.0


def test_one_seed_has_no_worst_case() -> None:
    """It would be the value."""
    table = rows(scores(*frames({("clean", -1): answers(60, 0.9), (NOISE, 0): answers(60, 0.5)})))
    assert table[NOISE, "all"]["worst"] is None


def test_the_worst_case_of_f1_sums_what_the_worst_seeds_count() -> None:
    """F1 of an item alone chooses its seed; of equal ones the first, and a sentence without entities is right."""
    counts = {0: ((2, 0, 0), (0, 1, 1), (0, 0, 0)), 1: ((1, 1, 1), (0, 3, 1), (0, 2, 0))}
    made = [
        {**row, "metric": "span_f1", "stats": [float(count) for count in counted]}
        for seed, each in counts.items()
        for row, counted in zip(stats_rows((1, 1, 1), NOISE, seed), each, strict=True)
    ]
    _, predictions = frames({(NOISE, 0): (1, 1, 1), (NOISE, 1): (1, 1, 1)})
    row = scores(build(made, STATS), predictions).row(0, named=True)
    assert row["worst"] == pytest.approx(100 * 2 * 1 / (2 * 1 + 4 + 2))


def test_the_order_of_rows_changes_nothing() -> None:
    """Shuffled STATS and PREDICTIONS give the same SCORES, bit for bit."""
    stats, predictions = frames({("clean", -1): answers(90, 0.8), (NOISE, 0): answers(90, 0.6, 1)})
    shuffled = [frame.sample(fraction=1.0, shuffle=True, seed=5) for frame in (stats, predictions)]
    assert scores(*shuffled).equals(scores(stats, predictions))


def test_chance_is_the_best_constant() -> None:
    """Of several constants the best counts, with its name; a model well above it is not near chance."""
    stats, predictions = frames({("clean", -1): answers(300, 0.9)})
    levels = with_levels(stats, majority=answers(300, 0.3, 1), first_words=answers(300, 0.5, 2))
    frame = scores(levels, predictions).row(0, named=True)
    assert frame["chance_name"] == "first_words"
    assert frame["chance"] == pytest.approx(100 * answers(300, 0.5, 2).mean())
    assert frame["near_chance"] is False
    assert 0 < frame["above_chance"] < frame["value"] - frame["chance"]


def test_a_shallow_predictor_is_scored_on_clean_and_on_perturbed_text() -> None:
    """Both levels are beside the perturbed cell, with name and source; the clean cell has the clean one."""
    stats, predictions = frames({("clean", -1): answers(300, 0.9), (NOISE, 0): answers(300, 0.7, 1)})
    table = rows(scores(with_levels(stats, shallow=answers(300, 0.6, 2), noisy=answers(300, 0.4, 3)), predictions))
    clean, noisy = table["clean", "all"], table[NOISE, "all"]
    assert clean["shallow"] == noisy["shallow"] == pytest.approx(100 * answers(300, 0.6, 2).mean())
    assert noisy["shallow_noisy"] == pytest.approx(100 * answers(300, 0.4, 3).mean())
    assert (clean["shallow_noisy"], clean["chance"], clean["near_chance"]) == (None, None, None)
    assert (noisy["shallow_name"], noisy["shallow_source"]) == ("overlap", "5 folds, 240 examples each")


def test_near_chance_is_a_bound_and_belongs_to_each_cell() -> None:
    """A cell whose lower bound over chance is not above 0 is near chance, whatever its clean twin is."""
    arms = {("clean", -1): answers(300, 0.9), (NOISE, 0): answers(300, 0.48, 3)}
    stats, predictions = frames(arms)
    table = rows(scores(with_levels(stats, majority=answers(300, 0.4, 1)), predictions))
    assert (table["clean", "all"]["near_chance"], table[NOISE, "all"]["near_chance"]) == (False, True)
    assert table[NOISE, "all"]["value"] > table[NOISE, "all"]["chance"]
    assert {model for (model,) in scores(stats, predictions).select("model").rows()} == {"m"}


def test_few_clusters_leave_chance_undecided() -> None:
    """With fewer than 20 clusters there is no bound, and so no mark either way."""
    stats, predictions = frames({("clean", -1): answers(57, 0.2)})
    frame = scores(with_levels(stats, majority=answers(57, 0.4, 1)), predictions).row(0, named=True)
    assert (frame["above_chance"], frame["near_chance"]) == (None, None)


def test_chance_of_other_items_is_refused() -> None:
    """A constant that was scored on other items than the model raises, naming one."""
    stats, predictions = frames({("clean", -1): answers(90, 0.9)})
    with pytest.raises(Mismatch, match="xnli/test/sw/00089"):
        scores(with_levels(stats, majority=answers(89, 0.4)), predictions)


@pytest.mark.parametrize(
    ("answered", "share"),
    [
        (["1"] * 57 + ["0"] * 3, 0.95),
        (['["O"]'] * 20 + ['["O", "O"]'] * 20 + ['["O", "B-LOC"]'] * 20, 2 / 3),
        ([f"[[{at}, 9]]" for at in range(60)], 1 / 60),
        (["[]"] * 30 + [f"[[{at}, 9]]" for at in range(30)], 0.5),
        ([None] * 57 + ["1", "1", "0"], 2 / 60),
    ],
)
def test_the_most_frequent_answer_has_its_share(answered: list[str | None], share: float) -> None:
    """Labels and spans are compared as they are; sentences of one tag alone are one answer, and null is none."""
    stats, _ = frames({(NOISE, 0): answers(60, 0.9)})
    predictions = prediction_rows(60, NOISE, 0)
    for row, prediction in zip(predictions, answered, strict=True):
        row["prediction"] = prediction
    frame = scores(stats, build(predictions, PREDICTIONS)).row(0, named=True)
    assert frame["constant"] == pytest.approx(share)


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
    """A cell is inert when all of its edited items keep their token ids, and not where one of them has others."""
    stats, _ = frames({(NOISE, 0): answers(60, 0.9)})
    for changed, inert in ((0, True), (1, False)):
        predictions = prediction_rows(60, NOISE, 0)
        for at, row in enumerate(predictions):
            row["tokens_changed"] = at < changed
        frame = scores(stats, build(predictions, PREDICTIONS)).row(0, named=True)
        assert (frame["inert"], frame["tokens_changed"]) == (inert, changed / 60)


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
    with pytest.raises(Mismatch, match="fingerprint"):
        scores(other, predictions)


def test_stats_without_predictions_are_refused() -> None:
    """A cell of STATS that PREDICTIONS do not have raises, naming it."""
    stats, predictions = frames({("clean", -1): answers(60, 0.9), (NOISE, 0): answers(60, 0.8)})
    with pytest.raises(Mismatch, match="char_noise"):
        scores(stats, predictions.filter(pl.col("condition") == "clean"))
