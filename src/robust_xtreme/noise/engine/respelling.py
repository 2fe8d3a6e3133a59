"""Respells whole words in another script, and writes letters with other code points.

Words are respelt by rules, as arrays over a batch, or by a function of one word.

A chosen word is divided from left to right: at each position the rule with the most letters whose conditions are true
replaces them by one of its forms, drawn by weight with a hash of the word's draw and the position. Letters without a
rule stay; a mark or joiner without a rule goes with the letter before it where that was replaced. Rules are matched in
small letters, and a form takes the case of what it replaces: Щука, ЩУКА become Shchuka, SHCHUKA.

A word is eligible if its respelling differs from it, is not empty, and begins and ends with clusters that join with
nothing beside them. All clusters of a word count as changed, or those of its respelling where it has more. In a
language without spaces a blank is put before the respelling where a letter or digit is before the word.

Shapes: w words; n code points in words, each word between zeros; u units (a rule applied, or a letter that stays).
"""

from __future__ import annotations

import unicodedata
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import lru_cache
from itertools import pairwise
from typing import Final, Literal, NamedTuple, Unpack

import numpy as np

from robust_xtreme.core import graphemes, packs, randomness
from robust_xtreme.core.edits import Array, Batch, Edits, at, differ, ragged
from robust_xtreme.noise.engine._segments import chained
from robust_xtreme.noise.engine.perturbation import Declared, Job, Params, Perturbation, member
from robust_xtreme.noise.engine.respelling_table import Respeller, capitals, composing, parts
from robust_xtreme.noise.engine.runs import WordRuns, any_in, find, forms, guard, unit_draws
from robust_xtreme.noise.engine.words import Listed, begins

KINDS: Final = ("respell",)
"""The operator of all edits."""

_BLANK: Final = np.array([0x20], np.uint32)
_BEGIN: Final = np.array([0], np.uint32)
_MOST: Final = 1 << 17
_BLOCK: Final = 1 << 15
_SIGNS: Final = (0x2B9, 0x2BA)
"""Prime and double prime, which ISO 9 writes for the soft and the hard sign."""


def by_function(spell: Callable[[str], str]) -> Callable[[str], str]:
    """A respelling by a function of one word (composed, NFC), called once per distinct word; "" leaves the word."""

    @lru_cache(_MOST)
    def respelt(word: str) -> str:
        return spell(unicodedata.normalize("NFC", word)).replace(graphemes.SEPARATOR, "")

    return respelt


def respelled(
    job: Job,
    spelling: Respeller | Callable[[str], str],
    listed: Listed | None,
    spaces: bool,
    spaced: bool,
    divider: str = "",
) -> tuple[Edits, Array]:
    """The edits of a batch, and the number of eligible words of each text (t,).

    `listed` are the words into which text without `spaces` is divided; `spaced` puts spaces between respelt ones.
    A `divider` between two letters is a part of their word.
    """
    batch = job.batch
    words = find(batch, None if spaces else begins(batch, listed), divider=divider)
    draws = randomness.draws(at(job.keys, words.text), words.start - at(batch.offsets, words.text))
    asked = np.flatnonzero(words.formed)
    start, stop, keys = (at(column, asked) for column in (words.start, words.stop, draws))
    if isinstance(spelling, Respeller) and spelling.aligned:
        spelt = _across(batch.points, spelling, start, stop)
    else:
        spelt = _spelt(_points(batch.points, start, stop), spelling, keys)
    results = _results(_normal(batch, start, spelt))
    clean = at(words.last, asked) - at(words.first, asked)
    free = results.sound & ~(results.open & _is_letter(batch.points[stop]))
    # Words that are respelt as they are do not count.
    alike = np.flatnonzero((stop - start == results.length) & (results.length > 0))
    points = np.concatenate((batch.points, results.points))
    others = len(batch.points) + results.start[alike]
    free[alike] &= differ(points, start[alike], others, results.length[alike])
    able = np.flatnonzero(free)
    eligible = np.bincount(at(words.text, asked[able]), minlength=len(batch))
    able = able[randomness.chosen(at(keys, able), job.strength)]
    blank = _follows(words, asked[able]) if spaced else np.zeros(len(able), np.bool_)
    return _edits(batch, start[able], stop[able], clean[able], results.take(able), blank), eligible


