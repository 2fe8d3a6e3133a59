"""Commands killed at any moment: the same command again ends as if nobody had killed it, and nothing else is left.

All processes of the session are killed, or the one of the command alone, whose workers and renderer then end.
"""

from __future__ import annotations

import json
import random
import re
import shutil
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import pytest
from tests import sessions
from tests.finished_runs import finished_run
from tests.forks import Forked, How, forked
from tests.harness_logs import harness, pair
from tests.release import release
from tests.studies import file_of
from tests.tiny import tiny_run

from robust_xtreme.files.journal import JOURNAL
from robust_xtreme.files.store import LOCK
from robust_xtreme.gating.baselines import save

Content = Mapping[str, bytes]
"""The files of a folder by their paths."""

OUT: Final = "out"
BASELINES: Final = ".robust-xtreme/baselines"
MANY: Final = 40
_TRIES: Final = 20
FEW: Final = 10
_UNLIKE: Final = ("log.txt", LOCK, JOURNAL)
"""Files that no two runs have alike."""

_TIMES: Final = (rb'timestamp="[^"]*"', rb'"saved_at": "[^"]*"', rb'"digest": "[^"]*"')
"""What JUnit and a baseline say of the time, and the digest that follows from it."""

_ONE_TARGET: Final = ('[targets.udpos]\nsteps = 2\nlimit = "40"\n', "")
_ONE_SEED: Final = ("seeds = 2", "seeds = 1")


@dataclass(frozen=True, slots=True)
class Killable:
    """A command, the folders of its results in the one that it is started in, and whether each file appears whole.

    `before` is a folder whose content is there before; `replaces`: it replaces files of any content, too.
    """

    words: tuple[str, ...]
    results: tuple[str, ...] = (OUT,)
    wholes: bool = False
    before: Path | None = None
    replaces: bool = False


def files(folder: Path, *names: str) -> dict[str, bytes]:
    """The files below some folders of a folder, but those that no two runs have alike, without times."""
    every = [path for name in names for path in (folder / name).rglob("*") if path.is_file()]
    return {str(path.relative_to(folder)): _timeless(path) for path in every if path.name not in _UNLIKE}


def _timeless(path: Path) -> bytes:
    content = path.read_bytes()
    for pattern in _TIMES if path.suffix in (".xml", ".json") else ():
        content = re.sub(pattern, b"", content)
    return content


def hidden(folder: Path) -> list[str]:
    """Hidden files and folders, but those that a finished run has."""
    every = [path for path in folder.rglob(".*") if path.name not in (LOCK, JOURNAL, ".robust-xtreme")]
    return [str(path.relative_to(folder)) for path in every]


# ------------------------------------------------------------------------------------------------------- what is killed


def _import(inputs: Path) -> Killable:
    return Killable(("import", str(harness(inputs / "logs", pair())), "--out", f"{OUT}/run"), wholes=True)


def _import_over(inputs: Path) -> Killable:
    """It replaces a run."""
    told = _import(inputs)
    other = harness(inputs / "other", pair(clean=40, noisy=20))
    (inputs / "before").mkdir()
    ended = _started(Killable(("import", str(other), "--out", f"{OUT}/run")), inputs / "before", inputs / "tmp").end()
    assert ended[0] == 0, ended
    return Killable((*told.words, "--force"), wholes=True, before=inputs / "before")


def _gate(inputs: Path) -> Killable:
    """Its files replace others where there are some; the baseline is a saved one."""
    before, after = finished_run(inputs / "old", draw=1), finished_run(inputs / "new", draw=2)
    save([before], "main", inputs / "before" / BASELINES)
    outputs = [word for suffix in ("md", "html", "xml", "json", "csv") for word in ("-o", f"{OUT}/gate.{suffix}")]
    words = ("gate", str(after), "--baseline", "main", "--force", *outputs)
    return Killable(words, (OUT, BASELINES), True, inputs / "before", True)


def _update(inputs: Path) -> Killable:
    """It replaces the baseline, whose first one stays as the anchor."""
    told = _gate(inputs)
    return Killable((*told.words[:4], "--update", "--reason", "measured again"), (BASELINES,), True, inputs / "before")


def _perturb(inputs: Path) -> Killable:
    rows = [json.dumps({"id": number, "text": f"Habari ya asubuhi, rafiki wa {number}"}) for number in range(4000)]
    (inputs / "rows.jsonl").write_text("".join(f"{row}\n" for row in rows), encoding="utf-8")
    noise = ("--fields", "text", "-l", "sw", "--perturb", "char_noise:0.1", "--force")
    outputs = ("-o", f"{OUT}/noisy.jsonl", "--edit-counts", f"{OUT}/counts.tsv")
    return Killable(("perturb", str(inputs / "rows.jsonl"), *noise, *outputs), wholes=True, replaces=True)


def _study(inputs: Path) -> Killable:
    """Two arms with one target and one training seed, in two processes."""
    return Killable(("study", str(file_of(inputs, _ONE_TARGET, _ONE_SEED)), "--out", OUT, "--devices", "cpu,cpu"))


def _eval(inputs: Path) -> Killable:
    """A small eval with two worker processes, without the cache."""
    run, data = tiny_run(inputs / "tiny", ("xnli", "panx")), release(inputs / "data")
    (inputs / "workers.toml").write_text("workers = 2")
    words = ("--config", str(inputs / "workers.toml"), "--model", str(run), "--data", str(data), "--tasks", "xnli,panx")
    return Killable(("eval", *words, "--perturb", "char_noise:0.2", "--device", "cpu", "--no-cache", "--out", OUT))


