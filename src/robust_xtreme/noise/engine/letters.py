"""Noise on letters: a function says which letters may change and how; the engine draws which of them do.

A member is such a function, from the letters of a batch to the operators that each of them allows:

    @letters(strength="share of vowels left out", refuses=("tagging",))
    def vowel_drop(page: Letters) -> Array:
        \"\"\"Leave vowels out.\"\"\"
        return page.may("delete", where=np.isin(page.points, _VOWELS))

It is an array program without draws. The engine selects the letters, applies the edits, moves the spans and counts.

A letter that is chosen has by further draws one operator of those it allows, and, if it is replaced, one of the other
letters of its script and case in the language's alphabet.

Shapes: m clusters, t texts and k chosen units in a batch. Units are cluster numbers.
"""

import unicodedata
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from itertools import compress
from typing import Final, NamedTuple, Unpack

import numpy as np

from robust_xtreme.core import graphemes, languages, packs, randomness
from robust_xtreme.core.edits import Array, Batch, Edits, at, differ
from robust_xtreme.noise.engine.case import cased
from robust_xtreme.noise.engine.perturbation import Declared, Job, Perturbation, alphabet_pack, member
from robust_xtreme.noise.engine.runs import between, forms, guard, last_chosen, settle, unit_draws, units_of

OPERATORS: Final = ("delete", "double", "swap", "replace")
_DELETE, _DOUBLE, _SWAP, _REPLACE = range(4)
_GRAPHEMES: Final = np.array([1, 1, 2, 1], np.uint8)
_RATES: Final = ("1",) * len(OPERATORS)
_POINT_BITS: Final = 21


@dataclass(frozen=True, slots=True)
class Alphabet:
    """A language's letters, sorted by group, a group being one script in one case.

    `letters` are the k letters, composed (NFC). `pool` contains the code points of all letters twice, composed and
    decomposed (NFD); `start` and `length` (2, k) locate a letter in it; `decomposes` (k,) says whose two forms differ.
    `group_of` (512,) is the group of `script * 2 + upper`, -1 where there is none; `first` and `size` (g,) are the
    groups' letters. `keys` are the packed letters, sorted, and `rank` (len(keys),) the number of each letter.
    `replaceable` (65536,) says by its properties whether another letter can replace a cluster. `signs` are the spacing
    signs, marks that are clusters of their own, as of Burmese, and `combinations` the keys `point << 21 | sign` of what
    they follow.
    """

    letters: tuple[str, ...]
    pool: Array
    start: Array
    length: Array
    decomposes: Array
    group_of: Array
    first: Array
    size: Array
    keys: Array
    rank: Array
    replaceable: Array
    signs: Array
    combinations: Array


@dataclass(frozen=True, slots=True)
class Letters:
    """The clusters of a batch: their properties, and which of them are letters that may change, all (m,).

    A letter is a cluster whose first code point is a letter. `letter` is False where a span's edge cuts the cluster,
    in a frozen span, and where a neighbour would join with a replacement. `closed` says which clusters join with no
    neighbour (None: all), `edge` before which clusters a span begins or ends (None: there are no spans), `bearing`
    which clusters a spacing sign follows (None: the language has no such signs): they stay before it.
    """

    batch: Batch
    alphabet: Alphabet
    props: Array
    letter: Array
    closed: Array | None
    edge: Array | None
    bearing: Array | None

    @property
    def points(self) -> Array:
        """The first code point of each cluster (m,) uint32."""
        return self.batch.firsts(self.batch.points)

    def may(self, *operators: str, where: Array | None = None) -> Array:
        """A bit for each of these operators (m,) uint8 wherever it applies (and `where` (m,) is true)."""
        allowed = np.zeros(len(self.props), np.uint8)
        for operator in operators:
            allowed |= self._where(operator) * np.uint8(1 << OPERATORS.index(operator))
        return allowed if where is None else allowed * where

    def _where(self, operator: str) -> Array:
        match operator:
            case "delete":
                return self.letter if self.bearing is None else self.letter & ~self.bearing
            case "double":
                return self.letter if self.closed is None else self.letter & self.closed
            case "swap":  # before another, different letter that bears no sign, with no edge of a span between them
                swap = between(self._where("double"), self.edge)
                swap[:-1] &= _differs(self.batch, self.letter)
                if self.bearing is not None:
                    swap[:-1] &= ~self.bearing[1:]
                return swap
            case _:
                return self.letter & at(self.alphabet.replaceable, self.props)


