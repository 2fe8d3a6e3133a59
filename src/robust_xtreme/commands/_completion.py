"""What a shell completes: names of tasks, perturbations, languages, lists and models, after a comma too."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Final

_STRENGTH: Final = "0.1"
"""What is after a perturbation's name when it is completed: it cannot be left out."""

_SAFE: Final = re.compile(r"(?!-)[\w.,@+/-]*", re.ASCII)
"""A path that every shell takes as it is: completed words are inserted without quotes, and a shell would run them."""


def members(*kinds: str, grouped: Sequence[str] | None = None, several: bool = True) -> Callable[[str], list[str]]:
    """What completes members of registries, in a list; with `grouped` groups of tasks and these names, too."""

    def complete(incomplete: str) -> list[str]:
        from robust_xtreme.groups import names as groups
        from robust_xtreme.registry import names

        others = [] if grouped is None else [*groups(), *grouped]
        known = [*(name for kind in kinds for name in names(kind)), *others]
        return listed(incomplete, known) if several else one(incomplete, known)

    return complete


tasks = members("task", grouped=())
held = members("task", "intermediate", grouped=("intermediate",))
learned = members("task", "intermediate")
task = members("task", several=False)


def perturbation(incomplete: str) -> list[str]:
    """A perturbation with a strength, also as a further link of a chain."""
    from robust_xtreme.registry import names

    before, plus, last = incomplete.rpartition("+")
    if not _SAFE.fullmatch(before.replace(":", "").replace("=", "")):
        return []
    return [f"{before}{plus}{name}:{_STRENGTH}" for name in names("perturbation") if name.startswith(last)]


def languages(incomplete: str) -> list[str]:
    """Codes of languages, in a list."""
    from robust_xtreme.languages import ALL_LANGUAGES

    return listed(incomplete, ALL_LANGUAGES)


def language(incomplete: str) -> list[str]:
    """One code of a language."""
    from robust_xtreme.languages import ALL_LANGUAGES

    return one(incomplete, ALL_LANGUAGES)


def model(incomplete: str) -> list[str]:
    """The embedded model, and folders; after `TASK=` too."""
    from robust_xtreme.run_spec import MINI

    task, equals, name = incomplete.rpartition("=")
    if not _SAFE.fullmatch(task):
        return []
    return [f"{task}{equals}{found}" for found in (*one(name, [MINI]), *_folders(name))]


def data(incomplete: str) -> list[str]:
    """The data that have a name, and folders."""
    from robust_xtreme.run_spec import HUB, MINI

    return [*one(incomplete, [MINI, HUB]), *_folders(incomplete)]


def folder(incomplete: str) -> list[str]:
    """A folder."""
    return list(_folders(incomplete))


def any_file(incomplete: str) -> list[str]:
    """Files of every kind, and folders."""
    return [*_paths(incomplete, Path.is_file), *_folders(incomplete)]


def run_file(incomplete: str) -> list[str]:
    """The runs of `train` that ship with the program, the user's own files, and folders."""
    return [*one(incomplete, _shipped("train")), *_files(incomplete, ".toml"), *_folders(incomplete)]


def shipped(*folders: str) -> Callable[[str], list[str]]:
    """What completes the name of a file of `configs/FOLDER`."""
    return lambda incomplete: one(incomplete, [name for folder in folders for name in _shipped(folder)])


recipe = shipped("recipes")
config = shipped("recipes", "train", "runs")


def translated(incomplete: str) -> list[str]:
    """Where translated data come from."""
    return [*one(incomplete, ("hub", "seq2seq:")), *_folders(incomplete)]


def what(incomplete: str) -> list[str]:
    """What `list` lists."""
    from robust_xtreme.catalogue import LISTS

    return one(incomplete, LISTS)


def words(names: Sequence[str], several: bool = False) -> Callable[[str], list[str]]:
    """What completes one of some words, or a list of them."""

    def complete(incomplete: str) -> list[str]:
        return listed(incomplete, names) if several else one(incomplete, names)

    return complete


file_format = words(("conll", "conllu", "iob2", "jsonl", "lines", "squad", "tsv"))


def one(incomplete: str, names: Iterable[str]) -> list[str]:
    """The names that begin so."""
    return sorted(name for name in names if name.startswith(incomplete))


def listed(incomplete: str, names: Iterable[str]) -> list[str]:
    """A list by commas whose last name is completed, with none twice."""
    before, comma, last = incomplete.rpartition(",")
    if not _SAFE.fullmatch(before):
        return []
    said = before.split(",")
    return [f"{before}{comma}{name}" for name in one(last, names) if name not in said]


def _shipped(kind: str) -> list[str]:
    """The names of the files of `configs/KIND`."""
    from robust_xtreme.resources import folder

    return [path.stem for path in (folder("configs") / kind).glob("*.toml")]


def _folders(incomplete: str) -> Sequence[str]:
    """Folders that begin so, in the words of the user; a path that would have to be quoted is left to the shell."""
    return [f"{path}/" for path in _paths(incomplete, Path.is_dir)]


def _files(incomplete: str, suffix: str) -> Sequence[str]:
    """Files of a kind that begin so."""
    return _paths(incomplete, lambda path: path.suffix == suffix and path.is_file())


def _paths(incomplete: str, wanted: Callable[[Path], bool]) -> list[str]:
    parent, slash, last = incomplete.rpartition("/")
    try:
        found = sorted(entry.name for entry in Path(parent + slash or ".").iterdir() if wanted(entry))
    except OSError:
        return []
    hidden = last.startswith(".")
    names = (name for name in found if name.startswith(last) and name.startswith(".") == hidden)
    return [path for path in (f"{parent}{slash}{name}" for name in names) if _SAFE.fullmatch(path)]
