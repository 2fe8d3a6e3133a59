"""Noise from a table of key errors: the noisy forms of code points, clusters and pairs of letters, with weights.

An author yields the rows of the table. The engine finds the units of a batch, draws which of them are edited and how,
and keeps spans and clusters whole. A unit is a grapheme cluster, a pair of letters that is in the table, or a word of
the table where the text is divided into words.

Shapes: n code points, m clusters and t texts in a batch, k units in a selection. A unit is given by the number of its
first cluster (`numbers`). `first` and `after` (k,) are the positions of its first code point and of the one after its
first cluster. Sets of kinds are bits (uint16). Slots, cells and forms are those of KeyErrorTable.
"""

import unicodedata
from collections.abc import Callable, Iterable, Mapping
from typing import Final, Literal, Unpack

import numpy as np

from robust_xtreme.core import graphemes, packs, randomness
from robust_xtreme.core.edits import Array, Batch, Edits, at, ragged
from robust_xtreme.core.languages import belongs, combines
from robust_xtreme.noise.engine._segments import digits
from robust_xtreme.noise.engine.diff import distance
from robust_xtreme.noise.engine.key_error_table import (
    KEY_BITS,
    KeyErrorTable,
    KeyingError,
    Word,
    compiled,
    form_hashes,
    graphemes_of,
    hashed,
)
from robust_xtreme.noise.engine.letters import alphabet, combined
from robust_xtreme.noise.engine.perturbation import Declared, EditPlan, Job, Perturbation, member
from robust_xtreme.noise.engine.runs import (
    active,
    between,
    bunch,
    forms,
    guard,
    last_chosen,
    letter_runs,
    settle,
    slip,
    unit_draws,
    units_of,
)

__all__ = ["KeyingError", "Word", "key_errors"]

Author = Callable[..., Iterable[KeyingError | Word]]

SWAP: Final = "swap"
_NORMAL_FORMS: Final[tuple[Literal["NFC", "NFD", "NFKC", "NFKD"], ...]] = ("NFC", "NFD", "NFKC", "NFKD")
_REMEMBERED: Final = 1 << 18


def key_errors(
    *,
    strength: str,
    rates: Mapping[str, str],
    marked: bool = True,
    swaps: Callable[[str], bool] = lambda _: True,
    choices: Mapping[str, Callable[[], tuple[str, ...]]] | None = None,
    unit: str = "grapheme cluster",
    near: Callable[[str], tuple[float, float]] = lambda _: (0.0, 0.0),
    **declared: Unpack[Declared],
) -> Callable[[Author], Perturbation]:
    """Make a perturbation of a function from a language (and the choices) to its key errors, and words if it has any.

    `rates` are its kinds with their default rates; the kind `swap` needs no rows. With `marked` False letters with
    marks are not edited; `swaps` says in which languages letters are keys that can be struck out of order, `near` the
    correlations of `bunch`. `declared` are fields of Perturbation: `lacks`, `packs`, `waives`, `refuses`, `version`.
    """
    names = tuple(rates)

    def make(author: Author) -> Perturbation:
        @packs.cached
        def table(language: str, chosen: tuple[tuple[str, str], ...]) -> KeyErrorTable:
            return compiled(names, author(language, **dict(chosen)), language, marked)

        def plan(job: Job) -> EditPlan:
            chosen = tuple((name, job.params[name][0]) for name in choices or {})
            swap = names.index(SWAP) if SWAP in names and swaps(job.language) else len(names)
            rates = tuple(job.params[name][0] for name in names)
            return _planned(job, table(job.language, chosen), rates, swap, near(job.language))

        @packs.cached
        def lacks(code: str) -> str:
            default = tuple((name, known()[0]) for name, known in (choices or {}).items())
            return "" if table(code, default).masks.any() else "nothing in its script to change"

        fields = {"rates": rates, "choices": choices or {}, "lacks": lacks, "plan": plan, **declared}
        return member(author, "letters", unit, strength, names, lambda job: plan(job).at(job.strength), **fields)

    return make


