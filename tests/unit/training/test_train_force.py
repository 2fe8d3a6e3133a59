"""`train --force` removes what the run wrote, after everything that it needs was read; files of the user stay."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file, save_file
from tests.lessons import lessons
from tests.tiny import tiny_encoder_folder
from tests.trainings import copied, files

from robust_xtreme import train
from robust_xtreme.core.errors import DiskError, Mismatch, ModelError
from robust_xtreme.files.journal import Journal
from robust_xtreme.files.manifest import write_manifest
from robust_xtreme.models.stages import check_hashes
from robust_xtreme.training.estimate import plan_of
from robust_xtreme.training.loop import Options, Progress
from robust_xtreme.training.record import over_of, planned
from robust_xtreme.training.values import from_values

THEIRS = ("notes.md", "model/thesis.txt", "heads/notes.json", "stages/draft.md", "resume/keep.txt", "data/own.csv")


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with lessons, a tiny encoder and a run of one step, which tests only read."""
    folder = tmp_path_factory.mktemp("forced")
    lessons(folder / "data")
    tiny_encoder_folder(folder / "encoder")
    train(**_words(folder, folder / "whole"))
    return folder


def _words(home: Path, out: Path, **changed: Any) -> dict[str, Any]:
    facts = {"data": str(home / "data"), "encoder": str(home / "encoder"), "device": "cpu"}
    return {"task": "panx", "steps": 1, "batch_size": 8, "out": str(out), **facts, **changed}


@pytest.fixture
def run(home: Path, tmp_path: Path) -> Path:
    """A copy of the run for a test of its own."""
    return copied(home / "whole", tmp_path / "run")


def _add(run: Path) -> None:
    """Write files of the user into all folders of a run."""
    for name in THEIRS:
        (run / name).parent.mkdir(exist_ok=True)
        (run / name).write_text("precious", encoding="utf-8")


def _with_nan(home: Path, folder: Path) -> Path:
    """A copy of the encoder, one of whose weights is not a number."""
    encoder = copied(home / "encoder", folder)
    weights = load_file(encoder / "model.safetensors")
    next(value for value in weights.values() if value.ndim > 1)[0, 0] = float("nan")
    save_file(weights, encoder / "model.safetensors", metadata={"format": "pt"})
    return encoder


@pytest.mark.parametrize("claim", ["complete", "unfinished"])
def test_files_of_the_user_stay_and_are_named(claim: str, home: Path, run: Path) -> None:
    """In every folder of the run, also in a run that has no list of files yet; the run is usable after."""
    _add(run)
    if claim == "unfinished":
        facts = json.loads((run / "train.json").read_text(encoding="utf-8"))
        write_manifest(run / "train.json", {**facts, "files": {}})
    lines: list[str] = []
    train(options=Options(force=True, tell=lines.append), **_words(home, run, seed=1))
    assert {name: (run / name).read_text(encoding="utf-8") for name in THEIRS} == dict.fromkeys(THEIRS, "precious")
    (removed,) = [line for line in lines if line.startswith("--force")]
    assert "heads/notes.json, model/thesis.txt" in removed
    check_hashes(run)
    stays = sorted(name for name in THEIRS if name.partition("/")[0] not in ("notes.md", "data"))
    assert over_of(Journal(run), ["panx"]).stays == (*stays, "data/", "notes.md")


def test_what_a_run_writes_is_all_removed(home: Path, run: Path) -> None:
    """A run started over has the files of a new one."""
    train(force=True, **_words(home, run, steps=2))
    new = train(**_words(home, run.parent / "new", steps=2))
    assert files(run) == files(new)
    assert "what stays: nothing else" in planned(run, ["panx"], force=True)


def test_a_start_that_cannot_be_read_removes_nothing(home: Path, run: Path, tmp_path: Path) -> None:
    """Weights that are not numbers are found before the earlier run is removed."""
    before = files(run)
    with pytest.raises(ModelError, match="not finite"):
        train(force=True, **_words(home, run, encoder=str(_with_nan(home, tmp_path / "nan"))))
    assert files(run) == before


def test_a_start_that_cannot_be_read_does_not_block_the_folder(home: Path, tmp_path: Path) -> None:
    """Nothing was trained, so that the command with another start takes the folder."""
    with pytest.raises(ModelError, match="not finite"):
        train(**_words(home, tmp_path / "run", encoder=str(_with_nan(home, tmp_path / "nan"))))
    assert files(tmp_path / "run") == {}
    train(**_words(home, tmp_path / "run"))


def test_a_run_that_has_trained_nothing_does_not_block_the_folder(home: Path, tmp_path: Path) -> None:
    """What a run leaves that was killed before its first step is replaced."""
    claim = {"identity": "x", "spec": {"seed": 7}, "files": {}}
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / "train.json").write_text(json.dumps(claim), encoding="utf-8")
    check_hashes(train(**_words(home, tmp_path / "run")))


