"""Claims that are computed again from the frames of a study, for three designs, and a wrong number among them."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from tests.study_grids import (
    CAPACITY_ARMS,
    DIVERSITY,
    LADDER,
    MONO,
    MULTI,
    MULTI_ARMS,
    SETS,
    arms_of,
    grown,
    planted,
    sized,
    towers,
    values_of,
)
from tools.yardstick import study_claims

from robust_xtreme.studies.claims import contrasts
from robust_xtreme.studies.designs import capacity, diversity, multimodal

SIZES = capacity.Capacity(pairs=LADDER, monolingual=MONO)
DESIGNS: dict[str, tuple[Callable[[], pl.DataFrame], Callable[[], pl.DataFrame], Any, Any, set[str]]] = {
    "diversity": (
        lambda: values_of(planted(2, 1), ["none", *SETS]),
        lambda: arms_of(SETS),
        diversity.estimands,
        DIVERSITY,
        {"tasks", "log2 volume", "distance", "formats", "other tasks"},
    ),
    "multimodal": (
        lambda: values_of(towers(2, -4, 6, -3), MULTI_ARMS),
        lambda: arms_of({arm: {} for arm in MULTI_ARMS}),
        multimodal.estimands,
        MULTI,
        {"what was learned before", "in-language", "zero-shot"},
    ),
    "capacity": (
        lambda: values_of(grown(1, -3, mono=2, curve=0.5), CAPACITY_ARMS),
        sized,
        capacity.estimands,
        SIZES,
        {"slope over size", "curvature over size", "multilingual minus monolingual gain"},
    ),
}
"""Of each design: values, arms, estimands, analysis, and the contrasts that are computed again."""


@pytest.mark.parametrize("name", DESIGNS)
def test_every_claim_is_computed_again_and_a_changed_one_is_found(name: str, tmp_path: Path) -> None:
    """All rows agree to the last digits; where one estimate is moved by 0.01 points, that row does not."""
    values, arms, estimands, analysis, expected = DESIGNS[name]
    frame = contrasts(estimands(values(), arms(), analysis))
    values().write_csv(tmp_path / "values.csv")
    arms().write_csv(tmp_path / "arms.csv")
    frame.write_csv(tmp_path / "contrasts.csv")
    (tmp_path / "study.json").write_text('{"scale": "small"}')
    keys = json.loads(json.dumps(dataclasses.asdict(analysis)))
    lines = (f"{key} = {_toml(value)}" for key, value in keys.items() if value)
    (tmp_path / "study.toml").write_text("\n".join(["[scales.small]", "[scales.small.analysis]", *lines]))
    found = dict(study_claims.differences(study_claims.Frames(tmp_path)))
    assert expected <= {contrast for contrast in frame["contrast"] if any(contrast in row for row in found)}
    assert max(found.values()) < 1e-9
    first = (pl.col("tier") == "primary") & (pl.col("scale") == "points")
    frame.with_columns(pl.col("estimate") + pl.when(first).then(0.01).otherwise(0)).write_csv(
        tmp_path / "contrasts.csv"
    )
    assert max(dict(study_claims.differences(study_claims.Frames(tmp_path))).values()) == pytest.approx(0.01)


def _toml(value: Any) -> str:
    """JSON is TOML here, but for tables."""
    if isinstance(value, dict):
        return "{ " + ", ".join(f"{key} = {_toml(each)}" for key, each in value.items()) + " }"
    return json.dumps(value)
