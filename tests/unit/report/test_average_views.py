"""Views of averages over languages: which languages they are over, and what is beside a change."""

from __future__ import annotations

import io
import re
from typing import Any

import polars as pl
import pytest
from rich.console import Console
from tests.some import some
from tests.synthetic_run import averages, run

from robust_xtreme.core import registry
from robust_xtreme.report.charts.figures import levels
from robust_xtreme.report.columns import tables
from robust_xtreme.report.document import show
from robust_xtreme.report.html_page import tiles
from robust_xtreme.report.outputs import written
from robust_xtreme.report.renderers.html import notebook_tables
from robust_xtreme.report.view import SECTION, Results, View


def _results(change: Any = lambda frame: frame) -> Results:
    """A small run made by hand, with the same change in SCORES and DELTAS."""
    scores, deltas, manifest = run()
    frames = change(scores), change(deltas)
    return Results(*frames, manifest, averages(*frames, manifest))


def _made(name: str, results: Results) -> pl.DataFrame:
    view: View = registry.load("view", name)
    return view.make(results)


def test_averages_are_over_every_language_that_noise_reaches() -> None:
    """A language near chance is in the average as all others; one where the noise does not reach the model is not."""
    results = _results()
    row = _made("by_task", results).filter(metric="accuracy", strength="0.2").row(0, named=True)
    assert row["clean"] == pytest.approx((58.3 + 47.0 + 34.1) / 3)
    assert row["change"] == pytest.approx(-(8.4 + 4.6 + 0.5) / 3)
    assert (row["least"], row["most"]) == ("th -0.5 (24.0 %)", "en -8.4 (24.0 %)")
    named = _made("averaged_languages", results).filter(metric="span_f1").row(0, named=True)
    assert (named["averaged_over"], named["left_out_named"]) == ("de yo", "zh (inert)")


def test_a_change_stands_beside_its_levels_and_the_share_of_marked_cells() -> None:
    """One of three languages is not shown above chance: the average has its levels, its interval and that share."""
    row = _made("by_task", _results()).filter(metric="accuracy", strength="0.2").row(0, named=True)
    assert row["change_low"] < row["change"] < row["change_high"]
    assert (row["marked"], row["units"], row["drops_at_least"]) == (pytest.approx(1 / 3), 3, 2)
    assert row["spread"] == pytest.approx(3.95, abs=0.01)
    assert row["change_prediction_low"] < -8.4 < -0.5 < row["change_prediction_high"]


def test_without_a_test_and_without_a_mark_there_is_no_share_of_marked_cells() -> None:
    """0.05 is not tested, so that its cells cannot have every mark; a mark that one of them has is counted."""
    shares = _made("by_task", _results()).filter(pl.col("metric") != "squad_f1").select("metric", "strength", "marked")
    assert shares.rows()[:2] == [("span_f1", "0.05", None), ("span_f1", "0.2", 0.0)]
    assert shares.rows()[-2:] == [("accuracy", rate, pytest.approx(1 / 3)) for rate in ("0.05", "0.2")]


def _without_sw_at_the_highest() -> Results:
    missing = (pl.col("language") == "sw") & pl.col("condition").str.contains("0.2", literal=True)
    return _results(lambda frame: frame.filter(~missing))


def test_each_noise_is_averaged_over_its_languages() -> None:
    """One that does not reach Swahili takes it from no other noise, and says that it is over two of three languages."""
    part = _without_sw_at_the_highest()
    made = _made("by_task", part).filter(metric="accuracy")
    assert made["over"].to_list() == ["3 of 3", "2 of 3"]
    assert made["clean"].to_list() == pytest.approx([(58.3 + 47.0 + 34.1) / 3, 46.2])
    named = _made("averaged_languages", part).filter(metric="accuracy")
    assert named["left_out_named"].to_list() == ["", "sw (not under this noise for every model)"]
    assert named["noise"].to_list() == ["char_noise:0.05", "char_noise:0.2"]