class Spelt(NamedTuple):
    """The points of words (n,) after they are respelt, a zero before each word and after the last one.

    `loose` are the positions of points that may be composed with the one before them.
    """

    points: Array
    loose: Array


class RespeltWords(NamedTuple):
    """Respelt words: where each begins in `points` (w,), how long it is, its clusters, and whether it can be put in.

    One that is `open` ends with a sign that joins a letter after it, and can be put in where there is none.
    """

    points: Array
    start: Array
    length: Array
    clusters: Array
    sound: Array
    open: Array

    def take(self, numbers: Array) -> RespeltWords:
        """Some of the words, by number."""
        return RespeltWords(self.points, *(at(column, numbers) for column in self[1:]))


def spelt(words: Sequence[str], rules: Respeller) -> list[str]:
    """Words respelt by rules of one form each."""
    return _strings(_by_rules(_joined(words), rules, np.zeros(len(words), np.uint64)).points)


def _joined(words: Iterable[str]) -> Array:
    """The code points of words, a zero before each and after the last (n,)."""
    return graphemes.code_points(graphemes.SEPARATOR.join(["", *words, ""]))


def _strings(points: Array) -> list[str]:
    """The words of points, which have a zero before each and after the last (n,)."""
    return points.tobytes().decode("utf-32-le", "surrogatepass").split(graphemes.SEPARATOR)[1:-1]


def _points(points: Array, start: Array, stop: Array) -> Array:
    """The code points of words, a zero before each and after the last (n,)."""
    sizes = stop - start + 1
    words = np.zeros(int(sizes.sum()) + 1, np.uint32)
    words[1:] = at(points, ragged(start, sizes))
    words[np.cumsum(sizes)] = 0
    return words


def _across(points: Array, rules: Respeller, start: Array, stop: Array) -> Spelt:
    """Words respelt by aligned rules, which match across words: of what is matched each word has the letters in it."""
    length, rule = rules.matched(rules.strings.symbols_of(points))
    begins = chained(length)
    begins = begins[at(rule, begins) >= 0]
    size = at(length, begins)
    written = points.copy()
    written[ragged(begins, size)] = at(rules.pool, ragged(at(rules.source, at(rules.first, at(rule, begins))), size))
    words = _points(written, start, stop)
    return Spelt(words, np.flatnonzero(at(composing(), words)))


def _spelt(points: Array, spelling: Respeller | Callable[[str], str], draws: Array) -> Spelt:
    """The words respelt; by rules in blocks of words whose arrays stay in a core's cache."""
    if not isinstance(spelling, Respeller):
        return Spelt(_joined(map(spelling, _strings(points))), np.zeros(0, np.int64))
    zeros = np.flatnonzero(points == 0)
    most = _BLOCK if spelling.decomposed else len(points)
    cuts = np.unique([*np.searchsorted(zeros, np.arange(0, len(points), most)).tolist(), len(draws)]).tolist()
    pairs = pairwise(cuts if len(cuts) > 1 else (0, len(draws)))
    parts = [_by_rules(points[zeros[first] : zeros[stop] + 1], spelling, draws[first:stop]) for first, stop in pairs]
    before = np.cumsum([0, *(len(part.points) - 1 for part in parts)])
    loose = [part.loose + start for part, start in zip(parts, before, strict=False)]
    return Spelt(np.concatenate([_BEGIN, *(part.points[1:] for part in parts)]), np.concatenate(loose))


