"""The rates of key errors of `natural_typing`, fitted on one half of each list and compared with the other half."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from tools.natural.lists import OPERATORS, counted, operator, pairs
from tools.yardstick.pairs import half

from robust_xtreme.core import graphemes, packs
from robust_xtreme.core.edits import span_table
from robust_xtreme.core.languages import language
from robust_xtreme.core.specs import PerturbationSpec
from robust_xtreme.noise.engine.noising import bound, noise_values
from robust_xtreme.noise.members.keyboard_typo import METHODS, RATES

Shares = dict[str, float]

LEAST: Final = 100
"""How many pairs one edit apart a list has at least: half of it fits the rates."""
LARGEST: Final = 2 / 3
"""The largest share of one operator in a list that is a source."""
KINDS: Final = {"replace": "neighbour", "insert": "insert", "delete": "delete", "double": "double", "swap": "swap"}
"""The kind of key errors that represents an operator; nearly all replaced letters are replaced by neighbouring keys."""
ROUNDS: Final = 10
_DRAWN: Final = 20_000
_LINE: Final = 20
_STRENGTH: Final = "0.05"
_BOUNDS: Final = (0.02, 90.0)
COMPOSED: Final = frozenset(method.language for method in METHODS.values())
"""The languages typed with an input method, whose rates are not those of others."""


def sources(folder: Path) -> Iterator[str]:
    """The languages whose list is long and not one-sided; Korean errors are within syllables, and not counted here."""
    for code in sorted({"en", *packs.bundled("misspellings")} - {"ko"}):
        counts = counted(pairs(code, folder))
        if counts.total() >= LEAST and max(counts.values()) <= LARGEST * counts.total():
            yield code


def fitted(code: str, folder: Path) -> dict[str, Any]:
    """Of a language: pairs one edit apart in both halves, their shares, and the rates of key errors of the first."""
    first, second = (half(pairs(code, folder), number) for number in (0, 1))
    shares = _shares(counted(first))
    return {
        "pairs": [sum(counted(some).values()) for some in (first, second)],
        "fitted": shares,
        "held_out": _shares(counted(second)),
        "rates": rates(code, [pair.right for pair in first], shares),
    }


def _shares(counts: Mapping[str, float]) -> Shares:
    total = max(sum(counts.values()), 1)
    return {name: round(counts.get(name, 0) / total, 4) for name in OPERATORS}


def rates(code: str, words: Sequence[str], wanted: Shares) -> dict[str, str]:
    """The rates with which key errors of the words have the wanted shares; a swap, which changes two letters, twice.

    Their sum is that of the default rates, so that the kinds that have no operator here keep their weight.
    """
    chosen = {kind: float(RATES[kind]) for kind in KINDS.values()}
    size = sum(chosen.values())
    for _ in range(ROUNDS):
        spec = "keyboard_typo:0.1@accent=0@shift=0" + "".join(f"@{kind}={rate:.3f}" for kind, rate in chosen.items())
        made = Counter(_each(code, [*words] * max(1, _DRAWN // len(words)), spec))
        total, goal = sum(made[name] for name in KINDS), sum(wanted[name] for name in KINDS)
        for name, kind in KINDS.items():
            share = max(made[name], 1) / max(total, 1)
            chosen[kind] = min(max(chosen[kind] * wanted[name] / goal / share, _BOUNDS[0]), _BOUNDS[1])
        chosen = {kind: rate * size / sum(chosen.values()) for kind, rate in chosen.items()}
    return {kind: f"{rate * (2 if kind == 'swap' else 1):.2f}" for kind, rate in chosen.items()}


def realised(code: str, folder: Path) -> Shares:
    """The shares of the operators in what `natural_typing` makes of right words of the second half, 20 in a line."""
    words = sorted({pair.right for pair in half(pairs(code, folder), 1)})
    lines = [" ".join(words[start : start + _LINE]) for start in range(0, len(words), _LINE)]
    return _shares(Counter(_each(code, lines * max(1, 5 * _DRAWN // len(words)), f"natural_typing:{_STRENGTH}")))


def _each(code: str, values: Sequence[str], spec: str) -> Iterator[str]:
    """The operator of each edit of the values by a perturbation, of those that edit letters."""
    link, ids = bound(PerturbationSpec.parse(spec))[0], [str(number) for number in range(len(values))]
    moved = noise_values(values, ids, span_table([()] * len(values)), code, link, 0).moved
    for number, value in enumerate(values):
        noisy = moved.values[number]
        for start, stop, low, high in moved.moves[moved.bounds[number] : moved.bounds[number + 1]].tolist():
            # The clusters around an edit show whether an inserted letter is doubled, and a mark belongs to its letter.
            before, after = value[max(0, start - 2) : start], value[stop : stop + 2]
            if name := _operator_of(before, value[start:stop], noisy[low:high], after):
                yield name


def _operator_of(before: str, old: str, new: str, after: str) -> str:
    return operator(graphemes.split(before + old + after), graphemes.split(before + new + after))


def mean(rows: Sequence[Mapping[str, Any]], key: str) -> Shares:
    """The mean of the shares or rates of several languages."""
    names = rows[0][key]
    return {name: sum(float(row[key][name]) for row in rows) / len(rows) for name in names}


def scripts(codes: Sequence[str]) -> dict[str, list[str]]:
    """The languages with a fit by script."""
    by_script: dict[str, list[str]] = {}
    for code in codes:
        by_script.setdefault(language(code).script, []).append(code)
    return by_script
