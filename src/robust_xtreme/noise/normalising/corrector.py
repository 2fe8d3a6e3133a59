"""The spelling normaliser: its vocabulary, the errors that it undoes, the likeliest word, and texts after it."""

from __future__ import annotations

import functools
import re
from bisect import bisect_right
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

import numpy as np

from robust_xtreme.core import packs
from robust_xtreme.core.edits import Moved, SpanTable, apply, batch, putting
from robust_xtreme.core.languages import language
from robust_xtreme.noise.engine.case import MIXED, style, styled
from robust_xtreme.noise.engine.diff import same
from robust_xtreme.noise.engine.realised import KIND, texts
from robust_xtreme.noise.label_risk import marks
from robust_xtreme.noise.members.keyboard_typo import METHODS, RATES, errors_typing, layouts_of
from robust_xtreme.noise.members.natural import key_of, misspelt


@functools.cache
def pattern() -> re.Pattern[str]:
    """A word: letters with their marks, and apostrophes between two of them."""
    letter = rf"(?:[^\W\d_]|[{marks()}])"
    return re.compile(rf"{letter}+(?:['’]{letter}+)*")


def word_counts(texts: Iterable[str], code: str) -> Counter[str]:
    """How often each word is in some texts."""
    return Counter(key_of(match[0], code) for text in texts for match in pattern().finditer(text))


Errors = Mapping[str, Mapping[str, float]]
"""The forms that a letter is mistyped as ("": it is missed), each with its likelihood relative to the others."""

SWAP = float(RATES["swap"])


@packs.cached
def errors_of(code: str) -> Errors:
    """The key errors of a language's letters on its usual keyboard or input method, all in small letters."""
    name = next(iter(layouts_of(code)), "")
    typed = errors_typing(name, code) if name else ()
    # Only those of small letters that are possible in the middle of a word.
    rows = [row for row in typed if row.point == row.point.lower() and not (row.where or row.tail)]
    likely: defaultdict[str, defaultdict[str, float]] = defaultdict(lambda: defaultdict(float))
    totals: defaultdict[tuple[str, str], float] = defaultdict(float)
    for row in rows:
        totals[row.point, row.kind] += row.weight
    for row in rows:
        if row.form.lower() != row.point:
            likely[row.point][row.form.lower()] += float(RATES[row.kind]) * row.weight / totals[row.point, row.kind]
    return {point: dict(forms) for point, forms in likely.items()}


def swaps(code: str) -> bool:
    """Whether letters of a language are keys that can be struck out of order."""
    return next(iter(layouts_of(code)), "") not in METHODS


def lacks(code: str) -> str:
    """Why the words of a language cannot be normalised; "" where they can."""
    if not language(code).spaces:
        return "its words are not separated by spaces"
    return "" if layouts_of(code) or packs.has("misspellings", code) else "it has no keyboard and no misspellings"


SHORTEST: Final = 4
"""Letters of the shortest word whose key errors are undone: shorter ones are an error away from too many words."""

_LISTED: Final = 1000.0
"""How much likelier a misspelling is that a list has than one by a key."""

_MOST: Final = 1 << 18

Index = Mapping[str, tuple[str, ...]]


