"""The rows that `robust-xtreme list` prints, made from the members of the registry."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

from robust_xtreme import packs, registry
from robust_xtreme.errors import UnknownName
from robust_xtreme.languages import ALL_LANGUAGES, group_of, language
from robust_xtreme.noise.suites import names, suite

Row = dict[str, Any]


def rows(what: str) -> list[Row]:
    """One row of plain values for each member of `what`, a key of LISTS.

    Raises UnknownName for another word.
    """
    if what not in LISTS:
        raise UnknownName("list", what, LISTS, "robust-xtreme list --help")
    return LISTS[what]()


def _perturbations() -> list[Row]:
    return [_perturbation(registry.load("perturbation", name)) for name in registry.names("perturbation")]


def _perturbation(member: Any) -> Row:
    names = ("name", "summary", "unit", "kind", "strength", "operators", "parameters", "waives", "version")
    row = {name: plain(getattr(member, name)) for name in (*names, "rates", "refuses")}
    return {**row, "choices": {name: list(known()) for name, known in member.choices.items()}}


def served(code: str) -> list[Row]:
    """For each perturbation: whether it serves a language, why not, and which packs it uses.

    `counted` is true where every part of these packs is attested or derived, and every keyboard is named for the
    language by a source. Raises UnknownName.
    """
    language(code)
    return [_served(registry.load("perturbation", name), code) for name in registry.names("perturbation")]


def _served(member: Any, code: str) -> Row:
    why = member.lacks(code)
    used = {pack: packs.standings(pack, code) for pack in (() if why else member.packs(code))}
    return {
        "name": member.name,
        "served": not why,
        "why": why,
        "packs": {pack: _status_of(parts) for pack, parts in used.items()},
        "counted": not why and not any("authored" in parts.values() for parts in used.values()),
        "summary": member.summary,
    }


def _status_of(parts: Mapping[str, str]) -> str:
    """The standing of a pack as text, and of its parts whose standing differs."""
    if packs.CHOICE in parts:
        return "chosen, unreviewed"
    others = (part if part.endswith(whole) else f"{part} {whole}" for part, whole in parts.items() if part)
    return ", ".join((parts[""], *others))


def _suites() -> list[Row]:
    return [_suite(suite(name)) for name in names()]


def _suite(member: Any) -> Row:
    return {
        "name": member.name,
        "summary": member.summary,
        "specs": [str(spec) for spec in member.specs],
        "standing": member.standing,
    }


def _tasks() -> list[Row]:
    return [_task(registry.load("task", name)) for name in registry.names("task")]


def _task(task: Any) -> Row:
    return {
        "name": task.name,
        "summary": task.summary,
        "family": task.family,
        "groups": list(task.groups),
        "metrics": plain(task.metrics),
        "languages": plain(task.languages),
        "group_languages": plain(task.groups),
        "perturbed": [list(group) for group in task.perturbed],
        "accepts": plain(task.accepts),
        **_where(task),
        **{name: getattr(task, name) for name in ("licence", "rows", "official", "checked", "absent", "cite")},
    }


def _where(task: Any) -> Row:
    """The files of each split, and its data set on the hub."""
    return {
        "files": {split: plain(files.paths) for split, files in task.files.items()},
        "hub": {split: f"{files.repo}@{files.revision}" for split, files in task.hub.items()},
    }


def _intermediate() -> list[Row]:
    return [_intermediate_task(registry.load("intermediate", name)) for name in registry.names("intermediate")]


def _intermediate_task(task: Any) -> Row:
    """An intermediate task; a compound task has parts instead of files."""
    return {
        "name": task.name,
        "summary": task.summary,
        "family": task.family,
        "rows": task.rows,
        "trains": plain(task.trains),
        "parts": [_intermediate_task(part) for part in task.parts],
        "languages": plain(task.train_languages),
        "metrics": plain(task.metrics),
        "labels": plain(task.labels),
        "open_labels": task.open_labels,
        "perturbed": [list(group) for group in task.perturbed],
        **_where(task),
        **{name: getattr(task, name) for name in ("licence", "absent", "cite")},
    }


def _metrics() -> list[Row]:
    members = [registry.load("metric", name) for name in registry.names("metric")]
    return [
        {name: plain(getattr(member, name)) for name in ("name", "summary", "columns", "cite")} for member in members
    ]


def _languages() -> list[Row]:
    return [_language(code) for code in ALL_LANGUAGES]


def _language(code: str) -> Row:
    known = language(code)
    names = ("code", "name", "script", "family", "direction", "spaces", "standing", "source", "licence")
    facts = {name: getattr(known, name) for name in names}
    return {**facts, "letters": len(known.alphabet), "group": group_of(code)}


LISTS: Final[Mapping[str, Callable[[], list[Row]]]] = {
    "perturbations": _perturbations,
    "suites": _suites,
    "tasks": _tasks,
    "intermediate": _intermediate,
    "languages": _languages,
    "metrics": _metrics,
}
"""What can be listed, and the function that makes its rows."""


def plain(value: Any) -> Any:
    """A value in JSON types: mappings, lists, strings, numbers."""
    match value:
        case str() | int() | float() | None:
            return value
        case Mapping():
            return {str(key): plain(item) for key, item in value.items()}
        case tuple() | list():
            return [plain(item) for item in value]
        case set() | frozenset():
            return sorted(plain(item) for item in value)
        case _:
            return str(value)
