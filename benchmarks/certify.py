"""Certificates beside attacks, of a model and one trained with deletions: the figures, page and chart of a benchmark.

    python -m benchmarks.certify plain=DIR deletions=DIR --data DIR --tasks panx --languages en,sw,hi
    python -m benchmarks.certify plain=DIR deletions=DIR --data DIR --tasks xnli --languages en,sw,hi

Each model is attacked (`eval`), certified at each probability of a deletion (`certify --beside`), and its certificates
are attacked with fresh draws (`tools.certified`). Seconds are those of a command that had nothing to continue; the
figures of those that are finished stay.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import polars as pl

from robust_xtreme.core.errors import counted
from robust_xtreme.report.blocks import Block, Code, Heading, Paragraph, Prose, ReportPage, grid
from robust_xtreme.report.charts.drawing import alone
from robust_xtreme.report.charts.figures import ranges
from robust_xtreme.report.columns import interval, percent, points
from robust_xtreme.report.renderers import markdown

FOLDER: Final = Path(__file__).parents[1] / "reports" / "benchmarks"
INK: Final = "#6e7781"
_LEARNED: Final = ("tasks", "steps", "batch_size", "lr", "seed", "precision", "perturb")
_STILL: Final = 1e-9
"""Shares that differ by less are equal but for their last bits."""

_FRESH: Final = ("--draws", "100", "--first", "20")

_SECONDS: Final = (
    'Seconds by the clock, on two processors, in part beside other work; "-": it was stopped and continued.'
)


def measure(given: argparse.Namespace, out: Path) -> dict[str, Any]:
    """Run the commands of all models; their seconds are kept in a file of `out`."""
    out.mkdir(parents=True, exist_ok=True)
    kept = out / "commands.json"
    commands: dict[str, Any] = json.loads(kept.read_text(encoding="utf-8")) if kept.exists() else {}
    models = [named.partition("=") for named in given.models]
    figures: dict[str, Any] = {"models": [_trained(name, Path(folder)) for name, _, folder in models]}
    figures |= {"rows": [], "commands": [], "fresh": []}
    common = ["--data", given.data, "--tasks", given.tasks]
    rows = ["--languages", given.languages, "--limit", str(given.limit)]
    draws = ["--draws", str(given.draws), "--first", str(given.first)]

    def run(model: str, kind: str, words: Sequence[str]) -> dict[str, Any]:
        key = " ".join(words)
        if key not in commands:
            start = time.perf_counter()
            ended = subprocess.run([sys.executable, "-m", *words], check=True, stdout=subprocess.PIPE, text=True)
            commands[key] = {"seconds": round(time.perf_counter() - start), "said": ended.stdout}
            kept.write_text(json.dumps(commands, indent=1), encoding="utf-8")
        shown = (
            key.replace("robust_xtreme ", "robust-xtreme ")
            .replace("tools.", "python -m tools.")
            .replace(given.data, "DATA")
        )
        for name, _, folder in models:
            shown = shown.replace(folder, f"MODELS/{name}")
        shown = shown.replace(str(out), "runs/certify")
        figures["commands"].append(
            {"model": model, "kind": kind, "command": shown, "seconds": commands[key]["seconds"]}
        )
        return dict(commands[key])

    for name, _, folder in models:
        named = ["--model", f"{given.tasks}={folder}", *common]
        attacked = out / f"attacked-{name}"
        run(name, "eval", ["robust_xtreme", "eval", *named, *rows, "--perturb", given.perturb, "--out", str(attacked)])
        for rate, _, radii in (each.partition(":") for each in given.rates):
            how = [*draws, "--delete", rate, "--radius", radii]
            to = out / f"{name}-{rate}"
            words = ["certify", *named, *rows, *how, "--beside", str(attacked), "--out", str(to), "--quiet"]
            run(name, "certify", ["robust_xtreme", *words])
            table = pl.read_csv(to / "certificates.csv")
            same = _same(pl.read_parquet(to / "certified.parquet"))
            for row in table.drop("model").to_dicts():
                figures["rows"].append({"model": name, "delete": rate, "same": same[row["language"]], **row})
    rate = given.rates[0].partition(":")[0]
    for name, _, folder in models[: given.fresh_models]:
        fresh = ["--languages", given.fresh, "--limit", "20", "--attacks", "200", *_FRESH, "--delete", rate]
        said = run(name, "tools.certified", ["tools.certified", "--model", f"{given.tasks}={folder}", *common, *fresh])
        figures["fresh"].append({"model": name, "said": said["said"].strip()})
    figures["draws"], figures["first"] = given.draws, given.first
    return figures


def _same(items: pl.DataFrame) -> dict[str, float]:
    """By language the share (%) of items whose smoothed answer is the most frequent one."""
    counts = (
        items.group_by("language", "smoothed").len().group_by("language").agg(pl.col("len").max() / pl.col("len").sum())
    )
    return {language: 100.0 * share for language, share in counts.rows()}


def _trained(name: str, folder: Path) -> dict[str, Any]:
    """How a model was trained, by the record of its run."""
    record = json.loads((folder / "train.json").read_text(encoding="utf-8"))["spec"]
    steps = record["steps"] or counted(record["epochs"], "epoch")
    return {"model": name, **{key: record[key] for key in _LEARNED}, "steps": steps}


def page(figures: Mapping[str, Any]) -> str:
    """The page of the figures."""
    return markdown.render(ReportPage("Certificates beside attacks", tuple(_blocks(figures))))


def _cells(figures: Mapping[str, Any]) -> Iterator[list[dict[str, Any]]]:
    """The rows of each model, probability and language, the largest radius first."""
    keys = dict.fromkeys((row["model"], row["delete"], row["language"]) for row in figures["rows"])
    for key in keys:
        rows = [row for row in figures["rows"] if (row["model"], row["delete"], row["language"]) == key]
        yield sorted(rows, key=lambda row: -row["radius"])


def _blocks(figures: Mapping[str, Any]) -> Iterator[Block]:
    first = figures["rows"][0]
    cluster, unit, trained_on = _TASKS[first["task"]]
    yield Paragraph(
        f"By python -m benchmarks.certify, from {_stem(first['task'])}.json. Task {first['task']}, split "
        f"{first['split']}, {counted(first['clusters'], cluster)} of each language, items are {unit}; attack "
        f"{first['attack']}; "
        f"{figures['first']} draws choose an answer, {figures['draws']} others bound it at 99.9 %."
    )
    yield Prose(_READ.format(unit=unit))
    of_smoothed = ("model", "deletion", "language", "items", "constant", "certified", "smoothed", "same")
    heads = (*of_smoothed, "attacked", "random search", "clean", "queries", "edits", "within", "abstained")
    yield grid(heads, (list(_line(cell)) for cell in _cells(figures)), left=3)
    yield Paragraph(_found(figures))
    yield Prose(f"![Levels of the smoothed model and of the model itself, by language]({_stem(first['task'])}.svg)")
    yield Heading("Attacks with fresh draws")
    yield grid(("model", "what was found"), ((each["model"], each["said"]) for each in figures["fresh"]))
    yield Paragraph(_FRESH_LIMIT)
    yield Heading("Training")
    yield Prose(_TRAINED.format(trained_on))
    trained = (
        ["; ".join(each[key]) if key in ("tasks", "perturb") else str(each[key]) for key in _LEARNED]
        for each in figures["models"]
    )
    yield grid(
        ("model", *_LEARNED), ([each["model"], *cells] for each, cells in zip(figures["models"], trained, strict=True))
    )
    yield Heading("Commands")
    yield Paragraph(_SECONDS)
    seconds = [
        (each["model"], each["kind"], f"{each['seconds']:,}" if each["seconds"] else "-")
        for each in figures["commands"]
    ]
    yield grid(("model", "command", "seconds"), seconds, left=2)
    yield Code(tuple(each["command"] for each in figures["commands"]), "sh")


def _line(cell: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    first = cell[0]
    yield from (first["model"], first["delete"], first["language"], f"{first['items']:,}", points(first["constant"]))
    yield "; ".join(map(_certified, cell))
    yield from (points(first[name]) for name in ("smoothed", "same", "attacked", "random", "clean", "queries", "edits"))
    yield f"{points(first['within'])} % ({counted(first['radius'], 'edit')})"
    yield percent(first["abstained"])


def _found(figures: Mapping[str, Any]) -> str:
    """What is seen in the rows of the smallest radius and the first probability: above constant, and between models."""
    rate = figures["rows"][0]["delete"]
    least = [cell[-1] for cell in _cells(figures) if cell[-1]["delete"] == rate]
    above = sum(row["certified"] > row["constant"] + _STILL for row in least)
    rows_of = f"{len(least)} rows with deletions at {rate}"
    text = f"Certified at {counted(least[0]['radius'], 'edit')} is above constant in {above} of the {rows_of}."
    first, *others = figures["models"]
    for other in others:
        rows = [[row for row in least if row["model"] == each["model"]] for each in (first, other)]
        names = ("certified", "smoothed", "same", "attacked", "random", "clean")
        sums = [[sum(row[name] for row in part) / len(part) for name in names] for part in rows]
        changes = (f"{name} {after - before:+.1f}" for name, before, after in zip(names, *sums, strict=True))
        text += f" On average over their languages, {other['model']} minus {first['model']}: {', '.join(changes)}."
    return f"{text} Few texts and one seed: no difference is tested."


def _certified(row: Mapping[str, Any]) -> str:
    bounds = "" if row["low"] is None else f" {interval(row['low'], row['high'])}"
    return f"{counted(row['radius'], 'edit')} {points(row['certified'])}{bounds}"


def chart(figures: Mapping[str, Any]) -> str:
    """The chart of the levels: for each language a row of each model and probability."""
    drawn = list[dict[str, Any]]()
    for cell in sorted(_cells(figures), key=lambda cell: str(cell[0]["language"])):
        first = cell[0]
        levels = {f"certified, {counted(row['radius'], 'edit')}": ("smoothed model", row["certified"]) for row in cell}
        levels["smoothed"] = ("smoothed model", first["smoothed"])
        levels |= {name: ("model itself", first[name]) for name in ("attacked", "random", "clean")}
        row = {"language": f"{first['language']}, {first['model']} {first['delete']}"}
        drawn += [{**row, "of": of, "level": name, "value": value} for name, (of, value) in levels.items()]
    return alone(ranges(pl.DataFrame(drawn)), INK)


_READ: Final = """\
Each row has two models. Of the *smoothed model*, which reads texts with deleted graphemes and answers by votes,
certified is the share of {unit} that are right and stay so in every text within so many edits; no opponent with them
leaves less, and without one it is smoothed. Of the *model itself* attack and random search leave the levels beside
clean, upper bounds of what the worst opponent with such edits leaves. Neither bounds the other. Constant is the level,
and the certificate, of one answer for all {unit}: only what is above it is certified skill; same: the {unit} (%) with
the most frequent smoothed answer. Within: the share of edited texts with no more edits than the largest radius of the
row. One training run each: these checkpoints only."""


_FRESH_LIMIT: Final = (
    "In brackets the answers that were certified and attacked: where all are of the class that the model gives most "
    "texts, none broken says little. The limit takes attacks as independent, which those on words of one text are not."
)

_TRAINED: Final = """\
Heads and all weights of multilingual-e5-small, on {}; with several perturbations each
example draws one of them in each pass, with these keys:"""

_TASKS: Final[Mapping[str, tuple[str, str, str]]] = {
    "panx": (
        "sentence",
        "words",
        "4,955 English sentences of PAN-X (`robust-xtreme train configs/real/train/panx.toml --data DATA`)",
    ),
    "xnli": (
        "premise",
        "pairs",
        (
            "10,071 English pairs of MultiNLI (`robust-xtreme train configs/real/train/xnli.toml --data DATA`), "
            "deletions from plain (with `--from MODELS/plain --steps 300 --perturb char_noise:0@ops=delete --perturb "
            "char_noise:0.6@ops=delete`)"
        ),
    ),
    "xcopa": (
        "question",
        "questions",
        "CommonsenseQA, then COPA, in English (`robust-xtreme train configs/real/train/xcopa.toml --data DATA`)",
    ),
}
"""Of a task: what a cluster is, what an item is, and what the heads were trained on."""


def _stem(task: str) -> str:
    """The name of the files of a task."""
    return "certify" if task == "panx" else f"certify-{task}"


def main() -> None:
    """Measure, and write the figures, the chart and the page."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("models", nargs="+")
    for name, default in (("tasks", "panx"), ("languages", "en,sw,hi"), ("fresh", "en")):
        parser.add_argument(f"--{name}", default=default)
    for name, number in (("limit", 30), ("draws", 200), ("first", 50)):
        parser.add_argument(f"--{name}", type=int, default=number)
    parser.add_argument("--data", required=True)
    parser.add_argument("--fresh-models", type=int, default=2, help="how many of the models are attacked so")
    parser.add_argument("--perturb", default="attack_letters:0.1@queries=50")
    parser.add_argument("--rates", nargs="+", default=["0.6:1", "0.9:1,2"], help="PROBABILITY:RADII")
    parser.add_argument("--out", type=Path, default=Path("runs/certify"))
    given = parser.parse_args()
    figures = measure(given, given.out)
    stem, text = _stem(given.tasks), json.dumps(figures, indent=1, ensure_ascii=False) + "\n"
    for ending, content in (("json", text), ("svg", chart(figures)), ("md", page(figures))):
        (FOLDER / f"{stem}.{ending}").write_text(content, encoding="utf-8")


if __name__ == "__main__":
    main()