def letters(
    *, strength: str, parameters: Mapping[str, tuple[str, ...]] | None = None, **declared: Unpack[Declared]
) -> Callable[[Callable[..., Array]], Perturbation]:
    """Make a perturbation of a function from the letters of a batch to the operators they allow (`Letters.may`).

    Its name is the perturbation's, the first line of its docstring the summary. `strength` says in words what the
    strength is a share of. `parameters` are, by name, the values that a spec chooses from; the function gets the chosen
    ones by name. `declared` are fields of Perturbation: `lacks`, `packs`, `waives`, `refuses`, `version`.
    """

    def make(author: Callable[..., Array]) -> Perturbation:
        def edit(job: Job) -> tuple[Edits, Array]:
            page = page_of(job.batch, alphabet(job.language))
            return decide(page, author(page, **job.params), job.keys, job.strength)

        fields = {"parameters": parameters or {}, "packs": alphabet_pack, **declared}
        return member(author, "letters", "grapheme cluster", strength, OPERATORS, edit, **fields)

    return make


def page_of(batch: Batch, alphabet: Alphabet) -> Letters:
    """The clusters of a batch as letters of a language."""
    props = batch.firsts(batch.props)
    letter = (props & graphemes.LETTER) > 0
    closed, edge = guard(batch, letter)
    return Letters(batch, alphabet, props, letter, closed, edge, bearing(batch, alphabet))


def decide(page: Letters, allowed: Array, keys: Array, strength: str) -> tuple[Edits, Array]:
    """The edits at a strength, and the eligible units of each text (t,); `allowed` (m,) has a bit per operator."""
    draws = unit_draws(page.batch, keys)
    chosen, possible = randomness.chosen(draws, strength), allowed > 0
    eligible = np.add.reduceat(possible, page.batch.bounds[:-1], dtype=np.int64)
    allowed[last_chosen(units_of(page.batch), possible, draws, chosen)] &= ~np.uint8(1 << _DELETE)
    units = np.flatnonzero(chosen & (allowed > 0))
    accepted, operators = settle(allowed, draws, units, _RATES, _SWAP)
    units, operators = units[accepted], operators[accepted]
    edits = _edits(page, units, operators, draws[units])
    return combined(page.batch, page.alphabet, edits, draws), eligible


def _edits(page: Letters, units: Array, operators: Array, draws: Array) -> Edits:
    # Each edit replaces the code points first:stop by two pieces, `source` and `length` (k, 2), of the batch's points
    # followed by the pool. swap: next cluster, this one; double: this one twice; replace: a pool entry; delete: none.
    starts = page.batch.clusters.starts
    swap, double, replace = (operators == number for number in (_SWAP, _DOUBLE, _REPLACE))
    first, middle = at(starts, units), at(starts, units + 1)
    stop = at(starts, units + 1 + swap)
    source, length = np.zeros((len(units), 2), np.int64), np.zeros((len(units), 2), np.int64)
    source[:, 1], length[:, 1] = first, (middle - first) * (swap | double)
    source[:, 0] = np.where(swap, middle, first)
    length[:, 0] = np.where(swap, stop - middle, (middle - first) * double)
    letters, chosen = page.alphabet, _others(page, units[replace], draws[replace])
    form = forms(page.batch, letters.decomposes[chosen], first[replace])
    source[replace, 0] = letters.start[form, chosen] + len(page.batch.points)
    length[replace, 0] = letters.length[form, chosen]
    return Edits(first, stop, operators, _GRAPHEMES[operators], source, length, letters.pool)


def _others(page: Letters, units: Array, draws: Array) -> Array:
    """The number of another letter of the alphabet for each unit (k,), of its script and case, never its own."""
    # group: the unit's script and case, `size` letters from `letters.first` on. rank: the unit's own number within the
    # group, outside 0..size where it is not in the alphabet. The draw is among the others: numbers from rank on move
    # up by one.
    starts, letters = page.batch.clusters.starts, page.alphabet
    group = letters.group_of[graphemes.group(page.props[units])]
    key = graphemes.packed(page.batch.points, starts[units], starts[units + 1] - starts[units])
    index = np.minimum(np.searchsorted(letters.keys, key), len(letters.keys) - 1)
    rank = np.where(letters.keys[index] == key, letters.rank[index], -1) - letters.first[group]
    size = letters.size[group]
    present = (rank >= 0) & (rank < size)
    picked = randomness.below(randomness.stream(draws, randomness.REPLACEMENT), size - present)
    return letters.first[group] + picked + (present & (picked >= rank))


def _differs(batch: Batch, asked: Array) -> Array:
    """Whether each cluster (but the last) differs from the next one; correct only where `asked` (m,) is true."""
    points, starts = batch.points, batch.clusters.starts
    if batch.clusters.simple:
        return np.not_equal(points[:-1], points[1:])
    # Most pairs differ in the first code point. Only the others (`alike`, cluster numbers) are compared further:
    # first by size in code points, then point by point.
    first = at(points, starts)
    unlike: Array = first[:-1] != first[1:]
    alike = np.flatnonzero(~unlike & asked[:-1])
    sizes = starts[alike + 1] - starts[alike]
    others = starts[np.minimum(alike + 2, len(starts) - 1)] - starts[alike + 1]
    unlike[alike] = sizes != others
    alike, sizes = alike[sizes == others], sizes[sizes == others]
    unlike[alike] = differ(points, starts[alike], starts[alike + 1], sizes)
    return unlike


