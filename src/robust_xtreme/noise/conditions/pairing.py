"""Pairs noisy examples with the clean ones that they were made of: by id, by row, or by the alignment of near texts.

An alignment takes, for each noisy item, the near clean items with its gold answer: of those that share rare character
sequences with it, and of those between the partners of its neighbours. It chooses the chain of pairs that rises on both
sides and needs the fewest edits.
"""

from bisect import bisect_right
from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import accumulate, chain
from operator import itemgetter
from types import MappingProxyType
from typing import Any, Final, NamedTuple

from robust_xtreme.core.edits import Place, Trace
from robust_xtreme.core.errors import DataError, counted, shown
from robust_xtreme.core.examples import LONGEST, Answers, Choice, Example, Tags, Text
from robust_xtreme.noise.engine.diff import Pair, distance, heaviest_chain

Step = tuple[tuple[int, int, int], ...]
Steps = tuple[Step, ...]
Range = tuple[int, int]

_TAKES: Final = "the key 'edits' takes a list of steps, each a list of [start, stop, length]"
_MOST_STEPS: Final = 100
_SIZE: Final = 3
_MADE: Final = -1
"""The origin of a character that an edit made."""


def stated(value: Any, location: str) -> Steps:
    """The steps of a row, none where it states nothing. Raises DataError for what is not lists of whole numbers."""
    if value is None:
        return ()
    for step in _items(value, location):
        for edit in _items(step, location):
            if not (isinstance(edit, list) and len(edit) == _SIZE and all(type(number) is int for number in edit)):
                raise DataError(location, f"{_TAKES}, not of {shown(edit)}.")
    if len(value) > _MOST_STEPS:
        raise DataError(location, f"the key 'edits' has {len(value):,} steps; it takes at most {_MOST_STEPS}.")
    return tuple(tuple((start, stop, length) for start, stop, length in step) for step in value)


def _items(value: Any, location: str) -> list[Any]:
    if not isinstance(value, list) or not value:
        raise DataError(location, f"{_TAKES}, not {shown(value)}.")
    return value


def followed(clean: Text, value: str, steps: Steps, location: str) -> tuple[Trace, ...]:
    """The trace of each step, through which the spans of the clean text move as noise moves them. Raises DataError."""
    origins: Sequence[int] = range(len(clean.value))  # of each character; _MADE where an edit made it
    spans: list[Range] = [(span.start, span.stop) for span in clean.spans]
    traces = []
    for step in steps:
        moves = tuple(_moves(step, len(origins), location))
        moved = [(_moved(moves, start), _moved(moves, stop)) for start, stop in spans]
        traces.append(Trace(moves, tuple(zip(spans, moved, strict=True))))
        carried, position = list[int](), 0
        for start, stop, begin, end in moves:
            carried += [*origins[position:start], *[_MADE] * (end - begin)]
            position = stop
        origins, spans = [*carried, *origins[position:]], moved
    _check_made(clean.value, value, origins, location)
    return tuple(traces)


def _moves(step: Step, size: int, location: str) -> Iterator[Place]:
    """The edits of a step with their ranges after it, in a text of `size` characters. Raises DataError."""
    before, shift = 0, 0
    for start, stop, length in step:
        if not (before <= start <= stop <= size and length >= 0):
            what = f"does not fit between {before:,}, where the one before ends, and the end of the text, {size:,}"
            raise DataError(location, f"the edit {shown([start, stop, length])} under the key 'edits' {what}.")
        yield start, stop, start + shift, start + shift + length
        before, shift = stop, shift + length - (stop - start)
        if size + shift > LONGEST:
            raise DataError(location, f"the edits under the key 'edits' make more than {LONGEST:,} characters.")


def _moved(moves: Sequence[Place], position: int) -> int:
    """Where an end of a span is after the edits, by the rule of `edits.apply`: an insertion at it is before it."""
    number = bisect_right(moves, position, key=itemgetter(1))
    after = position + (moves[number - 1][3] - moves[number - 1][1] if number else 0)
    return min(after, moves[number][3]) if number < len(moves) and moves[number][0] < position else after


