"""action.yml: its shell steps run as on a runner, with comments on a substitute for GitHub."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pytest
from tests.finished_runs import finished_run
from tests.github import ACTION, Comments, Job, environment, run_action
from tests.some import some

from robust_xtreme.gating.outputs import MARKER

pytestmark = pytest.mark.process

HOSTILE: Final = "'; touch pwned; \"$(touch pwned)`touch pwned`\n::set-output name=passed::true\npassed=true"


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Runs named old, near, worse, fewer, of one language, and other, of other data."""
    folder = tmp_path_factory.mktemp("runs")
    finished_run(folder / "old", 0.9)
    finished_run(folder / "near", 0.9, draw=1)
    finished_run(folder / "worse", 0.5)
    finished_run(folder / "fewer", 0.9, languages=("de",))
    finished_run(folder / "other", 0.9, unit={"data": "y"})
    return folder


@pytest.fixture
def comments() -> Iterator[Comments]:
    """A pull request without comments."""
    with Comments() as started:
        yield started


def act(folder: Path, comments: Comments, runs: Path, run: str, /, **inputs: str) -> Job:
    """The job of a run that is gated against `old`."""
    env = environment(folder, comments.url)
    return run_action(folder, env, **{"run": str(runs / run), "baseline": str(runs / "old"), **inputs})


def test_a_run_that_passes(tmp_path: Path, comments: Comments, runs: Path) -> None:
    """Every step succeeds, nothing is installed over the program that is there, and no comment is written."""
    env = environment(tmp_path, comments.url, real=True)
    job = run_action(tmp_path, env, run=str(runs / "old"), baseline=str(runs / "old"))
    assert not job.failed, job.log
    assert [*job.ran] == ["Look for robust-xtreme", "Gate", "Upload the report", "Comment", "Verdict"]
    assert job.outputs["passed"] == "true"
    assert job.outputs["outcome"] == "passed"
    assert (job.outputs["regressions"], job.outputs["undecided"], job.outputs["worst-cell"]) == ("0", "0", "")
    assert job.outputs["all-ok"] == "true"
    assert comments.bodies == []
    assert job.summary.startswith(MARKER)


def test_a_run_that_fails(tmp_path: Path, comments: Comments, runs: Path) -> None:
    """The report is uploaded and the comment written before the last step fails; the next run edits the comment."""
    comments.rows = [{"id": at + 1, "body": "Thanks!", "user": {"type": "User"}} for at in range(130)]
    comments.add(MARKER + " in the comment of another user", "mallory", "User")
    job = act(tmp_path, comments, runs, "worse")
    assert [name for name, code in job.ran.items() if code] == ["Verdict"], job.log
    assert [*job.ran][-3:] == ["Upload the report", "Comment", "Verdict"]
    assert (job.outputs["passed"], job.outputs["outcome"]) == ("false", "failed")
    data = json.loads(Path(job.outputs["json-path"]).read_text("utf-8"))
    assert job.outputs["worst-change"] == repr(data["worst_change"])
    assert job.outputs["worst-cell"] == data["worst_cell"]
    assert int(job.outputs["regressions"]) == data["counts"]["regressed"] > 0
    uploaded = Path(job.used["Upload the report"]["path"])
    assert sorted(path.name for path in uploaded.iterdir()) == ["gate.html", "gate.json", "gate.md", "gate.xml"]
    assert job.outputs["junit-path"] == str(uploaded / "gate.xml")
    assert comments.bodies[-1] == Path(job.outputs["report-path"]).read_text("utf-8")
    assert "::error title=xnli" in job.log
    again = act(tmp_path, comments, runs, "old")
    assert not again.failed
    assert len(comments.bodies) == 132
    assert comments.bodies[-1].startswith(f"{MARKER}\n# robust-xtreme gate\n\n**Passed.**")
    assert "mallory" in str(comments.rows[130])
    assert "another user" in comments.bodies[130]


def test_what_is_undecided_is_written(tmp_path: Path, comments: Comments, runs: Path) -> None:
    """The job succeeds, and the comment shows what has no proof."""
    job = act(tmp_path, comments, runs, "near")
    assert (job.failed, job.outputs["outcome"]) == (False, "passed")
    assert int(job.outputs["undecided"]) > 0
    assert len(comments.bodies) == 1


