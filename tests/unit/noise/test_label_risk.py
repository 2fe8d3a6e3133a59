"""Label risk: edits of numbers and listed negators are counted, and the drop is given without their items, too."""

from __future__ import annotations

import sys
import unicodedata
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from tests.conformance.texts import SENTENCES
from tests.stats_rows import NOISE, answers, deltas, prediction_rows, scores, stats_rows
from tests.synthetic_run import run

from robust_xtreme.core import packs, registry
from robust_xtreme.core.edits import Trace
from robust_xtreme.core.errors import DataError
from robust_xtreme.core.examples import Text
from robust_xtreme.core.languages import LANGUAGES, LOW_RESOURCE
from robust_xtreme.files.schema import PREDICTIONS, STATS, build
from robust_xtreme.noise import label_risk
from robust_xtreme.noise.engine.noised import Noised, columns_of
from robust_xtreme.noise.engine.noising import noise_with
from robust_xtreme.noise.engine.perturbation import Bound, defaults
from robust_xtreme.noise.engine.words import Form, words
from robust_xtreme.noise.label_risk import MARKED, negators, pattern
from robust_xtreme.report.view import Results, View
from robust_xtreme.stats._cells import cells
from robust_xtreme.stats.degrade import Drops, drops_without_risk
from robust_xtreme.stats.intervals import cluster_sums, estimate_difference
from robust_xtreme.tasks.metrics._labels import accuracy


def _noised(code: str, clean: str, noisy: str, *moves: tuple[int, int, int, int]) -> Noised:
    """The outcome of edits that are given by their ranges of the clean and the noisy text."""
    texts = Text("t", code, clean), Text("t", code, noisy)
    return Noised(*texts, "ok", 9, {"edit": len(moves)}, 9, 9, 9, 9, (Trace(moves),))


def edited(outcomes: Sequence[Noised]) -> tuple[int, int]:
    """The edited numbers and negators of texts."""
    noised = columns_of(outcomes)
    numbers, negators = label_risk.edited(noised, label_risk.risky(noised.clean))
    return int(numbers.sum()), int(negators.sum())


_PLANTED = "The 12 cats do not sleep at 10:30, they never eat 3.5 kg."


@pytest.mark.parametrize(("old", "new", "expected"), [
    ("12", "21", (1, 0)), ("not", "nto", (0, 1)), ("cats", "cast", (0, 0)), (" sleep", "sleep", (0, 1)),
    ("cats", "cats,", (0, 0)), ("10:30", "10:03", (1, 0)), ("never", "", (0, 1)), (".5", "", (1, 0)),
    ("cats do not", "not do cats", (0, 1)), ("12 cats do not", "x", (1, 1)), (" kg", "kg", (1, 0)),
])  # fmt: skip
def test_one_edit_touches_what_its_range_overlaps(old: str, new: str, expected: tuple[int, int]) -> None:
    """Exactly the number or negator where the edit is; one that now touches a letter or a digit, too."""
    start = _PLANTED.index(old)
    noisy = _PLANTED[:start] + new + _PLANTED[start + len(old) :]
    assert edited([_noised("en", _PLANTED, noisy, (start, start + len(old), start, start + len(new)))]) == expected


def test_one_number_and_one_negator_of_a_planted_text_are_counted() -> None:
    """Two edits in two texts; a comma inserted after a negator, or the word itself moved, is not an edit of it."""
    first = _noised("en", "not 5 or 6", "not, 7 or 6", (3, 3, 3, 4), (4, 5, 5, 6))
    second = _noised("de", "Das ist nicht neu", "Das war nciht neu", (4, 7, 4, 7), (8, 13, 8, 13))
    assert edited([first, second]) == (1, 1)
    assert edited([first]) == (1, 0)
    assert edited([]) == (0, 0)


def test_a_chain_is_followed_through_its_links() -> None:
    """The second link's ranges are those of the first one's output."""
    texts = Text("t", "en", "a do not go"), Text("t", "en", "aaa do nt go")
    moves = Trace(((0, 1, 0, 3),)), Trace(((8, 9, 8, 8),))
    assert edited([Noised(*texts, "ok", 9, {}, 9, 9, 9, 9, moves)]) == (0, 1)
    unmoved = Trace(((0, 1, 0, 3),)), Trace(((0, 3, 0, 1),))
    assert edited([Noised(texts[0], texts[0], "ok", 9, {}, 9, 9, 9, 9, unmoved)]) == (0, 0)


