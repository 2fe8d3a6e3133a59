"""Commands whose disk fails at any write: one line with the cure, nothing half-written, and nothing of a user is lost.

The same command on a healthy disk then ends at the bytes of one whose disk never failed.
"""

from __future__ import annotations

import json
import random
import re
import resource
import shutil
import tomllib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from io import BytesIO
from itertools import product
from pathlib import Path
from types import MappingProxyType
from typing import Final

import polars as pl
import pytest
from tests.e2e.test_commands_killed import COMMANDS, OUT, Content, Killable, files, hidden
from tests.failing import BROKEN, FULL, NEVER, READ_ONLY, prepare
from tests.finished_runs import finished_run
from tests.forks import How, forked
from tests.some import some

from robust_xtreme.core.resources import _CHECKOUT
from robust_xtreme.gating.baselines import save

MINE: Final = "mine.txt"
NO_LIMITS: Final[Mapping[int, int]] = MappingProxyType({})
LIMITS: Final = {
    "ulimit -v": [{resource.RLIMIT_AS: mebibytes << 20} for mebibytes in (1, 32, 128, 512, 1024)],
    "ulimit -f": [{resource.RLIMIT_FSIZE: kibibytes << 10} for kibibytes in (2, 4, 8, 16, 64)],
}
"""Addresses above those that a command begins with, and sizes of files."""

FAULTS: Final = {"full": FULL, "broken": BROKEN, "read-only": READ_ONLY}
ENDED: Final = "as happens where a library gets no memory"
_CURE: Final = re.compile(
    r"\. (Free some|Raise|Make it|Make its folder|Name a|Permit|Copy|The same command|Start again)|: robust-x"
)


def _eval(_: Path) -> Killable:
    """The embedded model, with a cache."""
    noise = ("--perturb", "char_noise:0.2", "--device", "cpu")
    return Killable(("eval", "--tasks", "xnli", "--languages", "sw", "--limit", "12", *noise, "--out", OUT))


def _train(_: Path) -> Killable:
    """Two stages from scratch."""
    text = _CHECKOUT / "configs" / "train" / "made_up.txt"
    start = ("--from-scratch", "tiny", "--text", str(text), "--mlm-steps", "2", "--data", "mini", "--limit", "20")
    how = ("--steps", "2", "--batch-size", "4", "--device", "cpu")
    return Killable(("train", "--tasks", "panx", *start, *how, "--out", OUT))


def _baseline(inputs: Path) -> Killable:
    run = finished_run(inputs / "old", draw=1)
    return Killable(("baseline", "save", str(run), "--folder", OUT), wholes=True)


def _baseline_over(inputs: Path) -> Killable:
    """It replaces a baseline."""
    told = _baseline(inputs)
    save([finished_run(inputs / "other", draw=2)], "main", inputs / "before" / OUT)
    return Killable((*told.words, "--force"), wholes=True, before=inputs / "before")


def _compare(inputs: Path) -> Killable:
    before, after = finished_run(inputs / "old", draw=1), finished_run(inputs / "new", draw=2)
    outputs = ("-o", f"{OUT}/compare.md", "-o", f"{OUT}/compare.csv")
    return Killable(("compare", str(before), str(after), *outputs), wholes=True)


def _report(inputs: Path) -> Killable:
    outputs = ("-o", f"{OUT}/report.md", "-o", f"{OUT}/report.tex", "--force")
    return Killable(("report", str(finished_run(inputs / "run", draw=1)), *outputs), wholes=True)


MAKES: Final[Mapping[str, tuple[Callable[[Path], Killable], int]]] = {
    **{name: (COMMANDS[name][0], 1) for name in ("import", "import --force")},
    **{name: (COMMANDS[name][0], 2) for name in ("gate", "gate --update", "perturb")},
    "baseline save": (_baseline, 3),
    "baseline save --force": (_baseline_over, 2),
    "compare": (_compare, 3),
    "report": (_report, 2),
    "eval": (_eval, 2),
    "train": (_train, 1),
    "study": (COMMANDS["study"][0], 0),
}
"""What makes each command, and at how many of its writes `make test` lets each fault come."""

