"""The rows that `robust-xtreme list` prints, made from the members of the registry."""

from collections.abc import Callable, Iterable, Mapping
from typing import Any, Final

from robust_xtreme.core import packs, registry
from robust_xtreme.core.errors import UnknownName
from robust_xtreme.core.languages import ALL_LANGUAGES, group_of, language
from robust_xtreme.noise.members.natural import note as natural_note
from robust_xtreme.noise.members.scripts import serving, transliterate
from robust_xtreme.noise.suites import names, suite

Row = dict[str, Any]


def rows(what: str) -> list[Row]:
    """One row of plain values for each member of `what`, a key of LISTS. Raises UnknownName for another word."""
    if what not in LISTS:
        raise UnknownName("list", what, (*LISTS, "studies"), "robust-xtreme list --help")
    return LISTS[what]()


def _members(kind: str) -> list[Any]:
    return [registry.load(kind, name) for name in registry.names(kind)]


def _values(member: Any, names: str) -> Row:
    """Fields of a member by their names, in JSON types."""
    return {name: plain(getattr(member, name)) for name in names.split()}


def _perturbation(member: Any) -> Row:
    names = "name summary unit kind strength operators parameters waives version rates refuses"
    return {
        **_values(member, names),
        "parameters": plain({**member.parameters, **member.settings}),
        "choices": {name: list(known()) for name, known in member.choices.items()},
    }


def served(code: str) -> list[Row]:
    """For each perturbation: whether it serves a language, why not, and which packs it uses.

    `schemes` are those of transliterate that serve it, also where the default one does not.
    `notes` says whether one of them is `borrowed` from other languages, a `thin` list, or computed from one.
    `counted` is true where every part of these packs is attested or derived, every keyboard is named for the language
    by a source, and no pack is borrowed. Raises UnknownName.
    """
    language(code)
    listed = []
    for member in _members("perturbation"):
        why = member.lacks(code)
        used = {pack: packs.standings(pack, code) for pack in (() if why else member.packs(code))}
        notes = {pack: note(member, pack, code) for pack in used}
        authored = any("authored" in parts.values() for parts in used.values())
        row = {
            "name": member.name,
            "served": not why,
            "why": why,
            "packs": {pack: ", ".join(filter(None, (_status_of(parts), notes[pack]))) for pack, parts in used.items()},
            "notes": sorted({*notes.values()} - {""}),
            "schemes": list(serving(code)) if member is transliterate else [],
            "counted": not why and not authored and "borrowed" not in notes.values(),
            "summary": member.summary,
        }
        listed.append(row)
    return listed


def note(member: Any, pack: str, code: str) -> str:
    """What to know of a pack: `borrowed`, `from a thin list`, or `thin`, so that suites leave the language out."""
    kind, _, name = pack.partition("/")
    if kind == "natural":
        return natural_note(name, code)
    return "thin" if member.thin(code) else ""


def noted(member: Any, languages: Iterable[str]) -> dict[str, list[str]]:
    """The languages with each note on a pack that a perturbation uses for them, sorted."""
    by_note: dict[str, set[str]] = {}
    for code in languages:
        for pack in () if member.lacks(code) else member.packs(code):
            by_note.setdefault(note(member, pack, code), set()).add(code)
    return {name: sorted(codes) for name, codes in sorted(by_note.items()) if name}


def _status_of(parts: Mapping[str, str]) -> str:
    """The standing of a pack as text, and of its parts whose standing differs."""
    if packs.CHOICE in parts:
        return "chosen, unreviewed"
    others = (part if part.endswith(whole) else f"{part} {whole}" for part, whole in parts.items() if part)
    return ", ".join((parts[""], *others))


def _task(task: Any) -> Row:
    return {
        **_values(task, "name summary family"),
        "groups": list(task.groups),
        **_values(task, "metrics languages"),
        "group_languages": plain(task.groups),
        **_values(task, "perturbed accepts"),
        **_where(task),
        **_values(task, "licence rows official checked absent cite"),
    }


def _intermediate(task: Any) -> Row:
    """An intermediate task; a compound task has parts instead of files."""
    return {
        **_values(task, "name summary family rows trains"),
        "parts": [_intermediate(part) for part in task.parts],
        "languages": plain(task.train_languages),
        **_values(task, "metrics labels open_labels perturbed"),
        **_where(task),
        **_values(task, "licence absent cite"),
    }


def _where(task: Any) -> Row:
    """The files of each split, and its data set on the hub."""
    return {
        "files": {split: plain(files.paths) for split, files in task.files.items()},
        "hub": {split: f"{files.repo}@{files.revision}" for split, files in task.hub.items()},
    }


def _language(code: str) -> Row:
    known = language(code)
    facts = _values(known, "code name script family direction spaces standing source licence")
    return {**facts, "letters": len(known.alphabet), "group": group_of(code)}


LISTS: Final[Mapping[str, Callable[[], list[Row]]]] = {
    "perturbations": lambda: [_perturbation(member) for member in _members("perturbation")],
    "suites": lambda: [_values(suite(name), "name summary specs standing") for name in names()],
    "tasks": lambda: [_task(task) for task in _members("task")],
    "intermediate": lambda: [_intermediate(task) for task in _members("intermediate")],
    "languages": lambda: [_language(code) for code in ALL_LANGUAGES],
    "metrics": lambda: [_values(metric, "name summary columns cite") for metric in _members("metric")],
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
