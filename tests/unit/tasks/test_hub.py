"""Files of the hub: what is fetched, what the cache gives, and one line within a deadline for whatever goes wrong."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.forks import forked
from tests.loopback import Loopback

from robust_xtreme.cli._errors import exit_code_of
from robust_xtreme.core.errors import RobustXtremeError, UserError
from robust_xtreme.tasks.sources import _fetch
from robust_xtreme.tasks.sources import hub as _hub

DEADLINE = 2.0
SLACK = 12.0
"""Seconds above the deadline that a busy machine may take to start and end an interpreter."""

Capture = pytest.CaptureFixture[str]


@pytest.fixture
def filled() -> Iterator[Loopback]:
    """A hub with one data set of two commits, a script and a model."""
    with Loopback() as server:
        server.put("dataset", "own/data", {"en/test-0.bin": b"old", "README.md": b"old"}, "a" * 40)
        server.put("dataset", "own/data", {"en/test-0.bin": b"new" * 500, "de/test-0.bin": b"neu"}, "b" * 40)
        server.put("dataset", "own/script", {"script.py": b"raise SystemExit('run')", "README.md": b""}, "c" * 40)
        server.put("model", "own/net", {"config.json": b"{}", "model.safetensors": b"0" * 999}, "d" * 40)
        yield server


@pytest.fixture
def hub(filled: Loopback, tmp_path: Path) -> Iterator[Loopback]:
    """The same hub, which this process asks without a child."""
    with filled.lent(tmp_path):
        yield filled


@pytest.fixture
def live(filled: Loopback, tmp_path: Path) -> Iterator[Loopback]:
    """The same hub, which a child process asks."""
    with filled.lent(tmp_path, live=True):
        yield filled


def listed(kind: _hub.Kind, repo: str, revision: str, pattern: str = "*", *, offline: bool = False) -> list[Any]:
    """What one call of `snapshot` that goes well gives: commit, files, name of the folder."""
    got = _hub.snapshot(kind, repo, revision, [pattern], offline=offline)
    return [got.revision, _hub.files(got.folder), got.folder.name]


def refused(capsys: Capture, *words: Any, **options: Any) -> tuple[int, str]:
    """The exit code and the one line of a call of `snapshot` that fails."""
    code = exit_code_of(lambda: listed(*words, **options))
    shown = capsys.readouterr()
    assert (shown.out, shown.err.count("\n")) == ("", 1), shown.err
    return code, shown.err.strip()


@pytest.mark.process
def test_a_child_fetches_and_prints_nothing(live: Loopback, capfd: Capture) -> None:
    """What the child fetches is in the cache of this process, and no word of the child is on its streams."""
    assert listed("dataset", "own/data", "b" * 40, "en/*") == ["b" * 40, ["en/test-0.bin"], "b" * 40]
    assert listed("dataset", "own/data", "b" * 40, "en/*", offline=True)[1] == ["en/test-0.bin"]
    assert capfd.readouterr() == ("", "")


def test_only_the_files_asked_for_are_fetched_and_only_once(hub: Loopback) -> None:
    """A pattern limits what is fetched, and the second call asks the hub for nothing."""
    assert listed("dataset", "own/data", "b" * 40, "en/*") == ["b" * 40, ["en/test-0.bin"], "b" * 40]
    asked = len(hub.asked)
    assert listed("dataset", "own/data", "b" * 40, "en/*")[1] == ["en/test-0.bin"]
    assert len(hub.asked) == asked
    assert listed("dataset", "own/data", "b" * 40, "de/*")[1] == ["de/test-0.bin", "en/test-0.bin"]


def test_a_branch_becomes_the_commit_that_it_points_to(hub: Loopback) -> None:
    """`main` is resolved to 40 digits; a new commit is fetched online, and offline the last one known is given."""
    assert listed("model", "own/net", "main")[0] == "d" * 40
    hub.put("model", "own/net", {"config.json": b"[]"}, "e" * 40)
    assert listed("model", "own/net", "main", offline=True)[0] == "d" * 40
    assert listed("model", "own/net", "main")[0] == "e" * 40


def test_another_revision_in_the_cache_never_serves(hub: Loopback, capsys: Capture) -> None:
    """With one commit in the cache, another is missing offline, and a failing hub does not bring the old one back."""
    listed("dataset", "own/data", "a" * 40, "en/*")
    code, line = refused(capsys, "dataset", "own/data", "b" * 40, "en/*", offline=True)
    assert code == 2
    assert "hub's cache" in line
    assert f"hf download own/data --repo-type dataset --revision {'b' * 40} --include 'en/*'" in line
    hub.faults["own/data"] = "503"
    assert refused(capsys, "dataset", "own/data", "b" * 40, "en/*")[0] == 3
    assert listed("dataset", "own/data", "a" * 40, "en/*")[0] == "a" * 40


def test_a_cache_that_another_program_filled_serves_offline(
    hub: Loopback, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Capture
) -> None:
    """Plain files in the folder of a commit suffice, and the hub's own variable keeps us offline too."""
    folder = tmp_path / "hub" / "models--own--net" / "snapshots" / ("f" * 40)
    folder.mkdir(parents=True)
    (folder / "config.json").write_text("{}")
    assert listed("model", "own/net", "f" * 40, offline=True)[1] == ["config.json"]
    with monkeypatch.context() as patch:
        patch.setenv("HF_HUB_OFFLINE", "1")
        assert listed("model", "own/net", "f" * 40)[1] == ["config.json"]
    assert hub.asked == []
    code, line = refused(capsys, "model", "own/net", "f" * 40, "*.safetensors", offline=True)
    assert (code, "hub's cache" in line) == (2, True)


