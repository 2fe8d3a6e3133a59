"""Mixtures: several perturbations edit the same clean texts, each with its share of the edits.

The strength is the share of a text's grapheme clusters that are edited. A part's limit, by text, is the share of its
units' clusters that it edits, as a multiple of the strength: share * clusters / units. Units that are rare in a text
would be edited too often, so that the limit of a part is at most MOST. The others make the edits that are missing, in
proportion to theirs, as far as that allows, and the first part the rest.

A unit's edit has the level u * cost / limit, where u is the draw of the unit in its part and cost the number of
clusters that the edit changes; it happens iff its level is below the strength. Of edits that overlap, that of the
lowest level happens. So strengths nest as those of the parts do.

Shapes: t texts, n code points and m clusters in a batch, k edits.
"""

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Final, NamedTuple

import numpy as np

from robust_xtreme.core import randomness
from robust_xtreme.core.edits import Array, Batch, Edits, at, emptied, ragged
from robust_xtreme.noise.engine.perturbation import EditPlan, Job, Params, Perturbation, Slips

MOST: Final = 10.0
"""How many times the strength a unit's probability of an edit is at most, but for the units of the first part."""

_RANGE: Final = float(1 << 64)
_TOP: Final = float((1 << 64) - (1 << 12))
_LAST: Final = np.uint64((1 << 12) - 1)
_ABOVE: Final = 1 + 1e-9
"""A part is drawn at a strength slightly above its limit, so that rounding loses no edit."""


class MixtureComponent(NamedTuple):
    """A perturbation of a mixture: its name in the mixture, its parameters, and its share of the edits.

    `apart` says that it edits neither at nor within a span: spaces between tagged words have no meaning. `slips` say
    how key errors lie, and `operator` is the name under which edits are counted, where it is not that of the part.
    """

    name: str
    perturbation: Perturbation
    params: Params
    share: float
    apart: bool = False
    slips: Slips | None = None
    operator: str = ""


Parts = tuple[MixtureComponent, ...]


class _Drawn(NamedTuple):
    """The edits of a part, the clusters that each touches, from `low` to `high` (k,), and their levels (k,)."""

    edits: Edits
    low: Array
    high: Array
    level: Array


def mixed(job: Job, parts: Parts, names: tuple[str, ...]) -> tuple[Edits, Array]:
    """The edits of a batch by the parts `names`, and the eligible clusters of each text (t,): all, or none."""
    size = np.diff(job.batch.bounds) - 1
    # A part has keys of its own, so that parts do not share draws.
    keys = (randomness.mix(job.keys ^ np.uint64(randomness.salt(part.name))) for part in parts)
    plans = [
        _plan(replace(job, keys=own), part, plan)
        for own, part in zip(keys, parts, strict=True)
        if (plan := part.perturbation.plan)
    ]
    units = [plan.eligible for plan in plans]
    # The limit of each part in each text (t,); what one leaves, all have in proportion, and the first part the rest.
    shared = zip([part.share for part in parts], units, strict=True)
    limits = [np.minimum(share * size / np.maximum(many, 1e-9), MOST) for share, many in shared]
    made = sum((limit * many for limit, many in zip(limits, units, strict=True)), start=np.zeros(len(size)))
    limits = [np.minimum(limit * size / np.maximum(made, 1e-9), MOST) for limit in limits]
    others = sum((limit * many for limit, many in zip(limits[1:], units[1:], strict=True)), start=np.zeros(len(size)))
    limits[0] = (size - others) / np.maximum(units[0], 1e-9)
    drawn = [
        _drawn(job, plan, limit, names.index(part.operator or part.name))
        for part, plan, limit in zip(parts, plans, limits, strict=True)
    ]
    return _joined(job.batch, _settled(drawn)), np.where(np.sum(units, axis=0) > 0, size, 0)


def _plan(job: Job, part: MixtureComponent, plan: Callable[[Job], EditPlan]) -> EditPlan:
    """The plan of a part; of one that stays apart from spans, that of its edits at strength 1 which are apart."""
    whole = plan(replace(job, params=part.params, slips=part.slips))
    if not part.apart or not len(job.batch.spans):
        return whole
    edits, draws = whole.edits(np.ones(len(whole.draws), np.bool_))
    texts, apart = np.searchsorted(job.batch.offsets, edits.start, "right") - 1, _apart(job, edits)
    every, many = (np.bincount(texts[where], minlength=len(job.batch)) for where in (..., apart))
    edits, draws = edits.take(np.flatnonzero(apart)), draws[apart]
    eligible = whole.eligible * many / np.maximum(every, 1)
    return EditPlan(eligible, draws, many, lambda chosen: (edits.take(np.flatnonzero(chosen)), draws[chosen]))


