"""Which key errors lead from one word to another, and how likely they are: the packs of `keyboard_typo`, reversed."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping

from robust_xtreme.core import packs
from robust_xtreme.core.languages import language
from robust_xtreme.noise.input import confusions, keyboards
from robust_xtreme.noise.input.typing import typing_errors
from robust_xtreme.noise.members.keyboard_typo import METHODS, RATES, layouts_of

Errors = Mapping[str, Mapping[str, float]]
"""The forms that a letter is mistyped as ("": it is missed), each with its likelihood relative to the others."""

SWAP = float(RATES["swap"])


@packs.cached
def errors_of(code: str) -> Errors:
    """The key errors of a language's letters on its usual keyboard or input method, all in small letters."""
    likely: defaultdict[str, defaultdict[str, float]] = defaultdict(lambda: defaultdict(float))
    rows = [row for row in _rows(code) if not row[3]]
    totals: defaultdict[tuple[str, str], float] = defaultdict(float)
    for point, kind, _, _, weight in rows:
        totals[point, kind] += weight
    for point, kind, form, _, weight in rows:
        if form.lower() != point:
            likely[point][form.lower()] += float(RATES[kind]) * weight / totals[point, kind]
    return {point: dict(forms) for point, forms in likely.items()}


def swaps(code: str) -> bool:
    """Whether letters of a language are keys that can be struck out of order."""
    return next(iter(layouts_of(code)), "") not in METHODS


def lacks(code: str) -> str:
    """Why the words of a language cannot be normalised; "" where they can."""
    if not language(code).spaces:
        return "its words are not separated by spaces"
    return "" if layouts_of(code) or packs.has("misspellings", code) else "it has no keyboard and no misspellings"


def _rows(code: str) -> Iterator[tuple[str, str, str, bool, int]]:
    """Point, kind, form, whether the error is in the middle of no word, and weight of each error of a small letter."""
    name = next(iter(layouts_of(code)), "")
    if not name:
        return
    typed = METHODS[name].key_errors() if name in METHODS else typing_errors(keyboards.layout(name), code)
    for error in (*typed, *(() if name in METHODS else confusions.key_errors(code))):
        if error.point == error.point.lower():
            yield error.point, error.kind, error.form, bool(error.where or error.tail), error.weight
