"""The checks of `doctor`: the type of a check, and the checks of caches and hub. They change nothing."""

from __future__ import annotations

import importlib.metadata
import json
import os
import platform
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from rich.filesize import decimal

import robust_xtreme
from robust_xtreme.core import resources
from robust_xtreme.core.errors import INSTALL, LARGE, NotInstalled, RobustXtremeError, UserError, counted, plain
from robust_xtreme.core.registry import version_of
from robust_xtreme.core.run_spec import DATA_VARIABLE, MINI
from robust_xtreme.tasks.adapters.own import own_tasks
from robust_xtreme.tasks.groups import with_own_data
from robust_xtreme.tasks.sources.hub import VARIABLE, cache_folder, is_offline, public, refusal
from robust_xtreme.tasks.sources.source import Source, available, open_source

if TYPE_CHECKING:
    from packaging.requirements import Requirement

OK: Final = "ok"
NOTE: Final = "note"
FAIL: Final = "fail"
DATA: Final = "data folder"
"""The check of the data that are named; its failure does not keep mini from running."""

_AGAIN: Final = "pip install --force-reinstall robust-xtreme"
_PATIENCE: Final = 8.0
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


@dataclass(frozen=True, slots=True)
class Check:
    """One check: `ok`, `note` (commands work without it) or `fail`, and a command that fixes it.

    `fail`: the installation is broken; of the data folder, that those of --data cannot be used.
    """

    name: str
    status: str
    found: str
    remedy: str = ""
    facts: Mapping[str, Any] = field(default_factory=dict)


def safely(name: str, look: Callable[[], Check | list[Check]], status: str = NOTE) -> list[Check]:
    """The results of a check; an exception in it becomes a result too."""
    try:
        checks = look()
    except UserError as error:
        return [Check(name, status, str(error), "robust-xtreme doctor --help")]
    except NotInstalled as error:
        return [Check(name, status, str(error).partition(".")[0], INSTALL)]
    except Exception as error:  # noqa: BLE001 - a broken installation can raise anything, and doctor reports it
        what = " ".join(str(error).split())[:200] or "no message"
        return [Check(name, status, f"cannot be checked: {type(error).__name__}: {what}", _AGAIN)]
    return [checks] if isinstance(checks, Check) else checks


def cache() -> Check:
    """The cache of predictions."""
    from robust_xtreme.files.cache import LIMIT_VARIABLE, info

    try:
        usage = info()
    except UserError as error:
        return Check("cache", NOTE, str(error), f"unset {LIMIT_VARIABLE}")
    facts = {"folder": str(usage.folder), "bytes": usage.size, "limit": usage.limit}
    if usage.problem:
        return Check("cache", NOTE, usage.problem, "robust-xtreme cache clear --yes", facts)
    if not can_write(usage.folder):
        return Check("cache", NOTE, f"{usage.folder} cannot be written", "export ROBUST_XTREME_CACHE=DIR", facts)
    sizes = f"{usage.folder} ({decimal(usage.size)} of at most {decimal(usage.limit)})"
    return Check("cache", OK, sizes, facts=facts)


def channel() -> Check:
    """What ocr_channel reads prints with that are not in the cache."""
    from robust_xtreme.core.languages import ALL_LANGUAGES
    from robust_xtreme.noise.engine.ocr_channel import OF_LANGUAGE, missing, reader, versions

    lacks, every = missing(ALL_LANGUAGES), sum(1 for _ in filter(reader, ALL_LANGUAGES))
    data = [name for name in lacks if name.startswith(OF_LANGUAGE)]
    others = [name for name in lacks if name not in data]
    if lacks:
        of = "" if others else f" of {len(data)} of {every} languages"
        names = [*others, *([f"{OF_LANGUAGE}all"] if data else [])]
        return Check("ocr_channel", NOTE, f"cannot read new prints{of}", f"apt-get install {' '.join(names)}")
    if not versions()["pillow"]:
        return Check("ocr_channel", NOTE, "cannot make prints without Pillow", 'pip install "robust-xtreme[images]"')
    return Check("ocr_channel", OK, f"reads new prints of {every} languages")


