"""An attack beside random search by the same moves with as many queries: which leaves a lower score.

    python -m benchmarks.attacks [--tasks xnli,panx] [--attack attack_keys:0.2@queries=30] [--limit 60] [--out DIR]

Of each family of tasks the embedded model is attacked in the twelve languages of the embedded suite. Both searches have
the same moves, constraints and budget. What is compared is the robust score: the headline metric, where each item
counts under the worst of what a search submitted and of its clean text, averaged over noise seeds. The difference of
all languages of a task has an interval over clusters, which languages share; that of each language alone is tested,
corrected by Holm. With --seeds N the noise seeds are 1 to N, without it 0, by which the attacks of this file were
chosen. --out keeps the rows of other tasks that are there.

The bar: the lower bound of each difference is above 0, no language is significantly worse, and random search uses 0.9
of its budget where an edit fits and none succeeds.
"""

from __future__ import annotations

import argparse
import json
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

import numpy as np
import polars as pl

from robust_xtreme.core import registry
from robust_xtreme.core.languages import language
from robust_xtreme.core.metric import Metric
from robust_xtreme.core.run_spec import RunSpec
from robust_xtreme.report.blocks import Paragraph, ReportPage, grid
from robust_xtreme.report.renderers import markdown
from robust_xtreme.run.run import evaluate
from robust_xtreme.stats.claims import holm
from robust_xtreme.stats.intervals import Estimate, cluster_sums, estimate_difference

ATTACKS: Final = {
    "xnli": "attack_keys:0.3@queries=60",
    "xcopa": "attack_keys:0.1@queries=40",
    "panx": "attack_keys:0.2@queries=7",
    "udpos": "attack_keys:0.4@queries=30",
    "xquad": "attack_keys:0.04@queries=30@fields=context",
    "mewsli_x": "attack_keys:0.1@queries=30",
    "lareqa": "attack_keys:0.2@queries=20",
}
"""An attack for each task that leaves room: random search neither fails nor tries nearly all edits there are."""

MINI: Final = "mini"
USED: Final = 0.9
ALPHA: Final = 0.05
_RANDOM: Final = "@search=random"


def measure(spec: RunSpec, folder: Path) -> dict[str, Any]:
    """What the attack of a spec with one task leaves beside random search."""
    evaluate(replace(spec, out=str(folder)))
    stats = pl.read_parquet(folder / "stats.parquet").filter(~pl.col("model").str.contains("/"), scope="all")
    stats = stats.filter((pl.col("noise_seed") != 0) | (pl.col("condition") == "clean") | (spec.seeds == 1))
    return {
        "model": MINI,
        "chance": _chance(folder, *spec.tasks),
        "used": _used(folder),
        "seeds": f"1-{spec.seeds - 1}" if spec.seeds > 1 else "0",
        **_compared(stats, *spec.tasks),
    }


def _compared(stats: pl.DataFrame, task: str) -> dict[str, Any]:
    metric: Metric = registry.load("metric", registry.load("task", task).metrics[0])
    rows = stats.filter(pl.col("condition").str.starts_with("attack_"), metric=metric.name)
    rows = rows.with_columns(random=pl.col("condition").str.contains(_RANDOM, literal=True))
    rows = rows.with_columns(condition=pl.col("condition").str.replace(_RANDOM, "", literal=True))
    first = rows.get_column("condition").unique(maintain_order=True)[0]
    rows = rows.filter(condition=first)
    clean = stats.filter(condition="clean", metric=metric.name)
    by_language = {
        str(code): _difference(part, metric) for (code,), part in rows.partition_by("language", as_dict=True).items()
    }
    tested = {code: each.p for code, each in by_language.items() if each.p is not None}
    adjusted = dict(zip(tested, holm(list(tested.values())), strict=True))
    worse = [code for code, p in adjusted.items() if p < ALPHA and by_language[code].value < 0]
    whole = _difference(rows, metric)
    return {
        "task": task,
        "condition": first,
        "languages": len(by_language),
        "scripts": len({language(code).script for code in by_language}),
        "clean": _level(clean, metric),
        "random": _level(rows.filter("random"), metric),
        "robust": _level(rows.filter(~pl.col("random")), metric),
        "difference": [whole.value, whole.low, whole.high],
        "worse": worse,
    }


def _level(rows: pl.DataFrame, metric: Metric) -> float:
    return float(metric.reduce(np.array(rows.get_column("stats").to_list()).sum(axis=0)))


def _difference(rows: pl.DataFrame, metric: Metric) -> Estimate:
    """Random search minus the attack, by cluster."""
    rows = rows.with_columns(pl.col("cluster").rank("dense").cast(pl.Int64) - 1)
    clusters = int(rows.get_column("cluster").n_unique())
    left, right = (_sums(rows.filter(random=by_chance), clusters) for by_chance in (True, False))
    return estimate_difference(left, right, metric.reduce)


