"""Realised strengths: the strength at which noise edits a given share of a calibration text, language by language.

The calibration text (perturbations/calibration) is never an evaluated one. As edits nest, a share of edits grows with
the strength, so that a strength is found by false position (the Illinois rule: Dowell and Jarratt 1971).
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal
from typing import Final, NamedTuple

from robust_xtreme import packs
from robust_xtreme.languages import language
from robust_xtreme.noise.engine.diff import hunks

KIND: Final = "calibration"
TOLERANCE: Final = 0.1
"""How far, relative to the target, the share on the calibration text may be from it."""
SEEDS: Final = 8
"""How many draws of the noise a share is the mean of."""

WORDS: Final = "words"
TOKENS: Final = "tokens"
"""The axis whose units are those of a model."""
Tokens = Callable[[Sequence[str]], Mapping[str, Sequence[int]]]
"""The token ids of each of some texts."""

_DIGITS: Final = Decimal("0.0001")
_CLOSE: Final = 0.005
_STEPS: Final = 16


class Solution(NamedTuple):
    """A strength as a canonical decimal, and the share that it reaches on the calibration text."""

    strength: str
    share: float

    def attains(self, target: float) -> bool:
        """Whether the share is within the tolerance of the target."""
        return abs(self.share - target) <= TOLERANCE * target


@packs.cached
def texts(code: str) -> tuple[str, ...]:
    """The calibration text of a language, by paragraphs. Raises DataError of its pack."""
    table = packs.table(KIND, code)
    table.need("text")
    return tuple(row["text"] for row in table.rows)


def lacks(code: str, axis: str) -> str:
    """Why a language has no realised strengths on an axis; "" if it has. Words are what is between white space."""
    if axis == WORDS and not language(code).spaces:
        return "a share of words is not attainable without spaces between words (take graphemes)"
    return "" if packs.has(KIND, code) else "no calibration text"


@packs.cached
def digest() -> str:
    """The sha256 of all calibration texts, as hexadecimal digits."""
    parts = (f"{code}\t{text}\n" for code in sorted(packs.names(KIND)) for text in texts(code))
    return hashlib.sha256("".join(parts).encode()).hexdigest()


def solve(share: Callable[[str], float], target: float) -> Solution:
    """The strength whose share is nearest to the target, of those that were tried; strengths have four decimals."""
    most = Solution("1", share("1"))
    if most.share <= target:
        return most
    # low, high: strengths whose shares are below and above the target; under, over: their distances from it.
    low, high, under, over = 0.0, 1.0, -target, most.share - target
    best, side = most, 0
    for _ in range(_STEPS):
        strength = _decimal((low * over - high * under) / (over - under))
        reached = share(strength)
        best = min(best, Solution(strength, reached), key=lambda solution: abs(solution.share - target))
        if abs(reached - target) <= _CLOSE * target:
            break
        if reached < target:
            low, under = float(strength), reached - target
            over, side = (over / 2 if side < 0 else over), -1
        else:
            high, over = float(strength), reached - target
            under, side = (under / 2 if side > 0 else under), 1
    return best


def token_share(tokens: Tokens, clean: Sequence[str], noisy: Sequence[str]) -> float:
    """How many tokens are replaced, inserted and deleted, as a share of those of the clean texts."""
    known = tokens([*clean, *noisy])
    edited = sum(_edited(known[old], known[new]) for old, new in zip(clean, noisy, strict=True) if old != new)
    return edited / sum(len(known[old]) for old in clean)


def _edited(old: Sequence[int], new: Sequence[int]) -> int:
    """The tokens that differ between two sequences; one that replaces another counts once."""
    return sum(max(b - a, d - c) for a, b, c, d in hunks([*map(str, old)], [*map(str, new)]))


def _decimal(strength: float) -> str:
    """A strength of four decimals, at least the least of these, as a canonical decimal."""
    rounded = max(Decimal(strength).quantize(_DIGITS), _DIGITS)
    return format(rounded.normalize(), "f")
