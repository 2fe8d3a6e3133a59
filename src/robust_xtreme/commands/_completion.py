"""What a shell completes: names of tasks, perturbations, languages, lists and models, after a comma too."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
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


def held(incomplete: str) -> list[str]:
    """Tasks, intermediate tasks and groups of them, in a list."""
    from robust_xtreme.groups import INTERMEDIATE
    from robust_xtreme.groups import names as groups
    from robust_xtreme.registry import names

    return listed(incomplete, [*names("task"), *groups(), *names("intermediate"), INTERMEDIATE])


def learned(incomplete: str) -> list[str]:
    """Tasks to learn, targets and intermediate ones, in a list."""
    from robust_xtreme.registry import names

    return listed(incomplete, [*names("task"), *names("intermediate")])


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


def folder(incomplete: str) -> list[str]:
    """A folder."""
    return list(_folders(incomplete))


def any_file(incomplete: str) -> list[str]:
    """Files of every kind, and folders."""
    return [*_paths(incomplete, Path.is_file), *_folders(incomplete)]


def file_format(incomplete: str) -> list[str]:
    """The format of a file that is perturbed."""
    return one(incomplete, ("conll", "conllu", "iob2", "jsonl", "lines", "squad", "tsv"))


def run_file(incomplete: str) -> list[str]:
    """The runs of `train` that ship with the program, the user's own files, and folders."""
    return [*one(incomplete, _shipped("train")), *_files(incomplete, ".toml"), *_folders(incomplete)]


def recipe(incomplete: str) -> list[str]:
    """How stages are trained where nothing else is said."""
    return one(incomplete, _shipped("recipes"))


def config(incomplete: str) -> list[str]:
    """Every file that `config` shows, by its name."""
    return one(incomplete, [name for kind in ("recipes", "train", "runs") for name in _shipped(kind)])


def config_verb(incomplete: str) -> list[str]:
    """What `config` does."""
    return one(incomplete, ("copy", "list", "show"))


def size(incomplete: str) -> list[str]:
    """The size of an encoder from scratch."""
    return one(incomplete, ("small", "tiny"))


def overlap(incomplete: str) -> list[str]:
    """What becomes of training data that evaluated splits contain."""
    return one(incomplete, ("allow", "drop", "refuse"))


def sampling(incomplete: str) -> list[str]:
    """How often each task is drawn."""
    return one(incomplete, ("capped:10000", "proportional", "temperature:2"))


def mixing(incomplete: str) -> list[str]:
    """Whether a step is of one task or of several."""
    return one(incomplete, ("batches", "steps"))


def control(incomplete: str) -> list[str]:
    """What is learned in place of the tasks."""
    return one(incomplete, ("masked_lm", "shuffled_labels"))


def select(incomplete: str) -> list[str]:
    """Which weights are kept."""
    return one(incomplete, ("dev", "none"))


def translated(incomplete: str) -> list[str]:
    """Where translated data come from."""
    return [*one(incomplete, ("hub", "seq2seq:")), *_folders(incomplete)]


def precision(incomplete: str) -> list[str]:
    """The numbers that are computed with."""
    return one(incomplete, ("bf16", "fp16", "fp32"))


def strategy(incomplete: str) -> list[str]:
    """How several devices work together."""
    return one(incomplete, ("auto", "ddp"))


def optimizer(incomplete: str) -> list[str]:
    """How weights are changed."""
    return one(incomplete, ("adamw", "adamw_fused"))


def schedule(incomplete: str) -> list[str]:
    """How the learning rate goes down."""
    return one(incomplete, ("constant", "cosine", "linear"))


def log(incomplete: str) -> list[str]:
    """Where the course of training is written."""
    return listed(incomplete, ("csv", "tensorboard"))


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
