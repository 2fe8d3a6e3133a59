"""Selects the examples of a run that are shown: the largest losses of each task and language, and keyed draws."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final, Self

import numpy as np
import polars as pl

from robust_xtreme.core.errors import DataError
from robust_xtreme.core.metric import ALL, named
from robust_xtreme.core.randomness import draws, salt, text_keys
from robust_xtreme.files import store
from robust_xtreme.files.manifest import check_file
from robust_xtreme.files.schema import ATTACKED, CELL, PREDICTIONS, STATS, Frame, empty
from robust_xtreme.noise.conditions.condition import LIKE, likened
from robust_xtreme.report.cells import highest
from robust_xtreme.report.summary import headline_cells
from robust_xtreme.report.view import Results
from robust_xtreme.stats.merging import BASE, blocks, together

MOST: Final = 3000
"""The most examples of a page."""

WRONG, RIGHT, SAME = BECAME = ("wrong", "right", "same")
"""What noise makes of the answer to an example: it scores lower than the answer to the clean text, higher, or alike."""

PREDICTED: Final = "predictions.parquet"
_STATS: Final = "stats.parquet"
_PARTS, _ATTACKED = "parts", "attacked"
CLEAN: Final = "clean"
_SEEDS: Final = 1 << 20
_GROUP: Final = ("task", "split", "language")
_SHOWN: Final = ("cell", "address", "column", "task", "split", "language", "noise", "metric", "seeds")
ITEM: Final = ("cell", "base", "noise_seed", "example")
OF_CELL: Final = {f"cell_{name}": name for name in CELL}
"""The columns of a cell by what they are called beside those that views show otherwise."""

_BASE: Final = tuple(f"cell_{name}" for name in BASE)
_ANSWERED: Final = ("prediction", "answer", "gold")
_REALISED: Final = ("status", "nominal", "operators", "grapheme_edit_rate", "word_edit_rate", "tokens_clean", "tokens")


@dataclass(frozen=True, slots=True)
class SampleRows:
    """PREDICTIONS of some runs, and STATS of each, sorted, of which some rows are read at a time.

    `attacked` are ATTACKED of those that have attacks. With `divided`, STATS are those of each task run.
    """

    predictions: pl.LazyFrame
    stats: tuple[pl.LazyFrame, ...]
    attacked: tuple[pl.LazyFrame, ...] = ()
    divided: bool = False

    def of_models(self, names: Mapping[str, str]) -> Self:
        """The same with other names of the models."""
        named = pl.col("model").replace(names)
        stats, attacked = (tuple(rows.with_columns(named) for rows in each) for each in (self.stats, self.attacked))
        return replace(self, predictions=self.predictions.with_columns(named), stats=stats, attacked=attacked)


@dataclass(frozen=True, slots=True)
class ExampleChoice:
    """Which examples are wanted; an empty tuple means all.

    A noise is a perturbation, at its highest strength, or a condition, `char_noise:0.05`. `each` is the most of a task
    and language, `most` that of all. With `drawn`, a third are drawn from all, and each noise has one that it
    spoilt; else they are those that lose most.
    """

    tasks: tuple[str, ...] = ()
    languages: tuple[str, ...] = ()
    noises: tuple[str, ...] = ()
    became: tuple[str, ...] = ()
    ids: tuple[str, ...] = ()
    each: int = 6
    most: int = MOST
    drawn: bool = True


def rows_of(folder: Path, manifest: Mapping[str, Any]) -> SampleRows:
    """The frames of a finished run. Raises DataError where a file is not the one that the run wrote."""
    for name in (PREDICTED, _STATS):
        check_file(folder, name, manifest)
    stats = _scanned(folder / _STATS, STATS)
    return SampleRows(_scanned(folder / PREDICTED, PREDICTIONS), (stats,), attacked_of(folder, manifest))


def attacked_of(folder: Path, manifest: Mapping[str, Any]) -> tuple[pl.LazyFrame, ...]:
    """ATTACKED of a run's task runs, as far as its parts are there. Raises DataError where one was changed."""
    digests = manifest.get("parts", {})
    units = ((unit["task"], unit["language"], unit["split"]) for unit in manifest.get("units", ()))
    paths = [path for names in units if (path := store.part_path(folder / _PARTS, *names, _ATTACKED)).is_file()]
    for path in paths:
        if digests.get(path.name) not in (None, store.sha256(path)):
            raise DataError(path, "was changed after the run wrote it. The command of the run writes it again.")
    return tuple(_scanned(path, ATTACKED) for path in paths if path.name in digests)