THAI_BEFORE: Final = "เแโใไ"
THAI_AFTER: Final = "ะาำๅฯๆ"
"""Thai vowels that are written before a consonant; vowels and signs that are written after what they belong to."""


def inserted(job: Job, characters: Array) -> tuple[Edits, Array]:
    """The edits that put one of some characters between two letters, and the eligible units of each text (t,).

    They are never put within a cluster, nor between a Thai vowel and the letter that it belongs to.
    """
    # where (m,): letters directly before another one that they do not belong to, as Thai vowels do, within a span.
    page = page_of(job.batch, alphabet(job.language))
    where = between(page.letter if page.closed is None else page.letter & page.closed, page.edge)
    where &= ~np.isin(page.points, [ord(vowel) for vowel in THAI_BEFORE])
    where[:-1] &= ~np.isin(page.points[1:], [ord(sign) for sign in THAI_AFTER])
    batch, draws = job.batch, unit_draws(job.batch, job.keys)
    eligible = np.add.reduceat(where, batch.bounds[:-1], dtype=np.int64)
    numbers = np.flatnonzero(where & randomness.chosen(draws, job.strength))
    start, stop = at(batch.clusters.starts, numbers), at(batch.clusters.starts, numbers + 1)
    drawn = randomness.below(randomness.stream(draws[numbers], randomness.REPLACEMENT), len(characters))
    # A letter and what is put after it are the two pieces of an edit.
    source = np.stack((start, len(batch.points) + drawn), axis=1)
    length = np.stack((stop - start, np.ones_like(start)), axis=1)
    none = np.zeros(len(numbers), np.int64)
    return Edits(start, stop, none, np.ones(len(numbers), np.uint8), source, length, characters), eligible


@packs.cached
def alphabet(code: str) -> Alphabet:
    """The letters of the language of that code, in lower and upper case. Raises UnknownName."""
    known = languages.language(code)
    letters, groups, pool, length = _usable(*_grouped(cased(code, known.alphabet)))
    start = np.cumsum(length).reshape(length.shape) - length
    groups, first, size = np.unique(groups, return_index=True, return_counts=True)
    group_of = np.full(512, -1, np.int16)
    group_of[groups] = np.arange(len(groups))
    signs = [sign for sign in known.signs if unicodedata.category(sign)[0] == "M"]
    pairs = sorted(pair for pair in known.combinations if pair[1] in signs)
    keys, index = np.unique(graphemes.packed(pool, start.reshape(-1), length.reshape(-1)), return_index=True)
    return Alphabet(
        letters=letters,
        pool=pool,
        start=start,
        length=length,
        decomposes=length[0] != length[1],  # composing shortens: forms of one length are equal.
        group_of=group_of,
        first=first,
        size=size,
        keys=keys,
        rank=index % max(len(letters), 1),
        replaceable=graphemes.letters_in(np.append(size, 0)[group_of] > 1),
        signs=np.array([ord(sign) for sign in signs], np.uint32),
        combinations=np.array([ord(pair[0]) << _POINT_BITS | ord(pair[1]) for pair in pairs], np.int64),
    )


def _grouped(forms: Iterable[str]) -> tuple[list[str], Array]:
    """The forms that are in NFKC, once each, sorted by group and code points, and the groups (n,) of their first."""
    # A dict keeps the order of the long lists, which is that of code points: so sorting compares each letter once.
    listed = sorted(dict.fromkeys(form for form in forms if unicodedata.is_normalized("NFKC", form)))
    groups = graphemes.group(graphemes.string_properties("".join([letter[0] for letter in listed])))
    order = np.argsort(groups, kind="stable")
    return [listed[number] for number in order.tolist()], groups[order]


def _usable(letters: list[str], groups: Array) -> tuple[tuple[str, ...], Array, Array, Array]:
    """The k usable letters of n composed ones, their groups (k,), and the pool and length (2, k) of their two forms.

    A letter is usable if it is one cluster that joins with no neighbour, and not too long to be packed.
    """
    text = graphemes.SEPARATOR.join((*letters, ""))
    points = graphemes.code_points(text + unicodedata.normalize("NFD", text))
    stops = np.flatnonzero(points == ord(graphemes.SEPARATOR))
    length = (np.diff(stops, prepend=-1) - 1).reshape(2, -1)
    usable = _are_closed(points[: len(text)], stops[: len(letters)]) & (length[1] <= graphemes.PACKED)
    kept = np.repeat(np.tile(usable, 2), length.reshape(-1))
    pool = points[points != ord(graphemes.SEPARATOR)][kept]
    return tuple(compress(letters, usable.tolist())), groups[usable], pool, length.compress(usable, axis=1)