def _by_rules(points: Array, rules: Respeller, draws: Array) -> Spelt:
    """Words respelt by rules; `draws` (w,) are those of the words."""
    if rules.decomposed:
        points = _decomposed(points)
    symbols = rules.strings.symbols_of(at(capitals()[0], points) if rules.cased else points)
    length, rule = rules.matched(symbols)
    # start (u,): where each unit begins; the zeros are units too. applied (u,): the rule of each, -1 for none.
    start = chained(length)
    applied = at(rule, start)
    form = _drawn(points, rules, start, applied, draws)
    case = _case(points, start, applied, *capitals()) if rules.cased else np.zeros(len(start), np.int64)
    ruled = applied >= 0
    slot = case * len(rules.upto) + form
    source = np.where(ruled, at(rules.source, slot), len(rules.pool) + start)
    size = np.where(ruled, at(rules.length, slot), 1)
    size[_stranded(points, start, ruled)] = 0
    written = at(np.concatenate((rules.pool, points)), ragged(source, size))
    first = (np.cumsum(size) - size)[size > 0]
    return Spelt(written, first[at(composing(), at(written, first))])


def _decomposed(points: Array) -> Array:
    """Code points, each letter with its marks taken apart (NFD, but for the order of several marks)."""
    source, length, pool = parts()
    known = points < len(length)
    source = np.where(known, at(source, points), len(pool) + np.arange(len(points)))
    return at(np.concatenate((pool, points)), ragged(source, np.where(known, at(length, points), 1)))


def _drawn(points: Array, rules: Respeller, start: Array, applied: Array, draws: Array) -> Array:
    """The form of each unit (u,): the only one of its rule, or one drawn by weight; 0 for units without a rule."""
    form = at(rules.first, np.maximum(applied, 0))
    form[applied < 0] = 0
    several = np.flatnonzero((applied >= 0) & at(rules.several, np.maximum(applied, 0)))
    positions, rule = start[several], applied[several]
    word = at(np.cumsum(points == 0), positions) - 1
    keys = at(randomness.stream(draws, randomness.REPLACEMENT), word)
    begins = at(np.flatnonzero(points == 0), word)
    way = at(rules.before, rule) + randomness.below(randomness.draws(keys, positions - begins), at(rules.total, rule))
    # chosen: the first form of a rule whose cumulated weight is above the draw; `late` are those still before it.
    chosen, late = form[several], np.arange(len(several))
    while len(late):
        late = late[at(rules.upto, chosen[late]) <= way[late]]
        chosen[late] += 1
    form[several] = chosen
    return form


def _case(points: Array, start: Array, applied: Array, small: Array, lower: Array) -> Array:
    """The case of each unit (u,): 0 as the form is, 1 with a capital, 2 in capitals: of a word of two in capitals.

    The signs ʹ and ʺ, which are written for letters with capitals, are capitals in such a word.
    """
    capital = at(small, points) != points
    case = np.zeros(len(start), np.int64)
    cased = (at(capital, start) | np.isin(at(points, start), _SIGNS)) & (applied >= 0)
    raised = np.flatnonzero(cased) if capital.any() else case[:0]
    if len(raised):
        zeros = np.flatnonzero(points == 0)
        many = np.add.reduceat(capital.astype(np.int64), zeros)
        shouted = (many > 1) & (np.add.reduceat(at(lower, points).astype(np.int64), zeros) == 0)
        case[raised] = np.where(shouted[np.searchsorted(zeros, start[raised]) - 1], 2, at(capital, start[raised]))
    return case


def _stranded(points: Array, start: Array, ruled: Array) -> Array:
    """The units that are marks without a rule after a letter that has one."""
    stays = np.flatnonzero(~ruled)
    marks = stays[graphemes.extends(graphemes.properties(at(points, at(start, stays))))]
    if not len(marks):
        return marks
    # anchor (u,): the last unit up to each one that is not such a mark.
    anchor = np.arange(len(start))
    anchor[marks] = 0
    return marks[at(ruled, at(np.maximum.accumulate(anchor), marks))]


