"""By how much edits of inputs change what a model scores, to first order: gradients by the embeddings of tokens.

It is HotFlip's estimate (Ebrahimi et al., ACL 2018, arXiv 1712.06751) for what is read after an edit: the tokens that
differ once the edited text is tokenised again, in the place of those that they stand for. Each input is a pass by
itself, so that no other one changes a bit of its gradient.
"""

from itertools import pairwise, product
from typing import Final

import numpy as np

from robust_xtreme.core.columns import Array
from robust_xtreme.models.predictors.predictor import Slope, Weights
from robust_xtreme.models.reading.reading import QUANTUM, Inputs
from robust_xtreme.models.reading.windows import Windows, in_batches

_MOST: Final = 9
_SHIFTS: Final = sorted(product(range(_MOST), repeat=2), key=sum)
"""How many tokens of each side can differ in a full window, behind which others follow; the fewest first."""


def first_order(weights: Weights, inputs: Inputs, edits: Inputs, owner: Array, slope: Slope) -> Array:
    """The change (k,) int64, in QUANTUM, by each of the `edits` (k) of the input (k,) that owns it."""
    (rows, bounds), (after, ends) = inputs.rows(), edits.rows()
    batches = [rows[low:high] for low, high in pairwise(bounds.tolist())]
    parts: list[list[tuple[float, ...]]] = [[] for _ in batches]
    for edit, (at, low, high) in enumerate(zip(owner.tolist(), ends[:-1].tolist(), ends[1:].tolist(), strict=True)):
        for window, (old, new) in enumerate(zip(batches[at], after[low:high], strict=False)):
            replaced = replacements(_ids(inputs.windows, old), _ids(edits.windows, new))
            parts[at] += [(edit, weight, window, *place) for *place, weight in replaced]
    table = [np.array(part).reshape(-1, 5) for part in parts]
    places = [part[:, 2:].astype(np.int64) for part in table]
    products = np.concatenate(list(weights.products(in_batches(inputs.windows, batches), places, slope)))
    edit, weight = np.concatenate(table)[:, :2].T
    change = np.bincount(edit.astype(np.int64), weight * products, minlength=len(owner))
    return np.rint(change / QUANTUM).astype(np.int64)


def _ids(windows: Windows, row: int) -> Array:
    return np.asarray(windows.ids[windows.bounds[row] : windows.bounds[row + 1]])


def replacements(old: Array, new: Array) -> list[tuple[int, int, float]]:
    """What an edited window adds to the embeddings of the old one: positions, tokens, and how much of each.

    The tokens that differ replace the old ones in their order: several in one place by their mean, one in several
    places where there are fewer. Where tokens are only put in or left out, the one before belongs to both sides.
    """
    start, count, more = _differing(old, new)
    if bool(count) != bool(more):
        start, count, more = start - 1, count + 1, more + 1
    changes: list[tuple[int, int, float]] = []
    for place in range(count):
        low = place * more // count
        several = new[start + low : start + max(low + 1, (place + 1) * more // count)].tolist()
        changes.append((start + place, int(old[start + place]), -1.0))
        changes += [(start + place, token, 1 / len(several)) for token in several]
    return changes


def _differing(old: Array, new: Array) -> tuple[int, int, int]:
    """The first position at which two windows differ, and how many tokens do in each."""
    size = min(len(old), len(new))
    start = int(np.append(old[:size] != new[:size], True).argmax())
    behind = int(np.append(old[::-1][: size - start] != new[::-1][: size - start], True).argmax())
    left, right = len(old) - start - behind, len(new) - start - behind
    if max(left, right) < _MOST:
        return start, left, right
    for first, second in _SHIFTS:
        length = min(len(old) - first, len(new) - second) - start - 1  # without the special token at the end
        if (old[start + first :][:length] == new[start + second :][:length]).all():
            return start, first, second
    return start, left, right
