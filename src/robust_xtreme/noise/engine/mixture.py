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

from collections.abc import Sequence
from dataclasses import replace
from typing import Final, NamedTuple

import numpy as np

from robust_xtreme.core import randomness
from robust_xtreme.core.edits import Array, Batch, Edits, emptied, ragged
from robust_xtreme.noise.engine.perturbation import EditPlan, Job, Params, Perturbation, Slips

MOST: Final = 10.0
"""How many times the strength a unit's probability of an edit is at most, but for the units of the first part."""

_RANGE: Final = float(1 << 64)
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
    jobs = [replace(job, keys=own, params=part.params, slips=part.slips) for own, part in zip(keys, parts, strict=True)]
    plans = [part.perturbation.plan(own) for own, part in zip(jobs, parts, strict=True) if part.perturbation.plan]
    units = [_units(job.batch, part, plan) for part, plan in zip(parts, plans, strict=True)]
    # The limit of each part in each text (t,); what one leaves, all have in proportion, and the first part the rest.
    shared = zip([part.share for part in parts], units, strict=True)
    limits = [np.minimum(share * size / np.maximum(many, 1e-9), MOST) for share, many in shared]
    made = sum((limit * many for limit, many in zip(limits, units, strict=True)), start=np.zeros(len(size)))
    limits = [np.minimum(limit * size / np.maximum(made, 1e-9), MOST) for limit in limits]
    others = sum((limit * many for limit, many in zip(limits[1:], units[1:], strict=True)), start=np.zeros(len(size)))
    limits[0] = (size - others) / np.maximum(units[0], 1e-9)
    drawn = [
        _drawn(job, part, plan, limit, names.index(part.operator or part.name))
        for part, plan, limit in zip(parts, plans, limits, strict=True)
    ]
    return _joined(job.batch, _settled(drawn)), np.where(np.sum(units, axis=0) > 0, size, 0)


def _units(batch: Batch, part: MixtureComponent, plan: EditPlan) -> Array:
    """How many units of each text (t,) a part may edit.

    Of a part that stays apart from spans, the share of the units that its edits at strength 1 show to be apart.
    """
    if not part.apart or not len(batch.spans):
        return plan.eligible
    edits, _ = plan.at("1")
    texts = np.searchsorted(batch.offsets, edits.start, "right") - 1
    every = np.bincount(texts, minlength=len(batch))
    apart = np.bincount(texts[_apart(batch, edits)], minlength=len(batch))
    return plan.eligible * apart / np.maximum(every, 1)


def _drawn(job: Job, part: MixtureComponent, plan: EditPlan, limit: Array, number: int) -> _Drawn:
    """The edits of a part whose level is below the job's strength."""
    strength = float(job.strength)
    edits, draws = plan.edits(plan.draws <= np.repeat(strength * limit * (_ABOVE * _RANGE), plan.many))
    texts = np.searchsorted(job.batch.offsets, edits.start, "right") - 1
    level = draws / _RANGE * np.maximum(edits.graphemes, 1) / np.maximum(limit[texts], 1e-9)
    kept = level < strength
    if part.apart and len(job.batch.spans):
        kept &= _apart(job.batch, edits)
    edits = edits.take(np.flatnonzero(kept))
    low, high = job.batch.units(edits.start), job.batch.units(edits.stop - 1) + 1
    return _Drawn(replace(edits, operator=np.full(len(edits), number, np.int64)), low, high, level[kept])


def _apart(batch: Batch, edits: Edits) -> Array:
    """Whether each edit (k,) neither touches nor is within a span."""
    begun = np.searchsorted(np.sort(batch.span_starts), edits.stop, "right")
    ended = np.searchsorted(np.sort(batch.span_stops), edits.start)
    return np.asarray(begun == ended)


def _settled(drawn: Sequence[_Drawn]) -> list[_Drawn]:
    """The edits that have a lower level than every edit of another part that they overlap."""
    kept = [np.ones(len(part.level), np.bool_) for part in drawn]
    for number, part in enumerate(drawn):
        for other_number, other in enumerate(drawn[:number]):
            # first, many (k,): the edits of the other part that each edit overlaps. mine, its: pairs of such edits.
            first = np.searchsorted(other.high, part.low, "right")
            many = np.maximum(np.searchsorted(other.low, part.high) - first, 0)
            mine, its = np.repeat(np.arange(len(many)), many), ragged(first, many)
            kept[number][mine[other.level[its] <= part.level[mine]]] = False
            kept[other_number][its[part.level[mine] <= other.level[its]]] = False
    return [
        _Drawn(part.edits.take(np.flatnonzero(keep)), part.low[keep], part.high[keep], part.level[keep])
        for part, keep in zip(drawn, kept, strict=True)
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