def test_what_is_missing_is_written(tmp_path: Path, comments: Comments, runs: Path) -> None:
    """Where the policy lets it pass the job succeeds; a warning and the comment show that not everything is ok."""
    (tmp_path / "gate.toml").write_text('missing = "warn"', encoding="utf-8")
    job = act(tmp_path, comments, runs, "fewer", policy="gate.toml")
    assert (job.failed, job.outputs["outcome"], job.outputs["undecided"]) == (False, "passed", "0"), job.log
    assert job.outputs["all-ok"] == "false"
    assert "::warning title=robust-xtreme gate::Missing from the run: 2 rows, such as xnli, Swahili (sw)" in job.log
    assert len(comments.bodies) == 1


def test_a_mismatch_is_not_a_pass(tmp_path: Path, comments: Comments, runs: Path) -> None:
    """It has its own outcome, a report and a comment, and fails even where regressions do not."""
    job = act(tmp_path, comments, runs, "other", fail_on_regression="false")
    assert [name for name, code in job.ran.items() if code] == ["Verdict"], job.log
    assert (job.outputs["passed"], job.outputs["outcome"]) == ("false", "mismatch")
    assert comments.bodies == [job.summary]
    assert "**No verdict: mismatch.**" in job.summary


def test_a_regression_may_be_reported_only(tmp_path: Path, comments: Comments, runs: Path) -> None:
    """The job succeeds, and its outputs say that the gate failed; without comments none is written."""
    job = act(tmp_path, comments, runs, "worse", fail_on_regression="false", comment="never")
    assert not job.failed
    assert (job.outputs["passed"], job.outputs["outcome"]) == ("false", "failed")
    assert "Comment" not in job.ran
    assert comments.asked == []


@pytest.mark.parametrize("fault", ["refused", "closed"])
def test_a_comment_that_is_refused_hides_nothing(tmp_path: Path, comments: Comments, runs: Path, fault: str) -> None:
    """As for the token of a fork: a warning without the token, and the verdict is the same."""
    comments.refuses = 403
    if fault == "closed":
        comments.server.server_close()
    job = act(tmp_path, comments, runs, "worse")
    assert [name for name, code in job.ran.items() if code] == ["Verdict"]
    assert "::warning title=robust-xtreme gate::The comment was not written" in job.log
    assert ("status 403" in job.log) == (fault == "refused")
    assert "not-a-secret" not in job.log


def test_a_failed_upload_hides_nothing(tmp_path: Path, comments: Comments, runs: Path) -> None:
    """The comment is written, and the verdict is the last step."""
    env = {**environment(tmp_path, comments.url), "FAILS": "Upload the report"}
    job = run_action(tmp_path, env, run=str(runs / "worse"), baseline=str(runs / "old"))
    assert [name for name, code in job.ran.items() if code] == ["Upload the report", "Verdict"]
    assert len(comments.bodies) == 1


@pytest.mark.parametrize(
    "name",
    some(
        ["run", "baseline", "margin", "policy", "undecided", "comment", "config", "fail-on-regression"],
        4,
        caught="test_an_input_is_not_code",
    ),
)
def test_an_input_is_not_code(tmp_path: Path, comments: Comments, runs: Path, name: str) -> None:
    """Quotes, commands and lines in an input are part of a value: they run nothing, and pass nothing."""
    job = act(tmp_path, comments, runs, "worse", **({"run": ""} if name == "config" else {}), **{name: HOSTILE})
    assert job.failed
    assert job.outputs["passed"] == "false"
    assert job.outputs["outcome"] == ("failed" if name == "fail-on-regression" else "mismatch")
    assert not [*tmp_path.rglob("pwned")]


def test_a_run_is_evaluated_first(tmp_path: Path, comments: Comments, runs: Path) -> None:
    """`config` is the file of a run; the gate gets the folder of what was evaluated, and the report another."""
    env = environment(tmp_path, comments.url)
    program = tmp_path / "bin" / "robust-xtreme"
    asking = program.rename(tmp_path / "bin" / "asking")
    evaluating = f'echo "$@" > words.txt; cp -r "{runs}/old" "${{3#--out=}}"'
    program.write_text(f'#!/bin/sh\nif [ "$1" = eval ]; then {evaluating}; else exec "{asking}" "$@"; fi\n', "utf-8")
    program.chmod(0o755)
    job = run_action(tmp_path, env, config="ci.toml", baseline=str(runs / "old"), comment="always")
    assert not job.failed, job.log
    assert (tmp_path / "words.txt").read_text("utf-8").startswith("eval --config=ci.toml --out=")
    assert "Evaluate" in job.ran
    assert job.outputs["passed"] == "true"
    assert len(comments.bodies) == 1
    assert not [*Path(job.used["Upload the report"]["path"]).glob("run*")]


