"""What the manifest of an imported run says: what was answered by which model, on which data, and notes."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import polars as pl

from robust_xtreme import __version__
from robust_xtreme.core.errors import counted
from robust_xtreme.exchange.importing.frames import answering
from robust_xtreme.exchange.importing.identity import SPLIT, paired
from robust_xtreme.exchange.importing.items import GROUP, whole
from robust_xtreme.files.manifest import IMPORTED
from robust_xtreme.files.schema import SCHEMA_VERSION
from robust_xtreme.noise.conditions.condition import CLEAN


def manifest_of(items: pl.DataFrame, tasks: Mapping[str, Any], more: Mapping[str, Any]) -> dict[str, Any]:
    """The manifest of imported items and the facts of their tasks, with `more` entries; its notes come first."""
    rows = answering(items)
    noisy = rows.filter(pl.col("condition") != CLEAN)
    spec = {
        "tasks": sorted(tasks),
        "languages": sorted(set(rows.get_column("language"))),
        "split": ", ".join(sorted(set(rows.get_column("split")))),
        "perturb": sorted(set(noisy.get_column("condition"))),
        "seeds": max(1, noisy.get_column("noise_seed").n_unique()),
    }
    answered = rows.select("task", "model").unique().sort("task").iter_rows()
    return {
        "schema_version": SCHEMA_VERSION,
        "version": __version__,
        "spec": spec,
        "device": IMPORTED,
        "models": [{"task": task, "model": model, "identity": "", "source": IMPORTED} for task, model in answered],
        "tasks": dict(tasks),
        "units": _units(rows),
        "not_run": [],
        **more,
        "notes": [*more.get("notes", ()), *_of_clusters(rows), *_notes(rows), *_of_noise(rows)],
    }


def _units(rows: pl.DataFrame) -> list[dict[str, Any]]:
    clean = rows.filter(pl.col("condition") == CLEAN)
    sizes = clean.group_by(*SPLIT, "data", maintain_order=True).agg(
        rows=pl.col("example").n_unique(), clusters=pl.col("cluster").n_unique()
    )
    names = ("task", "language", "split", "data", "rows", "clusters")
    in_pairs = sizes.sort(SPLIT).with_columns(language=paired()).select(names)
    return [{**row, "files": []} for row in in_pairs.iter_rows(named=True)]


def _of_clusters(rows: pl.DataFrame) -> list[str]:
    """Which tasks have examples as clusters."""
    clean = rows.filter(pl.col("sums").is_null(), pl.col("condition") == CLEAN)
    sizes = clean.group_by("task", "language").agg(alone=pl.col("cluster").n_unique() == pl.col("example").n_unique())
    alone = sizes.group_by("task").agg(pl.col("alone").all()).filter("alone").get_column("task").sort().to_list()
    return [f"{', '.join(alone)}: examples as clusters, each resampled by itself."] if alone else []


def _notes(rows: pl.DataFrame) -> Sequence[str]:
    """What a reader has to know of the answers."""
    cell = ("task", "language", "condition")
    nothing = pl.all_horizontal(pl.col("prediction", "scores", "sums").is_null())
    unparsed = nothing | (pl.col("status") == "unparsed").fill_null(False)
    other = unparsed & pl.col("answer").is_not_null()
    counts = rows.group_by(cell).agg(n=pl.len(), none=(unparsed & ~other).sum(), other=other.sum()).sort(cell)
    whats = {"none": "no prediction was found", "other": "the prediction is none of the choices"}
    return [
        f"{row['task']}/{row['language']} {row['condition']}: {what} in "
        f"{row[name]:,} of {counted(row['n'], 'answer')}, which count as no answer."
        for row in counts.iter_rows(named=True)
        for name, what in whats.items()
        if row[name]
    ]


def _of_noise(rows: pl.DataFrame) -> Iterator[str]:
    """Answers that noise cannot have changed, rates above all characters, and languages with fewer noise seeds."""
    key, cell = (*GROUP[:-1], "example"), ("task", "condition", "language")
    known = whole(rows.filter(pl.col("sums").is_null()), ("edits", "grapheme_edit_rate"))
    noisy = known.filter(pl.col("condition") != CLEAN)
    pairs = noisy.filter(edits=0).join(known.filter(condition=CLEAN).select(*key, clean="prediction"), on=key)
    differ = pairs.filter(pl.col("prediction") != pl.col("clean")).group_by(cell).len().sort(cell)
    for task, condition, language, count in differ.iter_rows():
        what = f"{counted(count, 'answer')} differ from clean text where nothing was edited"
        yield f"{task}/{language} {condition}: {what}."
    cells = noisy.group_by(cell).agg(pl.col("grapheme_edit_rate").mean(), pl.col("noise_seed").n_unique()).sort(cell)
    for task, condition, language, rate, _ in cells.filter(pl.col("grapheme_edit_rate") > 1).iter_rows():
        yield f"{task}/{language} {condition}: the mean grapheme_edit_rate is {rate:.3g}; it is a share, no percentage."
    for (task, condition), of_task in cells.group_by("task", "condition", maintain_order=True):
        few, *_, most = of_task.sort("noise_seed", "language").select("noise_seed", "language").rows() * 2
        if few[0] < most[0]:
            seeds = f"{few[1]} has {counted(few[0], 'noise seed')}, {most[1]} {most[0]:,}"
            yield f"{task} {condition}: {seeds}; an average over languages counts each language alike."
