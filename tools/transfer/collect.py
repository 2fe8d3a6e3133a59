"""Gathers what the evaluations say: a row a run, language and metric; claims over seeds; and the rows of MODELS."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from statistics import fmean
from typing import Final

import polars as pl
from tools.transfer.plan import CONTROLS, EVALUATED, MIX, NONE, Chain, Study
from tools.transfer.work import evaluations

from robust_xtreme import registry
from robust_xtreme.results import store
from robust_xtreme.results.schema import MODELS, SCORES, Column, Frame, build
from robust_xtreme.results.training_claims import CLAIMS, VALUES, claims
from robust_xtreme.results.transfer import with_transfer

AVERAGE: Final = "transfer average"

RUNS: Final = Frame(
    "runs",
    {
        **{name: Column(pl.String) for name in ("arm", "target")},
        "seed": Column(pl.Int64),
        **{name: Column(pl.String) for name in ("language", "split", "metric")},
        "value": Column(pl.Float64),
        **{name: Column(pl.Int64) for name in ("n", "clusters")},
        "baseline": Column(pl.Float64, nullable=True),
        "at_floor": Column(pl.Boolean),
        "left_out": Column(pl.String, nullable=True),
        "model": Column(pl.String),
    },
    ("arm", "target", "seed", "language", "metric"),
)
"""One row a training run, language and metric, clean; `left_out` says why a cell shows no transfer."""


def collect(study: Study) -> tuple[pl.DataFrame, pl.DataFrame]:
    """RUNS and MODELS of every finished evaluation."""
    found = [(chain, folder) for chain in study.chains() for folder in evaluations(study, chain)]
    runs = [_runs(chain, folder) for chain, folder in found]
    models = [store.read_frame(folder / "models.csv", MODELS) for _, folder in found]
    every = pl.concat(models).unique("model", keep="first", maintain_order=True) if models else build([], MODELS)
    return build(pl.concat(runs).to_dicts() if runs else [], RUNS), every


def _runs(chain: Chain, folder: Path) -> pl.DataFrame:
    scores = store.read_frame(folder / "scores.csv", SCORES)
    rows = with_transfer(scores, store.read_frame(folder / "models.csv", MODELS)).filter(
        pl.col("condition") == "clean", pl.col("scope") == "all", _is_headline(scores)
    )
    named = rows.rename({"task": "target"}).with_columns(arm=pl.lit(chain.arm), seed=pl.lit(chain.seed, pl.Int64))
    return named.select(list(RUNS.columns))


def _is_headline(scores: pl.DataFrame) -> pl.Series:
    first = {name: registry.load("task", name).metrics[0] for name in EVALUATED}
    return pl.Series([first.get(task) == metric for task, metric in scores.select("task", "metric").iter_rows()])


def values(runs: pl.DataFrame) -> pl.DataFrame:
    """VALUES: the mean over languages of each run and target, and the average over targets that no arm is flagged in.

    Languages count where every run has them, targets in the average where every arm shows transfer there.
    """
    averaged = transfer_targets(runs)
    found: dict[tuple[str, str, int], list[float]] = {}
    for arm, target, seed, value in _everywhere(runs).select("arm", "target", "seed", "value").iter_rows():
        found.setdefault((arm, target, seed), []).append(value)
    means = {key: fmean(several) for key, several in found.items()}
    for arm, seed in {(arm, seed) for arm, _, seed in found}:
        own = [means[arm, target, seed] for target in averaged if (arm, target, seed) in means]
        if own and len(own) == len(averaged):
            means[arm, AVERAGE, seed] = fmean(own)
    rows = [(arm, cell, seed, value) for (arm, cell, seed), value in sorted(means.items())]
    return pl.DataFrame(rows, schema=VALUES.schema, orient="row")


def _everywhere(runs: pl.DataFrame) -> pl.DataFrame:
    """The rows of languages that every run of their target has (a cell that failed somewhere counts nowhere)."""
    each = pl.len().over("target", "language")
    return runs.filter(each == each.max().over("target"))


def transfer_targets(runs: pl.DataFrame) -> list[str]:
    """The targets in which no cell of any arm is left out, in order."""
    flagged = set(runs.filter(pl.col("left_out").is_not_null())["target"].to_list())
    there = set(runs["target"].to_list())
    return [one for one in EVALUATED if one in there and one not in flagged]


def flagged(runs: pl.DataFrame) -> list[tuple[str, str]]:
    """Targets and arms whose cells show no transfer, sorted."""
    return sorted(set(runs.filter(pl.col("left_out").is_not_null()).select("target", "arm").iter_rows()))


def tests(runs: pl.DataFrame) -> pl.DataFrame:
    """CLAIMS: each arm against none, flagged cells as a family of their own; and the mix against its controls."""
    means = values(runs)
    apart = flagged(runs)
    every = [(cell, arm) for arm, cell in _pairs(means) if arm != NONE and _both(means, NONE, arm, cell)]
    found = [
        _family(means, NONE, [one for one in every if one not in apart and one[0] != AVERAGE]),
        _family(means, NONE, [one for one in every if one[0] == AVERAGE]),
        _family(means, NONE, [one for one in every if one in apart]),
        *(_family(means, one, _of_mix(means, one, apart)) for one in CONTROLS),
    ]
    return pl.concat(found).sort("reference", "cell", "arm")


def _family(means: pl.DataFrame, reference: str, family: Sequence[tuple[str, str]]) -> pl.DataFrame:
    return claims(means, reference, family) if family else build([], CLAIMS)


def _of_mix(means: pl.DataFrame, control: str, apart: Iterable[tuple[str, str]]) -> list[tuple[str, str]]:
    """Cells in which the mix is compared with a control: the average, and targets that are flagged in neither."""
    cells = sorted({cell for arm, cell in _pairs(means) if arm == MIX and _both(means, control, MIX, cell)})
    flags = set(apart)
    return [(cell, MIX) for cell in cells if (cell, MIX) not in flags and (cell, control) not in flags]


def _pairs(means: pl.DataFrame) -> list[tuple[str, str]]:
    return sorted(set(means.select("arm", "cell").iter_rows()))


def _both(means: pl.DataFrame, one: str, other: str, cell: str) -> bool:
    """Whether two arms have a seed in common in a cell."""
    seeds = [set(means.filter(pl.col("arm") == arm, pl.col("cell") == cell)["seed"].to_list()) for arm in (one, other)]
    return bool(seeds[0] & seeds[1])
