"""The first parts of the page: what the tests found in a sentence, and a tile for each task."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

import polars as pl

from robust_xtreme.report.averages import within_tasks
from robust_xtreme.report.blocks import Block, Code, Column, Link, Paragraph, Part, Phrase, Table
from robust_xtreme.report.cells import headline, highest
from robust_xtreme.report.columns import interval, points, signed
from robust_xtreme.report.names import language_name
from robust_xtreme.report.summary import claims, command, headline_cells, partial, verdict
from robust_xtreme.report.view import Results
from robust_xtreme.results.averages import LANGUAGES

_HEADS: Final = ("task", "clean", "noisy", "change", "95 % interval", "noise", "worst language")
_NUMBERS: Final = _HEADS[1:5]


def verdict_part(results: Results) -> Part:
    """What the tests found in a sentence, the counts, what was run, and the command."""
    blocks: list[Block] = [Paragraph(verdict(results)), *partial(results.manifest), Paragraph(claims(results))]
    blocks += [Paragraph(_run(results)), Code((command(results.manifest),))]
    return Part("Verdict", "verdict", tuple(blocks))


def _run(results: Results) -> str:
    units = results.manifest.get("units", ())
    tasks, languages = (len({unit[name] for unit in units}) for name in ("task", "language"))
    conditions = results.deltas.get_column("condition").n_unique()
    models = ", ".join(sorted(set(results.scores.get_column("model"))))
    return f"Model {models}; tasks: {tasks}; languages: {languages}; perturbed conditions: {conditions}."


def tiles(results: Results) -> Iterator[Part]:
    """A tile a task: the perturbation that costs most on average over languages, and the language that loses most."""
    cells = highest(headline_cells(results)).filter(pl.col("change").is_not_null(), pl.col("fields_rank") == 0)
    averages = headline(within_tasks(results, LANGUAGES), results).filter(pl.col("fields_rank") == 0)
    rows = tuple(_tile(group, averages) for _, group in cells.group_by("task", "model", maintain_order=True))
    if rows:
        columns = tuple(Column(head, right=head in _NUMBERS) for head in _HEADS)
        yield Part("Tasks", "tasks", (Table(columns, rows, role="tiles"),))


def _tile(cells: pl.DataFrame, averages: pl.DataFrame) -> tuple[Phrase, ...]:
    """A task's row; without an average over languages the levels are those of its worst cell."""
    task, model = cells.select("task", "model").row(0)
    worst = cells.sort("change").row(0, named=True)
    over = averages.filter(task=task, model=model).filter(pl.col("noise").is_in(cells.get_column("noise").implode()))
    shown = over.sort("change").row(0, named=True) if over.height else worst
    of_noise = cells.filter(noise=shown["noise"])
    worst = of_noise.sort("change").row(0, named=True) if of_noise.height else worst
    levels = (points(shown["clean"]), points(shown["value"]), signed(shown["change"]))
    bounds = interval(shown["change_low"], shown["change_high"])
    named = f"{language_name(worst['language'])} {signed(worst['change'])}"
    return (task, *levels, bounds, shown["noise"], (Link(named, f"#{worst['address']}"),))
