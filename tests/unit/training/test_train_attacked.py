"""Runs that were damaged, pointed at themselves or at foreign folders, or stopped by Ctrl-C lose nothing."""

from __future__ import annotations

import json
import os
import signal
from pathlib import Path
from typing import Any

import pytest
import torch
from tests.lessons import lessons
from tests.some import some
from tests.tiny import tiny_encoder_folder
from tests.trainings import Stopped, copied, files, stop_at

from robust_xtreme import train
from robust_xtreme.core import registry
from robust_xtreme.core.errors import Mismatch, ModelError, SpecError
from robust_xtreme.files.journal import Journal
from robust_xtreme.models.located import locate
from robust_xtreme.training import resume
from robust_xtreme.training.estimate import plan_of
from robust_xtreme.training.loop import Options, Progress
from robust_xtreme.training.values import from_values


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with lessons and a tiny encoder, which tests only read."""
    folder = tmp_path_factory.mktemp("attacked")
    lessons(folder / "data")
    tiny_encoder_folder(folder / "encoder")
    return folder


def _words(home: Path, out: Path) -> dict[str, Any]:
    facts = {"data": str(home / "data"), "encoder": str(home / "encoder"), "device": "cpu"}
    return {"task": "panx", "steps": 6, "batch_size": 8, "out": str(out), **facts}


@pytest.fixture
def words(home: Path, tmp_path: Path) -> dict[str, Any]:
    """A run of a few steps."""
    return _words(home, tmp_path / "run")


@pytest.fixture(scope="module")
def whole(home: Path) -> Path:
    """The run, made once."""
    return train(**_words(home, home / "whole"))


@pytest.fixture(scope="module")
def stopped(home: Path) -> Path:
    """The run, stopped after four steps, three of which are saved."""
    with pytest.raises(Stopped):
        train(options=Options(watch=stop_at(4), save_seconds=0.0), **_words(home, home / "stopped"))
    return home / "stopped"


@pytest.fixture
def run(whole: Path, tmp_path: Path) -> Path:
    """A copy of the run for a test of its own."""
    return copied(whole, tmp_path / "run")


@pytest.fixture
def half(stopped: Path, tmp_path: Path) -> Path:
    """The saved state in a copy of the stopped run."""
    (state,) = (copied(stopped, tmp_path / "run") / "resume").glob("step-*")
    return state


def _weights(run: Path) -> bytes:
    return (run / "model" / "model.safetensors").read_bytes()


def test_a_run_is_not_written_over_what_it_starts_from(run: Path, words: dict[str, Any]) -> None:
    """Not even with --force: the model that it would start from stays."""
    before = _weights(run)
    for start in (run, run / "model"):
        with pytest.raises(SpecError, match="overwrite the model"):
            train(options=Options(force=True), **{**words, "encoder": str(start)})
    assert _weights(run) == before


def test_a_foreign_folder_is_left_as_it_is(words: dict[str, Any], tmp_path: Path) -> None:
    """Nothing in it is removed, also not what looks half-written, and nothing is added."""
    home = tmp_path / "home"
    for name in (".cache.tmp/f", "sub/.draft.tmp", "notes"):
        (home / name).parent.mkdir(parents=True, exist_ok=True)
        (home / name).write_text("precious", encoding="utf-8")
    before = sorted(home.rglob("*"))
    with pytest.raises(Mismatch, match="not a run"):
        train(options=Options(force=True), **{**words, "out": str(home)})
    assert sorted(home.rglob("*")) == before


def test_a_removal_that_was_interrupted_continues(run: Path, words: dict[str, Any], tmp_path: Path) -> None:
    """What says whose run it is goes last, so that --force finds its way; a linked model is unlinked, not followed."""
    kept = tmp_path / "elsewhere"
    (run / "model").rename(kept)
    (run / "model").symlink_to(kept)
    for name in ("00-target.json", "00-target.hashes"):
        (run / "stages" / name).unlink()
    train(options=Options(force=True), **{**words, "steps": 1})
    assert (kept / "model.safetensors").is_file()
    assert not (run / "model").is_symlink()


@pytest.mark.parametrize("content", ["", '{"files": {}}'])
def test_a_damaged_claim_is_one_line_and_nothing_is_touched(content: str, run: Path, words: dict[str, Any]) -> None:
    """Also with --force, because it is not known what a run wrote there."""
    (run / "train.json").write_text(content, encoding="utf-8")
    before = files(run)
    for force in (False, True):
        with pytest.raises(Mismatch, match=r"train\.json"):
            train(options=Options(force=force), **words)
    assert files(run) == before


@pytest.mark.parametrize("name", ["model/model.safetensors", "stages/00-target.json"])
def test_a_complete_run_whose_files_were_cut_is_not_complete(name: str, run: Path, words: dict[str, Any]) -> None:
    """The file is named, by train, by train --from and by eval; --force trains it again."""
    path = run / name
    whole = path.read_bytes()
    path.write_bytes(whole[: len(whole) // 2])
    started = {**words, "encoder": str(run), "out": f"{run}-next"}
    for damaged in (
        lambda: train(**words),
        lambda: train(**started),
        lambda: locate(run, registry.load("task", "panx")),
    ):
        with pytest.raises(ModelError, match=name):
            damaged()
    with pytest.raises(ModelError, match=name):
        plan_of(from_values(words), print)
    train(options=Options(force=True), **words)
    assert path.read_bytes() == whole


@pytest.mark.parametrize(
    ("name", "value"),
    some(
        [
            ("place.json", {"step": 999999, "losses": []}),
            ("place.json", {"step": 2, "losses": []}),
            ("place.json", []),
            ("lightning.ckpt", {}),
            ("lightning.ckpt", {"state_dict": {"x": torch.zeros(2)}, "optimizer_states": [{}]}),
            ("random.pt", {"cpu": "x", "cuda": []}),
            ("random.pt", [1]),
        ],
        3,
    ),
)
def test_a_state_of_another_kind_is_refused(name: str, value: Any, half: Path, words: dict[str, Any]) -> None:
    """Steps that are not there, other weights, other types: one line, and --force starts over."""
    if name.endswith(".json"):
        (half / name).write_text(json.dumps(value), encoding="ascii")
    else:
        torch.save(value, half / name)
    with pytest.raises(ModelError, match="--force"):
        train(**words)
    assert train(options=Options(force=True), **{**words, "steps": 1}).is_dir()


def test_a_pickle_in_a_state_is_not_run(half: Path, words: dict[str, Any], tmp_path: Path) -> None:
    """It is refused in the project's own words, which advise nothing unsafe."""
    mark = tmp_path / "mark"

    class _Evil:
        def __reduce__(self) -> Any:
            return os.mkdir, (str(mark),)

    torch.save(_Evil(), half / "lightning.ckpt")
    with pytest.raises(ModelError, match="is damaged") as caught:
        train(**words)
    assert "weights_only" not in str(caught.value)
    assert not mark.exists()


