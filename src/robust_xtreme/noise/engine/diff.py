"""The differences of two sequences, in linear time.

Elements that occur once in both are anchors (as in Bram Cohen's patience diff). Between anchors a short range is
aligned exactly by the table of Wagner and Fischer (1974), a long one through a sliding window.
"""

from bisect import bisect_left
from collections import Counter
from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import Final

Hunk = tuple[int, int, int, int]
Pair = tuple[int, int]

_CELLS: Final = 4096
_WINDOW: Final = 32
_DEPTH: Final = 3


def hunks(old: Sequence[str], new: Sequence[str]) -> list[Hunk]:
    """The ranges `old[a:b]` that became `new[c:d]`, sorted and disjoint; all else is equal, in order.

    Where all ranges are short, the number of elements replaced, inserted and deleted is minimal, else nearly so. An
    insertion or deletion that is possible at several positions is at the last of them.
    """
    matched = [(-1, -1), *_matches(old, new), (len(old), len(new))]
    hunks = ((a + 1, b, c + 1, d) for (a, c), (b, d) in pairwise(matched))
    kept = [(a, b, c, d) for a, b, c, d in hunks if a < b or c < d]
    limits = [*(hunk[0] - 1 for hunk in kept), len(old)][1:] if kept else []
    return [_last_position(old, new, hunk, limit) for hunk, limit in zip(kept, limits, strict=True)]


def _last_position(old: Sequence[str], new: Sequence[str], hunk: Hunk, limit: int) -> Hunk:
    """The same change moved as far back as equal elements allow, up to a position in the old sequence."""
    a, b, c, d = hunk
    if a < b and c < d:
        return hunk
    while b < limit and (new[c] if a == b else old[a]) == old[b]:
        a, b, c, d = a + 1, b + 1, c + 1, d + 1
    return a, b, c, d


def distance(first: Sequence[str], other: Sequence[str]) -> int:
    """How many elements must be changed, inserted or deleted to make one sequence of the other (Levenshtein).

    By the bits of Myers (1999): one integer has the rises of a column of the table, and one its falls.
    """
    where: dict[str, int] = {}
    for number, value in enumerate(first):
        where[value] = where.get(value, 0) | 1 << number
    count = len(first) or len(other)
    whole, last = (1 << len(first)) - 1, len(first) - 1
    rises, falls = whole, 0
    for value in other if first else ():
        equal = where.get(value, 0) | falls
        level = (((equal & rises) + rises) ^ rises) | equal
        up, down = falls | ~(level | rises), rises & level
        count += (up >> last & 1) - (down >> last & 1)
        up = up << 1 | 1
        rises, falls = (down << 1 | ~(equal | up)) & whole, up & equal & whole
    return count


def _matches(old: Sequence[str], new: Sequence[str]) -> list[Pair]:
    """Pairs of positions of equal elements, rising in both sequences."""
    pairs_kept: list[Pair] = []
    open_: list[tuple[int, int, int, int, int]] = [(0, len(old), 0, len(new), 0)]
    while open_:
        a, b, c, d, depth = open_.pop()
        front = same(old[a:b], new[c:d])
        pairs_kept.extend((a + step, c + step) for step in range(front))
        a, c = a + front, c + front
        back = same(old[a:b][::-1], new[c:d][::-1])
        pairs_kept.extend((b - 1 - step, d - 1 - step) for step in range(back))
        b, d = b - back, d - back
        if (b - a) * (d - c) <= _CELLS:
            pairs_kept.extend(_shared(old, new, _path(old[a:b], new[c:d], whole=True), a, c))
        elif depth < _DEPTH and (anchors := _anchors(old, new, a, b, c, d)):
            edges = [(a - 1, c - 1), *anchors, (b, d)]
            pairs_kept.extend(anchors)
            open_.extend((i + 1, k, j + 1, m, depth + 1) for (i, j), (k, m) in pairwise(edges))
        else:
            pairs_kept.extend(_slide(old, new, a, b, c, d))
    return sorted(pairs_kept)


def same(old: Sequence[str], new: Sequence[str]) -> int:
    """How many elements two sequences begin with that are the same."""
    pairs = enumerate(zip(old, new, strict=False))
    return next((at for at, (one, other) in pairs if one != other), min(len(old), len(new)))


