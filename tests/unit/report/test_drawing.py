"""Charts are drawn by a process that may end: the page is there without them, and says why."""

from __future__ import annotations

import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from typing import Any, Final

import pytest
from tests.synthetic_run import averages, conditions, run

from robust_xtreme.core.subprocesses import command, ending, reports_memory
from robust_xtreme.report.blocks import Chart, Paragraph, ReportPage
from robust_xtreme.report.charts import drawing
from robust_xtreme.report.charts.drawing import svg
from robust_xtreme.report.outputs import written
from robust_xtreme.report.renderers import html
from robust_xtreme.report.view import Results

CURE: Final = "To get them where memory is not limited (ulimit -v unlimited): robust-xtreme report RUN -o page.html"
SPECS: Final[list[dict[str, Any]]] = [
    {"data": {"values": [{"a": text}]}, "mark": "text", "encoding": {"text": {"field": "a"}}}
    for text in ("nul \x00", "half \ud800 \u202e", "é\n中", 'x" <b>')
]
DEATHS: Final = {
    "import os, sys; print('memory allocation of 64 bytes failed', file=sys.stderr, flush=True); os.abort()": (
        "was ended by SIGABRT (memory allocation of 64 bytes failed)"
    ),
    "import os; os.kill(os.getpid(), 9)": "was ended by SIGKILL",
    "import os; os._exit(0)": "ended with the code 0",
    "raise ValueError('no\\nchart')": "ended with the code 1 (ValueError: no chart)",
    "import time; time.sleep(600)": "has not drawn them within 1 seconds",
}
"""What the renderer does in a process, and how the page says it."""


def test_a_label_shows_what_would_end_the_renderer() -> None:
    """A NUL character ends its process; a label has it as the code that a page shows."""
    assert drawing._label("nul \x00 end") == "nul <U+0000> end"