def test_an_evaluation_that_is_refused_has_no_verdict(tmp_path: Path, comments: Comments) -> None:
    """There is nothing to gate, and the code of `eval` is that of the outcome."""
    job = run_action(tmp_path, environment(tmp_path, comments.url), config="absent.toml")
    assert (job.failed, job.outputs["outcome"]) == (True, "mismatch")
    assert [name for name, code in job.ran.items() if code] == ["Verdict"]


@pytest.mark.parametrize("code", ["0", "1", "3", "137"])
def test_a_program_that_breaks_is_an_error(tmp_path: Path, comments: Comments, code: str) -> None:
    """Whatever its exit code is: without the files of a gate there is no verdict, and the summary says so."""
    env = environment(tmp_path, comments.url)
    (tmp_path / "bin" / "robust-xtreme").write_text(f"#!/bin/sh\nexit {code}\n", encoding="utf-8")
    job = run_action(tmp_path, env, run="new", fail_on_regression="false")
    assert job.failed
    assert (job.outputs["passed"], job.outputs["outcome"]) == ("false", "error")
    assert "**No verdict: error.**" in job.summary


def test_a_program_that_sets_no_outputs_has_not_passed(tmp_path: Path, comments: Comments) -> None:
    """As one of an earlier version, which writes the files alone."""
    env = environment(tmp_path, comments.url)
    program = 'for word; do case "$word" in *.json) echo 1 > "$word" ;; esac; done\n'
    (tmp_path / "bin" / "robust-xtreme").write_text(f"#!/bin/sh\n{program}", encoding="utf-8")
    job = run_action(tmp_path, env, run="new")
    assert (job.failed, job.outputs["passed"], job.outputs["outcome"]) == (True, "false", "error")


@pytest.mark.parametrize(
    ("version", "given", "source"),
    [
        ("0.1.0", "config", "robust-xtreme==0.1.0"),
        ("", "config", str(ACTION.parent)),
        ("", "run", str(ACTION.parent)),
    ],
)
def test_what_is_installed(tmp_path: Path, comments: Comments, version: str, given: str, source: str) -> None:
    """The locks with hashes, without torch to gate a run; then the version that is named, else that of the action."""
    env = environment(tmp_path, comments.url)
    if not version:
        (tmp_path / "bin" / "robust-xtreme").unlink()
    python = tmp_path / "bin" / "python"
    python.write_text('#!/bin/sh\necho "$@" >> pip.txt\n', encoding="utf-8")
    python.chmod(0o755)
    env["PATH"] = f"{tmp_path / 'bin'}:/usr/bin:/bin"
    job = run_action(tmp_path, env, version=version, **{given: "new"})
    assert job.ran["Install"] == 0
    locks = ("cuda", "default", "build") if given == "config" else ("gate", "build")
    words = " ".join(f"-r {ACTION.parent}/locks/{name}.txt" for name in locks)
    ran = (tmp_path / "pip.txt").read_text("utf-8").splitlines()
    assert [line for line in ran if line.startswith("-m pip install")] == [
        f"-m pip install --quiet --no-deps --require-hashes {words}",
        f"-m pip install --quiet --no-deps --no-build-isolation {source}",
    ]


def test_a_package_that_does_not_match_its_hash_stops_the_job(tmp_path: Path, comments: Comments) -> None:
    """Where pip refuses the locks, the program is not installed, and there is no verdict."""
    env = environment(tmp_path, comments.url)
    (tmp_path / "bin" / "robust-xtreme").unlink()
    python = tmp_path / "bin" / "python"
    python.write_text('#!/bin/sh\necho "$@" >> pip.txt\nexit 1\n', encoding="utf-8")
    python.chmod(0o755)
    env["PATH"] = f"{tmp_path / 'bin'}:/usr/bin:/bin"
    job = run_action(tmp_path, env, run="new")
    assert [*job.ran] == ["Look for robust-xtreme", "Set up Python", "Install", "Verdict"]
    assert (job.failed, job.outputs["outcome"]) == (True, "error")
    assert len((tmp_path / "pip.txt").read_text("utf-8").splitlines()) == 1


def test_a_version_is_not_an_option(tmp_path: Path, comments: Comments) -> None:
    """Nothing but a version reaches pip."""
    job = run_action(tmp_path, environment(tmp_path, comments.url), run="new", version="1 --index-url x")
    assert job.ran["Install"] == 2


def test_actions_of_others_are_pinned() -> None:
    """Each by its commit, with the version beside it."""
    uses = re.findall(r"uses: (.*)", ACTION.read_text("utf-8"))
    assert len(uses) == 2
    assert all(re.fullmatch(r"actions/[\w-]+@[0-9a-f]{40} # v[0-9.]+", each) for each in uses)
