"""`python -m tools.real --noise`: its plan is sound, and its page compares noises with typos at the same rate."""

from __future__ import annotations

import json
import re
from pathlib import Path

import polars as pl
import pytest
from tools.real import noises
from tools.real.stages import ALIGN, CONFIGS, NOISE, PAIRS, PROGRAM, Asked, stages
from tools.real.tables import PLACE, Estimate, read

from robust_xtreme.core.run_spec import from_toml
from robust_xtreme.core.specs import PerturbationSpec

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
    run, task, fields = f"{NOISE}-panx", "panx", "tokens"
    values = {"natural_typing:0.02": (2.0, 0.02), "keyboard_typo:0.02": (1.0, 0.01), "keyboard_typo:0.05": (5.0, 0.03)}
    shared = {"run": run, "task": task, "fields": fields}
    means = [
        {**shared, "kind": "languages", "noise": noise, "drop": drop, "low": drop - 1, "high": drop + 1}
        | {"languages": "de sw"}
        for noise, (drop, _) in values.items()
    ]
    cells = [
        {
            **shared,
            "language": code,
            "noise": noise,
            "metric": "span_f1",
            "clusters": 40.0 if code == "sw" else 300.0,
            "clean": 50.0,
            "drop": drop + 1 if code == "sw" else drop - 1,
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
    """The mean over languages and their number, its interval, realised rates, and typos half way between strengths."""
    _tables(tmp_path)
    text = noises.page(tmp_path)
    row = next(line for line in text.splitlines() if line.startswith("| PAN-X"))
    assert row == (
        "| PAN-X | `natural_typing:0.02` | 2 | 50.0 | -2.0 [-3.0, -1.0] | 2.0 % | +20 % | -3.0 [-4.0, -2.0] |"
    )
    assert "keyboard_typo:0.05" not in text
    text = text.replace("\n", " ")
    assert "PAN-X (F1; de sw; 40 to 300)." in text
    assert "The change divided by that of typos at the same edits, in 1 of 1 rows: `natural_typing` 0.67." in text


def test_a_language_near_chance_is_named_beside_its_rows(tmp_path: Path) -> None:
    """With its widest interval, and by how much the means would differ without it."""
    _tables(tmp_path)
    text = noises.page(tmp_path).partition("| task |")[0].replace("\n", " ")
    near = "Counted, but not shown above chance when clean: PAN-X in Swahili, with intervals up to [-9.0, +0.0]"
    assert f"{near}; without it no mean differs by more than 1.0." in text


def test_typos_on_other_fields_are_not_beside_a_noise(tmp_path: Path) -> None:
    """A noise on a hypothesis is not compared with typos on both sentences."""
    _tables(tmp_path)
    levels, means = (read(tmp_path, name) for name in ("levels", "means"))
    other = pl.when(pl.col("noise").str.starts_with("natural")).then(pl.lit("hypothesis")).otherwise("fields")
    frames = (frame.with_columns(other.alias("fields")) for frame in (levels, means))
    assert [row.typos for row in noises.rows_of(*frames)] == [None]


@pytest.mark.parametrize(
    ("task", "fields", "expected"),
    [
        ("xnli", "premise,hypothesis", "code_switch:1"),
        ("xnli", "hypothesis", "code_switch:1@fields=hypothesis"),
        ("xquad", "question", "code_switch:1@fields=question"),
    ],
)
def test_a_noise_names_the_fields_that_are_no_default(task: str, fields: str, expected: str) -> None:
    """A task with several groups of fields, as XQuAD, runs each by default."""
    assert noises.asked(task, "code_switch:1", fields) == expected


def test_the_noises_of_the_kept_page_are_those_that_were_run() -> None:
    """A spec that is copied from a row is one of a kept run."""
    text = (noises.FOLDER / "README.md").read_text("utf-8")
    printed = set(re.findall(r"^\| [^|]+ \| `([^`]+)` \|", text, re.MULTILINE))
    run = set()
    for path in noises.FOLDER.rglob("manifest.json"):
        for noise in json.loads(path.read_text("utf-8"))["spec"]["perturb"]:
            run |= {str(cell) for cell in PerturbationSpec.parse(noise).cells()}
    assert printed == {noise for noise in run if not noise.startswith(noises.TYPOS)}


def test_the_channel_is_beside_the_degrees_of_its_suite() -> None:
    """The page says at which degrees the suite reads prints."""
    text = (noises.FOLDER / "README.md").read_text("utf-8").replace("\n", " ")
    assert "The degree of `ocr_channel` is 0.8 here, and 0.6 and 1 in the suite `@channel`." in text


def test_the_kept_page_is_that_of_its_tables() -> None:
    """It is made of the tables beside it, and has at most 40 lines beside tables and titles."""
    text = (noises.FOLDER / "README.md").read_text("utf-8")
    assert text == noises.page(noises.FOLDER)
    lines = [line for line in text.splitlines() if line and not line.startswith(("#", "|"))]
    assert len(lines) <= LINES