def test_another_start_is_named_in_words(home: Path, run: Path, tmp_path: Path) -> None:
    """Not by hashes, and in a plan too."""
    words = _words(home, run, encoder=str(tiny_encoder_folder(tmp_path / "other", hidden_size=32)))
    for begun in (lambda: plan_of(from_values(words), lambda _: None), lambda: train(**words)):
        with pytest.raises(Mismatch, match="another model"):
            begun()


def test_a_tokenizer_that_is_larger_than_the_embeddings_is_refused(home: Path, tmp_path: Path) -> None:
    """In training and in a plan, in the words of `eval`, before anything is written."""
    encoder = copied(home / "encoder", tmp_path / "encoder")
    weights = load_file(encoder / "model.safetensors")
    (name,) = [name for name in weights if name.endswith("word_embeddings.weight")]
    rows = weights[name].shape[0] - 1
    weights[name] = torch.clone(weights[name][:rows])
    save_file(weights, encoder / "model.safetensors", metadata={"format": "pt"})
    config = json.loads((encoder / "config.json").read_text(encoding="utf-8"))
    (encoder / "config.json").write_text(json.dumps({**config, "vocab_size": rows}), encoding="utf-8")
    words = _words(home, tmp_path / "run", encoder=str(encoder))
    with pytest.raises(ModelError, match=f"{rows} embeddings"):
        plan_of(from_values(words), lambda _: None)
    with pytest.raises(ModelError, match=f"{rows} embeddings"):
        train(**words)
    assert files(tmp_path / "run") == {}


def test_a_complete_run_lists_its_files(home: Path, run: Path) -> None:
    """Files of the user stay in it; those with names that a run gives get another one."""
    names = ("model/vocab.txt", "stages/99-mine.json", "heads/mine.json", "heads/mine.safetensors", ".train.json.tmp")
    for name in names:
        (run / name).write_text("precious", encoding="utf-8")
    train(options=Options(force=True), **_words(home, run, seed=1))
    kept = [f"{name}.kept" if name in names[:2] else name for name in names]
    assert [(run / name).read_text(encoding="utf-8") for name in kept] == ["precious"] * len(names)
    with pytest.raises(ModelError, match=r"heads/mine\.safetensors"):
        check_hashes(run)
    (run / "heads" / "mine.safetensors").unlink()
    check_hashes(run)


def test_a_file_that_appears_while_a_run_trains_is_not_the_run_s(home: Path, run: Path) -> None:
    """The next start over leaves it."""

    def add(_: Progress) -> None:
        (run / "model").mkdir(exist_ok=True)
        (run / "model" / "thesis.txt").write_text("precious", encoding="utf-8")

    train(options=Options(force=True, watch=add), **_words(home, run))
    check_hashes(run)
    train(force=True, **_words(home, run, seed=2))
    assert (run / "model" / "thesis.txt").read_text(encoding="utf-8") == "precious"


def test_a_folder_that_cannot_be_written_is_named_before_anything_is_removed(
    home: Path, run: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One of the folders is enough."""
    before = files(run)
    monkeypatch.setattr("robust_xtreme.files.journal.os.access", lambda path, _: Path(path).name != "heads")
    with pytest.raises(DiskError, match="heads"):
        train(force=True, **_words(home, run))
    assert files(run) == before


def test_a_start_over_that_is_killed_between_removing_and_writing_continues(
    home: Path, run: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The folder is a run at every moment, so that the same command is not refused."""

    def killed(*_: object) -> None:
        raise KeyboardInterrupt

    words = _words(home, run, seed=1)
    with monkeypatch.context() as patch:
        patch.setattr("robust_xtreme.training.record.store.write_json", killed)
        with pytest.raises(KeyboardInterrupt):
            train(options=Options(force=True), **words)
    assert not (run / "model").exists()
    train(options=Options(force=True), **words)
    check_hashes(run)


def test_files_of_the_user_are_not_moved_while_a_model_is_written(
    home: Path, run: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A process that ends in the middle of that leaves them where they are, links to nothing too."""
    _add(run)
    (run / "model" / "dangling").symlink_to("/nowhere")
    words, replace, moved = _words(home, run, seed=1), Path.replace, list[Path]()

    def killed(path: Path, target: Path) -> Path:
        if Path(target).parent == run / "model":
            moved.append(path)
        if len(moved) == 2:
            raise KeyboardInterrupt
        return replace(path, target)

    with monkeypatch.context() as patch:
        patch.setattr(Path, "replace", killed)
        with pytest.raises(KeyboardInterrupt):
            train(options=Options(force=True), **words)
    assert (run / "model" / "thesis.txt").read_text(encoding="utf-8") == "precious"
    train(**words)
    assert {name: (run / name).read_text(encoding="utf-8") for name in THEIRS} == dict.fromkeys(THEIRS, "precious")
    assert (run / "model" / "dangling").is_symlink()
    check_hashes(run)
