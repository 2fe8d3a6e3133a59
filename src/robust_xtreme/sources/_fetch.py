"""What the child process of `hub` does: fetch files of a repository and say on the last line how that went."""

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
    """Do a job of `hub`, and end with the process that gave it."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)  # Ctrl-C ends it without a word; the parent has one
    threading.Thread(target=_end_with, args=(job["parent"],), daemon=True).start()
    try:
        said = _fetch(job)
    except Exception as error:  # noqa: BLE001 - whatever goes wrong is told to the parent
        said = dict(zip(("error", "detail"), told(error), strict=True))
    sys.stdout.write("\n" + json.dumps(said) + "\n")
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
    missing = sorted(set(wanted) - set(files(folder)))
    if missing:
        raise ConnectionError(f"{missing[0]} did not arrive")
    return {"folder": str(folder), "revision": sha, "files": wanted, "others": others}


def _guard() -> None:
    """Let every client that the library makes check what it is told. Its releases before 1.0 have no such clients."""
    try:
        from huggingface_hub import constants, get_session, set_client_factory
    except ImportError:
        return
    first = get_session()
    own = {event: [*first.event_hooks.get(event, ()), *more] for event, more in hooks(constants.ENDPOINT).items()}
    make = type(first)
    set_client_factory(lambda: make(event_hooks=own, follow_redirects=True, timeout=None))


# -------------------------------------------------------------------------------------------------------------- errors


def told(error: BaseException) -> tuple[str, str]:
    """The kind of a failure and its first line, by the whole chain of causes: the last error often misleads."""
    chain = list(_chain(error))
    for kind, fits in _KINDS:
        for one in chain:
            if fits(one):
                return kind, str(_status(one)) if kind in ("status", "denied") else _line(one)
    return "other", _line(error)


def _named(*names: str) -> Callable[[BaseException], bool]:
    """Whether an error is of a class whose name ends so: those of the client differ between its versions."""
    return lambda error: any(one.__name__.endswith(names) for one in type(error).__mro__)


def _is_disk(error: BaseException) -> bool:
    return isinstance(error, OSError) and error.errno in _DISK


def _is_server(error: BaseException) -> bool:
    return _status(error) >= _SERVER or _status(error) == _TOO_MANY


def _is_short(error: BaseException) -> bool:
    return "Consistency check failed" in str(error)


def _chain(error: BaseException | None) -> Iterator[BaseException]:
    """The error, what it was raised from, and what was handled when it was raised, suppressed or not."""
    seen: set[int] = set()
    waiting = [error]
    while waiting:
        one = waiting.pop(0)
        if one is not None and id(one) not in seen:
            seen.add(id(one))
            yield one
            waiting += [one.__cause__, one.__context__]


def _status(error: BaseException) -> int:
    """The status of a refusal (400 and above); 0 where the error is none."""
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
    ("disk", _is_disk),
    ("status", _is_server),
    ("denied", lambda error: _status(error) > 0),
    ("cut", _named("ProtocolError", "ReadError", "ChunkedEncodingError", "ContentDecodingError", "IncompleteRead")),
    ("cut", _is_short),
    ("down", _named("ConnectError", "ConnectionError", "Timeout", "TimeoutException", "OfflineModeIsEnabled")),
)
"""Kinds of failures, the telling ones first."""
