"""Files that a run cannot read: all listed at once, left out by `keep_going`, and added when they are mended."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from tests.cached_runs import tables
from tests.program import Ended, program
from tests.release import release
from tests.tiny import tiny_run

import robust_xtreme
from robust_xtreme.core.errors import DataError, Mismatch, UnreadableFiles
from robust_xtreme.core.run_spec import RunSpec
from robust_xtreme.report.evaluation import Evaluation
from robust_xtreme.run.estimate import estimate
from robust_xtreme.run.plan import make_plan
from robust_xtreme.run.run import Observer, evaluate

BROKEN = {"xnli/dev-sw.tsv": "a\tb\tneutral\na\tb\tc\td\n", "panx/dev-en.tsv": "word\tO\nother O\n"}
LINES = [
    "{data}/xnli/dev-sw.tsv:2: has 4 columns, the lines before have 3.",
    "{data}/panx/dev-en.tsv:2: has 1 column, the lines before have 2, separated by a tab.",
]


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model with two heads, and release files."""
    folder = tmp_path_factory.mktemp("unread")
    tiny_run(folder / "tiny", ("xnli", "panx"))
    release(folder / "whole", pairs=6, sentences=4, passages=1)
    return folder


@pytest.fixture
def data(made: Path, tmp_path: Path) -> Path:
    """The files of a test, two of them broken."""
    folder = Path(shutil.copytree(made / "whole", tmp_path / "data"))
    for name, text in BROKEN.items():
        (folder / name).write_text(text)
    return folder


