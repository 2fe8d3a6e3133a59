"""Every argument of `evaluate`, `train` and `perturb` with wrong values: a right result, or one error that names it."""

from __future__ import annotations

import errno
import math
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final, cast

import numpy as np
import pytest
from tests.program import program
from tests.some import some

import robust_xtreme.run.run
import robust_xtreme.training.stage
from robust_xtreme import evaluate, perturb, train
from robust_xtreme.core.errors import DiskError, RobustXtremeError, UserError, no_room, of_system
from robust_xtreme.core.keys import Argument
from robust_xtreme.core.run_spec import evaluate_arguments
from robust_xtreme.training.device import check_devices
from robust_xtreme.training.values import from_values, spec_of, train_arguments

pytestmark = pytest.mark.usefixtures("unpaged")

LONG: Final = "a" * 300
WRONG: Final[dict[str, Any]] = {
    "int": 5,
    "bool": True,
    "float": 1.5,
    "nan": math.nan,
    "inf": math.inf,
    "negative": -1,
    "huge": 10**5000,
    "none": None,
    "dict": {"a": "b"},
    "set": {"a"},
    "bytes": b"xnli",
    "scalar": np.float64(0.5),
    "Path": Path("nowhere/x"),
    "list": ["a", 1],
    "object": object(),
}
TAKES: Final = {
    "str": {"Path"},
    "str | Path": {"Path"},
    "str | int": {"int"},
    "str | int | Sequence[int]": {"int"},
    "int": {"int"},
    "float": {"int", "float", "scalar"},
    "bool": {"bool"},
    "int | None": {"int", "none"},
    "Asked | None": {"none"},
}
"""By the type of an argument, the wrong values that are right for it, or may be."""


class Reached(Exception):
    """The arguments were accepted, and the work would begin."""


