"""The likeliest word of a vocabulary from which one error leads to an unknown word."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Final, final

from robust_xtreme.core import packs
from robust_xtreme.noise.engine.case import MIXED, style, styled
from robust_xtreme.noise.members.natural_typo import misspelt
from robust_xtreme.noise.normalising.errors import SWAP, errors_of, swaps
from robust_xtreme.noise.normalising.words import key_of

SHORTEST: Final = 4
"""Letters of the shortest word whose key errors are undone: shorter ones are an error away from too many words."""

_LISTED: Final = 1000.0
"""How much likelier a misspelling is that a list has than one by a key."""

_MOST: Final = 1 << 18

Index = Mapping[str, tuple[str, ...]]


@final
@dataclass(frozen=True, slots=True, eq=False)
class Spelling:
    """The words of a language: those of `known` stay, and others become a word of `counts`, by how often each is.

    A corrected word is remembered, as is the index by which it is looked up.
    """

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


def same(word: str, other: str) -> int:
    """How many letters two words begin with that are the same."""
    pairs = enumerate(zip(word, other, strict=False))
    return next((at for at, (left, right) in pairs if left != right), min(len(word), len(other)))


@packs.cached
def _listed(code: str) -> Mapping[str, tuple[tuple[str, int], ...]]:
    """The right words of each listed misspelling, with their weights."""
    by_wrong: defaultdict[str, list[tuple[str, int]]] = defaultdict(list)
    for right, forms in misspelt(code).items() if packs.has("misspellings", code) else ():
        for wrong, weight in forms.items():
            by_wrong[wrong].append((right, weight))
    return {wrong: tuple(rights) for wrong, rights in by_wrong.items()}
