"""How often the gate alarms on training seeds of one recipe, and whether it names a language that was made worse.

    python -m benchmarks.simulations.gate_seeds --work runs/gate-seeds --seeds 10 --out reports/gate

Mini's encoder learns xnli, panx and udpos from its English rows, with a seed of order, dropout and heads for each
training, and answers mini's tests in twelve languages, clean and at char_noise:0.1 (two to three minutes a seed on one
core; runs that are complete are kept). No seed is better than another, so that every alarm is about what training again
changes.

`seeds.csv`: each run is gated against one run (every ordered pair), against the mean of the three that follow it and
against that of all others, with margins of 2 and of 0. `failing` is the per cent of gates with a regressed row of the
kind, the verdicts are per cent of rows. `difference` and `se` are root mean squares in points: of the differences, and
of the errors that they are tested with.

`planted.csv`: in one run, answers of one language become wrong at a keyed rate, so that its level falls by 5 points;
in all languages of the tasks with accuracies as many further answers become wrong as right, 1 % of the items each.
`named` is whether the gate, with margin 2, names this cell on clean or perturbed text, `others` is what else it names.
"""

from __future__ import annotations

import argparse
import zlib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any, Final

import numpy as np
import polars as pl
from benchmarks.simulations._runner import write
from rich.progress import track

from robust_xtreme import api
from robust_xtreme.gating.baselines import Baseline, of_runs
from robust_xtreme.gating.comparing import gated
from robust_xtreme.gating.document import BEYOND, GATED, OK, REGRESSED, UNDECIDED, Gate
from robust_xtreme.gating.policy import Policy
from robust_xtreme.stats.contrasts import Key
from robust_xtreme.stats.outcomes import Cells
from robust_xtreme.stats.run_cells import KEY

TASKS: Final = "xnli,panx,udpos"
NOISE: Final = "char_noise:0.1"
STEPS: Final = 1200
MARGINS: Final = (2.0, 0.0)
FEW: Final = 3
FALL: Final = 5.0
CHURN: Final = 0.01
ANY: Final = "any"
PLANTED: Final = ("udpos", "xnli")
"""The tasks that are made worse: their metrics count right answers."""
_OF_ACCURACY: Final = 2
_VERDICTS: Final = {REGRESSED: "regressed", BEYOND: "beyond", UNDECIDED: "undecided", OK: "ok"}
_AT: Final = {name: at for at, name in enumerate(KEY)}

Row = dict[str, str]


# ------------------------------------------------------------------------------------------------------------ the runs


def runs(work: Path, seeds: int) -> list[Path]:
    """The folder of a finished run for each seed, trained and evaluated where it is not complete."""
    suite, start = _recipe(work)
    return [_run(work, suite, start, seed) for seed in range(1, seeds + 1)]


def _recipe(work: Path) -> tuple[Path, Path]:
    """Mini's English rows and its encoder before it learns a task, which all seeds share."""
    from tools.mini import build

    suite, start, recipe = work / "suite", work / "start", build.Recipe()
    if not start.exists():
        build.write_training_suite(suite, recipe, 0)
        build.start(start, recipe, 0)
    return suite, start


def _run(work: Path, suite: Path, start: Path, seed: int) -> Path:
    model = api.train(
        task=TASKS,
        data=str(suite),
        encoder=str(start),
        out=str(work / "trained" / f"seed-{seed}"),
        steps=STEPS,
        batch_size=32,
        lr=2e-3,
        seed=seed,
        device="cpu",
        optimizer="adamw",
        offline=True,
    )
    out = work / "runs" / f"seed-{seed}"
    api.evaluate(
        model=str(model),
        data="mini",
        tasks=TASKS.split(","),
        perturb=NOISE,
        out=str(out),
        device="cpu",
        offline=True,
    )
    return out


# ------------------------------------------------------------------------------------------------------------ the seeds


def alarms(folders: Sequence[Path]) -> list[Row]:
    """The rows of seeds.csv."""
    singles = [of_runs([folder]) for folder in folders]
    sizes = sorted({1, FEW, len(folders) - 1})
    pairs = {size: [*_pairs(folders, singles, size)] for size in sizes if size == 1 or size >= FEW}
    return [row for size, each in pairs.items() for margin in MARGINS for row in _rates(size, margin, each)]


def _pairs(folders: Sequence[Path], singles: Sequence[Baseline], size: int) -> Iterator[tuple[Baseline, Baseline]]:
    """Baselines of so many runs, and a candidate that is not among them."""
    for at, candidate in enumerate(singles):
        others = [(at + step) % len(singles) for step in range(1, len(singles))]
        if size == 1:
            yield from ((singles[other], candidate) for other in others)
        else:
            yield of_runs([folders[other] for other in others[:size]]), candidate


def _rates(size: int, margin: float, pairs: Sequence[tuple[Baseline, Baseline]]) -> Iterator[Row]:
    """A row for each kind of rows that is gated, and one for all."""
    today, policy = date.today(), Policy(margin=margin)
    gates = [gated(*pair, policy, today) for pair in track(pairs, f"{size} baselines, margin {margin:g}")]
    tested = [gate.verdicts.filter(pl.col("verdict").is_not_null()) for gate in gates]
    for kind in (*GATED, ANY):
        of_kind = [frame.filter((pl.col("kind") == kind) | (kind == ANY)) for frame in tested]
        if any(frame.height for frame in of_kind):
            yield {"baselines": str(size), "margin": f"{margin:g}", "kind": kind, **counted(of_kind)}


