"""Views select, sort and name; pages show what a reader must not miss, and nothing that data could smuggle in."""

from __future__ import annotations

import io
from pathlib import Path

import polars as pl
import pytest
from rich.console import Console
from tests.synthetic_run import averages, conditions, page, run

from robust_xtreme.core import registry
from robust_xtreme.core.sinks import code_block, markdown, visible
from robust_xtreme.files import store
from robust_xtreme.files.schema import AVERAGES, CONDITIONS, DELTAS, SCORES, empty
from robust_xtreme.report import columns as _columns
from robust_xtreme.report import views as _views
from robust_xtreme.report.cells import perturbed
from robust_xtreme.report.columns import tables
from robust_xtreme.report.document import document, render, show, views
from robust_xtreme.report.renderers.markdown import render as markdown_of
from robust_xtreme.report.renderers.terminal import print_table
from robust_xtreme.report.view import SECTION, Results, View


@pytest.fixture(scope="module")
def results() -> Results:
    """A small run made by hand."""
    return Results(*run(), averages(*run()), conditions())


def _made(name: str, results: Results) -> pl.DataFrame:
    view: View = registry.load("view", name)
    return view.make(results)


@pytest.mark.parametrize("name", registry.names("view"))
def test_every_view_has_a_section_a_summary_and_shown_columns(name: str, results: Results) -> None:
    """A view is named like its file, says what it is, and gives a frame that begins with its section."""
    view: View = registry.load("view", name)
    frame = view.make(results)
    assert view.name == name
    assert view.summary.endswith(".")
    assert frame.columns[0] == SECTION
    taken = [column for group in _columns.shown(frame.columns) for column in group.takes]
    assert sorted(taken) == sorted(set(frame.columns) - {SECTION})


@pytest.mark.parametrize("name", registry.names("view"))
def test_every_view_of_an_empty_run_is_empty(name: str) -> None:
    """A run without cells gives views without rows, not an error."""
    assert _made(name, Results(empty(SCORES), empty(DELTAS), {})).height == 0


def test_a_page_can_be_made_of_nothing_and_of_clean_cells_alone(results: Results) -> None:
    """Without perturbed cells the page shows the clean levels; without any cell it still says what was run."""
    assert "What was run" in page(empty(SCORES), empty(DELTAS), {})
    clean = results.scores.filter(pl.col("condition") == "clean")
    text = page(clean, empty(DELTAS), results.manifest)
    assert "## Clean" in text
    assert "## By task" not in text


def test_joint_intervals_are_named_only_where_they_are(results: Results) -> None:
    """With few clusters the table of the worst cells has no such column, and nothing there says that it is valid."""
    alone = results.deltas.with_columns(pl.lit(None, pl.Float64).alias(name) for name in ("joint_low", "joint_high"))
    for deltas, named in ((results.deltas, True), (alone, False)):
        text = page(results.scores, deltas, results.manifest).partition("## Worst cells")[2].partition("\n## ")[0]
        assert ("joint interval" in text) is named
        assert "valid for all" not in text


def test_the_head_counts_what_the_tests_show(results: Results) -> None:
    """Of seven tested cells one is a gain and one shows no change; with those that are not tested they are 14."""
    tested = (pl.col("task") == "xnli") & pl.col("p_adjusted").is_not_null()
    unproven, gain = (tested & (pl.col("language") == code) for code in ("th", "sw"))
    changed = results.deltas.with_columns(
        p_adjusted=pl.when(unproven).then(0.05).otherwise("p_adjusted"),
        drop=pl.when(gain).then(-1.0).otherwise("drop"),
    )
    text = page(results.scores, changed, results.manifest)
    shown = (
        "7 are tested, as one family (task x language), at p adjusted below 0.05: 5 show a drop, 1 a gain and 1 neither"
    )
    assert f"\n14 perturbed cells of headline metrics. {shown}, of which 1 cannot be measured. Not" in text
    assert "Not tested: 4 at another strength, 1 few clusters, 2 inert. Marked, of all 14: 2 not" in text


def test_the_head_names_cells_that_failed(results: Results) -> None:
    """A page without some of its cells says so at its beginning, each language of a task once."""
    head, _ = page(results.scores, results.deltas, results.manifest).split("## Clean", 1)
    assert "**Partial: cells of panx my failed.**" in head


