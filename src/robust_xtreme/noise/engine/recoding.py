"""Noise that writes letters with other code points: without their marks, as look-alikes, in another normal form.

A member is a function from a language (and the choices) to the forms of code points:

    @recoding(strength="share of letters", operator="strip")
    def diacritics(language: str) -> Iterator[Recoding]:
        \"\"\"Leave out marks.\"\"\"
        yield Recoding("é", "e")
        yield Recoding("\\u0301", "")

The engine selects the units, grapheme clusters or words, and writes all code points of a chosen unit that have forms in
one of them, drawn by weight. It does not ask whether forms are of the language or in a normal form: a member that
leaves them declares it in `waives`.

Shapes: n code points, m clusters and t texts in a batch, k chosen units; r rows and f forms in a table.
"""

import unicodedata
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from typing import Final, Literal, NamedTuple, Unpack

import numpy as np

from robust_xtreme.core import graphemes, packs, randomness
from robust_xtreme.core.edits import Array, Batch, Edits, at, ragged
from robust_xtreme.noise.engine.perturbation import Declared, Job, Params, Perturbation, member
from robust_xtreme.noise.engine.runs import any_in, find, guard, unit_draws

UnitName = Literal["grapheme cluster", "word"]
Choices = Mapping[str, Callable[[], tuple[str, ...]]]

WORD: Final[UnitName] = "word"


class Recoding(NamedTuple):
    """One way to write a code point: `form` replaces it ("": it is left out), by `weight` relative to the others."""

    point: str
    form: str
    weight: int = 1


class Recodings(NamedTuple):
    """The forms of code points as arrays.

    `row` (p,) is the row of each code point, 0 where it has no forms; those beyond the end use the last entry, 0. The
    forms of row i are `bounds[i]` to `bounds[i + 1]`; `weights` (f + 1,) are any_in. `start` and `length` (f,)
    locate a form in `pool`, and `extra` (f,) is how many clusters more than one it has. `raised` (f,) is the form in
    capitals of a capital's form of several letters, which follow the others, else the form itself.
    """

    row: Array
    bounds: Array
    weights: Array
    start: Array
    length: Array
    extra: Array
    raised: Array
    pool: Array

    def pick(self, rows: Array, draws: Array) -> Array:
        """The form of each row (k,), drawn by weight."""
        base = at(self.weights, at(self.bounds, rows))
        total = at(self.weights, at(self.bounds, rows + 1)) - base
        offset = randomness.below(randomness.stream(draws, randomness.REPLACEMENT), total)
        return np.searchsorted(self.weights, base + offset, "right") - 1


def compiled(recodings: Iterable[Recoding]) -> Recodings:
    """The table of some forms; a form that equals its code point is left out, and so is a letter's empty form."""
    by_point: defaultdict[str, dict[str, int]] = defaultdict(dict)
    for point, form, weight in recodings:
        if form != point and (form or unicodedata.category(point)[0] == "M"):
            by_point[point][form] = by_point[point].get(form, 0) + weight
    row = np.zeros(max(map(ord, by_point), default=0) + 2, np.int32)
    row[[ord(point) for point in by_point]] = np.arange(1, len(by_point) + 1)
    forms = [form for point in by_point for form in by_point[point]]
    weights = [weight for point in by_point for weight in by_point[point].values()]
    points = [point for point in by_point for _ in by_point[point]]
    shouted = {
        n: form.upper() for n, (point, form) in enumerate(zip(points, forms, strict=True)) if _titled(point, form)
    }
    raised = np.arange(len(forms))
    raised[[*shouted]] = len(forms) + np.arange(len(shouted))
    forms += shouted.values()
    length = np.array([len(form) for form in forms], np.int64)
    return Recodings(
        row=row,
        bounds=np.cumsum([0, 0, *map(len, by_point.values())]),
        weights=np.cumsum([0, *weights]),
        start=np.cumsum(length) - length,
        length=length,
        extra=np.array([max(0, len(graphemes.split(form)) - 1) for form in forms], np.int64),
        raised=raised,
        pool=np.frombuffer("".join(forms).encode("utf-32-le"), np.uint32),
    )