MOST: Final = {"study": 40}
"""At how many of its writes a command of many minutes meets each fault in the long tests."""

BEFORE: Final = f"{OUT}/.run.importing/before"
"""Where the folder is that `import --force` replaces, until the new one has its name."""

SHORT: Final = [name for name, (_, few) in MAKES.items() if few]
DISKS: Final = (
    *(("import", "full"), ("import --force", "read-only"), ("gate --update", "read-only"), ("perturb", "broken")),
    *(("baseline save", "full"), ("report", "broken"), ("eval", "full")),
)
LIMITED: Final = (("gate", "ulimit -v"), ("perturb", "ulimit -f"), ("eval", "ulimit -f"), ("compare", "ulimit -v"))
"""Commands with a fault or a limit that `make test` tries; the others are long tests."""


@dataclass(frozen=True, slots=True)
class Whole:
    """A command on a healthy disk: its folder, which is that of each case, the files before and after, its writes."""

    command: Killable
    folder: Path
    before: Content
    after: Content
    writes: tuple[str, ...]

    def started(
        self, disk: tuple[int, int] | None = None, limits: Mapping[int, int] = NO_LIMITS
    ) -> tuple[int | None, str]:
        """The exit code and the errors of the command, whose disk fails at a write with an error."""
        top, log = self.folder.parent, self.folder.parent.with_name(f"{self.folder.parent.name}.log")
        given = None if disk is None else (str(top), *disk, str(log))
        environment = {"TMPDIR": str(top / "tmp"), "ROBUST_XTREME_CACHE": str(self.folder / "cache")}
        how = How(folder=str(self.folder), prepare=partial(prepare, given, dict(limits)))
        return forked(self.command.words, log.with_suffix(".printed"), how, environment).end()

    def prepared(self) -> None:
        """The folder as it is before the command, with a file of the user."""
        shutil.rmtree(self.folder, ignore_errors=True)
        if self.command.before:
            shutil.copytree(self.command.before, self.folder)
        (self.folder / OUT).mkdir(parents=True, exist_ok=True)
        (self.folder.parent / "tmp").mkdir(exist_ok=True)
        for folder in (self.folder, *([self.folder / OUT] if self.command.wholes else [])):
            (folder / MINE).write_text("mine\n", encoding="utf-8")

    def with_old_files(self) -> Content:
        """Write files that the command replaces; the files before it."""
        if "--force" not in self.command.words or self.command.before:
            return self.before
        for path in self.after:
            if path.startswith(OUT) and Path(path).name != MINE:
                (self.folder / path).write_bytes(b"old\n")
        return self.there()

    def there(self) -> Content:
        """The files of its results."""
        return files(self.folder, *self.command.results)


@pytest.fixture(scope="module")
def wholes(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Whole]:
    """Each command on a healthy disk, when it is first asked for."""
    made: dict[str, Whole] = {}

    def whole(name: str) -> Whole:
        if name not in made:
            made[name] = _whole(MAKES[name][0], tmp_path_factory.mktemp(name.split()[0]))
        return made[name]

    return whole


def _whole(make: Callable[[Path], Killable], folder: Path) -> Whole:
    (folder / "inputs").mkdir()
    plain = Whole(make(folder / "inputs"), folder / "work", {}, {}, ())
    plain.prepared()
    before = plain.there()
    code, errors = plain.started((NEVER, FULL))
    assert code in (0, 1), errors
    writes = folder.with_name(f"{folder.name}.log").read_text(encoding="utf-8").splitlines()
    return Whole(plain.command, plain.folder, before, plain.there(), tuple(writes))


# ------------------------------------------------------------------------------------------------------------- judging


