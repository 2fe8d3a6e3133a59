"""A hostile hub, and a malformed address: one line, nothing outside the cache, and bounded memory."""

from __future__ import annotations

import os
import sys
import threading
import tracemalloc
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from tests.loopback import Loopback, asking
from tests.unit.tasks.test_hub import Capture, refused

from robust_xtreme.cli import main
from robust_xtreme.core.errors import SpecError
from robust_xtreme.tasks.sources import _fetch
from robust_xtreme.tasks.sources import hub as _endpoint
from robust_xtreme.tasks.sources import hub as _hub

MEMORY = 128 << 20
"""Bytes that fetching may take; the whole answer would take twice as many."""

MODEL = ("model", "own/net", "main")


@pytest.fixture
def page() -> Iterator[SimpleNamespace]:
    """A server that answers whatever it is asked with the same bytes, `times` over."""
    state = SimpleNamespace(body=b"", times=1)

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            """Answer."""
            self.send_response(200)
            self.end_headers()
            try:
                for _ in range(state.times):
                    self.wfile.write(state.body)
            except OSError:  # the client has disconnected
                pass

        def log_message(self, *_: Any) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
    state.url = f"http://127.0.0.1:{server.server_port}"
    yield state
    server.shutdown()
    server.server_close()


def test_a_web_page_is_recognised_as_one(page: SimpleNamespace, tmp_path: Path, capsys: Capture) -> None:
    """What a proxy shows to those who have not logged in is not an answer of a hub."""
    page.body = b"<html>Please log in</html>"
    with asking(page.url, tmp_path):
        code, line = refused(capsys, *MODEL)
    assert (code, "does not answer as a hub" in line, "proxy" in line) == (3, True, True), line


def test_a_long_answer_is_cut_off(page: SimpleNamespace, tmp_path: Path, capsys: Capture) -> None:
    """It is read up to a bound, in little memory."""
    page.body, page.times = b" " * 65536, 1 << 12
    tracemalloc.start()
    try:
        with asking(page.url, tmp_path):
            code, line = refused(capsys, *MODEL)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert (code, "32 MiB" in line) == (3, True), line
    assert peak < MEMORY


@pytest.mark.parametrize("sha", ["../../../../outside", "main", "A" * 40, "a" * 39, ""])
def test_a_commit_that_is_none_is_never_a_path(tmp_path: Path, capsys: Capture, sha: str) -> None:
    """The hub's client would write a list of files under that name, wherever it leads."""
    with Loopback() as hub:
        hub.put("model", "own/net", {"config.json": b"{}"}, "d" * 40)
        hub.repos["model", "own/net"] = {sha: {"config.json": b"{}"}}
        hub.main["model", "own/net"] = sha
        with hub.lent(tmp_path / "home" / "deep"):
            code, line = refused(capsys, *MODEL)
    assert (code, "as a hub" in line) == (3, True), line
    assert [path.name for path in tmp_path.rglob("*.json")] == []
    assert not any("outside" in path.name for path in tmp_path.rglob("*"))


def answer(body: bytes, headers: dict[str, str], *, method: str = "GET", api: bool = True) -> Any:
    """A response as the client's library gives it to a hook."""
    marks = {_fetch._MARK: True} if api else {}
    request = SimpleNamespace(method=method, extensions=marks)
    return SimpleNamespace(request=request, headers=headers, status_code=200, iter_bytes=lambda: iter([body]))


@pytest.mark.parametrize(
    ("body", "headers", "method"),
    [
        (b'{"sha": "../x"}', {}, "GET"),
        (b'[{"oid": "../x"}]', {}, "GET"),
        (b'[{"oid": "' + b"a" * 40 + b'", "lfs": {"oid": "/tmp/x"}}]', {}, "GET"),
        (b"{}", {"x-repo-commit": "../x"}, "GET"),
        (b"", {"etag": '"../../x"'}, "HEAD"),
        (b"", {"x-linked-etag": 'W/"/tmp/x"'}, "HEAD"),
        (b"", {"etag": '".."'}, "HEAD"),
        (b"[" * 100_000, {}, "GET"),
    ],
)
def test_every_hash_is_checked_wherever_it_is(body: bytes, headers: dict[str, str], method: str) -> None:
    """Commits, hashes of listed files and the headers that files are called by."""
    with pytest.raises(_fetch.Strange):
        _fetch.checked(answer(body, headers, method=method))