@pytest.fixture
def nothing_begins(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[None]:
    """Working in an empty folder, evaluation and training raise Reached."""

    def begin(*_: Any, **__: Any) -> None:
        raise Reached

    with monkeypatch.context() as patch:
        patch.chdir(tmp_path)
        patch.setattr(robust_xtreme.run.run, "evaluate", begin)
        patch.setattr(robust_xtreme.training.stage, "train", begin)
        yield


def wrong(argument: Argument) -> list[Any]:
    """The values of types that are not an argument's own."""
    is_several = "Sequence" in argument.type or "Mapping" in argument.type
    several = {"none", "dict", "Path"} if is_several else set[str]()
    fitting = TAKES.get(argument.type, several)
    return [value for label, value in WRONG.items() if label not in fitting]


@pytest.mark.usefixtures("nothing_begins")
@pytest.mark.parametrize(("name", "argument"), evaluate_arguments().items(), ids=evaluate_arguments())
def test_evaluate_refuses_an_argument_of_another_type(name: str, argument: Argument) -> None:
    """One line that names the argument, before anything begins."""
    for value in wrong(argument):
        with pytest.raises(UserError, match=name) as raised:
            evaluate(**{"tasks": "xnli", name: value})
        assert "\n" not in str(raised.value)


@pytest.mark.usefixtures("nothing_begins")
@pytest.mark.parametrize(("name", "argument"), train_arguments().items(), ids=train_arguments())
def test_train_refuses_an_argument_of_another_type(name: str, argument: Argument) -> None:
    """The same, also of the short forms that only Python has, with and without a run's file."""
    for value in wrong(argument):
        for spec in (None, "small_ci"):
            with pytest.raises(UserError, match=f"{name}|{name.replace('_', '-')}") as raised:
                train(spec, **{"task": "panx", "data": "mini", "encoder": "e", name: value})
            assert "\n" not in str(raised.value)


@pytest.mark.usefixtures("nothing_begins")
@pytest.mark.parametrize(
    ("given", "line"),
    [
        ({"scratch": "tiny", "size": "huge", "text": "t"}, "'huge'"),
        ({"scratch": "tiny", "encoder": "e", "text": "t"}, "--from, or --from-scratch"),
        ({"scratch": "tiny", "revision": "abc", "text": "t"}, "--revision"),
        ({"encoder": "e", "target": "xnli"}, "by target"),
        ({"encoder": "e", "text": "t"}, "Nothing reads --text"),
        ({"encoder": "e", "mlm_steps": 5}, "--mlm-steps"),
        ({"encoder": "e", "text": "t", "mlm_steps": 5, "mlm": {"text": "t"}}, "mlm_steps or by mlm"),
        ({"encoder": "e", "allow_overlap": True, "overlap": "drop"}, "contradict"),
    ],
)
def test_what_contradicts_itself_or_is_not_used_is_refused(given: dict[str, Any], line: str) -> None:
    """Neither of two values is chosen in silence, and none is ignored."""
    with pytest.raises(UserError, match=line):
        train(**{"task": "panx", "data": "mini", **given})


def test_a_files_text_without_its_stage_is_no_mistake_of_the_caller() -> None:
    """`--mlm-steps 0` leaves the stage out, and the text that the file or the caller names is then not read."""
    assert spec_of("", {"task": "panx", "data": "mini", "encoder": "e", "text": "t", "mlm_steps": 0}).mlm is None


def test_a_number_of_another_kind_is_the_same_run() -> None:
    """A whole number and numpy's float are the float that the key has."""
    values = {"task": "panx", "data": "mini", "encoder": "e"}
    whole, scalar = (from_values({**values, "clip": clip}) for clip in (1, np.float64(1.0)))
    assert whole == scalar
    assert type(whole.clip) is type(scalar.clip) is float


def test_more_devices_than_there_are_are_refused() -> None:
    """On the CPU each device is a process, which needs a core."""
    check_devices("cpu", 1)
    with pytest.raises(UserError, match="--devices 4096"):
        check_devices("cpu", 4096)


@pytest.mark.parametrize(
    "texts", [{"a": "b"}, {"a"}, frozenset("a"), np.int64(3), np.float64(0.5), np.array([["a"]]), b"a", "a", 5, None]
)
def test_perturb_takes_texts_in_an_order(texts: Any) -> None:
    """A dict's keys, a set, a scalar and a table are not a list of texts."""
    with pytest.raises(UserError, match="list of texts"):
        perturb(texts, "char_noise:0.1", language="sw")


# --------------------------------------------------------------------------------------------------------------- paths


@pytest.fixture
def paths(tmp_path: Path) -> dict[str, str]:
    """Texts that cannot be paths, by what is wrong with them."""
    (tmp_path / "file.txt").write_text("x\n", encoding="utf-8")
    (tmp_path / "loop").symlink_to("pool")
    (tmp_path / "pool").symlink_to("loop")
    return {
        "too long": LONG,
        "a file where a folder": str(tmp_path / "file.txt" / "x"),
        "a link that leads to itself": str(tmp_path / "loop"),
        "a control character": "a\0b",
        "half of a character": "\ud800",
    }


@pytest.mark.parametrize("name", ["data", "model", "packs"])
def test_evaluate_reads_nothing_that_cannot_be_a_path(name: str, paths: dict[str, str]) -> None:
    """One line, also where the operating system refuses the name."""
    for path in paths.values():
        with pytest.raises(UserError) as raised:
            evaluate(**cast("Any", {name: path}))
        assert "\n" not in str(raised.value)


def test_evaluate_writes_to_nothing_that_cannot_be_a_path(paths: dict[str, str]) -> None:
    """The line names the key, and says why."""
    for why, path in paths.items():
        with pytest.raises(UserError, match=f"of 'out' .*{why}"):
            evaluate(out=path)


@pytest.mark.usefixtures("nothing_begins")
@pytest.mark.parametrize("name", ["data", "encoder", "text", "out", "recipe", "translated"])
def test_train_refuses_what_cannot_be_a_path(name: str, paths: dict[str, str]) -> None:
    """The line says why, and names the key."""
    for why, path in paths.items():
        with pytest.raises(UserError, match=why):
            train(**cast("Any", {"task": "panx", "data": "mini", "encoder": "e", "mlm_steps": 0, name: path}))


@pytest.mark.parametrize(
    "line",
    some([
        ("eval", "--data"), ("eval", "--out"), ("eval", "--config"), ("eval", "--packs"), ("eval", "--model"),
        ("train", "--tasks", "panx", "--from", "e", "--data"), ("train", "--tasks", "panx", "--data", "mini", "--from"),
        ("train", "--tasks", "panx", "--data", "mini", "--from", "e", "--out"), ("train",),
        ("train", "--tasks", "panx", "--data", "mini", "--from-scratch", "tiny", "--text"),
        ("data", "list", "--data"), ("config", "show"), ("config", "copy", "small_ci"), ("perturb",),
        ("list", "perturbations", "--packs"), ("show", "char_noise:0.1", "Habari", "-l", "sw", "--packs"),
    ], 5, whole=True),
    ids=" ".join,
)  # fmt: skip
def test_the_command_refuses_what_cannot_be_a_path(line: tuple[str, ...], paths: dict[str, str]) -> None:
    """The exit code of a misuse, and one line that is not about a bug."""
    more = ("--languages", "sw", "--perturb", "char_noise:0.1") if line == ("perturb",) else ()
    for path in (paths["too long"], paths["a file where a folder"], paths["a link that leads to itself"]):
        done = program(*line, path, *more)
        assert (done.code, "bug" in done.err, done.err.count("\n")) == (2, False, 1), done.err


@pytest.mark.usefixtures("nothing_begins")
@pytest.mark.parametrize("line", some([
    "data list --data", "data list --tasks", "config copy small_ci", "config show", "doctor --data",
    "list tasks --data",
    "perturb f --perturb char_noise:0.1 --languages sw --out o --tasks", "perturb --perturb char_noise:0.1 --out o",
    *(f"eval --{name}" for name in ("packs", "config", "data", "model", "out", "tasks", "perturb", "limit")),
    "train", *(f"train --tasks panx --{name}" for name in ("from", "data", "out", "packs", "intermediate", "text")),
], 6))  # fmt: skip
def test_an_empty_value_is_refused_by_name(line: str) -> None:
    """As an unset variable of the shell is; one line, and the exit code of a misuse."""
    for empty in ("", " "):
        done = program(*line.split(), empty)
        name = line.split()[-1] if line.split()[-1].startswith("--") else ""
        assert (done.code, f"{name}" in done.err, done.err.count("\n")) == (2, True, 1), done.err
        assert "is empty" in done.err


@pytest.mark.usefixtures("nothing_begins")
@pytest.mark.parametrize(
    "name", ["model", "tasks", "languages", "perturb", "packs", "max_length", "labels", "trained_on"]
)
def test_an_empty_name_is_refused_in_python(name: str) -> None:
    """Alone and among others, by the name of the argument."""
    for empty in ("", ["a", ""], [" "]):
        with pytest.raises(UserError, match=f"'{name}' contains an empty"):
            evaluate(**cast("Any", {name: empty}))


@pytest.mark.usefixtures("nothing_begins")
def test_a_run_file_with_a_name_that_is_too_long_is_one_line() -> None:
    """Errors of the operating system are errors of the package in Python, too."""
    with pytest.raises(UserError, match="too long"):
        train(LONG)


# ---------------------------------------------------------------------------------------------------------------- room


@pytest.mark.parametrize(
    ("error", "cure"),
    [
        (OSError(errno.ENOSPC, os.strerror(errno.ENOSPC)), "Free some space"),
        (OSError(errno.EFBIG, os.strerror(errno.EFBIG)), "Raise the limit"),
        (Exception("Error while serializing: I/O error: File too large (os error 27)"), "Raise the limit"),
        (OSError(errno.EACCES, os.strerror(errno.EACCES)), ""),
    ],
)
def test_the_cure_is_that_of_the_cause(error: Exception, cure: str) -> None:
    """A limit on the size of files is not a full disk, and a library may say it in its text alone."""
    assert no_room(error).startswith(cure)
    assert bool(no_room(error)) == bool(cure)


def test_an_error_of_the_system_names_the_path() -> None:
    """The package's errors have the exit code of a misuse for paths, of the environment for disks."""
    large = of_system(OSError(errno.EFBIG, os.strerror(errno.EFBIG), "x/y"))
    assert isinstance(large, DiskError)
    assert "x/y" in str(large)
    assert "ulimit -f" in str(large)
    assert isinstance(of_system(OSError(errno.ELOOP, "loop", "x")), UserError)
    assert of_system(OSError(errno.EINTR, "no", "x")) is None
    limited = of_system(OSError("Too many open files (os error 24): x/y"))  # of polars, which gives no number
    assert "ulimit -n" in str(limited)
    assert issubclass(DiskError, RobustXtremeError)