def _planned(job: Job, table: KeyErrorTable, rates: tuple[str, ...], swap: int, near: tuple[float, float]) -> EditPlan:
    """The plan of a batch; `swap` is the kind that swaps, `near` how errors come together."""
    # units (m,): the kinds of the unit that begins at each cluster; 0 where none does. paired (m,): slots of pairs.
    batch, kinds = job.batch, np.uint16(active(rates))
    units, paired = job.once(_units, batch, table, active(rates), swap)
    possible = units > 0
    draws = unit_draws(batch, job.keys)
    if job.slips is not None:
        slip(job.once(letter_runs, batch), draws, job.slips, possible)
    if any(near):
        bunch(batch, draws, *near, possible)

    def edits(chosen: Array) -> tuple[Edits, Array]:
        allowed, chosen = units.copy(), chosen & possible
        # A text or span whose units are all chosen keeps the unit with the largest draw: it loses the kinds that
        # delete. A letter that is not a unit is not chosen: beside it all marks of punctuation can be left out.
        if table.deletes & kinds:
            left = possible | (batch.firsts(batch.props) & graphemes.LETTER > 0) if table.signs else possible
            last = last_chosen(job.once(units_of, batch), left, draws, chosen)
            allowed[last] &= ~at(table.empty, _slots(batch, table, paired, last))
        # So far `allowed` has only some kinds of clusters of several code points; chosen ones get all of them.
        numbers = np.flatnonzero(chosen)
        longer = numbers[_long(batch, numbers)]
        allowed[longer] = _within_kinds(batch, table, longer) & kinds
        numbers = numbers[at(allowed, numbers) > 0]
        accepted, kind = settle(allowed, draws, numbers, rates, swap)
        numbers, kind = numbers[accepted], kind[accepted]
        # form (k,): the number of each edit's form. Within a longer cluster a form must be checked, and may be dropped.
        found, form = _edits(batch, table, paired, numbers, kind, draws[numbers], swap)
        asked = np.flatnonzero(_long(batch, numbers))
        if len(asked):
            found = _sound(job, found, asked, numbers[asked], at(table.hashes, form[asked]))
        found = combined(batch, alphabet(job.language), found, draws)
        return found, at(draws, batch.units(found.start))

    return EditPlan(np.add.reduceat(possible, batch.bounds[:-1], dtype=np.int64), draws, np.diff(batch.bounds), edits)


def _long(batch: Batch, numbers: Array) -> Array:
    """Whether each cluster of these numbers (k,) has several code points."""
    if batch.clusters.simple:
        return np.zeros(len(numbers), np.bool_)
    starts = batch.clusters.starts
    return np.asarray(at(starts, numbers + 1) - at(starts, numbers) > 1)