def _sums(rows: pl.DataFrame, clusters: int) -> Any:
    """The sums of statistics of each noise seed and cluster (seeds, clusters, k)."""
    seeds = rows.partition_by("noise_seed", maintain_order=True)
    columns = [(np.array(of["stats"].to_list()), of["cluster"].to_numpy()) for of in seeds]
    return np.stack([cluster_sums(values, codes, clusters) for values, codes in columns])


def _chance(folder: Path, task: str) -> float:
    """The mean over languages of the best constant answer's score, by the headline metric."""
    scores = pl.read_csv(folder / "scores.csv", infer_schema_length=None)
    clean = scores.filter(condition="clean", scope="all", metric=registry.load("task", task).metrics[0])
    return float(np.mean(clean.get_column("chance").to_numpy()))


def _used(folder: Path) -> float | None:
    """The median share of its budget that random search uses where an edit fits and none succeeds. "
    "Whether the right answer to a changed text is still the same is not judged."""
    parts = [pl.read_parquet(path) for path in sorted((folder / "parts").glob("*attacked*"))]
    rows = pl.concat(parts).filter(pl.col("condition").str.contains(_RANDOM, literal=True))
    left = rows.filter(pl.col("allowed") > 0, ~pl.col("skipped"), first=0)
    budget = left.get_column("condition").str.extract(r"queries=(\d+)").cast(pl.Int64)
    used = (left.get_column("queries") / budget).median()
    return used if isinstance(used, float) else None


def met(record: Mapping[str, Any]) -> bool:
    """Whether the bar is met."""
    tasks = record["tasks"]
    lows = [task["difference"][1] for task in tasks]
    used = all(task["used"] is None or task["used"] >= USED for task in tasks)
    return used and all(low is not None and low > 0 for low in lows) and not any(task["worse"] for task in tasks)


def page(record: Mapping[str, Any]) -> str:
    """The record as a page of Markdown."""
    heads = (
        "task",
        "model",
        "attack",
        "languages",
        "scripts",
        "seeds",
        "chance",
        "clean",
        "random",
        "robust",
        "lower by",
        "95 % interval",
        "worse in",
        "budget used",
    )
    rows = [
        (
            task["task"],
            task["model"],
            task["condition"],
            str(task["languages"]),
            str(task["scripts"]),
            task["seeds"],
            *(f"{task[name]:.1f}" for name in ("chance", "clean", "random", "robust")),
            f"{task['difference'][0]:.3f}",
            "-" if task["difference"][1] is None else "[{:.3f}, {:.3f}]".format(*task["difference"][1:]),
            ", ".join(task["worse"]) or "none",
            "-" if task["used"] is None else f"{task['used']:.2f}",
        )
        for task in record["tasks"]
    ]
    what = (
        f"On {record['data']}, by python -m benchmarks.attacks --tasks TASK --seeds N (noise seeds 1 to N, without "
        "--seeds 0): the robust score under the attack and under random search by the same moves with as many queries; "
        "chance: the best constant answer; lower by: random search minus the attack, in points, with its interval over "
        "clusters; worse in: languages in which the attack is significantly worse, by Holm; "
        "budget used: the median share of its queries that random search asks where an edit fits and none succeeds. "
        "Whether the right answer to a changed text is still the same is not judged."
    )
    return markdown.render(ReportPage("Attacks beside random search", (Paragraph(what), grid(heads, rows))))


def write(folder: Path, tasks: Sequence[Mapping[str, Any]]) -> None:
    """Write the page and its figures; rows of other tasks that are there stay."""
    path = folder / "attacks.json"
    before = json.loads(path.read_text(encoding="utf-8"))["tasks"] if path.is_file() else []
    rows = {row["task"]: row for row in before} | {str(row["task"]): row for row in tasks}
    record = {"data": MINI, "tasks": list(rows.values())}
    path.with_suffix(".md").write_text(page(record), encoding="utf-8")
    path.write_text(json.dumps(record, indent=1) + "\n", encoding="utf-8")


def main(arguments: Sequence[str] | None = None) -> None:
    """Print the page; with --out write it there beside its figures; exit 1 where the bar is missed."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--attack", help="for all tasks; else each has the attack that leaves room there")
    parser.add_argument("--limit", default="")
    parser.add_argument("--seeds", type=int, default=0, help="noise seeds from 1 on; else seed 0 alone")
    parser.add_argument("--tasks", default=",".join(ATTACKS))
    parser.add_argument("--out", type=Path)
    given = parser.parse_args(arguments)
    spec = RunSpec(model=(MINI,), data=MINI, limit=given.limit, seeds=given.seeds + 1)
    tasks = []
    for task in given.tasks.split(","):
        with tempfile.TemporaryDirectory() as folder:
            of_task = replace(spec, tasks=(task,), perturb=(given.attack or ATTACKS[task],))
            tasks.append(measure(of_task, Path(folder, "run")))
            if given.out:
                given.out.mkdir(parents=True, exist_ok=True)
                write(given.out, tasks)
    record = {"data": MINI, "tasks": tasks}
    print(page(record))
    raise SystemExit(int(not met(record)))


if __name__ == "__main__":
    main()
