"""A run folder that was damaged: what can be made again is, and the rest is one line that names the file."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path

import pytest
from tests.tiny import tiny_run

from robust_xtreme.errors import DataError, Mismatch
from robust_xtreme.evaluation.run import evaluate
from robust_xtreme.run_spec import RunSpec

_ROWS = "Bill\tB-PER\nGates\tI-PER\nran\tO\n\nRome\tB-LOC\n\n"


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> RunSpec:
    """A tiny finished run."""
    folder = tmp_path_factory.mktemp("finished")
    path = folder / "data" / "panx" / "test-en.tsv"
    path.parent.mkdir(parents=True)
    path.write_text(_ROWS)
    model = str(tiny_run(folder / "tiny", ["panx"]))
    spec = RunSpec((model,), str(folder / "data"), perturb=("char_noise:0.3",), device="cpu", out=str(folder / "out"))
    evaluate(spec)
    return spec


@pytest.fixture
def spec(finished: RunSpec, tmp_path: Path) -> RunSpec:
    """The run in a folder of its own, whose name polars would take for a pattern."""
    return replace(finished, out=str(shutil.copytree(finished.out, tmp_path / "out[1]")))


def _files(folder: str | Path) -> dict[str, bytes]:
    left_out = ("log.txt", ".lock")
    return {p.name: p.read_bytes() for p in Path(folder).rglob("*") if p.is_file() and p.name not in left_out}


@pytest.mark.parametrize(
    "name", ["scores.csv", "deltas.csv", "models.csv", "report.md", "predictions.parquet", "stats.parquet"]
)
@pytest.mark.parametrize("damage", ["gone", "cut", "changed"])
def test_a_damaged_file_of_a_finished_run_is_written_again(spec: RunSpec, name: str, damage: str) -> None:
    """The same command puts back, byte for byte, what is missing, cut short or edited."""
    before = _files(spec.out)
    path = Path(spec.out) / name
    if damage == "gone":
        path.unlink()
    else:
        path.write_bytes(before[name][:40] if damage == "cut" else before[name].replace(b"0", b"1"))
    evaluate(spec)
    assert _files(spec.out) == before


def test_a_manifest_that_is_none_is_named(spec: RunSpec) -> None:
    """A broken manifest is one line with its path; `force` starts over."""
    before = _files(spec.out)
    for content in ("", "[]", "null", "{}", "3", "{", "[" * 100_000):
        (Path(spec.out) / "manifest.json").write_text(content)
        with pytest.raises(DataError, match=r"manifest\.json"):
            evaluate(spec)
    evaluate(spec, force=True)
    assert _files(spec.out) == before


def test_a_manifest_of_another_schema_is_refused(spec: RunSpec) -> None:
    """A folder that another version of the frames wrote is not read as if it were of this one."""
    path = Path(spec.out) / "manifest.json"
    path.write_text(path.read_text().replace('"schema_version": ', '"schema_version": 9'))
    with pytest.raises(Mismatch, match="schema version 9"):
        evaluate(spec)


def test_parts_that_are_missing_are_computed_again(spec: RunSpec) -> None:
    """Without the folder of parts an unfinished run continues as if nothing had been computed."""
    before = _files(spec.out)
    shutil.rmtree(Path(spec.out) / "parts")
    (Path(spec.out) / "scores.csv").unlink()
    evaluate(spec)
    assert _files(spec.out) == before