def hub_cache() -> Check:
    """The cache of the hub."""
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
    with plain():
        from huggingface_hub import constants

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
    if answer.get("status") == 200:
        return Check("hub", OK, f"{endpoint} answers", facts=facts)
    outcome = f"answers {answer['status']}" if "status" in answer else f"does not answer: {answer['error']}"
    return Check("hub", NOTE, f"{endpoint} {outcome}", "robust-xtreme eval --offline", facts)


def started(code: str) -> subprocess.Popen[str]:
    """Start code in a new interpreter with the same import path."""
    null, pipe = subprocess.DEVNULL, subprocess.PIPE
    command = [sys.executable, "-c", f"import sys; sys.path[:] = {sys.path!r}\n{code}"]
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


_OURS: Final = "robust-xtreme"
_IMPORTED: Final = ("torch", "transformers", "tokenizers", "safetensors", "polars", "numpy")
"""The libraries that the model mini needs; `doctor` imports them to check that they work."""

BESIDE: Final = ("datasets", "lightning")
"""The libraries that only data from the hub and training need."""

ABSENT: Final = "is not installed"

PATIENCE: Final = 60.0
"""Seconds that the libraries have to load."""

_PROBE: Final = """
import importlib, json
broken, device = {}, {}
for name in NAMES:
    try:
        importlib.import_module(name)
    except BaseException as error:
        broken[name] = (type(error).__name__ + ": " + " ".join(str(error).split()))[:200]
if "torch" not in broken:
    import torch
    device = {"threads": torch.get_num_threads(), "cuda": []}
    try:
        if torch.cuda.is_available():
            for at in range(torch.cuda.device_count()):
                free, total = torch.cuda.mem_get_info(at)
                device["cuda"].append({"name": torch.cuda.get_device_name(at), "free": free, "total": total})
    except Exception as error:
        device["problem"] = " ".join(str(error).split())[:200]
print()
print(json.dumps({"broken": broken, "device": device}))
"""


def probe() -> subprocess.Popen[str]:
    """Import torch and the other large libraries in a separate process, while other checks run."""
    return started(f"NAMES = {_IMPORTED!r}\n{_PROBE}")


def program() -> list[Check]:
    """Python and this package."""
    folder = Path(robust_xtreme.__file__).parent
    python, machine, version = platform.python_version(), platform.machine(), robust_xtreme.__version__
    return [
        Check("python", OK, f"{python}, {platform.system()} {machine}", facts={"version": python, "machine": machine}),
        Check(_OURS, OK, f"{version} in {folder}", facts={"version": version, "folder": str(folder)}),
    ]


def libraries(imports: Mapping[str, Any]) -> list[Check]:
    """Each required library and its version; the large ones were imported by `probe`."""
    from packaging.requirements import Requirement

    try:
        every = [Requirement(line) for line in importlib.metadata.requires(_OURS) or []]
    except importlib.metadata.PackageNotFoundError:  # run from its sources, without being installed
        every = [Requirement(name) for name in _IMPORTED]
    # those of extras are left out
    return [_library(need, imports) for need in every if not need.marker or need.marker.evaluate({"extra": ""})]


def _library(need: Requirement, imports: Mapping[str, Any]) -> Check:
    version = version_of(need.name)
    facts = {"version": version, "needed": str(need.specifier)}
    wanted = f"'{need.name}{need.specifier}'"
    if version is None:
        is_large = need.name.removesuffix("-cpu").replace("-", "_") in LARGE
        return Check(need.name, NOTE if is_large else FAIL, ABSENT, INSTALL, facts)
    why = imports.get("broken", {}).get(need.name) or (need.name in _IMPORTED and imports.get("error"))
    if why:
        again = f"pip install --force-reinstall {wanted}"
        return Check(need.name, FAIL, f"{version} does not load: {why}", again, facts)
    if not need.specifier.contains(version, prereleases=True):
        what = f"{version}, but {need.specifier} is required"
        return Check(need.name, NOTE, what, f"pip install {wanted}", facts)
    return Check(need.name, OK, version, facts=facts)