def _reads(path: Path) -> bool:
    """Whether a file that changes while a command runs is whole."""
    data = path.read_bytes()
    try:
        match path.suffix:
            case ".json":
                json.loads(data)
            case ".toml":
                tomllib.loads(data.decode())
            case ".parquet":
                pl.read_parquet(BytesIO(data))
            case ".csv" | ".jsonl":
                return data.endswith(b"\n")
            case _:
                return False
    except (ValueError, pl.exceptions.PolarsError):
        return False
    return True


def _of_line(code: int | None, errors: str) -> Iterator[str]:
    """What is wrong with how a command ended."""
    lines = errors.strip().splitlines() or [""]
    if code not in (0, 1, 3):
        yield f"exit code {code}"
    if "Traceback" in errors or "This is a bug" in errors:
        yield "a traceback, or a bug"
    if code == 3 and [line for line in lines if line.startswith("robust-xtreme: ")] != lines[-1:]:
        yield "not one line at the end"
    if code == 3 and not _CURE.search(lines[-1]):
        yield "no next step"


def _of_files(whole: Whole, code: int | None, old: Content, killed: bool) -> Iterator[str]:
    """What is wrong with the files that a command left.

    One that was killed may leave hidden ones, and so may a study that fails while other processes compute cells.
    """
    there = whole.there()
    shown = {name: data for name, data in there.items() if not any(part[0] == "." for part in Path(name).parts)}
    for name, data in shown.items():
        known = data in (old.get(name), whole.after.get(name))
        if not known and (whole.command.wholes or not _reads(whole.folder / name)):
            yield f"half of {name}"
    if lost := old.keys() - there.keys():
        yield f"lost {sorted(lost)}"
    if code in (0, 1) and there != whole.after:
        yield "ended with 0, with other files"
    unfinished = [] if code == 3 and "study" in whole.command.words else hidden(whole.folder)
    if not killed and (left := [*unfinished, *map(str, (whole.folder.parent / "tmp").rglob("*"))]):
        yield f"left {left}"
    if "--force" in whole.command.words and "import" in whole.command.words and there not in (old, whole.after):
        yield "the folder is neither the old nor the new one"
    yield from _of_user(whole)


def _is_beside(whole: Whole, old: Content) -> bool:
    """Whether a folder that could not be put back is whole beside its place, and nothing is in its place."""
    there = {path: data for path, data in whole.there().items() if not path.startswith(f"{OUT}/.run.importing/run/")}
    return {path.replace(BEFORE, f"{OUT}/run"): data for path, data in there.items()} == old


def _of_user(whole: Whole) -> Iterator[str]:
    for folder in (whole.folder, *([whole.folder / OUT] if whole.command.wholes else [])):
        if not (folder / MINE).is_file() or (folder / MINE).read_bytes() != b"mine\n":
            yield f"the user's file in {folder.name} is gone"


def _of_next(whole: Whole) -> Iterator[str]:
    """What is wrong with the same command on a healthy disk."""
    code, errors = whole.started()
    if code == 2 and "baseline save RUN --name main --force" in errors:
        return  # between the files of a baseline, which it names
    done = code == 2 and "imported run" in errors
    if code not in (0, 1) and not done:
        yield f"then exit code {code}: {errors}"
    if (there := whole.there()) != whole.after:
        names = {name for name in {*there, *whole.after} if there.get(name) != whole.after.get(name)}
        yield f"then other files: {sorted(names)}"
    if left := hidden(whole.folder):
        yield f"then left {left}"
    yield from _of_user(whole)


def _wrong(whole: Whole, draw: random.Random, cases: Sequence[tuple[tuple[int, int] | None, Mapping[int, int]]]) -> str:
    """What is wrong in each of some cases."""
    return "\n".join(line for disk, limits in cases for line in _case(whole, draw.random() < 0.5, disk, limits))


