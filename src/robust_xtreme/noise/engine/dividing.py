"""Divides text written without spaces into words: the longest of a list, or what is between them.

Letters that begin no word of the list are a word together with those beside them of the same script, but for Han
characters, each of which is a word. Signs that are read with the letters before them (Thai ์ ฯ ๆ) begin no word.

Where a list has affixes, a suffix of one Han character belongs to the word before it, of Han characters or katakana,
and a prefix to the one after it, of Han characters. Endings in kana, as ます, て after っ, で after ん, う after a kana
in o, belong to a listed word that ends with kana.

Shapes: n code points, m clusters in a batch, s segments.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final, NamedTuple

import numpy as np

from robust_xtreme.core import graphemes
from robust_xtreme.core.edits import Array, Batch, at
from robust_xtreme.noise.engine._segments import UNKNOWN, Trie, chained, is_ideograph, trie

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


class Listed(NamedTuple):
    """A list of words. `kinds` (symbols,) says, as bits, what a letter is to those beside it; empty without affixes."""

    words: Trie
    kinds: Array


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
