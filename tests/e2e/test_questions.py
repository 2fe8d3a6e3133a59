"""docs/questions.md is what the commands of its questions print."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.program import program
from tools import questions


def _run(words: list[str]) -> str:
    ended = program(*words, COLUMNS="150")
    return ended.out + ended.err


def test_each_question_has_the_answer_that_its_command_prints(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every line of the page; `python -m tools.questions` writes it again."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(str(tmp_path))
    questions.files(tmp_path)
    assert questions.page(_run) == questions.PAGE.read_text("utf-8")
    assert sum(map(len, questions.PARTS.values())) >= 30