def _check_made(clean: str, value: str, origins: Sequence[int], location: str) -> None:
    """Raise DataError where the kept characters of the clean text are not those of the noisy one."""
    pairs = enumerate(zip(origins, value, strict=False))
    at = next((number for number, (origin, new) in pairs if origin != _MADE and clean[origin] != new), None)
    if at is None and len(origins) == len(value):
        return
    where = f"they give {len(origins):,} characters, and it has {len(value):,}"
    if at is not None:
        where = f"not at character {at:,}"
    what = f"the edits under the key 'edits' do not make its context of the clean one ({where})"
    raise DataError(location, f"{what}. Correct them, or remove the key: the texts are then compared.")


MOST_LEFT: Final = 0.2
"""The share of the clean items above which items without a partner are refused."""

_NEAR: Final = 0.5
"""The most edits in each field of two texts that are one item, as a share."""

_NEARER: Final = 0.25
"""The same where texts are one item although gold answers differ, and by how much this is nearer than others."""

_GAIN: Final = 3
"""The edits by which noise makes no text nearer to another item's than to its own."""

_KEEPS: Final = "An item keeps its gold answer under noise"

_LENGTHS: Final = (4, 8, 16)
"""The lengths of sequences; long ones are rare where texts consist of few words."""

_OFTEN: Final = 50
_CANDIDATES: Final = 6
_BETWEEN: Final = 50
_SHOWN: Final = 40

Near = dict[int, int]


class Pairing(NamedTuple):
    """Pairs of the numbers of a clean and a noisy item, in the order of the clean ones, and the items without partner.

    `kind` is one of PAIRINGS. `refused` says what is wrong with some noisy items without partner, by number.
    """

    kind: str
    pairs: tuple[Pair, ...]
    clean_left: tuple[int, ...]
    noisy_left: tuple[int, ...]
    refused: Mapping[int, str]


class Noisy(NamedTuple):
    """Noisy examples, the location of each, and `steps`, its stated edits; `native`: their ids are clean ones."""

    examples: Sequence[Example]
    locations: Sequence[str]
    native: bool
    steps: Sequence[Steps] = ()


def paired(clean: Sequence[Example], noisy: Noisy, labels: Sequence[str] = (), partial: bool = False) -> Pairing:
    """Pair the noisy items with the clean ones of the same task, language and split.

    `labels` are the task's, for messages. Raises DataError, naming the row, where rows are in another order and, unless
    `partial`, for a noisy item whose near clean ones have other gold answers or are equally near, and where more than a
    fifth of the clean items have no partner.
    """
    checker = _Checker(clean, noisy, labels)
    rows = [(number, number) for number in range(len(clean))]
    if noisy.native:
        pairing = _by_id(checker)
    elif len(clean) == len(noisy.examples) and not (partial and checker.differing(rows)):
        pairing = _by_row(checker, rows)
    else:
        pairing = _by_alignment(checker)
    _check_left(pairing, checker, partial)
    return pairing


def text_of(example: Example) -> str:
    """All fields of an example as one text."""
    return "\n".join(example.texts[name].value for name in sorted(example.texts))


