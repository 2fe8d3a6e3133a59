"""Imported examples whose ids one of our tasks has: with the gold, cluster and fingerprint that `eval` gives them."""

from __future__ import annotations

from typing import Final

import polars as pl

from robust_xtreme.core import registry
from robust_xtreme.core.errors import Mismatch, UnknownName, shown
from robust_xtreme.core.examples import Choice, Example, target_json
from robust_xtreme.core.sinks import json_text
from robust_xtreme.core.specs import TaskSpec
from robust_xtreme.core.targets.kinds import SPAN_QA
from robust_xtreme.exchange.importing.answers import parsed
from robust_xtreme.exchange.importing.identity import SPLIT
from robust_xtreme.tasks.sources.loading import load
from robust_xtreme.tasks.sources.pools import Pools
from robust_xtreme.tasks.sources.source import open_source

_GIVEN: Final = ("cluster", "fingerprint", "gold")


def with_known(items: pl.DataFrame, data: str, path: str) -> pl.DataFrame:
    """The items with the gold, cluster and fingerprint of the examples with their ids, whole or native, in a source.

    Raises UnknownName for a task that is not ours, MissingData where the source does not have a split, Mismatch at an
    id that the split does not have or whose gold is another one there.
    """
    pools = Pools(open_source(data))
    parts = items.partition_by(SPLIT, maintain_order=True)
    return pl.concat([_known(rows, pools, path) for rows in parts])


def _known(rows: pl.DataFrame, pools: Pools, path: str) -> pl.DataFrame:
    name, split, question, context = rows.select(SPLIT).row(0)
    if name not in registry.names("task"):
        raise UnknownName("task", name, registry.names("task"), "robust-xtreme list tasks")
    task: TaskSpec = registry.load("task", name)
    language = question if question == context else f"{question}@{context}"
    examples = load(task, pools.source, language, split, pools).examples
    ours = pl.DataFrame([_row(example, task) for example in examples], _SCHEMA, orient="row")
    origin = f"{name}/{split}/{language}/"
    whole = pl.when(pl.col("example").str.starts_with(origin)).then("example").otherwise(origin + pl.col("example"))
    joined = rows.with_columns(example=whole).join(ours, on="example", how="left", maintain_order="left")
    _check(joined, task, path)
    filled = [pl.coalesce(f"our_{column}", column).alias(column) for column in _GIVEN]
    return joined.with_columns(filled).select(rows.columns)


_SCHEMA: Final = {"example": pl.String, **{f"our_{name}": pl.String for name in _GIVEN}}


def _row(example: Example, task: TaskSpec) -> tuple[str, str, str, str]:
    gold = target_json(example.target)
    if isinstance(example.target, Choice) and task.labels:
        gold = task.labels[example.target.index]
    if task.family == SPAN_QA.name:
        context, spans = example.texts["context"], getattr(example.target, "spans", ())
        gold = json_text([context.at(span) for span in spans])
    return example.id, example.cluster, example.fingerprint, gold


def _check(joined: pl.DataFrame, task: TaskSpec, path: str) -> None:
    """Raise Mismatch at an id that the split does not have, or whose gold or fingerprint is another one there."""
    if (unknown := joined.filter(pl.col("our_cluster").is_null())).height:
        what = f"the example {shown(unknown.item(0, 'example'))} is not in the data of --data"
        raise Mismatch(f"{path}: {what}. Is it another split? See --split")
    pairs = joined.select("gold", "our_gold").unique().drop_nulls()
    other = [(given, ours) for given, ours in pairs.rows() if not _same(given, ours, task)]
    wrong = joined.join(pl.DataFrame(other, pairs.schema, orient="row"), on=["gold", "our_gold"], how="semi")
    if wrong.height:
        row = wrong.row(0, named=True)
        what = f"the gold of the example {shown(row['example'])} is {shown(row['gold'])}, in the data of --data it is"
        raise Mismatch(f"{path}: {what} {shown(row['our_gold'])}")


def _same(given: str, ours: str, task: TaskSpec) -> bool:
    """Whether a gold answer as given is ours; of texts of answers some of them."""
    left, right = (parsed(gold, task.family, task.labels) for gold in (given, ours))
    if isinstance(left, tuple) and isinstance(right, tuple) and task.family == SPAN_QA.name:
        return set(left) <= set(right)
    return left == right