def test_the_legend_says_what_is_in_an_identity_and_why_two_corrections_differ(results: Results) -> None:
    """An identity depends on the tasks of the run, and a joint interval can disagree with an adjusted p."""
    text = page(results.scores, results.deltas, results.manifest)
    assert "- **identity**: Of a model: a hash of its weights" in text
    assert "It can contain 0 where p adj. is below 0.05, and exclude 0 where p adj. is not" in text


def test_the_change_is_the_drop_with_its_sign_turned(results: Results) -> None:
    """A drop of 8.4 points, [6.9, 9.9], is shown as a change of -8.4, [-9.9, -6.9]."""
    cell = perturbed(results).filter(task="xnli", language="en", strength="0.2").row(0, named=True)
    assert (cell["change"], cell["change_low"], cell["change_high"]) == pytest.approx((-8.4, -9.9, -6.9))


@pytest.mark.parametrize(
    ("task", "language", "reason"), [("panx", "zh", "inert"), ("xnli", "th", None), ("xnli", "en", None)]
)
def test_cells_that_claim_nothing_say_why(results: Results, task: str, language: str, reason: str | None) -> None:
    """Where the tokenizer undid the noise, a cell has values but no change, interval, share or p; one at chance has."""
    cells = perturbed(results).filter(task=task, language=language, metric=results.metrics(task)[0])
    assert cells["no_claim"].unique().to_list() == [reason]
    for name in ("change", "change_low", "change_high", "relative"):
        assert (cells[name].null_count() == cells.height) == (reason is not None)
    assert cells["value"].null_count() == 0


def test_the_question_is_the_headline_and_the_context_is_apart(results: Results) -> None:
    """Noise on the question and on the context are two sections, in the task's order."""
    sections = _made("by_language", results)[SECTION].unique(maintain_order=True).to_list()
    assert [name for name in sections if name.startswith("xquad")] == [
        "xquad, validation, squad_f1, noise on question (headline)",
        "xquad, validation, squad_f1, noise on context",
    ]


def test_only_the_headline_metric_is_shown_by_language(results: Results) -> None:
    """Token accuracy of named entities is not in the tables by language."""
    assert not any("token_accuracy" in name for name in _made("by_language", results)[SECTION])


def test_strengths_are_sorted_as_numbers(results: Results) -> None:
    """0.05 is before 0.2, and 1 after 0.5."""
    renamed = results.deltas.with_columns(pl.col("condition").str.replace(":0.05", ":1", literal=True))
    frame = _made("by_language", Results(results.scores, renamed, results.manifest)).filter(language="en")
    assert frame["strength"].to_list() == ["0.2", "1"]


def test_cross_lingual_pairs_name_both_languages(results: Results) -> None:
    """A question in one language on a context in another is shown as such."""
    crossed = results.deltas.filter(task="xquad").with_columns(context_language=pl.lit("de"))
    frame = _made("by_language", Results(results.scores, crossed, results.manifest))
    assert set(frame["language"]) == {"el on de"}


def test_the_worst_case_is_beside_the_mean_over_seeds(results: Results) -> None:
    """With the number of seeds and their spread; a cell of one seed has no row."""
    frame = _made("worst_of_seeds", results)
    shown = frame.filter(pl.col("section").str.starts_with("xnli"), language="sw", strength="0.2")
    columns = ("clean", "value", "worst", "seeds", "seed_spread")
    assert shown.select(columns).row(0) == pytest.approx((47.0, 42.4, 37.9, 3, 0.4))
    once = results.deltas.with_columns(worst=pl.when(pl.col("task") != "xnli").then("worst"))
    of_one = _made("worst_of_seeds", Results(results.scores, once, results.manifest))
    assert set(of_one.get_column("section")) == {name for name in set(frame["section"]) if "xnli" not in name}


def test_the_page_says_what_each_condition_is(results: Results) -> None:
    """A perturbation with its strength, one that was solved for, and a set; the last view but one has them."""
    assert [view.name for view in views()][-2:] == ["conditions", "not_run"]
    (table,) = tables(_made("conditions", results))
    rows = {row[0]: dict(zip((column.heading for column in table.columns), row, strict=True)) for row in table.rows}
    assert "clean" not in rows
    solved, given = rows["char_noise@realised=graphemes:0.05"], rows["external:typos"]
    assert (solved["realised"], solved["packs"]) == ("0.05 of graphemes", "0123456789abcdef")
    assert (given["kind"], given["paired by"], given["edited only"]) == ("external", "alignment", "87.5 %")
    assert rows["char_noise:0.2@fields=tokens"]["drawn at"] == "0.2"


