"""The cells that averages are over: each level with its clean twin's, what was noised, and its mark."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import groupby
from operator import attrgetter
from typing import Final, final

import polars as pl

from robust_xtreme.core.errors import Mismatch, SpecError
from robust_xtreme.core.specs import PerturbationSpec
from robust_xtreme.files.schema import CELL
from robust_xtreme.stats._cells import ALL, CLEAN
from robust_xtreme.stats.no_claim import no_claim

_NUMBERS: Final = ("value", "n", "grapheme_edit_rate")

Twin = tuple[str, ...]


@final
@dataclass(frozen=True, slots=True)
class CellLevel:
    """A cell with scope `all`: its value and its clean twin's in points.

    `unfit` is the reason why it is in no average, if any. `noise` is the perturbation with its strength, without the
    `fields`. `marked` is None for a clean cell, and for one that has no mark and is not tested.
    """

    key: tuple[str, ...]
    metric: str
    noise: str
    fields: tuple[str, ...]
    value: float
    clean: float
    n: int
    edit_rate: float | None
    marked: bool | None
    unfit: str

    def __getitem__(self, name: str) -> str:
        """The value of a column of CELL, or the metric."""
        return self.metric if name == "metric" else self.key[CELL.index(name)]

    @property
    def language(self) -> str:
        """The language; of a pair `question@context`."""
        question, context = self["language"], self["context_language"]
        return question if question == context else f"{question}@{context}"

    @property
    def translated(self) -> str:
        """The setting where the data were translated; the other settings share an average."""
        return self["setting"] if self["setting"].startswith("translate") else ""


def levels_of(scores: pl.DataFrame, deltas: pl.DataFrame) -> list[CellLevel]:
    """Cells of SCORES with scope `all`, and their marks in DELTAS. Raises Mismatch where a clean twin is missing."""
    rows = scores.filter(pl.col("scope") == ALL).with_columns(no_claim())
    clean = {_twin(row): row["value"] for row in rows.iter_rows(named=True) if row["condition"] == CLEAN}
    marked = _marked(deltas)
    levels = []
    for row in rows.iter_rows(named=True):
        noise, fields = _noise(row["condition"])
        key = tuple(row[name] for name in CELL)
        value, n, edit_rate = (row[name] for name in _NUMBERS)
        if _twin(row) not in clean:
            raise Mismatch(f"{row['task']}/{row['language']} {row['condition']} ({row['model']}) has no clean cell.")
        mark = marked.get((*key, row["metric"]))
        unfit = row["no_claim"] or ""
        levels.append(CellLevel(key, row["metric"], noise, fields, value, clean[_twin(row)], n, edit_rate, mark, unfit))
    return levels


def _twin(row: Mapping[str, str]) -> Twin:
    return (*(row[name] for name in CELL[:-1]), row["metric"])


def _marked(deltas: pl.DataFrame) -> dict[tuple[str, ...], bool]:
    known = deltas.filter(pl.col("scope") == ALL, pl.col("marks").is_not_null() | pl.col("p_adjusted").is_not_null())
    return {row[:-1]: row[-1] for row in known.select(*CELL, "metric", pl.col("marks").is_not_null()).iter_rows()}


def _noise(condition: str) -> tuple[str, tuple[str, ...]]:
    try:
        spec = PerturbationSpec.parse(condition)
    except SpecError:  # the condition names no noise
        return condition, ()
    return str(spec.on()), spec.fields


def check_distinct(levels: list[CellLevel]) -> None:
    """Raise Mismatch, naming the cell, where a task, language and metric occur twice in what one average is over."""
    ordered = sorted(levels, key=lambda level: (level["task"], level.language, level.metric))
    for _, same in groupby(ordered, key=lambda level: (level["task"], level.language, level.metric)):
        first, *others = same
        if others:
            what = f"{first['task']}/{first.language} {first.noise} {first.metric} ({first['model']})"
            raise Mismatch(f"An average would count {what} twice. Take one data set and one way of inference.")


by_language: Final = attrgetter("language")
"""The sort key of levels by language."""
