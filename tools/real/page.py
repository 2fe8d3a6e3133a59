"""The page reports/real/details.md, made of the tables beside it alone."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, Final

import polars as pl
from tools import real_data
from tools.real.learned import of_noise
from tools.real.tables import GATE, LATIN, PLACE, read

from robust_xtreme.files import store
from robust_xtreme.report.blocks import Block, Code, Heading, Prose, ReportPage, grid
from robust_xtreme.report.renderers import markdown
from robust_xtreme.stats.averages import LANGUAGES

MISSING: Final = "missing.json"
"""The names of the stages of the plan that are not finished."""

PUBLISHED: Final = Path(__file__).parent / "published.csv"
_NONE: Final = "-"
BAR: Final = 90
"""The least per cent of draws in which the interval of a cell should contain the true drop."""


def page(folder: Path) -> str:
    """The page, in Markdown."""
    levels, means, clean, attacks = (read(folder, name) for name in ("levels", "means", "clean", "attacks"))
    is_gate = pl.col("run").str.contains(GATE, literal=True)
    ours = levels.filter(~is_gate)
    blocks: list[Block] = [Prose(_ABOUT), *_what_is_missing(folder)]
    blocks += [Heading("Clean levels"), Prose(_CLEAN), clean_table(clean.filter(~is_gate)), Prose(_REASONS)]
    blocks += [Heading("Change by noise, mean over languages"), Prose(_MEANS), means_table(means.filter(~is_gate))]
    blocks += [Heading("Latin against other scripts"), Prose(_SCRIPTS), scripts_table(of_noise(levels))]
    if not (of_gate := levels.filter(is_gate)).is_empty():
        blocks += [Heading("Training seeds"), Prose(_SEEDS), seeds_table(of_gate)]
    if not (gate := read(folder, "gate")).is_empty():
        blocks += [Heading("The gate between training seeds"), Prose(_BETWEEN_SEEDS), plain_table(gate, 3)]
    if not attacks.is_empty():
        blocks += [Heading("Attacks"), Prose(_ATTACKS), attacks_table(attacks)]
    if not (trained := read(folder, "training_noise")).is_empty():
        blocks += [Heading("Noise in training"), Prose(_TRAINING_NOISE), training_noise_table(trained)]
    if not (coverage := read(folder, "coverage")).is_empty():
        blocks += [Heading("Coverage"), Prose(_COVERAGE), coverage_table(coverage)]
    blocks += [Heading("Languages"), Prose(_LANGUAGES)]
    for (run, task, fields), rows in ours.group_by("run", "task", "fields", maintain_order=True):
        blocks += [Heading(f"{run}: {task}, noise on {fields}", 3), language_table(rows)]
    blocks += [Heading("Training files that are made of other splits"), Prose(_DATA), data_table(folder)]
    blocks += [Heading("How it was made"), Code(tuple(_COMMANDS.splitlines()), "sh")]
    return markdown.render(ReportPage("A real encoder under noise", tuple(blocks)))


def _what_is_missing(folder: Path) -> Iterator[Block]:
    missing = store.read_json(folder / PLACE / MISSING)
    if missing:
        yield Prose(f"Not finished, and not on this page: {', '.join(missing)}.")


def _rows(frame: pl.DataFrame) -> list[dict[str, Any]]:
    return list(frame.iter_rows(named=True))


def _change(drop: float | None, low: float | None, high: float | None) -> str:
    """A drop and its bounds as a change, which has the opposite sign."""
    if drop is None:
        return _NONE
    interval = "" if low is None or high is None else f" [{_signed(-high)}, {_signed(-low)}]"
    return f"{_signed(-drop)}{interval}"


def _signed(points: float) -> str:
    """A change with its sign; what rounds to 0 has none that is negative."""
    return f"{round(points, 1) + 0.0:+.1f}"


def clean_table(clean: pl.DataFrame) -> Block:
    """The clean level of each run and metric, beside a published one."""
    known = {(row["task"], row["metric"]): row for row in _rows(pl.read_csv(PUBLISHED))}
    rows = []
    for row in _rows(clean):
        other = known.get((row["task"], row["metric"]))
        beside = f"{other['value']:.1f}, {other['model']}, {other['parameters']}" if other else _NONE
        rows.append((row["run"], row["task"], row["metric"], str(row["languages"]), f"{row['value']:.1f}", beside))
    return grid(("run", "task", "metric", "languages", "clean", "published"), rows, 3)


def means_table(means: pl.DataFrame) -> Block:
    """The mean change over languages, by run, fields and noise."""
    rows = []
    for row in _rows(means.filter(kind=LANGUAGES)):
        count = str(len(str(row["languages"]).split()))
        change = _change(row["drop"], row["low"], row["high"])
        rows.append((row["run"], row["task"], row["fields"], row["noise"], count, f"{row['clean']:.1f}", change))
    return grid(("run", "task", "noise on", "noise", "languages", "clean", "change"), rows, 4)


def scripts_table(levels: pl.DataFrame) -> Block:
    """The mean change of languages in Latin script and of others, by task, fields and noise, over runs."""
    by = ("task", "fields", "noise")
    by_language = levels.group_by(*by, "script", "language", maintain_order=True).agg(pl.col("drop").mean())
    rows = []
    for (task, fields, noise), cells in by_language.group_by(*by, maintain_order=True):
        latin, other = cells.filter(script=LATIN), cells.filter(pl.col("script") != LATIN)
        if latin.is_empty() or other.is_empty():
            continue
        sides = ((str(len(side)), _change(_mean(side["drop"]), None, None)) for side in (latin, other))
        rows.append((str(task), str(fields), str(noise), *(value for side in sides for value in side)))
    return grid(("task", "noise on", "noise", "Latin", "change", "others", "change"), rows, 3)


def _mean(values: pl.Series) -> float | None:
    there = values.drop_nulls().to_list()
    return sum(there) / len(there) if there else None


def seeds_table(levels: pl.DataFrame) -> Block:
    """The clean level and the change of each language, over training seeds: mean and standard deviation."""
    rows = []
    for (task, code, noise), cells in levels.group_by("task", "language", "noise", maintain_order=True):
        spreads = [f"{_mean(cells[name]) or 0.0:.1f} ({_deviation(cells[name])})" for name in ("clean", "drop")]
        rows.append((str(task), str(code), str(noise), str(len(cells)), *spreads))
    return grid(("task", "language", "noise", "seeds", "clean", "drop"), rows, 3)


def _deviation(values: pl.Series) -> str:
    spread = values.drop_nulls().std()
    return f"{spread:.1f}" if isinstance(spread, float) else _NONE


def attacks_table(attacks: pl.DataFrame) -> Block:
    """What each attack reached in each language."""
    return grid(
        ("task", "language", "attack", "items", "attacked", "success (%)", "below random"),
        [
            (
                row["task"],
                row["language"],
                row["attack"],
                str(row["n"]),
                str(row["attacked"]),
                _share(row),
                _below(row),
            )
            for row in _rows(attacks)
        ],
        3,
    )


def _share(row: dict[str, Any]) -> str:
    if row["success"] is None:
        return _NONE
    bounds = f" [{row['success_low']:.1f}, {row['success_high']:.1f}]" if row["success_low"] is not None else ""
    return f"{row['success']:.1f}{bounds}"


def _below(row: dict[str, Any]) -> str:
    if row["below_random"] is None:
        return _NONE
    bounds = (row["below_random_low"], row["below_random_high"])
    return f"{row['below_random']:.1f}" + (f" [{bounds[0]:.1f}, {bounds[1]:.1f}]" if None not in bounds else "")


def plain_table(frame: pl.DataFrame, names: int) -> Block:
    """A table as it is, of which the first columns are names."""
    return grid(tuple(frame.columns), [tuple(str(value) for value in row) for row in frame.iter_rows()], names)


def training_noise_table(frame: pl.DataFrame) -> Block:
    """The level without and with noise in training, and the difference, on clean text once."""
    clean = frame.filter(scale="clean").unique("trained_on", keep="first", maintain_order=True)
    rows = pl.concat([clean.with_columns(noise=pl.lit("clean")), frame.filter(scale="perturbed")])
    lines = [
        (
            row["noise"],
            str(row["languages"]),
            f"{row['without']:.1f}",
            f"{row['with']:.1f}",
            _change(-row["difference"], -row["high"], -row["low"]),
        )
        for row in _rows(rows)
    ]
    return grid(("noise", "languages", "without", "with", "difference"), lines, 1)


def coverage_table(coverage: pl.DataFrame) -> Block:
    """How often intervals contain the true drop, over the cells of a kind of metric."""
    lines = []
    for (metric, clusters), cells in coverage.group_by("metric", "clusters", maintain_order=True):
        covered, false = (cells.get_column(name).to_numpy() for name in ("covered", "false_drops"))
        shares = (covered.min(), covered.mean(), covered.max(), false.mean(), false.max())
        below = str(int((covered < BAR).sum()))
        lines.append((str(metric), str(clusters), str(cells.height), below, *(f"{share:.1f}" for share in shares)))
    heads = (
        "metric",
        "clusters",
        "cells",
        f"below {BAR}",
        "lowest",
        "mean",
        "highest",
        "false drops",
        "most false drops",
    )
    return grid(heads, lines, 1)


def language_table(levels: pl.DataFrame) -> Block:
    """The clean level of each language and its change under each noise."""
    noises = levels.get_column("noise").unique(maintain_order=True).to_list()
    rows = []
    for (code, script), cells in levels.group_by("language", "script", maintain_order=True):
        by_noise = {row["noise"]: row for row in _rows(cells)}
        changes = (_changed(by_noise.get(noise)) for noise in noises)
        rows.append((str(code), str(script), f"{_mean(cells['clean']) or 0.0:.1f}", *changes))
    return grid(("language", "script", "clean", *noises), rows, 2)


def _changed(row: dict[str, Any] | None) -> str:
    return _change(row["drop"], row["low"], row["high"]) if row else _NONE


def data_table(folder: Path) -> Block:
    """The training files that tools.real_data made."""
    made: Iterable[dict[str, Any]] = store.read_json(folder / PLACE / real_data.RECORD)["training"]
    rows = [
        (
            row["path"],
            " and ".join(row["sources"]),
            row["split"],
            row["sha256"][:12],
            f"{row['rows']:,}",
            f"{row['overlap']:,}",
        )
        for row in made
    ]
    return grid(("file", "made of", "split", "sha256", "rows", "of them in evaluated files"), rows, 4)


_ABOUT: Final = """\
Heads of a real encoder (by default multilingual-e5-small, 118 million parameters, of which 21 million are not
embeddings), trained in minutes on small English training sets, and evaluated on release files, clean and under noise.
What was learned is in [README.md](../real/README.md); this page has the tables. Every number is made of those in
`tables`: `levels.csv` has each cell, with its interval, the share of edited characters and the tokens of a word, clean
and noisy. The folders of `runs` have the page of each run, with its tests.
"""

_CLEAN: Final = """\
Means over the evaluated languages. Beside them is what was published of an encoder with all training data, on average
over all languages of the task: Multilingual MiniLM, which has this size and this vocabulary, where it was measured,
else mBERT in XTREME. An orientation, not a comparison."""

_REASONS: Final = """\
Why they differ: they were trained on all English data of a task (XNLI 393,000 pairs, here 10,071; SQuAD 88,000
questions, here 3,696 of TyDi QA; PAN-X 20,000 sentences, here 5,000), for epochs and not for minutes, and averaged
over 15 to 40 languages, more of them far from English; samples here are 300 clusters of a language, and PAN-X and TyDi
QA are levels of other splits, since XTREME's files have no labels for these. Tatoeba is higher here because e5 was
trained to find translations, and mBERT was not."""

_BETWEEN_SEEDS: Final = """\
Per cent of gates with a row that regressed, over all splits of the eight trainings into baselines and a candidate, with
its interval (`failing_low`, `failing_high`), by leaving out one seed, and where no gate fails or all do by Clopper and
Pearson as if only the candidates were independent; verdicts in per cent of rows; `difference` and `se` are root mean
squares in points."""

_TRAINING_NOISE: Final = """\
PAN-X, mean over languages, in points with 95 % intervals. Training saw `char_noise:0.1` alone, on English sentences;
the other noises are what it did not see."""

_COVERAGE: Final = """\
Per cent of draws of so many clusters of the answers of these runs in which the interval of a cell contains its true
drop, and in which a drop is shown where clean and noisy answers were exchanged at random (nominally 2.5). No cell
should be below 90."""

_MEANS: Final = """\
In points, with 95 % intervals (`means.csv`). A run has the languages that a noise serves: means of two noises are over
other languages where their numbers differ. Runs of PAN-X are one for each training seed."""

_SCRIPTS: Final = """\
Plain means of the changes of languages in Latin script, and of all others, over the runs of a task. They have no
intervals, and languages differ in more than their script."""

_SEEDS: Final = """\
PAN-X, the same training with other seeds: mean (standard deviation over seeds) of the clean level and of the drop."""

_ATTACKS: Final = """\
Success is the share of items that are right when clean and that an attack changes to wrong. `below random` is by how
many points it leaves less of the metric than random search with as many queries."""

_LANGUAGES: Final = """\
The change in points with its 95 % interval, of one cell each, not corrected for many tests: the pages of the runs have
corrected tests. `-`: the noise does not serve the language. MasakhaNER by the head of PAN-X misses all dates by
construction. A task near chance, such as XCOPA (50), has no drop that could be measured."""

_DATA: Final = """\
Of development and test files, on which no head is evaluated. SQuAD's passages are others than those of XQuAD, of the
same 48 articles."""

_COMMANDS: Final = """\
python -m tools.encoders multilingual-e5-small
python -m tools.real --data DIR
python -m tools.real.keep"""