@pytest.fixture
def spec(made: Path, data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> RunSpec:
    """A run of both tasks in both languages."""
    monkeypatch.setenv("ROBUST_XTREME_CACHE", str(tmp_path / "cache"))
    tasks, languages = ("xnli", "panx"), ("en", "sw")
    return RunSpec((str(made / "tiny"),), str(data), tasks, languages, device="cpu", out=str(tmp_path / "out"))


def _lines(data: Path) -> list[str]:
    return [line.format(data=data) for line in LINES]


def _mend(made: Path, data: Path, *names: str) -> None:
    for name in names or BROKEN:
        shutil.copy(made / "whole" / name, data / name)


def _going(spec: RunSpec, say: Callable[[str], None] = lambda _: None) -> Evaluation:
    return evaluate(spec, keep_going=True, observer=Observer(say=say))


def _eval(spec: RunSpec, *words: str) -> Ended:
    named = ("--model", spec.model[0], "--data", spec.data, "--tasks", "xnli,panx", "--languages", "en,sw")
    return program("eval", *named, "--device", "cpu", "--out", spec.out, *words)


def test_every_file_that_cannot_be_read_is_listed_before_anything_is_computed(spec: RunSpec, data: Path) -> None:
    """A line each, a last one on what would be left, code 2 and no folder; a plan says the same."""
    last = "2 files of this run cannot be read, and nothing was computed. To evaluate the rest of it: --keep-going"
    for words in ((), ("--plan",)):
        ended = _eval(spec, *words)
        assert ended.code == 2
        assert ended.err.splitlines() == [f"robust-xtreme: {line}" for line in (*_lines(data), last)]
    with pytest.raises(DataError) as error:
        make_plan(spec)
    assert str(error.value).splitlines() == [*_lines(data), last]
    assert not Path(spec.out).exists()


def test_a_run_of_broken_files_alone_has_nothing_to_keep_going_with(spec: RunSpec, data: Path) -> None:
    """The only files of a run are named, and no option is offered."""
    with pytest.raises(UnreadableFiles) as error:
        _going(replace(spec, tasks=("xnli",), languages=("sw",)))
    assert str(error.value) == _lines(data)[0]
    assert not Path(spec.out).exists()


def test_each_file_of_several_that_make_a_language_is_listed(spec: RunSpec, tmp_path: Path) -> None:
    """A split whose rows are in several files has a line for each faulty one."""
    folder = tmp_path / "banks/ud-treebanks-v2.5/UD_English"
    folder.mkdir(parents=True)
    for name in ("a", "b"):
        (folder / f"en_{name}-ud-test.conllu").write_text("# text\n1\tword\n\n")
    with pytest.raises(UnreadableFiles) as error:
        make_plan(replace(spec, model=("mini",), data=str(tmp_path / "banks"), tasks=("udpos",), languages=("en",)))
    places = [line.rpartition("/")[2].partition(": ")[0] for line in str(error.value).splitlines()]
    assert places == ["en_a-ud-test.conllu:2", "en_b-ud-test.conllu:2"]


def test_the_rest_is_computed_and_what_is_missing_is_named(spec: RunSpec) -> None:
    """Report, terminal, log and manifest name what is missing; the run is complete, and its command ends with 2."""
    ended = _eval(spec, "--keep-going")
    assert ended.code == 2
    assert ended.err.splitlines()[-1] == (
        "robust-xtreme: 2 task runs are missing, because their files cannot be read: xnli sw, panx en. "
        "Mend the files, and the same command adds what is missing."
    )
    assert "unreadable" in ended.out
    assert "panx/dev-en.tsv:2" in " ".join(ended.out.split())
    manifest = json.loads((Path(spec.out) / "manifest.json").read_text("utf-8"))
    missing = [(cell["task"], cell["language"], cell["reason"]) for cell in manifest["not_run"]]
    assert manifest["complete"]
    assert missing == [("xnli", "sw", "unreadable"), ("panx", "en", "unreadable")]
    assert manifest["not_run"][1]["detail"].startswith("panx en: panx/dev-en.tsv:2")
    assert [(unit["task"], unit["language"]) for unit in manifest["units"]] == [("xnli", "en"), ("panx", "sw")]
    report = (Path(spec.out) / "report.md").read_text("utf-8")
    assert "**Partial: files of xnli sw, panx en" in report
    assert "| unreadable | sw |" in report
    assert "left out: xnli sw: xnli/dev-sw.tsv:2" in (Path(spec.out) / "log.txt").read_text("utf-8")


def test_an_average_names_the_language_that_is_not_read(spec: RunSpec) -> None:
    """The language is left out of the averages of its task by name."""
    made = _going(replace(spec, tasks=("xnli",), perturb=("char_noise:0.1",)))
    (row,) = made.averages.filter(kind="languages").iter_rows(named=True)
    assert (row["languages"], row["missing"]) == ("en", "sw (unreadable)")


def test_a_partial_run_is_read_again_and_planned(spec: RunSpec, made: Path) -> None:
    """The same call computes nothing, in Python too, and a plan names what is missing."""
    first = _going(spec)
    before = tables(first)
    again = robust_xtreme.evaluate(spec, keep_going=True)
    assert tables(again) == before
    assert [(cell["task"], cell["language"]) for cell in again.unread] == [("xnli", "sw"), ("panx", "en")]
    assert ".unread" in again._repr_html_()
    missing, other, last = estimate(spec, keep_going=True)
    assert missing.startswith("not run: xnli sw")
    assert other.startswith("not run: panx en")
    assert "nothing to compute" in last


def test_mended_files_are_added_to_the_same_folder(spec: RunSpec, made: Path, data: Path, tmp_path: Path) -> None:
    """One file after the other: only the added task runs are computed, and the result is that of a run of all."""
    messages: list[str] = []
    _going(spec)
    _mend(made, data, "xnli/dev-sw.tsv")
    assert any(line.startswith("2 of 3") for line in estimate(spec, keep_going=True))
    assert [cell["task"] for cell in _going(spec, messages.append).unread] == ["panx"]
    assert any(line.startswith("1 of 3") for line in messages)
    _mend(made, data)
    result = evaluate(spec)
    assert result.unread == []
    assert tables(result) == tables(evaluate(replace(spec, out=str(tmp_path / "whole"))))


def test_a_run_that_is_stopped_while_it_adds_mended_files_continues(spec: RunSpec, made: Path, data: Path) -> None:
    """The same call adds the rest, as of any other run that is stopped."""

    def interrupt(line: str) -> None:
        if "predictions of" in line:
            raise KeyboardInterrupt

    _going(spec)
    _mend(made, data)
    with pytest.raises(KeyboardInterrupt):
        _going(spec, interrupt)
    run = _going(spec)
    assert not run.unread
    assert {*run.scores.select("task", "language").filter(task="panx").iter_rows()} == {("panx", "en"), ("panx", "sw")}


def test_a_task_of_which_nothing_could_be_read_is_added(spec: RunSpec, made: Path, data: Path, tmp_path: Path) -> None:
    """A task whose files are all mended later brings its model."""
    (data / "xnli/dev-en.tsv").write_text("a")
    assert len(_going(spec).unread) == 3
    _mend(made, data, *BROKEN, "xnli/dev-en.tsv")
    assert tables(evaluate(spec)) == tables(evaluate(replace(spec, out=str(tmp_path / "whole"))))


def test_a_file_that_breaks_later_is_another_run(spec: RunSpec, data: Path) -> None:
    """What was computed is not dropped from its folder, and the line names the task and language."""
    before = tables(_going(spec))
    (data / "panx/dev-sw.tsv").write_text("a\tb\tc\n")
    with pytest.raises(Mismatch, match="panx sw"):
        _going(spec)
    assert tables(Evaluation(Path(spec.out), {})) == before
