"""An attack that sees gradients beside one that sees scores, and random search, with as many queries.

    python -m benchmarks.gradients [--tasks xnli,panx] [--limit 30] [--languages sw,hi,ru] [--out DIR]
    python -m benchmarks.gradients --data DIR --model panx=RUNS/panx --tasks panx --out DIR

Each access is a run of its own without a cache, so that its CPU time is that of the attack, of random search by the
same moves with as many queries, and of one draw of noise. A gradient counts as two queries. Levels are means over
languages of the headline metric, where each item counts under the worst of what was asked and of its clean text; in
retrieval the metric of the task. `lower by` is scores minus gradients, in points, of all languages, with its interval
over clusters, which languages share. --out keeps the rows of other tasks, models and attacks that are there.
`--attack attack_words:0.2@lm=FOLDER` asks a masked language model for the words.
"""

from __future__ import annotations

import argparse
import json
import tempfile
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import polars as pl
from benchmarks.attacks import _chance, _difference, _level

from robust_xtreme.core import registry
from robust_xtreme.core.run_spec import RunSpec
from robust_xtreme.report.blocks import Paragraph, ReportPage, grid
from robust_xtreme.report.renderers import markdown
from robust_xtreme.run.run import evaluate

ATTACKS: Final = {
    "xnli": "attack_letters:0.08",
    "xcopa": "attack_letters:0.15",
    "panx": "attack_letters:0.15",
    "xquad": "attack_letters:0.03@fields=context",
    "lareqa": "attack_letters:0.2@fields=query",
    "tatoeba": "attack_letters:0.2@fields=query",
}
"""An attack for each task that leaves room: no search finds nothing, or everything."""

QUERIES: Final = 50
PAGE: Final = "gradients"
_HEADS: Final = ("task", "model", "attack", "languages", "items", "seeds", "chance", "clean", "random", "scores")
_MORE: Final = ("gradients", "lower by", "95 % interval", "queries", "CPU s")


def measure(spec: Mapping[str, Any], task: str, attack: str) -> dict[str, Any]:
    """The levels that both accesses and random search leave, with their queries and times."""
    metric, rows, seconds, queries = registry.load("metric", registry.load("task", task).metrics[0]), {}, {}, {}
    for access in ("scores", "gradients"):
        name, _, fields = attack.partition("@fields=")
        cell = f"{name}@queries={QUERIES}@access={access}" + (f"@fields={fields}" if fields else "")
        with tempfile.TemporaryDirectory() as folder:
            before = time.process_time()
            out = Path(folder, "run")
            evaluate(RunSpec(**spec, tasks=(task,), perturb=(cell,), out=str(out)), cache=False)
            seconds[access] = time.process_time() - before
            stats = pl.read_parquet(out / "stats.parquet").filter(~pl.col("model").str.contains("/"), scope="all")
            rows[access] = stats.filter(metric=metric.name)
            parts = pl.concat([pl.read_parquet(path) for path in sorted((out / "parts").glob("*attacked*"))])
            of = parts.filter(~pl.col("skipped"), ~pl.col("condition").str.contains("search=random"))
            queries[access] = of.get_column("queries").mean()
            chance = _chance(out, task)
    random = pl.col("condition").str.contains("search=random")
    attacked = pl.col("condition").str.starts_with("attack_")
    pair = [rows[access].filter(attacked & ~random) for access in ("scores", "gradients")]
    both = pl.concat([each.with_columns(random=pl.lit(access == 0)) for access, each in enumerate(pair)])
    lower = _difference(both, metric)
    clean = rows["scores"].filter(condition="clean")
    return {
        "task": task,
        "model": ", ".join(Path(name.rpartition("=")[2]).name for name in spec["model"]),
        "attack": f"{attack}@queries={QUERIES}",
        "languages": ", ".join(sorted(clean.get_column("language").unique())),
        "items": clean.height,
        "seeds": spec["seeds"],
        "chance": chance,
        "clean": _level(clean, metric),
        "random": _level(rows["scores"].filter(attacked & random), metric),
        "scores": _level(pair[0], metric),
        "gradients": _level(pair[1], metric),
        "lower": [lower.value, lower.low, lower.high],
        "queries": queries,
        "seconds": seconds,
    }


