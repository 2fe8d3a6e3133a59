"""`compare` and `gate` on two runs: what they print and write, and that text, files and exit code agree."""

from __future__ import annotations

import json
import os
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import polars as pl
import pytest
from tests.program import program
from tests.some import some

from robust_xtreme.cli.gate import _of_commit
from robust_xtreme.core.run_spec import RunSpec
from robust_xtreme.files import csv, store
from robust_xtreme.files.schema import STATS, VERDICTS, build
from robust_xtreme.gating.document import Gate
from robust_xtreme.gating.policy import Policy
from robust_xtreme.run.run import evaluate


@pytest.fixture(scope="module")
def old(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run of the embedded model in two languages."""
    folder = tmp_path_factory.mktemp("gate") / "old"
    spec = RunSpec(tasks=("xnli",), languages=("en", "sw"), perturb=("char_noise:0.1",), out=str(folder))
    evaluate(spec, cache=False)
    return folder


@pytest.fixture(scope="module")
def worse(old: Path) -> Path:
    """The same run with wrong answers to half of the perturbed items of Swahili."""
    folder = Path(shutil.copytree(old, old.parent / "worse"))
    stats = store.read_frame(folder / "stats.parquet", STATS)
    of_sw = (pl.col("language") == "sw") & (pl.col("condition") != "clean") & (pl.col("scope") == "all")
    number = pl.int_range(pl.len()).over("model", "condition", "metric")
    wrong = pl.concat_list(pl.lit(0.0), pl.col("stats").list.get(1))
    changed = stats.with_columns(stats=pl.when(of_sw, number % 2 == 0).then(wrong).otherwise("stats"))
    store.write_frame(folder / "stats.parquet", changed, STATS)
    undigested(folder)
    return folder


def undigested(folder: Path, **changes: Any) -> None:
    """Write the manifest again without digests, as after a change that is meant."""
    manifest = json.loads((folder / "manifest.json").read_text("utf-8"))
    manifest.pop("digest", None)
    (folder / "manifest.json").write_text(json.dumps({**manifest, "files": {}, **changes}), encoding="utf-8")


def test_a_run_is_not_worse_than_itself(old: Path) -> None:
    """Every row is ok, and every difference a tie."""
    ended = program("gate", str(old), "--baseline", str(old))
    assert (ended.code or 0, "Passed. 6 ok." in ended.out) == (0, True)
    compared = program("compare", str(old), str(old))
    assert "6 tested levels" not in compared.out  # four cells: two languages, clean and perturbed
    assert "Of 4 tested levels, clean and perturbed, 0 fell, 0 rose and 4 are not shown to differ." in compared.out


def test_a_reviewer_is_told_data_pages_and_commit(old: Path, worse: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The note has the data with a hash of the manifest, both pages and the commit; an annotation says what fell."""
    monkeypatch.chdir(old.parent)
    assert not program("baseline", "save", "old", "--name", "reviewed").code
    ended = program("gate", "worse", "--baseline", "reviewed", GITHUB_ACTIONS="true", GITHUB_SHA="0123456789abcdef")
    unit = json.loads((old / "manifest.json").read_text("utf-8"))["units"][0]
    text = " ".join(ended.out.split())
    assert text.count(f"data mini: {unit['task']}/{unit['language']} {unit['data']} and 1 more; ") == 2
    assert "worse/report.html), with the baseline reviewed (" in text
    assert "; old/report.html; saved " in text
    assert " Commit 0123456789ab." in text
    fall = r"^::error title=.*::Swahili \(sw\), xnli, char_noise.*, fell from [\d.]+ to [\d.]+ \(allowed 2\.0\)\.$"
    assert len(re.findall(fall, ended.out, re.MULTILINE)) == 1


def test_a_page_of_another_run_is_not_that_of_the_baseline(old: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A folder that has another run since the baseline was saved is not named."""
    monkeypatch.chdir(old.parent)
    shutil.copytree(old, old.parent / "used")
    assert not program("baseline", "save", "used", "--name", "again").code
    assert "used/report.html" in program("gate", "old", "--baseline", "again").out
    undigested(old.parent / "used", notes=["another run"])
    assert "used/report.html" not in program("gate", "old", "--baseline", "again").out


def test_the_commit_is_that_of_the_work_tree(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where no workflow names one; outside of a work tree there is none, and no error."""
    monkeypatch.delenv("GITHUB_SHA", raising=False)
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path.parent))
    monkeypatch.chdir(tmp_path)
    decided = Gate(build([], VERDICTS), Policy(), "Compared.")
    assert _of_commit(decided).note == "Compared."
    git = ["git", "-c", "user.name=a", "-c", "user.email=a@example.org"]
    for words in (["init", "-q"], ["commit", "-q", "--allow-empty", "-m", "first"]):
        subprocess.run([*git, *words], check=True)
    first = subprocess.run(["git", "rev-parse", "HEAD"], check=True, capture_output=True, text=True).stdout
    assert _of_commit(decided).note == f"Compared. Commit {first[:12]}."


