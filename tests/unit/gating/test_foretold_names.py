"""Folders that others may write: names that they prepare as links are not followed by any writer."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Final

import pytest
from tests.finished_runs import finished_run
from tests.imports import items, written
from tests.program import program
from tests.release import release
from tests.some import some

from robust_xtreme.core.errors import DiskError, Mismatch, UserError
from robust_xtreme.core.examples import digest
from robust_xtreme.files import cache, journal, new_files, store
from robust_xtreme.files.journal import JOURNAL, Journal
from robust_xtreme.gating import pull_request
from robust_xtreme.gating.baselines import save
from robust_xtreme.run.folder import LOG, Folder
from robust_xtreme.tasks.sources import hub

ENDED: Final = 4_194_304
"""A number that no process has."""

MINE: Final = "mine"
BASELINES: Final = ".robust-xtreme/baselines"
WRITERS: Final = {
    "report": ("report run -o new.md -o new.csv", "new.md new.csv"),
    "compare": ("compare main run -o new.json", "new.json"),
    "gate": ("gate run -o new.md -o new.xml", "new.md new.xml"),
    "gate over": ("gate run -o old.md --force", "old.md"),
    "baseline": ("baseline save run --name new", f"{BASELINES}/new.csv {BASELINES}/new.parquet {BASELINES}/new.json"),
    "card": ("export run --model-card -o new.md", "new.md"),
    "inspect": ("export inspect -t xnli -l sw --perturb char_noise:0.1 --data release -o new", "new"),
    "import": ("import rows.jsonl -o new -q", "new"),
    "perturb": ("perturb in.txt -l sw --perturb char_noise:0.3 -q -o new.txt --edit-counts new.tsv", "new.txt new.tsv"),
    "config": ("config copy small_ci new.toml", "new.toml"),
}
"""Commands that write, and the files or folders that they make."""

FOLDERS: Final = {"import": "importing", "inspect": "exporting"}
"""Those that write a folder beside its place, and what its name ends in."""


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a run, a baseline, files to read, and files and a folder of somebody else."""
    folder = tmp_path_factory.mktemp("made")
    save([finished_run(folder / "run")], "main", folder / BASELINES)
    written(folder / "rows.jsonl", items())
    (folder / "in.txt").write_text("Habari ya asubuhi\n")
    release(folder / "release")
    (folder / "victims").mkdir()
    for name in ("victims/file", "victims/scores.csv", "old.md"):
        (folder / name).write_text(MINE)
    return folder


