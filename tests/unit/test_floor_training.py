"""What floors learn from: the training examples of the data, at most so many, in the language of training."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from tests.release import release

from robust_xtreme import registry
from robust_xtreme.evaluation import plan
from robust_xtreme.evaluation.plan import read_train
from robust_xtreme.run_spec import RunSpec
from robust_xtreme.targets.kinds import TAGGING


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """Release files with training files of xnli, panx and, in a language that training has none of, panx."""
    folder = release(tmp_path / "data")
    for task in ("xnli", "panx"):
        (folder / task / "train-en.tsv").write_bytes((folder / task / "dev-en.tsv").read_bytes())
    (folder / "panx" / "train-sw.tsv").write_bytes((folder / "panx" / "dev-sw.tsv").read_bytes())
    return folder


def _read(data: Path, task: str) -> list[str] | None:
    training = read_train(RunSpec(model=("m",), data=str(data)), registry.load("task", task))
    return None if training is None else [example.id for example in training]


@pytest.mark.parametrize(("task", "rows"), [("xnli", 66), ("panx", 30)])
def test_floors_learn_from_the_language_of_training(data: Path, task: str, rows: int) -> None:
    """English training files are read whole; those of other languages are not."""
    ids = _read(data, task)
    assert ids is not None
    assert len(ids) == rows
    assert {example_id.split("/")[2] for example_id in ids} == {"en"}


def test_taggers_learn_from_a_bounded_number_of_sentences(data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of more sentences than the bound the first clusters in hash order are taken, a smaller bound taking a subset."""
    monkeypatch.setattr(plan, "kind_of", lambda _: replace(TAGGING, learned_from=12))
    some = _read(data, "panx")
    monkeypatch.setattr(plan, "kind_of", lambda _: replace(TAGGING, learned_from=5))
    fewer = _read(data, "panx")
    assert some is not None
    assert fewer is not None
    assert (len(some), len(fewer)) == (12, 5)
    assert set(fewer) < set(some)


def test_without_training_files_or_a_family_that_learns_there_is_nothing(tmp_path: Path, data: Path) -> None:
    """Floors then learn in folds, or not at all."""
    assert _read(release(tmp_path / "plain"), "panx") is None
    assert _read(data, "xquad") is None