def test_noises_with_other_languages_are_compared_over_those_in_common() -> None:
    """There is a second table only where the languages differ, and it says what it is over; they have no curve."""
    assert _made("by_task_common", _results()).is_empty()
    part = _without_sw_at_the_highest()
    made = _made("by_task_common", part)
    assert set(made[SECTION]) == {"xnli, validation"}
    assert made["over"].to_list() == ["2 of 3"] * 2
    assert made["clean"].to_list() == pytest.approx([46.2] * 2)
    assert "xnli" in dict(levels(_results()))
    assert "xnli" not in dict(levels(part))
    missing = part.averages.filter(kind="common")["missing"].unique().to_list()
    assert missing == ["sw (not under every noise)"]


@pytest.mark.parametrize("width", some([60, 80, 120, 200], 2))
def test_every_average_says_how_many_languages_it_is_over(width: int) -> None:
    """On terminals of any width, in report.md, in the tables of papers and notebooks, in tiles and at curves."""
    part = _without_sw_at_the_highest()
    text = io.StringIO()
    show(Console(file=text, width=width, color_system=None), part)
    assert re.findall(r"^xnli +(\S+)", text.getvalue().partition("\nBy task")[2], re.MULTILINE) == ["2/3"] * 2
    assert "languages that its noises have in common" in " ".join(text.getvalue().split())
    for suffix in (".md", ".tex"):
        shown = written(part, suffix, ["by_task", "by_script"]).decode()
        assert {"2 of 3", "3 of 3", "1 of 1"} <= set(re.findall(r"\d of \d", shown))
    tile = next(row for block in tiles(part) for row in block.blocks[0].rows if row[0] == "xnli")  # type: ignore[union-attr]  # a table
    assert "char_noise:0.05, 3 of 3 languages; char_noise:0.2 -4.5 in 2 of 3" in tile
    assert any("2 of 3 languages" in name for name in dict(levels(part))["panx"]["perturbation"])
    assert "2 of 3" in notebook_tables("", [*tables(_made("by_task", part))])


def test_the_languages_of_two_models_are_the_same() -> None:
    """A language that one of the models does not have is in the average of neither."""

    def both(frame: pl.DataFrame) -> pl.DataFrame:
        other = frame.filter(pl.col("language") != "th").with_columns(model=pl.lit("small"))
        return pl.concat([frame, other])

    made = _made("by_task", _results(both)).filter(metric="accuracy", strength="0.2")
    assert made[SECTION].to_list() == ["xnli, validation, small", "xnli, validation, tiny"]
    assert made["clean"].to_list() == pytest.approx([(58.3 + 47.0) / 2] * 2)


def test_where_noise_reaches_no_language_there_is_no_average() -> None:
    """All cells inert: there is no row of averages."""
    inert = _results(lambda frame: frame.with_columns(inert=pl.col("condition") != "clean"))
    assert all(_made(name, inert).is_empty() for name in ("by_task", "by_script", "by_family"))


def test_the_language_trained_on_shares_the_average_and_translated_data_do_not() -> None:
    """English (in_language) is among the zero-shot languages; translated test sets are apart."""

    def set_as(setting: str) -> Results:
        other = pl.when(pl.col("language") == "en").then(pl.lit(setting)).otherwise("setting")
        return _results(lambda frame: frame.with_columns(setting=other))

    made = _made("by_task", set_as("in_language")).filter(metric="accuracy")
    assert made["over"].to_list() == ["3 of 3"] * 2
    made = _made("by_task", set_as("translate_test")).filter(metric="accuracy")
    assert made["over"].to_list() == ["2 of 2", "2 of 2", "1 of 1", "1 of 1"]
    assert made[SECTION].unique(maintain_order=True).to_list() == [
        "xnli, validation",
        "xnli, validation, translate_test",
    ]


def test_other_metrics_of_a_task_have_averages_too() -> None:
    """Token accuracy of named entities is among the averages by task, not among those by script."""
    results = _results()
    assert "token_accuracy" in _made("by_task", results)["metric"].to_list()
    assert not any("token_accuracy" in section for section in _made("by_script", results)[SECTION])


def test_languages_are_averaged_by_script_and_by_family() -> None:
    """Each language counts once, in its script and its family."""
    for view, kinds in (("script", {"Latn": "en sw", "Thai": "th"}), ("family", {"Niger-Congo": "sw"})):
        made = _made(f"by_{view}", _results()).filter(pl.col(SECTION).str.starts_with("xnli"), strength="0.2")
        named = dict(zip(made[view], made["averaged_over"], strict=True))
        assert kinds.items() <= named.items()