def test_noised_and_untouched_spans_are_beside_each_other(results: Results) -> None:
    """At the highest strength each language has both levels of noised spans and of untouched ones; others no row."""
    levels = ("noised_gold_clean", "noised_gold", "untouched_clean", "untouched")
    rows = _made("by_scope", results).select("language", "strength", "value", *levels).rows()
    assert rows == [("de", "0.2", 50.0, 63.0, 44.0, 59.0, 58.0)]


def test_what_was_not_computed_is_listed_by_name(results: Results) -> None:
    """Missing and failed cells are there with reason and languages."""
    rows = _made("not_run", results).select("task", "reason", "missing").rows()
    assert rows == [("panx", "failed", "my"), ("xquad", "missing", "ro th")]


def test_languages_missing_for_the_same_reason_share_a_row(results: Results) -> None:
    """Their detail names task and language in the manifest; the row names the languages once."""
    asked = [
        {
            "task": "xnli",
            "language": code,
            "split": "auto",
            "reason": "missing",
            "detail": f"xnli {code}: no test file.",
        }
        for code in ("vi", "bg")
    ]
    changed = Results(results.scores, results.deltas, {**results.manifest, "not_run": asked})
    assert _made("not_run", changed).select("missing", "detail").rows() == [("bg vi", "no test file.")]


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("a\u202eb\u200d\n\x1b[31m", "a<U+202E>b<U+200D><U+000A><U+001B>[31m"),
        ("Zürich 北京 हिन्दी", "Zürich 北京 हिन्दी"),
    ],
)
def test_hidden_characters_are_made_visible(text: str, shown: str) -> None:
    """Direction marks, zero-width joiners, line breaks and escape codes are seen; letters and marks stay."""
    assert visible(text) == shown


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("a|b `c` *d* <script>", r"a\|b \`c\` \*d\* &lt;script>"),
        ("[x](http://y)", r"[x\](http://y)"),
        ("char_noise _it_", r"char_noise \_it\_"),
        ("# no title", r"\# no title"),
        ("-3.0 [-4.5, -1.5]", "-3.0 [-4.5, -1.5]"),
        ("- item", r"\- item"),
    ],
)
def test_markdown_in_data_stays_text(text: str, shown: str) -> None:
    """Nothing that data contain becomes a table cell, a link, code or markup."""
    assert markdown(text) == shown


def test_a_code_block_cannot_be_closed_from_inside() -> None:
    """The fence is longer than any run of backticks in the block."""
    assert code_block(["```", "x\u202e"]) == "````text\n```\nx<U+202E>\n````"


@pytest.mark.parametrize(("value", "text"), [(-4.56, "-4.6"), (0.3, "+0.3"), (-0.04, "0.0"), (0.0, "0.0"), (None, "-")])
def test_signed_points(value: float | None, text: str) -> None:
    """A change has its sign, unless it rounds to nothing."""
    assert _columns.signed(value) == text


@pytest.mark.parametrize(("value", "text"), [(71.25, "71.2"), (-0.04, "0.0"), (-3.06, "-3.1"), (None, "-")])
def test_points(value: float | None, text: str) -> None:
    """A level has one decimal, and nothing is never negative."""
    assert _columns.points(value) == text


def test_what_is_lost_is_never_less_than_nothing_by_rounding() -> None:
    """A gain that rounds to nothing has no sign in percent either."""
    (lost,) = _columns.shown(["relative", "relative_corrected"])
    assert lost.form(-0.04, -0.01) == "0.0 % (0.0 %)"


@pytest.mark.parametrize(("target", "text"), [(0.05, "0.05"), (0.0012345678, "0.0012345678"), (1e-05, "1e-05")])
def test_a_strength_that_was_asked_for_is_whole(target: float, text: str) -> None:
    """The table of conditions has all its digits."""
    (realised,) = _columns.shown(["target_axis", "target"])
    assert realised.form("graphemes", target) == f"{text} of graphemes"


