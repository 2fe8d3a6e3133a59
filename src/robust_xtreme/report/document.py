"""Makes the document of a run: what was run, every view with its tables, and a legend, from the stored files only."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any, Final

from rich.console import Console
from rich.text import Text

from robust_xtreme.core import registry
from robust_xtreme.core.errors import DataError, MissingData, UserError
from robust_xtreme.core.sinks import Trusted, filled
from robust_xtreme.files.csv import check_version
from robust_xtreme.files.manifest import MANIFEST, frame_of, read_manifest
from robust_xtreme.files.schema import ATTACKS, AVERAGES, CONDITIONS, DELTAS, SCHEMA_VERSION, SCORES, empty
from robust_xtreme.report.averages import transposed
from robust_xtreme.report.blocks import Block, Heading, Paragraph, ReportPage, Table, Terms, unlinked
from robust_xtreme.report.columns import noted, tables
from robust_xtreme.report.legend import legend
from robust_xtreme.report.overview import overview, rest
from robust_xtreme.report.renderers import markdown
from robust_xtreme.report.renderers.html import notebook_tables
from robust_xtreme.report.renderers.terminal import height, print_blocks, print_table
from robust_xtreme.report.summary import verdicts, what_was_run
from robust_xtreme.report.view import Results, View
from robust_xtreme.stats import shapes
from robust_xtreme.stats.shapes import fits

TITLE: Final = "Degradation under noise"
MOST_ROWS: Final = 150
"""The number of rows above which a view is not in a notebook."""

_AGAIN: Final = "Restore the file, or evaluate again into another folder."
_LOG, _PARTS = "log.txt", "parts"


def document(results: Results) -> ReportPage:
    """The document of `report.md`, which has no charts: the verdict first."""
    blocks: list[Block] = [*map(Paragraph, map(unlinked, verdicts(results)))]
    blocks += [Heading("What was run"), *what_was_run(results)]
    for view in views():
        blocks += view_blocks(view, results, charts=False)
    columns = [column for block in blocks if isinstance(block, Table) for column in block.columns]
    terms = tuple(legend(columns, results))
    return ReportPage(TITLE, (*blocks, Heading("Legend"), Terms(terms)) if terms else tuple(blocks))


def render(folder: Path) -> Trusted:
    """`report.md` of a run folder: same input, same bytes. Raises DataError, Mismatch."""
    return markdown.render(document(results_of(folder)))


def results_of(folder: Path) -> Results:
    """What scores.csv, deltas.csv, averages.csv, conditions.csv and manifest.json of a run folder contain.

    Raises DataError, Mismatch.
    """
    manifest = read_manifest(folder / MANIFEST, _AGAIN)
    scores, deltas, averages, conditions = (
        frame_of(folder, f"{frame.name}.csv", frame, manifest) for frame in (SCORES, DELTAS, AVERAGES, CONDITIONS)
    )
    name = f"{ATTACKS.name}.csv"
    attacks = frame_of(folder, name, ATTACKS, manifest) if name in manifest.get("files", {}) else empty(ATTACKS)
    return Results(scores, deltas, manifest, averages, conditions, attacks)


def finished(folder: Path) -> Results:
    """The same of a folder that a user names. Raises MissingData where it is not that of a finished run."""
    path = folder / MANIFEST
    if not path.is_file():
        raise MissingData(f"{folder} is not the folder of a run of eval: it has no {MANIFEST}.")
    manifest = read_manifest(path, _AGAIN)
    check_version(path, str(manifest.get("schema_version", SCHEMA_VERSION)))
    if not manifest.get("complete"):
        what = f"The run in {folder} is not finished. To continue it"
        raise MissingData(f"{what}: robust-xtreme eval --config {folder / 'run.toml'} --out {folder}")
    if not fits(manifest, shapes.MANIFEST):
        raise DataError(path, f"is not the manifest of a finished run. {_AGAIN}")
    return results_of(folder)


def files_of(folder: Path) -> list[Path]:
    """The files that a run wrote into its folder; none where there is no run."""
    if not (folder / MANIFEST).is_file():
        return []
    manifest: dict[str, Any] = {}
    with suppress(UserError):  # another program's, or damaged
        manifest = read_manifest(folder / MANIFEST)
    known = manifest if fits(manifest, {"files": dict, "parts?": dict}) else {}
    names = (MANIFEST, _LOG, *known.get("files", ()), *(f"{_PARTS}/{name}" for name in known.get("parts", ())))
    return [folder / name for name in names]


def show(console: Console, results: Results, names: Sequence[str] = ()) -> None:
    """Print the verdict of a run and an overview of it on a terminal, or instead of the overview some views, whole.

    Raises UnknownName for a view that does not exist.
    """
    chosen: list[View] = [registry.load("view", name) for name in names]
    print_blocks(console, map(Paragraph, verdicts(results)))
    if not chosen:
        for table in overview(results, partial(height, console)):
            print_table(console, table)
        console.print(Text(f"\n{rest(results)}"), soft_wrap=not console.is_terminal)
    for view in chosen:
        shown = [*slim(view, results)]
        for table in shown:
            print_table(console, replace(table, title=f"{view.title}: {table.title}".removesuffix(": ")))
        if not shown:
            console.print(Text(f"\n{view.title}: nothing here. It has: {view.summary}"))


def slim(view: View, results: Results) -> Iterator[Table]:
    """The tables of a view for a terminal or a paper: the averages of benchmarks with a row for each task."""
    made = view.make(results)
    for table in tables(transposed(made) if view.name == "overall" else made):
        yield noted(table, view.notes)


def notebook(results: Results) -> Trusted:
    """The verdict and the main tables of a run in HTML: each perturbed cell, or averages of many; else clean scores."""
    names = ("by_language", "by_task") if results.deltas.height else ("clean_scores",)
    every: list[View] = [registry.load("view", name) for name in names]
    made = [(view, view.make(results)) for view in every]
    view, frame = next((pair for pair in made if pair[1].height <= MOST_ROWS), made[-1])
    left = frame.height - MOST_ROWS
    more = filled("\n<p>{} more rows are in the report.</p>" if left > 0 else "", left)
    shown = notebook_tables(view.title, [*tables(frame.head(MOST_ROWS))], [*map(unlinked, verdicts(results))])
    return filled("{}{}", shown, more)


def views() -> list[View]:
    """Every view, in the order of the page."""
    every: list[View] = [registry.load("view", name) for name in registry.names("view")]
    return sorted(every, key=lambda view: (view.order, view.name))


def view_blocks(view: View, results: Results, charts: bool = True) -> Iterator[Block]:
    """The blocks of one view, its charts among them unless none are wanted; none if it has no rows."""
    shown = [noted(table, view.notes) for table in tables(view.make(results))]
    if shown:
        yield Heading(view.title)
        yield Paragraph(view.summary)
        yield from view.charts(results) if charts and view.charts else ()
        yield from shown
