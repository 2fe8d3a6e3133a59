"""Two models under each other's attacks: a table and the success by queries, under reports/attacks.

`python -m tools.attacked_page FIRST SECOND BACK` takes three finished runs: of one model under attacks; of a second one
under its own and with `frozen = ["FIRST"]`; and of the first with `frozen = ["SECOND"]`. What the page says is in the
frames beside it, from which `python -m tools.generated` renders it again.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import polars as pl

from robust_xtreme.files import store
from robust_xtreme.files.frames import POINTS, build
from robust_xtreme.files.schema import STATS, Frame, FrameColumn
from robust_xtreme.noise.conditions.condition import CLEAN, FROZEN, RANDOM
from robust_xtreme.report.blocks import Block, Code, Heading, Prose, ReportPage, grid
from robust_xtreme.report.charts.drawing import alone
from robust_xtreme.report.charts.figures import success_chart, successes
from robust_xtreme.report.document import results_of
from robust_xtreme.report.renderers import markdown
from robust_xtreme.report.view import Results
from robust_xtreme.stats.averages import LANGUAGES, averages
from robust_xtreme.stats.benchmark import tasks_of

FOLDER: Final = Path(__file__).parents[1] / "reports" / "attacks"
FIRST, SECOND = "mini", "second"
OWN, OTHER, SEARCHED, TYPOS = "own attack", "the other's", "random search", "typos"
ORDER: Final = (TYPOS, SEARCHED, OWN, OTHER)
BUDGET: Final = 100
INK: Final = "#6e7781"
COLUMNS: Final = 3

LEVELS: Final = Frame(
    "levels",
    {
        **dict.fromkeys(("task", "model", "texts"), FrameColumn(pl.String)),
        "languages": FrameColumn(pl.Int64),
        **dict.fromkeys(("clean", "value", "low", "high"), FrameColumn(pl.Float64)),
    },
    ("task", "model", "texts"),
)
"""The headline metric of a model on texts, on average over languages; `low` and `high` bound it, clean being fixed."""

SUCCESS: Final = Frame(
    "success",
    {
        **dict.fromkeys(("task", "line"), FrameColumn(pl.String)),
        "queries": FrameColumn(pl.Int64),
        "success": FrameColumn(pl.Float64),
    },
    ("task", "line", "queries"),
    {POINTS: "success"},
)
"""The share (%) of items that an attack has made wrong after so many queries, on average over languages."""


def keep(runs: dict[str, list[Path]]) -> None:
    """Write the frames and the page of the runs of each model, of which the first one is attacked."""
    results = {model: [results_of(run) for run in of_model] for model, of_model in runs.items()}
    levels = [row for model, several in runs.items() for run in several for row in _levels(model, run)]
    success = [row for model, several in results.items() for row in _success(model, several[0])]
    store.make_folder(FOLDER)
    store.write_frame(FOLDER / "levels.csv", build(levels, LEVELS), LEVELS)
    store.write_frame(FOLDER / "success.csv", build(success, SUCCESS), SUCCESS)
    store.write_text(FOLDER / "success.svg", curves())
    store.write_text(FOLDER / "report.md", page())


def _levels(model: str, run: Path) -> Iterator[dict[str, Any]]:
    """The averages of a run over languages by the texts, which are not called attacks: of these drops have none."""
    results = results_of(run)
    every = store.read_frame(run / "stats.parquet", STATS)
    tasks = tasks_of(results.manifest["tasks"])
    for task, fields in _fields(results).items():
        of_task = results.scores.filter(task=task).get_column("condition").unique()
        texts = {name: texts for name in of_task if f"fields={fields}" in name and (texts := _texts(name))}
        frames = (frame.filter(task=task) for frame in (every, results.scores, results.deltas))
        stats, scores, deltas = (_called(frame, texts) for frame in frames)
        rows = averages(stats, scores, deltas, tasks)
        for row in rows.filter(kind=LANGUAGES, metric=results.metrics(task)[0]).iter_rows(named=True):
            levels = {"clean": row["clean"], "value": row["value"]}
            bounds = {"low": row["clean"] - row["high"], "high": row["clean"] - row["low"]}
            named = {"task": task, "model": model, "texts": row["condition"]}
            yield {**named, **levels, **bounds, "languages": len(row["languages"].split())}


def _called(frame: pl.DataFrame, texts: dict[str, str]) -> pl.DataFrame:
    """The rows on clean text and on texts, with these as the condition."""
    kept = frame.filter(pl.col("condition").is_in([CLEAN, *texts])).with_columns(pl.col("condition").replace(texts))
    return kept.with_columns(queries=pl.lit(None, pl.Float64)) if "queries" in kept.columns else kept


def _fields(results: Results) -> dict[str, str]:
    """The fields of each task that its headline noises."""
    return {task: results.field_groups(task)[0] for task in results.manifest["tasks"]}


def _texts(condition: str) -> str:
    """Which texts a condition has; those of lower budgets are left out."""
    if f"queries={BUDGET}" not in condition:
        return ""
    if condition.startswith(FROZEN):
        return OTHER
    if "@like=" in condition:
        return TYPOS
    return SEARCHED if f"search={RANDOM}" in condition else OWN


def _success(model: str, results: Results) -> Iterator[dict[str, Any]]:
    """The first curves of each task, which are those of its headline fields."""
    drawn: set[str] = set()
    fields = _fields(results)
    for title, points in successes(results):
        task, _, of = title.partition(" ")
        if of not in ("", fields[task]) or task in drawn:
            continue
        drawn.add(task)
        for row in points.iter_rows(named=True):
            search = SEARCHED if RANDOM in row["line"] else "attack"
            yield {"task": task, "line": f"{model}, {search}", "queries": row["queries"], "success": row["success"]}


def curves() -> str:
    """The success by queries, a panel for each task."""
    rows = store.read_frame(FOLDER / "success.csv", SUCCESS)
    panels = [
        {"title": str(task), **{key: value for key, value in success_chart(points).items() if key != "config"}}
        for (task,), points in rows.group_by("task", maintain_order=True)
    ]
    config = success_chart(rows)["config"]
    return alone({"concat": panels, "columns": COLUMNS, "config": config}, INK)


def page() -> str:
    """The page of the frames."""
    levels = store.read_frame(FOLDER / "levels.csv", LEVELS)
    heads = ["task", "model", "languages", "clean", *ORDER]
    blocks: tuple[Block, ...] = (
        Prose(_ABOUT),
        Heading("Scores"),
        grid(heads, list(_rows(levels)), 2),
        Prose(_READ),
        Heading("Success by queries"),
        Prose("![Success by queries](success.svg)"),
        Heading("How it was made"),
        Code(tuple(_COMMANDS.splitlines()), "sh"),
    )
    return markdown.render(ReportPage("Attacks on two models, and their transfer", blocks))


def _rows(levels: pl.DataFrame) -> Iterator[list[str]]:
    for (task, model), rows in levels.group_by("task", "model", maintain_order=True):
        of = {row["texts"]: row for row in rows.iter_rows(named=True)}
        scores = ["{value:.1f} [{low:.1f}, {high:.1f}]".format(**of[texts]) for texts in ORDER]
        yield [str(task), str(model), str(of[OWN]["languages"]), f"{of[OWN]['clean']:.1f}", *scores]


_ABOUT: Final = f"""\
`{FIRST}` is the embedded model, whose encoder all tasks share. `{SECOND}` is five models, one a task: that encoder,
with a new head, trained on in English for four passes. Both are attacked by `attack_keys:0.1@queries={BUDGET}` in the
languages of the embedded suite, and each reads the texts that the attack on the other one left (the key `frozen`).
Whether the right answer to a changed text is still the same is not judged."""

_READ: Final = f"""\
The headline metric of each task, on average over languages, under texts with as many edits: typos that nobody chose,
the worst that random search and the attack submitted within {BUDGET} queries, and what the attack on the other model
left. In brackets the bounds of the level: clean minus the 95 % bounds of the mean change. All these texts edit only
what a model has right on clean text, so that no change here is a test of a drop. What the other's texts take off,
beyond typos, is how far an attack transfers: between models of one encoder, on made-up sentences; neither size nor
sign is predicted for models of another origin."""

_COMMANDS: Final = """\
tasks="xnli xcopa panx xquad mewsli_x"
for task in $tasks; do
  robust-xtreme train --task $task --data mini --from src/robust_xtreme/_mini/model/model --epochs 4 --out runs/$task
done
all="--data mini --tasks ${tasks// /,}"
attacks=$(for queries in 10 30 100; do echo --perturb attack_keys:0.1@queries=$queries; done)
second=$(for task in $tasks; do echo --model $task=runs/$task; done)
most=attack_keys:0.1@queries=100
robust-xtreme eval $all $attacks --out runs/attacked-mini
echo "frozen = [\"runs/attacked-mini=$most\"]" > of-mini.toml
echo "frozen = [\"runs/second=$most\"]" > of-second.toml
robust-xtreme eval $all $attacks $second --config of-mini.toml --out runs/second
robust-xtreme eval $all --config of-second.toml --out runs/transferred
python -m tools.attacked_page runs/attacked-mini runs/second runs/transferred"""


def main() -> None:
    """Keep three runs."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for name in ("first", "second", "back"):
        parser.add_argument(name, type=Path)
    words = parser.parse_args()
    keep({FIRST: [words.first, words.back], SECOND: [words.second]})
    print(FOLDER)


if __name__ == "__main__":
    main()
