"""Realised strengths: the strength at which noise edits a given share of a calibration text, language by language.

The calibration text (perturbations/calibration) is never an evaluated one. As edits nest, a share of edits grows with
the strength, so that a strength is found by false position (the Illinois rule: Dowell and Jarratt 1971).
"""

import hashlib
import math
from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal
from functools import cache
from typing import Final, NamedTuple

import numpy as np

from robust_xtreme.core import packs, resources
from robust_xtreme.core.edits import Array
from robust_xtreme.core.errors import DataError
from robust_xtreme.core.languages import language, written_in
from robust_xtreme.noise.engine.diff import hunks

KIND: Final = "calibration"
TOLERANCE: Final = 0.1
"""How far, relative to the target, the share on the calibration text may be from it."""
SEEDS: Final = 8
"""How many draws of the noise a share is the mean of, at first."""
ERROR: Final = 0.01
"""The standard error of a share, relative to the target, for which it is the mean of more draws."""
MOST_SEEDS: Final = 128

GRAPHEMES: Final = "graphemes"
WORDS: Final = "words"
TOKENS: Final = "tokens"
"""The axis whose units are those of a model."""
Tokens = Callable[[Sequence[str]], Mapping[str, Sequence[int]]]
"""The token ids of each of some texts."""

_OF_SCRIPT: Final = 0.5
_MORE: Final = 1.5
_ENOUGH: Final = 20
"""The least number of words of a text whose language is checked."""

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
    return tuple(row["text"] for row in packs.table(KIND, code).need("text").rows)


def checked(code: str) -> tuple[str, ...]:
    """The calibration text of a user's pack. Raises DataError where it is in another script or another language.

    The language is another one if bundled texts of that one have half as many again of its words as those of its own.
    """
    values, path = texts(code), packs.table(KIND, code).path
    letters = [letter for value in values for letter in value if letter.isalpha()]
    script = language(code).script
    if sum(written_in(script, letter) for letter in letters) < _OF_SCRIPT * len(letters) or not letters:
        raise DataError(path, f"fewer than half of its letters are of the script {script}")
    words = [word for value in values for word in value.lower().split()]
    if language(code).spaces and len(words) >= _ENOUGH and code in packs.bundled(KIND):
        known = {other: sum(word in _words(other) for word in words) for other in packs.bundled(KIND)}
        most = max(known, key=lambda other: known[other])
        if known[most] > _MORE * known[code]:
            raise DataError(path, f"its words are those of {language(most).name}, and its name says {code!r}")
    return values


@cache
def _words(code: str) -> frozenset[str]:
    """The words of a bundled text."""
    rows = packs.read_table(resources.folder("perturbations") / KIND / f"{code}.tsv").rows
    return frozenset(word for row in rows for word in row["text"].lower().split())


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


def drawn(shares: Callable[[str, int], Array], target: float) -> Solution:
    """The strength whose mean share is the target; `shares` are those of some draws, (draws,) float64.

    The spread of the first draws at their solution says how many give the standard error ERROR, at most MOST_SEEDS.
    Their mean corrects the strength in proportion, as the two are near.
    """

    @cache
    def share(strength: str, seeds: int) -> float:
        return float(shares(strength, seeds).mean())

    first = solve(lambda strength: share(strength, SEEDS), target)
    spread = float(shares(first.strength, SEEDS).std(ddof=1))
    seeds = min(math.ceil((spread / (ERROR * target)) ** 2), MOST_SEEDS)
    if seeds <= SEEDS or not first.attains(target):
        return first
    strength = _decimal(min(1.0, float(first.strength) * target / share(first.strength, seeds)))
    return Solution(strength, share(strength, seeds))


def token_shares(tokens: Tokens, clean: Sequence[str], noisy: Sequence[str]) -> Array:
    """The share of tokens that are replaced, inserted and deleted, by draw, of noisy texts that are draw after draw."""
    known = tokens([*clean, *noisy])
    draws = len(noisy) // len(clean)
    edited = [_edited(known[old], known[new]) for old, new in zip([*clean] * draws, noisy, strict=True)]
    by_draw: Array = np.reshape(edited, (draws, -1)).sum(axis=1)
    return by_draw / sum(len(known[old]) for old in clean)


def _edited(old: Sequence[int], new: Sequence[int]) -> int:
    """The tokens that differ between two sequences; one that replaces another counts once."""
    if old == new:
        return 0
    return sum(max(b - a, d - c) for a, b, c, d in hunks([*map(str, old)], [*map(str, new)]))


def _decimal(strength: float) -> str:
    """A strength of four decimals, at least the least of these, as a canonical decimal."""
    rounded = max(Decimal(strength).quantize(_DIGITS), _DIGITS)
    return format(rounded.normalize(), "f")