def _scanned(path: Path, frame: Frame) -> pl.LazyFrame:
    with store.reading(path):
        scanned = store.scan_frame(path)
        missing = set(frame.columns) - set(scanned.collect_schema())
    if missing:
        raise DataError(path, f"has no column {min(missing)}")
    return scanned


def chosen(results: Results, rows: SampleRows, wanted: ExampleChoice) -> pl.DataFrame:
    """The examples that are shown, a row each, sorted by language and task, the largest loss first.

    Of each cell it has the parts of its name and its `address`; of each example `value` and `value_clean`, its headline
    metric from 0 to 100 under noise and clean, `loss` = clean - noisy, `became`, whether it is `drawn` at random, and
    the columns of PREDICTIONS, those of the clean prediction with `_clean` after their names. Of an attack, and of what
    edits as many clusters, `attack` is the attack's name, and `changes` its edits. The same run gives the same rows.
    """
    cells = cells_of(results, wanted)
    every = pl.concat([_candidates(*part, results.manifest, wanted) for part in parts_of(cells, rows)])
    shown = _within(every.filter(~pl.col("spare")), wanted)
    if wanted.drawn:  # a noise has at least one, so that a page shows what it does
        noises = cells.select("cell", "noise")
        lost = every.filter(pl.col("loss") > 0).join(noises, on="cell").sort(-pl.col("loss"), "cell")
        known = shown.filter(pl.col("loss") > 0).join(noises, on="cell").get_column("noise").implode()
        first = lost.filter(~pl.col("noise").is_in(known)).unique("noise", keep="first", maintain_order=True)
        shown = pl.concat([shown, first.with_columns(drawn=pl.lit(False)).select(shown.columns)])
    shown = shown.drop("task", "split", "language", "spare")
    return with_predictions(shown.join(cells, on=("cell", "base")), rows)


def cells_of(results: Results, wanted: ExampleChoice) -> pl.DataFrame:
    """The cells that examples come from: of headline metrics, at the highest strength unless a noise is named."""
    raw = (pl.col(name).alias(renamed) for renamed, name in OF_CELL.items())
    every = headline_cells(replace(results, deltas=results.deltas.with_columns(raw)))
    every = every.with_columns(cell=pl.int_range(pl.len()))
    if wanted.noises:
        at_strength = every.filter(pl.col("noise").is_in(wanted.noises) | pl.col("condition").is_in(wanted.noises))
        by_name = highest(every).filter(pl.col("perturbation").is_in(wanted.noises))
        every = pl.concat([by_name, at_strength]).unique(maintain_order=True)
    else:
        every = highest(every)
    named = (("task", wanted.tasks), ("cell_language", wanted.languages))
    asked = [pl.col(column).is_in(names) for column, names in named if names]
    cells = every.filter(pl.lit(True), *asked)
    base = pl.concat_str(_BASE, separator="\0")
    return cells.select(*_SHOWN, *OF_CELL, base=base.rank("dense"))


def parts_of(cells: pl.DataFrame, rows: SampleRows) -> Iterator[tuple[pl.DataFrame, pl.LazyFrame]]:
    """Cells with rows of STATS, some at a time, which have all or nothing of a cell; first none, with the columns."""
    yield cells.clear(), rows.stats[0].limit(0)
    if rows.divided:
        sized = together(rows.stats, lambda part: int(part.select(pl.len()).collect().item()))
        yield from ((cells, pl.concat(several)) for several in sized)
        return
    of_base = cells.partition_by(_BASE, as_dict=True)
    for of_run in rows.stats:
        wanted = (block for block in blocks(of_run) if block.key in of_base)
        for several in together(wanted, lambda block: block.height):
            of_blocks = pl.concat([of_base[block.key] for block in several])
            first, last = several[0], several[-1]  # with what is between them: each slice opens the file
            yield of_blocks, of_run.slice(first.start, last.start + last.height - first.start)