def _drawn(job: Job, plan: EditPlan, limit: Array, number: int) -> _Drawn:
    """The edits of a part whose level is below the job's strength."""
    strength = float(job.strength)
    most = np.minimum(strength * limit * (_ABOVE * _RANGE), _TOP).astype(np.uint64) | _LAST
    edits, draws = plan.edits(plan.draws <= np.repeat(most, plan.many))
    texts = np.searchsorted(job.batch.offsets, edits.start, "right") - 1
    level = draws / _RANGE * np.maximum(edits.graphemes, 1) / np.maximum(limit[texts], 1e-9)
    kept = level < strength
    edits = edits.take(np.flatnonzero(kept))
    low, high = job.batch.units(edits.start), job.batch.units(edits.stop - 1) + 1
    return _Drawn(replace(edits, operator=np.full(len(edits), number, np.int64)), low, high, level[kept])


def _apart(job: Job, edits: Edits) -> Array:
    """Whether each edit (k,) neither touches nor is within a span."""
    starts, stops = job.once(_sorted, job.batch)
    return np.asarray(np.searchsorted(starts, edits.stop, "right") == np.searchsorted(stops, edits.start))


def _sorted(batch: Batch) -> tuple[Array, Array]:
    return np.sort(batch.span_starts), np.sort(batch.span_stops)


def _settled(drawn: Sequence[_Drawn]) -> list[_Drawn]:
    """The edits that have a lower level than every edit of another part that they overlap."""
    sizes = [len(part.level) for part in drawn]
    owner = np.repeat(np.arange(len(drawn)), sizes)
    order = np.argsort(np.concatenate([part.low for part in drawn]), kind="stable")
    owner, low, high, level = (
        np.concatenate(column).take(order)
        for column in ([owner], *([getattr(part, name) for part in drawn] for name in ("low", "high", "level")))
    )
    # first, many (k,): a range of edits with all those that each edit overlaps. mine, its: pairs of an edit and one.
    first = np.searchsorted(np.maximum.accumulate(high), low, "right")
    many = np.maximum(np.searchsorted(low, high) - first, 0)
    mine, its = np.repeat(np.arange(len(many)), many), ragged(first, many)
    rivals = (at(owner, its) != at(owner, mine)) & (at(high, its) > at(low, mine)) & (at(level, its) <= at(level, mine))
    kept = np.ones(len(level), np.bool_)
    kept[order[mine[rivals]]] = False
    return [
        _Drawn(part.edits.take(np.flatnonzero(keep)), part.low[keep], part.high[keep], part.level[keep])
        for part, keep in zip(drawn, np.split(kept, np.cumsum(sizes)[:-1]), strict=True)
    ]


def _joined(batch: Batch, drawn: Sequence[_Drawn]) -> Edits:
    """The edits of all parts, in order; sources in the pool of a part are moved to where its pool is now."""
    size, several = len(batch.points), [part.edits for part in drawn]
    pools = [each.pool for each in several]
    before = np.cumsum([0, *map(len, pools)])[:-1].tolist()
    sources = [each.source + (each.source >= size) * shift for each, shift in zip(several, before, strict=True)]
    names = ("start", "stop", "operator", "graphemes", "length")
    columns = {name: np.concatenate([getattr(each, name) for each in several]) for name in names}
    whole = Edits(**columns, source=np.concatenate(sources), pool=np.concatenate(pools))
    order = np.argsort(whole.start, kind="stable")
    edits, level = whole.take(order), np.concatenate([part.level for part in drawn])[order]
    kept = np.ones(len(edits), np.bool_)
    for where, longer in emptied(batch, edits):  # the shortening one of the highest level is left out
        shorter = np.flatnonzero(longer < 0) + where.start
        kept[shorter[level[shorter].argmax()]] = False
    return edits.take(np.flatnonzero(kept))
