"""Find members by name: each module of a kind's folder is a member, and entry points add those of other packages.

A package in the folder groups members under its name: `noise/members/nlpaug/_aug.py` is the perturbation
`nlpaug.keyboard`. A folder may name modules of several members, `MEMBERS` in its `__init__.py`: each of these is the
object of its name there. A kind may be one such module instead of a folder, as `attack/searches.py`. A name with other
signs than those of Python is that of an object with `_` in their place: the task `tatoeba@to=en` is `tatoeba_to_en`.
"""

import importlib
import pkgutil
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from functools import cache, partial
from importlib.metadata import EntryPoint, PackageNotFoundError, entry_points, version
from types import MappingProxyType
from typing import Any, Final

from robust_xtreme.core.errors import UnknownName, UserError

KINDS: Final = {
    "perturbation": ("noise.members", "noise", "list perturbations"),
    "scheme": ("noise.scripts.schemes", "schemes", "list perturbations"),
    "task": ("tasks.members", "tasks", "list tasks"),
    "intermediate": ("tasks.intermediate", "intermediate", "list intermediate"),
    "metric": ("tasks.metrics", "metrics", "list metrics"),
    "family": ("models.predictors.heads", "families", "list tasks"),
    "predictor": ("models.predictors.members", "predictors", "list tasks"),
    "view": ("report.views", "reporting", "report --help"),
    "search": ("attack.searches", "searches", "list perturbations"),
    "goal": ("attack.goals", "goals", "list tasks"),
    "constraint": ("attack.constraints", "constraints", "list perturbations"),
    "design": ("studies.designs", "designs", "study list"),
}
"""Of each kind the package that contains its members, below this one; the group of entry points, which does not change
where a folder is moved; and the command that lists the members."""

_added: Final[ContextVar[Mapping[tuple[str, str], Any]]] = ContextVar("added", default=MappingProxyType({}))
"""The members that only the current context knows, by kind and name."""


@contextmanager
def adding(kind: str, members: Iterable[Any]) -> Iterator[None]:
    """Know further members of a kind, by their names, within a context."""
    token = _added.set({**_added.get(), **{(kind, member.name): member for member in members}})
    try:
        yield
    finally:
        _added.reset(token)


def share() -> Callable[[], object]:
    """A function that a new thread calls first, to know the members that this context has added."""
    return partial(_added.set, _added.get())


@cache
def _external(kind: str) -> dict[str, EntryPoint]:
    return {point.name: point for point in entry_points(group=f"robust_xtreme.{KINDS[kind][1]}")}


def names(kind: str) -> tuple[str, ...]:
    """The members of one of KINDS, sorted, without importing any: those installed, and those of the context."""
    return tuple(sorted({*installed(kind), *(name for of, name in _added.get() if of == kind)}))


def installed(kind: str) -> tuple[str, ...]:
    """The members of a kind outside any context, sorted: ours, and entry points."""
    return tuple(sorted({*_ours(kind), *_external(kind)}))


@cache
def _ours(kind: str) -> Mapping[str, str]:
    """Our members of a kind, and the module of each."""
    return dict(_members(f"robust_xtreme.{KINDS[kind][0]}", ""))


def _members(package: str, group: str) -> Iterator[tuple[str, str]]:
    """The members in a package and their modules; those of packages in it by dotted names."""
    above, _, kind = package.rpartition(".")
    if of_module := _listed(above).get(kind):
        yield from ((name, package) for name in of_module)
        return
    folder = importlib.import_module(package)
    for module, several in _listed(package).items():
        yield from ((group + name, f"{package}.{module}") for name in several)
    for inner in pkgutil.iter_modules(folder.__path__):
        path = f"{package}.{inner.name}"
        if inner.ispkg:
            yield from _members(path, f"{group}{inner.name}.")
        elif inner.name not in _listed(package):
            yield group + inner.name, path


def _listed(package: str) -> Mapping[str, tuple[str, ...]]:
    """The members of the modules that a package names."""
    return getattr(importlib.import_module(package), "MEMBERS", {})


def load(kind: str, name: str) -> Any:
    """The member of that name: the object of that name in its module, for example `tasks.members.xnli.xnli` of ours.

    For `nlpaug.keyboard` it is `robust_xtreme.noise.members.nlpaug._aug.keyboard`. Our members are not replaced by
    another package's. Raises UnknownName with the nearest known name, or UserError where a third party's entry point
    does not load or gives something of another name.
    """
    added = _added.get()
    return added[kind, name] if (kind, name) in added else _installed(kind, name)


@cache
def _installed(kind: str, name: str) -> Any:
    if name in _ours(kind):  # the entry points of all packages are not read for it: several milliseconds
        return getattr(importlib.import_module(_ours(kind)[name]), re.sub(r"\W", "_", name.rpartition(".")[2]))
    if name not in _external(kind):
        called = "intermediate task" if kind == "intermediate" else kind
        raise UnknownName(called, name, names(kind), f"robust-xtreme {KINDS[kind][2]}")
    point = _external(kind)[name]
    try:
        member = point.load()
    except Exception as error:
        raise UserError(f"The {kind} {name!r} of {point.value!r} does not load: {error}") from error
    if getattr(member, "name", None) != name:
        raise UserError(f"The object {point.value!r} is not a {kind} named {name!r}.")
    return member


def learned(name: str) -> Any:
    """The task or intermediate task of that name, which a head can be trained for. Raises UnknownName."""
    kind = next((kind_name for kind_name in ("task", "intermediate") if name in names(kind_name)), None)
    if kind is None:
        known = (*names("task"), *names("intermediate"))
        raise UnknownName("task", name, known, "robust-xtreme list tasks, robust-xtreme list intermediate")
    return load(kind, name)


def version_of(package: str) -> str | None:
    """The version of an installed package; None where it is not installed."""
    try:
        return version(package)
    except PackageNotFoundError:
        return None