def _candidates(
    cells: pl.DataFrame, stats: pl.LazyFrame, manifest: Mapping[str, Any], wanted: ExampleChoice
) -> pl.DataFrame:
    """The examples of some cells that `_within` can select, whatever other cells there are, ranked."""
    losses = losses_of(cells, stats, wanted)
    ranked = _ranked(losses.join(cells.select("cell", *_GROUP), on="cell"), manifest)
    lost = ranked.filter(pl.col("loss") > 0) if wanted.drawn else ranked
    largest = _first(lost.sort("rank", -pl.col("loss"), "cell"), wanted.each)
    drawn = _first(ranked.sort("draw", "cell"), 2 * wanted.each)
    several = pl.concat([largest, drawn]).unique(ITEM, maintain_order=True)
    others = ranked.filter(pl.col("rank") == 0).join(several, on=ITEM, how="anti")
    return pl.concat([each.with_columns(spare=pl.lit(each is others)) for each in (several, others)])


def _first(examples: pl.DataFrame, many: int) -> pl.DataFrame:
    """The first ones of each task and language."""
    return examples.group_by(_GROUP, maintain_order=True).head(many).select(examples.columns)


def losses_of(cells: pl.DataFrame, stats: pl.LazyFrame, wanted: ExampleChoice) -> pl.DataFrame:
    """The value of each example of the cells, clean and noisy."""
    noisy = cells.select("cell", "base", "metric", *OF_CELL).rename(OF_CELL)
    clean = noisy.unique(BASE, maintain_order=True).with_columns(condition=pl.lit(CLEAN))
    # Whole items among which those of the cells are: with their models, conditions and metrics.
    keys = pl.concat([noisy, clean])
    alike = [pl.col(name).is_in(keys.get_column(name).unique().to_list()) for name in ("model", "condition", "metric")]
    alike += [pl.col("example").is_in(wanted.ids)] if wanted.ids else []
    found = stats.filter(pl.col("scope") == ALL, *alike).select(*CELL, "noise_seed", "example", "metric", "stats")
    some = found.collect(engine="streaming")
    at_noise, at_clean = (_values(some, keys) for keys in (noisy, clean))
    paired = at_noise.join(at_clean.select("base", "example", value_clean="value"), on=("base", "example"))
    loss = pl.col("value_clean") - pl.col("value")
    became = pl.when(loss > 0).then(pl.lit(WRONG)).when(loss < 0).then(pl.lit(RIGHT)).otherwise(pl.lit(SAME))
    measured = paired.with_columns(loss=loss, became=became)
    return measured.filter(pl.col("became").is_in(wanted.became)) if wanted.became else measured


def _values(stats: pl.DataFrame, keys: pl.DataFrame) -> pl.DataFrame:
    """The value of each example of some cells; one without anything to count, and nothing counted, is right."""
    picked = stats.join(keys, on=[*CELL, "metric"]).select(*ITEM, "metric", "stats")
    parts = [picked.clear().select(*ITEM, value=pl.lit(0.0))]
    for part in picked.partition_by("metric"):
        sums = part.get_column("stats").explode().to_numpy().reshape(part.height, -1)
        values = np.where(sums.any(axis=1), named(part.item(0, "metric")).reduce(sums), 100.0)
        parts.append(part.select(*ITEM, pl.Series("value", values)))
    return pl.concat(parts)


def _ranked(losses: pl.DataFrame, manifest: Mapping[str, Any]) -> pl.DataFrame:
    """The examples with `draw`, a keyed draw, and `rank`, how many of their cell lose more, ties by draw."""
    ids = losses.get_column("example").unique().sort()
    keys = text_keys(salt("samples", str(manifest.get("spec_hash", ""))), ids.to_list())
    keyed = pl.DataFrame({"example": ids, "key": keys})
    ranked = losses.join(keyed, on="example")
    numbers = ranked.select(pl.col("cell") * _SEEDS + pl.col("noise_seed")).to_series().to_numpy()
    drawn = draws(ranked.get_column("key").to_numpy(), numbers)
    ranked = ranked.with_columns(pl.Series("draw", drawn)).sort("cell", -pl.col("loss"), "draw", "example")
    return ranked.with_columns(rank=pl.int_range(pl.len()).over("cell")).drop("key")


