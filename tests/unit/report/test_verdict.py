"""What a verdict says first, that cells near chance are not counted as held, and that tiles have its largest loss."""

from __future__ import annotations

import io
from typing import Any

import polars as pl
import pytest
from rich.console import Console
from tests.synthetic_run import averages, conditions, run

from robust_xtreme.report.blocks import Hyperlink, Inline, Strong, inlines, text_of, within
from robust_xtreme.report.blocks import Table as Shown
from robust_xtreme.report.document import document, notebook, show
from robust_xtreme.report.html_page import coloured, tiles
from robust_xtreme.report.outputs import written
from robust_xtreme.report.renderers import markdown
from robust_xtreme.report.summary import claims, headline_cells, is_untouched, title, verdict_on
from robust_xtreme.report.view import Results
from robust_xtreme.stats.claims import SELECTED

ATTACKED = "Not tested: 4 cells of attacks and what they are compared with"
CHECK = "Check the model's answers, head and label map"


@pytest.fixture(scope="module")
def results() -> Results:
    """A small run made by hand, with two of its 14 cells near chance, of which one is tested."""
    return Results(*run(), averages(*run()), conditions())


def _verdict(cells: pl.DataFrame) -> tuple[Inline, ...]:
    """The verdict on some cells and what it says after it, as one."""
    first, *more = verdict_on(cells)
    return (*inlines(first), *(part for each in more for part in (" ", *inlines(each))))


def _cells(results: Results, tested: int = 4, **values: Any) -> pl.DataFrame:
    """Headline cells with other values, of which the first ones are tested."""
    cells = headline_cells(results).filter(pl.col("no_claim").is_null(), pl.col("clusters") > 20).head(4)
    rest = pl.int_range(pl.len()) >= tested
    given = {"p_adjusted": 0.5, "near_chance": False, "family": "language", **values}
    changed = cells.with_columns(**{name: pl.Series(name, [value] * 4) for name, value in given.items()})
    return changed.with_columns(p_adjusted=pl.when(rest).then(None).otherwise("p_adjusted"))


def test_what_cannot_be_measured_is_first_and_no_robustness(results: Results) -> None:
    """A model at chance in every cell: the number of cells and what to do, then that no test could show a drop."""
    cells = _cells(results, near_chance=True)
    first, *_ = verdict = _verdict(cells)
    where = "Cannot be measured in 4 of 4 cells: their clean level is not shown above chance."
    assert first == Strong(where, "unmeasured")
    drops = "None of 4 tests shows a drop. That does not show robustness."
    assert text_of(verdict).endswith(drops)
    assert "0 show a drop, 0 a gain and 4 neither, of which 4 cannot be measured" in claims(cells)


def test_a_run_above_chance_says_what_its_tests_can_miss(results: Results) -> None:
    """Nothing comes before the count, and the largest of the smallest detectable drops follows it."""
    text = text_of(_verdict(_cells(results, mde=3.14)))
    missed = "That does not show that there is none: drops below 3.1 points can be missed (mde)."
    assert text == f"None of 4 tests shows a drop. {missed}"


def test_a_run_without_a_drop_says_what_its_intervals_exclude(results: Results) -> None:
    """Where all tests have a joint interval, the drop that none of them reaches."""
    text = text_of(_verdict(_cells(results, mde=3.14, joint_change_low=-1.44)))
    assert text.endswith("drops below 3.1 points can be missed (mde), and no joint interval reaches a drop above 1.4.")


def test_perturbations_that_serve_few_languages_are_named(results: Results) -> None:
    """Beside the tests, since the page has averages of each over its own languages."""
    cells = _cells(results, mde=3.14).with_row_index("row")
    codes = pl.when(pl.col("row") < 3).then(pl.format("l{}", "row")).otherwise(pl.lit("l0"))
    noises = pl.when(pl.col("row") < 3).then(pl.lit("a")).otherwise(pl.lit("b"))
    text = text_of(_verdict(cells.with_columns(language=codes, perturbation=noises)))
    assert text.endswith(" Not in every language: b in 1 of 3 languages.")