def _units(batch: Batch, table: KeyErrorTable, active: int, swap: int) -> tuple[Array, Array | None]:
    """The kinds that each cluster of the batch (m,) allows; the slot of the pair or word that begins there, or 0 (m,).

    Of a longer cluster some kinds may be missing, but not all of them. The slots are None where none of them begins.
    """
    # first (m,): the first code point of each cluster; longer: the numbers of clusters of several code points.
    # masks (m,): the kinds of each cluster, of a longer one those of its first code point, if that is a letter.
    starts, simple, kinds = batch.clusters.starts, batch.clusters.simple, np.uint16(active)
    first = batch.firsts(batch.points)
    masks = at(table.alone, first)
    _leave_out_elsewhere(batch, table, first, masks)
    longer = starts[:0] if simple else np.flatnonzero(np.diff(starts) > 1)
    letters = at(batch.props, at(starts, longer)) & graphemes.LETTER > 0
    masks[longer] = at(table.inner, at(first, longer)) * letters
    free, swaps = np.ones(len(masks), np.bool_), bool(kinds >> swap & 1)
    # free (m,): may be edited; closed (m,): joins with no neighbour; edge (m,): a span begins or ends before it.
    # letter (m,): begins with a letter; followed (m,): is a letter before another letter, no edge between them.
    closed, edge = guard(batch, free)
    words, slots = starts[:0], starts[:0]
    if table.segments is not None:
        words, slots = table.segments.units(first, longer, free, edge)
        able = at(table.masks, slots) & kinds > 0
        words, slots = words[able], slots[able]
    covered = ragged(words, at(table.sizes, slots))
    free[covered] = False
    paired = None
    if table.signs or len(table.pairs) or swaps:
        letter = (batch.firsts(batch.props) & graphemes.LETTER) > 0
        followed = between(letter, edge)
        followed[covered - 1] = False
    if len(table.pairs):
        # before (m,): may be the first of a pair: one code point, as the letter after it.
        before = free & followed
        before[longer] = before[longer - 1] = False
        paired = _paired(table, first, masks, before, kinds)
    # single (m,): the clusters of one code point that can be swapped, because the table has key errors of them.
    masks *= free
    single = masks > 0
    masks &= kinds
    unclear = longer[(at(masks, longer) == 0) & at(free, longer) & letters]
    masks[unclear] = _within_kinds(batch, table, unclear) & kinds
    if table.signs:  # signs beside a digit stay: an edited number changes a text's meaning
        others = np.flatnonzero((masks > 0) & ~letter)
        beside = np.stack((np.maximum(others - 1, 0), others, others + 1))
        positions = beside if simple else at(starts, beside)
        masks[others[at(digits(), at(batch.points, positions)).any(axis=0)]] = 0
    if swaps:
        single[longer] = False
        single &= True if closed is None else closed
        single &= True if paired is None else paired == 0
        followed[:-1] &= single[:-1] & single[1:] & (first[:-1] != first[1:])
        masks |= followed * np.uint16(1 << swap)
    if len(words):
        paired = np.zeros(len(masks), np.int64) if paired is None else paired
        masks[words], paired[words] = at(table.masks, slots) & kinds, slots
    return masks, paired


def _leave_out_elsewhere(batch: Batch, table: KeyErrorTable, first: Array, masks: Array) -> None:
    """Take from `masks` (m,) the kinds that are possible at another place in the word only; `first` are the points."""
    if table.starting is None and table.ending is None:
        return
    letter = (batch.firsts(batch.props) & graphemes.LETTER) > 0
    if table.starting is not None:
        masks[1:] &= ~(at(table.starting, first[1:]) * letter[:-1])
    if table.ending is not None:
        masks[:-1] &= ~(at(table.ending, first[:-1]) * letter[1:])


def _within_kinds(batch: Batch, table: KeyErrorTable, numbers: Array) -> Array:
    """The kinds of all code points of longer clusters, given by their numbers (k,), as bits (k,)."""
    # deep: the indices in `numbers` of clusters with a code point at `depth`.
    starts = batch.clusters.starts
    first, after = at(starts, numbers), at(starts, numbers + 1)
    kinds = at(table.inner, at(batch.points, first))
    deep, depth = np.arange(len(numbers)), 1
    while len(deep) and depth <= _DEPTH:
        kinds[deep] |= at(table.inner, at(batch.points, at(first, deep) + depth))
        depth += 1
        deep = deep[at(after, deep) - at(first, deep) > depth]
    return kinds


_DEPTH: Final = 8
"""How many marks of a cluster can have key errors; later ones have none."""


def _paired(table: KeyErrorTable, points: Array, masks: Array, before: Array, active: np.uint16) -> Array:
    """Make units of pairs, in `masks` at the first cluster; return the slot of the pair that begins at each, or 0 (m,).

    `points` (m,) are the first code points of the clusters; `before` (m,) says which may be the first of a pair. Of
    pairs that overlap, the first, third, ... count.
    """
    # likely (m - 1,): the pair with the hash of each cluster and the next one, or -1. firsts: the clusters that have
    # one. If the keys differ and other pairs share the hash (`missed`), the pair is searched for by its key. hit:
    # indices in `firsts` of real pairs with an active kind; kept: those of them that do not overlap.
    likely = at(table.likely, hashed(points[:-1], points[1:], len(table.likely)))
    firsts = np.flatnonzero((likely >= 0) & before[:-1])
    likely = at(likely, firsts)
    keys = at(points, firsts).astype(np.int64) << KEY_BITS | at(points, firsts + 1)
    missed = np.flatnonzero((at(table.pairs, likely) != keys) & at(table.crowded, likely))
    likely[missed] = np.minimum(np.searchsorted(table.pairs, keys[missed]), len(table.pairs) - 1)
    slots = at(table.pair_slots, likely)
    hit = np.flatnonzero((at(table.pairs, likely) == keys) & (at(table.masks, slots) & active > 0))
    kept = hit[_every_other(at(firsts, hit))]
    firsts, slots = at(firsts, kept), at(slots, kept)
    paired = np.zeros(len(points), np.int64)
    paired[firsts] = slots
    masks[firsts], masks[firsts + 1] = at(table.masks, slots), 0
    return paired


