"""On CUDA: the predictions of the CPU in fp32 but for a printed count, bf16 beside them, and a whole run."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import polars as pl
import pytest
import torch
from tests.release import release
from tests.tiny import tiny_run

from robust_xtreme.core.run_spec import RunSpec
from robust_xtreme.report.evaluation import Evaluation
from robust_xtreme.run.run import evaluate

pytestmark = [
    pytest.mark.gpu,
    pytest.mark.skipif(not torch.cuda.is_available(), reason="needs CUDA: none is available here"),
]
TASKS = ("xnli", "panx", "xquad")
KEY = ["task", "language", "condition", "noise_seed", "example"]
MOST_DIFFERENT = 0.01


@pytest.fixture(scope="module")
def spec(tmp_path_factory: pytest.TempPathFactory) -> RunSpec:
    """Three families, clean and noisy."""
    folder = tmp_path_factory.mktemp("gpu")
    run, data = tiny_run(folder / "tiny", TASKS), release(folder / "data")
    perturb = ("char_noise:0,0.2",)
    return RunSpec((str(run),), str(data), tasks=TASKS, perturb=perturb, device="cpu", out=str(folder / "cpu"))


@pytest.fixture(scope="module")
def on_cpu(spec: RunSpec) -> Evaluation:
    """The run on the CPU."""
    return evaluate(spec)


def _different(first: Evaluation, other: Evaluation) -> tuple[int, int]:
    """How many predictions are not the same, of how many."""
    columns = [*KEY, "prediction"]
    joined = first.predictions.select(columns).join(other.predictions.select(columns), on=KEY, suffix="_other")
    assert len(joined) == len(first.predictions)
    return len(joined.filter(pl.col("prediction") != pl.col("prediction_other"))), len(joined)


@pytest.mark.parametrize("precision", ["fp32", "bf16"])
def test_cuda_predicts_what_the_cpu_predicts(
    spec: RunSpec, on_cpu: Evaluation, tmp_path: Path, precision: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """Up to ties in the last bits; how many differ is printed, for bf16 too."""
    on_cuda = evaluate(replace(spec, device="cuda", precision=precision, out=str(tmp_path / precision)))
    different, whole = _different(on_cpu, on_cuda)
    line = f"\n{on_cuda.manifest['device']} {precision}: {different} of {whole} predictions differ from the CPU's"
    with capsys.disabled():
        print(line)  # noqa: T201 - the count is for the reader of the test's output
    assert precision == "bf16" or different <= MOST_DIFFERENT * whole


def test_a_run_on_cuda_computes_its_intervals_there(spec: RunSpec, on_cpu: Evaluation, tmp_path: Path) -> None:
    """Where the predictions are the same, scores and intervals are the CPU's to rounding; strength 0 is exactly 0."""
    on_cuda = evaluate(replace(spec, device="cuda", out=str(tmp_path / "cuda")))
    assert on_cuda.manifest["device"].startswith("cuda: ")
    still = on_cuda.deltas.filter(pl.col("condition").str.contains("char_noise:0@"))
    assert still.get_column("drop").to_list() == [0.0] * len(still)
    if _different(on_cpu, on_cuda)[0] == 0:
        for column in ("value", "se", "low", "high"):
            ours, theirs = on_cpu.scores.get_column(column), on_cuda.scores.get_column(column)
            assert theirs.is_null().equals(ours.is_null())
            assert theirs.drop_nulls().to_list() == pytest.approx(ours.drop_nulls().to_list(), rel=1e-9, abs=1e-9)


def test_a_run_on_cuda_continues_to_the_same_bytes(spec: RunSpec, tmp_path: Path) -> None:
    """A unit that is computed again on the same device gives the same part."""
    mine = replace(spec, device="cuda", tasks=("panx",), out=str(tmp_path / "again"))
    before = evaluate(mine).manifest["files"]
    for path in [*(tmp_path / "again" / "parts").iterdir()][:2]:
        path.unlink()
    (tmp_path / "again" / "scores.csv").unlink()
    assert evaluate(mine).manifest["files"] == before
