"""The frames of a study: one value of each run and cell, and the contrasts between its arms."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, final

import polars as pl

from robust_xtreme.files.frames import ANY, Frame, FrameColumn, columns, one_of

CLEAN: Final = "clean"
NOISE_FAMILIES: Final = (CLEAN, "typo", "script", "attack", "other")
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
        "value": FrameColumn(pl.Float64),
        "chance": FrameColumn(pl.Float64),
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
        "base": FrameColumn(pl.String, nullable=True),
        "base_kind": FrameColumn(pl.String, nullable=True),
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


@final
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
