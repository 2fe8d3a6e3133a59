"""`eval` on MasakhaNER with a head of PAN-X, which knows no dates, and on AmericasNLI with a head of XNLI."""

from __future__ import annotations

import json
import random
from pathlib import Path

import polars as pl
import pytest
from polars.testing import assert_frame_equal
from tests.tiny import tiny_run

from robust_xtreme.core.run_spec import RunSpec
from robust_xtreme.report.evaluation import Evaluation
from robust_xtreme.run.run import evaluate

TAGS = ("O", "B-PER", "B-LOC", "B-DATE")
NOTE = "masakhaner: the head has no class for DATE; gold DATE counts as O."


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Both releases in miniature."""
    folder = tmp_path_factory.mktemp("files")
    draw = random.Random(0)
    lines = [[f"{draw.choice('abcdefgh') * 3}{number} {draw.choice(TAGS)}" for _ in range(5)] for number in range(24)]
    _write(folder / "masakhaner2/hau/test.txt", "\n\n".join("\n".join(words) for words in lines))
    labels = ("entailment", "neutral", "contradiction")
    rows = [f"{25051 + at}\ttar\tra'íchali {at // 3}\tnejé {at}\t{labels[at % 3]}" for at in range(24)]
    _write(folder / "americasnli/test/tar.tsv", "\n".join(("id\tlanguage\tpremise\thypothesis\tlabel", *rows)))
    return folder


def _write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True)
    path.write_text(text, encoding="utf-8")


def _run(folder: Path, files: Path, task: str, head: str, language: str) -> tuple[Evaluation, pl.DataFrame]:
    model = tiny_run(folder / "model", [head])
    perturb = ("char_noise:0.2",)
    asked = {
        "tasks": (task,),
        "languages": (language,),
        "perturb": perturb,
        "device": "cpu",
        "out": str(folder / "run"),
    }
    result = evaluate(RunSpec((str(model),), str(files), **asked))  # type: ignore[arg-type]  # fields by their names
    return result, pl.read_parquet(result.folder / "predictions.parquet")


def test_dates_are_not_asked_of_a_head_without_them(tmp_path: Path, files: Path) -> None:
    """Gold dates are O in every condition, no constant is one, manifest and report say so; the data stay the same."""
    result, rows = _run(tmp_path / "panx", files, "masakhaner", "panx", "ha")
    masakhaner, all_rows = _run(tmp_path / "own", files, "masakhaner", "masakhaner", "ha")
    assert not rows["gold"].str.contains("DATE").any()
    assert all_rows["gold"].str.contains("DATE").any()
    assert rows["gold"].to_list() == [
        json.dumps(["O" if tag == "B-DATE" else tag for tag in json.loads(gold)]) for gold in all_rows["gold"]
    ]
    assert rows["data"].unique().to_list() == all_rows["data"].unique().to_list()
    assert rows["fingerprint"].to_list() == all_rows["fingerprint"].to_list()
    assert NOTE in json.loads((result.folder / "manifest.json").read_text("utf-8"))["notes"]
    assert NOTE in (result.folder / "report.md").read_text("utf-8")
    assert NOTE not in (masakhaner.folder / "report.md").read_text("utf-8")
    models = [evaluation.stats.get_column("model").unique().to_list() for evaluation in (result, masakhaner)]
    assert ["chance/whole_sentence_DATE" in names for names in models] == [False, True]
    assert rows["setting"].unique().to_list() == ["unknown"]  # its training is not recorded


def test_a_head_of_xnli_answers_americasnli(tmp_path: Path, files: Path) -> None:
    """Every pair is answered, clean and noised, in XNLI's clusters."""
    _, rows = _run(tmp_path, files, "americasnli", "xnli", "tar")
    assert rows.height == 2 * 24
    assert set(rows["cluster"]) == {f"xnli-test/{number}" for number in range(8)}
    assert rows["setting"].unique().to_list() == ["unknown"]  # its training is not recorded
    assert rows.filter(pl.col("condition") != "clean")["edits"].sum() > 0


def test_both_published_layouts_of_americasnli_have_the_same_scores(tmp_path: Path, files: Path) -> None:
    """Levels, edits, drops and their intervals are equal with and without ids: the same texts get the same noise."""
    without = [line.partition("\t")[2] for line in (files / "americasnli/test/tar.tsv").read_text("utf-8").split("\n")]
    _write(tmp_path / "bare/americasnli/test/tar.tsv", "\n".join(without[1:]))
    with_ids, _ = _run(tmp_path / "ids", files, "americasnli", "xnli", "tar")
    bare, _ = _run(tmp_path / "no", tmp_path / "bare", "americasnli", "xnli", "tar")
    levels = ("condition", "metric", "scope", "value", "n", "clusters")
    assert_frame_equal(with_ids.scores.select(levels), bare.scores.select(levels))
    drops = ("condition", "drop", "low", "high", "p")
    assert_frame_equal(with_ids.deltas.select(drops), bare.deltas.select(drops))
    assert with_ids.deltas.height
