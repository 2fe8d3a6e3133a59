"""Noise from a table: which code points, clusters and pairs of letters can come out wrong, how, and how often.

An author yields rows; the engine finds the units of a batch, draws which of them go wrong and how, and keeps spans,
clusters and the books. A unit is a grapheme cluster, or a pair of letters that the table knows as one.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from functools import cache, lru_cache
from typing import Any, Final, NamedTuple, final

import numpy as np
import numpy.typing as npt

from robust_xtreme import graphemes, packs, randomness
from robust_xtreme.edits import Batch, Edits, ragged
from robust_xtreme.noise._letters import differs, guard
from robust_xtreme.noise._outcome import outcome
from robust_xtreme.noise._perturbation import Job, Perturbation, known_language
from robust_xtreme.noise._select import forms, keep_some, settle, unit_draws
from robust_xtreme.noise._slip_table import KEY_BITS, Slip, SlipTable, compiled, form_hashes, hashed

__all__ = ["Slip", "slips"]

Array = npt.NDArray[Any]
Author = Callable[..., Iterable[Slip]]

SWAP: Final = "swap"
_THOUSAND: Final = 1000


@final
@dataclass(frozen=True, slots=True)
class _Kinds:
    """The kinds of a perturbation with their rates in thousandths (k,), and the number of the one that swaps."""

    names: tuple[str, ...]
    rates: Array
    swap: int

    def pick(self, allowed: Array, draws: Array) -> Array:
        """The kind of each unit by what it allows (m,) and its draw."""
        shares = _shares(tuple(self.rates.tolist())).take(allowed, axis=0)
        drawn = randomness.below(randomness.stream(draws, randomness.OPERATOR), shares[:, -1])
        found: Array = (shares <= drawn[:, None]).sum(axis=1)
        return found

    @property
    def active(self) -> int:
        """The bits of the kinds whose rate is not nought."""
        return sum(1 << place for place, rate in enumerate(self.rates.tolist()) if rate)

    @property
    def swaps(self) -> bool:
        """Whether letters are swapped at all."""
        return bool(self.active >> self.swap & 1)


@lru_cache(64)
def _shares(rates: tuple[int, ...]) -> Array:
    """The cumulated rates of the kinds that each set of kinds, as bits, holds (2**k, k)."""
    bits = np.arange(1 << len(rates))[:, None] >> np.arange(len(rates)) & 1
    return np.cumsum(bits * np.array(rates), axis=1)


class _Units(NamedTuple):
    """What the clusters of a batch (m,) can do: their kinds as bits, slots, and how many clusters each unit is."""

    allowed: Array
    slots: Array
    size: Array | None


def slips(
    *,
    strength: str,
    rates: Mapping[str, str],
    marked: bool = True,
    swaps: Callable[[str], bool] = lambda _: True,
    choices: Mapping[str, Callable[[], tuple[str, ...]]] | None = None,
    version: int = 1,
    unit: str = "grapheme cluster",
    **more: Any,
) -> Callable[[Author], Perturbation]:
    """Make a perturbation of a function from a language (and the choices) to the rows of its slips.

    `rates` are its kinds with their default rates; the kind `swap` needs no rows. `marked` False leaves letters with
    marks of their own alone; `swaps` says in which languages letters are keys that can be struck out of order. `more`
    are further fields of Perturbation: `lacks`, `packs`, `waives`, `refuses`.
    """
    names = tuple(rates)

    def make(author: Author) -> Perturbation:
        @packs.cached
        def table(language: str, chosen: tuple[tuple[str, str], ...]) -> SlipTable:
            return compiled(names, author(language, **dict(chosen)), language, marked)

        def edit(job: Job) -> tuple[Edits, Array]:
            chosen = tuple((name, job.params[name][0]) for name in choices or {})
            return _decide(job, table(job.language, chosen), _kinds(names, job.params, swaps(job.language)))

        @packs.cached
        def lacks(code: str) -> str:
            default = tuple((name, known()[0]) for name, known in (choices or {}).items())
            return known_language(code) or (
                "" if table(code, default).masks.any() else "nothing in its script to change"
            )

        summary = (author.__doc__ or "").strip().splitlines()[0]
        return Perturbation(
            author.__name__,
            version,
            summary,
            "letters",
            unit,
            strength,
            names,
            edit,
            rates=rates,
            choices=choices or {},
            **{"lacks": lacks, **more},
        )

    return make


def _kinds(names: tuple[str, ...], params: Mapping[str, tuple[str, ...]], swaps: bool) -> _Kinds:
    rates = np.array([round(float(params[name][0]) * _THOUSAND) for name in names], np.int64)
    return _Kinds(names, rates, names.index(SWAP) if SWAP in names and swaps else len(names))


def _decide(job: Job, table: SlipTable, kinds: _Kinds) -> tuple[Edits, Array]:
    """The edits that happen, and how many units of each text could have been edited (t,)."""
    batch = job.batch
    units = _units(batch, table, kinds)
    allowed, draws = units.allowed, unit_draws(batch, job.keys)
    chosen = randomness.chosen(draws, job.strength)
    possible = allowed > 0
    eligible = np.add.reduceat(possible, batch.bounds[:-1], dtype=np.int64)
    deletes = np.uint16(table.deletes & kinds.active)
    if deletes:
        longer = np.flatnonzero(units.slots == _WITHIN)
        kept = allowed[longer]
        keep_some(batch, allowed, draws, chosen, deletes, counted=True)
        allowed[longer] = kept
        possible = allowed > 0
    numbers = np.flatnonzero(chosen & possible)
    accepted, kind = settle(allowed, draws, numbers, kinds.pick, kinds.swap)
    numbers, kind = numbers[accepted], kind[accepted]
    edits, form = _edits(batch, table, units, numbers, kind, draws[numbers], kinds.swap)
    longer = (units.slots.take(numbers) == _WITHIN) & (kind != kinds.swap) & table.checked.take(form, mode="wrap")
    asked = np.flatnonzero(longer)
    return _sound(job, edits, asked, numbers[asked], table.hashes.take(form[asked])) if len(asked) else edits, eligible


def _units(batch: Batch, table: SlipTable, kinds: _Kinds) -> _Units:
    """What each cluster of the batch allows."""
    slots, masks = _of_clusters(batch, table)
    free = slots > 0
    closed, edge = guard(batch, free)
    size = None
    if table.signs or len(table.pairs) or kinds.swaps:
        props = batch.props if batch.clusters.simple else batch.props.take(batch.clusters.starts)
        letter = (props & graphemes.LETTER) > 0
        between = _between(letter, edge)
    if len(table.pairs):
        slots, masks, size = _paired(table, slots, masks, free & between, np.uint16(kinds.active))
    masks *= free
    single = masks > 0
    masks &= np.uint16(kinds.active)
    if table.signs:
        _spare_numbers(batch, masks, letter)
    if kinds.swaps:
        single &= slots != _WITHIN
        single &= True if closed is None else closed
        single &= True if size is None else size == 1
        masks[:-1] |= (single[:-1] & single[1:] & between[:-1] & differs(batch, single)) * np.uint16(1 << kinds.swap)
    return _Units(masks, slots, size)


_WITHIN: Final = np.int64((1 << 31) - 1)
"""The slot of a longer cluster, whose points have slots of their own."""


def _of_clusters(batch: Batch, table: SlipTable) -> tuple[Array, Array]:
    """The slots and masks of clusters; masks of longer ones are those of all their points."""
    points = table.slots.take(batch.points, mode="clip")
    if batch.clusters.simple:
        return points, table.masks.take(points)
    starts = batch.clusters.starts
    slots = points.take(starts)
    masks = table.masks.take(slots)
    sizes = np.ones(len(starts), np.int32)
    np.subtract(starts[1:], starts[:-1], out=sizes[:-1], casting="unsafe")
    longer = np.flatnonzero(sizes > 1)
    first, sizes = starts.take(longer), sizes.take(longer)
    kinds = table.inner.take(slots.take(longer))
    deep, depth = np.arange(len(longer)), 1
    while len(deep) and depth <= _DEPTH:
        kinds[deep] |= table.inner.take(points.take(first.take(deep) + depth))
        depth += 1
        deep = deep[sizes.take(deep) > depth]
    masks[longer], slots[longer] = kinds, np.where(kinds > 0, _WITHIN, 0)
    return slots, masks


_DEPTH: Final = 8
"""How many marks of a cluster can slip: those behind them stay."""


def _between(letter: Array, edge: Array | None) -> Array:
    """Whether a letter (m,) stands before another one, no edge of a span between them."""
    found = np.zeros(len(letter), np.bool_)
    found[:-1] = letter[:-1] & letter[1:]
    if edge is not None:
        found[:-1] &= ~edge[1:]
    return found


def _paired(
    table: SlipTable, slots: Array, masks: Array, before: Array, active: np.uint16
) -> tuple[Array, Array, Array]:
    """The clusters with pairs made units: the first has the pair's slot, the second none; how many clusters each is.

    `before` (m,) says which may be the first of a pair. Of pairs that overlap, every other one counts.
    """
    keys = slots[:-1] << KEY_BITS | slots[1:]
    place = table.likely.take(hashed(keys, len(table.likely)))
    asked = np.flatnonzero((place >= 0) & before[:-1])
    keys, place = keys[asked], place[asked]
    missed = np.flatnonzero(table.pairs.take(place) != keys)
    place[missed] = np.minimum(np.searchsorted(table.pairs, keys[missed]), len(table.pairs) - 1)
    hit = (table.pairs[place] == keys) & (table.masks[table.pair_slots[place]] & active > 0)
    firsts, place = asked[hit], place[hit]
    begins = np.where(np.diff(firsts, prepend=-2) > 1, np.arange(len(firsts)), 0)
    kept = (np.arange(len(firsts)) - np.maximum.accumulate(begins)) % 2 == 0
    firsts, place = firsts[kept], table.pair_slots[place[kept]]
    size = np.ones(len(slots), np.uint8)
    size[firsts], size[firsts + 1] = 2, 0
    slots[firsts], masks[firsts] = place, table.masks[place]
    masks[firsts + 1] = 0
    return slots, masks, size


def _spare_numbers(batch: Batch, masks: Array, letter: Array) -> None:
    """Strike units that are no letters and touch a digit: an edit of a number changes what a text says."""
    others = np.flatnonzero((masks > 0) & ~letter)
    beside = np.stack((np.maximum(others - 1, 0), others, others + 1))
    places = beside if batch.clusters.simple else batch.clusters.starts.take(beside)
    masks[others[_digits().take(batch.points.take(places)).any(axis=0)]] = 0


@cache
def _digits() -> Array:
    """Whether each code point is a decimal digit."""
    found = np.zeros(0x110000, np.bool_)
    found[[point for point in range(0x110000) if chr(point).isdecimal()]] = True
    return found


def _edits(
    batch: Batch, table: SlipTable, units: _Units, numbers: Array, kind: Array, draws: Array, swap: int
) -> tuple[Edits, Array]:
    """The edits of the units given by their numbers, kinds and draws, and the numbers of the forms put in."""
    starts = batch.clusters.starts
    first, behind = starts.take(numbers), starts.take(numbers + 1)
    wide = np.flatnonzero(kind == swap)
    slots = units.slots.take(numbers)
    slots[wide] = 0
    start, form = _drawn(batch, table, slots, first, behind, kind, draws)
    version = forms(batch, table.decomposes.take(form), start) * len(table.edited) + form
    sizes = table.length.take(version)
    stop, edited = start + 1, table.edited.take(form)
    source, length = np.zeros((len(numbers), 2), np.int64), np.zeros((len(numbers), 2), np.int64)
    source[:, 0], length[:, 0] = np.cumsum(sizes) - sizes + len(batch.points), sizes
    source[wide] = np.stack((behind, first), axis=1)[wide]
    stop[wide], edited[wide] = starts.take(numbers[wide] + 2), 2
    length[wide] = np.stack((stop - behind, behind - first), axis=1)[wide]
    if units.size is not None:
        pair = np.flatnonzero(units.size.take(numbers) == 2)
        stop[pair] = starts.take(numbers[pair] + 2)
    pool = table.pool.take(ragged(table.start.take(version), sizes))
    return Edits(start, stop, kind, edited, source, length, pool), version


def _drawn(
    batch: Batch, table: SlipTable, slots: Array, first: Array, behind: Array, kind: Array, draws: Array
) -> tuple[Array, Array]:
    """For each unit the code point that goes wrong and the number of its form, by the weights of all of its forms."""
    longer = np.flatnonzero(slots == _WITHIN)
    slots[longer] = 0
    low, total = _weights(table, slots * table.kinds + kind)
    drawn = randomness.stream(draws, randomness.REPLACEMENT)
    weight, point = low + randomness.below(drawn, total), first
    if len(longer):
        point = first.copy()
        point[longer], weight[longer] = _within(
            batch, table, first[longer], behind[longer], kind[longer], drawn[longer]
        )
    return point, np.searchsorted(table.weights, weight, "right") - 1


def _within(
    batch: Batch, table: SlipTable, first: Array, behind: Array, kind: Array, drawn: Array
) -> tuple[Array, Array]:
    """For each longer cluster the code point that goes wrong, and where among all weights that of its form lies."""
    sizes = behind - first
    points = ragged(first, sizes)
    slots = table.slots.take(batch.points.take(points), mode="clip")
    low, total = _weights(table, (slots + table.within * (slots > 0)) * table.kinds + np.repeat(kind, sizes))
    total *= slots > 0
    reach, ends = np.cumsum(total), np.cumsum(sizes)
    before = reach.take(ends - sizes) - total.take(ends - sizes)
    target = before + randomness.below(drawn, reach.take(ends - 1) - before)
    chosen = np.searchsorted(reach, target, "right")
    return points.take(chosen), low.take(chosen) + target - (reach - total).take(chosen)


def _weights(table: SlipTable, cells: Array) -> tuple[Array, Array]:
    """Where the weights of cells begin among all weights, and what they sum up to."""
    low = table.weights.take(table.bounds.take(cells))
    return low, table.weights.take(table.bounds.take(cells + 1)) - low


def _sound(job: Job, edits: Edits, longer: Array, numbers: Array, hashes: Array) -> Edits:
    """The edits without those that would break a longer cluster (of these numbers); how many clusters others change.

    `hashes` are those of the forms that are put in.
    """
    points, starts = job.batch.points, job.batch.clusters.starts
    first, behind = starts[numbers], starts[numbers + 1]
    place = edits.start[longer] - first
    change = hashes + place.astype(np.uint64) ^ np.uint64(randomness.salt(job.language))
    keys = form_hashes(points, first, behind - first) ^ randomness.mix(change)
    known = _outcomes()
    if len(known) > _REMEMBERED:
        known.clear()
    found = list(map(known.get, keys.tolist()))
    for number in [number for number, one in enumerate(found) if one is None]:
        source = edits.source[longer[number], 0] - len(points)
        old = points[first[number] : behind[number]].tobytes()
        form = edits.pool[source : source + edits.length[longer[number], 0]].tobytes()
        found[number] = known[int(keys[number])] = outcome(old, int(place[number]), form, job.language)
    edits.graphemes[longer] = found
    kept = np.ones(len(edits), np.bool_)
    kept[longer] = edits.graphemes[longer] > 0
    if kept.all():
        return edits
    names = ("start", "stop", "operator", "graphemes", "source", "length")
    return replace(edits, **{name: getattr(edits, name)[kept] for name in names})


_REMEMBERED: Final = 1 << 18


@packs.cached
def _outcomes() -> dict[int, int]:
    """What `outcome` gave, by the hash of a cluster, the place, the form and the language."""
    return {}
