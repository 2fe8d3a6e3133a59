"""Noise on words: what a word is, also in text without spaces, and the noisy forms of words in whole batches."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from decimal import Decimal
from functools import partial
from typing import Final, NamedTuple, Unpack

import numpy as np

from robust_xtreme.core import graphemes, randomness
from robust_xtreme.core.edits import Array, Batch, Edits, at, differ, ragged
from robust_xtreme.core.languages import language
from robust_xtreme.core.packs import cached
from robust_xtreme.noise.engine._lexicon import DECOMPOSED, JOINED, Form, FormLexicon, FormTable
from robust_xtreme.noise.engine._segments import UNKNOWN, Trie, chained, is_ideograph, trie
from robust_xtreme.noise.engine.perturbation import Declared, EditPlan, Job, Perturbation, member
from robust_xtreme.noise.engine.runs import WordRuns, active, any_in, find, forms, pick

# Noise on words: a function gives the noisy forms of one word, and the engine applies them to whole batches.
#
# A word is a run of letters with their marks, single apostrophes between two letters included, cut where a span begins
# or ends. It has one draw, that of its first code point: it is chosen iff that is below the strength, and by further
# draws its kind (by rate among those it has) and its form (by weight). Three kinds need no forms: `drop` deletes a word
# with the white space beside it, `swap` exchanges it with the next word; neither is applied to words without white
# space between them (well-known, U.S.). `join` deletes the white space before the next word.
#
# Shapes: n code points, m clusters, t texts and w words in a batch, k words in a selection (by number). Ranges of
# clusters are `low` to `high`. Sets of kinds are bits.

__all__ = ["Form", "needs_spaces", "words"]

WordNoise = Callable[..., Iterable[Form]]

DROP: Final = "drop"
SWAP: Final = "swap"
JOIN: Final = "join"
_FORMLESS: Final = {DROP, SWAP, JOIN}
_LINE_BREAKS: Final = np.array([0x0A, 0x0B, 0x0C, 0x0D, 0x85, 0x2028, 0x2029], np.uint32)


class Moves(NamedTuple):
    """Whether each word (w,) may be swapped with the next one or dropped, and the clusters that a drop deletes.

    `spared` are the words that could be dropped, but are the word that their text or span keeps. They count as
    eligible: else the share of edits would be above the strength in short texts.
    """

    swaps: Array
    drops: Array
    spared: Array
    low: Array
    high: Array


def _swaps(words: WordRuns) -> Array:
    """Words (w,) before another, different word, with only white space and no edge of a span between them."""
    swaps = np.zeros(len(words.first), np.bool_)
    if len(swaps) > 1:
        # low, high (w - 1,): the clusters between each word and the next.
        low, high = words.last[:-1], words.first[1:]
        swaps[:-1] = words.alone[:-1] & words.alone[1:] & (low < high)
        swaps[:-1] &= ~any_in(~words.blank, low, high) & ~any_in(words.edge, low, high + 1)
        # alike: numbers of words as long as the next, which may be the same.
        sizes = words.stop - words.start
        alike = np.flatnonzero(sizes[:-1] == sizes[1:])
        swaps[alike] &= differ(words.batch.points, words.start[alike], words.start[alike + 1], sizes[alike])
    return swaps


def _joined(words: WordRuns) -> Array:
    """Words (w,) with only white space before the next one: no line break, no edge of a span within."""
    joined = np.zeros(len(words.first), np.bool_)
    if len(joined) > 1:
        low, high = words.last[:-1], words.first[1:]
        joined[:-1] = words.offered[:-1] & words.offered[1:] & (low < high)
        solid, asked = ~words.blank, np.flatnonzero(words.blank)
        points = at(words.batch.points, at(words.batch.clusters.starts, asked))
        solid[asked[np.isin(points, _LINE_BREAKS)]] = True
        joined[:-1] &= ~any_in(solid, low, high) & ~any_in(words.edge, low + 1, high)
        # Nor where the white space before the next word is the whole content of a span.
        starts, stops = words.batch.span_starts, words.batch.span_stops
        index = np.minimum(np.searchsorted(words.stop, starts), len(words.stop) - 2)
        joined[index[(words.stop[index] == starts) & (words.start[index + 1] == stops)]] = False
    return joined


def _drops(words: WordRuns, draws: Array) -> tuple[Array, Array, Array, Array]:
    """The fields of Moves about drops: a word is deleted with the white space after it, or else with that before."""
    # solid: the clusters that are not white space. after, before (w,): the next such cluster after each word, and the
    # cluster after the last such one before it. ahead, back (w,): there is white space there without a span's edge.
    solid = np.flatnonzero(~words.blank)
    after = solid[np.searchsorted(solid, words.last)]
    index = np.searchsorted(solid, words.first) - 1
    before = np.where(index >= 0, solid[index] + 1, 0)
    ahead = (after > words.last) & ~any_in(words.edge, words.last, after)
    back = (before < words.first) & ~any_in(words.edge, before + 1, words.first + 1)
    low, high = np.where(ahead, words.first, before), np.where(ahead, after, words.last)
    # Where the clusters on the two sides might join, the word stays.
    clusters = words.batch.clusters
    joins = np.isin(low - 1, clusters.open_after) | np.isin(high, clusters.open_before)
    free = words.alone & (ahead | back) & ~joins
    kept, lone = _kept(words, draws)
    return free & ~kept, free & kept & ~lone, low, high


def _kept(words: WordRuns, draws: Array) -> tuple[Array, Array]:
    """Whether a word (w,) has the largest draw of a text or span (it is never dropped), and whether it is its only."""
    # first, stop: the words of each text and span that has any, by number; numbers: all of them, ragged.
    batch = words.batch
    first = np.searchsorted(words.start, np.concatenate((batch.offsets[:-1], batch.span_starts)))
    stop = np.searchsorted(words.stop, np.concatenate((batch.offsets[1:], batch.span_stops)), "right")
    first, stop = first[first < stop], stop[first < stop]
    kept, lone = np.zeros(len(draws), np.bool_), np.zeros(len(draws), np.bool_)
    if len(first):
        numbers, sizes = ragged(first, stop - first), stop - first
        largest = np.maximum.reduceat(draws[numbers], np.cumsum(sizes) - sizes)
        kept[numbers[draws[numbers] == np.repeat(largest, sizes)]] = True
        lone[first[sizes == 1]] = True
    return kept, lone


class WordPlan(NamedTuple):
    """The words of a batch, and of each word (w,) its draw, its row in the lexicon, the kinds it has, and its kind."""

    words: WordRuns
    draws: Array
    rows: Array
    ways: Array
    kinds: Array
    moves: Moves | None
    table: FormTable | None


def _bit(kinds: tuple[str, ...], kind: str, where: Array) -> Array:
    return where.astype(np.int64) << kinds.index(kind) if kind in kinds else np.zeros(len(where), np.int64)


def _strings(words: WordRuns, whole: bool) -> list[str]:
    """The keys of the words in the lexicon; those of `whole` words say whether a letter follows."""
    joined = graphemes.SEPARATOR.join(words.batch.values)
    word_texts = [joined[start:stop] for start, stop in zip(words.start.tolist(), words.stop.tolist(), strict=True)]
    for number in np.flatnonzero(words.start[1:] == words.stop[:-1]).tolist() if whole else ():
        word_texts[number] = JOINED + word_texts[number]
    for number in np.flatnonzero(forms(words.batch, np.ones(len(word_texts), np.bool_), words.start)).tolist():
        word_texts[number] = DECOMPOSED + word_texts[number]
    return word_texts


def _accepted(plan: WordPlan, kinds: tuple[str, ...]) -> Array:
    """Which words (w,) have an edit that wins over every edit that it overlaps, chosen or not."""
    # low, high (w,): the clusters that each word's edit touches. Of two that overlap, the smaller draw wins, none of
    # two equal draws.
    accepted = plan.ways > 0
    if plan.moves is None or len(accepted) < 2:
        return accepted
    swap, drop, join = (_is(plan.kinds, kinds, kind) for kind in (SWAP, DROP, JOIN))
    low = np.where(drop, plan.moves.low, np.where(join, plan.words.last, plan.words.first))
    high = np.where(drop, plan.moves.high, plan.words.last)
    high[:-1] = np.where(swap[:-1], plan.words.last[1:], np.where(join[:-1], plan.words.first[1:], high[:-1]))
    overlap = accepted[:-1] & accepted[1:] & (high[:-1] > low[1:])
    later = plan.draws[1:] >= plan.draws[:-1]
    sooner = plan.draws[1:] <= plan.draws[:-1]
    accepted[:-1] &= ~(overlap & sooner)
    accepted[1:] &= ~(overlap & later)
    return accepted


def _is(numbers: Array, kinds: tuple[str, ...], kind: str) -> Array:
    return np.equal(numbers, kinds.index(kind) if kind in kinds else -1)


def _edits(plan: WordPlan, kinds: tuple[str, ...], chosen: Array) -> Edits:
    """The edits of the words `chosen` (k,), given by number."""
    # Each edit replaces the code points start:stop by up to two pieces, `source` and `length` (k, 2), of the batch's
    # points followed by the pools: the lexicon's, then that of the swapped words. number (k,): the edit's kind; changed
    # (k,): the clusters that it changes.
    words, table, number = plan.words, plan.table, plan.kinds[chosen]
    source, length = np.zeros((len(chosen), 2), np.int64), np.zeros((len(chosen), 2), np.int64)
    start, stop, changed = words.start[chosen], words.stop[chosen], np.zeros(len(chosen), np.int64)
    swap, drop, join = (_is(number, kinds, kind) for kind in (SWAP, DROP, JOIN))
    pools = [np.zeros(0, np.uint32)]
    size = len(words.batch.points)
    if table is not None:
        formed = np.flatnonzero(~swap & ~drop & ~join)
        slots = plan.rows[chosen[formed]] * len(kinds) + number[formed]
        form = table.pick(slots, randomness.stream(plan.draws[chosen[formed]], randomness.REPLACEMENT))
        start[formed] += table.lead[form]
        stop[formed] -= table.tail[form]
        source[formed, 0], length[formed, 0] = size + table.source[form], table.length[form]
        changed[formed] = table.graphemes[form]
        pools.append(table.pool)
    if plan.moves is not None:
        low, high = plan.moves.low[chosen[drop]], plan.moves.high[chosen[drop]]
        start[drop], stop[drop] = words.batch.clusters.starts[low], words.batch.clusters.starts[high]
        changed[drop] = high - low
        pool, moved = _exchanged(words, chosen[swap])
        stop[swap] = words.stop[chosen[swap] + 1]
        length[swap, 0] = stop[swap] - start[swap]
        source[swap, 0] = size + sum(map(len, pools)) + np.cumsum(length[swap, 0]) - length[swap, 0]
        changed[swap] = moved
        pools.append(pool)
    following = chosen[join] + 1
    start[join], stop[join] = stop[join], words.start[following]
    changed[join] = words.first[following] - words.last[following - 1]
    return Edits(start, stop, number, changed, source, length, np.concatenate(pools))


def _exchanged(words: WordRuns, chosen: Array) -> tuple[Array, Array]:
    """The code points of words and the words after them, exchanged, pair by pair; and the clusters changed (k,).

    The shorter word and the white space are deleted and inserted on the other side: each cluster counts twice.
    """
    # start, stop (k, 3): the code points of the next word, the white space, and the word, in their new order.
    start = np.stack((words.start[chosen + 1], words.stop[chosen], words.start[chosen]), axis=1)
    stop = np.stack((words.stop[chosen + 1], words.start[chosen + 1], words.stop[chosen]), axis=1)
    sizes = words.last - words.first
    pool = words.batch.points[ragged(start.reshape(-1), (stop - start).reshape(-1))]
    between = words.first[chosen + 1] - words.last[chosen]
    return pool, 2 * (np.minimum(sizes[chosen], sizes[chosen + 1]) + between)


class Listed(NamedTuple):
    """A list of words. `kinds` (symbols,) says, as bits, what a letter is to those beside it; empty without affixes."""

    words: Trie
    kinds: Array


def _planned(
    job: Job, kinds: tuple[str, ...], lexicon: FormLexicon | None, divided: Listed | None, signs: Array | None
) -> EditPlan:
    batch = job.batch
    words = job.once(find, batch, None if divided is None else begins(batch, divided), signs)
    draws = randomness.draws(job.keys[words.text], words.start - batch.offsets[words.text])
    rates = tuple(job.params[kind][0] for kind in kinds)
    rows, table, ways = np.zeros(len(draws), np.int64), None, np.zeros(len(draws), np.int64)
    if lexicon is not None:
        rows, table = job.once(lexicon.find, job.once(_strings, words, lexicon.whole))
        ways = np.where(words.formed if lexicon.whole else words.offered, table.masks[rows], 0)
    movable = Moves(_swaps(words), *_drops(words, draws)) if {DROP, SWAP} & set(kinds) else None
    if movable is not None:
        ways |= _bit(kinds, SWAP, movable.swaps) | _bit(kinds, DROP, movable.drops)
    if JOIN in kinds:
        ways |= _bit(kinds, JOIN, job.once(_joined, words))
    ways &= active(rates)
    able = ways > 0
    if movable is not None and DROP in kinds and Decimal(job.params[DROP][0]):
        able |= movable.spared
    plan = WordPlan(words, draws, rows, ways, pick(rates, ways, draws), movable, table)
    accepted = _accepted(plan, kinds)

    def edits(chosen: Array) -> tuple[Edits, Array]:
        happens = np.flatnonzero(accepted & chosen)
        return _edits(plan, kinds, happens), draws[happens]

    eligible = np.bincount(words.text[able], minlength=len(batch))
    return EditPlan(eligible, draws, np.bincount(words.text, minlength=len(batch)), edits)


def words(
    *,
    strength: str,
    rates: Mapping[str, str],
    choices: Mapping[str, Callable[[], tuple[str, ...]]] | None = None,
    whole: bool = False,
    divided: Callable[[str], Listed | None] = lambda _: None,
    signs: Callable[..., frozenset[str]] | None = None,
    **declared: Unpack[Declared],
) -> Callable[[WordNoise], Perturbation]:
    """Make a perturbation of a function from a word (composed, NFC) and its language to the noisy forms of the word.

    It is called once per distinct word, with the `choices` by name, without draws. `rates` are the kinds with their
    relative rates; `drop`, `swap` and `join` among them need no forms. A form that equals the word, breaks a cluster or
    a normal form, or might join with a neighbour of the word is left out. With `whole` a form replaces all of the word,
    so that it may begin and end with signs, and a word that ends in a cluster that waits for more letters (अर्थात्) has
    forms, too. `divided` gives the list of words into which text of a language is divided, None where spaces divide it.
    `signs` gives, for a language and the `choices`, the characters other than letters that are parts of words.
    """
    kinds = tuple(rates)

    def make(author: WordNoise) -> Perturbation:
        @cached
        def lexicon(code: str, chosen: tuple[tuple[str, str], ...]) -> FormLexicon:
            return FormLexicon(partial(author, language=code, **dict(chosen)), kinds, whole)

        @cached
        def parts(code: str, chosen: tuple[tuple[str, str], ...]) -> Array | None:
            return None if signs is None else np.array(sorted(map(ord, signs(code, **dict(chosen)))), np.uint32)

        def plan(job: Job) -> EditPlan:
            chosen = tuple((name, job.params[name][0]) for name in sorted(choices or {}))
            listed = None if set(kinds) <= _FORMLESS else lexicon(job.language, chosen)
            return _planned(job, kinds, listed, divided(job.language), parts(job.language, chosen))

        fields = {"rates": rates, "choices": choices or {}, "plan": plan, **declared}
        return member(author, "words", "word", strength, kinds, lambda job: plan(job).at(job.strength), **fields)

    return make


def needs_spaces(code: str) -> str:
    """Why a perturbation of whole words does not serve a language; "" if it does."""
    return "" if language(code).spaces else "no spaces between words"


# Divides text written without spaces into words: the longest of a list, or what is between them.
#
# Letters that begin no word of the list are a word together with those beside them of the same script, but for Han
# characters, each of which is a word. Signs that are read with the letters before them (Thai ์ ฯ ๆ) begin no word.
#
# Where a list has affixes, a suffix of one Han character belongs to the word before it, of Han characters or
# katakana, and a prefix to the one after it, of Han characters. Endings in kana, as ます, て after っ, で after ん,
# う after a kana in o, belong to a listed word that ends with kana.
#
# Shapes: n code points, m clusters in a batch, s segments.

_SILENT: Final = 0x0E4C
"""Thai thanthakhat: the letter under it is not read, and begins no word."""

_ENDS: Final = (0x0E2F, 0x0E46)
"""Thai ฯ and ๆ, which shorten or repeat the word before them."""

_MANY: Final = 0
"""The script of signs that several scripts have, as ー."""

_SUFFIX, _PREFIX, _HAN, _KATAKANA, _KANA, _OPEN, _NASAL, _O, _ENDING, _VOICED, _U = (
    np.uint16(1 << bit) for bit in range(11)
)
_ROLES: Final = {
    _KATAKANA: "".join(map(chr, range(0x30A1, 0x30FD))),
    _KANA: "".join(map(chr, range(0x3041, 0x3097))),
    _OPEN: "っ",
    _NASAL: "ん",
    _O: "おこそとのほもよろごぞどぼぽ",
    _ENDING: "てたまなれらずばせさ",
    _VOICED: "でだ",
    _U: "う",
}
"""Kana, and what they are to those beside them: which letters of a word are open, and which its endings begin with."""


def listed(words: Iterable[str], suffixes: Sequence[str] = (), prefixes: Sequence[str] = ()) -> Listed:
    """A list of distinct words, and the Han characters that are suffixes and prefixes of words."""
    known = trie(list(words), _ROLES.values())
    if not suffixes and not prefixes:
        return Listed(known, np.zeros(0, np.uint16))
    kinds = np.zeros(known.width, np.uint16)
    points = np.arange(len(known.symbols))
    kinds[known.symbols_of(points[is_ideograph(points)])] = _HAN
    for kind, letters in ((_SUFFIX, suffixes), (_PREFIX, prefixes), *_ROLES.items()):
        kinds[known.symbols_of(np.array([*map(ord, letters)], np.int64))] |= kind
    kinds[UNKNOWN] = 0
    return Listed(known, kinds)


def begins(batch: Batch, known: Listed | None) -> Array:
    """At which clusters (m,) of a batch a word begins, where letters are without spaces."""
    starts = batch.clusters.starts
    symbols = np.zeros(0, np.int64) if known is None else known.words.symbols_of(batch.points)
    size = np.zeros(len(starts), np.int64) if known is None else _longest(batch, known.words, symbols)
    start = chained(np.maximum(size, 1))
    first = np.zeros(len(size), np.bool_)
    first[start] = True
    # script (m,): that of the first code point; a sign of many scripts has that of the cluster before.
    script = batch.firsts(batch.props) >> graphemes.SCRIPT_SHIFT
    script = np.append(script[:1], np.where(script[1:] == _MANY, script[:-1], script[1:]))[start]
    # unread (m,): read only with the letters before.
    unread = np.isin(batch.firsts(batch.points), _ENDS)
    unread[batch.units(np.flatnonzero(batch.points == _SILENT))] = True
    # together (starts - 1,): a cluster of no listed word after another one of the same script.
    alone = at(size, start) == 0
    han = int(graphemes.string_properties("中")[0]) >> graphemes.SCRIPT_SHIFT
    joins = at(unread, start)[1:] & (script[1:] == script[:-1])
    together = alone[1:] & (alone[:-1] & (script[1:] == script[:-1]) & (script[1:] != han) | joins)
    if known is not None and len(known.kinds):
        together |= _bound(at(known.kinds, batch.firsts(symbols)), start, at(size, start))
    first[start[1:][together]] = False
    return first


def _bound(kinds: Array, start: Array, size: Array) -> Array:
    """Which segments (s - 1,) but the first belong to the one before; `kinds` (m,), `start` and `size` (s,)."""
    this, before = at(kinds, start), at(kinds, start[1:] - 1)
    suffix = (this[1:] & _SUFFIX > 0) & (size[1:] == 1) & (before & (_HAN | _KATAKANA) > 0)
    prefix = (this & _PREFIX > 0) & (size == 1)
    prefix[1:] &= ~suffix & (before & _HAN == 0)
    # noun (s,): words that begin and end with a Han character.
    noun = (size > 1) & (this & at(kinds, start + size - 1) & _HAN > 0)
    pairs = ((_KANA, _ENDING), (_O, _U), (_NASAL, _VOICED))
    ending = np.logical_or.reduce([(before & last > 0) & (this[1:] & next > 0) for last, next in pairs])
    kana = (before & _OPEN > 0) | ending & (size[:-1] > 1) & (size[1:] == 0)
    return np.asarray(suffix | prefix[:-1] & noun[1:] | kana)


def _longest(batch: Batch, known: Trie, symbols: Array) -> Array:
    """How many clusters the longest listed word has that begins at each cluster (m,), 0 where none does."""
    starts = batch.clusters.starts
    size = np.zeros(len(starts), np.int64)
    for reached in known.search(symbols, starts[at(symbols, starts) > UNKNOWN]):
        stop = reached.positions + reached.length
        whole = np.flatnonzero(at(batch.clusters.breaks, stop))
        first = batch.units(reached.positions[whole])
        size[first] = batch.units(stop[whole]) - first
    return size
