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

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final, Unpack, final

import numpy as np

from robust_xtreme.core import graphemes, randomness
from robust_xtreme.core.edits import Array, Batch, Edits, at, differ
from robust_xtreme.noise.engine.alphabet import Alphabet, alphabet, bearing, combined
from robust_xtreme.noise.engine.perturbation import Declared, Job, Perturbation, alphabet_pack, member
from robust_xtreme.noise.engine.runs import between, forms, guard, last_chosen, settle, unit_draws

OPERATORS: Final = ("delete", "double", "swap", "replace")
_DELETE, _DOUBLE, _SWAP, _REPLACE = range(4)
_GRAPHEMES: Final = np.array([1, 1, 2, 1], np.uint8)
_RATES: Final = ("1",) * len(OPERATORS)


@final
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
    allowed[last_chosen(page.batch, possible, draws, chosen)] &= ~np.uint8(1 << _DELETE)
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
