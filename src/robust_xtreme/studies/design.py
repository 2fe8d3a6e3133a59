"""The design of a study: its frames, its question, the keys of its analysis, and what it makes of the values."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import MISSING, dataclass, fields
from typing import Any, Final

import polars as pl

from robust_xtreme.core.errors import SpecError
from robust_xtreme.core.specs import check_keys
from robust_xtreme.files.frames import ANY, Frame, FrameColumn, columns, one_of

CLEAN: Final = "clean"
NOISE_FAMILIES: Final = (CLEAN, "typo", "natural", "script", "attack", "other")
SCALES: Final = ("points", "corrected", "logit", "none")

VALUES: Final = Frame(
    "values",
    {
        **columns(pl.String, "arm target language setting"),
        "family": one_of(*NOISE_FAMILIES),
        "condition": FrameColumn(pl.String),
        "strength": FrameColumn(pl.Float64),
        "seed": FrameColumn(pl.Int64),
        "metric": FrameColumn(pl.String),
        **columns(pl.Float64, "value chance"),
        "above_chance": FrameColumn(pl.Float64, nullable=True),
        "n": FrameColumn(pl.Int64),
        "left_out": FrameColumn(pl.String, nullable=True),
    },
    ("arm", "target", "language", "condition", "seed"),
)
"""One row per training run and cell: the headline metric and its chance, in points.

`seed` is that of the training, which is the unit of every claim. `condition` is `clean` or one noise at one strength,
without its fields; `strength` is 0 where it is clean. `above_chance` is the lower 97.5 % bound of the value minus
chance, over items. `left_out` says why a cell shows no transfer: `own training data` or `overlap`.
"""

ARMS: Final = Frame(
    "arms",
    {
        "arm": FrameColumn(pl.String),
        "seed": FrameColumn(pl.Int64),
        "target": FrameColumn(pl.String),
        "intermediate_set": FrameColumn(pl.String, nullable=True),
        "intermediate_examples": FrameColumn(pl.Int64, nullable=True),
        "tasks": FrameColumn(pl.Int64),
        **columns(pl.Float64, "diversity formats", nullable=True),
        **columns(pl.Int64, "params params_nonembedding steps", nullable=True),
        **columns(pl.String, "base base_kind", nullable=True),
        "model": FrameColumn(pl.String),
    },
    ("arm", "target", "seed", "model"),
)
"""One row per model that was evaluated: what it was trained on, as its record says.

`tasks` counts the intermediate tasks, `formats` their formats (families), `steps` are those of all stages.
"""

CONTRASTS: Final = Frame(
    "contrasts",
    {
        "tier": one_of("primary", "secondary", "exploratory", "control"),
        **columns(pl.String, "contrast arm reference target language condition"),
        "scale": one_of(*SCALES),
        "seeds": FrameColumn(pl.Int64),
        "estimate": FrameColumn(pl.Float64),
        **columns(pl.Float64, "se df low high p p_adjusted mde", nullable=True),
        "m": FrameColumn(pl.Int64, nullable=True),
        "sign": one_of("higher", "lower", nullable=True),
        "method": FrameColumn(pl.String),
    },
    ("tier", "contrast", "arm", "reference", "target", "language", "condition", "scale"),
    {ANY: "low high"},
)
"""One row per contrast: a number of each training seed, their mean, and its t interval at 95 % over seeds.

Columns that do not name a contrast are empty. `p_adjusted` is Holm's over the `m` contrasts of the tier that share its
correction, divided by the tier's share of alpha; a contrast on several scales is one of them, with its largest p.
`mde` is the smallest effect that is significant with 80 % power at the corrected level, from `se` and `df`. `sign` is
null where none is claimed, and the same on all scales. `method` says how the interval was made, or why there is none.
"""


@dataclass(frozen=True, slots=True)
class Estimand:
    """A contrast before it is tested: its names, and its number in each training seed (seed to number).

    `corrected_with` names the family of tests that share Holm's correction within the tier; "" is the whole tier.
    Names that are not given are "".
    """

    tier: str
    contrast: str
    by_seed: Mapping[int, float]
    scale: str = "points"
    arm: str = ""
    reference: str = ""
    target: str = ""
    language: str = ""
    condition: str = ""
    corrected_with: str = ""


Row = Mapping[str, Any]


def row_of(contrasts: pl.DataFrame, contrast: str, scale: str = "points", **names: str) -> dict[str, Any] | None:
    """The row of CONTRASTS with this contrast, scale and further names; None where there is none."""
    rows = contrasts.filter(contrast=contrast, scale=scale, **names)
    return rows.row(0, named=True) if rows.height else None


def finding(row: Row | None, what: str, unit: str = "points") -> str:
    """A sentence of a contrast: what it is of, number, interval, smallest effect to be claimed, and claimed sign."""
    if row is None:
        return f"{what}: not computed, as no training seed has all of its cells."
    number = f"{signed(row['estimate'])} {unit}".strip()
    seeds = f"{row['seeds']} training seed{'' if row['seeds'] == 1 else 's'}"
    mde = "" if row["mde"] is None else f", 80 % power from {row['mde']:.2f} on"
    return f"{what}: {number} ({interval(row)}, {seeds}{mde}). {_claim(row)}"


def signed(value: float) -> str:
    """A number with its sign and three significant places, at least two decimals: `+0.42`."""
    return f"{value:+.2f}" if abs(value) >= 0.1 or value == 0 else f"{value:+.2g}"


def interval(row: Row) -> str:
    """The interval of a row, or why it has none."""
    if row["low"] is None:
        return f"no interval: {row['method']}"
    return f"95 % interval {signed(row['low'])} to {signed(row['high'])}"


def _claim(row: Row) -> str:
    if row["tier"] == "exploratory":
        return "It is explored: no sign is claimed."
    p = row["p_adjusted"]
    known = "" if p is None else f" (corrected p {f'{p:.3f}' if p >= 0.001 else 'below 0.001'})"
    sign = {"higher": "It is above 0", "lower": "It is below 0", None: "No sign is claimed"}[row["sign"]]
    return f"{sign}{known}."


@dataclass(frozen=True, slots=True)
class Design:
    """One of the five questions. `refuted` says what would refute the expected answer; `analysis` is the type of the
    table [analysis] of a study's file. `estimands` makes of VALUES, ARMS and the analysis what is tested, `sentences`
    of CONTRASTS, VALUES, ARMS and the analysis the findings."""

    name: str
    question: str
    refuted: str
    analysis: type[Any]
    estimands: Callable[[pl.DataFrame, pl.DataFrame, Any], list[Estimand]]
    sentences: Callable[[pl.DataFrame, pl.DataFrame, pl.DataFrame, Any], list[str]]

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


def _named(value: Any) -> list[Any]:
    """The names in a value, at any depth, and what stands in the place of one; nothing in a number alone."""
    if isinstance(value, str):
        return [value] if value else []
    parts = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return [name for part in parts for name in (_named(part) if isinstance(part, (str, list, dict)) else [part])]


def _frozen(value: Any) -> Any:
    return tuple(map(_frozen, value)) if isinstance(value, list) else value
