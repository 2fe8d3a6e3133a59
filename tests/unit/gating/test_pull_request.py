"""`comment`: one comment on a pull request, and outputs of a step, whatever names and texts contain."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.finished_runs import finished_run
from tests.github import NUMBER, REPOSITORY, TOKEN, Comments, assigned
from tests.program import FULL, Ended, program

from robust_xtreme.gating import pull_request
from robust_xtreme.gating.outputs import MARKER


@pytest.fixture
def comments() -> Iterator[Comments]:
    """A pull request without comments."""
    with Comments() as started:
        yield started


@pytest.fixture
def report(tmp_path: Path) -> Path:
    """The report of a gate."""
    path = tmp_path / "gate.md"
    path.write_text(f"{MARKER}\n# robust-xtreme gate\n", encoding="utf-8")
    return path


def written(report: Path, api: str, *words: str, event: object = None, **changes: str) -> Ended:
    """`comment` in the workflow of a pull request."""
    path = report.parent / "event.json"
    path.write_text(json.dumps({"pull_request": {"number": NUMBER}} if event is None else event), encoding="utf-8")
    variables = {"GITHUB_REPOSITORY": REPOSITORY, "GITHUB_TOKEN": TOKEN, "GITHUB_EVENT_PATH": str(path)}
    return program("comment", str(report), *words, **{**variables, "GITHUB_API_URL": api, **changes})


def test_there_is_one_comment(report: Path, comments: Comments) -> None:
    """It is written once, and edited after that; with `--only-edit` it is not written first."""
    assert "is not needed" in written(report, comments.url, "--only-edit").out
    assert comments.bodies == []
    assert "is written" in written(report, comments.url).out
    report.write_text(f"{MARKER}\nother", encoding="utf-8")
    assert "is edited" in written(report, comments.url, "--only-edit").out
    assert comments.bodies == [f"{MARKER}\nother"]


def test_the_comment_is_found_after_a_full_page_of_others(report: Path, comments: Comments) -> None:
    """GitHub gives a hundred at once: the comment may be the next one."""
    for number in range(100):
        comments.add(f"review {number}", "somebody", "User")
    comments.add(MARKER)
    assert "is edited" in written(report, comments.url).out


def test_the_comment_of_another_user_is_not_edited(report: Path, comments: Comments) -> None:
    """A user could change the verdict in it afterwards; with a token of a user it is that user's comment."""
    comments.add(MARKER, "mallory", "User")
    comments.login = "somebody"
    assert "is written" in written(report, comments.url).out
    assert "is edited" in written(report, comments.url).out
    assert [row["user"]["login"] for row in comments.rows] == ["mallory", "somebody"]


def test_the_comment_of_the_workflow_is_edited(report: Path, comments: Comments) -> None:
    """And not that of another bot, which has the marker, too."""
    comments.add(MARKER, "helpful[bot]")
    comments.add(MARKER)
    assert "is edited" in written(report, comments.url).out
    assert comments.bodies == [MARKER, report.read_text("utf-8")]


@pytest.mark.parametrize("others", [["helpful[bot]"], ["helpful[bot]", "robust[bot]", ""], ["github-actions"]])
def test_the_comment_of_another_bot_is_not_edited(report: Path, comments: Comments, others: list[str]) -> None:
    """Where a workflow has none yet it writes one, once, however many others have the marker."""
    for login in others:
        comments.add(MARKER, login)
    assert "is not needed" in written(report, comments.url, "--only-edit").out
    assert "is written" in written(report, comments.url).out
    assert "is edited" in written(report, comments.url).out
    assert [row["body"] == MARKER for row in comments.rows] == [*[True] * len(others), False]


@pytest.mark.parametrize("viewer", ["robust[bot]", "robust"])
def test_the_bot_of_an_app_edits_its_own_comment(report: Path, comments: Comments, viewer: str) -> None:
    """With or without the suffix in its name, and not that of workflows."""
    comments.viewer = viewer
    comments.add(MARKER)
    mine = comments.add(MARKER, "robust[bot]")
    assert "is edited" in written(report, comments.url).out
    assert (comments.bodies, mine["body"] == MARKER) == ([MARKER, report.read_text("utf-8")], False)