def _within(ranked: pl.DataFrame, wanted: ExampleChoice) -> pl.DataFrame:
    """As many of each task and language as there is room for, evenly over its cells; `drawn` tells which were."""
    by_loss = ranked.sort("rank", -pl.col("loss"), "cell", maintain_order=True)
    if not wanted.drawn:
        largest = by_loss.group_by(_GROUP, maintain_order=True).head(wanted.each)
        return largest.sort("rank", -pl.col("loss"), "draw").head(wanted.most).with_columns(drawn=pl.lit(False))
    each = max(1, min(wanted.each, wanted.most // max(1, ranked.select(_GROUP).n_unique())))
    lost = by_loss.filter(pl.col("loss") > 0).group_by(_GROUP, maintain_order=True).head(each - each // 3)
    left = ranked.join(lost, on=ITEM, how="anti").sort("draw", "cell")
    room = lost.group_by(_GROUP).len("taken")
    left = left.join(room, on=_GROUP, how="left").with_columns(pl.col("taken").fill_null(0))
    more = left.filter(pl.int_range(pl.len()).over(_GROUP) < each - pl.col("taken").cast(pl.Int64)).drop("taken")
    parts = ((lost, False), (more, True))
    return pl.concat([rows.select(*ranked.columns, drawn=pl.lit(drawn)) for rows, drawn in parts]).head(wanted.most)


def with_predictions(shown: pl.DataFrame, rows: SampleRows) -> pl.DataFrame:
    """The examples with their predictions, noisy and clean, and the edits of attacks, in order."""
    ids = shown.get_column("example").unique().to_list()
    asked = rows.predictions.filter(pl.col("example").is_in(ids))
    kept = asked.select(*CELL, "noise_seed", "example", *_ANSWERED, *_REALISED).collect(engine="streaming")
    noisy = shown.join(kept, left_on=[*OF_CELL, "noise_seed", "example"], right_on=[*CELL, "noise_seed", "example"])
    renamed = {name: f"{name}_clean" for name in _ANSWERED}
    clean = kept.filter(pl.col("condition") == CLEAN).select(*BASE, "example", *_ANSWERED).rename(renamed)
    noisy = noisy.join(clean, left_on=[*_BASE, "example"], right_on=[*BASE, "example"], how="left")
    both = _with_changes(noisy, rows.attacked, ids)
    order = ("language", "task", "split", "loss", "address", "example", "noise_seed")
    return both.sort(*order, descending=[name == "loss" for name in order])


def _with_changes(shown: pl.DataFrame, attacked: Sequence[pl.LazyFrame], ids: Sequence[str]) -> pl.DataFrame:
    """The examples with the attack that they are under, or that has as many edits, and its edits; null elsewhere."""
    some = pl.col("example").is_in(ids)
    keys = (*BASE, "condition", "noise_seed", "example")
    parts = [rows.filter(some).select(*keys, changes="edits").collect() for rows in attacked]
    edits = pl.concat([empty(ATTACKED).select(*keys, changes="edits"), *parts])
    attacks = edits.get_column("condition").unique().to_list()
    names = {likened(name): name for name in attacks} | {name: name for name in attacks}
    condition = pl.col("cell_condition")
    after = pl.concat_str(pl.lit(LIKE), condition.str.split_exact(LIKE, 1).struct.field("field_1"))
    suffix = pl.when(condition.str.contains(LIKE, literal=True)).then(after).otherwise(condition)
    shown = shown.with_columns(attack=suffix.replace_strict(names, default=None, return_dtype=pl.String))
    return shown.join(edits, left_on=[*_BASE, "attack", "noise_seed", "example"], right_on=keys, how="left")