@dataclass(frozen=True, slots=True, eq=False)
class Spelling:
    """The words of a language: those of `known` stay, others become a word of `counts`, by how often each is."""

    language: str
    counts: Mapping[str, int]
    known: frozenset[str]
    made: dict[str, str] = field(default_factory=dict, repr=False)
    index: list[Index] = field(default_factory=list, repr=False)

    def __reduce__(self) -> tuple[type[Spelling], tuple[object, ...]]:
        return Spelling, (self.language, self.counts, self.known)

    def corrected(self, word: str) -> str:
        """A word of a text as the vocabulary spells it, in its own case; itself where it is known or nothing fits."""
        if word not in self.made:
            if len(self.made) > _MOST:
                self.made.clear()
            self.made[word] = self._corrected(word)
        return self.made[word]

    def _corrected(self, word: str) -> str:
        how, key = style(word, self.language), key_of(word, self.language)
        if how == MIXED or key in self.known or key in self.counts:
            return word
        likely: defaultdict[str, float] = defaultdict(float)
        for right, share in self._candidates(key):
            likely[right] += share * self.counts.get(right, 1)
        if not likely:
            return word
        right = min(likely, key=lambda each: (-likely[each], each))
        return styled(right.replace("'", "’") if "’" in word else right, how, self.language)

    def _candidates(self, word: str) -> Iterator[tuple[str, float]]:
        """The words that one error may have made this word of, each with the error's likelihood."""
        yield from ((right, _LISTED * weight) for right, weight in _listed(self.language).get(word, ()))
        if len(word) < SHORTEST:
            return
        errors, words = errors_of(self.language), self.counts
        without = [word[:at] + word[at + 1 :] for at in range(len(word))]
        index = self._index()
        forms = (*index.get(word, ()), *(right for each in without for right in (*index.get(each, ()), each)))
        for right in sorted({right for right in forms if right in words}):
            if share := _share(right, word, errors):
                yield right, share
        for at in range(len(word) - 1) if swaps(self.language) else ():
            right = word[:at] + word[at + 1] + word[at] + word[at + 2 :]
            if right in words and right != word:
                yield right, SWAP

    def _index(self) -> Index:
        """The words of the vocabulary by each of their forms without one letter."""
        if not self.index:
            forms: defaultdict[str, list[str]] = defaultdict(list)
            for word in self.counts:
                if len(word) >= SHORTEST:
                    for form in {word[:at] + word[at + 1 :] for at in range(len(word))}:
                        forms[form].append(word)
            self.index.append({form: tuple(words) for form, words in forms.items()})
        return self.index[0]


def _share(right: str, wrong: str, errors: Mapping[str, Mapping[str, float]]) -> float:
    """How likely a word is mistyped as another, by an error in one of its letters; 0 where none leads there."""
    start = same(right, wrong)
    stop = same(right[::-1], wrong[::-1])
    total = 0.0
    for at in range(max(0, len(right) - stop - 1), min(start + 1, len(right))):
        form = wrong[at : len(wrong) - (len(right) - at - 1)]
        total += errors.get(right[at], {}).get(form, 0.0)
    return total


@packs.cached
def _listed(code: str) -> Mapping[str, tuple[tuple[str, int], ...]]:
    """The right words of each listed misspelling, with their weights."""
    by_wrong: defaultdict[str, list[tuple[str, int]]] = defaultdict(list)
    for right, forms in misspelt(code).items() if packs.has("misspellings", code) else ():
        for wrong, weight in forms.items():
            by_wrong[wrong].append((right, weight))
    return {wrong: tuple(rights) for wrong, rights in by_wrong.items()}


ENGLISH = "en"


def spelling_of(code: str, english: Counter[str]) -> Spelling:
    """The normaliser of a language, for a task whose English training texts have these words.

    A word of another language than English becomes a word of that language only; English ones stay there.
    """
    listed = misspelt(code) if packs.has("misspellings", code) else ()
    counts = Counter(dict.fromkeys(listed, 1)) + word_counts(texts(code) if packs.has(KIND, code) else (), code)
    if code == ENGLISH:
        counts += english
    return Spelling(code, dict(counts), frozenset(english))


def normalised(values: Sequence[str], spans: SpanTable, spelling: Spelling) -> Moved:
    """The texts with each word that is not known corrected; a word that an end of a span cuts stays."""
    cuts: list[list[int]] = [[] for _ in values]
    for text, *ends in zip(spans.text.tolist(), spans.start.tolist(), spans.stop.tolist(), strict=True):
        cuts[text] += ends
    rows = [
        (number, *row)
        for number, (value, ends) in enumerate(zip(values, cuts, strict=True))
        for row in _changes(value, sorted(ends), spelling)
    ]
    clean = batch(values, spans)
    owner, low, high = np.array([row[:3] for row in rows], np.int64).reshape(-1, 3).T
    base, none = clean.offsets[owner], np.zeros(len(rows), np.int64)
    return apply(clean, putting(clean, base + low, base + high, none, none, [row[3] for row in rows]))


def _changes(value: str, cuts: Sequence[int], spelling: Spelling) -> Iterator[tuple[int, int, str]]:
    """Start, stop and new letters of what changes in a text: of a word only what is not the same."""
    for match in pattern().finditer(value):
        word, (low, high) = match[0], match.span()
        new = spelling.corrected(word)
        if new == word or (cuts and bisect_right(cuts, low) < bisect_right(cuts, high - 1)):
            continue
        before = same(word, new)
        after = min(same(word[::-1], new[::-1]), len(word) - before, len(new) - before)
        yield low + before, high - after, new[before : len(new) - after]
