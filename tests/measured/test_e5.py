"""A real encoder on real data: multilingual-e5-small finds, learns and trains as it did when `e5.json` was written.

`make test-real` writes the encoder first. `pytest -m measured --rewrite-goldens` writes the levels of today.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

import polars as pl
import pytest
import torch
from tests.trainings import files

from robust_xtreme import evaluate, train
from robust_xtreme.report.evaluation import Evaluation
from robust_xtreme.training import stage

pytestmark = [pytest.mark.measured, pytest.mark.real]
ROOT: Final = Path(__file__).parents[2]
ENCODER: Final = ROOT / "runs" / "encoders" / "multilingual-e5-small"
GOLDEN: Final = Path(__file__).with_name("e5.json")
LEARNED: Final[dict[str, Any]] = {
    "task": "panx",
    "batch_size": 16,
    "lr": 3e-4,
    "overlap": "drop",
    "device": "cpu",
    "limit": "2000",
}
KINDS: Final = ("clean", "noisy")
Check = Callable[[str, Any, float], None]


@pytest.fixture(scope="module", autouse=True)
def encoder() -> Path:
    """The folder of the encoder."""
    if not (ENCODER / "model.safetensors").is_file():
        pytest.skip("needs runs/encoders/multilingual-e5-small: make encoders")
    return ENCODER


def _machine() -> str:
    """What the bytes of weights depend on: the program's libraries, the processor and the number of threads."""
    path = Path("/proc/cpuinfo")
    facts = [line.split(":") for line in path.read_text("utf-8").splitlines() if ":" in line] if path.is_file() else []
    first = {name.strip(): value.strip() for name, value, *_ in reversed(facts)}
    processor = " ".join(first.get(name, "") for name in ("model name", "cpu family", "model", "stepping"))
    threads = f"{torch.get_num_threads()} threads"
    return f"torch {torch.__version__}, {torch.backends.cpu.get_cpu_capability()}, {processor}, {threads}"


def _known() -> dict[str, Any]:
    return dict(json.loads(GOLDEN.read_text("utf-8"))) if GOLDEN.is_file() else {}


@pytest.fixture
def check(request: pytest.FixtureRequest) -> Check:
    """Compare levels with those of the file, or write them there."""

    def compare(name: str, found: Any, within: float) -> None:
        if request.config.getoption("--rewrite-goldens"):
            text = json.dumps({**_known(), name: found, "machine": _machine()}, indent=1, sort_keys=True)
            GOLDEN.write_text(text + "\n", encoding="utf-8")
        assert found == (pytest.approx(_known()[name], abs=within) if within else _known()[name])

    return compare


def _levels(result: Evaluation) -> dict[str, float]:
    """The level of each language, clean and noisy, by the headline metric."""
    cells = result.deltas.filter(pl.col("metric").is_in(["retrieval_accuracy", "span_f1"]), scope="all")
    rows = cells.select("language", "clean", "value").iter_rows()
    return {f"{code} {kind}": level for code, *both in rows for kind, level in zip(KINDS, both, strict=True)}


def test_sentences_are_found_as_before(data: Path, tmp_path: Path, check: Check) -> None:
    """Tatoeba in four scripts' languages, clean and under typos, without training: within 0.3 points."""
    result = evaluate(
        model={"tatoeba": ENCODER},
        data=data,
        tasks="tatoeba",
        languages="de,sw,hi,ru",
        perturb=["char_noise:0.1"],
        representation="mean:12/12",
        device="cpu",
        cache=False,
        out=tmp_path / "run",
    )
    check("tatoeba", _levels(result), 0.3)


def test_names_are_learned_as_before(data: Path, tmp_path: Path, check: Check) -> None:
    """Sixty steps of PAN-X: within a point, and on the same kind of machine the same bytes."""
    run = train(encoder=ENCODER, data=data, out=tmp_path / "head", steps=60, seed=0, **LEARNED)
    words: dict[str, Any] = {"languages": "en,de,sw", "limit": "250", "perturb": ["char_noise:0.1"]}
    result = evaluate(
        model={"panx": run}, data=data, tasks="panx", device="cpu", cache=False, out=tmp_path / "run", **words
    )
    check("panx", _levels(result), 1.0)
    if _known()["machine"] == _machine():
        check("sha256 of 60 steps", hashlib.sha256((run / "model" / "model.safetensors").read_bytes()).hexdigest(), 0)


def test_rows_that_occur_give_what_all_rows_give(data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Three steps on 250,037 rows and on those that the data have: the same files."""
    few = train(encoder=ENCODER, data=data, out=tmp_path / "few", steps=3, **LEARNED)
    monkeypatch.setattr(stage, "rows_of", lambda *_: None)
    assert files(few) == files(train(encoder=ENCODER, data=data, out=tmp_path / "all", steps=3, **LEARNED))
