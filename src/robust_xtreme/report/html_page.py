"""Puts the page of a run together: the verdict first, then where it breaks, languages, views, and what was run."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

import polars as pl

from robust_xtreme.core.errors import counted
from robust_xtreme.report import blocks as doc
from robust_xtreme.report import summary
from robust_xtreme.report.averages import within_tasks
from robust_xtreme.report.cells import anchor, headline, highest, language_name, script, script_name
from robust_xtreme.report.citing import citing_part
from robust_xtreme.report.columns import interval, narrow, points, signed, tables
from robust_xtreme.report.document import view_blocks, views
from robust_xtreme.report.heat import PATTERNS, heat
from robust_xtreme.report.summary import headline_cells, legend, mark, title, verdicts
from robust_xtreme.report.view import SECTION, Results, View
from robust_xtreme.stats.averages import LANGUAGES


def coloured(row: Mapping[str, Any], text: doc.Phrase) -> doc.TableCell:
    """A text in the colour and with the pattern of a cell of the run."""
    return doc.TableCell(text, 0.0 if row["near_chance"] else row["change"], PATTERNS[mark(row)])


MOST: Final = 60
"""The number of changes of one language; a run with more has only those at the highest strengths, then the worst."""

_FIRST: Final = 12
"""The number of changes that are shown at once."""

_ROWS, _FEWEST_ROWS = 1200, 24
"""The number of rows of another view of all languages together, and the least of one language."""

_COLUMNS: Final = (
    "task", "noise", "change", "no_claim", "change_low", "change_high", "p_adjusted", "clean", "value", "n", "clusters",
    "grapheme_edit_rate", "tokens_per_word_clean", "tokens_per_word", "label_risk", "marks",
)  # fmt: skip


def languages(results: Results, examples: Sequence[doc.Section] = ()) -> Iterator[doc.Section]:
    """A part for each language, by name: its changes, the rows that views have of it, and links to its examples."""
    cells = headline_cells(results)
    as_one = pl.col(SECTION).alias("of"), pl.lit("").alias(SECTION)  # what was the section is a column
    made = [(view, view.make(results).with_columns(as_one)) for view in views() if view.name in _DIVIDED]
    divided = [(view, rows.partition_by("language", include_key=False, as_dict=True)) for view, rows in made]
    folds = [block for part in examples for block in part.blocks if isinstance(block, doc.Section)]
    codes = cells.get_column("language").unique().to_list()
    most = max(_FEWEST_ROWS, _ROWS // max(1, len(codes)))
    for code in sorted(codes, key=language_name):
        title = f"{language_name(code)}, {script_name(script(code))} script"
        of_language = cells.filter(language=code)
        blocks = [
            *map(doc.Paragraph, verdicts(results, of_language)),
            *_changes(of_language, code),
            *_links([fold for fold in folds if fold.anchor == f"examples/{anchor(code)}"]),
            *_language_views(divided, code, most),
        ]
        yield doc.Section(title, anchor(code), tuple(blocks), level=3)


def _links(examples: Sequence[doc.Section]) -> Iterator[doc.Paragraph]:
    """Where the examples of each task are."""
    tasks = [block for part in examples for block in part.blocks if isinstance(block, doc.Section)]
    if tasks:
        links = doc.joined(doc.Hyperlink(task.title, f"#{task.anchor}") for task in tasks)
        yield doc.Paragraph(("Examples: ", *links, "."))


def _changes(cells: pl.DataFrame, code: str) -> Iterator[doc.Block]:
    """The cells of a language, the largest loss first; those that claim nothing last."""
    shown = cells if cells.height <= MOST else highest(cells)
    shown = shown.sort("change", "address", nulls_last=True).head(MOST)
    yield from _table(shown.head(_FIRST))
    if shown.height > _FIRST:
        more = tuple(_table(shown.slice(_FIRST)))
        title = counted(shown.height - _FIRST, "more change")
        yield doc.Section(title, f"more/{anchor(code)}", more, level=4, folded=True)
    if left := cells.height - shown.height:
        yield doc.Paragraph(f"{counted(left, 'more cell')} of the language: in the table to download.")


def _table(shown: pl.DataFrame) -> Iterator[doc.Table]:
    """Cells as rows with their addresses, the change in the colour that it has in the heat table."""
    named = shown.with_columns(pl.lit("").alias(SECTION), task=pl.col("column"))
    for table in tables(named.select(SECTION, *_COLUMNS)):
        at = [column.heading for column in table.columns].index("change")
        rows = tuple(
            (*row[:at], coloured(cell, str(row[at])), *row[at + 1 :])
            for row, cell in zip(table.rows, shown.iter_rows(named=True), strict=True)
        )
        yield doc.Table(table.columns, rows, role="cells", anchors=tuple(shown.get_column("address")))


def _language_views(divided: list[tuple[View, dict[Any, pl.DataFrame]]], code: str, most: int) -> Iterator[doc.Block]:
    for view, rows in ((view, by_language[code,]) for view, by_language in divided if (code,) in by_language):
        address = f"{view.name.replace('_', '-')}/{anchor(code)}"
        shown = rows.head(most)
        blocks: list[doc.Block] = [narrow(table, doc.MEDIUM) for table in tables(shown)]
        if left := rows.height - shown.height:
            blocks.append(doc.Paragraph(f"{counted(left, 'more row')} of the language: in report.md."))
        yield doc.Section(view.title, address, tuple(blocks), level=4, folded=True)


_COMMANDS: Final = 2
"""The most commands that a verdict shows unfolded."""

_HEADS: Final = ("task", "noise", "clean", "noisy", "change", "95 % interval", "worst language")


def verdict_part(results: Results, heading: str = "Verdict") -> doc.Section:
    """What the tests found in a sentence, the counts, what was run, and the command; of each run."""
    data = [doc.Paragraph(note) for note in results.manifest.get("notes", ()) if note.startswith("data: the suite ")]
    told = (doc.Paragraph(summary.told(doc.text_of(each.text))) for each in summary.counts(results))
    blocks: list[doc.Block] = [*map(doc.Paragraph, verdicts(results)), *data, *told]
    blocks += summary.partial(results.manifest)
    units = results.manifest.get("units", ())
    tasks, languages = (len({unit[name] for unit in units}) for name in ("task", "language"))
    noises = ", ".join(headline_cells(results).get_column("noise").unique().sort())
    models = ", ".join(results.scores.get_column("model").unique(maintain_order=True))
    run = f"Model {models}; tasks: {tasks}; languages: {languages}; noise: {noises or 'none'}."
    kept = tuple(map(str, results.manifest.get("commands", ())))
    code = doc.Code(kept or ("robust-xtreme eval --config run.toml",))
    title = counted(len(kept), "command")
    folded = [doc.Section(title, "commands", (code,), level=3, folded=True)] if len(kept) > _COMMANDS else [code]
    blocks += [doc.Paragraph(run), *folded]
    return doc.Section(heading, "verdict", tuple(blocks))


def tiles(results: Results) -> Iterator[doc.Section]:
    """A tile a task and split: what costs most on average over languages, and the largest loss."""
    cells = headline_cells(results).filter(pl.col("change").is_not_null())
    averages = headline(within_tasks(results, LANGUAGES), results)
    order = ("task", "split", "run_rank", "model")
    groups = cells.sort(order, maintain_order=True).group_by("task", "split", "model", maintain_order=True)
    rows = tuple(_tile(group, averages, cells) for _, group in groups)
    if rows:
        columns = tuple(doc.TableColumn(head, right=head in _HEADS[2:6]) for head in _HEADS)
        yield doc.Section("Tasks", "tasks", (doc.Table(columns, rows, role="tiles"),))


def _tile(cells: pl.DataFrame, averages: pl.DataFrame, every: pl.DataFrame) -> tuple[doc.Phrase, ...]:
    """A task's row, with its split and its model where `every` cell of the task, and of the run, has several.

    Its worst cell that can be measured has the largest drop that is shown or, if none is, the largest loss; without
    an average over languages the levels are those of this cell.
    """
    task, split, model = cells.select("task", "split", "model").row(0)
    worst = cells.sort("near_chance", pl.col("p_adjusted").fill_null(1.0) >= summary.ALPHA, "change").row(0, named=True)
    whole = averages.filter(task=task, split=split, model=model)
    over = whole.filter(pl.col("condition").is_in(cells["condition"].implode()))
    many = pl.col("languages").str.split(" ").list.len()
    shown = over.sort(many, -pl.col("change"), descending=True).row(0, named=True) if over.height else worst
    other = "" if worst["condition"] == shown["condition"] else f", {_noise(worst)}"
    named = f"{language_name(worst['language'])} {signed(worst['change'])}{mark(worst)}"
    splits, models = every.filter(task=task).get_column("split"), every.get_column("model")
    on = f" {shown['fields'].replace(',', ' and ')}" if shown["fields_rank"] else ""
    several = ((split, splits), (model, models))
    title = ", ".join((task + on, *(name for name, every_one in several if every_one.n_unique() > 1)))
    count = cells.filter("near_chance").height
    of = f"{count} of {cells.height} cells" if count < cells.height else "no cell is shown above chance: they"
    unmeasured = (doc.Strong(f"{of} cannot be measured", "unmeasured"),) if count else ()
    bounds = "no interval" if shown["change_low"] is None else interval(shown["change_low"], shown["change_high"])
    most = ", the largest mean over" if cells["perturbation"].n_unique() > 1 and count < cells.height else ","
    languages = "its one language" if shown.get("over") == "1 of 1" else f"{shown.get('over')} languages"
    noise = shown["noise"] + (f"{most} {languages}" if over.height else "")
    for few in over.filter(pl.col("change") < shown["change"]).sort("change").head(1).iter_rows(named=True):
        noise += f"; {few['noise']} {signed(few['change'])} in {few['over']}"
    small = all(mark(cell) == summary.MARKED for cell in cells.iter_rows(named=True))
    change = f"{signed(shown['change'])}{summary.MARKED}" if small else doc.Strong(signed(shown["change"]))
    linked = ("worst: ", doc.Hyperlink(named, f"#{worst['address']}"), other) if count < cells.height else ()
    levels = (points(shown["clean"]), points(shown["value"]), (change,), bounds)
    return (title, noise, *levels, (*linked, *unmeasured))


def _noise(row: Mapping[str, Any]) -> str:
    """The noise of a cell or an average, with its fields where they are not those of the headline."""
    return " on ".join(filter(None, (row["noise"], row["fields"].replace(",", " and ") if row["fields_rank"] else "")))


_DIVIDED: Final = ("worst_of_seeds", "operator_mix", "external", "tokenizer", "label_risk")
_ELSEWHERE: Final = ("by_language", "by_scope", "languages_in_columns", "worst_cells", *_DIVIDED)
"""Views whose rows are in other parts of the page."""


def page(
    results: Results, examples: Sequence[doc.Section] = (), added: Sequence[doc.Section] = (), named: str = ""
) -> doc.ReportPage:
    """The document of `report.html`, with the part of its examples if there is one, after the parts that are added.

    Its title is what it is `named`, or says what was found in the run.
    """
    drawn, plain = ([*_views(results, charts)] for charts in (True, False))
    verdict = verdict_part(results, "Each run by itself" if named else "Verdict")
    first = (*added, verdict, *tiles(results), *heat(results), *drawn)
    of_languages = tuple(languages(results, examples))
    divided = (doc.Section("Languages", "languages", of_languages),) if of_languages else ()
    more = (doc.Section("More tables", "tables", tuple(plain)),) if plain else ()
    told = examples or (doc.Section("Examples", "examples", (doc.Paragraph(_NO_EXAMPLES),)),)
    parts = (*first, *divided, *told, *more)
    columns = [column for table in doc.within(parts, doc.Table) for column in table.columns]
    about = doc.Section("What was run", "run", tuple(summary.what_was_run(results)))
    lines = legend(columns, results)
    words = [(word, line) for word, line in summary.GLOSSARY.items() if word not in dict(lines)]
    terms = doc.Section("Legend", "legend", (doc.Terms((*words, *lines)),))
    return doc.ReportPage(named or title(results), (*parts, about, *citing_part(results), terms))


_NO_EXAMPLES: Final = (
    "This page has none: it was made where the texts of the run were not at hand, or not wanted. Where they are, "
    "robust-xtreme report RUN -o page.html shows them."
)


def _views(results: Results, charts: bool) -> Iterator[doc.Section]:
    """The views with charts, or those without, but for those that are divided among the languages."""
    wanted = [view for view in views() if view.name not in _ELSEWHERE and (view.charts is not None) == charts]
    for view in wanted:
        address = view.name.replace("_", "-")
        if blocks := tuple(view_blocks(view, results)):
            yield doc.Section(view.title, address, _shown(blocks[1:], address), 2 if charts else 3, folded=not charts)


def _shown(blocks: tuple[doc.Block, ...], anchor: str) -> tuple[doc.Block, ...]:
    """The blocks of a view; beside charts its tables are folded."""
    charts = [block for block in blocks if isinstance(block, doc.Chart)]
    if not charts:
        return blocks
    tables = tuple(block for block in blocks if isinstance(block, doc.Table))
    text = [block for block in blocks if not isinstance(block, (doc.Chart, doc.Table))]
    first, more = ([chart for chart in charts if chart.more == later] for later in (False, True))
    title = counted(len(more), "more chart")
    folded = [doc.Section(title, f"{anchor}-more", _described(more), level=3, folded=True)] if more else []
    numbers = doc.Section("In numbers", f"{anchor}-numbers", tables, level=3, folded=True)
    return (*text, *_described(first), *folded, numbers)


def _described(charts: list[doc.Chart]) -> tuple[doc.Block, ...]:
    """Charts after what they show in words, once for all that show the same."""
    return (*map(doc.Paragraph, dict.fromkeys(chart.description for chart in charts)), *charts)