def _every_other(positions: Array) -> Array:
    """Whether each of some sorted positions (k,) is the first, third, ... of its run of consecutive positions."""
    # followers: indices of positions directly after the one before. begins: for each the number, among followers, of
    # the first of its run, so that numbers - begins is 0 for the second position of a run, 1 for the third, ...
    followers = np.flatnonzero(np.diff(positions) == 1) + 1
    numbers = np.arange(len(followers))
    begins = np.where(np.diff(followers, prepend=-2) > 1, numbers, 0)
    kept = np.ones(len(positions), np.bool_)
    kept[followers[(numbers - np.maximum.accumulate(begins)) % 2 == 0]] = False
    return kept


def _edits(
    batch: Batch, table: KeyErrorTable, paired: Array | None, numbers: Array, kind: Array, draws: Array, swap: int
) -> tuple[Edits, Array]:
    """The edits of units, given by their numbers, kinds and draws (k,), and the versions of their forms (k,).

    A version is the number of a form, plus the number of forms where it is decomposed.
    """
    # Each edit replaces the code points start:stop by two pieces, `source` and `length` (k, 2), of the batch's points
    # followed by `pool`. A swap (`wide`) has the next cluster and this one, other edits (`pairs`, too) one form.
    starts = batch.clusters.starts
    first, after = at(starts, numbers), at(starts, numbers + 1)
    wide = np.flatnonzero(kind == swap)
    slots = _slots(batch, table, paired, numbers)
    pairs = np.flatnonzero(slots > 2 * table.within)
    slots[wide] = 0
    start, form = _drawn(batch, table, slots, first, after, kind, draws)
    version = forms(batch, at(table.decomposes, form), start) * len(table.edited) + form
    sizes = at(table.length, version)
    stop, edited = start + 1, at(table.edited, form)
    source, length = np.zeros((len(numbers), 2), np.int64), np.zeros((len(numbers), 2), np.int64)
    source[:, 0], length[:, 0] = np.cumsum(sizes) - sizes + len(batch.points), sizes
    source[wide] = np.stack((after, first), axis=1)[wide]
    stop[wide], edited[wide] = at(starts, numbers[wide] + 2), 2
    length[wide] = np.stack((stop - after, after - first), axis=1)[wide]
    stop[pairs] = at(starts, numbers[pairs] + at(table.sizes, slots[pairs]))
    pool = at(table.pool, ragged(at(table.start, version), sizes))
    return Edits(start, stop, kind, edited, source, length, pool), version


def _slots(batch: Batch, table: KeyErrorTable, paired: Array | None, numbers: Array) -> Array:
    """The slots of units, given by their numbers (k,); for a longer cluster that of its first code point alone."""
    slots = at(table.slots, at(batch.points, at(batch.clusters.starts, numbers)))
    if paired is None:
        return slots
    pairs = at(paired, numbers)
    return np.where(pairs > 0, pairs, slots)


def _drawn(
    batch: Batch, table: KeyErrorTable, slots: Array, first: Array, after: Array, kind: Array, draws: Array
) -> tuple[Array, Array]:
    """For each unit (k,) the position of the edited code point, and its form, drawn by the weights of all its forms."""
    # cells (k,): the cell of each unit; offsets (k,): a point in the cell's weight, by the second draw of the unit.
    # Within longer clusters a code point is drawn first.
    longer = np.flatnonzero(after - first > 1)
    cells = slots * table.kinds + kind
    drawn = randomness.stream(draws, randomness.REPLACEMENT)
    offsets = randomness.below(drawn, at(table.totals, cells))
    point = first
    if len(longer):
        point = first.copy()
        inner = _within(batch, table, first[longer], after[longer], kind[longer], drawn[longer])
        point[longer], cells[longer], offsets[longer] = inner
    return point, table.form(cells, offsets)


