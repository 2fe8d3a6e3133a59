"""The child process of `hub`: fetch files of a repository and print the outcome as JSON on the last line."""

from __future__ import annotations

import errno
import json
import os
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, Final

from robust_xtreme.sources._guard import Strange, commit, hooks
from robust_xtreme.sources.hub import files, matching

_SHOWN: Final = 300
_PAUSE: Final = 0.2
_DISK: Final = (errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EACCES)
_TOO_MANY: Final = 429
_SERVER: Final = 500


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
        time.sleep(_PAUSE)
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


# -------------------------------------------------------------------------------------------------------------- errors


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
    return (" ".join(str(error).split()) or type(error).__name__)[:_SHOWN]


_KINDS: Final[tuple[tuple[str, Callable[[BaseException], bool]], ...]] = (
    ("strange", lambda error: isinstance(error, Strange)),
    ("gated", _named("GatedRepoError")),  # a kind of RepositoryNotFoundError: first
    ("revision", _named("RevisionNotFoundError")),
    ("unknown", _named("RepositoryNotFoundError")),
    ("disabled", _named("DisabledRepoError")),
    ("name", _named("HFValidationError")),
    ("limit", lambda error: isinstance(error, OSError) and error.errno == errno.EFBIG),
    ("disk", lambda error: isinstance(error, OSError) and error.errno in _DISK),
    ("status", lambda error: _status(error) >= _SERVER or _status(error) == _TOO_MANY),
    ("denied", lambda error: _status(error) > 0),
    ("cut", _named("ProtocolError", "ReadError", "ChunkedEncodingError", "ContentDecodingError", "IncompleteRead")),
    ("cut", lambda error: "Consistency check failed" in str(error)),
    ("down", _named("ConnectError", "ConnectionError", "Timeout", "TimeoutException", "OfflineModeIsEnabled")),
)
"""Kinds of failures, the most specific first."""