def edits_between(first: Example, other: Example) -> tuple[int, float]:
    """The edits between the texts of two examples, and the largest share of a field that its edits, but one, are."""
    fields = [(text.value, other.texts[name].value) for name, text in first.texts.items()]
    counts = [distance(old, new) if old != new else 0 for old, new in fields]
    shares = ((count - 1) / max(1, *map(len, values)) for count, values in zip(counts, fields, strict=True))
    return sum(counts), max(shares)


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

    def differing(self, pairs: Iterable[Pair]) -> dict[int, str]:
        """How the gold answers of pairs differ, by the number of the noisy item."""
        items = ((number, self.clean[clean], self.noisy.examples[number]) for clean, number in pairs)
        compared = ((number, clean.id, gold_differs(clean, noisy, self.labels)) for number, clean, noisy in items)
        return {number: f"{why} in {id}" for number, id, why in compared if why}

    def near(self, number: int, candidates: Collection[int], anyhow: bool = False) -> Near:
        """The edits between a noisy item and each of the near candidates with its gold answer, or `anyhow` with any.

        None is near where a candidate with another gold answer is so by far.
        """
        noisy = self.noisy.examples[number]
        fitting = [clean for clean in candidates if anyhow or not gold_differs(self.clean[clean], noisy)]
        measured = {clean: edits_between(self.clean[clean], noisy) for clean in fitting}
        least = min((share for _, share in measured.values()), default=0) - _NEARER
        if least > 0 and any(edits_between(self.clean[clean], noisy)[1] < least for clean in candidates):
            return {}
        return {clean: edits for clean, (edits, share) in measured.items() if share <= _NEAR}

    def unpaired(self, number: int, candidates: Iterable[int]) -> str:
        """What is wrong with a noisy item without partner that is near one of the candidates; else ""."""
        for clean in candidates:
            if edits_between(self.clean[clean], self.noisy.examples[number])[1] <= _NEARER:
                why = self.differing([(clean, number)]).get(number)
                return why or f"is near {self.clean[clean].id}, which is another row's, or in another order"
        return ""

    def undecided(self, partner: int, near: Near, others: Iterable[int]) -> str:
        """What is wrong with a pair where others are as near, or one edit from the partner; else ""."""
        for other in others:
            apart, _ = edits_between(self.clean[partner], self.clean[other])
            if apart == 1 or (apart and near[other] == near[partner]):
                return f"is near {self.clean[partner].id} and {self.clean[other].id}, and could be of either"
        return ""

    def pairing(self, kind: str, pairs: Iterable[Pair], refused: Mapping[int, str] = MappingProxyType({})) -> Pairing:
        """The pairs without those of refused items, and the items without one."""
        pairs = sorted(pair for pair in pairs if pair[1] not in refused)
        left, right = {i for i, _ in pairs}, {j for _, j in pairs}
        clean_left = tuple(i for i in range(len(self.clean)) if i not in left)
        noisy_left = tuple(j for j in range(len(self.noisy.examples)) if j not in right)
        return Pairing(kind, tuple(pairs), clean_left, noisy_left, refused)


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
    for number, why in checker.differing(pairs).items():
        raise DataError(checker.noisy.locations[number], f"{why}. {_KEEPS}.")
    return checker.pairing("id", pairs)


def _by_row(checker: _Checker, pairs: Sequence[Pair]) -> Pairing:
    """Pairs of the same row. Raises DataError for rows in another order."""
    for number, why in checker.differing(pairs).items():
        what = f"{why}. As many rows are paired in order: these are shuffled, or of another gold standard."
        raise DataError(
            checker.noisy.locations[number], f"{what} To align them: external_partial = true in a file for --config"
        )
    nearer = dict(_nearer(checker))
    for number, (other, gain) in nearer.items():
        back = nearer.get(other, (number, 0))[1]
        if gain + back >= _GAIN and (back or not checker.near(number, [number])):
            what = f"is nearer to {checker.clean[other].id} than to {checker.clean[number].id}"
            shown = repr(text_of(checker.noisy.examples[number])[:_SHOWN])
            raise DataError(checker.noisy.locations[number], f"{what}: {shown}. As many rows are paired in order.")
    return checker.pairing("row", pairs)


def _nearer(checker: _Checker) -> Iterator[tuple[int, Pair]]:
    """The rows that are nearer to another clean row than to their own, with this row and by how many edits."""
    for number, candidates in enumerate(_candidates(*checker.texts())):
        if candidates[:1] != [number] and (near := checker.near(number, candidates, anyhow=True)):
            edits, other = min((edits, other) for other, edits in near.items())
            more = edits_between(checker.clean[number], checker.noisy.examples[number])[0] - edits
            if more > 0:
                yield number, (other, more)


