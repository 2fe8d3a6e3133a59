"""Texts of attacks, made again from the edits that a run keeps."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import polars as pl
import pytest
from tests.program import program

from robust_xtreme.core.errors import DataError
from robust_xtreme.core.run_spec import RunSpec
from robust_xtreme.report.document import results_of
from robust_xtreme.report.samples.choosing import ExampleChoice, chosen, rows_of
from robust_xtreme.report.samples.texts import key_of, spec_of, texts_of
from robust_xtreme.run.run import evaluate

pytestmark = pytest.mark.usefixtures("unpaged")

TASKS = ("xnli", "xquad", "mewsli_x")
NOISE = "attack_keys:0.2@queries=10"
LIKE = "keyboard_typo@like=attack_keys:0.2/queries=10"


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run of an attack, whose comparators are beside it, and of noise."""
    out = tmp_path_factory.mktemp("attacked") / "run"
    evaluate(
        RunSpec(tasks=TASKS, languages=("sw",), perturb=(NOISE, "char_noise:0.2"), limit="12", out=str(out)),
        cache=False,
    )
    return out


def rows(folder: Path) -> pl.DataFrame:
    """Examples of all conditions of a run."""
    results = results_of(folder)
    return chosen(results, rows_of(folder, results.manifest), ExampleChoice(each=40, drawn=False))


def test_texts_of_attacks_are_those_that_the_model_read(run: Path) -> None:
    """Of each family, of comparators too, with the edits that predictions count, and the answer where it was scored."""
    every, manifest = rows(run), results_of(run).manifest
    made, problems = texts_of(every, spec_of(run, manifest), manifest)
    assert problems == ()
    assert {row["task"] for row in every.iter_rows(named=True) if json.loads(row["operators"])} == set(TASKS)
    assert any("@like=" in name for name in every["cell_condition"])
    for row in every.iter_rows(named=True):
        remade = made[key_of(row)]
        assert (remade.noisy.texts != remade.clean.texts) == bool(json.loads(row["operators"]))
        if row["task"] == "xquad" and json.loads(row["prediction"]) and "context" not in remade.fields:
            (start, stop), *_ = json.loads(row["prediction"])
            assert remade.clean.texts["context"].value[start:stop] == row["answer"]


def test_the_page_and_a_terminal_show_attacks_as_edits(run: Path) -> None:
    """Attacked examples have their texts as differences, and no line says that some are missing."""
    page = (run / "report.html").read_text("utf-8")
    assert "No texts are shown" not in page
    assert "no texts are shown" not in page
    for noise in (NOISE, LIKE):
        ended = program("examples", str(run), "--perturb", noise, "--tasks", "xnli", "--limit", "5")
        assert "premise: " in ended.out, ended.err
        assert "{+" in ended.out or "[-" in ended.out
        assert "no texts" not in ended.err


def test_edits_that_are_missing_or_changed_are_one_line(run: Path, tmp_path: Path) -> None:
    """Without its parts a run says which edits are missing; a part that was changed is an error."""
    folder = Path(shutil.copytree(run, tmp_path / "run"))
    (path,) = [path for path in (folder / "parts").iterdir() if path.name.startswith("xnli-sw-test-attacked")]
    content = path.read_bytes()
    path.write_bytes(content[:-1] + b"x")
    with pytest.raises(DataError, match="was changed"):
        rows_of(folder, results_of(folder).manifest)
    path.unlink()
    ended = program("examples", str(folder), "--perturb", NOISE, "--tasks", "xnli")
    assert "attack_keys:0.2@queries=10@fields=premise,hypothesis" in ended.err
    assert "gold: " in ended.out
