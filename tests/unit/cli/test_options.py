"""One name for one option: a table over all commands, and what each of them takes."""

from __future__ import annotations

import re
from typing import Any, Final

import pytest
from tests.program import program
from tools.reference import option_names
from typer.main import get_command

from robust_xtreme.cli import build
from robust_xtreme.cli._options import _SPELLINGS, ALSO
from robust_xtreme.core.keys import lines_of_file_keys, option_name
from robust_xtreme.core.run_spec import PANELS, RunSpec

COMMANDS: Final[dict[str, Any]] = get_command(build()).commands  # type: ignore[attr-defined]  # a group
NAMES: Final = {name: list(option_names(command)) for name, command in COMMANDS.items()}

ALIKE: Final = (
    {"--task", "--tasks"},
    {"--language", "--languages", "--lang", "--langs"},
    {"--perturb", "--noise", "--perturbation", "--perturbations"},
    {"--out", "--output", "--out-dir"},
    {"--gold", "--target", "--gold-key", "--gold-field", "--answer"},
    {"--cluster", "--cluster-key", "--cluster-field"},
    {"--fields", "--columns", "--field"},
    {"--language-field", "--language-key"},
)
"""Names that would mean the same; the commands have one of each."""


def test_the_same_name_has_the_same_other_names_in_every_command() -> None:
    """`--out` is `-o` wherever it is, and `-o` is nothing else."""
    known: dict[str, tuple[str, ...]] = {}
    for command, options in NAMES.items():
        for names in options:
            for name in names:
                assert known.setdefault(name, names) == names, (command, name)


@pytest.mark.parametrize("alike", ALIKE, ids=lambda alike: min(alike))
def test_what_means_the_same_has_one_name(alike: set[str]) -> None:
    """No two commands name the same thing differently."""
    used = {name for options in NAMES.values() for names in options for name in names if name in alike}
    assert len(used) == 1, used


def test_every_list_of_names_is_of_some_command() -> None:
    """The table of short names has nothing that no command has."""
    used = {names for options in NAMES.values() for names in options}
    assert {*_SPELLINGS} <= used
    assert {*ALSO.values()} <= {names[0] for names in used}


@pytest.mark.parametrize("words", [("--task", "xnli"), ("--tasks=xnli",), ("-t", "xnli"), ("--task=xnli",)])
def test_every_spelling_of_an_option_is_read(words: tuple[str, ...]) -> None:
    """With the value in the same word or the next; an unknown value is named by what there is."""
    ended = program("eval", *words, "--language", "klingon", "--plan")
    assert (ended.code, "no language" in ended.err) == (2, True), ended.err


@pytest.mark.parametrize(("name", "code"), [("swahili", "sw"), ("Swahilli", "sw"), ("german", "de")])
def test_the_name_of_a_language_says_its_code(name: str, code: str) -> None:
    """In all commands that take a language."""
    for words in (("list", "perturbations", "-l", name), ("show", "char_noise:0.1", "a", "--language", name)):
        assert f"{code!r}" in program(*words).err


def test_an_unknown_value_lists_what_there_is() -> None:
    """Where none is near; of many the first ones."""
    assert "perturbations, suites, tasks" in program("list", "qqqq").err
    line = program("eval", "--tasks", "qqqq").err
    assert re.search(r"There are: .*, \.\.\. See: robust-xtreme list tasks", line)


@pytest.mark.parametrize(
    ("command", "option", "line", "file"),
    [
        ("train", "--vision", 'vision = "..."', "FILE.toml"),
        *(("eval", option_name(name), line, "--config FILE") for name, line in lines_of_file_keys(RunSpec).items()),
    ],
)
def test_an_option_that_is_a_key_of_files_alone_says_so(command: str, option: str, line: str, file: str) -> None:
    """The line to write, how the command takes a file, and the command that lists all such keys."""
    ended = program(command, "--languages", "sw", option, "x")
    assert (ended.code, f"Write {line}, " in ended.err and file in ended.err) == (2, True), ended.err
    assert f"\n{line}  # " in program(*ended.err.split()[-2:]).out


def test_the_help_of_eval_has_its_ten_usual_options_first() -> None:
    """And --help; then come the other sections."""
    sections = re.split(r"─ (\w+) ─", program("eval", "--help").out)
    assert (tuple(sections[1::2]), sections[2].count("│ --")) == (PANELS, 11)
