"""Groups STATS rows into cells: arrays of summed statistics per noise seed and cluster, in example order."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from operator import attrgetter, itemgetter
from typing import Any, Final, TypeVar

import numpy as np
import polars as pl

from robust_xtreme.core.edits import ragged
from robust_xtreme.core.errors import Mismatch, SpecError
from robust_xtreme.core.metric import Array, named
from robust_xtreme.core.specs import PerturbationSpec
from robust_xtreme.files.schema import CELL, CHANCE, SHALLOW, language_of
from robust_xtreme.files.store import groups, joined, ranks
from robust_xtreme.stats.claims import CLEAN, no_claim
from robust_xtreme.stats.intervals import cluster_sums

ALL: Final = "all"
T = TypeVar("T")
_CODED: Final = ("example", "fingerprint", "cluster")


@dataclass(frozen=True, slots=True)
class Items:
    """The items of a cell in the order of their ids: ids, fingerprints, codes (n,) of the sorted cluster ids."""

    examples: Any
    fingerprints: Any
    codes: Any
    clusters: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Cell:
    """One cell, metric and scope: the values of CELL, and sums (noise seeds, clusters, k) of its statistics.

    `values` (noise seeds, items, k) are the statistics of the items, None of a part. `worst` are the sums (k,) over the
    items, each under its worst noise seed; None of one seed, and of a part.
    """

    key: tuple[str, ...]
    metric: str
    scope: str
    items: Items
    seeds: tuple[int, ...]
    sums: Any
    values: Any = None
    worst: Any = None

    @property
    def model(self) -> str:
        """The model's name, or `chance/NAME`, `shallow/NAME`."""
        return self.key[0]

    @property
    def answers(self) -> bool:
        """Whether the predictions are a model's, not those of chance or of a shallow predictor."""
        return not self.model.startswith((CHANCE, SHALLOW))

    @property
    def condition(self) -> str:
        """The condition's name."""
        return self.key[-1]

    @property
    def reduce(self) -> Callable[[Array], Array]:
        """The metric's reduce."""
        return named(self.metric).reduce

    @property
    def level(self) -> float:
        """The value in points, the mean over noise seeds."""
        return float(self.reduce(self.sums.sum(-2)).mean())

    @property
    def columns(self) -> dict[str, str]:
        """The values of CELL by their columns."""
        return dict(zip(CELL, self.key, strict=True))

    def named(self) -> str:
        """The cell in words, for errors."""
        return "{task}/{language} {condition} ({model})".format(**self.columns)


def cells(stats: pl.DataFrame) -> list[Cell]:
    """All cells of a STATS frame, sorted; of the clean condition only the scope `all`. Raises Mismatch."""
    unwanted = stats.select((pl.col("scope") != ALL) & (pl.col("condition") == CLEAN)).to_series()
    wanted = stats.filter(~unwanted) if unwanted.any() else stats  # a filter copies all rows
    codes = {name: ranks(wanted.get_column(name)) for name in (*_CODED, "noise_seed")}
    order, keys, starts = groups(wanted, (*CELL, "metric", "scope"), joined(codes["noise_seed"], codes["example"]))
    table = _Table(wanted, codes, np.arange(wanted.height) if order is None else order)
    return [_cell(table, key, slice(starts[at], starts[at + 1])) for at, key in enumerate(keys.iter_rows())]


class _Table:
    """The columns of STATS rows, sorted, as numpy arrays; strings as codes in the order of the strings."""

    __slots__ = ("codes", "last", "names", "seeds", "starts", "values")

    def __init__(self, rows: pl.DataFrame, codes: Mapping[str, Any], order: Any) -> None:
        self.codes = {name: codes[name][order] for name in _CODED}
        self.names = {name: _decoded(rows.get_column(name), codes[name]) for name in _CODED}
        self.seeds = rows.get_column("noise_seed").to_numpy()[order]
        lists = rows.get_column("stats")
        lengths = lists.list.len().to_numpy().astype(np.int64)
        begins = np.cumsum(lengths) - lengths
        self.values = lists.explode().to_numpy()[ragged(begins[order], lengths[order])]
        self.starts = np.append(0, np.cumsum(lengths[order]))
        self.last: tuple[tuple[Any, ...], Items] | None = None

    def items(self, *codes: Any) -> Items:
        """The items with these codes of their ids, fingerprints and clusters (n,); those of the last call if equal."""
        if self.last and all(map(np.array_equal, codes, self.last[0])):
            return self.last[1]
        examples, fingerprints = (self.names[name][of] for name, of in zip(_CODED, codes[:-1], strict=False))
        clusters, numbers = np.unique(codes[-1], return_inverse=True)
        items = Items(examples, fingerprints, numbers, tuple(self.names["cluster"][clusters]))
        self.last = (codes, items)
        return items

    def stats(self, part: slice) -> Any:
        """The statistics of consecutive rows of one metric, (n, k)."""
        return self.values[self.starts[part.start] : self.starts[part.stop]].reshape(part.stop - part.start, -1)


def _decoded(values: pl.Series, codes: Any) -> Any:
    """The value that each code from 0 on is for, from the values of codes (n,)."""
    positions = np.empty(int(codes.max(initial=-1)) + 1, np.int64)
    positions[codes] = np.arange(len(codes))
    return values[positions].to_numpy()


