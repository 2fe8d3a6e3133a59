"""Compiles key errors to arrays: the noisy forms of each code point, alone or in a cluster, and pair of letters."""

import unicodedata
from collections import defaultdict
from collections.abc import Container, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import chain
from typing import Any, Final, Literal, NamedTuple

import numpy as np

from robust_xtreme.core import graphemes, languages, randomness
from robust_xtreme.core.edits import Array, at, ragged
from robust_xtreme.noise.engine._lexicon import LONE_JAMO
from robust_xtreme.noise.engine._segments import Segments, Word, segments
from robust_xtreme.noise.engine.diff import distance

__all__ = ["KEY_BITS", "KeyErrorTable", "KeyingError", "Word", "compiled", "form_hashes", "graphemes_of", "hashed"]

Forms = dict[str, int]

KEY_BITS: Final = 21
"""How far the first point of a pair is shifted in its key."""

_SUM: Final = (1 << 31) - 1
_FIRST: Final = np.uint32(0x9E3779B1)
_SECOND: Final = np.uint32(0x85EBCA77)


Where = Literal["", "start", "end"]
"""Where in a word an edit is possible: anywhere, at its first letter only, at its last letter only."""


class KeyingError(NamedTuple):
    """One way to mistype a code point, two letters that are one unit, or a word.

    `form` replaces it ("": it is left out); `weight` is relative to the other forms of that point in that kind. With
    `where` it does so only as the first or the last letter of a word, and only as a cluster by itself; all forms of a
    point in a kind have the same `where`. The `tail` is that of a Word: with it, `point` is the letters of the word.
    """

    point: str
    kind: str
    form: str
    weight: int = 1
    where: Where = ""
    tail: str = ""


