"""Renders the page of a run: what was run, every view with its tables, and a legend, from the stored files only."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import polars as pl
from rich.console import Console

from robust_xtreme import registry
from robust_xtreme.report.averages import without_averages
from robust_xtreme.report.benchmarks import transposed
from robust_xtreme.report.cells import few_clusters, headline, perturbed
from robust_xtreme.report.columns import Shown
from robust_xtreme.report.evaluation import FAILED, UNREADABLE
from robust_xtreme.report.legend import legend
from robust_xtreme.report.render import html_tables, markdown_table, print_table, sections
from robust_xtreme.report.view import NO_AVERAGES, Results, View
from robust_xtreme.results.manifest import MANIFEST, frame_of, read_manifest
from robust_xtreme.results.schema import AVERAGES, DELTAS, SCORES
from robust_xtreme.sinks import code_block, markdown, visible

ON_TERMINAL: Final = ("overall", "overall_drops", "by_task", "by_language", "not_run")
ALPHA: Final = 0.05
_MOST_ROWS: Final = 150
"""The number of rows above which a view is not printed on a terminal."""


def page(
    scores: pl.DataFrame, deltas: pl.DataFrame, manifest: Mapping[str, Any], averages: pl.DataFrame = NO_AVERAGES
) -> str:
    """`report.md` of a run, from its frames SCORES, DELTAS and AVERAGES and its manifest: same input, same bytes."""
    results = Results(scores, deltas, manifest, averages)
    shown: list[Shown] = []
    blocks = ["# Degradation under noise", *_what_was_run(results)]
    for view in views():
        blocks += _view_blocks(view, results, shown)
    terms = [f"- **{markdown(term)}**: {visible(line)}" for term, line in legend(shown, results)]
    blocks += ["## Legend", "\n".join(terms)] if terms else []
    return "\n\n".join(blocks) + "\n"


def render(folder: Path) -> str:
    """The page of a run folder, of scores.csv, deltas.csv, averages.csv and manifest.json.

    Raises DataError, Mismatch.
    """
    manifest = read_manifest(folder / MANIFEST)
    scores = frame_of(folder, "scores.csv", SCORES, manifest)
    deltas = frame_of(folder, "deltas.csv", DELTAS, manifest)
    return page(scores, deltas, manifest, frame_of(folder, "averages.csv", AVERAGES, manifest))


def show(
    console: Console,
    scores: pl.DataFrame,
    deltas: pl.DataFrame,
    manifest: Mapping[str, Any],
    averages: pl.DataFrame = NO_AVERAGES,
    names: Sequence[str] = ON_TERMINAL,
) -> None:
    """Print views of a run on a terminal."""
    results = Results(scores, deltas, manifest, averages)
    for name in names:
        view: View = registry.load("view", name)
        made = view.make(results)
        if name == "overall":
            made = transposed(made)
        if name == "by_language" and made.height > _MOST_ROWS:
            console.print(f"\n{view.title}: {made.height} rows, in the report.", style="italic")
            continue
        for section, columns, rows in sections(made):
            print_table(console, f"{view.title}: {section}".removesuffix(": "), columns, rows)


def html(
    scores: pl.DataFrame, deltas: pl.DataFrame, manifest: Mapping[str, Any], averages: pl.DataFrame = NO_AVERAGES
) -> str:
    """The main tables of a run in HTML: each perturbed cell, or averages where these are many; else clean scores."""
    results = Results(scores, deltas, manifest, averages)
    names = ("by_language", "by_task") if deltas.height else ("clean_scores",)
    every: list[View] = [registry.load("view", name) for name in names]
    made = [(view, view.make(results)) for view in every]
    view, frame = next((pair for pair in made if pair[1].height <= _MOST_ROWS), made[-1])
    left = frame.height - _MOST_ROWS
    more = f"\n<p>{left} more rows are in the report.</p>" if left > 0 else ""
    return html_tables(view.title, frame.head(_MOST_ROWS)) + more


def views() -> list[View]:
    """Every view, in the order of the page."""
    views: list[View] = [registry.load("view", name) for name in registry.names("view")]
    return sorted(views, key=lambda view: (view.order, view.name))


def _view_blocks(view: View, results: Results, shown: list[Shown]) -> list[str]:
    """The blocks of one view; none if it has no rows. Its columns are added to `shown`."""
    blocks = []
    for section, columns, rows in sections(view.make(results)):
        blocks += [f"### {markdown(section)}"] if section else []
        blocks.append(markdown_table(columns, rows))
        shown += columns
    return [f"## {markdown(view.title)}", markdown(view.summary), *blocks] if blocks else []


def _what_was_run(results: Results) -> list[str]:
    manifest = results.manifest
    version, spec = (markdown(str(manifest.get(name, "unknown"))) for name in ("version", "spec_hash"))
    summary = f"robust-xtreme {version}, spec {spec}. Points from 0 to 100; every change is perturbed minus clean."
    lines = [
        f"{name} = {json.dumps(value, ensure_ascii=False, sort_keys=True)}"
        for name, value in sorted(manifest.get("spec", {}).items())
    ]
    blocks = [
        "## What was run",
        summary,
        *_partial(manifest),
        _claims(results),
        *map(markdown, without_averages(results)),
        *([code_block(lines)] if lines else []),
    ]
    if manifest.get("commands"):
        blocks += ["Commands:", code_block(list(manifest["commands"]))]
    margin = "pairs count from a margin of {} on, tuned on clean validation data"
    tuned = [f"{name}: {margin.format(value)}" for name, value in manifest.get("tuned", {}).items()]
    notes = [*_models(manifest), *manifest.get("overlap", ()), *manifest.get("notes", ())]
    notes += [*_representations(results), *tuned]
    return [*blocks, "\n".join(f"- {markdown(note)}" for note in notes)] if notes else blocks


def _partial(manifest: Mapping[str, Any]) -> list[str]:
    """Languages of tasks whose files cannot be read, and those with cells that failed."""
    reasons = {UNREADABLE: "files of {} cannot be read", FAILED: "cells of {} failed"}
    lines = []
    for reason, line in reasons.items():
        left_out = [cell for cell in manifest.get("not_run", ()) if cell["reason"] == reason]
        named = dict.fromkeys(f"{cell['task']} {cell['language']}" for cell in left_out)
        lines += [f"**Partial: {line.format(markdown(', '.join(named)))}.**"] if named else []
    return lines


def _claims(results: Results) -> str:
    """How many cells are tested and what the tests show, why the others are not tested, and how many have marks."""
    cells = headline(perturbed(results).filter(pl.col("scope") == "all"), results)
    marked = _counted(f"Marked, of all {cells.height}", _marks(cells))
    parts = (_tested(cells), _counted("Not tested", _not_tested(cells)), marked)
    return " ".join([f"{cells.height} perturbed cells of headline metrics.", *filter(None, parts)])


def _tested(cells: pl.DataFrame) -> str:
    """How many cells the declared family tests, and how many of them have a significant drop or gain."""
    tests = cells.filter(pl.col("p_adjusted").is_not_null())
    if tests.is_empty():
        return ""
    families = markdown("; ".join(tests.get_column("family").unique().sort()))
    significant = tests.filter(pl.col("p_adjusted") < ALPHA)
    drops, gains = (significant.filter(sign).height for sign in (pl.col("change") < 0, pl.col("change") > 0))
    shown = f"{drops} show a drop, {gains} a gain and {tests.height - drops - gains} neither"
    return f"{tests.height} are tested, as one family ({families}): {shown} (p adjusted below {ALPHA})."


def _not_tested(cells: pl.DataFrame) -> pl.Series:
    """The reason of each cell that is not tested."""
    reason = pl.coalesce("no_claim", few_clusters(), pl.lit("not at the highest strength"))
    return cells.filter(pl.col("p_adjusted").is_null()).select(reason).to_series()


def _marks(cells: pl.DataFrame) -> pl.Series:
    """Every mark of every cell."""
    return cells.select(pl.col("marks").str.split(", ").explode()).to_series().drop_nulls()


def _counted(title: str, values: pl.Series) -> str:
    """How often each value occurs, as a sentence; "" without any value."""
    several = values.to_list()
    counts = [f"{several.count(value)} {value}" for value in sorted(set(several))]
    return f"{title}: {', '.join(counts)}." if counts else ""


def _representations(results: Results) -> list[str]:
    """How each retrieval task represented texts and searched candidates."""
    cells = results.scores.filter(pl.col("inference").str.contains("representation=", literal=True))
    named = cells.select("task", "inference").unique().sort(pl.all())
    return [f"{task}: {inference}" for task, inference in named.rows()]


def _models(manifest: Mapping[str, Any]) -> list[str]:
    """Which model answered which tasks, one line per model."""
    tasks: dict[str, list[str]] = {}
    for model in manifest.get("models", ()):
        size = f", {model['params']:,} parameters" if isinstance(model.get("params"), int) else ""
        label = f"model {model.get('model')}, identity {model.get('identity')}{size}"
        tasks.setdefault(label, []).append(str(model.get("task", "every task")))
    return [f"{', '.join(names)}: {label}" for label, names in tasks.items()]
