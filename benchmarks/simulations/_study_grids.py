"""Made-up grids of a study of robustness, whose gain and interaction are known: VALUES of any number of seeds.

Three targets with six languages each, three noises, five arms: `none`, `mnli` (with the planted gain), `short` and
`long` (plain checkpoints of other steps, on one line with `none`) and `shuffled` (a control as `none`). Levels are in
points of 200 items and are rounded to whole items. The noise of training has three parts, each with a standard
deviation in points: of a run (all cells and conditions of an arm and seed), of a run under one condition, of one cell.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import polars as pl

from robust_xtreme.files.frames import build, empty
from robust_xtreme.studies.design import ARMS, CLEAN, VALUES
from robust_xtreme.studies.designs.robustness import Robustness

ITEMS: Final = 200
CHANCES: Final = {"xnli": 33.3, "xcopa": 50.0, "panx": 0.0}
LANGUAGES: Final = ("de", "es", "hi", "ru", "sw", "zh")
CONDITIONS: Final = {
    CLEAN: (CLEAN, 0.0), "char_noise:0.2": ("typo", 0.2), "wrong_layout:0.3": ("script", 0.3),
    "frozen keys": ("attack", 0.2),
}  # fmt: skip
SHIFTS: Final = {"none": 0.0, "mnli": 0.0, "short": -5.0, "long": 4.0, "shuffled": 0.0}
"""Clean levels beside that of `none`, in points, without the planted gain."""

ANALYSIS: Final = Robustness("none", ("mnli",), "mnli", ("short", "long"), ("shuffled",))
ARMS_FRAME: Final = empty(ARMS)
_DROPS: Final = (0.0, 12.0, 15.0, 20.0)
_SLOPE: Final = 0.8
"""How much of a plain checkpoint's clean shift is left under noise."""

Noise = Callable[[np.random.Generator, tuple[int, ...]], np.ndarray]

SHAPES: Final[Mapping[str, Noise]] = {
    "normal": lambda draw, size: draw.standard_normal(size),
    "t3": lambda draw, size: draw.standard_t(3, size) / np.sqrt(3),
    "skewed": lambda draw, size: draw.standard_exponential(size) - 1,
}
"""Noise of training with mean 0 and standard deviation 1."""


@dataclass(frozen=True, slots=True)
class Planted:
    """What is planted, in points: the clean gain of `mnli`, and by how much it shrinks under each noise."""

    seeds: int
    gain: float
    shrinks: float
    shape: str = "normal"
    of_run: float = 1.0
    of_condition: float = 1.0
    of_cell: float = 1.5


def values(planted: Planted, draw: np.random.Generator) -> pl.DataFrame:
    """VALUES of one draw of a grid."""
    levels = np.round(_levels(planted, draw) * ITEMS / 100) * 100 / ITEMS
    return build(_columns(levels), VALUES)


def _levels(planted: Planted, draw: np.random.Generator) -> np.ndarray:
    """Levels in points, of shape (arms, seeds, targets, languages, conditions)."""
    shape = len(SHIFTS), planted.seeds, len(CHANCES), len(LANGUAGES), len(CONDITIONS)
    noise = SHAPES[planted.shape]
    seeded = planted.of_run * noise(draw, (*shape[:2], 1, 1, 1))
    seeded = seeded + planted.of_condition * noise(draw, (*shape[:2], 1, 1, shape[4]))
    return np.clip(_expected(planted)[:, None] + seeded + planted.of_cell * noise(draw, shape), 0, 100)


def _expected(planted: Planted) -> np.ndarray:
    """Expected levels, of shape (arms, targets, languages, conditions)."""
    chances, spread = np.array([*CHANCES.values()]), np.linspace(-8, 8, len(LANGUAGES))
    base = chances + 0.55 * (100 - chances)
    cells = base[:, None, None] + spread[None, :, None] - np.array(_DROPS) * ((100 - chances) / 100)[:, None, None]
    noisy = np.array([name != CLEAN for name in CONDITIONS])
    shifts = np.array([*SHIFTS.values()])[:, None] * np.where(noisy, _SLOPE, 1.0)
    gains = np.where(np.array([name == "mnli" for name in SHIFTS])[:, None], planted.gain - planted.shrinks * noisy, 0)
    expected: np.ndarray = cells[None] + (shifts + gains)[:, None, None, :]
    return expected


def _columns(levels: np.ndarray) -> dict[str, Any]:
    axes = [*SHIFTS], range(levels.shape[1]), [*CHANCES], LANGUAGES, [*CONDITIONS]
    arms, seeds, targets, languages, conditions = (axis.ravel() for axis in np.meshgrid(*axes, indexing="ij"))
    value = levels.ravel()
    chance = np.array([CHANCES[target] for target in targets])
    return {
        "arm": arms.tolist(),
        "target": targets.tolist(),
        "language": languages.tolist(),
        "setting": ["zero_shot"] * value.size,
        "family": [CONDITIONS[name][0] for name in conditions],
        "condition": conditions.tolist(),
        "strength": [CONDITIONS[name][1] for name in conditions],
        "seed": seeds.tolist(),
        "metric": ["accuracy"] * value.size,
        "value": value.tolist(),
        "chance": chance.tolist(),
        "above_chance": (value - chance - 7.0).tolist(),
        "n": [ITEMS] * value.size,
        "left_out": [None] * value.size,
    }
