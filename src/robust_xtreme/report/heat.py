"""The heat table: languages by script in rows, a column for each task and noise, with the means of rows and columns."""

import math
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import groupby
from statistics import fmean
from typing import Any, Final

import polars as pl

from robust_xtreme.report import blocks as doc
from robust_xtreme.report.cells import anchor, highest, language_name, script, script_name
from robust_xtreme.report.charts.style import STEPS
from robust_xtreme.report.columns import percent, points, signed
from robust_xtreme.report.summary import MARKED, UNDECIDED, described, headline_cells, mark
from robust_xtreme.report.view import Results
from robust_xtreme.stats.claims import SELECTED

CHANGE: Final = "change"
_FORMS: Final[Mapping[str, Callable[[float | None], str]]] = {
    CHANGE: signed,
    "relative": lambda share: f"{signed(share)} %" if share is not None else points(None),
    "noisy": points,
    "edits": percent,
}
"""How the numbers of a cell are written, by the toggle that shows them."""

MEAN, COUNT = "mean", "n"
_ALL: Final = "all"
PATTERNS: Final = {MARKED: "marked", UNDECIDED: "undecided", "": ""}

_KEY: Final = (
    doc.Paragraph("Change in points, perturbed minus clean, at each perturbation's highest strength."),
    doc.Bullets(
        (
            "Colour: of the change, whichever number is shown; none where a cell cannot be measured.",
            f"{MARKED}, hatched: hard to measure, for a reason that its marks name.",
            f"{UNDECIDED}, dotted: neither a drop nor a gain is shown, or it is not tested.",
            "Grey: not in the run, not served, or the noise does not reach the model.",
            "Mean: of n cells alike, without an interval; no colour where most cannot be measured or all are hatched.",
        )
    ),
)


@dataclass(frozen=True, slots=True)
class HeatCell:
    """A cell: its place, its `numbers` by toggle, or what it says without any.

    `shade` is the change that it has the colour of, `address` where it leads, `told` what a pointer or the keyboard
    shows of a cell without an address, and a cell `is_measured` where its clean level is shown above chance.
    """

    language: str
    task: str
    noise: str
    numbers: Mapping[str, float | None] = field(default_factory=dict)
    shade: float | None = None
    sign: str = ""
    address: str = ""
    absent: str = ""
    told: str = ""
    is_measured: bool = True


def heat(results: Results) -> Iterator[doc.Section]:
    """The part of the page with the cells of headline metrics at the highest strengths, but those of attacks."""
    cells = highest(headline_cells(results)).filter(pl.col("no_claim").ne_missing(SELECTED))
    order = ("task", "split", "fields_rank", "run_rank", "model")  # several models of a task are beside each other
    shown = [_cell(row) for row in cells.sort(order, maintain_order=True).iter_rows(named=True)]
    if shown:
        several = (cells.group_by("task", "split").agg(pl.col("model").n_unique())["model"] > 1).any()
        table = heat_table(shown, {cell.language for cell in shown}, is_one=not several)
        pairs = {(cell.task.split()[0], cell.language) for cell in shown}
        whole = len(pairs) == math.prod(len({pair[at] for pair in pairs}) for at in (0, 1))
        unlike = () if whole else (doc.Paragraph("Languages have different tasks: do not compare their means."),)
        yield doc.Section("Where it breaks", "heat", (*_KEY, *unlike, scale(), table))
        yield from () if several else _by_noise(shown)


def _by_noise(cells: Sequence[HeatCell]) -> Iterator[doc.Section]:
    """A row for each noise, the costliest first, of several."""
    changed = _changed(cells)
    noises = [[cell for cell in changed if cell.noise == noise] for noise in {cell.noise: 0 for cell in changed}]
    rows = sorted(noises, key=lambda each: fmean(cell.numbers[CHANGE] or 0.0 for cell in each))
    if len(rows) > 1:
        heads = ("noise", "what it does", "change", "edits", "cells", "tasks", "languages")
        told = "The mean of each noise's cells. Noises edit different shares, in different languages; over those in "
        told += "common, see More tables."
        table = replace(doc.grid(heads, map(_of_noise, rows), left=2), role="noises")
        yield doc.Section("Which noise costs most", "noises", (doc.Paragraph(told), table))


def _of_noise(cells: Sequence[HeatCell]) -> Iterator[doc.Phrase | doc.TableCell]:
    change = _mean(cells)
    yield from (cells[0].noise, described(cells[0].noise), replace(change, mark="", also={}), change.also["edits"])
    tasks, languages = ({getattr(cell, name).split()[0] for cell in cells} for name in ("task", "language"))
    yield from (str(len(cells)), str(len(tasks)), str(len(languages)))


def _cell(row: Mapping[str, Any]) -> HeatCell:
    lost, place = row["relative"], (row["language"], row["column"], row["noise"])
    if row["no_claim"]:
        return HeatCell(*place, absent=row["no_claim"])
    numbers = {
        CHANGE: row["change"],
        "relative": None if lost is None else -lost,
        "noisy": row["value"],
        "edits": row["grapheme_edit_rate"],
    }
    shade, is_measured = 0.0 if row["near_chance"] else row["change"], not row["near_chance"]
    return HeatCell(*place, numbers, shade, mark(row), row["address"], is_measured=is_measured)