def test_a_perturbation_that_edits_negators_alone_is_counted_in_full() -> None:
    """What the engine's edits say is what the count finds."""

    @words(strength="share of negators", rates={"gone": "1"})
    def unsaid(word: str, language: str) -> list[Form]:
        """Hide negators."""
        return [Form("x" * len(word), "gone")] if word in negators(language) else []

    noised = noise_with([Bound(unsaid, "1", defaults(unsaid))], [Text("t", "en", _PLANTED)], 0)
    assert edited(noised) == (0, 2) == (0, noised[0].edits["gone"])


@pytest.mark.parametrize(("code", "text", "expected"), [
    ("en", "It isn’t NOT a note: Nobody's knot, CANNOT", ["n’t", "NOT", "Nobody", "CANNOT"]),
    ("fr", "Il n'est pas nu, N’y va", ["n'", "pas", "N’"]),
    ("tr", "DEĞİL değildi HİÇ yokuş", ["DEĞİL", "değil", "HİÇ"]),
    ("hi", "यह नहीं है, नहींक", ["नहीं"]), ("zh", "我不知道没有", ["不", "没"]), ("fa", "نمی‌دانم", ["نمی"]),
    ("ko", "하지 않았다 안녕", ["않"]), ("ta", "செய்யவில்லை இல்லை", ["வில்லை", "இல்லை"]), ("th", "ผมไม่ไป", ["ไม่"]),
])  # fmt: skip
def test_negators_are_whole_words_in_any_case(code: str, text: str, expected: list[str]) -> None:
    """A star means further letters; without spaces between words they are found within the text."""
    listed = pattern(code)
    assert listed is not None
    assert listed.findall(text) == expected


@pytest.mark.parametrize("code", LANGUAGES)
def test_every_language_has_a_list_of_words_of_its_own(code: str) -> None:
    """Each is found in a text of it alone; the list is a small part of the words of a sentence."""
    listed = pattern(code)
    assert listed is not None
    assert len(negators(code)) >= 3
    for word in negators(code):
        assert listed.search(word.strip("*")), word
    assert len(listed.findall(SENTENCES[code])) <= 1


def test_a_language_without_a_list_counts_numbers_alone() -> None:
    """Its negators are unknown, not 0."""
    code = LOW_RESOURCE[0]
    assert pattern(code) is None
    outcome = _noised(code, "a 5", "a 6", (2, 3, 2, 3))
    assert edited([outcome]) == (1, 0)
    assert label_risk.are_listed([outcome.clean, Text("t", "en", "")]).tolist() == [False, True]


def test_a_list_of_the_user_adds_to_the_bundled_one(tmp_path: Path) -> None:
    """A row that is not one word is refused."""
    (tmp_path / "negators").mkdir()
    path = tmp_path / "negators" / "en.tsv"
    header = "# language: en\n# source: a test\n# licence: CC0-1.0\n# standing: authored\nword\n"
    path.write_text(header + "nope\n", encoding="utf-8")
    with packs.using(tmp_path):
        assert {"nope", "not"} <= set(negators("en"))
    path.write_text(header + "no way\n", encoding="utf-8")
    with packs.using(tmp_path), pytest.raises(DataError, match="no way"):
        negators("en")


def _drops(stats: pl.DataFrame, predictions: pl.DataFrame) -> Drops:
    return drops_without_risk(cells(stats), predictions)


def test_the_drop_is_also_that_of_the_items_without_risk() -> None:
    """Clean and perturbed over the same items; the share of the others is beside it. Without any they are equal."""
    right, noisy = answers(90, 0.8), answers(90, 0.5, 3)
    risky = [number % 4 == 0 for number in range(90)]
    rows = prediction_rows(90) + [
        {**row, "numbers_edited": int(risk), "negators_edited": None if at % 2 else 0}
        for at, (row, risk) in enumerate(zip(prediction_rows(90, NOISE, 0), risky, strict=True))
    ]
    stats, predictions = build([*stats_rows(right), *stats_rows(noisy, NOISE, 0)], STATS), build(rows, PREDICTIONS)
    row = deltas(stats, scores(stats, predictions), {"xnli": "accuracy"}, without_risk=_drops(stats, predictions)).row(
        0, named=True
    )
    safe = ~pl.Series(risky).to_numpy()
    assert row["label_risk"] == pytest.approx(sum(risky) / 90)
    assert row["drop_without_risk"] == pytest.approx(100 * (right[safe].mean() - noisy[safe].mean()))
    clusters = np.arange(90)[safe] // 3
    sums = (np.stack([values[safe], np.ones(safe.sum())], -1).astype(float) for values in (right, noisy))
    before, after = (cluster_sums(each, clusters, 30)[None] for each in sums)
    expected = estimate_difference(before, after, accuracy.reduce)
    assert (row["low_without_risk"], row["high_without_risk"]) == pytest.approx((expected.low, expected.high))
    plain = predictions.with_columns(numbers_edited=pl.lit(0, pl.Int64))
    unchanged = deltas(stats, scores(stats, plain), {"xnli": "accuracy"}).row(0, named=True)
    for name in ("drop", "low", "high"):
        assert unchanged[f"{name}_without_risk"] == unchanged[name]
    assert unchanged["label_risk"] == 0
    unknown = deltas(stats, scores(stats, predictions.with_columns(numbers_edited=None)), {"xnli": "accuracy"})
    assert unknown.select("label_risk", "drop_without_risk", "low_without_risk").row(0) == (None, None, None)