def _planted(folder: Path, body: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Plant a renderer that does something else at a chart, and begins well."""
    code = f"def vegalite_to_svg(spec, vl_version):\n    if 'point' in spec:\n        return '<svg/>'\n    {body}\n"
    (folder / "vl_convert.py").write_text(code, encoding="utf-8")
    monkeypatch.syspath_prepend(folder)


def _page(charts: list[Chart]) -> str:
    return html.page(ReportPage("page", (Paragraph("first"), *charts, Paragraph("last"))))


@pytest.fixture
def charts() -> list[Chart]:
    """Charts of texts."""
    return [Chart(f"chart {number}", "described", spec) for number, spec in enumerate(SPECS)]


@pytest.mark.process
@pytest.mark.parametrize("body", DEATHS, ids=lambda body: DEATHS[body].partition(" (")[0].replace(" ", "-"))
def test_a_page_whose_charts_cannot_be_drawn_says_why(
    body: str, charts: list[Chart], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It has all but the charts, with how the process ended and the next command."""
    _planted(tmp_path, body, monkeypatch)
    if "sleep" in body:
        monkeypatch.setattr(drawing, "_PATIENCE", 1.0)
    text = _page(charts)
    sentence = (
        f"<p>The page has no charts: vl-convert, which draws them in a process of its own, {DEATHS[body]}. {CURE}"
    )
    assert f"{sentence}</p>\n" in text
    assert text.replace(f"{sentence}</p>\n", "") == _page([])


@pytest.mark.process
def test_a_page_under_a_limit_of_addresses_has_no_charts(charts: list[Chart], monkeypatch: pytest.MonkeyPatch) -> None:
    """The renderer reserves more than `ulimit -v 8000000` permits and ends its process; ours continues."""
    limited = ["bash", "-c", 'ulimit -v 8000000 && exec "$@"', "bash"]
    monkeypatch.setattr(drawing, "command", lambda module: [*limited, *command(module)])
    text = _page(charts)
    assert "was ended by SIGTRAP (Fatal process out of memory: " in text
    assert "<svg" not in text


@pytest.mark.process
def test_charts_of_a_process_are_those_of_this_one() -> None:
    """Also of texts that must not reach the renderer, by several pages at once; no process is left."""

    def drawn(_: int) -> tuple[list[str], int | None]:
        with drawing.Drawing() as draws:
            draws.start()
            svgs = draws.svgs(SPECS)
        assert draws.process
        return svgs, draws.process.poll()

    with ThreadPoolExecutor(2) as threads:
        assert [*threads.map(drawn, range(2))] == [([svg(spec) for spec in SPECS], 0)] * 2


@pytest.mark.process
def test_a_process_ends_with_its_page_also_without_a_chart() -> None:
    """An error, as by Ctrl-C while the run is measured, leaves neither a process nor a pipe."""
    with suppress(KeyboardInterrupt), drawing.Drawing() as draws:
        draws.start()
        raise KeyboardInterrupt
    assert draws.process
    assert draws.process.poll() == -9
    assert draws.process.stdin
    assert draws.process.stdin.closed


@pytest.mark.process
def test_charts_are_drawn_without_a_stdin() -> None:
    """As by a service that has closed it."""
    code = f"from robust_xtreme.report.charts.drawing import *\nwith Drawing() as draws: print(draws.svgs({SPECS}))"
    command_ = ["bash", "-c", 'exec "$@" <&-', "bash", sys.executable, "-c", code]
    done = subprocess.run(command_, capture_output=True, text=True, check=False)
    assert (done.stdout, done.stderr) == (f"{[svg(spec) for spec in SPECS]}\n", "")


@pytest.mark.process
def test_a_python_that_cannot_be_started_is_named(charts: list[Chart], monkeypatch: pytest.MonkeyPatch) -> None:
    """Where it is started ahead of the page, that is not an error."""
    monkeypatch.setattr(sys, "executable", "")
    with drawing.Drawing() as draws:
        draws.start()
        assert draws.svgs([chart.spec for chart in charts]) == []
    assert "of its own, cannot be started: the file of this Python is not known. To get them" in draws.lost


def test_a_page_without_charts_starts_no_process(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nor does it say that it has none."""
    monkeypatch.setattr(drawing, "_started", lambda: pytest.fail("a process was started"))
    assert "no charts" not in _page([])


def test_each_chart_of_a_page_is_under_its_own_title() -> None:
    """The charts of a run's page are those that each of its specifications gives."""
    text = written(Results(*run(), averages(*run()), conditions()), ".html").decode()
    assert text.count("<figure") == text.count("<svg") > 1
    first, second = SPECS[2:]
    drawn = html.page(ReportPage("page", (Chart("1", "d", first), Chart("2", "d", second), Chart("3", "d", first))))
    assert [part.partition("</figure>")[0].partition("<svg")[2] for part in drawn.split("<figure")[1:]] == [
        svg(spec).partition("<svg")[2] + "</div>" for spec in (first, second, first)
    ]


@pytest.mark.parametrize(
    ("printed", "sentence"),
    [
        ("a\nmemory allocation of 8 bytes failed\n#0 trace", " (memory allocation of 8 bytes failed)"),
        ("#\n# Fatal process out of memory: x.\n#\n==\n\n  /a [0]\n", " (Fatal process out of memory: x)"),
        ("first\nlast\n\n", " (last)"),
        ("#\n\n", ""),
    ],
)
def test_the_ending_of_a_process_names_memory(printed: str, sentence: str) -> None:
    """Of what a process printed the line about memory is shown, or the last one."""
    assert ending(-6, printed.encode()) == f"was ended by SIGABRT{sentence}"


@pytest.mark.parametrize(
    ("line", "reports"),
    [
        ("could not create a primitive", True),
        ("could not create a primitive descriptor for a matmul", False),
        ("std::bad_alloc", True),
        ("[enforce fail at alloc_cpu.cpp:117] DefaultCPUAllocator: can't allocate memory: you tried", True),
        ("memory of the past", False),
    ],
)
def test_messages_of_libraries_report_memory(line: str, reports: bool) -> None:
    """Torch, oneDNN and C++ have words of their own for it."""
    assert reports_memory(line) == reports