def scale() -> doc.Table:
    """The colours with the changes that have them, losses first."""
    sizes = [*zip(STEPS, (*STEPS[1:], None), strict=True)]
    losses, gains = ([_step(sign, *size) for size in sizes] for sign in "-+")
    row = (*reversed(losses), doc.TableCell(f"less than {STEPS[0]}", 0.0), *gains)
    heads = (doc.TableColumn(""),) * (1 + len(row))
    return doc.Table(heads, (("Colour, in points", *row),), role="scale")


def _step(sign: str, low: int, high: int | None) -> doc.TableCell:
    return doc.TableCell(f"{sign}{low} {'and more' if high is None else f'to {sign}{high}'}", float(f"{sign}{low}"))


def heat_table(cells: Sequence[HeatCell], linked: Collection[str], is_one: bool = True) -> doc.Table:
    """Languages by script in rows, tasks with their noises in columns; `linked` ones lead to their part of the page.

    Only where all cells are of one model, `is_one`, has a language a mean over them.
    """
    columns = [*_columns(cells, is_one)]
    codes = sorted({cell.language for cell in cells}, key=lambda code: (script(code), code))
    heads = [doc.TableColumn("script"), doc.TableColumn("language")]
    heads += [doc.TableColumn(noise, right=True, group=task) for task, noise in columns]
    rows = {code: [cell for cell in cells if cell.language == code] for code in codes}
    body = [(*_named(code, code in linked), *_row(columns, rows[code])) for code in codes]
    over = [[cell for cell in cells if _within(cell, *column)] for column in columns]
    counted = ["" if noise == COUNT else _count(several) for (_, noise), several in zip(columns, over, strict=True)]
    means: list[tuple[doc.Phrase | doc.TableCell, ...]] = (
        [("", MEAN, *_filled(columns, over)), ("", COUNT, *counted)] if len(codes) > 1 else []
    )
    return doc.Table(tuple(heads), (*means, *body), role="heat", over=len(means))


def _columns(cells: Sequence[HeatCell], is_one: bool) -> Iterator[tuple[str, str]]:
    """Task and noise of each column: those of the cells, and means over the noises of a task and over all columns."""
    tasks = [*dict.fromkeys(cell.task for cell in cells)]
    every = {(cell.task, cell.noise) for cell in cells}
    ordered = sorted(every, key=lambda pair: (tasks.index(pair[0]), pair[1] != "clean", pair[1]))
    for task, of_task in groupby(ordered, key=lambda pair: pair[0]):
        noises = [*of_task]
        yield from [(task, MEAN)] if 1 < len(noises) < len(every) else []
        yield from noises
    if len(every) > 1 and is_one:
        yield from ((_ALL, MEAN), (_ALL, COUNT))


def _named(code: str, linked: bool) -> tuple[doc.Phrase, doc.Phrase]:
    name = language_name(code)
    return script_name(script(code)), (doc.Hyperlink(name, f"#{anchor(code)}"),) if linked else name


def _filled(columns: Sequence[tuple[str, str]], cells: Sequence[Sequence[HeatCell]]) -> Iterator[doc.TableCell]:
    """The means of a row by column, and the number of cells in the last."""
    for (_, noise), several in zip(columns, cells, strict=True):
        yield _count(several) if noise == COUNT else _mean(several)


def _row(columns: Sequence[tuple[str, str]], cells: Sequence[HeatCell]) -> Iterator[doc.TableCell]:
    """The cells of a language by column, and their means."""
    for task, noise in columns:
        several = [cell for cell in cells if _within(cell, task, noise)]
        if noise in (MEAN, COUNT):
            yield from _filled([(task, noise)], [several])
        else:
            yield _shown(several[0]) if several else doc.TableCell("", mark="absent")


def _within(cell: HeatCell, task: str, noise: str) -> bool:
    """Whether a column, or one of means, is of a cell."""
    return task in (cell.task, _ALL) and noise in (cell.noise, MEAN, COUNT)


def _shown(cell: HeatCell) -> doc.TableCell:
    if cell.absent:
        return doc.TableCell(cell.absent, mark="absent")
    first, *also = ((name, _FORMS[name](number) + cell.sign) for name, number in cell.numbers.items())
    text: doc.Phrase = (doc.Hyperlink(first[1], f"#{cell.address}"),) if cell.address else first[1]
    told = {"told": cell.told} if cell.told else {}
    return doc.TableCell(text, cell.shade, PATTERNS[cell.sign], dict(also) | told)


def _changed(cells: Iterable[HeatCell]) -> list[HeatCell]:
    return [cell for cell in cells if cell.numbers.get(CHANGE) is not None]


def _count(cells: Iterable[HeatCell]) -> doc.TableCell:
    return doc.TableCell(str(len(_changed(cells))))


def _mean(cells: Iterable[HeatCell]) -> doc.TableCell:
    """The means of the cells that have a change, of each number over those that have it; nothing without any."""
    changed = _changed(cells)
    if not changed:
        return doc.TableCell("", mark="absent")
    known = {name: [cell.numbers.get(name) for cell in changed] for name in _FORMS}
    numbers = {name: [value for value in values if value is not None] for name, values in known.items()}
    means = {name: fmean(values) if values else None for name, values in numbers.items()}
    is_measured = 2 * sum(cell.is_measured for cell in changed) >= len(changed)
    is_measured = is_measured and any(cell.sign != MARKED for cell in changed)
    texts = {name: _FORMS[name](mean) + ("" if is_measured else MARKED) for name, mean in means.items()}
    shade = means[CHANGE] if is_measured else None  # as its cells: no colour
    return doc.TableCell(texts.pop(CHANGE), shade, "mean" if is_measured else "mean marked", texts)
