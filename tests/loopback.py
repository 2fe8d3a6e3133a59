"""A substitute for the hub on this machine: the endpoints that its clients ask, and faults that a test switches on."""

from __future__ import annotations

import contextlib
import hashlib
import json
import time
from collections.abc import Iterator, Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from types import SimpleNamespace
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

import pytest
from huggingface_hub import constants, file_download
from huggingface_hub.utils import _http
from huggingface_hub.utils.tqdm import disable_progress_bars, enable_progress_bars

from robust_xtreme.tasks.sources import _fetch
from robust_xtreme.tasks.sources import hub as _hub
from robust_xtreme.tasks.sources.dataset import open_hub

PAGE = 40
ENDLESS = 1 << 30
"""The size that a file without end claims to have."""


class Loopback:
    """A hub with repositories of files, as a context manager.

    `faults` maps `OWNER/NAME` or `OWNER/NAME/PATH` to what goes wrong there: `gated`, a status such as `503` or `429`,
    `cut` (half of the bytes, then nothing) or `endless` (bytes that never end). What was never `put` is unknown, and a
    hub that was closed is down.
    """

    def __init__(self) -> None:
        self.repos: dict[tuple[str, str], dict[str, dict[str, bytes]]] = {}
        self.main: dict[tuple[str, str], str] = {}
        self.faults: dict[str, str] = {}
        self.asked: list[str] = []
        self.server = ThreadingHTTPServer(("127.0.0.1", 0), type("Handler", (_Handler,), {"hub": self}))
        self.server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self.server.server_port}"

    def __enter__(self) -> Loopback:
        Thread(target=self.server.serve_forever, args=(0.05,), daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self.server.shutdown()
        self.server.server_close()

    def put(self, kind: str, name: str, files: Mapping[str, bytes], revision: str = "") -> str:
        """Add a commit to a repository (`kind` is `dataset` or `model`), which becomes its main; the commit's sha."""
        content = b"".join(path.encode() + data for path, data in sorted(files.items()))
        sha = revision or hashlib.sha1(content).hexdigest()
        self.repos.setdefault((kind, name), {})[sha] = dict(files)
        self.main[kind, name] = sha
        return sha

    def put_folder(self, kind: str, name: str, folder: Path, revision: str = "") -> str:
        """Add a commit of all files in a folder."""
        paths = [path for path in sorted(folder.rglob("*")) if path.is_file()]
        files = {path.relative_to(folder).as_posix(): path.read_bytes() for path in paths}
        return self.put(kind, name, files, revision)

    def env(self, home: Path) -> dict[str, str]:
        """The environment of a process that asks this hub and keeps its cache under `home`."""
        return {
            "HF_ENDPOINT": self.url,
            "HF_HOME": str(home),
            "HF_UPDATE_DOWNLOAD_COUNTS": "0",
            "HF_HUB_DISABLE_TELEMETRY": "1",
            "HF_HUB_DISABLE_XET": "1",
            "NO_PROXY": "127.0.0.1",
        }

    @contextlib.contextmanager
    def lent(self, home: Path, *, live: bool = False) -> Iterator[Loopback]:
        """While this lasts this process asks this hub, with a cache under `home`; without a child unless `live`."""
        with asking(self.url, home, live=live) as patch:
            for name, value in self.env(home).items():
                patch.setenv(name, value)
            yield self


@contextlib.contextmanager
def asking(url: str, home: Path, *, live: bool = False) -> Iterator[pytest.MonkeyPatch]:
    """While this lasts the hub's client in this process asks `url`, and tries again without a pause.

    Unless `live`, a download is made in this process instead of a child, by the same function and with the same
    translation of errors; nothing then ends it at its deadline.
    """
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(constants, "HF_HUB_CACHE", str(home / "hub"))
        patch.setattr(constants, "ENDPOINT", url)
        patch.setattr(constants, "HUGGINGFACE_CO_URL_TEMPLATE", url + "/{repo_id}/resolve/{revision}/{filename}")
        patch.setattr(constants, "HF_HUB_DISABLE_XET", True)
        for module in (_http, file_download):
            patch.setattr(module, "time", SimpleNamespace(sleep=lambda _: None))
        patch.setattr(_http, "_GLOBAL_CLIENT_FACTORY", _http.default_client_factory)
        patch.setattr(_http, "_GLOBAL_CLIENT", None)
        if not live:
            patch.setattr(_hub, "_child", _fetched_here)
        open_hub.cache_clear()
        disable_progress_bars()
        try:
            yield patch
        finally:
            open_hub.cache_clear()
            enable_progress_bars()
            _http.close_session()
            open_hub.cache_clear()


def _fetched_here(job: Any, _: float) -> dict[str, Any]:
    """What the child process of a job reports, computed in this process."""
    order = {"kind": job.kind, "repo": job.repo, "revision": job.revision, "patterns": job.patterns}
    try:
        return _fetch._fetch(order)
    except Exception as error:  # noqa: BLE001 - as in the child, whatever goes wrong is translated
        return dict(zip(("error", "detail"), _fetch.describe_error(error), strict=True))


class _Handler(BaseHTTPRequestHandler):
    hub: Loopback
    protocol_version = "HTTP/1.1"

    def log_message(self, *_: Any) -> None:
        """Say nothing."""

    def do_HEAD(self) -> None:
        """The headers of a file."""
        self.do_GET()

    def do_GET(self) -> None:
        """Any of the endpoints."""
        self.hub.asked.append(f"{self.command} {self.path}")
        url = urlsplit(self.path)
        parts = unquote(url.path).strip("/").split("/")
        api = parts[0] == "api"
        parts = parts[1:] if api else parts
        kind = "dataset" if parts[0] == "datasets" else "model"
        parts = parts[1:] if parts[0] in ("datasets", "models") else parts
        name, rest = "/".join(parts[:2]), parts[2:]
        commits = self.hub.repos.get((kind, name))
        if self._refused(self.hub.faults.get(name, "")):
            return
        if commits is None:
            self._error(404, "RepoNotFound")
            return
        verb, revision, path = rest[0] if rest else "revision", rest[1] if rest[1:] else "main", "/".join(rest[2:])
        sha = self.hub.main[kind, name] if revision == "main" else revision
        if sha not in commits:
            self._error(404, "RevisionNotFound")
        elif verb == "resolve" and not api:
            self._file(f"{name}/{path}", sha, commits[sha].get(path))
        elif verb == "tree":
            self._tree(url.path, commits[sha], path, int(parse_qs(url.query).get("cursor", ["0"])[0]))
        else:
            siblings = [{"rfilename": commit} for commit in commits[sha]]
            self._json({"id": name, "sha": sha, "private": False, "tags": [], "downloads": 0, "siblings": siblings})

    def _refused(self, fault: str) -> bool:
        if fault == "gated":
            self._error(403, "GatedRepo")
        elif fault.isdecimal():
            self._error(int(fault))
        return fault == "gated" or fault.isdecimal()

    def _file(self, name: str, sha: str, data: bytes | None) -> None:
        fault = self.hub.faults.get(name, "")
        if self._refused(fault):
            return
        if data is None:
            self._error(404, "EntryNotFound")
            return
        start = int(self.headers.get("Range", "bytes=0-").removeprefix("bytes=").split("-")[0])
        body, size = data[start:], ENDLESS if fault == "endless" else len(data) - start
        self.send_response(206 if start else 200)
        self.send_header("X-Repo-Commit", sha)
        self.send_header("ETag", f'"{hashlib.sha1(data).hexdigest()}"')
        self.send_header("Content-Length", str(size))
        self.send_header("Accept-Ranges", "bytes")
        if start:
            self.send_header("Content-Range", f"bytes {start}-{len(data) - 1}/{len(data)}")
        self.end_headers()
        if self.command == "GET":
            self._body(body, fault)

    def _body(self, body: bytes, fault: str) -> None:
        try:
            self.wfile.write(body[: len(body) // 2] if fault == "cut" else body)
            while fault == "endless":
                self.wfile.write(b"x" * 64)
                time.sleep(0.05)
        except OSError:  # the client has disconnected
            pass
        self.close_connection = self.close_connection or bool(fault)

    def _tree(self, url: str, files: Mapping[str, bytes], under: str, first: int) -> None:
        paths = [path for path in sorted(files) if not under or path.startswith(f"{under}/")]
        rows = [{"type": "file", "path": path, "size": len(files[path])} for path in paths[first : first + PAGE]]
        for row in rows:
            row["oid"] = hashlib.sha1(files[str(row["path"])]).hexdigest()
        more = f'<{self.hub.url}{url}?recursive=true&cursor={first + PAGE}>; rel="next"'
        self._json(rows, {"Link": more} if paths[first + PAGE :] else {})

    def _json(self, value: Any, headers: Mapping[str, str] = {}) -> None:
        data = json.dumps(value).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(data)))
        for key, header in headers.items():
            self.send_header(key, header)
        self.end_headers()
        if self.command == "GET":
            self.wfile.write(data)

    def _error(self, status: int, code: str = "") -> None:
        self.send_response(status)
        if code:
            self.send_header("X-Error-Code", code)
            self.send_header("X-Error-Message", code)
        self.send_header("Content-Length", "0")
        self.end_headers()
