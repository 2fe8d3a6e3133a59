"""The forms of each word of a language, computed once per distinct word and stored as arrays."""

import unicodedata
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import pairwise, repeat
from threading import Lock
from typing import Final, NamedTuple

import numpy as np

from robust_xtreme.core import graphemes, randomness
from robust_xtreme.core.edits import NO_SPANS, Array, batch
from robust_xtreme.core.graphemes import code_points
from robust_xtreme.noise.engine.diff import distance, same
from robust_xtreme.noise.engine.runs import add_marks

DECOMPOSED: Final = graphemes.SEPARATOR
"""The prefix of the lookup key of a word of a decomposed (NFD) text."""

JOINED: Final = "\uffff"
"""The prefix of the lookup key of a word that has a letter directly after it, where forms are whole words."""

LONE_JAMO: Final = dict.fromkeys(range(0x3131, 0x3164))
"""What Korean keyboards type where keys make no syllable. NFKC has none of them, so that it is compared without."""

_MOST: Final = 1 << 17
_SUM_BITS: Final = 30


class Form(NamedTuple):
    """One noisy form of a word in a kind of the perturbation; `weight` is relative to its other forms in that kind."""

    text: str
    kind: str
    weight: int = 1


class Entry(NamedTuple):
    """A form as an edit: the code points that stay at both ends, the text between them, and the changed clusters."""

    kind: int
    weight: int
    lead: int
    tail: int
    text: str
    graphemes: int


class FormTable(NamedTuple):
    """The forms of all words so far. A slot is a word in one kind: `row * kinds + kind`; row 0 has no forms.

    `masks` (r,) are the kinds of a word as bits. `before` (r * kinds,) is the sum of the weights of all forms before a
    slot, `upto` (f,) that of all forms up to and with a form. A form's edit leaves `lead` and `tail` code points of the
    word, puts in `length` points from `source` in `pool`, and changes `graphemes` clusters, all (f,).
    """

    masks: Array
    before: Array
    upto: Array
    lead: Array
    tail: Array
    source: Array
    length: Array
    graphemes: Array
    pool: Array

    def pick(self, slots: Array, draws: Array) -> Array:
        """The form of each slot (k,), drawn by weight; a slot's forms are those with `before` < `upto` in its range."""
        bounds = np.append(self.before, self.upto[-1:])
        base = bounds[slots]
        drawn = base + randomness.below(draws, bounds[slots + 1] - base)
        if len(self.upto) == bounds[-1]:  # each form weighs 1
            return drawn
        return np.searchsorted(self.upto, drawn, "right")


@dataclass(frozen=True, slots=True)
class FormLexicon:
    """The words seen so far, each with its row in the table; cleared when there are too many.

    With `whole` forms may begin and end with signs, as with letters, and end with a cluster that waits for more letters
    where none is after the word; without, they begin and end with letters.
    """

    author: Callable[[str], Iterable[Form]]
    kinds: tuple[str, ...]
    whole: bool = False
    rows: dict[str, int] = field(default_factory=dict)
    tables: list[FormTable] = field(default_factory=list)
    lock: Lock = field(default_factory=Lock)

    @property
    def table(self) -> FormTable:
        """The forms of all words so far."""
        if self.tables:
            return self.tables[0]
        none, points = np.zeros(0, np.int64), np.zeros(0, np.uint32)
        no_row, no_form = np.zeros(1, np.int64), np.zeros(len(self.kinds), np.int64)
        return FormTable(no_row, no_form, none, none, none, none, none, none, points)

    def find(self, words: Sequence[str]) -> tuple[Array, FormTable]:
        """The row of each word (w,) int64 in the table; words that have no forms share row 0."""
        with self.lock:
            if len(self.rows) > _MOST:
                self.rows.clear()
                self.tables.clear()
            rows = self._known(words)
            if new := list(dict.fromkeys(words[number] for number in np.flatnonzero(rows < 0).tolist())):
                self._learn(new)
                rows = self._known(words)
            return rows, self.table

    def _known(self, words: Sequence[str]) -> Array:
        return np.fromiter(map(self.rows.get, words, repeat(-1)), np.int64, len(words))

    def _learn(self, words: list[str]) -> None:
        rows: list[list[Entry]] = []
        known = len(self.table.masks)
        for word, entries in zip(words, list(_entries(self, words)), strict=True):
            self.rows[word] = known + len(rows) if entries else 0
            rows += [entries] if entries else []
        if rows:
            self.tables[:] = [_grown(self.table, rows, len(self.kinds))]


