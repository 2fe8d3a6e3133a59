"""`python -m tools.real --noise`: its plan is sound, and its page compares noises with typos at the same rate."""

from __future__ import annotations

from pathlib import Path

import polars as pl
import pytest
from tools.real import noises
from tools.real.stages import ALIGN, CONFIGS, NOISE, PAIRS, PROGRAM, Asked, stages
from tools.real.tables import PLACE, Estimate

from robust_xtreme.core.run_spec import from_toml

CURVE = [(0.2, Estimate(-20.0, -24.0, -16.0)), (0.1, Estimate(-10.0, -13.0, -7.0))]
LINES = 40


@pytest.mark.parametrize(
    ("rate", "expected"),
    [(0.0, (0.0, 0.0, 0.0)), (0.05, (-5.0, -6.5, -3.5)), (0.1, (-10.0, -13.0, -7.0)), (0.15, (-15.0, -18.5, -11.5))],
)
def test_typos_are_interpolated(rate: float, expected: tuple[float, float, float]) -> None:
    """Between two strengths, and from nothing to the lowest one."""
    assert noises.interpolated(rate, CURVE) == pytest.approx(expected)


def test_typos_are_not_extrapolated() -> None:
    """Beyond the strongest typos nothing is known."""
    assert noises.interpolated(0.21, CURVE) is None


def test_the_plan_has_what_it_needs(tmp_path: Path) -> None:
    """Every recipe is a stage, all its heads and packs are before it, and every stage has an estimate."""
    every = stages(Asked(tmp_path / "release", out=tmp_path / "real", noise=True))
    done: set[str] = set()
    for stage in every:
        assert set(stage.needs) <= done
        assert stage.kind not in PROGRAM or stage.kind == ALIGN or stage.size.tokens
        done.add(stage.name)
    assert {stage.config for stage in every} >= {*(CONFIGS / NOISE).glob("*.toml")}
    for path in (CONFIGS / NOISE).glob("*.toml"):
        spec = from_toml(path, model=("mini",), data=str(tmp_path))
        switched = [noise for noise in spec.perturb if noise.startswith("code_switch")]
        partners = {noise.split("@with=")[1].split("@")[0] for noise in switched}
        assert {(code, other) for code in spec.languages for other in partners} <= {*PAIRS}


def _tables(folder: Path) -> None:
    """Tables of one run with two languages."""
    place = folder / PLACE
    place.mkdir(parents=True)
    run, task, fields = f"{NOISE}-panx", "panx", ""
    values = {"natural_typing:0.02": (2.0, 0.02), "keyboard_typo:0.02": (1.0, 0.01), "keyboard_typo:0.05": (5.0, 0.03)}
    shared = {"run": run, "task": task, "fields": fields}
    means = [
        {**shared, "kind": "languages", "noise": noise, "drop": drop, "low": drop - 1, "high": drop + 1}
        for noise, (drop, _) in values.items()
    ]
    cells = [
        {
            **shared,
            "language": code,
            "noise": noise,
            "clean": 50.0,
            "drop": drop,
            "low": 0.0,
            "high": 9.0,
            "edits": edits,
            "tokens_clean": 1.5,
            "tokens": 1.8,
            "above_chance": -1.0 if code == "sw" else 9.0,
        }
        for noise, (drop, edits) in values.items()
        for code in ("de", "sw")
    ]
    pl.DataFrame(means).write_csv(place / "means.csv")
    pl.DataFrame(cells).write_csv(place / "levels.csv")


def test_the_page_has_a_row_for_each_noise(tmp_path: Path) -> None:
    """The mean over languages, its interval, realised rates, and typos half way between two strengths."""
    _tables(tmp_path)
    text = noises.page(tmp_path)
    row = next(line for line in text.splitlines() if line.startswith("| PAN-X"))
    assert row == ("| PAN-X | `natural_typing:0.02` | 50.0 | -2.0 [-3.0, -1.0] | 2.0 % | +20 % | -3.0 [-4.0, -2.0] |")
    assert "keyboard_typo:0.05" not in text
    assert "Beside typos at the same edits: 0.67 times." in text
    assert "Not shown above chance when clean: PAN-X in Swahili." in text.replace("\n", " ")


def test_the_kept_page_is_that_of_its_tables() -> None:
    """It is made of the tables beside it, and has at most 40 lines without heads and titles."""
    text = (noises.FOLDER / "README.md").read_text("utf-8")
    assert text == noises.page(noises.FOLDER)
    lines = [line for line in text.splitlines() if line and not line.startswith(("#", "| task", "|---"))]
    assert len(lines) <= LINES
