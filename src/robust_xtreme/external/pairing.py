"""Pairs noisy examples with the clean ones that they were made of: by id, by row, or by the alignment of near texts.

An alignment takes, for each noisy item, the clean items that share rare character sequences with it, keeps those that
are near, and chooses the chain of pairs that rises on both sides and has the most similarity in all.
"""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import chain
from typing import Final, NamedTuple, final

from robust_xtreme.errors import DataError, counted
from robust_xtreme.examples import Answers, Choice, Example, Tags
from robust_xtreme.external.stated import Steps
from robust_xtreme.noise.engine.diff import hunks

NEAR: Final = 0.6
"""The least similarity of two texts that are one item, clean and noisy."""

MOST_LEFT: Final = 0.2
"""The share of the clean items above which items without a partner are refused."""

_CERTAIN: Final = 0.75
"""The similarity of each field from which two items are one, whatever their gold answers are."""

_SAME_GOLD: Final = 0.1
_NEARER: Final = 0.3
"""How much nearer another row is than the own one where rows are in another order."""

_LENGTHS: Final = (4, 8, 16)
"""The lengths of sequences; long ones are rare where texts consist of few words."""

_RAREST: Final = 24
_OFTEN: Final = 50
_CANDIDATES: Final = 6
_SHOWN: Final = 40

Pair = tuple[int, int]


@final
@dataclass(frozen=True, slots=True)
class Pairing:
    """Pairs of the numbers of a clean and a noisy item, in the order of the clean ones, and the items without partner.

    `kind` is one of PAIRINGS.
    """

    kind: str
    pairs: tuple[Pair, ...]
    clean_left: tuple[int, ...]
    noisy_left: tuple[int, ...]


class Noisy(NamedTuple):
    """Noisy examples with the location of each in its file; `native`: their ids are those of the clean ones.

    `steps` are the edits of each example's context that the file states; empty where it states none.
    """

    examples: Sequence[Example]
    locations: Sequence[str]
    native: bool
    steps: Sequence[Steps] = ()


def paired(clean: Sequence[Example], noisy: Noisy, labels: Sequence[str] = (), partial: bool = False) -> Pairing:
    """Pair the noisy items with the clean ones of the same task, language and split.

    `labels` are the task's, for messages. Raises DataError, naming the row, where a pair differs in its gold answer or
    rows are in another order, and where more than a fifth of the clean items have no partner, unless `partial`.
    """
    checker = _Checker(clean, noisy, labels)
    if noisy.native:
        pairing = _by_id(checker)
    elif len(clean) == len(noisy.examples):
        pairing = _by_row(checker)
    else:
        pairing = _by_alignment(checker)
    _check_left(pairing, checker, partial)
    return pairing


def text_of(example: Example) -> str:
    """All fields of an example as one text."""
    return "\n".join(example.texts[name].value for name in sorted(example.texts))


def similarity(first: str, other: str) -> float:
    """Twice the equal characters over all characters of two texts, from 0 to 1."""
    if first == other:
        return 1.0
    changed = hunks(first, other)
    equal = len(first) - sum(stop - start for start, stop, _, _ in changed)
    return 2 * equal / (len(first) + len(other))


@final
@dataclass(frozen=True, slots=True)
class _Checker:
    """Both sides, and what is wrong with a pair of them."""

    clean: Sequence[Example]
    noisy: Noisy
    labels: Sequence[str]

    def path(self) -> str:
        """The file of the noisy items."""
        return self.noisy.locations[0].rpartition(":")[0] or self.noisy.locations[0]

    def texts(self) -> tuple[list[str], list[str]]:
        """The texts of the clean and of the noisy items."""
        return [text_of(example) for example in self.clean], [text_of(example) for example in self.noisy.examples]

    def check(self, pair: Pair, hint: str) -> None:
        """Raise DataError where the gold answers of a pair differ."""
        if why := gold_differs(self.clean[pair[0]], self.noisy.examples[pair[1]], self.labels):
            raise DataError(self.noisy.locations[pair[1]], f"{why} in {self.clean[pair[0]].id}. {hint}")

    def is_same(self, pair: Pair) -> bool:
        """Whether a pair of near items has the same gold answer, or is one item whose answer was changed."""
        clean, noisy = self.clean[pair[0]], self.noisy.examples[pair[1]]
        fields = ((text.value, noisy.texts[name].value) for name, text in clean.texts.items())
        return not gold_differs(clean, noisy) or all(similarity(*values) >= _CERTAIN for values in fields)

    def weight(self, pair: Pair, value: float) -> float:
        """The weight of a near pair: its similarity, and a little for the same gold answer, as equal texts recur."""
        return value if gold_differs(self.clean[pair[0]], self.noisy.examples[pair[1]]) else value + _SAME_GOLD

    def pairing(self, kind: str, pairs: Sequence[Pair]) -> Pairing:
        """The pairs, and the items without one."""
        left, right = {i for i, _ in pairs}, {j for _, j in pairs}
        clean_left = tuple(i for i in range(len(self.clean)) if i not in left)
        noisy_left = tuple(j for j in range(len(self.noisy.examples)) if j not in right)
        return Pairing(kind, tuple(sorted(pairs)), clean_left, noisy_left)


