"""Shared parts of the metrics of names, tags or ids of documents: their codes, and keys of an item and a code."""

from __future__ import annotations

from typing import Final

import numpy as np

from robust_xtreme.core.columns import ExampleColumns, Names, once, owners
from robust_xtreme.core.metric import Array, Responses

SIZE: Final = 1 << 32
"""A key divided by it is the number of the item."""


def codes(clean: ExampleColumns, names: Names) -> Array:
    """Codes (t,) int64 of names, which are equal where the names are, in all columns of a task run."""
    known, used = once(clean, known_codes), np.zeros(len(names.names), np.bool_)
    used[names.codes] = True
    table = np.zeros(len(names.names), np.int64)
    for code in np.flatnonzero(used).tolist():
        table[code] = known.setdefault(names.names[code], len(known))
    return table[names.codes]


def known_codes(_: ExampleColumns) -> dict[str, int]:
    """Of columns of a task run, once: the codes of the names that occurred so far, in order."""
    return {}


def keys(clean: ExampleColumns, names: Names) -> Array:
    """Keys (t,) int64 of names, which are equal where both the item and the name are."""
    return owners(names.bounds) * SIZE + codes(clean, names)


def gold_keys(clean: ExampleColumns) -> Array:
    """The keys of the gold names, each once, in order."""
    assert isinstance(clean.targets, Names)
    return np.unique(keys(clean, clean.targets))


def right_keys(responses: Responses) -> tuple[Array, Array]:
    """The keys (t,) of the names answered, and whether each is a gold one."""
    assert isinstance(responses.predictions, Names)
    answered, gold = keys(responses.clean, responses.predictions), once(responses.clean, gold_keys)
    of_gold = gold // SIZE
    if (of_gold[1:] != of_gold[:-1]).all():  # a gold name for each item, which need not be searched for
        right = np.full(len(responses), -1)
        right[of_gold] = gold
        return answered, right[owners(responses.predictions.bounds)] == answered
    return answered, np.append(gold, -1)[np.searchsorted(gold, answered)] == answered
