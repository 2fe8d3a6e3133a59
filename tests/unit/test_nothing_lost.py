"""No byte that a user puts into a run's folder is lost, whatever `train` and `eval` do there afterwards."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest
from tests.lessons import lessons
from tests.tiny import tiny_encoder_folder, tiny_run
from tests.trainings import Stopped, copied, stop_at

from robust_xtreme import train
from robust_xtreme.commands._progress import observing
from robust_xtreme.commands._train_shown import watching
from robust_xtreme.errors import RobustXtremeError
from robust_xtreme.evaluation import run as eval_run
from robust_xtreme.evaluation.run import Observer, evaluate
from robust_xtreme.results import start_over
from robust_xtreme.results.journal import JOURNAL, Journal
from robust_xtreme.run_spec import RunSpec
from robust_xtreme.training.loop import Options

_ROWS = "Bill\tB-PER\nGates\tI-PER\nran\tO\n\nRome\tB-LOC\n\n"
_OF_TRAIN = (
    "metrics.csv",
    "best.safetensors",
    "heads/panx.json",
    "heads/panx.safetensors",
    "model/config.json",
    "model/vocab.txt",
    "model/model.safetensors",
    "stages/00-target.json",
    "stages/01-target.json",
    "stages/00-target.hashes",
    "resume/step-000000099/place.json",
    "tensorboard/events.out.tfevents.1",
)
_OF_EVAL = (
    "report.md",
    "scores.csv",
    "deltas.csv",
    "stats.parquet",
    "run.toml",
    "log.txt",
    "parts/panx-en-test-stats-bfb54ef6fe35237e.parquet",
    "parts/xnli-sw-test-stats-0123456789abcdef.parquet",
)
_ANY = ("notes.txt", ".report.md.12.tmp", ".metrics.csv.1.tmp", ".model.12.tmp/config.json")
_NEVER_EDITED = ("train.json", "manifest.json", ".lock", JOURNAL)

Run = Callable[[Path, bool, Callable[[str], None]], object]


@dataclass(frozen=True, slots=True)
class Command:
    """A command on a run's folder, a finished run, an unfinished one, and one whose start over was interrupted."""

    run: Run
    names: tuple[str, ...]
    states: dict[str, Path]


def _raise(*_: object, **__: object) -> None:
    raise Stopped


def _training(home: Path) -> Command:
    lessons(home / "data")
    words: dict[str, Any] = {"task": "panx", "steps": 3, "batch_size": 8, "data": str(home / "data"), "device": "cpu"}
    words |= {"encoder": str(tiny_encoder_folder(home / "encoder"))}

    def run(out: Path, force: bool, notice: Callable[[str], None], end: int = 99) -> None:
        options = Options(force=force, notice=notice, save_seconds=0.0, watch=stop_at(end))
        train(options=options, **words, out=str(out))

    run(home / "finished", False, print)
    with pytest.raises(Stopped):
        run(home / "unfinished", False, print, 3)
    return _interrupted(home, run, _OF_TRAIN)


def _evaluation(home: Path) -> Command:
    (home / "data" / "panx").mkdir(parents=True)
    (home / "data" / "panx" / "test-en.tsv").write_text(_ROWS)
    spec = RunSpec((str(tiny_run(home / "tiny", ["panx"])),), str(home / "data"), perturb=("char_noise:0.3",))

    def run(out: Path, force: bool, notice: Callable[[str], None]) -> None:
        evaluate(replace(spec, out=str(out), device="cpu"), force=force, observer=Observer(notice=notice))

    run(home / "finished", False, print)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(eval_run, "finish", _raise)
        with pytest.raises(Stopped):
            run(home / "unfinished", False, print)
    return _interrupted(home, run, _OF_EVAL)


def _interrupted(home: Path, run: Run, names: tuple[str, ...]) -> Command:
    """The command, after a start over of it that ended when it had removed two files."""
    removed: list[Path] = []

    def remove(path: Path) -> None:
        if len(removed) == 2:
            raise Stopped
        removed.append(path)
        path.unlink()

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(start_over, "remove", remove)
        with pytest.raises(Stopped):
            run(copied(home / "finished", home / "interrupted"), True, print)
    return Command(run, names, {state: home / state for state in ("finished", "unfinished", "interrupted")})


