"""Forgeries of a run, each a function, and what a forger can do, who has this program.

What follows from a change is made anew by it, and all digests are made right.
"""

from __future__ import annotations

import random
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

import polars as pl

from robust_xtreme.files import schema, store
from robust_xtreme.files.manifest import MANIFEST, write_manifest
from robust_xtreme.run.finish import finish
from robust_xtreme.run.folder import Folder
from robust_xtreme.run.plan import Plan
from robust_xtreme.run.task_run import TaskRun
from robust_xtreme.run.verifying import replayed
from robust_xtreme.tasks.sources.rows import identity_of

LOW, HIGH = "char_noise:0.05", "char_noise:0.1"
_FRAMES: Final = {
    "scores": schema.SCORES,
    "deltas": schema.DELTAS,
    "averages": schema.AVERAGES,
    "models": schema.MODELS,
}


@dataclass(slots=True)
class Forger:
    """A copy of a run, which is changed: its manifest, the plan that the forger has, and chance."""

    folder: Path
    chance: random.Random
    sources: Path
    manifest: dict[str, Any]
    plan: Plan

    def runs(self) -> list[TaskRun]:
        """The task runs of the plan that the manifest still has."""
        kept = {(unit["task"], unit["language"], unit["split"]) for unit in self.manifest["units"]}
        return [run for run in self.plan.task_runs if run.key in kept]

    def one(self, *families: str) -> TaskRun:
        """A task run, perhaps of some families."""
        return self.chance.choice([run for run in self.runs() if not families or run.task.family in families])

    def rows(self, run: TaskRun, kind: str) -> pl.DataFrame:
        """PREDICTIONS or STATS of a task run."""
        path = Folder(self.folder).parts(run)[kind == "stats"]
        return store.read_frame(path, schema.STATS if kind == "stats" else schema.PREDICTIONS)

    def put(self, run: TaskRun, rows: pl.DataFrame) -> None:
        """Write PREDICTIONS or STATS of a task run."""
        frame = schema.STATS if "metric" in rows.columns else schema.PREDICTIONS
        path = Folder(self.folder).parts(run)[frame is schema.STATS]
        store.write_frame(path, store.ordered(rows, frame.key), frame)

    def scored(self, run: TaskRun, predictions: pl.DataFrame) -> None:
        """Write other answers of a task run with their sums."""
        named = replace(run, inference=predictions.item(0, "inference"))
        stored = replace(Folder(self.folder).read(run), predictions=predictions)
        made = replayed(named, self.plan.splits.of(run), stored, True)
        self.put(run, made.predictions)
        self.put(run, made.stats)

    def anew(self, runs: Sequence[TaskRun] | None = None) -> None:
        """Make all that follows from the parts of task runs anew."""
        runs = self.runs() if runs is None else runs
        paths = [path for run in runs for path in Folder(self.folder).parts(run)]
        facts = {"parts": {path.name: store.sha256(path) for path in paths}, "complete": False}
        content = {key: value for key, value in self.manifest.items() if key != "files"}
        self.manifest = finish(Folder(self.folder), replace(self.plan, task_runs=tuple(runs)), {**content, **facts})
        self.signed()

    def signed(self) -> None:
        """Make the digests of all files right."""
        files = {name: store.sha256(self.folder / name) for name in sorted({*self.manifest["files"], "run.toml"})}
        self.manifest["files"] = files
        write_manifest(self.folder / MANIFEST, self.manifest)

    def frame(self, name: str) -> pl.DataFrame:
        """A table of the run."""
        return store.read_frame(self.folder / f"{name}.csv", _FRAMES[name])

    def cell(self, name: str, column: str, change: Callable[[Any], Any], *only: pl.Expr) -> None:
        """Change a number of a random row of a table, and the digests."""
        rows = self.frame(name).with_row_index("at")
        at = self.chance.choice(rows.filter(pl.col(column).is_not_null(), *only).get_column("at").to_list())
        values = rows.get_column(column).to_list()
        values[at] = change(values[at])
        changed = rows.with_columns(pl.Series(column, values, rows.schema[column])).drop("at")
        store.write_frame(self.folder / f"{name}.csv", changed, _FRAMES[name])

    def some(self, rows: pl.DataFrame, *only: pl.Expr, most: int = 4) -> pl.Expr:
        """Whether a row is one of a few random ones."""
        at = rows.with_row_index("at").filter(*only).get_column("at").to_list()
        chosen = self.chance.sample(at, min(len(at), self.chance.randint(1, most)))
        return pl.int_range(pl.len()).is_in(chosen)


