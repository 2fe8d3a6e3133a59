"""Divides text written without spaces into words: the longest of a list, or what is between them.

Letters that begin no word of the list are a word together with those beside them of the same script, but for Han
characters, each of which is a word.

Shapes: n code points, m clusters in a batch.
"""

from __future__ import annotations

from typing import Final

import numpy as np

from robust_xtreme import graphemes
from robust_xtreme.edits import Array, Batch, at
from robust_xtreme.noise.engine._segments import chained
from robust_xtreme.noise.engine.trie import UNKNOWN, Trie

_MANY: Final = 0
"""The script of signs that several scripts have, as ー."""


def begins(batch: Batch, listed: Trie | None) -> Array:
    """At which clusters (m,) of a batch a word begins, where letters are without spaces."""
    size = _longest(batch, listed)
    start = chained(np.maximum(size, 1))
    first = np.zeros(len(size), np.bool_)
    first[start] = True
    script = _scripts(batch)[start]
    # together (starts - 1,): a cluster of no listed word after another one of the same script.
    alone = at(size, start) == 0
    han = int(graphemes.string_properties("中")[0]) >> graphemes.SCRIPT_SHIFT
    together = alone[1:] & alone[:-1] & (script[1:] == script[:-1]) & (script[1:] != han)
    first[start[1:][together]] = False
    return first


def _longest(batch: Batch, listed: Trie | None) -> Array:
    """How many clusters the longest listed word has that begins at each cluster (m,), 0 where none does."""
    starts = batch.clusters.starts
    size = np.zeros(len(starts), np.int64)
    if listed is None:
        return size
    symbols = listed.symbols_of(batch.points)
    for reached in listed.search(symbols, starts[at(symbols, starts) > UNKNOWN]):
        stop = reached.positions + reached.length
        whole = np.flatnonzero(at(batch.clusters.breaks, stop))
        first = batch.units(reached.positions[whole])
        size[first] = batch.units(stop[whole]) - first
    return size


def _scripts(batch: Batch) -> Array:
    """The script of each cluster (m,) by its first code point; a sign of many scripts has that of the one before."""
    scripts = batch.firsts(batch.props) >> graphemes.SCRIPT_SHIFT
    after: Array = np.append(scripts[:1], np.where(scripts[1:] == _MANY, scripts[:-1], scripts[1:]))
    return after
