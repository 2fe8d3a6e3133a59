"""Cases of a test of which some are part of `make test`; the others are marked `long`."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from typing import Any

import pytest


def some(values: Iterable[Any], kept: int | Collection[Any], whole: bool = False) -> list[Any]:
    """The values of a parameter, or tuples of several, of which those that are not `kept` are marked `long`.

    A number keeps so many, at equal distances, the first among them. A tuple is one value where they are `whole`.
    """
    every = list(values)
    if isinstance(kept, int):
        chosen = {number * len(every) // kept for number in range(kept)}
    else:
        chosen = {number for number, value in enumerate(every) if value in kept}
        assert len(chosen) == len(kept), f"of {kept} some are no values"
    return [value if number in chosen else _marked(value, whole) for number, value in enumerate(every)]


def _marked(value: Any, whole: bool) -> Any:
    if hasattr(value, "marks"):  # made by pytest.param
        return pytest.param(*value.values, marks=(*value.marks, pytest.mark.long), id=value.id)
    return pytest.param(*(value if isinstance(value, tuple) and not whole else (value,)), marks=pytest.mark.long)
