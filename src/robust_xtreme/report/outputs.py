"""Writes the results of runs as files: a page, text, tables of a paper, or data."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

import polars as pl

from robust_xtreme.core import registry
from robust_xtreme.core.errors import UserError
from robust_xtreme.core.sinks import encoded, json_text
from robust_xtreme.files import csv
from robust_xtreme.files.schema import CELL, SCHEMA_VERSION
from robust_xtreme.report import document
from robust_xtreme.report.blocks import NARROW, Block, Heading, Paragraph, ReportPage, Section
from robust_xtreme.report.cells import headline, in_order, perturbed, with_addresses, with_condition, zeroed
from robust_xtreme.report.charts.drawing import Drawing
from robust_xtreme.report.columns import narrow
from robust_xtreme.report.document import TITLE, slim, view_blocks
from robust_xtreme.report.html_page import page
from robust_xtreme.report.renderers import html, markdown, tex
from robust_xtreme.report.view import Results
from robust_xtreme.stats.claims import no_claim, unreached

CELLS: Final = (
    "model", "task", "split", "language", "context_language", "setting", "inference", "noise", "fields", "metric",
    "headline", "clean", "value", "change", "change_low", "change_high", "joint_change_low", "joint_change_high",
    "p_adjusted", "mde", "n", "clusters", "marks", "no_claim", "grapheme_edit_rate",
)  # fmt: skip
"""The columns of the cells as data. `change` is perturbed minus clean; the first metric of a task is its `headline`."""

SUFFIXES: Final = (".html", ".md", ".tex", ".csv", ".json")
"""The suffixes of the files of a run."""

_OF_FILES: Final = ("complete", "digest", "files", "parts")
"""What a manifest says of files beside it, of which the page is one."""


@dataclass(frozen=True, slots=True)
class Added:
    """What a page has beside the run: parts before its own, examples, files, and the `title`, if it is another.

    `draws` draws its charts.
    """

    parts: tuple[Section, ...] = ()
    examples: tuple[Section, ...] = ()
    files: Mapping[str, bytes] = field(default_factory=dict)
    draws: Drawing | None = None
    title: str = ""


NOTHING: Final = Added()


def written(results: Results, suffix: str, views: Sequence[str] = (), added: Added = NOTHING) -> bytes:
    """The content of a file by its suffix, one of SUFFIXES; `views` are all that it shows.

    A page has what is `added`, too.

    Raises UnknownName for a view or a suffix that does not exist, UserError for views of data.
    """
    for name in views:
        registry.load("view", name)
    if suffix not in SUFFIXES:
        raise UserError(f"There is no format {suffix or 'without a suffix'}. There are: {', '.join(SUFFIXES)}.")
    if views and suffix in (".csv", ".json"):  # which have every cell
        raise UserError(f"A {suffix} file has every cell and no views. Leave out --views, or write .html, .md or .tex.")
    match suffix:
        case ".html":
            return _html(results, views, added)
        case ".md":
            shown = _chosen(results, views) if views else document.document(results)
            parts = () if views else added.parts
            return encoded(markdown.render(ReportPage(shown.title, (*parts, *shown.blocks))))
        case ".tex":
            return _tex(results, views or ("languages_in_columns", "by_task", "overall"))
        case ".csv":
            return csv.table(cells(results))
    facts = {"schema_version": SCHEMA_VERSION, "spec": results.manifest.get("spec", {})}
    return _json({**facts, "cells": cells(results).to_dicts()})


def _html(results: Results, views: Sequence[str], added: Added) -> bytes:
    manifest = {key: value for key, value in results.manifest.items() if key not in _OF_FILES}
    files = {"cells.csv": csv.table(cells(results)), "manifest.json": _json(manifest), **added.files}
    shown = _chosen(results, views) if views else page(results, added.examples, added.parts, added.title)
    return encoded(html.page(shown, files, added.draws))


def _tex(results: Results, views: Sequence[str]) -> bytes:
    """Tables that have the columns which are always shown."""
    blocks: list[Block] = []
    for view in (registry.load("view", name) for name in views):
        shown = [narrow(table, NARROW) for table in slim(view, results)]
        blocks += [Heading(view.title), Paragraph(view.summary), *shown] if shown else []
    return encoded(tex.render(ReportPage(TITLE, tuple(blocks))))


def _chosen(results: Results, views: Sequence[str]) -> ReportPage:
    blocks = (block for name in views for block in view_blocks(registry.load("view", name), results))
    return ReportPage(TITLE, tuple(blocks))


def cells(results: Results) -> pl.DataFrame:
    """The perturbed cells of every metric over all items, as they are downloaded."""
    every = perturbed(results).filter(pl.col("scope") == "all").with_columns(headline=pl.col("metric_rank") == 0)
    return every.select(CELLS).with_columns(zeroed(pl.col(pl.Float64).exclude("p_adjusted").round(4)))


def _json(value: object) -> bytes:
    return encoded(json_text(value, indent=1, sort_keys=True) + "\n")


_CELL: Final = (*CELL, "metric", "scope")


def levels(results: Results) -> pl.DataFrame:
    """Those of the headline metrics as on the page, with the parts of the condition and `address`, the cell's name."""
    return with_addresses(in_order(with_condition(headline(every_level(results), results)), results))


def every_level(results: Results) -> pl.DataFrame:
    """SCORES of all metrics over all items, unrounded.

    Beside them are `drop`, `drop_low`, `drop_high`, `drop_p_adjusted` and `drop_marks` of DELTAS, null on clean text
    and of attacks. Cells are left out where the noise does not apply, edits nothing or does not reach the model.
    """
    beside = (pl.col(name).alias(f"drop_{name}") for name in ("low", "high", "p_adjusted", "marks"))
    drops = results.deltas.filter(no_claim().is_null()).select(*_CELL, "drop", *beside)
    scores = results.scores.filter(pl.col("scope") == "all", unreached().is_null())
    return scores.join(drops, on=_CELL, how="left", maintain_order="left")
