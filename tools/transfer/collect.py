"""Gathers what the evaluations say: a row a run, language and metric; claims over seeds; and the rows of MODELS."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from statistics import fmean
from typing import Final

import polars as pl
from tools.transfer.claims import CLAIMS, VALUES, claims
from tools.transfer.plan import CONTROLS, EVALUATED, MASKED, MIX, NONE, Chain, Study
from tools.transfer.work import evaluations

from robust_xtreme import registry
from robust_xtreme.results import store
from robust_xtreme.results.schema import MODELS, SCORES, Column, Frame, build
from robust_xtreme.results.stages import OWN

AVERAGE: Final = "transfer average"
OVERLAP: Final = "overlap"

RUNS: Final = Frame(
    "runs",
    {
        **{name: Column(pl.String) for name in ("arm", "target")},
        "seed": Column(pl.Int64),
        **{name: Column(pl.String) for name in ("language", "split", "metric")},
        "value": Column(pl.Float64),
        **{name: Column(pl.Int64) for name in ("n", "clusters")},
        "chance": Column(pl.Float64, nullable=True),
        "near_chance": Column(pl.Boolean, nullable=True),
        "left_out": Column(pl.String, nullable=True),
        "model": Column(pl.String),
    },
    ("arm", "target", "seed", "language", "metric"),
)
"""One row a training run, language and metric, clean; `left_out` says why a cell shows no transfer."""


def collect(study: Study) -> tuple[pl.DataFrame, pl.DataFrame]:
    """RUNS and MODELS of every finished evaluation."""
    evaluated = [(chain, folder) for chain in study.chains() for folder in evaluations(study, chain)]
    runs = [_runs(chain, folder) for chain, folder in evaluated]
    models = [store.read_frame(folder / "models.csv", MODELS) for _, folder in evaluated]
    every = pl.concat(models).unique("model", keep="first", maintain_order=True) if models else build([], MODELS)
    return build(pl.concat(runs).to_dicts() if runs else [], RUNS), _counted_alike(every)


def _counted_alike(models: pl.DataFrame) -> pl.DataFrame:
    """MODELS in which masked LM on the texts of examples has as many of them as the tasks learned from the same data.

    The same data identity is the same examples; runs of an older version counted the texts in their place.
    """
    rows = [*models.iter_rows(named=True)]
    stages = [[stage for stage in json.loads(row["stages"] or "[]") if stage["kind"] == "intermediate"] for row in rows]
    plain = {
        row_stages[0]["data"]: row["intermediate_examples"]
        for row, row_stages in zip(rows, stages, strict=True)
        if len(row_stages) == 1 and not row_stages[0].get("control")
    }
    for row, row_stages in zip(rows, stages, strict=True):
        if len(row_stages) == 1 and row_stages[0].get("control") == MASKED:
            row["intermediate_examples"] = plain.get(row_stages[0]["data"], row["intermediate_examples"])
    return build(rows, MODELS)


def _runs(chain: Chain, folder: Path) -> pl.DataFrame:
    scores = store.read_frame(folder / "scores.csv", SCORES)
    rows = with_transfer(scores, store.read_frame(folder / "models.csv", MODELS)).filter(
        pl.col("condition") == "clean", pl.col("scope") == "all", _is_headline(scores)
    )
    named = rows.rename({"task": "target"}).with_columns(arm=pl.lit(chain.arm), seed=pl.lit(chain.seed, pl.Int64))
    return named.select(list(RUNS.columns))


def with_transfer(scores: pl.DataFrame, models: pl.DataFrame) -> pl.DataFrame:
    """SCORES with `left_out`: why a cell shows no transfer (`own training data`, `overlap`), null where it does.

    `models` is MODELS, whose `overlap_flags` say what the intermediate stages learned.
    """
    flagged = {
        (model, flag.removeprefix(f"{OWN}: "))
        for model, flags in models.select("model", "overlap_flags").iter_rows()
        for flag in json.loads(flags or "[]")
        if flag.startswith(f"{OWN}: ")
    }
    own_data = [cell in flagged for cell in scores.select("model", "task").iter_rows()]
    reason = pl.when(pl.Series(own_data, dtype=pl.Boolean)).then(pl.lit(OWN)).when("overlap").then(pl.lit(OVERLAP))
    return scores.with_columns(left_out=reason.otherwise(None))


def _is_headline(scores: pl.DataFrame) -> pl.Series:
    first = {name: registry.load("task", name).metrics[0] for name in EVALUATED}
    return pl.Series([first.get(task) == metric for task, metric in scores.select("task", "metric").iter_rows()])


def values(runs: pl.DataFrame) -> pl.DataFrame:
    """VALUES for claims: each run's mean over the languages that every run of a target has, and over targets.

    No language or target is left out for its values. Targets are in the average where no arm is flagged; of a single
    target there is none, since it would be tested twice.
    """
    averaged = transfer_targets(runs)
    means = _means(everywhere(runs))
    for arm, seed in sorted({(arm, seed) for arm, _, seed in means}):
        target_means = [means[arm, target, seed] for target in averaged if (arm, target, seed) in means]
        if len(target_means) == len(averaged) > 1:
            means[arm, AVERAGE, seed] = fmean(target_means)
    return _values(means)


def _means(rows: pl.DataFrame) -> dict[tuple[str, str, int], float]:
    """The mean of each arm, target and seed."""
    groups: dict[tuple[str, str, int], list[float]] = {}
    for arm, target, seed, value in rows.select("arm", "target", "seed", "value").iter_rows():
        groups.setdefault((arm, target, seed), []).append(value)
    return {key: fmean(several) for key, several in groups.items()}


def _values(means: Mapping[tuple[str, str, int], float]) -> pl.DataFrame:
    rows = [(arm, cell, seed, value) for (arm, cell, seed), value in sorted(means.items())]
    return pl.DataFrame(rows, schema=VALUES.schema, orient="row")


def everywhere(runs: pl.DataFrame) -> pl.DataFrame:
    """The rows of languages that every run of their target has (a cell that failed somewhere counts nowhere)."""
    each = pl.struct("arm", "seed").n_unique()
    return runs.filter(each.over("target", "language") == each.over("target"))


def transfer_targets(runs: pl.DataFrame) -> list[str]:
    """The targets in which no cell of any arm is left out, in order."""
    flagged = set(runs.filter(pl.col("left_out").is_not_null())["target"].to_list())
    there = set(everywhere(runs)["target"].to_list())
    return [target for target in EVALUATED if target in there and target not in flagged]


def flagged(runs: pl.DataFrame) -> list[tuple[str, str]]:
    """Targets and arms whose cells show no transfer, sorted."""
    return sorted(set(runs.filter(pl.col("left_out").is_not_null()).select("target", "arm").iter_rows()))


def tests(runs: pl.DataFrame) -> pl.DataFrame:
    """CLAIMS: each arm against none, flagged cells as a family of their own; and the mix against its controls."""
    every = values(runs)
    apart = flagged(runs)
    pairs = [(cell, arm) for arm, cell in _pairs(every) if arm != NONE and _both(every, NONE, arm, cell)]
    families = [
        _family(every, NONE, [pair for pair in pairs if pair not in apart and pair[0] != AVERAGE]),
        _family(every, NONE, [pair for pair in pairs if pair[0] == AVERAGE]),
        _family(every, NONE, [pair for pair in pairs if pair in apart]),
        *(_family(every, control, _of_mix(every, control, apart)) for control in CONTROLS),
    ]
    return pl.concat(families).sort("reference", "cell", "arm")


def _family(every: pl.DataFrame, reference: str, family: Sequence[tuple[str, str]]) -> pl.DataFrame:
    return claims(every, reference, family) if family else build([], CLAIMS)


def _of_mix(every: pl.DataFrame, control: str, apart: Iterable[tuple[str, str]]) -> list[tuple[str, str]]:
    """Cells in which the mix is compared with a control: the average, and targets that are flagged in neither."""
    cells = sorted({cell for arm, cell in _pairs(every) if arm == MIX and _both(every, control, MIX, cell)})
    flags = set(apart)
    return [(cell, MIX) for cell in cells if (cell, MIX) not in flags and (cell, control) not in flags]


def _pairs(every: pl.DataFrame) -> list[tuple[str, str]]:
    return sorted(set(every.select("arm", "cell").iter_rows()))


def _both(every: pl.DataFrame, left: str, other: str, cell: str) -> bool:
    """Whether two arms have a seed in common in a cell."""
    seeds = [set(every.filter(pl.col("arm") == arm, pl.col("cell") == cell)["seed"].to_list()) for arm in (left, other)]
    return bool(seeds[0] & seeds[1])
