"""The figures: rates fitted on one half of the real typos, and distances from the other half."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import lru_cache
from itertools import pairwise
from pathlib import Path
from typing import Any, Final, NamedTuple

import numpy as np
import numpy.typing as npt
from tools.yardstick import systems
from tools.yardstick.key_errors import (
    DISTANCES,
    KINDS,
    MECHANICAL,
    POSITIONS,
    Edit,
    edits,
    kind,
    position,
    stretch,
    tenth,
)
from tools.yardstick.pairs import Pair, half, lists

from robust_xtreme.noise.members.keyboard_typo import RATES

Array = npt.NDArray[Any]

GUESSED: Final = {"neighbour": "4", "insert": "2", "delete": "4", "double": "1", "swap": "2", "shift": "1"}
"""The rates before any real typo was looked at; those that are fitted have their sum."""
ROUNDS: Final = 12
DRAWS: Final = 1000
BOUNDS: Final = (2.5, 97.5)


class Measure(NamedTuple):
    """Something about an edit: its classes, and which one a word and an edit fall in."""

    classes: tuple[str, ...]
    of: Callable[[str, Edit], int | None]


def _hand(word: str, edit: Edit) -> int | None:
    name = kind(word, edit)
    return MECHANICAL.index(name) if name in MECHANICAL else None


def _pitches() -> tuple[str, ...]:
    low = ("0", *map(str, DISTANCES))
    return (*(f"{a}-{b}" for a, b in pairwise(low)), f"over {low[-1]}")


MEASURES: Final = {
    "kinds": Measure(KINDS, lambda word, edit: KINDS.index(kind(word, edit))),
    "key errors of the hand": Measure(MECHANICAL, _hand),
    "places": Measure(POSITIONS, position),
    "tenths": Measure(tuple(map(str, range(1, 11))), tenth),
    "distances": Measure(_pitches(), lambda _, edit: stretch(edit)),
}

Rows = dict[str, Array]
"""By measure, how often each class happened in each word (words, classes)."""


@lru_cache(maxsize=1 << 20)
def _classes(right: str, wrong: str) -> tuple[int | None, ...]:
    """By measure the class of the edit between two words that are one apart; empty for others."""
    changes = edits(right, wrong, 1)
    return tuple(measure.of(right, changes[0]) for measure in MEASURES.values()) if changes else ()


def _rows(words: Sequence[str], forms: Mapping[str, Iterable[str]]) -> Rows:
    by_measure = {name: np.zeros((len(words), len(measure.classes))) for name, measure in MEASURES.items()}
    tables = tuple(by_measure.values())
    for number, word in enumerate(words):
        for form, times in Counter(forms.get(word, ())).items():
            for table, which in zip(tables, _classes(word, form), strict=False):
                if which is not None:
                    table[number, which] += times
    return by_measure


def _weighed(made: Rows, real: Rows) -> Rows:
    """Rows of a generator, each word as often as among the real typos."""
    made_kinds, real_kinds = _edits_of(made), _edits_of(real)
    factor = real_kinds / np.maximum(made_kinds, 1)
    return {name: table * factor[:, None] for name, table in made.items()}


def _edits_of(rows: Rows) -> Array:
    """How many edits each word has."""
    total: Array = rows["kinds"].sum(axis=1)
    return total


def fit(pairs: Sequence[Pair]) -> dict[str, Any]:
    """The rates with which key errors of the hand have the shares that they have among real typos."""
    forms = _by_word(pairs)
    words = sorted(forms)
    real = _rows(words, forms)
    wanted = real["key errors of the hand"].sum(axis=0)
    rates = dict(GUESSED)
    for _ in range(ROUNDS):
        made = _weighed(_rows(words, systems.ours(words, rates)), real)["key errors of the hand"].sum(axis=0)
        rates = _nearer(rates, wanted / wanted.sum(), made / made.sum())
    rounded = {name: f"{round(float(rate), 2):g}" for name, rate in rates.items()}
    return {"typos": int(wanted.sum()), "shares": _round(wanted / wanted.sum()), "rates": rounded}


def _nearer(rates: Mapping[str, str], wanted: Array, made: Array) -> dict[str, str]:
    """The rates moved by how far the shares are off, with the sum that they had at first."""
    moved = np.array([float(rates[name]) for name in MECHANICAL]) * wanted / np.maximum(made, 1e-4)
    moved *= sum(map(float, GUESSED.values())) / moved.sum()
    return {name: f"{max(rate, 0.001):.3f}" for name, rate in zip(MECHANICAL, moved.tolist(), strict=True)}


def _by_word(pairs: Iterable[Pair]) -> dict[str, list[str]]:
    spellings: dict[str, list[str]] = {}
    for right, wrong in pairs:
        if _classes(right, wrong):
            spellings.setdefault(right, []).append(wrong)
    return spellings


def distances(real: Rows, made: Rows) -> dict[str, Any]:
    """By measure: the shares of a generator, and their total variation distance with its interval over words."""
    common = (_edits_of(real) > 0) & (_edits_of(made) > 0)
    return {name: _distance(real[name][common], made[name][common]) for name in MEASURES}


def apart(rows: Rows, other: Rows) -> dict[str, Any]:
    """The same for two sets of real typos, whose words are not the same."""
    return {name: _distance(rows[name], other[name], paired=False) for name in MEASURES}


def _distance(real: Array, made: Array, paired: bool = True) -> dict[str, Any]:
    draw = np.random.default_rng(0)
    counts = draw.multinomial(len(real), np.full(len(real), 1 / len(real)), DRAWS).astype(float)
    others = counts if paired else draw.multinomial(len(made), np.full(len(made), 1 / len(made)), DRAWS).astype(float)
    low, high = np.percentile(_variation(counts @ real, others @ made), BOUNDS).tolist()
    whole = made.sum(axis=0)
    return {
        "words": len(made),
        "shares": _round(whole / whole.sum()),
        "tv": round(float(_variation(real.sum(axis=0), whole)), 4),
        "interval": [round(low, 4), round(high, 4)],
    }


def _variation(values: Array, other: Array) -> Array:
    """Total variation distance: the share that would have to move."""
    first, second = (rows / rows.sum(axis=-1, keepdims=True) for rows in (values, other))
    variation: Array = np.abs(first - second).sum(axis=-1) / 2
    return variation


def _round(shares: Array) -> list[float]:
    return [round(share, 4) for share in shares.tolist()]


def measured(folder: Path) -> dict[str, Any]:
    """All figures, from the folder of the four lists."""
    return compared(folder) | {"fit": fit(half(lists(folder).pairs, 0))}


def compared(folder: Path) -> dict[str, Any]:
    """All figures but those of the fit, which takes as long as all others."""
    read = lists(folder)
    first, second = (half(read.pairs, number) for number in (0, 1))
    forms, others = _by_word(second), _by_word(first)
    words = sorted(forms)
    real, rest = _rows(words, forms), _rows(sorted(others), others)
    made = {
        "ours": systems.ours(words, {name: RATES[name] for name in MECHANICAL}),
        "ours, guessed rates": systems.ours(words, GUESSED),
        "nlpaug KeyboardAug": systems.nlpaug(words),
        "letters drawn evenly": systems.uniform(words),
    }
    beside = {name: distances(real, _weighed(_rows(words, forms), real)) for name, forms in made.items()}
    return {
        "lists": _counts(read.pairs) | {name: getattr(read, name) for name in ("read", "signs", "words", "cases")},
        "guessed": GUESSED,
        "used": {name: RATES[name] for name in MECHANICAL},
        "typos": int(_edits_of(real).sum()),
        "words": len(words),
        "classes": {name: list(measure.classes) for name, measure in MEASURES.items()},
        "real": {name: _shares(table) for name, table in real.items()},
        "beside": {"other half": apart(real, rest), **beside},
    }


def _shares(table: Array) -> list[float]:
    whole = table.sum(axis=0)
    return _round(whole / whole.sum())


def _counts(pairs: Sequence[Pair]) -> dict[str, int]:
    """How many pairs are one, two and more edits apart, and of which all edits may be key errors of the hand."""
    edited = [(pair.right, edits(pair.right, pair.wrong, 2)) for pair in pairs]
    hand = [
        len(changes) for word, changes in edited if changes and all(kind(word, edit) in MECHANICAL for edit in changes)
    ]
    sizes = [len(changes) for _, changes in edited if changes]
    return {
        "pairs": len(pairs),
        "one": sizes.count(1),
        "two": sizes.count(2),
        "one_hand": hand.count(1),
        "two_hand": hand.count(2),
    }
