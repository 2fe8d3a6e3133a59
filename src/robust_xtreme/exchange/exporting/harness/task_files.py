"""The task files of an installed lm-eval: found by the name of a task, and read without running any of their code."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Final, NamedTuple, final

from robust_xtreme.core import resources
from robust_xtreme.core.errors import DataError, NotInstalled, UnknownName, UserError
from robust_xtreme.core.examples import digest
from robust_xtreme.core.registry import version_of
from robust_xtreme.exchange.exporting.harness.sheet import TaskSheet
from robust_xtreme.files.store import write
from robust_xtreme.noise.conditions.condition import CLEAN, Condition

DATA: Final = "data"
TASKS: Final = "tasks"
PROGRAM: Final = "task.py"
"""What is in the folder of an export."""

PREFIX: Final = "rx"
_LONGEST: Final = 60


def put(path: Path, lines: Iterable[str]) -> None:
    """Write a file of lines."""
    write(path, "".join(f"{line}\n" for line in lines).encode(), "folder: -o DIR")


def slugs(sheet: TaskSheet, conditions: Sequence[Condition]) -> dict[str, str]:
    """A short name for each condition, by its full name; the fields are left out where they are the sheet's own."""
    short = {}
    for each in conditions:
        spec = each.spec.on() if each.spec and each.spec.fields == sheet.fields else each.spec
        short[each.name] = _slug(str(spec or each.name))
    counts = Counter(short.values())
    return {
        name: slug if counts[slug] == 1 and len(slug) <= _LONGEST else f"{slug[:_LONGEST]}-{digest(name)}"
        for name, slug in short.items()
    }


def file_name(name: str, slug: str, seed: int) -> str:
    """The name of the rows of a task under a condition and seed."""
    return f"{_slug(name)}__{CLEAN}" if slug == CLEAN else f"{_slug(name)}__{slug}__s{seed}"


def task_name(file: str) -> str:
    """The name of the task that reads such rows."""
    return f"{PREFIX}_{file}"


def _slug(text: str) -> str:
    return re.sub(r"[^A-Za-z0-9_.]+", "-", text).strip("-.")


_PACKAGE: Final = "lm_eval"
_LARGEST: Final = 10_000_000
_TASK: Final = re.compile(rb"""^task:[ \t]*["']?([\w.-]+)["']?[ \t]*(?:#.*)?\r?$""", re.MULTILINE)


@final
@dataclass(frozen=True, slots=True)
class YamlFunction:
    """A `!function` of a task file, which is not imported here."""

    name: str


class TaskFile(NamedTuple):
    """A task of lm-eval: its name, its file, its settings with those that it includes, and the version of lm-eval."""

    name: str
    path: Path
    settings: Mapping[str, Any]
    version: str | None

    @property
    def evaluated(self) -> tuple[str, str]:
        """The key and the name of the split that lm-eval evaluates. Raises UserError where there is none."""
        for key in ("test_split", "validation_split"):
            if isinstance(split := self.settings.get(key), str):
                return key, split
        raise UserError(f"{self.name} of lm-eval evaluates no split ({self.path}).")


def task_file(name: str) -> TaskFile:
    """The file of a task. Raises NotInstalled, UnknownName, UserError where it is not a file to include."""
    paths = _paths(_folder())
    if name not in paths:
        raise UnknownName("task of lm-eval", name, paths, "lm-eval ls tasks")
    settings = _settings(paths[name])
    if "class" in settings:
        raise UserError(f"{name} of lm-eval is a task in Python, which no task file can include.")
    return TaskFile(name, paths[name], settings, version_of(_PACKAGE))


def known_tasks() -> tuple[str, ...]:
    """The names of the tasks of the installed lm-eval. Raises NotInstalled."""
    return tuple(_paths(_folder()))


def _folder() -> Path:
    spec = find_spec(_PACKAGE)  # a search for the package, which is not imported
    for location in (spec.submodule_search_locations or ()) if spec else ():
        if (folder := Path(location) / "tasks").is_dir():
            return folder
    what = "export lm-eval reads the task files of lm-eval, which is not installed."
    raise NotInstalled(f"{what} Install: pip install 'robust-xtreme[lm-eval]'")


@cache
def _paths(folder: Path) -> dict[str, Path]:
    """The file of each task, by the line of its name; of equal names the last by path, as lm-eval takes it."""
    names: dict[str, Path] = {}
    for path in sorted(folder.rglob("*.yaml")):
        if match := _TASK.search(resources.content(path, _LARGEST)):
            names[match[1].decode()] = path
    return names


def _settings(path: Path, depth: int = 0) -> dict[str, Any]:
    """The settings of a file over those of the files that it includes. Raises DataError."""
    if depth > 20:
        raise DataError(path, "is included by files that it includes.")
    settings = _parsed(path)
    included = settings.pop("include", [])
    merged: dict[str, Any] = {}
    for name in included if isinstance(included, list) else [included]:
        merged |= _settings(path.parent / str(name), depth + 1)
    return {**merged, **settings}


def _parsed(path: Path) -> dict[str, Any]:
    """The content of a file. Raises DataError."""
    import yaml

    class _Loader(yaml.SafeLoader):  # type: ignore[misc]  # yaml has no types here
        """Reads values only: a function is its name."""

    _Loader.add_constructor("!function", lambda loader, node: YamlFunction(str(loader.construct_scalar(node))))
    try:
        settings = yaml.load(resources.content(path, _LARGEST), _Loader)
    except (OSError, ValueError, RecursionError, yaml.YAMLError) as error:
        raise DataError(path, f"is not a task file that can be read: {' '.join(str(error).split())[:200]}") from error
    if not isinstance(settings, dict):
        raise DataError(path, "is not a task file: it contains no settings.")
    return settings