@pytest.mark.parametrize("user", [None, "mallory", ["x"], {}, {"login": None}, {"login": 7}])
def test_a_comment_without_an_author_is_not_edited(report: Path, comments: Comments, user: object) -> None:
    """A user who was deleted, and whatever else is not one."""
    comments.add(MARKER)["user"] = user
    assert "is written" in written(report, comments.url).out


@pytest.mark.parametrize(
    "token", [" ", "\t", "\n", f"{TOKEN}\n", f"{TOKEN}\r\nX-Other: 1", f"a {TOKEN}", f"{TOKEN}\u00e9"]
)
def test_a_token_that_is_none_is_not_sent(report: Path, comments: Comments, token: str) -> None:
    """One line with exit code 2 that names the variable, not its value; nothing is asked."""
    ended = written(report, comments.url, GITHUB_TOKEN=token)
    assert (ended.code, ended.err.count("\n"), comments.asked) == (2, 1, [])
    assert "GITHUB_TOKEN is blank, or has" in ended.err
    assert TOKEN not in ended.err + ended.out


def test_an_event_that_does_not_exist_is_named(report: Path, comments: Comments, tmp_path: Path) -> None:
    """With the variable and its path, so that nobody looks for a mistake in the report."""
    ended = written(report, comments.url, GITHUB_EVENT_PATH=str(tmp_path / "absent.json"))
    named = f"robust-xtreme: GITHUB_EVENT_PATH names {tmp_path / 'absent.json'}, which does not exist."
    assert (ended.code, ended.err.startswith(named), comments.asked) == (2, True, [])


@pytest.mark.parametrize(
    "event",
    [{}, {"ref": "main"}, [], *({"pull_request": {"number": number}} for number in ("7; x", True, -7, 0, 7.0))],
)
def test_another_event_has_no_comment(report: Path, comments: Comments, event: object) -> None:
    """Nothing is asked, and the exit code is 0."""
    ended = written(report, comments.url, event=event)
    assert (ended.code or 0, comments.asked) == (0, [])
    assert "does not run for a pull request" in ended.out


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("GITHUB_API_URL", "http://example.org"),
        ("GITHUB_API_URL", "http://127.0.0.1@example.org"),
        ("GITHUB_API_URL", "file:///etc"),
        ("GITHUB_API_URL", "https://[x"),
        ("GITHUB_REPOSITORY", "../x"),
        ("GITHUB_REPOSITORY", "a/b/../c"),
        ("GITHUB_TOKEN", ""),
        ("GITHUB_EVENT_PATH", "absent.json"),
    ],
)
def test_a_wrong_variable_is_named(report: Path, comments: Comments, name: str, value: str) -> None:
    """In one line with exit code 2, before anything is sent."""
    ended = written(report, comments.url, **{name: value})
    assert (ended.code, ended.err.count("\n"), comments.asked) == (2, 1, [])
    assert name in ended.err or value in ended.err


@pytest.mark.parametrize(("status", "cure"), [(401, True), (403, True), (404, True), (500, False), (302, False)])
def test_a_refusal_is_one_line(report: Path, comments: Comments, status: int, cure: bool) -> None:
    """With exit code 3 and without the token; a redirection is not followed."""
    comments.refuses = status
    ended = written(report, comments.url)
    assert (ended.code, ended.err.count("\n")) == (3, 1)
    assert f"status {status}" in ended.err
    assert ("pull-requests: write" in ended.err) == cure
    assert TOKEN not in ended.err + ended.out
    assert not any("elsewhere" in asked for asked in comments.asked)


