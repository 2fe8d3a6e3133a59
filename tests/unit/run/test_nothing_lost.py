"""No byte that a user puts into a run's folder is lost, whatever `train` and `eval` do there afterwards."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, replace
from itertools import product
from pathlib import Path
from typing import Any

import pytest
from tests.lessons import lessons
from tests.some import some
from tests.tiny import tiny_encoder_folder, tiny_run
from tests.trainings import Stopped, copied, stop_at

from robust_xtreme import train
from robust_xtreme.cli._terminal import observing
from robust_xtreme.cli._train_shown import watching
from robust_xtreme.core.errors import RobustXtremeError
from robust_xtreme.core.run_spec import RunSpec
from robust_xtreme.files import journal as start_over
from robust_xtreme.files.journal import JOURNAL, Journal
from robust_xtreme.run import run as eval_run
from robust_xtreme.run.estimate import estimate
from robust_xtreme.run.run import Observer, evaluate
from robust_xtreme.training.estimate import plan_of
from robust_xtreme.training.loop import Options
from robust_xtreme.training.values import from_values

pytestmark = pytest.mark.usefixtures("unpaged")

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
    """A command on a run's folder, its plan, a finished run, an unfinished one, and an interrupted start over.

    `kept` are names that a run of it writes.
    """

    name: str
    run: Run
    plan: Run
    names: tuple[str, ...]
    kept: tuple[str, ...]
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

    def plan(out: Path, force: bool, notice: Callable[[str], None]) -> None:
        plan_of(from_values({**words, "out": str(out)}), notice, force)

    kept = ("metrics.csv", "heads/panx.json", "model/config.json")
    return Command("train", run, plan, _OF_TRAIN, kept, _interrupted(home, run))


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

    def plan(out: Path, force: bool, notice: Callable[[str], None]) -> None:
        for line in estimate(replace(spec, out=str(out), device="cpu"), force):
            notice(line)

    parts = [path.relative_to(home / "finished").as_posix() for path in (home / "finished" / "parts").iterdir()]
    return Command("eval", run, plan, _OF_EVAL, ("report.md", min(parts)), _interrupted(home, run))


def _interrupted(home: Path, run: Run) -> dict[str, Path]:
    """The states of a run, one of them after a start over that ended when it had removed two files."""
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
    return {state: home / state for state in ("finished", "unfinished", "interrupted")}


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


@pytest.mark.parametrize(
    ("state", "plant"),
    some(
        product(("finished", "unfinished", "interrupted"), (_edit, _write, _folder, _link)),
        (
            ("finished", _edit),
            ("finished", _folder),
            ("unfinished", _write),
            ("interrupted", _edit),
            ("interrupted", _link),
        ),
    ),
)
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


_LEFT = {
    "train": (".model.0a1b2c3d.tmp/{}", ".heads.0a1b2c3d.tmp/{}", "resume/.step-000000099.0a1b2c3d.tmp/{}"),
    "eval": (".report.md.0a1b2c3d.tmp/{}", "parts/.xnli.parquet.0a1b2c3d.tmp/{}"),
}


def _killed_while_it_wrote(run: Path, names: tuple[str, ...]) -> None:
    """Leave what a run leaves that is killed while it writes, and a file of the user in it."""
    for name in names:
        tmp = Path(name).parent
        with (run / JOURNAL).open("a", encoding="utf-8") as file:
            file.write("\n" + json.dumps([str(tmp), "opened"]))
        for inside in ("mine.txt", "sub/mine.txt", "config.json", "panx.json", "random.pt"):
            _write(run / name.format(inside), f"mine: {name}".encode())


@pytest.mark.parametrize(("state", "force"), [("unfinished", False), ("interrupted", True)])
def test_what_a_user_puts_into_what_a_killed_run_left_is_still_there(
    command: Command, state: str, force: bool, tmp_path: Path
) -> None:
    """In the temporary folders of a run, and in folders in the place of its temporary files; it is seen and named."""
    run, names = copied(command.states[state], tmp_path / "run"), _LEFT[command.name]
    _killed_while_it_wrote(run, names)
    notices: list[str] = []
    command.run(run, force, notices.append)
    contents = list(_contents(run))
    for name in names:
        assert sum(f"mine: {name}".encode() in content for content in contents) >= 2
        assert any(f"{Path(name).parent} is not" in line for line in notices)
    assert not [path for path in run.rglob(".*") if path.is_dir()]


@pytest.mark.parametrize("force", [False, True])
def test_a_plan_names_what_is_kept(command: Command, force: bool, tmp_path: Path) -> None:
    """The files that the run then keeps, and no others, also those that another run wrote; what stays, stays."""
    run = copied(command.states["unfinished"], tmp_path / "run")
    for name in command.kept:
        _edit(run / name, b"mine") or _write(run / name, b"mine")
    journal = [line for line in (run / JOURNAL).read_text().split("\n") if command.kept[-1] not in line]
    (run / JOURNAL).write_text("\n".join(journal))
    lines: list[str] = []
    command.plan(run, force, lines.append)
    (line,) = [line for line in lines if ".kept" in line]
    command.run(run, force, print)
    kept = sorted(path.relative_to(run).as_posix() for path in run.rglob("*.kept"))
    assert kept == sorted(f"{name}.kept" for name in command.kept)
    assert all(f"{name} as {Path(name).name}.kept" in line for name in command.kept)
    stays = line.partition("what stays: ")[2]
    assert not any(name in stays for name in command.kept)


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
    journal = Journal(tmp_path, gives={"a.txt", "b.txt", "c.txt"}.__contains__)
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
    monkeypatch.setattr("robust_xtreme.files.journal._LARGE", 3)
    journal = Journal(tmp_path)
    with monkeypatch.context() as patch:
        patch.setattr("robust_xtreme.files.journal.store.sha256", _raise)
        journal.write(tmp_path / "large", b"large")
        assert journal.wrote(tmp_path / "large")
    (tmp_path / "large").write_bytes(b"other")
    assert not journal.wrote(tmp_path / "large")