def test_rows_that_are_not_rows_are_left_out(half: Path, words: dict[str, Any]) -> None:
    """A log that someone wrote into does not stop a run."""
    log = half.parent.parent / "metrics.csv"
    log.write_text(log.read_text(encoding="utf-8") + "x,y\n", encoding="utf-8")
    assert "x,y" not in (train(**words) / "metrics.csv").read_text(encoding="utf-8")


def test_a_complete_run_keeps_nothing_to_continue_from(run: Path, words: dict[str, Any]) -> None:
    """What a kill after the last file left there goes when the run is asked for again."""
    Journal(run).write(run / "resume" / "step-000000003" / "place.json", b"{}")
    resume.keep_best(Journal(run), torch.nn.Linear(1, 1), 50.0, 3)
    train(**words)
    assert not (run / "resume").exists()
    assert not (run / "best.safetensors").exists()


def test_a_link_to_nothing_is_named(words: dict[str, Any], tmp_path: Path) -> None:
    """As the folder of a run, and what it leads to."""
    (tmp_path / "run").symlink_to("gone")
    with pytest.raises(Mismatch, match="'gone'"):
        train(**words)


def test_one_changed_byte_of_a_claim_is_named(run: Path, words: dict[str, Any]) -> None:
    """By train and by eval; no other file is blamed."""
    content = (run / "train.json").read_bytes()
    at = content.index(b'"stages/00-target.json": "') + 30
    (run / "train.json").write_bytes(content[:at] + bytes([content[at] ^ 1]) + content[at + 1 :])
    with pytest.raises(Mismatch, match=r"train\.json"):
        train(**words)
    with pytest.raises(ModelError, match=r"train\.json"):
        locate(run, registry.load("task", "panx"))


def test_ctrl_c_saves_the_step_and_continues_from_it(whole: Path, words: dict[str, Any]) -> None:
    """The first one stops after the step that is being computed; the run ends at the weights of an unbroken one."""
    messages: list[str] = []

    def interrupt(at: Progress) -> None:
        if at.step == 3:
            os.kill(os.getpid(), signal.SIGINT)

    before = signal.getsignal(signal.SIGINT)
    with pytest.raises(KeyboardInterrupt):
        train(options=Options(tell=messages.append, watch=interrupt), **words)
    assert signal.getsignal(signal.SIGINT) is before
    assert any("Ctrl-C" in message for message in messages)
    assert [path.name for path in (Path(words["out"]) / "resume").iterdir()] == ["step-000000003"]
    assert _weights(train(**words)) == _weights(whole)


def test_ctrl_c_twice_stops_at_once(words: dict[str, Any]) -> None:
    """Nothing is saved then."""

    def interrupt(at: Progress) -> None:
        os.kill(os.getpid(), signal.SIGINT)
        os.kill(os.getpid(), signal.SIGINT)

    with pytest.raises(KeyboardInterrupt):
        train(options=Options(watch=interrupt), **words)
    assert not (Path(words["out"]) / "resume").exists()
