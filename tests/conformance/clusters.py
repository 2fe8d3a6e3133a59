"""The clusters that edits touch, and whether they are the language's own: how rule 4 counts."""

from __future__ import annotations

import unicodedata
from bisect import bisect_left, bisect_right
from collections import Counter
from collections.abc import Callable, Iterator, Set
from functools import lru_cache
from typing import Final, NamedTuple

import regex

from robust_xtreme.core import packs
from robust_xtreme.core.languages import belongs, combines, language
from robust_xtreme.noise.engine.case import letters_of
from robust_xtreme.noise.engine.noised import Noised
from robust_xtreme.noise.engine.perturbation import Perturbation

CLUSTER: Final = regex.compile(r"\X")
MARK: Final = regex.compile(r"\p{M}")
APOSTROPHES: Final = ("'", "’")
LETTER: Final = regex.compile(r"\p{L}|\p{M}")


@lru_cache(1 << 16)
def clusters(value: str) -> tuple[str, ...]:
    """The grapheme clusters of a string."""
    return tuple(CLUSTER.findall(value))


Count = Callable[[Noised], Iterator[bool]]


def counts(perturbation: Perturbation) -> tuple[Count, ...]:
    """How rule 4 counts: what is the language's own, and, but for other libraries' tables, letters alone."""
    return (own_clusters,) if perturbation.kind == "rewriter" else (own_clusters, own_letters, own_combinations)


def own_clusters(noised: Noised) -> Iterator[bool]:
    """Whether each inserted cluster is the language's own, or was there before, in either case."""
    for before, after in replaced(noised):
        known = {cluster.casefold() for cluster in before}
        whole = (cluster for cluster in after if not MARK.match(cluster))
        for cluster in (Counter(whole) - Counter(before)).elements():
            yield cluster.casefold() in known or belongs(noised.clean.language, cluster)


def own_letters(noised: Noised) -> Iterator[bool]:
    """Whether each new cluster where a letter was, or put in beside one, is a letter of the language's alphabet.

    A letter may have CLDR's main marks and the marks that were there, no others; digits and punctuation do not count.
    What the clean text has in the same edit or next to it, in either case, is not new: it has moved or was doubled.
    White space, apostrophes (which words may contain: in's), replacements of punctuation and marks without a letter
    (those are a matter of rule 3) are not counted.
    """
    for edit in _touched(noised):
        if not any(map(LETTER.match, edit.before or edit.beside)):
            continue
        known = {cluster.casefold() for cluster in (*edit.before, *edit.beside)}
        new = (Counter(edit.after) - Counter(edit.before)).elements()
        stood = {*"".join(edit.before)}
        for cluster in new:
            if not (cluster.casefold() in known or cluster.isspace() or cluster in APOSTROPHES or MARK.match(cluster)):
                yield in_alphabet(noised.clean.language, cluster, stood)


def own_combinations(noised: Noised) -> Iterator[bool]:
    """Whether the language combines the letters and marks of each new cluster; what the clean text has may be moved."""
    stood = {*clusters(noised.clean.value)}
    yield from (
        combines(noised.clean.language, cluster, "".join(before))
        for before, after in replaced(noised)
        for cluster in after
        if cluster not in stood
    )


def in_alphabet(code: str, cluster: str, stood: Set[str] = frozenset()) -> bool:
    """Whether a cluster is made of the language's letters, in either case, main marks, and marks that were there."""
    composed = unicodedata.normalize("NFC", cluster)
    letters, marks = _alphabet(code)
    return composed in letters or (composed[0] in letters and letters | marks | stood >= {*composed[1:]})


@packs.cached
def _alphabet(code: str) -> tuple[frozenset[str], frozenset[str]]:
    """The letters of a language in both cases, with signs of CLDR's main characters that are letters or marks; marks.

    Malayalam's vowel signs are auxiliary in CLDR 48.2, and in nearly every word.
    """
    signs = filter(LETTER.match, language(code).signs)
    marks = language(code).marks if code == "ml" else str(packs.read("alphabets", code).get("marks", "")).split()
    return letters_of(code) | {*signs}, frozenset(marks)


class _Touched(NamedTuple):
    """The clusters that an edit touches, before and after, and those of the clean text on either side."""

    before: tuple[str, ...]
    after: tuple[str, ...]
    beside: tuple[str, ...]


def replaced(noised: Noised) -> Iterator[tuple[tuple[str, ...], tuple[str, ...]]]:
    """The clusters that each edit touches, before and after; an edit within a cluster touches all of it."""
    yield from ((edit.before, edit.after) for edit in _touched(noised))


def _touched(noised: Noised) -> Iterator[_Touched]:
    """What each edit touches."""
    clean, noisy = noised.clean.value, noised.text.value
    edges = [0, *(match.end() for match in CLUSTER.finditer(clean))]
    for start, stop, low, high in edit_bounds(noised):
        first, last = bisect_right(edges, start) - 1, bisect_left(edges, stop)
        before, end = (edges[first], edges[last]) if start < stop else (start, stop)
        after = noisy[low - (start - before) : high + (end - stop)]
        sides = clean[edges[max(0, first - 1)] : before], clean[end : edges[min(last + 1, len(edges) - 1)]]
        beside = clusters(sides[0]) + clusters(sides[1])
        yield _Touched(clusters(clean[before:end]), clusters(after), beside)


def edit_bounds(noised: Noised) -> list[tuple[int, int, int, int]]:
    """Each edit as its range in the clean text and its range in the noisy text."""
    return list(noised.traces[0].moves) if noised.traces else []
