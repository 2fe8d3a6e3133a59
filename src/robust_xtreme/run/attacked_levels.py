"""Levels that the attacks of a finished run leave, beside certificates of the same model, rows and settings."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Final

import polars as pl

from robust_xtreme.core.errors import Mismatch, counted
from robust_xtreme.core.specs import PerturbationSpec
from robust_xtreme.files.schema import ATTACKED, empty
from robust_xtreme.noise.conditions.condition import CLEAN, beside_attack
from robust_xtreme.report import blocks as doc
from robust_xtreme.report.charts.figures import ranges
from robust_xtreme.report.columns import points
from robust_xtreme.report.document import finished
from robust_xtreme.report.samples.choosing import rows_of
from robust_xtreme.run.task_run import TaskRun
from robust_xtreme.stats.degrade import without_fields

OF: Final = ("task", "split", "language")
_ITSELF: Final = ("attacked", "random", "clean")


def attacked_levels(folder: Path, runs: Sequence[TaskRun], radii: Sequence[int]) -> pl.DataFrame:
    """What attacks of a finished run left of the items of task runs, a row for each of them, attack and radius (edits).

    `attacked`, `random` (search; null without one) and `clean` are levels, `queries` and `edits` means over attacked
    and edited texts, `within` the share (%) of the edited with at most `radius` edits. Raises MissingData, DataError,
    and Mismatch where model, rows or settings are others, or nothing is attacked.
    """
    rows = rows_of(folder, manifest := finished(folder).manifest)
    stats, texts = pl.concat(rows.stats), pl.concat([empty(ATTACKED).lazy(), *rows.attacked])
    models = {entry["task"]: (entry["identity"], entry["model"]) for entry in manifest["models"]}
    data = {tuple(unit.get(name) for name in OF): unit.get("data") for unit in manifest["units"]}
    found = list[dict[str, Any]]()
    for run in runs:
        named = dict(zip(OF, (run.task.name, run.split, run.language), strict=True))
        identity, name = models.get(run.task.name, ("", ""))
        cell = {"model": name, "inference": run.inference, "task": run.task.name, "split": run.split}
        cell |= dict(zip(("language", "context_language"), run.languages, strict=True))
        left = texts.filter(**cell).collect()
        if (identity, data.get((*named.values(),))) != (run.model.identity, run.data) or left.is_empty():
            what = f"{folder} has no attack on {run.label} with the same model, rows and settings, {run.inference}"
            raise Mismatch(f"{what}. Give eval --perturb attack_letters:0.1@queries=50, and all else as here.")
        of_run = stats.filter(pl.col("metric").is_in(["accuracy", "token_accuracy"]), scope="all", **cell).collect()
        found += [{**named, **row} for row in _levels(of_run, left, radii)]
    return pl.DataFrame(found, infer_schema_length=None)


def _levels(stats: pl.DataFrame, texts: pl.DataFrame, radii: Sequence[int]) -> Iterator[dict[str, Any]]:
    """The rows of one task run; random search is beside its attack, and by itself where no attack has it."""
    sums = (pl.col("stats").list.get(at, null_on_oob=True).sum().alias(str(at)) for at in (0, 1))
    levels = {name: 100.0 * right / of for name, right, of in stats.group_by("condition").agg(sums).rows() if of}
    beside = {name: beside_attack(PerturbationSpec.parse(name), ())[0].name for name in texts["condition"].unique()}
    for name in sorted(beside.keys() - set(beside.values())):
        tried = texts.filter(~pl.col("skipped"), condition=name)
        edits = tried["graphemes"].filter(tried["graphemes"] > 0)
        random = beside[name] if beside[name] in beside else ""  # else it is the noise beside
        known = {"attack": without_fields(name), "queries": tried["queries"].mean(), "edits": edits.mean()}
        known |= dict(zip(_ITSELF, map(levels.get, (name, random, CLEAN)), strict=True))
        yield from ({**known, "radius": radius, "within": (100.0 * (edits <= radius)).mean()} for radius in radii)


def beside_attacks(table: pl.DataFrame) -> Iterator[doc.Block]:
    """A table and charts of certificates, joined with the levels that attacks leave, and what bounds what in them."""
    yield doc.Heading("Beside attacks")
    yield doc.Paragraph(
        "Smoothed model: no opponent within r edits leaves less than certified, and without one it reaches smoothed. "
        "Model itself, which has no certificate: an attack and random search edit what it gets right when clean, and "
        "what each leaves is an upper bound of what the worst opponent with such edits does. Neither model bounds the "
        "other: attacked may be below certified. In tagging sentences are attacked, and levels are of words. Queries: "
        "mean over attacked texts; edits: graphemes changed and inserted, mean over edited texts, and the share within."
    )
    cells = table.sort("radius", descending=True).partition_by(*OF, "attack", maintain_order=True)
    certified = [f"certified, {counted(edits, 'edit')}" for edits in cells[0]["radius"]]
    rows = [{**cell.row(0, named=True), **dict(zip(certified, cell["certified"], strict=True))} for cell in cells]
    levels = (*certified, "smoothed", *_ITSELF)
    names, numbers = ("task", "language", "attack"), (*levels, "queries", "edits", "within")
    lines = [[*(row[name] for name in names), *(points(row[name]) for name in numbers)] for row in rows]
    yield doc.grid((*names, *numbers[:-1], f"% within {rows[0]['radius']}"), lines, left=3)
    of = pl.when(pl.col("level").is_in(_ITSELF)).then(pl.lit("model itself")).otherwise(pl.lit("smoothed model"))
    drawn = pl.DataFrame(rows, infer_schema_length=None).unpivot(levels, index=names, variable_name="level")
    for (task, attack), each in drawn.drop_nulls().with_columns(of=of).group_by("task", "attack", maintain_order=True):
        yield doc.Chart(f"{task}, {attack}", "Right answers of both models, by language.", ranges(each), str(task))