def _titled(point: str, form: str) -> bool:
    """Whether a capital's form has small letters: Oe for Œ, which is OE in a word in capitals."""
    return point.isupper() and len(form) > 1 and form != form.upper() and len(form.upper()) == len(form)


def recoding(
    *,
    strength: str,
    operator: str,
    unit: UnitName = "grapheme cluster",
    marked: bool = True,
    choices: Choices | None = None,
    nothing: str = "nothing in its script to change",
    **declared: Unpack[Declared],
) -> Callable[[Callable[..., Iterable[Recoding]]], Perturbation]:
    """Make a perturbation of a function from a language (and the choices) to its forms of code points.

    `operator` is the name of its only kind of edit. With `marked` False clusters of several code points stay. A
    language without forms is not served, with `nothing` as the reason, unless `lacks` gives one. `declared` are fields
    of Perturbation.
    """

    def make(author: Callable[..., Iterable[Recoding]]) -> Perturbation:
        @packs.cached
        def table(language: str, chosen: tuple[tuple[str, str], ...]) -> Recodings:
            return compiled(author(language, **dict(chosen)))

        def chosen(params: Params) -> tuple[tuple[str, str], ...]:
            return tuple((name, params[name][0]) for name in choices or {})

        def edit(job: Job) -> tuple[Edits, Array]:
            return _decided(job, table(job.language, chosen(job.params)), unit, marked)

        def lacks_with(code: str, params: Params) -> str:
            reason = declared["lacks"](code) if "lacks" in declared else ""
            return reason or ("" if table(code, chosen(params)).row.any() else nothing)

        def lacks(code: str) -> str:
            return lacks_with(code, {name: known()[:1] for name, known in (choices or {}).items()})

        kind = "words" if unit == WORD else "letters"
        fields = {**declared, "lacks": lacks, "lacks_with": lacks_with, "choices": choices or {}}
        return member(author, kind, unit, strength, (operator,), edit, **fields)

    return make


def hardly(codes: str) -> Callable[[str], str]:
    """The reason why suites leave out some languages: fewer than 1 in 200 characters of a text have another form."""
    return lambda code: "hardly a character of a text can change" if code in codes.split() else ""


def _decided(job: Job, table: Recodings, unit: UnitName, marked: bool) -> tuple[Edits, Array]:
    """The edits of a batch, and the number of eligible units of each text (t,)."""
    # rows (n,): the row of each code point in the table; with `marked` False 0 in clusters of several code points.
    rows, starts = at(table.row, job.batch.points), job.batch.clusters.starts
    if not (marked or job.batch.clusters.simple):
        sizes = np.diff(starts, append=len(rows))
        rows[np.repeat(sizes > 1, sizes)] = 0
    # The eligible units: code points `start` to `stop`, and draws.
    start, stop, draws = _words(job, rows) if unit == WORD else _clusters(job, table, rows)
    chosen = np.flatnonzero(randomness.chosen(draws, job.strength))
    edits = _written(job.batch, table, rows, start[chosen], stop[chosen], draws[chosen])
    texts = np.searchsorted(job.batch.offsets, start, "right") - 1
    return edits, np.bincount(texts, minlength=len(job.batch))


def _clusters(job: Job, table: Recodings, rows: Array) -> tuple[Array, Array, Array]:
    """The clusters with a code point in the table that begin with a letter, or are one code point.

    Not those in which a mark that stays would join a form: the a of ä with another accent.
    """
    batch, starts = job.batch, job.batch.clusters.starts
    units = rows > 0
    if not batch.clusters.simple:
        whole = np.logical_or.reduceat(units, starts)
        units = (np.diff(starts, append=len(rows)) == 1) | (batch.firsts(batch.props) & graphemes.LETTER > 0)
        units &= whole
        units[batch.units(_joining(job, table, rows))] = False
    closed, _ = guard(batch, units)
    numbers = np.flatnonzero(units if closed is None else units & closed)
    stops = np.append(starts, len(rows))
    return at(starts, numbers), at(stops, numbers + 1), at(unit_draws(batch, job.keys), numbers)


