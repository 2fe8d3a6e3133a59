"""What `doctor` looks at: one value for each thing, and the machine itself. Nothing here changes anything."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, final

from robust_xtreme.commands.cache import size_of
from robust_xtreme.errors import SpecError, UserError

OK: Final = "ok"
NOTE: Final = "note"
FAIL: Final = "fail"

_AGAIN: Final = "pip install --force-reinstall robust-xtreme"
_PATIENCE: Final = 8.0
_DONE: Final = 200
_ASK: Final = """
import base64, json, os, sys, urllib.error, urllib.parse, urllib.request
named = urllib.parse.urlsplit(os.environ.get("HF_ENDPOINT", "")).netloc.rpartition("@")[0]
secret = base64.b64encode(urllib.parse.unquote(named).encode()).decode()
headers = {"Authorization": "Basic " + secret} if named else {}
try:
    asked = urllib.request.Request(PLACE + "/api/models?limit=1", headers=headers)
    with urllib.request.urlopen(asked, timeout=5) as reply:
        found = {"status": reply.status}
except urllib.error.HTTPError as error:
    found = {"status": error.code}
except Exception as error:
    found = {"error": " ".join(str(error).split())[:120] or type(error).__name__}
print(json.dumps(found))
"""


@final
@dataclass(frozen=True, slots=True)
class Check:
    """One thing: `ok`, `note` (mini runs without it) or `fail` (mini does not run), and the command that mends it."""

    name: str
    status: str
    found: str
    remedy: str = ""
    facts: Mapping[str, Any] = field(default_factory=dict)


def safely(name: str, look: Callable[[], Iterator[Check]], status: str = NOTE) -> list[Check]:
    """What a check finds; one that breaks is a line as well, whatever it was."""
    try:
        return list(look())
    except UserError as error:
        return [Check(name, status, str(error), "robust-xtreme doctor --help")]
    except Exception as error:  # noqa: BLE001 - a broken installation breaks in any way, and that is what is asked for
        what = " ".join(str(error).split())[:200] or "no message"
        return [Check(name, status, f"cannot be looked at: {type(error).__name__}: {what}", _AGAIN)]


def caches() -> Iterator[Check]:
    """Our own cache, and the hub's."""
    from robust_xtreme.results.cache import LIMIT_VARIABLE, info

    try:
        own = info()
    except SpecError as error:
        yield Check("cache", NOTE, str(error), f"unset {LIMIT_VARIABLE}")
        yield _hub_cache()
        return
    facts = {"folder": str(own.folder), "bytes": own.size, "limit": own.limit}
    found = f"{own.folder} ({size_of(own.size)} of at most {size_of(own.limit)})"
    if own.problem:
        yield Check("cache", NOTE, own.problem, "robust-xtreme cache clear --yes", facts)
    elif not can_write(own.folder):
        yield Check("cache", NOTE, f"{own.folder} cannot be written", "export ROBUST_XTREME_CACHE=DIR", facts)
    else:
        yield Check("cache", OK, found, facts=facts)
    yield _hub_cache()


def _hub_cache() -> Check:
    from robust_xtreme.sources.hub import cache_folder

    folder = cache_folder()
    facts = {"folder": str(folder)}
    if not can_write(folder):
        return Check("hub cache", NOTE, f"{folder} cannot be written", "export HF_HOME=DIR", facts)
    return Check("hub cache", OK, str(folder), facts=facts)


def can_write(folder: Path) -> bool:
    """Whether a folder can be written, or made where it is not."""
    for place in (folder, *folder.absolute().parents):
        try:
            if place.exists():
                return place.is_dir() and os.access(place, os.W_OK | os.X_OK)
        except OSError:
            return False
    return False


def hub(online: bool) -> Iterator[Check]:
    """Whether the hub answers; without `online` nothing is asked."""
    from huggingface_hub import constants

    from robust_xtreme.sources.endpoint import VARIABLE, public, refusal
    from robust_xtreme.sources.hub import is_offline

    place = public(str(constants.ENDPOINT))
    if wrong := refusal():
        yield Check("hub", NOTE, wrong, f"unset {VARIABLE}")
    elif is_offline(False):
        yield Check("hub", OK, "HF_HUB_OFFLINE is set: no connection is opened", facts={"endpoint": place})
    elif not online:
        yield Check("hub", OK, f"{place}, not asked (--online asks)", facts={"endpoint": place})
    else:
        yield _answer(place)


def _answer(place: str) -> Check:
    """What the hub says to a small question, asked by a process of its own: looking up a name may take for ever."""
    found = answer_of(started(f"PLACE = {place!r}\n{_ASK}"), _PATIENCE)
    facts = {"endpoint": place, **found}
    if found.get("status") == _DONE:
        return Check("hub", OK, f"{place} answers", facts=facts)
    said = f"answers {found['status']}" if "status" in found else f"does not answer: {found['error']}"
    return Check("hub", NOTE, f"{place} {said}", "robust-xtreme eval --offline", facts)


def started(code: str) -> subprocess.Popen[str]:
    """Code at work in an interpreter of its own, which sees what this one sees, whatever becomes of it."""
    path = f"import sys; sys.path[:] = {sys.path!r}\n"
    return subprocess.Popen(
        [sys.executable, "-c", path + code],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        errors="replace",
    )


def answer_of(process: subprocess.Popen[str], seconds: float) -> dict[str, Any]:
    """The JSON object on the last line that it printed; what went wrong under `error`."""
    try:
        out, err = process.communicate(timeout=seconds)
    except subprocess.TimeoutExpired:
        process.kill()
        process.communicate()
        return {"error": f"no answer within {seconds:.0f} s"}
    try:
        found: dict[str, Any] = json.loads(out.splitlines()[-1])
    except (IndexError, ValueError):
        last = (err.strip().splitlines() or ["nothing was said"])[-1]
        return {"error": f"ended with code {process.returncode}: {last[:200]}"}
    return found
