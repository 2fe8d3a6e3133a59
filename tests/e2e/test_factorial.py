"""`factorial` on the embedded model: its runs, frames and page, and what it refuses."""

from __future__ import annotations

from itertools import product
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from tests.program import program

from robust_xtreme import factorial, load
from robust_xtreme.core.errors import SpecError, UserError
from robust_xtreme.files import store
from robust_xtreme.files.schema import DESIGN, EFFECTS
from robust_xtreme.studies.factorial import design_of

_NOISE = "char_noise:0.1@fields=premise,hypothesis"
_WORDS = ("--tasks", "xnli", "--languages", "de,sw", "--limit", "60", "--perturb", "char_noise:0.1")


def _recomputed(folder: Path, runs: dict[tuple[str, str], Path]) -> dict[tuple[str, str], float]:
    """From the stored answers alone: effects of precision and of the normaliser by language, and how noise changes them."""
    level = {}
    for point, run in runs.items():
        rows = load(run).predictions.filter(~pl.col("model").str.contains("/"))
        right = rows.with_columns(right=pl.col("prediction") == pl.col("gold"))
        for key, part in right.group_by("language", "condition"):
            level[(*point, *map(str, key))] = 100 * float(part["right"].mean())  # type: ignore[arg-type]  # of booleans
    found = {}
    for code in ("de", "sw"):
        at = np.array(
            [[[level[p, n, code, c] for c in ("clean", _NOISE)] for n in ("", "spelling")] for p in ("fp32", "bf16")]
        )
        found["normalise", code] = (at[:, 1, 1] - at[:, 0, 1]).mean() - (at[:, 1, 0] - at[:, 0, 0]).mean()
        found["precision", code] = (at[1, :, 1] - at[0, :, 1]).mean() - (at[1, :, 0] - at[0, :, 0]).mean()
    return found


def test_a_design_is_measured_written_and_read_again(tmp_path: Path) -> None:
    """Four runs are made once; the frames have the effects that the stored answers have; the page says them."""
    words = ("factorial", "mini", *_WORDS, "--precision", "fp32,bf16", "--normalise", ",spelling")
    ended = program(*words, "--out", str(tmp_path / "out"))
    assert ended.code == 0, ended.err
    assert "4 combinations, measured in 4 runs" in ended.out
    effects = store.read_frame(tmp_path / "out/effects.parquet", EFFECTS)
    assert store.read_frame(tmp_path / "out/effects.csv", EFFECTS).height == effects.height == 3 * 8
    cells = store.read_frame(tmp_path / "out/design.csv", DESIGN)
    assert cells["levels"].n_unique() == 4
    made = sorted(path.name for path in (tmp_path / "out").iterdir() if path.is_dir())
    values = {"model": "mini", "tasks": "xnli", "languages": "de,sw", "limit": "60", "perturb": "char_noise:0.1"}
    values |= {"precision": "fp32,bf16", "normalise": ",spelling", "out": str(tmp_path / "out")}
    design = design_of(values)
    assert sorted(Path(spec.out).name for spec in design.runs.values()) == made
    runs = {point: Path(design.runs[point].out) for point in product(("fp32", "bf16"), ("", "spelling"))}
    extra = effects.filter(kind="cell", other="noise")
    for (factor, code), value in _recomputed(tmp_path, runs).items():  # type: ignore[arg-type]  # two factors
        assert extra.filter(factor=factor, language=code)["difference"].item() == pytest.approx(value, abs=1e-9)
    page = (tmp_path / "out/report.html").read_text(encoding="utf-8")
    assert "<svg" in page
    assert "normalise spelling instead of default x noise" in page
    again = factorial(**values)  # type: ignore[arg-type]  # keys of a run
    assert again.effects.equals(effects)
    assert not again.failed


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
