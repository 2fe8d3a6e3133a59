"""Shell completion: names of tasks, perturbations, languages, lists and models, also after a comma."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Final

_STRENGTH: Final = "0.1"
"""The strength after a completed perturbation name; a strength is required."""

_SAFE: Final = re.compile(r"(?!-)[\w.,@+/-]*", re.ASCII)
"""Paths that need no quotes: completed words are inserted unquoted, and a shell would interpret other characters."""


def members(*kinds: str, grouped: Sequence[str] | None = None, several: bool = True) -> Callable[[str], list[str]]:
    """A completion of registry members, in a list; with `grouped`, also of groups of tasks and of these names."""

    def complete(incomplete: str) -> list[str]:
        from robust_xtreme.groups import names as groups
        from robust_xtreme.registry import names

        others = [] if grouped is None else [*groups(), *grouped]
        known = [*(name for kind in kinds for name in names(kind)), *others]
        return listed(incomplete, known) if several else matching(incomplete, known)

    return complete


tasks = members("task", grouped=())
data_tasks = members("task", "intermediate", grouped=("intermediate",))
learned = members("task", "intermediate")
task = members("task", several=False)


def perturbation(incomplete: str) -> list[str]:
    """A perturbation with a strength, also as the next link of a chain."""
    from robust_xtreme.registry import names

    before, plus, last = incomplete.rpartition("+")
    if not _SAFE.fullmatch(before.replace(":", "").replace("=", "")):
        return []
    return [f"{before}{plus}{name}:{_STRENGTH}" for name in names("perturbation") if name.startswith(last)]


def condition(incomplete: str) -> list[str]:
    """A perturbation with a strength, or a suite."""
    from robust_xtreme.noise.suites import names

    return [*matching(incomplete, names()), *perturbation(incomplete)]


def languages(incomplete: str) -> list[str]:
    """Language codes, in a list."""
    from robust_xtreme.languages import ALL_LANGUAGES

    return listed(incomplete, ALL_LANGUAGES)


def language(incomplete: str) -> list[str]:
    """One language code."""
    from robust_xtreme.languages import ALL_LANGUAGES

    return matching(incomplete, ALL_LANGUAGES)


def model(incomplete: str) -> list[str]:
    """The embedded model, and folders; also after `TASK=`."""
    from robust_xtreme.run_spec import MINI

    task, equals, name = incomplete.rpartition("=")
    if not _SAFE.fullmatch(task):
        return []
    return [f"{task}{equals}{path}" for path in (*matching(name, [MINI]), *_folders(name))]


def data(incomplete: str) -> list[str]:
    """The named data sources, and folders."""
    from robust_xtreme.run_spec import HUB, MINI

    return [*matching(incomplete, [MINI, HUB]), *_folders(incomplete)]


def folder(incomplete: str) -> list[str]:
    """A folder."""
    return list(_folders(incomplete))


def any_file(incomplete: str) -> list[str]:
    """Files of every kind, and folders."""
    return [*_paths(incomplete, Path.is_file), *_folders(incomplete)]


def run_file(incomplete: str) -> list[str]:
    """The runs of `train` that ship with the program, the user's own files, and folders."""
    return [*matching(incomplete, _shipped("train")), *_files(incomplete, ".toml"), *_folders(incomplete)]


def shipped(*folders: str) -> Callable[[str], list[str]]:
    """A completion of the names of the files in `configs/FOLDER`."""
    return lambda incomplete: matching(incomplete, [name for folder in folders for name in _shipped(folder)])


recipe = shipped("recipes")
config = shipped("recipes", "train", "runs")


def translated(incomplete: str) -> list[str]:
    """Sources of translated data."""
    return [*matching(incomplete, ("hub", "seq2seq:")), *_folders(incomplete)]


def what(incomplete: str) -> list[str]:
    """The lists of `list`."""
    from robust_xtreme.catalogue import LISTS

    return matching(incomplete, LISTS)


def words(names: Sequence[str], several: bool = False) -> Callable[[str], list[str]]:
    """A completion of one of some words, or of a list of them."""

    def complete(incomplete: str) -> list[str]:
        return listed(incomplete, names) if several else matching(incomplete, names)

    return complete


file_format = words(("conll", "conllu", "iob2", "jsonl", "lines", "squad", "tsv"))


def matching(prefix: str, names: Iterable[str]) -> list[str]:
    """The names that begin with a prefix."""
    return sorted(name for name in names if name.startswith(prefix))


def listed(incomplete: str, names: Iterable[str]) -> list[str]:
    """A comma-separated list whose last name is completed, without duplicates."""
    before, comma, last = incomplete.rpartition(",")
    if not _SAFE.fullmatch(before):
        return []
    listed_before = before.split(",")
    return [f"{before}{comma}{name}" for name in matching(last, names) if name not in listed_before]


def _shipped(kind: str) -> list[str]:
    """The names of the files of `configs/KIND`."""
    from robust_xtreme.resources import folder

    return [path.stem for path in (folder("configs") / kind).glob("*.toml")]


def _folders(incomplete: str) -> Sequence[str]:
    """Folders that begin with a prefix; paths that need quotes are left to the shell."""
    return [f"{path}/" for path in _paths(incomplete, Path.is_dir)]


def _files(incomplete: str, suffix: str) -> Sequence[str]:
    """Files with a suffix that begin with a prefix."""
    return _paths(incomplete, lambda path: path.suffix == suffix and path.is_file())


def _paths(incomplete: str, wanted: Callable[[Path], bool]) -> list[str]:
    parent, slash, last = incomplete.rpartition("/")
    try:
        entries = sorted(entry.name for entry in Path(parent + slash or ".").iterdir() if wanted(entry))
    except OSError:
        return []
    hidden = last.startswith(".")
    names = (name for name in entries if name.startswith(last) and name.startswith(".") == hidden)
    return [path for path in (f"{parent}{slash}{name}" for name in names) if _SAFE.fullmatch(path)]