def test_the_lowest_level_is_of_an_attack_and_not_of_its_control(results: Results) -> None:
    """Random search by the same queries may go lower."""
    cells = _cells(results, 0, no_claim=SELECTED, language="de", column="xnli").with_row_index("row")
    is_control = pl.col("row") == 0
    attack = "attack_keys:0.1@queries=30"
    cells = cells.with_columns(
        condition=pl.when(is_control).then(pl.lit(f"{attack}@search=random")).otherwise(pl.lit(attack)),
        value=pl.when(is_control).then(30.0).otherwise(33.3),
        clean=90.4,
        noise=pl.lit("typos"),
    )
    assert text_of(_verdict(cells)).endswith("The lowest level: xnli, German (de), typos, 90.4 to 33.3.")


@pytest.mark.parametrize(
    ("above", "bound", "advice"),
    [
        (3.0, -1.0, "Evaluate more items."),
        (1.0, -4.0, f"{CHECK}, or train it further."),
        (-2.0, -5.0, f"{CHECK}, or train it further."),
    ],
)
def test_more_items_are_advised_where_they_can_help(results: Results, above: float, bound: float, advice: str) -> None:
    """Where four times as many would show the level above chance if it stayed as it is."""
    cells = _cells(results, near_chance=True, chance=33.0, clean=33.0 + above, above_chance=bound)
    assert text_of((_verdict(cells))[1]) == f" {advice} "


def test_drops_are_counted_over_all_tests(results: Results) -> None:
    """A test of a cell near chance that shows a drop counts as one; the others cannot be measured."""
    shown = headline_cells(results)
    text = text_of(_verdict(shown))
    assert text.startswith("Cannot be measured in 2 of 14 cells: their clean level")
    assert "7 of 7 tests show a drop. The largest: xquad context, Greek" in text
    assert text.endswith("Not tested: 3 cells (few clusters, inert).")
    is_unproven = (pl.col("language") == "th") & pl.col("p_adjusted").is_not_null()
    unproven = shown.with_columns(p_adjusted=pl.when(is_unproven).then(0.5).otherwise("p_adjusted"))
    text = text_of(_verdict(unproven))
    assert "6 of 7 tests show a drop." in text
    assert "these items detect" not in text
    measured = unproven.with_columns(near_chance=False)
    missed = unproven.filter(is_unproven).get_column("mde").item()
    assert (
        f". Where no drop is shown, the smallest drop that these items detect (mde) is {missed:.1f} points."
        in text_of(_verdict(measured))
    )


def test_the_largest_change_is_of_a_cell_that_can_be_measured(results: Results) -> None:
    """A larger drop of a cell near chance, and a larger rise where all rise, is counted and not named."""
    near, changes = pl.Series([True, False, False, True]), pl.Series([-30.0, -8.0, -5.0, -40.0])
    cells = _cells(results, p_adjusted=0.001).with_columns(near_chance=near, change=changes)
    address = f"#{cells.row(1, named=True)['address']}"
    for sign in (1, -1):
        verdict = _verdict(cells.with_columns(change=sign * pl.col("change")))
        links = [part.href for part in verdict if isinstance(part, Hyperlink)]
        assert [link for link in links if not link.startswith("#term")] == [address], sign


@pytest.mark.parametrize(
    ("values", "text"),
    [
        (
            {"no_claim": SELECTED, "column": "xnli", "language": "de", "noise": "typos", "clean": 90.4, "value": 33.3},
            f"No change was tested. {ATTACKED} ({SELECTED}). The lowest level: xnli, German (de), typos, 90.4 to 33.3.",
        ),
        (
            {"no_claim": "no edits"},
            "Nothing was perturbed. There are clean levels alone. Not tested: 4 cells (no edits).",
        ),
        ({"no_claim": SELECTED, "unchanged": 1.0}, "Nothing was perturbed. There are clean levels alone."),
        ({"no_claim": "inert"}, "No change was tested. Not tested: 4 cells (inert)."),
        ({"clusters": 12}, "No change was tested. Not tested: 4 cells (few clusters)."),
    ],
)
def test_without_a_test_the_verdict_says_why(results: Results, values: dict[str, Any], text: str) -> None:
    """Where no text has noise, where the tokenizer undoes it, and where clusters are few."""
    cells = _cells(results, 0, **values)
    assert text_of(_verdict(cells)).startswith(text)
    assert is_untouched(cells) == text.startswith("Nothing")