def _by_alignment(checker: _Checker) -> Pairing:
    """The chain of near pairs with the same gold answer that needs the fewest edits, where order and text decide."""
    candidates = _candidates(*checker.texts())
    sizes = len(checker.clean), len(candidates)
    near = [checker.near(number, several) for number, several in enumerate(candidates)]
    chained = heaviest_chain(_weighted(near))
    if 2 * len(chained) < (rows := sum(map(bool, near))):
        what = f"has {rows:,} rows that are near clean ones, and {len(chained):,} of them in the clean order"
        raise DataError(checker.path(), f"{what}: the others are shuffled. Keep the order of the clean rows.")
    for number, between in enumerate(_between(chained, *sizes)):
        near[number] = checker.near(number, between.union(candidates[number]))
    chained = heaviest_chain(_weighted(near))
    partners = {number: clean for clean, number in chained}
    whys = (
        checker.undecided(partners[number], near[number], sorted(between.intersection(near[number])))
        if number in partners
        else checker.unpaired(number, candidates[number])
        for number, between in enumerate(_between(chained, *sizes))
    )
    return checker.pairing("alignment", chained, {number: why for number, why in enumerate(whys) if why})


def _check_left(pairing: Pairing, checker: _Checker, partial: bool) -> None:
    """Raise DataError where no item has a partner and, unless `partial`, one is refused or too many have none."""
    location = checker.path()
    left, size = len(pairing.clean_left), len(checker.clean)
    what, alone = "", " To evaluate the others alone: external_partial = true in a file for --config"
    if pairing.refused and not (partial and pairing.pairs):
        first, count = min(pairing.refused), counted(len(pairing.refused), "row")
        location = checker.noisy.locations[first]
        what = f"{pairing.refused[first]}. {_KEEPS} ({count} without a partner)."
    elif not pairing.pairs:
        what = f"has no item of the {counted(size, 'clean one')} (paired by {pairing.kind})."
    elif left > MOST_LEFT * size and not partial:
        lost = checker.clean[pairing.clean_left[0]].id
        what = f"has no partner for {left:,} of {size:,} clean items, {lost} first (paired by {pairing.kind})."
    if what:
        raise DataError(location, f"{what}{alone if pairing.pairs else ''}")


def _sequences(text: str) -> dict[str, None]:
    """The sequences of characters that a text contains, in order; a shorter text is one."""
    starts = ((start, start + size) for size in _LENGTHS for start in range(max(1, len(text) - size + 1)))
    return dict.fromkeys(text[start:stop] for start, stop in starts)


def _candidates(clean: Sequence[str], noisy: Sequence[str]) -> list[list[int]]:
    """For each noisy text the numbers of the clean ones that share the most rare sequences with it, in this order."""
    containing: defaultdict[str, list[int]] = defaultdict(list)
    for number, text in enumerate(clean):
        for sequence in _sequences(text):
            containing[sequence].append(number)
    rare = {sequence: numbers for sequence, numbers in containing.items() if len(numbers) <= _OFTEN}
    votes = (Counter(chain.from_iterable(rare.get(it, ()) for it in _sequences(text))) for text in noisy)
    return [[number for number, _ in counts.most_common(_CANDIDATES)] for counts in votes]


def _between(chained: Sequence[Pair], clean: int, noisy: int) -> list[set[int]]:
    """For each noisy row the clean ones between the partners of the rows before and after it, if they are not many."""
    partners = {number: first for first, number in chained}
    lows = accumulate((partners.get(number, -1) for number in range(-1, noisy - 1)), max)
    highs = [*accumulate((partners.get(number, clean) for number in range(noisy, 0, -1)), min)][::-1]
    return [{*range(low + 1, min(high, low + 1 + _BETWEEN))} for low, high in zip(lows, highs, strict=True)]


def _weighted(near: Sequence[Near]) -> list[tuple[int, int, float]]:
    """Near pairs with their weights in a chain: less for each edit more than the nearest text needs."""
    least = [min(edits_of.values(), default=0) for edits_of in near]
    more = ((clean, j, edits - least[j]) for j, edits_of in enumerate(near) for clean, edits in edits_of.items())
    return [(clean, j, _GAIN - edits) for clean, j, edits in more if edits < _GAIN]