_NOISY: Final = pl.col("condition") != "clean"
_MODEL: Final = ~pl.col("model").str.contains("^(chance|shallow)/")


# ------------------------------------------------------------------------------------------- without what comes after


def byte(forger: Forger) -> None:
    """A byte of a file."""
    names = [*forger.manifest["files"], *(f"parts/{name}" for name in forger.manifest["parts"])]
    path = forger.folder / forger.chance.choice(names)
    content = bytearray(path.read_bytes())
    content[forger.chance.randrange(len(content))] ^= 1
    path.write_bytes(content)


def score(forger: Forger) -> None:
    """A score."""
    forger.cell("scores", "value", lambda value: abs(value - forger.chance.uniform(0.1, 5)), _MODEL)
    forger.signed()


def drop(forger: Forger) -> None:
    """A drop, with the level that it is the difference of."""
    rows = forger.frame("deltas")
    row = forger.chance.choice(rows.to_dicts())
    less = forger.chance.uniform(0.1, 3)
    key = ("model", "task", "language", "condition", "metric", "scope")
    same = pl.all_horizontal(*(pl.col(name) == row[name] for name in key))
    for name, column, sign in (("deltas", "drop", -1), ("scores", "value", 1)):
        moved = (pl.col(column) + sign * less).clip(-100 if column == "drop" else 0, 100)
        changed = forger.frame(name).with_columns(pl.when(same).then(moved).otherwise(column).alias(column))
        store.write_frame(forger.folder / f"{name}.csv", changed, _FRAMES[name])
    forger.signed()


def interval(forger: Forger) -> None:
    """A bound of a drop's interval."""
    forger.cell("deltas", forger.chance.choice(("low", "high")), lambda value: value * 0.5 + 0.01)
    forger.signed()


def p(forger: Forger) -> None:
    """A corrected p."""
    forger.cell("deltas", "p_adjusted", lambda value: value * 0.1 if value > 1e-4 else 0.9)
    forger.signed()


def average(forger: Forger) -> None:
    """An average over languages."""
    forger.cell("averages", "value", lambda value: abs(value - forger.chance.uniform(0.1, 5)))
    forger.signed()


def page(forger: Forger) -> None:
    """A number on the page."""
    path = forger.folder / "report.html"
    text = path.read_text(encoding="utf-8")
    numbers = [
        found for found in re.finditer(r">[^<>]*?(\d+\.\d)[^<>]*?<", text) if found.start() > text.index("<body")
    ]
    found = forger.chance.choice(numbers)
    other = str(round(float(found[1]) + forger.chance.choice((0.1, 1, 10)), 1))
    path.write_text(text[: found.start(1)] + other + text[found.end(1) :], encoding="utf-8")
    forger.signed()


def verdict(forger: Forger) -> None:
    """A sentence of report.md."""
    path = forger.folder / "report.md"
    lines = path.read_text(encoding="utf-8").split("\n")
    at = forger.chance.choice([at for at, line in enumerate(lines) if line and not line.startswith("|")])
    lines[at] = forger.chance.choice(("No drop is shown.", f"{lines[at]} It is robust.", ""))
    path.write_text("\n".join(lines), encoding="utf-8")
    forger.signed()


