"""Cases of a test of which some are part of `make test`; the others are marked `long`."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from typing import Any

import pytest


def some(values: Iterable[Any], kept: int | Collection[Any], caught: str, whole: bool = False) -> list[Any]:
    """The values of a parameter, or tuples of several, of which those that are not `kept` are marked `long`.

    A number keeps so many, at equal distances, the first among them. A tuple is one value where they are `whole`.
    `caught` names the test of which `make test` still has what the others catch, as the marker does.
    """
    every = list(values)
    if isinstance(kept, int):
        chosen = {number * len(every) // kept for number in range(kept)}
    else:
        chosen = {number for number, value in enumerate(every) if value in kept}
        assert len(chosen) == len(kept), f"of {kept} some are no values"
    mark = pytest.mark.long(caught=caught)
    return [value if number in chosen else _marked(value, mark, whole) for number, value in enumerate(every)]


def _marked(value: Any, mark: pytest.MarkDecorator, whole: bool) -> Any:
    if hasattr(value, "marks"):  # made by pytest.param
        return pytest.param(*value.values, marks=(*value.marks, mark), id=value.id)
    return pytest.param(*(value if isinstance(value, tuple) and not whole else (value,)), marks=mark)
