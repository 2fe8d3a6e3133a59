"""The checks of `doctor` for the installation, the device, the data and the tasks."""

from __future__ import annotations

import importlib.metadata
import os
import platform
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import robust_xtreme
from robust_xtreme.cli._check import DATA, FAIL, NOTE, OK, Check, answer_of, started
from robust_xtreme.cli.cache import size_of

if TYPE_CHECKING:
    from packaging.requirements import Requirement

    from robust_xtreme.core.specs import TaskSpec
    from robust_xtreme.tasks.sources.source import Source

_OURS: Final = "robust-xtreme"
_IMPORTED: Final = ("torch", "transformers", "tokenizers", "safetensors", "polars", "numpy")
"""The libraries that the model mini needs; `doctor` imports them to check that they work."""

_BESIDE: Final = ("datasets", "lightning")
"""The libraries that only data from the hub and training need."""

_PATIENCE: Final = 60.0
_EVAL: Final = "robust-xtreme eval"
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


# -------------------------------------------------------------------------------------------------------- installation


def program() -> list[Check]:
    """Python and this package."""
    folder = Path(robust_xtreme.__file__).parent
    python, machine, version = platform.python_version(), platform.machine(), robust_xtreme.__version__
    shown = f"{python}, {platform.system()} {machine}"
    return [
        Check("python", OK, shown, facts={"version": python, "machine": machine}),
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
    version = _version(need.name)
    facts = {"version": version, "needed": str(need.specifier)}
    wanted = f"'{need.name}{need.specifier}'"
    if version is None:
        status = NOTE if need.name in _BESIDE else FAIL
        return Check(need.name, status, "is not installed", f"pip install {wanted}", facts)
    why = imports.get("broken", {}).get(need.name) or (need.name in _IMPORTED and imports.get("error"))
    if why:
        again = f"pip install --force-reinstall {wanted}"
        return Check(need.name, FAIL, f"{version} does not load: {why}", again, facts)
    if not need.specifier.contains(version, prereleases=True):
        what = f"{version}, but {need.specifier} is required"
        return Check(need.name, NOTE, what, f"pip install {wanted}", facts)
    return Check(need.name, OK, version, facts=facts)


def _version(name: str) -> str | None:
    try:
        return importlib.metadata.version(name)
    except importlib.metadata.PackageNotFoundError:
        return None


def device(imports: Mapping[str, Any]) -> Check:
    """The device that a model runs on."""
    from robust_xtreme.workers.interpreters import cores

    known = imports.get("device") or {}
    cards = known.get("cuda", ())
    facts = {"cores": cores(), "threads": known.get("threads"), "cuda": list(cards)}
    if known.get("problem"):
        return Check("device", NOTE, f"CUDA does not work: {known['problem']}", f"{_EVAL} --device cpu", facts)
    named = [f"CUDA {card['name']} ({size_of(card['free'])} of {size_of(card['total'])} free)" for card in cards]
    threads = f"CPU, {cores()} cores" + (f", {known['threads']} threads" if known else "")
    return Check("device", OK, "; ".join([*named, threads]), facts=facts)


# --------------------------------------------------------------------------------------------------- data and tasks


def mini() -> Check:
    """The embedded suite and the embedded model."""
    from robust_xtreme.core import resources
    from robust_xtreme.core.errors import RobustXtremeError
    from robust_xtreme.core.run_spec import MINI
    from robust_xtreme.models.stages import check_hashes
    from robust_xtreme.tasks.sources.source import open_source

    # a checkout makes mini, a package contains it
    is_checkout = (Path(robust_xtreme.__file__).parents[2] / "Makefile").is_file()
    again = "make mini" if is_checkout else f"pip install --force-reinstall {_OURS}"
    try:
        check_hashes(resources.mini("model"))
        served = _served(open_source(MINI))
        heads = sorted(path.stem for path in (resources.mini("model") / "heads").glob("*.safetensors"))
    except RobustXtremeError as error:
        return Check("mini", FAIL, str(error), again)
    facts = {"tasks": served, "heads": heads}
    tasks = [task for task in _tasks() if task.name in served and task.head]
    missing = [task.name for task in tasks if {task.name, *task.accepts}.isdisjoint(heads)]
    if not served:
        return Check("mini", FAIL, "has no data", again, facts)
    if missing:
        return Check("mini", FAIL, f"has no head for {', '.join(missing)}", again, facts)
    return Check("mini", OK, f"model and data of {_counted(served)}", facts=facts)


def folder(named: str | None) -> Check:
    """The data that --data or ROBUST_XTREME_DATA names; of --data, what cannot be used is an error."""
    from robust_xtreme.core.errors import UserError
    from robust_xtreme.core.run_spec import DATA_VARIABLE
    from robust_xtreme.tasks.adapters.own import own_tasks
    from robust_xtreme.tasks.sources.source import open_source

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


def _tasks() -> list[TaskSpec]:
    from robust_xtreme.core import registry

    return [registry.load("task", name) for name in registry.names("task")]


def _served(source: Source) -> dict[str, list[str]]:
    """The languages of each task of which a source has any. Raises RobustXtremeError."""
    from robust_xtreme.tasks.sources.loading import available

    served = {task.name: list(available(task, source, "auto")) for task in _tasks()}
    return {name: codes for name, codes in served.items() if codes}


def _counted(served: Mapping[str, Sequence[str]]) -> str:
    """Tasks grouped by their number of languages: `panx, xnli (2 languages each), udpos (1 language)`."""
    from robust_xtreme.core.errors import counted

    by_number: dict[int, list[str]] = {}
    for name, codes in served.items():
        by_number.setdefault(len(codes), []).append(name)
    return ", ".join(
        f"{', '.join(names)} ({counted(number, 'language')}{' each' * (len(names) > 1)})"
        for number, names in by_number.items()
    )


def imported(process: subprocess.Popen[str]) -> dict[str, Any]:
    """The result of the process of `probe`."""
    return answer_of(process, _PATIENCE)
