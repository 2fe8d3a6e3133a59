"""Claims that are computed again from the frames of a study, for three designs, and a wrong number among them."""

from __future__ import annotations

import dataclasses
import json
import math
from collections.abc import Callable, Mapping
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
TOWERS = "secondary interaction with intermediate tasks clip-nli - mlm-nli clip - mlm"
DESIGNS: dict[str, tuple[Callable[[], pl.DataFrame], Callable[[], pl.DataFrame], Any, Any, set[str]]] = {
    "diversity": (
        lambda: values_of(planted(2, 1), ["none", *SETS]),
        lambda: arms_of(SETS),
        diversity.estimands,
        DIVERSITY,
        set(),
    ),
    "multimodal": (
        lambda: values_of(towers(2, -4, 6, -3), MULTI_ARMS),
        lambda: arms_of({arm: {} for arm in MULTI_ARMS}),
        multimodal.estimands,
        MULTI,
        {f"{TOWERS} {scale}" for scale in ("points", "logit")},
    ),
    "capacity": (
        lambda: values_of(grown(1, -3, mono=2, curve=0.5), CAPACITY_ARMS),
        sized,
        capacity.estimands,
        SIZES,
        set(),
    ),
}
"""Of each design: values, arms, estimands, analysis, and the tested rows that are not computed again."""


@pytest.mark.parametrize("name", DESIGNS)
def test_every_claim_is_computed_again_and_a_changed_one_is_found(name: str, tmp_path: Path) -> None:
    """All rows agree to the last digits, in points and in logits; where an estimate is moved by 0.01, one does not."""
    values, arms, estimands, analysis, left = DESIGNS[name]
    frame = contrasts(estimands(values(), arms(), analysis))
    values().write_csv(tmp_path / "values.csv")
    arms().write_csv(tmp_path / "arms.csv")
    frame.write_csv(tmp_path / "contrasts.csv")
    (tmp_path / "study.json").write_text('{"scale": "small"}')
    keys = json.loads(json.dumps(dataclasses.asdict(analysis)))
    lines = (f"{key} = {_toml(value)}" for key, value in keys.items() if value)
    (tmp_path / "study.toml").write_text("\n".join(["[scales.small]", "[scales.small.analysis]", *lines]))
    found = dict(study_claims.differences(tmp_path))
    assert {row for row in found if math.isnan(found[row])} == left
    assert max(_finite(found)) < 1e-9
    for scale in {*frame.filter(tier="primary")["scale"]}:
        moved = (pl.col("tier") == "primary") & (pl.col("scale") == scale)
        wrong = pl.col("estimate") + pl.when(moved).then(0.01).otherwise(0)
        frame.with_columns(wrong).write_csv(tmp_path / "contrasts.csv")
        assert max(_finite(dict(study_claims.differences(tmp_path)))) == pytest.approx(0.01)


def _finite(found: Mapping[str, float]) -> list[float]:
    return [size for size in found.values() if math.isfinite(size)]


def _toml(value: Any) -> str:
    """JSON is TOML here, but for tables."""
    if isinstance(value, dict):
        return "{ " + ", ".join(f"{key} = {_toml(each)}" for key, each in value.items()) + " }"
    return json.dumps(value)
