"""What `eval` shows while it runs: a bar on a terminal, plain lines elsewhere, nothing when quiet."""

from __future__ import annotations

import io
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest
from rich.console import Console
from tests.synthetic_run import NO_AVERAGES, averages, run

from robust_xtreme.cli import _terminal
from robust_xtreme.cli._terminal import Lines, Pace, head, observing, show_result
from robust_xtreme.core.run_spec import RunSpec
from robust_xtreme.report.evaluation import Evaluation
from robust_xtreme.report.progress import matters
from robust_xtreme.report.view import Results


def _run(monkeypatch: pytest.MonkeyPatch, *, terminal: bool, quiet: bool = False, verbose: bool = False) -> str:
    """What is on stderr after a short run."""
    shown = io.StringIO()
    console = Console(file=shown, force_terminal=terminal, width=100, markup=False, highlight=False)
    monkeypatch.setattr(_terminal, "messages", lambda: console)
    with observing(quiet, verbose) as observer:
        observer.say("2 of 2 task runs to compute on cpu")
        observer.total(10)
        observer.task_run("panx sw")
        observer.advance(10)
        observer.say("The batch size was halved for memory, to 200 tokens from panx sw on.")
    return shown.getvalue()


def test_a_terminal_shows_a_bar(monkeypatch: pytest.MonkeyPatch) -> None:
    """The unit at work and the count; of the sentences only the one about memory."""
    shown = _run(monkeypatch, terminal=True)
    assert "panx sw" in shown
    assert "10/10" in shown
    assert "loading torch" in shown
    assert "halved for memory" in shown
    assert "2 of 2 task runs" not in shown


def test_a_terminal_shows_at_once_that_torch_is_loaded(monkeypatch: pytest.MonkeyPatch) -> None:
    """Loading takes seconds on a busy machine: the line is there before the import that loads torch begins."""
    shown = io.StringIO()
    begun: list[str] = []

    def find(name: str, *_: object) -> None:
        if name == "robust_xtreme.run.run":
            begun.append(shown.getvalue())
            raise ImportError("no torch here")

    monkeypatch.delitem(sys.modules, "robust_xtreme.run.run", raising=False)
    monkeypatch.setattr(sys, "meta_path", [SimpleNamespace(find_spec=find), *sys.meta_path])
    console = Console(file=shown, force_terminal=True, width=100)
    monkeypatch.setattr(_terminal, "messages", lambda: console)
    with pytest.raises(ImportError, match="no torch here"), observing(False, False):
        pass
    assert len(begun) == 1
    assert "loading torch" in begun[0]


def test_the_pace_is_that_of_the_last_half_minute_and_none_at_first() -> None:
    """Those that come at once do not count yet; a slow model has a pace between two of its batches."""
    now = [0.0]
    pace = Pace(lambda: now[0])
    shown = []
    for at, done in ((0.0, 0), (0.001, 100), (2.0, 200), (30.0, 3000), (60.0, 9000), (300.0, 9000), (600.0, 9060)):
        now[0] = at
        shown.append(pace.text(done, 10_000))
    assert shown[:4] == ["", "", "100/s 0:01:38 left", "100/s 0:01:10 left"]
    assert shown[4:] == ["152/s 0:00:07 left", "22/s 0:00:45 left", "0.1/s 2:21:00 left"]


def test_the_time_left_is_the_estimate_until_a_twentieth_is_done() -> None:
    """At first what is estimated; then what is left of it, times how much slower than estimated the run was."""
    now = [0.0]
    pace = Pace(lambda: now[0])
    shown = []
    for at, done, left in ((0.0, 0, 200.0), (40.0, 100, 195.0), (60.0, 900, 170.0), (100.0, 950, 100.0)):
        now[0] = at
        shown.append(pace.text(done, 1000, left))
    assert shown == ["0:03:20 left", "2.5/s 0:03:15 left", "15/s 0:05:40 left", "1.2/s 0:01:40 left"]


def test_without_a_terminal_a_line_each_half_minute_says_how_far_a_run_is() -> None:
    """With thousands separated, the pace and the time left; what is taken back is subtracted."""
    now, printed = [100.0], list[str]()
    lines = Lines(printed.append, lambda: now[0])
    now[0] = 200.0
    lines.total(72_000)
    for predictions in (1500, 1500, -1000, 1000, 3000):
        now[0] += 15.0
        lines.advance(predictions)
    assert printed == [
        "3,000 of 72,000 predictions, 100/s 0:11:30 left",
        "3,000 of 72,000 predictions, 33/s 0:34:30 left",
    ]


