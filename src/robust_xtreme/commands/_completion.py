"""What a shell completes: names of tasks, perturbations, languages, lists and models, after a comma too."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Final

_STRENGTH: Final = "0.1"
"""What stands behind a perturbation's name when it is completed: it cannot be left out."""

_SAFE: Final = re.compile(r"(?!-)[\w.,@+/-]*", re.ASCII)
"""A path that every shell takes as it is: completed words are inserted without quotes, and a shell would run them."""


def tasks(incomplete: str) -> list[str]:
    """Tasks and groups of them, in a list."""
    from robust_xtreme.groups import names as groups
    from robust_xtreme.registry import names

    return listed(incomplete, [*names("task"), *groups()])


def learned(incomplete: str) -> list[str]:
    """Tasks alone, in a list."""
    from robust_xtreme.registry import names

    return listed(incomplete, names("task"))


def task(incomplete: str) -> list[str]:
    """One task."""
    from robust_xtreme.registry import names

    return one(incomplete, names("task"))


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
    """The embedded model, and folders; behind `TASK=` too."""
    from robust_xtreme.run_spec import MINI

    task, equals, name = incomplete.rpartition("=")
    if not _SAFE.fullmatch(task):
        return []
    return [f"{task}{equals}{found}" for found in (*one(name, [MINI]), *_folders(name))]


def data(incomplete: str) -> list[str]:
    """The data that have a name, and folders."""
    from robust_xtreme.run_spec import HUB, MINI

    return [*one(incomplete, [MINI, HUB]), *_folders(incomplete)]


def split(incomplete: str) -> list[str]:
    """A split."""
    from robust_xtreme.run_spec import SPLITS

    return one(incomplete, SPLITS)


def device(incomplete: str) -> list[str]:
    """A device."""
    return one(incomplete, ("auto", "cpu", "cuda"))


def index(incomplete: str) -> list[str]:
    """How candidates are searched."""
    return one(incomplete, ("exact", "hnsw", "ivf"))


def representation(incomplete: str) -> list[str]:
    """What of an encoder stands for a text: the default, and forms of it with other poolings."""
    return one(incomplete, ("cls:12", "mean:14/24", "mean:14/24@specials=out"))


def what(incomplete: str) -> list[str]:
    """What `list` lists."""
    from robust_xtreme.catalogue import LISTS

    return one(incomplete, LISTS)


def look(incomplete: str) -> list[str]:
    """What `data` does."""
    return one(incomplete, ("check", "list"))


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


def _folders(incomplete: str) -> Sequence[str]:
    """Folders that begin so, in the words of the user; a path that would have to be quoted is left to the shell."""
    parent, slash, last = incomplete.rpartition("/")
    try:
        found = sorted(entry.name for entry in Path(parent + slash or ".").iterdir() if entry.is_dir())
    except OSError:
        return []
    hidden = last.startswith(".")
    names = (name for name in found if name.startswith(last) and name.startswith(".") == hidden)
    return [path for path in (f"{parent}{slash}{name}/" for name in names) if _SAFE.fullmatch(path)]