@pytest.mark.parametrize(
    ("lost", "text"), [(0.0, ""), (-5.0, ""), (None, ""), (50.0, "███"), (100.0, "██████"), (9.0, "▌")]
)
def test_bars(lost: float | None, text: str) -> None:
    """The bar is empty without a loss and full at 100 %."""
    assert _columns.bar(lost) == text


def test_the_page_does_not_depend_on_the_order_of_rows(results: Results) -> None:
    """Shuffled frames give the same bytes."""
    frames = (results.scores, results.deltas)
    scores, deltas = (frame.sample(fraction=1.0, shuffle=True, seed=5) for frame in frames)
    shuffled = page(scores, deltas, results.manifest)
    assert shuffled == page(results.scores, results.deltas, results.manifest)


def test_a_page_is_made_again_from_its_files(results: Results, tmp_path: Path) -> None:
    """What CSV and JSON contain is all that the page needs: rendering a folder gives the bytes of the first page."""
    store.write_frame(tmp_path / "scores.csv", results.scores, SCORES)
    store.write_frame(tmp_path / "deltas.csv", results.deltas, DELTAS)
    store.write_frame(tmp_path / "averages.csv", results.averages, AVERAGES)
    store.write_frame(tmp_path / "conditions.csv", results.conditions, CONDITIONS)
    store.write_json(tmp_path / "manifest.json", results.manifest)
    assert render(tmp_path) == markdown_of(document(results))


def test_chance_and_shallow_levels_are_beside_the_model(results: Results) -> None:
    """Each language has the clean level, chance with its bound, the shallow level, and a note near chance."""
    columns = ("language", "level", "chance", "chance_name", "above_chance", "shallow", "note")
    shown = _made("clean_scores", results).filter(pl.col("section").str.starts_with("xnli")).select(columns).rows()
    assert shown == [
        ("en", 58.3, 33.3, "majority", pytest.approx(22.0), pytest.approx(36.3), ""),
        ("sw", 47.0, 33.3, "majority", pytest.approx(10.7), pytest.approx(36.3), ""),
        ("th", 34.1, 33.3, "majority", pytest.approx(-2.2), pytest.approx(36.3), "not shown above chance"),
    ]
    text = page(results.scores, results.deltas, results.manifest)
    assert "| th | 34.1 | [32.1, 36.1] | 33.3 majority | -2.2 | 36.3 hypothesis_only | not shown above chance" in text


def test_long_names_fold_and_numbers_stay_whole_on_a_narrow_terminal() -> None:
    """Where a perturbation's name takes the room, the name continues in the next line; no number is cut."""
    frame = pl.DataFrame(
        {
            "section": ["panx"] * 2,
            "language": ["sw", "yo"],
            "perturbation": ["char_noise:0.05+char_noise@ops=replace,swap", "char_noise"],
            "clean": [51.1, 62.2],
            "value": [41.1, 52.2],
            "grapheme_edit_rate": [0.149, 0.182],
        }
    )
    text = io.StringIO()
    for table in tables(frame):
        print_table(Console(file=text, width=60, color_system=None), table)
    assert "…" not in text.getvalue()
    assert all(number in text.getvalue() for number in ("perturbed", "41.1", "14.9 %", "18.2 %"))


def test_bars_are_signs_where_a_terminal_has_no_blocks(results: Results) -> None:
    """On a wide terminal that shows ASCII alone, a bar is made of number signs, and nothing is an escape code."""
    raw = io.BytesIO()
    stream = io.TextIOWrapper(raw, encoding="ascii", errors="backslashreplace")
    show(Console(file=stream, width=220, color_system=None), Results(results.scores, results.deltas, results.manifest))
    stream.flush()
    assert b"38.7 % (60.0 %) ##" in raw.getvalue()
    assert b"\\u25" not in raw.getvalue()


def test_every_view_file_is_on_the_page_in_its_order(results: Results) -> None:
    """Each file of views is one view, no two have one order, and the page follows the orders."""
    files = {path.stem for path in Path(_views.__path__[0]).glob("*.py") if not path.stem.startswith("_")}
    assert files <= {view.name for view in views()} == set(registry.names("view"))
    orders = [view.order for view in views()]
    assert orders == sorted(set(orders))
    shown = [view.title for view in views() if view.make(results).height]
    lines = markdown_of(document(results)).splitlines()
    titles = [line.removeprefix("## ") for line in lines if line.startswith("## ")]
    assert titles == ["What was run", *shown, "Legend"]