def device(imports: Mapping[str, Any]) -> Check:
    """The device that a model runs on."""
    from robust_xtreme.workers.processes import cores

    known = imports.get("device") or {}
    cards = known.get("cuda", ())
    facts = {"cores": cores(), "threads": known.get("threads"), "cuda": list(cards)}
    if known.get("problem"):
        what = f"CUDA does not work: {known['problem']}"
        return Check("device", NOTE, what, "robust-xtreme eval --device cpu", facts)
    named = [f"CUDA {card['name']} ({decimal(card['free'])} of {decimal(card['total'])} free)" for card in cards]
    threads = f"CPU, {cores()} cores" + (f", {known['threads']} threads" if known else "")
    return Check("device", OK, "; ".join([*named, threads]), facts=facts)


def mini() -> Check:
    """The embedded suite and the embedded model."""
    from robust_xtreme.models.stages import check_hashes

    # a checkout makes mini, a package contains it
    is_checkout = (Path(robust_xtreme.__file__).parents[2] / "Makefile").is_file()
    again = "make mini" if is_checkout else _AGAIN
    try:
        check_hashes(resources.mini("model"))
        served = _served(open_source(MINI))
        heads = sorted(path.stem for path in (resources.mini("model") / "heads").glob("*.safetensors"))
    except RobustXtremeError as error:
        return Check("mini", FAIL, str(error), again)
    facts = {"tasks": served, "heads": heads}
    tasks = [task for task in with_own_data() if task.name in served and task.head]
    missing = [task.name for task in tasks if {task.name, *task.accepts}.isdisjoint(heads)]
    if missing or not served:
        what = f"head for {', '.join(missing)}" if served else "data"
        return Check("mini", FAIL, f"has no {what}", again, facts)
    return Check("mini", OK, f"model and data of {_counted(served)}", facts=facts)


def folder(named: str | None) -> Check:
    """The data that --data or ROBUST_XTREME_DATA names; of --data, what cannot be used is an error."""
    data, by = (named, "--data") if named else (os.environ.get(DATA_VARIABLE, ""), DATA_VARIABLE)
    if not data:
        return Check(DATA, OK, f"none named (by {DATA_VARIABLE} or --data)", facts={"named": None})
    facts: dict[str, Any] = {"named": data, "by": by}
    status = FAIL if named else NOTE
    try:
        with own_tasks(data):
            served = _served(open_source(data, offline=True))
    except UserError as error:
        remedy = "robust-xtreme doctor --data DIR" if named else f"unset {DATA_VARIABLE}"
        return Check(DATA, status, f"{by} names {data}: {error}", remedy, facts)
    facts["tasks"] = served
    if not served:
        return Check(DATA, status, f"{data} contains no task's files", "robust-xtreme list tasks --json", facts)
    return Check(DATA, OK, f"{data}: {_counted(served)}", facts=facts)


def _served(source: Source) -> dict[str, list[str]]:
    """The languages of each task of which a source has any. Raises RobustXtremeError."""
    served = {task.name: list(available(task, source, "auto")) for task in with_own_data()}
    return {name: codes for name, codes in served.items() if codes}


def _counted(served: Mapping[str, Sequence[str]]) -> str:
    """Tasks grouped by their number of languages: `panx, xnli (2 languages each), udpos (1 language)`."""
    by_number: dict[int, list[str]] = {}
    for name, codes in served.items():
        by_number.setdefault(len(codes), []).append(name)
    return ", ".join(
        f"{', '.join(names)} ({counted(number, 'language')}{' each' * (len(names) > 1)})"
        for number, names in by_number.items()
    )