def _are_closed(points: Array, stops: Array) -> Array:
    """Whether each text (n,), before its separator at `stops` (n,), is a letter and one cluster that joins no other."""
    props = graphemes.properties(points)
    divided = graphemes.clusters(props)
    is_open = np.zeros(len(divided.starts), np.bool_)
    is_open[divided.open_after] = is_open[divided.open_before] = True
    starts, cluster = np.append(0, stops + 1)[:-1], np.cumsum(divided.breaks) - 1
    closed: Array = (cluster[stops] - cluster[starts] == 1) & ~is_open[cluster[starts]]
    closed &= props[starts] & graphemes.LETTER > 0
    return closed


def bearing(batch: Batch, alphabet: Alphabet) -> Array | None:
    """Whether a spacing sign follows each cluster (m,); None where the language has no such signs."""
    if not len(alphabet.signs):
        return None
    followed = np.zeros(len(batch.clusters.starts), np.bool_)
    followed[:-1] = np.isin(batch.firsts(batch.points)[1:], alphabet.signs)
    return followed


def combined(batch: Batch, alphabet: Alphabet, edits: Edits, draws: Array) -> Edits:
    """The edits without those that put a spacing sign after what the language does not combine with it.

    Of edits that do so together, that with the largest draw is left out; `draws` (m,) are those of the clusters. A sign
    that follows the same code point as before stays possible.
    """
    if not len(alphabet.signs) or not len(edits):
        return edits
    ends = _ends(batch, edits)
    alone = _combine(alphabet, ends.last, ends.after) | (ends.last == at(batch.points, edits.stop - 1))
    alone &= _combine(alphabet, ends.before, ends.first) | (ends.first == at(batch.points, edits.start)) | ~ends.leaves
    edits = edits.take(np.flatnonzero(alone))
    together = np.ones(len(edits), np.bool_)
    together[_clashing(batch, alphabet, edits, at(draws, batch.units(edits.start)))] = False
    return edits.take(np.flatnonzero(together))


class _Ends(NamedTuple):
    """The code points at the ends of edits, all (k,): before the edit, the first and the last new ones, and after it.

    Of an edit that `leaves` no code point, the last is the one before it, and the first the one after it.
    """

    before: Array
    first: Array
    last: Array
    after: Array
    leaves: Array


def _ends(batch: Batch, edits: Edits) -> _Ends:
    points = np.concatenate((batch.points, edits.pool))
    before, after = at(batch.points, edits.start - 1), at(batch.points, edits.stop)
    before[edits.start == 0] = 0
    (front, back), stops = edits.length.T > 0, edits.source + edits.length - 1
    first = at(points, np.where(front, edits.source[:, 0], edits.source[:, 1]))
    last = at(points, np.where(back, stops[:, 1], stops[:, 0]))
    leaves = front | back
    return _Ends(before, np.where(leaves, first, after), np.where(leaves, last, before), after, leaves)


def _clashing(batch: Batch, alphabet: Alphabet, edits: Edits, draws: Array) -> Array:
    """The edits that together with some of smaller draws, right beside them, put a sign after a wrong code point.

    Whether the others are left out, too, does not matter: so strengths nest.
    """
    # begin (w,): the first edits of runs of `size` adjacent edits; of those between the first and the last nothing is
    # left, so that the last code point of the first edit meets the first one of the last edit.
    ends = _ends(batch, edits)
    met = np.where(ends.leaves, edits.start, edits.stop)
    size, begin, clashing = 2, np.flatnonzero(edits.stop[:-1] == edits.start[1:]), []
    while len(begin):
        end = begin + size - 1
        last, first = ends.last[begin], ends.first[end]
        same = (last == at(batch.points, met[end] - 1)) & (first == at(batch.points, met[end]))
        wrong = begin[~_combine(alphabet, last, first) & ~same]
        clashing.append(wrong + draws[wrong[:, None] + np.arange(size)].argmax(axis=1))
        begin = begin[~ends.leaves[end] & (end + 1 < len(met))]
        begin = begin[edits.stop[begin + size - 1] == edits.start[begin + size]]
        size += 1
    return np.concatenate((np.zeros(0, np.int64), *clashing))


def _combine(alphabet: Alphabet, points: Array, others: Array) -> Array:
    """Whether each of the others (k,) can follow the point before it (k,): it is not a spacing sign, or is listed."""
    keys = points.astype(np.int64) << _POINT_BITS | others
    return np.asarray(~np.isin(others, alphabet.signs) | np.isin(keys, alphabet.combinations))