def test_a_failed_item_is_one_of_the_others_unless_it_is_at_risk() -> None:
    """Imported items can have no prediction: they count as wrong, and only risk leaves them out."""
    right, noisy = answers(90, 0.8), answers(90, 0.5, 3)
    rows = [
        {**row, "numbers_edited": int(at % 4 == 0), "status": "failed" if at in (0, 1) else row["status"]}
        for at, row in enumerate(prediction_rows(90, NOISE, 0))
    ]
    stats = build([*stats_rows(right), *stats_rows(noisy, NOISE, 0)], STATS)
    (drop,) = _drops(stats, build([*prediction_rows(90), *rows], PREDICTIONS)).values()
    safe = np.arange(90) % 4 > 0
    assert drop.value == pytest.approx(100 * (right[safe].mean() - noisy[safe].mean()))


def test_a_cell_with_no_other_items_has_no_such_drop() -> None:
    """Where noise edits a number of every item, the drop without them is unknown."""
    right = answers(60, 0.8)
    rows = prediction_rows(60) + [{**row, "numbers_edited": 1} for row in prediction_rows(60, NOISE, 0)]
    stats, predictions = build([*stats_rows(right), *stats_rows(right, NOISE, 0)], STATS), build(rows, PREDICTIONS)
    drops = _drops(stats, predictions)
    row = deltas(stats, scores(stats, predictions), {"xnli": "accuracy"}, without_risk=drops).row(0, named=True)
    assert (row["label_risk"], row["drop_without_risk"], row["low_without_risk"]) == (1.0, None, None)


def test_noise_seeds_with_other_items_share_an_interval() -> None:
    """Each seed leaves out its own items; few clusters with items that are left give a drop without an interval."""
    right = answers(90, 0.8)
    seeds = {seed: answers(90, 0.5, seed) for seed in (1, 2)}
    rows = prediction_rows(90)
    for seed, part in zip(seeds, (range(30), range(30, 90)), strict=True):
        rows += [{**row, "numbers_edited": int(at in part)} for at, row in enumerate(prediction_rows(90, NOISE, seed))]
    parts = [stats_rows(right), *(stats_rows(noisy, NOISE, seed) for seed, noisy in seeds.items())]
    stats = build([row for part in parts for row in part], STATS)
    (drop,) = _drops(stats, build(rows, PREDICTIONS)).values()
    kept = (seeds[1], slice(30, 90)), (seeds[2], slice(0, 30))
    drops = [right[part].mean() - noisy[part].mean() for noisy, part in kept]
    assert drop.value == pytest.approx(50 * sum(drops))
    assert drop.clusters == 30
    few = build(
        [{**row, "numbers_edited": int(at >= 90 and at % 90 >= 57)} for at, row in enumerate(rows)], PREDICTIONS
    )
    (drop,) = _drops(stats, few).values()
    assert (drop.clusters, drop.low) == (19, None)


def test_the_view_has_the_change_beside_the_change_without_risk() -> None:
    """Only cells with items at risk; inert cells have no change."""
    view: View = registry.load("view", "label_risk")
    rows = view.make(Results(*run()))
    assert rows.height
    claimed = rows.filter(pl.col("no_claim").is_null())
    assert claimed["change_without_risk"].to_list() == pytest.approx((0.9 * claimed["change"]).to_list())
    bounded = claimed.drop_nulls("without_risk_low")
    assert bounded["without_risk_low"].to_list() == pytest.approx((bounded["change_without_risk"] - 2).to_list())
    assert bounded["without_risk_high"].to_list() == pytest.approx((bounded["change_without_risk"] + 2).to_list())
    assert rows.filter(pl.col("no_claim").is_not_null())["change_without_risk"].null_count() > 0


def test_marks_are_in_no_other_block() -> None:
    """A mark continues a word, whatever the version of Unicode."""
    marks = (point for point in range(sys.maxunicode + 1) if unicodedata.category(chr(point))[0] == "M")
    assert {point >> 12 for point in marks} <= set(MARKED)