@pytest.fixture
def shared(tmp_path: Path, made: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of that folder, as the working folder."""
    monkeypatch.chdir(shutil.copytree(made, tmp_path, dirs_exist_ok=True))
    return tmp_path


def _plant(path: Path, names: tuple[str, ...]) -> list[Path]:
    """Links with these names beside a path: to a file or, beside a folder, to a folder of somebody else."""
    target = Path("victims") if not path.suffix else Path("victims") / "file"
    links = [path.with_name(name.format(name=path.name, digest=digest(path.name), pid=os.getpid())) for name in names]
    for link in links:
        link.symlink_to(target.absolute())
    return links


def _unharmed(folder: Path, links: list[Path]) -> bool:
    """Whether the victims are as they were, and the links lead to them still."""
    victims = {path.name: path.read_text() for path in (folder / "victims").iterdir()}
    return victims == {"file": MINE, "scores.csv": MINE} and all(link.is_symlink() for link in links)


@pytest.mark.parametrize("command", some(WRITERS, 4))
def test_links_with_names_that_are_foretold_are_not_followed(command: str, shared: Path) -> None:
    """Those of this process and of an ended one, in the forms of earlier versions: the files are made beside them."""
    words, names = WRITERS[command]
    made = [Path(name) for name in names.split()]
    forms = (".{name}.{pid}.tmp", ".{digest}.{pid}.tmp", ".{digest}.{pid}.old", f".{{digest}}.{ENDED}.tmp")
    links = [link for path in made for link in _plant(path, forms)]
    ended = program(*words.split())
    assert (ended.code or 0, ended.err.count("This is a bug")) == (0, 0)
    assert _unharmed(shared, links)
    assert all(path.exists() and not path.is_symlink() for path in made)
    assert Path("old.md").read_text() != MINE or command != "gate over"


@pytest.mark.parametrize("command", [name for name in WRITERS if name not in FOLDERS])
def test_a_name_that_somebody_has_guessed_is_refused(
    command: str, shared: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One line, and exit code 3: the link is neither followed nor removed, and no file appears."""
    monkeypatch.setattr(new_files, "token_hex", lambda count: "0" * 2 * count)
    words, names = WRITERS[command]
    made = [Path(name) for name in names.split()]
    links = _plant(made[-1], (".{digest}.{pid}.0000000000000000.tmp",))
    ended = program(*words.split())
    assert (ended.code, ended.err.count("\n")) == (3, 1)
    assert "File exists" in ended.err
    assert _unharmed(shared, links)
    assert [path for path in made[-1:] if path.exists()] == [Path("old.md")] * (command == "gate over")
    assert [*shared.rglob(".*.tmp")] == [shared / link for link in links]


def test_a_target_that_becomes_a_link_is_replaced(shared: Path) -> None:
    """After the target was looked at: the file takes the place of the link."""
    links = _plant(Path("new.csv"), ("new.csv",))
    new_files.write_all({links[0].absolute(): b"ours"})
    assert _unharmed(shared, [])
    assert (links[0].is_symlink(), links[0].read_text()) == (False, "ours")


def test_what_killed_processes_left_is_removed_by_every_writer(shared: Path) -> None:
    """Also of earlier versions; a link, a pipe and a folder of such a name are neither opened nor waited for."""
    left = Path(f".{digest('new.md')}.{ENDED}.tmp")
    left.write_text("half")
    links = _plant(Path("new.md"), (f".{{digest}}.{ENDED}.1.tmp",))
    os.mkfifo(pipe := Path(f".{digest('new.md')}.{ENDED}.2.tmp"))
    (folder := Path(f".{digest('new.md')}.{ENDED}.3.tmp")).mkdir()
    assert program("gate", "run", "-o", "new.md").code in (0, None)
    assert not left.exists()
    assert _unharmed(shared, links)
    assert (pipe.is_fifo() or not pipe.exists(), folder.is_dir()) == (True, True)


def test_a_new_file_has_the_permissions_of_new_files(tmp_path: Path) -> None:
    """By the umask."""
    before = os.umask(0o027)
    try:
        store.write_text(tmp_path / "new", "")
        Journal(tmp_path).write(tmp_path / "kept", b"")
    finally:
        os.umask(before)
    assert [(tmp_path / name).stat().st_mode & 0o777 for name in ("new", "kept", JOURNAL)] == [0o640] * 3


def _journal(run: Path) -> None:
    Journal(run).write(run / "scores.csv", b"ours")


def _staging(run: Path) -> None:
    with Folder(run).staging():
        pass


@pytest.mark.parametrize(("name", "write"), [("scores.csv", _journal), ("parts", _staging)])
def test_a_run_follows_no_link_with_its_name(
    name: str, write: Callable[[Path], None], shared: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of a file that it writes, and of the folder of its parts."""
    monkeypatch.setattr(journal, "token_hex", lambda count: "0" * 2 * count)
    link = shared / "run" / f".{name}.00000000.tmp"
    link.symlink_to(shared / "victims" / ("file" if "." in name else ""))
    with pytest.raises(DiskError, match="File exists"):
        write(shared / "run")
    assert _unharmed(shared, [])


def _locked(run: Path) -> Callable[[], object]:
    return lambda: store.lock(run).__enter__()


@pytest.mark.parametrize("name", [LOG, store.LOCK, JOURNAL])
def test_a_file_that_a_run_adds_to_is_no_link(name: str, shared: Path) -> None:
    """Log, lock and journal: one line, also where it becomes a link after it was looked at."""
    run = shared / "out"
    run.mkdir()
    (run / name).symlink_to(shared / "victims" / "file")
    write = {LOG: lambda: Folder(run).log("a line"), JOURNAL: lambda: _journal(run), store.LOCK: _locked(run)}
    with pytest.raises(DiskError if name == LOG else (Mismatch, DiskError)):
        write[name]()
    with pytest.raises(OSError, match="symbolic links"):
        new_files.appended(run / name)
    assert _unharmed(shared, [run / name])


def test_a_cache_that_is_a_link_is_not_used(shared: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The run continues without it, and says so; the file that it leads to gets no table."""
    monkeypatch.setenv(cache.VARIABLE, str(shared))
    (shared / "victims" / "file").write_text("")
    (shared / cache._NAME).symlink_to(shared / "victims" / "file")
    warnings: list[str] = []
    opened = cache.opened(warnings.append)
    opened.put("units", {b"key": b"value"})
    opened.close()
    assert [("cannot be used" in line, "is a link" in line) for line in warnings] == [(True, True)]
    assert (shared / "victims" / "file").read_text() == ""


def test_records_of_the_hub_follow_no_link(shared: Path) -> None:
    """Names of a commit that are noted in the cache of the hub's clients."""
    path = shared / "models--a--b" / "refs" / "main"
    path.parent.mkdir(parents=True)
    links = _plant(path.with_suffix(".x"), (".main.{pid}.tmp", "main"))
    hub._write(path, "0" * 40)
    assert _unharmed(shared, links[:1])
    assert (path.is_symlink(), path.read_text()) == (False, "0" * 40)


@pytest.mark.parametrize("command", FOLDERS)
def test_a_folder_of_others_is_not_used(command: str, shared: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A folder beside the run that another user owns may have links in it at any time; it stays as it is."""
    words, beside = WRITERS[command][0].split(), Path(f".new.{FOLDERS[command]}")
    beside.mkdir()
    (beside / "run").symlink_to(shared / "victims")
    monkeypatch.setattr(os, "geteuid", lambda: beside.stat().st_uid + 1)
    ended = program(*words)
    assert (ended.code, "Move it away" in ended.err) == (2, True)
    assert _unharmed(shared, [beside / "run"])
    monkeypatch.undo()
    ended = program(*words)
    assert (ended.code, ended.err.count("\n"), "bug" in ended.err) == (2, 1, False)
    assert _unharmed(shared, [])


@pytest.mark.parametrize("kind", ["pipe", "folder"])
def test_outputs_of_a_step_do_not_wait(kind: str, shared: Path) -> None:
    """Where the variable of GitHub names a pipe that nothing reads, or a folder: one line."""
    path = shared / "outputs"
    os.mkfifo(path) if kind == "pipe" else path.mkdir()
    error, line = (UserError, "is a pipe") if kind == "pipe" else (DiskError, "cannot be written: ")
    with pytest.raises(error, match=rf"The step's outputs .* {line}"):
        pull_request._append(str(path), b"a=1\n", "outputs")
