"""The child process of `hub`: fetch files of a repository and print the outcome as JSON on the last line."""

import errno
import json
import os
import re
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

from robust_xtreme.core import strict_json
from robust_xtreme.tasks.sources.hub import SHA, files, matching

LARGEST: Final = 32 << 20
"""The most bytes of an answer that is not a file: names and sizes of a thousand files take about 200,000."""

_MARK: Final = "robust_xtreme_answer"
_HASH: Final = re.compile(r"[0-9a-f]{40,64}")


class Strange(Exception):
    """An answer that a hub would not give."""


def commit(sha: object) -> str:
    """The commit that a hub names. Raises Strange where it is malformed: folders are named by it."""
    if not isinstance(sha, str) or not SHA.fullmatch(sha):
        raise Strange(f"the commit {str(sha)[:80]!r} is not 40 hexadecimal digits")
    return sha


def hooks(endpoint: str) -> dict[str, list[Any]]:
    """The hooks of a client of this hub, by event; a redirect keeps the mark of its request."""
    root = urlsplit(endpoint).path.rstrip("/") + "/api/"

    def mark(request: Any) -> None:
        if request.url.path.startswith(root):
            request.extensions[_MARK] = True

    return {"request": [mark], "response": [checked]}


def checked(response: Any) -> None:
    """Read an answer that is not a file up to a bound, and check its hashes and headers. Raises Strange."""
    _check_headers(response)
    is_answer = _MARK in response.request.extensions
    if response.request.method == "HEAD" or not (is_answer or response.status_code >= 400):
        return
    content = bytearray()
    for part in response.iter_bytes():
        content += part
        if len(content) > LARGEST:
            raise Strange(f"an answer is longer than {LARGEST >> 20} MiB")
    response._content = bytes(content)  # the client would read it without a bound
    if is_answer and response.status_code < 300:
        try:
            answer = strict_json.loads(bytes(content))
        except (ValueError, RecursionError):
            what = "a page came instead of data: a proxy's login page, or HF_ENDPOINT names no hub"
            raise Strange(what) from None
        for value in _hashes(answer):
            if not isinstance(value, str) or not _HASH.fullmatch(value):
                raise Strange(f"{str(value)[:80]!r} is not 40 or more hexadecimal digits")


def _check_headers(response: Any) -> None:
    """Check the headers that files in the cache are named by."""
    if "x-repo-commit" in response.headers:
        commit(response.headers["x-repo-commit"])
    if response.request.method != "HEAD":
        return
    for name in ("etag", "x-linked-etag"):
        value = response.headers.get(name, "").removeprefix("W/").strip('"')
        if "/" in value or "\\" in value or value.startswith("."):
            raise Strange(f"the header {name} {value[:80]!r} leads elsewhere")


def _hashes(answer: Any) -> Iterator[object]:
    """The commit of a repository, or the hashes of listed files."""
    for entry in answer if isinstance(answer, list) else [answer]:
        if isinstance(entry, dict):
            yield from (entry[key] for key in ("sha", "oid") if entry.get(key) is not None)
            yield from _hashes(entry.get("lfs"))


_DISK: Final = (errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EACCES)


