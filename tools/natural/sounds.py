"""Letters that are misspelt, by the lists of misspellings: what a letter or two become, and how often."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from typing import Final

from tools.natural.lists import alike_ends, bare_word, operator
from tools.yardstick.pairs import Pair

from robust_xtreme.core import graphemes

_MOST: Final = 60
"""How many errors a pack lists."""
_LEAST: Final = 0.0004
"""The least share of an error in its list; one pair alone is none."""


def sounds(pairs: Iterable[Pair]) -> str:
    """The spelling errors of a list, as a pack writes them: those of letters that are misspelt more often than most."""
    kept = [pair for pair in pairs if operator(graphemes.split(pair.right), graphemes.split(pair.wrong))]
    errors = Counter(error for pair in kept for error in _error(pair.right, pair.wrong))
    seen = Counter(unit for pair in kept for unit in _units(pair.right))
    by_unit: dict[str, int] = defaultdict(int)
    for (old, _), many in errors.items():
        by_unit[old] += many
    mean = errors.total() / max(sum(many for unit, many in seen.items() if len(unit) == 1), 1)
    often = {unit for unit, many in by_unit.items() if many >= mean * seen[unit]}
    least = max(2, _LEAST * errors.total())
    listed = [(error, many) for error, many in errors.items() if error[0] in often and many >= least]
    most = sorted(listed, key=lambda pair: (-pair[1], pair[0]))[:_MOST]
    return " ".join(f"{old}>{new}:{max(1, round(999 * many / most[0][1]))}" for (old, new), many in most)


def _units(word: str) -> Iterator[str]:
    """The letters of a word, and the pairs of letters."""
    yield from word
    yield from (word[start : start + 2] for start in range(len(word) - 1))


def _error(right: str, wrong: str) -> Iterator[tuple[str, str]]:
    """The letters that differ, with the letter before them where one is put in; one of a doubled letter with both."""
    lead, tail = alike_ends(right, wrong)
    old, new = right[lead : len(right) - tail], wrong[lead : len(wrong) - tail]
    if not old and lead:
        old, new = right[lead - 1], right[lead - 1] + new
    elif not new and lead and right[lead - 1] == old:
        old, new = old * 2, old
    # Letters in another order are slips of the hand, but for ie and ei; accents are another part of the mixture.
    slip = len(old) == len(new) == 2 and old == new[::-1] and {*old} != {"e", "i"}
    if old and (old + new).isalpha() and len(old) <= 2 and not slip and bare_word(old) != bare_word(new):
        yield old, new


def shared(listed: Sequence[str]) -> str:
    """The errors that are in the lists of two languages, with the sum of their weights."""
    weights: Counter[str] = Counter()
    many: Counter[str] = Counter()
    for error, _, weight in (error.rpartition(":") for errors in listed for error in errors.split()):
        weights[error] += int(weight)
        many[error] += 1
    most = sorted(
        ((weight, error) for error, weight in weights.items() if many[error] > 1), key=lambda x: (-x[0], x[1])
    )
    return " ".join(f"{error}:{weight}" for weight, error in most[:_MOST])