def _joining(job: Job, table: Recodings, rows: Array) -> Array:
    """The code points before a mark that stays, which it does not join, but one of whose forms it would."""
    points, props = job.batch.points, job.batch.props
    before = np.flatnonzero((rows[:-1] > 0) & (rows[1:] == 0) & graphemes.extends(props[1:]))
    pairs = np.stack((at(rows, before), at(points, before), at(points, before + 1)))
    kinds, kind = np.unique(pairs, axis=1, return_inverse=True)
    joins = [_joins(table, row, chr(point), chr(mark)) for row, point, mark in kinds.T.tolist()]
    return before[np.array(joins, np.bool_)[kind]]


def _joins(table: Recodings, row: int, point: str, mark: str) -> bool:
    """Whether a mark that NFC does not join to a code point is joined to one of its forms, which is composed itself."""
    numbers = range(*table.bounds[[row, row + 1]].tolist())
    pieces = (table.pool[table.start[n] : table.start[n] + table.length[n]] for n in numbers)
    forms = ["".join(map(chr, piece.tolist())) for piece in pieces]
    joined = (_is_composed(form) and not _is_composed(form + mark) for form in forms)
    return _is_composed(point + mark) and any(joined)


def _is_composed(text: str) -> bool:
    return unicodedata.is_normalized("NFC", text)


def _words(job: Job, rows: Array) -> tuple[Array, Array, Array]:
    """The words with a code point in the table."""
    words = find(job.batch)
    numbers = np.flatnonzero(words.offered & any_in(rows > 0, words.start, words.stop))
    start, text = words.start[numbers], words.text[numbers]
    return start, words.stop[numbers], randomness.draws(job.keys[text], start - job.batch.offsets[text])


def _among_capitals(batch: Batch, points: Array) -> Array:
    """Whether the letter after each of some code points (k,), or the one before where none follows, is a capital."""
    props = np.append(batch.props, [0])
    after, before = props[points + 1], np.where(points > 0, props[points - 1], 0)
    beside = np.where(after & graphemes.LETTER > 0, after, before)
    return np.asarray((beside & (graphemes.LETTER | graphemes.UPPER)) == graphemes.LETTER | graphemes.UPPER)


def _written(batch: Batch, table: Recodings, rows: Array, start: Array, stop: Array, draws: Array) -> Edits:
    """The edits of ranges of code points (k,), in which every point that has forms is written in one of them."""
    # points: the positions of all code points of the ranges, owner: the range of each. source, length: where the new
    # code points of each are, in the batch's points followed by the table's pool. sizes (k,): how many a range has.
    points = ragged(start, stop - start)
    owner = np.repeat(np.arange(len(start)), stop - start)
    changed = np.flatnonzero(at(rows, points))
    forms = table.pick(rows[points[changed]], draws[owner[changed]])
    forms = np.where(_among_capitals(batch, points[changed]), at(table.raised, forms), forms)
    source, length = points.copy(), np.ones(len(points), np.int64)
    source[changed], length[changed] = len(batch.points) + table.start[forms], table.length[forms]
    pool = at(np.concatenate((batch.points, table.pool)), ragged(source, length))
    sizes = np.bincount(owner, weights=length, minlength=len(start)).astype(np.int64)
    clusters = batch.units(points[changed])
    first = np.diff(clusters, prepend=-1) > 0
    edited = np.bincount(owner[changed], weights=first + table.extra[forms], minlength=len(start)).astype(np.int64)
    none = np.zeros(len(start), np.int64)
    pieces = np.stack((len(batch.points) + np.cumsum(sizes) - sizes, none), axis=1)
    return Edits(start, stop, none, edited, pieces, np.stack((sizes, none), axis=1), pool)