def test_every_place_has_it_first_in_a_colour_of_its_own(results: Results) -> None:
    """Terminal, page, text and notebook."""
    where = "Cannot be measured in 2 of 14 cells"
    colours = io.StringIO()
    show(Console(file=colours, force_terminal=True, width=200, color_system="standard"), results)
    assert colours.getvalue().startswith(f"\n\x1b[1;35m{where}")
    first = f'<p><strong class="unmeasured" style="color: var(--unmeasured, #9a55cc)">{where}'
    assert f"<h2>Verdict</h2>\n{first}" in written(results, ".html").decode()
    assert notebook(results).lstrip().startswith(first)
    assert f"# Degradation under noise\n\n**{where}" in markdown.render(document(results))


def test_the_largest_loss_of_the_verdict_is_in_a_tile(results: Results) -> None:
    """Also where it is on other fields than those of the headline, which the tile names."""
    largest = headline_cells(results).filter(pl.col("p_adjusted") < 0.05).sort("change").row(0, named=True)
    (table,) = within(tiles(results), Shown)
    tile = next(row for row in table.rows if row[0] == f"{largest['task']} context")
    assert f"{largest['change']:+.1f}" in text_of(tile[-1])
    assert largest["fields"] == "context"


def test_a_tile_says_what_cannot_be_measured(results: Results) -> None:
    """Beside a level near chance, and in no other tile."""
    (table,) = within(tiles(results), Shown)
    texts = {text_of(row[0]): text_of(row[-1]) for row in table.rows}
    assert texts["xnli"].endswith("2 of 6 cells cannot be measured")
    assert "measured" not in texts["xquad context"]


def test_splits_of_a_task_have_tiles_of_their_own(results: Results) -> None:
    """Each with the levels and the worst cell of its own languages, and named by its split."""
    split = pl.when(pl.col("language") == "sw").then(pl.lit("test")).otherwise("split").alias("split")
    scores, deltas = (frame.with_columns(split) for frame in (results.scores, results.deltas))
    averaged = averages(scores, deltas, {**results.manifest})
    (table,) = within(tiles(Results(scores, deltas, results.manifest, averaged)), Shown)
    texts = {text_of(row[0]): text_of(row[-1]) for row in table.rows}
    assert {"xnli, test", "xnli, validation"} <= texts.keys()
    assert all(("Swahili" in text) == title.endswith("test") for title, text in texts.items() if "xnli" in title)


def test_what_cannot_be_measured_has_no_colour(results: Results) -> None:
    """In heat tables; other cells have that of their change."""
    shades = {
        coloured(row, "").shade == row["change"] for row in headline_cells(results).filter("near_chance").to_dicts()
    }
    assert shades == {False}
    measured = headline_cells(results).filter(~pl.col("near_chance"), pl.col("change").is_not_null())
    assert all(coloured(row, "").shade == row["change"] for row in measured.to_dicts())


def test_a_title_concludes_nothing_where_no_drop_could_be_shown(
    monkeypatch: pytest.MonkeyPatch, results: Results
) -> None:
    """Near chance or without room in every test; a gain that is shown is something."""
    for values, ends in (
        ({"near_chance": True}, ": nothing can be concluded, as no drop could be shown in any of 4 tested cells"),
        ({"marks": "no room"}, ": nothing can be concluded, as no drop could be shown in any of 4 tested cells"),
        ({"marks": "no room", "p_adjusted": 0.01, "change": 3.0}, ": no drop is shown in 4 tested cells"),
        ({"marks": ""}, ": no drop is shown in 4 tested cells"),
    ):
        monkeypatch.setattr("robust_xtreme.report.summary.headline_cells", lambda _, v=values: _cells_of(v, results))
        assert title(results).endswith(ends)


def _cells_of(values: dict[str, Any], results: Results) -> pl.DataFrame:
    return _cells(results, **values)
