"""`factorial` on the embedded model: its runs, frames and page, and what it refuses."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from tests.program import program

from robust_xtreme import factorial, load
from robust_xtreme.core.errors import SpecError, UserError
from robust_xtreme.core.run_spec import RunSpec
from robust_xtreme.files import store
from robust_xtreme.files.schema import DESIGN, EFFECTS
from robust_xtreme.stats.benchmark import Task
from robust_xtreme.studies import factorial as module
from robust_xtreme.studies.factorial import _scored, design_of

_NOISE = "char_noise:0.1@fields=premise,hypothesis"
_WORDS = ("--tasks", "xnli", "--languages", "de,sw", "--limit", "60", "--perturb", "char_noise:0.1")


def _recomputed(runs: Mapping[tuple[str, ...], RunSpec], code: str) -> float:
    """From the stored answers alone: by how many points more noise changes the share of right ones in bf16."""
    level = {}
    for (precision,), spec in runs.items():
        rows = load(spec.out).predictions.filter(language=code)
        for (condition,), part in rows.group_by("condition"):
            level[precision, condition] = 100 * float((part["prediction"] == part["gold"]).mean())  # type: ignore[arg-type]  # of booleans
    before, after = (level[precision, _NOISE] - level[precision, "clean"] for precision in ("fp32", "bf16"))
    return after - before


def test_a_design_is_measured_written_and_read_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A run for each level is made once; the frames have the effects of the stored answers, and the page says them."""
    words = ("factorial", "mini", *_WORDS, "--precision", "fp32,bf16", "--out", str(tmp_path))
    ended = program(*words)
    assert ended.code == 0, ended.err
    assert "2 combinations, measured in 2 runs" in ended.out
    effects = store.read_frame(tmp_path / "effects.parquet", EFFECTS)
    assert store.read_frame(tmp_path / "effects.csv", EFFECTS).height == effects.height == 3 * 4
    assert store.read_frame(tmp_path / "design.csv", DESIGN)["levels"].n_unique() == 2
    values: dict[str, Any] = {"tasks": "xnli", "languages": "de,sw", "limit": 60, "perturb": "char_noise:0.1"}
    values |= {"model": "mini", "precision": ["fp32", "bf16"], "out": str(tmp_path)}
    runs = design_of({**values, "limit": "60"}).runs
    assert {Path(spec.out).name for spec in runs.values()} == {
        path.name for path in tmp_path.iterdir() if path.is_dir()
    }
    for code in ("de", "sw"):
        row = effects.filter(factor="precision", other="noise", language=code).row(0, named=True)
        assert row["difference"] == pytest.approx(_recomputed(runs, code), abs=1e-9)
    assert "precision bf16 x noise" in (tmp_path / "report.html").read_text(encoding="utf-8")
    again = factorial(**values)
    assert again.effects.equals(effects)
    assert not again.failed
    _assert_named(again.cells, monkeypatch, words)


def _assert_named(cells: pl.DataFrame, patch: pytest.MonkeyPatch, words: Sequence[str]) -> None:
    """What one level lacks is left out of all by name, and the command fails; of a run of several dims each is one."""

    def scored(scores: pl.DataFrame, tasks: Mapping[str, Task], dims: str | None) -> pl.DataFrame:
        in_bf16 = pl.col("inference").str.contains("bf16")
        return _scored(scores, tasks, dims).filter(~(in_bf16 & (pl.col("language") == "sw")))

    patch.setattr(module, "_scored", scored)
    ended = program(*words)
    assert ended.code == 3
    assert "xnli/sw" in ended.err
    assert "Left out: xnli/sw clean, measured only at precision=fp32." in ended.out
    assert "German (de)" in ended.out
    assert "Swahili" not in ended.out
    scores = cells.filter(language="de").drop("levels")
    two = pl.concat(scores.with_columns(pl.col("inference") + f" dims={dims}") for dims in (64, 256))
    tasks = {"xnli": Task(("accuracy",), ("accuracy",), ("premise",), {})}
    assert _scored(two, tasks, "64").height == _scored(scores, tasks, None).height == scores.height


def test_a_design_without_levels_or_with_attacks_is_refused(tmp_path: Path) -> None:
    """One level of each factor is no design; attacks and what they left choose items by the outcome of one setting."""
    ended = program("factorial", "mini", *_WORDS, "--out", str(tmp_path / "out"))
    assert ended.code == 2
    assert "needs two levels" in ended.err
    assert not (tmp_path / "out").exists()
    several = {"model": "mini", "precision": ["fp32", "bf16"]}
    for more in ({"perturb": "textfooler:0.1"}, {"frozen": str(tmp_path)}):
        with pytest.raises(SpecError, match="takes no attack"):
            design_of({**several, **more})
    with pytest.raises(UserError, match="int3"):
        design_of({**several, "precision": ["fp32", "int3"]})


def test_a_plan_names_the_runs_and_computes_nothing(tmp_path: Path) -> None:
    """`--plan` says how many runs there are and what each takes, and makes no folder."""
    words = ("factorial", "mini", *_WORDS, "--precision", "fp32,bf16", "--out", str(tmp_path / "out"), "--plan")
    ended = program(*words)
    assert ended.code == 0, ended.err
    assert "precision (fp32, bf16): 2 combinations, measured in 2 runs" in ended.out
    assert ended.out.count("Run ") == 2
    assert not (tmp_path / "out").exists()
