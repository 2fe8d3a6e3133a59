"""Renders the study: a table of targets and arms with intervals over seeds, what is claimed, and how it was made."""

from __future__ import annotations

import statistics
from collections.abc import Collection, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import polars as pl
from tools.transfer import collect
from tools.transfer.claims import CLAIMS, FEWEST_RUNS
from tools.transfer.collect import AVERAGE, RUNS
from tools.transfer.plan import CONTROLS, EVALUATED, MIX, NONE, ZERO_SHOT

from robust_xtreme.report.blocks import Block, Code, Document, Heading, Paragraph, Phrase, Prose, Strong, Table, grid
from robust_xtreme.report.renderers import markdown
from robust_xtreme.results import store
from robust_xtreme.results.schema import MODELS
from robust_xtreme.results.stages import OWN

REPORT: Final = "report.md"
FLAG: Final = "†"


def write(folder: Path, runs: pl.DataFrame, models: pl.DataFrame, facts: Mapping[str, Any]) -> None:
    """Write the frames, the facts, and the page that is made of them."""
    store.make_folder(folder)
    store.write_frame(folder / "runs.csv", runs, RUNS)
    store.write_frame(folder / "models.csv", models, MODELS)
    store.write_frame(folder / "table.csv", collect.tests(runs), CLAIMS)
    store.write_json(folder / "study.json", facts)
    store.write_text(folder / REPORT, render(folder))


def render(folder: Path) -> str:
    """The page of a folder's frames."""
    runs = store.read_frame(folder / "runs.csv", RUNS)
    table = store.read_frame(folder / "table.csv", CLAIMS)
    models = store.read_frame(folder / "models.csv", MODELS)
    facts = store.read_json(folder / "study.json")
    arms = [fact for fact in facts["arms"] if fact in set(runs["arm"].to_list())]
    blocks = (
        *(Paragraph(_what(runs, facts)), Heading("Differences to no intermediate training")),
        *(Prose(_how_to_read(runs)), _differences(table, arms, runs), Paragraph(_claims_text(table, runs))),
        *(Heading("Means"), Paragraph(_means_note()), _means(runs, arms)),
        *(Heading("The mix beside its controls"), _controls(table)),
        *(Heading("What was evaluated"), _evaluated(runs)),
        *(Heading("Models"), Prose("Every run's row is in `models.csv`; of each arm one:"), _models(models, runs)),
        *(Heading("How it was made"), *_made(facts)),
    )
    return markdown.render(Document("Transfer of intermediate tasks, from scratch on a CPU", blocks))


def _what(runs: pl.DataFrame, facts: Mapping[str, Any]) -> str:
    settings = facts["settings"]
    seeds = runs["seed"].n_unique()
    batch = settings["target_batch"]
    steps = ", ".join(f"{task} {number} of {batch[task]}" for task, number in settings["target_steps"].items())
    squad = " SQuAD's questions are those of its development set." if facts["squad_dev"] else ""
    return (
        f"One encoder from scratch ({settings['size']}: see Models) learned masked words of 44 languages "
        f"({settings['base_steps']} steps). From it each arm learned an intermediate stage of "
        f"{settings['intermediate_steps']} steps of {settings['batch_size']}, and from that each target in English "
        f"(steps: {steps}); {ZERO_SHOT} is answered by the encoder as the intermediate stage left it. Arms: no "
        f"intermediate stage ({NONE}), three single tasks, their mix, and two controls of the mix at equal steps: "
        f"masked LM on the same English texts, and the same tasks with shuffled labels.{squad} Seeds: {seeds}, of "
        "order, heads and dropout in both stages; all runs share the one masked-LM model, so what is stated here is "
        "said of that model."
    )


def _how_to_read(runs: pl.DataFrame) -> str:
    named = ", ".join(f"{arm} for {target}" for target, arm in collect.flagged(runs))
    apart = f" {FLAG}: {OWN} ({named}); these cells are not transfer, and are a family of their own." if named else ""
    return (
        "Points, paired by seed: the mean difference to the arm without intermediate training, with its 95 % t "
        f"interval over seeds. **Bold**: a sign is claimed, from {FEWEST_RUNS} seeds on, where the interval excludes 0 "
        f"and p is below 0.05 after Holm's correction over the family (all unflagged cells of the targets; the "
        f"averages are one of their own).{apart}\n\n{_counting(runs)}"
    )


