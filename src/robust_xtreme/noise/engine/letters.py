"""Noise on letters: a function says which letters may change and how; the engine draws which of them do.

A member is such a function, from the letters of a batch to the operators that each of them allows:

    @letters(strength="share of vowels left out", refuses=("tagging",))
    def vowel_drop(page: Letters) -> Proposal:
        \"\"\"Leave vowels out.\"\"\"
        return page.may("delete", where=np.isin(page.points, _VOWELS))

It is an array program without draws. The engine selects the letters, applies the edits, moves the spans and counts.

A letter that is chosen has by further draws one operator of those it allows, and, if it is replaced, one of the other
letters of its script and case in the language's alphabet.

Shapes: m clusters, t texts and k chosen units in a batch. Units are cluster numbers.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Final, Unpack, final

import numpy as np

from robust_xtreme.core import graphemes, packs, randomness
from robust_xtreme.core.edits import Array, Batch, Edits, at, differ
from robust_xtreme.noise.engine._runs import forms, guard, last_chosen, settle, unit_draws
from robust_xtreme.noise.engine._signs import bearing, combined
from robust_xtreme.noise.engine.alphabet import Alphabet, alphabet
from robust_xtreme.noise.engine.perturbation import Declared, Job, Perturbation, alphabet_pack, member

OPERATORS: Final = ("delete", "double", "swap", "replace")
_DELETE, _DOUBLE, _SWAP, _REPLACE = range(4)
_GRAPHEMES: Final = np.array([1, 1, 2, 1], np.uint8)
_RATES: Final = ("1",) * len(OPERATORS)


@final
@dataclass(frozen=True, slots=True)
class Proposal:
    """The operators that each cluster allows (m,) uint8, a bit per operator of OPERATORS.

    `by` (m,) uint32 are the code points that replace them, if the author names them.
    """

    allowed: Array
    by: Array | None = None


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

    def may(self, *operators: str, where: Array | None = None) -> Proposal:
        """These operators wherever they apply (and `where` (m,) is true); the engine draws one of those of a letter."""
        allowed = np.zeros(len(self.props), np.uint8)
        for operator in operators:
            allowed |= self._where(operator) * np.uint8(1 << OPERATORS.index(operator))
        return Proposal(allowed if where is None else allowed * where)

    def replace(self, where: Array, by: Array) -> Proposal:
        """Letters replaced by the code points `by` (m,) where `where` (m,) is true."""
        return Proposal((self.letter & where) * np.uint8(1 << _REPLACE), by)

    def _where(self, operator: str) -> Array:
        match operator:
            case "delete":
                return self.letter if self.bearing is None else self.letter & ~self.bearing
            case "double":
                return self.letter if self.closed is None else self.letter & self.closed
            case "swap":
                return self._swappable()
            case _:
                return self.letter & at(self.alphabet.replaceable, self.props)

    def _swappable(self) -> Array:
        """Letters before another, different letter that bears no sign, with no edge of a span between them."""
        single = self._where("double")
        swap = np.zeros(len(single), np.bool_)
        swap[:-1] = single[:-1] & single[1:] & _differs(self.batch, self.letter)
        for apart in (self.edge, self.bearing):
            if apart is not None:
                swap[:-1] &= ~apart[1:]
        return swap


def letters(
    *, strength: str, parameters: Mapping[str, tuple[str, ...]] | None = None, **declared: Unpack[Declared]
) -> Callable[[Callable[..., Proposal]], Perturbation]:
    """Make a perturbation of a function from the letters of a batch to the operators they allow.

    Its name is the perturbation's, the first line of its docstring the summary. `strength` says in words what the
    strength is a share of. `parameters` are, by name, the values that a spec chooses from; the function gets the chosen
    ones by name. `declared` are fields of Perturbation: `lacks`, `packs`, `waives`, `refuses`, `version`.
    """

    def make(author: Callable[..., Proposal]) -> Perturbation:
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


def decide(page: Letters, proposal: Proposal, keys: Array, strength: str) -> tuple[Edits, Array]:
    """The edits at a strength, and the number of eligible units of each text (t,)."""
    allowed, draws = proposal.allowed, unit_draws(page.batch, keys)
    chosen, possible = randomness.chosen(draws, strength), allowed > 0
    eligible = np.add.reduceat(possible, page.batch.bounds[:-1], dtype=np.int64)
    allowed[last_chosen(page.batch, possible, draws, chosen)] &= ~np.uint8(1 << _DELETE)
    units = np.flatnonzero(chosen & (allowed > 0))
    accepted, operators = settle(allowed, draws, units, _RATES, _SWAP)
    units, operators = units[accepted], operators[accepted]
    edits = _edits(page, proposal, units, operators, draws[units])
    return combined(page.batch, page.alphabet, edits, draws), eligible


def _edits(page: Letters, proposal: Proposal, units: Array, operators: Array, draws: Array) -> Edits:
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
    pool, chosen, size = _replacements(page, proposal, units[replace], draws[replace])
    source[replace, 0], length[replace, 0] = chosen + len(page.batch.points), size
    return Edits(first, stop, operators, _GRAPHEMES[operators], source, length, pool)


def _replacements(page: Letters, proposal: Proposal, units: Array, draws: Array) -> tuple[Array, Array, Array]:
    """A pool of code points, and the start and length in it of each unit's replacement (k,)."""
    if proposal.by is not None:
        return proposal.by[units], np.arange(len(units)), np.ones(len(units), np.int64)
    letters = page.alphabet
    chosen = _others(page, units, draws)
    form = forms(page.batch, letters.decomposes[chosen], page.batch.clusters.starts[units])
    return letters.pool, letters.start[form, chosen], letters.length[form, chosen]


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