def test_a_fall_in_one_language_fails_and_is_named(old: Path, worse: Path, tmp_path: Path) -> None:
    """The exit code, the text and every file say the same; English stays ok."""
    names = [tmp_path / f"gate{suffix}" for suffix in (".md", ".html", ".xml", ".json", ".csv")]
    outputs = [word for name in names for word in ("-o", str(name))]
    ended = program("gate", str(worse), "--baseline", str(old), *outputs)
    assert ended.code == 1
    assert "Failed: " in ended.out
    fell = "Swahili (sw), xnli, char_noise:0.1 on premise, hypothesis, fell from 35.6 to 16.2 (allowed 2.0)."
    assert f"2 regressed, 4 ok. The largest: {fell}" in ended.out
    comment, page, junit, data, rows = (name.read_bytes().decode() for name in names)
    assert comment.startswith("# robust-xtreme gate\n\n**Failed: ")
    assert "<h1>Gate failed: 2 of " in page
    failing = json.loads(data)
    assert (failing["passed"], failing["outcome"], failing["worst_cell"]) == (
        False,
        "failed",
        "xnli, Swahili (sw), char_noise:0.1 on premise, hypothesis",
    )
    cases = {case.get("name"): case for case in ET.fromstring(junit).iter("testcase")}
    assert [
        name for name, case in cases.items() if case.find("failure") is not None and str(name).startswith("en")
    ] == []
    assert cases["sw char_noise:0.1"].find("failure") is not None
    assert {case.get("time") for case in cases.values()} == {"0"}
    assert rows.count("\n") > len(cases)
    frame = csv.load(names[-1], VERDICTS)
    assert frame.filter("fails").height == failing["failing"]


def test_other_noise_seeds_are_refused(old: Path, tmp_path: Path) -> None:
    """In one line that names both."""
    other = Path(shutil.copytree(old, tmp_path / "other"))
    manifest = json.loads((other / "manifest.json").read_text("utf-8"))
    undigested(other, spec={**manifest["spec"], "seeds": 3})
    ended = program("gate", str(other), "--baseline", str(old))
    assert ended.code == 2
    assert "cannot be compared" in ended.err
    assert "--seeds" in ended.err


def test_every_row_is_explained(old: Path, worse: Path) -> None:
    """How it was decided, with its numbers."""
    ended = program("gate", str(worse), "--baseline", str(old), "--explain", "--margin", "90", COLUMNS="200")
    assert (ended.code or 0) == 0
    assert ended.out.count("is above minus the margin of 90") + ended.out.count("No item differs") == 6