def facts(forger: Forger) -> None:
    """The number of parameters of the model."""
    forger.cell("models", "params", lambda value: value // 2)
    forger.signed()


# ---------------------------------------------------------------------------------------------- with what comes after


def _better(values: list[float], columns: int) -> list[float]:
    """Sums with more that is right."""
    return [values[0] + values[2], 0.0, 0.0] if columns == 3 else [values[1], values[1]]


def sums(forger: Forger) -> None:
    """The sums of some items, better ones."""
    run = forger.one()
    rows = forger.rows(run, "stats")
    better = pl.col("stats").map_elements(lambda it: _better(it.to_list(), len(it)), pl.List(pl.Float64))
    worse = better.list.first() != pl.col("stats").list.first()
    metrics = forger.chance.choice(run.task.metrics)
    if rows.filter(_MODEL, worse, metric=metrics).is_empty():
        sums(forger)
        return
    changed = forger.some(rows, _MODEL, worse, pl.col("metric") == metrics)
    forger.put(run, rows.with_columns(pl.when(changed).then(better).otherwise("stats").alias("stats")))
    forger.anew()


def prediction(forger: Forger) -> None:
    """Answers become right, without their sums."""
    run = forger.one()
    rows = forger.rows(run, "predictions")
    wrong = _unlike(run)
    if rows.filter(wrong).is_empty():
        prediction(forger)
        return
    changed = forger.some(rows, wrong)
    forger.put(run, rows.with_columns(pl.when(changed).then(_right(run)).otherwise("prediction").alias("prediction")))
    forger.anew()


def _right(run: TaskRun) -> pl.Expr:
    """An answer that is right: of several gold ones the first."""
    if run.task.family == "span_qa":
        return pl.format("[{}]", pl.col("gold").str.extract(r"^\[(\[\d+, \d+\])"))
    return pl.col("gold")


def _unlike(run: TaskRun) -> pl.Expr:
    """Whether an answer gets more by being the gold one."""
    first = pl.col("prediction").str.extract(r'^\["([^"]*)"')
    return (
        first.ne_missing(pl.col("gold").str.extract(r'^\["([^"]*)"'))
        if run.task.pool
        else pl.col("prediction") != _right(run)
    )


def chance(forger: Forger) -> None:
    """The sums of a constant, or of the shallow predictor, worse ones."""
    run = forger.one()
    rows = forger.rows(run, "stats")
    several = pl.col("stats").list.len() == 2
    worse = pl.concat_list(pl.lit(0.0), pl.col("stats").list.last())
    changed = forger.some(rows, ~_MODEL, several, pl.col("stats").list.first() > 0)
    forger.put(run, rows.with_columns(pl.when(changed).then(worse).otherwise("stats").alias("stats")))
    forger.anew()


def gold(forger: Forger) -> None:
    """The gold answer becomes what was answered."""
    run = forger.one("classification", "tagging", "choice", "span_qa")
    rows = forger.rows(run, "predictions")
    if rows.filter(_unlike(run)).is_empty():
        gold(forger)
        return
    changed = forger.some(rows, _unlike(run))
    forger.put(run, rows.with_columns(pl.when(changed).then("prediction").otherwise("gold").alias("gold")))
    stats, key = forger.rows(run, "stats"), ["condition", "noise_seed", "example"]
    right = rows.filter(changed).select(key, right=pl.lit(True))
    better = pl.col("stats").map_elements(lambda it: _better(it.to_list(), len(it)), pl.List(pl.Float64))
    joined = stats.join(right, on=key, how="left", maintain_order="left")
    made = pl.when(pl.col("right").fill_null(False) & _MODEL).then(better).otherwise("stats").alias("stats")
    forger.put(run, joined.with_columns(made).drop("right"))
    forger.anew()


def items(forger: Forger) -> None:
    """Some items that are wrong under noise are left out."""
    run = forger.one()
    rows, stats = forger.rows(run, "predictions"), forger.rows(run, "stats")
    wrong = (
        rows.filter(_NOISY, _unlike(run)).get_column("example").unique().sort().to_list() or rows["example"].to_list()
    )
    left = {*forger.chance.sample(wrong, min(len(wrong), forger.chance.randint(1, 4)))}
    split = forger.plan.splits.of(run)
    kept = tuple(example for example in split.examples if example.id not in left)
    data = identity_of(kept, split.corpus)
    clusters = len({example.cluster for example in kept})
    unit = next(unit for unit in forger.manifest["units"] if (unit["task"], unit["language"]) == run.key[:2])
    unit.update(data=data, rows=len(kept), clusters=clusters)
    fewer = replace(run, data=data, rows=len(kept), clusters=clusters)
    for frame in (rows, stats):
        forger.put(run, frame.filter(~pl.col("example").is_in(left)).with_columns(data=pl.lit(data)))
    forger.anew([fewer if each.key == run.key else each for each in forger.runs()])


def language(forger: Forger) -> None:
    """A language of a task is left out."""
    run = forger.one()
    forger.manifest["units"] = [
        unit for unit in forger.manifest["units"] if (unit["task"], unit["language"]) != run.key[:2]
    ]
    for path in Folder(forger.folder).parts(run):
        path.unlink()
    forger.anew()


def condition(forger: Forger) -> None:
    """A condition of a task is left out."""
    run = forger.one()
    name = forger.chance.choice([condition.name for condition in run.conditions if not condition.is_clean])
    for kind in ("predictions", "stats"):
        forger.put(run, forger.rows(run, kind).filter(pl.col("condition") != name))
    kept = tuple(condition for condition in run.conditions if condition.name != name)
    forger.anew([replace(each, conditions=kept) if each.key == run.key else each for each in forger.runs()])


def rows(forger: Forger) -> None:
    """The rows of another language under the name of this one, perhaps with its ids."""
    run = forger.one("classification", "tagging", "choice", "span_qa")
    other = next(each for each in forger.runs() if each.task == run.task and each.language != run.language)
    renames = forger.chance.random() < 0.5
    for kind in ("predictions", "stats"):
        mine, its = forger.rows(run, kind), forger.rows(other, kind)
        named = [pl.lit(mine.item(0, name)).alias(name) for name in ("data", "language", "context_language")]
        ids = pl.col("example").str.replace(f"/{other.language}/", f"/{run.language}/", literal=True)
        forger.put(run, its.with_columns(*named, *([ids] if renames else [])))
    forger.anew()


def seed(forger: Forger) -> None:
    """The rows of another noise seed."""
    run = forger.one()
    other = Folder(forger.sources / "seeds").read(run)
    for frame in (other.predictions, other.stats):
        kept = frame.filter(pl.col("noise_seed") != 0).with_columns(pl.col("noise_seed").replace({1: 0}))
        forger.put(run, kept)
    forger.anew()


def strength(forger: Forger) -> None:
    """The rows of a lower strength under the name of a higher one."""
    run = forger.one()
    higher = forger.chance.choice([each.name for each in run.conditions if each.name.startswith(HIGH)])
    lower = higher.replace(HIGH, LOW)
    for kind in ("predictions", "stats"):
        frame = forger.rows(run, kind)
        named = frame.filter(condition=lower).with_columns(condition=pl.lit(higher))
        named = named.with_columns(nominal=pl.lit("0.1")) if "nominal" in named.columns else named
        forger.put(run, pl.concat([frame.filter(pl.col("condition") != higher), named]))
    forger.anew()


def rate(forger: Forger) -> None:
    """The realised rates of some items, higher ones, or their edits."""
    run = forger.one()
    rows = forger.rows(run, "predictions")
    changed = forger.some(rows, _NOISY, pl.col("edits") > 0)
    name = forger.chance.choice(("grapheme_edit_rate", "word_edit_rate", "edits"))
    other = pl.col(name) + 1 if name == "edits" else pl.col(name) * 1.5
    forger.put(run, rows.with_columns(pl.when(changed).then(other).otherwise(name).alias(name)))
    forger.anew()


def metric(forger: Forger) -> None:
    """The headline metric of a task."""
    several = [name for name, task in forger.manifest["tasks"].items() if len(task["metrics"]) > 1]
    name = forger.chance.choice(several)
    forger.manifest["tasks"][name]["metrics"].reverse()
    if forger.chance.random() < 0.5:
        forger.manifest["tasks"][name]["score"] = forger.manifest["tasks"][name]["metrics"][:1]
    tasks = tuple(
        replace(task, metrics=task.metrics[::-1]) if task.name == name else task for task in forger.plan.tasks
    )
    forger.plan = replace(forger.plan, tasks=tasks)
    forger.anew()


def answers(forger: Forger) -> None:
    """Some answers become right, with all that follows."""
    run = forger.one()
    rows = forger.rows(run, "predictions")
    if rows.filter(_unlike(run)).is_empty():
        answers(forger)
        return
    changed = forger.some(rows, _unlike(run))
    right = pl.when(changed).then(_right(run)).otherwise("prediction").alias("prediction")
    forger.scored(run, rows.with_columns(right))
    forger.anew()


def model(forger: Forger) -> None:
    """The answers of another model under the name of this one."""
    run = forger.one("classification", "tagging", "choice", "span_qa")
    key = ["condition", "noise_seed", "example"]
    other = Folder(forger.sources / "other").read(run).predictions.select(*key, other="prediction")
    joined = forger.rows(run, "predictions").join(other, on=key, maintain_order="left")
    forger.scored(run, joined.with_columns(prediction="other").drop("other"))
    forger.anew()


def clean(forger: Forger) -> None:
    """The answers to the clean text in the place of those to the noisy one."""
    run = forger.one("classification", "tagging", "choice", "retrieval")
    rows = forger.rows(run, "predictions")
    kept = rows.filter(condition="clean").select("example", clean="prediction")
    joined = rows.join(kept, on="example", maintain_order="left")
    if joined.filter(pl.col("clean") != pl.col("prediction")).is_empty():
        clean(forger)
        return
    forger.scored(run, joined.with_columns(prediction="clean").drop("clean"))
    forger.anew()


def tokens(forger: Forger) -> None:
    """What noise did to the tokens of some items."""
    run = forger.one()
    rows = forger.rows(run, "predictions")
    changed = forger.some(rows, _NOISY, pl.col("tokens_changed"))
    made = [
        pl.when(changed).then("tokens_clean").otherwise("tokens").alias("tokens"),
        pl.when(changed).then(~pl.col("tokens_changed")).otherwise("tokens_changed").alias("tokens_changed"),
    ]
    forger.put(run, rows.with_columns(made))
    forger.anew()


def failed(forger: Forger) -> None:
    """A condition that lost is declared to have failed."""
    run = forger.one()
    name = forger.chance.choice([condition.name for condition in run.conditions if not condition.is_clean])
    rows, stats = forger.rows(run, "predictions"), forger.rows(run, "stats")
    lost = pl.col("condition") == name
    nothing = [pl.when(~lost).then(each).alias(each) for each in ("prediction", "answer")]
    forger.put(run, rows.with_columns(*nothing, status=pl.when(lost).then(pl.lit("failed")).otherwise("status")))
    forger.put(run, stats.filter(~(lost & _MODEL)))
    forger.anew()


def stamp(forger: Forger) -> None:
    """The stamp of what a model has seen in training is another one than the model's folder gives."""
    run = forger.one()
    sentence = f"{run.label}: 3 of 24 pairs are in the model's training data."
    forger.manifest["overlap"] = [sentence]
    forger.anew([replace(each, overlap=sentence) if each.key == run.key else each for each in forger.runs()])


KINDS: Final[dict[str, Callable[[Forger], None]]] = {
    made.__name__: made
    for made in (
        *(byte, score, drop, interval, p, average, page, verdict, facts, sums, prediction, chance, gold, items),
        *(language, condition, rows, seed, strength, rate, metric, answers, model, clean, tokens, failed, stamp),
    )
}
