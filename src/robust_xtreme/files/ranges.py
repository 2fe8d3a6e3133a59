"""The ranges of numbers in frames, by the names of their columns: a number outside is refused."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Final

import polars as pl

Range = tuple[float, float]
"""The least and the greatest value."""

POINTS, DIFFERENCE, SHARE, COUNT = (0.0, 100.0), (-100.0, 100.0), (0.0, 1.0), (0.0, math.inf)
"""Of measures, of differences of two, of shares and p, and of counts, rates and errors."""

CHANGE, ANY = (-200.0, 200.0), (-math.inf, math.inf)
"""Of differences of two differences; of what has no range."""

_BY_NAME: Final[Mapping[Range, str]] = {
    POINTS: "value clean chance shallow shallow_noisy worst",
    DIFFERENCE: "drop low high joint_low joint_high above_chance baseline candidate "
    "drop_without_risk low_without_risk high_without_risk",
    SHARE: "constant unchanged not_applicable tokens_changed unknown_clean unknown truncated label_risk success "
    "no_edit edited_share marked p p_adjusted p_gate",
    COUNT: "se widened_se df mde spread seed_spread grapheme_edit_rate word_edit_rate tokens_per_word_clean "
    "tokens_per_word queries queries_to_success words graphemes target strength diversity formats",
}
_ROUNDED: Final = 1e-6


def range_of(name: str, dtype: object, within: Mapping[Range, str]) -> Range:
    """The range of a column: one of those `within` which a frame has its own, else by its name; whole numbers count."""
    if dtype == pl.Int64:
        return ANY if name.endswith("seed") else COUNT
    named = (each for ranges in (within, _BY_NAME) for each, names in ranges.items() if name in names.split())
    return next(named, ANY)


def beyond(values: pl.Series, range: Range) -> pl.Series:
    """Whether numbers are not finite, or outside of a range by more than rounding; null where there is none."""
    return ~(values.is_finite() & values.is_between(range[0] - _ROUNDED, range[1] + _ROUNDED))


def in_words(range: Range) -> str:
    """The bounds of a range after `a number`, for messages."""
    return "" if range == ANY else f" from {range[0]:g}" + (f" to {range[1]:g}" if range[1] < math.inf else "")