def page(rows: Sequence[Mapping[str, Any]]) -> str:
    """The rows as a page of Markdown."""
    lines = [
        (
            *(str(row[name]) for name in _HEADS[:6]),
            *(f"{row[name]:.1f}" for name in (*_HEADS[6:], "gradients")),
            f"{row['lower'][0]:.1f}",
            "-" if row["lower"][1] is None else "[{:.1f}, {:.1f}]".format(*row["lower"][1:]),
            *("{scores:.{places}f} / {gradients:.{places}f}".format(**row[name], places=places) for name, places in
              (("queries", 1), ("seconds", 0))),
        )
        for row in rows
    ]  # fmt: skip
    what = (
        f"By python -m benchmarks.gradients: robust levels at {QUERIES} queries an item, of random search, and of the "
        "default search where it sees scores, and where it sees gradients, each counting as two queries. chance: the "
        "best constant answer; lower by: scores minus gradients, in points, with the 95 % interval over clusters; "
        "queries: the mean of items that are right when clean, which ends with the first success; CPU s: of a run with "
        "the attack, random search and a draw of noise. The last two are of scores / gradients. "
        "Models but mini are multilingual-e5-small and its heads of make real (docs/how-to/real.md); a row by python "
        "-m benchmarks.gradients --data DIR --model TASK=HEAD --tasks TASK --languages CODES --attack ATTACK. "
        "XCOPA's head is near chance. "
        "Where there is no interval, items are too few for a test, and no difference is demonstrated. No other "
        "values of the constants of the search are compared here. Intervals are not corrected for the number of "
        "rows, and rows were measured on two machines: seconds compare within a row."
    )
    title = "Attacks that see gradients beside those that see scores"
    return markdown.render(ReportPage(title, (Paragraph(what), grid((*_HEADS, *_MORE), lines))))


def write(folder: Path, row: Mapping[str, Any]) -> None:
    """Write the page and its figures; rows of other tasks, models and attacks that are there stay."""
    path = folder / f"{PAGE}.json"
    rows = json.loads(path.read_text(encoding="utf-8")) if path.is_file() else []
    kept = {(each["task"], each["model"], each["attack"]): each for each in (*rows, row)}
    path.write_text(json.dumps([*kept.values()], indent=1) + "\n", encoding="utf-8")
    path.with_suffix(".md").write_text(page([*kept.values()]), encoding="utf-8")


def main(arguments: Sequence[str] | None = None) -> None:
    """Print the rows; with --out write the page there beside its figures after each task."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--attack", help="for all tasks; else each has the attack that leaves room there")
    parser.add_argument("--tasks", default="xnli,xcopa,panx,xquad,lareqa")
    parser.add_argument("--data", default="mini")
    parser.add_argument("--model", action="append", default=[])
    parser.add_argument("--languages", default="sw,hi,ru")
    parser.add_argument("--limit", default="30")
    parser.add_argument("--seeds", type=int, default=1)
    parser.add_argument("--representation", default="", help="of a model without a head, for retrieval")
    parser.add_argument("--out", type=Path)
    given = parser.parse_args(arguments)
    spec = {
        "model": tuple(given.model) or ("mini",),
        "data": given.data,
        "languages": tuple(given.languages.split(",")),
        "limit": given.limit,
        "seeds": given.seeds,
        "representation": given.representation,
    }
    for task in given.tasks.split(","):
        row = measure(spec, task, given.attack or ATTACKS[task])
        print(page([row]))
        if given.out:
            given.out.mkdir(parents=True, exist_ok=True)
            write(given.out, row)


if __name__ == "__main__":
    main()