def counted(gates: Sequence[pl.DataFrame]) -> Row:
    """The shares of a kind of rows of several gates."""
    rows = pl.concat(gates)
    failing = np.mean([(frame["verdict"] == REGRESSED).any() for frame in gates])
    shares = {_VERDICTS[verdict]: 100 * np.mean(rows["verdict"].to_numpy() == verdict) for verdict in _VERDICTS}
    return {
        "gates": str(len(gates)),
        "failing": f"{100 * failing:.1f}",
        "rows": str(rows.height),
        **{name: f"{share:.1f}" for name, share in shares.items()},
        **{name: f"{np.sqrt(np.nanmean(rows[name].to_numpy() ** 2)):.2f}" for name in ("difference", "se")},
    }


def explanation(rows: Iterable[Row]) -> str:
    """Why one baseline alarms more often than several."""
    by_size = {int(row["baselines"]): row for row in rows if (row["kind"], row["margin"]) == (GATED[0], "2")}
    single, most = by_size[1], by_size[max(by_size)]
    return (
        f"Against one run the pooled levels of another seed differ by {single['difference']} points and are tested "
        f"with the error of the items, {single['se']}: these weights do differ, and {single['failing']} % of gates "
        f"fail on tasks. Against the mean of {most['baselines']} runs they differ by {most['difference']} and are "
        f"tested with the spread of training seeds, {most['se']}: {most['failing']} % fail."
    )


# -------------------------------------------------------------------------------------------------- a planted fall


def planted(folder: Path, points: float = FALL) -> list[Row]:
    """The rows of planted.csv: each language of a run made worse in turn."""
    before = of_runs([folder])
    names = sorted({(key[_AT["task"]], key[_AT["language"]]) for key in before.keys})
    worse = [name for name in names if name[0] in PLANTED]
    return [_planted(before, task, language, points) for task, language in track(worse, "planted")]


def _planted(before: Baseline, task: str, language: str, points: float) -> Row:
    after = replace(before, name="planted", runs=(made_worse(before.runs[0], task, language, points),))
    gate = gated(before, after, Policy(), date.today())
    named = {(row["task"], row["language"]) for row in gate.failing.iter_rows(named=True)}
    row = {"task": task, "language": language, **_shown(gate, task, language)}
    others = sorted(" ".join(name).strip() for name in named - {(task, language)})
    return {**row, "named": "yes" if (task, language) in named else "no", "others": ", ".join(others)}


def _shown(gate: Gate, task: str, language: str) -> Row:
    """Difference, MDE and verdict of the clean and of the perturbed cell."""
    cells = gate.verdicts.filter(pl.col("task") == task, pl.col("language") == language, pl.col("kind") == GATED[1])
    shown: Row = {}
    for row in cells.filter(pl.col("verdict").is_not_null()).sort("scale").iter_rows(named=True):
        mde = "" if row["mde"] is None else f"{row['mde']:.1f}"
        shown |= {row["scale"]: f"{row['difference']:.1f}", f"{row['scale']}_mde": mde}
        shown |= {f"{row['scale']}_verdict": row["verdict"]}
    return shown


def made_worse(run: Cells, task: str, language: str, points: float) -> Cells:
    """A run in which answers of all languages change by chance, and those of one task and language become worse."""
    falls = {key: points if (key[_AT["task"]], key[_AT["language"]]) == (task, language) else 0.0 for key in run}
    return {key: replace(cell, sums=_changed(key, cell.sums, falls[key])) for key, cell in run.items()}


def _changed(key: Key, sums: Any, points: float) -> Any:
    """Right answers become wrong and wrong ones right at keyed rates, so that the level falls by some points."""
    if sums.shape[-1] != _OF_ACCURACY:
        return sums
    draw = np.random.default_rng(zlib.crc32("/".join(key).encode()))
    right, count = sums[..., 0].astype(int), sums[..., 1].astype(int)
    level = right.sum() / count.sum()
    lost = draw.binomial(right, min((CHURN + points / 100) / level, 1))
    gained = draw.binomial(count - right, min(CHURN / max(1 - level, CHURN), 1))
    return np.stack([right - lost + gained, count], -1).astype(np.float64)


# ----------------------------------------------------------------------------------------------------------- the tables


def named_alone(rows: Sequence[Row]) -> str:
    """In how many languages of each task the planted fall is named, and nothing else."""
    alone = [
        (task, [row["named"] == "yes" and not row["others"] for row in rows if row["task"] == task]) for task in PLANTED
    ]
    parts = (f"in {sum(each)} of {len(each)} languages of {task}" for task, each in alone if each)
    return f"A fall of {FALL:g} points is named, alone, {' and '.join(parts)}."


def main(arguments: Sequence[str] | None = None) -> None:
    """Train and evaluate what is not complete, write both tables, print them and what they show."""
    options = argparse.ArgumentParser(description=(__doc__ or "").split("\n", maxsplit=1)[0])
    options.add_argument("--work", type=Path, default=Path("runs/gate-seeds"), help="for encoder, trainings and runs")
    options.add_argument("--seeds", type=int, default=10, help="at least 5")
    options.add_argument("--out", type=Path, default=Path("reports/gate"))
    given = options.parse_args(arguments)
    folders = runs(given.work, given.seeds)
    seeds, falls = alarms(folders), planted(folders[0])
    given.out.mkdir(parents=True, exist_ok=True)
    for name, rows, says in (("seeds", seeds, explanation(seeds)), ("planted", falls, named_alone(falls))):
        write(rows, given.out / f"{name}.csv")
        for row in (list(rows[0]), *(row.values() for row in rows)):
            print(*row, sep="\t")
        print(f"\n{says}\n")


if __name__ == "__main__":
    main()
