"""The identity of imported examples: their ids as `eval` writes them, clusters, fingerprints and that of the data."""

from __future__ import annotations

from typing import Final

import polars as pl

from robust_xtreme.core.errors import Mismatch, shown
from robust_xtreme.core.examples import digest
from robust_xtreme.exchange.importing.items import GROUP
from robust_xtreme.noise.conditions.condition import CLEAN
from robust_xtreme.tasks.sources.rows import identity_of_rows

SPLIT: Final = ("task", "split", "language", "context_language")
"""What the examples of one set of data share."""

_SAME: Final = ("example", "fingerprint", "cluster")


def identified(items: pl.DataFrame, path: str) -> pl.DataFrame:
    """The items with whole ids, `task/split/language/id`, and with clusters, fingerprints and data where they had none.

    A cluster is then the id itself, so that items with one id in several languages are one unit; a fingerprint is the
    hash of id and gold. Raises Mismatch, naming the example, where gold answers differ between conditions.
    """
    check_clusters(items, path)
    origin = pl.concat_str("task", "split", paired(), separator="/") + pl.lit("/")
    native = pl.col("example").str.strip_prefix(origin)
    named = items.with_columns(example=origin + native, cluster=pl.coalesce("cluster", native))
    check_golds(named, path)
    return _with_data(_with_fingerprints(named))


def paired() -> pl.Expr:
    """The language of an example's id; of a pair `question@context`."""
    pair = pl.concat_str("language", "context_language", separator="@")
    return pl.when(pl.col("language") == pl.col("context_language")).then("language").otherwise(pair)


def check_clusters(items: pl.DataFrame, path: str) -> None:
    """Raise Mismatch where some rows of a task have a cluster and others do not."""
    without, others = pl.col("cluster").is_null(), pl.col("cluster").is_not_null().any().over("task")
    for task, first in items.filter(without & others).select("task", "example").head(1).iter_rows():
        raise Mismatch(f"{path}: the example {shown(first)} of {task} has no cluster, and others have one")


def check_golds(items: pl.DataFrame, path: str) -> None:
    """Raise Mismatch at an example without a fingerprint whose gold answer is another one under noise."""
    without = items.filter(pl.col("fingerprint").is_null(), pl.col("gold").is_not_null())
    key = [*GROUP[:-1], "example"]
    clean = without.filter(pl.col("condition") == CLEAN).select(*key, clean="gold").unique(key)
    pairs = without.join(clean, on=key).filter(pl.col("gold") != pl.col("clean"))
    if pairs.height:
        row = pairs.row(0, named=True)
        golds = f"{shown(row['gold'])} under {row['condition']}, and {shown(row['clean'])} in clean text"
        raise Mismatch(f"{path}: the gold of the example {shown(row['example'])} is {golds}. Give the clean one.")


def _with_fingerprints(items: pl.DataFrame) -> pl.DataFrame:
    missing = items.filter(pl.col("fingerprint").is_null()).select("example", "gold").unique(maintain_order=True)
    if missing.is_empty():
        return items
    hashes = [digest(example, gold or "") for example, gold in missing.iter_rows()]
    # Noisy rows may leave out a gold that the clean row has.
    of_example = missing.with_columns(made=pl.Series(hashes)).sort("example", "gold", nulls_last=True)
    first = of_example.unique("example", keep="first").select("example", "made")
    joined = items.join(first, on="example", how="left", maintain_order="left")
    return joined.with_columns(fingerprint=pl.coalesce("fingerprint", "made")).drop("made")


def _with_data(items: pl.DataFrame) -> pl.DataFrame:
    """The items; of each set of data the identity is that given, or the hash of its examples."""
    known = items.group_by(SPLIT, maintain_order=True).agg(
        given=pl.col("data").drop_nulls().first(), several=pl.col("data").drop_nulls().n_unique()
    )
    if (odd := known.filter(pl.col("several") > 1)).height:
        row = odd.row(0, named=True)
        raise Mismatch(f"The rows of {row['task']}/{row['language']} ({row['split']}) are of several sets of data.")
    clean = items.filter(pl.col("condition") == CLEAN).select(*SPLIT, *_SAME).unique()
    parts = clean.partition_by(SPLIT, as_dict=True, include_key=False)
    hashes = {key: identity_of_rows(rows.iter_rows()) for key, rows in parts.items()}
    made = [given or hashes.get(key, digest()) for *key_, given, _ in known.iter_rows() for key in [tuple(key_)]]
    return items.drop("data").join(
        known.select(SPLIT).with_columns(data=pl.Series(made, dtype=pl.String)),
        on=SPLIT,
        how="left",
        maintain_order="left",
    )
