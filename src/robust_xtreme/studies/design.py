"""The design of a study: its question, the keys of its analysis, and what it makes of the values of the runs."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import MISSING, dataclass, fields
from typing import Any, final

import polars as pl

from robust_xtreme.core.errors import SpecError
from robust_xtreme.core.specs import check_keys
from robust_xtreme.studies.frames import Estimand

Estimands = Callable[[pl.DataFrame, pl.DataFrame, Any], list[Estimand]]
"""From VALUES, ARMS and the analysis to what is tested."""

Sentences = Callable[[pl.DataFrame, pl.DataFrame, pl.DataFrame, Any, str], list[str]]
"""From CONTRASTS, VALUES, ARMS, the analysis and the scope to the findings."""


@final
@dataclass(frozen=True, slots=True)
class Design:
    """One of the five questions. `refuted` says what would refute the expected answer; `analysis` is the type of the
    table [analysis] of a study's file."""

    name: str
    question: str
    refuted: str
    analysis: type[Any]
    estimands: Estimands
    sentences: Sentences

    def read(self, values: Mapping[str, Any], arms: Sequence[str], location: str) -> Any:
        """The analysis from its table. Raises SpecError, also for an arm that the study does not have."""
        known = {field.name: field for field in fields(self.analysis)}
        needed = [name for name, field in known.items() if field.default is field.default_factory is MISSING]
        check_keys(values, known, needed, location)
        for name, value in values.items():
            if not isinstance(value, _TYPES[str(known[name].type).partition("[")[0]]):
                raise SpecError(f"{location}: the key {name!r} has a value of another type: {value!r:.80}.")
            for arm in _named(value) if name not in _NOT_ARMS else ():
                if arm not in arms:
                    raise SpecError(f"{location}: {name} names the arm {arm!r:.80}. The arms are: {', '.join(arms)}.")
        try:
            return self.analysis(**{name: _frozen(value) for name, value in values.items()})
        except (TypeError, AttributeError) as error:
            raise SpecError(f"{location} has a value of another type.") from error


_NOT_ARMS = ("languages", "distance", "measures")
"""Keys of an analysis whose values are not arms."""

_TYPES: dict[str, Any] = {
    "str": str, "tuple": list, "int": int, "float": (int, float), "bool": bool, "Mapping": dict, "dict": dict,
}  # fmt: skip


def _named(value: Any) -> list[str]:
    """The names in a value, at any depth."""
    match value:
        case str():
            return [value] if value else []
        case list():
            return [name for item in value for name in _named(item)]
        case dict():
            return [name for item in value.values() for name in _named(item)]
    return []


def _frozen(value: Any) -> Any:
    return tuple(map(_frozen, value)) if isinstance(value, list) else value
