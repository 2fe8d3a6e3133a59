"""The checks of `doctor` for the installation, the device, the data and the tasks."""

from __future__ import annotations

import importlib.metadata
import os
import platform
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import robust_xtreme
from robust_xtreme.commands._check import FAIL, NOTE, OK, Check, answer_of, started
from robust_xtreme.commands.cache import size_of

if TYPE_CHECKING:
    from packaging.requirements import Requirement

    from robust_xtreme.sources.source import Source
    from robust_xtreme.specs import TaskSpec

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


def program() -> Iterator[Check]:
    """Python and this package."""
    folder = Path(robust_xtreme.__file__).parent
    machine = f"{platform.python_version()}, {platform.system()} {platform.machine()}"
    yield Check("python", OK, machine, facts={"version": platform.python_version(), "machine": platform.machine()})
    facts = {"version": robust_xtreme.__version__, "folder": str(folder)}
    yield Check(_OURS, OK, f"{robust_xtreme.__version__} in {folder}", facts=facts)


def libraries(imports: Mapping[str, Any]) -> Iterator[Check]:
    """Each required library and its version; the large ones were imported by `probe`."""
    for need in _needs():
        yield _library(need, imports)


def _library(need: Requirement, imports: Mapping[str, Any]) -> Check:
    version = _version(need.name)
    facts = {"version": version, "needed": str(need.specifier)}
    remedy = f"pip install '{need.name}{need.specifier}'"
    if version is None:
        return Check(need.name, NOTE if need.name in _BESIDE else FAIL, "is not installed", remedy, facts)
    why = imports.get("broken", {}).get(need.name) or (need.name in _IMPORTED and imports.get("error"))
    if why:
        again = f"pip install --force-reinstall '{need.name}{need.specifier}'"
        return Check(need.name, FAIL, f"{version} does not load: {why}", again, facts)
    if not need.specifier.contains(version, prereleases=True):
        return Check(need.name, NOTE, f"{version}, but {need.specifier} is required", remedy, facts)
    return Check(need.name, OK, version, facts=facts)


def _needs() -> list[Requirement]:
    """The required libraries, without those of extras."""
    from packaging.requirements import Requirement

    try:
        every = [Requirement(line) for line in importlib.metadata.requires(_OURS) or []]
    except importlib.metadata.PackageNotFoundError:  # run from its sources, without being installed
        every = [Requirement(name) for name in _IMPORTED]
    return [need for need in every if not need.marker or need.marker.evaluate({"extra": ""})]


def _version(name: str) -> str | None:
    try:
        return importlib.metadata.version(name)
    except importlib.metadata.PackageNotFoundError:
        return None


def device(imports: Mapping[str, Any]) -> Iterator[Check]:
    """The device that a model runs on."""
    known = imports.get("device") or {}
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    cards = known.get("cuda", ())
    facts = {"cores": cores, "threads": known.get("threads"), "cuda": list(cards)}
    if known.get("problem"):
        yield Check("device", NOTE, f"CUDA does not work: {known['problem']}", f"{_EVAL} --device cpu", facts)
        return
    named = [f"{card['name']} ({size_of(card['free'])} of {size_of(card['total'])} free)" for card in cards]
    threads = f"CPU, {cores} cores" + (f", {known['threads']} threads" if known else "")
    yield Check("device", OK, "; ".join([*(f"CUDA {name}" for name in named), threads]), facts=facts)


# --------------------------------------------------------------------------------------------------- data and tasks


def mini() -> Iterator[Check]:
    """The embedded suite and the embedded model."""
    from robust_xtreme.errors import RobustXtremeError

    try:
        served, heads = _embedded()
    except RobustXtremeError as error:
        yield Check("mini", FAIL, str(error), _again())
        return
    facts = {"tasks": served, "heads": heads}
    missing = [task.name for task in _tasks() if task.name in served and not _answered(task, heads)]
    if not served or missing:
        what = f"has no head for {', '.join(missing)}" if served else "has no data"
        yield Check("mini", FAIL, what, _again(), facts)
    else:
        yield Check("mini", OK, f"model and data of {_counted(served)}", facts=facts)


def _answered(task: TaskSpec, heads: Sequence[str]) -> bool:
    """Whether a task needs no head, or one of the heads is its own or one that it accepts."""
    return not task.head or any(name in heads for name in (task.name, *task.accepts))


def _again() -> str:
    """The command that restores mini: a checkout makes it, a package contains it."""
    is_checkout = (Path(robust_xtreme.__file__).parents[2] / "Makefile").is_file()
    return "make mini" if is_checkout else f"pip install --force-reinstall {_OURS}"


def _embedded() -> tuple[dict[str, list[str]], list[str]]:
    """The languages of the embedded suite's tasks, and the heads of the embedded model. Raises RobustXtremeError."""
    from robust_xtreme import resources
    from robust_xtreme.run_spec import MINI
    from robust_xtreme.sources.source import open_source

    source = open_source(MINI)
    served = {task.name: list(_languages(task, source)) for task in _tasks()}
    heads = sorted(path.stem for path in (resources.mini("model") / "heads").glob("*.safetensors"))
    return {name: codes for name, codes in served.items() if codes}, heads


def folder(named: str | None) -> Iterator[Check]:
    """The data that --data or ROBUST_XTREME_DATA names."""
    from robust_xtreme.errors import UserError
    from robust_xtreme.run_spec import DATA_VARIABLE

    data, by = (named, "--data") if named else (os.environ.get(DATA_VARIABLE, ""), DATA_VARIABLE)
    if not data:
        yield Check("data folder", OK, f"none named (by {DATA_VARIABLE} or --data)", facts={"named": None})
        return
    facts: dict[str, Any] = {"named": data, "by": by}
    try:
        served = {task.name: list(_languages(task, _opened(data))) for task in _tasks()}
    except UserError as error:
        remedy = "robust-xtreme doctor --data DIR" if named else f"unset {DATA_VARIABLE}"
        yield Check("data folder", NOTE, f"{by} names {data}: {error}", remedy, facts)
        return
    facts["tasks"] = {name: codes for name, codes in served.items() if codes}
    if facts["tasks"]:
        yield Check("data folder", OK, f"{data}: {_counted(facts['tasks'])}", facts=facts)
    else:
        yield Check("data folder", NOTE, f"{data} contains no task's files", "robust-xtreme list tasks --json", facts)


def _tasks() -> list[TaskSpec]:
    from robust_xtreme import registry

    return [registry.load("task", name) for name in registry.names("task")]


def _opened(data: str) -> Source:
    from robust_xtreme.sources.source import open_source

    return open_source(data, offline=True)


def _languages(task: TaskSpec, source: Source) -> tuple[str, ...]:
    from robust_xtreme.sources.loading import available

    return available(task, source, "auto")


def _counted(served: Mapping[str, Sequence[str]]) -> str:
    """Tasks grouped by their number of languages: `panx, xnli (2 languages each), udpos (1 language)`."""
    by_number: dict[int, list[str]] = {}
    for name, codes in served.items():
        by_number.setdefault(len(codes), []).append(name)
    return ", ".join(
        f"{', '.join(names)} ({_languages_of(number)}{' each' if len(names) > 1 else ''})"
        for number, names in by_number.items()
    )


def _languages_of(number: int) -> str:
    return f"{number} language{'' if number == 1 else 's'}"


def imported(process: subprocess.Popen[str]) -> dict[str, Any]:
    """The result of the process of `probe`."""
    return answer_of(process, _PATIENCE)
