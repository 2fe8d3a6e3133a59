"""docs/questions.md is what the commands of its questions print."""

from __future__ import annotations

import shlex
from pathlib import Path

import pytest
from tests.program import program
from tools import questions
from typer.main import get_command

from robust_xtreme.cli._app import build


def _run(words: list[str]) -> str:
    ended = program(*words, COLUMNS="150")
    return ended.out + ended.err


def test_every_command_is_one_of_the_program() -> None:
    """Its options are those that the program knows."""
    every = get_command(build())
    several = [question.commands for part in questions.PARTS.values() for question in part]
    for name, *words in (shlex.split(command) for commands in several for command in commands):
        every.commands[name].make_context(name, words)  # type: ignore[attr-defined]  # a program with commands is a group
    assert len(several) >= 30


@pytest.mark.long
def test_each_question_has_the_answer_that_its_command_prints(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every line of the page; `python -m tools.questions` writes it again."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(str(tmp_path))
    questions.files(tmp_path)
    assert questions.page(_run) == questions.PAGE.read_text("utf-8")
