"""The type of a metric: sums of each example, which add over any set of examples, and one value of the added sums."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from typing import Any, Final, TypeVar

import numpy as np

from robust_xtreme.core import registry
from robust_xtreme.core.columns import Choices, ExampleColumns, Names, Ranges, TargetColumn, column_of
from robust_xtreme.core.errors import Mismatch, RobustXtremeError
from robust_xtreme.core.examples import Answers, Choice, Document, Example, Scored, Tags

ALL: Final = "all"
SCOPES: Final = (ALL, "noised_gold", "untouched")
CLEAN_TWIN: Final = "_clean"
"""The suffix of a scope for the same gold spans in the answer to the clean input."""

FOUND: Final = "_found"
ORDERED: Final = "_ordered"
"""The ends of the names of the two parts of a score of two stages: of what is found, and of its order."""

Array = Any
"""A numpy array or a torch tensor of shape (..., k): summed stats."""

_C = TypeVar("_C", Choices, Names, Ranges)
_Kind = type[Choice] | type[Tags] | type[Document] | type[Answers]


@dataclass(frozen=True, slots=True, eq=False)
class Responses:
    """The answers to all examples of a task run under one condition and noise seed; item i is read as a Scored.

    The columns are those of Scored; `clean` and `perturbed` are one object where nothing is perturbed. `made` keeps
    what several metrics make of the answers.
    """

    clean: ExampleColumns
    perturbed: ExampleColumns
    predictions: TargetColumn
    restored: TargetColumn
    retuned: TargetColumn | None = None
    made: dict[tuple[Any, ...], Any] = field(default_factory=dict, repr=False)

    def __len__(self) -> int:
        return len(self.clean)

    def __getitem__(self, index: int) -> Scored:
        retuned = self.retuned[index] if self.retuned else None
        clean, perturbed = self.clean.examples[index], self.perturbed.examples[index]
        return Scored(clean, perturbed, self.predictions[index], self.restored[index], retuned)


@dataclass(frozen=True, slots=True, eq=False)
class Sums:
    """Sums of items: `values` (m, k) float64 of the items with numbers `items` (m,), in scopes `scopes` (m,) of SCOPES.

    An item has a scope once at most.
    """

    items: Array
    scopes: Array
    values: Array


@dataclass(frozen=True, slots=True)
class Metric:
    """One metric. `stats` maps each scope of an example to sums named by `columns`; sums add over examples.

    `reduce` maps summed stats of shape (..., k) to values of shape (...) from 0 to 100, 0 where nothing was counted.
    The scope `all` counts everything; where gold spans have a text, `noised_gold` counts those that noise changed and
    `untouched` the others. `sums` has the stats of many examples at once; without it they are computed one by one.
    `empty` is whether an example may count nothing, as a sentence without entities; its column `n` is 1.
    """

    name: str
    summary: str
    columns: tuple[str, ...]
    stats: Callable[[Scored], Mapping[str, tuple[float, ...]]]
    reduce: Callable[[Array], Array]
    cite: str
    sums: Callable[[Responses], Sums] | None = None
    empty: bool = False

    def possible(self, sums: Array) -> Array:
        """Which sums (n, k) an example can have: finite, with counts, a value from 0 to 100, and not nothing."""
        if sums.shape[-1] != len(self.columns):
            return np.zeros(len(sums), np.bool_)
        with np.errstate(all="ignore"):
            value, counts = self.reduce(sums), sums[:, [n in ("n", "words", "tp", "fp", "fn") for n in self.columns]]
            fine = np.isfinite(sums).all(-1) & (counts >= 0).all(-1) & (counts % 1 == 0).all(-1)
            fine &= (sums.any(-1) | self.empty) & (sums[:, [name == "n" for name in self.columns]] == 1).all(-1)
            within = (value >= 0) & (value <= 100 + 1e-9) & (sums[:, 0] <= sums[:, 1] if self.reduce is share else True)
        return fine & within

    def impossible(self, sums: Sequence[float]) -> str:
        """What a message says of sums that are not possible."""
        return f"of {self.name} ({', '.join(self.columns)}) are {[*map(float, sums)]}, which no example has"

    def of(self, responses: Responses) -> Sums:
        """The stats of all examples. Raises Mismatch where targets are of another kind."""
        return self.sums(responses) if self.sums else self._one_by_one(responses)

    def alone(self, examples: Sequence[Example], answers: TargetColumn) -> Array:
        """The sums (n, k) in the scope `all` of answers to examples as they are."""
        columns = ExampleColumns(examples)
        return self.everywhere(Responses(columns, columns, answers, answers))

    def everywhere(self, responses: Responses) -> Array:
        """The sums (n, k) in the scope `all`."""
        values = np.zeros((len(responses), len(self.columns)))
        if len(responses):
            sums = self.of(responses)
            whole_items = sums.scopes == SCOPES.index(ALL)
            values[sums.items[whole_items]] = sums.values[whole_items]
        return values

    def _one_by_one(self, responses: Responses) -> Sums:
        each = [(item, *row) for item in range(len(responses)) for row in self.stats(responses[item]).items()]
        if unknown := {scope for _, scope, _ in each}.difference(SCOPES):
            what = f"stats of {min(unknown)!r}, which is none of: {', '.join(SCOPES)}"
            raise RobustXtremeError(f"{self.name} has {what}.")
        values = np.array([sums for *_, sums in each], np.float64).reshape(-1, len(self.columns))
        scopes = np.array([SCOPES.index(scope) for _, scope, _ in each], np.int8)
        return Sums(np.array([item for item, *_ in each], np.int64), scopes, values)


GIVEN: Final = "given/"
"""What the name of a metric begins with whose scores another program gave, one for each example."""


def named(name: str) -> Metric:
    """The metric of that name: a member, or the mean of scores that others gave. Raises UnknownName."""
    if name.startswith(GIVEN):
        return _scores(name)
    metric: Metric = registry.load("metric", name)
    return metric


@cache
def _scores(name: str) -> Metric:
    """The mean of scores that another program gave."""

    def stats(scored: Scored) -> Mapping[str, tuple[float, ...]]:
        raise RobustXtremeError(f"{scored.clean.id}: {name} is a score that another program gave; it is not computed.")

    program = f"Mean of the scores that another program gave as {name.removeprefix(GIVEN)}."
    return Metric(name, program, ("score", "n"), stats, share, "given with the examples")


def each(sums: Callable[[Responses], Sums]) -> Callable[[Scored], Mapping[str, tuple[float, ...]]]:
    """The stats of one example, by a function for many."""

    def stats(scored: Scored) -> Mapping[str, tuple[float, ...]]:
        clean = ExampleColumns([scored.clean])
        perturbed = clean if scored.perturbed is scored.clean else ExampleColumns([scored.perturbed])
        retuned = None if scored.retuned is None else column_of([scored.retuned])
        answers = (column_of([scored.prediction]), column_of([scored.restored]))
        counted = sums(Responses(clean, perturbed, *answers, retuned))
        rows = zip(counted.scopes.tolist(), counted.values.tolist(), strict=True)
        return {SCOPES[scope]: tuple(row) for scope, row in rows}

    return stats


def whole(*columns: Array) -> Sums:
    """Sums of all items in the scope `all`, from columns (n,)."""
    values = np.stack(columns, axis=1)
    return by_scope((np.ones(len(values), np.bool_), values))


def by_scope(*scopes: tuple[Array, Array]) -> Sums:
    """Sums of the items in each of SCOPES, in order: whether an item has the scope (n,), and its sums there (n, k)."""
    items = [np.flatnonzero(mask) for mask, _ in scopes]
    values = [values[at] for at, (_, values) in zip(items, scopes, strict=True)]
    numbers = np.repeat(np.arange(len(scopes), dtype=np.int8), [len(at) for at in items])
    return Sums(np.concatenate(items), numbers, np.concatenate(values).astype(np.float64))


def share(sums: Array) -> Array:
    """100 times the first column divided by the second; 0 where the second is 0."""
    total = sums[..., 1]
    return 100.0 * sums[..., 0] / (total + (total == 0))


def targets(
    responses: Responses, kind: _Kind, column: type[_C], predicted: TargetColumn | None = None
) -> tuple[_C, _C]:
    """The gold targets and the answers, both checked to be of a kind. Raises Mismatch naming the first example."""
    gold, answers = responses.clean.targets, responses.predictions if predicted is None else predicted
    for targets in (gold, answers):
        if (other := kind_of(targets)) is not kind:
            what = f"expected {kind.__name__}, found {other.__name__}"
            raise Mismatch(f"{responses.clean.examples[0].id}: {what}. Is it another task's model?")
    assert isinstance(gold, column)
    assert isinstance(answers, column)
    return gold, answers


def kind_of(column: TargetColumn) -> _Kind:
    """The kind of the targets of a column."""
    match column:
        case Choices():
            return Choice
        case Ranges():
            return Answers
        case Names(kind):
            return kind
    raise TypeError(f"no column of targets: {type(column).__name__}")