@pytest.mark.parametrize(
    ("sent", "length"),
    [
        ([b"[", *[b" "] * 98, b"]"], 0),
        ([b"[]"], 1000),
        ([b"[" * 100_000], 0),
        *(
            ([json.dumps([{"body": MARKER, "user": {"type": "Bot"}, **more}]).encode()], 0)
            for more in ({}, {"id": "x"})
        ),
        ([b'[{"id": true}]'], 0),
        ([b"{}"], 0),
    ],
)
def test_an_answer_that_is_not_one_is_one_line(
    report: Path, comments: Comments, sent: list[bytes], length: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A byte now and then, a list that is cut, brackets without end, comments without an id: exit code 3."""
    monkeypatch.setattr(pull_request, "_SECONDS", 0.1)
    comments.sent, comments.length = sent, length
    ended = written(report, comments.url)
    assert (ended.code, ended.err.count("\n"), len(comments.asked)) == (3, 1, 1)
    assert "GitHub" in ended.err
    assert "bug" not in ended.err


def test_files_that_do_not_end_are_not_read(report: Path, comments: Comments, tmp_path: Path) -> None:
    """A pipe, or a file of more than some MB, is neither a report nor an event; nor are brackets without end."""
    os.mkfifo(tmp_path / "pipe")
    large, deep = tmp_path / "large", tmp_path / "deep"
    large.touch()
    os.truncate(large, 1 << 40)
    deep.write_text("[" * 100_000, encoding="utf-8")
    for path in (tmp_path / "pipe", large):
        assert written(path, comments.url).code == 2
    for path in (tmp_path / "pipe", large, deep):
        ended = written(report, comments.url, GITHUB_EVENT_PATH=str(path))
        assert (ended.code, "is not the event of a workflow" in ended.err) == (2, True)
    assert comments.asked == []


def test_a_report_fits(report: Path, comments: Comments) -> None:
    """One that GitHub would refuse is refused before that, with what writes one that fits."""
    report.write_text(MARKER.ljust(65_537), encoding="utf-8")
    ended = written(report, comments.url)
    assert (ended.code, "has 65,537 characters, and GitHub takes 65,536" in ended.err, comments.asked) == (2, True, [])
    report.write_text(MARKER.ljust(65_536), encoding="utf-8")
    assert "is written" in written(report, comments.url).out


def test_only_a_report_is_written(report: Path, comments: Comments) -> None:
    """Another file would not be recognised, and would be written again and again."""
    report.write_text("# Report\n", encoding="utf-8")
    assert "is not the report of a gate" in written(report, comments.url).err
    assert comments.asked == []


def test_an_output_has_one_value(tmp_path: Path) -> None:
    """A value with lines that look like outputs, or like the end of one, is one value."""
    value = "a\npassed=true\npassed<<end\ntrue\nend\nb"
    assert assigned(pull_request._assigned("worst-cell", value) + pull_request._assigned("passed", "false")) == {
        "worst-cell": value,
        "passed": "false",
    }
    assert pull_request._assigned("x", "") != pull_request._assigned("x", "")


def test_a_step_gets_outputs(tmp_path: Path) -> None:
    """Facts of the gate that are not rounded, and its files."""
    old, new = finished_run(tmp_path / "old", 0.9), finished_run(tmp_path / "new", 0.5)
    output, data = tmp_path / "output", tmp_path / "gate.json"
    words = ("gate", str(new), "--baseline", str(old), "-o", str(data))
    assert program(*words, GITHUB_ACTIONS="true", GITHUB_OUTPUT=str(output)).code == 1
    values, facts = assigned(output.read_text("utf-8")), json.loads(data.read_text("utf-8"))
    assert values == {
        "passed": "false",
        "outcome": "failed",
        "regressions": str(facts["counts"]["regressed"]),
        "undecided": str(facts["counts"]["undecided"]),
        "all-ok": "false",
        "worst-cell": facts["worst_cell"],
        "worst-change": repr(facts["worst_change"]),
        "json-path": str(data),
    }


@pytest.mark.parametrize("name", ["GITHUB_OUTPUT", "GITHUB_STEP_SUMMARY"])
def test_a_pipe_as_file_of_a_step_is_refused(tmp_path: Path, name: str) -> None:
    """In one line that names it, instead of waiting for a reader; so are a link to it and a pipe as report."""
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "link").symlink_to("pipe")
    run = str(finished_run(tmp_path / "run"))
    for path in (tmp_path / "pipe", tmp_path / "link"):
        ended = program("gate", run, "--baseline", run, GITHUB_ACTIONS="true", **{name: str(path)})
        assert (ended.code, ended.err.count("\n"), f"{path} is a pipe" in ended.err) == (2, 1, True)


@pytest.mark.parametrize("name", ["GITHUB_OUTPUT", "GITHUB_STEP_SUMMARY"])
def test_a_step_on_a_full_disk_is_the_environment(tmp_path: Path, name: str) -> None:
    """One line that names the file, with the exit code of the disk."""
    run = str(finished_run(tmp_path / "run"))
    ended = program("gate", run, "--baseline", run, GITHUB_ACTIONS="true", **{name: str(FULL)})
    assert (ended.code, f"{FULL} cannot be written: No space left on device. Free some space." in ended.err) == (
        3,
        True,
    )
