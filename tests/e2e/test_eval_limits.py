"""A run that has computed everything is complete, whatever becomes of its page."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any, Final

import pytest
from tests.e2e.test_eval_killed import hashes
from tests.forks import How, forked
from tests.program import program
from tests.release import release
from tests.tiny import tiny_run

from robust_xtreme.core.run_spec import RunSpec
from robust_xtreme.files.manifest import MANIFEST, PAGE, REPORT
from robust_xtreme.report.charts import drawing
from robust_xtreme.report.document import finished
from robust_xtreme.report.renderers import html
from robust_xtreme.run.folder import FILES
from robust_xtreme.run.run import evaluate

COMPUTED: Final = sorted({*FILES} - {PAGE, REPORT})


@pytest.fixture(scope="module")
def values(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """A small run: a task in two languages, clean and noisy."""
    folder = tmp_path_factory.mktemp("limits")
    run, data = tiny_run(folder / "tiny", ("xnli",)), release(folder / "data")
    return {"model": str(run), "data": str(data), "tasks": "xnli", "perturb": "char_noise:0.2", "device": "cpu"}


@pytest.fixture(scope="module")
def wanted(values: dict[str, Any], tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """The hashes of a run whose charts are drawn."""
    return _run(values, tmp_path_factory.mktemp("wanted") / "out")


def _run(values: dict[str, Any], out: Path) -> dict[str, str]:
    evaluate(RunSpec(**{**values, **{name: (values[name],) for name in ("model", "tasks", "perturb")}}, out=str(out)))
    return hashes(out)


def _words(values: dict[str, Any], out: Path) -> list[str]:
    return ["eval", *(word for name, value in values.items() for word in (f"--{name}", value)), "--out", str(out)]


def _files(out: Path) -> list[str]:
    """The files that the manifest of a finished run has."""
    manifest = json.loads((out / MANIFEST).read_bytes())
    assert manifest["complete"] is True
    return sorted(manifest["files"])


def test_a_run_whose_charts_cannot_be_drawn_is_complete_and_gets_them_later(
    values: dict[str, Any], wanted: dict[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The warning is in its log, `report` reads it, and the same command ends at the bytes of the other run."""
    out, started = tmp_path / "out", drawing._started

    def limited() -> None:
        raise OSError(12, "Cannot allocate memory")

    monkeypatch.setattr(drawing, "_started", limited)
    for _ in range(2):
        assert {name for name, digest in _run(values, out).items() if wanted[name] != digest} == {MANIFEST, PAGE}
        assert _files(out) == sorted([*COMPUTED, REPORT])
    assert (out / "log.txt").read_text("utf-8").count("Cannot allocate memory") == 2
    assert "Cannot allocate memory" in (out / PAGE).read_text("utf-8")
    assert finished(out).deltas.height
    monkeypatch.setattr(drawing, "_started", started)
    done = program("report", str(out), "-o", str(tmp_path / "page.html"))
    assert (done.code, done.err) == (0, "")
    assert (tmp_path / "page.html").read_text("utf-8").count("<svg") > 0
    assert _run(values, out) == wanted


def test_a_run_whose_page_cannot_be_made_is_complete(
    values: dict[str, Any], wanted: dict[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An error of the page is that of the command; the same command writes the page, and nothing is computed again."""
    out = tmp_path / "out"
    with monkeypatch.context() as patch:
        patch.setattr(html, "_environment", lambda: (_ for _ in ()).throw(MemoryError("page.jinja")))
        with pytest.raises(MemoryError):
            _run(values, out)
    assert _files(out) == COMPUTED
    assert finished(out).deltas.height
    assert _run(values, out) == wanted
    assert (out / "log.txt").read_text("utf-8").count("0 of 2 task runs") == 1


def test_a_run_killed_while_its_charts_are_drawn_has_its_frames(
    values: dict[str, Any], wanted: dict[str, str], tmp_path: Path
) -> None:
    """`kill -9` then: the files of the frames are those of the other run, and the same command writes the page."""
    out = tmp_path / "out"
    killed = forked(_words(values, out), tmp_path / "printed", How(killed_drawing=True))
    assert killed.end()[0] == -signal.SIGKILL
    assert not (out / PAGE).exists()
    assert _files(out) == COMPUTED
    assert {name: wanted[name] for name in COMPUTED} == {name: hashes(out)[name] for name in COMPUTED}
    assert finished(out).deltas.height
    assert _run(values, out) == wanted


@pytest.mark.long
@pytest.mark.process
def test_a_run_under_a_limit_of_addresses_ends_with_0(
    values: dict[str, Any], wanted: dict[str, str], tmp_path: Path
) -> None:
    """`ulimit -v 8000000`: all but the charts, with a warning, as often as it is started; without the limit all."""
    out = tmp_path / "out"
    command = [sys.executable, "-m", "robust_xtreme", *_words(values, out)]
    limited = ["bash", "-c", 'ulimit -v 8000000 && exec "$@"', "bash", *command]
    for _ in range(2):
        done = subprocess.run(limited, capture_output=True, text=True, check=False, env=os.environ)
        assert done.returncode == 0, done.stderr
        assert "SIGTRAP" in done.stderr
        assert _files(out) == sorted([*COMPUTED, REPORT])
    assert _run(values, out) == wanted