def gold_differs(clean: Example, noisy: Example, labels: Sequence[str] = ()) -> str:
    """How the gold answer of a noisy item differs from that of the clean one; "" where it does not.

    Answers in noisy texts may have moved and have noise in them: they are compared by number here.
    """
    match clean.target, noisy.target:
        case Choice(before), Choice(after) if before != after:
            return f"has the label {_label(after, labels)}, which is {_label(before, labels)}"
        case Tags(before), Tags(after) if len(before) != len(after):
            return f"has {counted(len(after), 'word')}, and there are {len(before)}"
        case Tags(before), Tags(after) if before != after:
            number = next(n for n, (was, now) in enumerate(zip(before, after, strict=True)) if was != now)
            return f"has the tag {after[number]} at word {number + 1}, which is {before[number]}"
        case Answers(before), Answers(after) if len(before) != len(after):
            return f"has {counted(len(after), 'answer')}, and there are {len(before)}"
    return ""


def _label(index: int, labels: Sequence[str]) -> str:
    return repr(labels[index]) if 0 <= index < len(labels) else "none" if index < 0 else str(index)


def _by_id(checker: _Checker) -> Pairing:
    """Pairs of the same id."""
    numbers = {example.id: number for number, example in enumerate(checker.clean)}
    ids = [example.id for example in checker.noisy.examples]
    pairs = [(numbers[id], number) for number, id in enumerate(ids) if id in numbers]
    for pair in pairs:
        checker.check(pair, "An item keeps its gold answer under noise.")
    return checker.pairing("id", pairs)


def _by_row(checker: _Checker) -> Pairing:
    """Pairs of the same row. Raises DataError for rows in another order."""
    pairs = [(number, number) for number in range(len(checker.clean))]
    for pair in pairs:
        checker.check(pair, "As many rows are paired in order: these are shuffled, or of another gold standard.")
    texts, noisy = checker.texts()
    index: _Index | None = None
    for number, text in enumerate(noisy):
        if (mine := similarity(texts[number], text)) >= NEAR:
            continue
        index = index or _Index.of(texts)
        value, nearest = max(index.near(text), default=(0.0, number))
        if value >= mine + _NEARER:
            what = f"is nearer to {checker.clean[nearest].id} than to {checker.clean[number].id}: {text[:_SHOWN]!r}"
            raise DataError(checker.noisy.locations[number], f"{what}. As many rows are paired in order.")
    return checker.pairing("row", pairs)


def _by_alignment(checker: _Checker) -> Pairing:
    """The heaviest chain of near pairs.

    Raises DataError for a pair of near texts with different gold answers, and where most near rows are
    in another order.
    """
    texts, noisy = checker.texts()
    index = _Index.of(texts)
    near = [
        (clean, number, checker.weight((clean, number), value))
        for number, text in enumerate(noisy)
        for value, clean in index.near(text)
    ]
    rising, rows = heaviest_chain(near), {number for _, number, _ in near}
    if 2 * len(rising) < len(rows):
        what = f"has {len(rows):,} rows that are near clean ones, and {len(rising):,} of them in the clean order"
        raise DataError(checker.path(), f"{what}: the others are shuffled. Keep the order of the clean rows.")
    # Examples that share a text, as a premise, are near although they are several: a gold answer tells them apart.
    pairs = [pair for pair in rising if checker.is_same(pair)]
    for pair in pairs:
        checker.check(pair, "These texts are near, and an item keeps its gold answer under noise.")
    return checker.pairing("alignment", pairs)


def _check_left(pairing: Pairing, checker: _Checker, partial: bool) -> None:
    """Raise DataError where no item has a partner, or too many clean ones have none."""
    location = checker.path()
    left, size = len(pairing.clean_left), len(checker.clean)
    if not pairing.pairs:
        raise DataError(location, f"has no item of the {counted(size, 'clean one')} (paired by {pairing.kind}).")
    if left > MOST_LEFT * size and not partial:
        first = checker.clean[pairing.clean_left[0]].id
        what = f"has no partner for {left:,} of {size:,} clean items, {first} first (paired by {pairing.kind})."
        raise DataError(location, f"{what} To evaluate the others alone: --external-partial")


# --------------------------------------------------------------------------------------------------- near texts


def _sequences(text: str) -> set[str]:
    """The sequences of characters that a text contains; a shorter text is one."""
    return {text[start : start + size] for size in _LENGTHS for start in range(max(1, len(text) - size + 1))}


@final
@dataclass(frozen=True, slots=True)
class _Index:
    """Texts, and the numbers of those that contain a sequence of characters."""

    texts: Sequence[str]
    containing: Mapping[str, Sequence[int]] = field(repr=False)

    @classmethod
    def of(cls, texts: Sequence[str]) -> _Index:
        """The index of some texts."""
        containing: defaultdict[str, list[int]] = defaultdict(list)
        for number, text in enumerate(texts):
            for sequence in _sequences(text):
                containing[sequence].append(number)
        return cls(texts, containing)

    def near(self, text: str) -> Iterator[tuple[float, int]]:
        """Similarity and number of the near texts among those that share the most of a text's rarest sequences."""
        for number in self._candidates(text):
            if (value := similarity(self.texts[number], text)) >= NEAR:
                yield value, number

    def _candidates(self, text: str) -> list[int]:
        shared = [self.containing[sequence] for sequence in _sequences(text) if sequence in self.containing]
        rarest = sorted((numbers for numbers in shared if len(numbers) <= _OFTEN), key=lambda it: (len(it), it))
        votes = Counter(chain.from_iterable(rarest[:_RAREST]))
        ordered = sorted(votes.items(), key=lambda vote: (-vote[1], vote[0]))
        return [number for number, count in ordered[:_CANDIDATES] if 2 * count >= ordered[0][1]]


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