def _anchors(old: Sequence[str], new: Sequence[str], a: int, b: int, c: int, d: int) -> list[Pair]:
    """Positions of elements that occur once in both ranges: the longest sequence that rises in both."""
    counts = Counter(new[c:d])
    position_of = {value: index for index, value in enumerate(new[c:d], c) if counts[value] == 1}
    counts = Counter(old[a:b])
    pairs = [(i, position_of[old[i]]) for i in range(a, b) if counts[old[i]] == 1 and old[i] in position_of]
    return [(i, position) for position, i in heaviest_chain([(position, i, 1) for i, position in pairs])]


def heaviest_chain(weighted: Sequence[tuple[int, int, float]]) -> list[Pair]:
    """Of (first, second, weight) the pairs whose numbers rise on both sides and whose weights have the largest sum."""
    ordered = sorted(weighted, key=lambda it: (it[1], -it[0]))
    # Ends of chains that no chain with an earlier end outweighs: their first numbers and their weights rise.
    firsts: list[int] = []
    ends: list[tuple[float, int]] = []
    before: list[int] = []
    for number, (first, _, weight) in enumerate(ordered):
        at = bisect_left(firsts, first)
        total, previous = ends[at - 1] if at else (0.0, -1)
        before.append(previous)
        reached = total + weight
        if at < len(firsts) and firsts[at] == first and ends[at][0] >= reached:
            continue
        stop = at
        while stop < len(ends) and ends[stop][0] <= reached:
            stop += 1
        firsts[at:stop], ends[at:stop] = [first], [(reached, number)]
    chained, number = [], ends[-1][1] if ends else -1
    while number >= 0:
        chained.append(ordered[number][:2])
        number = before[number]
    return chained[::-1]


def _slide(old: Sequence[str], new: Sequence[str], a: int, b: int, c: int, d: int) -> Iterator[Pair]:
    """Matches of two ranges through a window: of each alignment within it the first half is kept."""
    while a < b and c < d:
        seen, other = old[a : min(b, a + _WINDOW)], new[c : min(d, c + _WINDOW)]
        whole = a + len(seen) == b and c + len(other) == d
        path = _path(seen, other, whole)
        half = _WINDOW // 2
        kept = next((n for n, cell in enumerate(path) if max(cell) >= half), len(path) - 1)
        yield from _shared(old, new, path if whole else path[: kept + 1], a, c)
        step = path[-1] if whole else path[kept]
        a, c = a + step[0], c + step[1]


def _shared(old: Sequence[str], new: Sequence[str], path: Sequence[Pair], a: int, c: int) -> Iterator[Pair]:
    """The pairs of equal elements on a path of cells from (a, c)."""
    for (i, j), (k, m) in pairwise(path):
        if k > i and m > j and old[a + i] == new[c + j]:
            yield a + i, c + j


def _path(old: Sequence[str], new: Sequence[str], whole: bool) -> list[Pair]:
    """The cells of a cheapest alignment from the beginning of both ranges to both ends, or (not `whole`) to one end."""
    table = _table(old, new)
    i, j = len(old), len(new)
    if not whole:
        ends = [*((i, m) for m in range(j + 1)), *((k, j) for k in range(i + 1))]
        _, _, i, j = min((table[k][m], abs(k - m), k, m) for k, m in ends if max(k, m) >= min(i, j))
    path = [(i, j)]
    while i or j:
        here = table[i][j]
        if i and j and here == table[i - 1][j - 1] + (old[i - 1] != new[j - 1]):
            i, j = i - 1, j - 1
        elif i and here == table[i - 1][j] + 1:
            i -= 1
        else:
            j -= 1
        path.append((i, j))
    return path[::-1]


def _table(old: Sequence[str], new: Sequence[str]) -> list[list[int]]:
    """The distance between each prefix of one range and each prefix of the other."""
    table = [list(range(len(new) + 1))]
    for value in old:
        above, row = table[-1], [table[-1][0] + 1]
        for number, other in enumerate(new):
            row.append(min(above[number] + (value != other), above[number + 1] + 1, row[number] + 1))
        table.append(row)
    return table
