"""Baselines, comparisons and gates in Python: the numbers of the commands, short texts, tables, frames of pandas."""

from __future__ import annotations

import json
from html.parser import HTMLParser
from pathlib import Path
from types import SimpleNamespace
from typing import Any, Final

import polars as pl
import pytest
from tests.finished_runs import finished_run
from tests.program import program
from tests.some import some
from tests.stats_rows import NOISE

import robust_xtreme
from robust_xtreme.core.errors import MissingData, UserError
from robust_xtreme.gating import comparing
from robust_xtreme.gating.baselines import load, save, update
from robust_xtreme.gating.document import comparison_blocks, gate_blocks
from robust_xtreme.gating.policy import Policy
from robust_xtreme.report.blocks import Heading, Paragraph, Table, text_of
from robust_xtreme.stats.run_cells import KEY

HOSTILE: Final = "<img src=x onerror=alert(1)>\u202e"


@pytest.fixture(name="folder", scope="module")
def _folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("gate")
    finished_run(folder / "old", draw=1)
    finished_run(folder / "new", 0.6, draw=2)
    finished_run(folder / HOSTILE, 0.6, draw=3)
    return folder


@pytest.fixture(autouse=True)
def _here(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(folder)


def _rows(frame: pl.DataFrame) -> Any:
    return json.loads(json.dumps(frame.to_dicts()))


def test_python_and_the_commands_give_the_same_numbers(tmp_path: Path) -> None:
    """Every row of `gate` and `compare` is that of the .json, unrounded; keywords are the options."""
    words = ("gate", "new", "--baseline", "old", "--margin", "1.5", "--undecided", "fail")
    ended = program(*words, "-o", f"{tmp_path}/gate.json")
    gate = robust_xtreme.gate("new", "old", margin=1.5, undecided="fail")
    written = json.loads((tmp_path / "gate.json").read_text("utf-8"))
    assert written["rows"] == _rows(gate.verdicts)
    assert (written["passed"], ended.code) == (gate.passed, gate.exit_code) == (False, 1)
    assert gate.verdicts.equals(robust_xtreme.gate("new", "old", Policy(margin=1.5, undecided="fail")).verdicts)
    program("compare", "old", "new", "-o", f"{tmp_path}/compare.json")
    compared = json.loads((tmp_path / "compare.json").read_text("utf-8"))
    assert compared["rows"] == _rows(robust_xtreme.compare("old", "new").frame)


def test_a_baseline_is_saved_and_read(tmp_path: Path) -> None:
    """As by the command; a run, what `load` returns and a baseline are compared by their values, too."""
    saved = robust_xtreme.Baseline.save("old", "main", tmp_path / "python", reason="the first")
    assert program("baseline", "save", "old", "--folder", str(tmp_path / "program"), "--reason", "the first").code == 0
    for suffix in (".csv", ".parquet"):
        files = [tmp_path / name / f"main{suffix}" for name in ("python", "program")]
        assert files[0].read_bytes() == files[1].read_bytes()
    again = robust_xtreme.Baseline.load("main", folder=tmp_path / "python")
    again.check()
    assert again.levels.equals(saved.levels)
    by_name = robust_xtreme.gate("new", "old").verdicts
    assert robust_xtreme.gate(robust_xtreme.load("new"), again).verdicts.equals(by_name)
    assert robust_xtreme.compare(again, robust_xtreme.load("new")).frame.height == 9
    with pytest.raises(UserError, match="exists already"):
        robust_xtreme.Baseline.save(["old"], folder=tmp_path / "python")
    with pytest.raises(MissingData, match="main"):
        robust_xtreme.Baseline.load()


def _objects(run: str) -> list[Any]:
    baseline = robust_xtreme.Baseline.load(run)
    return [
        baseline,
        robust_xtreme.compare("old", run),
        robust_xtreme.gate(run, "old"),
        robust_xtreme.load(run),
    ]


def test_objects_describe_themselves_in_a_line() -> None:
    """What Python prints is short, and a name has no hidden characters in it."""
    texts = [(repr(each), str(each)) for each in _objects("new")]
    assert texts[0] == ("Baseline('new', 4 cells of 1 run, saved not yet)",) * 2
    assert texts[1][0] == "Comparison('the run old', 'the run new', 9 rows)"
    assert texts[1][1].startswith(
        "the run new compared with the run old. Of 4 tested levels, clean and perturbed, 4 fell"
    )
    assert texts[2][0] == "Gate(failed, 6 regressed)"
    assert texts[2][1].startswith(
        "Failed: 6 of 6 rows (2 by task, 4 by cell). 6 regressed. Cells that fail: German (de): 2, Swahili (sw): 2. "
        "The largest: Swahili (sw), xnli, clean, fell from "
    )
    assert texts[3] == ("Evaluation('new', 4 cells)",) * 2
    for each in _objects(HOSTILE):
        assert max(len(repr(each)), len(str(each))) < 400
        assert "\u202e" not in repr(each) + str(each)


def test_numbers_are_under_their_headings() -> None:
    """In the tables of a gate and of a comparison the difference is candidate minus baseline, in every row."""
    _, compared, gated, _ = _objects("new")
    blocks = [*gate_blocks(gated), *comparison_blocks(compared.frame, compared.note)]
    seen = 0
    for table in (block for block in blocks if isinstance(block, Table)):
        heads = [column.heading for column in table.columns]
        for row in table.rows:
            named = dict(zip(heads, map(text_of, row), strict=True))
            if "difference" in named and "baseline" in named:
                levels = float(named["candidate"]) - float(named["baseline"])
                assert float(named["difference"]) == pytest.approx(levels, abs=0.11)
                seen += 1
    assert seen == gated.failing.height + compared.frame.height


def test_a_gate_says_against_what_its_rows_fail_and_at_which_p(tmp_path: Path) -> None:
    """Alpha is shared by two kinds of rows, and by the anchor where there is one, whose verdicts name it."""
    robust_xtreme.Baseline.save("old", "main", tmp_path)
    for level, verdict in ((0.025, "regressed"), (0.0125, "regressed (anchor)")):
        gated = robust_xtreme.gate("new", robust_xtreme.Baseline.load("main", tmp_path))
        texts = [block.text for block in gate_blocks(gated) if isinstance(block, (Heading, Paragraph))]
        assert f"Failing: 6, {verdict}" in texts
        assert any(f" is at most {level:g}, and the fall" in text_of(text) for text in texts)
        update([Path("new")], "main", tmp_path)


class _Tags(HTMLParser):
    """The tags of a page."""

    def __init__(self) -> None:
        super().__init__()
        self.tags: set[str] = set()
        self.named: set[str] = set()

    def handle_starttag(self, tag: str, attrs: Any) -> None:
        """Add a tag, and the names of its attributes."""
        self.tags.add(tag)
        self.named |= {name for name, _ in attrs}


@pytest.mark.parametrize("number", some(range(4), 2))
def test_a_notebook_shows_tables(number: int) -> None:
    """Names are escaped, and characters that hide are codes."""
    page = _objects(HOSTILE)[number]._repr_html_()
    parser = _Tags()
    parser.feed(page)
    assert parser.tags <= {"p", "table", "caption", "tr", "th", "td", "strong", "a"}
    assert parser.named <= {"class", "colspan", "href", "style"}
    assert "table" in parser.tags
    assert "\u202e" not in page
    assert len(page) < 20_000


def test_objects_become_frames_of_pandas(monkeypatch: pytest.MonkeyPatch) -> None:
    """With the rows of the polars frames; where pandas or pyarrow is absent, one line says what to install."""
    baseline, comparison, gate, run = _objects("new")
    assert (len(baseline.to_pandas()), len(comparison.to_pandas()), len(gate.to_pandas())) == (4, 9, 9)
    assert [*gate.to_pandas()["why"]] == [*gate.verdicts["why"]]
    assert (len(run.to_pandas()), len(run.to_pandas("scores"))) == (0, run.scores.height)
    with pytest.raises(UserError, match="'x'"):
        run.to_pandas("x")

    def absent(_: pl.DataFrame) -> None:
        raise ModuleNotFoundError("pa.Table requires 'pyarrow' module to be installed")

    monkeypatch.setattr(pl.DataFrame, "to_pandas", absent)
    for each in (baseline, comparison, gate, run):
        with pytest.raises(UserError, match="pip install pandas"):
            each.to_pandas()


@pytest.mark.parametrize(
    ("function", "values", "line"),
    [
        ("gate", {"run": 5}, "gate takes"),
        ("compare", {"baseline": "old", "candidate": None}, "compare takes"),
        ("gate", {"run": "new", "policy": 5}, "Policy"),
        ("gate", {"run": "new", "baseline": "old", "margin": -1}, "'margin'"),
        ("gate", {"run": "new", "baseline": "old", "margin": "x"}, "'margin'"),
        ("gate", {"run": "new", "baseline": "old", "undecided": "no"}, "'undecided'"),
        ("gate", {"run": "none", "baseline": "old"}, "folder of a run"),
        ("load", {"run": "none"}, "folder of a run"),
    ],
)
def test_a_wrong_argument_is_one_line(function: str, values: dict[str, Any], line: str) -> None:
    """What is taken, and what was given."""
    with pytest.raises(UserError) as error:
        getattr(robust_xtreme, function)(**values)
    assert line in str(error.value)
    assert "\n" not in str(error.value)


def test_marks_are_those_of_whole_cells(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """By the keys that verdicts have; cells without a mark, and parts of cells, have none."""
    cell = {**dict.fromkeys(KEY, "x"), "inference": "len128", "scope": "all", "marks": "inert"}
    rows = [cell, {**cell, "language": "de", "marks": None}, {**cell, "language": "sw", "scope": "noised_gold"}]
    monkeypatch.setattr(comparing, "finished", lambda _: SimpleNamespace(deltas=pl.DataFrame(rows)))
    assert comparing.marks_of(tmp_path) == {tuple(cell[name] for name in KEY): "inert"}


@pytest.mark.parametrize(
    ("noise", "told"), [("frozen:attack_keys:0.2/fields=premise/of=m/01234567", True), (NOISE, False)]
)
def test_texts_that_an_attack_left_are_told_of(noise: str, told: bool, tmp_path: Path) -> None:
    """Beside clean text, too: they are harder for the model that was attacked; no other noise has the sentence."""
    run = load(finished_run(tmp_path / "run", noise=noise, count=30))
    assert ("harder for the model that was attacked" in comparing.comparison_note(run, run)) == told


def test_a_run_is_a_folder_though_a_baseline_has_its_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Or the baseline would stand for a run that got worse: a name of both is refused where it could be either."""
    monkeypatch.chdir(tmp_path)
    saved = save([finished_run(tmp_path / "better", 0.9)], "ci")
    finished_run(tmp_path / "ci", 0.5, 1)
    for words in (["gate", "ci", "--baseline", "ci"], ["compare", "ci", "better"], ["compare", "better", "ci"]):
        done = program(*words)
        assert (done.code, "saved baseline" in done.err) == (2, True)
    assert program("gate", "ci", "--baseline", str(saved)).code == 1
    assert program("gate", "better", "--baseline", str(tmp_path / "ci")).code == 0
    for run in ("ci", robust_xtreme.load("ci")):
        assert not robust_xtreme.gate(run, load("ci")).passed
    assert not robust_xtreme.gate("ci", robust_xtreme.load("better")).passed
    rises = robust_xtreme.compare(robust_xtreme.load("ci"), load("ci")).frame.filter(pl.col("difference") > 0)
    assert rises.height


@pytest.mark.parametrize(
    ("name", "line"),
    [("old", "'old'"), ("./old", "'./old'")],
)
def test_what_is_no_saved_baseline_is_not_updated(
    name: str, line: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is refused before anything is compared and written, as what has been written says that it passed."""
    monkeypatch.chdir(tmp_path)
    finished_run(tmp_path / "old")
    finished_run(tmp_path / "new")
    done = program("gate", "new", "--baseline", name, "--update", "-o", "gate.json")
    assert (done.code, done.out, line in done.err) == (2, "", True)
    assert not (tmp_path / "gate.json").exists()
