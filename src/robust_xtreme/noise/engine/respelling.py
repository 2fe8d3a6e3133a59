"""Respells whole words in another script: by rules, as arrays over a batch, or by a function of one word.

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
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Final, NamedTuple

import numpy as np

from robust_xtreme.core import graphemes, randomness
from robust_xtreme.core.edits import Array, Batch, Edits, at, differ, ragged
from robust_xtreme.noise.engine._segments import chained
from robust_xtreme.noise.engine.perturbation import Job
from robust_xtreme.noise.engine.respelling_table import Respeller, capitals, composing, parts
from robust_xtreme.noise.engine.runs import WordRuns, find, forms
from robust_xtreme.noise.engine.words import Listed, begins

KINDS: Final = ("respell",)
"""The operator of all edits."""

_BLANK: Final = np.array([0x20], np.uint32)
_BEGIN: Final = np.array([0], np.uint32)
_MOST: Final = 1 << 17
_BLOCK: Final = 1 << 15
_SIGNS: Final = (0x2B9, 0x2BA)
"""Prime and double prime, which ISO 9 writes for the soft and the hard sign."""


@dataclass(frozen=True, slots=True)
class RespellingFunction:
    """A respelling by a function of one word (composed, NFC), called once per distinct word; "" leaves the word."""

    spell: Callable[[str], str]
    known: dict[str, str] = field(default_factory=dict)

    def __call__(self, word: str) -> str:
        """The respelling of a word."""
        if word not in self.known:
            if len(self.known) > _MOST:
                self.known.clear()
            self.known[word] = self.spell(unicodedata.normalize("NFC", word)).replace(graphemes.SEPARATOR, "")
        return self.known[word]


def respelled(
    job: Job,
    spelling: Respeller | RespellingFunction,
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


def _spelt(points: Array, spelling: Respeller | RespellingFunction, draws: Array) -> Spelt:
    """The words respelt; by rules in blocks of words whose arrays stay in a core's cache."""
    if isinstance(spelling, RespellingFunction):
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