def _case(
    whole: Whole, replaces: bool, disk: tuple[int, int] | None, limits: Mapping[int, int] = NO_LIMITS
) -> list[str]:
    """What is wrong where a write fails, or there is a limit."""
    whole.prepared()
    old = whole.with_old_files() if replaces else whole.before
    code, errors = whole.started(disk, limits)
    wrong = [*_of_line(code, errors)]
    if BEFORE not in errors:
        wrong += _of_files(whole, code, old, ENDED in errors)
    elif not old or not _is_beside(whole, old):
        wrong.append("the old folder is not where the line says")
    if code == 3 and (whole.there() != old or not whole.command.wholes):
        wrong += _of_next(whole)
    what = f"{disk[0]} {whole.writes[disk[0] - 1]}" if disk else limits
    return [f"{what}: {'; '.join(wrong)}\n    {code} {errors.strip().splitlines()[-1:]}"] if wrong else []


@pytest.mark.parametrize(("name", "fault"), some(product(SHORT, FAULTS), DISKS))
def test_a_command_whose_disk_fails_at_some_writes(name: str, fault: str, wholes: Callable[[str], Whole]) -> None:
    """Its files are the old or the new ones, it says in one line what to do, and the same command finishes them.

    The last write is always one of them.
    """
    whole, draw = wholes(name), random.Random(f"{name} {fault}")
    last = len(whole.writes)
    some = [*sorted(draw.sample(range(1, last), MAKES[name][1] - 1)), last]
    assert not _wrong(whole, draw, [((number, FAULTS[fault]), NO_LIMITS) for number in some])


def test_a_first_import_has_no_old_folder_to_name(wholes: Callable[[str], Whole]) -> None:
    """Where the new folder does not get its name, and none was there."""
    whole = wholes("import")
    at = max(number for number, write in enumerate(whole.writes, 1) if write.startswith("rename "))
    assert not _wrong(whole, random.Random(0), [((at, FULL), NO_LIMITS)])


def test_a_replaced_folder_that_cannot_be_put_back_is_named(wholes: Callable[[str], Whole]) -> None:
    """From the write on that would give the new folder its name, the old one is beside it, and the line says where."""
    whole = wholes("import --force")
    whole.prepared()
    code, errors = whole.started((len(whole.writes) - 1, FULL))
    assert code == 3
    assert f"whole in {whole.folder / BEFORE}" in errors
    assert _is_beside(whole, whole.before)
    assert not [*_of_next(whole)]


@pytest.mark.long
@pytest.mark.timeout(0)
@pytest.mark.parametrize("fault", FAULTS)
@pytest.mark.parametrize("name", MAKES)
def test_a_command_whose_disk_fails_at_each_write(name: str, fault: str, wholes: Callable[[str], Whole]) -> None:
    """The same at each of its writes."""
    whole, draw = wholes(name), random.Random(f"{name} {fault}")
    count = len(whole.writes)
    numbers = sorted(draw.sample(range(1, count + 1), min(MOST.get(name, count), count)))
    assert not _wrong(whole, draw, [((number, FAULTS[fault]), NO_LIMITS) for number in numbers])


@pytest.mark.parametrize(("name", "limit"), some(product(SHORT, LIMITS), LIMITED))
def test_a_command_under_a_limit(name: str, limit: str, wholes: Callable[[str], Whole]) -> None:
    """It ends as without the limit, or says in one line what to do, and the same command without it finishes."""
    draw = random.Random(f"{name} {limit}")
    assert not _wrong(wholes(name), draw, [(None, draw.choice(LIMITS[limit]))])


@pytest.mark.long
@pytest.mark.timeout(0)
@pytest.mark.parametrize("limit", LIMITS)
@pytest.mark.parametrize("name", MAKES)
def test_a_command_under_each_limit(name: str, limit: str, wholes: Callable[[str], Whole]) -> None:
    """The same with each of them."""
    draw = random.Random(f"{name} {limit}")
    assert not _wrong(wholes(name), draw, [(None, limits) for limits in LIMITS[limit]])
