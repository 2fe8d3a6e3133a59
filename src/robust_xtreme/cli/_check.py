"""The checks of `doctor`: the type of a check, and the checks of caches and hub. They change nothing."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, final

from robust_xtreme.cli.cache import size_of
from robust_xtreme.core.errors import SpecError, UserError

OK: Final = "ok"
NOTE: Final = "note"
FAIL: Final = "fail"
DATA: Final = "data folder"
"""The check of the data that are named; its failure does not keep mini from running."""

_AGAIN: Final = "pip install --force-reinstall robust-xtreme"
_PATIENCE: Final = 8.0
_DONE: Final = 200
_ASK: Final = """
import base64, json, os, sys, urllib.error, urllib.parse, urllib.request
credentials = urllib.parse.urlsplit(os.environ.get("HF_ENDPOINT", "")).netloc.rpartition("@")[0]
secret = base64.b64encode(urllib.parse.unquote(credentials).encode()).decode()
headers = {"Authorization": "Basic " + secret} if credentials else {}
try:
    request = urllib.request.Request(ENDPOINT + "/api/models?limit=1", headers=headers)
    with urllib.request.urlopen(request, timeout=5) as reply:
        answer = {"status": reply.status}
except urllib.error.HTTPError as error:
    answer = {"status": error.code}
except Exception as error:
    answer = {"error": " ".join(str(error).split())[:120] or type(error).__name__}
print(json.dumps(answer))
"""


@final
@dataclass(frozen=True, slots=True)
class Check:
    """One check: `ok`, `note` (mini runs without it) or `fail`, and a command that fixes it.

    `fail`: mini does not run; of the data folder, that those of --data cannot be used.
    """

    name: str
    status: str
    finding: str
    remedy: str = ""
    facts: Mapping[str, Any] = field(default_factory=dict)


def safely(name: str, look: Callable[[], Check | list[Check]], status: str = NOTE) -> list[Check]:
    """The results of a check; an exception in it becomes a result too."""
    try:
        checks = look()
    except UserError as error:
        return [Check(name, status, str(error), "robust-xtreme doctor --help")]
    except Exception as error:  # noqa: BLE001 - a broken installation can raise anything, and doctor reports it
        what = " ".join(str(error).split())[:200] or "no message"
        return [Check(name, status, f"cannot be checked: {type(error).__name__}: {what}", _AGAIN)]
    return [checks] if isinstance(checks, Check) else checks


def cache() -> Check:
    """The cache of predictions."""
    from robust_xtreme.files.cache import LIMIT_VARIABLE, info

    try:
        usage = info()
    except SpecError as error:
        return Check("cache", NOTE, str(error), f"unset {LIMIT_VARIABLE}")
    facts = {"folder": str(usage.folder), "bytes": usage.size, "limit": usage.limit}
    if usage.problem:
        return Check("cache", NOTE, usage.problem, "robust-xtreme cache clear --yes", facts)
    if not can_write(usage.folder):
        return Check("cache", NOTE, f"{usage.folder} cannot be written", "export ROBUST_XTREME_CACHE=DIR", facts)
    sizes = f"{usage.folder} ({size_of(usage.size)} of at most {size_of(usage.limit)})"
    return Check("cache", OK, sizes, facts=facts)


def hub_cache() -> Check:
    """The cache of the hub."""
    from robust_xtreme.tasks.sources.hub import cache_folder

    folder = cache_folder()
    facts = {"folder": str(folder)}
    if not can_write(folder):
        return Check("hub cache", NOTE, f"{folder} cannot be written", "export HF_HOME=DIR", facts)
    return Check("hub cache", OK, str(folder), facts=facts)


def can_write(folder: Path) -> bool:
    """Whether a folder can be written, or created if it does not exist."""
    for path in (folder, *folder.absolute().parents):
        try:
            if path.exists():
                return path.is_dir() and os.access(path, os.W_OK | os.X_OK)
        except OSError:
            return False
    return False


def hub(online: bool) -> Check:
    """Whether the hub answers a small request; without `online` no connection is opened."""
    from huggingface_hub import constants

    from robust_xtreme.tasks.sources.endpoint import VARIABLE, public, refusal
    from robust_xtreme.tasks.sources.hub import is_offline

    endpoint = public(str(constants.ENDPOINT))
    facts: dict[str, Any] = {"endpoint": endpoint}
    if wrong := refusal():
        return Check("hub", NOTE, wrong, f"unset {VARIABLE}")
    if is_offline(False):
        return Check("hub", OK, "HF_HUB_OFFLINE is set: no connection is opened", facts=facts)
    if not online:
        return Check("hub", OK, f"{endpoint}, not asked (--online asks)", facts=facts)
    # resolving a name may hang, so a separate process asks
    answer = answer_of(started(f"ENDPOINT = {endpoint!r}\n{_ASK}"), _PATIENCE)
    facts |= answer
    if answer.get("status") == _DONE:
        return Check("hub", OK, f"{endpoint} answers", facts=facts)
    outcome = f"answers {answer['status']}" if "status" in answer else f"does not answer: {answer['error']}"
    return Check("hub", NOTE, f"{endpoint} {outcome}", "robust-xtreme eval --offline", facts)


def started(code: str) -> subprocess.Popen[str]:
    """Start code in a new interpreter with the same import path."""
    path = f"import sys; sys.path[:] = {sys.path!r}\n"
    null, pipe = subprocess.DEVNULL, subprocess.PIPE
    command = [sys.executable, "-c", path + code]
    return subprocess.Popen(command, stdin=null, stdout=pipe, stderr=pipe, text=True, errors="replace")


def answer_of(process: subprocess.Popen[str], seconds: float) -> dict[str, Any]:
    """The JSON object on the last line of the process's output, or the failure under `error`."""
    try:
        out, err = process.communicate(timeout=seconds)
    except subprocess.TimeoutExpired:
        process.kill()
        process.communicate()
        return {"error": f"no answer within {seconds:.0f} s"}
    with suppress(IndexError, ValueError):
        answer: dict[str, Any] = json.loads(out.splitlines()[-1])
        return answer
    last = (err.strip().splitlines() or ["no output"])[-1]
    return {"error": f"ended with code {process.returncode}: {last[:200]}"}
