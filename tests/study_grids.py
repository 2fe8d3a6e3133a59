"""Grids of studies with planted truth: VALUES, ARMS and CONTRASTS of four designs."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping
from typing import Any

import numpy as np
import polars as pl

from robust_xtreme.files.frames import build
from robust_xtreme.studies.claims import contrasts
from robust_xtreme.studies.design import ARMS, CLEAN, VALUES
from robust_xtreme.studies.designs import capacity, diversity, low_resource, multimodal

SEEDS = range(6)
SPREAD = 0.3
TARGETS = ("xnli", "panx")
LANGUAGES = ("en", "de", "sw", "zh")
Truth = Callable[[str, str, str], float]
"""From arm, target and language to the planted level in points."""


def values_of(
    truth: Truth,
    arms: Iterable[str],
    languages: Iterable[str] = LANGUAGES,
    seeds: Iterable[int] = SEEDS,
    draw: int = 0,
    without: Callable[[dict[str, Any]], bool] | None = None,
) -> pl.DataFrame:
    """VALUES of a grid: the truth and normal noise of each arm and seed, with its own draw."""
    random = np.random.default_rng(draw)
    rows = []
    for seed in seeds:
        for arm in arms:
            noise = random.normal(scale=SPREAD)
            for target in TARGETS:
                for language in languages:
                    level = truth(arm, target, language) + noise + random.normal(scale=SPREAD)
                    rows.append(_row(arm, target, language, seed, level))
    return build([cells for cells in rows if without is None or not without(cells)], VALUES)


def _row(arm: str, target: str, language: str, seed: int, value: float) -> dict[str, Any]:
    names = {"arm": arm, "target": target, "language": language, "setting": "cross-lingual", "seed": seed}
    clean = {"family": CLEAN, "condition": CLEAN, "strength": 0.0, "metric": "accuracy"}
    return {**names, **clean, "value": value, "chance": 20.0, "above_chance": 1.0, "n": 500, "left_out": None}


def arms_of(columns: Mapping[str, Mapping[str, Any]], seeds: Iterable[int] = SEEDS) -> pl.DataFrame:
    """ARMS with these columns of each arm."""
    rows = [
        {
            **dict.fromkeys(ARMS.columns),
            "tasks": 0,
            "arm": arm,
            "seed": seed,
            "target": target,
            "model": f"{arm}-{seed}",
        }
        | dict(given)
        for arm, given in columns.items()
        for seed in seeds
        for target in TARGETS
    ]
    return build(rows, ARMS)


def row(frame: pl.DataFrame, contrast: str, scale: str = "points", **names: str) -> dict[str, Any]:
    """The only row of CONTRASTS with these names."""
    rows = frame.filter(contrast=contrast, scale=scale, **names)
    assert rows.height == 1, (contrast, names, rows.height)
    return rows.row(0, named=True)


def claims_in(frame: pl.DataFrame) -> pl.DataFrame:
    """The rows that claim a sign about the question."""
    return frame.filter(pl.col("sign").is_not_null(), pl.col("tier").is_in(["primary", "secondary"]))


SETS: dict[str, dict[str, Any]] = {
    "a-1k": {"intermediate_examples": 1024, "tasks": 1, "formats": 1.0, "diversity": None},
    "b-1k": {"intermediate_examples": 1024, "tasks": 1, "formats": 1.0, "diversity": None},
    "ab-1k": {"intermediate_examples": 1024, "tasks": 2, "formats": 2.0, "diversity": 0.1},
    "abcd-1k": {"intermediate_examples": 1024, "tasks": 4, "formats": 3.0, "diversity": 0.3},
    "a-4k": {"intermediate_examples": 4096, "tasks": 1, "formats": 1.0, "diversity": None},
    "ab-4k": {"intermediate_examples": 4096, "tasks": 2, "formats": 1.0, "diversity": 0.2},
    "abcd-4k": {"intermediate_examples": 4096, "tasks": 4, "formats": 2.0, "diversity": 0.15},
}
DIVERSITY = diversity.Diversity(
    without="none", arms=tuple(SETS), permuted=(("a-1k", "b-1k"),), contrast={"more": "ab-1k", "less": "a-1k"}
)


def planted(tasks: float, volume: float) -> Truth:
    """Gains that are linear in the number of tasks and the log of the volume."""

    def level(arm: str, target: str, language: str) -> float:
        if arm == "none":
            return 50.0
        given = SETS[arm]
        return 50 + 2 + tasks * int(given["tasks"]) + volume * math.log2(given["intermediate_examples"] / 1024)

    return level


def diverse(truth: Truth, draw: int = 0, **given: Any) -> pl.DataFrame:
    """CONTRASTS of a grid of diversity."""
    values = values_of(truth, ["none", *SETS], draw=draw, **given)
    return contrasts(diversity.estimands(values, arms_of(SETS), DIVERSITY))


FEW = {"few_10": 1.0, "few_100": 3.0, "few_1000": 5.0}
LOW = low_resource.LowResource(
    direct="none", intermediate=("mnli",), few_shot=tuple(FEW), languages=("de", "sw", "zh", "tr", "yo")
)
LOW_LANGUAGES = ("en", *LOW.languages)


def resourced(gain: float, slope: float = 0.0) -> Truth:
    """A gain of the intermediate arm that changes with syntactic distance, beside few-shot arms."""
    from robust_xtreme.studies.designs.low_resource import distances

    far = distances(LOW_LANGUAGES, "syntactic")
    centre = sum(far[code] for code in LOW.languages) / len(LOW.languages)

    def level(arm: str, target: str, language: str) -> float:
        return 40 + FEW.get(arm, 0.0) + (gain + slope * (far[language] - centre) if arm == "mnli" else 0.0)

    return level


def english_few(cell: dict[str, Any]) -> bool:
    """Few-shot arms are not evaluated in English."""
    return cell["arm"] in FEW and cell["language"] == "en"


def low_values(truth: Truth, **given: Any) -> pl.DataFrame:
    """VALUES of a grid with few-shot arms."""
    return values_of(truth, ["none", "mnli", *FEW], LOW_LANGUAGES, without=english_few, **given)


def low_frame(values: pl.DataFrame, analysis: low_resource.LowResource = LOW) -> pl.DataFrame:
    """Its CONTRASTS."""
    return contrasts(low_resource.estimands(values, arms_of({"none": {}, "mnli": {}}), analysis))


MULTI = multimodal.Multimodal(
    pairs=(("clip", "mlm"), ("siglip", "mlm")),
    interactions=(("clip-nli", "mlm-nli", "clip", "mlm"),),
    translated={"de": "nli-de"},
    english="mlm-nli",
)
MULTI_ARMS = ("clip", "siglip", "mlm", "clip-nli", "mlm-nli", "nli-de")


def towers(tower: float, more: float, inside: float, zero: float) -> Truth:
    """A gain of towers, a further one with the task, and gains of a German task inside and outside its language."""

    def level(arm: str, target: str, language: str) -> float:
        base = 50 + (tower if arm in ("clip", "clip-nli") else 0) + (3 if arm.endswith("-nli") else 0)
        base += more if arm == "clip-nli" else 0
        return base + ((3 + {"de": inside, "en": 0}.get(language, zero)) if arm == "nli-de" else 0)

    return level


def multi_frame(truth: Truth, draw: int = 0, **given: Any) -> pl.DataFrame:
    """CONTRASTS of a grid of encoders."""
    values = values_of(truth, MULTI_ARMS, draw=draw, **given)
    return contrasts(multimodal.estimands(values, arms_of({arm: {} for arm in MULTI_ARMS}), MULTI))


SIZES = {"16": 10_000, "32": 40_000, "64": 160_000, "128": 640_000}
LADDER = tuple((f"none-{name}", f"mnli-{name}") for name in SIZES)
MONO = tuple((f"mono-none-{name}", f"mono-mnli-{name}") for name in SIZES)
CAPACITY = capacity.Capacity(pairs=LADDER, monolingual=({"without": MONO[0][0], "with": MONO[0][1]}, *MONO[1:]))
CAPACITY_ARMS = [arm for pair in (*LADDER, *MONO) for arm in pair]


def sized(names: Mapping[str, int] = SIZES) -> pl.DataFrame:
    """ARMS of both ladders."""
    columns = {arm: {"params_nonembedding": names.get(arm.rpartition("-")[2])} for arm in CAPACITY_ARMS}
    return arms_of(columns)


def grown(level: float, slope: float, mono: float = 0.0, curve: float = 0.0) -> Truth:
    """A gain that is linear in log10 of the size around 80,000 parameters; monolingual gains have another level."""

    def value(arm: str, target: str, language: str) -> float:
        size = math.log10(SIZES[arm.rpartition("-")[2]] / 80_000)
        gain = level + slope * size + curve * size**2 + (mono if arm.startswith("mono") else 0)
        return 55 + 4 * size + (gain if "mnli" in arm else 0)

    return value


def grown_frame(truth: Truth, draw: int = 0, **given: Any) -> pl.DataFrame:
    """CONTRASTS of two ladders."""
    values = values_of(truth, CAPACITY_ARMS, draw=draw, **given)
    return contrasts(capacity.estimands(values, sized(), CAPACITY))