@pytest.mark.parametrize(
    ("spec", "line"),
    [
        (RunSpec(perturb=("char_noise:0.1",)), "Model mini on mini: panx, xnli; 2 languages; char_noise:0.1"),
        (
            RunSpec(model=("xnli=a", "panx=b"), data="DIR", perturb=("char_noise:0.1",), seeds=3),
            "Model xnli=a, panx=b on DIR: panx, xnli; 2 languages; char_noise:0.1, 3 draws of the noise",
        ),
        (RunSpec(external=("typos=x",)), "Model mini on mini: panx, xnli; 2 languages; external:typos"),
        (RunSpec(), "Model mini on mini: panx, xnli; 2 languages; clean (no noise: add --perturb char_noise:0.1)"),
    ],
)
def test_the_head_line_says_what_was_run(spec: RunSpec, line: str) -> None:
    """The model and the data as they were named, the tasks, how many languages, and the noise."""
    units = [{"task": task, "language": code} for task in ("panx", "xnli") for code in ("en", "sw")]
    assert head(spec, {"units": units}) == line


def test_one_language_is_named_in_the_head_line() -> None:
    """A single language is there by its code."""
    assert "; sw; " in head(RunSpec(), {"units": [{"task": "xnli", "language": "sw"}]})


def _shown(monkeypatch: pytest.MonkeyPatch, *, noisy: bool = True, quiet: bool = False) -> str:
    scores, deltas, manifest = run()
    units = [{"task": "xnli", "language": "en"}]
    deltas = deltas if noisy else deltas.clear()
    facts = {**manifest, "units": units}
    results = Results(scores, deltas, facts, averages(*run()) if noisy else NO_AVERAGES)
    monkeypatch.setattr("robust_xtreme.report.document.results_of", lambda _: results)
    made = Evaluation(Path("out"), facts)
    text = io.StringIO()
    monkeypatch.setattr(_terminal, "output", lambda: Console(file=text, width=100, markup=False, highlight=False))
    show_result(made, RunSpec(perturb=("char_noise:0.2",) if noisy else ()), quiet)
    return text.getvalue()


def test_quiet_leaves_the_explanation_out(monkeypatch: pytest.MonkeyPatch) -> None:
    """-q prints the table and where the report is."""
    shown = _shown(monkeypatch, quiet=True)
    assert "perturbed minus clean" not in shown
    assert "By language" in shown
    assert shown.splitlines()[-2:] == ["Report: out/report.md", "Page: out/report.html"]


def test_a_run_without_noise_shows_its_clean_levels(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without perturbed cells there is still a table, and the head line says how to add noise."""
    shown = _shown(monkeypatch, noisy=False)
    assert "Clean: xnli" in shown
    assert "add --perturb" in shown


def test_verbose_shows_every_sentence_above_the_bar(monkeypatch: pytest.MonkeyPatch) -> None:
    """-v adds the sentences."""
    assert "2 of 2 task runs" in _run(monkeypatch, terminal=True, verbose=True)


def test_without_a_terminal_there_are_plain_lines(monkeypatch: pytest.MonkeyPatch) -> None:
    """A log gets one line a sentence and no bar."""
    lines = _run(monkeypatch, terminal=False).splitlines()
    assert lines == [
        "2 of 2 task runs to compute on cpu",
        "The batch size was halved for memory, to 200 tokens from panx sw on.",
    ]


def test_quiet_shows_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    """-q is silence until the table."""
    assert _run(monkeypatch, terminal=True, quiet=True) == ""


@pytest.mark.parametrize(
    ("line", "shown"),
    [
        ("warning: the cache x cannot be used", True),
        ("in all: 30 predictions of 20 distinct inputs, 10 from the cache", True),
        ("in all: 30 predictions of 20 distinct inputs, 0 from the cache", False),
        ("in all: 30 predictions of 20 distinct inputs", False),
        ("panx sw: 30 predictions of 20 distinct inputs, 10 from the cache", False),
    ],
)
def test_a_terminal_shows_the_use_of_the_cache(line: str, shown: bool) -> None:
    """What is wrong with it, and how much of the whole run was found in it."""
    assert matters(line) is shown
