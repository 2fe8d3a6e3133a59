"""Two models beside each other: the clean and the noisy level of each, the share that it loses, and the difference."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

import polars as pl

from robust_xtreme.core.errors import counted
from robust_xtreme.gating.document import code_of, contrast_cells, lost_share, noise_name, with_clean_levels
from robust_xtreme.report import blocks as doc
from robust_xtreme.report.columns import points
from robust_xtreme.stats.contrasts import CELLS, PERTURBED, TASKS

_OF_TABLE: Final = ("task", "split", "inference", "metric", "condition")
_OF_SIDE: Final = {"clean": 4, "noisy": 8, "lost": 7}
"""The columns of each model, with their weights on a narrow terminal."""


def side_by_side(contrasts: pl.DataFrame, names: Sequence[str], most: int) -> Iterator[doc.Block]:
    """A table for each task and noise, with the languages in rows, the largest fall first, at most `most` rows in all.

    Args:
        contrasts: Rows of COMPARISONS.
        names: What the baseline and the candidate are called in the headings.
        most: The rows of all tables together. The mean over the languages is always there.
    """
    cells = with_clean_levels(contrasts).filter(
        pl.col("kind").is_in((CELLS, TASKS)), pl.col("baseline_clean").is_not_null(), scale=PERTURBED
    )
    heads = [(name, *each) for name in names for each in _OF_SIDE.items()]
    columns = (
        doc.TableColumn("language"),
        *(doc.TableColumn(head, right=True, group=name, weight=weight) for name, head, weight in heads),
        doc.TableColumn("noisy difference, 95 % interval", right=True, weight=9),
        doc.TableColumn("shown", weight=1),
    )
    left = most
    for _, of_table in cells.sort(*_OF_TABLE, "difference").group_by(_OF_TABLE, maintain_order=True):
        means, languages = (of_table.filter(kind=kind).rows(named=True) for kind in (TASKS, CELLS))
        shown = [*means, *languages[: max(left, 0)]]
        if len(shown) > len(means):
            row = languages[0]
            title = f"{row['task']}, {noise_name(row)}, {row['metric'].replace('_', ' ')}"
            yield doc.Table(columns, tuple(map(_row, shown)), title, over=len(means))
        left -= len(languages)
    if left < 0:
        yield doc.Paragraph(f"{counted(-left, 'more row')}: -o FILE.html, .md or .csv writes all.")


def _row(row: Mapping[str, Any]) -> tuple[str, ...]:
    """The texts of a row of noisy levels."""
    levels = []
    for side in ("baseline", "candidate"):
        clean, noisy = row[f"{side}_clean"], row[side]
        levels += [points(clean), points(noisy), lost_share(clean, noisy)]
    language = code_of(row) or f"mean of {row['cells']}"
    shown = contrast_cells(row)
    return (language, *levels, f"{shown['difference']} {shown['95 % interval']}", shown["shown"])
