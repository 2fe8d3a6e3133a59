"""Texts that attacks left, written as files of their task."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from pathlib import Path

import polars as pl
import pytest
from tests.mini_suite import mini_rows

from robust_xtreme.core import registry, resources
from robust_xtreme.core.errors import RobustXtremeError
from robust_xtreme.core.run_spec import RunSpec
from robust_xtreme.exchange.perturbing.files import PerturbJob, attacked_texts, examples, perturb_file
from robust_xtreme.files import store
from robust_xtreme.files.manifest import MANIFEST, read_manifest, write_manifest
from robust_xtreme.files.schema import ATTACKED
from robust_xtreme.run.run import evaluate
from robust_xtreme.tasks.noisy.frozen_runs import read_frozen
from robust_xtreme.tasks.noisy.layouts import TaskSplit

pytestmark = pytest.mark.usefixtures("unpaged")

ATTACK = "attack_keys:0.2@queries=10"
SUITE = resources.mini("suite")


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a run with an attack on two tasks."""
    out = tmp_path_factory.mktemp("attacked") / "run"
    spec = RunSpec(tasks=("xnli", "xquad"), languages=("sw",), perturb=(ATTACK,), limit="12", out=str(out))
    evaluate(spec, cache=False)
    return out


def job(run: Path, out: Path, task: str = "xnli", attack: str = "=attack_keys", **other: object) -> PerturbJob:
    """A job that writes what the attack left of a file of the embedded suite."""
    file = str(SUITE / task / "test-sw.jsonl.gz")
    return PerturbJob(file, "", str(out), task=task, language="sw", frozen=f"{run}{attack}", **other)  # type: ignore[arg-type]  # options by name


def test_a_model_answers_the_file_as_it_did_under_attack(run: Path, tmp_path: Path) -> None:
    """Read as a set that others made, the file has the predictions of the attack; other items are clean."""
    (tmp_path / "noisy").mkdir()
    totals = perturb_file(job(run, tmp_path / "noisy" / "test-sw.jsonl"))
    assert totals.texts == 2 * 12
    assert totals.changed
    assert "left clean" in totals.summary()
    external = (f"set={tmp_path / 'noisy'}",)
    spec = RunSpec(tasks=("xnli",), languages=("sw",), external=external, limit="12", out=str(tmp_path / "run"))
    evaluate(spec, cache=False)
    rows = pl.read_parquet(tmp_path / "run" / "predictions.parquet").filter(condition="external:set")
    before = pl.read_parquet(run / "predictions.parquet").filter(condition=f"{ATTACK}@fields=premise,hypothesis")
    answers = dict(zip(rows.get_column("example"), rows.get_column("prediction"), strict=True))
    assert answers == {
        example: answer
        for example, answer in zip(before.get_column("example"), before.get_column("prediction"), strict=True)
        if example in answers
    }
    assert len(answers) == 12


def test_answers_move_with_an_attacked_context(run: Path, tmp_path: Path) -> None:
    """The fields choose among attacks; an answer is on its words, and the edits of its context are beside it."""
    perturb_file(job(run, tmp_path / "xquad.jsonl", "xquad", fields=("context",)))
    rows = [json.loads(line) for line in (tmp_path / "xquad.jsonl").read_text(encoding="utf-8").splitlines()]
    clean = mini_rows("xquad/test-sw.jsonl")
    changed = [(row, was) for row, was in zip(rows, clean, strict=True) if row["context"] != was["context"]]
    assert 0 < len(changed) <= 12
    for row, was in changed:
        kept = sum(stop - start for start, stop, _ in row["edits"][0])
        assert kept < len(was["context"])
        assert row["context"][slice(*row["answers"][0])][0].isalnum()


@pytest.mark.parametrize(
    ("task", "attack", "other", "line"),
    [
        ("xquad", "=attack_keys", {}, "RUN=ATTACK"),
        ("xnli", "=attack_keys", {"seed": 3}, "--seed 3"),
        ("xcopa", "", {}, "xcopa"),
        ("xnli", "", {"task": ""}, r"--frozen writes a task's file"),
    ],
)
def test_what_no_attack_left_is_one_line(
    run: Path, tmp_path: Path, task: str, attack: str, other: dict[str, object], line: str
) -> None:
    """Several attacks, a seed without one, a task without one, and a file that is of no task."""
    with pytest.raises(RobustXtremeError, match=line):
        perturb_file(replace(job(run, tmp_path / "x", task, attack), **other))  # type: ignore[arg-type]  # options by name
    assert not (tmp_path / "x").exists()


def test_a_passage_attacked_for_each_question_is_not_written_once(run: Path, tmp_path: Path) -> None:
    """SQuAD's format has a context once: questions whose attacks left it in several forms are refused."""
    asked = TaskSplit(registry.load("task", "xquad"), "sw", "auto")
    split, rows = examples(asked, str(SUITE / "xquad" / "test-sw.jsonl.gz"))
    (frozen,) = (
        each for each in read_frozen((f"{run}=attack_keys",))["xquad", split, "sw", "sw"] if each.fields == ("context",)
    )
    called = {"context": "context"}
    assert len(attacked_texts(frozen, rows, 0, called, "").texts) == 12
    with pytest.raises(RobustXtremeError, match="several forms"):
        attacked_texts(frozen, rows, 0, called, "context")


@pytest.mark.parametrize(
    ("edits", "line"),
    [
        ("{not json", "malformed"),
        ("[" * 200_000, "malformed"),
        ('[["premise", 0, 1, "x"]]', "malformed"),
        ('[["premise", "0", 1, "x", "key", 1]]', "other types"),
        ('[["premise", 0, 3, "x", "key", 1], ["premise", 1, 4, "y", "key", 1]]', "overlap"),
        ('[["premise", 0, 9999, "x", "key", 1]]', "outside"),
    ],
)
def test_edits_that_no_attack_writes_are_one_line(run: Path, tmp_path: Path, edits: str, line: str) -> None:
    """Also where the manifest was made to fit them."""
    shutil.copytree(run, tmp_path / "run")
    manifest = read_manifest(tmp_path / "run" / MANIFEST)
    name = next(name for name in manifest["parts"] if name.startswith("xnli") and "-attacked-" in name)
    path = tmp_path / "run" / "parts" / name
    rows = store.read_frame(path, ATTACKED).with_columns(edits=pl.lit(edits))
    store.write_frame(path, rows, ATTACKED)
    write_manifest(tmp_path / "run" / MANIFEST, {**manifest, "parts": {**manifest["parts"], name: store.sha256(path)}})
    with pytest.raises(RobustXtremeError, match=line):
        perturb_file(job(tmp_path / "run", tmp_path / "x"))
    assert not (tmp_path / "x").exists()
