"""Makes the document of a run: what was run, every view with its tables, and a legend, from the stored files only.

A terminal shows the verdict, then a screen of tables, however many cells the run has.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any, Final, TypeAlias

import polars as pl
from rich.console import Console
from rich.text import Text

from robust_xtreme.core import registry
from robust_xtreme.core.errors import DataError, MissingData, UserError
from robust_xtreme.core.sinks import Trusted, filled
from robust_xtreme.files.csv import check_version
from robust_xtreme.files.manifest import MANIFEST, frame_of, read_manifest
from robust_xtreme.files.schema import ATTACKS, AVERAGES, CALIBRATION, CONDITIONS, DELTAS, SCORES
from robust_xtreme.report.averages import transposed, with_curves, within_tasks
from robust_xtreme.report.blocks import Block, Heading, Paragraph, ReportPage, Table, TableCell, Terms, unlinked
from robust_xtreme.report.cells import headline, highest, named_beside, with_addresses, with_condition
from robust_xtreme.report.charts.figures import spark
from robust_xtreme.report.columns import noted, points, tables
from robust_xtreme.report.renderers import markdown
from robust_xtreme.report.renderers.html import notebook_tables
from robust_xtreme.report.renderers.terminal import height, print_blocks, print_table
from robust_xtreme.report.summary import legend, verdicts, what_was_run
from robust_xtreme.report.view import SECTION, Results, View
from robust_xtreme.stats import shapes
from robust_xtreme.stats.averages import COMMON, LANGUAGES
from robust_xtreme.stats.degrade import NOT_SHOWN
from robust_xtreme.stats.shapes import fits

CHANGE: Final = "change"
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
    """What the frames and the manifest of a run folder contain. Raises DataError, Mismatch."""
    manifest = read_manifest(folder / MANIFEST, _AGAIN)
    later = [frame for frame in (ATTACKS, CALIBRATION) if f"{frame.name}.csv" in manifest.get("files", {})]
    every = (SCORES, DELTAS, AVERAGES, CONDITIONS, *later)
    frames = {frame.name: frame_of(folder, f"{frame.name}.csv", frame, manifest) for frame in every}
    return Results(manifest=manifest, **frames)


def finished(folder: Path) -> Results:
    """The same of a folder that a user names. Raises MissingData where it is not that of a finished run."""
    path = folder / MANIFEST
    if not path.is_file():
        raise MissingData(f"{folder} is not the folder of a run of eval: it has no {MANIFEST}.")
    manifest = read_manifest(path, _AGAIN)
    spec = folder / "run.toml"  # a run that was imported has none
    again = (
        f"To evaluate it again: robust-xtreme eval --config {spec} --out FOLDER" if spec.is_file() else "Make it again."
    )
    check_version(path, str(manifest.get("schema_version", "")), again)
    if not manifest.get("complete"):
        if not spec.is_file():
            raise MissingData(f"{folder} is not the folder of a run of eval: it has no run.toml.")
        what = f"The run in {folder} is not finished. To continue it"
        raise MissingData(f"{what}: robust-xtreme eval --config {spec} --out {folder}")
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
    """Print the verdict of a run on a terminal, with an overview or some views. Raises UnknownName for no view."""
    chosen: list[View] = [registry.load("view", name) for name in names]
    print_blocks(console, map(Paragraph, verdicts(results)))
    if not chosen:
        for table in _overview(results, partial(height, console)):
            print_table(console, table)
        averaged = "Averages are of headline metrics at each perturbation's highest strength. "
        is_clean = results.deltas.is_empty()
        rest = _REST.format("clean_scores") if is_clean else averaged + _REST.format("by_task,by_language")
        console.print(Text(f"\n{rest}"), soft_wrap=not console.is_terminal)
    for view in chosen:
        shown = _of_view(view.name, results)
        for table in shown:
            print_table(console, table)
        if not shown:
            console.print(Text(f"\n{view.title}: nothing here. It has: {view.summary}"))


def slim(view: View, results: Results) -> Iterator[Table]:
    """The tables of a view for a terminal or a paper: the averages of benchmarks with a row for each task."""
    made = view.make(results)
    for table in tables(transposed(made) if view.name == "overall" else made):
        yield noted(table, view.notes)


_REST: Final = (
    "All metrics, fields and strengths are in report.md, with what columns and marks mean; "
    "robust-xtreme report RUN --views {} prints whole tables."
)

_LINES: Final = 70
"""The lines of all tables, about; the averages by task get what others leave."""

_FEW: Final = 30
"""The lines up to which every cell is shown instead of the worst ones, where no line is broken."""

_OF_OTHERS: Final = 16
"""The lines of averages over tasks, and of what was not computed."""

_ROWS: Final = 8
"""The first rows of averages over tasks that are shown where they have no room."""

_BY_TASK: Final = (
    "task", "noise", "langs", "clean", "noisy", "change", "lost_share", "change_low", "change_high", "curve", "marked",
    "grapheme_edit_rate",
)  # fmt: skip

_SHARED: Final = "By task, over the languages that its noises have in common"
_FIRST: Final = pl.col("fields_rank") == pl.col("fields_rank").min().over("task")

Height: TypeAlias = Callable[[Table], int]
"""The lines that a table takes on the terminal."""


def _overview(results: Results, lines: Height) -> Iterator[Table]:
    """Averages over tasks, the worst cells, the averages by task with their curves, and what was not computed.

    Averages are of headline metrics at the highest strength of each perturbation. A run without noise has clean levels.
    """
    if results.deltas.height:
        first = _perturbed(results, lines)
    else:
        clean = (_of_view("clean_scores", results), _titled("Clean levels by task", _clean_by_task(results)))
        first = [*_of_view("overall", results), *_within(_LINES, lines, *clean)]
    left_out = _within(_OF_OTHERS, lines, _of_view("not_run", results), _titled("Not computed", _reasons(results)))
    yield from first
    if results.deltas.height:
        room = _LINES - sum(map(lines, [*first, *left_out]))
        yield from _within(room, lines, *_by_task(results))
    yield from left_out


def _within(most: int, lines: Height, *choices: list[Table]) -> list[Table]:
    """The first of some tables that has at most as many lines, or the last."""
    return next((made for made in choices if sum(map(lines, made)) <= most), choices[-1])


def _perturbed(results: Results, lines: Height) -> list[Table]:
    cells = _of_view("by_language", results)
    if sum(len(table.rows) + 3 for table in cells) > _FEW:
        cells = _of_view("worst_cells", results)
    ranked = with_condition(results.averages)
    ranked = ranked.with_columns(strength_rank=pl.col("strength").cast(pl.Float64, strict=False))
    highest_ones = replace(results, averages=highest(ranked).select(results.averages.columns))
    averages = (_of_view("overall_drops", highest_ones), _of_view("overall_drops", highest_ones, _ROWS))
    is_random = pl.col("condition").str.contains("search=random")  # its levels are beside those of the attack
    searched = replace(results, attacks=results.attacks.filter(~is_random))
    attacks = (_of_view("attacks", results), _of_view("attacks", searched), _of_view("attacks", searched, _ROWS))
    return [*_within(_OF_OTHERS, lines, *averages), *cells, *_within(_OF_OTHERS, lines, *attacks)]


def _clean_by_task(results: Results) -> pl.DataFrame:
    """A row for each table of clean levels: the number of languages, and the lowest and the highest level by name."""
    view: View = registry.load("view", "clean_scores")
    named = pl.concat_str("language", pl.lit(" "), pl.col("level").map_elements(points, pl.String)).sort_by("level")
    over = view.make(results).group_by(SECTION, maintain_order=True)
    rows = over.agg(cells=pl.len().cast(pl.String), lowest=named.first(), highest=named.last())
    return rows.select(pl.lit("").alias(SECTION), pl.col(SECTION).alias("task"), "cells", "lowest", "highest")


def _reasons(results: Results) -> pl.DataFrame:
    """A row for each reason for which cells were not computed: their number, and the tasks."""
    asked = [(entry["reason"], str(entry["task"])) for entry in results.manifest.get("not_run", ())]
    cells = pl.DataFrame(asked, schema={"reason": pl.String, "task": pl.String}, orient="row")
    tasks = pl.col("task").unique().sort().str.join(", ")
    rows = cells.group_by("reason").agg(cells=pl.len().cast(pl.String), tasks=tasks).sort("reason")
    return rows.select(pl.lit("").alias(SECTION), "reason", "cells", "tasks")


def _by_task(results: Results) -> Iterator[list[Table]]:
    """The averages over languages of headline metrics at the highest strengths, from the most rows to the fewest.

    Those of each task's first fields follow, and those of the perturbation that costs most. Noises that do not
    reach the same languages are compared over those that they have in common.
    """
    rows, common = (_with_curves(headline(within_tasks(results, kind), results)) for kind in (LANGUAGES, COMMON))
    first, compared = (each.filter(_FIRST) for each in (rows, common))
    worst = first.sort("change").unique("column", keep="first", maintain_order=True).sort("column")
    own = "By task, each noise over the languages that it reaches" if common.height else "By task"
    yield [*_averages(own, rows), *_averages(_SHARED, common)]
    yield [*_averages("By task, noise on the headline fields", first), *_averages(_SHARED, compared)]
    yield _averages("By task, the perturbation that costs most", worst)


def _averages(title: str, rows: pl.DataFrame) -> list[Table]:
    parts = {"task": pl.col("column"), "noisy": pl.col("value"), "langs": pl.col("over").str.replace(" of ", "/")}
    return _titled(title, rows.with_columns(pl.lit("").alias(SECTION), **parts).select(SECTION, *_BY_TASK))


def _with_curves(rows: pl.DataFrame) -> pl.DataFrame:
    """The averages at the highest strengths, with the levels at rising strengths as blocks."""
    named = with_addresses(rows)
    curve = ["column", "fields", "perturbation"]
    shares = with_curves(named).sort("strength_rank").group_by(curve).agg(share=pl.col("value") / pl.col("clean"))
    sparks = [spark([1.0, *row]) for row in shares.get_column("share").to_list()]
    drawn = shares.select(curve).with_columns(pl.Series("curve", sparks, dtype=pl.String))
    return highest(named).join(drawn, on=curve, how="left", maintain_order="left")


def _of_view(name: str, results: Results, most: int | None = None) -> list[Table]:
    """The tables of a view, perhaps of the first rows of each alone."""
    view: View = registry.load("view", name)
    made = view.make(results)
    frame = transposed(made) if name == "overall" else made
    title = view.title
    if most is not None and frame.height > most:
        each = max(1, most // frame.get_column(SECTION).n_unique())
        title, frame = f"{title} (the first {each} rows)", frame.group_by(SECTION, maintain_order=True).head(each)
    return [noted(table, view.notes) for table in _titled(title, frame)]


def _titled(title: str, frame: pl.DataFrame) -> list[Table]:
    return [replace(table, title=f"{title}: {table.title}".removesuffix(": ")) for table in tables(frame)]


def notebook(results: Results) -> Trusted:
    """The verdict and the main tables of a run in HTML: each perturbed cell, or averages of many; else clean scores."""
    names = ("by_language", "by_task") if results.deltas.height else ("clean_scores",)
    every: list[View] = [registry.load("view", name) for name in names]
    made = [(view, view.make(results)) for view in every]
    view, frame = next((pair for pair in made if pair[1].height <= MOST_ROWS), made[-1])
    left = frame.height - MOST_ROWS
    more = filled("\n<p>Rows that are only in the report: {}.</p>" if left > 0 else "", left)
    first = frame.head(MOST_ROWS)
    shown = notebook_tables(view.title, [*_coloured(first)], [*map(unlinked, verdicts(results))])
    return filled("{}{}", shown, more)


def _coloured(rows: pl.DataFrame) -> Iterator[Table]:
    """The tables of a view, each change in the colour of its size unless its cell cannot be measured."""
    for table, part in zip(tables(rows), rows.partition_by(SECTION, maintain_order=True), strict=True):
        heads = [column.heading for column in table.columns]
        if CHANGE not in heads:
            yield table
            continue
        at, known = heads.index(CHANGE), part.to_dicts()
        shades = [0.0 if NOT_SHOWN in (row.get("marks") or "") else row.get(CHANGE) for row in known]
        cells = [TableCell(str(row[at]), shade) for row, shade in zip(table.rows, shades, strict=True)]
        filled_in = ((*row[:at], cell, *row[at + 1 :]) for row, cell in zip(table.rows, cells, strict=True))
        yield replace(table, rows=tuple(filled_in))


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


_OF_MODELS: Final = ("scores", "deltas", "averages", "attacks", "calibration")
"""The frames whose rows name a model."""


def beside(runs: Mapping[str, Results]) -> Results:
    """The results of all runs, whose names are before those of their models; of one run its own."""
    if len(runs) == 1:
        return next(iter(runs.values()))
    named = []
    for name, results in runs.items():
        model = pl.col("model").replace(named_beside(name, results.scores.get_column("model")))
        renamed = {frame: getattr(results, frame).with_columns(model) for frame in _OF_MODELS}
        named.append(replace(results, **renamed))
    frames = ([getattr(results, name) for results in named] for name in (*_OF_MODELS, "conditions"))
    scores, deltas, averages, *others, conditions = map(pl.concat, frames)
    return Results(scores, deltas, _manifest_beside(runs), averages, conditions.unique(maintain_order=True), *others)


def _manifest_beside(runs: Mapping[str, Results]) -> dict[str, Any]:
    """What a page says of all runs together; each line that is of one run begins with its name."""
    manifests = {name: results.manifest for name, results in runs.items()}
    first = next(iter(manifests.values()))
    notes = [f"{name}: {note}" for name, manifest in manifests.items() for note in manifest.get("notes", ())]
    specs = {f"{name}: {key}": value for name, each in manifests.items() for key, value in each.get("spec", {}).items()}
    names = {name: named_beside(name, results.scores.get_column("model")) for name, results in runs.items()}
    models = [
        {**model, "model": names[name].get(str(model.get("model")), model.get("model"))}
        for name, manifest in manifests.items()
        for model in manifest.get("models", ())
    ]
    return {
        **{key: [row for each in manifests.values() for row in each.get(key, ())] for key in ("units", "not_run")},
        "runs": [*runs],
        "version": first.get("version", "unknown"),
        "spec_hash": ", ".join(str(each.get("spec_hash")) for each in manifests.values()),
        "tasks": {task: facts for each in manifests.values() for task, facts in each.get("tasks", {}).items()},
        "spec": specs,
        "models": models,
        "notes": notes,
        "commands": [command for each in manifests.values() for command in each.get("commands", ())],
    }


def names_of(folders: Sequence[str]) -> list[str]:
    """A name for each run: the last parts of their paths, as many as tell them apart."""
    parts = [folder.rstrip("/").split("/") for folder in folders]
    longest = max(map(len, parts))
    for size in range(1, longest + 1):
        short = ["/".join(part[-size:]) for part in parts]
        if len(set(short)) == len(short):
            return short
    return [f"{number}: {'/'.join(part)}" for number, part in enumerate(parts, 1)]
