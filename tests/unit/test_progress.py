"""What `eval` shows while it runs: a bar on a terminal, plain lines elsewhere, nothing when quiet."""

from __future__ import annotations

import io

import pytest
from rich.console import Console

from robust_xtreme.commands import _progress
from robust_xtreme.commands._progress import observing


def _run(monkeypatch: pytest.MonkeyPatch, *, terminal: bool, quiet: bool = False, verbose: bool = False) -> str:
    """What stands on stderr after a short run."""
    shown = io.StringIO()
    console = Console(file=shown, force_terminal=terminal, width=100, markup=False, highlight=False)
    monkeypatch.setattr(_progress, "Console", lambda **_: console)
    with observing(quiet, verbose) as observer:
        observer.say("2 of 2 units to compute on cpu")
        observer.total(10)
        observer.unit("panx sw")
        observer.advance(10)
        observer.say("The batch size was halved for memory, to 200 tokens from panx sw on.")
    return shown.getvalue()


def test_a_terminal_shows_a_bar(monkeypatch: pytest.MonkeyPatch) -> None:
    """The unit at work and the count; of the sentences only the one about memory."""
    shown = _run(monkeypatch, terminal=True)
    assert "panx sw" in shown
    assert "10/10" in shown
    assert "halved for memory" in shown
    assert "2 of 2 units" not in shown


def test_verbose_shows_every_sentence_above_the_bar(monkeypatch: pytest.MonkeyPatch) -> None:
    """-v adds the sentences."""
    assert "2 of 2 units" in _run(monkeypatch, terminal=True, verbose=True)


def test_without_a_terminal_there_are_plain_lines(monkeypatch: pytest.MonkeyPatch) -> None:
    """A log gets one line a sentence and no bar."""
    lines = _run(monkeypatch, terminal=False).splitlines()
    assert lines == [
        "2 of 2 units to compute on cpu",
        "The batch size was halved for memory, to 200 tokens from panx sw on.",
    ]


def test_quiet_shows_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    """-q is silence until the table."""
    assert _run(monkeypatch, terminal=True, quiet=True) == ""