def main(job: Mapping[str, Any]) -> None:
    """Do a job of `hub`; end when the parent process ends."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)  # Ctrl-C ends it silently; the parent prints the message
    threading.Thread(target=_end_with, args=(job["parent"],), daemon=True).start()
    try:
        answer = _fetch(job)
    except Exception as error:  # noqa: BLE001 - every error is reported to the parent
        answer = dict(zip(("error", "detail"), describe_error(error), strict=True))
    sys.stdout.write("\n" + json.dumps(answer) + "\n")
    sys.stdout.flush()
    os._exit(0)  # threads of a library that still wait for the network are not waited for


def _end_with(parent: int) -> None:
    while os.getppid() == parent:
        time.sleep(0.2)
    os._exit(1)


def _fetch(job: Mapping[str, Any]) -> dict[str, Any]:
    from huggingface_hub import HfApi, snapshot_download

    _guard()
    repo, kind, patterns = job["repo"], job["kind"], job["patterns"]
    api = HfApi()
    sha = commit(api.repo_info(repo, repo_type=kind, revision=job["revision"]).sha)
    there = api.list_repo_files(repo, repo_type=kind, revision=sha)
    wanted = matching(there, patterns)
    others = [name for name in there if "/" not in name and name not in wanted]
    folder = Path(snapshot_download(repo, repo_type=kind, revision=sha, allow_patterns=patterns)) if wanted else None
    if folder is None:
        return {"folder": f"/{sha}", "revision": sha, "files": [], "others": others}
    if missing := sorted(set(wanted) - set(files(folder))):
        raise ConnectionError(f"{missing[0]} did not arrive")
    return {"folder": str(folder), "revision": sha, "files": wanted, "others": others}


def _guard() -> None:
    """Make every client of the library check its responses. Releases before 1.0 have no such clients."""
    try:
        from huggingface_hub import constants, get_session, set_client_factory
    except ImportError:
        return
    first = get_session()
    ours = hooks(constants.ENDPOINT)
    event_hooks = {event: [*first.event_hooks.get(event, ()), *more] for event, more in ours.items()}
    set_client_factory(lambda: type(first)(event_hooks=event_hooks, follow_redirects=True, timeout=None))


def describe_error(error: BaseException) -> tuple[str, str]:
    """The kind of a failure and its message on one line, by the chain of causes: the last error often misleads."""
    chain = list(_chain(error))
    for kind, fits in _KINDS:
        for cause in chain:
            if fits(cause):
                return kind, str(_status(cause)) if kind in ("status", "denied") else _line(cause)
    return "other", _line(error)


def _named(*names: str) -> Callable[[BaseException], bool]:
    """A test for errors whose class name has such an ending: the classes differ between client versions."""
    return lambda error: any(base.__name__.endswith(names) for base in type(error).__mro__)


def _chain(error: BaseException | None) -> Iterator[BaseException]:
    """The error, what it was raised from, and what was handled when it was raised, suppressed or not."""
    seen: set[int] = set()
    waiting = [error]
    while waiting:
        cause = waiting.pop(0)
        if cause is not None and id(cause) not in seen:
            seen.add(id(cause))
            yield cause
            waiting += [cause.__cause__, cause.__context__]


def _status(error: BaseException) -> int:
    """The HTTP status of a refusal (400 and above); 0 where the error has none."""
    status = getattr(getattr(error, "response", None), "status_code", None)
    return status if isinstance(status, int) and status >= 400 else 0


def _line(error: BaseException) -> str:
    return (" ".join(str(error).split()) or type(error).__name__)[:300]


_KINDS: Final[tuple[tuple[str, Callable[[BaseException], bool]], ...]] = (
    ("strange", lambda error: isinstance(error, Strange)),
    ("gated", _named("GatedRepoError")),  # a kind of RepositoryNotFoundError: first
    ("revision", _named("RevisionNotFoundError")),
    ("unknown", _named("RepositoryNotFoundError")),
    ("disabled", _named("DisabledRepoError")),
    ("name", _named("HFValidationError")),
    ("limit", lambda error: isinstance(error, OSError) and error.errno == errno.EFBIG),
    ("disk", lambda error: isinstance(error, OSError) and error.errno in _DISK),
    ("status", lambda error: _status(error) >= 500 or _status(error) == 429),
    ("denied", lambda error: _status(error) > 0),
    ("cut", _named("ProtocolError", "ReadError", "ChunkedEncodingError", "ContentDecodingError", "IncompleteRead")),
    ("cut", lambda error: "Consistency check failed" in str(error)),
    ("down", _named("ConnectError", "ConnectionError", "Timeout", "TimeoutException", "OfflineModeIsEnabled")),
)
"""Kinds of failures, the most specific first."""