# Noise that puts a character between two letters of a word.
#
# A member is a function from a language to the characters, which are equally likely. The engine selects letters that
# are before another letter, and puts a character after them: never within a cluster, nor before or after a Thai vowel
# that belongs to the letter beside it, nor where a span begins or ends.

THAI_BEFORE: Final = "เแโใไ"
THAI_AFTER: Final = "ะาำๅฯๆ"
"""Thai vowels that are written before a consonant; vowels and signs that are written after what they belong to."""


def inserting(
    *, strength: str, operator: str, **declared: Unpack[Declared]
) -> Callable[[Callable[[str], Iterable[str]]], Perturbation]:
    """Make a perturbation of a function from a language to the characters that are put between letters.

    `operator` is the name of its only kind of edit. `declared` are fields of Perturbation.
    """

    def make(author: Callable[[str], Iterable[str]]) -> Perturbation:
        @packs.cached
        def characters(language: str) -> Array:
            return np.array([ord(character) for character in author(language)], np.uint32)

        def edit(job: Job) -> tuple[Edits, Array]:
            return _decided(job, page_of(job.batch, alphabet(job.language)), characters(job.language))

        return member(author, "letters", "grapheme cluster", strength, (operator,), edit, **declared)

    return make


def _decided(job: Job, page: Letters, characters: Array) -> tuple[Edits, Array]:
    """The edits of a batch, and the number of eligible units of each text (t,)."""
    # A letter and what is put after it are the two pieces of an edit.
    batch, draws = job.batch, unit_draws(job.batch, job.keys)
    where = _between(page)
    eligible = np.add.reduceat(where, batch.bounds[:-1], dtype=np.int64)
    numbers = np.flatnonzero(where & randomness.chosen(draws, job.strength))
    start, stop = at(batch.clusters.starts, numbers), at(batch.clusters.starts, numbers + 1)
    drawn = randomness.below(randomness.stream(draws[numbers], randomness.REPLACEMENT), len(characters))
    source = np.stack((start, len(batch.points) + drawn), axis=1)
    length = np.stack((stop - start, np.ones_like(start)), axis=1)
    none = np.zeros(len(numbers), np.int64)
    return Edits(start, stop, none, np.ones(len(numbers), np.uint8), source, length, characters), eligible


def _between(page: Letters) -> Array:
    """Which clusters (m,) are letters directly before another letter that they do not belong to."""
    letter = page.letter if page.closed is None else page.letter & page.closed
    where = np.zeros(len(letter), np.bool_)
    where[:-1] = letter[:-1] & letter[1:]
    if page.edge is not None:
        where[:-1] &= ~page.edge[1:]
    points = page.points
    where &= ~np.isin(points, [ord(vowel) for vowel in THAI_BEFORE])
    where[:-1] &= ~np.isin(points[1:], [ord(sign) for sign in THAI_AFTER])
    return where