def _normal(batch: Batch, start: Array, spelt: Spelt) -> Array:
    """The points of respelt words, composed where a point may join the one before it, decomposed in texts in NFD."""
    zeros = np.flatnonzero(spelt.points == 0)
    loose = np.unique(np.searchsorted(zeros, spelt.loose) - 1)
    may_decompose = np.logical_or.reduceat(at(parts()[1], spelt.points) > 1, zeros[:-1])
    may_decompose[loose] = True
    decomposed = forms(batch, may_decompose, start)
    if not len(loose) and not decomposed.any():
        return spelt.points
    words = _strings(spelt.points)
    for number in loose.tolist():
        words[number] = unicodedata.normalize("NFC", words[number])
    for number in np.flatnonzero(decomposed).tolist():
        words[number] = unicodedata.normalize("NFD", words[number])
    return _joined(words)


def _results(points: Array) -> RespeltWords:
    """The respelt words of points between zeros."""
    zeros = np.flatnonzero(points == 0)
    start, length = zeros[:-1] + 1, np.diff(zeros) - 1
    clusters = graphemes.clusters(graphemes.properties(points))
    sound = (length > 0) & ~np.isin(start, clusters.starts[clusters.open_before])
    sizes, opened = length, np.zeros(len(start), np.bool_)
    if not clusters.simple:
        numbers = np.cumsum(clusters.breaks)
        sizes = at(numbers, zeros[1:]) - at(numbers, start)
    opened[np.searchsorted(zeros, clusters.starts[clusters.open_after]) - 1] = True
    return RespeltWords(points, start, length, sizes, sound, opened)


def _is_letter(points: Array) -> Array:
    """Which code points (n,) are letters."""
    return np.asarray(graphemes.properties(points) & graphemes.LETTER > 0)


def _follows(words: WordRuns, asked: Array) -> Array:
    """Whether a letter or digit of the same text and spans is directly before each word."""
    before = np.maximum(words.first[asked] - 1, 0)
    first = at(words.batch.points, at(words.batch.clusters.starts, before))
    letter = _is_letter(first)
    known = np.unique(first[~letter])
    numbers = known[[unicodedata.category(chr(point))[0] == "N" for point in known.tolist()]]
    return np.asarray((letter | np.isin(first, numbers)) & (words.first[asked] > 0) & ~words.edge[words.first[asked]])


def _edits(batch: Batch, start: Array, stop: Array, clean: Array, results: RespeltWords, blank: Array) -> Edits:
    """The edits that put respelt words in, some after a blank; `clean` are the clusters that words had."""
    size, none = len(batch.points), np.zeros(len(start), np.int64)
    return Edits(
        start,
        stop,
        none,
        np.maximum(clean, results.clusters) + blank,
        np.stack((none + size, size + 1 + results.start)).T,
        np.stack((blank.astype(np.int64), results.length)).T,
        np.concatenate((_BLANK, results.points)),
    )


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
    forms of row i are `bounds[i]` to `bounds[i + 1]`; `weights` (f + 1,) are cumulated. `start` and `length` (f,)
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
    pairs = enumerate(zip(points, forms, strict=True))
    shouted = {n: form.upper() for n, (point, form) in pairs if _titled(point, form)}
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
        pool=graphemes.code_points("".join(forms)),
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

        @recoding(strength="share of letters", operator="strip")
        def diacritics(language: str) -> Iterator[Recoding]:
            yield Recoding("\u0301", "")

    Of a chosen unit, a grapheme cluster or a word, all code points that have forms are written in one of them, drawn by
    weight. Whether forms are of the language, or in a normal form, is not asked: a member that leaves them `waives` it.
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
    """Clusters with a code point of the table, alone or after a first letter, without marks that would join a form."""
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