def _within(
    batch: Batch, table: KeyErrorTable, first: Array, after: Array, kind: Array, drawn: Array
) -> tuple[Array, Array, Array]:
    """For each longer cluster the position of the edited code point, its cell, and the offset in the cell's weight."""
    # points: the positions of all code points of the clusters, ragged; slots, cells and totals (weights) are theirs.
    # reach: the totals cumulated over all clusters. target: a draw within the total of each cluster, as a point of it.
    sizes = after - first
    points = ragged(first, sizes)
    slots = at(table.slots, at(batch.points, points))
    cells = (slots + table.within * (slots > 0)) * table.kinds + np.repeat(kind, sizes)
    totals = at(table.totals, cells) * (slots > 0)
    reach, ends = np.cumsum(totals), np.cumsum(sizes)
    before = at(reach, ends - sizes) - at(totals, ends - sizes)
    target = before + randomness.below(drawn, at(reach, ends - 1) - before)
    chosen = np.searchsorted(reach, target, "right")
    return at(points, chosen), at(cells, chosen), target - at(reach - totals, chosen)


def _sound(job: Job, edits: Edits, longer: Array, numbers: Array, hashes: Array) -> Edits:
    """The edits without those that would break a cluster, and with the number of clusters that the others change.

    `longer` are the indices of the edits to check, `numbers` their clusters, and `hashes` those of their forms.
    """
    # keys: a hash of cluster, position, form and language, by which the outcome is computed once. changed: the numbers
    # of changed clusters, 0 where an edit is unsound.
    points, starts = job.batch.points, job.batch.clusters.starts
    first, after = starts[numbers], starts[numbers + 1]
    offset = edits.start[longer] - first
    change = hashes + offset.astype(np.uint64) ^ np.uint64(randomness.salt(job.language))
    keys = form_hashes(points, first, after - first) ^ randomness.mix(change)
    known = _outcomes()
    if len(known) > _REMEMBERED:
        known.clear()
    changed = list(map(known.get, keys.tolist()))
    for number in [number for number, count in enumerate(changed) if count is None] if None in changed else ():
        source = edits.source[longer[number], 0] - len(points)
        old = points[first[number] : after[number]].tobytes()
        form = edits.pool[source : source + edits.length[longer[number], 0]].tobytes()
        changed[number] = known[int(keys[number])] = _outcome(old, int(offset[number]), form, job.language)
    edits.graphemes[longer] = changed
    return edits if edits.graphemes.all() else edits.take(np.flatnonzero(edits.graphemes))


@packs.cached
def _outcomes() -> dict[int, int]:
    """The results of `_outcome` by a hash of cluster, position, form and language; emptied when too many."""
    return {}


def _outcome(old: bytes, position: int, form: bytes, language: str) -> int:
    """How many clusters change when a form replaces the code point at a position of a cluster; 0 if that is unsound.

    A sound result keeps the normal forms that the cluster was in, joins with its neighbours only if the cluster did,
    belongs to the language if the cluster did, and has no letter with a mark that the language does not combine with
    it. `old` and `form` are UTF-32.
    """
    clean = old.decode("utf-32-le", "surrogatepass")
    noisy = clean[:position] + form.decode("utf-32-le") + clean[position + 1 :]
    if any(unicodedata.is_normalized(kind, clean) > unicodedata.is_normalized(kind, noisy) for kind in _NORMAL_FORMS):
        return 0
    if not noisy or graphemes.open_ends(noisy) > graphemes.open_ends(clean):
        return 0
    new = graphemes_of(noisy)
    if belongs(language, clean) and not all(belongs(language, cluster) for cluster in new):
        return 0
    if not all(combines(language, cluster, clean) for cluster in new):
        return 0
    return distance(graphemes_of(clean), new)
