"""The first parts of the page: what the tests found in a sentence, and a tile for each task."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

import polars as pl

from robust_xtreme.report.averages import within_tasks
from robust_xtreme.report.blocks import Block, Code, Column, Link, Paragraph, Part, Phrase, Strong, Table, inlines
from robust_xtreme.report.cells import headline, highest
from robust_xtreme.report.columns import interval, points, signed
from robust_xtreme.report.names import language_name
from robust_xtreme.report.summary import by_run, claims, commands, headline_cells, partial, verdict_on
from robust_xtreme.report.view import Results
from robust_xtreme.results.averages import LANGUAGES

_HEADS: Final = ("task", "clean", "noisy", "change", "95 % interval", "noise", "worst language")
_NUMBERS: Final = _HEADS[1:5]


def verdict_part(results: Results) -> Part:
    """What the tests found in a sentence, the counts, what was run, and the command; of each run."""
    blocks: list[Block] = []
    for name, cells in by_run(results):
        named = (Strong(f"{name}: "),) if name else ()
        blocks += [Paragraph((*named, *inlines(verdict_on(cells)))), Paragraph(claims(cells))]
    blocks += [*partial(results.manifest), Paragraph(_run(results)), Code(commands(results.manifest))]
    return Part("Verdict", "verdict", tuple(blocks))


def _run(results: Results) -> str:
    units = results.manifest.get("units", ())
    tasks, languages = (len({unit[name] for unit in units}) for name in ("task", "language"))
    noises = ", ".join(headline_cells(results).get_column("noise").unique().sort())
    models = ", ".join(results.scores.get_column("model").unique(maintain_order=True))
    return f"Model {models}; tasks: {tasks}; languages: {languages}; noise: {noises or 'none'}."


def tiles(results: Results) -> Iterator[Part]:
    """A tile a task: the perturbation that costs most on average over languages, and the language that loses most."""
    cells = highest(headline_cells(results)).filter(pl.col("change").is_not_null(), pl.col("fields_rank") == 0)
    averages = headline(within_tasks(results, LANGUAGES), results).filter(pl.col("fields_rank") == 0)
    order = ("task", "run_rank", "model")
    groups = cells.sort(order, maintain_order=True).group_by("task", "model", maintain_order=True)
    several = cells.get_column("model").n_unique() > 1
    rows = tuple(_tile(group, averages, several) for _, group in groups)
    if rows:
        columns = tuple(Column(head, right=head in _NUMBERS) for head in _HEADS)
        yield Part("Tasks", "tasks", (Table(columns, rows, role="tiles"),))


def _tile(cells: pl.DataFrame, averages: pl.DataFrame, several: bool) -> tuple[Phrase, ...]:
    """A task's row, with its model where there are several.

    Without an average over languages the levels are those of its worst cell.
    """
    task, model = cells.select("task", "model").row(0)
    worst = cells.sort("change").row(0, named=True)
    over = averages.filter(task=task, model=model).filter(pl.col("noise").is_in(cells.get_column("noise").implode()))
    shown = over.sort("change").row(0, named=True) if over.height else worst
    of_noise = cells.filter(noise=shown["noise"])
    worst = of_noise.sort("change").row(0, named=True) if of_noise.height else worst
    levels = (points(shown["clean"]), points(shown["value"]), signed(shown["change"]))
    bounds = interval(shown["change_low"], shown["change_high"])
    named = f"{language_name(worst['language'])} {signed(worst['change'])}"
    title = f"{task}, {model}" if several else task
    return (title, *levels, bounds, shown["noise"], (Link(named, f"#{worst['address']}"),))
