"""Shell completion: names of tasks, perturbations, languages and models, also after a comma, and paths."""

import re
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Final

from robust_xtreme.core.languages import ALL_LANGUAGES
from robust_xtreme.core.registry import names
from robust_xtreme.core.resources import folder as bundled
from robust_xtreme.core.run_spec import HUB, MINI
from robust_xtreme.tasks import groups

_SAFE: Final = re.compile(r"(?!-)[\w.,@+/-]*", re.ASCII)
"""Paths that need no quotes: completed words are inserted unquoted, and a shell would interpret other characters."""

_ATTACKS: Final = ("attack_", "textattack.")
Completion = Callable[[str], list[str]]


def words(
    known: Iterable[str] | Callable[[], Iterable[str]] = (), *paths: Callable[[Path], bool], several: bool = False
) -> Completion:
    """A completion of one of some words, or with `several` of a list of them, and of paths that a function accepts."""

    def complete(incomplete: str) -> list[str]:
        every = known() if callable(known) else known
        offered = _listed(incomplete, every) if several else _matching(incomplete, every)
        return [*offered, *(path for is_wanted in paths for path in _paths(incomplete, is_wanted))]

    return complete


def _shipped(*folders: str) -> Callable[[], Iterable[str]]:
    """The names of the files in `configs/FOLDER`."""
    return lambda: [path.stem for name in folders for path in (bundled("configs") / name).glob("*.toml")]


def _saved() -> Iterable[str]:
    """The names of the baselines of the working folder."""
    every = (path.stem for path in Path(".robust-xtreme/baselines").glob("[A-Za-z0-9]*.json"))
    return (name for name in every if not name.endswith(".anchor"))


def _is_toml(path: Path) -> bool:
    return path.suffix == ".toml" and path.is_file()


def _learned() -> tuple[str, ...]:
    return (*names("task"), *names("intermediate"))


tasks = words(lambda: (*names("task"), *groups.names()), several=True)
data_tasks = words(lambda: (*_learned(), *groups.names(), groups.INTERMEDIATE), several=True)
learned = words(_learned, several=True)
task = words(lambda: names("task"))
views = words(lambda: names("view"), several=True)
languages = words(ALL_LANGUAGES, several=True)
language = words(ALL_LANGUAGES)
data = words((MINI, HUB), Path.is_dir)
folder = words((), Path.is_dir)
baseline = words(_saved, Path.is_dir)
any_file = words((), Path.is_file, Path.is_dir)
run_file = words(_shipped("train"), _is_toml, Path.is_dir)
eval_file = words(_shipped("runs"), _is_toml, Path.is_dir)
recipe = words(_shipped("recipes"))
config = words(_shipped("recipes", "train", "runs", "studies"))
study = words(_shipped("studies"), _is_toml, Path.is_dir)
translated = words((HUB, "seq2seq:"), Path.is_dir)


def perturbation(incomplete: str) -> list[str]:
    """A perturbation with a strength, which it needs, also as the next link of a chain."""
    before, plus, last = incomplete.rpartition("+")
    if not _SAFE.fullmatch(before.replace(":", "").replace("=", "")):
        return []
    return [f"{before}{plus}{name}:0.1" for name in names("perturbation") if name.startswith(last)]


def noise(incomplete: str) -> list[str]:
    """The same without attacks, which ask a model."""
    return [spec for spec in perturbation(incomplete) if not spec.rpartition("+")[2].startswith(_ATTACKS)]


def condition(incomplete: str) -> list[str]:
    """A perturbation with a strength, or a suite."""
    from robust_xtreme.noise import suites

    return [*_matching(incomplete, suites.names()), *perturbation(incomplete)]


def model(incomplete: str) -> list[str]:
    """The embedded model, and folders; also after `TASK=`."""
    task, equals, name = incomplete.rpartition("=")
    if not _SAFE.fullmatch(task):
        return []
    return [f"{task}{equals}{path}" for path in (*_matching(name, [MINI]), *folder(name))]


def _matching(prefix: str, known: Iterable[str]) -> list[str]:
    return sorted(name for name in known if name.startswith(prefix))


def _listed(incomplete: str, known: Iterable[str]) -> list[str]:
    """A comma-separated list whose last name is completed, without duplicates."""
    before, comma, last = incomplete.rpartition(",")
    if not _SAFE.fullmatch(before):
        return []
    return [f"{before}{comma}{name}" for name in _matching(last, known) if name not in before.split(",")]


def _paths(incomplete: str, is_wanted: Callable[[Path], bool]) -> list[str]:
    """Paths that begin so, folders with a slash; those that need quotes are left to the shell."""
    parent, slash, last = incomplete.rpartition("/")
    try:
        entries = sorted((entry for entry in Path(parent + slash or ".").iterdir() if is_wanted(entry)), key=str)
    except OSError:
        return []
    hidden = last.startswith(".")
    paths = [
        f"{parent}{slash}{entry.name}{'/' if entry.is_dir() else ''}"
        for entry in entries
        if entry.name.startswith(last) and entry.name.startswith(".") == hidden
    ]
    return [path for path in paths if _SAFE.fullmatch(path)]
