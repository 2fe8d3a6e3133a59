"""The systems of reports/search find what its table says, on real data: `make test-real`."""

from __future__ import annotations

from pathlib import Path
from typing import Final

import polars as pl
import pytest
from tools.search.data import write
from tools.search.page import METRICS, SYSTEMS

from robust_xtreme import evaluate

pytestmark = [pytest.mark.measured, pytest.mark.real]
ROOT: Final = Path(__file__).parents[2]
NOISE: Final = "keyboard_typo:0.1"


@pytest.mark.parametrize("name", ["bm25", "minilm", "e5", "bm25-e5"])
def test_a_system_finds_what_its_row_says(
    name: str, data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Translations of German and Swahili sentences, clean and with typing errors: within one sentence of 300."""
    monkeypatch.chdir(ROOT)
    system = next(each for each in SYSTEMS if each.run == name)
    write(data, tmp_path / "data")
    task, languages = "tatoeba@to=en", ["de", "sw"]
    run = evaluate(
        model=list(system.models),
        data=tmp_path / "data",
        tasks=task,
        languages=languages,
        perturb=[NOISE],
        cache=False,
        device="cpu",
        out=tmp_path / "run",
    )
    found = {
        row["language"]: (row["clean"], row["value"])
        for row in run.deltas.filter(metric=METRICS[task], scope="all").iter_rows(named=True)
    }
    table = pl.read_csv(ROOT / "reports" / "search" / "systems.csv", infer_schema_length=None)
    rows = table.filter(pl.col("language").is_in(languages), task=task, system=name)
    for code in languages:
        levels = [rows.filter(language=code, noise=noise).item(0, "level") for noise in ("clean", NOISE)]
        assert found[code] == pytest.approx(levels, abs=0.4)