@pytest.mark.parametrize(
    ("words", "fault", "code", "message"),
    [
        (("dataset", "own/none", "main"), {}, 2, "private"),
        (("model", "own/none", "main"), {}, 2, "The model"),
        (("dataset", "own/data", "0" * 40), {}, 2, "that revision"),
        (("dataset", "own/data", "b" * 40), {"own/data": "gated"}, 2, "accept its terms"),
        (("dataset", "own/data", "b" * 40), {"own/data": "401"}, 2, "refused"),
        (("dataset", "own/script", "main", "data/*"), {}, 2, "loading script"),
        (("dataset", "own/data", "main", "xx/*"), {}, 2, "no file xx"),
        (("dataset", "own/data", "b" * 40), {"own/data": "500"}, 3, "answers 500"),
        (("dataset", "own/data", "b" * 40), {"own/data": "503"}, 3, "answers 503"),
        (("dataset", "own/data", "b" * 40), {"own/data": "429"}, 3, "answers 429"),
        (("dataset", "own/data", "b" * 40), {"own/data/en/test-0.bin": "500"}, 3, "127.0.0.1"),
        (("dataset", "own/data", "b" * 40), {"own/data/en/test-0.bin": "cut"}, 3, "127.0.0.1"),
        (("dataset", "../data", "main"), {}, 2, "OWNER/NAME"),
        (("dataset", "own/data", "../../refs"), {}, 2, "commit"),
    ],
)
def test_every_failure_is_one_line(
    hub: Loopback, capsys: Capture, words: tuple[str, ...], fault: dict[str, str], code: int, message: str
) -> None:
    """For each failure of the hub, the exit code says whose fault it is and one line says what to do."""
    hub.faults.update(fault)
    seen, line = refused(capsys, *words)
    assert (seen, message in line) == (code, True), line


def test_a_hub_that_is_down_is_one_line(tmp_path: Path, capsys: Capture) -> None:
    """A connection that is refused is not a mistake of the user's."""
    with Loopback() as hub:
        pass
    with hub.lent(tmp_path):
        code, line = refused(capsys, "model", "own/net", "main")
    assert (code, "cannot be reached" in line) == (3, True), line