@dataclass(frozen=True, slots=True)
class KeyErrorTable:
    """The key errors of a language.

    A slot is a code point alone, a code point within a longer cluster, a pair of letters, or a word; a cell is a slot
    in one kind, `slot * kinds + kind`. Sets of kinds are bits. There are s slots, c forms, and p pairs. Slot 0 has no
    kinds, and an empty form in each cell.

    By code point (those beyond the end use the last entry, 0): `slots` is the slot of a point alone, `alone` the kinds
    of a point alone, `inner` those of a point within a longer cluster, whose slot is `slots` + `within`.

    By pair: `pairs` (p,) are the sorted keys `point << 21 | point`, `pair_slots` (p,) their slots, all above
    2 * `within`. `likely` is a hash table with the number of a pair, or -1; `crowded` (p,) says which pairs share their
    hash with others. `segments` are the words, if the language has any, whose slots are above those of pairs.

    By slot: `sizes` (s,) are the clusters of a unit, `masks` (s,) its kinds, `empty` (s,) the kinds that may delete it;
    `deletes` is the union of `empty`.

    By cell: its forms begin at `bounds[cell]`, and the sum of their weights is `totals[cell]`.

    By form: `weights` (c + 1,) are cumulated weights. `guide` (c,) divides a cell's weight into as many equal parts as
    it has forms, and is the form in which each part begins. `start`, `length` and `hashes` (2c,) are those of the forms
    in `pool`, composed, then decomposed; `decomposes` (c,) says which of the two differ. `edited` (c,) is the number of
    clusters changed or inserted.

    `signs` says whether points that are neither letters nor marks have key errors. `starting` and `ending` are, by code
    point, the kinds that it has only as the first or the last letter of a word (None: there are none).
    """

    kinds: int
    slots: Array
    alone: Array
    inner: Array
    within: int
    pairs: Array
    pair_slots: Array
    likely: Array
    crowded: Array
    segments: Segments | None
    sizes: Array
    masks: Array
    bounds: Array
    weights: Array
    totals: Array
    guide: Array
    pool: Array
    start: Array
    length: Array
    hashes: Array
    decomposes: Array
    edited: Array
    empty: Array
    deletes: np.uint16
    signs: bool
    starting: Array | None
    ending: Array | None

    def form(self, cells: Array, offsets: Array) -> Array:
        """The form (k,) of each cell (k,) at an offset (k,) in the cell's weight, from 0 to below its total."""
        # index: a form at or before the right one, by the guide. One comparison corrects most of the others; only those
        # still too early (`late`) are searched for.
        begin = at(self.bounds, cells)
        many = at(self.bounds, cells + 1) - begin
        index = at(self.guide, begin + offsets * many // at(self.totals, cells))
        weights = at(self.weights, begin) + offsets
        late = np.flatnonzero(at(self.weights, index + 1) <= weights)
        index[late] += 1
        late = late[at(self.weights, at(index, late) + 1) <= at(weights, late)]
        index[late] = np.searchsorted(self.weights, at(weights, late), "right") - 1
        return index


def compiled(
    kinds: Sequence[str], key_errors: Iterable[KeyingError | Word], language: str, marked: bool = True
) -> KeyErrorTable:
    """The table of a language's key errors, without those that would break a cluster or a normal form.

    Nor does a form have a letter with a mark that the language does not combine with it. Key errors of a Word apply
    only where text is divided so that it is a word. With `marked` False clusters of several code points have no key
    errors.
    """
    listed = tuple(key_errors)
    words = {(row.letters, row.tail): row for row in listed if isinstance(row, Word)}
    rows = tuple(row for row in listed if isinstance(row, KeyingError))
    alone, within, pairs, worded = _sound(rows, language, words.keys())
    within = within if marked else {}
    single = sorted({*alone, *within, *chain.from_iterable(pairs)})
    couples = sorted(pairs)
    # Slots in order: 0, the points alone, the same points within a cluster (at distance len(single)), pairs, words.
    owners: list[tuple[str, Mapping[str, Forms]]] = [
        ("", {kind: {"": 1} for kind in kinds}),
        *((point, alone.get(point, {})) for point in single),
        *((point, within.get(point, {})) for point in single),
        *((pair, pairs[pair]) for pair in couples),
        *((word[0], forms) for word, forms in worded.items()),
    ]
    numbered = {word: slot for slot, word in enumerate(worded, len(owners) - len(worded))}
    number = {point: slot for slot, point in enumerate(single, 1)}
    keys = np.array([ord(pair[0]) << KEY_BITS | ord(pair[1]) for pair in couples], np.int64)
    order = np.argsort(keys)
    forms = _forms(owners, {kind: index for index, kind in enumerate(kinds)})
    slots = np.zeros(max(map(ord, number), default=0) + 2, np.int64)
    slots[[ord(point) for point in number]] = list(number.values())
    # likely: a hash table of at least 16 entries per pair.
    likely = np.full(1 << (16 * len(keys)).bit_length(), -1, np.int32)
    hashes = hashed(keys[order] >> KEY_BITS, keys[order] & (1 << KEY_BITS) - 1, len(likely))
    likely[hashes] = np.arange(len(keys), dtype=np.int32)
    return KeyErrorTable(
        kinds=len(kinds),
        slots=slots,
        alone=at(forms["masks"], slots),
        inner=at(np.append(np.uint16(0), forms["masks"][1 + len(single) :]), slots),
        within=len(single),
        pairs=keys[order],
        pair_slots=1 + 2 * len(single) + order,
        likely=likely,
        crowded=np.bincount(hashes, minlength=1)[hashes] > 1,
        segments=segments(list(words.values()), [numbered.get(word, 0) for word in words]),
        sizes=np.array([max(1, len(point)) for point, _ in owners], np.int64),
        signs=any(unicodedata.category(point)[0] not in "LM" for point in alone),
        starting=_placed(rows, "start", kinds, slots.size),
        ending=_placed(rows, "end", kinds, slots.size),
        **forms,
    )


def _placed(rows: Iterable[KeyingError], where: Where, kinds: Sequence[str], size: int) -> Array | None:
    """By code point (size,) the kinds whose forms are possible at one place in a word only; None if there are none."""
    placed = {(row.point, row.kind) for row in rows if row.where == where and len(row.point) == 1}
    masks = np.zeros(size, np.uint16)
    for point, kind in placed:
        masks[min(ord(point), size - 1)] |= np.uint16(1 << kinds.index(kind))
    return masks if placed else None


def hashed(first: Array, second: Array, size: int) -> Array:
    """A hash of each pair of code points (m,), below `size`, a power of two of at most 2**31."""
    mixed = first.astype(np.uint32) * _FIRST
    mixed += second.astype(np.uint32) * _SECOND
    mixed >>= np.uint32(33 - size.bit_length())
    return mixed


def form_hashes(points: Array, starts: Array, lengths: Array) -> Array:
    """A hash of each range of code points, `lengths` (m,) of `points` from `starts` (m,), as uint64 (m,)."""
    # mixed: one hash per code point and its position within its range, all ranges in one ragged array. They are summed
    # over each range that is not empty (`full`), and the sum with the length is mixed again.
    sums = lengths.astype(np.uint64)
    full = np.flatnonzero(lengths)
    sizes = lengths[full]
    positions = ragged(np.zeros_like(sizes), sizes).astype(np.uint64)
    mixed = randomness.mix(points[ragged(starts, lengths)].astype(np.uint64) | positions << np.uint64(32))
    if len(full):
        sums[full] += np.add.reduceat(mixed, np.cumsum(sizes) - sizes)
    return randomness.mix(sums)


def _forms(owners: Sequence[tuple[str, Mapping[str, Forms]]], numbers: Mapping[str, int]) -> dict[str, Any]:
    """The columns by slot, cell and form of the point, pair or word of each slot, with its forms by kind."""
    # cells: the number of forms of each cell, after a leading 0, so that its cumulated sum is `bounds`.
    cells = np.zeros(len(owners) * len(numbers) + 1, np.int64)
    masks = np.zeros(len(owners), np.uint16)
    empty = np.zeros(len(owners), np.uint16)
    flat, weights, edited = [], [0], []
    for slot, (point, by_kind) in enumerate(owners):
        for kind in sorted(by_kind, key=numbers.__getitem__):
            forms = by_kind[kind]
            cells[slot * len(numbers) + numbers[kind] + 1] = len(forms)
            masks[slot] |= 1 << numbers[kind] if slot else 0
            empty[slot] |= ("" in forms) << numbers[kind] if slot else 0
            flat += list(forms)
            # Weights are at least 1, their sum below 2**31.
            total = max(sum(forms.values()), _SUM >> 1)
            weights += [max(1, weight * (_SUM >> 1) // total) for weight in forms.values()]
            edited += [_changed(point, form) for form in forms]
    bounds, cumulated = np.cumsum(cells), np.cumsum(weights, dtype=np.int64)
    return {
        "masks": masks,
        "bounds": bounds,
        "weights": cumulated,
        "totals": np.diff(cumulated[bounds]),
        "guide": _guide(bounds, cumulated),
        "edited": np.array(edited, np.uint8),
        "empty": empty,
        "deletes": np.bitwise_or.reduce(empty),
        **_pool(flat),
    }


def _changed(point: str, form: str) -> int:
    """How many clusters are changed or inserted when a form replaces a point or pair."""
    return int(point != form) if len(point) == len(form) == 1 else distance(graphemes_of(point), graphemes_of(form))


def _guide(bounds: Array, weights: Array) -> Array:
    """The `guide` of the table (Chen and Asau 1974, "On generating random variates": indexed search)."""
    many = np.diff(bounds)
    low = weights[bounds]
    offsets = np.arange(bounds[-1]) - np.repeat(bounds[:-1], many)
    parts = np.repeat(low[:-1], many) + offsets * np.repeat(np.diff(low), many) // np.repeat(many, many)
    return np.asarray(np.searchsorted(weights, parts, "right") - 1)


def _pool(forms: Sequence[str]) -> dict[str, Any]:
    """The columns of the code points of all forms, composed, then decomposed."""
    decomposed = [unicodedata.normalize("NFD", form) for form in forms]
    lengths = np.array([[len(form) for form in version] for version in (forms, decomposed)], np.int64).reshape(2, -1)
    pool, start = graphemes.code_points("".join(chain(forms, decomposed))), np.cumsum(lengths) - lengths.reshape(-1)
    return {
        "pool": pool,
        "start": start,
        "length": lengths.reshape(-1),
        "hashes": form_hashes(pool, start, lengths.reshape(-1)),
        "decomposes": np.array([form != other for form, other in zip(forms, decomposed, strict=True)], np.bool_),
    }


@lru_cache(1 << 16)
def graphemes_of(text: str) -> tuple[str, ...]:
    """The grapheme clusters of a short string."""
    return tuple(graphemes.split(text)) if len(text) > 1 else tuple(text)


Slots = dict[str, dict[str, Forms]]
WordSlots = dict[tuple[str, str], dict[str, Forms]]


def _sound(
    key_errors: Iterable[KeyingError], language: str, words: Container[tuple[str, str]]
) -> tuple[Slots, Slots, Slots, WordSlots]:
    """The forms of points alone, of points within longer clusters, of pairs, and of words, by kind.

    A mark can become one of another combining class only where the language lists what combines.
    """
    alone, within, pairs = _empty(), _empty(), _empty()
    worded: defaultdict[tuple[str, str], dict[str, Forms]] = defaultdict(lambda: defaultdict(dict))
    listed = bool(languages.language(language).combinations)
    for point, kind, form, weight, where, tail in key_errors:
        if form == point or weight < 1 or graphemes.SEPARATOR in point + form:
            continue
        sound = is_separate(form, unicodedata.is_normalized("NFKC", point)) and _combined(form, language)
        if (point, tail) in words:
            _add(worded[point, tail], kind, form, weight, bool(form) and sound)
        elif len(point) == 2:
            _add(pairs[point], kind, form, weight, bool(form) and sound)
        else:
            _add(alone[point], kind, form, weight, not _mark(point) and sound)
            fits = _fits(point, form) or (listed and _mark(point) and _mark(form))
            _add(within[point], kind, form, weight, not where and fits)
    return alone, within, pairs, worded


def _empty() -> defaultdict[str, dict[str, Forms]]:
    return defaultdict(lambda: defaultdict(dict))


def _add(slot: dict[str, Forms], kind: str, form: str, weight: int, sound: bool) -> None:
    if sound:
        forms = slot[kind]
        forms[form] = forms.get(form, 0) + weight


def _combined(form: str, language: str) -> bool:
    """Whether the language combines the letters and marks of each cluster of a form."""
    if not any(map(graphemes.joins, form[1:])):
        return True
    return all(languages.combines(language, cluster) for cluster in graphemes_of(form))


@lru_cache(1 << 16)
def is_separate(form: str, compatible: bool = True) -> bool:
    """Whether a string is empty, or of whole clusters that join with no neighbour, in NFC (`compatible`: in NFKC)."""
    if not form:
        return True
    whole = form.translate(LONE_JAMO)
    return unicodedata.normalize("NFKC" if compatible else "NFC", whole) == whole and not graphemes.open_ends(form)


@lru_cache(1 << 16)
def _mark(point: str) -> bool:
    """Whether a code point is a mark, or the half space of Persian, which is part of a cluster as marks are."""
    return len(point) == 1 and (unicodedata.category(point)[0] == "M" or point == _HALF_SPACE)


_HALF_SPACE: Final = "\u200c"


@lru_cache(1 << 16)
def _fits(point: str, form: str) -> bool:
    """Whether a form can replace a point of a longer cluster: marks a mark, a string that ends in a base a base."""
    if _mark(point):
        return all(_alike(point, character) for character in form)
    if not form or unicodedata.normalize("NFD", form) != form or not _alike(point, form[-1]):
        return False
    return is_separate(form[:-1])


def _alike(point: str, other: str) -> bool:
    """Whether two marks are of one combining class; whether two bases are of one category and kind of cluster."""
    if _mark(point) and _mark(other):
        return unicodedata.combining(point) == unicodedata.combining(other)
    return _class(point) == _class(other)


@lru_cache(1 << 16)
def _class(point: str) -> tuple[str, int, int]:
    """The category of a code point, regardless of case, its combining class, and its kind of cluster and script."""
    category = unicodedata.category(point)
    bits = int(graphemes.string_properties(point)[0]) & ~(graphemes.LETTER | graphemes.UPPER)
    return "L&" if category in ("Lu", "Ll") else category, unicodedata.combining(point), bits
