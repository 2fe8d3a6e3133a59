"""The view missing_cells."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import chain
from typing import Final

import polars as pl

from robust_xtreme.report.benchmarks import averages_of, named_missing
from robust_xtreme.report.view import SECTION, Results, view

_SCHEMA: Final = dict.fromkeys((SECTION, "average", "noise", "splits", "absent"), pl.String)


@view(title="What the overall averages are over", order=4)
def missing_cells(results: Results) -> pl.DataFrame:
    """The split whose cells count for each task, and every missing cell of an average."""
    named: dict[tuple[str, str], tuple[list[str], list[str]]] = {}
    for average in chain.from_iterable(averages_of(results).values()):
        averages, noises = named.setdefault((_splits(average.splits), named_missing(average.missing)), ([], []))
        averages.append(average.name)
        noises.append(average.noise)
    rows = [("", *(", ".join(dict.fromkeys(names)) for names in over), *key) for key, over in named.items()]
    return pl.DataFrame(rows, schema=_SCHEMA, orient="row")


def _splits(splits: Mapping[str, str]) -> str:
    """Tasks by split."""
    return "; ".join(
        f"{split}: {' '.join(task for task, task_split in splits.items() if task_split == split)}"
        for split in sorted(set(splits.values()))
    )