def test_python_gets_the_same_objects(old: Path, worse: Path) -> None:
    """Frames, and tables in a notebook; a run is read again."""
    import robust_xtreme

    difference = robust_xtreme.compare(old, worse)
    assert difference.frame.filter(kind="cell", language="sw", scale="perturbed")["difference"].item() < 0
    assert "compared with" in difference._repr_html_()
    gate = robust_xtreme.gate(worse, old, Policy(margin=1.0))
    assert (gate.passed, gate.exit_code) == (False, 1)
    assert "Failed: 2 of 6 rows (1 by task, 1 by cell).</strong>" in gate._repr_html_()
    assert robust_xtreme.load(old).scores.height


def test_a_workflow_is_told(old: Path, worse: Path, tmp_path: Path) -> None:
    """An annotation in one line for each failing row, and the comment in the step's summary."""
    summary = tmp_path / "summary.md"
    words = {"GITHUB_ACTIONS": "true", "GITHUB_STEP_SUMMARY": str(summary)}
    ended = program("gate", str(worse), "--baseline", str(old), **words)
    errors = [line for line in ended.out.splitlines() if line.startswith("::error title=")]
    assert len(errors) == 2  # the cell and the average of the task
    assert "xnli%2C Swahili (sw)%2C char_noise%3A0.1 on premise%2C hypothesis::" in errors[0]
    assert summary.read_text("utf-8").startswith("# robust-xtreme gate")