def _grown(table: FormTable, rows: list[list[Entry]], kinds: int) -> FormTable:
    """The table with further rows; a row's entries are sorted by kind."""
    # One element per entry: owners (its row), kind, weight, lead, tail, graphemes. weights (rows, kinds) sums them.
    flat = [entry for row in rows for entry in row]
    weights = np.zeros((len(rows), kinds), np.int64)
    owners = np.repeat(np.arange(len(rows)), [len(row) for row in rows])
    kind, weight, lead, tail, graphemes = (
        np.array([entry[column] for entry in flat], np.int64) for column in (0, 1, 2, 3, 5)
    )
    np.add.at(weights, (owners, kind), weight)
    masks = (weights > 0) @ (1 << np.arange(kinds))
    total = int(table.upto[-1]) if len(table.upto) else 0
    lengths = np.array([len(entry.text) for entry in flat], np.int64)
    new = FormTable(
        masks=masks,
        before=total + np.cumsum(weights.reshape(-1)) - weights.reshape(-1),
        upto=total + np.cumsum(weight),
        lead=lead,
        tail=tail,
        source=len(table.pool) + np.cumsum(lengths) - lengths,
        length=lengths,
        graphemes=graphemes,
        pool=code_points("".join(entry.text for entry in flat)),
    )
    return FormTable(*(np.concatenate(pair) for pair in zip(table, new, strict=True)))


def _entries(lexicon: FormLexicon, keys: Sequence[str]) -> Iterator[list[Entry]]:
    """The entries of each word, sorted by kind; forms that would break a cluster or join a neighbour are left out."""
    words = [key.lstrip(DECOMPOSED + JOINED) for key in keys]
    numbers = {kind: number for number, kind in enumerate(lexicon.kinds)}
    offers = [list(_offers(lexicon, key)) for key in keys]
    texts = [form.text for offer in offers for form in offer]
    clean, forms = iter(_segmented(words, signs=False)), iter(_segmented(texts, signs=lexicon.whole))
    for key, offer in zip(keys, offers, strict=True):
        old, *_ = next(clean)
        shrunk = max(1, sum(form.weight for form in offer) >> _SUM_BITS)
        entries = []
        for form in offer:
            new, sound, waits = next(forms)
            if sound and not (waits and JOINED in key):
                entries.append(_entry(numbers[form.kind], max(1, form.weight // shrunk), old, new))
        yield sorted(entries, key=lambda entry: entry.kind)


def _offers(lexicon: FormLexicon, key: str) -> Iterator[Form]:
    """The forms of a word in its own normal form, none of them the word itself."""
    word = key.lstrip(DECOMPOSED + JOINED)
    composed = unicodedata.normalize("NFC", word)
    decomposed = DECOMPOSED in key or composed != word
    if decomposed and not unicodedata.is_normalized("NFD", word):
        return
    compatible = not lexicon.whole and unicodedata.is_normalized("NFKC", composed)
    for form in lexicon.author(composed):
        assert form.weight > 0, form
        text = unicodedata.normalize("NFC", form.text)
        whole = unicodedata.is_normalized("NFKC", text.translate(LONE_JAMO))
        broken = not text or DECOMPOSED in text or (compatible and not whole)
        if text != composed and not broken:
            yield form._replace(text=unicodedata.normalize("NFD", text) if decomposed else text)


def _segmented(strings: Sequence[str], *, signs: bool) -> Iterator[tuple[list[str], bool, bool]]:
    """The clusters of each string, and whether it begins and ends with letters that join with nothing beside them.

    With `signs` they may be signs, too, and no sign in the string has a mark; the last flag is then whether the end
    waits for more letters, which it may.
    """
    page = batch(strings, NO_SPANS)
    clusters = page.clusters
    sound = (page.props.take(clusters.starts) & graphemes.LETTER) > 0
    if signs:
        alone = np.diff(clusters.starts, append=len(page.points)) == 1
        sound |= alone & ((page.props.take(clusters.starts) & graphemes.SPACE) == 0)
        add_marks(page, sound)
    marked = np.add.reduceat(~sound, page.bounds[:-1]) if signs and len(strings) else np.zeros(len(strings), np.int64)
    sound[clusters.open_before] = False
    waits = np.zeros(len(sound), np.bool_)
    waits[clusters.open_after] = True
    sound &= signs | ~waits
    starts, bounds = clusters.starts.tolist(), page.bounds.tolist()
    offsets = page.offsets.tolist()
    last = page.bounds[1:] - 2
    ends = (sound[page.bounds[:-1]] & sound[last] & (marked == 0)).tolist() if len(strings) else []
    open_ends = waits[last].tolist()
    for number, (first, stop) in enumerate(pairwise(bounds)):
        word_starts = [start - offsets[number] for start in starts[first:stop]]
        yield [strings[number][low:high] for low, high in pairwise(word_starts)], ends[number], open_ends[number]


def _entry(kind: int, weight: int, old: list[str], new: list[str]) -> Entry:
    """The edit from one list of clusters to another, without equal clusters at both ends; its range is not empty."""
    lead = same(old, new)
    tail = min(same(old[::-1], new[::-1]), len(old) - lead, len(new) - lead)
    changed = distance(old[lead : len(old) - tail], new[lead : len(new) - tail])
    if lead + tail == len(old):
        lead, tail = (lead - 1, tail) if lead else (lead, tail - 1)
    stays = sum(map(len, old[:lead])), sum(map(len, old[len(old) - tail :]))
    return Entry(kind, weight, *stays, "".join(new[lead : len(new) - tail]), changed)
