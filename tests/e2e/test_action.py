"""action.yml: its shell steps run as on a runner, with comments on a substitute for GitHub."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from itertools import product
from pathlib import Path
from typing import Final

import pytest
import yaml
from tests import gh
from tests.finished_runs import finished_run
from tests.github import ACTION, Comments, Job, environment, run_action
from tests.some import some

pytestmark = pytest.mark.process

OURS: Final = "<!-- robust-xtreme gate: gate -->"
"""How the comment of a gate without a name begins."""

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
def comments(tmp_path: Path) -> Comments:
    """A pull request without comments."""
    return Comments(tmp_path)


def act(folder: Path, comments: Comments, runs: Path, run: str, /, **inputs: str) -> Job:
    """The job of a run that is gated against `old`."""
    return run_action(
        folder, environment(folder, comments), **{"run": str(runs / run), "baseline": str(runs / "old"), **inputs}
    )


def test_a_run_that_passes(tmp_path: Path, comments: Comments, runs: Path) -> None:
    """Every step succeeds, nothing is installed over the program that is there, and no comment is written."""
    env = environment(tmp_path, comments, real=True)
    job = run_action(tmp_path, env, run=str(runs / "old"), baseline=str(runs / "old"))
    assert not job.failed, job.log
    assert [*job.ran] == ["Look for robust-xtreme", "Gate", "Upload the report", "Comment", "Verdict"]
    assert job.outputs["passed"] == "true"
    assert job.outputs["outcome"] == "passed"
    assert (job.outputs["regressions"], job.outputs["undecided"], job.outputs["worst-cell"]) == ("0", "0", "")
    assert job.outputs["all-ok"] == "true"
    assert comments.bodies == []
    assert job.summary.startswith("# robust-xtreme gate")


def test_a_run_that_fails(tmp_path: Path, comments: Comments, runs: Path) -> None:
    """The report is uploaded and the comment written before the last step fails; the next run edits the comment."""
    comments.add("Thanks!", "somebody")
    comments.add(None, None)
    comments.add(f"{OURS} in the comment of another user", "mallory")
    comments.add(f"{OURS} of another bot", "helpful[bot]")
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
    report = Path(job.outputs["report-path"]).read_text("utf-8")
    assert comments.bodies[-1] == f"{OURS}\n{report}"
    assert "::error title=xnli" in job.log
    again = act(tmp_path, comments, runs, "old")
    assert not again.failed
    assert len(comments.bodies) == 5
    assert comments.bodies[-1].startswith(f"{OURS}\n# robust-xtreme gate\n\n**Passed.**")
    assert "another user" in comments.bodies[2]
    assert "another bot" in comments.bodies[3]


def test_each_name_of_a_gate_has_a_comment(tmp_path: Path, comments: Comments, runs: Path) -> None:
    """A gate edits the comment of its own name, and its artifact has that name, too; other names are refused."""
    for name in ("gate", "large", "gate"):
        job = act(tmp_path, comments, runs, "worse", name=name)
    assert [body.partition("\n")[0] for body in comments.bodies] == [OURS, OURS.replace("gate: gate", "gate: large")]
    assert job.used["Upload the report"]["name"] == "robust-xtreme-gate"
    job = act(tmp_path, comments, runs, "old", name="a --> b")
    assert (job.failed, job.outputs["outcome"]) == (True, "mismatch")
    assert not [body for body in comments.bodies if "a -->" in body]


@pytest.mark.parametrize("without", ["gh", "pull request"])
def test_the_summary_alone_has_the_report(tmp_path: Path, comments: Comments, runs: Path, without: str) -> None:
    """Without `gh`, and for another event than a pull request, a line says why there is no comment."""
    env = environment(tmp_path, comments)
    if without == "gh":
        (tmp_path / "bin" / "gh").unlink()
        for name in ("bash", "env", "cat", "mktemp", "touch", "sleep", "printf", "tail"):
            (tmp_path / "bin" / name).symlink_to(str(shutil.which(name)))
        env |= {"PATH": str(tmp_path / "bin")}
    inputs = {"run": str(runs / "worse"), "baseline": str(runs / "old")}
    job = run_action(tmp_path, env, pull="" if without != "gh" else "7", **inputs)
    assert [name for name, code in job.ran.items() if code] == ["Verdict"], job.log
    assert "No comment: " in job.log
    assert comments.bodies == []
    assert job.summary.startswith("# robust-xtreme gate")


@pytest.mark.skipif(not shutil.which("jq"), reason="there is no jq")
def test_the_filter_finds_the_comment_of_the_name_and_user() -> None:
    """As jq reads it: a deleted user, an empty text and the comment of another user or gate are not found."""
    (script,) = (step["run"] for step in yaml.safe_load(ACTION.read_text("utf-8"))["runs"]["steps"][-2:-1])
    assert gh.OURS in script
    users = ({"login": "me"}, {"login": "me[bot]"}, None)
    bodies = (OURS, f" {OURS}", OURS.replace("gate -->", "large -->"), None)
    rows = [{"id": at, "user": user, "body": body} for at, (user, body) in enumerate(product(users, bodies))]
    ended = subprocess.run(
        ["jq", gh.OURS],
        input=json.dumps(rows),
        env={"PATH": os.environ["PATH"], "LOGIN": "me", "MARKER": OURS},
        capture_output=True,
        text=True,
        check=True,
    )
    assert ended.stdout == "0\n"


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
    assert "::warning title=robust-xtreme gate::Missing" in job.log
    assert len(comments.bodies) == 1


def test_a_mismatch_is_not_a_pass(tmp_path: Path, comments: Comments, runs: Path) -> None:
    """It has its own outcome, a report and a comment, and fails even where regressions do not."""
    job = act(tmp_path, comments, runs, "other", fail_on_regression="false")
    assert [name for name, code in job.ran.items() if code] == ["Verdict"], job.log
    assert (job.outputs["passed"], job.outputs["outcome"]) == ("false", "mismatch")
    assert comments.bodies == [f"{OURS}\n{job.summary}"]
    assert "**No verdict: mismatch.**" in job.summary


def test_a_regression_may_be_reported_only(tmp_path: Path, comments: Comments, runs: Path) -> None:
    """The job succeeds, and its outputs say that the gate failed; without comments none is written."""
    job = act(tmp_path, comments, runs, "worse", fail_on_regression="false", comment="never")
    assert not job.failed
    assert (job.outputs["passed"], job.outputs["outcome"]) == ("false", "failed")
    assert "Comment" not in job.ran
    assert comments.bodies == []


def test_a_comment_that_is_refused_hides_nothing(tmp_path: Path, comments: Comments, runs: Path) -> None:
    """As for the token of a fork: a warning without the token, and the verdict is the same."""
    comments.keep([], refuses=True)
    job = act(tmp_path, comments, runs, "worse")
    assert [name for name, code in job.ran.items() if code] == ["Verdict"]
    assert "::warning title=robust-xtreme gate::The comment" in job.log
    assert "HTTP 403" in job.log
    assert "not-a-secret" not in job.log


def test_a_failed_upload_hides_nothing(tmp_path: Path, comments: Comments, runs: Path) -> None:
    """The comment is written, and the verdict is the last step."""
    env = {**environment(tmp_path, comments), "FAILS": "Upload the report"}
    job = run_action(tmp_path, env, run=str(runs / "worse"), baseline=str(runs / "old"))
    assert [name for name, code in job.ran.items() if code] == ["Upload the report", "Verdict"]
    assert len(comments.bodies) == 1


@pytest.mark.parametrize(
    "name",
    some(
        ["run", "baseline", "margin", "policy", "undecided", "comment", "config", "fail-on-regression", "name"],
        4,
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
    env = environment(tmp_path, comments)
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
    job = run_action(tmp_path, environment(tmp_path, comments), config="absent.toml")
    assert (job.failed, job.outputs["outcome"]) == (True, "mismatch")
    assert [name for name, code in job.ran.items() if code] == ["Verdict"]


@pytest.mark.parametrize("code", ["0", "1", "137"])
def test_a_program_that_breaks_is_an_error(tmp_path: Path, comments: Comments, code: str) -> None:
    """Whatever its exit code is: without the files of a gate there is no verdict, and the summary says so."""
    env = environment(tmp_path, comments)
    (tmp_path / "bin" / "robust-xtreme").write_text(f"#!/bin/sh\nexit {code}\n", encoding="utf-8")
    job = run_action(tmp_path, env, run="new", fail_on_regression="false")
    assert job.failed
    assert (job.outputs["passed"], job.outputs["outcome"]) == ("false", "error")
    assert "**No verdict: error.**" in job.summary


def test_a_program_that_sets_no_outputs_has_not_passed(tmp_path: Path, comments: Comments) -> None:
    """As one of an earlier version, which writes the files alone."""
    env = environment(tmp_path, comments)
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
    env = environment(tmp_path, comments)
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
    env = environment(tmp_path, comments)
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
    job = run_action(tmp_path, environment(tmp_path, comments), run="new", version="1 --index-url x")
    assert job.ran["Install"] == 2