COMMANDS: Final[Mapping[str, tuple[Callable[[Path], Killable], int, int]]] = {
    "import": (_import, 0, MANY // 2),
    "import --force": (_import_over, 0, MANY // 2),
    "gate": (_gate, 0, MANY),
    "gate --update": (_update, 0, MANY // 2),
    "perturb": (_perturb, 1, MANY),
    "study": (_study, 0, FEW),
    "eval with workers": (_eval, 0, 2 * FEW),
}
"""What makes each command, how many times `make test` kills it, and how many times the long tests do."""


# ------------------------------------------------------------------------------------------------------------- killing


def _started(command: Killable, folder: Path, temporary: Path) -> Forked:
    """The command in a session of its own, in a folder, with a folder of temporary files."""
    (folder / OUT).mkdir(parents=True, exist_ok=True)
    temporary.mkdir(exist_ok=True)
    how = How(folder=str(folder), leads=True)
    return forked(command.words, temporary.with_name(f"{temporary.name}.printed"), how, {"TMPDIR": str(temporary)})


def _prepared(command: Killable, folder: Path) -> Path:
    """The folder with what is there before, and nothing else."""
    shutil.rmtree(folder, ignore_errors=True)
    if command.before:
        shutil.copytree(command.before, folder)
    return folder


@dataclass(frozen=True, slots=True)
class Whole:
    """A command, its folder, the files before it and after it where nobody kills it, and the seconds that it takes.

    The folder is that of each case, as some files have its path; beside it are temporary files.
    """

    command: Killable
    folder: Path
    before: Content
    after: Content
    seconds: float


@pytest.fixture(scope="module")
def wholes(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Whole]:
    """Each command where nobody kills it, made when it is first asked for."""
    made: dict[str, Whole] = {}

    def whole(name: str) -> Whole:
        if name not in made:
            made[name] = _whole(COMMANDS[name][0], tmp_path_factory.mktemp(name.split()[0]))
        return made[name]

    return whole


def _whole(make: Callable[[Path], Killable], folder: Path) -> Whole:
    (folder / "inputs").mkdir()
    command = make(folder / "inputs")
    forked(["--version"], folder / "version").end()
    work = _prepared(command, folder / "work")
    before, begun = files(work, *command.results), time.monotonic()
    code, errors = _started(command, work, folder / "tmp").end()
    assert code in (0, 1), errors
    return Whole(command, work, before, files(work, *command.results), time.monotonic() - begun)


def _killed(whole: Whole, draw: random.Random, alone: bool) -> bool:
    """Kill the command at any time between its beginning and its end; whether it had not ended before."""
    command = _started(whole.command, whole.folder, whole.folder.with_name("tmp"))
    number = command.process.pid
    assert number is not None
    code, _ = command.end(whole.seconds * draw.uniform(0.0, 1.0))
    if alone:
        command.process.kill()
    else:
        sessions.kill(number)
    command.end()
    assert sessions.left(number) == []
    return code is None


def _check_killed(whole: Whole, old: Content) -> None:
    """After a kill each file is the old or the new one, where the command says so of each."""
    there = files(whole.folder, *whole.command.results) if whole.command.wholes else {}
    shown = {name: data for name, data in there.items() if not _is_hidden(name)}
    assert [name for name, data in shown.items() if data not in (old.get(name), whole.after.get(name))] == []


def _is_hidden(name: str) -> bool:
    """Whether a file is in a hidden folder, or one itself; baselines are in one."""
    return any(part.startswith(".") for part in Path(name.removeprefix(BASELINES)).parts)


def _check_finished(whole: Whole) -> None:
    """The same command again ends at the files of one that nobody killed, and leaves nothing else."""
    ended, errors = _started(whole.command, whole.folder, whole.folder.with_name("tmp")).end()
    if ended == 2 and "import" in whole.command.words:  # it was complete, and is not replaced
        assert "--force" in errors
        ended = 0
    assert ended in (0, 1), errors
    assert files(whole.folder, *whole.command.results) == whole.after
    assert hidden(whole.folder) == []


def _with_old_files(whole: Whole) -> Content:
    """Write files that the command replaces; the files before it."""
    (whole.folder / OUT).mkdir(parents=True)
    old = {path: b"old\n" for path in whole.after if path.startswith(OUT)}
    for path, content in old.items():
        (whole.folder / path).write_bytes(content)
    return {**whole.before, **old}


def _case(name: str, whole: Whole, number: int) -> None:
    draw, shared = random.Random(f"{name}/{number}"), sessions.shared_memory()
    replaces = whole.command.replaces and draw.random() < 0.5
    for _ in range(_TRIES):
        _prepared(whole.command, whole.folder)
        old = _with_old_files(whole) if replaces else whole.before
        if _killed(whole, draw, alone=number % 2 == 1):
            break
    else:
        pytest.fail(f"it ended before each of {_TRIES} kills")
    _check_killed(whole, old)
    _check_finished(whole)
    assert [*whole.folder.with_name("tmp").rglob("*")] == []
    assert sessions.unmapped(sessions.shared_memory() - shared) == set()


def _cases() -> list[object]:
    """Each command so many times; those of `make test` first."""
    cases: list[object] = []
    for name, (_, few, many) in COMMANDS.items():
        for number in range(few + many):
            marks = [] if number < few else [pytest.mark.long]
            cases.append(pytest.param(name, number, marks=marks, id=f"{name} {number}"))
    return cases


@pytest.mark.parametrize(("name", "number"), _cases())
def test_a_command_killed_at_any_moment_is_finished_by_the_same_command(
    name: str, number: int, wholes: Callable[[str], Whole]
) -> None:
    """Its files have the bytes of one that nobody killed; each was the old or the new one, and nothing else is left."""
    _case(name, wholes(name), number)
