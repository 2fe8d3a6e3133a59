"""Names that changed: the old spelling is read for two minor versions, with a note on stderr."""

from __future__ import annotations

import importlib
from collections.abc import Sequence
from pathlib import Path

import pytest
from packaging.version import Version
from tests.program import program

from robust_xtreme import __version__
from robust_xtreme.cli._app import command_names, current
from robust_xtreme.core import errors
from robust_xtreme.core.renamed import RENAMED, Renamed, note
from robust_xtreme.core.run_spec import RunSpec

OPTIONS = [row for row in RENAMED if row.of in command_names()]
COMMANDS = [row for row in RENAMED if not row.of and not row.old.startswith("-")]
EVERYWHERE = [row for row in RENAMED if not row.of and row.old.startswith("-")]
VALUES = [row for row in RENAMED if row.of == "index"]
CLASSES = [row for row in RENAMED if row.of == "errors"]


def test_every_old_name_is_tested_here() -> None:
    """A row of the table is an option, a command, a value or a class, each of which has a test below."""
    assert {*OPTIONS, *COMMANDS, *EVERYWHERE, *VALUES, *CLASSES} == {*RENAMED}


@pytest.mark.parametrize("row", COMMANDS, ids=lambda row: row.old)
def test_an_old_command_is_read_as_the_new_one(row: Renamed) -> None:
    """It is the first word alone; a folder of that name stays."""
    assert row.new in command_names()
    assert row.old not in command_names()
    assert current([row.old, "sample", row.old]) == ([row.new, "sample", row.old], [note(row)])
    assert current(["report", row.old]) == (["report", row.old], [])


@pytest.mark.parametrize("row", EVERYWHERE, ids=lambda row: row.old)
def test_an_old_option_of_all_commands_is_read_in_each(row: Renamed) -> None:
    """Also after an old name of the command."""
    for name in command_names():
        assert current([name, f"{row.old}=x"]) == ([name, f"{row.new}=x"], [note(row)])
    assert len(current(["attack", "sample", row.old, "x"])[1]) == 2


@pytest.mark.parametrize("row", OPTIONS, ids=lambda row: row.old)
def test_an_old_option_is_read_as_the_new_one(row: Renamed) -> None:
    """With the value in the same word or the next; where nothing replaces it, it is left out with its value."""
    new = [row.new] if row.new else []
    value = ["x"] if row.new else []
    assert current([row.of, "a", row.old, "x", "b"]) == ([row.of, "a", *new, *value, "b"], [note(row)])
    joined = [f"{row.new}=x"] if row.new else []
    assert current([row.of, f"{row.old}=x", "--", row.old]) == ([row.of, *joined, "--", row.old], [note(row)])
    other = next(name for name in command_names() if name != row.of)
    assert current([other, row.old]) == ([other, row.old], [])


@pytest.mark.parametrize("row", [row for row in OPTIONS if not row.new], ids=lambda row: row.old)
def test_a_removed_option_without_its_value_is_refused(row: Renamed) -> None:
    """At the end of the line, or before another option, whose word is not taken for the value."""
    for words in ((row.of, row.old), (row.of, row.old, "--tasks", "xnli"), (row.of, row.old, "--")):
        with pytest.raises(
            errors.UserError, match=f"^{row.old} took a value, which is missing. {row.old} is removed: "
        ):
            current(words)
    done = program(row.of, row.old)
    assert (done.code, done.out, done.err.count("\n")) == (2, "", 1)


def test_a_command_with_an_old_option_says_the_new_one(tmp_path: Path) -> None:
    """The command runs, and a line on stderr names the option of today."""
    file, counts = tmp_path / "texts.txt", tmp_path / "counts.tsv"
    file.write_text("Habari\n", encoding="utf-8")
    words = ("perturb", str(file), "-l", "sw", "--perturb", "char_noise:0.1", "-o", str(tmp_path / "o"), "-q")
    done = program(*words, "--books", str(counts))
    line = "robust-xtreme: --books is now --edit-counts; the old name is read until 0.3.\n"
    assert (done.code, done.err, counts.is_file()) == (0, line, True)


@pytest.mark.parametrize("row", VALUES, ids=lambda row: row.old)
def test_an_old_value_is_refused_with_the_reason(row: Renamed) -> None:
    """The reason is in the error of a run file that names it."""
    with pytest.raises(errors.SpecError, match=f"^The {row.of} {row.old} is removed: {row.why}"):
        RunSpec(index=row.old)


@pytest.mark.parametrize("row", CLASSES, ids=lambda row: row.old)
def test_an_old_class_is_the_new_one(row: Renamed) -> None:
    """Code of the version before still runs, with a warning; any other name is an AttributeError."""
    module = importlib.import_module(f"robust_xtreme.core.{row.of}")
    with pytest.warns(FutureWarning, match=f"{row.old} is now {row.new}"):
        assert getattr(module, row.old) is getattr(module, row.new)
    with pytest.raises(AttributeError, match="no attribute 'Overlaps'"):
        _ = module.Overlaps


PLANTED = Renamed("0.1", "list", "--planted", "--languages")


def _overdue(rows: Sequence[Renamed], version: str) -> list[str]:
    """The old names that a version must not know any more."""
    return [row.old for row in rows if Version(version) >= Version(row.until)]


def test_no_old_name_is_read_for_longer_than_it_says() -> None:
    """A row is removed in the version that it names; one that is planted shows when."""
    assert _overdue(RENAMED, __version__) == []
    assert [_overdue([PLANTED], version) for version in ("0.1.0", "0.2.9", "0.3.0")] == [[], [], ["--planted"]]


def test_an_old_name_is_read_and_then_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """With its row a command reads it and says until which version; without, it is an unknown option."""
    words = ("list", "perturbations", "--planted", "sw")
    monkeypatch.setattr("robust_xtreme.core.renamed.RENAMED", (PLANTED,))
    read = program(*words)
    line = "robust-xtreme: --planted is now --languages; the old name is read until 0.3.\n"
    today = program("list", "perturbations", "--languages", "sw")
    assert (read.code, read.err, read.out) == (0, line + today.err, today.out)
    monkeypatch.setattr("robust_xtreme.core.renamed.RENAMED", ())
    done = program(*words)
    assert (done.code, done.out) == (2, "")
    assert done.err.startswith("robust-xtreme: No such option: --planted")