def _counting(runs: pl.DataFrame) -> str:
    """Which languages and targets claims are made of."""
    over = collect.transfer_targets(runs)
    note = f"The {AVERAGE} is over the targets that no arm is flagged in: {', '.join(over)}."
    missing_note = f"There is no {AVERAGE}: fewer than two targets are flagged in no arm."
    return (
        "All arms are compared on the languages that every run has; none is left out for its values, so a target "
        "that no arm answers better than chance shows no difference between arms. "
        f"{note if len(over) > 1 else missing_note}"
    )


def _differences(table: pl.DataFrame, arms: Sequence[str], runs: pl.DataFrame) -> Table:
    differences = table.filter(pl.col("reference") == NONE)
    cells = {(row["cell"], row["arm"]): row for row in differences.iter_rows(named=True)}
    flags, everywhere = collect.flagged(runs), collect.everywhere(runs)
    others = [arm for arm in arms if arm != NONE]
    rows = []
    for cell in [*EVALUATED, AVERAGE]:
        arm_rows = [cells.get((cell, arm)) for arm in others]
        if any(arm_rows):
            languages = everywhere.filter(pl.col("target") == cell)["language"].n_unique()
            rows.append([cell, str(languages or ""), *(_difference(arm_row, flags) for arm_row in arm_rows)])
    return grid(("target", "languages", *others), rows, 1)


def _difference(row: Mapping[str, Any] | None, flags: Collection[tuple[str, str]]) -> Phrase:
    if row is None:
        return ""
    flag = FLAG if (row["cell"], row["arm"]) in flags else ""
    if row["low"] is None:
        return f"{row['difference']:+.1f} (no interval){flag}"
    text = f"{row['difference']:+.1f} [{row['low']:+.1f}, {row['high']:+.1f}]"
    return Strong(text) if row["sign"] else text, flag


def _claims_text(table: pl.DataFrame, runs: pl.DataFrame) -> str:
    flags = collect.flagged(runs)
    to_none = table.filter(pl.col("reference") == NONE, pl.col("p").is_not_null())
    tested = [row for row in to_none.iter_rows(named=True) if (row["cell"], row["arm"]) not in flags]
    lines = [
        f"{row['arm']} {row['sign']} in {row['cell']} ({_p(row['p_adjusted'])} of {row['m']})"
        for row in tested
        if row["sign"]
    ]
    listed = "; ".join(lines) if lines else "none of them"
    width = statistics.median((row["high"] - row["low"]) / 2 for row in tested) if tested else 0.0
    wide = f" The median interval reaches {width:.1f} points to either side." if tested else ""
    return f"Of {len(tested)} tested differences a sign is claimed for: {listed}.{_too_few(runs)}{wide}"


def _too_few(runs: pl.DataFrame) -> str:
    """Why no sign can be claimed where no arm has seeds enough; empty where one has."""
    each = runs.filter(pl.col("arm") != NONE).group_by("arm", "target").agg(pl.col("seed").n_unique())
    most = max(each["seed"].to_list(), default=0)
    if most >= FEWEST_RUNS:
        return ""
    return (
        f" No sign can be claimed here: {most} of the {FEWEST_RUNS} seeds that one takes are there, and an interval "
        "over fewer training runs hangs on each of them."
    )


def _p(value: float) -> str:
    return "p adjusted below 0.001" if value < 0.001 else f"p adjusted {value:.3f}"


def _means_note() -> str:
    return (
        "Means over languages and over seeds, with the standard deviation over seeds. Chance is the mean of the best "
        "constant of each language; beside it the share of language cells, over all arms and seeds, that are shown "
        "above their own. A target near chance cannot show much transfer."
    )


def _means(runs: pl.DataFrame, arms: Sequence[str]) -> Table:
    means = collect.values(runs)
    rows = []
    for cell in EVALUATED:
        cell_means = means.filter(pl.col("cell") == cell)
        if cell_means.height:
            rows.append([cell, *(_level(cell_means, arm) for arm in arms), *_chance(runs, cell)])
    return grid(("target", *arms, "chance", "cells above it"), rows, 1)


