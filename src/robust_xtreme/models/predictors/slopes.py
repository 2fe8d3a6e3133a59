"""By how much edits of an input change what a model scores, to first order: gradients by the embeddings of tokens.

It is HotFlip's estimate (Ebrahimi et al., ACL 2018, arXiv 1712.06751) for what is read after an edit: the tokens that
differ once the edited text is tokenised again, in the place of those that they stand for.
"""

from difflib import SequenceMatcher
from itertools import pairwise

import numpy as np

from robust_xtreme.core.columns import Array
from robust_xtreme.models.predictors.predictor import Slope, Weights
from robust_xtreme.models.reading.reading import QUANTUM, Inputs
from robust_xtreme.models.reading.windows import Windows


def first_order(weights: Weights, inputs: Inputs, edits: Inputs, slope: Slope) -> Array:
    """The change (k,) int64, in QUANTUM, of the margin of one input by each of its `edits` (k)."""
    rows, (after, bounds) = inputs.rows()[0], edits.rows()
    parts: list[tuple[float, ...]] = []
    for edit, (low, high) in enumerate(pairwise(bounds.tolist())):
        for window, (old, new) in enumerate(zip(rows, after[low:high], strict=False)):
            replaced = replacements(_ids(inputs.windows, old), _ids(edits.windows, new))
            parts += [(edit, weight, window, *place) for *place, weight in replaced]
    edit_of, weight_of, *places = np.array(parts).reshape(-1, 5).T
    products = weights.products(inputs.windows.take(rows), np.array(places, np.int64).T, slope)
    change = np.bincount(edit_of.astype(np.int64), weight_of * products, minlength=len(edits))
    return np.rint(change / QUANTUM).astype(np.int64)


def _ids(windows: Windows, row: int) -> list[int]:
    return [*windows.ids[windows.bounds[row] : windows.bounds[row + 1]].tolist()]


def replacements(old: list[int], new: list[int]) -> list[tuple[int, int, float]]:
    """What an edited window adds to the embeddings of the old one: positions, tokens, and how much of each.

    The tokens that differ replace the old ones in their order: several in one place by their mean, one in several
    places where there are fewer. Where tokens are only put in or left out, the one before belongs to both sides.
    """
    blocks = [each for each in SequenceMatcher(None, old, new, False).get_opcodes() if each[0] != "equal"]
    if len(old) == len(new) and len(blocks) > 1 and blocks[-1][0] != "replace":
        blocks.pop()  # what a full window has no room for, or has more room for
    changes: list[tuple[int, int, float]] = []
    for kind, first, stop, low, high in blocks:
        before = kind != "replace"
        replaced, several = old[first - before : stop], new[low - before : high]
        for place, token in enumerate(replaced):
            at = place * len(several) // len(replaced)
            mean = several[at : max(at + 1, (place + 1) * len(several) // len(replaced))]
            changes.append((first - before + place, token, -1.0))
            changes += [(first - before + place, other, 1 / len(mean)) for other in mean]
    return changes