@pytest.fixture(scope="module", params=["train", "eval"])
def command(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Command:
    """Each of the commands, with its runs, which tests copy."""
    home = tmp_path_factory.mktemp(str(request.param))
    return {"train": _training, "eval": _evaluation}[request.param](home)


def _edit(path: Path, mine: bytes) -> bool:
    """Add to a file that the run wrote."""
    if path.is_file():
        path.write_bytes(path.read_bytes() + mine)
    return path.is_file()


def _write(path: Path, mine: bytes) -> bool:
    """Write a file that is not there."""
    path.parent.mkdir(parents=True, exist_ok=True)
    if not path.exists():
        path.write_bytes(mine)
        return True
    return False


def _folder(path: Path, mine: bytes) -> bool:
    """Put a folder with a file in the place of a file."""
    path.unlink(missing_ok=True)
    path.mkdir(parents=True)
    return _write(path / "mine.txt", mine)


def _link(path: Path, mine: bytes) -> bool:
    """Put a link to a file outside of the folder in the place of a file."""
    path.unlink(missing_ok=True)
    path.parent.mkdir(parents=True, exist_ok=True)
    outside = next(parent for parent in path.parents if parent.name == "run").with_name("outside")
    target = outside / path.as_posix().replace("/", "_")
    outside.mkdir(exist_ok=True)
    target.write_bytes(mine)
    path.symlink_to(target)
    return True


def _contents(folder: Path) -> Iterator[bytes]:
    """The bytes of all files in a folder, with what its links lead to."""
    for path in folder.rglob("*"):
        if path.is_file():
            yield path.read_bytes()


@pytest.mark.parametrize("plant", [_edit, _write, _folder, _link])
@pytest.mark.parametrize("state", ["finished", "unfinished", "interrupted"])
def test_what_a_user_puts_into_a_run_is_still_there(
    command: Command, state: str, plant: Callable[[Path, bytes], bool], tmp_path: Path
) -> None:
    """Edited files, files, folders and links with names that a run gives: after the command, and with --force, too."""
    run = copied(command.states[state], tmp_path / "run")
    files = [path.relative_to(run).as_posix() for path in run.rglob("*") if path.is_file()]
    edited = [name for name in files if name not in _NEVER_EDITED and not name.startswith("resume/")]
    names = edited if plant is _edit else [*command.names, *_ANY]
    mine = {name: f"\nmine: {name}\n".encode() for name in names if plant(run / name, f"\nmine: {name}\n".encode())}
    assert mine
    notices: list[str] = []
    for force in (False, True):
        with suppress(RobustXtremeError):
            command.run(run, force, notices.append)
        contents = list(_contents(run))
        lost = [name for name, content in mine.items() if not any(content in other for other in contents)]
        assert not lost
    lines = "\n".join(notices)
    for name, content in mine.items():
        path = run / name / "mine.txt" if plant is _folder else run / name
        if not path.is_file() or content not in path.read_bytes():
            assert any(f"{part} " in lines for part in (name, *map(str, Path(name).parents))), name
    command.run(run, True, print)


def test_a_quiet_command_names_what_it_keeps(capsys: pytest.CaptureFixture[str]) -> None:
    """On stderr, where it prints nothing else."""
    with watching(False, True, False) as options, observing(True, False) as observer:
        for notice in (options.notice, observer.notice):
            assert notice
            notice("report.md is kept as report.md.kept")
        options.tell("step 1")
        observer.say("finished")
    assert capsys.readouterr().err == "report.md is kept as report.md.kept\n" * 2


def test_what_another_process_left_half_written_is_removed(tmp_path: Path) -> None:
    """Temporary files that the journal has, also where its last line is cut; a whole one is closed."""
    journal = Journal(tmp_path)
    journal.write(tmp_path / "a.txt", b"a")
    with suppress(Stopped), journal.temporary(tmp_path / "b.txt") as tmp:
        tmp.write_bytes(b"half")
        raise Stopped
    assert sorted(path.name for path in tmp_path.iterdir()) == [JOURNAL, "a.txt"]
    lines = (tmp_path / JOURNAL).read_text().split("\n")
    (tmp_path / JOURNAL).write_text("\n".join(lines[:-1]) + '\n["a')
    for name in (tmp.name, ".c.txt.0a.tmp"):
        (tmp_path / name).write_bytes(b"half")
    journal.sweep()
    assert sorted(path.name for path in tmp_path.iterdir()) == [".c.txt.0a.tmp", JOURNAL, "a.txt"]
    (tmp_path / tmp.name).write_bytes(b"mine")
    journal.sweep()
    assert (tmp_path / tmp.name).read_bytes() == b"mine"
    assert journal.wrote(tmp_path / "a.txt")


def test_a_large_file_is_known_by_size_and_time(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its bytes are not read when it is written; a listed hash counts, too."""
    monkeypatch.setattr("robust_xtreme.results.journal._LARGE", 3)
    journal = Journal(tmp_path)
    with monkeypatch.context() as patch:
        patch.setattr("robust_xtreme.results.journal.store.sha256", _raise)
        journal.write(tmp_path / "large", b"large")
        assert journal.wrote(tmp_path / "large")
    (tmp_path / "large").write_bytes(b"other")
    assert not journal.wrote(tmp_path / "large")