def test_a_good_answer_is_kept_and_a_file_is_not_read() -> None:
    """What a hub says comes through whole; a file's bytes are left to the client."""
    good = answer(b'{"sha": "' + b"a" * 40 + b'"}', {"x-repo-commit": "a" * 40, "etag": '"d41d8"'})
    _fetch.checked(good)
    assert good._content.endswith(b'a"}')
    file = answer(b"bytes", {}, api=False)
    _fetch.checked(file)
    assert not hasattr(file, "_content")


NONE = ["http://[bad", "not a url", "file:///etc", "huggingface.co", "http://", "http://host:port", "http://a b"]


@pytest.mark.parametrize("value", NONE)
def test_an_address_that_is_none_is_the_user_s_mistake(
    value: str, tmp_path: Path, capsys: Capture, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The variable is named, with 2, where the hub is needed."""
    monkeypatch.setenv("HF_ENDPOINT", value)
    with asking("http://127.0.0.1:9", tmp_path):
        code, line = refused(capsys, *MODEL)
    assert (code, "HF_ENDPOINT" in line) == (2, True), line


def test_what_needs_no_hub_runs_with_a_malformed_address(
    tmp_path: Path, capsys: Capture, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A plan of the embedded model is shown; what needs the hub says what is wrong, without the password."""
    monkeypatch.setattr(_endpoint, "_REFUSED", [])
    monkeypatch.setattr(_hub, "cache_folder", lambda: tmp_path)
    words = ["robust-xtreme", "eval", "--plan", "--tasks", "xnli", "--languages", "en"]
    monkeypatch.setenv("HF_ENDPOINT", "http://x:hidden@[bad")
    for more, code in ((), 0), (("--model", "own/net"), 2):
        monkeypatch.setattr(sys, "argv", [*words, *more])
        with pytest.raises(SystemExit) as stop:
            main()
        out, err = capsys.readouterr()
        assert (stop.value.code, "xnli" in out) == (code, not code), err
    assert err.count("\n") == 1, err
    assert "HF_ENDPOINT" in err
    assert "hidden" not in err


def test_a_password_in_the_address_is_not_shown(tmp_path: Path, capsys: Capture) -> None:
    """No line shows a password, because users paste lines into bug reports."""
    with asking("http://user:hidden@127.0.0.1:9", tmp_path):
        code, line = refused(capsys, *MODEL)
    assert (code, "http://127.0.0.1:9" in line, "hidden" in line) == (3, True, False), line
    assert _endpoint.public("no http://u:p@host/x nor https://u@host") == "no http://host/x nor https://host"


def test_an_empty_address_is_none(monkeypatch: pytest.MonkeyPatch) -> None:
    """It is taken away, and so is a malformed one, which is remembered; a good one stays."""
    monkeypatch.setattr(_endpoint, "_REFUSED", [])
    for value, there, wrong in (("", False, False), ("https://hub.example/x", True, False), ("nowhere", False, True)):
        monkeypatch.setenv("HF_ENDPOINT", value)
        _endpoint.settle()
        assert ("HF_ENDPOINT" in os.environ, bool(_endpoint.refusal())) == (there, wrong)


def test_what_is_in_the_cache_needs_no_address(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Only fetching is refused."""
    monkeypatch.setattr(_hub, "cache_folder", lambda: tmp_path)
    monkeypatch.setenv("HF_ENDPOINT", "nowhere")
    folder = tmp_path / "models--own--net" / "snapshots" / ("f" * 40)
    folder.mkdir(parents=True)
    (folder / "config.json").write_text("{}")
    assert _hub.snapshot("model", "own/net", "f" * 40, ["*"], offline=True).folder == folder
    with pytest.raises(SpecError, match="nowhere"):
        _hub.snapshot("model", "own/net", "e" * 40, ["*"])