def _level(means: pl.DataFrame, arm: str) -> str:
    values = means.filter(pl.col("arm") == arm)["value"]
    if not values.len():
        return ""
    mean, spread = values.mean(), values.std()
    return _decimal(mean) + (f" ({_decimal(spread)})" if isinstance(spread, float) else "")


def _chance(runs: pl.DataFrame, cell: str) -> list[str]:
    target_runs = runs.filter(pl.col("target") == cell)
    above = target_runs.filter(~pl.col("near_chance")).height / target_runs.height
    return [_decimal(target_runs["chance"].mean()), f"{100 * above:.0f} %"]


def _decimal(value: Any) -> str:
    """A mean with one decimal; nothing where there is none."""
    return f"{value:.1f}" if isinstance(value, float) else ""


def _controls(table: pl.DataFrame) -> Table:
    rows = []
    for control in CONTROLS:
        differences = table.filter(pl.col("reference") == control, pl.col("arm") == MIX)
        cells = {row["cell"]: row for row in differences.iter_rows(named=True)}
        every = [_difference(cells.get(target), set()) for target in [*EVALUATED, AVERAGE]]
        rows.append([f"{MIX} - {control}", *every])
    return grid(("difference", *EVALUATED, AVERAGE), rows, 1)


def _evaluated(runs: pl.DataFrame) -> Table:
    rows = []
    for target in EVALUATED:
        target_runs = runs.filter(pl.col("target") == target)
        if target_runs.height:
            languages = sorted(set(target_runs["language"].to_list()))
            sizes = target_runs.group_by("language").agg(pl.col("n").first())["n"].sum()
            words = [", ".join(sorted(set(target_runs[name].to_list()))) for name in ("metric", "split")]
            rows.append([target, *words, f"{len(languages)}: {' '.join(languages)}", f"{sizes:,}"])
    return grid(("target", "metric", "split", "languages", "examples in all"), rows, 1)


def _models(models: pl.DataFrame, runs: pl.DataFrame) -> Table:
    arm = dict(runs.select("model", "arm").unique().iter_rows())
    first: dict[str, Mapping[str, Any]] = {}
    for row in models.iter_rows(named=True):
        first.setdefault(arm.get(row["model"], ""), row)
    names = ("intermediate_set", "intermediate_examples", "diversity", "params", "params_nonembedding", "base_kind")
    rows = [[model, *(_plain(first[model][name]) for name in names)] for model in sorted(first) if model]
    return grid(("arm", *names), rows, 1)


def _plain(value: Any) -> str:
    if isinstance(value, float):
        return f"{value:.3f}"
    return f"{value:,}" if isinstance(value, int) else (value or "")


def _made(facts: Mapping[str, Any]) -> Iterator[Block]:
    yield Paragraph(f"{facts['measured_on']}. {_seconds(facts['seconds'])}".strip())
    yield Paragraph("The whole study is one command, which continues where it was stopped:")
    yield Code(tuple(facts["commands"][:1]))
    if facts["commands"][1:]:
        yield Paragraph("What it does of each arm and seed, as commands (here of one):")
        yield Code(tuple(facts["commands"][1:]))
    yield Paragraph("Their run files, as the tool writes them:")
    yield from (Code(tuple(text.rstrip().splitlines()), "toml") for text in facts["files"])
    if facts["missing"]:
        yield Paragraph("What is missing here: " + "; ".join(facts["missing"]) + ".")


def _seconds(seconds: Mapping[str, float]) -> str:
    """How long pieces took; empty where nothing is known."""
    trained = {name: spent for name, spent in seconds.items() if not name.startswith("eval ")}
    if not trained:
        return ""
    longest = max(trained, key=lambda name: trained[name])
    return (
        f"{len(trained)} runs took {sum(trained.values()) / 60:.0f} minutes of processor time, their reading of data "
        f"included, the longest ({longest}) {trained[longest]:.0f} s, and their evaluation "
        f"{(sum(seconds.values()) - sum(trained.values())) / 60:.0f} minutes."
    )