def test_an_update_keeps_the_anchor(old: Path, worse: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The worse run becomes the baseline, and still fails against the first one."""
    monkeypatch.chdir(tmp_path)
    assert program("baseline", "save", str(old), "--name", "main").code in (0, None)
    assert program("gate", str(worse)).code == 1
    ended = program("gate", str(worse), "--update", "--reason", "accepted")
    assert ended.code in (0, None)
    assert "Updated main: " in ended.out
    again = program("gate", str(worse), "-o", "gate.json")
    assert again.code == 1
    assert again.out.strip().startswith("Failed: 2 of 12 rows (1 by task, 1 by cell). Against the baseline 6 ok.")
    assert "Against its anchor, the first baseline: 2 regressed, 4 ok. Alpha (0.05) is shared: 0.025 for" in again.out
    data = json.loads((tmp_path / "gate.json").read_text("utf-8"))
    assert (data["passed"], data["failing"], data["counts"]["ok"]) == (False, 2, 6)
    assert data["counts_against_anchor"]["regressed"] == 2
    assert data["worst_cell"].endswith("against the anchor")
    failing = {(row["against"], row["why"].endswith("is at most 0.0125.")) for row in data["rows"] if row["fails"]}
    assert failing == {("anchor", True)}


@pytest.mark.process
@pytest.mark.parametrize(
    ("passes", "streams"),
    some(
        [
            *((False, each) for each in ("| head -c 1", "2>&1 | true", ">&- 2>&-", ">/dev/full", ">/dev/full 2>&1")),
            (True, ">/dev/full"),
        ],
        ((False, "| head -c 1"), (False, ">&- 2>&-"), (True, ">/dev/full")),
    ),
)
def test_no_stream_changes_the_verdict(old: Path, worse: Path, tmp_path: Path, passes: bool, streams: str) -> None:
    """Where stdout or stderr are closed, full, or not read, the code is the verdict's, and every file is written."""
    program_path = Path(sys.executable).with_name("robust-xtreme")
    run = str(old if passes else worse)
    words = shlex.join([str(program_path), "gate", run, "--baseline", str(old), "-o", "gate.json"])
    environment = {**os.environ, "GITHUB_ACTIONS": "true", "GITHUB_OUTPUT": str(tmp_path / "outputs")}
    ended = subprocess.run(
        ["bash", "-c", f"{words} {streams}; exit ${{PIPESTATUS[0]}}"],
        cwd=tmp_path, env=environment, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert (ended.returncode, "Traceback" in ended.stderr) == (int(not passes), False)
    assert ("No space" in ended.stderr) is (streams == ">/dev/full")
    assert json.loads((tmp_path / "gate.json").read_text("utf-8"))["passed"] is passes
    assert ("passed" if passes else "failed") in (tmp_path / "outputs").read_text("utf-8")


def test_files_are_checked_before_the_verdict(old: Path, tmp_path: Path) -> None:
    """A format, folder or file that cannot be written is refused before anything is printed."""
    (tmp_path / "there.md").write_text("mine", encoding="utf-8")
    for name in ("gate.pdf", "gate", "no/gate.md", "there.md"):
        for words in (("gate", str(old), "--baseline", str(old)), ("compare", str(old), str(old))):
            ended = program(*words, "-o", str(tmp_path / "first.md"), "-o", str(tmp_path / name))
            assert (ended.code, ended.out, ended.err.count("\n")) == (2, "", 1)
    assert [path.name for path in tmp_path.iterdir()] == ["there.md"]


def test_what_only_one_run_has_is_named(old: Path, tmp_path: Path) -> None:
    """A comparison and a gate say which cells they do not compare."""
    few = tmp_path / "few"
    evaluate(RunSpec(tasks=("xnli",), languages=("en",), perturb=("char_noise:0.1",), out=str(few)), cache=False)
    for words in (("compare", str(old), str(few)), ("gate", str(few), "--baseline", str(old), "--missing", "warn")):
        ended = program(*words)
        assert (ended.code or 0) == 0
        assert "Not compared: 2 cells that only the run" in ended.out


def test_entries_of_a_policy_without_a_row_are_named(old: Path, tmp_path: Path) -> None:
    """A misspelt language is not silent; a reason and a day are shown, also when it is over."""
    accepted = (
        'task = "xnli"\nlanguage = "SW"\ncondition = "clean"\nscale = "clean"\nreason = "x"\nexpires = 2027-01-01'
    )
    (tmp_path / "gate.toml").write_text(f'[[rule]]\nlanguage = "swa"\nmargin = 1\n[[accepted]]\n{accepted}', "utf-8")
    ended = program("gate", str(old), "--baseline", str(old), "--policy", str(tmp_path / "gate.toml"))
    known = "the acceptance for xnli SW clean clean (did you mean the language 'sw'?)"
    assert (
        f"No row is that of the rule for swa (did you mean the language 'sw'?); {known}: see the policy." in ended.out
    )


def test_a_language_by_its_name_is_told_its_code(old: Path, tmp_path: Path) -> None:
    """A rule and an acceptance with the name of a language match no row; the output says which code is meant."""
    policy = tmp_path / "policy.toml"
    keys = (
        'task = "xnli"\ncondition = "clean"\nscale = "clean"\nreason = "r"\nexpires = 2999-01-01\nlanguage = "English"'
    )
    policy.write_text(f'[[rule]]\nlanguage = "swahili"\nmargin = 9.0\n[[accepted]]\n{keys}\n', "utf-8")
    text = " ".join(program("gate", str(old), "--baseline", str(old), "--policy", str(policy)).out.split())
    asked = "the language '{}'?)"
    assert f"the rule for swahili (did you mean {asked.format('sw')}; " in text
    assert f"the acceptance for xnli English clean clean (did you mean {asked.format('en')}: see the policy." in text


def test_an_acceptance_is_shown_with_its_reason_and_day(old: Path, worse: Path, tmp_path: Path) -> None:
    """In the terminal and in the comment, also when it is over."""
    row = 'task = "xnli"\nlanguage = "sw"\ncondition = "char_noise:0.1"\nscale = "perturbed"\nreason = "ticket 7"'
    for day, words in (("2099-01-01", "accepted until 2099-01-01: ticket 7"), ("2020-01-01", "over since 2020-01-01")):
        (tmp_path / "gate.toml").write_text(f"[[accepted]]\n{row}\nexpires = {day}", encoding="utf-8")
        options = ("--policy", str(tmp_path / "gate.toml"), "-o", str(tmp_path / "gate.md"), "--force")
        ended = program("gate", str(worse), "--baseline", str(old), *options)
        assert words in ended.out
        assert words in (tmp_path / "gate.md").read_text("utf-8")