def _cell(table: _Table, key: tuple[str, ...], part: slice) -> Cell:
    *cell, metric, scope = key
    seeds, slots = np.unique(table.seeds[part], return_inverse=True)
    ids, first, positions = np.unique(table.codes["example"][part], return_index=True, return_inverse=True)
    if scope == ALL and len(ids) * len(seeds) != part.stop - part.start:
        raise Mismatch(_uneven(table, key, part, ids, slots))
    items = table.items(ids, *(table.codes[name][part][first] for name in _CODED[1:]))
    for column in ("fingerprint", "cluster"):
        wrong = np.flatnonzero(table.codes[column][part] != table.codes[column][part][first[positions]])
        if len(wrong):
            example = items.examples[positions][wrong[0]]
            raise Mismatch(f"The example {example} has another {column} under another noise seed.")
    for row in np.flatnonzero(~named(metric).possible(table.stats(part)))[:1]:
        what = named(metric).impossible(table.stats(part)[row])
        raise Mismatch(f"The sums of the example {items.examples[positions[row]]} {what}.")
    clusters = len(items.clusters)
    sums = cluster_sums(table.stats(part), slots * clusters + items.codes[positions], len(seeds) * clusters)
    by_seed = sums.reshape(len(seeds), clusters, -1)
    whole = scope == ALL and len(seeds) > 1
    values = table.stats(part).reshape(len(seeds), len(ids), -1) if scope == ALL else None
    worst = _worst(values, metric) if whole else None
    return Cell(tuple(cell), metric, scope, items, tuple(int(seed) for seed in seeds), by_seed, values, worst)


def _worst(stats: Any, metric: str) -> Any:
    """Sums (k,) of statistics (noise seeds, items, k), each item under its worst seed; what counts nothing is right."""
    values = np.where(stats.any(-1), named(metric).reduce(stats), np.inf)
    return stats[values.argmin(0), np.arange(stats.shape[1])].sum(0)


def _uneven(table: _Table, key: tuple[str, ...], part: slice, ids: Any, slots: Any) -> str:
    counted = np.bincount(np.searchsorted(ids, table.codes["example"][part]), minlength=len(ids))
    example = table.names["example"][ids[int(np.argmin(counted))]]
    condition = key[len(CELL) - 1]
    return f"The example {example} is missing under one of {int(slots.max()) + 1} noise seeds of {condition!r}."


def check_same(cell: Cell, other: Cell) -> None:
    """Raise Mismatch, naming the example, unless both cells contain the same items by id and fingerprint."""
    mine, theirs = cell.items, other.items
    if mine is theirs:
        return
    arrays = [(getattr(mine, name), getattr(theirs, name)) for name in ("examples", "fingerprints", "codes")]
    if mine.clusters == theirs.clusters and all(np.array_equal(left, right) for left, right in arrays):
        return
    raise Mismatch(f"{cell.named()} and {other.named()} are not the same items: {next(_differences(mine, theirs))}.")


def _differences(mine: Items, theirs: Items) -> Iterator[str]:
    left, right = (dict(zip(cell.examples, cell.fingerprints, strict=True)) for cell in (mine, theirs))
    for example in sorted(set(left) | set(right)):
        if example not in left or example not in right:
            yield f"the example {example} is missing in one of them"
        elif left[example] != right[example]:
            yield f"the example {example} has another fingerprint"
    yield "their clusters differ"


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
        return language_of(self)

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
        noise, fields = noise_of(row["condition"])
        key = tuple(row[name] for name in CELL)
        value, n, edit_rate = (row[name] for name in ("value", "n", "grapheme_edit_rate"))
        if _twin(row) not in clean:
            raise Mismatch(f"{row['task']}/{row['language']} {row['condition']} ({row['model']}) has no clean cell.")
        mark = marked.get((*key, row["metric"]))
        unfit = row["no_claim"] or ""
        levels.append(CellLevel(key, row["metric"], noise, fields, value, clean[_twin(row)], n, edit_rate, mark, unfit))
    return levels


_twin: Final = itemgetter(*CELL[:-1], "metric")


def _marked(deltas: pl.DataFrame) -> dict[tuple[str, ...], bool]:
    known = deltas.filter(pl.col("scope") == ALL, pl.col("marks").is_not_null() | pl.col("p_adjusted").is_not_null())
    return {row[:-1]: row[-1] for row in known.select(*CELL, "metric", pl.col("marks").is_not_null()).iter_rows()}


def noise_of(condition: str) -> tuple[str, tuple[str, ...]]:
    """The name of a condition without the fields that it noises, and these."""
    try:
        spec = PerturbationSpec.parse(condition)
    except SpecError:  # the condition names no noise
        return condition, ()
    return str(spec.on()), spec.fields


def in_groups(items: Iterable[T], key: Callable[[T], Any]) -> list[list[T]]:
    """The items with the same key, in their order, by the keys in order."""
    groups: defaultdict[Any, list[T]] = defaultdict(list)
    for item in items:
        groups[key(item)].append(item)
    return [groups[name] for name in sorted(groups)]


def check_distinct(levels: list[CellLevel]) -> None:
    """Raise Mismatch, naming the cell, where a task, language and metric occur twice in what one average is over."""
    for first, *others in in_groups(levels, lambda level: (level["task"], level.language, level.metric)):
        if others:
            what = f"{first['task']}/{first.language} {first.noise} {first.metric} ({first['model']})"
            raise Mismatch(f"An average would count {what} twice. Take one data set and one way of inference.")


by_language: Final = attrgetter("language")
"""The sort key of levels by language."""