@pytest.mark.process
def test_a_download_without_end_is_ended_and_continues_when_the_hub_is_well_again(
    live: Loopback, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Capture
) -> None:
    """At the deadline it is one line; what it left is not an answer: the next call fetches the whole file."""
    live.faults["own/data/en/test-0.bin"] = "endless"
    monkeypatch.setenv(_hub.DEADLINE_VARIABLE, str(DEADLINE))
    start = time.monotonic()
    code, line = refused(capsys, "dataset", "own/data", "b" * 40)
    assert (code, f"within {DEADLINE:g} seconds" in line) == (3, True), line
    assert time.monotonic() - start < DEADLINE + SLACK
    monkeypatch.delenv(_hub.DEADLINE_VARIABLE)
    live.faults.clear()
    with live.lent(tmp_path):
        revision, names, _ = listed("dataset", "own/data", "b" * 40)
    folder = tmp_path / "hub" / "datasets--own--data" / "snapshots" / revision
    assert names == ["de/test-0.bin", "en/test-0.bin"]
    assert (folder / "en/test-0.bin").read_bytes() == b"new" * 500


@pytest.mark.process
def test_the_child_ends_with_the_process_that_started_it(filled: Loopback, tmp_path: Path) -> None:
    """Where the parent is killed in the middle of a download, nothing continues in the background."""
    filled.faults["own/net/config.json"] = "endless"
    words = ["eval", "--plan", "--model", "own/net", "--tasks", "xnli", "--languages", "en"]
    parent = forked(words, tmp_path / "printed", environment=filled.env(tmp_path)).process
    while not any("GET /own/net/resolve" in request and "config" in request for request in filled.asked):
        assert parent.is_alive()
        time.sleep(0.05)
    children = Path(f"/proc/{parent.pid}/task/{parent.pid}/children")
    if not children.is_file():
        parent.kill()
        pytest.skip("this system does not tell the children of a process")
    (child,) = children.read_text().split()
    parent.kill()
    parent.join()
    for _ in range(200):
        if not _runs(child):
            return
        time.sleep(0.05)
    raise AssertionError(f"the child {child} still runs")


def _runs(process: str) -> bool:
    try:
        state = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return False
    return state not in ("Z", "X")


@pytest.mark.parametrize("value", ["soon", "0", "-1", "inf", "nan"])
def test_a_deadline_that_is_none_is_refused(monkeypatch: pytest.MonkeyPatch, value: str) -> None:
    """The variable takes seconds above 0."""
    monkeypatch.setenv(_hub.DEADLINE_VARIABLE, value)
    with pytest.raises(UserError, match="seconds"):
        _hub._deadline()


def test_the_whole_chain_of_causes_is_read() -> None:
    """The error that tells is found after one that misleads, also where it was suppressed."""

    class GatedRepoError(Exception):
        """As the hub's client calls it."""

    class RepositoryNotFoundError(Exception):
        """The same."""

    other = FileNotFoundError("no data file at")
    other.__cause__ = RepositoryNotFoundError("nothing there")
    other.__cause__.__context__ = GatedRepoError("accept the terms")
    assert _fetch.describe_error(other) == ("gated", "accept the terms")
    other.__cause__, other.__context__ = None, GatedRepoError("accept the terms")
    other.__suppress_context__ = True
    assert _fetch.describe_error(other) == ("gated", "accept the terms")
    other.__context__.__context__ = other
    assert _fetch.describe_error(other)[0] == "gated"
    assert _fetch.describe_error(OSError(28, "No space left on device"))[0] == "disk"
    assert _fetch.describe_error(ConnectionRefusedError(111, "refused"))[0] == "down"
    assert _fetch.describe_error(ZeroDivisionError("a bug")) == ("other", "a bug")


@pytest.mark.process
def test_a_child_that_says_nothing_is_an_error(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A child that dies is reported with its code and its last words."""
    monkeypatch.setattr(_hub, "_BOOT", "import sys; print('last words', file=sys.stderr); sys.exit(7)")
    monkeypatch.setattr(_hub, "cache_folder", lambda: tmp_path)
    with pytest.raises(RobustXtremeError, match="last words"):
        _hub.snapshot("model", "own/net", "main", ["*"])
